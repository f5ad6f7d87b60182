"""What is said of laptops, and hand-outs. Pure. Which facts
move a laptop stands in shared.contracts.custody.
"""

from datetime import date, datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from services.delivery.core import students
from services.delivery.core.commands import DISCREPANCIES, HandOut, ReportLaptop
from services.delivery.core.students import Student
from shared.contracts import custody, delivery
from shared.contracts.calendar import midnight
from shared.contracts.custody import Custody
from shared.decisions import Claim, Decision, Refusal, Said

COLLECT_WITHIN = timedelta(days=30)  # from the count at a school; assumed, no charter names a term
MUST_SIGN = {False: {"student"}, True: {"student", "guardian"}}  # by `minor`; charter 2023-24


class Laptop(Struct, frozen=True):
    """A laptop as delivery knows it. `announced`: ordering gave its serial number; `cleared`:
    admitted it. `here` is the school where it is or was last; location, here and since stand in
    custody too, here they can be looked up.
    """

    announced: bool = False
    cleared: bool = False
    location: str = "unknown"
    here: str | None = None
    since: datetime | None = None
    custody: Custody = Custody()


# -- decide


def told(report: ReportLaptop, party: str) -> Any:  # noqa: C901, PLR0911  a return for each step
    """The fact that a report comes to."""
    shipment, order, school = report.shipment, report.order, report.school
    whole = report.whole
    match report.step:
        case "announced":
            return delivery.LaptopPacked(shipment or "", party, order, school)
        case "dispatched":
            return delivery.LaptopDispatched(shipment, order, school, whole)
        case "in-transit":
            return delivery.LaptopInTransit(shipment, order, school, whole)
        case "redirected":
            to_school = report.to_school or ""
            return delivery.LaptopRedirected(to_school, shipment, order, school, whole)
        case "arrived":
            return delivery.LaptopArrived(shipment, order, school, whole)
        case "refused":
            return delivery.LaptopRefused(shipment, order, school, whole)
        case "received":
            return delivery.LaptopReceived(school or "", shipment, order, whole)
        case kind if kind in DISCREPANCIES:
            return delivery.DiscrepancyReported(kind, school, shipment, order, whole)
        case "moved":
            return delivery.LaptopMoved(school or "", report.to_school or "")
        case "back-to-stock":
            return delivery.LaptopBackToStock(school or "")
        case "hand-out-missed":
            return delivery.HandOutMissed(school or "")
    raise ValueError(f"no such report: {report.step}")


def hand_out(student: Student, command: HandOut, claim: Claim) -> Decision:
    """A hand-out, refused for its form alone: who must sign, what must be in the kit. What speaks
    against this student is said with it.
    """
    signed = {"student"} if command.student_signed_at else set()
    signed |= {"guardian"} if command.guardian_signed_at else set()
    if not signed >= MUST_SIGN[command.minor] or command.student_signed_at is None:
        who = "the guardian's" if command.student_signed_at else "the student's"
        return Refusal("charter-not-signed", f"{who} signature is missing", "/charter")
    if "laptop" not in command.kit:
        return Refusal("kit-without-laptop", "the kit's laptop is not ticked", "/kit/laptop")
    fact = delivery.LaptopHandedOut(
        command.student,
        command.school,
        command.minor,
        command.student_signed_at,
        command.guardian_signed_at,
        "sleeve" in command.kit,
        "storage" in command.kit,
        students.doubt(student, command.school, claim.happened_at),
    )
    return ((claim.subject, fact),)


def waiting_since(day: date) -> datetime:
    """A laptop that lies at a school since then has waited too long when a day begins."""
    return midnight(day) - COLLECT_WITHIN


def close_day(now: Laptop, key: str, day: date) -> Decision:
    """A laptop that may be handed out and that nobody came for; said once."""
    too_long = now.since is not None and now.since < waiting_since(day)
    told = custody.MISSED in now.custody.remarks
    if now.location != "at-school" or not now.here or not now.cleared or not too_long or told:
        return ()
    return ((key, delivery.HandOutMissed(now.here)),)


# -- evolve


def evolve(now: Laptop, said: Said) -> Laptop:
    held = custody.moved(now.custody, said)
    after = now
    if held is not now.custody:
        after = replace(
            now, custody=held, location=held.location, here=held.school, since=held.since
        )
    match said.fact:
        case delivery.LaptopExpected():
            return replace(after, announced=True)
        case delivery.LaptopCleared():
            return replace(after, cleared=True)
    return after
