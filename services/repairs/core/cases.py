"""Repair cases: what is told of one, which state it is in, how long it takes. Pure.

Real desks go from new to repaired in one step and reopen what is closed: both are legal, and no
report on a case is refused for its state.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from services.repairs.core.commands import ReportStep, Span
from services.repairs.core.policy import Policy
from shared.contracts import repairs
from shared.contracts.calendar import day_of, school_days_between
from shared.contracts.identifiers import department
from shared.decisions import Said

NEW, IN_REPAIR, WAITING, REPAIRED = "new", "in-repair", "waiting", "repaired"
BEYOND, RETURNED, SWAPPED, RECOVERED = "beyond-repair", "returned", "swapped", "recovered"
CLOSED = (RETURNED, SWAPPED, RECOVERED)
STATES = (NEW, IN_REPAIR, WAITING, REPAIRED, BEYOND, *CLOSED)
WAITING_ON = ("parts", "vendor", "user")
STOLEN, LOST = "theft", "loss"  # causes that say where a laptop is not
FIXED, END_OF_LIFE = 1, 3  # Open Repair Data Standard


class Case(Struct, frozen=True):
    """A case. `source` and `id`: who logged it, under which name; `stolen`: the laptop was, maybe
    long after; `spans`: its states, each from when on; `granted`: whether another laptop was;
    `loaner`: the laptop lent meanwhile.
    """

    desk: str = ""
    cause: str = ""
    source: str = ""
    id: str = ""
    state: str = ""
    opened_at: datetime | None = None
    stolen: bool = False
    fault: int | None = None
    recall: str | None = None
    waiting_on: str | None = None
    cover: str | None = None
    remedy: str | None = None
    rule: str | None = None
    granted: bool | None = None
    outcome: int | None = None
    barrier: int | None = None
    complaint: str | None = None
    filed_on: date | None = None
    loaner: str | None = None
    replaced_by: str | None = None
    reopened: int = 0
    spans: tuple[Span, ...] = ()

    @property
    def logged(self) -> bool:
        """Whether the incident that opened it stands; else it was withdrawn, or comes yet."""
        return self.opened_at is not None

    @property
    def open(self) -> bool:
        return self.logged and self.state not in CLOSED

    @property
    def begun_at(self) -> datetime | None:
        """When it was opened, or reopened last."""
        return max((span.at for span in self.spans if span.state == NEW), default=self.opened_at)

    @property
    def counts_as(self) -> str:
        """The cause by which it is decided: a theft during a repair is a theft."""
        return STOLEN if self.stolen else self.cause


# -- what may be told of a case


class Step(Struct, frozen=True):
    """A step of a case: the fields that it needs, those that it may have, and its fact."""

    fact: Callable[[ReportStep], Any]
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


STEPS: Mapping[str, Step] = {
    "start": Step(lambda told: repairs.RepairStarted(told.case)),
    "wait": Step(
        lambda told: repairs.RepairWaiting(told.case, told.waiting_on or ""), ("waiting_on",)
    ),
    "repair": Step(lambda told: repairs.LaptopRepaired(told.case, told.fault), may=("fault",)),
    "return": Step(
        lambda told: repairs.LaptopReturnedToUser(told.case, told.outcome), may=("outcome",)
    ),
    "beyond-repair": Step(
        lambda told: repairs.LaptopBeyondRepair(told.case, told.barrier, told.fault),
        may=("barrier", "fault"),
    ),
    "reopen": Step(lambda told: repairs.RepairReopened(told.case)),
    "theft": Step(lambda told: repairs.TheftReported(told.case)),
    "complaint": Step(
        lambda told: repairs.TheftConfirmed(
            told.case, told.complaint or "", told.filed_on or date.min
        ),
        ("complaint", "filed_on"),
    ),
    "recovery": Step(lambda told: repairs.LaptopRecovered(told.case)),
}


# -- evolve


def evolve(now: Case, said: Said) -> Case:
    """A case after a fact of it."""
    return _worked_on(now, said) or _decided(now, said.fact) or now


def _worked_on(now: Case, said: Said) -> Case | None:  # noqa: C901, PLR0911  a return for each fact
    match said.fact:
        case repairs.IncidentLogged():
            return _logged(now, said)
        case repairs.RepairStarted():
            return _entered(now, said, IN_REPAIR)
        case repairs.RepairWaiting(waiting_on=who):
            return _entered(now, said, WAITING, waiting_on=who)
        case repairs.LaptopRepaired(fault=fault):
            return _entered(now, said, REPAIRED, outcome=FIXED, fault=fault or now.fault)
        case repairs.LaptopBeyondRepair(barrier=barrier, fault=fault):
            ended = {"outcome": END_OF_LIFE, "barrier": barrier, "fault": fault or now.fault}
            return _entered(now, said, BEYOND, **ended)
        case repairs.LaptopReturnedToUser(outcome=outcome):
            told = now.outcome if outcome is None else outcome
            return _entered(now, said, RETURNED, outcome=told)
        case repairs.RepairReopened():
            again = {"reopened": now.reopened + 1, "outcome": None, "barrier": None}
            return _entered(now, said, NEW, **again)
        case repairs.LaptopSwapped(replaced_by=new):
            return _entered(now, said, SWAPPED, replaced_by=new)
        case repairs.LaptopRecovered():
            return replace(_entered(now, said, RECOVERED), stolen=False)
    return None


def _decided(now: Case, fact: object) -> Case | None:  # noqa: PLR0911  a return for each fact
    match fact:
        case repairs.WarrantyDecided(cover=cover, remedy=remedy, rule=rule):
            return replace(now, cover=cover, remedy=remedy, rule=rule)
        case repairs.ReplacementNeeded():
            return replace(now, granted=True)
        case repairs.ReplacementRefused():
            return replace(now, granted=False)
        case repairs.TheftReported():
            return replace(now, stolen=True)
        case repairs.TheftConfirmed(complaint=complaint, filed_on=filed_on):
            return replace(now, complaint=complaint, filed_on=filed_on)
        case repairs.LoanIssued(loaner=loaner):
            return replace(now, loaner=loaner)
        case repairs.LoanReturned(loaner=loaner) if loaner == now.loaner:
            return replace(now, loaner=None)
    return None


def _logged(now: Case, said: Said) -> Case:
    """What a case is about; a step that is dated earlier keeps the state that it gave."""
    told = {"desk": said.fact.desk, "cause": said.fact.cause, "recall": said.fact.recall}
    named = {"source": said.source, "id": said.id, "opened_at": said.happened_at}
    known = replace(now, **told, **named, fault=now.fault or said.fact.fault)
    return known if now.state else _entered(known, said, NEW)


def _entered(now: Case, said: Said, state: str, **changes: Any) -> Case:
    spans = (*now.spans, Span(said.happened_at, state if state != WAITING else _waiting(changes)))
    return replace(now, **{"waiting_on": None} | changes, state=state, spans=spans)


def _waiting(changes: Mapping[str, Any]) -> str:
    return f"{WAITING}-{changes['waiting_on']}"


# -- how long it takes


def turnaround(now: Case, school: str | None, policy: Policy, day: date) -> int:
    """School days that a case has taken until a day: from the incident to what ends the work, but
    for those on which it waited for whom the policy says.
    """
    pauses = {f"{WAITING}-{who}" for who in policy.turnaround.pauses}
    return sum(
        school_days_between(start, end, department(school))
        for state, start, end in _stretches(now, day)
        if state not in pauses and state not in (REPAIRED, BEYOND, *CLOSED)
    )


def _stretches(now: Case, day: date) -> Iterator[tuple[str, date, date]]:
    days = [*(day_of(span.at) for span in now.spans), day]
    for span, start, end in zip(now.spans, days, days[1:], strict=False):
        yield span.state, start, max(start, end)


def late(now: Case, taken: int, policy: Policy) -> bool:
    """Whether somebody has waited too long: the work is not done, and took more than it may."""
    working = now.open and now.state not in (REPAIRED, BEYOND)
    return working and taken > policy.turnaround.late_after
