"""Repairs' tables: a row for each laptop, model and student; what people ask of each case."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Index,
    Text,
    and_,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from services.repairs import core
from shared.contracts.calendar import day_of, midnight
from shared.databases import Instant, append, table_of
from shared.ledger import LEDGER, Shelf, restored, seen
from shared.migrations import DECIDING

MECHANISMS = DECIDING


class Row(SQLModel, registry=registry()):
    """Repairs' own metadata: two services in one process do not mix their tables."""


class LaptopRow(Row, table=True):
    """The state of a laptop; overdue_days, cases and withdrawn are JSON. Cases stand in a table of
    their own besides.
    """

    __tablename__ = "laptop"
    __table_args__ = (
        Index("laptop_lot", "model", "lot", "key"),
        Index("laptop_due", "due_on", "key"),
        Index("laptop_pool", "school", "key"),
    )

    key: str = Field(primary_key=True)
    sequence: int
    place: str
    model: str | None = None
    lot: str | None = None
    school: str | None = None
    supplier: str | None = None
    student: str | None = None
    placed_at: datetime | None = Field(default=None, sa_type=Instant)
    here: bool
    warranty_from: str | None = None
    warranty_to: str | None = None
    lent_for: str | None = None
    stands_in_for: str | None = None
    due_on: str | None = None
    overdue: bool
    overdue_days: str = Field(sa_type=Text)
    replaced_by: str | None = None
    replaces: str | None = None
    ceded_to: str | None = None
    ceded_at: datetime | None = Field(default=None, sa_type=Instant)
    open_cases: int
    cases: str = Field(sa_type=Text)
    withdrawn: str = Field(sa_type=Text)


class ModelRow(Row, table=True):
    """The state of a model; recalls and suspected are JSON by recall and by lot."""

    __tablename__ = "model"

    key: str = Field(primary_key=True)
    sequence: int
    place: str
    recalls: str = Field(sa_type=Text)
    suspected: str = Field(sa_type=Text)


class StudentRow(Row, table=True):
    """The state of a student."""

    __tablename__ = "student"

    key: str = Field(primary_key=True)
    sequence: int
    place: str
    left_at: datetime | None = Field(default=None, sa_type=Instant)
    erased: bool


class CaseRow(Row, table=True):
    """A case, written with its laptop's state. `open`: not closed."""

    __tablename__ = "repair_case"
    __table_args__ = (
        Index("case_laptop", "laptop"),
        Index("case_queue", "open", "opened_at", "number"),
        Index("case_desk", "desk", "open", "opened_at", "number"),
        Index("case_model", "model", "lot"),
        Index("case_age", "opened_at", "number"),
        Index("case_state", "state", "opened_at", "number"),
    )

    number: str = Field(primary_key=True)
    laptop: str
    desk: str
    school: str | None = None
    model: str | None = None
    lot: str | None = None
    cause: str
    state: str
    waiting_on: str | None = None
    opened_at: datetime | None = Field(default=None, sa_type=Instant)
    open: bool
    body: str = Field(sa_type=Text)


LAPTOPS = table_of(LaptopRow)
MODELS = table_of(ModelRow)
STUDENTS = table_of(StudentRow)
CASES = table_of(CaseRow)
CASE_COLUMNS = tuple(column.name for column in CASES.columns)
_CASE = msgspec.json.Decoder(core.Case)


def keep_cases(connection: Connection, changed: Mapping[str, core.Laptop]) -> None:
    """Write the cases of laptops that changed, in the place of what stood there."""
    connection.execute(CASES.delete().where(CASES.c.laptop.in_(list(changed))))
    rows = [
        _cells(number, key, laptop, case)
        for key, laptop in changed.items()
        for number, case in laptop.cases.items()
        if case.logged
    ]
    append(connection, CASES, CASE_COLUMNS, rows)


def _cells(number: str, key: str, laptop: core.Laptop, case: core.Case) -> tuple[Any, ...]:
    told = {name: getattr(laptop, name) for name in ("school", "model", "lot")}
    told |= {name: getattr(case, name) for name in ("desk", "cause", "state", "waiting_on")}
    told |= {"number": number, "laptop": key, "open": case.open, "opened_at": case.opened_at}
    told["body"] = msgspec.json.encode(case).decode()
    return tuple(told[name] for name in CASE_COLUMNS)


SHELVES = {
    "laptop": Shelf(LAPTOPS, core.Laptop, beside=keep_cases),
    "model": Shelf(MODELS, core.Model),
    "student": Shelf(STUDENTS, core.Student),
}


class Found(Struct, frozen=True):
    """A case, its number, its laptop, and what that is; `left_at`: when its student left."""

    number: str
    laptop: str
    school: str | None
    model: str | None
    lot: str | None
    case: core.Case
    left_at: datetime | None = None


def _student_of(laptops: FromClause) -> ColumnElement[bool]:
    """A condition: of each of these laptops the student."""
    return STUDENTS.c.key == literal("student:").concat(laptops.c.student)


_LEFT_AT = (
    select(STUDENTS.c.left_at)
    .join(LAPTOPS, _student_of(LAPTOPS))
    .where(LAPTOPS.c.key == CASES.c.laptop)
    .scalar_subquery()
)
_OF_LAPTOP = (CASES.c.laptop, CASES.c.school, CASES.c.model, CASES.c.lot)
_FOUND = (CASES.c.number, *_OF_LAPTOP, CASES.c.body, _LEFT_AT)


def _found(row: Any) -> Found:
    number, laptop, school, model, lot, body, left_at = row
    return Found(number, laptop, school, model, lot, _CASE.decode(body), left_at)


# -- laptops


def laptop(connection: Connection, key: str) -> core.Laptop:
    """A laptop; an empty one where nobody spoke of it."""
    found: core.Laptop = seen(connection, SHELVES, [key])[key].state
    return found


def left_at(connection: Connection, laptop: core.Laptop) -> datetime | None:
    """When a laptop's student left; None for who did not, and where it has none."""
    mine = STUDENTS.c.key == f"student:{laptop.student}"
    found: datetime | None = connection.scalar(select(STUDENTS.c.left_at).where(mine))
    return found


def laptops_of(connection: Connection, model: str, lot: str | None) -> list[str]:
    """The laptops of a model, or of one lot of it, but for those that their students own."""
    mine = (LAPTOPS.c.model == model) & (LAPTOPS.c.lot == lot if lot else True)
    mine &= LAPTOPS.c.ceded_to.is_(None)
    return list(connection.scalars(select(LAPTOPS.c.key).where(mine).order_by(LAPTOPS.c.key)))


def lent(
    connection: Connection, school: str | None = None, desk: str = ""
) -> list[tuple[str, core.Laptop]]:
    """Laptops that are lent, the first due first: of a school, for cases of a desk."""
    mine = LAPTOPS.c.due_on.is_not(None) & (LAPTOPS.c.school == school if school else True)
    if desk:
        own = select(CASES.c.number).where(CASES.c.desk == desk)
        mine &= LAPTOPS.c.lent_for.in_(own)
    fields = [LAPTOPS.c[name] for name in core.Laptop.__struct_fields__]
    rows = select(LAPTOPS.c.key, *fields).where(mine).order_by(LAPTOPS.c.due_on, LAPTOPS.c.key)
    return [(row[0], restored(core.Laptop, row[1:])) for row in connection.execute(rows)]


def pool(connection: Connection, school: str, limit: int) -> tuple[list[str], int]:
    """The laptops that a school could lend: in its stock, nobody's, whole; and how many."""
    free = [LAPTOPS.c[name].is_(None) for name in ("student", "lent_for", "replaced_by")]
    whole = [LAPTOPS.c.here.is_(True), LAPTOPS.c.open_cases == 0]
    mine = [LAPTOPS.c.school == school, *whole, *free]
    rows = select(LAPTOPS.c.key).where(*mine).order_by(LAPTOPS.c.key)
    total = connection.scalar(select(func.count()).select_from(LAPTOPS).where(*mine)) or 0
    return list(connection.scalars(rows.limit(limit))), total


def due(connection: Connection, day: date, policy: core.Policy) -> list[tuple[str, Any]]:
    """What the beginning of a day asks: of laptops whose loan is over, whose borrower left or is
    back, and of models of which a lot has enough defects. Of a lot that is suspected, no more: a
    day that begins anew, with more cases, would say another thing under one name.
    """
    over = (LAPTOPS.c.due_on < day.isoformat()) & LAPTOPS.c.overdue.is_(False)
    keys = connection.scalars(select(LAPTOPS.c.key).where(over).order_by(LAPTOPS.c.key))
    loans = {key: core.CloseDay(day) for key in keys} | _lent_to_leavers(connection, day)
    lots: dict[str, list[core.LotDefects]] = {}
    said = suspected(connection)
    for one in failures(connection):
        told = core.LotDefects(one.lot, one.defects, one.laptops)
        if core.enough(policy, told) and (one.model, one.lot) not in said:
            lots.setdefault(core.model_key(one.model), []).append(told)
    models = ((key, core.SuspectDefect(tuple(of))) for key, of in lots.items())
    return [*sorted(loans.items()), *models]


def _lent_to_leavers(connection: Connection, day: date) -> dict[str, core.CloseDay]:
    """What a day asks of laptops that are lent to students who left before it; and of those that
    were due for that before the agreed day, of students who are back.
    """
    theirs = LAPTOPS.alias()  # of which the one on loan has the place
    rows = select(LAPTOPS.c.key, STUDENTS.c.left_at)
    rows = rows.join(theirs, theirs.c.key == LAPTOPS.c.stands_in_for)
    rows = rows.join(STUDENTS, _student_of(theirs))
    gone = LAPTOPS.c.overdue.is_(False) & (STUDENTS.c.left_at < midnight(day))
    back = LAPTOPS.c.overdue.is_(True) & (LAPTOPS.c.due_on >= day.isoformat())
    back &= STUDENTS.c.left_at.is_(None) & STUDENTS.c.erased.is_(False)
    found = connection.execute(rows.where(gone | back))
    return {key: core.CloseDay(day, day_of(at) if at else None) for key, at in found}


class Failures(Struct, frozen=True):
    """How many laptops of a lot there are, how many cases, and how many of those are defects."""

    model: str
    lot: str
    laptops: int
    cases: int
    defects: int


def failures(connection: Connection) -> list[Failures]:
    """Each model and lot."""
    counted: dict[tuple[str, str], list[int]] = {}
    lots = select(LAPTOPS.c.model, LAPTOPS.c.lot, func.count()).where(LAPTOPS.c.model.is_not(None))
    for model, lot, count in connection.execute(lots.group_by(LAPTOPS.c.model, LAPTOPS.c.lot)):
        counted[model, lot] = [count, 0, 0]
    mine = (CASES.c.model, CASES.c.lot, CASES.c.cause)
    rows = select(*mine, func.count()).where(CASES.c.model.is_not(None)).group_by(*mine)
    for model, lot, cause, count in connection.execute(rows):
        of = counted.get((model, lot), [0, 0, 0])
        of[1] += count
        of[2] += count if cause == "defect" else 0
    return [Failures(*name, *figures) for name, figures in sorted(counted.items())]


def suspected(connection: Connection) -> set[tuple[str, str]]:
    """Models and lots of which a defect is suspected."""
    rows = connection.execute(select(MODELS.c.key, MODELS.c.suspected))
    lots = ((key, msgspec.json.decode(found)) for key, found in rows)
    return {(key.removeprefix("model:"), lot) for key, found in lots for lot in found}


def named(connection: Connection, makers: Iterable[str], serial: str) -> list[str]:
    """The laptops of a serial number that somebody spoke of."""
    keys = [f"{maker}/{serial}" for maker in makers]
    return list(connection.scalars(select(LAPTOPS.c.key).where(LAPTOPS.c.key.in_(keys))))


# -- cases


def case(connection: Connection, number: str) -> Found | None:
    """A case by its number."""
    row = connection.execute(select(*_FOUND).where(CASES.c.number == number)).first()
    return _found(row) if row else None


def cases_of(connection: Connection, numbers: Iterable[str]) -> dict[str, Found]:
    """Cases by number; those that are known."""
    rows = select(*_FOUND).where(CASES.c.number.in_(list(numbers)))
    return {row[0]: _found(row) for row in connection.execute(rows)}


def cases(
    connection: Connection, where: Mapping[str, Any], after: str | None, limit: int
) -> tuple[list[Found], int]:
    """Cases, the oldest first, from after a number: of a laptop, state, desk; open or not."""
    mine: list[ColumnElement[bool]] = [CASES.c[name] == value for name, value in where.items()]
    total = connection.scalar(select(func.count()).select_from(CASES).where(*mine)) or 0
    return _oldest(connection, mine, after, limit), total


def _oldest(
    connection: Connection, mine: Sequence[ColumnElement[bool]], after: str | None, limit: int
) -> list[Found]:
    """Cases, the oldest first, from after a number."""
    rows = select(*_FOUND).where(*mine)
    if after is not None:
        at = select(CASES.c.opened_at).where(CASES.c.number == after).scalar_subquery()
        rows = rows.where(tuple_(CASES.c.opened_at, CASES.c.number) > tuple_(at, after))
    found = connection.execute(rows.order_by(CASES.c.opened_at, CASES.c.number).limit(limit))
    return [_found(row) for row in found]


def open_cases(connection: Connection, desk: str = "") -> list[Found]:
    """Cases that are not closed: a desk's, or all."""
    rows = select(*_FOUND).where(CASES.c.open.is_(True))
    rows = rows.where(CASES.c.desk == desk) if desk else rows
    return [_found(row) for row in connection.execute(rows)]


def exported(connection: Connection, desk: str, after: str | None, limit: int) -> list[Found]:
    """Cases of a desk, or all, the oldest first, from after a number."""
    return _oldest(connection, [CASES.c.desk == desk] if desk else [], after, limit)


def ended_since(connection: Connection, since: datetime) -> list[Found]:
    """Cases that are closed and were opened since a moment."""
    rows = select(*_FOUND).where(CASES.c.open.is_(False), CASES.c.opened_at >= since)
    return [_found(row) for row in connection.execute(rows)]


def texts(connection: Connection, found: Sequence[Found]) -> dict[str, str]:
    """What was written of cases when they were logged, by number."""
    texts = {}
    for start in range(0, len(found), 200):
        part = {
            (one.laptop, one.case.source, one.case.id): one for one in found[start : start + 200]
        }
        names = or_(*(_claim(*name) for name in part))
        cells = (LEDGER.c.key, LEDGER.c.party, LEDGER.c.id, LEDGER.c.note)
        for key, party, id, note in connection.execute(select(*cells).where(names)):
            texts[part[key, party, id].number] = note or ""
    return texts


def _claim(key: str, party: str, id: str) -> ColumnElement[bool]:
    return and_(LEDGER.c.key == key, LEDGER.c.party == party, LEDGER.c.id == id)


def told(connection: Connection, key: str, party: str, id: str) -> core.Command | None:
    """What a party said, or asked, of a laptop under an id; None where nothing."""
    row = select(LEDGER.c.command).where(_claim(key, party, id), LEDGER.c.command.is_not(None))
    found = connection.scalar(row)
    return msgspec.json.decode(found, type=core.Command) if found else None


def waiting(connection: Connection) -> tuple[list[dict[str, Any]], int]:
    """Laptops that no list named: the longest waiting, and how many in all."""
    where = LAPTOPS.c.model.is_(None)
    total = connection.scalar(select(func.count()).select_from(LAPTOPS).where(where)) or 0
    rows = select(LAPTOPS.c.key, LAPTOPS.c.place).where(where).order_by(LAPTOPS.c.place).limit(500)
    return [
        {"key": row.key, "code": "laptop-not-announced", "last_happened_at": row.place[:27]}
        for row in connection.execute(rows)
    ], total
