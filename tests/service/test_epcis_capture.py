"""EPCIS documents over HTTP: what is captured, what is undone, and what is told of it."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.builders import DAY, Running
from tests.service.epcis import (
    AT_SCHOOL,
    CAPTURE,
    CARRIER,
    EVENTS,
    OTHER,
    OTHER_PALLET,
    a_document,
    a_laptop_epc,
    a_scan,
    an_event,
    captured,
    found,
    id_of,
    location,
    verdict,
)


def test_a_document_is_decided_before_it_is_answered(delivery: Running) -> None:
    job = captured(delivery, an_event(1), a_scan(2))
    assert (job["success"], job["errors"]) == (True, [])
    assert job["createdAt"] <= job["finishedAt"]
    assert verdict(delivery, id_of(1)) == ("waiting", "laptop-not-announced")
    assert verdict(delivery, id_of(2)) == ("applied", "")
    assert location(delivery) == "in-transit", "what is in the pallet left with it"


def test_a_document_may_hold_nothing_and_come_as_json_ld(delivery: Running) -> None:
    assert captured(delivery)["success"]
    headers = {"Content-Type": "application/ld+json; charset=utf-8"}
    assert delivery.ask(CARRIER, "POST", CAPTURE, json=a_document(), headers=headers).is_success


WRONG: dict[str, tuple[Callable[[], dict[str, Any]], str, int, str]] = {
    "unreadable": (
        lambda: an_event(3, bizStep="parking"),
        "epcisException:ValidationException",
        400,
        "/epcisBody/eventList/1/bizStep",
    ),
    "not his to say": (
        lambda: a_scan(3, bizStep="receiving", readPoint=AT_SCHOOL),
        "epcisException:SecurityException",
        403,
        "/epcisBody/eventList/1",
    ),
    "of a school that is misspelt": (
        lambda: a_scan(3, readPoint={"id": "https://region.example/schools/0000000Z"}),
        "epcisException:ValidationException",
        400,
        "/epcisBody/eventList/1",
    ),
    "with a laptop that cannot be one": (
        lambda: an_event(3, childEPCs=["urn:epc:id:sgtin:9521234.000001.X"]),
        "epcisException:ValidationException",
        400,
        "/epcisBody/eventList/1",
    ),
    "in conflict": (
        lambda: an_event(9, eventTime=DAY.isoformat()),
        "epcisException:ResourceAlreadyExistsException",
        409,
        "/epcisBody/eventList/1",
    ),
    "in conflict about what means nothing here": (
        lambda: an_event(8, bizStep="inspecting"),
        "epcisException:ResourceAlreadyExistsException",
        409,
        "/epcisBody/eventList/1",
    ),
}


def before(delivery: Running) -> dict[str, int]:
    """What there is before a document comes that contradicts some of it."""
    captured(delivery, an_event(9), an_event(8, bizStep="cycle_counting"))
    return delivery.counts()


@pytest.mark.parametrize("wrong", WRONG)
def test_one_wrong_event_undoes_all_and_the_record_says_which(
    delivery: Running, wrong: str
) -> None:
    event, kind, status, field = WRONG[wrong]
    were = before(delivery)
    job = captured(delivery, an_event(1), event(), an_event(2))
    assert job["success"] is False
    (error,) = job["errors"]
    assert (error["type"], error["status"]) == (kind, status)
    assert error["title"]
    assert error["detail"]
    assert error["errors"][0]["field"] == field
    assert delivery.counts() == were | {"capture": were["capture"] + 1}
    assert captured(delivery, an_event(1), an_event(2))["success"], "nothing of it is left"


@pytest.mark.parametrize("wrong", WRONG)
def test_where_one_says_proceed_the_other_events_count(delivery: Running, wrong: str) -> None:
    event, kind, _, _ = WRONG[wrong]
    before(delivery)
    job = captured(delivery, an_event(1), event(), an_event(2), behaviour="proceed")
    assert job["success"] is False
    assert [error["type"] for error in job["errors"]] == [kind]
    assert verdict(delivery, id_of(1))[0] == verdict(delivery, id_of(2))[0] == "waiting"


def test_what_waits_and_what_is_known_already_undoes_nothing(delivery: Running) -> None:
    for _ in range(2):
        job = captured(delivery, a_scan(1), an_event(2), an_event(3, bizStep="inspecting"))
        assert job["success"]
    assert verdict(delivery, id_of(1)) == ("waiting", "shipment-not-announced")
    assert len(found(delivery)) == 3


def test_two_events_of_one_id_in_a_document_contradict_each_other(delivery: Running) -> None:
    job = captured(delivery, a_scan(1), a_scan(1, epcList=[OTHER_PALLET]))
    assert [error["status"] for error in job["errors"]] == [409]
    assert captured(delivery, a_scan(1), a_scan(1))["success"]


def test_a_document_of_more_than_2_000_laptops_is_all_or_nothing_too(delivery: Running) -> None:
    many = [
        an_event(number, childEPCs=[a_laptop_epc(number * 300 + one) for one in range(300)])
        for number in range(1, 9)
    ]
    were = delivery.counts()
    assert not captured(delivery, *many, an_event(9, bizStep="parking"))["success"]
    assert delivery.counts() == were | {"capture": 1}
    assert captured(delivery, *many)["success"]
    assert delivery.counts()["laptop"] == 2_400


@pytest.mark.parametrize(
    ("sent", "status", "kind"),
    [
        (b"{", 400, "epcisException:ValidationException"),
        (b'{"a": 1, "a": 2}', 400, "epcisException:ValidationException"),
        (b"[" * 30, 400, "epcisException:ValidationException"),
        (b"[]", 400, "epcisException:ValidationException"),
        (b'{"type": "EPCISDocument"}', 400, "epcisException:ValidationException"),
        (b" " * (1 << 20) + b"{}", 413, "epcisException:CaptureLimitExceededException"),
    ],
)
def test_what_is_no_document_is_refused_at_once(
    delivery: Running, sent: bytes, status: int, kind: str
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = delivery.ask(CARRIER, "POST", CAPTURE, content=sent, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (status, kind)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["gs1-epcis-version"] == "2.0.0"
    assert delivery.counts()["capture"] == 0


def test_a_document_has_500_events_at_most(delivery: Running) -> None:
    assert captured(delivery, *(a_scan(number) for number in range(1, 501)))["success"]
    document = a_document(*(a_scan(number) for number in range(501)))
    answer = delivery.ask(CARRIER, "POST", CAPTURE, json=document)
    assert answer.status_code == 413
    assert answer.json()["type"] == "epcisException:CaptureLimitExceededException"
    assert answer.headers["gs1-epcis-capture-limit"] == "500"


@pytest.mark.parametrize(
    ("party", "headers", "status", "kind"),
    [
        ("", {}, 401, "epcisException:SecurityException"),
        ("supplier:hexalog", {}, 403, "epcisException:SecurityException"),
        (CARRIER, {"Content-Type": "text/xml"}, 415, "UnsupportedMediaTypeException"),
        (CARRIER, {"GS1-EPCIS-Version": "1.2"}, 406, "epcisException:NotAcceptableException"),
        (CARRIER, {"GS1-CBV-Version": "1.2.2"}, 406, "epcisException:NotAcceptableException"),
        (CARRIER, {"Accept": "text/xml"}, 406, "epcisException:NotAcceptableException"),
        (CARRIER, {"GS1-Capture-Error-Behaviour": "hope"}, 400, "ValidationException"),
    ],
)
def test_a_call_that_cannot_be_met_says_so_in_the_words_of_the_standard(
    delivery: Running, party: str, headers: dict[str, str], status: int, kind: str
) -> None:
    answer = delivery.ask(party, "POST", CAPTURE, json=a_document(), headers=headers)
    assert answer.status_code == status
    assert answer.json()["type"].endswith(kind)
    assert answer.json()["code"]


def test_versions_and_limits_can_be_asked_for(delivery: Running) -> None:
    capture = delivery.ask(CARRIER, "OPTIONS", CAPTURE)
    assert (capture.status_code, capture.headers["allow"]) == (204, "OPTIONS, GET, POST")
    assert capture.headers["gs1-epcis-capture-limit"] == "500"
    assert capture.headers["gs1-epcis-capture-file-size-limit"] == "1048576"
    assert capture.headers["gs1-capture-error-behaviour"] == "all"
    for path in (f"{CAPTURE}/x", EVENTS, f"{EVENTS}/urn:x:y"):
        answer = delivery.ask(CARRIER, "OPTIONS", path)
        assert answer.status_code == 204
        assert answer.headers["gs1-epcis-version"] == answer.headers["gs1-cbv-version"] == "2.0.0"


def test_a_capture_is_its_own_party_s(delivery: Running) -> None:
    first, second = captured(delivery)["captureID"], captured(delivery)["captureID"]
    for party in (OTHER, "region"):
        answer = delivery.ask(party, "GET", f"{CAPTURE}/{first}")
        assert answer.status_code == 404
        assert answer.json()["type"] == "epcisException:NoSuchResourceException"
        assert delivery.get(party, CAPTURE) == []
    page = delivery.ask(CARRIER, "GET", f"{CAPTURE}?perPage=1")
    assert [job["captureID"] for job in page.json()] == [second]
    (last,) = delivery.get(CARRIER, page.links["next"]["url"])
    assert last["captureID"] == first
