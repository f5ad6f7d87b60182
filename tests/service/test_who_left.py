"""Delivery and repairs as they hear from enrolment who left, and who is at another school."""

from datetime import UTC, date, datetime, timedelta

import httpx
import pytest

from services.repairs import core, store
from shared.contracts.calendar import midnight
from shared.contracts.enrolment import StudentErased
from shared.transact import Service, transact
from tests.builders import (
    DAY,
    OTHER_SCHOOL,
    SCHOOL,
    STUDENTS,
    Running,
    a_claim,
    a_hand_out,
    a_laptop,
    key_of,
)
from tests.service.enrolling import enrolled, left, told
from tests.service.hearing_by_hand import POLICY, announced, heard

DESK = "desk:metz"
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


# -- repairs


def lent(ordering: Running, delivery: Running, repairs: Running) -> str:
    """A case of the first student's laptop, during which he has the second on loan; its number."""
    announced(ordering, [1, 2])
    body = {"id": "all", "line": "1", "decided_at": DAY.isoformat(), "decided_by": "Mme X"}
    ordering.ask("region", "POST", "/api/orders/BC1/admissions", json=body)
    counted = {"id": "r", "type": "received", "happened_at": "2020-08-20T08:00:00Z"}
    events = {"events": [counted | {"laptops": [a_laptop(1), a_laptop(2)]}]}
    delivery.ask(AT_SCHOOL, "POST", "/api/delivery-events", json=events)
    handed_out(delivery, at=DAY.isoformat())
    heard(repairs, ordering, delivery)
    told(repairs, enrolled(), STUDENTS[1], DAY)
    at = SOON.isoformat()
    incident = {"id": "i", "laptop": a_laptop(1), "reported_at": at, "cause": "defect", "fault": 7}
    answer = repairs.ask(DESK, "POST", "/api/incidents", json={"incidents": [incident]})
    case = str(answer.json()["verdicts"][0]["case"])
    loan = {"id": "l", "happened_at": at, "loaner": a_laptop(2), "due_on": "2020-12-01"}
    answer = repairs.ask(DESK, "POST", f"/api/cases/{case}/loan", json=loan)
    assert answer.status_code == httpx.codes.OK, answer.text
    return case


def due(repairs: Running, day: date) -> list[tuple[str, core.CloseDay]]:
    """The loans of which the beginning of a day tells something."""
    found = repairs.write(lambda connection: store.due(connection, day, core.Policy((), ())))
    return [(key, command) for key, command in found if isinstance(command, core.CloseDay)]


def begun(repairs: Running, day: date) -> list[tuple[str, core.CloseDay]]:
    """A day begins; what was asked of loans."""
    found = due(repairs, day)
    at, service = midnight(day), Service(core.core(POLICY), store.SHELVES)
    claims = [
        a_claim(*one, party="clock", id=day.isoformat(), happened_at=at, stated=False)
        for one in found
    ]
    repairs.write(lambda connection: transact(connection, service, claims, DAY))
    return found


def loan(repairs: Running) -> tuple[bool, str]:
    """Whether the second laptop is overdue, and until when it is lent."""
    shown = repairs.get(DESK, f"/api/laptops/{key_of(2)}")
    return shown["overdue"], shown["due_on"]


def test_what_a_leaver_has_on_loan_is_due_at_once_and_his_case_says_that_he_left(
    ordering: Running, delivery: Running, repairs: Running
) -> None:
    case = lent(ordering, delivery, repairs)
    assert due(repairs, date(2020, 9, 20)) == []
    told(repairs, left("left-region"), STUDENTS[1], DAY + timedelta(days=9))
    assert due(repairs, date(2020, 9, 10)) == []
    left_on = date(2020, 9, 10)
    asked = (key_of(2), core.CloseDay(date(2020, 9, 11), left_on))
    assert begun(repairs, date(2020, 9, 11)) == [asked]
    assert loan(repairs) == (True, "2020-12-01")
    assert due(repairs, date(2020, 9, 12)) == []
    gone = "2020-09-10T08:00:00"
    assert repairs.get(DESK, f"/api/cases/{case}")["student_left_at"].startswith(gone)
    listed = repairs.get(DESK, "/api/cases")["items"]
    assert [one["student_left_at"][:19] for one in listed] == [gone]
    of_laptop = repairs.get(DESK, f"/api/laptops/{key_of(1)}")["cases"]
    assert [one["student_left_at"][:19] for one in of_laptop] == [gone]
    counter = repairs.page(DESK, f"/counter?code={key_of(1).partition('/')[2]}").text
    assert "son élève est parti le" in counter


def test_who_came_back_has_his_loan_until_the_day_that_was_agreed(
    ordering: Running, delivery: Running, repairs: Running
) -> None:
    case = lent(ordering, delivery, repairs)
    told(repairs, enrolled(), STUDENTS[1], DAY + timedelta(days=30))
    told(repairs, left("left-region"), STUDENTS[1], DAY + timedelta(days=9))
    assert due(repairs, date(2020, 9, 20)) == []
    assert repairs.get(DESK, f"/api/cases/{case}")["student_left_at"] is None


def test_what_is_prolonged_for_a_leaver_is_overdue_no_night_again_and_who_is_back_has_it_as_agreed(
    ordering: Running, delivery: Running, repairs: Running
) -> None:
    case = lent(ordering, delivery, repairs)
    told(repairs, left("left-region"), STUDENTS[1], DAY + timedelta(days=9))
    begun(repairs, date(2020, 9, 11))
    longer = {"happened_at": "2020-09-11T08:00:00Z", "loaner": a_laptop(2)}
    longer |= {"id": "longer", "due_on": "2020-12-24"}
    answer = repairs.ask(DESK, "POST", f"/api/cases/{case}/loan", json=longer)
    assert answer.json()["verdict"] == "applied"
    begun(repairs, date(2020, 9, 12))
    assert loan(repairs) == (False, "2020-12-24")
    told(repairs, left("left-region"), STUDENTS[1], DAY + timedelta(days=14))
    told(repairs, enrolled(), STUDENTS[1], DAY + timedelta(days=13))
    begun(repairs, date(2020, 9, 16))
    assert loan(repairs) == (True, "2020-12-24"), "left once more"
    told(repairs, enrolled(), STUDENTS[1], DAY + timedelta(days=16))
    begun(repairs, date(2020, 9, 18))
    assert loan(repairs) == (False, "2020-12-24")
    assert due(repairs, date(2020, 9, 19)) == []


def test_that_a_student_left_is_told_of_an_open_case_to_its_desk_to_the_region_and_to_ops_alone(
    ordering: Running, delivery: Running, repairs: Running
) -> None:
    case = lent(ordering, delivery, repairs)
    told(repairs, left("left-region"), STUDENTS[1], DAY + timedelta(days=9))
    other, laptop = "desk:nancy", key_of(1)

    def seen(party: str) -> set[bool]:
        listed = repairs.get(party, f"/api/cases?laptop={laptop}")["items"]
        card = repairs.get(party, f"/api/laptops/{laptop}")["cases"]
        shown = [repairs.get(party, f"/api/cases/{case}"), *listed, *card]
        return {one["student_left_at"] is not None for one in shown}

    assert [seen(party) for party in (DESK, "region", "ops", other)] == [{True}] * 3 + [{False}]
    counter = f"/counter?code={laptop.partition('/')[2]}"
    pages = [repairs.page(party, counter).text for party in (DESK, other)]
    assert ["son élève est parti le" in page for page in pages] == [True, False]
    back = {"id": "b", "happened_at": "2020-09-12T08:00:00Z"}
    answer = repairs.ask(DESK, "POST", f"/api/cases/{case}/return", json=back)
    assert answer.json()["case"]["open"] is False
    assert [seen(party) for party in (DESK, "region")] == [{False}] * 2


def test_nothing_is_kept_of_where_an_erased_student_was_and_his_loan_stays_overdue(
    ordering: Running, delivery: Running, repairs: Running
) -> None:
    lent(ordering, delivery, repairs)
    for reader in (delivery, repairs):
        told(reader, enrolled(), STUDENTS[1], DAY)
        told(reader, left("left-region"), STUDENTS[1], DAY + timedelta(days=9))
    begun(repairs, date(2020, 9, 11))
    for reader in (delivery, repairs):
        told(reader, StudentErased("request"), STUDENTS[1], DAY + timedelta(days=12))
    words = "SELECT key, school, since, left_at, earlier FROM student"
    kept = [tuple(row) for row in delivery.rows(words)]
    assert kept == [(f"student:{STUDENTS[1]}", None, None, None, "[]")]
    assert [tuple(row) for row in repairs.rows("SELECT left_at FROM student")] == [(None,)]
    assert due(repairs, date(2020, 9, 15)) == []
    assert loan(repairs) == (True, "2020-12-01")
