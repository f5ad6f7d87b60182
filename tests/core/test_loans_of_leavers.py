"""Who left, as repairs hears it: what is lent to him is due at once."""

from datetime import date, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from services.repairs import core
from services.repairs.core import CloseDay, NotePresence
from shared.contracts import repairs
from shared.decisions import Decision, Said, fold, play
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


def overdue(on: date) -> Decision:
    return ((LOANER, repairs.LoanOverdue(CASE, on)),)


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
    assert begins(date(2020, 9, 11), left_on) == overdue(left_on)


def test_a_loan_that_is_due_before_its_student_leaves_is_overdue_from_its_own_day() -> None:
    assert begins(date(2020, 9, 30), date(2020, 9, 25)) == overdue(DUE)


def test_a_loan_of_a_leaver_is_told_once_and_not_once_it_is_back() -> None:
    left_on = date(2020, 9, 10)
    assert begins(date(2020, 9, 12), left_on, repairs.LoanOverdue(CASE, left_on)) == ()
    assert begins(date(2020, 9, 12), left_on, repairs.LaptopBackFromLoan(CASE)) == ()


def test_an_overdue_loan_shows_the_day_on_which_it_was_due() -> None:
    life = [said(LENT, 0, "desk:metz"), said(repairs.LoanOverdue(CASE, date(2020, 9, 10)), 9)]
    found = fold(CORE.folding, LOANER, life)[0]
    assert (found.due, found.overdue) == (date(2020, 9, 10), True)
