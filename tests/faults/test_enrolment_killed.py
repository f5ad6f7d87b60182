"""Enrolment killed while it reads a file, and while it erases: no student without a person, no
person without a student, and nobody who was erased comes back.
"""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import httpx
import pytest
from sqlalchemy import Connection, select

from services.enrolment import core, register, store
from shared.transact import Service
from tests import running
from tests.builders import a_sound_life, counts
from tests.faults.checking import ask
from tests.faults.ground import Sometimes
from tests.faults.test_uploads import NOWHERE
from tests.pupils import a_row, a_table
from tests.running import System, until

SERVICE = Service(core.CORE, store.SHELVES)


@pytest.fixture(params=["sqlite", "postgres"])
def system(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[System]:
    """Enrolment alone, up, on each database."""
    with running.system_on(request, tmp_path, NOWHERE, ["enrolment"]) as made:
        made.start()
        yield made


def killed(system: System) -> None:
    system.services["enrolment"].kill()
    system.start("enrolment")


def sound(connection: Connection) -> tuple[set[str], set[str]]:
    """Students who have a person and those who were erased, once it is seen that every other has
    one, under its own traces, and that states are the folds of their facts.
    """
    life = a_sound_life(connection, SERVICE)
    erased = {store.pseudonym(key) for key, state in life.states.items() if state.erased}
    known = {store.pseudonym(key) for key in life.states} - erased
    assert set(connection.scalars(select(store.PERSONS.c.pseudonym))) == known
    assert set(connection.scalars(select(store.TRACES.c.pseudonym))) == known
    return known, erased


def test_whenever_enrolment_is_killed_a_file_is_read_once_to_its_end(
    system: System, chance: Random, rounds: int, sometimes: Sometimes
) -> None:
    count = 2_600 * rounds
    table = a_table(a_row(number) for number in range(1, count + 1))
    headers = {**system.bearer("region"), "Content-Type": "text/csv"}
    url = system.services["enrolment"].url
    path = f"{url}/api/pupils/imports?full=true"
    answer = system.http.post(path, content=table, headers=headers)
    job = answer.headers["Location"]

    def read() -> int:
        told: int = system.call("enrolment", "region", job).json()["read"]
        return told

    for _ in range(3 * rounds):
        before = read()
        until(lambda: read() > before or _ended(system, job), "more is read")  # noqa: B023  at once
        time.sleep(chance.random() * 0.1)
        cut = not _ended(system, job)
        killed(system)
        sometimes.note("a file was cut off by a kill and went on", int(cut))
    until(lambda: _ended(system, job), "the file is read")
    done = system.call("enrolment", "region", job).json()
    assert (done["state"], done["read"], done["applied"]) == ("done", count + 1, count)
    known, _ = ask(system, "enrolment", sound)
    assert len(known) == count
    left = ask(system, "enrolment", lambda one: counts(one, "enrolment"))
    assert (left["job_piece"], left["named"]) == (0, 0)


def _ended(system: System, job: str) -> bool:
    return system.call("enrolment", "region", job).json()["state"] in ("done", "failed")


def test_whenever_enrolment_is_killed_an_erasure_is_done_or_was_never_asked(
    system: System, chance: Random, rounds: int
) -> None:
    table = a_table(a_row(number) for number in range(1, 401))
    headers = {**system.bearer("region"), "Content-Type": "text/csv"}
    url = system.services["enrolment"].url
    answer = system.http.post(f"{url}/api/pupils/imports", content=table, headers=headers)
    until(lambda: _ended(system, answer.headers["Location"]), "the file is read")
    names = named(system)
    acknowledged: set[str] = set()
    for _ in range(2 * rounds):
        asyncio.run(_erasing(system, names, chance, acknowledged))
        system.start("enrolment")
    listed = register.erasures(system.home / "erasures.list").names

    def settled() -> bool:
        return not set(listed) & set(named(system))

    until(settled, "whoever is on the list is erased")
    system.services["enrolment"].stop()
    _, erased = ask(system, "enrolment", sound)
    assert erased == set(listed), "and nobody else"
    assert acknowledged <= set(listed)
    assert acknowledged


def named(system: System) -> list[str]:
    """Students who can be named."""
    rows = select(store.PERSONS.c.pseudonym).order_by(store.PERSONS.c.pseudonym)
    return ask(system, "enrolment", lambda one: list(one.scalars(rows)))


async def _erasing(
    system: System, names: list[str], chance: Random, acknowledged: set[str]
) -> None:
    """Ask for erasures, several at once, and kill the service in the midst of them."""
    url, headers = system.services["enrolment"].url, system.bearer("region")
    async with httpx.AsyncClient(headers=headers, timeout=10, trust_env=False) as http:

        async def erase(name: str) -> None:
            try:
                answer = await http.post(f"{url}/api/people/{name}/erasure")
            except httpx.HTTPError:
                return
            if answer.status_code == httpx.codes.OK:
                acknowledged.add(name)

        tasks = [asyncio.create_task(erase(name)) for name in chance.sample(names, 60)]
        for _, task in zip(range(chance.randint(1, 20)), asyncio.as_completed(tasks), strict=False):
            await task
        system.services["enrolment"].kill()
        await asyncio.gather(*tasks)
