"""Rows appended and marked: in the transaction whatever stands before them, and in trouble
like any write.
"""

import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, select, text
from sqlalchemy.exc import DBAPIError

from shared.databases import Away, Database, Instant, append, mark, open_database
from tests import places

NAMES = Table("names", MetaData(), Column("name", String, primary_key=True))
ROWS = Table(
    "rows",  # a word of SQL, as is the column
    MetaData(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("end", Instant),
)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = open_database(database_url)
    await database.write(NAMES.create)
    yield database
    await database.close()


@pytest.fixture
def postgres_url(postgres_server: places.PostgresServer) -> Iterator[str]:
    with places.new_database(postgres_server) as url:
        yield url


@pytest.fixture
async def on_postgres(postgres_url: str) -> AsyncIterator[Database]:
    database = open_database(postgres_url)
    await database.write(NAMES.create)
    yield database
    await database.close()


def stand(connection: Connection) -> list[str]:
    return list(connection.scalars(select(NAMES.c.name).order_by(NAMES.c.name)))


def add(connection: Connection, name: str) -> None:
    append(connection, NAMES, ("name",), [(name,)])


async def test_what_is_appended_first_of_all_is_gone_when_the_work_then_fails(
    database: Database,
) -> None:
    def work(connection: Connection) -> None:
        add(connection, "a")
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(work)
    assert await database.read(stand) == []


async def test_rows_are_marked_by_their_numbers_and_no_other_is(database: Database) -> None:
    at = datetime(2020, 9, 1, 8, tzinfo=UTC)

    def work(connection: Connection) -> list[datetime | None]:
        ROWS.create(connection)
        append(connection, ROWS, ("number",), [(number,) for number in range(5)])
        mark(connection, ROWS, "end", at, [1, 3, 7])
        return list(connection.scalars(select(ROWS.c.end).order_by(ROWS.c.number)))

    assert await database.write(work) == [None, at, None, at, None]


async def test_an_append_that_meets_the_unique_net_has_the_whole_work_tried_again(
    on_postgres: Database,
) -> None:
    await on_postgres.write(lambda connection: add(connection, "a"))
    names = iter("ab")  # as a work that looked before another committed, and then looks again
    await on_postgres.write(lambda connection: add(connection, next(names)))
    assert await on_postgres.read(stand) == ["a", "b"]


async def test_an_append_into_a_lost_connection_says_that_the_database_is_away_and_the_next_heals(
    on_postgres: Database,
) -> None:
    def lost(connection: Connection) -> None:
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 1"))
        time.sleep(0.2)  # the server takes us for gone and ends the connection
        add(connection, "a")

    with pytest.raises(Away):
        await on_postgres.write(lost)
    await on_postgres.write(lambda connection: add(connection, "b"))
    assert await on_postgres.read(stand) == ["b"]


async def test_a_value_that_no_column_takes_is_a_fault_of_ours_and_not_a_database_that_is_away(
    on_postgres: Database,
) -> None:
    with pytest.raises(DBAPIError, match="out of int64 range"):
        await on_postgres.write(
            lambda connection: connection.exec_driver_sql("SELECT $1::bigint", (1 << 80,))
        )
