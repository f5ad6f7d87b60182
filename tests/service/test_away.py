"""The database away or full: every call that needs it says so, and when to come again; none
pretends, and all goes on without a restart once it is back.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, event

from deploy.published import services
from tests import places
from tests.builders import Running, a_laptop, a_report, a_service, wait_until
from tests.places import PostgresServer
from tests.service.asking import CALLS, Asked, Call, furnished, none

# What is answered without the database.
OWN = {"/health/live", "/metrics", "/openapi.json", "/asyncapi.yaml", "/static/{name}"}
# Forms to begin with; and names for whom no student is named.
BLANK = {
    *("enrolment GET /", "enrolment GET /people", "enrolment GET /names"),
    "handover GET /mine",
}
KEYS = {"/key", "/key/forget"}  # whose key it is says a file
# Where a form leads that nobody signed, what a scanned code leads to, and topics that are not read.
BEFORE = {
    303: ("/key", "/receptions", "/hand-outs", "/campaigns", "/signing", "/handovers", "/?"),
    404: ("no-such-reading",),
}


@pytest.fixture
def all_up(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[dict[str, Asked]]:
    """Every service on a database of its own, with something of everything in it."""
    with ExitStack() as stack:
        up = {}
        for name in services():
            url = stack.enter_context(places.new_database(postgres_server))
            up[name] = furnished(stack.enter_context(a_service(name, url, tmp_path)))
        for call in CALLS:
            up[call.service].running.auth(call.party)
        yield up


def test_with_the_server_gone_every_call_says_so_and_answers_again_once_it_is_back(
    all_up: dict[str, Asked], postgres_server: PostgresServer
) -> None:
    before = {name: one.running.counts() for name, one in all_up.items()}
    postgres_server.stop()
    try:
        none({str(call): said for call in CALLS if (said := pretends(all_up[call.service], call))})
    finally:
        postgres_server.start()
    for name, one in all_up.items():
        ready = one.running
        wait_until(lambda: is_ready(ready), f"{name} is ready")  # noqa: B023  it is called at once
        assert one.running.counts() == before[name]
    told = {str(call): all_up[call.service].ask(call).status_code for call in CALLS}
    assert {name: status for name, status in told.items() if status >= 500} == {}


def is_ready(running: Running) -> bool:
    return running.ask("", "GET", "/health/ready").status_code == httpx.codes.OK


def pretends(service: Asked, call: Call) -> str:
    """What is wrong with an answer without a database; "" when nothing is."""
    answer = service.ask(call)
    status = answer.status_code
    if call.route.path in OWN or call.route.method == "OPTIONS" or str(call) in BLANK:
        return "" if status in (200, 204, 404) else f"{status}, and no database is needed"
    if told_before(call, answer):
        return ""
    if status != httpx.codes.SERVICE_UNAVAILABLE:
        return f"{status} {answer.text[:200]}"
    if call.route.path == "/health/ready":
        return "" if answer.json()["wrong"]["database"] else "it does not say what is wrong"
    if not answer.headers.get("retry-after"):
        return "it does not say when to come again"
    page = not call.route.path.startswith(("/api/", "/epcis/"))
    told = "<h1" in answer.text if page else answer.json()["code"] == "away"
    return "" if told else f"it is told as {answer.headers['content-type']}"


def told_before(call: Call, answer: httpx.Response) -> bool:
    """Whether it was answered before the database would have been asked, and rightly."""
    if call.route.path in KEYS:
        return answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR
    if answer.status_code == httpx.codes.SEE_OTHER:
        place = answer.headers["location"]
        return place == "/" or place.startswith(BEFORE[303])
    return answer.status_code == httpx.codes.NOT_FOUND and answer.json()["code"] in BEFORE[404]


@contextmanager
def a_small_disk(url: str, pages: int) -> Iterator[None]:
    """Let a file grow by so many pages and no more, as far as connections go that open now."""
    path = url.removeprefix("sqlite:///")

    def full(connection: sqlite3.Connection, _: Any) -> None:
        if connection.execute("PRAGMA database_list").fetchone()[2] == path:
            now = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count={now + pages}")

    event.listen(Engine, "connect", full)
    try:
        yield
    finally:
        event.remove(Engine, "connect", full)


def batch(number: int) -> dict[str, Any]:
    """Ten reports with long remarks."""
    ids = range(10 * number, 10 * number + 10)
    reports = [
        a_report(id=f"e{id}", laptops=[a_laptop(id)], shipment=None, detail="x" * 2_000)
        for id in ids
    ]
    return {"events": reports}


def test_with_the_disk_full_nothing_is_acknowledged_that_is_not_stored(tmp_path: Path) -> None:
    url, tell = f"sqlite:///{tmp_path / 'delivery.sqlite3'}", "/api/delivery-events"
    with a_service("delivery", url, tmp_path) as delivery:
        assert delivery.ask("carrier:acme", "POST", tell, json=batch(0)).status_code == 200
    with a_small_disk(url, 40), a_service("delivery", url, tmp_path) as delivery:
        number = 1
        while True:
            answer = delivery.ask("carrier:acme", "POST", tell, json=batch(number))
            if answer.status_code != httpx.codes.OK:
                break
            number += 1
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, "the disk got full"
        assert answer.headers["retry-after"]
        assert delivery.get("carrier:acme", "/api/parked")["total"] == 0, "reading goes on"
        kept = {id for (id,) in delivery.rows("SELECT id FROM ledger")}
        assert kept == {f"e{id}" for id in range(10 * number)}
    with a_service("delivery", url, tmp_path) as delivery:  # there is room again
        again = delivery.ask("carrier:acme", "POST", tell, json=batch(number)).json()["verdicts"]
        assert {one["verdict"] for one in again} == {"waiting"}
