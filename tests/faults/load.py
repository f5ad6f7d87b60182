"""Partners under load: they keep a book of what was acknowledged, and send again what was not."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from random import Random
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.running import System, until
from tests.system.acts import named

KINDS = ("dispatched", "in-transit", "arrived")
FIRST = datetime(2020, 9, 1, tzinfo=UTC)
KEPT = ("applied", "waiting", "duplicate")
TIMEOUT_SECONDS = 10
OWED_SECONDS = 60


@dataclass
class Carrier:
    """One party that tells scans, a batch at a time, each batch until it is acknowledged.

    A call that fails or times out is unknown, never failed: the same ids go again.
    """

    system: System
    party: str
    laptops: Sequence[str]
    chance: Random
    batch: int = 20
    targets: Sequence[str] = ()
    acknowledged: set[tuple[str, str, str]] = field(default_factory=set)
    seen: Counter[str] = field(default_factory=Counter)
    answers: list[tuple[float, int]] = field(default_factory=list)  # when (monotonic), status
    trouble: str = ""
    number: int = 0

    def run(self, stopping: threading.Event, hopeless: threading.Event) -> None:
        """Send batch after batch until told to stop; the last one until it is acknowledged too,
        unless that is hopeless.
        """
        headers = self.system.bearer(self.party)
        with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False, headers=headers) as http:
            while not stopping.is_set() and not self.trouble:
                self._until_acknowledged(http, self._batch(), stopping, hopeless)

    def unheard(self, kill: Callable[[], None]) -> None:
        """Send a batch, let the service be killed when it has stored it and nobody has read the
        answer, and send the batch again.
        """
        events, delivery = self._batch(), urlsplit(self.system.delivery.url)
        headers = self.system.bearer(self.party) | {"Content-Type": "application/json"}
        deaf = HTTPConnection(delivery.hostname or "", delivery.port)
        deaf.request("POST", "/api/delivery-events", json.dumps({"events": events}), headers)
        last = f"/api/delivery-events/{events[-1]['id']}"
        until(
            lambda: self.system.call("delivery", self.party, last).status_code == httpx.codes.OK,
            "the batch is stored",
        )
        kill()
        deaf.close()
        self.seen["unknown"] += 1
        with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False, headers=headers) as http:
            answer = self._post(http, self.system.delivery.url, events)
        assert answer is not None
        self._note(events, answer.json()["verdicts"], unknown=True)

    def _batch(self) -> list[dict[str, Any]]:
        return [self._event() for _ in range(self.chance.randint(1, self.batch))]

    def _event(self) -> dict[str, Any]:
        """A scan of one to three laptops, at a moment that no other scan of this party has."""
        self.number += 1
        moment = FIRST + timedelta(seconds=self.chance.randrange(10**6), microseconds=self.number)
        keys = self.chance.sample(self.laptops, self.chance.randint(1, 3))
        return {
            "id": f"{self.party}-{self.number}",
            "type": self.chance.choice(KINDS),
            "happened_at": moment.isoformat(),
            "laptops": [named(key) for key in keys],
        }

    def _until_acknowledged(
        self,
        http: httpx.Client,
        events: list[dict[str, Any]],
        stopping: threading.Event,
        hopeless: threading.Event,
    ) -> None:
        unknown, owed = False, None
        while not hopeless.is_set():
            url = self.chance.choice(self.targets or (self.system.delivery.url,))
            answer = self._post(http, url, events)
            if answer is not None and answer.status_code == httpx.codes.OK:
                self._note(events, answer.json()["verdicts"], unknown)
                return
            unknown = unknown or answer is None
            if stopping.is_set():
                owed = owed or time.monotonic() + OWED_SECONDS
                if time.monotonic() > owed:
                    self.trouble = f"not acknowledged {OWED_SECONDS} s after the end"
                    return
            time.sleep(0.1)

    def _post(
        self, http: httpx.Client, url: str, events: list[dict[str, Any]]
    ) -> httpx.Response | None:
        """The answer; None when there was none, and nobody knows what became of the batch."""
        try:
            answer = http.post(f"{url}/api/delivery-events", json={"events": events})
        except httpx.HTTPError:
            self.seen["unknown"] += 1
            return None
        self.answers.append((time.monotonic(), answer.status_code))
        self.seen[str(answer.status_code)] += 1
        if answer.status_code not in (200, 429, 503):
            self.trouble = f"{answer.status_code} {answer.text[:300]}"
        elif answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            self.seen["503 with Retry-After"] += "Retry-After" in answer.headers
        return answer

    def _note(
        self, events: list[dict[str, Any]], verdicts: list[dict[str, Any]], unknown: bool
    ) -> None:
        """Write the batch in the book of what was acknowledged."""
        if unknown:
            self.seen["an unknown batch sent again"] += 1
        for event, verdict in zip(events, verdicts, strict=True):
            if verdict["id"] != event["id"] or verdict["verdict"] not in KEPT:
                self.trouble = f"{event} was answered {verdict}"
            if unknown and verdict["verdict"] == "duplicate":
                self.seen["a duplicate absorbed"] += 1
            for one in event["laptops"]:
                key = f"{one['maker'].lower()}/{one['serial'].upper()}"
                self.acknowledged.add((self.party, event["id"], key))


def two_carriers(
    system: System, keys: Sequence[str], chance: Random, targets: Sequence[str] = ()
) -> tuple[Carrier, Carrier]:
    """Two parties that tell of the same laptops, each by its own share of the test's chance."""
    acme, bolt = (Random(chance.random()) for _ in range(2))  # noqa: S311  not to be secret
    return (
        Carrier(system, "carrier:acme", keys, acme, targets=targets),
        Carrier(system, "carrier:bolt", keys, bolt, targets=targets),
    )


@contextmanager
def carriers(*those: Carrier) -> Iterator[Callable[[], int]]:
    """Let carriers send while the block runs; inside, a call tells how many claims stand.

    Raises AssertionError when one was answered what no partner may be answered.
    """
    stopping, hopeless = threading.Event(), threading.Event()
    threads = [threading.Thread(target=one.run, args=[stopping, hopeless]) for one in those]
    for thread in threads:
        thread.start()
    try:
        yield lambda: sum(len(one.acknowledged) for one in those)
    except BaseException:
        hopeless.set()
        raise
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
    troubles = [one.trouble for one in those if one.trouble]
    assert not troubles, troubles


def until_more(acknowledged: Callable[[], int], count: int) -> None:
    """Wait until so many more claims than now are acknowledged."""
    before = acknowledged()
    until(lambda: acknowledged() >= before + count, f"{count} more claims are acknowledged")
