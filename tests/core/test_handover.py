"""Handover's rules, each a sentence: who leaves, what is offered, signed, released, certified."""

from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from services.handover import core
from services.handover.core import (
    Accept,
    Acquire,
    AskRelease,
    Block,
    Certify,
    ForgetStudent,
    GoOn,
    HandOver,
    NoteRelease,
    NoteSchool,
    NoteStudent,
    Offer,
    Refuse,
    Sign,
    SucceedSchool,
    Unblock,
    Withdraw,
    campaign_key,
    school_key,
    student_key,
)
from shared.contracts import handover
from shared.contracts.calendar import day_of
from shared.contracts.enrolment import FINAL_LEVELS, REASONS
from shared.decisions import Claim, Refusal, play
from tests.builders import DAY, OTHER_SCHOOL, SCHOOL, STUDENTS, key_of
from tests.core.handovers import (
    ADA,
    ASKED_BACK,
    CERTIFIED,
    CORE,
    DAYS,
    HANDED_OVER,
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
)

# -- who leaves


def test_the_policy_names_the_levels_and_reasons_that_enrolment_says() -> None:
    assert POLICY.leaving.final_levels == FINAL_LEVELS
    assert POLICY.leaving.ceded < {*REASONS}


def test_a_campaign_opens_the_handover_of_who_is_at_a_final_level_once() -> None:
    number, one = only(OPEN)
    assert (one.student, one.school, one.leaving) == (ADA, SCHOOL, "final-level")
    assert (one.campaign, one.state) == (f"c{YEAR}", "opened")
    assert len(number) == 16
    again = after(OPEN, replace(called(), id="again"), noted("term", at=JUNE))
    assert only(again) == (number, one)


@pytest.mark.parametrize("level", ["2nde", "1ere", "cap1"])
def test_a_campaign_leaves_who_goes_on_at_the_lycee_alone(level: str) -> None:
    past = after(KNOWN, noted(level, at=DAY + HOUR), campaign(), called())
    assert of(past).handovers == {}


def test_who_is_heard_of_after_the_campaign_began_is_concerned_too() -> None:
    late = after({}, campaign(), given(at=DAY), noted("term", at=JUNE))
    assert only(late)[1].state == "opened"


def test_a_laptop_that_is_given_to_somebody_who_leaves_is_concerned_too() -> None:
    past = after({}, campaign(), noted("term", at=DAY), given(at=JUNE))
    assert only(past)[1].opened_at == JUNE


def test_in_whatever_order_it_is_heard_the_same_is_opened() -> None:
    told = [campaign(), given(at=DAY), noted("term", at=DAY), called()]
    found = set()
    for heard in permutations(told):
        if heard.index(told[3]) < heard.index(told[0]):
            continue  # nobody is called up before there is a campaign
        number, one = only(after({}, *heard))
        found.add((number, one.student, one.campaign, one.state))
    assert len(found) == 1


def test_who_repeats_the_year_keeps_the_laptop_and_is_called_again_a_year_later() -> None:
    past = after(OPEN, offer(), noted("term", NEXT, at=JUNE + DAYS))
    assert only(past)[1].state == "cancelled"
    assert only(past)[1].cancelled_for == "stays"
    again = after(past, campaign(NEXT), called(NEXT))
    states = [one.state for one in of(again).handovers.values()]
    assert sorted(states) == ["cancelled", "opened"]


def test_who_finished_with_a_diploma_is_offered_the_laptop_as_before() -> None:
    past = after(OPEN, left("graduated"))
    assert only(past)[1].state == "opened"
    assert only(after(KNOWN, left("graduated"), campaign(), called()))[1].leaving == "graduated"


@pytest.mark.parametrize("reason", ["left-region", "dropped-out", "apprenticeship", "unknown"])
def test_who_leaves_without_finishing_is_asked_for_the_laptop_campaign_or_not(reason: str) -> None:
    for past in (KNOWN, OPEN):
        _, one = only(after(past, left(reason)))
        assert (one.state, one.school) == ("return-asked", SCHOOL)
        assert one.due_on == day_of(JUNE) + 30 * DAYS


def test_who_comes_back_to_school_keeps_the_laptop_after_all() -> None:
    past = after(KNOWN, left("dropped-out"), noted("1ere", NEXT, at=JUNE + DAYS))
    assert only(past)[1].state == "cancelled"


def test_who_moves_to_another_school_is_handed_over_there() -> None:
    past = after(OPEN, noted("term", school=OTHER_SCHOOL, at=JUNE))
    assert only(past)[1].school == OTHER_SCHOOL


def test_a_student_is_forgotten_once_and_the_life_stays() -> None:
    forget = asked(ForgetStudent(), key=student_key(ADA), by="enrolment")
    past = after(HANDED_OVER, forget)
    assert of(past, student_key(ADA)).forgotten
    assert play(CORE, past, forget) == ()
    assert only(past)[1].state == "handed-over"


# -- campaigns


def test_a_school_year_has_one_campaign_on_one_set_of_terms() -> None:
    assert play(CORE, OPEN, campaign()) == ()
    assert refused(play(CORE, OPEN, campaign(campaign="another"))) == "year-has-a-campaign"
    assert refused(play(CORE, OPEN, campaign(deliberation="23CP-9"))) == "already-opened"


def test_nothing_is_offered_before_the_campaign_opens() -> None:
    past = after(KNOWN, campaign(opens_at=JUNE + DAYS), called())
    assert refused(play(CORE, past, offer())) == "not-open-yet"
    assert refused(play(CORE, past, asked(Refuse(NUMBER, None, YEAR), JUNE))) == "not-open-yet"


# -- what stands in the way


@pytest.mark.parametrize("cause", core.CAUSES)
def test_what_is_open_stands_in_the_way_and_unblocks_by_itself(cause: str) -> None:
    blocked = after(OPEN, told(Block(cause, "1"), "desk:metz i1", JUNE - HOUR))
    assert of(blocked).blocked_by == (cause,)
    assert refused(play(CORE, blocked, offer())) == "blocked"
    own = cause if cause == "loan" else None
    free = after(blocked, told(Unblock("1", own), "desk:metz r1", JUNE - HOUR / 2))
    assert facts(play(CORE, free, offer())) == [handover.HandoverOffered(NUMBER, minor=False)]


def test_a_closed_case_does_not_end_the_loan_that_is_still_out() -> None:
    both = (told(Block(cause, "1"), f"d {cause}", JUNE - HOUR) for cause in ("repair", "loan"))
    past = after(OPEN, *both, told(Unblock("1", None), "d r", JUNE))
    assert of(past).blocked_by == ("loan",)


def test_what_was_open_before_the_campaign_blocks_too() -> None:
    past = after(KNOWN, told(Block("repair", "1"), "d i", DAY + HOUR), campaign(), called())
    assert refused(play(CORE, past, offer())) == "blocked"


def test_an_incident_that_was_withdrawn_stands_in_nobodys_way() -> None:
    blocked = after(OPEN, told(Block("theft", "1"), "desk:metz i1", JUNE - HOUR))
    past = after(blocked, asked(Withdraw("repairs: desk:metz i1"), JUNE))
    assert of(past).blocked_by == ()
    assert play(CORE, past, asked(Withdraw("repairs: desk:metz i1"))) == ()


@pytest.mark.parametrize(
    ("past", "command"),
    [(RELEASED, Certify(NUMBER, YEAR)), (CERTIFIED, HandOver(NUMBER, YEAR))],
    ids=["released", "certified"],
)
def test_what_breaks_after_the_signature_holds_the_rest_back(past: Past, command: Any) -> None:
    blocked = after(past, told(Block("repair", "1"), "d i", JUNE + HOUR))
    assert refused(play(CORE, blocked, asked(command, JUNE + 2 * HOUR))) == "blocked"


# -- offered, accepted, refused, signed


def test_what_the_region_does_not_own_is_not_offered() -> None:
    past = after({}, campaign(), given(at=DAY), noted("term", at=DAY))
    assert refused(play(CORE, past, offer())) == "not-the-regions"


def test_an_adult_signs_alone_and_the_signature_accepts() -> None:
    told = facts(play(CORE, after(OPEN, offer()), sign()))
    assert told[:2] == [
        handover.HandoverAccepted(NUMBER),
        handover.HandoverSigned(NUMBER, False, JUNE),
    ]
    assert [one.release for one in told[2:]] == ["retire", "delete-identity"]


def test_for_a_minor_a_guardian_signs_too() -> None:
    past = after(OPEN, offer(minor=True))
    assert refused(play(CORE, past, sign(minor=True))) == "guardian-not-signed"
    assert only(after(past, sign(minor=True, guardian=True)))[1].state == "releasing"


def test_a_signature_from_before_there_was_a_handover_is_none() -> None:
    past = after(OPEN, offer(minor=True))
    long_ago = asked(Sign(NUMBER, True, JUNE, DAY))
    assert refused(play(CORE, past, long_ago)) == "signed-before"
    assert refused(play(CORE, past, asked(Sign(NUMBER, False, DAY)))) == "signed-before"


def test_a_minor_who_is_of_age_on_the_day_of_the_signature_signs_alone() -> None:
    past = after(OPEN, offer(minor=True), sign(JUNE + DAYS))
    assert (only(past)[1].minor, only(past)[1].state) == (False, "releasing")


def test_nothing_is_signed_that_was_not_offered_or_is_signed_already() -> None:
    assert refused(play(CORE, OPEN, sign())) == "it-is-opened"
    assert play(CORE, SIGNED, sign(JUNE + HOUR)) == ()


def test_an_act_is_not_dated_before_what_was_told_already() -> None:
    past = after(OPEN, offer(JUNE))
    assert refused(play(CORE, past, sign(JUNE - HOUR))) == "before-the-last-act"
    assert facts(play(CORE, past, sign(JUNE - HOUR / 12))), "clocks differ by some minutes"


def test_what_is_so_already_is_asked_for_nothing_whenever_that_was() -> None:
    for past, act in ((SIGNED, AskRelease(NUMBER)), (ASKED_BACK, Refuse(NUMBER))):
        assert play(CORE, past, asked(act, JUNE - DAYS)) == ()


def test_device_management_has_a_clock_of_its_own() -> None:
    past = after(SIGNED, *(release(name, at=JUNE + HOUR) for name in handover.RELEASES))
    assert facts(play(CORE, past, asked(Certify(NUMBER, YEAR), JUNE)))


def test_who_refuses_is_asked_for_the_laptop() -> None:
    _, one = only(ASKED_BACK)
    assert (one.state, one.due_on) == ("return-asked", day_of(JUNE) + 30 * DAYS)
    assert refused(play(CORE, ASKED_BACK, sign())) == "it-is-return-asked"
    assert play(CORE, ASKED_BACK, asked(Refuse(NUMBER), JUNE + HOUR)) == ()


def test_who_signed_refuses_no_more() -> None:
    assert refused(play(CORE, SIGNED, asked(Refuse(NUMBER), JUNE))) == "it-is-releasing"


def test_an_acceptance_wants_an_offer_and_is_told_once() -> None:
    accept = asked(Accept(NUMBER))
    assert refused(play(CORE, OPEN, accept)) == "it-is-opened"
    past = after(OPEN, offer(), accept)
    assert (only(past)[1].state, play(CORE, past, accept)) == ("accepted", ())


# -- the code given at school


RULE = POLICY.signing


def test_a_code_that_fits_is_used_up() -> None:
    code = core.given("right", JUNE, RULE)
    assert core.tried(code, "right", JUNE, RULE) == (None, None)
    assert core.tried(None, "right", JUNE, RULE)[1] == Refusal(
        "no-code", "no code was given: the school draws one", "/code"
    )


def test_a_code_is_tried_a_few_times_and_then_no_more_even_with_the_right_one() -> None:
    code: core.Code | None = core.given("right", JUNE, RULE)
    codes = []
    for _ in range(RULE.attempts):
        code, why = core.tried(code, "wrong", JUNE, RULE)
        codes.append(why.code if why else "")
    assert codes == ["wrong-code"] * RULE.attempts
    _, why = core.tried(code, "right", JUNE, RULE)
    assert why is not None
    assert why.code == "code-locked"


def test_a_code_is_good_for_three_days() -> None:
    code = core.given("right", JUNE, RULE)
    _, why = core.tried(code, "right", JUNE + timedelta(hours=72, seconds=1), RULE)
    assert why is not None
    assert why.code == "code-expired"


# -- released


def test_a_release_that_fails_is_asked_again_later_and_later_and_the_rest_waits_for_it() -> None:
    past, at, gaps = SIGNED, JUNE, []
    for _ in range(12):
        past = after(past, release("retire", "http-500", at))
        due = only(past)[1].releases["retire"].due_at
        assert due is not None
        gaps.append(due - at)
        at = due
    assert gaps[:3] == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert gaps[-1] == timedelta(hours=6)
    assert (only(past)[1].failing_since, only(past)[1].state) == (JUNE, "releasing")
    assert refused(play(CORE, past, asked(Certify(NUMBER, YEAR), at))) == "it-is-releasing"


def test_after_a_week_of_failing_it_goes_on_by_itself() -> None:
    past = after(SIGNED, release("delete-identity"))
    for day in range(7):
        past = after(past, release("retire", "no-answer", JUNE + day * DAYS))
    past = after(past, release("retire", at=JUNE + 7 * DAYS))
    assert (only(past)[1].state, only(past)[1].failing_since) == ("released", None)
    assert play(CORE, past, release("retire", "no-answer", JUNE + 8 * DAYS)) == ()


def test_where_the_policy_says_so_the_release_is_asked_by_hand() -> None:
    rules = core.core(replace(POLICY, release=replace(POLICY.release, when_signed=False)))
    past = after(OPEN, offer(), sign(), rules=rules)
    assert only(past)[1].state == "signed"
    past = after(past, asked(AskRelease(NUMBER), JUNE), rules=rules)
    assert only(past)[1].state == "releasing"
    assert play(rules, past, asked(AskRelease(NUMBER), JUNE)) == ()


# -- certified, handed over, further study


def test_certificates_are_numbered_without_a_gap_whatever_is_refused_between() -> None:
    past = CERTIFIED
    for number in (2, 3):
        key = key_of(number)
        mine = student_key(STUDENTS[number])
        told = NoteStudent(SCHOOL, "term", YEAR)
        past = after(past, asked(told, DAY, key=mine, by="enrolment"))
        past = after(past, asked(Acquire(), DAY, key=key, by="ordering"))
        past = after(past, given(STUDENTS[number], DAY, key=key))
        other, _ = only(past, key)
        certify = asked(Certify(other, YEAR), key=key)
        assert refused(play(CORE, past, certify)) == "it-is-opened"
        past = after(past, asked(Offer(other, False, YEAR), key=key))
        past = after(past, asked(Sign(other, False, JUNE), key=key))
        for name in handover.RELEASES:
            past = after(past, asked(NoteRelease(other, name), key=key, id=name))
        past = after(past, certify)
        assert play(CORE, past, certify) == ()
    given_out = [said.fact.certificate for said in past[campaign_key(YEAR)][1:]]
    assert given_out == [f"{YEAR}-{number:06d}" for number in (1, 2, 3)]


def test_the_student_owns_it_on_the_terms_of_the_campaign() -> None:
    (told,) = facts(play(CORE, CERTIFIED, asked(HandOver(NUMBER, YEAR))))
    assert told == handover.LaptopHandedOver(NUMBER, ADA, "CG3P", "22CP-1", 0)
    assert of(HANDED_OVER).ceded_to == ADA
    assert play(CORE, HANDED_OVER, asked(HandOver(NUMBER, YEAR))) == ()
    assert refused(play(CORE, RELEASED, asked(HandOver(NUMBER, YEAR)))) == "it-is-released"


def test_where_ownership_moves_at_hand_out_it_moves_then_and_once() -> None:
    rules = core.core(replace(POLICY, cession=replace(POLICY.cession, ownership=core.AT_HAND_OUT)))
    told = (given(at=DAY), asked(Acquire(), DAY, by="ordering"), noted("term", at=DAY))
    for heard in permutations(told):
        past = after({}, *heard, campaign(), called(), rules=rules)
        assert of(past).ceded_to == ADA
        said = [one.fact for one in past[key_of()]]
        assert sum(isinstance(one, handover.LaptopHandedOver) for one in said) == 1
        ((number, one),) = [pair for pair in of(past).handovers.items() if pair[1].campaign]
        assert one.state == "opened"
        dropped = after(past, left("dropped-out"), rules=rules)
        assert of(dropped).handovers[number].asked_back_at is None


def test_further_study_is_told_of_what_is_the_students() -> None:
    past = after(HANDED_OVER, asked(GoOn(NUMBER, "bts")))
    assert (only(past)[1].state, only(past)[1].institution) == ("in-further-study", "bts")
    assert only(after(past, asked(GoOn(NUMBER, "iut"), JUNE + DAYS)))[1].institution == "iut"
    assert refused(play(CORE, CERTIFIED, asked(GoOn(NUMBER, "bts")))) == "it-is-certified"


# -- the policy


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("deliberation =", "# deliberation ="),
        ("legal_basis =", "# legal_basis ="),
        ("residual_value_cents = 0", "residual_value_cents = -1"),
        ('ownership = "at-end"', 'ownership = "never"'),
        ("digits = 6", "digits = 3"),
        ("days = 30", "days = 0"),
    ],
)
def test_a_policy_that_says_not_what_it_must_is_refused(line: str, instead: str) -> None:
    text = Path("deploy/handover-policy.toml").read_text()
    assert line in text
    with pytest.raises(ValueError, match=r"\w"):
        core.read(text.replace(line, instead, 1))


# -- what a school is called

HERE = school_key(SCHOOL)


def listed(name: str, at: datetime) -> Claim:
    return asked(NoteSchool(name, "Strasbourg"), at, key=HERE, by="ordering")


def test_a_school_is_called_as_its_newest_entry_says_in_whatever_order_entries_are_told() -> None:
    entries = [
        listed("Lycée Kléber", DAY),
        listed("Lycée Marc Bloch", DAY + HOUR),
        listed("Lycée Kléber", DAY + DAYS),
    ]
    called = {of(after({}, *told), HERE).name for told in permutations(entries)}
    assert called == {"Lycée Kléber"}


def test_an_entry_that_is_told_again_says_nothing_new() -> None:
    past = after({}, listed("Lycée Kléber", DAY))
    assert facts(play(CORE, past, listed("Lycée Kléber", DAY))) == []
    assert facts(play(CORE, past, listed("Lycée Kléber", DAY - HOUR))) == []


def test_a_school_keeps_its_name_when_another_follows_it_and_its_follower_when_it_is_renamed() -> (
    None
):
    closed = asked(SucceedSchool(OTHER_SCHOOL), key=HERE, by="region")
    for heard in permutations([listed("Lycée Kléber", DAY), closed]):
        now = of(after({}, *heard), HERE)
        assert (now.name, now.town, now.successor) == ("Lycée Kléber", "Strasbourg", OTHER_SCHOOL)
