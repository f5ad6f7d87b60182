"""Tracking's tables: what the facts amount to, the facts themselves, the tallies of the boards."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Index, Text, func, select
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from services.tracking import fold
from shared.contracts import ordering
from shared.databases import Instant, append, at_once, table_of, upsert
from shared.decisions import Said
from shared.hearing import Heard, tag
from shared.ledger import Shelf, restored
from shared.migrations import READING

MECHANISMS = READING


class Row(SQLModel, registry=registry()):
    """Tracking's own metadata: two services in one process do not mix their tables."""


class LifeRow(Row, table=True):
    """A laptop as it stands. `sequence` counts the facts
    heard of it; `changed_at` is when the last one was heard.
    """

    __tablename__ = "laptop"
    __table_args__ = (
        Index("laptop_school", "school", "location", "key"),
        Index("laptop_location", "location", "key"),
        Index("laptop_order", "order", "key"),
        Index("laptop_since", "since", "key"),
        Index("laptop_shipment", "shipment", "key"),
        Index("laptop_changed", "changed_at", "key"),
        Index("laptop_student", "student"),
        Index("laptop_due", "received_at", "due_at"),
        Index("laptop_disposition", "disposition", "key"),
    )

    key: str = Field(primary_key=True)
    sequence: int
    place: str
    location: str
    holder: str
    owner: str
    working: str
    managed: str
    announced_at: datetime | None = Field(default=None, sa_type=Instant)
    dispatched_at: datetime | None = Field(default=None, sa_type=Instant)
    arrived_at: datetime | None = Field(default=None, sa_type=Instant)
    received_at: datetime | None = Field(default=None, sa_type=Instant)
    admitted_at: datetime | None = Field(default=None, sa_type=Instant)
    handed_out_at: datetime | None = Field(default=None, sa_type=Instant)
    order: str | None = None
    line: str | None = None
    lot: str | None = None
    model: str | None = None
    school: str | None = None
    destination: str | None = None
    redirected: bool
    shipment: str | None = None
    student: str | None = None
    since: datetime | None = Field(default=None, sa_type=Instant)
    warranty_from: str | None = None
    warranty_to: str | None = None
    promised_on: str | None = None
    due_at: datetime | None = Field(default=None, sa_type=Instant)
    replaced_by: str | None = None
    replaces: str | None = None
    marks: str = Field(sa_type=Text)
    recalls: str = Field(sa_type=Text)
    handed_over_at: datetime | None = Field(default=None, sa_type=Instant)
    in_further_study_at: datetime | None = Field(default=None, sa_type=Instant)
    released: str = Field(sa_type=Text)
    ended: str = Field(sa_type=Text)
    disposition: str
    opened: str = Field(sa_type=Text)
    blocks: str = Field(sa_type=Text)
    ceded_by: str | None = None
    custody: str = Field(sa_type=Text)
    changed_at: datetime | None = Field(default=None, sa_type=Instant)


class SchoolRow(Row, table=True):
    """A school's entry."""

    __tablename__ = "school"

    key: str = Field(primary_key=True)
    sequence: int
    place: str
    name: str
    kind: str
    town: str
    department: str


class StudentRow(Row, table=True):
    """A student of whom enrolment told."""

    __tablename__ = "student"

    key: str = Field(primary_key=True)
    sequence: int
    place: str
    school: str
    erased: bool


class OrderRow(Row, table=True):
    """What was ordered; lines are JSON."""

    __tablename__ = "purchase_order"

    key: str = Field(primary_key=True)
    sequence: int
    place: str
    school_year: str
    supplier: str
    lines: str = Field(sa_type=Text)


class ShipmentRow(Row, table=True):
    """The last that was said of a shipment; laptops and withdrawn are JSON."""

    __tablename__ = "shipment"
    __table_args__ = (Index("shipment_school", "school", "state"),)

    key: str = Field(primary_key=True)
    sequence: int
    place: str
    state: str
    since: datetime | None = Field(default=None, sa_type=Instant)
    owner: str | None = None
    school: str | None = None
    order: str | None = None
    laptops: str = Field(sa_type=Text)
    quantity: int | None = None
    withdrawn: str = Field(sa_type=Text)


class FlagRow(Row, table=True):
    """Something unusual about a laptop."""

    __tablename__ = "flag"

    flag: str = Field(primary_key=True)
    key: str = Field(primary_key=True)


class TimelineRow(Row, table=True):
    """A fact that was heard. Its publisher numbers it within its key, without gaps."""

    __tablename__ = "timeline"

    key: str = Field(primary_key=True)
    publisher: str = Field(primary_key=True)
    sequence: int = Field(primary_key=True)
    fact: str
    type: str
    body: str
    happened_at: datetime = Field(sa_type=Instant)
    recorded_at: datetime = Field(sa_type=Instant)
    heard_at: datetime = Field(sa_type=Instant)
    source: str
    id: str


class TallyRow(Row, table=True):
    """How many laptops stand where: kept in the transaction of the fact that moves them."""

    __tablename__ = "tally"

    scope: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    count: int


LIVES = table_of(LifeRow)
SCHOOLS = table_of(SchoolRow)
ORDERS = table_of(OrderRow)
SHIPMENTS = table_of(ShipmentRow)
STUDENTS = table_of(StudentRow)
TIMELINE = table_of(TimelineRow)
TALLY = table_of(TallyRow)
FLAGS = table_of(FlagRow)
SHELVES = {
    "laptop": Shelf(LIVES, fold.Life),
    "school": Shelf(SCHOOLS, fold.School),
    "order": Shelf(ORDERS, fold.Order),
    "shipment": Shelf(SHIPMENTS, fold.Shipment),
    "student": Shelf(STUDENTS, fold.Student),
}
TIMELINE_COLUMNS = tuple(column.name for column in TIMELINE.columns)


# -- writing


def heard_before(connection: Connection, keys: Iterable[str]) -> dict[tuple[str, str, int], str]:
    """Which facts of these keys are in the timeline: (key, publisher, sequence) to the name."""
    sql = "SELECT key, publisher, sequence, fact FROM timeline WHERE key {0}"
    rows = at_once(connection, sql, [list(keys)])
    return {(row[0], row[1], row[2]): row[3] for row in rows}


def numbered(connection: Connection, key: str, publisher: str, sequence: int) -> dict[str, Any]:
    """The fact of a key that bears a number. Raises NoResultFound when none does."""
    mine = (TIMELINE.c.key == key) & (TIMELINE.c.publisher == publisher)
    rows = connection.execute(select(TIMELINE).where(mine, TIMELINE.c.sequence == sequence))
    return dict(rows.mappings().one())


def lives(connection: Connection, keys: Iterable[str]) -> dict[str, list[Said]]:
    """The facts of each key that mean something here."""
    found: dict[str, list[Said]] = {key: [] for key in keys}
    if found:
        decoder, known = msgspec.json.Decoder(fold.Fact), {tag(type) for type in fold.FOLDING.ranks}
        sql = "SELECT key, type, body, happened_at, source, id FROM timeline WHERE key {0}"
        for key, type, body, happened_at, source, id in at_once(connection, sql, [list(found)]):
            if type in known:
                moment = (
                    datetime.fromisoformat(happened_at)
                    if isinstance(happened_at, str)
                    else happened_at
                )
                found[key].append(Said(decoder.decode(body), moment, source, id))
    return found


def record(connection: Connection, heard: Sequence[Heard], now: datetime) -> None:
    """Append facts to the timeline."""
    rows = [
        (
            *(
                one.envelope.key,
                publisher(one),
                one.envelope.sequence,
                one.envelope.fact,
                one.envelope.type,
            ),
            one.envelope.body.decode(),
            *(
                one.envelope.happened_at,
                one.envelope.recorded_at,
                now,
                one.envelope.source,
                one.envelope.id,
            ),
        )
        for one in heard
    ]
    append(connection, TIMELINE, TIMELINE_COLUMNS, rows)


def publisher(heard: Heard) -> str:
    return heard.envelope.type.partition(".")[0]


def tally(connection: Connection, changes: Mapping[tuple[str, str, str], int]) -> None:
    """Add to the tallies, in their order so that two
    transactions never wait for each other in a circle.
    """
    rows = [(*where, count) for where, count in sorted(changes.items()) if count]
    upsert(connection, TALLY, ("scope", "name", "value", "count"), rows, keys=3, adding=True)


def flag(
    connection: Connection, came: Iterable[tuple[str, str]], gone: Iterable[tuple[str, str]]
) -> None:
    """Note what came to be unusual, and what is so no longer: (flag, key)."""
    append(connection, FLAGS, ("flag", "key"), sorted(came))
    for name, key in sorted(gone):
        connection.execute(FLAGS.delete().where(FLAGS.c.flag == name, FLAGS.c.key == key))


# -- reading


# What a publisher said of one moment stands as it numbered it.
IN_TIME = ("happened_at", "recorded_at", "publisher", "sequence")


def life(connection: Connection, key: str) -> tuple[fold.Life, list[dict[str, Any]]] | None:
    """A laptop and its timeline in the order in which
    it happened; None when nothing was heard of it.
    """
    fields = [LIVES.c[name] for name in fold.Life.__struct_fields__]
    row = connection.execute(select(*fields).where(LIVES.c.key == key)).first()
    if row is None:
        return None
    facts = (
        select(TIMELINE)
        .where(TIMELINE.c.key == key)
        .order_by(*(TIMELINE.c[name] for name in IN_TIME))
    )
    return restored(fold.Life, row), [dict(one) for one in connection.execute(facts).mappings()]


def tallies(connection: Connection, scopes: Iterable[str]) -> dict[str, Counter[tuple[str, str]]]:
    """The tallies of some scopes: counts by (name, value)."""
    found: dict[str, Counter[tuple[str, str]]] = {scope: Counter() for scope in scopes}
    sql = "SELECT scope, name, value, count FROM tally WHERE scope {0}"
    for scope, name, value, count in at_once(connection, sql, [list(found)]):
        found[scope][name, value] = count
    return found


def orders(connection: Connection, number: str | None = None) -> dict[str, fold.Order]:
    """What was ordered, by order."""
    fields = [ORDERS.c[name] for name in fold.Order.__struct_fields__]
    rows = select(ORDERS.c.key, *fields).where(ORDERS.c.school_year != "")
    if number is not None:
        rows = rows.where(ORDERS.c.key == f"order:{number}")
    found = connection.execute(rows.order_by(ORDERS.c.key))
    return {row[0].removeprefix("order:"): restored(fold.Order, row[1:]) for row in found}


def schools(connection: Connection, uai: str | None = None) -> dict[str, fold.School]:
    """Schools by UAI: one, or all."""
    fields = [SCHOOLS.c[name] for name in fold.School.__struct_fields__]
    rows = select(SCHOOLS.c.key, *fields).where(SCHOOLS.c.name != "")
    if uai is not None:
        rows = rows.where(SCHOOLS.c.key == f"school:{uai}")
    found = connection.execute(rows.order_by(SCHOOLS.c.town, SCHOOLS.c.name))
    return {row[0].removeprefix("school:"): restored(fold.School, row[1:]) for row in found}


def shipments_for(connection: Connection, uai: str) -> list[tuple[str, fold.Shipment]]:
    """Shipments on their way to a school, the newest word first."""
    fields = [SHIPMENTS.c[name] for name in fold.Shipment.__struct_fields__]
    mine = (SHIPMENTS.c.school == uai) & SHIPMENTS.c.state.in_(
        ("announced", "dispatched", "in-transit", "arrived")
    )
    rows = select(SHIPMENTS.c.key, *fields).where(mine).order_by(SHIPMENTS.c.since.desc())
    return [
        (row[0].removeprefix("shipment:"), restored(fold.Shipment, row[1:]))
        for row in connection.execute(rows)
    ]


def ordered_at(connection: Connection, number: str) -> datetime | None:
    """When an order was placed."""
    mine = (TIMELINE.c.key == f"order:{number}") & (TIMELINE.c.type == tag(ordering.OrderPlaced))
    return connection.scalar(select(TIMELINE.c.happened_at).where(mine).limit(1))


def erased(connection: Connection, student: str) -> bool:
    """Whether nobody can say any more who a pseudonym was."""
    mine = STUDENTS.c.key == f"student:{student}"
    return bool(connection.scalar(select(STUDENTS.c.erased).where(mine)))


def fresh(connection: Connection) -> datetime | None:
    """When the last fact was heard."""
    heard_at: datetime | None = connection.scalar(select(func.max(LIVES.c.changed_at)))
    return heard_at
