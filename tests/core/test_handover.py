"""Handover's rules, each a sentence: who leaves, what is offered, signed, released, certified."""

from datetime import UTC, datetime, timedelta
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
    AskReturn,
    Block,
    CallUp,
    Certify,
    CloseDay,
    Enter,
    Entrust,
    ForgetStudent,
    GoOn,
    HandOver,
    MoveHandover,
    MoveStudent,
    NoteRelease,
    NoteStudent,
    Offer,
    OpenCampaign,
    Refurbish,
    Refuse,
    Return,
    Scrap,
    Sign,
    SucceedSchool,
    Unblock,
    Withdraw,
    WriteOff,
    campaign_key,
    school_key,
    student_key,
)
from shared.contracts import handover
from shared.contracts.calendar import day_of
from shared.contracts.enrolment import FINAL_LEVELS, REASONS
from shared.decisions import Claim, Core, Decision, Refusal, Said, fold, play
from tests.builders import DAY, OTHER_SCHOOL, SCHOOL, STUDENTS, a_claim, key_of

POLICY = core.read(Path("deploy/handover-policy.toml").read_text())
CORE = core.core(POLICY)
YEAR, NEXT = "2022-2023", "2023-2024"
OPENS = datetime(2023, 5, 2, 6, tzinfo=UTC)
JUNE = datetime(2023, 6, 20, 8, tzinfo=UTC)
HOUR, DAYS = timedelta(hours=1), timedelta(days=1)
ADA, BOB = STUDENTS[:2]
AT_SCHOOL = f"school:{SCHOOL}"
Past = dict[str, list[Said]]


def asked(
    command: Any, at: datetime = JUNE, *, key: str = "", by: str = AT_SCHOOL, id: str = ""
) -> Claim:
    name = id or f"{type(command).__name__} {at.isoformat()}"
    return a_claim(key or key_of(), command, party=by, id=name, happened_at=at)


def after(past: Past, *claims: Claim, rules: Core = CORE) -> Past:
    """The past, with what was decided on claims and what followed from them."""
    for claim in claims:
        past = _decided(past, claim, rules)
    return past


def _decided(past: Past, claim: Claim, rules: Core) -> Past:
    decided = play(rules, past, claim)
    assert not isinstance(decided, Refusal), decided
    before, past = past, {key: list(life) for key, life in past.items()}
    for key, fact in decided:
        said = Said(fact, claim.happened_at, claim.party, claim.id)
        past.setdefault(key, []).append(said)
    if decided:
        for one in rules.follow(states(before, claim), states(past, claim), claim):
            past = _decided(past, one, rules)
    return past


def states(past: Past, claim: Claim) -> dict[str, Any]:
    names = (claim.subject, *CORE.keys(claim.command))
    return {name: fold(CORE.folding, name, past.get(name, ()))[0] for name in names}


def of(past: Past, key: str = "") -> Any:
    return fold(CORE.folding, key or key_of(), past.get(key or key_of(), ()))[0]


def only(past: Past, key: str = "") -> tuple[str, core.Handover]:
    ((number, one),) = of(past, key).handovers.items()
    return number, one


def facts(decision: Decision) -> list[Any]:
    assert not isinstance(decision, Refusal), decision
    return [fact for _, fact in decision]


def refused(decision: Decision) -> str:
    assert isinstance(decision, Refusal), decision
    return decision.code


def given(student: str | None = ADA, at: datetime = DAY, **more: Any) -> Claim:
    told = Entrust(student, SCHOOL, AT_SCHOOL, f"given {at.isoformat()}")
    return asked(told, at, by="delivery", **more)


def noted(level: str, year: str = YEAR, at: datetime = DAY, **more: Any) -> Claim:
    told = {"school": SCHOOL, "left": None} | more
    command = NoteStudent(level=level, school_year=year, **told)
    return asked(command, at, key=student_key(ADA), by="enrolment")


def left(reason: str, at: datetime = JUNE) -> Claim:
    return noted("term", left=reason, at=at)


def campaign(year: str = YEAR, **changes: Any) -> Claim:
    terms: dict[str, Any] = {
        "legal_basis": "CG3P",
        "deliberation": "22CP-1",
        "residual_value_cents": 0,
    }
    opening: dict[str, Any] = {"campaign": f"c{year}", "school_year": year, "opens_at": OPENS}
    opening |= terms | changes
    return asked(OpenCampaign(**opening), OPENS, key=campaign_key(year), by="region")


def called(year: str = YEAR) -> Claim:
    return asked(CallUp(year), OPENS, key=student_key(ADA), by="region")


KNOWN = after(
    {},
    asked(Enter("HP 245 G8"), DAY, by="ordering"),
    asked(Acquire(), DAY, by="ordering"),
    given(at=DAY),
    noted("term", at=DAY),
)
OPEN = after(KNOWN, campaign(), called())
NUMBER, _ = only(OPEN)


def offer(at: datetime = JUNE, minor: bool = False) -> Claim:
    return asked(Offer(NUMBER, minor, YEAR), at)


def sign(at: datetime = JUNE, minor: bool = False, guardian: bool = False) -> Claim:
    return asked(Sign(NUMBER, minor, at, at if guardian else None), at)


def release(name: str, failure: str = "", at: datetime = JUNE) -> Claim:
    return asked(NoteRelease(NUMBER, name, failure), at, by="management", id=f"{name} {at}")


SIGNED = after(OPEN, offer(), sign())
RELEASED = after(SIGNED, *(release(name) for name in handover.RELEASES))
CERTIFIED = after(RELEASED, asked(Certify(NUMBER, YEAR)))
HANDED_OVER = after(CERTIFIED, asked(HandOver(NUMBER, YEAR)))
ASKED_BACK = after(OPEN, asked(Refuse(NUMBER)))


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


# -- what stands in the way


@pytest.mark.parametrize("cause", core.CAUSES)
def test_what_is_open_stands_in_the_way_and_unblocks_by_itself(cause: str) -> None:
    blocked = after(OPEN, asked(Block(cause, "1", "desk:metz", "i1"), JUNE - HOUR))
    assert of(blocked).blocked_by == (cause,)
    assert refused(play(CORE, blocked, offer())) == "blocked"
    own = cause if cause == "loan" else None
    free = after(blocked, asked(Unblock("1", own, "desk:metz", "r1"), JUNE - HOUR / 2))
    assert facts(play(CORE, free, offer())) == [handover.HandoverOffered(NUMBER, minor=False)]


def test_a_closed_case_does_not_end_the_loan_that_is_still_out() -> None:
    told = (asked(Block(cause, "1", "d", cause), JUNE - HOUR) for cause in ("repair", "loan"))
    past = after(OPEN, *told, asked(Unblock("1", None, "d", "r"), JUNE))
    assert of(past).blocked_by == ("loan",)


def test_what_was_open_before_the_campaign_blocks_too() -> None:
    past = after(KNOWN, asked(Block("repair", "1", "d", "i"), DAY + HOUR), campaign(), called())
    assert refused(play(CORE, past, offer())) == "blocked"


def test_an_incident_that_was_withdrawn_stands_in_nobodys_way() -> None:
    blocked = after(OPEN, asked(Block("theft", "1", "desk:metz", "i1"), JUNE - HOUR))
    past = after(blocked, asked(Withdraw("desk:metz", "i1"), JUNE))
    assert of(past).blocked_by == ()
    assert play(CORE, past, asked(Withdraw("desk:metz", "i1"))) == ()


@pytest.mark.parametrize(
    ("past", "command"),
    [(RELEASED, Certify(NUMBER, YEAR)), (CERTIFIED, HandOver(NUMBER, YEAR))],
    ids=["released", "certified"],
)
def test_what_breaks_after_the_signature_holds_the_rest_back(past: Past, command: Any) -> None:
    blocked = after(past, asked(Block("repair", "1", "d", "i"), JUNE + HOUR))
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


# -- back


def back(brought: str = "", at: datetime = JUNE + DAYS) -> Claim:
    return replace(asked(Return(NUMBER, brought or key_of()), at), report=True)


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


def test_a_stolen_laptop_that_is_not_found_is_written_off_and_a_whole_one_is_not() -> None:
    write_off = asked(WriteOff(NUMBER, "Mme X"), by="region")
    assert refused(play(CORE, OPEN, write_off)) == "it-is-opened"
    stolen = after(OPEN, asked(Block("theft", "1", "d", "i"), JUNE - HOUR))
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
    past = after(OPEN, asked(Withdraw(AT_SCHOOL, f"given {DAY.isoformat()}"), JUNE))
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


def test_who_is_called_up_after_a_school_closed_is_its_successors() -> None:
    move = asked(MoveStudent(SCHOOL, OTHER_SCHOOL), key=student_key(ADA), by="region")
    past = after(KNOWN, move, campaign(), called())
    assert only(past)[1].school == OTHER_SCHOOL
    assert only(after(OPEN, move))[1].school == OTHER_SCHOOL
    assert play(CORE, past, move) == ()


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
