"""Ordering's rules: given past facts, when a command, then facts."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from services.ordering import core
from services.ordering.core import (
    AdmitLaptop,
    AdmitLine,
    AnnounceLaptop,
    ListSchool,
    PlaceOrder,
    RefuseAdmission,
)
from shared.contracts.ordering import (
    LaptopAdmitted,
    LaptopAnnounced,
    LineAdmitted,
    LineAnnounced,
    NeedsOrdered,
    OrderLine,
    OrderPlaced,
    SchoolListed,
)
from shared.decisions import Claim, Decision, Refusal, Said, fold, play
from tests.builders import DAY, OTHER_SCHOOL, SCHOOL, a_claim, key_of

Past = dict[str, list[Said]]
LINE = OrderLine("1", SCHOOL, "HP 245 G8", 2, "L1", "region")
OTHER_LINE = OrderLine("2", OTHER_SCHOOL, "HP 245 G8", 3, "L1", "region")
SUPPLIER = "supplier:hexalog"
LAPTOP = key_of()
ENTRY = ("Lycée Fustel", "LEGT", "public", "Strasbourg", "67", "67482", "Strasbourg", "67000")
PLACE = PlaceOrder("2020-2021", "region", "hexalog", (LINE, OTHER_LINE))
PARIS_IN_SUMMER = timezone(timedelta(hours=2))


def said(fact: Any, at: datetime = DAY, source: str = "region") -> Said:
    return Said(fact, at, source, "")


def schools() -> Past:
    return {f"school:{uai}": [said(SchoolListed(*ENTRY))] for uai in (SCHOOL, OTHER_SCHOOL)}


def placed() -> Past:
    order = OrderPlaced("2020-2021", "region", "hexalog", (LINE, OTHER_LINE))
    return schools() | {"order:BC1": [said(order)]}


def after(past: Past, claim: Claim) -> Past:
    """The past, with what was decided on a claim; it must not be refused."""
    decided = play(core.CORE, past, claim)
    assert not isinstance(decided, Refusal), decided
    told = {key: list(life) for key, life in past.items()}
    for key, fact in decided:
        told.setdefault(key, []).append(said(fact, claim.happened_at, claim.party))
    return told


def announce(number: int = 1, at: datetime = DAY, **changes: str) -> Claim:
    command = AnnounceLaptop(**{"order": "BC1", "line": "1", "model": "HP 245 G8"} | changes)
    return a_claim(key_of(number), command, party=SUPPLIER, happened_at=at)


def admit_line(line: str = "1", at: datetime = DAY) -> Claim:
    return a_claim("order:BC1", AdmitLine(line, "Mme X"), happened_at=at)


def admit(number: int = 1, line: str = "1", at: datetime = DAY) -> Claim:
    return a_claim(key_of(number), AdmitLaptop("BC1", line, "2020-2021", "Mme X"), happened_at=at)


def refused(decision: Decision) -> tuple[str, str]:
    assert isinstance(decision, Refusal), decision
    return decision.code, decision.field


# -- schools


def test_a_school_is_listed_and_listing_it_again_says_nothing() -> None:
    claim = a_claim(f"school:{SCHOOL}", ListSchool(*ENTRY))
    assert play(core.CORE, {}, claim) == ((f"school:{SCHOOL}", SchoolListed(*ENTRY)),)
    assert play(core.CORE, after({}, claim), claim) == ()


def test_a_school_whose_entry_changed_is_listed_anew() -> None:
    claim = a_claim(f"school:{SCHOOL}", replace(ListSchool(*ENTRY), name="Lycée Marc Bloch"))
    changed = SchoolListed("Lycée Marc Bloch", *ENTRY[1:])
    assert play(core.CORE, schools(), claim) == ((f"school:{SCHOOL}", changed),)


# -- orders


def test_an_order_for_listed_schools_is_placed() -> None:
    fact = OrderPlaced("2020-2021", "region", "hexalog", (LINE, OTHER_LINE), 36)
    counted = NeedsOrdered("BC1", {SCHOOL: 2, OTHER_SCHOOL: 3})
    assert play(core.CORE, schools(), a_claim("order:BC1", PLACE)) == (
        ("order:BC1", fact),
        ("campaign:2020-2021", counted),
    )


def test_an_order_placed_again_says_nothing_however_far_it_came() -> None:
    past = after(after(placed(), announce()), admit_line())
    assert play(core.CORE, past, a_claim("order:BC1", PLACE)) == ()


@pytest.mark.parametrize(
    "changed",
    [
        {"buyer": "Bas-Rhin"},
        {"supplier": "other"},
        {"school_year": "2021-2022"},
        {"warranty_months": 48},
        {"lines": (LINE,)},
        {"lines": (replace(LINE, quantity=3), OTHER_LINE)},
    ],
    ids=str,
)
def test_another_order_with_the_same_number_is_refused(changed: dict[str, Any]) -> None:
    claim = a_claim("order:BC1", replace(PLACE, **changed))
    assert refused(play(core.CORE, placed(), claim)) == ("order-exists", "/order")


def test_an_order_for_a_school_that_is_not_listed_is_refused_and_the_line_named() -> None:
    past = {f"school:{SCHOOL}": schools()[f"school:{SCHOOL}"]}
    decided = play(core.CORE, past, a_claim("order:BC1", PLACE))
    assert refused(decided) == ("unknown-school", "/lines/1/uai")


# -- serial numbers


def test_a_serial_number_fills_a_place_of_its_line_and_says_so_of_both() -> None:
    announced = LaptopAnnounced("BC1", "1", SCHOOL, "HP 245 G8", "L1", "hexalog")
    told = ((LAPTOP, announced), ("order:BC1", LineAnnounced("1", LAPTOP)))
    assert play(core.CORE, placed(), announce()) == told


def test_a_model_is_the_same_in_upper_and_lower_case() -> None:
    assert play(core.CORE, placed(), announce(model="hp 245 g8"))


def test_a_serial_number_announced_again_says_nothing() -> None:
    assert play(core.CORE, after(placed(), announce()), announce()) == ()


def test_the_region_may_announce_for_any_supplier() -> None:
    assert play(core.CORE, placed(), replace(announce(), party="region"))


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        (announce(line="9"), ("unknown-line", "/line")),
        (announce(model="HP 255"), ("other-model", "/model")),
        (replace(announce(), party="supplier:other"), ("not-your-order", "/order")),
    ],
)
def test_a_serial_number_that_does_not_fit_the_order_is_refused(
    claim: Claim, why: tuple[str, str]
) -> None:
    assert refused(play(core.CORE, placed(), claim)) == why


def test_a_line_that_is_not_there_is_refused_with_those_that_are() -> None:
    told = play(core.CORE, placed(), announce(line="9"))
    assert isinstance(told, Refusal)
    assert told.detail == "the order has no line 9: its lines are 1, 2"


def test_a_serial_number_of_an_order_that_is_not_there_is_refused() -> None:
    assert refused(play(core.CORE, {}, announce())) == ("unknown-line", "/line")


def test_a_laptop_fills_one_place_only() -> None:
    past = after(placed(), announce())
    decided = play(core.CORE, past, announce(line="2"))
    assert refused(decided) == ("already-announced", "/serial")


def test_a_supplier_is_not_told_on_which_other_order_a_laptop_stands() -> None:
    past = after(placed(), announce()) | {"order:BC2": placed()["order:BC1"]}
    told = play(core.CORE, past, announce(order="BC2"))
    assert isinstance(told, Refusal)
    assert (told.code, told.detail) == (
        "already-announced",
        "it is announced already, on another order: correct the number, or leave it out",
    )
    own = play(core.CORE, past, announce(line="2"))
    assert isinstance(own, Refusal)
    assert own.detail == (
        "it is announced already, on order BC1, line 1: correct the number, or leave it out"
    )


def test_no_more_laptops_are_announced_than_ordered() -> None:
    past = after(after(placed(), announce(1)), announce(2))
    assert refused(play(core.CORE, past, announce(3))) == ("more-than-ordered", "/line")


# -- admission


def warranty(past: Past, number: int = 1) -> tuple[date, date]:
    (fact,) = [one.fact for one in past[key_of(number)] if isinstance(one.fact, LaptopAdmitted)]
    return fact.warranty_from, fact.warranty_to


def test_an_admitted_laptop_has_its_warranty_from_the_day_of_the_decision() -> None:
    past = after(after(placed(), announce()), admit(at=datetime(2020, 9, 10, 8, tzinfo=UTC)))
    assert warranty(past) == (date(2020, 9, 10), date(2023, 9, 10))


def test_the_day_of_a_decision_is_the_one_in_france_whatever_the_offset_it_is_told_with() -> None:
    just_after_midnight = datetime(2020, 9, 10, 0, 30, tzinfo=PARIS_IN_SUMMER)
    for moment in (just_after_midnight, just_after_midnight.astimezone(UTC)):
        past = after(after(placed(), announce()), admit(at=moment))
        assert warranty(past)[0] == date(2020, 9, 10)
        standing = after(placed(), admit_line(at=moment))
        order, _ = fold(core.CORE.folding, "order:BC1", standing["order:BC1"])
        assert order.admitted_on == {"1": date(2020, 9, 10)}
        late = after(standing, announce(at=moment))
        assert warranty(late)[0] == date(2020, 9, 10)


def test_a_warranty_starts_once() -> None:
    past = after(after(placed(), announce()), admit())
    assert play(core.CORE, past, admit(at=DAY + timedelta(days=9))) == ()


def test_what_was_refused_by_name_is_not_admitted_with_its_line_whenever_its_list_was_read() -> (
    None
):
    no = a_claim(LAPTOP, RefuseAdmission("BC1", "1", "2020-2021", "Mme X"), happened_at=DAY)
    past = after(after(placed(), announce(at=DAY + timedelta(days=90))), no)
    with_its_line = AdmitLaptop("BC1", "1", "2020-2021", "Mme X", standing=True)
    assert play(core.CORE, past, a_claim(LAPTOP, with_its_line, happened_at=DAY)) == ()


@pytest.mark.parametrize("claim", [admit(2), admit(1, "2")])
def test_only_a_laptop_that_is_on_the_line_is_admitted(claim: Claim) -> None:
    decided = play(core.CORE, after(placed(), announce()), claim)
    assert refused(decided) == ("not-on-line", "/laptops")


def test_a_line_is_admitted_once_and_the_first_decision_stands() -> None:
    past = after(placed(), admit_line())
    assert past["order:BC1"][-1].fact == LineAdmitted("1", 36)
    assert play(core.CORE, past, admit_line(at=DAY + timedelta(days=3))) == ()


def test_a_line_that_is_not_on_the_order_is_not_admitted() -> None:
    assert refused(play(core.CORE, placed(), admit_line("9"))) == ("unknown-line", "/line")


@pytest.mark.parametrize(("heard_after", "starts"), [(-5, 0), (0, 0), (12, 12)])
def test_a_standing_admission_holds_for_laptops_heard_of_later_from_that_day_on(
    heard_after: int, starts: int
) -> None:
    past = after(placed(), admit_line())
    past = after(past, announce(at=DAY + timedelta(days=heard_after)))
    assert warranty(past)[0] == DAY.date() + timedelta(days=starts)
    assert play(core.CORE, past, admit()) == ()


@pytest.mark.parametrize(
    ("day", "months", "end"),
    [
        (date(2020, 9, 1), 36, date(2023, 9, 1)),
        (date(2020, 2, 29), 12, date(2021, 2, 28)),
        (date(2020, 2, 29), 48, date(2024, 2, 29)),
        (date(2020, 8, 31), 1, date(2020, 9, 30)),
        (date(2020, 12, 31), 2, date(2021, 2, 28)),
    ],
)
def test_months_later_is_the_same_day_or_the_months_last(day: date, months: int, end: date) -> None:
    assert core.months_after(day, months) == end


# -- the books, whatever is asked in whatever order

MOMENTS = some.integers(0, 5).map(lambda days: DAY + timedelta(days=days))
COMMANDS = some.one_of(
    some.builds(
        announce,
        some.integers(1, 7),
        MOMENTS,
        line=some.sampled_from(["1", "2", "9"]),
        model=some.sampled_from(["HP 245 G8", "other"]),
    ),
    some.builds(admit_line, some.sampled_from(["1", "2"]), MOMENTS),
    some.builds(admit, some.integers(1, 7), some.sampled_from(["1", "2"]), MOMENTS),
    some.builds(
        lambda quantity, at: a_claim(
            "order:BC1",
            replace(PLACE, lines=(replace(LINE, quantity=quantity), OTHER_LINE)),
            happened_at=at,
        ),
        some.integers(1, 3),
        MOMENTS,
    ),
)


@given(some.lists(COMMANDS, max_size=25))
def test_ordered_is_announced_and_outstanding_at_all_times(claims: list[Claim]) -> None:
    past = placed()
    for claim in claims:
        decided = play(core.CORE, past, claim)
        if not isinstance(decided, Refusal):
            past = after(past, claim)
            assert play(core.CORE, past, claim) == (), "said again, it is so already"
        order, _ = fold(core.CORE.folding, "order:BC1", past["order:BC1"])
        laptops = {
            key: fold(core.CORE.folding, key, life)[0]
            for key, life in past.items()
            if key.startswith("hp/")
        }
        for name, line in order.lines.items():
            on_line = [one for one in laptops.values() if (one.order, one.line) == ("BC1", name)]
            assert order.announced.get(name, 0) == len(on_line) <= line.quantity
            if name in order.admitted_on:
                assert all(
                    one.admitted
                    for key, one in laptops.items()
                    if _announced_after(past, key, name)
                )


def _announced_after(past: Past, key: str, line: str) -> bool:
    """Whether a laptop's line was admitted already when the laptop was announced."""
    facts = [one.fact for one in past["order:BC1"]]
    mine = LineAnnounced(line, key)
    admitted = next(n for n, one in enumerate(facts) if one == LineAdmitted(line, 36))
    return mine in facts and facts.index(mine) > admitted
