"""EPCIS events over HTTP: one by one, by several ways, corrected, mapped later, read back."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.builders import DAY, OTHER_SCHOOL, SCHOOL, Running, a_service, wait_until
from tests.service.epcis import (
    AT_SCHOOL,
    CARRIER,
    COUNTER,
    EVENTS,
    KNOWN,
    OTHER,
    OTHER_PALLET,
    PALLET,
    SHIPMENT,
    STEP,
    a_laptop_epc,
    a_scan,
    an_event,
    captured,
    declared,
    found,
    id_of,
    location,
    one,
    told,
    verdict,
)

# -- single events


def test_a_single_event_is_made_once_and_found_under_its_location(delivery: Running) -> None:
    answer = one(delivery, a_scan(1))
    assert answer.status_code == 201, answer.text
    assert answer.json()["eventID"] == id_of(1)
    assert answer.json()["recordTime"]
    assert one(delivery, a_scan(1)).json() == answer.json(), "it came when it came first"
    document = delivery.get(CARRIER, answer.headers["location"])
    assert document["epcisBody"]["queryResults"]["resultsBody"]["eventList"] == [answer.json()]
    for party, path in ((OTHER, answer.headers["location"]), (CARRIER, f"{EVENTS}/urn:x:y")):
        missing = delivery.ask(party, "GET", path)
        assert missing.status_code == 404
        assert missing.json()["type"] == "epcisException:NoSuchResourceException"


def test_an_event_without_an_id_gets_its_hash_for_one(delivery: Running) -> None:
    first = one(delivery, a_scan(1, eventID=None))
    assert first.json()["eventID"].startswith("ni:///sha-256;")
    same = a_scan(1, eventID=None, epcList=[f"https://id.gs1.org/00/{SHIPMENT}"])
    turned = dict(reversed(same.items()))
    assert one(delivery, turned).headers["location"] == first.headers["location"]
    assert len(found(delivery)) == 1
    assert delivery.ask(CARRIER, "GET", first.headers["location"]).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"eventTime": (DAY + timedelta(hours=1)).isoformat()},
        {"epcList": [OTHER_PALLET]},
        {"epcList": [PALLET, OTHER_PALLET]},
        {"bizStep": "departing"},
        {"bizStep": "inspecting"},
        {"bizTransactionList": [{"type": "po", "bizTransaction": "urn:x:BC1"}]},
    ],
)
def test_a_known_id_with_other_content_is_a_conflict(
    delivery: Running, changes: dict[str, Any]
) -> None:
    assert one(delivery, a_scan(1)).status_code == 201
    were = delivery.counts()
    answer = one(delivery, a_scan(1, **changes))
    assert answer.status_code == 409, answer.text
    assert answer.json()["type"] == "epcisException:ResourceAlreadyExistsException"
    assert delivery.counts() == were
    assert one(delivery, a_scan(1)).status_code == 201


def test_what_was_said_before_under_another_id_stands_for_something_too(
    delivery: Running,
) -> None:
    assert one(delivery, a_scan(1)).status_code == 201
    again = a_scan(1, eventID=id_of(2))
    assert one(delivery, again).status_code == 201
    assert found(delivery) == ["0001", "0002"]
    assert verdict(delivery, id_of(2)) == ("duplicate", "said-before")
    assert one(delivery, again | {"bizStep": "departing"}).status_code == 409
    assert one(delivery, again | {"bizStep": "inspecting"}).status_code == 409


def test_what_is_said_beside_what_counts_makes_no_other_event(delivery: Running) -> None:
    assert one(delivery, a_scan(1)).status_code == 201
    assert one(delivery, a_scan(1, certificationInfo="https://c.example/1")).status_code == 201
    assert len(found(delivery)) == 1


@pytest.mark.parametrize(
    ("event", "status", "code"),
    [
        (a_scan(1, bizStep="parking"), 400, "invalid"),
        (a_scan(1, eventTime="2020-09-01T08:00:00"), 400, "invalid"),
        (a_scan(1, eventTime="2120-09-01T08:00:00Z"), 400, "in-the-future"),
        (a_scan(1, bizStep="receiving", readPoint=AT_SCHOOL), 403, "not-your-act"),
        (an_event(1, parentID=None), 400, "invalid"),
        (a_scan(1, bizStep=f"{STEP}redirected"), 400, "invalid"),
    ],
)
def test_a_single_event_that_is_refused_leaves_nothing(
    delivery: Running, event: dict[str, Any], status: int, code: str
) -> None:
    were = delivery.counts()
    answer = one(delivery, event)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.json()["detail"]
    assert delivery.counts() == were


def test_a_school_speaks_for_itself_alone(delivery: Running) -> None:
    count = a_scan(1, epcList=[a_laptop_epc()], bizStep="receiving", readPoint=AT_SCHOOL)
    assert one(delivery, count, COUNTER).status_code == 201
    answer = one(delivery, count | {"eventID": id_of(2)}, f"school:{OTHER_SCHOOL}")
    assert (answer.status_code, answer.json()["code"]) == (403, "not-your-school")


# -- one event by several ways


def as_json(**changes: Any) -> dict[str, Any]:
    """`an_event(1)` with a destination, as plain JSON."""
    item = {
        "id": id_of(1),
        "type": "announced",
        "happened_at": (DAY + timedelta(minutes=1)).isoformat(),
        "shipment": SHIPMENT,
        "order": "BC1",
        "school": SCHOOL,
        "laptops": [{"maker": "HP", "serial": "5cd0001"}],
    }
    return item | changes


def in_epcis() -> dict[str, Any]:
    bound = [{"type": "location", "destination": AT_SCHOOL["id"]}]
    order = [{"type": "po", "bizTransaction": "https://region.example/orders/BC1"}]
    return an_event(1, destinationList=bound, bizTransactionList=order)


def as_file() -> str:
    item = as_json()
    cells = (item["id"], item["type"], item["happened_at"], SHIPMENT, "BC1", SCHOOL)
    return (
        "id,type,happened_at,shipment,order,school,maker,serial\n" + ",".join(cells) + ",hp,5CD0001"
    )


def by_json(delivery: Running) -> str:
    sent = {"events": [as_json()]}
    answer = delivery.ask(CARRIER, "POST", "/api/delivery-events", json=sent)
    return str(answer.json()["verdicts"][0]["verdict"])


def by_file(delivery: Running) -> str:
    job = delivery.file(CARRIER, "/api/delivery-events/imports", as_file())
    return next(name for name in ("waiting", "duplicate", "refused", "conflict") if job[name])


def by_epcis(delivery: Running) -> str:
    before = len(delivery.rows("SELECT 1 FROM ledger"))
    assert captured(delivery, in_epcis())["success"]
    return "duplicate" if before == len(delivery.rows("SELECT 1 FROM ledger")) else "waiting"


WAYS = {"JSON": by_json, "a file": by_file, "EPCIS": by_epcis}


@pytest.mark.parametrize("first", WAYS)
def test_the_same_event_by_another_way_is_one_event(delivery: Running, first: str) -> None:
    assert WAYS[first](delivery) == "waiting"
    rows = delivery.rows("SELECT key, digest FROM ledger ORDER BY position")
    for way in WAYS.values():
        assert way(delivery) == "duplicate"
    assert delivery.rows("SELECT key, digest FROM ledger ORDER BY position") == rows
    assert found(delivery) == ["0001"], "it can be read back by the way in which it came too"


def test_an_event_that_came_as_json_is_not_contradicted_unseen(delivery: Running) -> None:
    by_json(delivery)
    job = captured(delivery, in_epcis() | {"bizStep": "shipping"})
    assert [error["status"] for error in job["errors"]] == [409]


# -- corrections


@pytest.mark.parametrize("way", [[0, 1, 2], [1, 0, 2], [2, 1, 0], [1, 2, 0]])
def test_a_declaration_of_error_withdraws_in_whatever_order_it_comes(
    delivery: Running, way: list[int]
) -> None:
    wrong = a_scan(2, bizStep="arriving", eventID=None)
    events = [wrong, declared(wrong, id_of(3)), a_scan(3)]
    captured(delivery, an_event(1))
    for place in way:
        assert captured(delivery, events[place])["success"]
    assert location(delivery) == "in-transit", "it did not arrive, it left"
    assert captured(delivery, *events)["success"]
    assert location(delivery) == "in-transit"
    (hashed,) = {id for id in found(delivery) if not id.startswith("000")}
    assert found(delivery, "EXISTS_errorDeclaration=true") == [hashed]
    assert found(delivery).count(hashed) == 2


def test_an_event_is_given_back_with_what_declares_it_an_error(delivery: Running) -> None:
    captured(delivery, a_scan(1), declared(a_scan(1)))
    document = delivery.get(CARRIER, f"{EVENTS}/{quote(id_of(1), safe='')}")
    events = document["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    assert ["errorDeclaration" in event for event in events] == [False, True]


def test_what_meant_nothing_may_be_declared_an_error_too(delivery: Running) -> None:
    counted = a_scan(1, bizStep="cycle_counting")
    captured(delivery, counted, declared(counted))
    rows = delivery.rows("SELECT type, verdict, code FROM event ORDER BY type")
    assert [tuple(row) for row in rows] == [
        ("informational", "applied", "informational"),
        ("void", "applied", "informational"),
    ]
    captured(delivery, declared(counted | {"eventID": id_of(2)}))
    assert delivery.rows("SELECT code FROM event WHERE code = 'event-not-known'")


# -- what means nothing here, yet


@pytest.fixture
def makers(tmp_path: Path) -> Path:
    """A table of makers of the test's own."""
    file = tmp_path / "makers.csv"
    file.write_text(KNOWN)
    return file


def test_what_is_valid_and_means_nothing_here_is_kept(delivery: Running) -> None:
    event = a_scan(1, bizStep="cycle_counting", **{"ext:zone": "B"})
    assert captured(delivery, event)["success"]
    assert verdict(delivery, id_of(1)) == ("applied", "informational")
    document = delivery.get(CARRIER, EVENTS)
    (kept,) = document["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    assert event.items() <= kept.items()
    assert {"ext": "https://ns.example.org/"} in kept["@context"]


def unknown_model(number: int = 1) -> dict[str, Any]:
    """A pallet with a laptop that the table knows, and one of a model that it does not know."""
    return an_event(number, childEPCs=[a_laptop_epc(1), a_laptop_epc(2, model=2)])


def test_a_model_that_is_entered_later_is_mapped_when_the_service_starts_again(
    database_url: str, tmp_path: Path, makers: Path
) -> None:
    alone = an_event(3, childEPCs=[a_laptop_epc(3, model=2)])
    withdrawn = an_event(4, childEPCs=[a_laptop_epc(4, model=2)], parentID=OTHER_PALLET)
    never = an_event(5, childEPCs=[a_laptop_epc(5, model=3)])
    with a_service("delivery", database_url, tmp_path, environment=told(makers)) as delivery:
        captured(delivery, unknown_model(), a_scan(2), alone, withdrawn, declared(withdrawn), never)
        assert verdict(delivery, id_of(1)) == ("waiting", "laptop-not-announced")
        assert verdict(delivery, id_of(3)) == ("applied", "informational")
        assert [row[0] for row in delivery.rows("SELECT key FROM laptop")] == ["hp/5CD0001"]
    makers.write_text(f"{KNOWN}09521234000020,hp,HP 250 G9\n")
    with a_service("delivery", database_url, tmp_path, environment=told(makers)) as delivery:
        left = "SELECT unknown FROM epcis_event WHERE unknown > 0"
        wait_until(lambda: len(delivery.rows(left)) == 1, "all that can be is mapped")
        assert location(delivery, 2) == location(delivery, 3) == "in-transit", "they left, too"
        assert location(delivery, 4) == "unknown", "it was never packed"
        assert verdict(delivery, id_of(3)) == ("waiting", "laptop-not-announced")
        assert verdict(delivery, id_of(5)) == ("applied", "informational")


def test_a_model_that_is_entered_later_is_mapped_when_the_event_comes_again(
    database_url: str, tmp_path: Path, makers: Path
) -> None:
    with a_service("delivery", database_url, tmp_path, environment=told(makers)) as delivery:
        captured(delivery, unknown_model())
    makers.write_text(f"{KNOWN}09521234000020,hp,HP 250 G9\n")
    with a_service("delivery", database_url, tmp_path, environment=told(makers)) as delivery:
        captured(delivery, unknown_model())
        assert delivery.counts()["laptop"] == 2
        assert one(delivery, unknown_model() | {"bizStep": "shipping"}).status_code == 409


# -- reading back


def test_events_are_found_by_what_is_in_them(delivery: Running) -> None:
    captured(
        delivery,
        an_event(1),
        a_scan(2, disposition="in_transit", bizLocation={"id": "urn:epc:id:sgln:4012345.00005.0"}),
        a_scan(3, bizStep="cbv:BizStep-arriving", epcList=[OTHER_PALLET]),
        declared(a_scan(3, bizStep="arriving", epcList=[OTHER_PALLET])),
    )
    captured(delivery, a_scan(4), party=OTHER)
    link = "https://id.gs1.org/01/09521234000013/21/5CD0001"
    asked = {
        "": ["0001", "0002", "0003", "0003"],
        "eventType=AggregationEvent": ["0001"],
        "eventType=AggregationEvent|TransactionEvent": ["0001"],
        "EQ_bizStep=shipping": ["0002"],
        "EQ_bizStep=https://ref.gs1.org/cbv/BizStep-arriving": ["0003", "0003"],
        "EQ_bizStep=shipping|packing": ["0001", "0002"],
        "EQ_disposition=in_transit": ["0002"],
        "EQ_bizLocation=https://id.gs1.org/414/4012345000054": ["0002"],
        f"MATCH_epc={link}": ["0001"],
        f"MATCH_epc={a_laptop_epc()}": ["0001"],
        f"MATCH_epc={PALLET}": ["0002"],
        f"MATCH_anyEPC={PALLET}": ["0001", "0002"],
        f"MATCH_anyEPC=urn:x:y|{OTHER_PALLET}": ["0003", "0003"],
        f"EQ_eventID={quote(id_of(2))}": ["0002"],
        "EXISTS_errorDeclaration=true": ["0003"],
        "EXISTS_errorDeclaration=false&EQ_bizStep=packing": ["0001"],
        "GE_eventTime=2020-09-01T08:02:00Z&LT_eventTime=2020-09-01T08:03:00Z": ["0002"],
        "GE_recordTime=2000-01-01T00:00:00Z&eventType=AggregationEvent": ["0001"],
        "LT_recordTime=2000-01-01T00:00:00Z": [],
        "orderBy=eventTime": ["0003", "0003", "0002", "0001"],
        "orderBy=eventTime&orderDirection=ASC": ["0001", "0002", "0003", "0003"],
        "orderBy=eventTime&eventCountLimit=3": ["0003", "0003", "0002"],
        "orderBy=eventTime&eventCountLimit=0": [],
    }
    for query, expected in asked.items():
        assert sorted(found(delivery, query)) == sorted(expected), query
        if "orderBy" in query:
            for size in (1, 2, 500):
                assert found(delivery, f"{query}&perPage={size}") == expected, query
    assert found(delivery, party=OTHER) == ["0004"]
    assert found(delivery, party="region") == []


@pytest.mark.parametrize(
    "query",
    [
        "EQ_action=ADD",
        "GE_eventDate=2020-09-01T08:00:00Z",
        "GE_eventTime=yesterday",
        "GE_eventTime=2020-09-01T08:00:00",
        "orderBy=colour",
        "orderBy=eventTime&orderDirection=SIDEWAYS",
        "eventCountLimit=5",
        "orderBy=eventTime&eventCountLimit=many",
        "EXISTS_errorDeclaration=perhaps",
        "perPage=0",
        "perPage=501",
        "perPage=many",
        "nextPageToken=!",
        "nextPageToken=W10=",
        "nextPageToken=WyJ4Il0=",
        "nextPageToken=WyIyMDIwLTA5LTAxIiwieCJd",
        "nextPageToken=WyIyMDIwLTA5LTAxVDA4OjAwOjAwWiIsIngiLCJ4Il0=",
        "EQ_bizStep=shipping&EQ_bizStep=packing",
    ],
)
def test_a_parameter_that_is_unknown_or_misread_is_named(delivery: Running, query: str) -> None:
    answer = delivery.ask(CARRIER, "GET", f"{EVENTS}?{query}")
    assert answer.status_code == 400, answer.text
    assert answer.json()["type"] == "epcisException:QueryParameterException"


def test_an_address_that_is_too_long_is_refused(delivery: Running) -> None:
    answer = delivery.ask(CARRIER, "GET", f"{EVENTS}?MATCH_epc={'x' * 9_000}")
    assert answer.status_code == 414
    assert answer.json()["type"] == "epcisException:URITooLongException"
