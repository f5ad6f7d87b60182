"""Files that are cut off on their way: by a kill of who takes them, or by who sends them."""

import asyncio
import http.client
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from shared import jobs, pieces
from shared.closing import CLOSED
from shared.databases import open_database
from tests import running
from tests.builders import SCHOOLS_CSV, counts
from tests.faults.checking import ask
from tests.running import Service, System, until

NOWHERE = "127.0.0.1:1"  # nothing here goes to a broker
BLANK = b"\n" * pieces.PIECE  # lines without a row
FIRST = SCHOOLS_CSV.encode() + BLANK[len(SCHOOLS_CSV.encode()) :]


@pytest.fixture(params=["sqlite", "postgres"])
def system(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[System]:
    """Ordering alone, up, on each database."""
    with running.system_on(request, tmp_path, NOWHERE, ["ordering"]) as made:
        made.start()
        yield made


def left(system: System) -> dict[str, int]:
    """The tables of ordering's that are not empty, but for the one that says which day it is."""
    sizes = ask(system, "ordering", lambda connection: counts(connection, "ordering"))
    return {name: size for name, size in sizes.items() if size and name != CLOSED.name}


def an_hour_passes(system: System) -> None:
    """Whatever is coming now has stood still for longer than is waited for."""
    old = datetime.now(UTC) - jobs.UPLOAD - timedelta(minutes=1)

    async def pass_by() -> None:
        database = open_database(system.url_of_database("ordering"))
        try:
            await database.write(lambda one: one.execute(update(jobs.JOB).values(queued_at=old)))
        finally:
            await database.close()

    asyncio.run(pass_by())


def upload(system: System, to: Service, size: int) -> http.client.HTTPConnection:
    """A directory of `size` bytes that a service is told to await; the caller sends them."""
    wire = http.client.HTTPConnection("127.0.0.1", to.port, timeout=60)
    wire.putrequest("POST", "/api/schools/imports")
    wire.putheader("Authorization", system.bearer("region")["Authorization"])
    wire.putheader("Content-Type", "text/csv")
    wire.putheader("Content-Length", str(size))
    wire.endheaders()
    return wire


def test_what_a_kill_leaves_of_an_upload_is_thrown_away(system: System) -> None:
    with closing(upload(system, system.ordering, 10 * pieces.PIECE)) as wire:
        wire.send(BLANK * 3)
        until(lambda: left(system).get("job_piece") == 3, "three pieces are stored")
        system.ordering.kill()
    assert left(system) == {"job": 1, "job_piece": 3}
    an_hour_passes(system)
    system.start("ordering")
    until(lambda: not left(system), "nothing is left of it")


def test_what_a_sender_leaves_of_an_upload_is_thrown_away(system: System) -> None:
    with closing(upload(system, system.ordering, 10 * pieces.PIECE)) as wire:
        wire.send(BLANK * 2)
        until(lambda: left(system).get("job_piece") == 2, "two pieces are stored")
    until(lambda: not left(system), "nothing is left of it")


@pytest.mark.parametrize("system", ["postgres"], indirect=True)
def test_a_process_that_starts_leaves_anothers_upload_alone_unless_it_stands_still(
    system: System,
) -> None:
    slow, still = (upload(system, system.ordering, 3 * pieces.PIECE) for _ in range(2))
    with closing(slow), closing(still):
        for wire in (slow, still):
            wire.send(FIRST)
        until(lambda: left(system).get("job_piece") == 2, "a piece of both is stored")
        an_hour_passes(system)
        slow.send(BLANK)
        until(lambda: left(system).get("job_piece") == 3, "and one more of the slow one")
        other = system.another("ordering")
        other.start()
        running.wait_until_ready(system.http, other)
        until(lambda: left(system) == {"job": 1, "job_piece": 2}, "the still one is thrown away")

        slow.send(BLANK)
        assert slow.getresponse().status == 202
        still.send(BLANK * 2)
        told = still.getresponse()
        assert (told.status, told.headers["Retry-After"]) == (503, "2")
        until(lambda: left(system).get("school") == 2, "the slow one is read")
        assert left(system)["job"] == 1
