"""What enrolment says of students: only what differs, and nothing that names anybody."""

from datetime import date, timedelta
from itertools import permutations
from typing import Any

import pytest

from services.enrolment import core
from services.enrolment.core import Erase, Leave, Register, Student
from shared.contracts.calendar import school_year_of
from shared.contracts.enrolment import (
    GuardiansChanged,
    StudentEnrolled,
    StudentErased,
    StudentLeft,
    StudentLevelChanged,
    StudentMoved,
)
from shared.decisions import Refusal, Said, fold, play
from tests.builders import DAY, OTHER_SCHOOL, SCHOOL, STUDENTS, a_claim

KEY = core.student_key(STUDENTS[0])
YEAR, NEXT = "2020-2021", "2021-2022"
ENROLLED = StudentEnrolled(SCHOOL, "2nde", YEAR)
LEFT = StudentLeft(SCHOOL, "2nde", YEAR, "unknown")
HERE = Register(SCHOOL, "2nde", YEAR)


def said(*facts: Any) -> list[Said]:
    """Facts, a day after each other."""
    return [
        Said(fact, DAY + timedelta(days=number), "region", f"f{number}")
        for number, fact in enumerate(facts)
    ]


def decided(command: Any, *past: Any) -> Any:
    """The facts that a command comes to after others, without their key; or the refusal's code."""
    told = play(core.CORE, {KEY: said(*past)}, a_claim(KEY, command, happened_at=DAY))
    if isinstance(told, Refusal):
        return told.code
    assert {key for key, _ in told} <= {KEY}
    return [fact for _, fact in told]


def after(*past: Any) -> Student:
    state: Student = fold(core.CORE.folding, KEY, said(*past))[0]
    return state


def test_a_newcomer_is_enrolled() -> None:
    assert decided(HERE) == [ENROLLED]


def test_the_same_file_the_next_night_says_nothing() -> None:
    assert decided(HERE, ENROLLED) == []


@pytest.mark.parametrize(
    ("command", "fact"),
    [
        (Register(OTHER_SCHOOL, "2nde", YEAR), StudentMoved(OTHER_SCHOOL, SCHOOL, "2nde", YEAR)),
        (Register(OTHER_SCHOOL, "1ere", NEXT), StudentMoved(OTHER_SCHOOL, SCHOOL, "1ere", NEXT)),
        (Register(SCHOOL, "cap1", YEAR), StudentLevelChanged(SCHOOL, "cap1", YEAR)),
        (Register(SCHOOL, "1ere", NEXT), StudentLevelChanged(SCHOOL, "1ere", NEXT)),
        (Register(SCHOOL, "2nde", NEXT), StudentLevelChanged(SCHOOL, "2nde", NEXT)),
        (Register(SCHOOL, "2nde", YEAR, 2, others=True), GuardiansChanged(2)),
        (Leave("apprenticeship"), StudentLeft(SCHOOL, "2nde", YEAR, "apprenticeship")),
    ],
    ids=[
        "another school",
        "another school in another year",
        "another level",
        "the next year",
        "a year repeated",
        "other guardians",
        "gone",
    ],
)
def test_what_differs_is_said_once(command: Any, fact: Any) -> None:
    assert decided(command, ENROLLED) == [fact]
    again = command if not isinstance(command, Register) else Register(*_bare(command))
    assert decided(again, ENROLLED, fact) == []


def _bare(command: Register) -> tuple[str, str, str, int]:
    return command.school, command.level, command.school_year, command.guardians


def test_nobody_goes_back_to_an_earlier_school_year() -> None:
    later = StudentLevelChanged(SCHOOL, "1ere", NEXT)
    assert decided(HERE, ENROLLED, later) == "earlier-year"
    gone = StudentLeft(SCHOOL, "1ere", NEXT, "unknown")
    assert decided(HERE, ENROLLED, later, gone) == "earlier-year"


def test_what_changes_of_a_student_moves_him_only_where_it_says_so() -> None:
    here, told = after(ENROLLED), Register(SCHOOL, "1ere", NEXT, 2, others=True)
    assert core.changing(here, told, {"prenom": "x"}) == Register(SCHOOL, "2nde", YEAR, 2, True)
    assert core.changing(here, told, {"niveau": "1ERE"}) == told
    assert core.changing(here, told, {"structure": "7"}) == told
    gone = after(ENROLLED, LEFT)
    assert core.changing(gone, told, {"niveau": "1ERE"}) == Leave("unknown")
    assert decided(Leave("unknown"), ENROLLED, LEFT) == []
    assert core.changing(gone, told, {"structure": "7"}) == told


def test_whoever_comes_back_is_enrolled_again() -> None:
    assert decided(HERE, ENROLLED, LEFT) == [ENROLLED]
    back = after(ENROLLED, LEFT, ENROLLED)
    assert (back.enrolled, back.state) == (True, "at-school")


def test_a_reason_that_becomes_known_later_is_said_then_and_no_other_after_it() -> None:
    known = StudentLeft(SCHOOL, "2nde", YEAR, "graduated")
    assert decided(Leave("graduated"), ENROLLED, LEFT) == [known]
    assert decided(Leave("dropped-out"), ENROLLED, LEFT, known) == []
    assert decided(Leave("unknown"), ENROLLED, LEFT) == []
    assert after(ENROLLED, LEFT, known).left_on == after(ENROLLED, LEFT).left_on


def test_whoever_was_never_here_does_not_leave_and_is_not_erased() -> None:
    assert decided(Leave("unknown")) == []
    assert decided(Erase("request")) == []


@pytest.mark.parametrize("past", [[ENROLLED], [ENROLLED, LEFT]], ids=["at school", "gone"])
def test_a_student_is_erased_once_and_his_pseudonym_is_never_used_again(past: list[Any]) -> None:
    erased = StudentErased("request")
    assert decided(Erase("request"), *past) == [erased]
    assert decided(Erase("retention"), *past, erased) == []
    assert decided(HERE, *past, erased) == "erased"
    assert decided(Leave("graduated"), *past, erased) == []
    assert after(*past, erased).state == "erased"


def test_whoever_came_back_before_the_day_was_closed_is_not_erased_for_having_left() -> None:
    day = (DAY + timedelta(days=1)).date().isoformat()
    due, erased = Erase("retention", day), StudentErased("retention")
    assert decided(due, ENROLLED, LEFT) == [erased]
    assert decided(due, ENROLLED, LEFT, ENROLLED) == []
    assert decided(due, ENROLLED, LEFT, ENROLLED, LEFT) == [], "he left anew since"
    assert decided(Erase("retention"), ENROLLED) == [erased], "the list of erasures asks no more"


def test_whatever_order_facts_are_heard_in_a_student_is_where_the_last_one_says() -> None:
    life = said(
        ENROLLED,
        StudentLevelChanged(SCHOOL, "1ere", NEXT),
        StudentMoved(OTHER_SCHOOL, SCHOOL, "1ere", NEXT),
        StudentLeft(OTHER_SCHOOL, "1ere", NEXT, "left-region"),
    )
    for heard in permutations(life):
        state, _ = fold(core.CORE.folding, KEY, heard)
        assert (state.school, state.level, state.school_year) == (OTHER_SCHOOL, "1ere", NEXT)
        assert (state.left, state.left_on) == ("left-region", "2020-09-04")


def test_no_command_and_no_fact_has_room_for_a_name() -> None:
    words = {
        field
        for kind in (Register, Leave, Erase, Student, ENROLLED.__class__, StudentMoved)
        for field in kind.__struct_fields__
    }
    assert not words & {"name", "family_name", "given_name", "ine", "born_on", "postcode"}


@pytest.mark.parametrize(
    ("day", "year"),
    [
        (date(2020, 8, 31), "2019-2020"),
        (date(2020, 9, 1), "2020-2021"),
        (date(2021, 7, 14), "2020-2021"),
    ],
)
def test_a_school_year_begins_in_september(day: date, year: str) -> None:
    assert school_year_of(day) == year
