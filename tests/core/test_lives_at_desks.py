"""What a laptop's life is after repair desks spoke of it: place, holder, working, marks."""

from datetime import date, timedelta
from itertools import permutations
from typing import Any

import pytest

from services.tracking import fold as tracking
from shared.contracts import delivery, repairs
from shared.decisions import Said, fold
from tests.builders import DAY, SCHOOL, STUDENTS, key_of

CASE, DUE = "1", date(2020, 9, 10)
HOME = delivery.LaptopHandedOut(STUDENTS[0], SCHOOL, False, DAY, None, True, True)
BROKEN = repairs.IncidentLogged(CASE, "metz", "defect", 7)
STOLEN = repairs.TheftReported(CASE)
SWAPPED = repairs.LaptopSwapped(CASE, key_of(2), STUDENTS[0], SCHOOL)
RETURNED = repairs.LaptopReturnedToUser(CASE)


def life_after(*facts: Any) -> tracking.Life:
    """The life that every order of hearing these facts, each an hour after the one before, ends
    in.
    """
    told = [
        Said(fact, DAY + timedelta(hours=hours), "desk:metz", str(hours))
        for hours, fact in enumerate(facts)
    ]
    ends = [fold(tracking.FOLDING, key_of(), heard)[0] for heard in permutations(told)]
    assert all(end == ends[0] for end in ends)
    last: tracking.Life = ends[0]
    return last


@pytest.mark.parametrize(
    ("facts", "place", "working"),
    [
        ((BROKEN,), ("at-repair-desk", "repairer"), "incident-reported"),
        ((BROKEN, repairs.RepairStarted(CASE)), ("at-repair-desk", "repairer"), "in-repair"),
        ((BROKEN, repairs.RepairWaiting(CASE, "vendor")), ("at-repairer", "repairer"), "in-repair"),
        ((BROKEN, RETURNED), ("with-student", "student"), "working"),
        ((BROKEN, repairs.LaptopBeyondRepair(CASE), RETURNED), ("with-student", "student"), ""),
        ((STOLEN,), ("missing", "nobody"), "working"),
        ((STOLEN, repairs.LaptopRecovered(CASE)), ("at-repair-desk", "repairer"), "working"),
        ((BROKEN, SWAPPED, RETURNED), ("at-school", "school"), "working"),
    ],
)
def test_a_desk_says_where_a_laptop_is_and_whether_it_works(
    facts: tuple[Any, ...], place: tuple[str, str], working: str
) -> None:
    life = life_after(HOME, *facts)
    assert (life.location, life.holder) == place
    assert life.working == (working or "beyond-repair")


@pytest.mark.parametrize("began", [(), (repairs.RepairStarted(CASE),)])
def test_what_is_given_back_as_it_was_is_in_repair_no_longer(began: tuple[Any, ...]) -> None:
    given_back = repairs.LaptopReturnedToUser(CASE, outcome=2)
    assert life_after(HOME, BROKEN, *began, given_back).working == "incident-reported"


def test_a_stolen_laptop_that_another_takes_the_place_of_is_missing_as_before() -> None:
    taken_back = delivery.LaptopTakenBack(key_of(2))
    life = life_after(HOME, STOLEN, SWAPPED, taken_back)
    assert (life.location, life.holder, life.student) == ("missing", "nobody", None)
    assert life.marks == ("replaced", "stolen")


def test_found_again_after_that_it_is_nobodys_and_goes_back_to_the_school() -> None:
    life = life_after(HOME, STOLEN, SWAPPED, repairs.LaptopRecovered(CASE), RETURNED)
    assert (life.location, life.holder, life.student) == ("at-school", "school", None)
    assert "stolen" not in tracking.flags(life)


def test_a_recalled_laptop_is_recalled_until_it_comes_back_from_its_recalls_case() -> None:
    recalled = repairs.IncidentLogged("9", "region", "recall", recall="R1")
    assert life_after(HOME, recalled, BROKEN, RETURNED).marks == ("recalled",)
    assert life_after(HOME, recalled, BROKEN, repairs.LaptopReturnedToUser("9")).marks == ()


def test_a_loan_that_was_back_in_time_is_not_overdue_whenever_that_is_told() -> None:
    lent = repairs.LaptopLent(CASE, key_of(1), DUE)
    back, over = repairs.LaptopBackFromLoan(CASE), repairs.LoanOverdue(CASE, DUE)
    assert life_after(lent, over).marks == ("loan-overdue", "on-loan")
    assert life_after(lent, over, back).marks == ()
    assert life_after(lent, back, over).marks == ()


def test_a_loan_that_is_prolonged_or_due_again_is_overdue_no_longer() -> None:
    lent, over = repairs.LaptopLent(CASE, key_of(1), DUE), repairs.LoanOverdue(CASE, DUE, left=True)
    for told in (lent, repairs.LoanDueAgain(CASE, DUE)):
        assert life_after(lent, over, told).marks == ("on-loan",)
