"""The same event by two ways is one event; what contradicts it under its name is kept beside it."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from itertools import permutations
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from deploy import topics
from services.delivery.epcis.words import CONTEXT
from tests.places import Kafka
from tests.running import System, until
from tests.system.acts import (
    ended_job,
    laptops,
    life,
    named,
    post_file,
    tell,
    told_in_order,
    when,
)

PARTY = "carrier:several-ways"
TOPIC = topics.partner_topic(PARTY)
TYPE = "partner.delivery-event.v1"
BINARY = [("ce_specversion", b"1.0"), ("ce_type", TYPE.encode())]
STRUCTURED = [("content-type", b"application/cloudevents+json")]
OUTCOMES = (
    rf'trousseau_heard_records_total{{outcome="((?!heard")[^"]+)",topic="{re.escape(TOPIC)}"}}'
)
CLAIMS = r'trousseau_claims_total{origin="http",verdict="([^"]+)"}'
STEPS = {"in-transit": "transporting", "arrived": "arriving"}

Event = Mapping[str, Any]


@pytest.fixture(scope="module")
def ways(system: System, kafka: Kafka) -> dict[str, Callable[[Event], str]]:
    """Each way on which a carrier may tell an event: a function that answers the verdict."""
    asyncio.run(topics.declare(kafka.bootstrap, parties=[PARTY]))

    def binary(event: Event) -> str:
        return by_topic(system, kafka, json.dumps(event), BINARY)

    def structured(event: Event) -> str:
        around = {"specversion": "1.0", "id": "x", "source": "y", "type": TYPE, "data": event}
        return by_topic(system, kafka, json.dumps(around), STRUCTURED)

    # While delivery takes up a topic, a record may come twice; the others are told after that.
    send(kafka, "a first record", BINARY)
    until(lambda: counted(system, OUTCOMES), "the topic is read")
    return {
        "post": lambda event: str(tell(system, PARTY, {**event})[0]["verdict"]),
        "file": lambda event: by_file(system, event),
        "capture": lambda event: by_capture(system, event),
        "binary": binary,
        "structured": structured,
    }


def a_scan(laptop: str, step: str, id: str = "") -> dict[str, Any]:
    about = {"happened_at": "2020-08-26T20:00:00+02:00", "laptops": [named(laptop)]}
    return {"id": id or f"urn:uuid:{uuid4()}", "type": step} | about


def by_file(system: System, event: Event) -> str:
    (laptop,) = event["laptops"]
    cells = (event["id"], event["type"], event["happened_at"], laptop["maker"], laptop["serial"])
    path, columns = "/api/delivery-events/imports", "id,type,happened_at,maker,serial"
    sent = post_file(system, PARTY, path, columns, [",".join(cells)], "delivery")
    ended_job(system, sent.headers["location"], "delivery")
    report = system.call("delivery", PARTY, f"{sent.headers['location']}/report")
    return report.text.splitlines()[1].split(",")[1]


def by_capture(system: System, event: Event) -> str:
    """As EPCIS 2.0; what is wrong with one event holds no other back."""
    (laptop,) = event["laptops"]
    told = {
        "type": "ObjectEvent",
        "eventID": event["id"],
        "action": "OBSERVE",
        "bizStep": STEPS[event["type"]],
        "eventTime": event["happened_at"],
        "eventTimeZoneOffset": "+02:00",
        "epcList": [f"https://id.gs1.org/01/09521234000013/21/{laptop['serial'].upper()}"],
    }
    document = {
        "@context": CONTEXT,
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": event["happened_at"],
        "epcisBody": {"eventList": [told]},
    }
    before = counted(system, CLAIMS)
    headers = system.bearer(PARTY) | {"GS1-Capture-Error-Behaviour": "proceed"}
    url = f"{system.delivery.url}/epcis/capture"
    answer = system.http.post(url, headers=headers, json=document)
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    after = counted(system, CLAIMS)
    (verdict,) = changed(before, after)
    assert bool(answer.json()["errors"]) == (verdict == "conflict"), answer.text
    return verdict


def by_topic(system: System, kafka: Kafka, value: str, headers: list[tuple[str, bytes]]) -> str:
    """On the carrier's own topic; nobody answers there, and the metrics tell."""
    before = counted(system, OUTCOMES)
    send(kafka, value, headers)
    (verdict,) = until(lambda: changed(before, counted(system, OUTCOMES)), "it is heard")
    return verdict


def send(kafka: Kafka, value: str, headers: list[tuple[str, bytes]]) -> None:
    async def work() -> None:
        async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all") as producer:
            await producer.send_and_wait(TOPIC, value.encode(), key=b"k", headers=headers)

    asyncio.run(work())


def counted(system: System, pattern: str) -> dict[str, str]:
    """Delivery's counters by the label that a pattern's group takes out."""
    text = system.http.get(f"{system.delivery.url}/metrics").text
    return dict(re.findall(rf"^{pattern} (.+)$", text, re.MULTILINE))


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return [label for label, count in after.items() if before.get(label, "0.0") != count]


@pytest.mark.parametrize(
    ("first", "second"),
    [*permutations(("post", "file", "capture", "binary", "structured"), 2)],
)
def test_an_event_by_two_ways_is_one_and_another_under_its_name_is_kept_beside_it(
    system: System, ways: dict[str, Callable[[Event], str]], first: str, second: str
) -> None:
    (laptop,) = laptops(1)
    scan = a_scan(laptop, "in-transit")
    assert ways[first](scan) == "waiting", "it counts; nobody announced the laptop"
    assert ways[second](scan) == "duplicate"
    shown = when(system, laptop, {"location": "in-transit"})
    assert told_in_order(shown) == ["laptop-in-transit"]
    assert ways[second](a_scan(laptop, "arrived", scan["id"])) == "conflict"
    assert ways[first](scan) == "duplicate", "what stands still stands"
    kept = system.call("delivery", PARTY, "/api/parked?kind=conflict&limit=500").json()["items"]
    (mine,) = (one for one in kept if one["subject"] == laptop)
    whole = system.call("delivery", PARTY, f"/api/parked/{mine['id']}").json()
    steps = whole["content"]["command"]["step"], whole["stands"]["step"]
    assert steps == ("arrived", "in-transit")
    assert told_in_order(life(system, laptop)) == ["laptop-in-transit"]
