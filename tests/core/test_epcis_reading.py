"""EPCIS documents: what is read, and what is refused with a sentence that names the place."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.delivery.epcis import gs1, reading
from services.delivery.epcis.reading import Read
from services.delivery.epcis.words import CONTEXT
from shared.contracts.strict import Unreadable
from tests.builders import DAY

SGTIN, SSCC = "urn:epc:id:sgtin:0614141.107346.2017", "urn:epc:id:sscc:3401234.0500000001"


def an_event(**changes: Any) -> dict[str, Any]:
    """A pallet that leaves its supplier; None takes a field away."""
    event = {
        "type": "ObjectEvent",
        "eventTime": DAY.isoformat(),
        "eventTimeZoneOffset": "+00:00",
        "epcList": [SSCC],
        "action": "OBSERVE",
        "bizStep": "shipping",
    }
    return {name: value for name, value in (event | changes).items() if value is not None}


def a_document(*events: dict[str, Any], **changes: Any) -> dict[str, Any]:
    document = {
        "@context": [CONTEXT, {"ext": "https://ns.example.org/"}],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": DAY.isoformat(),
        "epcisBody": {"eventList": [*events]},
    }
    return {name: value for name, value in (document | changes).items() if value is not None}


def read(raw: dict[str, Any]) -> list[Read]:
    document = reading.document(raw)
    return [reading.event(event, document, DAY) for event in document.events]


def refused(raw: dict[str, Any]) -> str:
    """Field and sentence of what is wrong."""
    with pytest.raises(Unreadable) as refusal:
        read(raw)
    return f"{refusal.value.field}: {refusal.value}"


def refused_event(**changes: Any) -> str:
    return refused(a_document(an_event(**changes)))


# -- documents


def test_a_document_is_read_with_every_event_in_it() -> None:
    first, second = read(a_document(an_event(), an_event(bizStep="arriving")))
    assert (first.event.biz_step, second.event.biz_step) == ("shipping", "arriving")
    assert first.body["@context"] == [CONTEXT, {"ext": "https://ns.example.org/"}]


def test_a_query_document_is_read_as_a_document_is() -> None:
    events = {"queryResults": {"queryName": "Q", "resultsBody": {"eventList": [an_event()]}}}
    answer = a_document(type="EPCISQueryDocument", epcisBody=events)
    assert [one.hash for one in read(answer)] == [one.hash for one in read(a_document(an_event()))]


def test_an_event_alone_brings_its_own_context() -> None:
    alone = reading.alone({"@context": CONTEXT, **an_event()})
    (raw,) = alone.events
    assert reading.event(raw, alone, DAY).event.biz_step == "shipping"
    with pytest.raises(Unreadable, match="name the context of EPCIS"):
        reading.alone(an_event())


@pytest.mark.parametrize(
    "context",
    [
        CONTEXT,
        "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
        "https://gs1.github.io/EPCIS/epcis-context.jsonld",
        "https://gs1.github.io/EPCIS/epcis-context-simple.jsonld",
    ],
)
def test_the_full_and_the_simple_context_of_epcis_will_do(context: str) -> None:
    assert read(a_document(an_event(), **{"@context": context}))
    assert read(a_document(an_event(), **{"@context": [{"a": "https://a.example/"}, context]}))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"@context": None}, ": name the context of EPCIS"),
        ({"@context": {"ext": "https://ns.example.org/"}}, "/@context: name the context"),
        ({"@context": "https://schema.org/"}, "/@context: name the context"),
        ({"@context": [CONTEXT, 5]}, "/@context: addresses and objects are expected"),
        ({"type": "Document"}, "/type: an EPCISDocument is expected"),
        ({"schemaVersion": "1.2"}, "/schemaVersion: 2.0 is expected"),
        ({"schemaVersion": None}, "/schemaVersion: 2.0 is expected"),
        ({"creationDate": "yesterday"}, "/creationDate: an RFC 3339 time is expected"),
        ({"creationDate": "2020-09-01T08:00:00"}, "/creationDate: an RFC 3339 time"),
        ({"epcisBody": None}, "/epcisBody: it is missing"),
        ({"epcisBody": {}}, "/epcisBody/eventList: it is missing"),
        ({"epcisBody": {"eventList": {}}}, "/epcisBody/eventList: a list of events is expected"),
        ({"epcisBody": {"eventList": ["event"]}}, ": an object is expected"),
    ],
)
def test_what_is_no_document_of_epcis_is_refused(changes: dict[str, Any], said: str) -> None:
    assert said in refused(a_document(an_event(), **changes))


# -- fields


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"type": "PalletEvent"}, "/type: one of ObjectEvent"),
        ({"type": None}, "/type: one of ObjectEvent"),
        ({"eventTime": None}, "eventTime"),
        ({"eventTime": "2020-09-01T08:00:00"}, "/eventTime: Expected `datetime` with a timezone"),
        ({"eventTime": "01-09-2020"}, "/eventTime"),
        ({"eventTimeZoneOffset": None}, "eventTimeZoneOffset"),
        ({"eventTimeZoneOffset": "Z"}, "/eventTimeZoneOffset: an offset such as +02:00"),
        ({"eventTimeZoneOffset": "+02:00\n"}, "/eventTimeZoneOffset: an offset such as +02:00"),
        ({"eventID": "event 5"}, "/eventID: a URI is expected"),
        ({"eventID": f"urn:{'x' * 200}"}, "/eventID"),
        ({"action": "CREATE"}, "/action: one of OBSERVE, ADD, DELETE"),
        ({"action": None}, "/action: ObjectEvent needs it"),
        ({"bizStep": "transforming"}, "/bizStep: 'transforming' is no word of CBV 2.0"),
        ({"bizStep": "urn:epcglobal:cbv:bizstep:shipping"}, "/bizStep"),
        ({"bizStep": "https://ns.gs1.org/cbv/BizStep-shipping"}, "/bizStep"),
        ({"disposition": "in_transport"}, "/disposition: 'in_transport' is no word"),
        ({"persistentDisposition": {"set": ["broken"]}}, "/persistentDisposition/set"),
        ({"persistentDisposition": {}}, "/persistentDisposition: set or unset is expected"),
        ({"bizTransactionList": [{"type": "order", "bizTransaction": "a:b"}]}, "'order' is no"),
        ({"bizTransactionList": [{"type": "po", "bizTransaction": "BC1"}]}, "a URI is expected"),
        ({"sourceList": [{"type": "place", "source": "a:b"}]}, "/sourceList: 'place' is no word"),
        ({"destinationList": [{"destination": "a:b"}]}, "/destinationList/0/type"),
        ({"readPoint": "urn:x:y"}, "/readPoint"),
        ({"readPoint": {"id": "gate 5"}}, "/readPoint/id: a URI is expected"),
        ({"epcList": None}, "ObjectEvent lists what it is about, and this one does not"),
        ({"epcList": ["5CD0001"]}, "/epcList/0: a URI is expected"),
        ({"epcList": [SSCC, SSCC]}, "/epcList: an EPC stands twice in it"),
        ({"quantityList": [{"epcClass": "a:b", "quantity": "five"}]}, "/quantityList/0/quantity"),
        ({"quantityList": [{"epcClass": "a:b", "unit": "KGM"}]}, "/quantityList/0/unit"),
        ({"quantityList": [{"epcClass": "a:b", "uom": "kg"}]}, "a unit of two or three"),
        ({"certificationInfo": 42}, "/certificationInfo"),
        ({"ilmd": {"ext:lot": "5"}}, "/ilmd: only what is added has ilmd"),
        ({"action": "ADD", "ilmd": {"lot": "5"}}, "/ilmd/lot"),
        ({"childEPCs": [SGTIN]}, "/childEPCs: no field of ObjectEvent"),
        ({"colour": "red"}, "/colour"),
        ({"other:colour": "red"}, "/other:colour: @context does not declare the prefix"),
        ({"readPoint": {"id": "a:b", "other:x": 1}}, "/readPoint/other:x: @context does not"),
        ({"errorDeclaration": {"reason": "did_not_occur"}}, "declarationTime"),
        (
            {"errorDeclaration": {"declarationTime": DAY.isoformat(), "reason": "oops"}},
            "/errorDeclaration/reason: 'oops' is no word",
        ),
        ({"sensorElementList": [{"sensorReport": []}]}, "/sensorElementList/0/sensorReport"),
        ({"sensorElementList": [{"sensorReport": [{"value": "hot"}]}]}, "value"),
    ],
)
def test_a_field_that_is_not_as_the_standard_has_it_is_named(
    changes: dict[str, Any], said: str
) -> None:
    assert said in refused_event(**changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"type": "AggregationEvent", "epcList": None},
            "lists what it is about, and this one does not",
        ),
        ({"type": "AggregationEvent", "epcList": None, "childEPCs": []}, "lists what it is about"),
        ({"type": "AssociationEvent", "epcList": None, "childEPCs": [SGTIN]}, "/parentID"),
        ({"type": "TransactionEvent"}, "/bizTransactionList: TransactionEvent needs it"),
        ({"type": "TransformationEvent"}, "/action: no field of TransformationEvent"),
        (
            {"type": "TransformationEvent", "action": None, "epcList": None},
            "TransformationEvent lists what it is about, and this one does not",
        ),
    ],
)
def test_each_type_of_event_has_what_it_needs(changes: dict[str, Any], said: str) -> None:
    assert said in refused_event(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"epcList": []},
        {"bizStep": "cbv:BizStep-shipping"},
        {"bizStep": "https://ref.gs1.org/cbv/BizStep-shipping"},
        {"bizStep": "https://trousseau.example/voc/BizStep-redirected"},
        {"bizStep": "ext:queueing", "ext:queue": {"length": 5, "@id": "x"}},
        {"epcList": None, "quantityList": [{"epcClass": "urn:epc:class:lgtin:0614141.107346.A"}]},
        {
            "epcList": None,
            "readPoint": {"id": "geo:48.58,7.75"},
            "sensorElementList": [{"sensorReport": [{"type": "Temperature", "value": 21}]}],
        },
        {"type": "AggregationEvent", "epcList": None, "parentID": SSCC, "action": "DELETE"},
        {"type": "ext:PalletEvent", "anything": {"goes": True}},
        {"@context": [{"own": "https://own.example/"}], "own:colour": "red"},
        {"https://own.example/colour": "red"},
        {"recordTime": DAY.isoformat(), "certificationInfo": ["https://c.example/1"]},
    ],
)
def test_what_the_standard_lets_be_is_read(changes: dict[str, Any]) -> None:
    assert read(a_document(an_event(**changes)))


def test_a_context_from_elsewhere_may_declare_any_prefix_for_it_is_not_fetched() -> None:
    whose = [CONTEXT, "https://voc.example.org/context.jsonld"]
    assert read(a_document(an_event(**{"their:colour": "red"}), **{"@context": whose}))


def test_an_event_may_be_ten_minutes_ahead_of_us_and_no_more() -> None:
    soon, late = DAY + timedelta(minutes=10), DAY + timedelta(minutes=10, seconds=1)
    assert read(a_document(an_event(eventTime=soon.isoformat())))
    assert "/eventTime: it is more than ten minutes ahead" in refused_event(
        eventTime=late.isoformat()
    )
    declared = {"declarationTime": late.isoformat()}
    assert "/errorDeclaration/declarationTime" in refused_event(errorDeclaration=declared)


def test_an_event_has_32_kib_at_most() -> None:
    assert "an event has 32 KiB at most" in refused_event(**{"ext:x": "x" * (32 << 10)})


# -- identifiers


@pytest.mark.parametrize(
    ("epc", "said"),
    [
        ("urn:epc:id:sscc:3401234.050000001", "no sscc URN: 17 digits of prefix and reference"),
        ("urn:epc:id:sscc:34012.0500000000001", "no sscc URN"),
        ("urn:epc:id:sscc:3401234.05000000x1", "no sscc URN"),
        ("urn:epc:id:sgtin:0614141.107346", "nothing follows the reference"),
        ("urn:epc:id:giai:4000001", "no giai URN"),
        ("https://id.gs1.org/00/340123450000000010", "has a wrong check digit"),
        ("https://carrier.example/scan/00/340123450000000010", "has a wrong check digit"),
        ("https://id.gs1.org/01/06141411073461/21/2017", "has a wrong check digit"),
        ("https://id.gs1.org/00/34012345", "is no GS1 Digital Link"),
    ],
)
def test_an_identifier_of_gs1_that_is_misformed_is_refused(epc: str, said: str) -> None:
    assert said in refused_event(epcList=[epc])
    assert f"/epcList/0: {epc[:20]!r}"[:-1] in refused_event(epcList=[epc])
    assert "/parentID" in refused_event(
        type="AggregationEvent", epcList=None, parentID=epc, childEPCs=[SGTIN]
    )


@pytest.mark.parametrize(
    ("uri", "link"),
    [
        ("urn:epc:id:sscc:4012345.3111111111", "00/340123451111111111"),
        (SGTIN, "01/10614141073464/21/2017"),
        ("urn:epc:id:giai:4000001.5CD%2F1", "8004/40000015CD%2F1"),
        ("urn:epc:id:sgln:4012345.00005.0", "414/4012345000054"),
        ("urn:epc:id:sgln:4012345.00005.122", "414/4012345000054/254/122"),
        ("urn:epc:class:lgtin:4012345.012345.Lot987", "01/04012345123456/10/Lot987"),
        ("https://id.gs1.org/gtin/9780345418913", "01/09780345418913"),
        ("https://shop.example/a/01/09780345418913/10/L/21/76?x=1", "01/09780345418913/21/76"),
        ("HTTPS://shop.example/", None),
        ("urn:epc:id:gid:952056.2718.1414", None),
        ("urn:epc:idpat:sgtin:*.*.*", None),
        ("urn:uuid:9f1b6d1e-0d4e-4a55-9a54-6e7f1c1f1b00", None),
        ("https://trousseau.example/schools/0670080Y", None),
    ],
)
def test_both_ways_to_write_an_identifier_come_to_one(uri: str, link: str | None) -> None:
    assert gs1.canonical(uri) == (link and f"{gs1.HOME}/{link}")


# -- hostile input

KEYS = some.sampled_from(
    (
        *("type", "@context", "eventTime", "epcList", "bizStep", "readPoint", "id", "epcisBody"),
        *("eventList", "quantityList", "bizTransactionList", "errorDeclaration"),
        *("ext:x", "other:y"),
    )
)
LEAVES = (
    some.none() | some.booleans() | some.integers() | some.text(max_size=20)
) | some.sampled_from(["ObjectEvent", "EPCISDocument", CONTEXT, SGTIN, "2020-09-01T08:00:00Z"])
ANYTHING = some.recursive(
    LEAVES,
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)


@pytest.mark.fuzz
@given(ANYTHING, some.dictionaries(KEYS, ANYTHING, max_size=4))
def test_whatever_is_sent_is_read_or_refused_in_a_sentence(
    anything: Any, changes: dict[str, Any]
) -> None:
    for raw in (
        anything,
        a_document(an_event(**changes)),
        a_document(**{"type": "EPCISDocument", **changes}),
        a_document({**an_event(), "type": "ext:Event", **changes}),
    ):
        assert _told(json.loads(json.dumps(raw)))


def _told(raw: Any) -> bool:
    """Whether every event has a hash, or the refusal a sentence."""
    try:
        return all(one.hash.startswith("ni:///sha-256;") for one in read(raw))
    except Unreadable as refusal:
        return bool(str(refusal))
