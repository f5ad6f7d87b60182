"""Over HTTP into delivery, through its relay and Kafka, until tracking has it: real processes."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from pathlib import Path
from time import perf_counter

import msgspec

from benchmarks.figures import Rate
from tests import running
from tests.running import System

SERVICES = ("delivery", "tracking")
# Counted once committed: the relay's after the mark, tracking's with the timeline.
STAGES = (
    ("until sent to Kafka", "delivery", "trousseau_relay_sent_facts_total"),
    (
        "until in tracking's timeline",
        "tracking",
        'trousseau_heard_records_total{outcome="applied",topic="delivery.facts"}',
    ),
)
ANSWERED = "HTTP, until answered"
NAMES = (ANSWERED, *(name for name, _, _ in STAGES))
ITEMS = 500
AT_ONCE = 4  # requests under way
CARRIER = "carrier:acme"
START = datetime(2020, 9, 1, 8, tzinfo=UTC)


def bodies(first: int, events: int) -> list[bytes]:
    """Requests of at most ITEMS delivery events each, one laptop an event, from the nth on."""
    numbers = range(first, first + events)
    return [
        msgspec.json.encode({"events": [event(n) for n in numbers[start : start + ITEMS]]})
        for start in range(0, events, ITEMS)
    ]


def event(number: int) -> dict[str, object]:
    return {
        "id": f"scan-{number}",
        "type": "dispatched",
        "happened_at": (START + timedelta(seconds=number)).isoformat(),
        "order": f"BC2020-{number // 500:03d}",
        "school": "0670080Y",
        "laptops": [{"maker": "HP", "serial": f"5CD{number:07d}"}],
    }


def measured(kafka: str, database: str, events: int) -> dict[str, Rate]:
    """From the first request until all are answered, sent to Kafka, in tracking's timeline.

    database: `sqlite`, or a PostgreSQL URL with {service}. The topics of facts are made anew.
    """
    running.fresh_topics(kafka)
    (first,), requests = bodies(0, 1), bodies(1, events)
    found = dict[str, Rate]()
    with (
        tempfile.TemporaryDirectory() as home,
        running.system(Path(home), database, kafka, SERVICES) as system,
        ThreadPoolExecutor(AT_ONCE) as posting,
    ):
        system.start(*SERVICES)
        post(system, first)  # it goes all the way before the clock runs: everybody is connected
        _wait(system, *STAGES[-1], 1)
        began = perf_counter()
        for status in posting.map(partial(post, system), requests):
            if status != HTTPStatus.OK:
                raise AssertionError(f"a request was answered {status}")
        found[ANSWERED] = Rate(events / (perf_counter() - began))
        for stage in STAGES:
            _wait(system, *stage, 1 + events)
            found[stage[0]] = Rate(events / (perf_counter() - began))
    return found


def post(system: System, body: bytes) -> int:
    headers = system.bearer(CARRIER) | {"Content-Type": "application/json"}
    url = f"{system.delivery.url}/api/delivery-events"
    return system.http.post(url, headers=headers, content=body).status_code


def _wait(system: System, name: str, service: str, counter: str, count: int) -> None:
    """Return when a service's counter has come so far."""
    line = f"\n{counter} {float(count)}\n"
    metrics = f"{system.services[service].url}/metrics"
    running.until(lambda: line in system.http.get(metrics).text, name)
