"""What only time brings about of an order and of a laptop that waits to be fetched."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from partners.year.play import move_clock
from tests.running import System, until
from tests.system.acts import (
    LOT,
    act,
    announce,
    event,
    hand_out,
    laptops,
    life,
    list_schools,
    ordered,
    shown_order,
    told_in_order,
    uai,
    verdicts,
    when,
)


def test_time_alone_makes_an_order_late_and_a_laptop_one_that_nobody_came_for(
    moved: System, clock: Path
) -> None:
    school, keys = uai(), laptops(3)
    list_schools(moved, school)
    line = {"line": "1", "uai": school, "quantity": 3, "promised_on": "2020-08-10"} | LOT
    body = {"order": "BC-L", "school_year": "2020-2021", "buyer": "region", "supplier": "hexalog"}
    act(moved, "POST", "/api/orders", body | {"lines": [line]})
    assert announce(moved, "BC-L", keys)["applied"] == 3
    for key in keys:
        when(moved, key, lambda now: "laptop-expected" in told_in_order(now))
    move_clock(clock, datetime(2020, 8, 5, 12, tzinfo=UTC))
    counted = event("received", "2020-08-05T11:00:00+02:00", keys[:2])
    assert verdicts(moved, f"school:{school}", counted) == ["applied"]
    until(lambda: shown_order(moved, "BC-L")["delivered"] == 2, "ordering heard of it")
    decided = {"id": "a1", "line": "1", "decided_by": "Mme X"}
    decided["decided_at"] = "2020-08-05T13:00:00+02:00"
    act(moved, "POST", "/api/orders/BC-L/admissions", decided)
    handed = hand_out(moved, school, keys[0], "2020-08-05T13:30:00+02:00", charter=SIGNED_IN_TIME)
    assert handed["verdict"] == "applied"
    for key in keys:
        when(moved, key, lambda now: "laptop-cleared" in told_in_order(now))
    move_clock(clock, datetime(2020, 8, 10, 21, tzinfo=UTC))
    assert shown_order(moved, "BC-L")["lines"][0]["late"] is None
    move_clock(clock, datetime(2020, 8, 10, 22, 30, tzinfo=UTC))  # past midnight in Paris
    until(lambda: shown_order(moved, "BC-L")["lines"][0]["late"] == 1, "the order is late")
    move_clock(clock, datetime(2020, 9, 8, tzinfo=UTC) + timedelta(hours=6))
    missed = when(moved, keys[1], lambda now: "hand-out-missed" in now["flags"])
    (told,) = (fact for fact in missed["timeline"] if "hand-out-missed" in fact["type"])
    assert (told["source"], told["happened_at"]) == ("clock", "2020-09-04T22:00:00Z")
    assert "hand-out-missed" not in life(moved, keys[0])["flags"]
    assert "hand-out-missed" not in life(moved, keys[2])["flags"]


SIGNED_IN_TIME = {"minor": False, "student_signed_at": "2020-08-05T13:00:00+02:00"}


def test_a_clock_far_ahead_of_the_brokers_stops_nothing(moved: System, clock: Path) -> None:
    school, keys = uai(), laptops(1)
    move_clock(clock, datetime(2041, 9, 1, 8, tzinfo=UTC))
    ordered(moved, school, keys)
    when(moved, keys[0], {"location": "announced"})
