"""Where it is measured: one broker, one PostgreSQL server, new databases on either kind."""

import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from secrets import token_hex

import asyncpg
from msgspec import Struct

from shared import migrations
from tests import places, places_on_this_machine

NewDatabase = Callable[[], AbstractAsyncContextManager[str]]
"""The URL of a new, empty database, which is gone at the end."""


class Ground(Struct, frozen=True):
    """A folder on a disk, a broker's bootstrap address, a PostgreSQL server's URL."""

    home: Path
    kafka: str
    postgres: str


@contextmanager
def ground() -> Iterator[Ground]:
    """What the environment names, as for the tests, else a broker and a server of this run's own.

    Raises NoPlaceError or CannotRunError with what is missing.
    """
    broker, server = (
        os.environ.get(name) for name in ("TROUSSEAU_TEST_KAFKA", "TROUSSEAU_TEST_POSTGRES")
    )
    with ExitStack() as stack:
        home = stack.enter_context(_home())
        kafka = places.given_kafka(broker) if broker else places_on_this_machine.kafka(home)
        postgres = (
            places.given_postgres(server)
            if server
            else places_on_this_machine.postgres_server(home)
        )
        bootstrap = stack.enter_context(kafka).bootstrap
        yield Ground(home, bootstrap, stack.enter_context(postgres).url)


@contextmanager
def _home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="trousseau-benchmarks-") as folder:
        home = Path(folder)
        home.chmod(0o755)  # PostgreSQL's owner is another user where we are root
        yield home


@asynccontextmanager
async def on_sqlite() -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{folder}/benchmark.sqlite3"


def on_postgres(server: str) -> NewDatabase:
    @asynccontextmanager
    async def new() -> AsyncIterator[str]:
        name = f"benchmark_{token_hex(4)}"
        await migrations.create_database(f"{server}/{name}")
        try:
            yield f"{server}/{name}"
        finally:
            connection = await asyncpg.connect(f"{server}/postgres")
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
            await connection.close()

    return new


async def version(server: str) -> str:
    """How the server calls itself, as in `PostgreSQL 17.2`."""
    connection = await asyncpg.connect(f"{server}/postgres")
    try:
        told: str = await connection.fetchval("SHOW server_version")
        return f"PostgreSQL {told.split()[0]}"
    finally:
        await connection.close()
