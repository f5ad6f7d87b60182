"""EPCIS events as they were captured, found by what is in them; and captures themselves."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Select, and_, exists, select, tuple_

from services.delivery.epcis import gs1, words
from services.delivery.epcis.reading import Read
from services.delivery.store import CAPTURES, EPCIS_EVENTS, EPCS
from shared.databases import at_once, upsert

_COLUMNS = tuple(column.name for column in EPCIS_EVENTS.columns)

Row = Mapping[str, Any]
"""A row of the table of events."""

ORDERS = {"recordTime": EPCIS_EVENTS.c.recorded_at, "eventTime": EPCIS_EVENTS.c.event_time}


class Kept(Struct, frozen=True):
    """An event as it is kept: whose, its name in the register, as it was read,
    how many things in it may be laptops and are unknown to the table of makers.
    """

    party: str
    id: str
    read: Read
    unknown: int


class Asked(Struct, frozen=True):
    """What events are asked for (EPCIS 2.0 §8.2.7.1), by the names of the query's parameters; a
    list is of alternatives, None asks nothing. `order`: one of ORDERS.
    """

    event_type: Sequence[str] | None = None
    ge_event_time: datetime | None = None
    lt_event_time: datetime | None = None
    ge_record_time: datetime | None = None
    lt_record_time: datetime | None = None
    eq_biz_step: Sequence[str] | None = None
    eq_disposition: Sequence[str] | None = None
    eq_biz_location: Sequence[str] | None = None
    match_epc: Sequence[str] | None = None
    match_any_epc: Sequence[str] | None = None
    eq_event_id: Sequence[str] | None = None
    declared: bool = False
    order: str = "recordTime"
    descending: bool = False


def one_form(uri: str) -> str:
    """An identifier in the form in which it is looked for."""
    try:
        return gs1.canonical(uri) or uri
    except ValueError:
        return uri


# -- events


def keep(connection: Connection, kept: Sequence[Kept], now: datetime) -> None:
    """Keep events. One that is there already stays as it came first, but for what is known now."""
    lists = [[one.id for one in kept], sorted({one.party for one in kept})]
    sql = "SELECT id, party, unknown FROM epcis_event WHERE id {0} AND party {1}"
    there = {(row[0], row[1]): row[2] for row in at_once(connection, sql, lists)}
    fresh = {(one.id, one.party): one for one in kept if (one.id, one.party) not in there}
    upsert(connection, EPCIS_EVENTS, _COLUMNS, [_cells(one, now) for one in fresh.values()], keys=2)
    epcs = [cells for one in fresh.values() for cells in _epcs(one)]
    upsert(connection, EPCS, tuple(column.name for column in EPCS.columns), epcs, keys=3)
    for one in kept:
        if one.unknown < there.get((one.id, one.party), 0):
            mine = and_(EPCIS_EVENTS.c.id == one.id, EPCIS_EVENTS.c.party == one.party)
            connection.execute(EPCIS_EVENTS.update().where(mine).values(unknown=one.unknown))


def _cells(one: Kept, now: datetime) -> tuple[Any, ...]:
    event = one.read.event
    row = {
        "id": one.id,
        "party": one.party,
        "event_id": one.read.id,
        "recorded_at": now,
        "event_time": event.event_time,
        "type": event.type,
        "biz_step": words.bare(event.biz_step) if event.biz_step else None,
        "disposition": words.bare(event.disposition) if event.disposition else None,
        "biz_location": one_form(event.biz_location.id) if event.biz_location else None,
        "declared": event.error_declaration is not None,
        "unknown": one.unknown,
        "body": msgspec.json.encode(one.read.body).decode(),
    }
    return tuple(row[name] for name in _COLUMNS)


def _epcs(one: Kept) -> Iterable[tuple[str, str, str, bool]]:
    event = one.read.event
    listed = {one_form(epc) for epc in (*(event.epc_list or ()), *(event.child_epcs or ()))}
    every = {one_form(epc) for epc in (*event.epcs.values(), event.parent_id) if epc}
    return [(epc, one.party, one.id, epc in listed) for epc in sorted(every)]


def event(connection: Connection, party: str, id: str) -> Row:
    """An event by its name in the register. Raises NoResultFound where it was not kept."""
    mine = and_(EPCIS_EVENTS.c.id == id, EPCIS_EVENTS.c.party == party)
    return dict(connection.execute(select(EPCIS_EVENTS).where(mine)).mappings().one())


def named(connection: Connection, party: str, event_id: str) -> Sequence[Row]:
    """A party's event of this id, and what declares it in error, as they came."""
    events = EPCIS_EVENTS.c
    query = select(EPCIS_EVENTS).where(events.event_id == event_id, events.party == party)
    return _rows(connection, query.order_by(events.recorded_at, events.id))


def body(row: Row) -> Any:
    """An event as it was sent."""
    return msgspec.json.decode(row["body"])


def as_sent(row: Row) -> dict[str, Any]:
    """An event as it was sent, with the id that it has here and the time when it came."""
    event: dict[str, Any] = body(row)
    return event | {"eventID": row["event_id"], "recordTime": row["recorded_at"].isoformat()}


def found(
    connection: Connection, party: str, asked: Asked, after: Sequence[str], limit: int
) -> Sequence[Row]:
    """A party's events, from behind a place (`after`: what its column says, and its id) on."""
    events, order = EPCIS_EVENTS.c, ORDERS[asked.order]
    query = select(EPCIS_EVENTS).where(events.party == party, *_where(asked))
    if after:
        here, place = tuple_(order, events.id), (datetime.fromisoformat(after[0]), after[1])
        query = query.where(here < place if asked.descending else here > place)
    way = [column.desc() if asked.descending else column for column in (order, events.id)]
    return _rows(connection, query.order_by(*way).limit(limit))


def _where(asked: Asked) -> list[Any]:
    events = EPCIS_EVENTS.c
    lists = (
        (events.type, asked.event_type),
        (events.biz_step, asked.eq_biz_step),
        (events.disposition, asked.eq_disposition),
        (events.biz_location, asked.eq_biz_location),
        (events.event_id, asked.eq_event_id),
    )
    where: list[Any] = [column.in_(values) for column, values in lists if values is not None]
    times = (
        (events.event_time, asked.ge_event_time, asked.lt_event_time),
        (events.recorded_at, asked.ge_record_time, asked.lt_record_time),
    )
    for column, start, end in times:
        where += [column >= start] if start else []
        where += [column < end] if end else []
    where += [events.declared.is_(True)] if asked.declared else []
    where += [_holding(asked.match_epc, EPCS.c.listed.is_(True))] if asked.match_epc else []
    where += [_holding(asked.match_any_epc)] if asked.match_any_epc else []
    return where


def _holding(epcs: Sequence[str], *more: Any) -> Any:
    mine = and_(EPCS.c.party == EPCIS_EVENTS.c.party, EPCS.c.id == EPCIS_EVENTS.c.id)
    return exists().where(mine, EPCS.c.epc.in_(epcs), *more)


def place_of(row: Row, asked: Asked) -> list[str]:
    """What `after` must be for the list to go on behind an event."""
    return [row[ORDERS[asked.order].name].isoformat(), row["id"]]


def unknown(connection: Connection, after: tuple[str, str], limit: int) -> Sequence[Row]:
    """Events with something unknown in them, of all parties, from behind (id, party) on."""
    events = EPCIS_EVENTS.c
    query = select(EPCIS_EVENTS).where(events.unknown > 0, tuple_(events.id, events.party) > after)
    return _rows(connection, query.order_by(events.id, events.party).limit(limit))


def _rows(connection: Connection, query: Select[Any]) -> Sequence[Row]:
    return [dict(row) for row in connection.execute(query).mappings()]


# -- captures


class Capture(Struct, frozen=True):
    """One call of the capture interface and what became of it."""

    id: str
    party: str
    created_at: datetime
    finished_at: datetime
    success: bool
    behaviour: str
    errors: list[Any]


def enter(connection: Connection, capture: Capture) -> None:
    row = msgspec.structs.asdict(capture)
    row["errors"] = msgspec.json.encode(capture.errors).decode()
    connection.execute(CAPTURES.insert(), [row])


def capture(connection: Connection, party: str, id: str) -> Capture | None:
    """A capture of a party; None when there is none of this id, or it is another's."""
    query = select(CAPTURES).where(CAPTURES.c.id == id, CAPTURES.c.party == party)
    rows = _rows(connection, query)
    return _capture(rows[0]) if rows else None


def captures(
    connection: Connection, party: str, after: Sequence[str], limit: int
) -> Sequence[Capture]:
    """A party's captures, the newest first, from behind (created, id) on."""
    columns = CAPTURES.c
    query: Select[Any] = select(CAPTURES).where(columns.party == party)
    if after:
        place = (datetime.fromisoformat(after[0]), after[1])
        query = query.where(tuple_(columns.created_at, columns.id) < place)
    query = query.order_by(columns.created_at.desc(), columns.id.desc()).limit(limit)
    return [_capture(row) for row in _rows(connection, query)]


def _capture(row: Row) -> Capture:
    return Capture(**{**row, "errors": msgspec.json.decode(row["errors"])})
