"""What partners tell delivery, by every way, and take back: through the whole system."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from deploy import topics
from tests.places import Kafka
from tests.running import System, until
from tests.system.acts import (
    ended_job,
    event,
    laptops,
    ordered,
    post_file,
    shown_order,
    sscc,
    tell,
    told_in_order,
    uai,
    verdicts,
    when,
)

ACME, BOLT = "carrier:acme", "carrier:bolt"
COLUMNS = "id,type,happened_at,shipment,order,school,to_school,maker,serial,detail,corrects"
AUGUST, SEPTEMBER, OCTOBER = (f"2020-{month}-01T08:00:00+02:00" for month in ("08", "09", "10"))


def asked(system: System, party: str, path: str) -> httpx.Response:
    return system.call("delivery", party, path)


def own_event(system: System, party: str, id: str) -> dict[str, Any]:
    answer = asked(system, party, f"/api/delivery-events/{id}")
    assert answer.status_code == httpx.codes.OK, answer.text
    told: dict[str, Any] = answer.json()
    return told


# -- by every way


def test_the_rows_of_a_file_with_one_id_are_one_event_and_the_same_as_by_json(
    system: System,
) -> None:
    one, two, school, shipment = *laptops(2), uai(), sscc()
    ordered(system, school, [one, two])
    rows = [
        f"f-{shipment},announced,{AUGUST},{shipment},,{school},,{key.replace('/', ',')},,"
        for key in (one, two)
    ]
    sent = post_file(system, ACME, "/api/delivery-events/imports", COLUMNS, rows, "delivery")
    assert sent.status_code == httpx.codes.ACCEPTED, sent.text
    job = ended_job(system, sent.headers["location"], "delivery")
    assert (job["read"], job["applied"]) == (2, 2)
    by_json = event("announced", AUGUST, [one, two], shipment=shipment, school=school)
    assert verdicts(system, ACME, by_json | {"id": f"f-{shipment}"}) == ["duplicate"]
    assert verdicts(system, ACME, event("dispatched", SEPTEMBER, shipment=shipment)) == ["applied"]
    for key in (one, two):
        when(system, key, {"location": "in-transit", "shipment": shipment})
    kept = own_event(system, ACME, f"f-{shipment}")
    assert (kept["form"], len(kept["event"]["laptops"])) == ("csv", 2)


def test_a_row_that_cannot_be_taken_has_its_verdict_and_holds_no_other(system: System) -> None:
    (key,), school, shipment = laptops(1), uai(), sscc()
    ordered(system, school, [key])
    good = f"g-{shipment},announced,{AUGUST},{shipment},,,,{key.replace('/', ',')},,"
    bad = [
        f"b1,announced,{AUGUST},{shipment},,,,nobody,5CD1,,",
        f"b2,arrived,demain,{shipment},,,,,,,",
    ]
    sent = post_file(
        system, ACME, "/api/delivery-events/imports", COLUMNS, [bad[0], good, bad[1]], "delivery"
    )
    job = ended_job(system, sent.headers["location"], "delivery")
    assert (job["applied"], job["refused"]) == (1, 2)
    report = asked(system, ACME, f"{sent.headers['location']}/report").text.splitlines()
    assert [row.split(",")[1] for row in report[1:]] == ["refused", "applied", "refused"]
    assert asked(system, BOLT, sent.headers["location"]).status_code == httpx.codes.NOT_FOUND


BINARY = [("ce_specversion", b"1.0"), ("ce_type", b"partner.delivery-event.v1")]
STRUCTURED = [("content-type", b"application/cloudevents+json; charset=utf-8")]


def send(kafka: str, topic: str, *records: tuple[bytes | None, list[tuple[str, bytes]]]) -> None:
    async def work() -> None:
        async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all") as producer:
            for value, headers in records:
                await producer.send_and_wait(topic, value, key=b"k", headers=headers)

    asyncio.run(work())


def test_a_partner_tells_by_his_topic_in_either_mode_and_as_whom_the_topic_says(
    system: System, kafka: Kafka
) -> None:
    (key,), school, shipment = laptops(1), uai(), sscc()
    party = "carrier:kafka-" + ("lite" if system.on_sqlite else "pg")
    ordered(system, school, [key])
    topic = topics.partner_topic(party)
    asyncio.run(topics.declare(kafka.bootstrap, parties=[party]))  # while delivery reads
    told = [
        event("announced", AUGUST, [key], shipment=shipment),
        event("dispatched", SEPTEMBER, shipment=shipment),
    ]
    structured = {
        "specversion": "1.0",
        "id": "x",
        "source": "y",
        "type": "partner.delivery-event.v1",
    }
    send(
        kafka.bootstrap,
        topic,
        (json.dumps(told[0]).encode(), BINARY),
        (json.dumps(structured | {"data": told[1]}).encode(), STRUCTURED),
        (b"{nonsense", BINARY),
        (b"{}", [("ce_specversion", b"1.0"), ("ce_type", b"partner.delivery-event.v2")]),
        (json.dumps(event("received", SEPTEMBER, [key])).encode(), BINARY),
        (None, BINARY),
    )
    when(system, key, {"location": "in-transit", "shipment": shipment})
    assert verdicts(system, party, *told) == ["duplicate", "duplicate"], "two ways are one event"
    parked = until(lambda: _parked(system, party, 4), "four are set aside")
    assert sorted(parked) == ["not-json", "not-your-act", "null-value", "unknown-type"]


def _parked(system: System, party: str, count: int) -> list[str] | None:
    items = asked(system, party, "/api/parked").json()["items"]
    return [item["code"] for item in items] if len(items) >= count else None


# -- asking back


def test_a_party_sees_its_own_events_as_it_sent_them_and_no_others(system: System) -> None:
    (key,), shipment = laptops(1), sscc()
    sent = event("arrived", SEPTEMBER, [key], shipment=shipment, detail="quai 3")
    tell(system, ACME, sent)
    told = own_event(system, ACME, sent["id"])
    assert (told["event"], told["verdict"], told["code"]) == (
        sent,
        "waiting",
        "shipment-not-announced",
    )
    assert (
        asked(system, BOLT, f"/api/delivery-events/{sent['id']}").status_code
        == httpx.codes.NOT_FOUND
    )
    assert (
        asked(system, BOLT, f"/api/delivery-events?party={ACME}").status_code
        == httpx.codes.FORBIDDEN
    )
    since = told["received_at"].replace("+", "%2B")
    listed = asked(
        system, ACME, f"/api/delivery-events?since={since}&verdict=waiting&limit=500"
    ).json()
    assert sent["id"] in [one["id"] for one in listed["items"]]
    first = asked(system, ACME, "/api/delivery-events?limit=1").json()
    second = asked(system, ACME, f"/api/delivery-events?limit=1&cursor={first['next']}").json()
    assert first["items"] != second["items"]


# -- what happens on the way and at school


def test_a_redirected_pallet_is_received_by_the_school_it_was_redirected_to(system: System) -> None:
    (key,), first, second, shipment = laptops(1), uai(), uai(), sscc()
    ordered(system, first, [key])
    told = [
        event("announced", AUGUST, [key], shipment=shipment, school=first),
        event("dispatched", SEPTEMBER, shipment=shipment),
        event("arrived", "2020-09-02T08:00:00+02:00", shipment=shipment),
        event("redirected", "2020-09-03T08:00:00+02:00", shipment=shipment, to_school=second),
    ]
    wrong = event("wrong-school", "2020-09-02T10:00:00+02:00", [key], shipment=shipment)
    assert verdicts(system, ACME, *told[:3]) == ["applied"] * 3
    assert verdicts(system, f"school:{first}", wrong) == ["applied"]
    assert "wrong-school" in when(system, key, lambda shown: shown["flags"])["flags"]
    verdicts(system, ACME, told[3])
    when(system, key, {"location": "in-transit", "school": first})
    verdicts(system, f"school:{second}", event("received", OCTOBER, [key], shipment=shipment))
    shown = when(system, key, {"location": "at-school", "school": second})
    assert shown["flags"] == []


@pytest.mark.parametrize("party", ["carrier", "school"])
def test_a_refused_laptop_stands_as_refused(system: System, party: str) -> None:
    (key,), school, shipment = laptops(1), uai(), sscc()
    ordered(system, school, [key])
    verdicts(system, ACME, event("announced", AUGUST, [key], shipment=shipment))
    who = ACME if party == "carrier" else f"school:{school}"
    assert verdicts(system, who, event("refused", SEPTEMBER, [key], shipment=shipment)) == [
        "applied"
    ]
    when(system, key, {"location": "refused"})


def test_a_laptop_moves_between_schools_and_comes_back_to_stock(system: System) -> None:
    (key,), first, second = laptops(1), uai(), uai()
    ordered(system, first, [key])
    verdicts(system, f"school:{first}", event("received", AUGUST, [key]))
    verdicts(system, f"school:{first}", event("moved", SEPTEMBER, [key], to_school=second))
    when(system, key, {"location": "at-school", "school": second})
    verdicts(system, f"school:{second}", event("back-to-stock", OCTOBER, [key]))
    shown = when(system, key, lambda now: "laptop-back-to-stock" in told_in_order(now))
    assert (shown["location"], shown["school"], shown["flags"]) == ("at-school", second, [])


def test_nobody_reports_what_is_not_his_and_ops_withdraws_alone(system: System) -> None:
    (key,), shipment = laptops(1), sscc()
    for party, step in ((ACME, "received"), (ACME, "moved"), ("ops", "arrived")):
        (one,) = tell(
            system, party, event(step, SEPTEMBER, [key], shipment=shipment, to_school=uai())
        )
        assert (one["verdict"], one["code"]) == ("refused", "not-your-act")


# -- corrections


def test_a_serial_mistyped_at_reception_is_corrected_later(system: System) -> None:
    wrong, right, school = *laptops(2), uai()
    number = ordered(system, school, [wrong, right])
    counter = f"school:{school}"
    mistyped = event("received", SEPTEMBER, [wrong])
    assert verdicts(system, counter, mistyped) == ["applied"]
    when(system, wrong, {"location": "at-school"})
    corrected = event("received", SEPTEMBER, [right], corrects=mistyped["id"])
    assert verdicts(system, counter, corrected, corrected) == ["applied", "duplicate"]
    when(system, right, {"location": "at-school"})
    shown = when(system, wrong, {"location": "announced"})
    assert "laptop-received" in told_in_order(shown), "nothing is deleted"
    assert own_event(system, counter, mistyped["id"])["corrected_by"] == [
        f"{counter}/{corrected['id']}"
    ]
    heard = {"placement-withdrawn", "laptop-note-withdrawn"}
    when(system, wrong, lambda now: heard <= set(told_in_order(now)))
    (line,) = shown_order(system, number)["lines"]
    assert line["delivered"] == 1


def test_what_is_withdrawn_before_it_comes_never_counts(system: System) -> None:
    (key,), school = laptops(1), uai()
    ordered(system, school, [key])
    late = event("received", SEPTEMBER, [key])
    void = event("void", OCTOBER, corrects=late["id"])
    (one,) = tell(system, f"school:{school}", void)
    assert (one["verdict"], one["code"]) == ("waiting", "event-not-known")
    assert verdicts(system, f"school:{school}", late) == ["applied"]
    shown = when(system, key, lambda now: "laptop-fact-withdrawn" in told_in_order(now))
    assert shown["location"] == "announced"


def test_ops_withdraws_anothers_event_and_no_other_party_can(system: System) -> None:
    (key,), school, shipment = laptops(1), uai(), sscc()
    ordered(system, school, [key])
    arrived = event("arrived", SEPTEMBER, [key], shipment=shipment)
    verdicts(system, ACME, arrived)
    when(system, key, {"location": "arrived"})
    tell(system, BOLT, event("void", OCTOBER, corrects=arrived["id"]))
    assert verdicts(system, "ops", event("void", OCTOBER, corrects=f"{ACME}/{arrived['id']}")) == [
        "applied"
    ]
    when(system, key, {"location": "announced"})
