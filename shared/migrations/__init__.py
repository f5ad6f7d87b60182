"""Schemas, moved by Alembic: one history per service, one environment for all.

A service never moves its own schema: it refuses an old one and names the first of these.

    python -m shared.migrations migrate ordering delivery tracking
    python -m shared.migrations revision ordering "what changed"
"""

import argparse
import asyncio
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData
from sqlalchemy.engine import make_url

from shared import settings
from shared.closing import CLOSED
from shared.databases import Away, open_database
from shared.jobs import JOB, VERDICTS
from shared.ledger import LEDGER
from shared.offsets import OFFSET
from shared.parking import PARKED
from shared.pieces import PIECES

HERE = Path(__file__).parent
READING = (PARKED, OFFSET)
DECIDING = (LEDGER, *READING, JOB, PIECES, VERDICTS, CLOSED)


def metadata(service: str) -> MetaData:
    """All tables of a service: its own, and those of the mechanisms that its store names."""
    store = importlib.import_module(f"services.{service}.store")
    whole = MetaData()
    for table in (*store.Row.metadata.sorted_tables, *store.MECHANISMS):
        table.to_metadata(whole)
    return whole


def config(service: str, connection: Connection | None = None) -> Config:
    """What Alembic works by: a service's history and tables, on a connection."""
    made = Config()
    made.set_main_option("script_location", str(HERE))
    made.set_main_option(
        "version_locations", str(HERE.parent.parent / "services" / service / "migrations")
    )
    made.set_main_option("path_separator", "os")
    made.attributes |= {"connection": connection, "metadata": metadata(service)}
    return made


def head(service: str) -> str:
    """The newest revision of a service's schema."""
    return ScriptDirectory.from_config(config(service)).get_current_head() or ""


def current(connection: Connection) -> str:
    """The revision that a database is at; "" for an empty one."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def upgrade(connection: Connection, service: str) -> None:
    """Bring a database to the newest revision."""
    command.upgrade(config(service, connection), "head")


def drift(connection: Connection, service: str) -> list[Any]:
    """What the tables in the code and in the database differ
    by; nothing, when the migrations are true to the models.
    """
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata(service)))


async def create_database(url: str) -> None:
    """Make the PostgreSQL database that a URL names,
    when its server has none of that name and lets us.
    """
    parsed = make_url(url)
    server = parsed.set(database="postgres").render_as_string(hide_password=False)
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except asyncpg.InvalidCatalogNameError:
        connection = await asyncpg.connect(server, timeout=10)
        await connection.execute(f'CREATE DATABASE "{parsed.database}"')
    await connection.close()


async def migrate(service: str, url: str) -> str:
    """Make the database of a service if need be and bring
    it to the newest revision; which that is. Raises Away.
    """
    if not url.startswith("sqlite:"):
        try:
            await create_database(url)
        except (OSError, TimeoutError, asyncpg.PostgresError) as trouble:
            raise Away(f"PostgreSQL does not let us in: {trouble}") from trouble
    database = open_database(url)
    try:
        await database.write(lambda connection: upgrade(connection, service))
    finally:
        await database.close()
    return head(service)


async def write_revision(service: str, url: str, message: str) -> None:
    """Write the next revision of a service: from its models, less what the database has."""
    folder = HERE.parent.parent / "services" / service / "migrations"
    number = f"{len(list(folder.glob('*.py'))) + 1:04d}"
    database = open_database(url)
    try:
        await database.write(
            lambda connection: command.revision(
                config(service, connection),
                message,
                autogenerate=True,
                version_path=str(folder),
                rev_id=number,
            )
        )
    finally:
        await database.close()


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m shared.migrations",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    there = [name for name in settings.PORTS if (HERE.parent.parent / "services" / name).is_dir()]
    acts = parser.add_subparsers(dest="act", required=True)
    moving = acts.add_parser(
        "migrate", help="bring databases to the newest schema, making them where they are missing"
    )
    moving.add_argument("services", nargs="+", choices=there)
    writing = acts.add_parser("revision", help="write a migration from what the models changed")
    writing.add_argument("service", choices=there)
    writing.add_argument("message")
    given = parser.parse_args(words)
    try:
        if given.act == "revision":
            url = settings.read(given.service).database
            asyncio.run(write_revision(given.service, url, given.message))
            return 0
        for service in given.services:
            url = settings.read(service).database
            try:
                print(f"{service}: schema {asyncio.run(migrate(service, url))}")
            except Away as trouble:
                raise Away(f"{service}: {trouble}") from trouble
    except (settings.Wrong, Away, OSError) as trouble:
        print(trouble, file=sys.stderr)
        return 1
    return 0
