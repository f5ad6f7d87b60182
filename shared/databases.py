"""One database per service, SQLite or PostgreSQL, behind two verbs: `write` and `read`.

Both take a plain function of a SQLAlchemy Connection and run it in one
transaction, so that every rule and every statement is written once. SQLite:
one thread writes, in turn; reads go on their own connections. PostgreSQL:
asyncpg underneath. What differs between the two stands here and nowhere else.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import asyncpg
import msgspec
from sqlalchemy import Connection, Table, create_engine, event, text
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError, InterfaceError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import DateTime, String, TypeDecorator, TypeEngine
from sqlalchemy.util import await_only
from sqlmodel import SQLModel

from shared.decisions import instant

T = TypeVar("T")
Work = Callable[[Connection], T]

CONTENDED = (
    "40001",
    "40P01",
    "23505",
)  # serialisation, deadlock, the unique net: the whole transaction is tried again
ATTEMPTS = 5
# For a transaction of PostgreSQL, far above the longest there is: a server that vanishes without a
# word leaves whoever waits for its answer waiting for ever.
LONGEST_SECONDS = 300.0


class Away(Exception):
    """The database does not answer or cannot store (gone, restarting, disk full). Nothing of this
    transaction was committed, unless it went away while it committed; try later, as before.
    """


class Instant(TypeDecorator[datetime]):
    """An aware moment: timestamptz on PostgreSQL, on
    SQLite fixed-width UTC text, which sorts as time does.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return String(27) if dialect.name == "sqlite" else DateTime(timezone=True)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        return instant(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002  SQLAlchemy names it
        moment: datetime | None = loaded(value)
        return moment


# The moments of rows that go around SQLAlchemy.
sqlite3.register_adapter(datetime, instant)


def loaded(value: Any) -> Any:
    """A moment as either database gives it back."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


@dataclass(frozen=True)
class Database:
    """One service's database. `write` and `read` raise Away when it cannot be reached or cannot
    store. `shed` takes what was deleted out of the log of writes; whether it could.
    """

    url: str
    kind: str
    write: Callable[[Work[Any]], Awaitable[Any]]
    read: Callable[[Work[Any]], Awaitable[Any]]
    close: Callable[[], Awaitable[None]]
    shed: Callable[[], Awaitable[bool]]


def open_database(url: str, forgetting: bool = False) -> Database:
    """The database at `sqlite:///<path>` or `postgresql://…`; nothing is connected yet.
    `forgetting`: a file is to keep nothing of what was deleted.
    """
    if url.startswith("sqlite:"):
        return _open_sqlite(url, forgetting)
    return _open_postgres(url)


def _open_sqlite(url: str, forgetting: bool) -> Database:
    Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    writer_engine = _sqlite_engine(url, "BEGIN IMMEDIATE", 64, forgetting)
    reader_engine = _sqlite_engine(url, "BEGIN", cache_mib=8)  # for each of several connections
    writer = ThreadPoolExecutor(1, thread_name_prefix="writer")
    readers = ThreadPoolExecutor(4, thread_name_prefix="reader")

    async def run(pool: ThreadPoolExecutor, engine: Any, work: Work[T]) -> T:
        def task() -> T:
            with engine.begin() as connection:
                return work(connection)

        try:
            return await asyncio.get_running_loop().run_in_executor(pool, task)
        except (OperationalError, InterfaceError) as problem:
            if getattr(problem.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_ERROR:
                raise  # a statement that is wrong, not a database that is away
            raise Away(str(problem.orig)) from problem

    async def write(work: Work[T]) -> T:
        # Shielded: a caller who goes away must not leave the work half awaited; the thread finishes
        # it either way.
        return await asyncio.shield(run(writer, writer_engine, work))

    async def read(work: Work[T]) -> T:
        return await run(readers, reader_engine, work)

    async def close() -> None:
        await asyncio.to_thread(writer.shutdown)
        await asyncio.to_thread(readers.shutdown)
        writer_engine.dispose()
        reader_engine.dispose()

    return Database(url, "sqlite", write, read, close, partial(_shed, writer, writer_engine))


async def _shed(writer: ThreadPoolExecutor, engine: Any) -> bool:
    """Bring the log of writes into the file, and cut it to nothing; not while somebody reads."""

    def task() -> bool:
        connection = engine.raw_connection()
        try:
            busy, *_ = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError:  # the disk is full, say
            return False
        finally:
            connection.close()
        return not busy

    return await asyncio.get_running_loop().run_in_executor(writer, task)


def _sqlite_engine(url: str, begin: str, cache_mib: int, forgetting: bool = False) -> Any:
    engine = create_engine(
        url,
        connect_args={"check_same_thread": False, "timeout": 5.0},
        pool_size=5,
        hide_parameters=True,  # what was sent to us stands in no log
    )

    @event.listens_for(engine, "connect")
    def settle(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "busy_timeout=5000",
            "foreign_keys=ON",
            f"secure_delete={'ON' if forgetting else 'OFF'}",
            f"cache_size=-{cache_mib << 10}",  # in KiB
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _open_postgres(url: str) -> Database:
    engine = _postgres_engine(url)

    async def once(work: Work[T]) -> T:
        async with engine.connect() as connection:
            return await _in_transaction(connection, work)

    async def run(work: Work[T]) -> T:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with asyncio.timeout(LONGEST_SECONDS):
                    return await once(work)
            except TROUBLE as problem:
                if attempt == ATTEMPTS or _state(problem) not in CONTENDED:
                    _raise(problem)
        raise AssertionError("unreachable")

    async def close() -> None:
        await engine.dispose()

    async def shed() -> bool:
        return True  # dead rows are the server's: it sweeps them by itself

    return Database(url, "postgresql", run, run, close, shed)


async def _in_transaction(connection: AsyncConnection, work: Work[T]) -> T:
    """Do work in a transaction of asyncpg's. By hand, because its `async with` raises a
    trouble of its own, in the place of what happened, when the connection is closed by then.
    """
    driver: Any = (await connection.get_raw_connection()).driver_connection
    transaction = driver.transaction()
    try:
        await transaction.start()
        try:
            done = await connection.run_sync(work)
        except Exception:
            if not driver.is_closed():
                await transaction.rollback()
            raise
        await transaction.commit()
    except Exception as problem:
        if isinstance(problem, GOODBYE):
            await connection.invalidate()
        raise
    except BaseException:
        # Cut off while a transaction begins or ends, it would spoil whoever has it next.
        await connection.invalidate()
        raise
    return done


# Milliseconds. Who waits longer for a lock is told to come again; a process that stands still in
# the middle of a transaction (asleep, cut off) holds nobody up for longer.
TIMEOUTS = {"lock_timeout": "5000", "idle_in_transaction_session_timeout": "15000"}


def _postgres_engine(url: str) -> AsyncEngine:
    # asyncpg's own transaction surrounds all, for not every statement goes through SQLAlchemy.
    engine = create_async_engine(
        asyncpg_url(url),
        pool_size=8,
        max_overflow=8,
        pool_timeout=5,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        connect_args={"server_settings": TIMEOUTS},
    )

    @event.listens_for(engine.sync_engine, "checkout")
    def alive(connection: Any, _record: Any, _proxy: Any) -> None:
        if connection.driver_connection.is_closed():
            raise InvalidatePoolError("it was closed while it lay idle, and others with it")

    return engine


def asyncpg_url(url: str) -> str:
    """A PostgreSQL URL as SQLAlchemy wants it for asyncpg."""
    return "postgresql+asyncpg://" + url.split("://", 1)[1]


# What asyncpg says of a connection on which the server is saying goodbye, before it is closed.
GOODBYE = asyncpg.InternalClientError
TROUBLE = (
    GOODBYE,
    DBAPIError,
    PoolTimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    OSError,
)
# Connection, read-only, left idle, contention, resources, a lock not to be had, operator, system.
_GONE = ("08", "25006", "25P03", "40", "53", "55P03", "57", "58")


def _original(problem: BaseException) -> BaseException:
    """What asyncpg raised, without SQLAlchemy's wrapping."""
    wrapped = getattr(problem, "orig", None)
    return (wrapped and wrapped.__cause__) or problem


def _state(problem: BaseException) -> str:
    return getattr(_original(problem), "sqlstate", None) or ""


def _raise(problem: BaseException) -> NoReturn:
    """Raise Away for what time may mend; anything else as it is."""
    original, state = _original(problem), _state(problem)
    wrong = isinstance(original, ValueError)  # a value that no column takes: ours to mend
    if wrong or (state and not state.startswith(_GONE)):
        raise problem
    raise Away(str(original) or "it does not answer") from problem


def at_once(
    connection: Connection, statement: str, lists: Sequence[Sequence[str]]
) -> Sequence[Any]:
    """Rows of a statement whose `{0}`, `{1}` … stand for lists of text, as `column {0}`: one round
    trip for any number. The first list is looked up in an index, the others sieve what it finds.
    """
    bound = [msgspec.json.encode(values).decode() for values in lists]
    if connection.dialect.name == "sqlite":
        marks = ["IN (SELECT value FROM json_each(?))" for _ in lists]
        return connection.exec_driver_sql(statement.format(*marks), tuple(bound)).fetchall()
    texts = [f"SELECT json_array_elements_text(${n}::json)" for n in range(1, len(lists) + 1)]
    # An array would be gone through from its start for each row that it sieves; a subquery is
    # hashed.
    marks = [f"= ANY(ARRAY({texts[0]}))", *(f"IN ({text})" for text in texts[1:])]
    rows: list[Any] = await_only(_driver(connection).fetch(statement.format(*marks), *bound))
    return rows


def _driver(connection: Connection) -> Any:
    """asyncpg's connection under SQLAlchemy's."""
    return connection.connection.driver_connection


def table_of(model: type[SQLModel]) -> Table:
    """The table that a model declares, for statements of SQLAlchemy's core."""
    table: Table = model.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it
    return table


def quoted(names: Iterable[str]) -> str:
    """Names of columns or tables for a statement: `order` and `offset` are words of SQL."""
    return ",".join(f'"{name}"' for name in names)


def append(
    connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows: COPY on PostgreSQL, one prepared statement on SQLite."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        marks = ",".join("?" * len(columns))
        name, names = quoted([table.name]), quoted(columns)
        sql = f"INSERT INTO {name} ({names}) VALUES ({marks})"  # noqa: S608  our own names
        connection.exec_driver_sql(sql, list(rows))
    else:
        copying = _driver(connection).copy_records_to_table
        await_only(copying(table.name, records=rows, columns=list(columns)))


def upsert(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    keys: int = 1,
    adding: bool = False,
) -> None:
    """Insert rows, or replace (adding: add to) those with the
    same key, the first `keys` columns. No key may come twice.
    """
    if not rows:
        return
    name, names = quoted([table.name]), quoted(columns)
    old = f'{name}."{{0}}"+' if adding else ""
    replaced = ",".join(f'"{{0}}"={old}excluded."{{0}}"'.format(one) for one in columns[keys:])
    conflict = f"ON CONFLICT ({quoted(columns[:keys])}) DO UPDATE SET {replaced}"
    if connection.dialect.name == "sqlite":
        marks = ",".join("?" * len(columns))
        sql = f"INSERT INTO {name} ({names}) VALUES ({marks}) {conflict}"  # noqa: S608  as above
        connection.exec_driver_sql(sql, list(rows))
    else:
        types = (table.c[name].type.compile(connection.dialect) for name in columns)
        arrays = ",".join(f"${number}::{kind}[]" for number, kind in enumerate(types, 1))
        rows_of = f"SELECT * FROM unnest({arrays})"  # noqa: S608  as above
        sql = f"INSERT INTO {name} ({names}) {rows_of} {conflict}"
        await_only(_driver(connection).execute(sql, *zip(*rows, strict=True)))


def mark(
    connection: Connection, table: Table, column: str, value: Any, keys: Sequence[int]
) -> None:
    """Set a column of the rows whose primary key, a whole number, is one of these: one round trip
    for any number.
    """
    key, names = table.primary_key.columns[0].name, quoted([table.name])
    sql = f"UPDATE {names} SET {quoted([column])} = {{}} WHERE {key} {{}}"  # noqa: S608  as above
    if connection.dialect.name == "sqlite":
        listed = msgspec.json.encode(keys).decode()
        marked = sql.format("?", "IN (SELECT value FROM json_each(?))")
        connection.exec_driver_sql(marked, (value, listed))
    else:
        await_only(_driver(connection).execute(sql.format("$1", "= ANY($2)"), value, keys))


def lock_creation(connection: Connection) -> None:
    """Let one transaction at a time make new keys, where
    several processes write; SQLite has one writer anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(746573)"))
