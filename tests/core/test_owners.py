"""Handover's rules of whose a laptop is, each a sentence: nobody is given what another owns."""

from datetime import datetime
from itertools import permutations

import pytest
from msgspec.structs import replace

from services.handover import core
from services.handover.core import (
    Acquire,
    Certify,
    Entrust,
    HandOver,
    NoteStudent,
    Offer,
    Return,
    Sign,
    campaign_key,
    student_key,
)
from shared.contracts import handover
from shared.decisions import Claim, play
from tests.builders import DAY, OTHER_SCHOOL, SCHOOL, key_of
from tests.core.handovers import (
    ADA,
    ASKED_BACK,
    BOB,
    CERTIFIED,
    CORE,
    DAYS,
    HANDED_OVER,
    HOUR,
    JUNE,
    NEXT,
    NUMBER,
    POLICY,
    YEAR,
    Past,
    after,
    asked,
    called,
    campaign,
    facts,
    given,
    left,
    noted,
    of,
    only,
    refused,
    release,
    told,
    withdrawn,
)


def of_bob(level: str = "term", year: str = YEAR, **more: str) -> Claim:
    command = NoteStudent(SCHOOL, level, year, **more)
    return asked(command, DAY, key=student_key(BOB), by="enrolment")


def back(at: datetime = JUNE + DAYS) -> Claim:
    return asked(Return(NUMBER, key_of()), at, id=f"back {at}")


# -- ceded once


def test_a_ceded_laptop_is_not_ceded_again_when_its_student_graduates() -> None:
    past = after(HANDED_OVER, left("graduated", JUNE + DAYS))
    assert only(past)[1].state == "handed-over"


def test_a_ceded_laptop_is_not_ceded_again_to_who_repeats_the_year() -> None:
    past = after(HANDED_OVER, noted("term", NEXT, JUNE + DAYS), campaign(NEXT), called(NEXT))
    assert only(past)[1].state == "handed-over"


@pytest.mark.parametrize("reason", [None, "graduated", "dropped-out"])
def test_what_is_anothers_is_neither_offered_nor_asked_back(reason: str | None) -> None:
    known = of_bob(**({"left": reason} if reason else {}))
    past = after(HANDED_OVER, known, given(BOB, JUNE + DAYS))
    assert only(past)[1].state == "handed-over"
    assert of(past).ceded_to == ADA
    late = after(HANDED_OVER, given(BOB, JUNE + DAYS), known)
    assert only(late)[1].state == "handed-over"


def test_no_act_goes_on_with_a_laptop_that_another_owns() -> None:
    bobs = core.number_of(key_of(), BOB, YEAR, 1)
    opened = handover.HandoverOpened(bobs, BOB, SCHOOL, "final-level", f"c{YEAR}", YEAR)
    said = replace(HANDED_OVER[key_of()][-1], fact=opened, happened_at=JUNE + DAYS)
    past = HANDED_OVER | {key_of(): [*HANDED_OVER[key_of()], said]}
    offer = asked(Offer(bobs, False, YEAR), JUNE + DAYS)
    assert refused(play(CORE, past, offer)) == "owned-by-another"


# -- at hand-out


AT_HAND_OUT = core.core(
    replace(POLICY, cession=replace(POLICY.cession, ownership=core.AT_HAND_OUT))
)
RECEIVED = given(None, DAY - HOUR)
THEIRS = after({}, RECEIVED, asked(Acquire(), DAY, by="ordering"), given(at=DAY), rules=AT_HAND_OUT)


def test_a_hand_out_that_is_withdrawn_gives_the_region_its_laptop_back() -> None:
    assert of(THEIRS).ceded_to == ADA
    past = after(THEIRS, withdrawn(given(at=DAY)), rules=AT_HAND_OUT)
    assert (of(past).student, of(past).ceded_to) == (None, None)
    assert handover.LaptopReturned in {type(said.fact) for said in past[key_of()]}


def test_a_hand_out_of_what_was_in_no_stock_is_withdrawn_all_the_same() -> None:
    past = after({}, asked(Acquire(), DAY), given(at=DAY), rules=AT_HAND_OUT)
    past = after(past, withdrawn(given(at=DAY)), rules=AT_HAND_OUT)
    assert (of(past).student, of(past).ceded_to, only(past)[1].state) == (None, None, "cancelled")


def test_what_is_put_back_into_stock_is_the_regions_again() -> None:
    stock = given(None, JUNE)
    past = after(THEIRS, stock, rules=AT_HAND_OUT)
    assert (of(past).ceded_to, only(past)[1].state) == (None, "returned")
    again = after(past, withdrawn(stock, JUNE + HOUR), rules=AT_HAND_OUT)
    assert (of(again).student, of(again).ceded_to) == (ADA, ADA)
    next_one = after(past, given(BOB, JUNE + DAYS), rules=AT_HAND_OUT)
    assert of(next_one).ceded_to == BOB


def test_a_mistyped_hand_out_moves_ownership_there_and_back() -> None:
    mistyped = given(BOB, JUNE)
    past = after(THEIRS, mistyped, rules=AT_HAND_OUT)
    assert of(past).ceded_to == BOB
    past = after(past, withdrawn(mistyped, JUNE + HOUR), rules=AT_HAND_OUT)
    assert (of(past).student, of(past).ceded_to) == (ADA, ADA)


def test_the_end_of_a_handover_is_said_whoever_owns_the_laptop_already() -> None:
    past = after(THEIRS, noted("term", at=DAY), campaign(), called(), rules=AT_HAND_OUT)
    ((number, _),) = [pair for pair in of(past).handovers.items() if pair[1].campaign]
    steps = [Offer(number, False, YEAR), Sign(number, False, JUNE)]
    past = after(past, *map(asked, steps), rules=AT_HAND_OUT)
    for name in handover.RELEASES:
        past = after(past, asked(core.NoteRelease(number, name), id=name), rules=AT_HAND_OUT)
    past = after(past, asked(Certify(number, YEAR)), rules=AT_HAND_OUT)
    study = after(past, asked(core.GoOn(number, "bts")), rules=AT_HAND_OUT)
    scanned = after(study, given(None, JUNE + DAYS), rules=AT_HAND_OUT)
    assert of(scanned).ceded_to == ADA, "who went on with it keeps it, whatever is scanned"
    past = after(past, asked(HandOver(number, YEAR)), rules=AT_HAND_OUT)
    one = of(past).handovers[number]
    assert (one.state, one.live, one.handed_over_at) == ("handed-over", False, JUNE)
    assert play(AT_HAND_OUT, past, asked(HandOver(number, YEAR), JUNE + HOUR)) == ()
    again = after(past, left("graduated", JUNE + DAYS), rules=AT_HAND_OUT)
    assert len(of(again).handovers) == len(of(past).handovers)
    mistyped = after(past, given(BOB, JUNE + DAYS), rules=AT_HAND_OUT)
    assert of(mistyped).ceded_to == ADA, "it was ceded for good: a scan moves nothing"


# -- back


def sold_to_bob() -> tuple[Past, str]:
    """Ada's laptop came back, was given to Bob, and is his own a year later."""
    year = JUNE + 365 * DAYS
    past = after(ASKED_BACK, back(), of_bob(year=NEXT), given(BOB, JUNE + 81 * DAYS))
    call = asked(core.CallUp(NEXT), JUNE + 300 * DAYS, key=student_key(BOB), by="region")
    past = after(past, campaign(NEXT), call)
    (number,) = [name for name, one in of(past).handovers.items() if one.state == "opened"]
    past = after(past, asked(Offer(number, False, NEXT), year))
    past = after(past, asked(Sign(number, False, year), year))
    for name in handover.RELEASES:
        past = after(past, asked(core.NoteRelease(number, name), year, id=name))
    past = after(past, asked(Certify(number, NEXT), year), asked(HandOver(number, NEXT), year))
    return past, number


def test_an_older_handovers_return_takes_a_laptop_from_nobody() -> None:
    past, number = sold_to_bob()
    assert of(past).ceded_to == BOB
    late = back(JUNE + 366 * DAYS)
    assert facts(play(CORE, past, late)) == [handover.OtherLaptopReturned(NUMBER, key_of())]
    past = after(past, late)
    assert (of(past).student, of(past).ceded_to) == (BOB, BOB)
    assert of(past).handovers[number].state == "handed-over"
    assert of(past).handovers[NUMBER].brought == key_of()


def test_a_return_that_is_told_late_is_one_if_it_was_before_another_had_the_laptop() -> None:
    past = after(ASKED_BACK, given(BOB, JUNE + 2 * DAYS), back(JUNE + DAYS))
    assert (of(past).handovers[NUMBER].state, of(past).student) == ("returned", BOB)


def test_who_owns_a_laptop_and_where_its_handover_stands_agree_in_every_order() -> None:
    hand_over, early = asked(HandOver(NUMBER, YEAR)), back(JUNE - HOUR)
    for heard in permutations((hand_over, early)):
        if heard[0] is early:
            continue  # what came back is handed over to nobody
        past = after(CERTIFIED, *heard)
        assert (only(past)[1].state, of(past).ceded_to) == ("handed-over", ADA)
    past = after(HANDED_OVER, back(JUNE + HOUR))
    assert (only(past)[1].state, of(past).ceded_to) == ("returned", None)


def test_a_release_is_still_told_of_what_came_back() -> None:
    past = after(ASKED_BACK, back(), release("retire"))
    assert only(past)[1].state == "returned"


def test_a_swapped_laptop_that_was_asked_back_did_not_come_back_to_the_school() -> None:
    swapped = told(Entrust(None, None), "desk:a s1", JUNE + DAYS, by="delivery")
    past = after(ASKED_BACK, swapped)
    assert (only(past)[1].state, only(past)[1].cancelled_for) == ("cancelled", "not-theirs")
    elsewhere = told(Entrust(None, OTHER_SCHOOL), "s s1", JUNE + DAYS, by="delivery")
    assert only(after(ASKED_BACK, elsewhere))[1].state == "returned"


def test_certificates_are_counted_in_the_year_of_the_cession_alone() -> None:
    past, _ = sold_to_bob()
    assert of(past, campaign_key(NEXT)).certificates == 1
    assert of(past, campaign_key(YEAR)).certificates == 0
