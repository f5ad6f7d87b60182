"""Delivery's rules: given past facts, when a command, then facts; what follows, what waits."""

from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from services.delivery import consumer, core
from services.delivery.core import Expect, HandOut, ReportLaptop, ReportShipment, Withdraw
from shared.contracts import ordering
from shared.contracts.delivery import (
    DiscrepancyReported,
    HandOutMissed,
    LaptopArrived,
    LaptopBackToStock,
    LaptopCalledOff,
    LaptopCleared,
    LaptopDispatched,
    LaptopExpected,
    LaptopFactWithdrawn,
    LaptopHandedOut,
    LaptopInTransit,
    LaptopMoved,
    LaptopPacked,
    LaptopReceived,
    LaptopRedirected,
    LaptopRefused,
    LaptopTakenAway,
    ShipmentAnnounced,
    ShipmentArrived,
    ShipmentDispatched,
    ShipmentFactWithdrawn,
    ShipmentInTransit,
    ShipmentPacked,
    ShipmentReceived,
    ShipmentRedirected,
)
from shared.decisions import Claim, Refusal, Said, fold, play
from tests.builders import DAY, OTHER_SCHOOL, SCHOOL, SHIPMENT, STUDENTS, a_claim, key_of

ACME, OTHER = "carrier:acme", "carrier:other"
SHIPMENT_KEY, LAPTOP = f"shipment:{SHIPMENT}", key_of()
LOCATED: dict[str, Any] = {"order": "BC1", "school": SCHOOL}


def said(fact: Any, hours: float = 0, source: str = ACME, id: str = "") -> Said:
    return Said(fact, DAY + timedelta(hours=hours), source, id)


def report(subject: str, command: Any, party: str = ACME, **changes: Any) -> Claim:
    return a_claim(subject, command, party=party, report=True, **changes)


def told(past: dict[str, list[Said]], claim: Claim) -> tuple[tuple[str, Any], ...]:
    decided = play(core.CORE, past, claim)
    assert not isinstance(decided, Refusal), decided
    return decided


def states(past: dict[str, list[Said]], claim: Claim) -> dict[str, Any]:
    names = (claim.subject, *core.keys(claim.command))
    return {name: fold(core.CORE.folding, name, past.get(name, ()))[0] for name in names}


# -- reports


@pytest.mark.parametrize(
    ("command", "fact"),
    [
        (
            ReportShipment("announced", "BC1", SCHOOL, quantity=1),
            ShipmentAnnounced(ACME, "BC1", SCHOOL, 1),
        ),
        (ReportShipment("dispatched", **LOCATED, whole=True), ShipmentDispatched(True, **LOCATED)),
        (ReportShipment("in-transit", **LOCATED), ShipmentInTransit(False, **LOCATED)),
        (ReportShipment("arrived", whole=True), ShipmentArrived(True)),
        (
            ReportShipment("received", None, SCHOOL, quantity=9, whole=True),
            ShipmentReceived(True, SCHOOL, None, 9),
        ),
    ],
    ids=lambda one: getattr(one, "step", ""),
)
def test_a_report_about_a_shipment_is_said_of_the_shipment(command: Any, fact: Any) -> None:
    assert play(core.CORE, {}, report(SHIPMENT_KEY, command)) == ((SHIPMENT_KEY, fact),)


@pytest.mark.parametrize("whole", [True, False])
def test_a_shipment_can_be_reported_missing(whole: bool) -> None:
    claim = report(SHIPMENT_KEY, ReportShipment("missing", "BC1", SCHOOL, whole=whole))
    ((key, fact),) = told({}, claim)
    assert key == SHIPMENT_KEY
    assert isinstance(fact, DiscrepancyReported)
    assert (fact.kind, fact.school, fact.order, fact.whole) == ("missing", SCHOOL, "BC1", whole)


@pytest.mark.parametrize(
    ("step", "fact"),
    [
        ("announced", LaptopPacked(SHIPMENT, ACME, **LOCATED)),
        ("redirected", LaptopRedirected(OTHER_SCHOOL, SHIPMENT, **LOCATED)),
        ("refused", LaptopRefused(SHIPMENT, **LOCATED)),
        ("damaged", DiscrepancyReported("damaged", SCHOOL, SHIPMENT, "BC1")),
        ("unexpected", DiscrepancyReported("unexpected", SCHOOL, SHIPMENT, "BC1")),
        ("wrong-school", DiscrepancyReported("wrong-school", SCHOOL, SHIPMENT, "BC1")),
        ("moved", LaptopMoved(SCHOOL, OTHER_SCHOOL)),
        ("back-to-stock", LaptopBackToStock(SCHOOL)),
        ("hand-out-missed", HandOutMissed(SCHOOL)),
        ("dispatched", LaptopDispatched(SHIPMENT, **LOCATED)),
        ("in-transit", LaptopInTransit(SHIPMENT, **LOCATED)),
        ("arrived", LaptopArrived(SHIPMENT, **LOCATED)),
        ("received", LaptopReceived(SCHOOL, SHIPMENT, "BC1")),
        ("missing", DiscrepancyReported("missing", SCHOOL, SHIPMENT, "BC1")),
    ],
)
def test_a_report_about_a_laptop_is_said_of_the_laptop(step: str, fact: Any) -> None:
    claim = report(LAPTOP, ReportLaptop(step, SHIPMENT, **LOCATED, to_school=OTHER_SCHOOL))
    assert told({}, claim)[0] == (LAPTOP, fact)


@pytest.mark.parametrize("step", ["announced", "dispatched"])
def test_a_laptop_that_is_listed_when_a_shipment_is_announced_or_dispatched_is_in_it(
    step: str,
) -> None:
    facts = told({}, report(LAPTOP, ReportLaptop(step, SHIPMENT, **LOCATED)))
    assert (LAPTOP, LaptopPacked(SHIPMENT, ACME, **LOCATED)) in facts
    assert (SHIPMENT_KEY, ShipmentPacked(LAPTOP)) in facts


@pytest.mark.parametrize(
    "command",
    [
        ReportLaptop("in-transit", SHIPMENT),
        ReportLaptop("arrived", SHIPMENT),
        ReportLaptop("dispatched", None),
        ReportLaptop("dispatched", SHIPMENT, whole=True),
        ReportLaptop("received", SHIPMENT, school=SCHOOL),
    ],
)
def test_no_other_word_says_what_is_in_a_shipment(command: ReportLaptop) -> None:
    assert len(told({}, report(LAPTOP, command))) == 1


def test_a_report_is_never_refused_for_what_was_before() -> None:
    past = {
        LAPTOP: [
            said(LaptopReceived(OTHER_SCHOOL, SHIPMENT), 5),
            said(LaptopHandedOut(STUDENTS[0], OTHER_SCHOOL, False, DAY, None, True, True), 6),
        ]
    }
    for step in ("announced", "dispatched", "in-transit", "arrived", "received", "missing"):
        for party in (ACME, OTHER, f"school:{SCHOOL}"):
            claim = report(LAPTOP, ReportLaptop(step, SHIPMENT, **LOCATED), party)
            assert told(past, claim)


def test_an_announced_laptop_is_expected_once() -> None:
    claim = a_claim(LAPTOP, Expect("BC1", "1", SCHOOL), party="ordering")
    fact = LaptopExpected("BC1", "1", SCHOOL)
    assert play(core.CORE, {}, claim) == ((LAPTOP, fact),)
    assert play(core.CORE, {LAPTOP: [said(fact)]}, claim) == ()


def test_what_ordering_announces_is_expected_and_what_it_admits_is_cleared() -> None:
    heard = ordering.LaptopAnnounced("BC1", "1", SCHOOL, "HP 245 G8", "L1", "hexalog")
    assert consumer.REACTIONS[type(heard)](heard) == Expect("BC1", "1", SCHOOL)
    admitted = ordering.LaptopAdmitted("BC1", "1", DAY.date(), DAY.date())
    assert consumer.REACTIONS[type(admitted)](admitted) == core.Clear("BC1")


def test_a_laptop_is_cleared_once() -> None:
    claim, fact = a_claim(LAPTOP, core.Clear("BC1"), party="ordering"), LaptopCleared("BC1")
    assert play(core.CORE, {}, claim) == ((LAPTOP, fact),)
    assert play(core.CORE, {LAPTOP: [said(fact)]}, claim) == ()


# -- rights: who may report what


ROAD = {"announced", "dispatched", "in-transit", "redirected", "arrived"}
EITHER = {"damaged", "refused", "void"}
COUNTER = {"received", "missing", "unexpected", "wrong-school"}
STOCK = {"moved", "back-to-stock", "hand-out-missed"}


@pytest.mark.parametrize(
    ("role", "steps"),
    [
        ("carrier", ROAD | EITHER),
        ("school", COUNTER | STOCK | EITHER),
        ("region", ROAD | EITHER | COUNTER | STOCK),
        ("ops", {"void"}),
        ("supplier", set()),
        ("desk", set()),
    ],
)
def test_each_reports_what_is_his(role: str, steps: set[str]) -> None:
    assert {step for step in core.STEPS if core.may_report(role, step)} == steps


# -- hand-outs

ADULT = HandOut(STUDENTS[0], SCHOOL, False, DAY, None, frozenset({"laptop", "sleeve", "storage"}))
MINOR = replace(ADULT, minor=True, guardian_signed_at=DAY)


@pytest.mark.parametrize("command", [ADULT, MINOR, replace(ADULT, guardian_signed_at=DAY)])
def test_a_signed_hand_out_with_its_laptop_is_said(command: HandOut) -> None:
    fact = LaptopHandedOut(
        STUDENTS[0], SCHOOL, command.minor, DAY, command.guardian_signed_at, True, True
    )
    assert play(core.CORE, {}, report(LAPTOP, command)) == ((LAPTOP, fact),)


@pytest.mark.parametrize(
    ("student", "guardian", "minor", "who"),
    [
        (None, None, False, "the student's"),
        (None, None, True, "the student's"),
        (DAY, None, True, "the guardian's"),
        (None, DAY, True, "the student's"),
        (None, DAY, False, "the student's"),
    ],
)
def test_who_must_sign_must_have_signed(
    student: datetime | None, guardian: datetime | None, minor: bool, who: str
) -> None:
    command = replace(ADULT, minor=minor, student_signed_at=student, guardian_signed_at=guardian)
    refusal = play(core.CORE, {}, report(LAPTOP, command))
    assert refusal == Refusal("charter-not-signed", f"{who} signature is missing", "/charter")


def test_a_kit_may_lack_its_sleeve_but_not_its_laptop() -> None:
    bare = replace(ADULT, kit=frozenset({"laptop"}))
    ((_, fact),) = told({}, report(LAPTOP, bare))
    assert (fact.sleeve, fact.storage) == (False, False)
    refusal = play(core.CORE, {}, report(LAPTOP, replace(ADULT, kit=frozenset({"sleeve"}))))
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.field) == ("kit-without-laptop", "/kit/laptop")


# -- what follows: what is said of a whole shipment is said of each laptop in it

CONTENT = (key_of(1), key_of(2))
ANNOUNCED = ShipmentAnnounced(ACME)
WHOLE = ["dispatched", "in-transit", "redirected", "arrived", "refused", "received", "missing"]
WHOLE += ["damaged", "wrong-school", "unexpected"]


def packed(*laptops: str, by: str = ACME) -> list[Said]:
    return [said(ShipmentPacked(laptop), 1, by) for laptop in laptops]


def following(past: dict[str, list[Said]], claim: Claim) -> list[Claim]:
    """What follows from a claim, given what was said before it."""
    then = dict(past)
    for key, fact in told(past, claim):
        now = Said(fact, claim.happened_at, claim.party, claim.id)
        then[key] = [*then.get(key, ()), now]
    return list(core.follow(states(past, claim), states(then, claim), claim))


def whole_word(step: str, **changes: Any) -> Claim:
    to = OTHER_SCHOOL if step == "redirected" else None
    command = ReportShipment(step, "BC1", SCHOOL, to, whole=True)
    return report(SHIPMENT_KEY, command, **changes)


@pytest.mark.parametrize("step", WHOLE)
def test_what_happens_to_a_whole_shipment_happens_to_each_laptop_in_it(step: str) -> None:
    claim = whole_word(step, id="its id")
    past = {SHIPMENT_KEY: [said(ANNOUNCED), *packed(*CONTENT)]}
    each = following(past, claim)
    assert [one.subject for one in each] == list(CONTENT)
    for one in each:
        to = OTHER_SCHOOL if step == "redirected" else None
        assert one.command == ReportLaptop(step, SHIPMENT, "BC1", SCHOOL, to, whole=True)
        assert (one.party, one.id, one.happened_at) == (ACME, "its id", claim.happened_at)
        assert one.report


@pytest.mark.parametrize("step", ["announced", "dispatched"])
def test_it_happens_too_to_a_laptop_that_is_packed_later_under_the_id_it_had(step: str) -> None:
    early = Said(ShipmentArrived(True, "BC1", SCHOOL), DAY + timedelta(hours=3), OTHER, "early")
    past = {SHIPMENT_KEY: [early, said(ANNOUNCED)]}
    claim = report(LAPTOP, ReportLaptop(step, SHIPMENT))
    (one,) = following(past, claim)
    assert (one.subject, one.party, one.id) == (LAPTOP, OTHER, "early")
    assert one.happened_at == early.happened_at
    assert one.command == ReportLaptop("arrived", SHIPMENT, "BC1", SCHOOL, whole=True)
    past[SHIPMENT_KEY] += packed(LAPTOP)
    assert following(past, claim) == [], "it is in already"


@pytest.mark.parametrize("step", ["arrived", "received", "missing"])
def test_a_report_that_lists_its_laptops_reaches_no_others(step: str) -> None:
    claim = report(SHIPMENT_KEY, ReportShipment(step, "BC1", SCHOOL, whole=False))
    past = {SHIPMENT_KEY: [said(ANNOUNCED), *packed(*CONTENT)]}
    assert following(past, claim) == []
    ((_, fact),) = told({}, claim)
    past = {SHIPMENT_KEY: [said(fact), said(ANNOUNCED)]}
    assert following(past, report(LAPTOP, ReportLaptop("announced", SHIPMENT))) == []


# -- corrections


def test_what_is_corrected_holds_no_longer_and_the_correction_does() -> None:
    wrong = said(LaptopReceived(OTHER_SCHOOL, SHIPMENT), 1, f"school:{SCHOOL}", "e1")
    right = ReportLaptop("received", SHIPMENT, None, SCHOOL, corrects="e1")
    claim = report(LAPTOP, right, f"school:{SCHOOL}", id="e2", happened_at=DAY)
    facts = told({LAPTOP: [wrong]}, claim)
    assert (LAPTOP, LaptopFactWithdrawn(f"school:{SCHOOL}", "e1")) in facts
    assert after(LAPTOP, wrong, claim, facts).here == SCHOOL


def after(key: str, wrong: Said, claim: Claim, facts: tuple[tuple[str, Any], ...]) -> Any:
    """The state of a key in which both orders of hearing two things end."""
    said_now = partial(Said, happened_at=claim.happened_at, source=claim.party, id=claim.id)
    fresh = [said_now(fact) for of, fact in facts if of == key]
    ends = [fold(core.CORE.folding, key, life)[0] for life in ([wrong, *fresh], [*fresh, wrong])]
    assert ends[0] == ends[1]
    return ends[0]


def test_what_is_withdrawn_is_as_if_it_had_never_been_said() -> None:
    wrong = said(LaptopReceived(SCHOOL, SHIPMENT), 1, f"school:{SCHOOL}", "e1")
    claim = report(LAPTOP, Withdraw(f"school:{SCHOOL}", "e1"), f"school:{SCHOOL}", id="e2")
    facts = told({LAPTOP: [wrong]}, claim)
    end = after(LAPTOP, wrong, claim, facts)
    assert (end.location, end.here) == ("unknown", None)
    again = [wrong, Said(facts[0][1], DAY, f"school:{SCHOOL}", "e2")]
    assert told({LAPTOP: again}, claim) == (), "once is enough"


def test_a_word_on_a_whole_shipment_is_withdrawn_from_each_laptop_in_it() -> None:
    arrived = said(ShipmentArrived(True), 2, ACME, "e1")
    past = {SHIPMENT_KEY: [said(ANNOUNCED), *packed(*CONTENT), arrived]}
    claim = report(SHIPMENT_KEY, Withdraw(ACME, "e1"), id="e2")
    correction = report(
        SHIPMENT_KEY, ReportShipment("arrived", "BC1", whole=False, corrects="e1"), id="e2"
    )
    for taking_back in (claim, correction):
        each = following(past, taking_back)
        assert [(one.subject, one.command) for one in each] == [
            (laptop, Withdraw(ACME, "e1")) for laptop in CONTENT
        ]
    listed = report(SHIPMENT_KEY, Withdraw(ACME, "another"), id="e3")
    assert following(past, listed) == [], "what listed its laptops is withdrawn from those alone"


def test_a_laptop_that_was_listed_by_mistake_is_in_the_shipment_no_longer() -> None:
    mistaken = said(ShipmentPacked(LAPTOP), 1, ACME, "e1")
    withdrawn = said(ShipmentFactWithdrawn(ACME, "e1"), 9, ACME, "e2")
    shipment, _ = fold(core.CORE.folding, SHIPMENT_KEY, [mistaken, withdrawn, *packed(key_of(2))])
    assert shipment.laptops == (key_of(2),)


# -- what a shipment is


def test_a_shipment_belongs_to_who_announced_it_first_and_holds_what_was_packed() -> None:
    facts = [
        said(ShipmentAnnounced(OTHER), 2, OTHER),
        said(ShipmentAnnounced(ACME, "BC1", SCHOOL), 1),
        *packed(key_of(1), key_of(2)),
        *packed(key_of(3), key_of(1), by=OTHER),
    ]
    shipment, _ = fold(core.CORE.folding, SHIPMENT_KEY, facts)
    assert shipment.owner == ACME
    assert set(shipment.laptops) == {key_of(1), key_of(2)}  # another's word puts nothing into it
    assert (shipment.order, shipment.school) == ("BC1", SCHOOL)


def test_another_carriers_words_change_nothing_about_where_a_shipment_is() -> None:
    own = [said(ANNOUNCED), said(ShipmentDispatched(True), 1)]
    others = [
        said(ShipmentArrived(True), 2, OTHER),
        said(ShipmentRedirected(True, OTHER_SCHOOL), 3, OTHER),
    ]
    shipment, _ = fold(core.CORE.folding, SHIPMENT_KEY, own + others)
    assert (shipment.state, shipment.school) == ("dispatched", None)
    moved, _ = fold(
        core.CORE.folding, SHIPMENT_KEY, [*own, said(ShipmentRedirected(True, OTHER_SCHOOL), 3)]
    )
    assert (moved.state, moved.school) == ("in-transit", OTHER_SCHOOL)


# -- what waits


def test_a_shipment_waits_for_its_announcement() -> None:
    claim = report(SHIPMENT_KEY, ReportShipment("arrived"))
    assert core.waits(states({}, claim), claim) == "shipment-not-announced"
    assert core.waits(states({SHIPMENT_KEY: [said(ANNOUNCED)]}, claim), claim) == ""


def test_a_laptop_waits_for_its_shipment_then_for_its_serial_list_then_no_more() -> None:
    claim = report(LAPTOP, ReportLaptop("arrived", SHIPMENT))
    past: dict[str, list[Said]] = {}
    assert core.waits(states(past, claim), claim) == "shipment-not-announced"
    past[SHIPMENT_KEY] = [said(ANNOUNCED)]
    assert core.waits(states(past, claim), claim) == "laptop-not-announced"
    past[LAPTOP] = [said(LaptopExpected("BC1", "1", SCHOOL), 0, "ordering")]
    assert core.waits(states(past, claim), claim) == ""


def test_a_hand_out_of_a_laptop_nobody_announced_waits() -> None:
    claim = report(LAPTOP, ADULT)
    assert core.waits(states({}, claim), claim) == "laptop-not-announced"


# -- what ordering cancels, and what only time brings about


def test_a_laptop_whose_order_is_cancelled_is_called_off_once() -> None:
    cancelled = ordering.LaptopCancelled("BC1", "1")
    assert consumer.REACTIONS[type(cancelled)](cancelled) == core.CallOff("BC1")
    claim = a_claim(LAPTOP, core.CallOff("BC1"), party="ordering")
    assert told({}, claim) == ((LAPTOP, LaptopCalledOff("BC1")),)
    assert told({LAPTOP: [said(LaptopCalledOff("BC1"))]}, claim) == ()


HANDED_OUT = LaptopHandedOut(STUDENTS[0], SCHOOL, False, DAY, None, True, True)
LYING = [said(LaptopReceived(SCHOOL), source=f"school:{SCHOOL}"), said(LaptopCleared("BC1"))]
BEGINS = DAY.date() + timedelta(days=31)  # thirty days lie between the count and this midnight


def day_begins(day: date = BEGINS) -> Claim:
    return a_claim(LAPTOP, core.CloseDay(day), party="clock")


def test_a_laptop_that_lies_at_its_school_for_thirty_days_is_told_once() -> None:
    assert told({LAPTOP: LYING}, day_begins(BEGINS - timedelta(days=1))) == ()
    assert told({LAPTOP: LYING}, day_begins()) == ((LAPTOP, HandOutMissed(SCHOOL)),)
    missed = [*LYING, said(HandOutMissed(SCHOOL), 24 * 31, "clock")]
    assert told({LAPTOP: missed}, day_begins(BEGINS + timedelta(days=9))) == ()


@pytest.mark.parametrize(
    "past",
    [
        LYING[:1],
        [*LYING, said(HANDED_OUT, 5, f"school:{SCHOOL}")],
        [*LYING, said(LaptopMoved(SCHOOL, OTHER_SCHOOL), 20, f"school:{SCHOOL}")],
        [],
    ],
    ids=["not admitted", "handed out", "moved meanwhile", "never heard of"],
)
def test_nobody_missed_a_laptop_that_could_not_be_had_or_was(past: list[Said]) -> None:
    assert told({LAPTOP: past}, day_begins()) == ()


def test_who_comes_late_all_the_same_may_miss_it_again_another_time() -> None:
    school = f"school:{SCHOOL}"
    past = [
        *LYING,
        said(HandOutMissed(SCHOOL), 24 * 31, "clock"),
        said(HANDED_OUT, 24 * 40, school),
    ]
    back = [*past, said(LaptopBackToStock(SCHOOL), 24 * 50, school)]
    assert told({LAPTOP: back}, day_begins(BEGINS + timedelta(days=49))) == ()
    assert told({LAPTOP: back}, day_begins(BEGINS + timedelta(days=50))) == (
        (LAPTOP, HandOutMissed(SCHOOL)),
    )


def test_the_day_a_laptop_is_looked_at_for_is_the_one_its_core_speaks_on() -> None:
    assert core.waiting_since(BEGINS) > DAY >= core.waiting_since(BEGINS - timedelta(days=1))


def test_what_was_scrapped_is_told_once_is_never_missed_and_may_be_handed_out_all_the_same() -> (
    None
):
    there = [said(LaptopCleared("BC1")), said(LaptopReceived(SCHOOL), 1, f"school:{SCHOOL}")]
    away = a_claim(LAPTOP, core.TakeAway(), party="handover")
    assert told({LAPTOP: there}, away) == ((LAPTOP, LaptopTakenAway()),)
    late = a_claim(LAPTOP, core.CloseDay(date(2021, 6, 1)), party="clock")
    assert told({LAPTOP: there}, late) == ((LAPTOP, HandOutMissed(SCHOOL)),)
    gone = {LAPTOP: [*there, said(LaptopTakenAway(), 2, "handover")]}
    assert told(gone, away) == told(gone, late) == ()
    kit = frozenset({"laptop"})
    hand_out = HandOut(STUDENTS[0], SCHOOL, False, DAY, None, kit)
    ((_, fact),) = told(gone, a_claim(LAPTOP, hand_out, party=f"school:{SCHOOL}"))
    assert isinstance(fact, LaptopHandedOut)
