"""What EPCIS events mean: the items that a party would have sent as plain JSON."""

from datetime import timedelta
from typing import Any

import pytest

from services.delivery.epcis import mapping, reading
from services.delivery.epcis.mapping import Meaning
from services.delivery.epcis.words import BIZ_STEPS, CONTEXT, DISPOSITIONS
from shared.contracts import identifiers
from tests.builders import DAY, OTHER_SCHOOL, SCHOOL

MAKERS = identifiers.makers(
    (
        "alias,maker\nHP,hp\nAcer,acer\n\ngtin,maker,model\n09521234000013,hp,HP 245 G8\n\n"
        "giai,maker\n4000001,acer\n"
    ).splitlines()
)
PALLET, OTHER_PALLET = "urn:epc:id:sscc:3401234.0500000001", "urn:epc:id:sscc:3401234.0500000002"
SHIPMENT, OTHER_SHIPMENT = "034012345000000019", "034012345000000026"
LAPTOP, UNKNOWN = "urn:epc:id:sgtin:9521234.000001.5CD0001", "urn:epc:id:sgtin:9521234.000002.5CD9"
HP = {"maker": "hp", "serial": "5CD0001"}
AT_SCHOOL = {"id": f"https://region.example/schools/{SCHOOL}"}
AT_OTHER = f"https://region.example/uai/{OTHER_SCHOOL}"
HUB = {"id": "urn:epc:id:sgln:4012345.00005.0"}
WHEN = "2020-09-01T10:00:00+02:00"


def meaning(**changes: Any) -> Meaning:
    event = {
        "@context": CONTEXT,
        "type": "ObjectEvent",
        "eventID": "urn:uuid:00000000-0000-4000-8000-000000000001",
        "eventTime": WHEN,
        "eventTimeZoneOffset": "+02:00",
        "epcList": [PALLET],
        "action": "OBSERVE",
        "bizStep": "shipping",
    }
    said = {name: value for name, value in (event | changes).items() if value is not None}
    alone = reading.alone(said)
    read = reading.event(alone.events[0], alone, DAY + timedelta(days=1))
    return mapping.meaning(read, MAKERS)


def item(**changes: Any) -> dict[str, Any]:
    """The one item that an event comes to."""
    (only,) = meaning(**changes).items
    return only


def packed(**changes: Any) -> dict[str, Any]:
    """A pallet with a laptop in it."""
    aggregation = {"type": "AggregationEvent", "epcList": None, "parentID": PALLET}
    return aggregation | {"childEPCs": [LAPTOP]} | changes


# -- steps


def test_an_event_becomes_an_item_with_its_id_and_its_time() -> None:
    assert item() == {
        "id": "urn:uuid:00000000-0000-4000-8000-000000000001",
        "type": "dispatched",
        "happened_at": WHEN,
        "shipment": SHIPMENT,
    }


@pytest.mark.parametrize(
    ("step", "disposition", "type"),
    [
        ("packing", "in_progress", "announced"),
        ("packing", None, "announced"),
        ("shipping", "in_transit", "dispatched"),
        ("shipping", "returned", "refused"),
        ("departing", "in_transit", "in-transit"),
        ("transporting", "in_transit", "in-transit"),
        ("transporting", "returned", "refused"),
        ("transporting", "damaged", "damaged"),
        ("accepting", "in_transit", "in-transit"),
        ("holding", "in_transit", "in-transit"),
        ("storing", "in_transit", "in-transit"),
        ("arriving", "in_transit", "in-transit"),
        ("arriving", "in_progress", "arrived"),
        ("arriving", None, "arrived"),
        ("arriving", "returned", "refused"),
        ("receiving", None, "received"),
        ("receiving", "in_progress", "received"),
        ("receiving", "damaged", "damaged"),
        ("receiving", "mismatch_instance", "unexpected"),
        ("receiving", "mismatch_quantity", "missing"),
        ("unpacking", "completeness_verified", "received"),
        ("cbv:BizStep-receiving", "https://ref.gs1.org/cbv/Disp-damaged", "damaged"),
    ],
)
def test_step_and_disposition_say_what_happened(
    step: str, disposition: str | None, type: str
) -> None:
    assert item(epcList=[PALLET, LAPTOP], bizStep=step, disposition=disposition)["type"] == type


@pytest.mark.parametrize("type", sorted(mapping.OWN_WORDS))
def test_what_cbv_has_no_word_for_is_said_with_an_address_of_ones_own(type: str) -> None:
    step = f"https://region.example/voc/BizStep-{type}"
    assert item(epcList=[LAPTOP], bizStep=step)["type"] == type


def test_an_arrival_in_transit_is_one_scan_more_unless_it_is_at_a_school() -> None:
    step = {"bizStep": "arriving", "disposition": "in_transit"}
    assert item(**step, readPoint=HUB)["type"] == "in-transit"
    assert item(**step, readPoint=AT_SCHOOL)["type"] == "arrived"


@pytest.mark.parametrize(
    "changes",
    [
        {"bizStep": None},
        {"bizStep": "inspecting", "disposition": "damaged"},
        {"bizStep": "accepting"},
        {"bizStep": "void_shipping"},
        {"bizStep": "https://region.example/voc/BizStep-loaning"},
        {"bizStep": "https://region.example/voc/BizStep-void"},
        {"bizStep": "https://carrier.example/steps/shipping"},
        {"epcList": ["urn:epc:id:grai:4012345.55555.987"]},
        {"epcList": ["https://id.gs1.org/01/09521234000013/10/LOT"]},
        {"epcList": ["urn:uuid:9f1b6d1e-0d4e-4a55-9a54-6e7f1c1f1b00"]},
        {"epcList": []},
        {"bizStep": "receiving", "disposition": "mismatch_quantity"},
        packed(bizStep="packing", action="DELETE"),
        packed(bizStep="unpacking", action="ADD"),
        packed(type="AssociationEvent", action="ADD"),
        {
            "type": "TransactionEvent",
            "action": "DELETE",
            "bizTransactionList": [{"type": "po", "bizTransaction": "urn:x:BC1"}],
        },
    ],
)
def test_what_is_valid_and_means_nothing_here_comes_to_no_item(changes: dict[str, Any]) -> None:
    assert meaning(**changes) == Meaning()


def test_every_word_of_the_table_is_one_of_cbv() -> None:
    for step, disposition in mapping.MEANINGS:
        assert step in BIZ_STEPS
        assert disposition in DISPOSITIONS | {mapping.ANY}


# -- things


def test_a_pallet_is_told_with_what_is_in_it() -> None:
    told = item(**packed(action="ADD", bizStep="packing"))
    assert (told["shipment"], told["laptops"]) == (SHIPMENT, [HP])


@pytest.mark.parametrize(
    ("epc", "laptop"),
    [
        (LAPTOP, HP),
        ("https://id.gs1.org/01/09521234000013/21/5CD0001", HP),
        ("https://hp.example/laptops/01/09521234000013/10/LOT/21/5CD0001?s=1", HP),
        ("urn:epc:id:giai:4000001.NX1", {"maker": "acer", "serial": "NX1"}),
        ("https://id.gs1.org/8004/4000001NX1", {"maker": "acer", "serial": "NX1"}),
        ("https://region.example/laptops/hp/5CD0001", HP),
    ],
)
def test_a_laptop_is_known_however_it_is_named(epc: str, laptop: dict[str, str]) -> None:
    assert item(epcList=[epc])["laptops"] == [laptop]


def test_a_laptop_that_is_named_in_two_ways_is_one() -> None:
    twice = [LAPTOP, "https://id.gs1.org/01/09521234000013/21/5CD0001"]
    assert item(epcList=twice)["laptops"] == [HP]


def test_a_trade_item_that_the_table_does_not_know_is_told_and_holds_no_other_back() -> None:
    link = "https://id.gs1.org/01/09521234000020/21/5CD9"
    known = meaning(epcList=[PALLET, LAPTOP, UNKNOWN])
    assert known.unknown == (link,)
    assert [one["laptops"] for one in known.items] == [[HP]]
    assert meaning(epcList=["urn:epc:id:giai:5000001.X1"]).unknown


def test_a_pallet_with_nothing_known_in_it_is_not_said_of_all_that_is_in_it() -> None:
    told = meaning(**packed(childEPCs=[UNKNOWN]))
    assert told.items == []
    assert told.unknown


def test_several_pallets_are_an_item_each_under_one_id() -> None:
    told = meaning(epcList=[PALLET, OTHER_PALLET]).items
    assert [one["shipment"] for one in told] == [SHIPMENT, OTHER_SHIPMENT]
    assert len({one["id"] for one in told}) == 1
    mixed = meaning(epcList=[PALLET, OTHER_PALLET, LAPTOP]).items
    assert [sorted({"shipment", "laptops"} & one.keys()) for one in mixed] == [
        ["shipment"],
        ["shipment"],
        ["laptops"],
    ], "which pallet the laptop is in is not said"
    inside = meaning(**packed(childEPCs=[OTHER_PALLET, LAPTOP])).items
    assert [(one["shipment"], one.get("laptops")) for one in inside] == [
        (SHIPMENT, [HP]),
        (OTHER_SHIPMENT, None),
    ]


def test_how_many_there_are_is_told_where_it_is_a_number_of_things() -> None:
    classes = "urn:epc:idpat:sgtin:9521234.000001.*"
    counted = [{"epcClass": classes, "quantity": 20}, {"epcClass": classes, "quantity": 8.0}]
    weighed = [{"epcClass": classes, "quantity": 20, "uom": "KGM"}]
    assert item(quantityList=counted)["quantity"] == 28
    assert "quantity" not in item(quantityList=weighed)


@pytest.mark.parametrize(
    ("kind", "document", "order"),
    [
        ("po", "https://region.example/orders/BC-2020-1", "BC-2020-1"),
        ("po", "urn:epcglobal:cbv:bt:0614141073467:BC1", "BC1"),
        ("cbv:BTT-po", "urn:epcglobal:cbv:bt:0614141073467:BC1", "BC1"),
        ("po", "https://region.example/orders/two%20words", None),
        ("desadv", "urn:epcglobal:cbv:bt:0614141073467:1152", None),
        (None, "urn:epcglobal:cbv:bt:0614141073467:1152", None),
    ],
)
def test_the_purchase_order_names_the_order(
    kind: str | None, document: str, order: str | None
) -> None:
    listed = {"bizTransaction": document} | ({"type": kind} if kind else {})
    assert item(bizTransactionList=[listed]).get("order") == order


# -- places


def test_what_is_on_its_way_is_bound_for_its_destination() -> None:
    bound = [{"type": "location", "destination": AT_OTHER}]
    for step in ("packing", "shipping", "departing"):
        told = item(bizStep=step, readPoint=AT_SCHOOL, destinationList=bound)
        assert told["school"] == OTHER_SCHOOL


def test_what_is_there_is_where_it_was_seen() -> None:
    bound = [{"type": "possessing_party", "destination": AT_OTHER}]
    for step in ("arriving", "receiving", "unpacking"):
        told = item(bizStep=step, readPoint=HUB, bizLocation=AT_SCHOOL, destinationList=bound)
        assert told["school"] == SCHOOL
    assert item(bizStep="arriving", destinationList=bound)["school"] == OTHER_SCHOOL


def test_what_is_redirected_or_moved_goes_from_one_school_to_another() -> None:
    bound = [{"type": "location", "destination": AT_OTHER}]
    start = [{"type": "location", "source": AT_SCHOOL["id"]}]
    for word in ("redirected", "moved"):
        step = f"https://region.example/voc/BizStep-{word}"
        told = item(epcList=[LAPTOP], bizStep=step, sourceList=start, destinationList=bound)
        assert (told["school"], told["to_school"]) == (SCHOOL, OTHER_SCHOOL)


def test_a_place_that_is_no_school_of_ours_says_no_school() -> None:
    for place in ("geo:48.58,7.75", HUB["id"], "https://id.gs1.org/414/4012345000054/254/1234567A"):
        assert "school" not in item(bizStep="arriving", readPoint={"id": place})


def test_a_school_number_that_is_misspelt_is_refused() -> None:
    wrong = SCHOOL[:-1] + ("A" if SCHOOL[-1] != "A" else "B")
    with pytest.raises(ValueError, match="has check letter"):
        meaning(bizStep="arriving", readPoint={"id": f"https://region.example/schools/{wrong}"})


# -- corrections


def test_a_declaration_of_error_withdraws_the_event_that_it_repeats() -> None:
    declared = {"declarationTime": "2020-09-01T11:00:00+02:00", "reason": "did_not_occur"}
    event = "urn:uuid:00000000-0000-4000-8000-000000000001"
    told = item(errorDeclaration=declared)
    assert told == {
        "id": told["id"],
        "type": "void",
        "happened_at": "2020-09-01T11:00:00+02:00",
        "corrects": event,
    }
    assert told["id"] != event, "its own id is taken by what it withdraws"
    assert item(errorDeclaration=declared)["id"] == told["id"], "said twice it is one"
    again = declared | {"declarationTime": "2020-09-01T12:00:00+02:00"}
    assert item(errorDeclaration=again)["id"] != told["id"]


def test_an_event_without_an_id_is_withdrawn_by_its_hash() -> None:
    declared = {"declarationTime": WHEN}
    (right,) = meaning(eventID=None).items
    assert item(eventID=None, errorDeclaration=declared)["corrects"] == right["id"]


def test_a_corrective_event_is_an_event_like_others() -> None:
    # That it replaces another stands in the other's declaration; were it part of what is said
    # here, the same event would be another one when it comes alone.
    declared = {"declarationTime": WHEN, "correctiveEventIDs": ["urn:uuid:2"]}
    assert item(errorDeclaration=declared)["corrects"]
    assert "corrects" not in item(eventID="urn:uuid:2")
