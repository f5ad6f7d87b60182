"""What enrolment shows: of students, to whom may know pseudonyms; of persons, to whom may know
names. The shapes, for calls and pages.
"""

from datetime import date, datetime

from msgspec import Struct

REASONS = ("hand-out", "return", "loan-or-repair", "file", "right-of-access")
"""Why somebody looks: a closed list, for what is written down is never taken back, and a name typed
there would outlive its erasure.
"""
PAGES = ("laptops", "hand-outs", "signing")
"""For which pages of other services names are asked: what their paths begin with."""


class StudentShown(Struct, frozen=True):
    """A student as a pseudonym. `state`: at-school, left, erased; `left`: the reason."""

    student: str
    school: str | None
    level: str | None
    school_year: str | None
    state: str
    left: str | None
    left_on: str | None


class GuardianShown(Struct, frozen=True):
    """Who signs while the student is a minor."""

    family_name: str
    given_name: str


class PersonShown(Struct, frozen=True):
    """Who a student is. `minor`: today."""

    student: str
    family_name: str
    given_name: str
    born_on: date
    minor: bool
    school: str | None
    level: str | None
    school_year: str | None
    state: str
    guardians: list[GuardianShown]


class FactShown(Struct, frozen=True):
    """What was said of a student."""

    type: str
    happened_at: datetime
    source: str
    fact: dict[str, str | int]


class LookShown(Struct, frozen=True):
    """Who looked at a person, what of, and why: one of REASONS, or a page's, or "" for untold.
    `what` ends with -refused where nothing was shown.
    """

    at: datetime
    party: str
    what: str
    why: str

    @property
    def refused(self) -> bool:
        """Whether the party may not see the person."""
        return self.what.endswith("-refused")


class Export(Struct, frozen=True):
    """Everything that is known here about one person; of one who was erased, what is left.
    `directory_id`, `guardian_ids`: in the ministry's directory; the guardians' in the order of the
    person's guardians, "" where none is known.
    """

    student: StudentShown
    person: PersonShown | None
    ine: str | None
    directory_id: str | None
    postcode: str | None
    guardian_ids: list[str]
    facts: list[FactShown]
    looked_at: list[LookShown]


class ErasureTold(Struct, frozen=True):
    """What became of an erasure: applied, or duplicate where nobody was there to erase."""

    verdict: str
    student: str
