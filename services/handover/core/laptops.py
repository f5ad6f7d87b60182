"""Laptops as handover knows them: what they are, who has them, what stands in the way. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from services.handover.core import handovers, students
from services.handover.core.commands import (
    Block,
    Entrust,
    MoveHandover,
    Reconsider,
    Settle,
    Unblock,
    Withdraw,
    school_key,
    student_key,
)
from services.handover.core.handovers import Handover, number_of
from services.handover.core.policy import AT_HAND_OUT, Policy
from services.handover.core.students import STAY
from shared.contracts import handover
from shared.contracts.calendar import day_of
from shared.decisions import Claim, Decision, Said

CAUSES = ("repair", "loan", "theft", "loss")


class Laptop(Struct, frozen=True):
    """A laptop. `student`, `school`: who has it; `ceded_to`: the student who owns it; `blocks`:
    what is open, as `<cause> <case>`; `withdrawn`: events that hold no longer.
    """

    model: str | None = None
    acquired: bool = False
    student: str | None = None
    school: str | None = None
    ceded_to: str | None = None
    blocks: tuple[str, ...] = ()
    handovers: dict[str, Handover] = {}
    withdrawn: tuple[str, ...] = ()

    @property
    def blocked_by(self) -> tuple[str, ...]:
        """The causes that stand in the way, each once."""
        found = {one.partition(" ")[0] for one in self.blocks}
        return tuple(cause for cause in CAUSES if cause in found)


def live(now: Laptop) -> tuple[str, Handover] | None:
    """The handover in which something is still to be done; None where there is none."""
    found = ((number, one) for number, one in now.handovers.items() if one.live)
    return max(found, key=lambda one: (str(one[1].opened_at), one[0]), default=None)


# -- what follows from what others say


def entrust(states: Mapping[str, Any], claim: Claim, command: Entrust) -> Decision:
    """Who has it, by the word of who says so."""
    key, student, school = claim.subject, command.student, command.school
    if school and (successor := states[school_key(school)].successor):
        school = successor
    told = handover.LaptopEntrusted(_event(claim), student, school)
    if student and key not in states[student_key(student)].laptops:
        return ((key, told), (student_key(student), handover.StudentEquipped(key)))
    return ((key, told),)


def settle(policy: Policy, now: Laptop, key: str) -> Decision:
    """What it means who has it now. Whoever had it before hands nothing over; a laptop that was to
    come back, and is the school's again, came back; where ownership moves at hand-out, it moves.
    """
    found = live(now)
    if found and found[1].student != now.student:
        number, one = found
        if one.asked_back_at and now.student is None:
            return ((key, handover.LaptopReturned(number, now.school or one.school)),)
        return ((key, handover.HandoverCancelled(number, "not-theirs")), *_owned(policy, now, key))
    return _owned(policy, now, key)


def _owned(policy: Policy, now: Laptop, key: str) -> tuple[tuple[str, Any], ...]:
    """Where ownership moves when the laptop is handed out, it moves then."""
    rule, student = policy.cession, now.student
    moves = rule.ownership == AT_HAND_OUT and now.acquired
    if not moves or student is None or now.ceded_to == student:
        return ()
    number = number_of(key, student, "", len(now.handovers))
    terms = (rule.legal_basis, rule.deliberation, rule.residual_value_cents)
    return ((key, handover.LaptopHandedOver(number, student, *terms)),)


def follow_held(policy: Policy, after: Mapping[str, Any], claim: Claim) -> Iterable[Claim]:
    """What follows where it may have changed who has it, or whose it is."""
    key, command = claim.subject, claim.command
    if settle(policy, after[key], key):
        yield _following(claim, claim.happened_at, Settle())
    student = command.student if isinstance(command, Entrust) else None
    if student is None or after[key].student != student:
        return
    known = after[student_key(student)]
    wanted = students.reconsider(student, known, policy)
    if wanted.way != STAY:  # somebody who leaves already
        at = max(claim.happened_at, known.called_at or claim.happened_at)
        yield _following(claim, at, wanted)


def _following(claim: Claim, at: datetime, command: Settle | Reconsider) -> Claim:
    name = f"{type(command).__name__} {claim.party} {claim.id}"
    about = ("handover", name, claim.subject, at, command)
    return Claim(*about, stated=False, correlation=claim.correlation, trace=claim.trace)


def reconsider(policy: Policy, now: Laptop, claim: Claim, command: Reconsider) -> Decision:
    """What became of its student means for it: to be offered, to come back, or neither."""
    if now.student != command.student:
        return ()
    found = live(now)
    mine = found if found and found[1].student == command.student else None
    match command.way:
        case students.STAY:
            return _stays(mine, claim.subject)
        case students.CEDE:
            return _ceded(now, mine, claim.subject, command)
    if now.ceded_to == command.student:
        return ()  # it is theirs
    return _comes_back(policy, now, mine, claim, command)


def _stays(mine: tuple[str, Handover] | None, key: str) -> Decision:
    return ((key, handover.HandoverCancelled(mine[0], "stays")),) if mine else ()


def _ceded(
    now: Laptop, mine: tuple[str, Handover] | None, key: str, command: Reconsider
) -> Decision:
    facts: list[tuple[str, Any]] = []
    if mine and mine[1].school_year in (command.school_year, None):
        return _moved(mine, key, command.school)
    if mine:
        facts.append((key, handover.HandoverCancelled(mine[0], "another-campaign")))
    return (*facts, (key, _opened(now, key, command)))


def _opened(now: Laptop, key: str, command: Reconsider) -> handover.HandoverOpened:
    year = command.school_year
    number = number_of(key, command.student, year or "", len(now.handovers))
    about = (command.student, command.school, command.leaving, command.campaign, year)
    return handover.HandoverOpened(number, *about)


def _moved(mine: tuple[str, Handover], key: str, school: str) -> Decision:
    number, one = mine
    if school in ("", one.school):
        return ()
    return ((key, handover.HandoverMoved(number, one.school, school)),)


def _comes_back(
    policy: Policy,
    now: Laptop,
    mine: tuple[str, Handover] | None,
    claim: Claim,
    command: Reconsider,
) -> Decision:
    """It goes back to the school that was attended last (a sister programme's rule)."""
    key = claim.subject
    if mine and mine[1].asked_back_at:
        return _moved(mine, key, command.school)
    due_on = day_of(claim.happened_at) + timedelta(days=policy.returns.days)
    if mine:
        return ((key, handover.ReturnAsked(mine[0], mine[1].school, due_on)),)
    told = _opened(now, key, command)
    asked = handover.ReturnAsked(told.handover, told.school, due_on)
    return ((key, told), (key, asked))


def move(now: Laptop, key: str, command: MoveHandover) -> Decision:
    """What is to be done, or lies there, is another school's."""
    return tuple(
        (key, handover.HandoverMoved(number, command.school, command.to_school))
        for number, one in now.handovers.items()
        if one.school == command.school and (one.live or one.state == handovers.RETURNED)
    )


def _event(claim: Claim) -> str:
    """What another service was told, so that it goes when that is withdrawn."""
    return f"{claim.party}: {claim.told_by}"


def block(now: Laptop, claim: Claim, command: Block) -> Decision:
    key = claim.subject
    told = handover.HandoverBlocked(_event(claim), command.blocked_by, command.case)
    return () if f"{command.blocked_by} {command.case}" in now.blocks else ((key, told),)


def unblock(now: Laptop, claim: Claim, command: Unblock) -> Decision:
    told = handover.HandoverUnblocked(_event(claim), command.case, command.blocked_by)
    return ((claim.subject, told),) if _without(now.blocks, told) != now.blocks else ()


def _without(blocks: Sequence[str], told: handover.HandoverUnblocked) -> tuple[str, ...]:
    """What still stands in the way. A loan ends by its own word alone: a case may be closed while
    its loaner is out.
    """
    kinds = (told.blocked_by,) if told.blocked_by else ("repair", "theft", "loss")
    gone = {f"{kind} {told.case}" for kind in kinds}
    return tuple(one for one in blocks if one not in gone)


def withdraw(now: Laptop, key: str, command: Withdraw) -> Decision:
    told = handover.HandoverFactWithdrawn(command.event)
    return () if command.event in now.withdrawn else ((key, told),)


# -- the day


def close_day(policy: Policy, now: Laptop, key: str, day: date) -> Decision:
    """What a day brings about for a laptop that is to come back: a reminder, or that it is late."""
    found = live(now)
    if found is None or found[1].due_on is None:
        return ()
    number, one = found
    due_on = found[1].due_on
    if due_on < day:
        return () if one.overdue else ((key, handover.ReturnOverdue(number, due_on)),)
    passed = [days for days in policy.returns.reminders if due_on - timedelta(days=days) <= day]
    if len(passed) <= one.reminded:
        return ()
    return ((key, handover.ReturnReminded(number, len(passed))),)


# -- evolve


def evolve(now: Laptop, said: Said) -> Laptop:
    """A laptop after one more fact."""
    fact = said.fact
    if hasattr(fact, "handover"):
        return _handed(now, said)
    if isinstance(fact, handover.HandoverFactWithdrawn):
        return replace(now, withdrawn=tuple(sorted({*now.withdrawn, fact.event})))
    if getattr(fact, "event", "") in now.withdrawn:
        return now
    return _known(now, fact)


def _known(now: Laptop, fact: object) -> Laptop:
    match fact:
        case handover.LaptopEntered(model):
            return replace(now, model=model)
        case handover.LaptopAcquired():
            return replace(now, acquired=True)
        case handover.LaptopEntrusted(student=student, school=school):
            return replace(now, student=student, school=school or now.school)
        case handover.HandoverBlocked(blocked_by=cause, case=case):
            return replace(now, blocks=tuple(sorted({*now.blocks, f"{cause} {case}"})))
        case handover.HandoverUnblocked() as told:
            return replace(now, blocks=_without(now.blocks, told))
    return now


def _handed(now: Laptop, said: Said) -> Laptop:
    fact = said.fact
    changed = handovers.evolve(now.handovers.get(fact.handover, Handover()), said)
    after = replace(now, handovers=now.handovers | {fact.handover: changed})
    match fact:
        case handover.LaptopHandedOver(student=student):
            return replace(after, ceded_to=student)
        case handover.LaptopReturned(school=school):
            return replace(after, student=None, school=school, ceded_to=None)
    return after


def as_it_counts(life: Sequence[Said]) -> list[Said]:
    """A life in order, with what was withdrawn first: it holds for what happened before, too."""
    return sorted(life, key=lambda said: not isinstance(said.fact, handover.HandoverFactWithdrawn))
