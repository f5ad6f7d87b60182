"""What is really answered is what the OpenAPI documents tell: status, kind of content, shape."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.tracking import consumer
from shared import access, settings
from shared.databases import open_database
from tests.contract.places import FACTS, misfit, openapi, recorded, resolved, served

AT = "2020-09-01T08:00:00+02:00"
LAPTOP = {"maker": "HP", "serial": "5CD041B7QK"}
SCHOOLS = (
    "uai,nom,type,secteur,academie,departement,code_insee,commune,code_postal\n"
    "0670080Y,Lycée Fustel de Coulanges,LEGT,Public,Strasbourg,67,67482,Strasbourg,67000\n"
)
HAND_OUT = {
    "id": "h1",
    "laptop": LAPTOP,
    "student": "9f1b6d1e-0d4e-4a55-9a54-6e7f1c1f1b11",
    "handed_out_at": AT,
    "charter": {"minor": False, "student_signed_at": AT},
    "kit": {"laptop": True, "sleeve": True, "storage": False},
}


def order(**other: Any) -> dict[str, Any]:
    line = {"line": "1", "uai": "0670080Y", "model": "HP 245 G7", "quantity": 2, "lot": "2"}
    lines = [line | {"paid_by": "Région"}]
    placed = {"order": "BC-1", "school_year": "2020-2021", "buyer": "Région", "lines": lines}
    return placed | {"supplier": "hexalog"} | other


def event(**other: Any) -> dict[str, Any]:
    return {"id": "e1", "type": "received", "happened_at": AT, "laptops": [LAPTOP]} | other


EPCIS = "https://ref.gs1.org/standards/epcis/epcis-context.jsonld"


def scan(**other: Any) -> dict[str, Any]:
    when = {"eventTime": AT, "eventTimeZoneOffset": "+02:00"}
    what = {"action": "OBSERVE", "epcList": ["https://id.gs1.org/00/034012345000000019"]}
    return {"type": "ObjectEvent", "bizStep": "shipping", **when, **what} | other


def document(*events: Any) -> dict[str, Any]:
    told = {"type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": AT}
    return {"@context": EPCIS, **told, "epcisBody": {"eventList": [*events]}}


def path_of(whole: dict[str, Any], address: str) -> str:
    """The path of a document that an address falls under."""
    path = address.partition("?")[0]
    paths: list[str] = list(whole["paths"])
    fitting = [one for one in paths if re.fullmatch(re.sub(r"{\w+}", "[^/]+", one), path)]
    return min(fitting, key=lambda one: one.count("{"))


def as_told(service: str, answer: httpx.Response) -> None:
    """Fail unless an answer is one that its operation's document tells of."""
    whole, asked = openapi(service), answer.request
    operation = whole["paths"][path_of(whole, asked.url.path)][asked.method.lower()]
    assert str(answer.status_code) in operation["responses"], answer.text
    told = resolved(whole, operation["responses"][str(answer.status_code)])
    kind = answer.headers["content-type"].partition(";")[0]
    assert kind in told["content"]
    if kind.endswith("json"):
        schema = told["content"][kind]["schema"] | {"components": whole["components"]}
        assert misfit(schema, answer.json()) == []


Call = tuple[str, str, str, Any, int]

ORDERING: list[Call] = [
    ("region", "POST", "/api/orders", order(), 409),
    ("region", "POST", "/api/schools/imports", SCHOOLS, 202),
    ("region", "POST", "/api/orders", order(), 201),
    ("region", "POST", "/api/orders", order(buyer="Somebody else"), 409),
    ("region", "POST", "/api/orders", order(school_year="2020"), 422),
    ("region", "POST", "/api/orders", {"order": "BC-1"}, 422),
    ("region", "POST", "/api/orders", b"{", 400),
    ("region", "POST", "/api/orders", SCHOOLS, 415),
    ("region", "POST", "/api/orders", b" " * (1 << 20) + b"{}", 413),
    ("supplier:hexalog", "POST", "/api/orders", order(), 403),
    ("nobody", "POST", "/api/orders", order(), 401),
    ("region", "GET", "/api/orders/BC-1", None, 200),
    ("supplier:hexalog", "GET", "/api/orders/BC-1", None, 200),
    ("region", "GET", "/api/orders/BC-2", None, 404),
    ("region", "GET", "/api/schools/0670080Y", None, 200),
    ("region", "GET", "/api/schools/0670080A", None, 422),
    ("supplier:hexalog", "POST", "/api/orders/BC-1/serials/imports", "line,maker\n", 202),
    (
        "region",
        "POST",
        "/api/orders/BC-1/admissions",
        {"id": "a1", "line": "1", "decided_at": AT, "decided_by": "Service achats"},
        200,
    ),
    (
        "region",
        "POST",
        "/api/orders/BC-1/admissions",
        {"id": "a2", "line": "1", "decided_at": AT, "decided_by": "X", "laptops": [LAPTOP]},
        200,
    ),
    ("ops", "GET", "/api/waiting", None, 200),
    ("ops", "GET", "/api/parked", None, 200),
    ("ops", "GET", "/api/parked?kind=other", None, 422),
    ("ops", "GET", "/api/parked/x", None, 404),
    ("ops", "POST", "/api/parked/x/discard", {"reason": "seen"}, 404),
    ("ops", "GET", "/api/jobs/x", None, 404),
    ("ops", "POST", "/api/refill", None, 202),
    ("nobody", "GET", "/health/live", None, 200),
    ("nobody", "GET", "/health/ready", None, 200),
    ("nobody", "GET", "/metrics", None, 200),
]

DELIVERY: list[Call] = [
    ("school:0670080Y", "POST", "/api/delivery-events", {"events": [event()]}, 200),
    (
        "school:0670080Y",
        "POST",
        "/api/delivery-events",
        {"events": [event(id="e2", laptops=[LAPTOP, {"maker": "HP"}]), {"id": 1}]},
        200,
    ),
    ("school:0670080Y", "POST", "/api/delivery-events", {"events": []}, 422),
    ("school:0670080Y", "POST", "/api/delivery-events", {"events": [{}] * 501}, 413),
    ("school:0670080Y", "POST", "/api/delivery-events", b'{"a": 1, "a": 2}', 400),
    ("supplier:hexalog", "POST", "/api/delivery-events", {"events": [event()]}, 403),
    ("school:0670080Y", "POST", "/api/hand-outs", {"hand_outs": [HAND_OUT]}, 200),
    ("carrier:acme", "POST", "/api/hand-outs", {"hand_outs": [HAND_OUT]}, 403),
    ("carrier:acme", "POST", "/epcis/capture", document(scan()), 202),
    ("carrier:acme", "POST", "/epcis/capture", document(scan(bizStep="parking")), 202),
    ("carrier:acme", "POST", "/epcis/capture", document(*[{}] * 501), 413),
    ("carrier:acme", "POST", "/epcis/capture", {}, 400),
    ("supplier:hexalog", "POST", "/epcis/capture", {}, 403),
    ("nobody", "POST", "/epcis/capture", {}, 401),
    ("carrier:acme", "GET", "/epcis/capture", None, 200),
    ("carrier:acme", "GET", "/epcis/capture/x", None, 404),
    ("carrier:acme", "POST", "/epcis/events", {"@context": EPCIS, **scan(eventID="a:b")}, 201),
    ("carrier:acme", "POST", "/epcis/events", {"@context": EPCIS, **scan(eventID="a:c")}, 201),
    ("carrier:acme", "POST", "/epcis/events", {"@context": EPCIS, **scan(epcList=[])}, 201),
    ("carrier:acme", "POST", "/epcis/events", scan(), 400),
    (
        "carrier:acme",
        "POST",
        "/epcis/events",
        {"@context": EPCIS, **scan(eventID="a:b", bizStep="departing")},
        409,
    ),
    ("carrier:acme", "GET", "/epcis/events?perPage=1", None, 200),
    ("carrier:acme", "GET", "/epcis/events?colour=red", None, 400),
    ("carrier:acme", "GET", "/epcis/events/a:b", None, 200),
    ("carrier:acme", "GET", "/epcis/events/a:d", None, 404),
    ("ops", "GET", "/api/waiting", None, 200),
    ("ops", "POST", "/api/readings/ordering.facts/begin-again", None, 202),
    ("ops", "POST", "/api/readings/other.facts/begin-again", None, 404),
]

TRACKING: list[Call] = [
    ("nobody", "GET", "/api/laptops/Hewlett-Packard/5cd041b7qk", None, 200),
    ("nobody", "GET", "/api/laptops/hp/5CD0000000", None, 404),
    ("nobody", "GET", "/api/laptops?school=0670080Y&limit=1", None, 200),
    ("nobody", "GET", "/api/laptops?limit=0", None, 422),
    ("nobody", "GET", "/api/boards/region", None, 200),
    ("nobody", "GET", "/api/boards/schools/0670080Y", None, 200),
    ("nobody", "GET", "/api/reconciliation?order=BC-2020-017", None, 200),
    ("nobody", "GET", "/api/anomalies", None, 200),
    ("ops", "GET", "/api/parked", None, 200),
    ("nobody", "GET", "/", None, 200),
    ("nobody", "GET", "/laptops/hp/5CD041B7QK", None, 200),
]


async def calls(service: str, home: Path, listed: list[Call]) -> None:
    parties = {party for party, *_ in listed} - {"nobody"}
    keys = access.issue(home / "keys.json", sorted(parties))
    async with served(service, home) as (_, client):
        for party, method, address, body, status in listed:
            said: dict[str, Any] = {"headers": {}}
            if party != "nobody":
                said["headers"]["Authorization"] = f"Bearer {keys[party]}"
            if body is not None:
                text = body if isinstance(body, str | bytes) else json.dumps(body)
                said["content"] = text
                kind = "text/csv" if isinstance(body, str) else "application/json"
                said["headers"]["Content-Type"] = kind
            answer = await client.request(method, address, **said)
            assert answer.status_code == status, (method, address, answer.text)
            as_told(service, answer)
            made = status == 201 or (status == 202 and address.endswith(("imports", "capture")))
            assert ("location" in answer.headers) == made
            if status == 202 and address.endswith("imports"):
                await _finished(service, client, answer.headers["location"], said["headers"])


async def _finished(
    service: str, client: httpx.AsyncClient, job: str, headers: dict[str, str]
) -> None:
    """Wait for a job, and read its report."""
    while True:
        told = await client.get(job, headers=headers)
        as_told(service, told)
        if told.json()["state"] not in ("queued", "running"):
            break
    as_told(service, await client.get(f"{job}/report", headers=headers))


async def test_ordering_answers_as_its_document_tells(tmp_path: Path) -> None:
    await calls("ordering", tmp_path, ORDERING)


async def test_delivery_answers_as_its_document_tells(tmp_path: Path) -> None:
    await calls("delivery", tmp_path, DELIVERY)


async def test_tracking_answers_as_its_document_tells_once_it_heard_every_sample(
    tmp_path: Path,
) -> None:
    database = open_database(settings.database_url("tracking", tmp_path, "sqlite"))
    async with served("tracking", tmp_path):
        heard = [one for name in FACTS for one in consumer.read(recorded(name))]
        now = datetime(2020, 9, 4, tzinfo=UTC)
        outcomes = await database.write(lambda connection: consumer.take(connection, heard, now))
        assert set(outcomes) == {"applied"}
    await database.close()
    await calls("tracking", tmp_path, TRACKING)


def _wrong_status(answer: dict[str, Any]) -> None:
    answer["status_code"] = 418


def _wrong_kind(answer: dict[str, Any]) -> None:
    answer["headers"]["content-type"] = "text/plain"


def _missing_field(answer: dict[str, Any]) -> None:
    answer["content"] = b'{"items": [], "next": null}'


@pytest.mark.parametrize("spoil", [_wrong_status, _wrong_kind, _missing_field])
def test_an_answer_that_is_not_as_told_would_be_seen(
    spoil: Callable[[dict[str, Any]], None],
) -> None:
    asked = httpx.Request("GET", "http://tracking/api/laptops")
    good: dict[str, Any] = {
        "status_code": 200,
        "headers": {"content-type": "application/json"},
        "content": b'{"items": [], "next": null, "total": 0}',
        "request": asked,
    }
    as_told("tracking", httpx.Response(**good))
    spoil(good)
    with pytest.raises(AssertionError):
        as_told("tracking", httpx.Response(**good))
