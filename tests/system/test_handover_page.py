"""What docs/handover.md tells is so: examples, run as they stand, and the table of acts."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from services.handover.events import ACTS
from services.handover.store.tables import STUDENTS
from shared.contracts import enrolment
from tests import running
from tests.faults.checking import ask
from tests.places import Kafka
from tests.runners import ROOT
from tests.running import System, until
from tests.system import acts
from tests.system.examples import answered_as_shown
from tests.system.handing_over import a_student, enrolment_says

PAGE = (ROOT / "docs" / "handover.md").read_text()
SCHOOL, LAPTOP = "0670080Y", "hp/5CD041B7QK"


@pytest.fixture
def system(kafka: Kafka, tmp_path: Path) -> Iterator[System]:
    running.fresh_topics(kafka.bootstrap)
    with running.system(tmp_path, "sqlite", kafka.bootstrap) as made:
        made.start()
        yield made


def equipped(connection: Connection) -> bool:
    """Whether handover knows a student, and a laptop of that student."""
    mine = (STUDENTS.c.level == "term", STUDENTS.c.laptops != "[]")
    return bool(connection.scalar(select(func.count()).select_from(STUDENTS).where(*mine)))


def test_every_example_is_answered_as_the_page_shows(system: System) -> None:
    student = a_student()
    acts.with_student(system, SCHOOL, LAPTOP, student=student)
    enrolled = enrolment.StudentEnrolled(SCHOOL, "term", "2022-2023")
    enrolment_says(system, student, enrolled, at="2022-09-02T08:00:00+02:00")
    until(lambda: ask(system, "handover", equipped), "handover knows the student")

    assert {kind for kind, _ in answered_as_shown(system, PAGE)} == {"sh", "json", "text"}


def test_the_page_names_every_act_and_its_fields() -> None:
    rows = re.findall(r"^\| ([a-z-]+) \| .* \|(.*)\|$", PAGE, re.MULTILINE)
    told = {act: set(re.findall(r"`(\w+)`", fields)) for act, fields in rows if act in ACTS}
    assert told == {name: {*act.needs, *act.may} for name, act in ACTS.items()}
