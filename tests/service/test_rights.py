"""Who may do what: each role on each route; and of what is another's, not even its being."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from shared import access, parking, serving
from shared.access import Key, hashed
from shared.contracts.identifiers import ROLES
from shared.parking import Parked
from tests.builders import (
    DAY,
    OTHER_SCHOOL,
    PARTIES,
    SCHOOL,
    SCHOOLS_CSV,
    SHIPMENT,
    Running,
    a_hand_out,
    a_report,
    a_serial_list,
)
from tests.service.asking import CALLS, Asked, Call, none, on_sqlite

Furnished = Callable[[str], Asked]

# Design: domain, "Rights", and interfaces, paths that stay. OPEN: whoever comes to this machine.
OPEN, ANY = None, frozenset(ROLES)
REGION, OPS = frozenset({"region"}), frozenset({"ops"})
REPORTING = REGION | OPS | {"carrier", "school"}  # ops withdraws what others reported
CARE = {
    "GET /api/parked": ANY,
    "GET /api/parked/{id}": ANY,
    "POST /api/parked/{id}/retry": ANY,
    "POST /api/parked/{id}/discard": ANY,
    "GET /health/live": OPEN,
    "GET /health/ready": OPEN,
    "GET /metrics": OPEN,
    "GET /openapi.json": OPEN,
    "GET /asyncapi.yaml": OPEN,
}
DECIDING = CARE | {
    "GET /api/jobs/{id}": ANY,
    "GET /api/jobs/{id}/report": ANY,
    "POST /api/jobs/{id}/stop": ANY,
    "POST /api/jobs/{id}/resume": ANY,
    "GET /api/waiting": OPS | REGION,
    "POST /api/refill": OPS,
}
# Pages answer whoever has no key with the page where it is typed: a test below tells.
PAGES = {
    "GET /key": OPEN,
    "POST /key": OPEN,
    "POST /key/forget": OPEN,
    "GET /parked": OPEN,
    "GET /parked.csv": OPEN,
    "GET /parked/{id}": OPEN,
    "POST /parked/{id}/retry": OPEN,
    "POST /parked/{id}/discard": OPEN,
    "GET /static/{name}": OPEN,
}
JOB_PAGES = PAGES | {
    "GET /jobs/{id}": OPEN,
    "GET /jobs/{id}/report.csv": OPEN,
    "POST /jobs/{id}/stop": OPEN,
    "POST /jobs/{id}/resume": OPEN,
}
RIGHTS: Mapping[str, Mapping[str, frozenset[str] | None]] = {
    "ordering": DECIDING
    | JOB_PAGES
    | {
        "GET /": OPEN,
        "GET /orders": OPEN,
        "GET /orders/{order}": OPEN,
        "GET /orders/{order}/lines.csv": OPEN,
        "GET /needs": OPEN,
        "POST /needs": OPEN,
        "GET /needs.csv": OPEN,
        "GET /serials": OPEN,
        "POST /api/schools/imports": REGION,
        "GET /api/schools/{uai}": ANY,
        "PUT /api/school-years/{year}": REGION,
        "GET /api/school-years/{year}": REGION | OPS,
        "PUT /api/school-years/{year}/needs/{uai}": REGION,
        "POST /api/school-years/{year}/needs/imports": REGION,
        "GET /api/school-years/{year}/needs": REGION | OPS,
        "POST /api/school-years/{year}/orders": REGION,
        "POST /api/orders": REGION,
        "GET /api/orders": REGION | OPS | {"supplier"},
        "PATCH /api/orders/{order}": REGION,
        "POST /api/orders/{order}/cancellation": REGION,
        "POST /api/orders/{order}/admission-refusals": REGION,
        "POST /api/readings/{topic}/begin-again": OPS,
        "GET /api/orders/{order}": REGION | OPS | {"supplier"},
        "POST /api/orders/{order}/serials/imports": REGION | {"supplier"},
        "POST /api/orders/{order}/admissions": REGION,
    },
    "delivery": DECIDING
    | JOB_PAGES
    | {
        # They lead to /key whoever has none, and are for schools and the region.
        "GET /": OPEN,
        "GET /find": OPEN,
        "GET /shipments/{sscc}": OPEN,
        "GET /receptions/{sscc}": OPEN,
        "POST /receptions/{sscc}": OPEN,
        "GET /hand-outs": OPEN,
        "GET /hand-outs/{uai}": OPEN,
        "POST /hand-outs/{uai}": OPEN,
        "POST /api/delivery-events": REPORTING,
        "GET /api/delivery-events": REPORTING,
        "GET /api/delivery-events/{id:path}": REPORTING,
        "POST /api/delivery-events/imports": REPORTING,
        "POST /api/hand-outs": REGION | {"school"},
        "POST /epcis/capture": REPORTING,
        "GET /epcis/capture": REPORTING,
        "GET /epcis/capture/{id}": REPORTING,
        "POST /epcis/events": REPORTING,
        "GET /epcis/events": REPORTING,
        "GET /epcis/events/{id:path}": REPORTING,
        "OPTIONS /epcis/capture": ANY,
        "OPTIONS /epcis/capture/{id}": ANY,
        "OPTIONS /epcis/events": ANY,
        "OPTIONS /epcis/events/{id:path}": ANY,
        "POST /api/readings/{topic}/begin-again": OPS,
    },
    "repairs": DECIDING
    | JOB_PAGES
    | {
        # They lead to /key whoever has none, and are for desks and the region.
        "GET /": OPEN,
        "GET /cases.csv": OPEN,
        "GET /counter": OPEN,
        "POST /counter": OPEN,
        "POST /api/incidents": REGION | {"desk"},
        "POST /api/incidents/imports": REGION | {"desk"},
        "GET /api/cases": REGION | OPS | {"desk"},
        "GET /api/cases/{case}": REGION | OPS | {"desk"},
        "POST /api/cases/{case}/{act}": REGION | {"desk"},
        "POST /api/case-acts": REGION | OPS | {"desk"},
        "GET /api/laptops/{maker}/{serial}": REGION | OPS | {"desk"},
        "GET /api/pools/{uai}": REGION | OPS | {"desk", "school"},
        "GET /api/export/ords.csv": REGION | OPS | {"desk"},
        "POST /api/recalls": REGION,
        "POST /api/readings/{topic}/begin-again": OPS,
    },
    "handover": DECIDING
    | JOB_PAGES
    | {
        # They lead to /key whoever has none, and are for schools and the region.
        "GET /": OPEN,
        "GET /campaigns": OPEN,
        "POST /campaigns": OPEN,
        "GET /campaigns/{campaign}": OPEN,
        "GET /campaigns/{campaign}/certificates.csv": OPEN,
        "GET /campaigns/{campaign}/certificates.pdf": OPEN,
        "GET /handovers": OPEN,
        "GET /handovers.csv": OPEN,
        "GET /signing": OPEN,
        "GET /signing/{uai}": OPEN,
        "POST /signing/{uai}": OPEN,
        "GET /certificates/{number}/paper.pdf": OPEN,
        # For anybody: a word opens a student's own page, a number confirms a certificate.
        "GET /mine": OPEN,
        "GET /mine/{word}": OPEN,
        "POST /mine/{word}": OPEN,
        "GET /mine/{word}/certificate.pdf": OPEN,
        "GET /certificates/{number}": OPEN,
        "POST /api/handover-campaigns": REGION,
        "GET /api/handover-campaigns/{campaign}": REGION | OPS | {"school"},
        "GET /api/handover-campaigns/{campaign}/certificates.csv": REGION | OPS | {"school"},
        "GET /api/handover-campaigns/{campaign}/certificates.pdf": REGION | OPS | {"school"},
        "GET /api/handovers": REGION | OPS | {"school"},
        "GET /api/handovers/{id}": REGION | OPS | {"school"},
        "POST /api/handovers/{id}/{act}": REGION | {"school"},
        "GET /api/certificates/{number}.pdf": REGION | OPS | {"school"},
        "POST /api/schools/{uai}/closure": REGION,
        "POST /api/readings/{topic}/begin-again": OPS,
    },
    "enrolment": DECIDING
    | JOB_PAGES
    | {
        # They lead to /key whoever has none, and are for schools and the region.
        "GET /": OPEN,
        "GET /people": OPEN,
        "POST /people": OPEN,
        "GET /people/{pseudonym}": OPEN,
        "GET /people/{pseudonym}/export.json": OPEN,
        "POST /people/{pseudonym}/erasure": OPEN,
        "GET /imports": OPEN,
        "GET /names": OPEN,  # the browser's key says whose names, and nobody's key none
        "POST /api/pupils/imports": REGION,
        "GET /api/students": REGION | OPS | {"school"},
        "GET /api/people/{pseudonym}": REGION | {"school"},
        "GET /api/people/{pseudonym}/export": REGION | {"school"},
        "POST /api/people/{pseudonym}/erasure": REGION,
    },
    "tracking": CARE
    | PAGES
    | {
        "GET /api/laptops/{maker}/{serial}": OPEN,
        "GET /api/laptops": OPEN,
        "GET /api/boards/region": OPEN,
        "GET /api/boards/schools/{uai}": OPEN,
        "GET /api/reconciliation": OPEN,
        "GET /api/anomalies": OPEN,
        "POST /api/readings/{topic}/begin-again": OPS,
        "GET /": OPEN,
        "GET /schools": OPEN,
        "GET /schools.csv": OPEN,
        "GET /schools/{uai}": OPEN,
        "GET /laptops": OPEN,
        "GET /laptops.csv": OPEN,
        "GET /laptops/{maker}/{serial}": OPEN,
        "GET /laptops/{maker}/{serial}/timeline.csv": OPEN,
        "GET /search": OPEN,
    },
}


def test_of_every_route_it_is_said_who_may_call_it() -> None:
    said = {(service, name) for service, routes in RIGHTS.items() for name in routes}
    there = {(call.service, f"{call.route.method} {call.route.path}") for call in CALLS}
    assert said == there


@on_sqlite
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_each_role_may_make_the_calls_that_are_its_own_and_no_other(
    call: Call, settled: Furnished
) -> None:
    service = settled(call.service)
    may = RIGHTS[call.service][f"{call.route.method} {call.route.path}"]
    troubles = {}
    for role in ("", *ROLES):
        answer = service.ask(call, PARTIES[role] if role else "")
        if may is OPEN or role in may:
            allowed = answer.status_code not in (401, 403) or call.kind.endswith("urlencoded")
            if not allowed:
                troubles[role] = f"{answer.status_code} {answer.text[:200]}"
        elif answer.status_code != (403 if role else 401):
            troubles[role or "nobody"] = f"{answer.status_code} {answer.text[:200]}"
    none(troubles)


# -- what is another's


def same_as_nothing(running: Running, party: str, method: str, path: str, **sent: Any) -> None:
    """Fail unless what is there and another's is answered as what is not there."""
    real, none_such = (
        running.ask(party, method, path.format(name), **dict(sent)) for name in ("BC1", "BC2")
    )
    assert real.status_code == none_such.status_code == httpx.codes.NOT_FOUND
    assert real.text.replace("BC1", "BC2") == none_such.text


def test_a_call_takes_the_key_that_a_browser_keeps_from_scripts_of_our_own_pages_alone(
    asked: Furnished,
) -> None:
    ordering = asked("ordering").running
    kept = ordering.cookie("region")
    places = {"same-origin": 202, "same-site": 401, "cross-site": 401, "none": 401, "": 401}
    for place, status in places.items():
        headers = kept | ({"sec-fetch-site": place} if place else {}) | {"content-type": "text/csv"}
        told = ordering.ask(
            "", "POST", "/api/schools/imports", content=SCHOOLS_CSV, headers=headers
        )
        assert (place, told.status_code) == (place, status)
    of_others = kept | {"sec-fetch-site": "same-origin", "authorization": "Bearer wrong"}
    told = ordering.ask("", "GET", "/api/parked", headers=of_others)
    assert told.status_code == httpx.codes.UNAUTHORIZED, "a key that is sent goes before"
    supplier = ordering.cookie("supplier:hexalog") | {"sec-fetch-site": "same-origin"}
    told = ordering.ask(
        *("", "POST", "/api/schools/imports"), content=SCHOOLS_CSV, headers=supplier
    )
    assert told.status_code == httpx.codes.FORBIDDEN, "the rights are the call's"


def test_of_an_order_another_supplier_learns_nothing_not_even_that_it_is_there(
    asked: Furnished,
) -> None:
    ordering = asked("ordering").running
    before = ordering.counts()
    same_as_nothing(ordering, "supplier:other", "GET", "/api/orders/{}")
    same_as_nothing(
        ordering,
        "supplier:other",
        "POST",
        "/api/orders/{}/serials/imports",
        content=a_serial_list([1]),
        headers={"content-type": "text/csv"},
    )
    assert ordering.counts() == before
    for party in ("region", "ops", "supplier:hexalog"):
        assert ordering.get(party, "/api/orders/BC1")["order"] == "BC1"


def test_a_file_s_job_is_seen_stopped_and_resumed_by_its_sender_the_region_and_ops_alone(
    asked: Furnished,
) -> None:
    ordering = asked("ordering").running
    job = ordering.sent("supplier:hexalog", "/api/orders/BC1/serials/imports", a_serial_list([3]))
    ordering.ended("supplier:hexalog", job)
    for party, there in {
        "supplier:other": False,
        "carrier:acme": False,
        "supplier:hexalog": True,
        "region": True,
        "ops": True,
    }.items():
        assert ordering.ask(party, "GET", job).status_code == (200 if there else 404)
        assert ordering.ask(party, "GET", f"{job}/report").status_code == (200 if there else 404)
        for act in ("stop", "resume"):
            turned = ordering.ask(party, "POST", f"{job}/{act}")
            assert turned.status_code == (409 if there else 404), "it is done already"


def parked(party: str, number: int) -> Parked:
    """A thing of a party's that was set aside."""
    return Parked(
        id=f"thing {number}",
        kind="conflict",
        code="id-already-used",
        detail="a test put it there",
        party=party,
        origin="claim",
        content=b"{}",
        received_at=DAY + timedelta(minutes=number),
    )


@pytest.mark.parametrize("name", ["ordering", "delivery", "tracking"])
def test_what_is_set_aside_is_seen_by_its_sender_the_region_and_ops_alone(
    name: str, empty: Callable[[str], Running]
) -> None:
    service = empty(name)
    things = [parked("carrier:acme", 1), parked("carrier:bolt", 2), parked("", 3)]
    service.write(lambda connection: parking.park(connection, things))

    def seen(party: str) -> list[str]:
        listed = service.get(party, "/api/parked")
        assert listed["total"] == len(listed["items"])
        return [one["id"] for one in listed["items"]]

    everything = ["thing 1", "thing 2", "thing 3"]
    assert seen("ops") == seen("region") == everything
    assert (seen("carrier:acme"), seen("carrier:bolt")) == (["thing 1"], ["thing 2"])
    assert seen("carrier:third") == seen("desk:metz") == []
    for id in ("thing 2", "thing 3", "nothing"):
        for method, path, body in (
            ("GET", f"/api/parked/{id}", None),
            ("POST", f"/api/parked/{id}/retry", None),
            ("POST", f"/api/parked/{id}/discard", {"reason": "mine now"}),
        ):
            answer = service.ask("carrier:acme", method, path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (404, "not-parked")
    assert service.rows("SELECT id FROM parked WHERE state <> 'open'") == []


def test_of_an_event_another_party_learns_nothing_not_even_that_it_is_there(
    delivery: Running,
) -> None:
    verdicts(delivery, "carrier:acme", a_report(id="e1"))
    mine = delivery.get("carrier:acme", "/api/delivery-events/e1")
    assert (mine["id"], mine["party"], mine["event"]["shipment"]) == (
        "e1",
        "carrier:acme",
        SHIPMENT,
    )
    for party in ("carrier:bolt", PARTIES["school"]):
        there, nothing = (
            delivery.ask(party, "GET", f"/api/delivery-events/{id}") for id in ("e1", "e2")
        )
        assert there.status_code == nothing.status_code == httpx.codes.NOT_FOUND
        assert there.text.replace("e1", "e2") == nothing.text
        assert delivery.get(party, "/api/delivery-events")["total"] == 0
        for path in ("/api/delivery-events", "/api/delivery-events/e1"):
            asked = delivery.ask(party, "GET", f"{path}?party=carrier:acme")
            assert asked.status_code == httpx.codes.FORBIDDEN
    for party in ("ops", "region"):
        assert delivery.get(party, "/api/delivery-events/e1?party=carrier:acme") == mine


# -- what pages show


@pytest.mark.parametrize("name", ["ordering", "delivery", "repairs", "tracking"])
def test_a_page_of_what_is_set_aside_has_the_rights_of_its_call(
    name: str, empty: Callable[[str], Running]
) -> None:
    service = empty(name)
    things = [parked("carrier:acme", 1), parked("carrier:bolt", 2), parked("", 3)]
    service.write(lambda connection: parking.park(connection, things))
    one = "/parked/thing%202"
    for path in ("/parked", "/parked.csv", one):
        nobody = service.page("", path)
        assert (nobody.status_code, nobody.headers["location"][:5]) == (303, "/key?")
    for act in ("retry", "discard"):
        assert service.page("", f"{one}/{act}", reason="x").headers["location"][:5] == "/key?"
        assert service.page("carrier:acme", f"{one}/{act}", reason="x").status_code == 404
    for party, seen in {
        "ops": [1, 2, 3],
        "region": [1, 2, 3],
        "carrier:acme": [1],
        "carrier:third": [],
    }.items():
        listed, file = (service.page(party, path).text for path in ("/parked", "/parked.csv"))
        for number in (1, 2, 3):
            assert (f"/parked/thing%20{number}" in listed) is (number in seen)
            assert (f"thing {number}" in file) is (number in seen)
            status = service.page(party, f"/parked/thing%20{number}").status_code
            assert status == (200 if number in seen else 404)
    assert service.rows("SELECT id FROM parked WHERE state <> 'open'") == []
    discarded = service.page("carrier:bolt", f"{one}/discard", reason="it is mine")
    assert discarded.status_code == httpx.codes.SEE_OTHER
    assert service.rows("SELECT id, closed_by FROM parked WHERE state <> 'open'") == [
        ("thing 2", "carrier:bolt")
    ]


# Whose key opens the pages of ordering: as the calls beside them. None: each sees what is its own.
ORDERING = {
    "/orders": {"region", "ops", "supplier"},
    "/orders/BC1": {"region", "ops", "supplier"},
    "/orders/BC1/lines.csv": {"region", "ops", "supplier"},
    "/needs": {"region", "ops"},
    "/needs.csv": {"region", "ops"},
    "/serials": set(ROLES),
}


def test_pages_of_orders_have_the_rights_of_their_calls(asked: Furnished) -> None:
    service = asked("ordering").running
    for path, may in ORDERING.items():
        assert service.page("", path).headers["location"].startswith("/key?")
        for role in ROLES:
            status = service.page(PARTIES[role], path).status_code
            assert status == (200 if role in may else 403), f"{path} for {role}"
    other = "supplier:other"
    assert service.page(other, "/orders/BC1").status_code == httpx.codes.NOT_FOUND
    assert service.page(other, "/orders/BC1/lines.csv").status_code == httpx.codes.NOT_FOUND
    assert "BC1" not in service.page(other, "/orders").text
    assert "/jobs/" not in service.page(other, "/serials").text
    assert "/jobs/" in service.page("region", "/serials").text


def test_a_key_that_does_not_open_a_page_is_told_whose_does_and_may_be_changed(
    asked: Furnished,
) -> None:
    service = asked("ordering").running
    told = service.page("carrier:acme", "/needs").text
    for said in ("la clé de carrier:acme", "de la région", "de l’exploitation", "/key?to=%2Fneeds"):
        assert said in told
    assert "valide" not in told
    assert 'name="key"' in service.page("carrier:acme", "/key?to=/needs").text, "another is typed"
    entered = service.page("carrier:acme", "/key", key=service.issued["region"], to="/needs")
    assert entered.headers["location"] == "/needs"


def test_boards_and_laptops_of_tracking_are_open_on_purpose_as_their_calls_are(
    asked: Furnished,
) -> None:
    service = asked("tracking").running
    for path in ("/", "/schools", "/schools.csv", "/laptops", "/laptops.csv", "/search"):
        assert service.page("", path).status_code == httpx.codes.OK
        assert RIGHTS["tracking"][f"GET {path}"] is OPEN


# -- what is said in an item


def verdicts(running: Running, party: str, *events: dict[str, Any]) -> list[dict[str, Any]]:
    answer = running.ask(party, "POST", "/api/delivery-events", json={"events": events})
    assert answer.status_code == httpx.codes.OK, answer.text
    told: list[dict[str, Any]] = answer.json()["verdicts"]
    return told


def test_a_school_speaks_for_itself_alone(delivery: Running) -> None:
    mine = a_report(id="mine", type="received", school=None, shipment=None)
    theirs = mine | {"id": "theirs", "school": OTHER_SCHOOL}
    first, second = verdicts(delivery, PARTIES["school"], mine, theirs)
    assert first["verdict"] == "waiting"
    assert (second["verdict"], second["code"]) == ("refused", "not-your-school")
    hand_outs = [
        a_hand_out(id="at mine", school=None),
        a_hand_out(id="at theirs", school=OTHER_SCHOOL),
    ]
    answer = delivery.ask(
        PARTIES["school"], "POST", "/api/hand-outs", json={"hand_outs": hand_outs}
    )
    kept = [one["verdict"] for one in answer.json()["verdicts"]]
    assert kept == ["waiting", "refused"]
    bodies = "".join(row[0] for row in delivery.rows("SELECT body FROM ledger"))
    assert SCHOOL in bodies
    assert OTHER_SCHOOL not in bodies


def test_who_says_it_is_whose_key_it_is_whatever_the_body_says(delivery: Running) -> None:
    told = a_report()
    assert verdicts(delivery, "carrier:acme", told)[0]["verdict"] == "waiting"
    assert verdicts(delivery, "carrier:bolt", told)[0]["verdict"] == "waiting", "another's id"
    claims = delivery.rows("SELECT DISTINCT party, id FROM ledger WHERE verdict IS NOT NULL")
    assert set(claims) == {("carrier:acme", "a report"), ("carrier:bolt", "a report")}


# -- keys


def write_keys(running: Running, *keys: Key) -> None:
    running.keys.write_bytes(msgspec.json.encode(keys))


def opens(running: Running, key: str) -> bool:
    headers = {"Authorization": f"Bearer {key}"}
    answer = running.client.get("/api/parked", headers=headers)
    assert answer.status_code in (200, 401)
    return answer.status_code == httpx.codes.OK


@pytest.fixture
def keys(delivery: Running) -> Any:
    """The keys file, as it was again afterwards."""
    delivery.auth("ops")
    before = delivery.keys.read_bytes()
    yield delivery.keys
    delivery.keys.write_bytes(before)


@on_sqlite
def test_a_key_opens_until_it_ends_and_a_party_may_have_two(delivery: Running, keys: Path) -> None:
    now = datetime.now(UTC)
    write_keys(
        delivery,
        Key(hashed("old"), "carrier:acme", now - timedelta(seconds=1)),
        Key(hashed("one"), "carrier:acme", now + timedelta(days=1)),
        Key(hashed("two"), "carrier:acme"),
    )
    assert keys.exists()
    assert [opens(delivery, key) for key in ("old", "one", "two", "three", hashed("two"))] == [
        False,
        True,
        True,
        False,
        False,
    ]


@on_sqlite
def test_a_key_that_is_taken_away_opens_nothing_from_then_on(delivery: Running, keys: Path) -> None:
    for _ in range(20):
        fresh = access.issue(keys, ["carrier:acme"])["carrier:acme"]
        assert opens(delivery, fresh), "it opens at once"
        assert access.revoke(keys, "carrier:acme") > 0
        assert not opens(delivery, fresh)


@on_sqlite
def test_a_keys_file_that_cannot_be_read_leaves_those_in_who_were(
    delivery: Running, keys: Path
) -> None:
    write_keys(delivery, Key(hashed("good"), "carrier:acme"))
    assert opens(delivery, "good")
    keys.write_text("{")
    assert opens(delivery, "good")
    assert not opens(delivery, "other")
    keys.unlink()
    assert not opens(delivery, "good")
    keys.touch()


# -- how often


@on_sqlite
def test_a_party_that_asks_too_often_is_told_when_to_come_again_and_no_other_is(
    delivery: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "RATE", 1e-9)
    monkeypatch.setattr(serving, "BURST", 100.0)
    asked = [delivery.ask("carrier:eager", "GET", "/api/parked") for _ in range(101)]
    assert [answer.status_code for answer in asked] == [200] * 100 + [429]
    assert asked[-1].headers["retry-after"] == "1"
    assert asked[-1].json()["code"] == "too-many-requests"
    assert delivery.ask("carrier:patient", "GET", "/api/parked").status_code == httpx.codes.OK
    told = {"events": [a_report()]}
    turned_away = delivery.ask("carrier:eager", "POST", "/api/delivery-events", json=told)
    assert turned_away.status_code == httpx.codes.TOO_MANY_REQUESTS
    assert delivery.counts()["ledger"] == 0


def test_the_limits_are_those_that_partners_were_told() -> None:
    assert (serving.RATE, serving.BODY_LIMIT, serving.FILE_LIMIT) == (50.0, 1 << 20, 256 << 20)
