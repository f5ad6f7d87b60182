"""What is withdrawn, said twice, said late or said at one instant means for a handover."""

from itertools import permutations
from uuid import UUID

import pytest
from msgspec.structs import replace

from services.handover import core
from services.handover.core import (
    AskRelease,
    AskReturn,
    Block,
    CloseDay,
    Entrust,
    Offer,
    Refuse,
    Return,
    Unblock,
    WriteOff,
)
from shared.contracts.calendar import day_of
from shared.decisions import Claim, fold, play
from tests.builders import DAY, SCHOOL, key_of
from tests.core.handovers import (
    ADA,
    ASKED_BACK,
    BOB,
    CERTIFIED,
    CORE,
    DAYS,
    HOUR,
    JUNE,
    KNOWN,
    NEXT,
    NUMBER,
    OPEN,
    POLICY,
    RELEASED,
    SIGNED,
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
    offer,
    only,
    refused,
    release,
    sign,
    told,
    withdrawn,
)


def newest(past: Past) -> core.Handover:
    found: core.Handover = max(of(past).handovers.values(), key=lambda one: one.opened_at)
    return found


# -- withdrawn


@pytest.mark.parametrize("student", [BOB, None], ids=["another", "nobody"])
def test_who_has_the_laptop_after_all_is_offered_it_again(student: str | None) -> None:
    mistyped = given(student, JUNE + HOUR)
    past = after(OPEN, mistyped)
    assert only(past)[1].state == "cancelled"
    past = after(past, withdrawn(mistyped))
    assert (of(past).student, newest(past).student, newest(past).state) == (ADA, ADA, "opened")
    assert len(of(past).handovers) == 2


def test_who_was_called_up_while_another_was_said_to_have_the_laptop_is_offered_it() -> None:
    mistyped = given(BOB, DAY + HOUR)
    past = after(KNOWN, mistyped, campaign(), called(), withdrawn(mistyped))
    assert (only(past)[1].student, only(past)[1].state) == (ADA, "opened")


def test_a_return_goes_with_the_stock_scan_that_it_came_of() -> None:
    scan = given(None, JUNE + HOUR)
    past = after(ASKED_BACK, scan)
    assert only(past)[1].state == "returned"
    past = after(past, withdrawn(scan))
    assert (only(past)[1].state, of(past).student) == ("return-asked", ADA)
    for heard in permutations((scan, withdrawn(scan))):
        assert only(after(ASKED_BACK, *heard))[1].state == "return-asked"


def test_a_return_that_a_person_told_stays_when_a_scan_is_withdrawn() -> None:
    scan = given(None, JUNE + 2 * HOUR)
    back = asked(Return(NUMBER, key_of()), JUNE + HOUR)
    past = after(ASKED_BACK, back, scan, withdrawn(scan, JUNE + 3 * HOUR))
    assert (only(past)[1].state, of(past).student) == ("returned", None)


def test_of_two_handovers_that_live_after_a_withdrawal_the_older_is_cancelled() -> None:
    scan = given(None, JUNE + HOUR)
    past = after(ASKED_BACK, scan, given(ADA, JUNE + 2 * HOUR))
    assert newest(past).state == "opened"
    past = after(past, withdrawn(scan, JUNE + 3 * HOUR))
    states = sorted(one.state for one in of(past).handovers.values())
    assert states == ["cancelled", "opened"]


def test_a_second_word_for_what_stands_in_the_way_holds_when_the_first_is_withdrawn() -> None:
    words = [told(Block("theft", "1"), f"desk:a e{n}", JUNE + n * HOUR) for n in (1, 2)]
    past = after(OPEN, *words, withdrawn(words[0], JUNE + 3 * HOUR))
    assert of(past).blocked_by == ("theft",)
    past = after(past, withdrawn(words[1], JUNE + 4 * HOUR))
    assert of(past).blocked_by == ()
    closed = after(OPEN, *words, told(Unblock("1"), "desk:a e9", JUNE + 5 * HOUR))
    assert of(closed).blocked_by == ()


def test_an_end_that_is_heard_before_its_beginning_is_one() -> None:
    words = (
        told(Block("repair", "1"), "desk:a e1", JUNE),
        told(Unblock("1"), "desk:a e2", JUNE + HOUR),
    )
    for heard in permutations(words):
        assert of(after(OPEN, *heard)).blocked_by == ()


# -- at one instant


def test_who_was_given_a_laptop_at_the_instant_of_its_count_has_it() -> None:
    for number in range(20):
        student = str(UUID(int=number + (1 << 100)))
        words = (
            told(Entrust(None, SCHOOL), "s counted", DAY, by="delivery", id="r"),
            told(Entrust(student, SCHOOL), "s given", DAY, by="delivery", id="h"),
        )
        for heard in permutations(words):
            assert of(after({}, *heard)).student == student


def test_what_is_logged_and_closed_at_one_instant_stands_in_nobodys_way() -> None:
    words = (
        told(Block("repair", "1"), "desk:a e1", JUNE),
        told(Unblock("1"), "desk:a e2", JUNE),
    )
    for heard in permutations(words):
        assert of(after(OPEN, *heard)).blocked_by == ()


# -- releases


RETURN = asked(Return(NUMBER, key_of()), JUNE + DAYS)


@pytest.mark.parametrize("over", [RETURN, given(BOB, JUNE + DAYS)], ids=["returned", "cancelled"])
def test_device_management_is_not_asked_after_the_handover_is_over(over: Claim) -> None:
    failing = after(SIGNED, release("retire", "http-500"))
    assert only(failing)[1].release_due_at == JUNE
    past = after(failing, over)
    assert (only(past)[1].release_due_at, only(past)[1].failing_since) == (None, None)


@pytest.mark.parametrize("cause", core.CAUSES)
def test_no_release_is_asked_while_something_stands_in_the_way(cause: str) -> None:
    block = told(Block(cause, "1"), "desk:a e1", JUNE + HOUR)
    past = after(SIGNED, block)
    assert core.release_due_at(of(SIGNED), only(SIGNED)[1]) == JUNE
    assert core.release_due_at(of(past), only(past)[1]) is None
    by_hand = core.core(replace(POLICY, release=replace(POLICY.release, when_signed=False)))
    past = after(OPEN, offer(), sign(), block, rules=by_hand)
    ask = asked(AskRelease(NUMBER), JUNE + 2 * HOUR)
    assert refused(play(by_hand, past, ask)) == "blocked"


# -- said later


def test_a_reason_that_is_learned_later_is_the_one_that_counts() -> None:
    for past in (OPEN, after(KNOWN, campaign())):
        known = after(past, left("unknown"), left("graduated", JUNE + DAYS))
        assert (newest(known).state, newest(known).leaving) == ("opened", "graduated")
        assert sum(one.live for one in of(known).handovers.values()) == 1


def test_who_comes_back_to_a_final_level_is_offered_the_laptop() -> None:
    past = after(OPEN, left("dropped-out"), noted("term", at=JUNE + DAYS))
    assert newest(past).state == "opened"


@pytest.mark.parametrize("act", [Refuse(NUMBER), AskReturn(NUMBER)], ids=["refused", "asked-back"])
@pytest.mark.parametrize(
    "word",
    [
        left("graduated", JUNE + DAYS),
        noted("2nde", NEXT, JUNE + DAYS),
        noted("term", NEXT, JUNE + DAYS),
    ],
    ids=["graduated", "stays", "repeats"],
)
def test_what_a_person_asked_back_no_word_of_enrolment_cancels(
    act: Refuse | AskReturn, word: Claim
) -> None:
    past = after(OPEN, asked(act), word, campaign(NEXT), called(NEXT))
    assert only(past)[1].state == "return-asked"


@pytest.mark.parametrize(
    ("past", "state"),
    [(SIGNED, "releasing"), (RELEASED, "released"), (CERTIFIED, "certified")],
    ids=["signed", "released", "certified"],
)
@pytest.mark.parametrize(
    "word",
    [
        noted("2nde", NEXT, JUNE + DAYS),
        noted("term", NEXT, JUNE + DAYS),
        left("dropped-out", JUNE + DAYS),
    ],
    ids=["stays", "repeats", "dropped-out"],
)
def test_what_was_signed_no_word_of_enrolment_cancels(past: Past, state: str, word: Claim) -> None:
    later = after(past, word, campaign(NEXT), called(NEXT))
    assert only(later)[1].state == state
    by_hand = after(past, asked(AskReturn(NUMBER), JUNE + DAYS))
    assert only(by_hand)[1].state == "return-asked"


def test_nothing_is_opened_of_what_was_written_off_until_it_is_there_again() -> None:
    stolen = told(Block("theft", "1"), "d i", JUNE - HOUR)
    past = after(OPEN, stolen, asked(WriteOff(NUMBER, "Mme X"), JUNE, by="region"))
    past = after(past, left("graduated", JUNE + DAYS))
    assert only(past)[1].state == "written-off"
    found = after(past, given(ADA, JUNE + 2 * DAYS))
    assert newest(found).state == "opened"


def test_what_no_person_told_holds_no_act_back() -> None:
    moved = asked(core.MoveHandover(SCHOOL, "0670001A"), JUNE, by="region")
    late = after(OPEN, moved, noted("term", at=JUNE))
    assert facts(play(CORE, late, asked(Offer(NUMBER, False, YEAR), JUNE - HOUR)))
    word = after(OPEN, left("unknown"))
    put_off = AskReturn(NUMBER, day_of(JUNE) + 60 * DAYS)
    assert facts(play(CORE, word, asked(put_off, JUNE - HOUR)))
    reminded = after(ASKED_BACK, asked(CloseDay(day_of(JUNE) + 40 * DAYS), JUNE + DAYS, by="clock"))
    assert facts(play(CORE, reminded, asked(put_off, JUNE)))


def test_in_whatever_order_a_life_is_folded_it_ends_the_same() -> None:
    scan = given(None, JUNE + HOUR)
    past = after(ASKED_BACK, scan, given(BOB, JUNE + HOUR), withdrawn(scan))
    life = past[key_of()]
    found = {str(fold(CORE.folding, key_of(), some)[0]) for some in (life, life[::-1])}
    assert len(found) == 1
