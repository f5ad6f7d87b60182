"""What enrolment says of students, as delivery keeps it: whose hand-out is doubted, whose not."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from services.delivery import core
from services.delivery.consumer import erased
from services.delivery.core import HandOut, PlaceStudent
from shared.contracts.custody import Custody, moved
from shared.contracts.delivery import LaptopBackToStock, LaptopHandedOut, StudentPlaced
from shared.contracts.enrolment import StudentErased
from shared.decisions import Refusal, Said, fold, play
from tests.builders import DAY, OTHER_SCHOOL, SCHOOL, STUDENTS, a_claim, key_of

STUDENT, LAPTOP, COUNTER = f"student:{STUDENTS[0]}", key_of(), f"school:{SCHOOL}"
HERE, ELSEWHERE = StudentPlaced(SCHOOL, False), StudentPlaced(OTHER_SCHOOL, False)
GONE = StudentPlaced(SCHOOL, True)


def said(fact: Any, day: float, source: str = "enrolment") -> Said:
    return Said(fact, DAY + timedelta(days=day), source, f"{day}")


def doubt(*past: Said, on: float) -> str | None:
    """What speaks against a hand-out on a day."""
    kit = frozenset({"laptop", "sleeve", "storage"})
    hand_out = HandOut(STUDENTS[0], SCHOOL, False, DAY, None, kit)
    at = DAY + timedelta(days=on)
    claim = a_claim(LAPTOP, hand_out, party=COUNTER, happened_at=at, report=True)
    decided = play(core.CORE, {STUDENT: past}, claim)
    assert not isinstance(decided, Refusal)
    ((key, fact),) = decided
    assert key == LAPTOP
    found: str | None = fact.doubt
    return found


def test_what_enrolment_says_of_a_student_is_kept() -> None:
    claim = a_claim(STUDENT, PlaceStudent(SCHOOL, left=True), party="enrolment")
    assert play(core.CORE, {STUDENT: [said(HERE, 0)]}, claim) == ((STUDENT, GONE),)


def test_nothing_speaks_against_a_student_of_the_school_nor_against_one_of_whom_nobody_told() -> (
    None
):
    assert doubt(on=3) is None
    assert doubt(said(HERE, 0), on=3) is None


def test_a_hand_out_to_somebody_who_had_left_counts_and_is_doubted() -> None:
    assert doubt(said(HERE, 0), said(GONE, 2), on=3) == "student-left"


def test_who_left_after_the_hand_out_is_not_doubted_however_late_it_is_told() -> None:
    assert doubt(said(HERE, 0), said(GONE, 120), on=3) is None


def test_a_hand_out_by_another_school_than_the_students_own_is_doubted() -> None:
    assert doubt(said(ELSEWHERE, 0), on=3) == "student-elsewhere"
    assert doubt(said(HERE, 0), said(ELSEWHERE, 2), on=3) == "student-elsewhere"


def test_who_moved_after_the_hand_out_is_not_doubted() -> None:
    assert doubt(said(HERE, 0), said(ELSEWHERE, 5), on=3) is None


@pytest.mark.parametrize("words", list(permutations([said(HERE, 0), said(GONE, 1), said(HERE, 2)])))
def test_who_left_and_came_back_is_a_student_again_whatever_was_heard_first(words: Any) -> None:
    state, _ = fold(core.CORE.folding, STUDENT, words)
    assert state.stay == core.Student(SCHOOL, DAY + timedelta(days=2)).stay
    assert doubt(*words, on=3) is None


@pytest.mark.parametrize("words", list(permutations([said(HERE, 0), said(GONE, 3), said(HERE, 9)])))
def test_a_hand_out_told_after_its_student_came_back_is_doubted_by_where_he_was_then(
    words: Any,
) -> None:
    days = {1: None, 7: "student-left", 10: None}
    assert {day: doubt(*words, on=day) for day in days} == days


@pytest.mark.parametrize("words", list(permutations([said(ELSEWHERE, 0), said(HERE, 9)])))
def test_a_hand_out_told_after_its_student_moved_is_doubted_by_where_he_was_then(
    words: Any,
) -> None:
    days = {-1: None, 7: "student-elsewhere", 10: None}
    assert {day: doubt(*words, on=day) for day in days} == days


def test_of_an_erased_student_nothing_is_kept_and_nothing_doubted() -> None:
    assert erased(StudentErased("request")) == PlaceStudent("")
    past = [said(ELSEWHERE, 0), said(HERE, 1), said(GONE, 2), said(StudentPlaced("", False), 3)]
    assert fold(core.CORE.folding, STUDENT, past)[0] == core.Student()
    assert doubt(*past, on=4) is None


def test_a_word_that_is_said_again_changes_nothing() -> None:
    once, _ = fold(core.CORE.folding, STUDENT, [said(HERE, 0), said(GONE, 2)])
    again = [said(HERE, 0), said(HERE, 1), said(GONE, 2), said(GONE, 4)]
    assert fold(core.CORE.folding, STUDENT, again)[0] == once


def handed(student: str, doubt: str | None = None) -> LaptopHandedOut:
    return LaptopHandedOut(student, SCHOOL, False, DAY, None, True, True, doubt)


def remarks(*facts: Any) -> tuple[str, ...]:
    now = Custody()
    for day, fact in enumerate((LaptopBackToStock(SCHOOL), *facts)):
        now = moved(now, said(fact, day, COUNTER))
    return now.remarks


@pytest.mark.parametrize("word", ["student-left", "student-elsewhere"])
def test_a_doubted_hand_out_is_flagged_until_the_laptop_is_in_stock_or_somebody_elses(
    word: str,
) -> None:
    doubted = handed(STUDENTS[0], word)
    assert remarks(doubted) == (word,)
    assert remarks(doubted, LaptopBackToStock(SCHOOL)) == ()
    assert remarks(doubted, handed(STUDENTS[0])) == ()
