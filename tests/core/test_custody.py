"""Where a laptop is and who holds it, as the facts of its life tell it."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.contracts import custody, delivery, ordering, repairs
from shared.contracts.custody import Custody
from shared.contracts.delivery import (
    DiscrepancyReported,
    HandOutMissed,
    LaptopArrived,
    LaptopBackToStock,
    LaptopDispatched,
    LaptopExpected,
    LaptopHandedOut,
    LaptopInTransit,
    LaptopMoved,
    LaptopPacked,
    LaptopReceived,
    LaptopRefused,
    LaptopTakenAway,
)
from shared.contracts.ordering import (
    AdmissionRefused,
    LaptopAdmitted,
    LaptopAnnounced,
    LaptopCancelled,
)
from shared.decisions import Folding, Said, fold, folds_on
from tests.builders import (
    DAY,
    OTHER_SCHOOL,
    OTHER_SHIPMENT,
    SCHOOL,
    SHIPMENT,
    STUDENTS,
    a_uai,
    key_of,
)

ACME, OTHER = "carrier:acme", "carrier:other"
COUNTER = f"school:{SCHOOL}"
FOLDING = Folding(
    ordering.RANK | delivery.RANK | repairs.RANK,
    custody.moved,
    lambda _: Custody(),
    stands=custody.as_it_counts,
    restarts=(LaptopPacked,),
)


def said(fact: Any, hours: float = 0, source: str = ACME) -> Said:
    return Said(fact, DAY + timedelta(hours=hours), source, "")


def handed_out(student: int = 0, school: str = SCHOOL) -> LaptopHandedOut:
    return LaptopHandedOut(STUDENTS[student], school, False, DAY, None, True, True)


def custody_after(*life: Said) -> Custody:
    """The custody that every order of hearing these facts ends in."""
    ends = [fold(FOLDING, key_of(), heard)[0] for heard in permutations(life)]
    assert all(end == ends[0] for end in ends)
    last: Custody = ends[0]
    return last


def where(*life: Said) -> tuple[str, str, str | None, str | None]:
    end = custody_after(*life)
    return end.location, end.holder, end.school, end.student


EXPECTED = LaptopExpected("BC1", "1", SCHOOL)
PACKED = LaptopPacked(SHIPMENT, ACME)


def test_of_a_laptop_of_which_nothing_is_known_nobody_holds_anything() -> None:
    assert where() == ("unknown", "nobody", None, None)


def test_an_announced_laptop_is_with_its_supplier() -> None:
    assert where(said(EXPECTED)) == ("announced", "supplier", None, None)
    announced = LaptopAnnounced("BC1", "1", SCHOOL, "HP 245 G8", "L1", "hexalog")
    assert custody.moved(Custody(), said(announced)).location == "announced"


@pytest.mark.parametrize(
    ("fact", "location"),
    [
        (LaptopDispatched(SHIPMENT), "in-transit"),
        (LaptopInTransit(SHIPMENT), "in-transit"),
        (LaptopArrived(SHIPMENT), "arrived"),
        (LaptopArrived(), "arrived"),
    ],
)
def test_a_scanned_laptop_is_with_its_carrier(fact: Any, location: str) -> None:
    assert where(said(EXPECTED, -1), said(fact)) == (location, "carrier", None, None)


def test_delivered_is_only_the_carriers_claim_and_the_schools_count_is_reception() -> None:
    life = (said(PACKED), said(LaptopArrived(SHIPMENT), 1))
    assert where(*life)[0] == "arrived"
    counted = said(LaptopReceived(SCHOOL, SHIPMENT), 2, COUNTER)
    assert where(*life, counted) == ("at-school", "school", SCHOOL, None)


def test_at_one_instant_a_laptop_is_sent_then_scanned_then_counted_then_handed_out() -> None:
    life = (
        said(EXPECTED),
        said(PACKED),
        said(LaptopDispatched(SHIPMENT)),
        said(LaptopArrived(SHIPMENT)),
        said(LaptopReceived(SCHOOL, SHIPMENT), source=COUNTER),
        said(handed_out(), source=COUNTER),
    )
    assert where(*life) == ("with-student", "student", SCHOOL, STUDENTS[0])


def test_a_laptop_announced_after_its_scans_keeps_the_place_that_they_gave_it() -> None:
    for hours in (-9, 9):
        life = (said(LaptopArrived(SHIPMENT)), said(EXPECTED, hours, "ordering"))
        assert where(*life) == ("arrived", "carrier", None, None)


def test_once_a_school_has_counted_carrier_facts_of_that_shipment_move_nothing() -> None:
    life = (
        said(PACKED),
        said(LaptopReceived(SCHOOL, SHIPMENT), 1, COUNTER),
        said(LaptopInTransit(SHIPMENT), 2),
        said(LaptopArrived(SHIPMENT), 3),
    )
    assert where(*life) == ("at-school", "school", SCHOOL, None)


def test_a_count_without_a_shipment_counts_the_one_that_the_laptop_came_in() -> None:
    life = (
        said(LaptopDispatched(SHIPMENT)),
        said(LaptopReceived(SCHOOL), 1, COUNTER),
        said(LaptopArrived(SHIPMENT), 2),
    )
    assert where(*life) == ("at-school", "school", SCHOOL, None)


def test_a_counted_laptop_may_travel_again_in_another_shipment() -> None:
    life = (
        said(LaptopReceived(SCHOOL, SHIPMENT), 1, COUNTER),
        said(LaptopDispatched(OTHER_SHIPMENT), 2),
    )
    assert where(*life) == ("in-transit", "carrier", SCHOOL, None)


def test_a_carrier_who_did_not_announce_the_shipment_moves_nothing_in_it() -> None:
    life = (said(EXPECTED, -1), said(PACKED), said(LaptopArrived(SHIPMENT), 1, OTHER))
    assert where(*life) == ("announced", "supplier", None, None)


def test_whose_shipment_it_is_holds_for_scans_before_its_announcement_too() -> None:
    life = (said(LaptopArrived(SHIPMENT), 0, OTHER), said(PACKED, 5))
    assert where(*life)[0] == "unknown"


def test_a_scan_without_a_shipment_moves_what_its_carrier_has_under_way_or_what_none_has() -> None:
    scan = LaptopArrived()
    assert where(said(EXPECTED, -1), said(scan, 1))[0] == "arrived"
    assert where(said(EXPECTED, -1), said(PACKED), said(scan, 1))[0] == "arrived"
    assert where(said(EXPECTED, -1), said(PACKED), said(scan, 1, OTHER))[0] == "announced"
    counted = said(LaptopReceived(SCHOOL, SHIPMENT), 1, COUNTER)
    assert where(said(PACKED), counted, said(scan, 2))[0] == "at-school"
    assert where(said(LaptopReceived(SCHOOL), 1, COUNTER), said(scan, 2))[0] == "at-school"
    sent_on = said(LaptopPacked(OTHER_SHIPMENT, OTHER), 2, OTHER)
    assert where(said(PACKED), counted, sent_on, said(scan, 3, OTHER))[0] == "arrived"


def test_the_region_may_speak_of_every_laptop() -> None:
    assert where(said(EXPECTED, -1), said(PACKED), said(LaptopArrived(SHIPMENT), 1, "region"))[
        0
    ] == ("arrived")


def test_a_shipment_is_of_the_carrier_who_announced_it_first() -> None:
    packed = (said(PACKED, 1), said(LaptopPacked(SHIPMENT, OTHER), 2, OTHER))
    assert where(*packed, said(LaptopArrived(SHIPMENT), 3))[0] == "arrived"
    assert where(*packed, said(LaptopArrived(SHIPMENT), 3, OTHER))[0] == "unknown"


def test_two_schools_that_counted_one_laptop_leave_it_at_the_last() -> None:
    life = (
        said(LaptopReceived(SCHOOL, SHIPMENT), 1, COUNTER),
        said(LaptopReceived(OTHER_SCHOOL, SHIPMENT), 2, f"school:{OTHER_SCHOOL}"),
    )
    assert where(*life) == ("at-school", "school", OTHER_SCHOOL, None)


def test_a_laptop_of_a_short_pallet_is_missing_and_at_school_once_it_is_found() -> None:
    missing = said(DiscrepancyReported("missing", SCHOOL, SHIPMENT), 1, COUNTER)
    assert where(missing) == ("missing", "nobody", SCHOOL, None)
    found = said(LaptopReceived(SCHOOL, SHIPMENT), 700, COUNTER)
    assert where(missing, found) == ("at-school", "school", SCHOOL, None)


def test_a_discrepancy_of_another_kind_moves_nothing() -> None:
    damaged = said(DiscrepancyReported("damaged", SCHOOL, SHIPMENT), 1, COUNTER)
    assert where(damaged)[0] == "unknown"


def test_a_laptop_is_with_the_last_student_who_took_it() -> None:
    life = (said(handed_out(0), 1), said(handed_out(1, OTHER_SCHOOL), 2))
    assert where(*life) == ("with-student", "student", OTHER_SCHOOL, STUDENTS[1])


def test_a_laptop_that_a_school_counts_again_is_with_no_student_any_more() -> None:
    life = (said(handed_out(), 1), said(LaptopReceived(SCHOOL), 2, COUNTER))
    assert where(*life) == ("at-school", "school", SCHOOL, None)


AT_OTHER = f"school:{OTHER_SCHOOL}"
RECEIVED, TAKEN = said(LaptopReceived(SCHOOL, SHIPMENT), 1, COUNTER), said(handed_out(), 2, COUNTER)


@pytest.mark.parametrize(
    ("remark", "life"),
    [
        ("two-schools", (RECEIVED, said(handed_out(0, OTHER_SCHOOL), 3, AT_OTHER))),
        ("two-schools", (RECEIVED, said(LaptopBackToStock(OTHER_SCHOOL), 3, AT_OTHER))),
        ("two-schools", (TAKEN, said(LaptopMoved(OTHER_SCHOOL, SCHOOL), 3, AT_OTHER))),
        ("two-schools", (TAKEN, said(DiscrepancyReported("missing", OTHER_SCHOOL), 3, AT_OTHER))),
        ("contradicted", (TAKEN, said(DiscrepancyReported("missing", SCHOOL), 3, COUNTER))),
        ("contradicted", (TAKEN, said(LaptopRefused(SHIPMENT, school=OTHER_SCHOOL), 3, AT_OTHER))),
        ("contradicted", (TAKEN, said(LaptopReceived(SCHOOL), 3, COUNTER))),
    ],
)
def test_a_word_against_what_was_known_is_applied_and_remarked(
    remark: str, life: tuple[Said, ...]
) -> None:
    assert remark in custody_after(RECEIVED, *life).remarks


def test_what_fits_together_is_not_remarked() -> None:
    back = said(LaptopBackToStock(SCHOOL), 4, COUNTER)
    moved = said(LaptopMoved(SCHOOL, OTHER_SCHOOL), 5, COUNTER)
    again = said(handed_out(), 3, COUNTER)
    assert custody_after(RECEIVED, TAKEN, again, back, moved).remarks == ()


def test_a_laptop_that_nobody_collected_may_be_missed_again_at_the_next_school() -> None:
    missed = said(HandOutMissed(SCHOOL), 2, COUNTER)
    assert custody_after(RECEIVED, missed).remarks == ("hand-out-missed",)
    assert custody_after(RECEIVED, missed, said(LaptopMoved(SCHOOL, OTHER_SCHOOL), 3)).remarks == ()


def test_nobody_missed_a_laptop_whose_hand_out_was_only_told_late() -> None:
    missed = said(HandOutMissed(SCHOOL), 24 * 31, "clock")
    assert custody_after(RECEIVED, TAKEN, missed).remarks == ()


def test_the_region_too_reports_a_discrepancy_too_late() -> None:
    arrived = said(LaptopArrived(SHIPMENT), 0)
    late = said(DiscrepancyReported("missing", SCHOOL, SHIPMENT), 24 * 40, "region")
    assert custody_after(arrived, late).remarks == ("reported-late",)


def test_a_laptop_that_is_announced_again_is_not_called_off_any_more() -> None:
    off = said(LaptopCancelled("BC1", "1"), 1, "region")
    again = said(LaptopAnnounced("BC2", "1", SCHOOL, "HP 245 G8", "L1", "hexalog"), 2, "region")
    assert custody_after(said(EXPECTED), off).remarks == ("called-off",)
    assert custody_after(said(EXPECTED), off, again).remarks == ()


def test_a_refusal_that_is_dated_before_the_announcement_holds_until_another_line_has_it() -> None:
    refused = said(AdmissionRefused("BC1", "1"), -1, "region")
    again = said(LaptopAnnounced("BC2", "1", SCHOOL, "HP 245 G8", "L1", "hexalog"), 2, "region")
    assert custody_after(refused, said(EXPECTED)).remarks == ("admission-refused",)
    assert custody_after(refused, said(EXPECTED), again).remarks == ()
    later = said(AdmissionRefused("BC1", "1"), 3, "region")
    assert custody_after(said(EXPECTED), again, later).remarks == ()


def test_a_stolen_laptop_that_is_replaced_is_missing_still_and_no_longer_its_students() -> None:
    home = said(handed_out(0, SCHOOL), 1, COUNTER)
    swapped = said(repairs.LaptopSwapped("1", key_of(2), STUDENTS[0], SCHOOL), 3, "desk:metz")
    brought = custody_after(home, swapped)
    assert (brought.location, brought.student) == ("at-repair-desk", None)
    stolen_at_2 = said(repairs.TheftReported("1"), 2, "desk:metz")
    stolen = custody_after(home, stolen_at_2, swapped)
    assert (stolen.location, stolen.holder, stolen.student) == ("missing", "nobody", None)
    found = said(repairs.LaptopRecovered("1"), 4, "desk:metz")
    assert custody_after(home, stolen_at_2, swapped, found).location == "at-repair-desk"


def test_a_fact_of_another_kind_moves_nothing() -> None:
    now = custody_after(said(LaptopReceived(SCHOOL), 1, COUNTER))
    admitted = LaptopAdmitted("BC1", "1", DAY.date(), DAY.date())
    assert custody.moved(now, said(admitted, 2)) == now


def test_since_is_when_the_last_fact_that_counts_happened() -> None:
    life = (said(LaptopReceived(SCHOOL, SHIPMENT), 1, COUNTER), said(LaptopArrived(SHIPMENT), 2))
    assert custody_after(*life).since == DAY + timedelta(hours=1)


# -- any facts, heard in any order, one by one or all at once

SHIPMENTS = some.sampled_from([None, SHIPMENT, OTHER_SHIPMENT])
SCHOOLS = some.sampled_from([SCHOOL, OTHER_SCHOOL, a_uai(510001)])
SENDERS = some.sampled_from([ACME, OTHER, COUNTER])
FACTS = some.one_of(
    some.just(EXPECTED),
    some.builds(LaptopPacked, some.sampled_from([SHIPMENT, OTHER_SHIPMENT]), SENDERS),
    some.builds(LaptopDispatched, SHIPMENTS),
    some.builds(LaptopInTransit, SHIPMENTS),
    some.builds(LaptopArrived, SHIPMENTS),
    some.builds(LaptopReceived, SCHOOLS, SHIPMENTS),
    some.builds(DiscrepancyReported, some.just("missing"), SCHOOLS, SHIPMENTS),
    some.builds(handed_out, some.integers(0, 2), SCHOOLS),
)
LIVES = some.lists(some.builds(said, FACTS, some.integers(0, 4), SENDERS), max_size=9)


@given(some.data(), LIVES)
def test_facts_heard_one_by_one_in_any_order_end_as_they_do_all_at_once(
    data: some.DataObject, life: list[Said]
) -> None:
    state, last = Custody(), ""
    heard: list[Said] = []
    for one in data.draw(some.permutations(life)):
        heard.append(one)
        onward, then = folds_on(FOLDING, last, one)
        state, last = (
            (custody.moved(state, one), then) if onward else fold(FOLDING, key_of(), heard)
        )
    assert (state, last) == fold(FOLDING, key_of(), life)


def test_what_was_scrapped_is_nowhere_and_what_is_told_after_is_kept_with_a_remark() -> None:
    gone = said(LaptopTakenAway(), 10, "handover")
    before = (said(LaptopReceived(SCHOOL), 1, COUNTER), said(handed_out(), 2, COUNTER))
    assert where(*before, gone) == ("scrapped", "nobody", SCHOOL, None)
    for late in (handed_out(1), LaptopReceived(SCHOOL), LaptopBackToStock(SCHOOL)):
        for heard in permutations([*before, gone, said(late, 11, COUNTER)]):
            after = custody_after(*heard)
            assert (after.location, after.student) == ("scrapped", None)
            assert custody.AFTER_SCRAP in after.remarks
