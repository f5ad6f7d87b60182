"""Two databases behind two verbs: what is kept, what is undone, and what is said in trouble."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    event,
    func,
    select,
    text,
)

from shared import databases, settings
from shared.databases import Away, Database, Instant, append, at_once, open_database, upsert
from shared.decisions import instant
from tests import places
from tests.builders import Crash, a_crash_at

METADATA = MetaData()
THINGS = Table(
    "things",
    METADATA,
    Column("name", String, primary_key=True),
    Column("order", String),  # a word of SQL, and of ours
    Column("at", Instant),
    Column("count", Integer),
)
NAMES = ("name", "order", "at", "count")
MOMENT = datetime(2020, 9, 1, 8, 12, 0, 5, tzinfo=UTC)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = open_database(database_url)
    await database.write(METADATA.create_all)
    yield database
    await database.close()


@pytest.fixture
def postgres_url(postgres_server: places.PostgresServer) -> Iterator[str]:
    with places.new_database(postgres_server) as url:
        yield url


def put(connection: Connection, *names: str) -> None:
    append(connection, THINGS, NAMES, [(name, "BC1", MOMENT, 1) for name in names])


def named(connection: Connection) -> list[str]:
    return sorted(connection.scalars(select(THINGS.c.name)))


# -- what is kept


async def test_what_is_written_is_read(database: Database) -> None:
    await database.write(lambda connection: put(connection, "a", "b"))
    rows = await database.read(lambda connection: connection.execute(select(THINGS)).fetchall())
    assert sorted(tuple(row) for row in rows) == [("a", "BC1", MOMENT, 1), ("b", "BC1", MOMENT, 1)]


async def test_work_that_raises_leaves_nothing_and_the_next_works(database: Database) -> None:
    def broken(connection: Connection) -> None:
        put(connection, "a")
        raise LookupError("ours")

    with pytest.raises(LookupError, match="ours"):
        await database.write(broken)
    await database.write(lambda connection: put(connection, "b"))
    assert await database.read(named) == ["b"]


async def test_moments_are_kept_to_the_microsecond_and_sort_as_time_does(
    database: Database,
) -> None:
    east, west = timezone(timedelta(hours=9)), timezone(timedelta(hours=-9))
    moments = [MOMENT + timedelta(microseconds=n) for n in (0, 1, 1_000, 999_999, 10**6)]
    told = [moment.astimezone(zone) for moment in moments for zone in (east, west)]
    rows = [(f"{n}", None, moment, 0) for n, moment in enumerate(told)]
    await database.write(lambda connection: append(connection, THINGS, NAMES, rows))
    query = select(THINGS.c.at).order_by(THINGS.c.at)
    kept = await database.read(lambda connection: list(connection.scalars(query)))
    assert kept == sorted(told)
    assert all(moment.tzinfo is not None for moment in kept)


OFFSETS = some.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))
FIRST, LAST = datetime(1, 1, 2), datetime(9999, 12, 30)  # noqa: DTZ001  Hypothesis gives the zone
MOMENTS = some.datetimes(FIRST, LAST, timezones=OFFSETS)


@given(MOMENTS)
def test_a_moment_as_text_has_one_width_and_comes_back(moment: datetime) -> None:
    written = instant(moment)
    assert len(written) == 27
    assert datetime.fromisoformat(written) == moment


@given(some.lists(MOMENTS, min_size=2))
def test_moments_as_text_sort_as_time_does(moments: list[datetime]) -> None:
    assert sorted(map(instant, moments)) == list(map(instant, sorted(moments)))


async def test_rows_are_replaced_by_their_key_or_added_to(database: Database) -> None:
    def work(connection: Connection) -> list[Any]:
        put(connection, "a")
        upsert(connection, THINGS, NAMES, [("a", "x", MOMENT, 7), ("b", None, None, 2)])
        rows = [("a", 1), ("b", -2), ("c", 5)]
        upsert(connection, THINGS, ("name", "count"), rows, adding=True)
        query = select(THINGS.c.name, THINGS.c.order, THINGS.c.count).order_by(THINGS.c.name)
        return [tuple(row) for row in connection.execute(query)]

    assert await database.write(work) == [("a", "x", 8), ("b", None, 0), ("c", None, 5)]


async def test_nothing_at_all_is_appended_and_replaced(database: Database) -> None:
    await database.write(lambda connection: append(connection, THINGS, NAMES, []))
    await database.write(lambda connection: upsert(connection, THINGS, NAMES, []))
    assert await database.read(named) == []


@pytest.mark.parametrize("odd", ["'", '"', "\\", "{0}", "%s", "é", "😀", "a,b", "[]", "null", " "])
async def test_odd_texts_are_looked_up_as_they_are(database: Database, odd: str) -> None:
    await database.write(lambda connection: put(connection, odd, f"not {odd}"))
    sql = 'SELECT name FROM things WHERE name {0} AND "order" {1}'
    rows = await database.read(lambda connection: at_once(connection, sql, [[odd], ["BC1", odd]]))
    assert [row[0] for row in rows] == [odd]


async def test_any_number_is_looked_up_at_once(database: Database) -> None:
    names = [f"{number:05d}" for number in range(40_000)]
    await database.write(lambda connection: put(connection, *names[::2]))
    sql = "SELECT name FROM things WHERE name {0}"
    rows = await database.read(lambda connection: at_once(connection, sql, [names]))
    assert sorted(row[0] for row in rows) == names[::2]
    assert list(await database.read(lambda connection: at_once(connection, sql, [[]]))) == []


# -- at once


async def test_readers_see_what_stood_before_a_write_that_is_not_done(
    database: Database, database_url: str
) -> None:
    other = open_database(database_url)
    reached, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slow(connection: Connection) -> None:
        put(connection, "a")
        loop.call_soon_threadsafe(reached.set)
        if database.kind == "sqlite":
            go_on.wait(30)
        else:
            connection.execute(text("SELECT pg_sleep(0.5)"))

    writing = started(database.write(slow))
    await reached.wait()
    assert await other.read(named) == []
    go_on.set()
    await writing
    assert await other.read(named) == ["a"]
    await other.close()


async def test_many_writers_at_once_all_get_their_turn(database: Database) -> None:
    def add(connection: Connection) -> None:
        upsert(connection, THINGS, ("name", "count"), [("a", 1)], adding=True)

    async def patiently() -> None:
        try:
            await database.write(add)
        except Away:
            await patiently()

    await asyncio.gather(*(patiently() for _ in range(60)))
    counted = select(THINGS.c.count)
    assert await database.read(lambda connection: connection.scalar(counted)) == 60


async def test_two_that_wait_for_each_other_are_told_apart_and_both_get_done(
    postgres_url: str,
) -> None:
    database = open_database(postgres_url)
    await database.write(METADATA.create_all)
    await database.write(lambda connection: put(connection, "a", "b"))
    attempts = []

    def crosswise(first: str, second: str) -> Any:
        def work(connection: Connection) -> None:
            attempts.append(first)
            for name in (first, second):
                change = THINGS.update().where(THINGS.c.name == name)
                connection.execute(change.values(count=THINGS.c.count + 1))
                connection.execute(text("SELECT pg_sleep(0.2)"))

        return work

    await asyncio.gather(database.write(crosswise("a", "b")), database.write(crosswise("b", "a")))
    total = select(func.sum(THINGS.c.count))
    assert await database.read(lambda connection: connection.scalar(total)) == 6
    assert len(attempts) == 3, "one of the two was tried again"
    await database.close()


async def test_who_is_cut_off_at_any_call_is_told_so_and_spoils_nothing_for_the_next(
    database: Database,
) -> None:
    cut = 0
    while True:
        with a_crash_at(cut + 1):
            try:
                await database.write(lambda connection: put(connection, "cut"))
                break
            except Crash:
                cut += 1
        for _ in range(3):
            assert await database.read(named) == []
            await database.write(lambda connection: put(connection, "whole"))
            await database.write(lambda connection: connection.execute(THINGS.delete()))
    assert cut >= 3


def asleep(connection: Connection) -> None:
    connection.execute(text("SELECT pg_sleep(30)"))


def asleep_in_the_driver(connection: Connection) -> None:
    at_once(connection, "SELECT pg_sleep(30) WHERE 'a' {0}", [["a"]])


@pytest.mark.parametrize("work", [asleep, asleep_in_the_driver])
async def test_who_is_told_to_end_in_the_middle_of_a_statement_ends(
    postgres_url: str, work: Callable[[Connection], None]
) -> None:
    database = open_database(postgres_url)
    task = started(database.write(work))
    await until_one_sleeps(database)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await database.read(lambda connection: connection.scalar(text("SELECT 1"))) == 1
    await database.close()


def started(waiting: Awaitable[Any]) -> asyncio.Task[Any]:
    async def wait() -> Any:
        return await waiting

    return asyncio.create_task(wait())


async def until_one_sleeps(database: Database) -> None:
    asked = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(30)%'"
    async with asyncio.timeout(30):
        found = 0
        while not found:
            await asyncio.sleep(0.02)
            found = await database.read(lambda connection: connection.scalar(text(asked)))


# -- away


async def test_a_server_that_is_not_there_is_away() -> None:
    database = open_database(f"postgresql://nobody@127.0.0.1:{places.free_port()}/x")
    for ask in (database.read, database.write):
        with pytest.raises(Away):
            await ask(lambda connection: connection.scalar(text("SELECT 1")))
    await database.close()


async def test_a_connection_to_which_the_server_says_goodbye_is_told_as_away(
    postgres_server: places.PostgresServer, postgres_url: str
) -> None:
    database = open_database(postgres_url)
    ending = await asyncpg.connect(f"{postgres_server.url}/postgres")
    name = postgres_url.rpartition("/")[2]
    goodbye = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
    told: set[type[BaseException]] = set()

    async def read() -> None:
        try:
            await database.read(lambda connection: connection.scalar(text("SELECT 1")))
        except Exception as trouble:
            told.add(type(trouble))

    try:
        for _ in range(150):
            await asyncio.gather(
                *(read() for _ in range(8)), ending.execute(goodbye.replace("$1", f"'{name}'"))
            )
    finally:
        await ending.close()
        await database.close()
    assert told <= {Away}


async def test_a_server_that_was_away_is_back_without_our_doing(
    postgres_server: places.PostgresServer, postgres_url: str
) -> None:
    database = open_database(postgres_url)
    await database.write(METADATA.create_all)
    await asyncio.gather(*(database.read(named) for _ in range(8)))  # connections that will be dead
    for ending in (postgres_server.stop, postgres_server.kill):
        await asyncio.to_thread(ending)
        try:
            for ask in (database.read, database.write):
                with pytest.raises(Away):
                    await ask(named)
        finally:
            await asyncio.to_thread(postgres_server.start)
        for _ in range(10):
            assert await database.read(named) == []
        await database.write(lambda connection: put(connection, "a"))
        await database.write(lambda connection: connection.execute(THINGS.delete()))
    await database.close()


async def test_a_server_that_lets_no_more_in_is_away(
    postgres_server: places.PostgresServer, postgres_url: str
) -> None:
    await asyncio.to_thread(
        places.ask, postgres_server.url, "CREATE ROLE crowded LOGIN PASSWORD 'x' CONNECTION LIMIT 0"
    )
    try:
        scheme, _, rest = postgres_url.partition("://")
        database = open_database(f"{scheme}://crowded:x@{rest.rpartition('@')[2]}")
        with pytest.raises(Away, match="too many connections"):
            await database.read(lambda connection: connection.scalar(text("SELECT 1")))
        await database.close()
    finally:
        await asyncio.to_thread(places.ask, postgres_server.url, "DROP ROLE crowded")


async def test_when_all_connections_are_taken_the_database_is_away(postgres_url: str) -> None:
    database = open_database(postgres_url)
    hold = text("SELECT pg_sleep(8)")
    holding = [
        started(database.read(lambda connection: connection.execute(hold))) for _ in range(16)
    ]
    await asyncio.sleep(1)
    with pytest.raises(Away):
        await database.read(lambda connection: connection.scalar(text("SELECT 1")))
    for task in holding:
        task.cancel()
    await asyncio.gather(*holding, return_exceptions=True)
    assert await database.read(lambda connection: connection.scalar(text("SELECT 1"))) == 1
    await database.close()


async def test_a_statement_that_is_wrong_is_not_a_database_that_is_away(
    database: Database,
) -> None:
    for ask in (database.read, database.write):
        with pytest.raises(Exception, match="nowhere"):
            await ask(lambda connection: connection.execute(text("SELECT * FROM nowhere")))


async def test_a_file_that_another_holds_is_away_for_writers_and_there_for_readers(
    tmp_path: Path,
) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    await database.write(METADATA.create_all)
    holder = sqlite3.connect(tmp_path / "x.sqlite3", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Away, match="locked"):
        await database.write(lambda connection: put(connection, "a"))
    assert await database.read(named) == []
    holder.close()
    await database.write(lambda connection: put(connection, "b"))
    assert await database.read(named) == ["b"]
    await database.close()


async def test_a_full_disk_is_away_and_keeps_nothing_by_halves(tmp_path: Path) -> None:
    pages = 40

    def full(connection: sqlite3.Connection, _: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")

    event.listen(Engine, "connect", full)
    try:
        database = open_database(f"sqlite:///{tmp_path / 'x.sqlite3'}")
        await database.write(METADATA.create_all)
        many = [f"{number:0200d}" for number in range(2_000)]
        with pytest.raises(Away, match="full"):
            await database.write(lambda connection: put(connection, *many))
        assert await database.read(named) == []
        await database.write(lambda connection: put(connection, "a"))
        await database.close()
    finally:
        event.remove(Engine, "connect", full)


async def test_a_server_that_never_answers_is_away_in_time_and_its_connection_is_left(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "LONGEST_SECONDS", 1.0)
    database = open_database(postgres_url)
    await database.write(METADATA.create_all)

    def endless(connection: Connection) -> None:
        put(connection, "a")
        connection.execute(text("SELECT pg_sleep(3600)"))

    for ask in (database.write, database.read):
        with pytest.raises(Away, match="does not answer"):
            await ask(endless)
    assert await database.read(named) == []
    await database.write(lambda connection: put(connection, "a"))
    await database.close()


async def test_a_file_that_cannot_be_opened_is_away(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite3").mkdir()
    database = open_database(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    with pytest.raises(Away, match="unable to open"):
        await database.read(named)
    await database.close()


async def test_who_goes_away_while_sqlite_writes_leaves_the_write_whole(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    await database.write(METADATA.create_all)
    begun, go_on = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        put(connection, "a")
        begun.set()
        go_on.wait(30)
        put(connection, "b")

    writing = started(database.write(slow))
    await asyncio.to_thread(begun.wait, 30)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    go_on.set()
    await database.write(lambda _: None)  # its turn comes once the other is done
    assert await database.read(named) == ["a", "b"]
    await database.close()


# -- which database


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("sqlite", "sqlite:////home/db/delivery.sqlite3"),
        ("sqlite:////data/{service}.db", "sqlite:////data/delivery.db"),
        ("postgresql://u:p@h:1/", "postgresql://u:p@h:1/trousseau_delivery"),
        ("postgres://u@h/other", "postgresql://u@h/trousseau_delivery"),
        ("postgresql://u_{service}@h/x_{service}", "postgresql://u_delivery@h/x_delivery"),
    ],
)
def test_each_service_has_its_own_database(said: str, meant: str) -> None:
    assert settings.database_url("delivery", Path("/home"), said) == meant


@pytest.mark.parametrize("said", ["", "mysql://u@h/x", "postgresql:///x", "oracle"])
def test_what_names_no_database_is_wrong(said: str) -> None:
    with pytest.raises(settings.Wrong, match="TROUSSEAU_DATABASE"):
        settings.database_url("delivery", Path("/home"), said)
