"""How handovers end: laptops that come back, stay, go to another; on both databases."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from services.handover import core, gauges, store
from shared.contracts import enrolment
from shared.contracts import handover as contract
from shared.contracts.published import name_of
from shared.decisions import Claim
from tests.builders import (
    OTHER_SCHOOL,
    SCHOOL,
    STUDENTS,
    Running,
    a_claim,
    a_hand_out,
    a_laptop,
    key_of,
)
from tests.service import handing_over as there
from tests.service.enrolling import YEAR, enrolled, left, told
from tests.service.hearing_by_hand import heard
from tests.service.leaving import (
    AT_SCHOOL,
    ELSEWHERE,
    JUNE,
    MANY,
    THIRD_SCHOOL,
    act,
    done,
    handed_over,
    later,
    leavers,
    of,
    opened,
    refused,
)


@pytest.fixture
def known(ordering: Running, delivery: Running, handover: Running) -> Running:
    """Handover that knows five laptops of five students who finish, the region's own."""
    return leavers(ordering, delivery, handover)


def test_who_leaves_the_region_is_asked_for_it_and_brings_it_back(known: Running) -> None:
    told(known, left("left-region"), STUDENTS[1], JUNE)
    asked = of(known)
    assert (asked["state"], asked["campaign"], asked["due_on"]) == (
        "return-asked",
        None,
        "2023-07-20",
    )
    number = asked["handover"]
    other = done(known, number, "return", 1, returned=a_laptop(2))["handover"]
    assert (other["state"], other["brought"]) == ("return-asked", key_of(2))
    back = done(known, number, "return", 2, returned=a_laptop())["handover"]
    assert back["state"] == "returned"
    scrapped = done(known, number, "scrapping", 3, tracking_form="BSD-2023-7")["handover"]
    assert (scrapped["state"], scrapped["tracking_form"]) == ("scrapped", "BSD-2023-7")


def test_what_came_back_is_in_the_schools_stock_for_delivery_and_tracking_and_said_once(
    known: Running, ordering: Running, delivery: Running, tracking: Running
) -> None:
    told(known, left("left-region"), STUDENTS[1], JUNE)
    done(known, of(known)["handover"], "return", 1, returned=a_laptop())
    heard(delivery, known)
    heard(known, delivery)
    heard(delivery, known)
    said = "SELECT type FROM ledger WHERE key = 'hp/5CD0001' AND type LIKE '%back-to-stock%'"
    assert len(delivery.rows(said)) == 1
    assert of(known)["state"] == "returned"
    heard(tracking, ordering, delivery, known)
    life = tracking.get("", f"/api/laptops/{key_of()}")
    assert (life["location"], life["owner"], life["flags"]) == ("at-school", "region", [])


def test_a_desk_is_told_that_a_laptop_is_its_students(
    known: Running, ordering: Running, delivery: Running, repairs: Running
) -> None:
    opened(known)
    handed_over(known)
    heard(repairs, ordering, delivery, known)
    at = {"id": "i1", "laptop": a_laptop(), "reported_at": datetime.now(JUNE.tzinfo).isoformat()}
    body = {"incidents": [at | {"cause": "defect", "desk": "metz"}]}
    (told_of,) = repairs.ask("desk:metz", "POST", "/api/incidents", json=body).json()["verdicts"]
    assert (told_of["verdict"], told_of["code"]) == ("refused", "owned-by-student")


def test_tracking_shows_whose_it_became_and_where_it_went(
    known: Running, ordering: Running, delivery: Running, tracking: Running
) -> None:
    opened(known)
    number = handed_over(known)["handover"]
    done(known, number, "further-study", later(), institution="iut")
    heard(tracking, ordering, delivery, known)
    life = tracking.get("", f"/api/laptops/{key_of()}")
    assert (life["owner"], life["managed"]) == ("student", "released")
    names = [one["type"].split(".")[1] for one in life["timeline"]]
    assert names[-2:] == ["laptop-handed-over", "laptop-taken-into-further-study"]
    assert all(one["summary"] for one in life["timeline"])
    board = tracking.get("", "/api/boards/region")
    assert (board["owner"]["student"], board["funnel"]["in_further_study"]) == (1, 1)


def test_a_return_that_never_comes_is_written_off_by_the_region(known: Running) -> None:
    opened(known)
    number = of(known)["handover"]
    done(known, number, "refusal")
    written_off = act(known, number, "write-off", 5, by="region", decided_by="Mme X")
    assert written_off.json()["handover"]["state"] == "written-off"


def test_what_came_back_is_made_ready_for_another(known: Running) -> None:
    opened(known)
    number = of(known)["handover"]
    done(known, number, "return-request", due_on="2023-07-01")
    done(known, number, "return", 1, returned=a_laptop())
    assert done(known, number, "refurbishing", 2)["handover"]["state"] == "refurbished"


def test_who_repeats_a_year_keeps_it_and_is_called_up_a_year_later(known: Running) -> None:
    opened(known)
    told(known, enrolment.StudentLevelChanged(SCHOOL, "term", "2023-2024"), STUDENTS[1], JUNE)
    assert of(known)["cancelled_for"] == "stays"
    opened(known, campaign="fin-2024", school_year="2023-2024", opens_at="2024-05-02T08:00:00Z")
    assert known.get("region", "/api/handovers?campaign=fin-2024")["total"] == 1


def test_what_a_closed_school_had_to_do_is_its_successors(known: Running) -> None:
    opened(known)
    body = {"successor": OTHER_SCHOOL}
    answer = known.ask("region", "POST", f"/api/schools/{SCHOOL}/closure", json=body)
    assert (answer.status_code, answer.json()["laptops"]) == (202, MANY)
    assert known.get(ELSEWHERE, "/api/handovers")["total"] == MANY
    body = {"successor": SCHOOL}
    again = known.ask("region", "POST", f"/api/schools/{SCHOOL}/closure", json=body)
    assert refused(again) == "same-school"


def test_of_schools_that_close_one_after_the_other_the_last_does_it_all(known: Running) -> None:
    opened(known)
    for school, successor in ((SCHOOL, OTHER_SCHOOL), (OTHER_SCHOOL, THIRD_SCHOOL)):
        body = {"successor": successor}
        answer = known.ask("region", "POST", f"/api/schools/{school}/closure", json=body)
        assert answer.status_code == 202, answer.text
    assert known.get("region", f"/api/handovers?school={THIRD_SCHOOL}")["total"] == MANY
    told(known, enrolled(), STUDENTS[0])  # heard of at the school that closed first
    heard_of = known.write(lambda connection: store.student(connection, STUDENTS[0]))
    assert heard_of.school == THIRD_SCHOOL
    body = {"successor": SCHOOL}
    back = known.ask("region", "POST", f"/api/schools/{THIRD_SCHOOL}/closure", json=body)
    assert refused(back) == "each-follows-the-other"


def test_a_mistyped_hand_out_that_is_withdrawn_leaves_the_laptop_to_its_student(
    known: Running, delivery: Running
) -> None:
    mistyped = a_hand_out(
        id="wrong", laptop=a_laptop(), student=STUDENTS[0], handed_out_at="2023-06-01T08:00:00Z"
    )
    delivery.ask(AT_SCHOOL, "POST", "/api/hand-outs", json={"hand_outs": [mistyped]})
    heard(known, delivery)
    opened(known)
    assert known.get("region", "/api/handovers")["total"] == MANY - 1
    void = {"id": "v", "type": "void", "happened_at": "2023-06-02T08:00:00Z", "corrects": "wrong"}
    told_of = {"events": [void | {"laptops": [a_laptop()]}]}
    delivery.ask(AT_SCHOOL, "POST", "/api/delivery-events", json=told_of)
    heard(known, delivery)
    assert (of(known)["state"], of(known)["student"]) == ("opened", STUDENTS[1])


def test_no_release_is_due_while_something_stands_in_the_way(handover: Running) -> None:
    there.put(handover, there.known([1, 2]))
    there.put(handover, there.campaign())
    there.put(handover, there.called([1, 2]))
    for number in (1, 2):
        steps: list[Any] = [core.Offer(there.number_of(number), False, YEAR)]
        steps.append(core.Sign(there.number_of(number), False, JUNE))
        block = core.Block("theft", "1")
        stolen = a_claim(key_of(number), block, id="stolen", happened_at=JUNE + timedelta(hours=1))
        claims = there.acts(number, *steps) + ([stolen] if number == 1 else [])
        due = handover.write(partial(_taken_and_due, claims=claims))
        assert due == ([] if number == 1 else [there.number_of(2)])


def _taken_and_due(connection: Any, claims: list[Claim]) -> list[str]:
    """Put claims through; the handovers whose release is due then."""
    there.take(connection, claims)
    return [one.number for one in store.releases_due(connection, JUNE + timedelta(days=1), 9)]


def test_the_gauges_count_what_there_is(known: Running) -> None:
    opened(known)
    handed_over(known)
    found = known.write(lambda connection: gauges.counted(connection, JUNE))
    assert (found.states, found.certificates) == ({"handed-over": 1, "opened": MANY - 1}, 1)
    assert found.failing == 0
    assert set(found.blocked) == {"repair", "loan", "theft", "loss"}


def test_every_fact_that_is_said_is_of_the_contract(known: Running) -> None:
    opened(known)
    handed_over(known)
    said = {row.type for row in known.rows("SELECT DISTINCT type FROM ledger") if row.type}
    assert said <= {name_of(one) for one in contract.RANK}
