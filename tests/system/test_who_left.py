"""Who left, over real Kafka: what delivery and repairs make of what enrolment says."""

import asyncio

from aiokafka import AIOKafkaConsumer

from shared.contracts import enrolment
from tests.running import System, until
from tests.system.acts import case_of, done, hand_out, in_stock, laptops, named, opened, uai, when
from tests.system.handing_over import a_student, enrolment_says

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
        found = await consumer.getmany(timeout_ms=2_000)
        records = [one for some in found.values() for one in some]
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
