"""Days are closed, each once, whatever the clock and the process did meanwhile."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, select

from services.ordering import core, store
from shared.closing import CLOSED, Closing, closing_days
from shared.contracts.ordering import OrderLine
from shared.databases import Database
from shared.ledger import LEDGER
from shared.transact import transact
from tests.builders import SCHOOL, a_claim, a_database
from tests.files import ORDERING

ENTRY = core.ListSchool("Lycée", "LEGT", "public", "Strasbourg", "67", "", "Metz", "")
PLACED = datetime(2020, 8, 1, 8, tzinfo=UTC)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = PLACED

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with a_database(database_url, "ordering") as database:
        yield database


async def ordered(database: Database, *promised: date) -> None:
    """An order with a line for each promised day."""
    lines = tuple(
        OrderLine(str(number), SCHOOL, "HP 245 G8", 1, "L1", "region", day)
        for number, day in enumerate(promised, 1)
    )
    order = core.PlaceOrder("2020-2021", "region", "hexalog", lines)
    claims = [a_claim(f"school:{SCHOOL}", ENTRY), a_claim("order:BC1", order, id="order")]
    await database.write(partial(transact, service=ORDERING, claims=claims, now=PLACED))


def asked(connection: Connection, day: date, known: list[date]) -> Sequence[tuple[str, Any]]:
    known.append(day)
    return store.due(connection, day)


def close(database: Database, clock: Clock, known: list[date]) -> Callable[[], Awaitable[None]]:
    due = partial(asked, known=known)
    return closing_days(Closing(database, ORDERING, clock, due, lambda: None))


async def told(database: Database) -> list[tuple[str, str, datetime]]:
    """What time itself said: party, id, moment."""
    cells = (LEDGER.c.party, LEDGER.c.id, LEDGER.c.happened_at)
    query = select(*cells).where(LEDGER.c.type == "ordering.order-late.v1").order_by(LEDGER.c.id)
    return [tuple(row) for row in await database.read(lambda one: list(one.execute(query)))]


async def test_a_day_is_closed_when_the_next_begins_in_france_and_is_told_by_the_clock_once(
    database: Database, clock: Clock
) -> None:
    await ordered(database, date(2020, 8, 3))
    days: list[date] = []
    act = close(database, clock, days)
    await act()
    clock.at = datetime(2020, 8, 3, 21, 59, 59, tzinfo=UTC)  # a second before midnight in Paris
    await act()
    assert await told(database) == []
    clock.at += timedelta(seconds=1)
    await act()
    await act()
    midnight = datetime(2020, 8, 3, 22, tzinfo=UTC)
    assert await told(database) == [("clock", "2020-08-04", midnight)]
    assert days == [date(2020, 8, day) for day in (1, 2, 3, 4)]


async def test_days_that_nobody_was_awake_for_are_caught_up_one_after_another(
    database: Database, clock: Clock
) -> None:
    await ordered(database, date(2020, 8, 3), date(2020, 8, 6))
    days: list[date] = []
    await close(database, clock, days)()
    clock.at += timedelta(days=9)
    await close(database, clock, days)()
    assert [(id, at) for _, id, at in await told(database)] == [
        ("2020-08-04", datetime(2020, 8, 3, 22, tzinfo=UTC)),
        ("2020-08-07", datetime(2020, 8, 6, 22, tzinfo=UTC)),
    ]
    assert days == [date(2020, 8, day) for day in range(1, 11)]


async def test_a_day_that_was_cut_short_is_closed_again_and_tells_nothing_twice(
    database: Database, clock: Clock
) -> None:
    await ordered(database, date(2020, 8, 3))
    act = close(database, clock, [])
    await act()
    clock.at += timedelta(days=5)
    await act()
    before = await told(database)
    await database.write(lambda one: one.execute(CLOSED.update().values(day=date(2020, 8, 2))))
    await act()
    assert await told(database) == before != []


async def test_a_clock_that_was_set_back_begins_anew_and_catches_nothing_up(
    database: Database, clock: Clock
) -> None:
    days: list[date] = []
    act = close(database, clock, days)
    clock.at = datetime(2026, 11, 27, 12, tzinfo=UTC)
    await act()
    clock.at = PLACED
    await act()
    clock.at += timedelta(days=1)
    await act()
    assert days == [date(2026, 11, 27), date(2020, 8, 1), date(2020, 8, 2)]
