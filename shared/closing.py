"""What only time brings about: a service closes each day, once, when the next one begins in France.

The word is party `clock`'s and its id the date, so that no day is told twice, however often it is
closed; days on which no process ran are caught up one after another (design: domain, "Time's own
facts"). A service says which keys a day may mean something to; what it means its core decides.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, text
from sqlmodel import Field, SQLModel

from shared.contracts.calendar import day_of, midnight
from shared.databases import Database, table_of
from shared.decisions import Claim
from shared.transact import LIMIT, Service, transact

CLOCK = "clock"

log = logging.getLogger(__name__)


class ClosedDay(SQLModel, table=True):
    """The day that was begun last: all before it are closed. One row."""

    __tablename__ = "closed_day"

    day: date = Field(primary_key=True)


CLOSED = table_of(ClosedDay)


@dataclass(frozen=True)
class Closing:
    """What closing needs of a service: `due`, the keys that the beginning of a day may mean
    something to, and what is asked of each.
    """

    database: Database
    service: Service
    now: Callable[[], datetime]
    due: Callable[[Connection, date], Sequence[tuple[str, Any]]]
    committed: Callable[[], None]


def closing_days(closing: Closing) -> Callable[[], Awaitable[None]]:
    """A function that closes whatever days are over. Raises Away."""

    async def close() -> None:
        today = day_of(closing.now())
        last = select(func.max(CLOSED.c.day))
        days = _days(await closing.database.read(lambda connection: connection.scalar(last)), today)
        for day in days:
            await _close(closing, day)
        if days:
            await closing.database.write(lambda connection: _note(connection, today))

    return close


def _days(last: date | None, today: date) -> Sequence[date]:
    """The days to begin. A clock that was set back begins anew, and catches nothing up."""
    if last is None or today < last:
        return (today,)
    return [last + timedelta(days=number) for number in range(1, (today - last).days + 1)]


async def _close(closing: Closing, day: date) -> None:
    """Begin a day; one that means something to nothing leaves no trace."""
    asked = await closing.database.read(lambda connection: closing.due(connection, day))
    named = partial(Claim, CLOCK, day.isoformat(), happened_at=midnight(day), stated=False)
    claims = [named(key, command=command) for key, command in asked]
    applied = 0
    for start in range(0, len(claims), LIMIT):
        part = claims[start : start + LIMIT]
        verdicts = await closing.database.write(
            partial(transact, service=closing.service, claims=part, now=closing.now())
        )
        applied += sum(verdict.verdict == "applied" for verdict in verdicts)
        closing.committed()
    if claims:
        log.info("a day was closed", extra={"kind": day.isoformat(), "count": applied})


def _note(connection: Connection, day: date) -> None:
    """Two processes of a service may note one day at once, and both are right."""
    connection.execute(delete(CLOSED).where(CLOSED.c.day != day))
    noting = text("INSERT INTO closed_day (day) VALUES (:day) ON CONFLICT DO NOTHING")
    connection.execute(noting.bindparams(bindparam("day", day, type_=CLOSED.c.day.type)))
