"""Delivery's tables: a row for each shipment, each laptop, each student."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Index, Text, func, select, tuple_
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from services.delivery import core
from shared.contracts.custody import MISSED
from shared.databases import Instant, append, at_once, loaded, quoted, table_of, upsert
from shared.ledger import LEDGER, Shelf, restored, seen
from shared.migrations import DECIDING

MECHANISMS = DECIDING


class Row(SQLModel, registry=registry()):
    """Delivery's own metadata: two services in one process do not mix their tables."""


class ShipmentRow(Row, table=True):
    """The state of a shipment; laptops, passed and withdrawn are JSON."""

    __tablename__ = "shipment"
    __table_args__ = (
        Index("shipment_waiting", "owner", "key"),
        Index("shipment_school", "school", "state", "key"),
    )

    key: str = Field(primary_key=True)
    sequence: int
    place: str
    owner: str | None = None
    order: str | None = None
    school: str | None = None
    state: str
    since: datetime | None = Field(default=None, sa_type=Instant)
    quantity: int | None = None
    laptops: str = Field(sa_type=Text)
    passed: str = Field(sa_type=Text)
    withdrawn: str = Field(sa_type=Text)


class LaptopRow(Row, table=True):
    """The state of a laptop; custody is JSON."""

    __tablename__ = "laptop"
    __table_args__ = (
        Index("laptop_waiting", "announced", "key"),
        Index("laptop_here", "here", "location", "since"),
        Index("laptop_lying", "location", "since", "key"),
    )

    key: str = Field(primary_key=True)
    sequence: int
    place: str
    announced: bool
    cleared: bool
    location: str
    here: str | None = None
    since: datetime | None = Field(default=None, sa_type=Instant)
    custody: str = Field(sa_type=Text)


class StudentRow(Row, table=True):
    """The state of a student; earlier is JSON."""

    __tablename__ = "student"

    key: str = Field(primary_key=True)
    sequence: int
    place: str
    school: str | None = None
    since: datetime | None = Field(default=None, sa_type=Instant)
    left_at: datetime | None = Field(default=None, sa_type=Instant)
    earlier: str = Field(sa_type=Text)


class EventRow(Row, table=True):
    """An event as its party sent it, and what became of it; see Event. `keys`, `corrected_by`
    and `digests` are JSON.
    """

    __tablename__ = "event"
    __table_args__ = (Index("event_received", "party", "received_at", "id"),)

    id: str = Field(primary_key=True)
    party: str = Field(primary_key=True)
    form: str
    type: str
    happened_at: datetime | None = Field(default=None, sa_type=Instant)
    received_at: datetime = Field(sa_type=Instant)
    verdict: str
    code: str
    keys: str = Field(sa_type=Text)
    body: str = Field(sa_type=Text)
    corrected_by: str = Field(sa_type=Text)
    digests: str = Field(sa_type=Text)


class EpcisRow(Row, table=True):
    """An EPCIS event for whoever asks by what is in it. `id`: its name in the register, which is
    its `event_id` unless it declares another an error; `unknown`: how many EPCs in it were unknown.
    """

    __tablename__ = "epcis_event"
    __table_args__ = (
        Index("epcis_event_recorded", "party", "recorded_at", "id"),
        Index("epcis_event_happened", "party", "event_time", "id"),
        Index("epcis_event_named", "event_id", "party"),
        Index("epcis_event_unknown", "unknown", "id", "party"),
    )

    id: str = Field(primary_key=True)
    party: str = Field(primary_key=True)
    event_id: str
    recorded_at: datetime = Field(sa_type=Instant)
    event_time: datetime = Field(sa_type=Instant)
    type: str
    biz_step: str | None = None
    disposition: str | None = None
    biz_location: str | None = None
    declared: bool
    unknown: int
    body: str = Field(sa_type=Text)


class EpcRow(Row, table=True):
    """An EPC in an EPCIS event. `listed`: in its list or among its children, not
    as parent, input or output. What is GS1's stands in its canonical form.
    """

    __tablename__ = "epcis_epc"

    epc: str = Field(primary_key=True)
    party: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    listed: bool


class CaptureRow(Row, table=True):
    """One call of the capture interface and what became of it; `errors` is JSON."""

    __tablename__ = "capture"
    __table_args__ = (Index("capture_made", "party", "created_at", "id"),)

    id: str = Field(primary_key=True)
    party: str
    created_at: datetime = Field(sa_type=Instant)
    finished_at: datetime = Field(sa_type=Instant)
    success: bool
    behaviour: str
    errors: str = Field(sa_type=Text)


class Event(Struct, frozen=True):
    """An event in the register. `verdict`: the worst that one of its claims met; `keys`: of what it
    told; `body`: JSON as it was sent, "" when it was corrected before it came; `corrected_by`: the
    events (party, id) that replace it; `digests` as in register.Sent; `there`: it has a row.
    """

    party: str
    id: str
    received_at: datetime
    form: str = ""
    type: str = ""
    happened_at: datetime | None = None
    verdict: str = ""
    code: str = ""
    keys: tuple[str, ...] = ()
    body: str = ""
    corrected_by: tuple[tuple[str, str], ...] = ()
    digests: tuple[str, ...] = ()
    there: bool = False


SHIPMENTS = table_of(ShipmentRow)
LAPTOPS = table_of(LaptopRow)
STUDENTS = table_of(StudentRow)
EVENTS = table_of(EventRow)
EPCIS_EVENTS = table_of(EpcisRow)
EPCS = table_of(EpcRow)
CAPTURES = table_of(CaptureRow)
SHELVES = {
    "shipment": Shelf(SHIPMENTS, core.Shipment),
    "laptop": Shelf(LAPTOPS, core.Laptop),
    "student": Shelf(STUDENTS, core.Student),
}
MOST_WAITING = 500
EVENT_COLUMNS = tuple(column.name for column in EVENTS.columns)
_KEYS = msgspec.json.Decoder(tuple[str, ...])
_NAMES = msgspec.json.Decoder(tuple[tuple[str, str], ...])


# -- the register of events


def events(
    connection: Connection, names: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Event]:
    """The events of these names (party, id) that have a row, locked until the transaction ends."""
    wanted = set(names)
    if not wanted:
        return {}
    locking = "" if connection.dialect.name == "sqlite" else " ORDER BY id, party FOR UPDATE"
    sql = f"SELECT {quoted(EVENT_COLUMNS)} FROM event WHERE id {{0}} AND party {{1}}{locking}"  # noqa: S608  our own names
    lists = [sorted({id for _, id in wanted}), sorted({party for party, _ in wanted})]
    rows = at_once(connection, sql, lists)
    found = [_event(dict(zip(EVENT_COLUMNS, row, strict=True))) for row in rows]
    return {name: one for one in found if (name := (one.party, one.id)) in wanted}


def _event(row: Mapping[str, Any]) -> Event:
    read = {
        "received_at": loaded(row["received_at"]),
        "happened_at": loaded(row["happened_at"]),
        "keys": _KEYS.decode(row["keys"]),
        "corrected_by": _NAMES.decode(row["corrected_by"]),
        "digests": _KEYS.decode(row["digests"]),
    }
    return Event(**{**row, **read}, there=True)


def keep(connection: Connection, changed: Sequence[Event]) -> None:
    """Write events, those that have a row already and those that have none yet."""
    old = [_cells(event) for event in changed if event.there]
    upsert(connection, EVENTS, EVENT_COLUMNS, old, keys=2)
    append(connection, EVENTS, EVENT_COLUMNS, [_cells(one) for one in changed if not one.there])


def _cells(event: Event) -> tuple[Any, ...]:
    as_json = {
        "keys": msgspec.json.encode(event.keys).decode(),
        "corrected_by": msgspec.json.encode(event.corrected_by).decode(),
        "digests": msgspec.json.encode(event.digests).decode(),
    }
    return tuple(as_json.get(name) or getattr(event, name) for name in EVENT_COLUMNS)


def event(connection: Connection, party: str, id: str) -> Event | None:
    """One event of a party; None when it never came."""
    query = select(EVENTS).where(EVENTS.c.id == id, EVENTS.c.party == party, EVENTS.c.body != "")
    row = connection.execute(query).mappings().first()
    return _event(dict(row)) if row else None


def sent_by(
    connection: Connection,
    party: str | None,
    verdict: str | None,
    since: datetime | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> tuple[list[Event], int]:
    """Events of a party (None: of all), in the order in which they came, from after a cursor; and
    how many there are in all.
    """
    where = [EVENTS.c.body != ""]
    if party is not None:
        where.append(EVENTS.c.party == party)
    if verdict is not None:
        where.append(EVENTS.c.verdict == verdict)
    if since is not None:
        where.append(EVENTS.c.received_at >= since)
    total = connection.scalar(select(func.count()).select_from(EVENTS).where(*where)) or 0
    if after is not None:
        place = (EVENTS.c.received_at, EVENTS.c.id)
        where.append(tuple_(*place) > after)
    query = select(EVENTS).where(*where).order_by(EVENTS.c.received_at, EVENTS.c.id).limit(limit)
    return [_event(dict(row)) for row in connection.execute(query).mappings()], total


# -- what waits


def due(connection: Connection, day: date) -> list[tuple[str, core.CloseDay]]:
    """Laptops that may be handed out and lie at a school too long on this day, untold."""
    lying = (LAPTOPS.c.location == "at-school") & (LAPTOPS.c.since < core.waiting_since(day))
    mine = select(LAPTOPS.c.key).where(lying, LAPTOPS.c.cleared.is_(True))
    untold = ~LAPTOPS.c.custody.contains(f'"{MISSED}"')
    keys = connection.scalars(mine.where(untold).order_by(LAPTOPS.c.key))
    return [(key, core.CloseDay(day)) for key in keys]


def waiting(connection: Connection) -> tuple[list[dict[str, Any]], int]:
    """Laptops without a serial list and shipments without an announcement: the longest waiting, and
    how many in all. Where nothing holds of what was said, nobody waits.
    """
    listed = LAPTOPS.c.custody.not_like('%"carriers":{}%')
    spoken_of = (LAPTOPS.c.location != "unknown") | listed
    unknown = (
        (LAPTOPS, LAPTOPS.c.announced.is_(False) & spoken_of, "laptop-not-announced"),
        (
            SHIPMENTS,
            SHIPMENTS.c.owner.is_(None) & (SHIPMENTS.c.state != ""),
            "shipment-not-announced",
        ),
    )
    items: list[dict[str, Any]] = []
    total = 0
    for table, where, code in unknown:
        total += connection.scalar(select(func.count()).select_from(table).where(where)) or 0
        rows = (
            select(table.c.key, table.c.place)
            .where(where)
            .order_by(table.c.place)
            .limit(MOST_WAITING)
        )
        items += [
            {"key": row.key, "code": code, "last_happened_at": row.place[:27]}
            for row in connection.execute(rows)
        ]
    return sorted(items, key=lambda item: item["last_happened_at"])[:MOST_WAITING], total


# -- for screens

AWAITED = ("", "announced", "dispatched", "in-transit", "redirected", "arrived")
COUNTING = (*AWAITED, "received")  # a school may be in the middle of it


def shipment(connection: Connection, sscc: str) -> core.Shipment:
    """A shipment; an empty one where nobody spoke of it."""
    found: core.Shipment = seen(connection, SHELVES, [key := f"shipment:{sscc}"])[key].state
    return found


def laptops(connection: Connection, keys: Iterable[str]) -> dict[str, core.Laptop]:
    """Laptops by key; one that nobody spoke of is empty."""
    wanted = list(keys)
    kept = seen(connection, SHELVES, wanted) if wanted else {}
    return {key: kept[key].state for key in wanted}


def laptops_at(connection: Connection, school: str, location: str) -> list[tuple[str, core.Laptop]]:
    """Laptops at a location of a school, the latest first, of one moment what was told last."""
    fields = [LAPTOPS.c[name] for name in core.Laptop.__struct_fields__]
    mine = (LAPTOPS.c.here == school) & (LAPTOPS.c.location == location)
    rows = select(LAPTOPS.c.key, *fields).where(mine)
    told = select(func.max(LEDGER.c.position)).where(LEDGER.c.key == LAPTOPS.c.key)
    rows = rows.order_by(LAPTOPS.c.since.desc(), told.scalar_subquery().desc())
    return [(row[0], restored(core.Laptop, row[1:])) for row in connection.execute(rows)]


def counted_out_of(connection: Connection, sscc: str, school: str) -> dict[str, core.Laptop]:
    """Laptops at a school that it counted out of a shipment."""
    return {
        key: one
        for location in ("at-school", "with-student")
        for key, one in laptops_at(connection, school, location)
        if sscc in one.custody.counted
    }


def named(connection: Connection, makers: Iterable[str], serial: str) -> list[str]:
    """The laptops of a serial number that somebody spoke of."""
    keys = [f"{maker}/{serial}" for maker in makers]
    return list(connection.scalars(select(LAPTOPS.c.key).where(LAPTOPS.c.key.in_(keys))))


def shipments_awaited(
    connection: Connection, school: str | None, limit: int
) -> list[tuple[str, core.Shipment]]:
    """Shipments that no school has refused or counted, the newest word first; of one school, those
    too that it may still be counting.
    """
    fields = [SHIPMENTS.c[name] for name in core.Shipment.__struct_fields__]
    mine = SHIPMENTS.c.state.in_(COUNTING if school else AWAITED)
    rows = select(SHIPMENTS.c.key, *fields).where(mine)
    rows = rows.where(SHIPMENTS.c.school == school) if school else rows
    found = connection.execute(rows.order_by(SHIPMENTS.c.place.desc()).limit(limit))
    return [(row[0], restored(core.Shipment, row[1:])) for row in found]


def words_on(connection: Connection, key: str) -> list[tuple[str, datetime, str]]:
    """What was said of a key, without what is in it: wire name, when, by whom; oldest first."""
    cells = (LEDGER.c.type, LEDGER.c.happened_at, LEDGER.c.party)
    mine = (LEDGER.c.key == key) & LEDGER.c.type.is_not(None)
    rows = select(*cells).where(mine, LEDGER.c.type != "delivery.shipment-packed.v1")
    found = connection.execute(rows.order_by(LEDGER.c.happened_at, LEDGER.c.position))
    return [tuple(row) for row in found]


def last_said(connection: Connection, party: str, key: str) -> str | None:
    """The id of a party's last count of a laptop."""
    types = ("delivery.laptop-received.v1", "delivery.discrepancy-reported.v1")
    mine = [LEDGER.c.key == key, LEDGER.c.party == party, LEDGER.c.type.in_(types)]
    rows = select(LEDGER.c.id).where(*mine).order_by(LEDGER.c.position.desc()).limit(1)
    found: str | None = connection.scalar(rows)
    return found
