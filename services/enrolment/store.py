"""Enrolment's tables: a row for each student as a pseudonym, and beside it, sealed, the person.

What a person's row and traces hold can be read by nobody without the master key; when a student is
erased, they go with the transaction that says so (see `shelves`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Index, LargeBinary, Text, bindparam, func, select, update
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from services.enrolment import core
from shared.access import role
from shared.databases import Instant, append, at_once, table_of, upsert
from shared.decisions import Said
from shared.ledger import Shelf, lives, restored, seen
from shared.migrations import DECIDING

MECHANISMS = DECIDING
KIND = "student"
PART = 500  # names in one statement


class Row(SQLModel, registry=registry()):
    """Enrolment's own metadata: two services in one process do not mix their tables."""


class StudentRow(Row, table=True):
    """The state of a student."""

    __tablename__ = "student"
    __table_args__ = (
        Index("student_school", "school", "level", "key"),
        Index("student_left", "left_on", "key"),
    )

    key: str = Field(primary_key=True)
    sequence: int
    place: str
    school: str | None = None
    level: str | None = None
    school_year: str | None = None
    left: str | None = None
    left_on: str | None = None
    erased: str | None = None


class PersonRow(Row, table=True):
    """Who a student is: a key of the person's own, wrapped by the master key `master`, and under it
    each field by itself. `marks`: by what he is found; his traces stand under the trace key made
    with the master key `traced`. `digest`: of all that a file said last, under his own key. Gone
    once the student is erased.
    """

    __tablename__ = "person"
    __table_args__ = (
        Index("person_master", "master", "traced"),
        Index("person_traced", "traced"),
    )

    pseudonym: str = Field(primary_key=True)
    master: str
    wrapped: bytes = Field(sa_type=LargeBinary)
    traced: str
    body: bytes = Field(sa_type=LargeBinary)
    ine: bytes = Field(sa_type=LargeBinary)
    guardians: bytes = Field(sa_type=LargeBinary)
    marks: bytes = Field(sa_type=LargeBinary)
    digest: str


class TraceRow(Row, table=True):
    """By what a person is found: keyed digests of INE, of name and birth date, of a family name, of
    an id in the ministry's directory. Gone with the person.
    """

    __tablename__ = "trace"
    __table_args__ = (Index("trace_person", "pseudonym"),)

    digest: str = Field(primary_key=True)
    pseudonym: str = Field(primary_key=True)


class SecretRow(Row, table=True):
    """A key of the service's own, wrapped by the master key `master`: for traces, one with each
    master key; for the rows of a file, one with each file that waits.
    """

    __tablename__ = "secret"

    name: str = Field(primary_key=True)
    master: str
    wrapped: bytes = Field(sa_type=LargeBinary)


class StructureRow(Row, table=True):
    """A school's number in the directory of an académie, and its UAI."""

    __tablename__ = "structure"

    academy: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    uai: str


class NamedRow(Row, table=True):
    """Whom a file named and at which school, while its job is not at its end. `school`: "" where a
    refused row names him; `pseudonym`: "" for a refused row that may be anybody's of that school,
    or of any for "".
    """

    __tablename__ = "named"

    pseudonym: str = Field(primary_key=True)
    job: str = Field(primary_key=True)
    school: str = Field(primary_key=True)


class LookUpRow(Row, table=True):
    """Who looked at whom, when and why. The database itself lets nobody change or delete a row."""

    __tablename__ = "look_up"
    __table_args__ = (Index("look_up_student", "student", "id"), {"info": {"insert_only": True}})

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=Instant)
    party: str
    student: str
    what: str
    why: str = Field(sa_type=Text)


STUDENTS, PERSONS, TRACES = table_of(StudentRow), table_of(PersonRow), table_of(TraceRow)
SECRETS, STRUCTURES, LOOK_UPS = table_of(SecretRow), table_of(StructureRow), table_of(LookUpRow)
NAMED = table_of(NamedRow)
PERSON_COLUMNS = tuple(column.name for column in PERSONS.columns)
KEY_COLUMNS = ("master", "wrapped")  # of a known person written by a change of the master key alone
STATE = core.Student.__struct_fields__

Erased = Callable[[Sequence[tuple[str, str]]], None]
"""Notes pseudonyms and causes where no backup of this database takes them back."""


def shelves(noting: Erased = lambda _erased: None) -> Mapping[str, Shelf]:
    """Where states are kept. With the state of an erased student, whatever came of, the person
    goes; before that is committed `noting` is told, so that no erasure is forgotten.
    """

    def forget(connection: Connection, states: Mapping[str, core.Student]) -> None:
        gone = [(pseudonym(key), one.erased) for key, one in states.items() if one.erased]
        if gone:
            noting([(name, cause or "") for name, cause in gone])
            for table in (PERSONS, TRACES):
                names = [name for name, _ in gone]
                connection.execute(table.delete().where(table.c.pseudonym.in_(names)))

    return {KIND: Shelf(STUDENTS, core.Student, beside=forget)}


SHELVES = shelves()


def pseudonym(key: str) -> str:
    return key.removeprefix(f"{KIND}:")


# -- students


class Found(Struct, frozen=True):
    """A student by pseudonym, and his state."""

    pseudonym: str
    state: core.Student


def student(connection: Connection, name: str) -> core.Student:
    """A student; an empty one where there is none of this pseudonym."""
    key = core.student_key(name)
    state: core.Student = seen(connection, SHELVES, [key])[key].state
    return state


def states(connection: Connection, names: Iterable[str]) -> dict[str, tuple[core.Student, str]]:
    """Students by pseudonym: their state, and where their last fact stands."""
    kept = seen(connection, SHELVES, [core.student_key(name) for name in names])
    return {pseudonym(key): (one.state, one.place) for key, one in kept.items()}


def students(
    connection: Connection, where: Mapping[str, str], after: str, limit: int
) -> tuple[list[Found], int]:
    """Students at a school, of a level, by pseudonym from after one: those who are there."""
    mine = [STUDENTS.c[name] == value for name, value in where.items()]
    mine += [STUDENTS.c.left.is_(None), STUDENTS.c.erased.is_(None)]
    total = connection.scalar(select(func.count()).select_from(STUDENTS).where(*mine)) or 0
    fields = (STUDENTS.c[name] for name in STATE)
    rows = select(STUDENTS.c.key, *fields).where(*mine)
    rows = rows.where(STUDENTS.c.key > core.student_key(after)) if after else rows
    found = connection.execute(rows.order_by(STUDENTS.c.key).limit(limit))
    return [Found(pseudonym(row[0]), restored(core.Student, row[1:])) for row in found], total


def counted(connection: Connection) -> dict[str, int]:
    """How many students there are in each state."""
    columns = (STUDENTS.c.erased.is_not(None), STUDENTS.c.left.is_not(None))
    rows = connection.execute(select(*columns, func.count()).group_by(*columns))
    told = {"at-school": 0, "left": 0, "erased": 0}
    for erased, left, count in rows:
        told["erased" if erased else "left" if left else "at-school"] += count
    return told


def due(connection: Connection, day: date, days: int) -> list[tuple[str, Any]]:
    """Whom the beginning of a day erases: those who left so many days ago, unless they come back
    before it is done.
    """
    last = (day - timedelta(days=days)).isoformat()
    where = (STUDENTS.c.left_on <= last) & STUDENTS.c.left.is_not(None)
    columns = (STUDENTS.c.key, STUDENTS.c.left_on)
    rows = select(*columns).where(where, STUDENTS.c.erased.is_(None)).order_by(STUDENTS.c.key)
    return [(key, core.Erase("retention", day)) for key, day in connection.execute(rows)]


def life(connection: Connection, name: str) -> list[Said]:
    """What was said of a student, in the order in which it happened."""
    key = core.student_key(name)
    said = lives(connection, core.CORE.facts, [key])[key]
    return sorted(said, key=lambda one: one.happened_at)


# -- persons


class Person(Struct, frozen=True):
    """A person's row, still sealed."""

    pseudonym: str
    master: str
    wrapped: bytes
    traced: str
    body: bytes
    ine: bytes
    guardians: bytes
    marks: bytes
    digest: str


def persons(connection: Connection, names: Iterable[str]) -> dict[str, Person]:
    """Persons by pseudonym; those that are there."""
    found: dict[str, Person] = {}
    for part in parts(sorted(set(names))):
        rows = connection.execute(select(PERSONS).where(PERSONS.c.pseudonym.in_(part)))
        found |= {row[0]: Person(*row) for row in rows}
    return found


def still_named(connection: Connection, names: Sequence[str]) -> list[str]:
    """Which of these students have a person."""
    if not names:
        return []
    sql = "SELECT pseudonym FROM person WHERE pseudonym {0} ORDER BY pseudonym"
    return [row[0] for row in at_once(connection, sql, [names])]


def parts(names: Sequence[str]) -> Iterable[Sequence[str]]:
    return (names[start : start + PART] for start in range(0, len(names), PART))


def enter(connection: Connection, rows: Sequence[Person]) -> None:
    """Write persons who were not here before."""
    cells = [tuple(getattr(row, name) for name in PERSON_COLUMNS) for row in rows]
    append(connection, PERSONS, PERSON_COLUMNS, cells)


def mend(connection: Connection, rows: Sequence[Person]) -> None:
    """Write what is known now of persons who are here, and not their keys: the master key may have
    been changed since they were read.
    """
    if not rows:
        return
    told = [name for name in PERSON_COLUMNS[1:] if name not in KEY_COLUMNS]
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in told}
    cells = [{f"new_{name}": getattr(row, name) for name in ("pseudonym", *told)} for row in rows]
    mine = PERSONS.c.pseudonym == bindparam("new_pseudonym")
    connection.execute(update(PERSONS).where(mine).values(**values), cells)


def trace(connection: Connection, traces: Mapping[str, set[str]]) -> None:
    """Write by pseudonym the traces that lead to persons from now on."""
    connection.execute(TRACES.delete().where(TRACES.c.pseudonym.in_(list(traces))))
    pairs = [(digest, name) for name, digests in traces.items() for digest in sorted(digests)]
    append(connection, TRACES, ("digest", "pseudonym"), pairs)


def traced(connection: Connection, digests: Sequence[str]) -> list[tuple[str, str]]:
    """Digests and the pseudonyms that they lead to."""
    if not digests:
        return []
    sql = "SELECT digest, pseudonym FROM trace WHERE digest {0} ORDER BY pseudonym"
    return [(row[0], row[1]) for row in at_once(connection, sql, [list(dict.fromkeys(digests))])]


# -- schools of the directory, and who looked


def structures(connection: Connection, academy: str) -> dict[str, str]:
    """UAIs by an académie's own numbers of schools."""
    mine = select(STRUCTURES.c.id, STRUCTURES.c.uai).where(STRUCTURES.c.academy == academy)
    return {row[0]: row[1] for row in connection.execute(mine)}


def keep_structure(connection: Connection, academy: str, id: str, uai: str) -> None:
    upsert(connection, STRUCTURES, ("academy", "id", "uai"), [(academy, id, uai)], keys=2)


class Look(Struct, frozen=True):
    """Who looks at whom: what of, and why."""

    party: str
    student: str
    what: str
    why: str


def note_looks(connection: Connection, looks: Sequence[Look], now: datetime) -> None:
    """Write down who looked at whom, in the transaction that shows it."""
    cells = [(now, one.party, one.student, one.what, one.why[:200]) for one in looks]
    append(connection, LOOK_UPS, ("at", "party", "student", "what", "why"), cells)


def looks_at(connection: Connection, name: str) -> list[dict[str, Any]]:
    """Who looked at a student, the first first."""
    columns = [LOOK_UPS.c[one] for one in ("at", "party", "what", "why")]
    rows = select(*columns).where(LOOK_UPS.c.student == name).order_by(LOOK_UPS.c.id)
    return [dict(row) for row in connection.execute(rows).mappings()]


def looked(connection: Connection) -> dict[str, int]:
    """How many looks there were, by the role of who looked."""
    told: dict[str, int] = {}
    rows = select(LOOK_UPS.c.party, func.count()).group_by(LOOK_UPS.c.party)
    for party, count in connection.execute(rows):
        told[role(party)] = told.get(role(party), 0) + count
    return told
