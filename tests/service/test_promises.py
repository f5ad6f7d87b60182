"""Whether laptops came by the day they were promised for: told by line, school, region and list."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from services.tracking import gauges
from shared.databases import open_database
from tests.builders import (
    SCHOOL,
    SCHOOLS_CSV,
    Running,
    a_laptop,
    a_report,
    a_serial_list,
    an_order,
    key_of,
)
from tests.service.hearing_by_hand import heard

PROMISED = "2020-09-04"
AT_SCHOOL = f"school:{SCHOOL}"
LAST_MOMENT, FIRST_MOMENT = "2020-09-04T23:59:59+02:00", "2020-09-05T00:00:00+02:00"
IN_PARIS_ALREADY = "2020-09-04T22:30:00Z"  # the promised day in London, the next in Paris


@pytest.fixture
def promised(ordering: Running, delivery: Running, tracking: Running) -> Running:
    """Tracking, which heard of five laptops promised for one day, and of six that were not."""
    ordering.file("region", "/api/schools/imports", SCHOOLS_CSV)
    (line,) = an_order()["lines"]
    for name, day, numbers in (("BC1", PROMISED, range(1, 6)), ("BC2", None, range(6, 12))):
        lines = [line | {"promised_on": day, "quantity": 6}]
        placed = ordering.ask(
            "region", "POST", "/api/orders", json=an_order(order=name, lines=lines)
        )
        assert placed.status_code == 201, placed.text
        ordering.file("region", f"/api/orders/{name}/serials/imports", a_serial_list([*numbers]))
    heard(tracking, ordering)
    heard(delivery, ordering)
    return tracking


def received(delivery: Running, tracking: Running, *at: str, **more: Any) -> None:
    """Laptop 1 is received at the first moment, 2 at the second, and so on."""
    counts = [
        a_report(id=f"{n} {moment}", type="received", laptops=[a_laptop(n)], happened_at=moment)
        for n, moment in enumerate(at, 1)
    ]
    told = delivery.ask(
        AT_SCHOOL, "POST", "/api/delivery-events", json={"events": [one | more for one in counts]}
    )
    assert {one["verdict"] for one in told.json()["verdicts"]} <= {"applied", "waiting"}, told.text
    heard(tracking, delivery)


def books(tracking: Running, order: str) -> dict[str, Any]:
    (line,) = tracking.get("", "/api/reconciliation", params={"order": order})["items"]
    return {name: line[name] for name in ("promised_on", "on_time", "late", "due")}


def test_the_school_s_count_keeps_a_promise_until_the_day_ends_in_paris(
    promised: Running, delivery: Running
) -> None:
    received(delivery, promised, LAST_MOMENT, FIRST_MOMENT, IN_PARIS_ALREADY)
    wanted = {"on_time": 1, "late": 2, "due": 2}
    assert books(promised, "BC1") == {"promised_on": PROMISED} | wanted
    assert books(promised, "BC2") == {"promised_on": None, "on_time": 0, "late": 0, "due": 0}
    for board in ("region", f"schools/{SCHOOL}"):
        assert promised.get("", f"/api/boards/{board}")["promise"] == wanted
    for promise, numbers in {"on-time": (1,), "late": (2, 3), "due": (4, 5)}.items():
        listed = promised.get("", "/api/laptops", params={"promise": promise})
        assert [one["laptop"] for one in listed["items"]] == [key_of(n) for n in numbers]
    life = promised.get("", f"/api/laptops/{key_of()}")
    assert (life["promised_on"], life["received_at"]) == (PROMISED, "2020-09-04T21:59:59Z")


def test_a_carrier_s_word_keeps_no_promise(promised: Running, delivery: Running) -> None:
    arrived = a_report(happened_at="2020-09-03T10:00:00+02:00")
    delivery.ask("carrier:acme", "POST", "/api/delivery-events", json={"events": [arrived]})
    heard(promised, delivery)
    assert books(promised, "BC1")["due"] == 5


def test_a_count_that_is_corrected_breaks_or_keeps_a_promise_after_all(
    promised: Running, delivery: Running
) -> None:
    received(delivery, promised, FIRST_MOMENT)
    assert (books(promised, "BC1")["late"], books(promised, "BC1")["due"]) == (1, 4)
    received(delivery, promised, LAST_MOMENT, corrects=f"1 {FIRST_MOMENT}")
    counts = books(promised, "BC1")
    assert (counts["on_time"], counts["late"], counts["due"]) == (1, 0, 4)


def test_an_unknown_word_about_a_promise_is_refused(promised: Running) -> None:
    for page in (
        "/api/laptops?promise=perhaps",
        "/laptops?promise=perhaps",
        "/laptops?promise=due",
    ):
        assert promised.ask("", "GET", page).status_code in (400, 422)


def test_the_board_counts_what_is_due_today_and_links_to_its_list(
    promised: Running, delivery: Running
) -> None:
    received(delivery, promised, LAST_MOMENT)
    page = promised.ask("", "GET", "/").text
    assert "4 en retard sur la date promise" in page
    (link,) = {word for word in page.split('"') if "promise=due" in word}
    listed = promised.ask("", "GET", link.replace("&amp;", "&")).text
    assert "4 ordinateurs" in listed
    before = promised.ask("", "GET", f"/laptops?promise=due&day={PROMISED}").text
    assert "0 ordinateur" in before, "on the promised day itself nothing is due"
    assert "reçu en retard" not in promised.ask("", "GET", f"/laptops/{key_of()}").text


def test_prometheus_is_told_what_became_of_promises(promised: Running, delivery: Running) -> None:
    received(delivery, promised, FIRST_MOMENT, LAST_MOMENT)
    registry = CollectorRegistry()

    async def refresh() -> None:
        database = open_database(promised.url)
        await gauges.gauges(database, lambda: datetime.now(UTC), registry)()
        await database.close()

    asyncio.run(refresh())
    told = {
        outcome: registry.get_sample_value("trousseau_promised_laptops", {"promise": outcome})
        for outcome in ("on-time", "late", "due")
    }
    assert told == {"on-time": 1, "late": 1, "due": 3}
