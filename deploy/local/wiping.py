"""Removing what a system left: its state folder's own files, its databases, its broker's volume."""

import asyncio
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import asyncpg
from sqlalchemy.engine import make_url

from deploy.local import kafka_container
from deploy.local.processes import CannotRunError
from deploy.local.system import System
from shared import settings

# `run` is last: it holds the lock under which the others go.
OURS = (
    *("clock", "db", "kafka", "keys.json", "keys.lock", "keys.new"),
    "handover-secret",
    *("erasures.list", "master-key.json", "master-key.new"),
    *("log", "prometheus", "trial-keys.json", "trial-keys.new"),
)
LAST = "run"


def wipe(system: System, said: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Remove what the system that the environment describes has kept; nobody may be running it.

    Raises CannotRunError when a PostgreSQL server does not let us drop a database.
    """
    gone = _databases(system, said)
    if system.broker is None:
        say(f"The topics of {system.kafka} stay: delete them there before the next start.")
    elif engine := kafka_container.find_engine():
        volume = kafka_container.container_name(system.home)
        subprocess.run([engine, "volume", "rm", "-f", volume], capture_output=True, check=False)
    for name in (*OURS, LAST):
        entry = system.home / name
        if entry.exists():
            gone.append(name)
            _remove(entry)
    gone = [name for name in gone if name != LAST]
    removed = f"is emptied: {', '.join(gone)} removed" if gone else "was empty"
    say(f"{system.home} {removed}.")


def _remove(entry: Path) -> None:
    if entry.is_dir():
        shutil.rmtree(entry)
    else:
        entry.unlink()


def _databases(system: System, said: Mapping[str, str]) -> list[str]:
    """Drop the services' databases in a PostgreSQL server; which there were."""
    urls = [settings.read(name, said).database for name in system.services]
    return [
        name
        for url in urls
        if not url.startswith("sqlite:")
        for name in [make_url(url).database or ""]
        if asyncio.run(_dropped(url, name))
    ]


async def _dropped(url: str, name: str) -> bool:
    server = make_url(url).set(database="postgres").render_as_string(hide_password=False)
    try:
        connection = await asyncpg.connect(server, timeout=10)
        try:
            there = await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name)
            if there:
                # Whoever is connected works on it, and is not to lose it under his hands.
                await connection.execute(f'DROP DATABASE "{name}"')
        finally:
            await connection.close()
    except (OSError, TimeoutError, asyncpg.PostgresError) as trouble:
        raise CannotRunError(f"The database {name} cannot be dropped: {trouble}.") from trouble
    return bool(there)
