"""Ordering's rules for what schools need, and for orders made of it."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from services.ordering import core
from services.ordering.core import (
    Lot,
    NoteScrapped,
    NoteStock,
    OrderNeeds,
    SetSpareShare,
    StateNeed,
)
from shared.contracts.ordering import (
    NeedsOrdered,
    NeedStated,
    OrderLine,
    OrderPlaced,
    SchoolListed,
    SpareShareSet,
)
from shared.decisions import Claim, Decision, Refusal, Said, fold, play
from tests.builders import DAY, OTHER_SCHOOL, SCHOOL, a_claim, key_of

Past = dict[str, list[Said]]
YEAR, CAMPAIGN, ORDER = "2020-2021", "campaign:2020-2021", "order:BC1"
ENTRY = ("Lycée Fustel", "LEGT", "public", "Strasbourg", "67", "67482", "Strasbourg", "67000")
ALL = Lot("L1", "HP 245 G8", "region")


def listed() -> Past:
    entry = Said(SchoolListed(*ENTRY), DAY, "region", "")
    return {f"school:{uai}": [entry] for uai in (SCHOOL, OTHER_SCHOOL)}


def after(past: Past, *commands: Any) -> Past:
    for command in commands:
        claim = asked(command)
        decided = play(core.CORE, past, claim)
        assert not isinstance(decided, Refusal), decided
        past = {key: list(life) for key, life in past.items()}
        for key, fact in decided:
            past.setdefault(key, []).append(Said(fact, DAY, "region", claim.id))
    return past


def asked(command: Any) -> Claim:
    return a_claim(ORDER if isinstance(command, OrderNeeds) else CAMPAIGN, command)


def need(
    newcomers: int, back: int | None = 0, decided: int | None = None, uai: str = SCHOOL
) -> StateNeed:
    return StateNeed(uai, newcomers, back, decided)


def order(*lots: Lot) -> OrderNeeds:
    return OrderNeeds(YEAR, "region", "hexalog", lots or (ALL,))


def campaign(past: Past) -> core.Campaign:
    found: core.Campaign = fold(core.CORE.folding, CAMPAIGN, past.get(CAMPAIGN, ()))[0]
    return found


def refused(decision: Decision) -> tuple[str, str]:
    assert isinstance(decision, Refusal), decision
    return decision.code, decision.field


# -- computing


@pytest.mark.parametrize(
    ("newcomers", "share", "back", "computed"),
    [
        (100, 0.05, 0, 105),
        (100, 0.05, 12, 93),
        (101, 0.05, 0, 107),  # 5.05 in reserve are six
        (20, 0.05, 0, 21),  # and one is one
        (0, 0.05, 0, 0),
        (10, 0.0, 0, 10),
        (10, 0.05, 40, 0),  # more came back than is needed
    ],
)
def test_a_school_needs_newcomers_and_a_share_in_reserve_without_what_came_back(
    newcomers: int, share: float, back: int, computed: int
) -> None:
    now = campaign(after(listed(), SetSpareShare(share), need(newcomers, back)))
    assert core.needed(now, SCHOOL) == computed


@given(some.integers(0, 100_000), some.integers(0, 10_000))
def test_the_reserve_is_the_share_rounded_up_and_never_one_too_many(count: int, parts: int) -> None:
    reserve = core.spare(count, parts / 10_000)
    assert 0 <= reserve * 10_000 - count * parts < 10_000


def test_what_a_person_decided_stands_in_the_place_of_what_is_computed() -> None:
    now = campaign(after(listed(), need(100, decided=90)))
    assert (core.needed(now, SCHOOL), core.computed(now.needs[SCHOOL], now.spare_share)) == (
        90,
        105,
    )


# -- stating


def test_a_need_is_stated_for_a_school_that_is_listed() -> None:
    assert play(core.CORE, listed(), asked(need(100, 3))) == (
        (CAMPAIGN, NeedStated(SCHOOL, 100, 3, None, 1)),
    )
    assert refused(play(core.CORE, {}, asked(need(100)))) == ("unknown-school", "/uai")


def test_the_same_need_and_the_same_share_say_nothing() -> None:
    past = after(listed(), SetSpareShare(0.1), need(100))
    assert play(core.CORE, past, asked(need(100))) == ()
    assert play(core.CORE, past, asked(SetSpareShare(0.1))) == ()


def test_a_share_that_is_set_to_what_it_was_by_default_is_said_all_the_same() -> None:
    assert play(core.CORE, {}, asked(SetSpareShare(0.05))) == ((CAMPAIGN, SpareShareSet(0.05, 1)),)


@given(some.permutations([0, 1, 2]))
def test_the_last_word_holds_in_whatever_order_words_of_one_instant_are_folded(
    turned: list[int],
) -> None:
    past = after(listed(), need(100), need(120), need(110, decided=7))
    words = [past[CAMPAIGN][number] for number in turned]
    assert campaign({CAMPAIGN: words}).needs[SCHOOL] == core.Need(110, 0, 7, 3)


# -- ordering


def test_an_order_of_all_needs_has_a_line_for_each_school_named_by_it() -> None:
    promised = date(2020, 9, 1)
    lot = Lot("L1", "HP 245 G8", "region", promised_on=promised)
    past = after(listed(), need(100), need(40, uai=OTHER_SCHOOL))
    lines = tuple(
        OrderLine(uai, uai, "HP 245 G8", count, "L1", "region", promised)
        for uai, count in sorted({SCHOOL: 105, OTHER_SCHOOL: 42}.items())
    )
    assert play(core.CORE, past, asked(order(lot))) == (
        (ORDER, OrderPlaced(YEAR, "region", "hexalog", lines, 36)),
        (CAMPAIGN, NeedsOrdered("BC1", {SCHOOL: 105, OTHER_SCHOOL: 42})),
    )


def test_departements_have_lots_and_paying_bodies_of_their_own_on_one_order() -> None:
    mine = Lot("L2", "Lenovo L13", "Haut-Rhin", departments=("68",))
    past = after(listed(), need(100), need(40, uai=OTHER_SCHOOL), order(ALL, mine))
    placed = past[ORDER][0].fact
    by_school = {line.school: (line.lot, line.paid_by, line.model) for line in placed.lines}
    assert by_school == {
        SCHOOL: ("L1", "region", "HP 245 G8"),
        OTHER_SCHOOL: ("L2", "Haut-Rhin", "Lenovo L13"),
    }


def test_a_departement_that_no_lot_is_for_is_left_for_another_order() -> None:
    past = after(listed(), need(100), need(40, uai=OTHER_SCHOOL))
    past = after(past, order(Lot("L2", "Lenovo L13", "Haut-Rhin", departments=("68",))))
    assert [line.school for line in past[ORDER][0].fact.lines] == [OTHER_SCHOOL]
    assert core.still_needed(campaign(past), SCHOOL) == 105


def test_what_is_ordered_is_not_ordered_again_and_what_grew_is() -> None:
    past = after(listed(), need(100), order())
    again = a_claim("order:BC2", order())
    assert refused(play(core.CORE, past, again)) == ("nothing-needed", "/lots")
    past = after(past, need(110))
    decided = play(core.CORE, past, again)
    assert not isinstance(decided, Refusal)
    assert decided[0][1].lines[0].quantity == 11


def test_an_order_whose_number_stands_is_not_made_again() -> None:
    past = after(listed(), need(100), order())
    assert play(core.CORE, past, asked(order())) == ()
    other = asked(replace(order(), buyer="somebody else"))
    assert refused(play(core.CORE, past, other)) == ("order-exists", "/order")


# -- what came back at the end of lycée

JUNE = datetime.fromisoformat("2020-06-20T10:00:00+02:00")


def heard(command: Any, key: str = key_of(), at: datetime = JUNE) -> Claim:
    name = f"{command} {key}"
    return a_claim(key, command, party="handover", id=name, happened_at=at, stated=False)


def after_hearing(past: Past, *claims: Claim) -> Past:
    """The past with what is decided on claims, and on those that follow from them."""
    waiting = list(claims)
    while waiting:
        claim = waiting.pop(0)
        names = (claim.subject, *core.CORE.keys(claim.command))
        before = {key: fold(core.CORE.folding, key, past.get(key, ()))[0] for key in names}
        decided = core.CORE.decide(before, claim)
        assert not isinstance(decided, Refusal), decided
        past = {key: list(life) for key, life in past.items()}
        for key, fact in decided:
            said = Said(fact, claim.happened_at, claim.party, claim.id)
            past.setdefault(key, []).append(said)
        after = {key: fold(core.CORE.folding, key, past.get(key, ()))[0] for key in names}
        waiting += core.CORE.follow(before, after, claim)
    return past


def test_what_is_ready_again_is_taken_off_the_need_of_the_year_that_begins_next() -> None:
    past = after(listed(), need(100, None))
    ready = [heard(NoteStock(SCHOOL, YEAR), key_of(number)) for number in (1, 2, 3)]
    past = after_hearing(past, *ready, ready[0])
    assert core.needed(campaign(past), SCHOOL) == 102
    assert core.standing(campaign(past), SCHOOL).stock_back == 3
    (line,) = lines_of(past)
    assert line.quantity == 102


def lines_of(past: Past) -> tuple[OrderLine, ...]:
    decided = play(core.CORE, past, asked(order()))
    assert not isinstance(decided, Refusal), decided
    return next(fact.lines for _, fact in decided if isinstance(fact, OrderPlaced))


def test_a_number_that_was_said_wins_over_what_was_counted_until_it_is_said_no_more() -> None:
    past = after_hearing(after(listed(), need(100, 0)), heard(NoteStock(SCHOOL, YEAR)))
    assert core.needed(campaign(past), SCHOOL) == 105
    assert core.needed(campaign(after(past, need(100, None))), SCHOOL) == 104


def test_what_was_scrapped_is_in_no_stock_and_what_is_elsewhere_is_there_alone() -> None:
    past = after_hearing(after(listed(), need(100, None)), heard(NoteStock(SCHOOL, YEAR)))
    later = JUNE + timedelta(days=1)
    moved = after_hearing(past, heard(NoteStock(OTHER_SCHOOL, YEAR), at=later))
    assert campaign(moved).back == {OTHER_SCHOOL: 1}
    gone, late = heard(NoteScrapped(), at=later), heard(NoteStock(SCHOOL, YEAR), at=later)
    scrapped = after_hearing(moved, gone, late)
    assert campaign(scrapped).back == {}
    again = after_hearing(past, heard(NoteStock(SCHOOL, "2021-2022"), at=later))
    assert campaign(again).back == {SCHOOL: 1}


@pytest.mark.parametrize(
    ("day", "year"),
    [("2020-06-20", YEAR), ("2020-08-31", YEAR), ("2020-09-01", "2021-2022"), ("2020-01-05", YEAR)],
)
def test_a_laptop_is_for_the_school_year_that_begins_next(day: str, year: str) -> None:
    assert core.year_after(datetime.fromisoformat(f"{day}T10:00:00+02:00")) == year
