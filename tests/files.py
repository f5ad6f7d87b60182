"""Files given to a worker of ordering's, and what became of them."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Any

from services.ordering import core, imports, store
from shared import jobs, telemetry
from shared.databases import Database
from shared.transact import Service, taking
from shared.worker import Worker, run
from tests.builders import MAKERS

ORDERING = Service(core.CORE, store.SHELVES)


def a_worker(database: Database) -> Worker:
    """Ordering's worker, which nobody has started."""
    return Worker(
        database,
        taking(ORDERING),
        imports.imports(MAKERS),
        telemetry.metrics(),
        lambda: datetime.now(UTC),
        lambda: None,
    )


async def in_pieces(content: bytes, size: int = 1_000) -> AsyncIterator[bytes]:
    """A file as it comes over the wire."""
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def queued(
    database: Database, content: str | bytes, kind: str = "schools", about: str = ""
) -> str:
    """The job of a file that came whole."""
    raw = content.encode() if isinstance(content, str) else content
    return await jobs.spool(database, kind, about, "region", in_pieces(raw), datetime.now(UTC))


async def job_of(database: Database, id: str) -> dict[str, Any]:
    """How far a job is."""
    found: dict[str, Any] = await database.read(lambda connection: jobs.find(connection, id))
    return found


async def worked(
    database: Database, id: str, until: Iterable[str] = ("done", "failed")
) -> dict[str, Any]:
    """A job, once a worker brought it to one of some states."""
    working = asyncio.create_task(run(a_worker(database)))
    try:
        async with asyncio.timeout(60):
            while (job := await job_of(database, id))["state"] not in until:
                if working.done():
                    await working
                await asyncio.sleep(0.01)
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    return job


async def report_of(database: Database, id: str) -> list[tuple[int, str, str, str]]:
    """Row, verdict, code and detail of each row."""
    rows: list[tuple[int, str, str, str]] = await database.read(
        lambda connection: jobs.report(connection, id, 0, 100_000)
    )
    return rows
