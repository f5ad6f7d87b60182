"""One service as one process: intake, listening, jobs and relay live and end together.

A task that ends by a bug ends the process, loudly:
whoever watches starts it again, and nothing was lost.
"""

import argparse
import asyncio
import fcntl
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import IO

import uvicorn
from starlette.applications import Starlette

from shared import migrations, settings
from shared.databases import Away, Database, open_database
from shared.settings import Settings
from shared.telemetry import log_to_stdout

HEAD_LIMIT = 16 << 10  # of a request's first line and headers
PATIENCE_SECONDS = 10.0  # for a batch that is at work when we are told to end

BROKEN: set[str] = set()  # tasks of this process that ended by a bug

log = logging.getLogger(__name__)
Task = Callable[[], Awaitable[None]]


class Refused(Exception):
    """The service cannot start: one sentence that says what to do."""


def lifespan(
    database: Database, tasks: Mapping[str, Task]
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """What lives as long as the application: the tasks run until the end."""

    @asynccontextmanager
    async def living(_: Starlette) -> AsyncIterator[None]:
        running = [
            asyncio.create_task(_watched(name, task), name=name) for name, task in tasks.items()
        ]
        try:
            yield
        finally:
            await _ended(running)
            await database.close()

    return living


async def _ended(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Tell tasks to end until all have: the word may be lost in a
    library that waits for its own tasks while it closes (aiokafka does).
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=PATIENCE_SECONDS)


async def _watched(name: str, task: Task) -> None:
    """A task until it has done its work or is told to end; what else ends it ends the process."""
    try:
        await task()
    except BaseException as met:
        own = asyncio.current_task()
        if isinstance(met, asyncio.CancelledError) and own is not None and own.cancelling():
            raise
        log.critical("a task ended by a bug: the process ends", extra={"kind": name}, exc_info=True)
        BROKEN.add(name)
        os.kill(os.getpid(), signal.SIGTERM)


async def _schema_is_new(service: str, url: str) -> None:
    """Raises Refused, with the command, where the database is not there or has another schema."""
    database = open_database(url)
    try:
        at = await database.read(migrations.current)
    except Exception as trouble:  # whatever it is, the service cannot start
        raise Refused(
            f"the database of {service} cannot be read: {str(trouble).strip()}; is its server "
            f"there, has its disk room? It is made by python -m shared.migrations migrate {service}"
        ) from None
    finally:
        await database.close()
    if at != (wanted := migrations.head(service)):
        raise Refused(
            f"the database of {service} has schema {at or 'none'}, this program needs {wanted}: "
            f"run python -m shared.migrations migrate {service}"
        )


def schema_ready(database: Database) -> Callable[[], Awaitable[Mapping[str, str]]]:
    """A readiness check: the database answers."""

    async def ready() -> Mapping[str, str]:
        try:
            async with asyncio.timeout(2):
                await database.read(migrations.current)
        except (Away, TimeoutError) as away:
            return {"database": str(away) or "does not answer"}
        return {}

    return ready


def main(service: str, build: Callable[[Settings], Starlette]) -> int:
    """Run a service until SIGTERM or Ctrl-C; 0 when it ended as asked,
    1 with a sentence when it could not start, and when a bug ended it.
    """
    argparse.ArgumentParser(
        prog=f"python -m services.{service}",
        description=sys.modules[f"services.{service}"].__doc__,
        epilog="It has no options: the environment says all (docs/operating.md), for example\n"
        f"    TROUSSEAU_PORT=9000 python -m services.{service}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()
    try:
        known = settings.read(service)
        log_to_stdout(service, known.log_level)
        lock = _alone(known)
        asyncio.run(_schema_is_new(service, known.database))
        listener = _listen(known)
        app = build(known)
    except (settings.Wrong, Refused, OSError) as trouble:
        print(f"{service}: {trouble}", file=sys.stderr)
        return 1
    server = uvicorn.Server(speaking(app))

    def end(_number: int, _frame: object) -> None:
        server.should_exit = True

    # uvicorn gives us the signal that it ended by once more, and we would die of it.
    signal.signal(signal.SIGTERM, end)
    with suppress(KeyboardInterrupt):
        server.run([listener])
    if lock is not None:
        lock.close()
    return 0 if server.started and not BROKEN else 1


def speaking(app: Starlette) -> uvicorn.Config:
    """How a service speaks HTTP: by h11, because httptools holds headers of any length."""
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        h11_max_incomplete_event_size=HEAD_LIMIT,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=20,
    )


def _listen(known: Settings) -> socket.socket:
    """Take the port before anything runs: who cannot be asked must not send facts either."""
    try:
        return socket.create_server((known.host, known.port), backlog=2048)
    except OSError as trouble:
        raise Refused(
            f"cannot listen on {known.host}:{known.port}: {trouble.strerror}; "
            "stop the other program, or say another TROUSSEAU_PORT"
        ) from None


def _alone(known: Settings) -> IO[str] | None:
    """On SQLite a second process on the same database is refused."""
    if not known.database.startswith("sqlite:"):
        return None
    file = Path(known.database.removeprefix("sqlite:///")).with_suffix(".lock")
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = file.open("w")  # held for as long as the process lives
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Refused(
            f"another process works on {known.database}: "
            "SQLite has one writer; stop the other first"
        ) from None
    return lock


def every(seconds: float, act: Callable[[], Awaitable[None]]) -> Task:
    """A task that acts each so many seconds; what is away is waited for, and said once."""

    async def forever() -> None:
        waits = ""
        while True:
            try:
                await act()
                waits = ""
            except Away as away:
                if str(away) != waits:
                    waits = str(away)
                    log.warning("a timer waits", extra={"cause": waits[:200]})
            await asyncio.sleep(seconds)

    return forever
