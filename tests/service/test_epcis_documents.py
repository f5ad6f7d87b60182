"""Documents that others wrote, over HTTP; and what we answer, beside GS1's own OpenAPI document."""

import json
import re
from datetime import datetime
from functools import cache
from typing import Any

from jsonschema import Draft7Validator, FormatChecker

from services.delivery.epcis.words import CONTEXT
from tests.builders import DAY, Running
from tests.contract.places import outside

CARRIER = "carrier:acme"
NOTHING = ("informational", "applied", "informational")
UNHEARD = ("void", "waiting", "event-not-known")
PACKED = ("announced", "applied", "")
# What becomes of events that are not just kept: pallets, and what is declared an error unheard.
EXPECTED = {
    "AggregationEvent_all_possible_fields": [UNHEARD],
    "AggregationEvent_with_sensorData": [PACKED],
    "Combination_of_different_event": [NOTHING] * 5 + [UNHEARD],
    "ObjectEvent_all_possible_fields": [UNHEARD],
    "ObjectEventWithAllPossibleFields": [UNHEARD],
    "ObjectEvent_with_error_declaration": [NOTHING, UNHEARD],
    "SensorData_with_combined_events": [NOTHING] * 11 + [PACKED, UNHEARD],
    "TransactionEvent_all_possible_fields": [UNHEARD],
    "TransformationEvent": [NOTHING],
    "TransformationEvent_all_possible_fields": [UNHEARD],
    "TransformationEvent_with_error_declaration": [NOTHING, UNHEARD],
    "TransformationEvent_with_sensorData": [UNHEARD],
    "TransformationEvent_with_userExtensions": [UNHEARD],
}
ALONE = {"TransformationEvent": [UNHEARD]}


def became(delivery: Running, party: str) -> list[tuple[str, str, str]]:
    items = delivery.get(party, "/api/delivery-events?limit=500")["items"]
    return sorted((item["type"], item["verdict"], item["code"]) for item in items)


def count(raw: Any) -> int:
    """How many different events a document holds."""
    body = raw["epcisBody"]
    results = body.get("queryResults", {}).get("resultsBody", body)
    return len({json.dumps(event, sort_keys=True) for event in results["eventList"]})


def test_every_valid_document_is_captured_with_the_verdicts_that_it_should_have(
    delivery: Running,
) -> None:
    folder = outside("openepcis-test-resources")
    files = [*folder.glob("Capture/Documents/*.json"), *folder.glob("Query/*.json")]
    assert len(files) == 47
    for number, file in enumerate(sorted(files)):
        raw, party = json.loads(file.read_bytes()), f"carrier:c{number}"
        for behaviour in ("rollback", "proceed"):
            headers = {"GS1-Capture-Error-Behaviour": behaviour}
            job = delivery.ask(party, "POST", "/epcis/capture", json=raw, headers=headers)
            assert (job.status_code, job.json()["success"]) == (202, True), (file.name, job.text)
            expected = EXPECTED.get(file.stem) or [NOTHING] * count(raw)
            assert became(delivery, party) == sorted(expected), file.name


def test_every_valid_event_alone_is_captured(delivery: Running) -> None:
    files = sorted(outside("openepcis-test-resources", "Capture", "Events").glob("*.json"))
    assert len(files) == 5
    for number, file in enumerate(files):
        raw, party = json.loads(file.read_bytes()), f"carrier:c{number}"
        answer = delivery.ask(party, "POST", "/epcis/events", json=raw)
        assert answer.status_code == 201, (file.name, answer.text)
        assert became(delivery, party) == ALONE.get(file.stem, [NOTHING]), file.name


def test_every_invalid_document_is_undone_with_the_event_that_is_wrong(delivery: Running) -> None:
    files = sorted(outside("openepcis-test-resources", "Query", "Invalid").glob("*.json"))
    assert len(files) == 2
    for file in files:
        for behaviour in ("rollback", "proceed"):
            headers = {"GS1-Capture-Error-Behaviour": behaviour}
            raw = json.loads(file.read_bytes())
            job = delivery.ask(CARRIER, "POST", "/epcis/capture", json=raw, headers=headers)
            (error,) = job.json()["errors"]
            assert error["type"] == "epcisException:ValidationException"
            assert error["errors"][0]["field"].startswith("/epcisBody/eventList/0/")
    assert became(delivery, CARRIER) == []


def test_every_query_with_what_is_wrong_or_not_looked_for_here_is_refused(
    delivery: Running,
) -> None:
    files = sorted(outside("openepcis-test-resources", "Query", "Queries").rglob("*.json"))
    assert len(files) == 3  # the valid one asks for actions and quantities
    for file in files:
        asked = {
            name: "|".join(value) if isinstance(value, list) else str(value)
            for name, value in json.loads(file.read_bytes()).items()
            if name != "@context"
        }
        answer = delivery.ask(CARRIER, "GET", "/epcis/events", params=asked)
        assert answer.status_code == 400
        assert answer.json()["type"] == "epcisException:QueryParameterException"


# -- GS1's own OpenAPI document


@cache
def official() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(
        outside("gs1-epcis-openapi", "epcis-openapi-2.0.json").read_bytes()
    )
    return told


FORMATS = FormatChecker(formats=())


@FORMATS.checks("uri")
def is_uri(text: object) -> bool:
    return not isinstance(text, str) or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:\S", text) is not None


@FORMATS.checks("date-time", raises=ValueError)
def is_moment(text: object) -> bool:
    return not isinstance(text, str) or datetime.fromisoformat(text).tzinfo is not None


def misfit(name: str, value: Any) -> list[str]:
    """What of a value does not fit a schema of the official document."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": official()["components"]}
    found = Draft7Validator(schema, format_checker=FORMATS).iter_errors(value)
    return [f"{one.json_path}: {one.message[:200]}" for one in found]


def kinds(path: str, method: str) -> dict[str, set[str]]:
    """Which types of problem the official document allows to a call, by status."""
    found: dict[str, set[str]] = {}
    for status, answer in official()["paths"][path][method]["responses"].items():
        name = answer.get("$ref", "").rpartition("/")[2]
        told = official()["components"]["responses"][name] if name else answer
        content = told.get("content", {}).get("application/problem+json", {})
        text = json.dumps(content)
        found[status] = set(re.findall(r"epcisException:\w+", text))
    return found


def a_scan(**changes: Any) -> dict[str, Any]:
    event = {
        "@context": [CONTEXT],
        "type": "ObjectEvent",
        "eventTime": DAY.isoformat(),
        "eventTimeZoneOffset": "+00:00",
        "epcList": ["urn:epc:id:sscc:3401234.0500000001"],
        "action": "OBSERVE",
        "bizStep": "shipping",
    }
    return event | changes


def test_what_we_answer_fits_the_official_schemas(delivery: Running) -> None:
    folder = outside("openepcis-test-resources", "Capture", "Documents")
    document = json.loads((folder / "ObjectEvent_with_userExtensions.json").read_bytes())
    assert misfit("epcisDocument", document) == []
    good = delivery.ask(CARRIER, "POST", "/epcis/capture", json=document)
    document["epcisBody"]["eventList"][0]["bizStep"] = "parking"
    assert misfit("epcisDocument", document), "what is wrong for us is wrong for them"
    bad = delivery.ask(CARRIER, "POST", "/epcis/capture", json=document)
    for answer in (good, bad):
        job = delivery.get(CARRIER, answer.headers["location"])
        # As it stands their schema of a job takes none, not even its own example: `errors` or
        # `errorFile` must hold alone, and neither is required.
        for error in job.pop("errors"):
            assert misfit("RFC7807ProblemResponseBody", error) == []
        assert misfit("CaptureJob", job | {"errorFile": 5, "errors": []}) == []
    single = delivery.ask(CARRIER, "POST", "/epcis/events", json=a_scan())
    assert misfit("EPCISEvent", single.json()) == []
    for path in ("/epcis/events", single.headers["location"]):
        assert misfit("epcisQueryDocument", delivery.get(CARRIER, path)) == []


def test_our_problems_are_of_the_types_that_the_official_document_allows(
    delivery: Running,
) -> None:
    delivery.ask(CARRIER, "POST", "/epcis/events", json=a_scan(eventID="urn:x:1"))
    other = a_scan(eventID="urn:x:1", bizStep="departing")
    calls: list[tuple[str, str, str, dict[str, Any], int]] = [
        ("/capture", "post", "/epcis/capture", {"json": {}}, 400),
        ("/capture", "post", "/epcis/capture", {"content": b" " * (1 << 20) + b"{}"}, 413),
        ("/capture", "post", "/epcis/capture", {"content": b"<a/>"}, 415),
        ("/capture", "post", "/epcis/capture", {"json": {}, "headers": {"Accept": "a/b"}}, 406),
        ("/events", "post", "/epcis/events", {"json": a_scan(eventTime="now")}, 400),
        ("/events", "post", "/epcis/events", {"json": other}, 409),
        ("/capture/{captureID}", "get", "/epcis/capture/x", {}, 404),
        ("/events/{eventID}", "get", "/epcis/events/urn:x:2", {}, 404),
        ("/events", "get", f"/epcis/events?MATCH_epc={'x' * 9_000}", {}, 414),
    ]
    for path, method, address, sent, status in calls:
        kind = {} if "json" in sent or status == 415 else {"Content-Type": "application/json"}
        headers = sent.pop("headers", {}) | kind
        answer = delivery.ask(CARRIER, method.upper(), address, headers=headers, **sent)
        assert answer.status_code == status, answer.text
        assert answer.json()["type"] in kinds(path, method)[str(status)], address
        assert misfit("RFC7807ProblemResponseBody", answer.json()) == []
    for party, status in (("", 401), ("supplier:hexalog", 403)):
        answer = delivery.ask(party, "POST", "/epcis/capture", json={})
        assert answer.status_code == status
        assert answer.json()["type"] in kinds("/capture", "post")[str(status)]
