"""What delivery is told, and who may tell it. Pure."""

from collections.abc import Mapping
from datetime import date, datetime

from msgspec import Struct


class Step(Struct, frozen=True):
    """What can be reported. `by`: roles that may, beside the region; `school`, `to_school`: what
    must be told with it; `alone`: of a shipment without naming laptops, too.
    """

    by: frozenset[str]
    school: bool = False
    to_school: bool = False
    alone: bool = True


_CARRIER, _SCHOOL = frozenset({"carrier"}), frozenset({"school"})

# Rights are checked on the message, never on state (design: domain, "Rights").
STEPS: Mapping[str, Step] = {
    "announced": Step(_CARRIER),
    "dispatched": Step(_CARRIER),
    "in-transit": Step(_CARRIER),
    "redirected": Step(_CARRIER, to_school=True),
    "arrived": Step(_CARRIER),
    "damaged": Step(_CARRIER | _SCHOOL),
    "refused": Step(_CARRIER | _SCHOOL),
    "received": Step(_SCHOOL, school=True),
    "missing": Step(_SCHOOL, school=True),
    "unexpected": Step(_SCHOOL, school=True),
    "wrong-school": Step(_SCHOOL, school=True),
    "moved": Step(_SCHOOL, school=True, to_school=True, alone=False),
    "back-to-stock": Step(_SCHOOL, school=True, alone=False),
    "hand-out-missed": Step(_SCHOOL, school=True, alone=False),
    "void": Step(_CARRIER | _SCHOOL | {"ops"}),
}
DISCREPANCIES = ("missing", "damaged", "unexpected", "wrong-school")
PACKING = ("announced", "dispatched")  # steps that say what is in a shipment


def may_report(role: str, step: str) -> bool:
    """Whether a party of this role may report a step."""
    return role in STEPS[step].by or role == "region"


class ReportShipment(Struct, frozen=True, tag="report-shipment"):
    """Something happened to a shipment. `whole`: to all that is in it, no laptop was listed.
    `corrects`: the event of the same party that this one replaces.
    """

    step: str
    order: str | None = None
    school: str | None = None
    to_school: str | None = None
    quantity: int | None = None
    whole: bool = False
    corrects: str | None = None


class ReportLaptop(Struct, frozen=True, tag="report-laptop"):
    """Something happened to a laptop. `whole`: it was said of all that is in the shipment."""

    step: str
    shipment: str | None = None
    order: str | None = None
    school: str | None = None
    to_school: str | None = None
    whole: bool = False
    corrects: str | None = None


class Withdraw(Struct, frozen=True, tag="withdraw"):
    """What a party said of the key in an event holds no longer."""

    party: str
    event: str


class HandOut(Struct, frozen=True, tag="hand-out"):
    """A student takes a laptop home. `kit`: what of laptop, sleeve and storage was ticked."""

    student: str
    school: str
    minor: bool
    student_signed_at: datetime | None
    guardian_signed_at: datetime | None
    kit: frozenset[str]


class Expect(Struct, frozen=True, tag="expect"):
    """Ordering announced the laptop."""

    order: str
    line: str
    school: str


class Clear(Struct, frozen=True, tag="clear"):
    """Ordering admitted the laptop."""

    order: str


class CallOff(Struct, frozen=True, tag="call-off"):
    """Ordering cancelled the laptop's order."""

    order: str


class TakeBack(Struct, frozen=True, tag="take-back"):
    """Repairs swapped the laptop for another."""

    replaced_by: str


class GiveInExchange(Struct, frozen=True, tag="give-in-exchange"):
    """Repairs gave the laptop in the place of another."""

    replaces: str
    student: str | None = None
    school: str | None = None


class PutBack(Struct, frozen=True, tag="put-back"):
    """At the end of lycée the laptop came back to a school; `scanned`: that came of what delivery
    was told itself.
    """

    school: str
    scanned: bool = False


class TakeAway(Struct, frozen=True, tag="take-away"):
    """At the end of lycée the laptop was scrapped."""


class PlaceStudent(Struct, frozen=True, tag="place-student"):
    """Enrolment said where a student learns; `left`: learned, and is at no school any more;
    `school`: "" where the student was erased.
    """

    school: str
    left: bool = False


class CloseDay(Struct, frozen=True, tag="close-day"):
    """A day ended: `day` is the one that begins."""

    day: date


Command = (
    ReportShipment
    | ReportLaptop
    | Withdraw
    | HandOut
    | Expect
    | Clear
    | CallOff
    | TakeBack
    | GiveInExchange
    | PutBack
    | TakeAway
    | PlaceStudent
    | CloseDay
)
