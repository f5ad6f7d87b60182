"""What repairs shows, read from its tables."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import Connection

from services.repairs import core, store
from services.repairs.shown import Board, CaseShown, LaptopShown, LotShown, Wanted
from services.repairs.store import Found
from shared.access import role
from shared.contracts.calendar import day_of


@dataclass(frozen=True)
class Desk:
    """What telling needs beside the tables: the policy, the present moment, and who looks."""

    policy: core.Policy
    now: Callable[[], datetime]
    party: str = ""

    def seen_by(self, party: str) -> "Desk":
        return replace(self, party=party)

    def may_know_of_student(self, case: core.Case) -> bool:
        """Whether who looks is told of the student of a case: its own desk, region and ops."""
        mine = role(self.party) in ("region", "ops") or self.party == f"desk:{case.desk}"
        return mine and case.open

    @property
    def today(self) -> date:
        return day_of(self.now())


REPLACEMENT = {True: "needed", False: "refused", None: None}


def case_shown(desk: Desk, found: Found, text: str | None = None) -> CaseShown:
    case = found.case
    taken = core.turnaround(case, found.school, desk.policy, desk.today)
    return CaseShown(
        case=found.number,
        laptop=found.laptop,
        model=found.model,
        lot=found.lot,
        school=found.school,
        desk=case.desk,
        cause=case.cause,
        fault=case.fault,
        state=case.state,
        open=case.open,
        waiting_on=case.waiting_on,
        opened_at=case.opened_at,
        since=case.spans[-1].at if case.spans else None,
        school_days=taken,
        late=core.late(case, taken, desk.policy),
        cover=case.cover,
        remedy=case.remedy,
        rule=case.rule,
        replacement=REPLACEMENT[case.granted],
        outcome=case.outcome,
        barrier=case.barrier,
        stolen=case.stolen,
        complaint=case.complaint,
        filed_on=case.filed_on,
        loaner=case.loaner,
        replaced_by=case.replaced_by,
        recall=case.recall,
        reopened=case.reopened,
        student_left_at=found.left_at if desk.may_know_of_student(case) else None,
        text=text,
    )


def found_of(key: str, laptop: core.Laptop, left_at: datetime | None = None) -> list[Found]:
    """The cases of a laptop, as they are found; `left_at`: when its student left."""
    return [
        Found(number, key, laptop.school, laptop.model, laptop.lot, case, left_at)
        for number, case in laptop.cases.items()
    ]


def card(connection: Connection, desk: Desk, key: str) -> tuple[LaptopShown, dict[str, core.Rule]]:
    """A laptop with what was written of its cases; and what the policy says of each."""
    laptop = store.laptop(connection, key)
    texts = store.texts(connection, found_of(key, laptop))
    rules = {
        number: core.rule_of(laptop, number, desk.policy, desk.today) for number in laptop.cases
    }
    left_at = store.left_at(connection, laptop)
    return laptop_shown(desk, key, laptop, texts, left_at), rules


def laptop_shown(
    desk: Desk,
    key: str,
    laptop: core.Laptop,
    texts: Mapping[str, str] | None = None,
    left_at: datetime | None = None,
) -> LaptopShown:
    """A laptop and its cases, the newest first; `texts`: what was written of them; `left_at`: when
    its student left.
    """
    start, end = laptop.warranty_from, laptop.warranty_to
    found = found_of(key, laptop, left_at)
    last_first = [one for one in found[::-1] if one.case.logged]
    newest = sorted(last_first, key=lambda one: str(one.case.opened_at), reverse=True)
    return LaptopShown(
        laptop=key,
        model=laptop.model,
        lot=laptop.lot,
        school=laptop.school,
        warranty_from=start,
        warranty_to=end,
        under_warranty=bool(start and end and start <= desk.today <= end),
        lent_for=laptop.lent_for,
        stands_in_for=laptop.stands_in_for,
        due_on=laptop.due,
        overdue=laptop.overdue,
        replaced_by=laptop.replaced_by,
        replaces=laptop.replaces,
        cases=[case_shown(desk, one, (texts or {}).get(one.number)) for one in newest],
    )


def one_laptop(connection: Connection, desk: Desk, key: str) -> LaptopShown | None:
    """A laptop and its cases; None of which nobody spoke."""
    found = store.laptop(connection, key)
    if found == core.Laptop():
        return None
    return laptop_shown(desk, key, found, left_at=store.left_at(connection, found))


def one_case(connection: Connection, desk: Desk, number: str) -> CaseShown | None:
    """A case with what was written of it; None where there is none of this number."""
    found = store.case(connection, number)
    if found is None:
        return None
    return case_shown(desk, found, store.texts(connection, [found]).get(number, ""))


def open_cases(connection: Connection, desk: Desk, of: str) -> list[CaseShown]:
    """Open cases of a desk ("" for all), those that take too long first, then the oldest."""
    shown = [case_shown(desk, one) for one in store.open_cases(connection, of)]
    return sorted(shown, key=lambda one: (not one.late, str(one.opened_at), one.case))


def board(connection: Connection, desk: Desk, of: str, wanted: Wanted) -> Board:
    """The board of a desk; of all of them for "" alone."""
    cases, lent = open_cases(connection, desk, of), store.lent(connection, desk=of)
    return Board(
        desk=of,
        states=Counter(one.state for one in cases),
        waiting=Counter(one.waiting_on for one in cases if one.waiting_on),
        late=sum(one.late for one in cases),
        overdue=sum(one.overdue for _, one in lent),
        cases=[one for one in cases if wanted.has(one)],
        loans=[laptop_shown(desk, key, one) for key, one in lent],
        failures=[] if of else lots(connection),
    )


def lots(connection: Connection) -> list[LotShown]:
    """Each model and lot, and whether it is suspected."""
    found = store.failures(connection)
    suspected = store.suspected(connection)
    return [
        LotShown(
            *(one.model, one.lot, one.laptops, one.cases, one.defects),
            suspected=(one.model, one.lot) in suspected,
        )
        for one in found
    ]
