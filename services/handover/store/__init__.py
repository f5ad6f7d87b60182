"""What handover keeps, and what is asked of it."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, delete, func, or_, select

from services.handover import core
from services.handover.shown import SchoolNamed, SchoolShown
from services.handover.store.tables import (
    CAMPAIGNS,
    CODES,
    DRAWS,
    HANDOVERS,
    LAPTOPS,
    MECHANISMS,
    SCHOOLS,
    SHELVES,
    STUDENTS,
    Row,
)
from shared.databases import upsert
from shared.ledger import LEDGER, load, seen

__all__ = ["MECHANISMS", "SHELVES", "Row"]

_HANDOVER = msgspec.json.Decoder(core.Handover)


class Found(Struct, frozen=True):
    """A handover, its number, its laptop, what that is, and what stands in the way."""

    number: str
    laptop: str
    model: str | None
    blocked: tuple[str, ...]
    handover: core.Handover


_NAMES = ("number", "laptop", "model", "blocked", "body")
_FOUND = tuple(HANDOVERS.c[name] for name in _NAMES)


def _found(row: Any) -> Found:
    number, laptop, model, blocked, body = row
    return Found(number, laptop, model, tuple(filter(None, blocked.split(","))), _read(body))


def _read(body: str) -> core.Handover:
    return _HANDOVER.decode(body)


# -- campaigns and students


class Standing(Struct, frozen=True):
    """A campaign and its school year."""

    school_year: str
    campaign: core.Campaign


def campaigns(connection: Connection) -> list[Standing]:
    """Each campaign, the newest school year first."""
    keys = connection.scalars(select(CAMPAIGNS.c.key).order_by(CAMPAIGNS.c.key.desc()))
    found = seen(connection, SHELVES, list(keys))
    return [Standing(key.partition(":")[2], one.state) for key, one in sorted(found.items())[::-1]]


def campaign(connection: Connection, name: str) -> Standing | None:
    """A campaign by its name."""
    named = (one for one in campaigns(connection) if one.campaign.campaign == name)
    return next(named, None)


def leaving(connection: Connection, school_year: str, levels: Iterable[str]) -> list[str]:
    """The students who finish in a school year, or left in it."""
    ends = or_(STUDENTS.c.level.in_(sorted(levels)), STUDENTS.c.left.is_not(None))
    mine = (STUDENTS.c.school_year == school_year, ends)
    return list(connection.scalars(select(STUDENTS.c.key).where(*mine).order_by(STUDENTS.c.key)))


def students_at(connection: Connection, school: str) -> list[str]:
    """The students who are at a school, or were last."""
    rows = select(STUDENTS.c.key).where(STUDENTS.c.school == school).order_by(STUDENTS.c.key)
    return list(connection.scalars(rows))


def followed_by(connection: Connection, school: str) -> list[str]:
    """The schools that a school followed."""
    rows = select(SCHOOLS.c.key).where(SCHOOLS.c.successor == school).order_by(SCHOOLS.c.key)
    return list(connection.scalars(rows))


def schools(connection: Connection, uais: Iterable[str]) -> dict[str, SchoolNamed]:
    """Each of these schools as people know it, by its UAI."""
    found = seen(connection, SHELVES, map(core.school_key, uais))
    states = {key.partition(":")[2]: one.state for key, one in found.items()}
    return {uai: SchoolNamed(uai, one.name or "", one.town or "") for uai, one in states.items()}


def school(connection: Connection, uai: str) -> SchoolNamed:
    """A school as people know it."""
    return schools(connection, [uai])[uai]


def student(connection: Connection, pseudonym: str) -> core.Student:
    """A student; an empty one where nobody spoke of the pseudonym."""
    key = core.student_key(pseudonym)
    found: core.Student = seen(connection, SHELVES, [key])[key].state
    return found


# -- laptops and handovers


def laptop(connection: Connection, key: str) -> core.Laptop:
    """A laptop; an empty one where nobody spoke of it."""
    found: core.Laptop = seen(connection, SHELVES, [key])[key].state
    return found


def named(connection: Connection, makers: Iterable[str], serial: str) -> list[str]:
    """The laptops of a serial number that somebody spoke of."""
    keys = [f"{maker}/{serial}" for maker in makers]
    return list(connection.scalars(select(LAPTOPS.c.key).where(LAPTOPS.c.key.in_(keys))))


def handover(connection: Connection, number: str) -> Found | None:
    """A handover by its number."""
    row = connection.execute(select(*_FOUND).where(HANDOVERS.c.number == number)).first()
    return _found(row) if row else None


def of_laptop(connection: Connection, key: str) -> list[Found]:
    """The handovers of a laptop, what is still to be done first, then the newest."""
    rows = connection.execute(select(*_FOUND).where(HANDOVERS.c.laptop == key))
    found = sorted(map(_found, rows), key=lambda one: str(one.handover.opened_at), reverse=True)
    return sorted(found, key=lambda one: not one.handover.live)


def certified(connection: Connection, number: str) -> Found | None:
    """The handover of a certificate's number."""
    mine = HANDOVERS.c.certificate == number
    row = connection.execute(select(*_FOUND).where(mine)).first()
    return _found(row) if row else None


def _asked(where: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """What a list is asked for: `blocked` is a cause, or "any"; the others are columns."""
    mine: list[ColumnElement[bool]] = []
    for name, value in where.items():
        if name == "blocked":
            held = HANDOVERS.c.blocked
            mine.append(held != "" if value == "any" else held.contains(value, autoescape=True))
        elif name == "failing":
            mine.append(HANDOVERS.c.failing_since.is_not(None))
        else:
            mine.append(HANDOVERS.c[name] == value)
    return mine


def handovers(
    connection: Connection, where: Mapping[str, Any], after: str | None, limit: int
) -> tuple[list[Found], int]:
    """Handovers by their numbers, from after one; and how many in all."""
    mine = _asked(where)
    total = connection.scalar(select(func.count()).select_from(HANDOVERS).where(*mine)) or 0
    rows = select(*_FOUND).where(*mine).order_by(HANDOVERS.c.number).limit(limit)
    rows = rows.where(HANDOVERS.c.number > after) if after else rows
    return [_found(row) for row in connection.execute(rows)], total


def certificates(connection: Connection, campaign: str, school: str = "") -> list[Found]:
    """The certificates of a campaign, by number: of a school, or all."""
    mine = [HANDOVERS.c.campaign == campaign, HANDOVERS.c.certificate.is_not(None)]
    mine += [HANDOVERS.c.school == school] if school else []
    rows = select(*_FOUND).where(*mine).order_by(HANDOVERS.c.certificate)
    return [_found(row) for row in connection.execute(rows)]


def laptops_at(connection: Connection, school: str) -> list[str]:
    """The laptops of which a school has something to do, or which lie there."""
    todo = or_(HANDOVERS.c.live.is_(True), HANDOVERS.c.state == "returned")
    rows = select(HANDOVERS.c.laptop).where(HANDOVERS.c.school == school, todo).distinct()
    return list(connection.scalars(rows.order_by(HANDOVERS.c.laptop)))


# -- what is counted

REACHED = ("offered_at", "signed_at", "certified_at", "handed_over_at", "went_on_at")


def counted(connection: Connection, campaign: str, school: str = "") -> list[SchoolShown]:
    """Each school of a campaign, or one."""
    table = HANDOVERS.c
    mine = [table.campaign == campaign, table.state != "cancelled"]
    mine += [table.school == school] if school else []
    steps = [func.count(table[name]) for name in REACHED]
    released = func.count().filter(table.released.is_(True))
    back = func.count().filter(table.state.in_(core.RETURNING))
    held = func.count().filter(table.blocked != "")
    columns = (*steps[:2], released, *steps[2:], back, held)
    rows = select(table.school, func.count(), *columns).where(*mine).group_by(table.school)
    return [SchoolShown(*row) for row in connection.execute(rows.order_by(table.school))]


def _of(campaign: str, school: str) -> list[ColumnElement[bool]]:
    """Those of a campaign and of a school; "" for any."""
    asked = {"campaign": campaign, "school": school}
    return [HANDOVERS.c[name] == value for name, value in asked.items() if value]


def blocked(connection: Connection, campaign: str = "", school: str = "") -> dict[str, int]:
    """How many handovers each cause holds up."""
    mine = [HANDOVERS.c.blocked != "", *_of(campaign, school)]
    found = dict.fromkeys(core.CAUSES, 0)
    rows = select(HANDOVERS.c.blocked, func.count()).where(*mine).group_by(HANDOVERS.c.blocked)
    for causes, count in connection.execute(rows):
        for cause in causes.split(","):
            found[cause] += count
    return found


def by_state(connection: Connection, campaign: str = "", school: str = "") -> dict[str, int]:
    """How many handovers are in each state."""
    mine = _of(campaign, school)
    rows = select(HANDOVERS.c.state, func.count()).where(*mine).group_by(HANDOVERS.c.state)
    return {row[0]: row[1] for row in connection.execute(rows)}


def failing(
    connection: Connection, campaign: str = "", school: str = ""
) -> tuple[int, datetime | None]:
    """How many releases fail, and since when the longest does."""
    mine = [HANDOVERS.c.failing_since.is_not(None), *_of(campaign, school)]
    first = select(func.count(), func.min(HANDOVERS.c.failing_since)).where(*mine)
    count, since = connection.execute(first).one()
    return count, since


# -- what time and device management ask


def releases_due(connection: Connection, now: datetime, limit: int) -> list[Found]:
    """Handovers whose release is to be asked now, the longest due first."""
    mine = HANDOVERS.c.release_due_at <= now
    order = (HANDOVERS.c.release_due_at, HANDOVERS.c.number)
    rows = select(*_FOUND).where(mine).order_by(*order).limit(limit)
    return [_found(row) for row in connection.execute(rows)]


def due(policy: core.Policy, connection: Connection, day: date) -> list[tuple[str, Any]]:
    """What the beginning of a day asks: of laptops that are to come back soon, or are late."""
    soon = day + timedelta(days=max(policy.returns.reminders, default=0))
    mine = (HANDOVERS.c.due_on <= soon.isoformat()) & HANDOVERS.c.overdue.is_(False)
    rows = select(HANDOVERS.c.laptop).where(mine).distinct().order_by(HANDOVERS.c.laptop)
    return [(key, core.CloseDay(day)) for key in connection.scalars(rows)]


# -- codes, and what was said before


def hold(connection: Connection, keys: Iterable[str]) -> dict[str, Any]:
    """Keep others from these keys until the transaction ends: whoever tries or draws a code has its
    laptop first, so that tries come one after the other. Their states.
    """
    return {key: one.state for key, one in load(connection, SHELVES, keys).items()}


def code(connection: Connection, number: str) -> core.Code | None:
    """The code that is out for a handover; its laptop is held."""
    found = connection.execute(select(CODES).where(CODES.c.handover == number)).mappings().first()
    return core.Code(found["digest"], found["expires_at"], found["missed"]) if found else None


def keep_code(connection: Connection, number: str, code: core.Code | None) -> None:
    """Put a code in the place of any before it; none where it was used up."""
    if code is None:
        connection.execute(delete(CODES).where(CODES.c.handover == number))
        return
    row = {"handover": number, **msgspec.structs.asdict(code)}
    upsert(connection, CODES, list(row), [tuple(row.values())])


def draws(connection: Connection, number: str, day: date) -> int:
    """How many codes were drawn for a handover on a day; its laptop is held."""
    mine = (DRAWS.c.handover == number) & (DRAWS.c.day == day.isoformat())
    return connection.scalar(select(DRAWS.c.count).where(mine)) or 0


def count_draw(connection: Connection, number: str, day: date) -> None:
    """One more; of the days before nothing is kept."""
    row = (number, day.isoformat(), draws(connection, number, day) + 1)
    upsert(connection, DRAWS, ("handover", "day", "count"), [row])


def said(connection: Connection, key: str, party: str, id: str) -> bool:
    """Whether a party asked something of a laptop under an id."""
    claim = (LEDGER.c.key == key, LEDGER.c.party == party, LEDGER.c.id == id)
    row = select(LEDGER.c.position).where(*claim, LEDGER.c.verdict.is_not(None))
    return connection.scalar(row) is not None


def waiting(connection: Connection) -> tuple[list[dict[str, Any]], int]:
    """Laptops that no list named and that somebody has."""
    where = LAPTOPS.c.model.is_(None)
    total = connection.scalar(select(func.count()).select_from(LAPTOPS).where(where)) or 0
    rows = select(LAPTOPS.c.key, LAPTOPS.c.place).where(where).order_by(LAPTOPS.c.place).limit(500)
    return [
        {"key": row.key, "code": "laptop-not-announced", "last_happened_at": row.place[:27]}
        for row in connection.execute(rows)
    ], total
