"""A job that was stopped goes on where it stopped, and nobody begins it twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from services.delivery import core, store
from shared import jobs, telemetry
from shared.databases import Database
from shared.decisions import Claim
from shared.transact import Service, taking
from shared.worker import Import, Row, Worker, run
from tests.builders import a_database

NOW = datetime(2020, 9, 1, tzinfo=UTC)
ROWS = 4_500


def _expected(_job: Any, row: Row, now: datetime) -> Claim:
    return Claim("ordering", row["laptop"], row["laptop"], now, core.Expect("O", "1", "S"))


async def _file() -> AsyncIterator[bytes]:
    yield "\n".join(["laptop", *(f"hp/SN{number:05d}" for number in range(ROWS))]).encode()


async def _until(database: Database, id: str, state: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            found: dict[str, Any] = await database.read(lambda c: jobs.find(c, id))
            if found["state"] == state:
                return found
            await asyncio.sleep(0.02)


async def test_a_job_stopped_after_a_chunk_and_resumed_reads_each_row_once(
    database_url: str,
) -> None:
    async with a_database(database_url, "delivery") as database:
        stopped: list[Any] = []

        def stop_once() -> None:
            if not stopped:
                stopped.append(asyncio.ensure_future(database.write(_stop)))

        def _stop(connection: Any) -> bool:
            return jobs.turn(connection, id, ("queued", "running"), "stopped")

        imports = {"laptops": Import(("laptop",), ("laptop",), _expected)}
        service = Service(core.CORE, store.SHELVES)
        metrics = telemetry.metrics()
        worker = Worker(database, taking(service), imports, metrics, lambda: NOW, stop_once)
        id = await jobs.spool(database, "laptops", "", "region", _file(), NOW)
        working = asyncio.create_task(run(worker))

        halfway = await _until(database, id, "stopped")
        assert 0 < halfway["read"] < ROWS
        assert await database.write(lambda c: jobs.turn(c, id, ("stopped",), "queued"))

        done = await _until(database, id, "done")
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        assert (done["read"], done["applied"], done["total"]) == (ROWS, ROWS, ROWS)
