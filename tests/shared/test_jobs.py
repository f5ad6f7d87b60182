"""Files taken row by row: progress, stop, resume, and what a kill at any moment leaves."""

import asyncio
import dataclasses
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, select

from services.ordering import core, store
from shared import jobs, pieces
from shared import worker as work
from shared.contracts.ordering import OrderLine
from shared.databases import Away, Database
from shared.transact import transact
from tests.builders import (
    SCHOOL,
    SCHOOLS_CSV,
    Crash,
    a_claim,
    a_crash_at,
    a_database,
    a_serial_list,
    a_sound_life,
    a_uai,
    counts,
    emptied,
)
from tests.files import ORDERING, a_worker, in_pieces, job_of, queued, report_of, worked

ENTRY = core.ListSchool("Lycée", "LEGT", "public", "Strasbourg", "67", "", "Metz", "")
HEAD = SCHOOLS_CSV.splitlines()[0]
NOW = datetime.now(UTC)

sizes = partial(counts, service="ordering")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with a_database(database_url, "ordering") as database:
        yield database


async def imported(database: Database, content: str | bytes) -> tuple[dict[str, Any], list[str]]:
    """The job of a directory, and the verdicts of its rows."""
    job = await worked(database, id := await queued(database, content))
    return job, [verdict for _, verdict, _, _ in await report_of(database, id)]


def a_directory(*numbers: int, name: str = "Lycée") -> str:
    rows = (f"{a_uai(number)},{name},LEGT,public,Metz,57,57463,Metz,57000\n" for number in numbers)
    return HEAD + "\n" + "".join(rows)


def names(connection: Connection) -> dict[str, str]:
    table = store.SCHOOLS
    return {row.key: row.name for row in connection.execute(select(table.c.key, table.c.name))}


async def an_order(database: Database, quantity: int = 5) -> None:
    line = OrderLine("1", SCHOOL, "HP 245 G8", quantity, "L1", "region")
    other = OrderLine("2", SCHOOL, "HP 245 G8", quantity, "L1", "region")
    order = core.PlaceOrder("2020-2021", "region", "hexalog", (line, other))
    claims = [a_claim(f"school:{SCHOOL}", ENTRY), a_claim("order:BC1", order)]
    now = datetime.now(UTC)
    await database.write(partial(transact, service=ORDERING, claims=claims, now=now))


# -- progress


async def test_each_row_gets_its_verdict_and_the_counts_add_up(database: Database) -> None:
    await an_order(database, quantity=3)
    content = (
        a_serial_list([1, 2, 1])
        + "2,HP,5CD0001,HP 245 G8\n"  # another line: the same laptop cannot fill both
        + "1,HP,6.3E+15,HP 245 G8\n"
        + "9,HP,5CD0009,HP 245 G8\n"
        + "\n"
        + "1,HP\n"
        + "1,HP,5CD0003,HP 245 G8\n"
        + "1,HP,5CD0004,HP 245 G8"
    )
    job = await worked(database, await queued(database, content, "serials", "BC1"))
    rows = await report_of(database, job["id"])
    assert rows[0][:3] == (1, "applied", "")
    assert [(row, verdict, code) for row, verdict, code, _ in rows[1:]] == [
        (2, "applied", ""),
        (3, "duplicate", ""),
        (4, "conflict", "id-already-used"),
        (5, "refused", "invalid"),
        (6, "refused", "unknown-line"),
        (7, "refused", "invalid"),
        (8, "applied", ""),
        (9, "refused", "more-than-ordered"),
    ]
    told = Counter(verdict for _, verdict, _, _ in rows)
    assert {name: job[name] for name in jobs.COUNTED} == dict.fromkeys(jobs.COUNTED, 0) | told
    assert job["total"] == job["read"] == sum(job[name] for name in jobs.COUNTED) == 9
    assert job["queued_at"] <= job["started_at"] <= job["finished_at"]


def test_the_time_that_is_left_follows_the_pace_since_the_job_began() -> None:
    job = jobs.Job(id="1", kind="", about="", party="", state="running", queued_at=NOW)
    begun = {"started_at": NOW - timedelta(minutes=2), "read": 46_000, "total": 92_000}
    running = job.model_dump() | begun
    assert jobs.shown(running, NOW).seconds_left == 120
    assert jobs.shown(running, NOW - timedelta(minutes=3)).seconds_left == 0, "a clock set back"
    for unknown in ({"read": 0}, {"total": None}, {"state": "stopped"}, {"state": "done"}):
        assert jobs.shown(running | unknown, NOW).seconds_left is None


async def test_the_same_file_again_changes_nothing(database: Database) -> None:
    await an_order(database)
    serials = a_serial_list(range(5))
    await worked(database, await queued(database, serials, "serials", "BC1"))
    await imported(database, SCHOOLS_CSV)
    first = await database.read(partial(a_sound_life, service=ORDERING))
    again = await worked(database, await queued(database, serials, "serials", "BC1"))
    assert (again["duplicate"], again["read"]) == (5, 5)
    assert (await imported(database, SCHOOLS_CSV))[1] == ["duplicate"] * 2
    assert await database.read(partial(a_sound_life, service=ORDERING)) == first
    assert (await database.read(partial(counts, service="ordering")))["job_piece"] == 0


async def test_files_are_taken_one_after_the_other_as_they_came(database: Database) -> None:
    ids = [await queued(database, a_directory(1, name=f"Lycée {n}")) for n in range(4)]
    await worked(database, ids[-1])
    done = [await job_of(database, id) for id in ids]
    assert [job["state"] for job in done] == ["done"] * 4
    assert [job["started_at"] for job in done] == sorted(job["started_at"] for job in done)
    assert (await database.read(names)) == {f"school:{a_uai(1)}": "Lycée 3"}


# -- stop and resume


async def turned(database: Database, id: str, come_from: list[str], to: str) -> bool:
    done: bool = await database.write(lambda one: jobs.turn(one, id, come_from, to))
    return done


async def test_a_stopped_job_goes_on_where_it_was_and_does_no_row_twice(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "ROWS", 3)
    id = await queued(database, a_directory(*range(20)))

    async def write(work: Callable[[Connection], Any]) -> Any:
        done = await database.write(work)
        if (await job_of(database, id))["read"]:  # after the first rows, somebody stops it
            await turned(database, id, ["queued", "running"], "stopped")
        return done

    stopped = await worked(dataclasses.replace(database, write=write), id, ["stopped"])
    assert (stopped["read"], stopped["total"]) == (3, 20)
    other = await queued(database, a_directory(21))
    assert (await worked(database, other))["state"] == "done", "others are not held up"
    assert (await job_of(database, id))["read"] == 3

    assert await turned(database, id, ["stopped"], "queued")
    job = await worked(database, id)
    assert (job["state"], job["read"], job["applied"]) == ("done", 20, 20)
    assert [row for row, *_ in await report_of(database, id)] == list(range(1, 21))


async def test_a_job_that_was_stopped_before_it_began_waits_to_be_resumed(
    database: Database,
) -> None:
    id, other = [await queued(database, a_directory(number)) for number in (1, 2)]

    async def read(work: Callable[[Connection], Any]) -> Any:
        found = await database.read(work)
        await turned(database, id, ["queued", "running"], "stopped")  # the worker has just seen it
        return found

    await worked(dataclasses.replace(database, read=read), other)
    stopped = await job_of(database, id)
    assert (stopped["state"], stopped["read"]) == ("stopped", 0), "the worker does not overlook it"
    assert await turned(database, id, ["stopped"], "queued")
    assert (await worked(database, id))["applied"] == 1


async def test_what_is_done_cannot_be_stopped_and_what_runs_cannot_be_resumed(
    database: Database,
) -> None:
    job, _ = await imported(database, SCHOOLS_CSV)
    assert not await turned(database, job["id"], ["queued", "running"], "stopped")
    assert not await turned(database, job["id"], ["stopped"], "queued")


# -- killed


async def test_killed_at_any_call_a_job_goes_on_and_ends_as_if_it_had_lived(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "ROWS", 3)
    monkeypatch.setattr(pieces, "PIECE", 150)
    content = a_directory(1, 2, 3, 2, 4) + "broken\n" + a_directory(5).splitlines()[1]

    async def run(id: str) -> Any:
        job = await worked(database, id)
        counted = {name: job[name] for name in (*jobs.COUNTED, "state", "total", "read")}
        life = await database.read(partial(a_sound_life, service=ORDERING))
        return counted, await report_of(database, id), set(life.states)

    lived = await run(await queued(database, content))
    assert lived[0]["applied"] == 5
    crashes = 0
    while True:
        await database.write(partial(emptied, service="ordering"))
        id = await queued(database, content)
        with a_crash_at(crashes + 1):
            try:
                await drained(database)
            except Crash:
                crashes += 1
            else:
                break
        assert await run(id) == lived, f"killed at call {crashes}"
    assert crashes > 20


async def drained(database: Database) -> None:
    """Work until the last rows are done, three at a time of seven; no call but the worker's own."""
    done, chunks = asyncio.Event(), iter(range(3))

    def committed() -> None:
        if next(chunks) == 2:
            done.set()

    worker = dataclasses.replace(a_worker(database), committed=committed)
    working = asyncio.create_task(work.run(worker))
    ended = asyncio.create_task(done.wait())
    await asyncio.wait([working, ended], timeout=60, return_when=asyncio.FIRST_COMPLETED)
    for task in (working, ended):
        task.cancel()
    await asyncio.wait([working, ended])
    if not working.cancelled():
        await working


async def test_a_file_that_is_cut_off_while_it_comes_leaves_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "PIECE", 100)

    async def cut_off() -> AsyncIterator[bytes]:
        yield a_directory(*range(20)).encode()
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await jobs.spool(database, "schools", "", "region", cut_off(), datetime.now(UTC))
    left = await database.read(sizes)
    assert not any(left.values()), left


async def test_an_upload_that_stood_still_for_too_long_is_thrown_away_and_told_so(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "PIECE", 100)
    there, more = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield a_directory(*range(20)).encode()
        there.set()
        await more.wait()
        yield a_directory(21).encode()

    coming = asyncio.create_task(jobs.spool(database, "schools", "", "region", slow(), NOW))
    await there.wait()
    assert (await database.read(sizes))["job_piece"] >= 5
    assert await database.write(jobs.drop_what_never_came) == 0, "it is under way"
    monkeypatch.setattr(jobs, "UPLOAD", timedelta(0))
    assert await database.write(jobs.drop_what_never_came) == 1
    more.set()
    with pytest.raises(Away, match="thrown away"):
        await coming
    left = await database.read(sizes)
    assert not any(left.values()), left


async def test_a_file_whose_last_word_was_lost_is_whole_and_stays(database: Database) -> None:
    async def write(work: Callable[[Connection], Any]) -> Any:
        done = await database.write(work)
        if (await database.read(jobs.standing)).get("queued"):
            raise Away("the connection broke while it was committed")
        return done

    lossy = dataclasses.replace(database, write=write)
    with pytest.raises(Away):
        await jobs.spool(lossy, "schools", "", "region", in_pieces(SCHOOLS_CSV.encode()), NOW)
    (id,) = await database.read(lambda connection: list(connection.scalars(select(jobs.JOB.c.id))))
    assert (await worked(database, id))["applied"] == 2


async def test_a_worker_that_is_woken_and_told_to_end_at_once_ends(database: Database) -> None:
    worker = a_worker(database)
    working = asyncio.create_task(work.run(worker))
    await asyncio.sleep(0.3)  # it found nothing to do and waits
    worker.wake()
    await asyncio.sleep(0)
    working.cancel()
    _, left = await asyncio.wait([working], timeout=10)
    assert not left


async def test_files_of_one_moment_are_listed_with_the_last_that_came_first(
    database: Database,
) -> None:
    ids = []
    for about in "abc":
        file = in_pieces(SCHOOLS_CSV.encode())
        ids.append(await jobs.spool(database, "schools", about, f"supplier:{about}", file, NOW))
    listed, total = await database.read(lambda connection: jobs.listed(connection, None))
    assert ([one["id"] for one in listed], total) == (ids[::-1], 3)
    (mine,), total = await database.read(lambda one: jobs.listed(one, "supplier:b"))
    assert (mine["id"], total) == (ids[1], 1)
    (last,), _ = await database.read(lambda one: jobs.listed(one, None, begin=2))
    assert last["id"] == ids[0]
