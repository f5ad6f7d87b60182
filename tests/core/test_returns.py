"""Handover's rules of what comes back, and of schools that close."""

from datetime import datetime

import pytest
from msgspec.structs import replace

from services.handover.core import (
    AskReturn,
    Block,
    CloseDay,
    MoveHandover,
    MoveStudent,
    Refurbish,
    Return,
    Scrap,
    SucceedSchool,
    Withdraw,
    WriteOff,
    school_key,
    student_key,
)
from shared.contracts.calendar import day_of
from shared.decisions import Claim, play
from tests.builders import DAY, OTHER_SCHOOL, SCHOOL, key_of
from tests.core.handovers import (
    ADA,
    ASKED_BACK,
    AT_SCHOOL,
    BOB,
    CORE,
    DAYS,
    HANDED_OVER,
    HOUR,
    JUNE,
    KNOWN,
    NUMBER,
    OPEN,
    SIGNED,
    Past,
    after,
    asked,
    called,
    campaign,
    facts,
    given,
    noted,
    of,
    offer,
    only,
    refused,
    told,
)

THIRD = "0670002B"

# -- back


def back(brought: str = "", at: datetime = JUNE + DAYS) -> Claim:
    return replace(asked(Return(NUMBER, brought or key_of()), at), report=True)


def day(number: int) -> Claim:
    return asked(CloseDay(day_of(JUNE) + number * DAYS), JUNE + number * DAYS, by="clock")


def test_a_laptop_that_came_back_is_the_schools_again() -> None:
    past = after(ASKED_BACK, back())
    assert (only(past)[1].state, of(past).student) == ("returned", None)


def test_another_laptop_than_the_recorded_one_is_kept_and_listed_and_ends_nothing() -> None:
    past = after(ASKED_BACK, back("hp/OTHER1"))
    assert (only(past)[1].state, only(past)[1].brought) == ("return-asked", "hp/OTHER1")
    assert only(after(past, back(at=JUNE + 2 * DAYS)))[1].state == "returned"


@pytest.mark.parametrize("past", [OPEN, SIGNED, HANDED_OVER], ids=["open", "signed", "ceded"])
def test_a_return_is_never_refused_for_state(past: Past) -> None:
    assert only(after(past, back()))[1].state == "returned"


def test_what_came_back_is_refurbished_or_scrapped_under_a_tracking_form() -> None:
    past = after(ASKED_BACK, back())
    at = JUNE + 2 * DAYS
    assert only(after(past, asked(Refurbish(NUMBER), at)))[1].state == "refurbished"
    scrapped = after(past, asked(Scrap(NUMBER, "BSD-7"), at))
    assert (only(scrapped)[1].state, only(scrapped)[1].tracking_form) == ("scrapped", "BSD-7")
    assert refused(play(CORE, scrapped, asked(Refurbish(NUMBER), at))) == "it-is-scrapped"
    assert refused(play(CORE, ASKED_BACK, asked(Refurbish(NUMBER), at))) == "it-is-return-asked"


def test_a_return_is_reminded_twice_late_once_and_written_off() -> None:
    past, told = ASKED_BACK, []
    for number in range(40):
        day = day_of(JUNE) + number * DAYS
        claim = asked(CloseDay(day), JUNE + number * DAYS, by="clock")
        told += [(number, type(fact).__name__) for fact in facts(play(CORE, past, claim))]
        past = after(past, claim)
    assert told == [(16, "ReturnReminded"), (27, "ReturnReminded"), (31, "ReturnOverdue")]
    past = after(past, asked(WriteOff(NUMBER, "Mme X"), JUNE + 50 * DAYS, by="region"))
    assert only(past)[1].state == "written-off"


def test_a_return_may_be_put_off_even_when_it_is_late_and_is_reminded_of_anew() -> None:
    late = after(ASKED_BACK, *(day(number) for number in range(35)))
    assert (only(late)[1].state, only(late)[1].reminded) == ("return-overdue", 2)
    put_off = asked(AskReturn(NUMBER, day_of(JUNE) + 90 * DAYS), JUNE + 36 * DAYS)
    past = after(late, put_off)
    assert (only(past)[1].state, only(past)[1].reminded) == ("return-asked", 0)
    told = [fact for number in range(37, 95) for fact in facts(play(CORE, past, day(number)))]
    assert {type(fact).__name__ for fact in told} == {"ReturnReminded", "ReturnOverdue"}
    sooner = asked(AskReturn(NUMBER, day_of(JUNE) + 36 * DAYS), JUNE + 36 * DAYS)
    assert only(after(late, put_off, sooner))[1].due_on == day_of(JUNE) + 36 * DAYS


def test_a_stolen_laptop_that_is_not_found_is_written_off_and_a_whole_one_is_not() -> None:
    write_off = asked(WriteOff(NUMBER, "Mme X"), by="region")
    assert refused(play(CORE, OPEN, write_off)) == "it-is-opened"
    stolen = after(OPEN, told(Block("theft", "1"), "d i", JUNE - HOUR))
    assert only(after(stolen, write_off))[1].state == "written-off"


def test_a_return_may_be_asked_of_whoever_has_not_been_given_it_for_good() -> None:
    past = after(OPEN, asked(AskReturn(NUMBER)))
    assert only(past)[1].state == "return-asked"
    late = AskReturn(NUMBER, day_of(JUNE) - DAYS)
    assert refused(play(CORE, OPEN, asked(late))) == "due-before"
    assert refused(play(CORE, HANDED_OVER, asked(AskReturn(NUMBER)))) == "it-is-handed-over"


def test_what_delivery_puts_back_into_stock_came_back() -> None:
    past = after(ASKED_BACK, given(None, JUNE + DAYS))
    assert only(past)[1].state == "returned"
    assert only(after(OPEN, given(None, JUNE)))[1].state == "cancelled"


def test_a_laptop_that_another_has_now_is_handed_over_to_nobody_before() -> None:
    past = after(OPEN, offer(), given(BOB, JUNE + DAYS))
    assert (only(past)[1].state, only(past)[1].cancelled_for) == ("cancelled", "not-theirs")
    late = after(OPEN, given(BOB, DAY - DAYS))  # an older hand-out, heard late
    assert only(late)[1].state == "opened"


def test_a_hand_out_that_was_withdrawn_opens_nothing() -> None:
    past = after(OPEN, asked(Withdraw(f"delivery: {AT_SCHOOL} given {DAY.isoformat()}"), JUNE))
    assert (of(past).student, only(past)[1].state) == (None, "cancelled")


# -- schools that close


def test_what_a_closed_school_has_to_do_its_successor_does() -> None:
    succeed = asked(SucceedSchool(OTHER_SCHOOL), key=school_key(SCHOOL), by="region")
    past = after(ASKED_BACK, succeed, asked(MoveHandover(SCHOOL, OTHER_SCHOOL), by="region"))
    assert only(past)[1].school == OTHER_SCHOOL
    later = after(past, noted("term", at=JUNE + DAYS))
    assert of(later, student_key(ADA)).school == OTHER_SCHOOL
    assert play(CORE, past, succeed) == ()
    itself = asked(SucceedSchool(SCHOOL), key=school_key(SCHOOL), by="region")
    assert refused(play(CORE, {}, itself)) == "same-school"


def closed(school: str, successor: str, at: datetime = JUNE) -> Claim:
    return asked(SucceedSchool(successor), at, key=school_key(school), by="region")


def test_of_schools_that_close_one_after_the_other_the_last_does_it_all() -> None:
    later_first = after({}, closed(OTHER_SCHOOL, THIRD), closed(SCHOOL, OTHER_SCHOOL))
    # Whoever closes a school says it of those that it followed, too.
    earlier = after({}, closed(SCHOOL, OTHER_SCHOOL), closed(OTHER_SCHOOL, THIRD))
    earlier_first = after(earlier, closed(SCHOOL, THIRD, JUNE + HOUR))
    for past in (later_first, earlier_first):
        assert of(past, school_key(SCHOOL)).successor == THIRD
        known = after(past, noted("term", at=JUNE + DAYS), given(at=JUNE + DAYS), campaign())
        assert of(known, student_key(ADA)).school == THIRD
        assert only(after(known, called()))[1].school == THIRD
    moves = (
        asked(MoveHandover(SCHOOL, OTHER_SCHOOL), by="region"),
        asked(MoveStudent(SCHOOL, OTHER_SCHOOL), key=student_key(ADA), by="region"),
    )
    for move in moves:
        moved = after(OPEN, closed(OTHER_SCHOOL, THIRD), move)
        assert only(moved)[1].school == THIRD


def test_schools_do_not_follow_each_other() -> None:
    past = after({}, closed(SCHOOL, OTHER_SCHOOL), closed(OTHER_SCHOOL, THIRD, JUNE + HOUR))
    past = after(past, closed(SCHOOL, THIRD, JUNE + HOUR))
    for school in (SCHOOL, OTHER_SCHOOL):
        back = closed(THIRD, school, JUNE + DAYS)
        assert refused(play(CORE, past, back)) == "each-follows-the-other"


def test_who_is_called_up_after_a_school_closed_is_its_successors() -> None:
    move = asked(MoveStudent(SCHOOL, OTHER_SCHOOL), key=student_key(ADA), by="region")
    past = after(KNOWN, move, campaign(), called())
    assert only(past)[1].school == OTHER_SCHOOL
    assert only(after(OPEN, move))[1].school == OTHER_SCHOOL
    assert play(CORE, past, move) == ()
