"""Students as pseudonyms: where they learn, as enrolment says, and what it says against a hand-out.
Pure.

A hand-out is a report: whatever enrolment says, it counts. What speaks against it goes along, for a
person to look. Of whom nothing was heard nothing is doubted: a hand-out may be told before.
"""

from datetime import datetime

from msgspec import Struct

from services.delivery.core.commands import PlaceStudent
from shared.contracts import custody, delivery
from shared.decisions import Decision, Said

KIND = "student"


class Student(Struct, frozen=True):
    """A student. `school`: the present one, or the last, `since` when; `left_at`: since when at no
    school any more.
    """

    school: str | None = None
    since: datetime | None = None
    left_at: datetime | None = None


def key_of(student: str) -> str:
    return f"{KIND}:{student}"


def place(key: str, command: PlaceStudent) -> Decision:
    """Each word is kept: which of them holds their times say, and not the order of hearing."""
    return ((key, delivery.StudentPlaced(command.school, command.left)),)


def doubt(now: Student, school: str, at: datetime) -> str | None:
    """What speaks against a hand-out by a school at a moment: the student had left by then, or was
    at another school; None where nothing does.
    """
    if now.left_at is not None and at > now.left_at:
        return custody.STUDENT_LEFT
    elsewhere = now.since is not None and at > now.since and now.school != school
    return custody.STUDENT_ELSEWHERE if elsewhere else None


def evolve(now: Student, said: Said) -> Student:
    match said.fact:
        case delivery.StudentPlaced(school, True):
            return Student(school, now.since, now.left_at or said.happened_at)
        case delivery.StudentPlaced(school):
            stays = now.left_at is None and now.school == school
            return now if stays else Student(school, said.happened_at)
    return now
