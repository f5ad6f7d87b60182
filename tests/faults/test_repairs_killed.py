"""Repairs killed while a desk logs incidents: what was acknowledged is there once, for all."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from tests import running
from tests.faults.ground import Broker, Sometimes
from tests.running import System, until
from tests.system.acts import DESK, Event, cases_at, incident, laptops, told_in_order, when

SERVICES = ("repairs", "tracking")
OWED_SECONDS = 60


@pytest.fixture(params=["sqlite", "postgres"])
def system(request: pytest.FixtureRequest, own_broker: Broker, tmp_path: Path) -> Iterator[System]:
    """Repairs and tracking, up."""
    running.fresh_topics(own_broker.bootstrap)
    with running.system_on(request, tmp_path, own_broker.bootstrap, SERVICES) as made:
        made.start()
        yield made


@dataclass
class Desk:
    """A desk that logs incidents, a batch at a time, each batch until it is acknowledged: `cases`
    are the laptops of those that were, by the number of the case.
    """

    system: System
    laptops: Sequence[str]
    chance: Random
    cases: dict[str, str] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    trouble: str = ""

    def knows_more(self, than: int) -> bool:
        return len(self.cases) > than

    def run(self, stopping: threading.Event) -> None:
        headers = self.system.bearer(DESK)
        with httpx.Client(timeout=10, trust_env=False, headers=headers) as http:
            while not stopping.is_set() and not self.trouble:
                self._until_acknowledged(http, self._batch())

    def _batch(self) -> list[tuple[str, Event]]:
        keys = self.chance.choices(self.laptops, k=self.chance.randint(1, 20))
        return [(key, incident(key, f"2020-10-{self._day()}T08:00:00Z")) for key in keys]

    def _day(self) -> str:
        return f"{self.chance.randint(1, 28):02d}"

    def _until_acknowledged(self, http: httpx.Client, batch: list[tuple[str, Event]]) -> None:
        end = time.monotonic() + OWED_SECONDS
        while (verdicts := self._post(http, [told for _, told in batch])) is None:
            if time.monotonic() > end:
                self.trouble = f"not acknowledged within {OWED_SECONDS} s"
                return
            time.sleep(0.05)
        for (key, _), one in zip(batch, verdicts, strict=True):
            self.seen[one["verdict"]] += 1
            self.cases[one["case"]] = key

    def _post(self, http: httpx.Client, incidents: list[Event]) -> list[dict[str, Any]] | None:
        """The verdicts; None when nobody knows what became of the batch, or not yet."""
        url = f"{self.system.repairs.url}/api/incidents"
        try:
            answer = http.post(url, json={"incidents": incidents})
        except httpx.HTTPError:
            self.seen["unknown"] += 1
            return None
        if answer.status_code not in (200, 429, 503):
            self.trouble = f"{answer.status_code} {answer.text[:300]}"
        told: list[dict[str, Any]] | None = answer.json().get("verdicts")
        return told


def tells(count: int, shown: Mapping[str, Any]) -> bool:
    """Whether a life has so many incidents at least."""
    return told_in_order(shown).count("incident-logged") >= count


def test_whenever_repairs_is_killed_each_acknowledged_incident_is_one_case_here_and_in_tracking(
    system: System, chance: Random, rounds: int, sometimes: Sometimes
) -> None:
    desk, stopping = Desk(system, laptops(20), chance), threading.Event()
    thread = threading.Thread(target=desk.run, args=[stopping])
    thread.start()
    try:
        for _ in range(3 * rounds):
            before = len(desk.cases)
            until(partial(desk.knows_more, before + 80), "more is acknowledged")
            time.sleep(chance.random() * 0.2)
            system.repairs.kill()
            system.start("repairs")
    finally:
        stopping.set()
        thread.join()
    assert not desk.trouble
    sometimes.note("a batch of incidents sent again after a kill", desk.seen["unknown"])
    assert {number: one["laptop"] for number, one in cases_at(system, DESK).items()} == desk.cases
    for key, count in Counter(desk.cases.values()).items():
        shown = when(system, key, partial(tells, count))
        assert told_in_order(shown).count("incident-logged") == count
    anomalies = system.http.get(f"{system.tracking.url}/api/anomalies?limit=500").json()["items"]
    assert {one["code"] for one in anomalies} == {"unannounced"}
