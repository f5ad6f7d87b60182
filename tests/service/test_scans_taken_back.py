"""A laptop that is to come back is scanned into stock, and the scan is withdrawn: all agree that it
is with its student again; and what holds handovers up, on the region's board.
"""

from datetime import timedelta
from typing import Any

from services.delivery import store as of_delivery
from services.repairs import store as of_repairs
from shared import ledger
from tests.builders import DAY, SCHOOL, STUDENTS, Running, a_laptop, key_of
from tests.service.enrolling import left, told
from tests.service.hearing_by_hand import heard
from tests.service.leaving import AT_SCHOOL, JUNE, leavers, of, opened

DESK = "desk:metz"
SHELVES = {"delivery": of_delivery.SHELVES, "repairs": of_repairs.SHELVES}


def tell(delivery: Running, **event: Any) -> None:
    """An event of the school about the first laptop."""
    body = {"events": [{"laptops": [a_laptop(1)]} | event]}
    answer = delivery.ask(AT_SCHOOL, "POST", "/api/delivery-events", json=body)
    assert answer.json()["verdicts"][0]["verdict"] in ("applied", "waiting"), answer.text


def kept(service: Running, name: str) -> str:
    """What a service keeps of the first laptop."""
    rows = service.write(
        lambda connection: ledger.seen(connection, SHELVES[service.name], [key_of()])
    )
    return str(getattr(rows[key_of()].state, name))


def test_a_scan_that_is_withdrawn_takes_the_return_along_everywhere(
    ordering: Running, delivery: Running, handover: Running, repairs: Running, tracking: Running
) -> None:
    leavers(ordering, delivery, handover)
    told(handover, left("left-region"), STUDENTS[1], JUNE)
    assert of(handover)["state"] == "return-asked"
    speakers = (ordering, delivery, handover)

    def all_hear() -> dict[str, Any]:
        heard(handover, ordering, delivery)
        heard(delivery, handover)
        heard(repairs, *speakers)
        heard(tracking, *speakers, repairs)
        found: dict[str, Any] = tracking.get("region", f"/api/laptops/{key_of()}")
        return found

    day = timedelta(days=1)
    at = {"happened_at": (JUNE + day).isoformat()}
    tell(delivery, id="scan", type="back-to-stock", school=SCHOOL, **at)
    shown = all_hear()
    assert of(handover)["state"] == "returned"
    assert (shown["location"], "return-asked" in shown["flags"]) == ("at-school", False)
    void = {"happened_at": (JUNE + 2 * day).isoformat(), "corrects": "scan"}
    tell(delivery, id="void", type="void", **void)
    shown = all_hear()
    assert of(handover)["state"] == "return-asked"
    assert (shown["location"], shown["student"]) == ("with-student", STUDENTS[1])
    assert "return-asked" in shown["flags"]
    assert kept(delivery, "location") == "with-student"
    assert kept(repairs, "student") == STUDENTS[1]


def test_delivery_that_hears_of_the_return_after_the_void_leaves_the_laptop_with_its_student(
    ordering: Running, delivery: Running, handover: Running
) -> None:
    leavers(ordering, delivery, handover)
    told(handover, left("left-region"), STUDENTS[1], JUNE)
    at = {"happened_at": (JUNE + timedelta(days=1)).isoformat()}
    tell(delivery, id="scan", type="back-to-stock", school=SCHOOL, **at)
    heard(handover, delivery)
    tell(delivery, id="void", type="void", corrects="scan", **at)
    heard(delivery, handover)
    assert kept(delivery, "location") == "with-student"


def test_the_regions_board_counts_by_cause_what_holds_handovers_up(
    ordering: Running, delivery: Running, handover: Running, repairs: Running, tracking: Running
) -> None:
    leavers(ordering, delivery, handover)
    heard(repairs, ordering, delivery)
    for number, cause in ((1, "defect"), (2, "defect"), (3, "theft"), (4, "loss")):
        incident = {"id": f"i{number}", "laptop": a_laptop(number), "cause": cause}
        body = {"incidents": [incident | {"reported_at": (DAY + timedelta(days=9)).isoformat()}]}
        repairs.ask(DESK, "POST", "/api/incidents", json=body)
    heard(handover, repairs)
    heard(tracking, ordering, delivery, repairs, handover)
    assert "bloqué" not in wrong(tracking)
    opened(handover)
    heard(tracking, handover)
    shown = wrong(tracking)
    assert "2 bloqués par une réparation" in shown
    assert "1 bloqué par un vol" in shown
    assert "1 bloqué par une perte" in shown
    listed = tracking.page("region", "/laptops?flag=blocked-repair").text
    assert [f"5CD000{number}" in listed for number in (1, 2, 3)] == [True, True, False]


def wrong(tracking: Running) -> str:
    """What is wrong, on the region's board."""
    page = tracking.page("region", "/").text
    return page[page.index('id="wrong"') : page.index('id="map"')]
