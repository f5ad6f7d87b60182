"""Who left, as repairs hears it: what is lent to him is due at once."""

from datetime import date, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from services.repairs import core
from services.repairs.consumer import erased
from services.repairs.core import CloseDay, Lend, NotePresence
from shared.contracts import repairs
from shared.contracts.enrolment import StudentErased
from shared.decisions import Decision, Refusal, Said, fold, play
from tests.builders import DAY, STUDENTS, a_claim, key_of

CORE = core.core(core.read(Path("deploy/repair-policy.toml").read_text()))
STUDENT, LOANER, CASE = f"student:{STUDENTS[0]}", key_of(2), "1234567890123456"
HERE, GONE = repairs.PresenceNoted(False), repairs.PresenceNoted(True)
DUE = date(2020, 9, 20)
LENT = repairs.LaptopLent(CASE, key_of(1), DUE)


def said(fact: Any, day: float, source: str = "enrolment") -> Said:
    return Said(fact, DAY + timedelta(days=day), source, f"{day}")


def begins(day: date, left_on: date | None, *past: Any) -> Decision:
    """What the beginning of a day makes of a laptop on loan."""
    life = [said(fact, number, "desk:metz") for number, fact in enumerate((LENT, *past))]
    claim = a_claim(LOANER, CloseDay(day, left_on), party="clock", id=str(day))
    return play(CORE, {LOANER: life}, claim)


def overdue(on: date, left: bool = False) -> Decision:
    return ((LOANER, repairs.LoanOverdue(CASE, on, left)),)


def loan(*life: Said) -> tuple[date | None, bool]:
    """Until when it is lent, and whether it is overdue."""
    found = fold(CORE.folding, LOANER, life)[0]
    return found.due, found.overdue


def test_what_enrolment_says_of_a_student_is_noted() -> None:
    claim = a_claim(STUDENT, NotePresence(left=True), party="enrolment")
    assert play(CORE, {}, claim) == ((STUDENT, GONE),)


@pytest.mark.parametrize(
    "words", list(permutations([said(HERE, 0), said(GONE, 1), said(GONE, 3), said(HERE, 5)]))
)
def test_who_left_counts_by_the_times_whatever_was_heard_first(words: Any) -> None:
    assert fold(CORE.folding, STUDENT, words)[0] == core.Student()
    before = [one for one in words if one.fact == GONE or one.happened_at == DAY]
    assert fold(CORE.folding, STUDENT, before)[0] == core.Student(DAY + timedelta(days=1))


def test_what_is_lent_to_somebody_who_left_is_due_on_the_day_on_which_he_left() -> None:
    left_on = date(2020, 9, 10)
    assert begins(date(2020, 9, 10), left_on) == ()
    assert begins(date(2020, 9, 11), left_on) == overdue(left_on, left=True)


def test_a_loan_that_is_due_before_its_student_leaves_is_overdue_from_its_own_day() -> None:
    assert begins(date(2020, 9, 30), date(2020, 9, 25)) == overdue(DUE)


def test_a_loan_of_a_leaver_is_told_once_and_not_once_it_is_back() -> None:
    left_on = date(2020, 9, 10)
    assert begins(date(2020, 9, 12), left_on, repairs.LoanOverdue(CASE, left_on, True)) == ()
    assert begins(date(2020, 9, 12), left_on, repairs.LaptopBackFromLoan(CASE)) == ()


def test_a_clock_that_is_set_back_makes_no_loan_due_again_whose_own_day_was_over() -> None:
    told = repairs.LoanOverdue(CASE, DUE)
    assert begins(date(2020, 9, 12), None, told) == ()


LEFT_ON, LATER = date(2020, 9, 10), date(2020, 10, 20)
GONE_BY_THEN = repairs.LoanOverdue(CASE, LEFT_ON, left=True)
AGAIN = repairs.LoanDueAgain(CASE, DUE)
PROLONGED = repairs.LaptopLent(CASE, key_of(1), LATER)


def test_a_loan_that_is_overdue_shows_the_day_that_was_agreed() -> None:
    assert loan(said(LENT, 0), said(GONE_BY_THEN, 9)) == (DUE, True)
    assert loan(said(LENT, 0), said(repairs.LoanOverdue(CASE, DUE), 20)) == (DUE, True)


def test_a_prolongation_that_is_told_after_its_loan_was_overdue_counts_by_its_time() -> None:
    late = said(repairs.LoanOverdue(CASE, DUE), 20)
    assert loan(said(LENT, 0), late, said(PROLONGED, 15)) == (LATER, False)
    assert loan(said(LENT, 0), late, said(PROLONGED, 25)) == (LATER, False)
    assert loan(said(LENT, 0), said(GONE_BY_THEN, 9), said(PROLONGED, 8)) == (LATER, True)


def test_what_a_desk_prolongs_for_somebody_who_left_has_until_the_new_day() -> None:
    past = (GONE_BY_THEN, PROLONGED)
    assert begins(date(2020, 9, 12), LEFT_ON, *past) == ()
    assert begins(LATER, LEFT_ON, *past) == ()
    assert begins(date(2020, 10, 21), LEFT_ON, *past) == overdue(LATER)
    again = date(2020, 9, 30)
    assert begins(date(2020, 10, 1), again, *past) == overdue(again, left=True)


def test_a_desk_may_prolong_for_somebody_who_left_until_the_day_that_was_agreed() -> None:
    life = [said(LENT, 0, "desk:metz"), said(GONE_BY_THEN, 9)]
    opened = [
        said(repairs.IncidentLogged(CASE, "metz", "defect"), 0, "desk:metz"),
        said(repairs.LoanIssued(CASE, LOANER, DUE), 0, "desk:metz"),
    ]
    asked = a_claim(key_of(1), Lend(CASE, LOANER, DUE), happened_at=DAY + timedelta(days=10))
    told = play(CORE, {LOANER: life, key_of(1): opened}, asked)
    assert told == ((key_of(1), repairs.LoanIssued(CASE, LOANER, DUE)), (LOANER, LENT))
    assert play(CORE, {LOANER: life[:1], key_of(1): opened}, asked) == ()


def test_who_is_back_has_his_loan_until_the_agreed_day_again() -> None:
    assert begins(date(2020, 9, 12), None, GONE_BY_THEN) == ((LOANER, AGAIN),)
    assert loan(said(LENT, 0), said(GONE_BY_THEN, 9), said(AGAIN, 11)) == (DUE, False)
    assert begins(date(2020, 9, 12), None, GONE_BY_THEN, AGAIN) == ()
    assert begins(date(2020, 9, 30), None, GONE_BY_THEN) == ()
    assert begins(date(2020, 9, 30), None, GONE_BY_THEN, AGAIN) == overdue(DUE)


def test_who_is_back_takes_no_word_of_a_desk_back_that_is_told_later() -> None:
    life = (said(LENT, 0), said(GONE_BY_THEN, 9), said(AGAIN, 11))
    assert loan(*life, said(PROLONGED, 10)) == (LATER, False)
    assert loan(*life, said(repairs.LaptopBackFromLoan(CASE), 10)) == (None, False)


def test_another_loan_of_the_same_laptop_begins_with_no_day_told() -> None:
    past = (GONE_BY_THEN, repairs.LaptopBackFromLoan(CASE), LENT)
    assert begins(date(2020, 9, 12), LEFT_ON, *past) == overdue(LEFT_ON, left=True)


def test_of_an_erased_student_nothing_is_kept() -> None:
    assert erased(StudentErased("retention")) == NotePresence(erased=True)
    told = play(CORE, {}, a_claim(STUDENT, NotePresence(erased=True), party="enrolment"))
    assert not isinstance(told, Refusal)
    ((_, forgotten),) = told
    life = [said(HERE, 0), said(GONE, 1), said(forgotten, 2)]
    assert fold(CORE.folding, STUDENT, life)[0] == core.Student(erased=True)
