"""Lists of laptops, read from tracking's tables: filtered, in an order, a page at a time."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select, tuple_

from services.tracking import fold
from services.tracking.store import FLAGS, LIVES
from shared.decisions import instant
from shared.ledger import restored

SORTS = {"serial": "key", "location": "location", "since": "since", "order": "order"}


def listed(
    connection: Connection, wanted: Mapping[str, Any], after: str, limit: int, sort: str = "serial"
) -> tuple[list[dict[str, Any]], int]:
    """Laptops from after a cursor, and how many there are in all. `wanted`: as `_where` reads it;
    `sort`: one of SORTS, after "-" when the last comes first. Raises ValueError for no cursor.
    """
    where = [_where(name, value) for name, value in wanted.items()]
    total = connection.scalar(select(func.count()).select_from(LIVES).where(*where)) or 0
    found: list[dict[str, Any]] = []
    for rows in _in_order(sort, after):
        if len(found) < limit:
            more = connection.execute(rows.where(*where).limit(limit - len(found)))
            found += [dict(row) for row in more.mappings()]
    for row in found:
        life = restored(fold.Life, [row[name] for name in fold.Life.__struct_fields__])
        row["flags"] = fold.flags(life)
    return found, total


def to_count(connection: Connection, school: str) -> dict[str, int]:
    """How many laptops wait at a school's door to be counted, by shipment; "" where none is named,
    as _where and showing.wanted read the list of each.
    """
    waiting = (LIVES.c.school == school) & (LIVES.c.location == "arrived")
    counted = LIVES.c.shipment.is_not(None) | LIVES.c.announced_at.is_not(None)
    rows = select(LIVES.c.shipment, func.count()).where(waiting, counted)
    found = connection.execute(rows.group_by(LIVES.c.shipment))
    return {shipment or "": count for shipment, count in found}


def cursor(row: Mapping[str, Any], sort: str = "serial") -> str:
    """What `after` must say for a list in this order to go on behind a row."""
    name, value = SORTS[sort.removeprefix("-")], row[SORTS[sort.removeprefix("-")]]
    if name == "key":
        return str(value)
    return f"{instant(value) if isinstance(value, datetime) else value or ''} {row['key']}"


def _in_order(sort: str, after: str) -> Iterator[Select[Any]]:
    """Laptops in an order, from after a cursor; at its end those that lack the value, by key. Each
    of the two goes along an index.
    """
    key, column = LIVES.c.key, LIVES.c[SORTS[sort.removeprefix("-")]]
    falling = sort.startswith("-")
    value, _, last = after.rpartition(" ")
    places, at = ([key], [last]) if column is key else ([column, key], [value, last])
    if not after or value or column is key:
        rows = select(LIVES).where(column.is_not(None))
        if after:
            known = [_moment(value), last] if column is LIVES.c.since else at
            here, behind = tuple_(*places), tuple_(*known, types=[one.type for one in places])
            rows = rows.where(here < behind if falling else here > behind)
        yield rows.order_by(*(one.desc() if falling else one for one in places))
    if column.nullable:
        yield select(LIVES).where(column.is_(None), key > ("" if value else last)).order_by(key)


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text[:40]} is out of the calendar") from None


def _where(name: str, value: Any) -> Any:  # noqa: PLR0911  a return for each name
    """A condition on laptops. keys: one of these. changed_since: heard of
    then or later. announced: or not. flag: so flagged. department: its schools'. reached: a
    step, at any time or on a day (step, from, to). promise: what became of it by a moment
    (on-time, late or due; the moment). Else: a column's value.
    """
    match name:
        case "keys":
            return LIVES.c.key.in_(value)
        case "changed_since":
            return LIVES.c.changed_at >= value
        case "flag":
            return LIVES.c.key.in_(select(FLAGS.c.key).where(FLAGS.c.flag == value))
        case "announced":
            return LIVES.c.announced_at.is_not(None) if value else LIVES.c.announced_at.is_(None)
        case "department":
            return LIVES.c.school.like(f"{value.zfill(3)}%")
        case "reached":
            step, start, end = value
            at = LIVES.c[fold.column(step)]
            return (at >= start) & (at < end) if start else at.is_not(None)
        case "promise":
            return _promise(*value)
    return LIVES.c[name] == value


def _promise(outcome: str, now: datetime | None) -> Any:
    """A condition on laptops: received by the end of the promised day, received later, or due."""
    if outcome == "due":
        return LIVES.c.received_at.is_(None) & (LIVES.c.due_at <= now)
    received_at, due_at = LIVES.c.received_at, LIVES.c.due_at
    return received_at < due_at if outcome == "on-time" else received_at >= due_at


def due(
    connection: Connection, now: datetime, school: str | None = None
) -> tuple[int, datetime | None]:
    """How many laptops are due, at a school or in all, and since when the first of them is."""
    mine = _promise("due", now)
    if school is not None:
        mine &= LIVES.c.school == school
    found = select(func.count(), func.min(LIVES.c.due_at)).select_from(LIVES).where(mine)
    count, since = connection.execute(found).one()
    return count, since


def due_by_line(
    connection: Connection, now: datetime, order: str | None = None
) -> Counter[tuple[str, str]]:
    """How many laptops of each line of an order, or of all, are due."""
    mine = _promise("due", now)
    if order is not None:
        mine &= LIVES.c.order == order
    lines = LIVES.c.order, LIVES.c.line
    counts = connection.execute(select(*lines, func.count()).where(mine).group_by(*lines))
    return Counter({(row[0], row[1]): row[2] for row in counts})


def oldest(connection: Connection, location: str) -> datetime | None:
    """Since when the laptop that is longest at a location is there."""
    since: datetime | None = connection.scalar(
        select(func.min(LIVES.c.since)).where(LIVES.c.location == location)
    )
    return since
