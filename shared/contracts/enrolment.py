"""What enrolment says: students as pseudonyms, where they learn, at what level, when they leave.

Key: `student:<pseudonym>`, a random UUID that enrolment alone can give a name. No fact has a name,
an INE, a birth date or a class. Levels: `LEVELS`, as text, for schools invent more.
"""

from msgspec import Struct


class StudentEnrolled(
    Struct, frozen=True, forbid_unknown_fields=True, tag="enrolment.student-enrolled.v1"
):
    """A student is at a school in a school year: a newcomer, or one who comes back. Key: the
    student.
    """

    school: str
    level: str
    school_year: str


class StudentMoved(
    Struct, frozen=True, forbid_unknown_fields=True, tag="enrolment.student-moved.v1"
):
    """The student left one school of the region for another. Key: the student."""

    school: str
    from_school: str
    level: str
    school_year: str


class StudentLevelChanged(
    Struct, frozen=True, forbid_unknown_fields=True, tag="enrolment.student-level-changed.v1"
):
    """The student is at another level of the same school, or at the same one for another school
    year. Key: the student.
    """

    school: str
    level: str
    school_year: str


class StudentLeft(Struct, frozen=True, forbid_unknown_fields=True, tag="enrolment.student-left.v1"):
    """The student is at no school of the region any more. `reason`: one of `REASONS`, as text. Key:
    the student.
    """

    school: str
    level: str
    school_year: str
    reason: str


class GuardiansChanged(
    Struct, frozen=True, forbid_unknown_fields=True, tag="enrolment.guardians-changed.v1"
):
    """Who signs for the student while a minor is another person now. Key: the student."""

    guardians: int


class StudentErased(
    Struct, frozen=True, forbid_unknown_fields=True, tag="enrolment.student-erased.v1"
):
    """Nobody can say any more who the student was. `cause`: retention, request. Key: the
    student.
    """

    cause: str


Fact = (
    StudentEnrolled
    | StudentMoved
    | StudentLevelChanged
    | StudentLeft
    | GuardiansChanged
    | StudentErased
)

RANK: dict[type, int] = {
    StudentEnrolled: 10,
    StudentMoved: 11,
    StudentLevelChanged: 12,
    GuardiansChanged: 13,
    StudentLeft: 14,
    StudentErased: 15,
}

# Levels of a lycée as facts and files name them, and those after which a student has finished.
LEVELS: dict[str, str] = {
    "3prepa": "3e prépa-métiers",
    "2nde": "seconde",
    "1ere": "première",
    "term": "terminale",
    "cap1": "1re année de CAP",
    "cap2": "2e année de CAP",
}
FINAL_LEVELS = frozenset({"term", "cap2"})
# Why a student is at no school of the region any more.
REASONS = ("graduated", "left-region", "apprenticeship", "dropped-out", "unknown")
