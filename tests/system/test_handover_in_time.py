"""What only time brings about at the end of lycée: reminders, returns that are overdue."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from partners.year.play import move_clock
from shared.contracts import enrolment
from tests.running import System
from tests.system.acts import laptops, uai, when, with_student
from tests.system.handing_over import a_student, act, enrolment_says, when_handover

YEAR, MORNING = "2022-2023", "2023-06-20T09:00:00+02:00"


def at(month: int, day: int, hour: int = 8, year: int = 2023) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


def test_a_return_is_reminded_of_overdue_at_midnight_and_written_off_when_nobody_comes(
    moved: System, clock: Path
) -> None:
    school, (laptop,) = uai(), laptops(1)
    move_clock(clock, at(6, 20))
    with_student(moved, school, laptop, student=(student := a_student()))
    enrolled = enrolment.StudentEnrolled(school, "1ere", YEAR)
    left = enrolment.StudentLeft(school, "1ere", YEAR, "left-region")
    enrolment_says(moved, student, enrolled, at="2022-09-02T08:00:00+02:00")
    enrolment_says(moved, student, left, at=MORNING)
    shown = when_handover(moved, laptop, {"state": "return-asked", "due_on": "2023-07-20"})
    for moment, reminded in ((at(7, 6), 1), (at(7, 17), 2)):
        move_clock(clock, moment)
        when_handover(moved, laptop, {"state": "return-asked", "reminded": reminded})
    move_clock(clock, at(7, 20, 23))  # past midnight in Paris
    when_handover(moved, laptop, {"state": "return-overdue", "reminded": 2})
    when(moved, laptop, lambda now: "return-overdue" in now["flags"])
    move_clock(clock, at(9, 20))
    told: dict[str, Any] = act(
        moved, shown["handover"], "write-off", "2023-09-20T09:00:00+02:00", decided_by="Mme X"
    )
    assert told["handover"]["state"] == "written-off"
