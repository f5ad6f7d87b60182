"""Whatever is asked, told and heard of a few laptops, in whatever order: what always holds."""

from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from services.handover import core
from services.handover.core import (
    Accept,
    Acquire,
    AskReturn,
    Block,
    CallUp,
    Certify,
    Entrust,
    GoOn,
    HandOver,
    MoveHandover,
    NoteRelease,
    NoteStudent,
    Offer,
    Refurbish,
    Refuse,
    Return,
    Scrap,
    Sign,
    Unblock,
    Withdraw,
    WriteOff,
    campaign_key,
    student_key,
)
from shared.contracts import handover
from shared.decisions import Claim, Refusal, Said, fold, play
from tests.builders import OTHER_SCHOOL, SCHOOL, STUDENTS, a_claim, key_of
from tests.core.handovers import AT_SCHOOL, CORE, JUNE, OPENS, YEAR, Past, campaign, states

LAPTOPS, PEOPLE = (1, 2), STUDENTS[:2]
LEVELS, REASONS = ("2nde", "term"), (None, "graduated", "dropped-out")

ASKED = (
    Offer,
    Accept,
    Refuse,
    Sign,
    Certify,
    HandOver,
    GoOn,
    AskReturn,
    Refurbish,
    Scrap,
    WriteOff,
)


def acts(number: str, laptop: int) -> list[Any]:
    """Everything that may be asked of a handover."""
    signed = Sign(number, minor=False, student_signed_at=JUNE)
    asked = [Offer(number, False, YEAR), Accept(number), Refuse(number), signed]
    asked += [Certify(number, YEAR), HandOver(number, YEAR), GoOn(number, "bts")]
    asked += [AskReturn(number), Return(number, key_of(laptop)), Return(number, "hp/OTHER1")]
    asked += [Refurbish(number), Scrap(number, "BSD-7"), WriteOff(number, "Mme X")]
    told = [(name, failure) for name in handover.RELEASES for failure in ("", "no-answer")]
    return asked + [NoteRelease(number, *one) for one in told]


NUMBERS = some.sampled_from(range(60))
STEPS = some.lists(some.tuples(NUMBERS, some.integers(0, 400)), max_size=40)


def heard(choice: int, laptop: int) -> tuple[str, Any]:
    """One of the things that others say."""
    student, school = PEOPLE[choice % 2], (SCHOOL, OTHER_SCHOOL)[choice // 2 % 2]
    told: list[tuple[str, Any]] = [
        (key_of(laptop), Acquire()),
        (key_of(laptop), Entrust(student, school)),
        (key_of(laptop), Entrust(None, school)),
        (key_of(laptop), Withdraw(f"{AT_SCHOOL}: {AT_SCHOOL} e{choice // 2}")),
        (key_of(laptop), Block("repair", "1")),
        (key_of(laptop), Unblock("1", None)),
        (key_of(laptop), MoveHandover(school, SCHOOL)),
        (student_key(student), CallUp(YEAR)),
        (student_key(student), NoteStudent(school, LEVELS[choice // 4 % 2], YEAR)),
        (student_key(student), NoteStudent(school, "term", YEAR, REASONS[choice % 3])),
    ]
    return told[choice % len(told)]


def played(steps: list[tuple[int, int]]) -> tuple[Past, list[Claim]]:
    """What came of steps, each chosen by a number: half of them acts on what is there by then."""
    past: Past = {}
    _put(past, campaign())
    taken = []
    for place, (choice, hour) in enumerate(steps):
        laptop = LAPTOPS[choice % 2]
        key, command = heard(choice // 2, laptop)
        if choice % 3:
            found = fold(CORE.folding, key_of(laptop), past.get(key_of(laptop), ()))[0]
            wanted = [one for number in found.handovers for one in acts(number, laptop)]
            if wanted:
                key, command = key_of(laptop), wanted[(choice // 3 + place) % len(wanted)]
        at = OPENS + timedelta(hours=hour + place)
        claim = a_claim(key, command, party=AT_SCHOOL, id=f"s{place}", happened_at=at)
        claim = replace(claim, told_by=f"{AT_SCHOOL} e{choice // 2}")
        _put(past, claim)
        taken.append(claim)
    return past, taken


def _put(past: Past, claim: Claim) -> None:
    """One claim and what follows from it."""
    before = {key: list(life) for key, life in past.items()}
    decided = play(CORE, past, claim)
    if isinstance(decided, Refusal):
        return
    for key, fact in decided:
        said = Said(fact, claim.happened_at, claim.party, claim.id)
        past.setdefault(key, []).append(said)
    if decided:
        following = CORE.follow(states(before, claim), states(past, claim), claim)
        for one in list(following):
            _put(past, one)


@given(STEPS)
def test_nobody_owns_a_laptop_who_did_not_sign_for_it(steps: list[tuple[int, int]]) -> None:
    past, _ = played(steps)
    for number in LAPTOPS:
        now = fold(CORE.folding, key_of(number), past.get(key_of(number), ()))[0]
        for one in now.handovers.values():
            if one.handed_over_at:
                assert one.signed_at
                assert one.certificate
                assert one.released


@given(STEPS)
def test_a_laptop_has_one_handover_at_most_in_which_something_is_to_be_done(
    steps: list[tuple[int, int]],
) -> None:
    past, _ = played(steps)
    for number in LAPTOPS:
        now = fold(CORE.folding, key_of(number), past.get(key_of(number), ()))[0]
        assert sum(one.live for one in now.handovers.values()) <= 1
        assert all(one.state in core.STATES for one in now.handovers.values())
        if now.ceded_to:
            assert now.ceding is not None
            assert now.ceding[1].state in ("handed-over", "in-further-study")


@given(STEPS)
def test_facts_told_in_any_order_and_twice_end_in_the_same_state(
    steps: list[tuple[int, int]],
) -> None:
    past, _ = played(steps)
    for number in LAPTOPS:
        life = past.get(key_of(number), [])
        shuffled = [*life, *life[::2]]
        Random(len(life)).shuffle(shuffled)  # noqa: S311  always the same
        assert fold(CORE.folding, key_of(number), shuffled) == fold(
            CORE.folding, key_of(number), life
        )


@given(STEPS)
def test_nobody_goes_on_with_a_laptop_that_another_owns(steps: list[tuple[int, int]]) -> None:
    past, _ = played(steps)
    for number in LAPTOPS:
        now = fold(CORE.folding, key_of(number), past.get(key_of(number), ()))[0]
        owners = [
            one
            for one in now.handovers.values()
            if one.state in ("handed-over", "in-further-study")
        ]
        assert len(owners) <= 1


@given(STEPS)
def test_certificates_have_no_gap_and_none_is_given_twice(steps: list[tuple[int, int]]) -> None:
    past, _ = played(steps)
    facts = [said.fact for life in past.values() for said in life]
    issued = [one.certificate for one in facts if isinstance(one, handover.CertificateIssued)]
    assert sorted(issued) == [f"{YEAR}-{n:06d}" for n in range(1, len(issued) + 1)]
    counted = past[campaign_key(YEAR)][1:]
    assert sorted(said.fact.certificate for said in counted) == sorted(issued)


@given(STEPS)
def test_what_was_asked_is_asked_again_to_no_effect(steps: list[tuple[int, int]]) -> None:
    past, taken = played(steps)
    for claim in taken[-1:]:
        if isinstance(claim.command, ASKED):
            decided = play(CORE, past, claim)
            assert isinstance(decided, Refusal) or decided == ()


def test_the_steps_reach_every_state() -> None:
    """The tests above would hold of steps that lead nowhere, too."""
    reached = set()
    for seed in range(300):
        chance = Random(seed)  # noqa: S311  always the same
        steps = [(chance.randrange(60), n) for n in range(60)]
        past, _ = played(steps)
        for number in LAPTOPS:
            now = fold(CORE.folding, key_of(number), past.get(key_of(number), ()))[0]
            reached |= {one.state for one in now.handovers.values()}
    assert reached >= {"opened", "offered", "releasing", "return-asked", "returned", "cancelled"}
