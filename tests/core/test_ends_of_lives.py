"""How a laptop's life at school ends, as tracking folds it: whose it is, managed, unusual."""

from datetime import date, timedelta
from itertools import permutations
from typing import Any

from services.tracking import fold
from shared.contracts import delivery, handover, ordering, repairs
from shared.decisions import Said
from shared.decisions import fold as folded
from tests.builders import DAY, SCHOOL, STUDENTS, key_of

ADA = STUDENTS[0]
H = "1234567890123456"
HOUR = timedelta(hours=1)


def told(fact: Any, days: float = 0) -> Said:
    return Said(fact, DAY + timedelta(days=days), "region", f"{type(fact).__name__} {days}")


ADMITTED = ordering.LaptopAdmitted("BC1", "1", date(2020, 9, 1), date(2023, 9, 1))
HANDED_OUT = delivery.LaptopHandedOut(ADA, SCHOOL, False, DAY, None, True, True)
AT_SCHOOL = [
    told(ordering.LaptopAnnounced("BC1", "1", SCHOOL, "HP 245 G8", "L1", "hexalog")),
    told(ADMITTED, 1),
    told(HANDED_OUT, 2),
]
CEDED = handover.LaptopHandedOver(H, ADA, "CG3P", "22CP-101", 0)


def life(*more: Said) -> fold.Life:
    found: fold.Life = folded(fold.FOLDING, key_of(), [*AT_SCHOOL, *more])[0]
    return found


def test_what_was_handed_over_is_its_students_and_goes_on_to_study() -> None:
    ceded = life(told(CEDED, 1000))
    assert (ceded.owner, ceded.location) == ("student", "with-student")
    assert fold.owned_since(ceded) == ceded.handed_over_at == DAY + timedelta(days=1000)
    went = life(told(CEDED, 1000), told(handover.LaptopTakenIntoFurtherStudy(H, "bts"), 1001))
    steps = {**fold.reached(went)}
    assert [*steps][-2:] == ["handed-over", "in-further-study"]


def test_it_is_released_once_both_acts_are_done_in_whatever_order_that_is_heard() -> None:
    asked = [told(handover.ManagementReleaseAsked(H, name), 900) for name in handover.RELEASES]
    assert life(*asked).managed == "release-asked"
    failed = told(handover.ManagementReleaseFailed(H, "retire", "http-500", 1), 901)
    assert life(*asked, failed).managed == "release-failed"
    done = [told(handover.ManagementReleaseDone(H, name), 902) for name in handover.RELEASES]
    assert life(*asked, failed, done[0]).managed == "release-asked"
    for heard in permutations([*asked, failed, *done]):
        assert life(*heard).managed == "released"


def test_a_return_is_a_flag_until_it_came_back() -> None:
    asked = told(handover.ReturnAsked(H, SCHOOL, date(2023, 7, 20)), 1000)
    late = told(handover.ReturnOverdue(H, date(2023, 7, 20)), 1030)
    other = told(handover.OtherLaptopReturned(H, "hp/OTHER1"), 1031)
    flags = {"return-asked", "return-overdue", "other-laptop-returned"}
    assert flags <= {*fold.flags(life(asked, late, other))}
    back = told(handover.LaptopReturned(H, SCHOOL), 1032)
    returned = life(asked, late, other, back)
    assert not flags & {*fold.flags(returned)}
    assert returned.owner == "region"


def test_what_was_scrapped_is_nowhere_else_whatever_is_heard_of_it_later() -> None:
    back = told(handover.LaptopReturned(H, SCHOOL), 1000)
    gone = told(handover.LaptopScrapped(H, "BSD-7"), 1001)
    late = told(delivery.LaptopBackToStock(SCHOOL), 1002)
    for heard in permutations([back, gone, late]):
        scrapped = life(*heard)
        assert (scrapped.location, scrapped.student) == ("scrapped", None)
        assert "scrapped" in fold.flags(scrapped)


def test_what_is_written_off_is_awaited_no_longer() -> None:
    asked = told(handover.ReturnAsked(H, SCHOOL, date(2023, 7, 20)), 1000)
    gone = told(handover.LaptopWrittenOff(H), 1100)
    flags = fold.flags(life(asked, gone))
    assert "written-off" in flags
    assert "return-asked" not in flags


ASKED = [told(handover.ManagementReleaseAsked(H, name), 900) for name in handover.RELEASES]
DONE = [told(handover.ManagementReleaseDone(H, name), 901) for name in handover.RELEASES]
BACK = told(handover.LaptopReturned(H, SCHOOL), 1032)
STAYS = told(handover.HandoverCancelled(H, "stays"), 1032)
OTHER = told(handover.OtherLaptopReturned(H, "hp/OTHER1"), 1031)
GONE = told(handover.LaptopWrittenOff(H), 1031)


def in_every_order(*more: Said) -> fold.Life:
    """What comes of it, in whatever order it is heard."""
    found = [life(*heard) for heard in permutations(more)]
    assert all(one == found[0] for one in found)
    return found[0]


def test_what_came_back_after_all_is_not_written_off() -> None:
    ready = told(handover.LaptopRefurbished(H, SCHOOL), 1040)
    asked = told(handover.ReturnAsked(H, SCHOOL, date(2023, 7, 20)), 1000)
    found = in_every_order(asked, GONE, BACK, ready)
    assert not {"written-off", "return-asked"} & {*fold.flags(found)}
    late = told(handover.LaptopWrittenOff(H), 1041)
    assert "written-off" in fold.flags(life(BACK, late))


def test_what_came_back_or_stays_is_managed_anew() -> None:
    for end in (BACK, STAYS):
        assert in_every_order(*DONE, end).managed == fold.Life().managed
        assert in_every_order(ASKED[0], DONE[1], end).released == ()
        again = [
            told(handover.ManagementReleaseAsked("2", "retire"), 1300),
            told(handover.ManagementReleaseFailed("2", "retire", "http-500", 1), 1301),
        ]
        assert in_every_order(*DONE, end, *again).managed == "release-failed"
        after = [
            told(handover.ManagementReleaseDone("2", name), 1302) for name in handover.RELEASES
        ]
        assert life(*DONE, end, *again, *after).managed == "released"


def test_what_device_management_answers_of_what_ended_changes_nothing() -> None:
    late = [
        told(handover.ManagementReleaseFailed(H, "retire", "no-answer", 1), 1033),
        told(handover.ManagementReleaseDone(H, "delete-identity"), 1034),
    ]
    for end in (BACK, STAYS):
        found = in_every_order(*ASKED, end, *late)
        assert (found.managed, found.released) == (fold.Life().managed, ())


def test_another_laptop_that_was_brought_is_awaited_no_longer_once_it_ends() -> None:
    for end in (BACK, STAYS, told(handover.LaptopWrittenOff(H), 1032)):
        assert "other-laptop-returned" not in fold.flags(in_every_order(OTHER, end))


# -- a scan that is taken back, an ownership that comes to nothing


SCAN = "school:0670080Y scan"


def taken_back(event: str, days: float) -> Said:
    party, _, id = event.partition(" ")
    return told(delivery.LaptopFactWithdrawn(party, id), days)


def test_a_return_that_came_of_a_scan_goes_with_the_scan() -> None:
    asked = told(handover.ReturnAsked(H, SCHOOL, date(2023, 7, 20)), 1000)
    scanned = Said(delivery.LaptopBackToStock(SCHOOL), asked.happened_at + HOUR, *SCAN.split())
    back = Said(
        handover.LaptopReturned(H, SCHOOL, f"delivery: {SCAN}"), scanned.happened_at, "handover", ""
    )
    assert "return-asked" not in fold.flags(in_every_order(asked, scanned, back))
    found = in_every_order(asked, scanned, back, taken_back(SCAN, 1002))
    assert "return-asked" in fold.flags(found)
    assert (found.location, found.student) == ("with-student", ADA)


def test_ownership_that_came_back_with_a_scan_is_the_students_again_without_it() -> None:
    back = told(handover.LaptopReturned(H, SCHOOL, f"delivery: {SCAN}"), 1100)
    assert in_every_order(told(CEDED, 3), back).owner == "region"
    found = in_every_order(told(CEDED, 3), back, taken_back(SCAN, 1102))
    assert (found.owner, found.ceded_by) == ("student", H)


def test_what_was_its_students_from_the_hand_out_on_is_the_regions_when_that_is_cancelled() -> None:
    found = in_every_order(told(CEDED, 3), told(handover.HandoverCancelled(H, "not-theirs"), 4))
    assert (found.owner, found.ceded_by, found.handed_over_at) == ("region", None, None)


def test_another_handover_that_is_cancelled_takes_it_from_nobody() -> None:
    other = told(handover.HandoverCancelled("2", "not-theirs"), 4)
    assert in_every_order(told(CEDED, 3), other).owner == "student"


def test_what_another_service_was_told_under_the_same_id_stands_when_a_scan_is_withdrawn() -> None:
    scanned = Said(delivery.LaptopBackToStock(SCHOOL), DAY + timedelta(days=900), *SCAN.split())
    acted = Said(CEDED, DAY + timedelta(days=1000), *SCAN.split())
    void = taken_back(SCAN, 1100)
    found = in_every_order(told(ADMITTED, 1), scanned, acted, void)
    assert (found.owner, found.ceded_by, found.location) == ("student", H, "with-student")


# -- what holds a handover up


OPENED = told(handover.HandoverOpened(H, ADA, SCHOOL, "final-level"), 900)


def blocked(cause: str, case: str = "1") -> Said:
    event = f"repairs: desk:metz {cause}{case}"
    return told(handover.HandoverBlocked(event, cause, case), 800 + int(case))


def unblocked(case: str, cause: str | None = None, days: float = 950) -> Said:
    event = f"repairs: desk:metz over{case}"
    return told(handover.HandoverUnblocked(event, case, cause), days)


def held_up(*more: Said) -> set[str]:
    return {one for one in fold.flags(in_every_order(*more)) if one.startswith("blocked-")}


def test_what_holds_a_handover_up_is_a_flag_for_each_cause_while_it_is_open() -> None:
    causes = [blocked("repair"), blocked("theft", "2"), blocked("repair", "3")]
    assert held_up(*causes) == set()
    assert held_up(OPENED, *causes) == {"blocked-repair", "blocked-theft"}
    assert held_up(OPENED, *causes, told(CEDED, 1000)) == set()
    assert held_up(OPENED, blocked("repair"), BACK) == set()


def test_nothing_holds_up_what_goes_on_to_study_straight_from_its_certificate() -> None:
    study = told(handover.LaptopTakenIntoFurtherStudy(H, "bts"), 1000)
    assert held_up(OPENED, blocked("theft"), study) == set()


def test_a_return_that_is_told_with_a_time_before_the_opening_ends_it_all_the_same() -> None:
    early = told(handover.LaptopReturned(H, SCHOOL), 890)
    asked = told(handover.ReturnAsked(H, SCHOOL, date(2023, 7, 20)), 901)
    late = told(handover.ReturnOverdue(H, date(2023, 7, 20)), 931)
    found = in_every_order(OPENED, early, asked, late, blocked("repair"))
    flags = {"return-asked", "return-overdue", "blocked-repair"}
    assert (found.opened, flags & {*fold.flags(found)}) == ((), set())
    anew = told(handover.HandoverOpened("2", ADA, SCHOOL, "final-level"), 1300)
    asked_anew = told(handover.ReturnAsked("2", SCHOOL, date(2024, 7, 20)), 1301)
    assert {"return-asked", "blocked-repair"} <= {
        *fold.flags(life(OPENED, early, asked, blocked("repair"), anew, asked_anew))
    }


def test_a_case_that_is_closed_holds_nothing_up_but_for_its_loan() -> None:
    both = [OPENED, blocked("repair"), blocked("loan")]
    assert held_up(*both, unblocked("1")) == {"blocked-loan"}
    assert held_up(*both, unblocked("1"), unblocked("1", "loan", 960)) == set()


def test_a_word_of_a_desk_that_is_withdrawn_holds_nothing_up() -> None:
    void = told(repairs.CaseFactWithdrawn("desk:metz", "theft1"), 960)
    assert held_up(OPENED, blocked("theft"), void) == set()
    again = told(repairs.CaseFactWithdrawn("desk:metz", "over1"), 960)
    assert held_up(OPENED, blocked("theft"), unblocked("1"), again) == {"blocked-theft"}


# -- on loan


def test_a_loan_that_is_prolonged_is_late_no_more_until_it_is_again() -> None:
    lent = told(repairs.LaptopLent("1", "hp/X1", date(2020, 10, 1)), 5)
    late = told(repairs.LoanOverdue("1", date(2020, 10, 1)), 31)
    longer = told(repairs.LaptopLent("1", "hp/X1", date(2020, 11, 1)), 32)
    again = told(repairs.LoanOverdue("1", date(2020, 11, 1)), 62)
    assert in_every_order(lent, late).marks == ("loan-overdue", "on-loan")
    assert in_every_order(lent, late, longer).marks == ("on-loan",)
    assert in_every_order(lent, late, longer, again).marks == ("loan-overdue", "on-loan")
