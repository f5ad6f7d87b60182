"""Tracking as people and programs meet it, once it heard what ordering and delivery say."""

import csv
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from alembic import command
from sqlalchemy import Connection

from shared import migrations, parking
from shared.contracts.enrolment import StudentErased
from tests.builders import (
    DAY,
    OTHER_SCHOOL,
    OTHER_SHIPMENT,
    SCHOOL,
    SCHOOLS_CSV,
    SHIPMENT,
    STUDENTS,
    Running,
    a_hand_out,
    a_laptop,
    a_report,
    a_strange_record,
    an_sscc,
    facts,
    key_of,
)
from tests.service import enrolling
from tests.service.hearing_by_hand import announced, heard, take

ACME, AT_SCHOOL = "carrier:acme", f"school:{SCHOOL}"


@pytest.fixture
def told(ordering: Running, delivery: Running, tracking: Running) -> Running:
    """Tracking, which heard of laptop 1 handed out, 2 missing, 3 on the road, 4 announced alone,
    and of 9, which nobody announced.
    """
    announced(ordering, [1, 2, 3, 4])
    heard(delivery, ordering)
    pallet, shipment = [a_laptop(number) for number in (1, 2, 3)], SHIPMENT
    events = [
        a_report(id="1", type="announced", laptops=pallet, school=SCHOOL, shipment=shipment),
        a_report(id="2", type="in-transit", laptops=None, happened_at=on(hours=3)),
        a_report(id="3", type="dispatched", laptops=[a_laptop(9)], shipment=None),
    ]
    assert tell(delivery, ACME, "events", *events) == ["applied", "applied", "waiting"]
    counts = [
        a_report(id="4", type="received", laptops=[a_laptop(1)], happened_at=on(hours=24)),
        a_report(id="5", type="missing", laptops=[a_laptop(2)], happened_at=on(hours=24)),
    ]
    assert tell(delivery, AT_SCHOOL, "events", *counts) == ["applied", "applied"]
    taken = a_hand_out(handed_out_at=on(hours=25))
    assert tell(delivery, AT_SCHOOL, "hand_outs", taken) == ["applied"]
    heard(tracking, ordering, delivery)
    return tracking


def on(hours: int) -> str:
    return (DAY + timedelta(hours=hours)).isoformat()


def tell(delivery: Running, party: str, what: str, *items: dict[str, Any]) -> list[str]:
    path = "/api/delivery-events" if what == "events" else "/api/hand-outs"
    verdicts = delivery.ask(party, "POST", path, json={what: items}).json()["verdicts"]
    return [one["verdict"] for one in verdicts]


# -- lives


def test_a_life_tells_its_five_facts_and_all_that_was_heard_in_the_order_in_which_it_happened(
    told: Running,
) -> None:
    life = told.get("", "/api/laptops/hp/5CD0001")
    five = ("location", "holder", "owner", "working", "managed")
    assert [life[name] for name in five] == [
        "with-student",
        "student",
        "supplier",
        "working",
        "not-enrolled",
    ]
    assert (life["order"], life["line"], life["school"]) == ("BC1", "1", SCHOOL)
    assert (life["shipment"], life["student"], life["flags"]) == (SHIPMENT, STUDENTS[0], [])
    moments = [datetime.fromisoformat(fact["happened_at"]) for fact in life["timeline"]]
    assert moments == sorted(moments)
    assert {"laptop-announced", "laptop-expected", "laptop-handed-out"} <= {
        fact["type"].split(".")[1] for fact in life["timeline"]
    }
    sources = {(fact["source"], fact["id"]) for fact in life["timeline"]}
    assert {(ACME, "1"), (ACME, "2"), (AT_SCHOOL, "4"), (AT_SCHOOL, "a hand-out")} <= sources


def test_a_laptop_answers_to_every_spelling_of_its_maker(told: Running) -> None:
    for name in ("HP/5cd0001", "Hewlett-Packard/5CD%200001", "hewlett-packard/5CD0001"):
        assert told.get("", f"/api/laptops/{name}")["laptop"] == key_of()
    for name in ("hp/5CD0008", "acme/5CD0001", "hp/x"):
        answer = told.ask("", "GET", f"/api/laptops/{name}")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown-laptop")


def test_what_is_heard_again_changes_nothing(
    told: Running, ordering: Running, delivery: Running
) -> None:
    before = [told.get("", f"/api/laptops/{key_of(number)}") for number in (1, 2, 3, 4, 9)]
    heard(told, delivery, ordering, delivery)
    assert [told.get("", f"/api/laptops/{key_of(number)}") for number in (1, 2, 3, 4, 9)] == before


# -- search


def keys(told: Running, **asked: Any) -> list[str]:
    listed = told.get("", "/api/laptops", params=asked)
    assert listed["total"] >= len(listed["items"])
    return [row["laptop"] for row in listed["items"]]


def test_laptops_are_found_by_all_that_is_known_of_them(told: Running) -> None:
    first, second, third, fourth, ninth = (key_of(number) for number in (1, 2, 3, 4, 9))
    assert keys(told) == [first, second, third, fourth, ninth]
    assert keys(told, serial="5cd0001") == [first]
    assert keys(told, serial="HP/5CD0001") == [first]
    assert keys(told, order="BC1") == [first, second, third, fourth]
    assert keys(told, shipment=SHIPMENT) == [first, second, third]
    assert keys(told, school=SCHOOL.lower()) == [first, second, third, fourth]
    assert keys(told, school=OTHER_SCHOOL) == []
    assert keys(told, location="in-transit") == [third, ninth]
    assert keys(told, location="in-transit", order="BC1") == [third]
    assert keys(told, owner="region") == []
    assert keys(told, changed_since=DAY.isoformat()) == [first, second, third, fourth, ninth]
    assert keys(told, changed_since=(datetime.now(UTC) + timedelta(days=1)).isoformat()) == []


def test_a_place_or_an_owner_that_there_is_not_is_refused_by_its_name(told: Running) -> None:
    for field, another in (("location", "scrapped"), ("owner", "insurer")):
        refused = told.ask("", "GET", "/api/laptops", params={field: "moon"})
        assert refused.status_code == 422
        problem = refused.json()
        assert problem["errors"][0]["field"] == f"/{field}"
        assert problem["detail"].startswith(f"/{field}: 'moon' is none of ")
        assert another in problem["detail"]
        assert keys(told, **{field: another}) == []


def test_a_list_goes_on_where_its_cursor_says_and_shows_each_laptop_once(told: Running) -> None:
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = told.get("", "/api/laptops", params={"limit": 2, "cursor": cursor})
        assert page["total"] == 5
        seen += [row["laptop"] for row in page["items"]]
        cursor = page["next"]
    assert seen == [key_of(number) for number in (1, 2, 3, 4, 9)]


def test_a_question_that_cannot_be_is_refused_by_its_field(tracking: Running) -> None:
    for question, field in {
        "limit=0": "/limit",
        "limit=501": "/limit",
        "limit=x": "/limit",
        "school=0670080A": "/school",
        "shipment=1": "/shipment",
        "serial=!": "/serial",
        "serial=acme/5CD0001": "/serial",
        "changed_since=yesterday": "/changed_since",
        "changed_since=2020-09-01T08:00:00": "/changed_since",
    }.items():
        answer = tracking.ask("", "GET", f"/api/laptops?{question}")
        assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY, question
        assert answer.json()["errors"][0]["field"] == field


# -- boards and books


def test_boards_count_each_announced_laptop_once_and_the_others_apart(told: Running) -> None:
    region = told.get("", "/api/boards/region")
    assert region["location"] == {"announced": 1, "in-transit": 1, "missing": 1, "with-student": 1}
    assert (region["unannounced"], region["funnel"]["ordered"]) == (1, 5)
    assert (region["funnel"]["received"], region["funnel"]["handed_out"]) == (1, 1)
    school = told.get("", f"/api/boards/schools/{SCHOOL.lower()}")
    assert (school["name"], school["location"]) == ("Lycée Fustel", region["location"])
    other = told.get("", f"/api/boards/schools/{OTHER_SCHOOL}")
    assert (other["name"], other["location"]) == ("Lycée Lambert", {})
    nobody = told.ask("", "GET", "/api/boards/schools/0080001Y")
    assert nobody.status_code in (404, 422)


def test_the_books_of_an_order_hold_each_laptop_once(told: Running) -> None:
    (line,) = told.get("", "/api/reconciliation?order=BC1")["items"]
    assert line == line | {
        "order": "BC1",
        "uai": SCHOOL,
        "ordered": 5,
        "announced": 4,
        "outstanding": 1,
        "not_dispatched": 1,
        "in_transit": 1,
        "received": 1,
        "missing": 1,
        "handed_out": 1,
    }
    assert told.get("", "/api/reconciliation")["items"] == [line]
    assert told.get("", "/api/reconciliation?order=BC2")["items"] == []


def test_a_fact_that_never_came_is_an_anomaly_until_it_does(
    told: Running, delivery: Running, tracking: Running
) -> None:
    assert missing(told) == []
    tell(delivery, ACME, "events", a_report(id="6", shipment=None, happened_at=on(hours=2)))
    tell(delivery, ACME, "events", a_report(id="7", shipment=None, happened_at=on(hours=5)))
    *_, lost, last = delivery.write(facts)
    take(tracking, [last])
    (gap,) = missing(tracking)
    assert (gap["key"], gap["publisher"]) == (key_of(), "delivery")
    assert gap["highest"] == gap["heard"] + 1
    take(tracking, [lost])
    assert missing(tracking) == []


def missing(told: Running) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = told.get("", "/api/anomalies")["items"]
    return [one for one in items if one["code"] == "facts-missing"]


def test_a_laptop_that_nobody_announced_is_an_anomaly(told: Running) -> None:
    (one,) = (
        one for one in told.get("", "/api/anomalies")["items"] if one["code"] == "unannounced"
    )
    assert (one["key"], one["location"]) == (key_of(9), "in-transit")


# -- pages


def page(told: Running, path: str, status: int = 200, party: str = "") -> str:
    answer = told.page(party, path)
    assert answer.status_code == status, answer.text[:300]
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    return answer.text


def test_pages_show_what_was_heard_in_french_and_in_english(told: Running) -> None:
    assert "Lycée Fustel" in page(told, f"/schools/{SCHOOL}")
    assert STUDENTS[0] not in page(told, "/"), "the board names nobody"
    life = page(told, "/laptops/HP/5cd0001")
    assert "5CD0001" in life
    assert '<html lang="fr">' in life
    assert '<html lang="en">' in page(told, "/laptops/hp/5CD0001?lang=en")
    listed = page(told, "/laptops?location=missing")
    assert "5CD0002" in listed
    assert "5CD0003" not in listed
    assert "5CD0003" in page(told, "/search?q=5cd0003")
    assert "Lycée Lambert" in page(told, "/search?q=lambert")
    assert "BC1" in page(told, "/search?q=BC1")
    for label in (SHIPMENT, f"(00){SHIPMENT}", f"00{SHIPMENT}", f"]C100{SHIPMENT}"):
        assert f"shipment={SHIPMENT}" in page(told, f"/search?q={label}")


@pytest.mark.parametrize("word", ["Lycée Érables", "érables", "erables", "saint die", "SAINT-DIÉ"])
def test_a_school_is_found_by_its_name_or_town_whatever_is_typed_of_accents_and_hyphens(
    told: Running, ordering: Running, word: str
) -> None:
    renamed = SCHOOLS_CSV.replace("Lycée Lambert", "Lycée Érables").replace("Mulhouse", "Saint-Dié")
    ordering.file("region", "/api/schools/imports", renamed)
    heard(told, ordering)
    assert "Saint-Dié" in page(told, f"/search?q={word}")
    assert "Saint-Dié" not in page(told, "/search?q=Épinal")
    assert "Saint-Dié" not in page(told, "/search?q=-")


def test_a_page_says_that_nobody_can_name_its_student_any_more_after_the_schema_moved_too(
    told: Running,
) -> None:
    of_one = "/laptops/hp/5CD0001"
    enrolling.told(told, enrolling.enrolled())
    assert "identité effacée" not in page(told, of_one)
    enrolling.told(told, StudentErased("request"))
    enrolling.told(told, enrolling.left("graduated"))
    assert "identité effacée" in page(told, of_one)

    def back_and_forth(connection: Connection) -> None:
        command.downgrade(migrations.config("tracking", connection), "0004")
        migrations.upgrade(connection, "tracking")

    told.write(back_and_forth)
    assert "identité effacée" in page(told, of_one)


def test_what_a_page_cannot_show_is_told_as_a_page(told: Running) -> None:
    for path, status in {
        "/laptops/hp/5CD0008": 404,
        "/laptops/acme/5CD0001": 404,
        "/schools/0080001Z": 422,
        "/laptops?school=x": 422,
        "/laptops?reached=x": 422,
        "/laptops?reached=received&day=x": 422,
    }.items():
        assert "<h1" in page(told, path, status)
    assert "<h1" in page(told, "/parked/none", 404, "ops")


def rows(told: Running, path: str) -> Iterator[list[str]]:
    answer = told.ask("", "GET", path)
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    yield from csv.reader(answer.text.lstrip("\ufeff").splitlines(), delimiter=";")


def test_lists_and_lives_are_had_as_files(told: Running) -> None:
    _, *listed = rows(told, "/laptops.csv?order=BC1")
    assert len(listed) == 4
    _, *timeline = rows(told, "/laptops/hp/5CD0001/timeline.csv")
    assert len(timeline) == len(told.get("", "/api/laptops/hp/5CD0001")["timeline"])


def test_what_a_page_needs_is_served_under_the_name_that_it_has(told: Running) -> None:
    shown = page(told, "/")
    for part in shown.split("/static/")[1:]:
        name = part.partition('"')[0]
        answer = told.ask("", "GET", f"/static/{name}")
        assert answer.status_code == httpx.codes.OK, name
        assert "immutable" in answer.headers["cache-control"]
    assert told.ask("", "GET", "/static/none.css").status_code == httpx.codes.NOT_FOUND


def test_what_is_set_aside_is_tried_again_and_discarded_on_its_page_with_a_key_of_ops(
    tracking: Running,
) -> None:
    thing = parking.parked_record("unreadable", "invalid", "no fact", a_strange_record(), DAY)
    tracking.write(lambda connection: parking.park(connection, [thing]))
    shown = page(tracking, "/parked", party="ops")
    assert thing.id in shown
    assert "Un champ n’a pas la forme attendue" in shown
    assert "no fact" in page(tracking, "/parked?lang=en", party="ops")
    whole = page(tracking, f"/parked/{thing.id}", party="ops")
    assert "Un champ n’a pas" in whole
    assert "no fact" in whole

    def act(act: str, party: str, reason: str = "x") -> httpx.Response:
        return tracking.page(party, f"/parked/{thing.id}/{act}", reason=reason)

    for path in ("retry", "discard"):
        assert act(path, "").headers["location"].startswith("/key?to=%2Fparked")
        assert act(path, ACME).status_code == httpx.codes.NOT_FOUND
    again = act("retry", "ops")
    assert (again.status_code, again.headers["location"].partition("?")[0]) == (
        303,
        f"/parked/{thing.id}",
    )
    told = page(tracking, again.headers["location"], party="ops")
    assert "Encore refusé" in told
    assert "n’a pas l’enveloppe attendue" in told, "what hinders it now"
    assert act("discard", "ops", reason=" ").status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert act("discard", "ops", reason="it says nothing").status_code == httpx.codes.SEE_OTHER
    assert thing.id not in page(tracking, "/parked", party="ops")
    assert act("discard", "ops", reason="again").status_code == httpx.codes.CONFLICT
    assert tracking.rows("SELECT state, closed_by FROM parked") == [("discarded", "ops")]


def test_each_pallet_at_the_door_is_counted_for_itself_and_every_page_says_the_same_number(
    told: Running, delivery: Running
) -> None:
    second = [a_laptop(number) for number in (5, 6)]
    at_the_door = [
        a_report(id="11", type="arrived", laptops=None, happened_at=on(hours=26)),
        a_report(id="12", type="announced", laptops=second, school=SCHOOL, shipment=OTHER_SHIPMENT),
        a_report(
            id="13",
            type="arrived",
            laptops=None,
            shipment=OTHER_SHIPMENT,
            happened_at=on(hours=30),
        ),
    ]
    tell(delivery, ACME, "events", *at_the_door)
    heard(told, delivery)
    shown = page(told, f"/schools/{SCHOOL}")
    label = r"Compter la palette\s:\s(\d+)\sordinateurs?\s*</a>\s*<span.*?(\d{18})"
    counts = re.findall(label, shown)
    assert counts == [("2", OTHER_SHIPMENT), ("1", SHIPMENT)]
    door = shown.partition("Prochaine palette")[2].partition("</p>")[0]
    assert (OTHER_SHIPMENT in door, "2 ordinateurs" in door) == (True, True)
    for count, shipment in counts:
        asked = {"school": SCHOOL, "location": "arrived", "shipment": shipment}
        assert len(keys(told, **asked)) == int(count)
    counted = a_report(id="14", type="received", laptops=second[:1], shipment=OTHER_SHIPMENT)
    tell(delivery, AT_SCHOOL, "events", counted | {"happened_at": on(hours=31)})
    for path in (f"/shipments/{OTHER_SHIPMENT}", "/"):
        half = delivery.page(AT_SCHOOL, path).text.partition(OTHER_SHIPMENT)[2]
        assert "comptage pas terminé" in half


def test_a_pallet_that_shares_a_laptop_with_one_half_counted_is_not_half_counted_itself(
    delivery: Running,
) -> None:
    second = [a_laptop(number) for number in (5, 6)]
    third = an_sscc(34012345000000003)
    lists = [
        a_report(id="11", type="announced", laptops=second, school=SCHOOL, shipment=OTHER_SHIPMENT),
        a_report(id="12", type="announced", laptops=second[1:], school=SCHOOL, shipment=third),
    ]
    tell(delivery, ACME, "events", *lists)
    counted = a_report(id="13", type="received", laptops=second[:1], shipment=OTHER_SHIPMENT)
    tell(delivery, AT_SCHOOL, "events", counted | {"happened_at": on(hours=31)})
    shown = delivery.page(AT_SCHOOL, "/").text
    states = {
        sscc: shown.partition(sscc)[2].partition("</tr>")[0] for sscc in (third, OTHER_SHIPMENT)
    }
    assert "comptage pas terminé" in states[OTHER_SHIPMENT]
    assert "comptage pas terminé" not in states[third]
    assert "annoncée" in states[third]
