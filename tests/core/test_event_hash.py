"""The id of an event that came without one: the same event has the same, however it is written."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.delivery.epcis import words
from services.delivery.epcis.event_hash import event_hash, pre_hash
from services.delivery.epcis.words import CONTEXT

EVENT: dict[str, Any] = {
    "type": "ObjectEvent",
    "eventTime": "2020-09-01T10:00:00.000+02:00",
    "eventTimeZoneOffset": "+02:00",
    "epcList": ["urn:epc:id:sscc:4012345.0000000333", "urn:epc:id:sscc:4012345.0000000111"],
    "action": "OBSERVE",
    "bizStep": "departing",
    "quantityList": [{"epcClass": "urn:x:a", "quantity": 5}, {"epcClass": "urn:x:b", "uom": "KGM"}],
    "readPoint": {"id": "urn:epc:id:sgln:4012345.00011.987"},
    "bizTransactionList": [
        {"type": "po", "bizTransaction": "urn:x:1"},
        {"type": "inv", "bizTransaction": "urn:x:2"},
    ],
    "ext:field": {"ext:one": ["3", "1"], "ext:two": True},
}
KNOWN = words.context([CONTEXT, {"ext": "https://ns.example.org/"}])


def hashed(**changes: Any) -> str:
    return event_hash(EVENT | changes, KNOWN, frozenset())


@given(some.permutations(sorted(EVENT)))
def test_the_order_of_fields_makes_no_difference(names: list[str]) -> None:
    assert event_hash({name: EVENT[name] for name in names}, KNOWN, frozenset()) == hashed()


@pytest.mark.parametrize(
    "changes",
    [
        {"epcList": EVENT["epcList"][::-1]},
        {"quantityList": EVENT["quantityList"][::-1]},
        {"bizTransactionList": EVENT["bizTransactionList"][::-1]},
        {"eventTime": "2020-09-01T08:00:00Z"},
        {"eventTime": "2020-09-01T08:00:00.0004Z"},
        {"eventID": "urn:uuid:1"},
        {"recordTime": "2020-09-01T08:00:01Z"},
        {"errorDeclaration": {"declarationTime": "2020-09-02T08:00:00Z"}},
        {"rdfs:comment": "a pallet leaves"},
        {"bizStep": "https://ref.gs1.org/cbv/BizStep-departing"},
        {"bizStep": "cbv:BizStep-departing"},
        {"readPoint": {"id": "https://carrier.example/gates/414/4012345000115/254/987"}},
        {"ext:field": {"ext:two": "true", "ext:one": ["1", "3.0"]}},
    ],
)
def test_the_way_of_writing_makes_no_difference(changes: dict[str, Any]) -> None:
    assert hashed(**changes) == hashed()


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "TransactionEvent"},
        {"eventTime": "2020-09-01T08:00:00.001Z"},
        {"eventTimeZoneOffset": "+01:00"},
        {"epcList": EVENT["epcList"][:1]},
        {"action": "ADD"},
        {"disposition": "in_transit"},
        {"readPoint": {"id": "urn:epc:id:sgln:4012345.00011.988"}},
        {"ext:field": {"ext:one": ["3"], "ext:two": True}},
        {"ext:more": ""},
    ],
)
def test_whatever_is_said_makes_a_difference(changes: dict[str, Any]) -> None:
    assert hashed(**changes) != hashed()


@pytest.mark.parametrize(
    ("time", "written"),
    [
        ("2023-02-02T11:04:03.1415Z", "2023-02-02T11:04:03.142Z"),
        ("2023-02-02T11:04:03.1414Z", "2023-02-02T11:04:03.141Z"),
        ("2023-02-02T11:04:03.9995Z", "2023-02-02T11:04:04.000Z"),
        ("2023-02-02T11:04:03.0005Z", "2023-02-02T11:04:03.001Z"),
    ],
)
def test_times_are_rounded_to_the_millisecond_from_the_half_on(time: str, written: str) -> None:
    assert f"eventTime={written}eventTimeZone" in pre_hash(
        EVENT | {"eventTime": time}, KNOWN, frozenset()
    )


def test_an_extension_that_the_document_leaves_out_is_no_part_of_the_event() -> None:
    marked = EVENT | {"ext:captureID": "5"}
    assert event_hash(marked, KNOWN, frozenset({"ext:captureID"})) == hashed()
    assert event_hash(marked, KNOWN, frozenset()) != hashed()
