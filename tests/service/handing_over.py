"""A handover service in which there is something of everything, put there past Kafka."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from services.handover import core, store
from shared.contracts.handover import RELEASES
from shared.decisions import Claim
from shared.transact import LIMIT, Service, transact
from tests.builders import DAY, SCHOOL, STUDENTS, Running, a_claim, key_of

POLICY = core.read(Path("deploy/handover-policy.toml").read_text())
SERVICE = Service(core.core(POLICY), store.SHELVES)
YEAR = "2022-2023"
OPENS = datetime.fromisoformat("2023-05-02T08:00:00+02:00")
JUNE = datetime.fromisoformat("2023-06-20T10:00:00+02:00")
CAMPAIGN = {"campaign": "fin-2023", "school_year": YEAR, "opens_at": OPENS.isoformat()}


def student(number: int) -> str:
    """The student who has a laptop."""
    few = number < len(STUDENTS)
    return STUDENTS[number] if few else f"9f1b6d1e-0d4e-4a55-9a54-6e7f1c{number:06d}"


def known(numbers: Sequence[int]) -> list[Claim]:
    """What handover hears of laptops of students who finish."""
    claims = []
    for number in numbers:
        name = core.student_key(student(number))
        given = core.Entrust(student(number), SCHOOL)
        told: list[Any] = [core.Enter("HP 245 G8"), core.Acquire(), given]
        claims += [a_claim(key_of(number), one, id=type(one).__name__) for one in told]
        claims.append(a_claim(name, core.NoteStudent(SCHOOL, "term", YEAR), id="noted"))
    return claims


def campaign() -> list[Claim]:
    """A campaign that began in May."""
    opening = core.OpenCampaign("fin-2023", YEAR, OPENS, "CG3P, art. L.3212-2", "22CP-101", 0)
    key = core.campaign_key(YEAR)
    return [a_claim(key, opening, id="fin-2023", happened_at=OPENS, stated=False)]


def called(numbers: Sequence[int]) -> list[Claim]:
    return [
        a_claim(core.student_key(student(one)), core.CallUp(YEAR), id="fin-2023", happened_at=OPENS)
        for one in numbers
    ]


def number_of(number: int) -> str:
    """The number of a laptop's first handover in the campaign."""
    return core.number_of(key_of(number), student(number), YEAR, 0)


def acts(number: int, *commands: Any) -> list[Claim]:
    """What is asked of a laptop's handover, in June."""
    return [
        a_claim(key_of(number), one, id=f"{type(one).__name__} {place}", happened_at=JUNE)
        for place, one in enumerate(commands)
    ]


def as_far_as(number: int, state: str) -> list[Claim]:
    """The acts that bring a handover into a state."""
    name = number_of(number)
    steps: list[tuple[str, Sequence[Any]]] = [
        ("offered", [core.Offer(name, minor=False, school_year=YEAR)]),
        ("releasing", [core.Sign(name, minor=False, student_signed_at=JUNE)]),
        ("released", [core.NoteRelease(name, one) for one in RELEASES]),
        ("certified", [core.Certify(name, YEAR)]),
        ("handed-over", [core.HandOver(name, YEAR)]),
    ]
    if state == "return-asked":
        return acts(number, core.Refuse(name))
    if state == "returned":
        return acts(number, core.Refuse(name), core.Return(name, key_of(number)))
    last = [name for name, _ in steps].index(state)
    return acts(number, *(command for _, some in steps[: last + 1] for command in some))


def put(running: Running, claims: Sequence[Claim]) -> None:
    """Put claims through, past the service."""
    running.write(partial(take, claims=claims))


def take(connection: Connection, claims: Sequence[Claim]) -> None:
    """Put claims through in a transaction that is under way."""
    for start in range(0, len(claims), LIMIT):
        told = transact(connection, SERVICE, claims[start : start + LIMIT], DAY)
        refused = [one for one in told if one.verdict not in ("applied", "duplicate")]
        assert not refused, refused


def furnished(running: Running) -> dict[str, str]:
    """Laptops of four students: one to be offered, one offered, one certified, one to come back;
    the names that addresses have of them.
    """
    put(running, known(range(1, 5)))
    put(running, campaign())
    put(running, called(range(1, 5)))
    for number, state in ((2, "offered"), (3, "handed-over"), (4, "return-asked")):
        put(running, as_far_as(number, state))
    item = {"id": "a code", "happened_at": JUNE.isoformat()}
    asked = running.ask("region", "POST", f"/api/handovers/{number_of(2)}/code", json=item)
    word = asked.json()["mine"].rpartition("/")[2]
    certificate = f"{YEAR}-000001"
    return {"campaign": "fin-2023", "number": certificate, "word": word, "act": "offer"}
