"""What repairs shows of laptops, cases and a desk's work: the shapes, for calls and pages."""

from collections.abc import Mapping
from datetime import date, datetime

from msgspec import Struct


class CaseShown(Struct, frozen=True):
    """A case. `school_days`: how long it took, or takes; `late`: longer than it may;
    `replacement`: needed or refused, once that was decided; `student_left_at`: when whoever has the
    laptop left, while the case is open, for its own desk, the region and ops; `text`: as it was
    logged.
    """

    case: str
    laptop: str
    model: str | None
    lot: str | None
    school: str | None
    desk: str
    cause: str
    fault: int | None
    state: str
    open: bool
    waiting_on: str | None
    opened_at: datetime | None
    since: datetime | None
    school_days: int
    late: bool
    cover: str | None
    remedy: str | None
    rule: str | None
    replacement: str | None
    outcome: int | None
    barrier: int | None
    stolen: bool
    complaint: str | None
    filed_on: date | None
    loaner: str | None
    replaced_by: str | None
    recall: str | None
    reopened: int
    student_left_at: datetime | None = None
    text: str | None = None


class LaptopShown(Struct, frozen=True):
    """A laptop as a desk may see it: nothing of who holds it. `under_warranty`: today."""

    laptop: str
    model: str | None
    lot: str | None
    school: str | None
    warranty_from: date | None
    warranty_to: date | None
    under_warranty: bool
    lent_for: str | None
    stands_in_for: str | None
    due_on: date | None
    overdue: bool
    replaced_by: str | None
    replaces: str | None
    cases: list[CaseShown]


class PoolShown(Struct, frozen=True):
    """A school's pool: what could be lent, and what is."""

    school: str
    free: list[str]
    free_total: int
    lent: list[LaptopShown]


class LotShown(Struct, frozen=True):
    """How many laptops of a lot there are, how many cases, and how many of those are defects."""

    model: str
    lot: str
    laptops: int
    cases: int
    defects: int
    suspected: bool


class Wanted(Struct, frozen=True):
    """Which of the open cases are shown; "" for all. `state`; `waiting`: on what; `late`: those
    alone that take too long.
    """

    state: str = ""
    waiting: str = ""
    late: str = ""

    def has(self, case: CaseShown) -> bool:
        return (
            self.state in ("", case.state)
            and self.waiting in ("", case.waiting_on)
            and (case.late or not self.late)
        )


class Board(Struct, frozen=True):
    """A desk's work, or all desks' (`desk`: ""): open cases by state, and of those that wait on
    what; `late`: how many take too long; `overdue`: loans; `cases`: those that were asked for, that
    take too long first.
    """

    desk: str
    states: Mapping[str, int]
    waiting: Mapping[str, int]
    late: int
    overdue: int
    cases: list[CaseShown]
    loans: list[LaptopShown]
    failures: list[LotShown]
