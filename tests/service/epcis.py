"""EPCIS events whose details mean nothing, and how to send them and ask after them."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from services.delivery.epcis.words import CONTEXT
from tests.builders import DAY, SCHOOL, Running

CARRIER, OTHER, COUNTER = "carrier:acme", "carrier:bolt", f"school:{SCHOOL}"
PALLET, OTHER_PALLET = "urn:epc:id:sscc:3401234.0500000001", "urn:epc:id:sscc:3401234.0500000002"
SHIPMENT = "034012345000000019"
KNOWN = "alias,maker\nHP,hp\n\ngtin,maker,model\n09521234000013,hp,HP 245 G8\n"
STEP = "urn:trousseau:voc:BizStep-"
AT_SCHOOL = {"id": f"https://region.example/schools/{SCHOOL}"}
CAPTURE, EVENTS = "/epcis/capture", "/epcis/events"


def a_laptop_epc(number: int = 1, model: int = 1) -> str:
    return f"urn:epc:id:sgtin:9521234.{model:06d}.5CD{number:04d}"


def an_event(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A pallet with one laptop in it is packed; None takes a field away."""
    event = {
        "type": "AggregationEvent",
        "eventID": f"urn:uuid:00000000-0000-4000-8000-{number:012d}",
        "eventTime": (DAY + timedelta(minutes=number)).isoformat(),
        "eventTimeZoneOffset": "+00:00",
        "parentID": PALLET,
        "childEPCs": [a_laptop_epc(number)],
        "action": "ADD",
        "bizStep": "packing",
    }
    return {name: value for name, value in (event | changes).items() if value is not None}


def a_scan(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A pallet leaves."""
    scan = {"type": "ObjectEvent", "epcList": [PALLET], "parentID": None, "childEPCs": None}
    return an_event(number, **(scan | {"action": "OBSERVE", "bizStep": "shipping"} | changes))


def declared(event: dict[str, Any], *instead: str) -> dict[str, Any]:
    """An event declared an error, others to be taken in its place."""
    at = (DAY + timedelta(hours=2)).isoformat()
    error = {"declarationTime": at, "reason": "incorrect_data", "correctiveEventIDs": [*instead]}
    return event | {"errorDeclaration": error}


def a_document(*events: Any) -> dict[str, Any]:
    return {
        "@context": [CONTEXT, {"ext": "https://ns.example.org/"}],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": DAY.isoformat(),
        "epcisBody": {"eventList": [*events]},
    }


def told(makers: Path) -> dict[str, str]:
    return {"TROUSSEAU_MAKERS": str(makers)}


def captured(
    delivery: Running, *events: Any, party: str = CARRIER, behaviour: str = "rollback"
) -> dict[str, Any]:
    """The job of a capture, as it is answered and as it is found afterwards."""
    headers = {"GS1-Capture-Error-Behaviour": behaviour}
    answer = delivery.ask(party, "POST", CAPTURE, json=a_document(*events), headers=headers)
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"{CAPTURE}/{job['captureID']}"
    assert delivery.get(party, answer.headers["location"]) == job
    assert (job["running"], job["captureErrorBehaviour"]) == (False, behaviour)
    return job


def one(delivery: Running, event: Any, party: str = CARRIER) -> httpx.Response:
    return delivery.ask(party, "POST", EVENTS, json={"@context": CONTEXT, **event})


def verdict(delivery: Running, id: str, party: str = CARRIER) -> tuple[str, str]:
    """What became of an event, as the register has it."""
    found = delivery.get(party, f"/api/delivery-events/{quote(id, safe='')}")
    return found["verdict"], found["code"]


def found(delivery: Running, query: str = "", party: str = CARRIER) -> list[str]:
    """The ids of a party's events that a query finds, all pages."""
    ids: list[str] = []
    address = f"{EVENTS}?{query}"
    while address:
        answer = delivery.ask(party, "GET", address)
        assert answer.status_code == 200, answer.text
        results = answer.json()["epcisBody"]["queryResults"]["resultsBody"]
        ids += [event["eventID"][-4:] for event in results["eventList"]]
        address = answer.links.get("next", {}).get("url", "")
    return ids


def id_of(number: int) -> str:
    return str(an_event(number)["eventID"])


def location(delivery: Running, number: int = 1) -> str:
    rows = delivery.rows("SELECT key, location FROM laptop")
    return str(dict(map(tuple, rows))[f"hp/5CD{number:04d}"])
