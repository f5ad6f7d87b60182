"""Students as pseudonyms: who left, as enrolment says. Pure."""

from datetime import datetime

from msgspec import Struct

from services.repairs.core.commands import NotePresence
from shared.contracts import repairs
from shared.decisions import Decision, Said

KIND = "student"


class Student(Struct, frozen=True):
    """A student; `left_at`: since when at no school of the region any more; `erased`: nobody can
    say any more who it was.
    """

    left_at: datetime | None = None
    erased: bool = False


def note(key: str, command: NotePresence) -> Decision:
    """Each word is kept: which of them holds their times say, and not the order of hearing."""
    return ((key, repairs.PresenceNoted(command.left, command.erased)),)


def evolve(now: Student, said: Said) -> Student:
    match said.fact:
        case repairs.PresenceNoted(erased=True):
            return Student(erased=True)
        case repairs.PresenceNoted(True):
            return Student(now.left_at or said.happened_at)
        case repairs.PresenceNoted():
            return Student()
    return now
