"""Handover killed while students are called up, certificates numbered, laptops released: each is
done once, and no number is left out.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, text

from shared.contracts.handover import RELEASES
from tests import running
from tests.builders import a_sound_life, key_of
from tests.devices import Devices, managing
from tests.faults.checking import ask
from tests.faults.ground import Broker, Sometimes
from tests.running import System, until
from tests.service import handing_over as of

SERVICES = ("handover",)
CALLED, CERTIFIED, RELEASED = 1_200, 150, 40
OWED_SECONDS = 60
CALLED_WITHIN_SECONDS = 240
TAKES_SECONDS = 0.3  # an act of device management, so that a kill meets some under way


@pytest.fixture
def devices() -> Iterator[Devices]:
    """Device management that takes its time."""
    with managing(TAKES_SECONDS) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgres"])
def system(
    request: pytest.FixtureRequest, own_broker: Broker, tmp_path: Path, devices: Devices
) -> Iterator[System]:
    """Handover alone, not started yet."""
    running.fresh_topics(own_broker.bootstrap)
    with running.system_on(request, tmp_path, own_broker.bootstrap, SERVICES) as made:
        made.says(TROUSSEAU_MANAGEMENT=devices.address)
        yield made


def furnish(system: System, numbers: Sequence[int], *more: Any) -> None:
    """Laptops of students who finish, put there before the service starts."""
    for claims in (of.known(numbers), *more):
        ask(system, "handover", partial(of.take, claims=claims))


def killed(system: System, chance: Random, times: int, going_on: Callable[[], bool]) -> int:
    """Kill handover a few times while something goes on, at once and then each time a little later;
    how often.
    """
    kills = 0
    for number in range(times):
        time.sleep(chance.random() * 0.2 * number)
        if not going_on():
            break
        system.services["handover"].kill()
        system.start("handover")
        kills += 1
    return kills


def sound(system: System) -> Counter[tuple[str, str, str, str, str]]:
    """What was said, once it is seen that each state is the fold of its facts."""
    found = ask(system, "handover", lambda connection: a_sound_life(connection, of.SERVICE))
    return found.facts


def count(facts: Counter[tuple[str, str, str, str, str]], name: str) -> Counter[str]:
    """How often each laptop, or other key, was told a fact of."""
    tag = f"handover.{name}.v1"
    found: Counter[str] = Counter()
    for (key, _, _, type, _), times in facts.items():
        found[key] += times if type == tag else 0
    return +found


def test_whenever_it_is_killed_each_student_is_called_up_once(
    system: System, chance: Random, rounds: int, sometimes: Sometimes
) -> None:
    numbers = range(1, CALLED + 1)
    furnish(system, numbers)
    system.start()
    answer = system.call("handover", "region", "/api/handover-campaigns", of.CAMPAIGN)
    assert answer.json()["students"] == CALLED
    path = f"/api/jobs/{answer.json()['job']}"

    def job() -> dict[str, Any]:
        found: dict[str, Any] = system.call("handover", "region", path).json()
        return found

    kills = killed(system, chance, 4 * rounds, lambda: job()["state"] in ("queued", "running"))
    sometimes.note("killed while students were called up", kills)
    until(lambda: job()["state"] == "done", "all are called up", CALLED_WITHIN_SECONDS)
    assert (job()["read"], job()["applied"]) == (CALLED, CALLED)
    opened = count(sound(system), "handover-opened")
    assert opened == dict.fromkeys(map(key_of, numbers), 1)


@dataclass
class School:
    """A school that has certificates issued, each until it is acknowledged."""

    system: System
    numbers: Sequence[int]
    told: dict[int, str] = field(default_factory=dict)
    unknown: int = 0
    trouble: str = ""

    def run(self) -> None:
        headers = self.system.bearer("region")
        with httpx.Client(timeout=10, trust_env=False, headers=headers) as http:
            for number in self.numbers:
                end = time.monotonic() + OWED_SECONDS
                while number not in self.told and not self.trouble:
                    self._ask(http, number)
                    if time.monotonic() > end:
                        self.trouble = f"not acknowledged within {OWED_SECONDS} s"

    def _ask(self, http: httpx.Client, number: int) -> None:
        url = f"{self.system.services['handover'].url}/api/handovers/{of.number_of(number)}"
        body = {"id": f"c{number}", "happened_at": of.JUNE.isoformat()}
        try:
            answer = http.post(f"{url}/certificate", json=body)
        except httpx.HTTPError:
            self.unknown += 1
            time.sleep(0.05)
            return
        if answer.status_code == httpx.codes.OK:
            self.told[number] = answer.json()["handover"]["certificate"]
        elif answer.status_code not in (429, 503):
            self.trouble = f"{answer.status_code} {answer.text[:300]}"


def test_whenever_it_is_killed_certificates_are_numbered_without_a_gap_and_none_twice(
    system: System, chance: Random, rounds: int, sometimes: Sometimes
) -> None:
    numbers = range(1, CERTIFIED + 1)
    released = [claim for number in numbers for claim in of.as_far_as(number, "released")]
    furnish(system, numbers, of.campaign(), of.called(numbers), released)
    system.start()
    schools = [School(system, [*numbers][n::3]) for n in range(3)]
    threads = [threading.Thread(target=one.run) for one in schools]
    for thread in threads:
        thread.start()
    try:
        killed(system, chance, 4 * rounds, lambda: any(one.is_alive() for one in threads))
    finally:
        for thread in threads:
            thread.join()
    assert not [one.trouble for one in schools if one.trouble]
    sometimes.note("a certificate asked for again after a kill", sum(s.unknown for s in schools))
    told = {number: given for one in schools for number, given in one.told.items()}
    assert sorted(told.values()) == [f"{of.YEAR}-{n:06d}" for n in numbers]
    issued = count(sound(system), "certificate-issued")
    assert issued == dict.fromkeys(map(key_of, numbers), 1)


def test_whenever_it_is_killed_each_laptop_is_released_once_in_both_acts(
    system: System, chance: Random, rounds: int, sometimes: Sometimes, devices: Devices
) -> None:
    numbers = range(1, RELEASED + 1)
    signed = [claim for number in numbers for claim in of.as_far_as(number, "releasing")]
    furnish(system, numbers, of.campaign(), of.called(numbers), signed)
    system.start()

    def left() -> int:
        def waiting(connection: Connection) -> int:
            where = "SELECT count(*) FROM handover WHERE state = 'releasing'"
            count: int = connection.execute(text(where)).scalar_one()
            return count

        found: int = ask(system, "handover", waiting)
        return found

    for _ in range(2 * rounds):
        before = devices.asked.total()
        until(lambda: devices.asked.total() > before or not left(), "more is asked")  # noqa: B023  asked at once
        time.sleep(chance.random() * TAKES_SECONDS / 2)
        system.services["handover"].kill()
        system.start("handover")
    until(lambda: left() == 0, "all are released")
    again = sum(times > 1 for times in devices.asked.values())
    sometimes.note("device management asked once more after a kill", again)
    done = count(sound(system), "management-release-done")
    assert done == dict.fromkeys(map(key_of, numbers), len(RELEASES))
