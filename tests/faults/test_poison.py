"""Records that cannot be taken: set aside with their cause, and nobody else's wait for them."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from msgspec import Struct
from sqlalchemy import Connection, text

from shared.databases import open_database
from tests.faults.checking import check, settle
from tests.faults.ground import Sometimes
from tests.running import System, until
from tests.system.acts import (
    announce,
    event,
    laptops,
    life,
    list_schools,
    ordered,
    place_order,
    uai,
    verdicts,
    when,
)

ORDERING, DELIVERY = "ordering.facts", "delivery.facts"
ANNOUNCED, EXPECTED = "ordering.laptop-announced.v1", "delivery.laptop-expected.v1"
BODY = (
    b'{"order":"BC-0","line":"1","school":"0670080Y","model":"HP 245 G8","lot":"L1",'
    b'"supplier":"hexalog"}'
)
LAPTOP = "hp/P0150N"

Headers = Sequence[tuple[str, bytes | None]]


class Record(Struct, frozen=True):
    """Something on a topic. `code`: the cause for which it is set aside, "" when it is not."""

    name: str
    code: str
    headers: Headers
    key: bytes | None = LAPTOP.encode()
    value: bytes | None = BODY


def ce(**changed: bytes | None) -> list[tuple[str, bytes | None]]:
    """The headers of a fact that is as it should be, but for those named; None leaves one out."""
    words: dict[str, bytes | None] = {
        "ce_specversion": b"1.0",
        "ce_id": b"5b6f0f6e-0a0f-5a5e-9f39-0f3a0a0f5a5e",
        "ce_source": b"supplier:hexalog",
        "ce_type": ANNOUNCED.encode(),
        "ce_subject": LAPTOP.encode(),
        "ce_time": b"2020-09-01T08:00:00+00:00",
        "ce_recordedtime": b"2020-09-01T08:00:01+00:00",
        "ce_sequence": b"1",
        "content-type": b"application/json",
    }
    words |= changed
    return [(name, value) for name, value in words.items() if value is not None]


def without(name: str) -> Headers:
    return ce(**{name: None})


DEEP = b'{"order":' + b"[" * 50_000 + b"]" * 50_000 + b"}"
LARGE = b"x" * 1_000_000
LAST_DAY = b"9999-12-31T23:59:59-05:00"

POISON = (
    Record("no value", "null-value", ce(), value=None),
    Record("a header without a value", "null-header", [*ce(), ("ce_dataschema", None)]),
    Record("a header that is not UTF-8", "not-utf-8", ce(ce_source=b"\xff\xfe")),
    Record("not JSON", "invalid", ce(), value=b"laptop"),
    Record("cut short", "invalid", ce(), value=BODY[:40]),
    Record("not UTF-8", "invalid", ce(), value=BODY.replace(b"L1", b"\xff\xfe")),
    Record("a list", "invalid", ce(), value=b"[]"),
    Record("NaN", "invalid", ce(), value=BODY.replace(b'"L1"', b"NaN")),
    Record("a field too many", "invalid", ce(), value=BODY.replace(b'"lot"', b'"lots":1,"lot"')),
    Record("1 MB that says nothing", "invalid", ce(), value=LARGE),
    Record("nested deep", "invalid", ce(), value=DEEP),
    Record("half a surrogate pair", "invalid", ce(), value=BODY.replace(b"L1", b"\\ud800")),
    Record("an unknown version", "unknown-version", ce(ce_type=ANNOUNCED[:-1].encode() + b"99")),
    Record("no headers at all", "not-a-cloudevent", []),
    Record("no id", "not-a-cloudevent", without("ce_id")),
    Record("no source", "not-a-cloudevent", without("ce_source")),
    Record("no type", "not-a-cloudevent", without("ce_type")),
    Record("no subject", "not-a-cloudevent", without("ce_subject")),
    Record("no time", "not-a-cloudevent", without("ce_time")),
    Record("another CloudEvents", "not-a-cloudevent", ce(ce_specversion=b"2.0")),
    Record("a time without offset", "naive-time", ce(ce_time=b"2020-09-01T08:00:00")),
    Record("a time that is none", "invalid", ce(ce_time=b"yesterday")),
    Record("the last day of the calendar", "invalid", ce(ce_time=LAST_DAY)),
    Record("another key", "key-is-not-subject", ce(), key=b"hp/0THER"),
    Record("no key", "key-is-not-subject", ce(), key=None),
    Record("a key that is not UTF-8", "key-is-not-subject", ce(), key=b"\xff\xfe"),
    Record("a number that is none", "invalid", ce(ce_sequence=b"first")),
    Record("a header twice", "duplicate-header", [*ce(), ("ce_source", b"region")]),
    Record("a null character", "invalid", ce(), value=BODY.replace(b"L1", b"\\u0000")),
)
HARMLESS = (
    Record("a type that nobody here hears", "", ce(ce_type=b"ordering.budget-voted.v1",
           ce_subject=b"school:0670080Y"), key=b"school:0670080Y"),
    Record("a type of a service that does not exist", "", ce(ce_type=b"weather.rain.v7",
           ce_subject=b"town:67000"), key=b"town:67000", value=b"\xff"),
)  # fmt: skip


def send(system: System, topic: str, *those: Record) -> None:
    """Put records on a topic, past every service."""

    async def act() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=system.kafka, max_request_size=2 << 20)
        await producer.start()
        try:
            for one in those:
                await producer.send_and_wait(topic, one.value, one.key, headers=list(one.headers))
        finally:
            await producer.stop()

    asyncio.run(act())


def parked(system: System, service: str) -> list[dict[str, Any]]:
    """What a service has set aside and still has open."""
    items: list[dict[str, Any]] = []
    after = ""
    while True:
        answer = system.http.get(
            f"{system.services[service].url}/api/parked",
            params={"limit": 500, "after": after},
            headers=system.bearer("ops"),
        )
        page = answer.json()
        items += page["items"]
        after = page["next"]
        if not after:
            return items


def open_codes(system: System, service: str) -> list[str]:
    return sorted(one["code"] for one in parked(system, service))


@pytest.fixture(autouse=True)
def nothing_left_open(system: System) -> Iterator[None]:
    """A test begins with an empty list of what is set aside, and leaves one."""
    yield
    for service in ("delivery", "tracking"):
        for one in parked(system, service):
            path = f"/api/parked/{one['id']}/discard"
            done = system.call(service, "ops", path, {"reason": "a test put it there"})
            assert done.status_code == httpx.codes.OK


def test_what_cannot_be_read_is_set_aside_with_its_cause_and_others_are_heard_meanwhile(
    system: System,
) -> None:
    send(system, ORDERING, *POISON, *HARMLESS)
    school, (laptop,) = uai(), laptops(1)
    ordered(system, school, [laptop])
    told = event("in-transit", "2020-08-26T20:00:00+02:00", [laptop])
    assert verdicts(system, "carrier:acme", told) == ["applied"]
    when(system, laptop, {"location": "in-transit"})
    settle(system)
    wanted = sorted(one.code for one in POISON)
    for reader in ("delivery", "tracking"):
        assert open_codes(system, reader) == wanted, reader
        assert {one["kind"] for one in parked(system, reader)} == {"unreadable"}
    assert life(system, LAPTOP) == {}
    check(system)


def test_what_cannot_be_read_of_delivery_is_set_aside_by_tracking_alone(system: System) -> None:
    unknown = Record("x", "unknown-version", ce(ce_type=EXPECTED[:-1].encode() + b"99"))
    send(system, DELIVERY, POISON[0], unknown, *HARMLESS)
    (laptop,) = laptops(1)
    ordered(system, uai(), [laptop])
    settle(system)
    assert open_codes(system, "tracking") == ["null-value", "unknown-version"]
    assert open_codes(system, "delivery") == []
    check(system)


def test_a_laptops_fact_of_a_strange_type_that_no_column_holds_is_set_aside(system: System) -> None:
    unheard = b"delivery.laptop-polished.v1"
    beyond = Record("a number beyond any column", "", ce(ce_type=unheard, ce_sequence=b"9" * 18))
    strange = Record("bytes", "", ce(ce_type=unheard, ce_sequence=b"2"), value=b"\xff\x00\xfe")
    nothing = Record("a null character", "", ce(ce_type=unheard, ce_source=b"a\x00b"))
    before, after = laptops(2)
    ordered(system, uai(), [before])
    send(system, DELIVERY, beyond, strange, nothing)
    ordered(system, uai(), [after])
    told = event("in-transit", "2020-08-26T20:00:00+02:00", [before, after])
    assert verdicts(system, "carrier:acme", told) == ["applied"]
    when(system, before, {"location": "in-transit"})
    when(system, after, {"location": "in-transit"})
    assert open_codes(system, "tracking") == ["invalid", "invalid", "not-json"]
    check(system)


def test_what_is_set_aside_can_be_shown_tried_again_and_discarded_with_a_reason(
    system: System,
) -> None:
    send(system, ORDERING, POISON[3])
    (one,) = until(lambda: parked(system, "tracking"), "it is set aside")
    whole = system.call("tracking", "ops", f"/api/parked/{one['id']}").json()
    assert (whole["content"]["topic"], whole["subject"]) == (ORDERING, LAPTOP)
    again = system.call("tracking", "ops", f"/api/parked/{one['id']}/retry", {}).json()
    assert again["verdict"] == "refused"
    assert [left["id"] for left in parked(system, "tracking")] == [one["id"]]
    discard = f"/api/parked/{one['id']}/discard"
    no_reason = system.call("tracking", "ops", discard, {"reason": " "})
    assert no_reason.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert system.call("tracking", "carrier:acme", discard, {"reason": "x"}).status_code == 404
    done = system.call("tracking", "ops", discard, {"reason": "it says nothing"})
    assert done.json()["verdict"] == "discarded"
    assert parked(system, "tracking") == []
    late = system.call("tracking", "ops", f"/api/parked/{one['id']}/retry", {})
    assert late.status_code == httpx.codes.CONFLICT


@contextmanager
def broken(system: System, service: str, table: str, column: str, value: str) -> Iterator[None]:
    """A fault in the service's own house: rows with a value in a column cannot be written."""
    if system.on_sqlite:
        make = (
            f"CREATE TRIGGER broken BEFORE INSERT ON {table} WHEN NEW.{column} = '{value}' "
            "BEGIN SELECT RAISE(ABORT, 'broken'); END"
        )
        mend = "DROP TRIGGER broken"
    else:
        make = f"ALTER TABLE {table} ADD CONSTRAINT broken CHECK ({column} <> '{value}') NOT VALID"
        mend = f"ALTER TABLE {table} DROP CONSTRAINT broken"
    _execute(system, service, make)
    try:
        yield
    finally:
        _execute(system, service, mend)


def _execute(system: System, service: str, statement: str) -> None:
    async def act() -> None:
        database = open_database(system.url_of_database(service))

        def work(connection: Connection) -> None:
            connection.execute(text(statement))

        try:
            await database.write(work)
        finally:
            await database.close()

    asyncio.run(act())


def test_a_fact_that_meets_a_fault_of_ours_is_set_aside_and_counts_once_it_is_mended(
    system: System, sometimes: Sometimes
) -> None:
    unlucky, lucky = laptops(2)
    ordered(system, uai(), [unlucky, lucky])
    with broken(system, "tracking", "timeline", "source", "carrier:bolt"):
        told = event("in-transit", "2020-08-26T20:00:00+02:00", [unlucky])
        assert verdicts(system, "carrier:bolt", told) == ["applied"]
        other = event("in-transit", "2020-08-26T20:00:00+02:00", [lucky])
        assert verdicts(system, "carrier:acme", other) == ["applied"]
        later = event("arrived", "2020-08-27T20:00:00+02:00", [unlucky])
        assert verdicts(system, "carrier:acme", later) == ["applied"]
        when(system, lucky, {"location": "in-transit"})
        when(system, unlucky, {"location": "arrived"})
        (one,) = until(lambda: parked(system, "tracking"), "it is set aside")
        assert (one["kind"], one["subject"]) == ("bug", unlucky)
        retry = f"/api/parked/{one['id']}/retry"
        assert system.call("tracking", "ops", retry, {}).status_code >= 400
    again = system.call("tracking", "ops", retry, {})
    assert (again.status_code, again.json()["verdict"]) == (200, "applied")
    assert parked(system, "tracking") == []
    sometimes.note("a record set aside, then tried again")
    check(system)


def test_a_fact_heard_that_meets_a_fault_of_delivery_is_set_aside_and_counts_once_it_is_mended(
    system: System,
) -> None:
    unlucky, lucky = laptops(2)
    with broken(system, "delivery", "ledger", "key", unlucky):
        school = uai()
        list_schools(system, school)
        announce(system, place_order(system, 2, school), [unlucky, lucky])
        when(system, lucky, lambda shown: len(shown["timeline"]) == 2)
        (one,) = until(lambda: parked(system, "delivery"), "it is set aside")
        assert (one["kind"], one["subject"]) == ("bug", unlucky)
    again = system.call("delivery", "ops", f"/api/parked/{one['id']}/retry", {})
    assert again.json()["verdict"] == "applied"
    when(system, unlucky, lambda shown: len(shown["timeline"]) == 2)
    check(system)
