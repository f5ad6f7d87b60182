"""What enrolment says, put before a service as if Kafka stood between them."""

from datetime import datetime
from itertools import count
from typing import Any
from uuid import uuid4

import msgspec
from aiokafka import ConsumerRecord

from shared.contracts import enrolment
from shared.contracts.envelope import Envelope, headers
from shared.contracts.published import name_of
from tests.builders import DAY, SCHOOL, STUDENTS, Running
from tests.service.hearing_by_hand import take

YEAR = "2022-2023"
_number = count(1)


def a_fact_of_enrolment(
    fact: Any, student: str = STUDENTS[0], at: datetime = DAY, sequence: int | None = None
) -> ConsumerRecord:
    """A fact about a student as its record."""
    body, key = msgspec.json.encode(fact), f"student:{student}"
    number = next(_number) if sequence is None else sequence
    name, id = name_of(type(fact)), str(uuid4())
    told = Envelope(id, name, key, "region", id, at, at, number, "", "", body)
    place: Any = ("enrolment.facts", 0, number, 0, 0)
    sizes = (None, len(key), len(body))
    return ConsumerRecord(*place, key.encode(), body, *sizes, tuple(headers(told)))


def enrolled(level: str = "term", school: str = SCHOOL, year: str = YEAR) -> Any:
    return enrolment.StudentEnrolled(school, level, year)


def left(reason: str, school: str = SCHOOL, year: str = YEAR) -> Any:
    return enrolment.StudentLeft(school, "term", year, reason)


def told(reader: Running, fact: Any, student: str = STUDENTS[0], at: datetime = DAY) -> None:
    """Let a service hear a fact of enrolment."""
    take(reader, [a_fact_of_enrolment(fact, student, at)])
