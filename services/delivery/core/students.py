"""Students as pseudonyms: where they learn, as enrolment says, and what it says against a hand-out.
Pure.

A hand-out is a report: whatever enrolment says, it counts. What speaks against it goes along, for a
person to look. Of whom nothing was heard nothing is doubted: a hand-out may be told before.
"""

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from services.delivery.core.commands import PlaceStudent
from shared.contracts import custody, delivery
from shared.decisions import Decision, Said

KIND = "student"


class Stay(Struct, frozen=True):
    """A time at a school, `since` when; `left_at`: since when at no school any more."""

    school: str | None = None
    since: datetime | None = None
    left_at: datetime | None = None


class Student(Stay, frozen=True):
    """A student: the present stay, or the last, and the `earlier` ones, the oldest first."""

    earlier: tuple[Stay, ...] = ()

    @property
    def stay(self) -> Stay:
        return Stay(self.school, self.since, self.left_at)


def key_of(student: str) -> str:
    return f"{KIND}:{student}"


def place(key: str, command: PlaceStudent) -> Decision:
    """Each word is kept: which of them holds their times say, and not the order of hearing."""
    return ((key, delivery.StudentPlaced(command.school, command.left)),)


def doubt(now: Student, school: str, at: datetime) -> str | None:
    """What speaks against a hand-out by a school at a moment: the student had left by then, or was
    at another school; None where nothing does.
    """
    begun = [one for one in (*now.earlier, now.stay) if one.since is None or one.since <= at]
    then = begun[-1] if begun else Stay()
    if then.left_at is not None and at > then.left_at:
        return custody.STUDENT_LEFT
    elsewhere = then.since is not None and at > then.since and then.school != school
    return custody.STUDENT_ELSEWHERE if elsewhere else None


def evolve(now: Student, said: Said) -> Student:
    match said.fact:
        case delivery.StudentPlaced(""):
            return Student()
        case delivery.StudentPlaced(school, True):
            return replace(now, school=school, left_at=now.left_at or said.happened_at)
        case delivery.StudentPlaced(school):
            if now.left_at is None and now.school == school:
                return now
            earlier = (*now.earlier, now.stay) if now.school else ()
            return Student(school, said.happened_at, earlier=earlier)
    return now
