"""Ordering's rules for orders that change, and for laptops that are not admitted or called off."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from services.ordering import core
from services.ordering.core import (
    AdmitLaptop,
    AdmitLine,
    AmendOrder,
    AnnounceLaptop,
    CancelLaptop,
    CancelOrder,
    CloseDay,
    CountDelivered,
    NoteDelivered,
    NoteDisputed,
    NoteTakenBack,
    PlaceOrder,
    RefuseAdmission,
)
from shared.contracts.ordering import (
    AdmissionRefused,
    AmendedLine,
    LaptopCancelled,
    LaptopDelivered,
    LaptopDisputed,
    LineDelivered,
    NeedsOrdered,
    OrderAmended,
    OrderCancelled,
    OrderLate,
    OrderLine,
    OrderLineFulfilled,
    SchoolListed,
)
from shared.decisions import Claim, Decision, Refusal, Said, fold, play
from tests.builders import DAY, OTHER_SCHOOL, SCHOOL, a_claim, key_of

Past = dict[str, list[Said]]
YEAR, CAMPAIGN, ORDER = "2020-2021", "campaign:2020-2021", "order:BC1"
PROMISED = date(2020, 9, 10)
LINES = (
    OrderLine("1", SCHOOL, "HP 245 G8", 2, "L1", "region", PROMISED),
    OrderLine("2", OTHER_SCHOOL, "HP 245 G8", 3, "L1", "Haut-Rhin"),
)
SUPPLIER = "supplier:hexalog"
ENTRY = ("Lycée Fustel", "LEGT", "public", "Strasbourg", "67", "67482", "Strasbourg", "67000")


def after(past: Past, *claims: Claim) -> Past:
    """The past, with what was decided on claims, and on what follows from them."""
    for claim in claims:
        decided = play(core.CORE, past, claim)
        assert not isinstance(decided, Refusal), decided
        before = states(past) | {claim.subject: state(past, claim.subject)}
        past = {key: list(life) for key, life in past.items()}
        for key, fact in decided:
            told = Said(fact, claim.happened_at, claim.party, claim.id)
            past.setdefault(key, []).append(told)
        if decided:
            now = states(past) | {claim.subject: state(past, claim.subject)}
            past = after(past, *core.CORE.follow(before, now, claim))
    return past


def states(past: Past) -> dict[str, Any]:
    return {key: state(past, key) for key in past}


def state(past: Past, key: str) -> Any:
    return fold(core.CORE.folding, key, past.get(key, ()))[0]


TOLD = "delivery: school:1 e1"


def asked(subject: str, command: Any, at: datetime = DAY, party: str = "region") -> Claim:
    return a_claim(subject, command, party=party, happened_at=at)


def announce(number: int, line: str = "1") -> Claim:
    return asked(key_of(number), AnnounceLaptop("BC1", line, "HP 245 G8"), party=SUPPLIER)


def amend(**quantities: int) -> Claim:
    wanted = {name.removeprefix("line"): count for name, count in quantities.items()}
    return asked(ORDER, AmendOrder(YEAR, wanted, "Mme X"))


def heard(number: int, command: Any, event: str = "school:1 e1", at: datetime = DAY) -> Claim:
    """What delivery said of a laptop because it was told this event."""
    return replace(asked(key_of(number), command, at, "delivery"), told_by=event)


def deliver(number: int, at: datetime = DAY, event: str = "school:1 e1") -> Claim:
    return heard(number, NoteDelivered(), event, at)


def take_back(number: int, event: str = "school:1 e1") -> Claim:
    return heard(number, NoteTakenBack(f"delivery: {event}"))


def placed() -> Past:
    listed = Said(SchoolListed(*ENTRY), DAY, "region", "")
    schools: Past = {f"school:{uai}": [listed] for uai in (SCHOOL, OTHER_SCHOOL)}
    return after(schools, asked(ORDER, PlaceOrder(YEAR, "region", "hexalog", LINES)))


CANCEL = asked(ORDER, CancelOrder(YEAR))
ADMIT_LINE = asked(ORDER, AdmitLine("1", "Mme X"))


def admit(number: int, *, standing: bool = False, at: datetime = DAY) -> Claim:
    return asked(key_of(number), AdmitLaptop("BC1", "1", "2020-2021", "Mme X", standing), at)


def refuse(number: int, line: str = "1") -> Claim:
    return asked(key_of(number), RefuseAdmission("BC1", line, "2020-2021", "Mme X"))


def refused(decision: Decision) -> tuple[str, str]:
    assert isinstance(decision, Refusal), decision
    return decision.code, decision.field


def ordered(past: Past) -> dict[str, int]:
    found: dict[str, int] = state(past, CAMPAIGN).ordered
    return found


# -- amendment


def test_an_amendment_gives_a_line_another_quantity_and_its_school_as_many_more() -> None:
    assert play(core.CORE, placed(), amend(line1=5)) == (
        (ORDER, OrderAmended((AmendedLine("1", 5, 3),))),
        (CAMPAIGN, NeedsOrdered("BC1", {SCHOOL: 3})),
    )
    now = after(placed(), amend(line1=5))
    assert state(now, ORDER).lines["1"].quantity == 5
    assert ordered(now) == {SCHOOL: 5, OTHER_SCHOOL: 3}


def test_an_amendment_to_what_stands_says_nothing() -> None:
    assert play(core.CORE, placed(), amend(line1=2, line2=3)) == ()


def test_a_line_is_not_amended_below_what_is_announced() -> None:
    past = after(placed(), announce(1), announce(2))
    decision = play(core.CORE, past, amend(line2=1, line1=1))
    assert refused(decision) == ("already-announced", "/lines/1/quantity")
    assert not isinstance(play(core.CORE, past, amend(line1=2)), Refusal)


def test_an_amendment_of_a_line_that_is_not_there_is_refused_as_a_whole() -> None:
    decision = play(core.CORE, placed(), amend(line1=5, line9=1))
    assert refused(decision) == ("unknown-line", "/lines/1/line")


def test_more_serials_fit_on_a_line_that_was_amended() -> None:
    full = after(placed(), announce(1), announce(2))
    assert refused(play(core.CORE, full, announce(3)))[0] == "more-than-ordered"
    assert not isinstance(play(core.CORE, after(full, amend(line1=3)), announce(3)), Refusal)


def test_two_amendments_in_one_instant_add_up_whichever_is_folded_first() -> None:
    once = after(placed(), amend(line1=5))
    twice = after(once, amend(line1=4))
    assert state(twice, ORDER).lines["1"].quantity == 4
    turned = twice | {ORDER: list(reversed(twice[ORDER]))}
    assert state(turned, ORDER) == state(twice, ORDER)


# -- cancellation


def test_a_cancelled_order_has_nothing_outstanding_and_its_schools_need_again() -> None:
    past = after(placed(), announce(1))
    assert play(core.CORE, past, CANCEL) == (
        (ORDER, OrderCancelled({"1": 1, "2": 3})),
        (CAMPAIGN, NeedsOrdered("BC1", {SCHOOL: -1, OTHER_SCHOOL: -3})),
    )
    now = after(past, CANCEL)
    assert [core.outstanding(state(now, ORDER), line) for line in ("1", "2")] == [0, 0]
    assert ordered(now) == {SCHOOL: 1, OTHER_SCHOOL: 0}


def test_an_order_is_cancelled_once() -> None:
    assert play(core.CORE, after(placed(), CANCEL), CANCEL) == ()


@pytest.mark.parametrize("claim", [announce(1), amend(line1=9), ADMIT_LINE], ids=lambda one: one.id)
def test_nothing_more_comes_of_a_cancelled_order(claim: Claim) -> None:
    assert refused(play(core.CORE, after(placed(), CANCEL), claim))[0] == "order-cancelled"


def test_a_laptop_of_a_cancelled_order_is_called_off_unless_it_is_the_regions() -> None:
    past = after(placed(), announce(1), announce(2), admit(2), CANCEL)
    call_off = asked(key_of(1), CancelLaptop("BC1", "2020-2021"))
    assert play(core.CORE, past, call_off) == (
        (key_of(1), LaptopCancelled("BC1", "1")),
        (CAMPAIGN, NeedsOrdered("BC1", {SCHOOL: -1})),
    )
    assert play(core.CORE, after(past, call_off), call_off) == ()
    assert play(core.CORE, past, asked(key_of(2), CancelLaptop("BC1", "2020-2021"))) == ()


def test_a_laptop_that_was_called_off_is_kept_by_admitting_it_by_name_alone() -> None:
    past = after(placed(), announce(1), CANCEL, asked(key_of(1), CancelLaptop("BC1", "2020-2021")))
    assert play(core.CORE, past, admit(1, standing=True)) == ()
    assert ordered(past)[SCHOOL] == 0
    kept = after(past, admit(1))
    now = state(kept, key_of(1))
    assert (now.order, now.line, now.admitted, now.given_back) == ("BC1", "1", True, False)
    assert ordered(kept)[SCHOOL] == 1


def test_a_laptop_that_was_called_off_or_refused_may_be_announced_on_another_line() -> None:
    called_off = asked(key_of(1), CancelLaptop("BC1", YEAR))
    another = asked("order:BC2", PlaceOrder(YEAR, "region", "hexalog", LINES))
    for order, past in (
        ("BC1", after(placed(), announce(1), refuse(1))),
        ("BC2", after(placed(), announce(1), CANCEL, called_off, another)),
    ):
        again = AnnounceLaptop(order, "2", "HP 245 G8")
        later = asked(key_of(1), again, DAY + timedelta(hours=1), SUPPLIER)
        now = state(after(past, later), key_of(1))
        assert (now.order, now.line, now.given_back) == (order, "2", False)


def test_a_refusal_holds_however_early_it_is_dated() -> None:
    early = replace(refuse(1), happened_at=DAY - timedelta(days=30))
    assert state(after(placed(), announce(1), early), key_of(1)).refused


def test_a_laptop_that_was_missing_and_is_found_counts_once() -> None:
    dispute = asked(key_of(1), NoteDisputed("missing"), DAY + timedelta(hours=1), "delivery")
    found = deliver(1, DAY + timedelta(days=30), "school:1 e2")
    past = after(placed(), announce(1), deliver(1), dispute, found)
    assert state(past, key_of(1)).disputed is None
    assert state(past, ORDER).delivered == {"1": 1}


def test_an_order_sent_again_after_it_was_amended_is_the_same() -> None:
    again = asked(ORDER, PlaceOrder(YEAR, "region", "hexalog", LINES))
    assert play(core.CORE, after(placed(), amend(line1=9)), again) == ()


# -- admission refused


def test_a_laptop_is_not_admitted_and_the_standing_decision_passes_it_over() -> None:
    past = after(placed(), announce(1))
    assert play(core.CORE, past, refuse(1)) == (
        (key_of(1), AdmissionRefused("BC1", "1")),
        (CAMPAIGN, NeedsOrdered("BC1", {SCHOOL: -1})),
    )
    past = after(past, refuse(1), ADMIT_LINE)
    assert play(core.CORE, past, refuse(1)) == ()
    assert play(core.CORE, past, admit(1, standing=True)) == ()
    assert state(after(past, admit(1)), key_of(1)).admitted


def test_what_the_region_owns_is_not_refused_any_more() -> None:
    past = after(placed(), announce(1), admit(1))
    assert refused(play(core.CORE, past, refuse(1))) == ("already-admitted", "/laptops")


def test_only_a_laptop_of_the_line_is_refused() -> None:
    assert refused(play(core.CORE, placed(), refuse(1)))[0] == "not-on-line"
    assert refused(play(core.CORE, after(placed(), announce(1)), refuse(1, "2")))[0] == (
        "not-on-line"
    )


def test_an_admission_holds_whichever_of_both_was_dated_earlier() -> None:
    early = DAY - timedelta(days=3)
    now = after(placed(), announce(1), refuse(1), admit(1, at=early))
    assert (state(now, key_of(1)).admitted, state(now, key_of(1)).refused) == (True, False)


# -- what schools counted


def test_a_counted_laptop_counts_for_its_line_and_the_last_one_fulfils_it() -> None:
    past = after(placed(), announce(1), announce(2), deliver(1))
    assert play(core.CORE, past, deliver(2)) == ((key_of(2), LaptopDelivered(TOLD)),)
    count = asked(ORDER, CountDelivered("1", key_of(2)), party="ordering")
    assert play(core.CORE, past, count) == (
        (ORDER, LineDelivered("1", key_of(2))),
        (ORDER, OrderLineFulfilled("1", 2)),
    )
    assert state(after(past, deliver(2)), ORDER).delivered == {"1": 2}


def test_a_laptop_counted_before_it_is_announced_counts_with_its_announcement() -> None:
    past = after(placed(), deliver(1), announce(1))
    assert state(past, ORDER).delivered == {"1": 1}


def test_a_laptop_counts_for_its_line_once_however_many_events_tell_of_it() -> None:
    past = after(placed(), announce(1), deliver(1), deliver(1, event="school:1 e2"))
    assert state(past, ORDER).delivered == {"1": 1}
    assert play(core.CORE, past, deliver(1)) == ()


def test_a_count_that_is_taken_back_counts_no_more_and_may_be_told_anew() -> None:
    counted = after(placed(), announce(1), deliver(1))
    past = after(counted, take_back(1))
    assert (state(past, key_of(1)).delivered, state(past, ORDER).delivered) == (False, {"1": 0})
    assert play(core.CORE, past, take_back(1)) == ()
    again = after(past, deliver(1, event="school:1 e2"))
    assert (state(again, key_of(1)).delivered, state(again, ORDER).delivered) == (True, {"1": 1})


def test_a_laptop_whose_count_is_taken_back_stays_counted_when_another_event_tells_of_it() -> None:
    past = after(placed(), announce(1), deliver(1), deliver(1, event="school:1 e2"), take_back(1))
    assert (state(past, key_of(1)).delivered, state(past, ORDER).delivered) == (True, {"1": 1})


def test_a_count_taken_back_before_the_laptop_is_announced_does_not_count_with_it() -> None:
    past = after(placed(), deliver(1), take_back(1), announce(1))
    assert state(past, ORDER).delivered == {}


def test_a_fulfilled_line_that_gets_more_is_fulfilled_once_more() -> None:
    full = after(placed(), announce(1), announce(2), deliver(1), deliver(2))
    grown = after(full, amend(line1=3), announce(3), deliver(3))
    told = [said.fact for said in grown[ORDER] if isinstance(said.fact, OrderLineFulfilled)]
    assert told == [OrderLineFulfilled("1", 2), OrderLineFulfilled("1", 3)]


def test_a_line_that_is_amended_down_to_what_was_counted_is_fulfilled() -> None:
    past = after(placed(), announce(1), deliver(1))
    facts = play(core.CORE, past, amend(line1=1))
    assert not isinstance(facts, Refusal)
    assert (ORDER, OrderLineFulfilled("1", 1)) in facts


def test_a_discrepancy_is_noted_until_it_is_taken_back() -> None:
    missing = heard(1, NoteDisputed("missing"))
    past = after(placed(), announce(1))
    assert play(core.CORE, past, missing) == ((key_of(1), LaptopDisputed("missing", TOLD)),)
    noted = after(past, missing)
    assert state(noted, key_of(1)).disputed == "missing"
    assert state(after(noted, take_back(1)), key_of(1)).disputed is None


# -- time's own


def close(day: date) -> Claim:
    begun = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return asked(ORDER, CloseDay(day), begun, "clock")


NEXT_DAY = PROMISED + timedelta(days=1)


def test_a_line_is_late_when_its_promised_day_is_over_and_that_is_said_once() -> None:
    past = after(placed(), announce(1), deliver(1))
    assert play(core.CORE, past, close(PROMISED)) == ()
    assert play(core.CORE, past, close(NEXT_DAY)) == ((ORDER, OrderLate({"1": 1})),)
    assert play(core.CORE, after(past, close(NEXT_DAY)), close(NEXT_DAY)) == ()


def test_what_was_delivered_or_cancelled_or_had_no_promise_is_not_late() -> None:
    delivered = after(placed(), announce(1), announce(2), deliver(1), deliver(2))
    assert play(core.CORE, delivered, close(date(2021, 1, 1))) == ()
    assert play(core.CORE, after(placed(), CANCEL), close(date(2021, 1, 1))) == ()


def test_the_day_an_order_is_looked_at_for_is_its_first_open_promise() -> None:
    past = placed()
    assert state(past, ORDER).due == "2020-09-10"
    assert state(after(past, close(NEXT_DAY)), ORDER).due is None
    assert state(after(past, CANCEL), ORDER).due is None
    delivered = after(past, announce(1), announce(2), deliver(1), deliver(2))
    assert state(delivered, ORDER).due is None
    assert state(after(delivered, amend(line1=3)), ORDER).due == "2020-09-10"


# -- all together

ACTS = some.sampled_from(
    [
        *(announce(number) for number in (1, 2, 3)),
        *(announce(number, "2") for number in (4, 5)),
        *(deliver(number, DAY + timedelta(hours=number - 3)) for number in (1, 2, 4)),
        *(amend(line1=count) for count in (1, 2, 3)),
        amend(line2=1),
        ADMIT_LINE,
        admit(1),
        refuse(1),
        CANCEL,
        *(asked(key_of(number), CancelLaptop("BC1", YEAR)) for number in (1, 2)),
        close(NEXT_DAY),
    ]
)


@given(some.lists(ACTS, max_size=25))
def test_at_all_times_ordered_is_announced_and_outstanding_and_cancelled(acts: list[Claim]) -> None:
    past = placed()
    for act in acts:
        if isinstance(play(core.CORE, past, act), Refusal):
            continue
        past = after(past, act)
        order = state(past, ORDER)
        for name, line in order.lines.items():
            announced, gone = order.announced.get(name, 0), order.cancelled.get(name, 0)
            assert core.outstanding(order, name) == line.quantity - announced - gone >= 0
        laptops = [state(past, key_of(number)) for number in range(1, 6)]
        back = Counter(one.line for one in laptops if one.given_back)
        sums = {
            line.school: line.quantity - order.cancelled.get(name, 0) - back[name]
            for name, line in order.lines.items()
        }
        assert ordered(past) == sums
        folded_backwards = fold(core.CORE.folding, ORDER, reversed(past[ORDER]))[0]
        assert folded_backwards == order
