"""Topics that are not what was read any more: reading stops, and says what is missing."""

import asyncio
import time
from random import Random

import httpx
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.structs import TopicPartition

from deploy import topics
from shared.listening import SLEPT_SECONDS
from tests import running
from tests.faults.checking import ask, check, offsets, settle, unsent
from tests.faults.ground import Broker
from tests.faults.load import carriers, two_carriers, until_more
from tests.running import System, until
from tests.system.acts import (
    announce,
    event,
    laptops,
    list_schools,
    ordered,
    place_order,
    uai,
    verdicts,
    when,
)

pytestmark = pytest.mark.parametrize("ground", ["sqlite"], indirect=True)

FACTS = "delivery.facts"
PARTITIONS = 12
END = -1  # to Kafka: all that is there


@pytest.fixture
def told(system: System, chance: Random) -> list[str]:
    """Laptops of which something was told, sent and read; the system is at rest."""
    keys = laptops(12)
    ordered(system, uai(), keys)
    acme, bolt = two_carriers(system, keys, chance)
    with carriers(acme, bolt) as acknowledged:
        until_more(acknowledged, 300)
    settle(system)
    return keys


def made_again(system: System, *names: str) -> None:
    """Delete topics and make them again, as somebody does who does not know what he does."""

    async def act() -> None:
        await running.delete_topics(system.kafka, names)
        await topics.declare(system.kafka)

    asyncio.run(act())


def passed_by_retention(system: System, name: str) -> None:
    """Delete all records of a topic that there are now, as retention does; the topic stays."""

    async def act() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=system.kafka)
        await admin.start()
        try:
            parts = [TopicPartition(name, number) for number in range(PARTITIONS)]
            await admin.delete_records(dict.fromkeys(parts, RecordsToDelete(before_offset=END)))
        finally:
            await admin.close()

    asyncio.run(act())


def scan(system: System, keys: list[str], at: str) -> None:
    """One more fact of each laptop."""
    told = event("in-transit", at, keys)
    assert verdicts(system, "carrier:acme", told) == ["applied"]


def why_stopped(system: System, name: str) -> str:
    """What the service says about its reading, once it has stopped."""

    def look() -> str:
        answer = system.http.get(f"{system.services[name].url}/health/ready")
        assert answer.status_code == httpx.codes.OK, answer.text
        said: str = answer.json()["trouble"].get("listening", "")
        return said if "POST /api/readings" in said else ""

    return until(look, f"{name} stops loudly")


def mend(system: System, reader: str, *names: str) -> None:
    """What the sentence says: have the facts sent again, and read them from the start."""
    for name in names:
        publisher = name.partition(".")[0]
        sent = system.call(publisher, "ops", "/api/refill", {})
        assert sent.status_code == httpx.codes.ACCEPTED
        begun = system.call(reader, "ops", f"/api/readings/{name}/begin-again", {})
        assert begun.status_code == httpx.codes.ACCEPTED


def test_a_topic_made_again_while_tracking_was_down_stops_it_until_it_is_mended(
    system: System, told: list[str]
) -> None:
    read = ask(system, "tracking", offsets)
    system.tracking.stop()
    made_again(system, FACTS)
    system.start("tracking")
    why = why_stopped(system, "tracking")
    assert "the topic was made again" in why
    assert "POST /api/refill to delivery" in why
    assert f"POST /api/readings/{FACTS}/begin-again to tracking" in why
    assert '"level":"error"' in next(
        line for line in system.tracking.words().splitlines() if "reading stopped" in line
    )
    assert ask(system, "tracking", offsets) == read
    mend(system, "tracking", FACTS)
    scan(system, told, "2020-10-01T08:00:00+02:00")
    check(system, refilled=True)


def test_a_topic_made_again_and_longer_than_before_is_known_by_its_last_record(
    system: System, told: list[str]
) -> None:
    system.tracking.stop()
    made_again(system, FACTS)
    for day in range(2, 28):  # the new topic grows past what was read of the old one
        scan(system, told, f"2020-10-{day:02d}T08:00:00+02:00")
    assert system.call("delivery", "ops", "/api/refill", {}).status_code == httpx.codes.ACCEPTED
    _sent(system)
    system.start("tracking")
    assert "is not the one that was read" in why_stopped(system, "tracking")
    mend(system, "tracking", FACTS)
    check(system, refilled=True)


def _sent(system: System) -> None:
    until(lambda: not unsent(system, "delivery"), "delivery has sent all")


def test_a_topic_made_again_under_a_tracking_that_stood_still_for_a_moment_stops_it(
    system: System, told: list[str]
) -> None:
    paused = time.monotonic()
    system.tracking.pause()
    made_again(system, FACTS)
    for day in range(2, 28):
        scan(system, told, f"2020-11-{day:02d}T08:00:00+02:00")
    assert system.call("delivery", "ops", "/api/refill", {}).status_code == httpx.codes.ACCEPTED
    _sent(system)
    until(lambda: time.monotonic() - paused > SLEPT_SECONDS, "it stood still for long enough")
    system.tracking.resume()
    assert f"{FACTS}/" in why_stopped(system, "tracking")
    mend(system, "tracking", FACTS)
    check(system, refilled=True)


def test_a_tracking_killed_while_a_topic_is_gone_reads_it_again_when_both_are_back(
    system: System, told: list[str]
) -> None:
    gone = f"No partition metadata for topic {FACTS}"  # the group has shared out what is left
    before = system.tracking.words().count(gone)
    asyncio.run(running.delete_topics(system.kafka, [FACTS]))
    until(lambda: system.tracking.words().count(gone) > before, "tracking reads without it")
    system.tracking.kill()
    asyncio.run(topics.declare(system.kafka))
    scan(system, told, "2020-10-01T08:00:00+02:00")
    system.start("tracking")
    assert f"{FACTS}/" in why_stopped(system, "tracking")
    mend(system, "tracking", FACTS)
    check(system, refilled=True)


def test_a_topic_made_again_under_a_tracking_that_reads_stops_it(
    system: System, told: list[str]
) -> None:
    made_again(system, FACTS)
    scan(system, told, "2020-10-01T08:00:00+02:00")
    assert f"{FACTS}/" in why_stopped(system, "tracking")
    mend(system, "tracking", FACTS)
    check(system, refilled=True)


def test_retention_that_passes_a_tracking_that_is_down_stops_it_naming_what_is_missing(
    system: System, told: list[str]
) -> None:
    system.tracking.stop()
    scan(system, told, "2020-10-01T08:00:00+02:00")
    _sent(system)
    passed_by_retention(system, FACTS)
    system.start("tracking")
    why = why_stopped(system, "tracking")
    assert "were deleted before they were read" in why
    assert f"POST /api/readings/{FACTS}/begin-again to tracking" in why
    mend(system, "tracking", FACTS)
    check(system, refilled=True)


def test_retention_that_passes_a_tracking_that_stood_still_for_a_moment_stops_it(
    system: System, told: list[str]
) -> None:
    system.tracking.pause()
    # The first may come as the answer to what it asked before it stood still: it has that one.
    for day in (1, 2):
        scan(system, told, f"2020-10-0{day}T08:00:00+02:00")
        _sent(system)
    passed_by_retention(system, FACTS)
    system.tracking.resume()
    scan(system, told, "2020-10-03T08:00:00+02:00")
    assert "were deleted before they were read" in why_stopped(system, "tracking")
    mend(system, "tracking", FACTS)
    check(system, refilled=True)


def test_another_cluster_at_the_same_address_stops_every_reader_until_it_is_mended(
    system: System, broker: Broker, told: list[str]
) -> None:
    broker.lose_its_disk()
    broker.start()
    asyncio.run(topics.declare(system.kafka))
    for reader in ("delivery", "tracking"):
        system.services[reader].kill()
    system.start()
    for reader in ("delivery", "tracking"):
        assert "was read in cluster" in why_stopped(system, reader)
    mend(system, "delivery", "ordering.facts")
    mend(system, "tracking", "ordering.facts", FACTS)
    scan(system, told, "2020-10-01T08:00:00+02:00")
    check(system, refilled=True)


def test_another_cluster_is_noticed_by_readers_that_never_stopped(
    system: System, broker: Broker, told: list[str]
) -> None:
    broker.lose_its_disk()
    broker.start()
    asyncio.run(topics.declare(system.kafka))
    (fresh,) = laptops(1)
    school = uai()
    list_schools(system, school)
    announce(system, place_order(system, 1, school), [fresh])
    scan(system, told, "2020-10-01T08:00:00+02:00")
    for reader in ("delivery", "tracking"):
        why_stopped(system, reader)
    mend(system, "delivery", "ordering.facts")
    mend(system, "tracking", "ordering.facts", FACTS)
    when(system, fresh, {"location": "announced"})
    check(system, refilled=True)


def test_begin_again_is_obeyed_by_a_reader_that_did_not_stop(
    system: System, told: list[str]
) -> None:
    before = _heard(system)
    begun = system.call("tracking", "ops", f"/api/readings/{FACTS}/begin-again", {})
    assert begun.status_code == httpx.codes.ACCEPTED
    until(lambda: _heard(system) > before, "facts are heard again")
    scan(system, told, "2020-10-01T08:00:00+02:00")
    check(system, refilled=True)


def _heard(system: System) -> float:
    """How many of delivery's facts tracking met that it knew."""
    lines = system.http.get(f"{system.tracking.url}/metrics").text.splitlines()
    wanted = f'trousseau_heard_records_total{{outcome="duplicate",topic="{FACTS}"}}'
    return sum(float(line.split()[1]) for line in lines if line.startswith(wanted))
