"""A laptop's life as told in EPCIS: captured at one end, seen at the other."""

from typing import Any

from services.delivery.epcis.words import CONTEXT
from tests.running import System
from tests.system.acts import laptops, ordered, sscc, told_in_order, uai, when

ACME = "carrier:acme"


def scan(step: str, at: str, **about: Any) -> dict[str, Any]:
    """An event without an id of its own: it gets its hash."""
    event = {"type": "ObjectEvent", "action": "OBSERVE", "bizStep": step, "eventTime": at}
    return event | {"eventTimeZoneOffset": "+02:00"} | about


def capture(system: System, party: str, *events: dict[str, Any]) -> None:
    document = {
        "@context": CONTEXT,
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2020-09-01T08:00:00+02:00",
        "epcisBody": {"eventList": [*events]},
    }
    job = system.call("delivery", party, "/epcis/capture", document)
    assert (job.status_code, job.json()["errors"]) == (202, [])


def test_a_laptop_is_followed_by_epcis_alone_and_an_error_is_taken_back(system: System) -> None:
    school, shipment, (laptop,) = uai(), sscc(), laptops(1)
    order = ordered(system, school, [laptop])
    pallet = f"https://id.gs1.org/00/{shipment}"
    epc = f"https://id.gs1.org/01/09521234000013/21/{laptop.partition('/')[2]}"
    there = {"id": f"https://region.example/schools/{school}"}
    bought = [{"type": "po", "bizTransaction": f"https://region.example/orders/{order}"}]
    packed = {"type": "AggregationEvent", "action": "ADD", "parentID": pallet, "childEPCs": [epc]}
    arrived = scan("arriving", "2020-08-27T10:00:00+02:00", epcList=[pallet], readPoint=there)
    capture(
        system,
        ACME,
        scan("packing", "2020-08-25T08:00:00+02:00", bizTransactionList=bought, **packed),
        scan("shipping", "2020-08-26T08:00:00+02:00", epcList=[pallet]),
        arrived,
    )
    when(system, laptop, {"location": "arrived", "shipment": shipment, "order": order})
    wrong = {"declarationTime": "2020-08-27T10:30:00+02:00", "reason": "did_not_occur"}
    capture(system, ACME, arrived | {"errorDeclaration": wrong})
    when(system, laptop, {"location": "in-transit"})
    counted = scan("unpacking", "2020-08-28T09:00:00+02:00", bizLocation=there)
    capture(system, f"school:{school}", counted | packed | {"action": "DELETE"})
    shown = when(system, laptop, {"location": "at-school", "school": school, "flags": []})
    assert "laptop-fact-withdrawn" in told_in_order(shown)
