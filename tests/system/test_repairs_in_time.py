"""What only time brings about at a desk: overdue loans, late repairs, bad lots."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, func, select

from partners.year.play import move_clock
from services.repairs import store
from shared.closing import CLOSED
from tests.faults.checking import ask
from tests.running import System, until
from tests.system.acts import (
    announce,
    card,
    case_of,
    done,
    in_stock,
    incident,
    laptops,
    life,
    list_schools,
    log,
    named,
    opened,
    place_order,
    told_in_order,
    uai,
    when,
    with_student,
)

MORNING, NOON, EVENING = (f"2020-10-05T{hour}:00:00+02:00" for hour in ("08", "12", "18"))


def test_a_loan_that_is_never_given_back_is_overdue_and_a_repair_that_nobody_ends_is_late(
    moved: System, clock: Path
) -> None:
    school, (laptop, loaner) = uai(), laptops(2)
    move_clock(clock, datetime(2020, 10, 5, 17, tzinfo=UTC))
    with_student(moved, school, laptop)
    in_stock(moved, school, loaner)
    case = opened(moved, laptop, MORNING)
    done(moved, case, "loan", NOON, loaner=named(loaner), due_on="2020-10-15")
    done(moved, case, "wait", EVENING, waiting_on="parts")
    assert not case_of(moved, case)["late"]
    move_clock(clock, datetime(2020, 10, 15, 21, tzinfo=UTC))
    assert card(moved, loaner)["overdue"] is False
    move_clock(clock, datetime(2020, 10, 15, 22, 30, tzinfo=UTC))  # past midnight in Paris
    shown = when(moved, loaner, lambda now: "loan-overdue" in now["flags"])
    (told,) = (one for one in shown["timeline"] if one["type"] == "repairs.loan-overdue.v1")
    assert (told["source"], told["happened_at"]) == ("clock", "2020-10-15T22:00:00Z")
    assert {"loan-overdue", "on-loan"} <= {*shown["flags"]}
    move_clock(clock, datetime(2020, 11, 9, 8, tzinfo=UTC))
    followed = case_of(moved, case)
    assert (followed["late"], followed["school_days"] > 10) == (True, True)
    assert told_in_order(life(moved, loaner)).count("loan-overdue") == 1
    done(moved, case, "loan-return", "2020-11-09T08:30:00+01:00", loaner=named(loaner))
    shown = when(moved, loaner, {"location": "at-school"})
    assert not {"loan-overdue", "on-loan"} & {*shown["flags"]}


def test_a_repair_that_waits_on_its_user_is_not_late_by_that(moved: System, clock: Path) -> None:
    school, (laptop,) = uai(), laptops(1)
    move_clock(clock, datetime(2020, 11, 9, 8, tzinfo=UTC))
    with_student(moved, school, laptop)
    case = opened(moved, laptop, "2020-11-09T08:00:00+01:00")
    done(moved, case, "wait", "2020-11-09T08:30:00+01:00", waiting_on="user")
    move_clock(clock, datetime(2020, 12, 9, 8, tzinfo=UTC))
    assert (case_of(moved, case)["school_days"], case_of(moved, case)["late"]) == (0, False)


def test_a_lot_of_which_many_laptops_fail_is_suspected_at_the_next_day_and_no_other_is(
    moved: System, clock: Path
) -> None:
    school, bad, good = uai(), laptops(21), laptops(20)
    list_schools(moved, school)
    lots = {f"L-bad-{school}": bad, f"L-good-{school}": good}
    for lot, keys in lots.items():
        number = place_order(moved, len(keys), school, lot=lot)
        assert announce(moved, number, keys)["applied"] == len(keys)
    for key in (*bad, *good):
        when(moved, key, lambda now: "laptop-registered" in told_in_order(now))
    move_clock(clock, datetime(2021, 1, 11, 8, tzinfo=UTC))
    until(partial(has_begun, moved, date(2021, 1, 11)), "the days before are closed")
    broken = [incident(key, f"2021-01-11T07:{place:02d}:00Z") for place, key in enumerate(bad)]
    last = broken.pop()
    dropped = [incident(key, "2021-01-11T07:00:00Z", "breakage") for key in good]
    assert {one["verdict"] for one in log(moved, *broken, *dropped)} == {"applied"}
    assert not suspected_among(moved, lots)
    move_clock(clock, datetime(2021, 1, 12, 8, tzinfo=UTC))
    found = until(lambda: suspected_among(moved, lots), "a lot is suspected")
    assert found == {f"L-bad-{school}"}
    # More of them by now; what the same day says when it begins anew is no other word.
    assert log(moved, last)[0]["verdict"] == "applied"
    for day in (11, 12):
        move_clock(clock, datetime(2021, 1, day, 8, tzinfo=UTC))
        until(partial(has_begun, moved, date(2021, 1, day)), "the day began anew")
    items = moved.call("repairs", "ops", "/api/parked").json()["items"]
    assert not items, items


def has_begun(system: System, day: date) -> bool:
    """Whether this is the day that repairs began last."""

    def last(connection: Connection) -> date | None:
        found: date | None = connection.scalar(select(func.max(CLOSED.c.day)))
        return found

    return ask(system, "repairs", last) == day


def suspected_among(system: System, lots: Iterable[str]) -> set[str]:
    """Those of these lots that repairs suspects."""
    return {lot for _, lot in ask(system, "repairs", store.suspected)} & {*lots}
