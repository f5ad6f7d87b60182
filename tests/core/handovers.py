"""A laptop's handover as tests of its rules begin from: known, open, signed … handed over."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from services.handover import core
from services.handover.core import (
    Acquire,
    CallUp,
    Certify,
    Enter,
    Entrust,
    HandOver,
    NoteRelease,
    NoteStudent,
    Offer,
    OpenCampaign,
    Refuse,
    Sign,
    Withdraw,
    campaign_key,
    student_key,
)
from shared.contracts import handover
from shared.decisions import Claim, Core, Decision, Refusal, Said, fold, play
from tests.builders import DAY, SCHOOL, STUDENTS, a_claim, key_of

POLICY = core.read(Path("deploy/handover-policy.toml").read_text())
CORE = core.core(POLICY)
YEAR, NEXT = "2022-2023", "2023-2024"
OPENS = datetime(2023, 5, 2, 6, tzinfo=UTC)
JUNE = datetime(2023, 6, 20, 8, tzinfo=UTC)
HOUR, DAYS = timedelta(hours=1), timedelta(days=1)
ADA, BOB = STUDENTS[:2]
AT_SCHOOL = f"school:{SCHOOL}"
Past = dict[str, list[Said]]


def asked(
    command: Any, at: datetime = JUNE, *, key: str = "", by: str = AT_SCHOOL, id: str = ""
) -> Claim:
    name = id or f"{type(command).__name__} {at.isoformat()}"
    return a_claim(key or key_of(), command, party=by, id=name, happened_at=at)


def after(past: Past, *claims: Claim, rules: Core = CORE) -> Past:
    """The past, with what was decided on claims and what followed from them."""
    for claim in claims:
        past = _decided(past, claim, rules)
    return past


def _decided(past: Past, claim: Claim, rules: Core) -> Past:
    decided = play(rules, past, claim)
    assert not isinstance(decided, Refusal), decided
    before, past = past, {key: list(life) for key, life in past.items()}
    for key, fact in decided:
        said = Said(fact, claim.happened_at, claim.party, claim.id)
        past.setdefault(key, []).append(said)
    if decided:
        for one in rules.follow(states(before, claim), states(past, claim), claim):
            past = _decided(past, one, rules)
    return past


def states(past: Past, claim: Claim) -> dict[str, Any]:
    names = (claim.subject, *CORE.keys(claim.command))
    return {name: fold(CORE.folding, name, past.get(name, ()))[0] for name in names}


def of(past: Past, key: str = "") -> Any:
    return fold(CORE.folding, key or key_of(), past.get(key or key_of(), ()))[0]


def only(past: Past, key: str = "") -> tuple[str, core.Handover]:
    ((number, one),) = of(past, key).handovers.items()
    return number, one


def facts(decision: Decision) -> list[Any]:
    assert not isinstance(decision, Refusal), decision
    return [fact for _, fact in decision]


def refused(decision: Decision) -> str:
    assert isinstance(decision, Refusal), decision
    return decision.code


def given(student: str | None = ADA, at: datetime = DAY, **more: Any) -> Claim:
    event = f"{AT_SCHOOL} given {at.isoformat()}"
    return told(Entrust(student, SCHOOL), event, at, by="delivery", **more)


def told(command: Any, event: str, at: datetime, by: str = "repairs", **more: Any) -> Claim:
    """What another service says because it was told this event, `<party> <id>`."""
    return replace(asked(command, at, by=by, **more), told_by=event)


def withdrawn(claim: Claim, at: datetime = JUNE + 2 * HOUR) -> Claim:
    """What another service says when the event of a claim is withdrawn."""
    event = f"{claim.party}: {claim.told_by}"
    return asked(Withdraw(event), at, by=claim.party, id=f"void {event}")


def noted(level: str, year: str = YEAR, at: datetime = DAY, **more: Any) -> Claim:
    told = {"school": SCHOOL, "left": None} | more
    command = NoteStudent(level=level, school_year=year, **told)
    return asked(command, at, key=student_key(ADA), by="enrolment")


def left(reason: str, at: datetime = JUNE) -> Claim:
    return noted("term", left=reason, at=at)


def campaign(year: str = YEAR, **changes: Any) -> Claim:
    terms: dict[str, Any] = {
        "legal_basis": "CG3P",
        "deliberation": "22CP-1",
        "residual_value_cents": 0,
    }
    opening: dict[str, Any] = {"campaign": f"c{year}", "school_year": year, "opens_at": OPENS}
    opening |= terms | changes
    return asked(OpenCampaign(**opening), OPENS, key=campaign_key(year), by="region")


def called(year: str = YEAR) -> Claim:
    return asked(CallUp(year), OPENS, key=student_key(ADA), by="region")


KNOWN = after(
    {},
    asked(Enter("HP 245 G8"), DAY, by="ordering"),
    asked(Acquire(), DAY, by="ordering"),
    given(at=DAY),
    noted("term", at=DAY),
)
OPEN = after(KNOWN, campaign(), called())
NUMBER, _ = only(OPEN)


def offer(at: datetime = JUNE, minor: bool = False) -> Claim:
    return asked(Offer(NUMBER, minor, YEAR), at)


def sign(at: datetime = JUNE, minor: bool = False, guardian: bool = False) -> Claim:
    return asked(Sign(NUMBER, minor, at, at if guardian else None), at)


def release(name: str, failure: str = "", at: datetime = JUNE) -> Claim:
    return asked(NoteRelease(NUMBER, name, failure), at, by="management", id=f"{name} {at}")


SIGNED = after(OPEN, offer(), sign())
RELEASED = after(SIGNED, *(release(name) for name in handover.RELEASES))
CERTIFIED = after(RELEASED, asked(Certify(NUMBER, YEAR)))
HANDED_OVER = after(CERTIFIED, asked(HandOver(NUMBER, YEAR)))
ASKED_BACK = after(OPEN, asked(Refuse(NUMBER)))
