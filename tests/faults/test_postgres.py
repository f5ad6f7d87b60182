"""PostgreSQL hurt while services work on it, and two processes of one service on one database."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from random import Random

import asyncpg
import httpx
import pytest
from sqlalchemy import func, select

from services.delivery import store as delivery
from services.tracking import store
from tests import running
from tests.faults.checking import ask, check
from tests.faults.ground import Ground, Sometimes
from tests.faults.load import Carrier, carriers, two_carriers, until_more
from tests.places import PostgresServer
from tests.running import Service, System, until
from tests.system.acts import (
    MODEL,
    ended_job,
    event,
    laptops,
    list_schools,
    ordered,
    place_order,
    post_file,
    uai,
    verdicts,
    when,
)

pytestmark = pytest.mark.parametrize("ground", ["postgres"], indirect=True)


@pytest.fixture
def server(ground: Ground) -> PostgresServer:
    assert ground.server is not None
    return ground.server


@contextmanager
def another(system: System, name: str) -> Iterator[Service]:
    """A second process of a service on its database; it is asked to go, so that its partitions
    need not wait for its session to lapse.
    """
    one = system.another(name)
    one.start()
    running.wait_until_ready(system.http, one)
    try:
        yield one
        if one.runs:
            assert one.stop() == 0
    finally:
        one.end()


@pytest.fixture
def second(system: System) -> Iterator[Service]:
    """A second process of delivery on delivery's database."""
    with another(system, "delivery") as one:
        yield one


def pids(system: System) -> dict[str, int]:
    return {name: one.process.pid for name, one in system.services.items() if one.process}


def metric(system: System, service: Service, name: str) -> float:
    """The sum of a metric over its labels; 0 while the service does not answer."""
    try:
        answer = system.http.get(f"{service.url}/metrics", timeout=2)
    except httpx.HTTPError:
        return 0
    lines = (line for line in answer.text.splitlines() if line.startswith(f"trousseau_{name}"))
    return sum(float(line.rpartition(" ")[2]) for line in lines)


# -- the server


def hurt_a_backend(server: PostgresServer, database: str) -> None:
    """Kill one server process of a database; where they are in a container, end its session."""

    async def one() -> int:
        connection = await asyncpg.connect(f"{server.url}/postgres", timeout=10)
        try:
            pid: int = await connection.fetchval(
                "SELECT pid FROM pg_stat_activity WHERE datname = $1 ORDER BY state LIMIT 1",
                database,
            )
            if not _is_postgres(pid):
                await connection.execute("SELECT pg_terminate_backend($1)", pid)
                return 0
        finally:
            await connection.close()
        return pid

    if pid := asyncio.run(one()):
        os.kill(pid, signal.SIGKILL)


def _is_postgres(pid: int) -> bool:
    with suppress(OSError):
        return b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def test_a_backend_killed_under_load_costs_nothing_that_was_acknowledged(
    system: System, server: PostgresServer, chance: Random, rounds: int
) -> None:
    before = pids(system)
    acme, bolt = two_carriers(system, laptops(40), chance)
    with carriers(acme, bolt) as acknowledged:
        for name in ["delivery", "tracking"] * rounds:
            until_more(acknowledged, 80)
            time.sleep(chance.random() * 0.2)
            database = system.url_of_database(name).rpartition("/")[2]
            hurt_a_backend(server, database)
        until_more(acknowledged, 80)
    check(system, acme.acknowledged | bolt.acknowledged)
    assert pids(system) == before


def test_with_the_server_gone_intake_says_503_and_all_goes_on_without_restart_once_it_is_back(
    system: System,
    server: PostgresServer,
    chance: Random,
    rounds: int,
    sometimes: Sometimes,
) -> None:
    before = pids(system)
    acme, bolt = two_carriers(system, laptops(40), chance)
    for _ in range(rounds):
        with carriers(acme, bolt) as acknowledged:
            until_more(acknowledged, 100)
            server.kill()
            try:
                until(partial(_told_503, acme, bolt), "intake says 503, and when to come again")
                wrong = system.http.get(f"{system.delivery.url}/health/ready")
                assert wrong.status_code == httpx.codes.SERVICE_UNAVAILABLE
                assert "database" in wrong.json()["wrong"]
            finally:
                server.start()
            until_more(acknowledged, 100)
        check(system, acme.acknowledged | bolt.acknowledged)
    assert pids(system) == before
    sometimes.note("a 503 while the database was away", (acme.seen + bolt.seen)["503"])


def _told_503(*those: Carrier) -> bool:
    return all(one.seen["503 with Retry-After"] for one in those)


def test_a_serial_list_goes_on_where_it_was_when_the_server_comes_back(
    system: System, server: PostgresServer
) -> None:
    rows = 3_000
    school, keys = uai(), laptops(rows)
    list_schools(system, school)
    order = place_order(system, rows, school)
    posted = post_file(
        system,
        "supplier:hexalog",
        f"/api/orders/{order}/serials/imports",
        "line,maker,serial,model",
        [f"1,{key.replace('/', ',')},{MODEL}" for key in keys],
    )
    job = posted.headers["location"]
    until(lambda: system.call("ordering", "ops", job).json()["read"] > 0, "it has begun")
    server.kill()
    server.start()
    ended = ended_job(system, job)
    assert (ended["read"], ended["applied"], ended["duplicate"]) == (rows, rows, 0)
    check(system)


@contextmanager
def left_open(url: str, statement: str, *values: object) -> Iterator[None]:
    """A transaction that did one thing and neither ends nor goes on, as of a client that hangs."""
    loop = asyncio.new_event_loop()
    connection = loop.run_until_complete(asyncpg.connect(url, timeout=10))
    try:
        loop.run_until_complete(connection.execute("BEGIN"))
        loop.run_until_complete(connection.execute(statement, *values))
        yield
    finally:
        connection.terminate()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def test_a_transaction_left_open_holds_up_its_own_laptop_with_a_503_and_no_other(
    system: System,
) -> None:
    held, free = laptops(2)
    ordered(system, uai(), [held, free])
    url = system.url_of_database("delivery")
    told = event("in-transit", "2020-08-26T20:00:00+02:00", [held])
    other = event("in-transit", "2020-08-26T20:00:00+02:00", [free])
    with left_open(url, "UPDATE laptop SET here = here WHERE key = $1", held):
        assert verdicts(system, "carrier:acme", other) == ["applied"]
        when(system, free, {"location": "in-transit"})
        answer = system.call("delivery", "carrier:acme", "/api/delivery-events", {"events": [told]})
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert "Retry-After" in answer.headers
    assert verdicts(system, "carrier:acme", told) == ["applied"]
    when(system, held, {"location": "in-transit"})
    check(system)


def test_of_a_request_in_parts_those_before_a_503_are_known_when_it_is_sent_again(
    system: System,
) -> None:
    (held,), url = laptops(1), system.url_of_database("delivery")
    verdicts(system, "carrier:acme", event("dispatched", "2020-08-26T19:00:00+02:00", [held]))
    # Only the last event has the laptop that is held up: it is in the second part.
    of_each = [*(laptops(450) for _ in range(4)), [*laptops(449), held]]
    events = [event("in-transit", "2020-08-26T20:00:00+02:00", keys) for keys in of_each]
    with left_open(url, "UPDATE laptop SET here = here WHERE key = $1", held):
        answer = system.call("delivery", "carrier:acme", "/api/delivery-events", {"events": events})
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert answer.json()["detail"].startswith("perhaps not all was stored: send it again")
    told = verdicts(system, "carrier:acme", *events)
    assert told == ["duplicate"] * 4 + ["waiting"]
    check(system)


# -- two processes of delivery


def test_two_processes_share_the_partitions_and_one_of_them_sends(
    system: System, second: Service, chance: Random
) -> None:
    both = (system.delivery, second)
    until(lambda: _sending(system, both), "one relay is active")
    before = [metric(system, one, "heard_records_total") for one in both]
    until(lambda: _each_hears(system, both, before), "each of them reads")
    until(lambda: _all_is_read(system, both), "metrics say that both together read all there is")
    acme, bolt = two_carriers(system, laptops(40), chance, [one.url for one in both])
    with carriers(acme, bolt) as acknowledged:
        until_more(acknowledged, 300)
    assert len([one for one in both if metric(system, one, "relay_active")]) == 1
    check(system, acme.acknowledged | bolt.acknowledged)


def _each_hears(system: System, both: Sequence[Service], before: Sequence[float]) -> bool:
    """Whether each heard more than before of what ordering says now."""
    ordered(system, uai(), laptops(24))
    now = [metric(system, one, "heard_records_total") for one in both]
    return all(heard > known for heard, known in zip(now, before, strict=True))


def _all_is_read(system: System, both: tuple[Service, Service]) -> bool:
    there = {metric(system, one, "topic_partitions") for one in both}
    reads = [metric(system, one, "consumer_partitions") for one in both]
    return there == {sum(reads)} and all(reads)


def _sending(system: System, those: tuple[Service, ...]) -> Service | None:
    """The one process that sends; None while none does."""
    active = [one for one in those if metric(system, one, "relay_active")]
    return active[0] if len(active) == 1 else None


def test_when_the_sending_process_is_killed_the_other_takes_over_in_order(
    system: System, second: Service, chance: Random, sometimes: Sometimes
) -> None:
    both = (system.delivery, second)
    first = until(lambda: _sending(system, both), "one relay is active")
    assert first is not None
    other = second if first is system.delivery else system.delivery
    acme, bolt = two_carriers(system, laptops(40), chance, [one.url for one in both])
    with carriers(acme, bolt) as acknowledged:
        until_more(acknowledged, 100)
        first.kill()
        until(lambda: metric(system, other, "relay_active"), "the other sends")
        until_more(acknowledged, 100)
    check(system, acme.acknowledged | bolt.acknowledged)
    sometimes.note("a relay took over from one that was killed")


def test_a_sending_process_that_slept_past_its_lock_wakes_and_sends_no_more(
    system: System, second: Service, chance: Random, sometimes: Sometimes
) -> None:
    both = (system.delivery, second)
    first = until(lambda: _sending(system, both), "one relay is active")
    assert first is not None
    other = second if first is system.delivery else system.delivery
    acme, bolt = two_carriers(system, laptops(40), chance, [other.url])
    with carriers(acme, bolt) as acknowledged:
        until_more(acknowledged, 100)
        first.pause()
        try:
            until(lambda: metric(system, other, "relay_active"), "the other sends")
            until_more(acknowledged, 100)
        finally:
            first.resume()
        until(_not(lambda: metric(system, first, "relay_active")), "the woken one sends no more")
        until_more(acknowledged, 100)
    assert metric(system, other, "relay_active") == 1
    check(system, acme.acknowledged | bolt.acknowledged)
    sometimes.note("a relay took over from one that slept")


def _not(so: Callable[[], object]) -> Callable[[], bool]:
    return lambda: not so()


def test_a_reader_that_slept_while_another_read_on_wakes_and_has_no_effect_twice(
    system: System, chance: Random, sometimes: Sometimes
) -> None:
    acme, bolt = two_carriers(system, laptops(40), chance)
    with another(system, "tracking") as other:
        with carriers(acme, bolt) as acknowledged:
            until(lambda: metric(system, other, "heard_records_total"), "both read")
            before = metric(system, other, "heard_records_total")
            system.tracking.pause()
            try:
                until_more(acknowledged, 100)
                # More than its own share: what the sleeper had is read by the other now.
                said = _numbers(system)
                until(lambda: _all_read(system, said), "the other reads all")
            finally:
                system.tracking.resume()
            until_more(acknowledged, 100)
        assert metric(system, other, "heard_records_total") > before
        check(system, acme.acknowledged | bolt.acknowledged)
    sometimes.note("partitions changed hands while records were read")


def _numbers(system: System) -> dict[str, int]:
    """How many facts delivery said of each laptop so far."""
    rows = select(delivery.LAPTOPS.c.key, delivery.LAPTOPS.c.sequence)
    return dict(ask(system, "delivery", lambda one: [tuple(row) for row in one.execute(rows)]))


def _all_read(system: System, said: dict[str, int]) -> bool:
    """Whether tracking's database holds as many of each."""
    mine = store.TIMELINE.c.publisher == "delivery"
    last = func.max(store.TIMELINE.c.sequence)
    rows = select(store.TIMELINE.c.key, last).where(mine).group_by(store.TIMELINE.c.key)
    heard = dict(ask(system, "tracking", lambda one: [tuple(row) for row in one.execute(rows)]))
    return all(heard.get(key, 0) >= number for key, number in said.items())


def test_a_serial_list_taken_by_two_processes_at_once_counts_each_row_once(
    system: System,
) -> None:
    rows = 3_000
    school, keys = uai(), laptops(rows)
    list_schools(system, school)
    with another(system, "ordering"):
        order = place_order(system, rows, school)
        posted = post_file(
            system,
            "supplier:hexalog",
            f"/api/orders/{order}/serials/imports",
            "line,maker,serial,model",
            [f"1,{key.replace('/', ',')},{MODEL}" for key in keys],
        )
        ended = ended_job(system, posted.headers["location"])
        assert (ended["total"], ended["read"], ended["applied"]) == (rows, rows, rows)
        check(system)
