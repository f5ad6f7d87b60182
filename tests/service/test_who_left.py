"""Delivery and repairs as they hear from enrolment who left, and who is at another school."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.builders import DAY, OTHER_SCHOOL, SCHOOL, STUDENTS, Running, a_hand_out, a_laptop
from tests.service.enrolling import enrolled, left, told
from tests.service.hearing_by_hand import announced, heard

AT_SCHOOL = f"school:{SCHOOL}"
SOON = DAY + timedelta(days=2)


def handed_out(delivery: Running, number: int = 1, at: str = SOON.isoformat()) -> str:
    """Hand a laptop out on a day; the verdict."""
    laptop, student = a_laptop(number), STUDENTS[number]
    item = a_hand_out(id=f"h{number}", laptop=laptop, student=student, handed_out_at=at)
    answer = delivery.ask(AT_SCHOOL, "POST", "/api/hand-outs", json={"hand_outs": [item]})
    return str(answer.json()["verdicts"][0]["verdict"])


@pytest.fixture
def known(ordering: Running, delivery: Running) -> Running:
    """Delivery that knows three laptops and three students of the school."""
    announced(ordering, [1, 2, 3])
    heard(delivery, ordering)
    for number in (1, 2, 3):
        told(delivery, enrolled(), STUDENTS[number], DAY - timedelta(days=9))
    return delivery


def test_a_hand_out_to_who_had_left_counts_and_stands_flagged_on_the_page_and_in_tracking(
    ordering: Running, known: Running, tracking: Running
) -> None:
    told(known, left("left-region"), STUDENTS[1], DAY)
    told(known, left("left-region"), STUDENTS[1], DAY)
    told(known, enrolled(school=OTHER_SCHOOL), STUDENTS[2], DAY)
    assert [handed_out(known, number) for number in (1, 2, 3)] == ["applied"] * 3
    heard(tracking, ordering, known)
    flags = [tracking.get("region", f"/api/laptops/hp/5CD000{one}")["flags"] for one in (1, 2, 3)]
    assert [set(one) - {"not-received"} for one in flags] == [
        {"student-left"},
        {"student-elsewhere"},
        set(),
    ]
    board = tracking.page("region", "/").text
    assert "1 remis à un élève parti" in board
    assert "flag=student-elsewhere" in board


def test_a_hand_out_before_its_student_left_is_doubted_by_nobody_however_late_it_is_told(
    known: Running,
) -> None:
    told(known, left("left-region"), STUDENTS[1], SOON + timedelta(days=9))
    assert handed_out(known) == "applied"
    body = known.rows("SELECT body FROM ledger WHERE type = 'delivery.laptop-handed-out.v1'")
    assert '"doubt":null' in body[0][0]


def test_the_school_sees_on_its_page_of_hand_outs_what_speaks_against_one(known: Running) -> None:
    told(known, left("left-region"), STUDENTS[1], DAY)
    assert handed_out(known, at=datetime.now(UTC).isoformat()) == "applied"
    assert "remis à un élève parti" in known.page(AT_SCHOOL, f"/hand-outs/{SCHOOL}").text
