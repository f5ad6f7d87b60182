"""Enrolment's rules: what a file says of a pupil, who that is, and what is said of it. Pure.

Names stay in `pupils` and `matching`, which speak of persons; commands, states and facts know
pseudonyms alone.
"""

from typing import Any, assert_never

from msgspec import Struct
from msgspec.structs import replace

from services.enrolment.core.commands import Command, Erase, Leave, Register
from services.enrolment.core.matching import (
    Known,
    Match,
    elsewhere,
    held_back,
    hides_somebody,
    matched,
)
from services.enrolment.core.pupils import (
    COLUMNS,
    GUARDIANS,
    NEEDED,
    Guardian,
    Pupil,
    Raw,
    Unread,
    changed,
    filled,
    ine,
    leaving,
    level,
    others_sign,
    read,
    school,
    to_be_read,
    traces,
)
from shared.contracts import enrolment
from shared.contracts.calendar import day_of
from shared.decisions import Claim, Core, Decision, Folding, Refusal, Said, States

__all__ = [
    "COLUMNS",
    "CORE",
    "GUARDIANS",
    "NEEDED",
    "Command",
    "Erase",
    "Guardian",
    "Known",
    "Leave",
    "Match",
    "Pupil",
    "Raw",
    "Register",
    "Student",
    "Unread",
    "changed",
    "changing",
    "elsewhere",
    "filled",
    "held_back",
    "hides_somebody",
    "ine",
    "leaving",
    "level",
    "matched",
    "others_sign",
    "read",
    "school",
    "student_key",
    "to_be_read",
    "traces",
]

KIND = "student"


class Student(Struct, frozen=True):
    """A student, as a pseudonym. `left`: why he is at no school any more, since `left_on`;
    `erased`: why nobody can name him any more.
    """

    school: str | None = None
    level: str | None = None
    school_year: str | None = None
    left: str | None = None
    left_on: str | None = None
    erased: str | None = None

    @property
    def enrolled(self) -> bool:
        """Whether he is at a school of the region."""
        return self.school is not None and self.left is None and self.erased is None

    @property
    def state(self) -> str:
        """A word for it: at-school, left, erased."""
        return "erased" if self.erased else "left" if self.left else "at-school"


def student_key(pseudonym: str) -> str:
    return f"{KIND}:{pseudonym}"


def changing(now: Student, told: Register, row: Raw) -> Register | Leave:
    """What a row that tells only what changes claims, `told` what it would as a whole one: without
    a school whoever left stays gone, and without a level too he is where he was.
    """
    if "structure" in row:
        return told
    if now.left:
        return Leave(now.left)
    if "niveau" in row:
        return told
    where = {name: getattr(now, name) or "" for name in ("school", "level", "school_year")}
    return replace(told, **where)


# -- decide


def keys(_command: Command) -> tuple[str, ...]:
    return ()


def decide(states: States, claim: Claim) -> Decision:
    """Facts of one claim."""
    now, key = states[claim.subject], claim.subject
    match claim.command:
        case Register() as told:
            return _register(now, key, told)
        case Leave(reason):
            return _leave(now, key, reason)
        case Erase(cause, left_on):
            # Whoever was never here needs no erasing, and nobody is erased twice.
            known = now.school is not None and now.erased is None
            back = left_on and (now.left is None or now.left_on != left_on)
            return ((key, enrolment.StudentErased(cause)),) if known and not back else ()
    assert_never(claim.command)


def _register(now: Student, key: str, told: Register) -> Decision:
    """Only what differs is said: a file that is sent each night says nothing the second time."""
    if now.erased:
        return Refusal("erased", "this student was erased: who comes back is a new one")
    if told.school_year < (now.school_year or ""):
        return Refusal("earlier-year", f"this student is known in {now.school_year} already")
    here = (told.school, told.level, told.school_year)
    said: list[tuple[str, Any]] = []
    if not now.enrolled:
        said.append((key, enrolment.StudentEnrolled(*here)))
    elif now.school != told.school:
        moved = enrolment.StudentMoved(told.school, now.school or "", told.level, told.school_year)
        said.append((key, moved))
    elif (now.school, now.level, now.school_year) != here:
        said.append((key, enrolment.StudentLevelChanged(*here)))
    if told.others:
        said.append((key, enrolment.GuardiansChanged(told.guardians)))
    return tuple(said)


def _leave(now: Student, key: str, reason: str) -> Decision:
    """A reason that becomes known later is said then; another than the first is not."""
    learned = now.left == "unknown" and reason != "unknown" and not now.erased
    if not (now.enrolled or learned):
        return ()
    here = (now.school or "", now.level or "", now.school_year or "")
    return ((key, enrolment.StudentLeft(*here, reason)),)


# -- evolve


def start(_key: str) -> Student:
    return Student()


def evolve(now: Student, said: Said) -> Student:
    match said.fact:
        case enrolment.StudentEnrolled(school, level, year):
            return replace(now, school=school, level=level, school_year=year, left=None)
        case enrolment.StudentMoved(school, _, level, year):
            return replace(now, school=school, level=level, school_year=year)
        case enrolment.StudentLevelChanged(school, level, year):
            return replace(now, school=school, level=level, school_year=year)
        case enrolment.StudentLeft(reason=reason):
            since = now.left_on if now.left else day_of(said.happened_at).isoformat()
            return replace(now, left=reason, left_on=since)
        case enrolment.StudentErased(cause):
            return replace(now, erased=cause)
    return now


CORE = Core(
    publisher="enrolment",
    commands=Command,
    facts=enrolment.Fact,
    folding=Folding(enrolment.RANK, evolve, start),
    keys=keys,
    decide=decide,
)
