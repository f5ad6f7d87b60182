"""Repairs' rules: incidents, cases, who pays, loans, swaps, thefts, recalls. Pure.

What desks report is never refused for state; what they ask for (a decision, a loan, a swap) may be.
The policy is data: a core is made of it.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, assert_never

from services.repairs.core import folding, laptops, models, students
from services.repairs.core.cases import STATES, STEPS, WAITING_ON, Case, late, turnaround
from services.repairs.core.commands import (
    CloseDay,
    Command,
    DecideWarranty,
    Lend,
    LogIncident,
    LotDefects,
    NoteCession,
    NotePresence,
    NoteWarranty,
    Place,
    RecallLaptop,
    RecallModel,
    Register,
    ReportStep,
    ReturnLoan,
    SuspectDefect,
    Swap,
    TakeBack,
    Withdraw,
    case_of,
    case_of_claim,
    case_of_recall,
    model_key,
)
from services.repairs.core.laptops import Laptop, case_alike, rule_of
from services.repairs.core.models import Model, enough
from services.repairs.core.policy import COVERS, REMEDIES, Policy, Rule, read
from services.repairs.core.students import Student
from shared.contracts import repairs
from shared.contracts.identifiers import kind_of
from shared.decisions import Claim, Core, Decision, Folding, Said

__all__ = [
    "COVERS",
    "REMEDIES",
    "STATES",
    "STEPS",
    "WAITING_ON",
    "Case",
    "CloseDay",
    "Command",
    "DecideWarranty",
    "Laptop",
    "Lend",
    "LogIncident",
    "LotDefects",
    "Model",
    "NoteCession",
    "NotePresence",
    "NoteWarranty",
    "Place",
    "Policy",
    "RecallLaptop",
    "RecallModel",
    "Register",
    "ReportStep",
    "ReturnLoan",
    "Rule",
    "Student",
    "SuspectDefect",
    "Swap",
    "TakeBack",
    "Withdraw",
    "case_alike",
    "case_of",
    "case_of_claim",
    "case_of_recall",
    "core",
    "enough",
    "late",
    "model_key",
    "read",
    "rule_of",
    "turnaround",
]


def keys(command: Command) -> tuple[str, ...]:
    match command:
        case Lend(loaner=other) | ReturnLoan(loaner=other) | Swap(new=other):
            return (other,)
        case Register(model):
            return (model_key(model),)
    return ()


# -- decide


def decide(policy: Policy, states: Mapping[str, Any], claim: Claim) -> Decision:
    """Facts of one claim."""
    now, key = states[claim.subject], claim.subject
    match claim.command:
        case LogIncident() | ReportStep() | ReturnLoan() as report:
            return _told(now, claim, report)
        case Withdraw(party, event):
            held = holds(now, party, event)
            return ((key, repairs.CaseFactWithdrawn(party, event)),) if held else ()
        case CloseDay() as day:
            return laptops.close_day(now, key, day)
        case DecideWarranty() | Lend() | Swap() as asked:
            return _asked(policy, states, claim, asked)
        case RecallModel() | RecallLaptop() | SuspectDefect() as told:
            return _of_models(policy, now, key, told)
        case (
            Register() | NoteWarranty() | NoteCession() | NotePresence() | Place() | TakeBack()
        ) as heard:
            return _heard(states, claim, heard)
    assert_never(claim.command)


def _told(now: Laptop, claim: Claim, report: LogIncident | ReportStep | ReturnLoan) -> Decision:
    """What a desk reports, whatever is known."""
    match report:
        case LogIncident():
            return laptops.log(now, claim, report)
        case ReportStep(step=step):
            return ((claim.subject, STEPS[step].fact(report)),)
        case ReturnLoan(case, loaner):
            returned = repairs.LoanReturned(case, loaner)
            return ((claim.subject, returned), (loaner, repairs.LaptopBackFromLoan(case)))


def _asked(
    policy: Policy, states: Mapping[str, Any], claim: Claim, command: DecideWarranty | Lend | Swap
) -> Decision:
    if refused := laptops.not_ours(states[claim.subject], command.case):
        return refused
    match command:
        case DecideWarranty():
            return laptops.decide_warranty(states[claim.subject], claim, command, policy)
        case Lend():
            return laptops.lend(states, claim, command, policy)
        case Swap():
            return laptops.swap(states, claim, command, policy)


def _of_models(
    policy: Policy, now: Any, key: str, command: RecallModel | RecallLaptop | SuspectDefect
) -> Decision:
    match command:
        case RecallModel():
            return models.recall(now, key, command)
        case RecallLaptop():
            return laptops.recall(now, key, command)
        case SuspectDefect():
            return models.suspect(now, key, command, policy)


def _heard(
    states: Mapping[str, Any],
    claim: Claim,
    command: Register | NoteWarranty | NoteCession | NotePresence | Place | TakeBack,
) -> Decision:
    key = claim.subject
    match command:
        case Register(model, lot, school, supplier):
            registered = repairs.LaptopRegistered(model, lot, school, supplier)
            standing = models.recalls_of(states[model_key(model)], lot)
            return laptops.register(states[key], claim, registered, standing)
        case NoteWarranty():
            return laptops.note_warranty(states[key], key, command)
        case NoteCession():
            return laptops.note_cession(states[key], key, command)
        case Place():
            return laptops.place(key, command, claim.told_by)
        case TakeBack(event):
            return laptops.take_back(states[key], key, event)
        case NotePresence():
            return students.note(key, command)


# -- evolve


KINDS: Mapping[str, type] = {"laptop": Laptop, "model": Model, students.KIND: Student}


def start(key: str) -> Any:
    return KINDS[kind_of(key)]()


def evolve(now: Any, said: Said) -> Any:
    match now:
        case Model():
            return models.evolve(now, said.fact)
        case Student():
            return students.evolve(now, said)
    return folding.evolve(now, said)


RESTARTS = (repairs.CaseFactWithdrawn, repairs.PlacementWithdrawn)


def as_it_counts(life: Sequence[Said]) -> list[Said]:
    """A life in order, with what was withdrawn first: it holds for what happened before, too."""
    return sorted(life, key=lambda said: not isinstance(said.fact, RESTARTS))


def holds(now: Any, party: str, event: str) -> bool:
    """Whether an event of a party was not withdrawn."""
    return not isinstance(now, Laptop) or f"{party} {event}" not in now.withdrawn


def waits(states: Mapping[str, Any], claim: Claim) -> str:
    """An incident of a laptop that no list named is kept, and joins the laptop by itself."""
    told = isinstance(claim.command, LogIncident | ReportStep | ReturnLoan)
    unknown = told and states[claim.subject].model is None
    return "laptop-not-announced" if unknown else ""


def core(policy: Policy) -> Core:
    """Repairs' core under a policy."""
    return Core(
        publisher="repairs",
        commands=Command,
        facts=repairs.Fact,
        folding=Folding(
            repairs.RANK,
            evolve,
            start,
            stands=as_it_counts,
            restarts=RESTARTS,
        ),
        keys=keys,
        decide=partial(decide, policy),
        waits=waits,
        holds=holds,
    )
