"""Laptops as handover knows them: what they are, who has them, what stands in the way. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from hashlib import blake2b
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from services.handover.core import handovers, students
from services.handover.core.commands import (
    Block,
    Entrust,
    MoveHandover,
    Reconsider,
    Regard,
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
from shared.decisions import Claim, Decision, Said

CAUSES = ("repair", "loan", "theft", "loss")


class Laptop(Struct, frozen=True):
    """A laptop. `student`, `school`: who has it, since `placed_at`, by the event `placed_by`;
    neither, where a desk took it back; `holders`: every student who was given it; `ceded_to`: the
    student who owns it; `blocks`: what is open, as `<cause> <case> <event>`; `withdrawn`: events
    that hold no longer.
    """

    model: str | None = None
    acquired: bool = False
    student: str | None = None
    school: str | None = None
    placed_at: datetime | None = None
    holders: tuple[str, ...] = ()
    ceded_to: str | None = None
    blocks: tuple[str, ...] = ()
    handovers: dict[str, Handover] = {}
    withdrawn: tuple[str, ...] = ()
    placed_by: str | None = None

    @property
    def blocked_by(self) -> tuple[str, ...]:
        """The causes that stand in the way, each once."""
        found = {one.partition(" ")[0] for one in self.blocks}
        return tuple(cause for cause in CAUSES if cause in found)

    @property
    def ceding(self) -> tuple[str, Handover] | None:
        """The handover by which its student owns it; None where the region does."""
        mine = (
            (one.handed_over_at, number, one)
            for number, one in self.handovers.items()
            if one.student == self.ceded_to and one.handed_over_at and not one.returned_at
        )
        last = max(mine, key=lambda one: one[:2], default=None)
        return last[1:] if last else None

    @property
    def ceded_for_good(self) -> bool:
        """Whether it was ceded at the end of a handover, and not only given out."""
        return any(
            one.opened_at and one.state in (handovers.HANDED_OVER, handovers.STUDYING)
            for one in self.handovers.values()
            if one.student == self.ceded_to
        )

    @property
    def written_off(self) -> bool:
        """Whether nobody waits for it any longer, and nobody was given it since."""
        gone = (one for one in self.handovers.values() if one.state == handovers.WRITTEN_OFF)
        return any(not _since(self.placed_at, one.written_off_at) for one in gone)


def _since(at: datetime | None, then: datetime | None) -> bool:
    """Whether something came after something else."""
    return at is not None and then is not None and at > then


def live(now: Laptop, student: str | None = "") -> tuple[str, Handover] | None:
    """The handover in which something is still to be done, a student's or anybody's; None where
    there is none.
    """
    found = (
        (number, one)
        for number, one in now.handovers.items()
        if one.live and student in ("", one.student)
    )
    return max(found, key=lambda one: (str(one[1].opened_at), one[0]), default=None)


def release_due_at(now: Laptop, one: Handover) -> datetime | None:
    """When device management is to be asked next: not while something stands in the way."""
    return None if now.blocks else one.release_due_at


def is_anothers(now: Laptop, one: Handover, at: datetime) -> bool:
    """Whether somebody else has or owns it by then, and not the student of a handover."""
    if one.student in (now.student, now.ceded_to):
        return False
    since = [now.placed_at] if now.student else []
    since += [now.ceding[1].handed_over_at] if now.ceding else []
    return any(moment is not None and moment <= at for moment in since)


# -- what follows from what others say


def entrust(states: Mapping[str, Any], claim: Claim, command: Entrust) -> Decision:
    """Who has it, by the word of who says so."""
    key, student, school = claim.subject, command.student, command.school
    if school and (successor := states[school_key(school)].successor):
        school = successor
    told = handover.LaptopEntrusted(claim.event, student, school)
    if student and key not in states[student_key(student)].laptops:
        return ((key, told), (student_key(student), handover.StudentEquipped(key)))
    return ((key, told),)


def settle(policy: Policy, now: Laptop, key: str, event: str | None = None) -> Decision:
    """What it means who has it now. Whoever had it before hands nothing over; a laptop that was to
    come back, and is the school's again, came back; where ownership moves at hand-out, it moves.
    `event`: what says who has it, which takes along what comes of it.
    """
    mine = live(now, now.student)
    over = (
        (key, _over(now, number, one, event))
        for number, one in now.handovers.items()
        if one.live and (mine is None or number != mine[0])
    )
    return (*over, *_owned(policy, now, key, event))


def _over(
    now: Laptop, number: str, one: Handover, event: str | None
) -> handover.LaptopReturned | handover.HandoverCancelled:
    """How a handover ends that is not the one of who has the laptop."""
    if one.student == now.student:
        return handover.HandoverCancelled(number, "another-campaign")
    if one.asked_back_at and now.student is None and now.school:
        return handover.LaptopReturned(number, now.school, event)
    return handover.HandoverCancelled(number, "not-theirs")


def _owned(policy: Policy, now: Laptop, key: str, event: str | None) -> tuple[tuple[str, Any], ...]:
    """Where ownership moves when the laptop is handed out, it moves then, and back with it."""
    rule, student = policy.cession, now.student
    if rule.ownership != AT_HAND_OUT or now.ceded_for_good or now.ceded_to == student:
        return ()
    if student is None:
        return _given_back(now, key, event)
    if not now.acquired:
        return ()
    number = number_of(key, student, "", len(now.handovers))
    terms = (rule.legal_basis, rule.deliberation, rule.residual_value_cents)
    return ((key, handover.LaptopHandedOver(number, student, *terms)),)


def _given_back(now: Laptop, key: str, event: str | None) -> tuple[tuple[str, Any], ...]:
    """It is in stock again, or was never given out."""
    if now.ceding is None:
        return ()
    number, _ = now.ceding
    if now.school:
        return ((key, handover.LaptopReturned(number, now.school, event)),)
    return ((key, handover.HandoverCancelled(number, "not-theirs")),)


def follow_held(policy: Policy, after: Mapping[str, Any], claim: Claim) -> Iterable[Claim]:
    """What follows where it may have changed who has it, or whose it is."""
    now, command = after[claim.subject], claim.command
    if settle(policy, now, claim.subject):
        yield _settling(policy, now, claim)
    if isinstance(command, Withdraw) and now.student:
        yield _following(claim, claim.happened_at, Regard(now.student))
    student = command.student if isinstance(command, Entrust) else None
    if student is None or now.student != student:
        return
    known = after[student_key(student)]
    wanted = students.reconsider(student, known, policy)
    if wanted.way != STAY:  # somebody who leaves already
        at = max(claim.happened_at, known.called_at or claim.happened_at)
        yield _following(claim, at, wanted)


def _settling(policy: Policy, now: Laptop, claim: Claim) -> Claim:
    """What it means who has it: said of the event that says so, be it an older one that counts
    again, and gone with it. Ownership that moves again moves after it moved, whenever it is heard.
    """
    at, owned = claim.happened_at, now.ceding
    if owned and owned[1].handed_over_at and policy.cession.ownership == AT_HAND_OUT:
        at = max(at, owned[1].handed_over_at + timedelta.resolution)
    event = now.placed_by
    return _following(claim, at, Settle(event), f" {_mark(event)}" if event else "")


def _following(
    claim: Claim, at: datetime, command: Settle | Reconsider | Regard, mark: str = ""
) -> Claim:
    name = f"{type(command).__name__}{mark} {claim.party} {claim.id}"
    about = (handovers.OURS, name, claim.subject, at, command)
    return Claim(*about, stated=False, correlation=claim.correlation, trace=claim.trace)


def _mark(event: str) -> str:
    """An event as it stands in the names of what we concluded from it."""
    return blake2b(event.encode(), digest_size=8).hexdigest()


def move(now: Laptop, key: str, command: MoveHandover, to_school: str) -> Decision:
    """What is to be done, or lies there, is another school's."""
    return tuple(
        (key, handover.HandoverMoved(number, command.school, to_school))
        for number, one in now.handovers.items()
        if one.school == command.school and (one.live or one.state == handovers.RETURNED)
    )


def block(now: Laptop, claim: Claim, command: Block) -> Decision:
    """Each word for it is kept, so that one may be withdrawn and another still hold."""
    told = handover.HandoverBlocked(claim.event, command.blocked_by, command.case)
    return () if _open(told) in now.blocks else ((claim.subject, told),)


def unblock(claim: Claim, command: Unblock) -> Decision:
    """Said whatever is known to stand in the way: its beginning may be heard of later."""
    told = handover.HandoverUnblocked(claim.event, command.case, command.blocked_by)
    return ((claim.subject, told),)


def _open(told: handover.HandoverBlocked) -> str:
    return f"{told.blocked_by} {told.case} {told.event}"


def _without(blocks: Sequence[str], told: handover.HandoverUnblocked) -> tuple[str, ...]:
    """What still stands in the way. A loan ends by its own word alone: a case may be closed while
    its loaner is out.
    """
    kinds = (told.blocked_by,) if told.blocked_by else ("repair", "theft", "loss")
    gone = tuple(f"{kind} {told.case} " for kind in kinds)
    return tuple(one for one in blocks if not one.startswith(gone))


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
    return _known(now, said)


def _known(now: Laptop, said: Said) -> Laptop:
    match said.fact:
        case handover.LaptopEntered(model):
            return replace(now, model=model)
        case handover.LaptopAcquired():
            return replace(now, acquired=True)
        case handover.LaptopEntrusted() as told:
            return _placed(now, said.happened_at, told)
        case handover.HandoverBlocked() as told:
            return replace(now, blocks=tuple(sorted({*now.blocks, _open(told)})))
        case handover.HandoverUnblocked() as told:
            return replace(now, blocks=_without(now.blocks, told))
    return now


def _placed(now: Laptop, at: datetime, told: handover.LaptopEntrusted) -> Laptop:
    """Who has it. Counted and given out at one instant, it was given out."""
    student, school = told.student, told.school
    if student is None and now.student and now.placed_at == at:
        return now
    holders = tuple(sorted({*now.holders, student})) if student else now.holders
    here = school or (now.school if student else None)
    after = replace(now, student=student, school=here, holders=holders)
    return replace(after, placed_at=at, placed_by=told.event)


def _handed(now: Laptop, said: Said) -> Laptop:
    fact, number = said.fact, said.fact.handover
    if isinstance(fact, handover.LaptopReturned) and _gone(now, said):
        return now  # whoever owned it before does
    changed = handovers.evolve(now.handovers.get(number, Handover()), said)
    after = replace(now, handovers=now.handovers | {number: changed})
    match fact:
        case handover.LaptopHandedOver(student=student):
            return replace(after, ceded_to=student)
        case handover.HandoverCancelled() if now.ceding and now.ceding[0] == number:
            return replace(after, ceded_to=None if after.ceding is None else now.ceded_to)
        case handover.LaptopReturned(school=school, event=event) if _whose(now, changed):
            back = replace(after, student=None, school=school, ceded_to=None)
            return replace(back, placed_at=said.happened_at, placed_by=event)
    return after


def _gone(now: Laptop, said: Said) -> bool:
    """Whether we concluded it from an event that holds no longer."""
    marks = {_mark(event) for event in now.withdrawn}
    return said.source == handovers.OURS and not marks.isdisjoint(said.id.split(" ")[1:2])


def _whose(now: Laptop, one: Handover) -> bool:
    """Whether what is told of a handover is told of who has the laptop or owns it."""
    people = [name for name in (now.student, now.ceded_to) if name]
    return not people or one.student in ("", *people)


def as_it_counts(life: Sequence[Said]) -> list[Said]:
    """A life in order, with what was withdrawn first: it holds for what happened before, too."""
    return sorted(life, key=lambda said: not isinstance(said.fact, handover.HandoverFactWithdrawn))
