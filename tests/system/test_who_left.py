"""Who left, over real Kafka: what delivery, repairs and tracking make of it."""

import asyncio

from aiokafka import AIOKafkaConsumer

from shared.contracts import enrolment
from tests.running import System, until
from tests.system.acts import (
    case_of,
    done,
    event,
    hand_out,
    in_stock,
    laptops,
    named,
    opened,
    told_in_order,
    uai,
    verdicts,
    when,
)
from tests.system.handing_over import a_student, enrolment_says, when_handover

YEAR = "2020-2021"
LEFT = "2021-01-15T08:00:00+01:00"


def leaves(system: System, school: str, student: str) -> None:
    """A student leaves in January, and delivery knows it."""
    gone = enrolment.StudentLeft(school, "2nde", YEAR, "left-region")
    came = enrolment.StudentEnrolled(school, "2nde", YEAR)
    enrolment_says(system, student, came, at="2020-08-25T08:00:00+02:00")
    enrolment_says(system, student, gone, at=LEFT)
    word = b'"left":true'
    until(lambda: asyncio.run(_said(system, student, word)), f"delivery knows that {student} left")


async def _said(system: System, student: str, word: bytes) -> bool:
    """Whether delivery said something of a student."""
    consumer = AIOKafkaConsumer(
        "delivery.facts", bootstrap_servers=system.kafka, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        records, ends = [], await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(part) < end for part, end in ends.items()]):
            found = await consumer.getmany(timeout_ms=2_000)
            records += [one for some in found.values() for one in some]
        return any(word in one.value for one in records if one.key.decode().endswith(student))
    finally:
        await consumer.stop()


def test_a_laptop_given_to_who_had_left_is_flagged_one_given_before_is_not(system: System) -> None:
    school, (early, late), student = uai(), laptops(2), a_student()
    in_stock(system, school, early, late)
    leaves(system, school, student)
    before, after = "2020-09-02T08:00:00+02:00", "2021-02-01T08:00:00+01:00"
    for laptop, at in ((early, before), (late, after)):
        assert hand_out(system, school, laptop, at, student=student)["verdict"] == "applied"
    shown = when(system, late, {"student": student})
    assert "student-left" in shown["flags"]
    shown = when(system, early, {"student": student})
    assert "student-left" not in shown["flags"]


def test_the_case_of_a_leaver_says_so(system: System) -> None:
    school, (laptop, loaner), student = uai(), laptops(2), a_student()
    in_stock(system, school, laptop, loaner)
    hand_out(system, school, laptop, "2020-09-02T08:00:00+02:00", student=student)
    case = opened(system, laptop, "2021-01-10T08:00:00+01:00")
    loan = {"loaner": named(loaner), "due_on": "2030-01-01"}
    done(system, case, "loan", "2021-01-10T09:00:00+01:00", **loan)
    leaves(system, school, student)
    until(lambda: case_of(system, case)["student_left_at"], "the case says that its student left")


def test_a_scan_that_is_withdrawn_gives_nobody_back_what_a_leaver_still_has(system: System) -> None:
    school, (laptop,), student = uai(), laptops(1), a_student()
    in_stock(system, school, laptop)
    hand_out(system, school, laptop, "2020-09-02T08:00:00+02:00", student=student)
    leaves(system, school, student)
    when(system, laptop, lambda now: "return-asked" in now["flags"])
    desk, day = f"school:{school}", "2021-02-01"
    scan = event("back-to-stock", f"{day}T08:00:00+01:00", [laptop], school=school)
    assert verdicts(system, desk, scan) == ["applied"]
    when(system, laptop, lambda now: "laptop-returned" in told_in_order(now))
    when_handover(system, laptop, {"state": "returned"})
    void = event("void", f"{day}T09:00:00+01:00", [laptop], corrects=scan["id"])
    assert verdicts(system, desk, void) == ["applied"]
    when_handover(system, laptop, {"state": "return-asked"})
    shown = when(system, laptop, lambda now: "return-asked" in now["flags"])
    assert (shown["location"], shown["student"]) == ("with-student", student)


def test_what_holds_up_the_handover_of_who_leaves_is_a_flag_of_its_laptop(system: System) -> None:
    school, (laptop,), student = uai(), laptops(1), a_student()
    in_stock(system, school, laptop)
    hand_out(system, school, laptop, "2020-09-02T08:00:00+02:00", student=student)
    case = opened(system, laptop, "2021-01-10T08:00:00+01:00")
    leaves(system, school, student)
    when(system, laptop, lambda now: "blocked-repair" in now["flags"])
    done(system, case, "return", "2021-01-20T08:00:00+01:00")
    when(system, laptop, lambda now: "blocked-repair" not in now["flags"])
