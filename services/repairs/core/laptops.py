"""Laptops as repairs knows them: what they are, their cases, loans, swaps. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from msgspec import Struct

from services.repairs.core import cases
from services.repairs.core.cases import LOST, STOLEN, Case
from services.repairs.core.commands import (
    CloseDay,
    DecideWarranty,
    Lend,
    LogIncident,
    NoteCession,
    NoteWarranty,
    Place,
    RecallLaptop,
    Swap,
    case_of_claim,
    case_of_recall,
)
from services.repairs.core.policy import Policy, Question, Rule, hangs_on_warranty, rule_for
from shared.contracts import repairs
from shared.contracts.calendar import day_of
from shared.decisions import Claim, Decision, Refusal


class Laptop(Struct, frozen=True):
    """A laptop. `school`, `student`: whom it is given back to, since `placed_at`; `here`: a school
    had it; `ceded_to`: the student who owns it, since `ceded_at`; `lent_for`: the case during which
    it is lent, until `due_on` as agreed; `overdue_days`: when it was due, of each time that it was
    told overdue; `open_cases`: how many; `withdrawn`: events that hold no longer.
    """

    model: str | None = None
    lot: str | None = None
    school: str | None = None
    supplier: str | None = None
    student: str | None = None
    placed_at: datetime | None = None
    here: bool = False
    warranty_from: date | None = None
    warranty_to: date | None = None
    lent_for: str | None = None
    stands_in_for: str | None = None
    due_on: str | None = None
    overdue: bool = False
    overdue_days: tuple[str, ...] = ()
    replaced_by: str | None = None
    replaces: str | None = None
    ceded_to: str | None = None
    ceded_at: datetime | None = None
    open_cases: int = 0
    cases: dict[str, Case] = {}
    withdrawn: tuple[str, ...] = ()

    @property
    def due(self) -> date | None:
        """The day on which a laptop on loan is to come back."""
        return date.fromisoformat(self.due_on) if self.due_on else None


# -- what follows from what others say


def register(
    now: Laptop, claim: Claim, fact: repairs.LaptopRegistered, recalls: Sequence[str]
) -> Decision:
    """What it is; and the cases of the recalls that stand for its lot, unless it is ceded."""
    key, known = claim.subject, (now.model, now.lot) == (fact.model, fact.lot)
    facts: list[tuple[str, Any]] = [] if known else [(key, fact)]
    standing = () if now.ceded_to else recalls
    missed = (one for one in standing if case_of_recall(one, key) not in now.cases)
    return (*facts, *((key, recalled(one, "region", key)) for one in missed))


def note_warranty(now: Laptop, key: str, command: NoteWarranty) -> Decision:
    noted = repairs.WarrantyNoted(command.warranty_from, command.warranty_to)
    return () if now.warranty_from == command.warranty_from else ((key, noted),)


def place(key: str, command: Place, event: str) -> Decision:
    return ((key, repairs.LaptopPlaced(command.school, command.student, event or None)),)


def take_back(now: Laptop, key: str, event: str) -> Decision:
    known = heard_as(event) in now.withdrawn
    return () if known else ((key, repairs.PlacementWithdrawn(event)),)


def heard_as(event: str) -> str:
    """An event of delivery among the withdrawn: a party may use one id with two services."""
    return f"delivery: {event}"


def note_cession(now: Laptop, key: str, command: NoteCession) -> Decision:
    """Whose it is now. A return that came of a scan is noted whatever is known: it holds when an
    earlier one is withdrawn.
    """
    same = now.ceded_to == command.student and not command.event
    return (
        ()
        if same or command.event in now.withdrawn
        else ((key, repairs.LaptopCeded(command.student, command.event)),)
    )


# -- incidents


def log(now: Laptop, claim: Claim, command: LogIncident) -> Decision:
    """An incident is not refused for state, for a laptop that nobody knows may be broken too; but
    what its student owned by then is the student's affair.
    """
    if _theirs(now, claim.happened_at):
        return _owned_by_student("/laptop")
    case, key = case_of_claim(claim), claim.subject
    logged = repairs.IncidentLogged(case, command.desk, command.cause, command.fault)
    if command.cause == STOLEN:
        return ((key, logged), (key, repairs.TheftReported(case)))
    if command.cause == LOST:
        return ((key, logged), (key, repairs.LossReported(case)))
    return ((key, logged),)


def _theirs(now: Laptop, at: datetime | None) -> bool:
    """Whether a student owned it by then."""
    return now.ceded_at is not None and at is not None and at >= now.ceded_at


def _owned_by_student(field: str) -> Refusal:
    theirs = "it was handed over: its student owns it, and has it mended"
    return Refusal("owned-by-student", theirs, field)


def not_ours(now: Laptop, number: str) -> Refusal | None:
    """Why nothing is decided, lent or exchanged for a case; None where it may be. A desk may tell
    that one was reopened after the laptop was ceded: that is kept, and costs the region nothing.
    """
    begun = now.cases.get(number, Case()).begun_at
    return _owned_by_student("/case") if _theirs(now, begun) else None


def case_alike(now: Laptop, claim: Claim) -> str:
    """The case that the same incident opened under another id; "" where there is none."""
    said = claim.command
    told = (claim.party, claim.happened_at, said.desk, said.cause)
    alike = [
        number
        for number, one in now.cases.items()
        if (one.source, one.opened_at, one.desk, one.cause) == told
    ]
    first = (number for number in alike if now.cases[number].fault == said.fault)
    return next(first, alike[0] if alike else "")


def recall(now: Laptop, key: str, command: RecallLaptop) -> Decision:
    """Of what its student owns nothing is asked."""
    case = case_of_recall(command.recall, key)
    return (
        ()
        if case in now.cases or now.ceded_to
        else ((key, recalled(command.recall, command.desk, key)),)
    )


def recalled(recall: str, desk: str, key: str) -> repairs.IncidentLogged:
    case = case_of_recall(recall, key)
    return repairs.IncidentLogged(case, desk, "recall", recall=recall)


# -- decisions on a case


def rule_of(now: Laptop, number: str, policy: Policy, day: date) -> Rule:
    """The rule of the policy for a case, on a day."""
    return rule_for(policy, question(now, number, day))


def question(now: Laptop, number: str, day: date) -> Question:
    """What the policy is asked about a case; `times` counts the laptop's cases of that cause in the
    order in which they were opened, without what was found again.
    """
    case = now.cases.get(number, Case())
    opened = [
        (one.opened_at, name)
        for name, one in now.cases.items()
        if one.counts_as == case.counts_as and one.opened_at and one.state != cases.RECOVERED
    ]
    times = sum(1 for one in opened if case.opened_at and one <= (case.opened_at, number))
    return Question(
        cause=case.counts_as,
        times=max(times, 1),
        day=day_of(case.opened_at) if case.opened_at else day,
        warranty_from=now.warranty_from,
        warranty_to=now.warranty_to,
        complaint=case.complaint is not None,
    )


def decide_warranty(now: Laptop, claim: Claim, command: DecideWarranty, policy: Policy) -> Decision:
    """Who pays and what is done; and whether there is another laptop, where that is asked."""
    case, day = now.cases.get(command.case, Case()), day_of(claim.happened_at)
    undecided = hangs_on_warranty(policy, question(now, command.case, day))
    if undecided and not (command.cover and command.remedy):
        unknown = "the laptop is not admitted, so no warranty is known: the region may say who pays"
        return Refusal("warranty-unknown", unknown, "/case")
    rule = rule_of(now, command.case, policy, day)
    beyond = case.state == cases.BEYOND
    remedy = command.remedy or (rule.beyond_repair if beyond else rule.remedy)
    cover = command.cover or rule.cover
    name = rule.name if command.cover is None and command.remedy is None else "as-decided"
    granted = remedy == "replace"
    if (case.cover, case.remedy, case.rule) == (cover, remedy, name):
        return ()
    key = claim.subject
    facts: list[tuple[str, Any]] = [
        (key, repairs.WarrantyDecided(command.case, cover, remedy, name))
    ]
    if granted and case.granted is not True:
        needed = repairs.ReplacementNeeded(command.case, case.counts_as, now.model, now.school)
        facts.append((key, needed))
    elif not granted and (beyond or case.counts_as in (STOLEN, LOST)) and case.granted is not False:
        facts.append((key, repairs.ReplacementRefused(command.case, name)))
    return tuple(facts)


def lend(  # noqa: PLR0911  a return for each refusal
    states: Mapping[str, Laptop], claim: Claim, command: Lend, policy: Policy
) -> Decision:
    """Another laptop for the time of a repair."""
    now, other, key = states[claim.subject], states[command.loaner], claim.subject
    case = now.cases.get(command.case, Case())
    prolonged, day = case.loaner == command.loaner, day_of(claim.happened_at)
    anew = other.overdue and (command.due_on or date.min) >= day  # to somebody who left
    if prolonged and command.due_on in (None, other.due) and not anew:
        return ()
    rule = rule_of(now, command.case, policy, day)
    if not rule.loan:
        return Refusal("no-loan", f"rule {rule.name} of the policy lends none", "/case")
    if not case.open:
        return Refusal("case-closed", "the case is closed: reopen it first", "/case")
    if case.loaner and not prolonged:
        return Refusal("loan-open", f"{case.loaner} is lent for it: take it back first", "/case")
    if not prolonged and (refused := _not_free(other, key, command.loaner, "/loaner")):
        return refused
    due_on = command.due_on or day + timedelta(days=policy.loans.days)
    if due_on < day:
        return Refusal("due-before", "it is due before it is lent", "/due_on")
    return (
        (key, repairs.LoanIssued(command.case, command.loaner, due_on)),
        (command.loaner, repairs.LaptopLent(command.case, key, due_on)),
    )


def swap(states: Mapping[str, Laptop], claim: Claim, command: Swap, policy: Policy) -> Decision:
    """Another laptop for good. What is brought has to be what is recorded."""
    now, other, key = states[claim.subject], states[command.new], claim.subject
    if command.returned != key:
        return Refusal(
            "another-serial",
            f"{command.returned} was brought and {key} is recorded: look for the right one",
            "/returned",
        )
    if now.replaced_by == command.new:
        return ()
    if now.replaced_by:
        return Refusal("already-swapped", f"{now.replaced_by} took its place already", "/case")
    if refused := _may_swap(now, command.case) or _not_free(other, key, command.new, "/new"):
        return refused
    carried = now.warranty_to if policy.swaps.warranty_carries else None
    swapped = repairs.LaptopSwapped(command.case, command.new, now.student, now.school)
    given = repairs.LaptopGivenInSwap(command.case, key, now.student, now.school, carried)
    return ((key, swapped), (command.new, given))


def _may_swap(now: Laptop, number: str) -> Refusal | None:
    """Why a case is no reason for another laptop; None where it is. A laptop that is lost or stolen
    is replaced only where the policy grants it.
    """
    case = now.cases.get(number, Case())
    if not case.open:
        return Refusal("case-closed", "the case is closed: reopen it first", "/case")
    if case.counts_as in (STOLEN, LOST) and not case.granted:
        ask = "no other laptop is granted: ask for a warranty decision first"
        return Refusal("not-granted", ask, "/case")
    return None


def _not_free(other: Laptop, key: str, name: str, field: str) -> Refusal | None:
    """Why a laptop cannot be given to somebody; None where it can."""
    if name == key:
        return Refusal("same-laptop", f"{name} is the laptop of the case itself", field)
    taken = (
        (other.lent_for, "lent-already", "is lent already"),
        (other.student, "with-a-student", "is a student's"),
        (other.open_cases, "open-case", "has an open case of its own"),
        (other.replaced_by, "replaced", "was replaced"),
    )
    for is_so, code, why in taken:
        if is_so:
            return Refusal(code, f"{name} {why}: take another one", field)
    return None


def close_day(now: Laptop, key: str, command: CloseDay) -> Decision:
    """A loan that was due before this day is overdue; to somebody who left it is due then, until it
    is prolonged or he is back.
    """
    if not now.lent_for or now.due is None:
        return ()
    left_on, ahead = command.left_on, now.due >= command.day
    if now.overdue:
        # Where its own day was over once, a day before that begins anew: the clock was set back.
        back = ahead and left_on is None and str(now.due) not in now.overdue_days
        return ((key, repairs.LoanDueAgain(now.lent_for, now.due)),) if back else ()
    if left_on and left_on < min(now.due, command.day) and str(left_on) not in now.overdue_days:
        return ((key, repairs.LoanOverdue(now.lent_for, left_on, left=True)),)
    return () if ahead else ((key, repairs.LoanOverdue(now.lent_for, now.due)),)
