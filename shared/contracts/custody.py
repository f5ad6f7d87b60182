"""Where a laptop is and who holds it, as delivery's facts tell it. Pure.

Delivery decides by it and tracking shows it, so the
reading of the facts stands once, beside the facts.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from shared.contracts import delivery, handover, ordering, repairs
from shared.contracts.calendar import day_of, working_days_after
from shared.contracts.identifiers import department
from shared.decisions import Said

REGION = "region"  # speaks of whatever is its own: of every laptop
MISSED, CALLED_OFF, NOT_ADMITTED = "hand-out-missed", "called-off", "admission-refused"
STUDENT_LEFT, STUDENT_ELSEWHERE = "student-left", "student-elsewhere"
NOT_RECEIVED = "not-received"  # handed out, and nobody had it in a stock
TWO_SCHOOLS, TWO_STUDENTS, CONTRADICTED = "two-schools", "two-students", "contradicted"
SCRAPPED, AFTER_SCRAP = "scrapped", "after-scrap"
HELD = ("at-school", "with-student")  # somebody vouches for the laptop
REPORT_WITHIN = 5  # working days from arrival in which a discrepancy is reported in time

Withdrawn = (
    delivery.LaptopFactWithdrawn | delivery.ShipmentFactWithdrawn | repairs.CaseFactWithdrawn
)


class Custody(Struct, frozen=True):
    """Where and with whom. `line`: of which order it is announced; `lent_for`: during which case;
    `carriers`: who listed it first in which shipment; `counted`: shipments that are done with, for
    a school has the laptop, "" standing for one that nobody named; `remarks`: what is unusual;
    `withdrawn`: events that hold no longer, as `<party> <id>`; what repairs was told has its name
    before: `repairs: <party> <id>`.
    """

    location: str = "unknown"
    holder: str = "nobody"
    school: str | None = None
    student: str | None = None
    since: datetime | None = None
    arrived_at: datetime | None = None
    line: str | None = None
    lent_for: str | None = None
    shipment: str | None = None
    carriers: dict[str, str] = {}
    counted: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()


def as_it_counts(life: Sequence[Said]) -> list[Said]:
    """A life in order, with what was withdrawn first, then
    what was packed: both hold for what happened before, too.
    """
    return sorted(life, key=lambda said: _FIRST.get(type(said.fact), 2))


# Facts that hold for what happened before them, so that a life is folded again; and those whose
# place in a life makes no difference.
RESTARTS = (
    delivery.LaptopPacked,
    delivery.LaptopFactWithdrawn,
    delivery.ShipmentFactWithdrawn,
    repairs.CaseFactWithdrawn,
)
COMMUTING = (delivery.ShipmentPacked,)

_FIRST: dict[type, int] = {
    delivery.LaptopFactWithdrawn: 0,
    delivery.ShipmentFactWithdrawn: 0,
    repairs.CaseFactWithdrawn: 0,
    delivery.LaptopPacked: 1,
}


def event_of(type: str, source: str, id: str) -> str:
    """An event, by the wire name of a fact that came of it, as it stands among the withdrawn. One
    party may use one id with several services, so each but delivery is named.
    """
    publisher = type.partition(".")[0]
    return f"{source} {id}" if publisher == "delivery" else f"{publisher}: {source} {id}"


def named(said: Said) -> str:
    """The event that a fact came of, as it stands among the withdrawn."""
    return event_of(_wire_name(said.fact), said.source, said.id)


def _wire_name(fact: Any) -> str:
    return str(fact.__struct_config__.tag)


# What handover concludes of an event of another service.
CONCLUDED = (handover.LaptopReturned, handover.HandoverBlocked, handover.HandoverUnblocked)


def gone(now: Custody, said: Said) -> bool:
    """Whether the event that a fact came of, or was concluded from, holds no longer."""
    if not now.withdrawn:
        return False
    concluded = said.fact.event or "" if isinstance(said.fact, CONCLUDED) else ""
    return not {named(said), concluded.removeprefix("delivery: ")}.isdisjoint(now.withdrawn)


def with_withdrawn(withdrawn: tuple[str, ...], fact: Withdrawn) -> tuple[str, ...]:
    """The events that hold no longer, with one more."""
    event = event_of(_wire_name(fact), fact.party, fact.event)
    return tuple(sorted({*withdrawn, event}))


def moved(now: Custody, said: Said) -> Custody:
    """Custody after one more fact; the same one, when the fact moves and remarks nothing."""
    if isinstance(said.fact, delivery.LaptopFactWithdrawn | repairs.CaseFactWithdrawn):
        return replace(now, withdrawn=with_withdrawn(now.withdrawn, said.fact))
    if gone(now, said):
        return now
    if getattr(said.fact, "whole", False) and said.fact.shipment not in now.carriers:
        return now  # said of all that is in a shipment, and it is in there no longer
    for read in (_on_the_road, _at_school, _at_desk, _exchanged, _decided):
        if (after := read(now, said)) is not None:
            back = now.location == SCRAPPED != after.location
            return _with(now, AFTER_SCRAP) if back else after
    return now


def _on_the_road(now: Custody, said: Said) -> Custody | None:  # noqa: PLR0911  a return for each
    match said.fact:
        case delivery.LaptopExpected(order, line) | ordering.LaptopAnnounced(order, line):
            expected = _on_line(now, f"{order}/{line}")
            if now.location != "unknown":
                return expected
            return replace(
                expected, location="announced", holder="supplier", since=said.happened_at
            )
        case delivery.LaptopPacked(shipment, carrier):
            return replace(now, carriers={shipment: carrier} | now.carriers)
        case (
            delivery.LaptopDispatched(shipment)
            | delivery.LaptopInTransit(shipment)
            | delivery.LaptopRedirected(shipment=shipment)
        ):
            return _carried(now, said, shipment, "in-transit")
        case delivery.LaptopArrived(shipment):
            there = _carried(now, said, shipment, "arrived")
            came = _may_carry(now, said.source, shipment)
            return replace(there, arrived_at=said.happened_at) if came else there
        case delivery.LaptopRefused(shipment):
            if said.source.startswith("carrier:"):
                return _carried(now, said, shipment, "refused")
            gone = _placed(now, said, "refused", "carrier", now.school)
            return _with(gone, CONTRADICTED) if now.location in HELD else gone
    return None


def _at_school(now: Custody, said: Said) -> Custody | None:  # noqa: PLR0911  a return for each
    match said.fact:
        case delivery.LaptopReceived(school, shipment):
            return _received(now, said, school, shipment)
        case delivery.DiscrepancyReported() as reported:
            return _differing(_in_time(now, said, reported.school), said, reported)
        case delivery.LaptopMoved(giver, school):
            return _doubted(now, _settled(now, said, school), giver)
        case delivery.LaptopBackToStock(school):
            return _doubted(now, _settled(now, said, school), school)
        case delivery.HandOutMissed():  # but not where a hand-out is told late
            return now if now.student else _with(now, MISSED)
        case delivery.LaptopHandedOut() as handed:
            return _handed_out(now, said, handed)
    return None


def _received(now: Custody, said: Said, school: str, shipment: str | None) -> Custody:
    here = _placed(_counted(now, shipment), said, "at-school", "school", school)
    if now.location == "with-student" and now.school == school:
        return _with(here, CONTRADICTED)  # what a student brings is back to stock
    return _doubted(now, _without(here, "wrong-school"), school)


def _handed_out(now: Custody, said: Said, handed: delivery.LaptopHandedOut) -> Custody:
    student, school = handed.student, handed.school
    home = _placed(_counted(now, None), said, "with-student", "student", school)
    home = _without(replace(home, student=student), MISSED, STUDENT_LEFT, STUDENT_ELSEWHERE)
    home = _with(home, handed.doubt) if handed.doubt else home
    if now.student not in (None, student):
        return _with(home, TWO_STUDENTS)
    return _doubted(now, home, school) if now.location in HELD else _with(home, NOT_RECEIVED)


def _settled(now: Custody, said: Said, school: str) -> Custody:
    """A laptop that a school puts into a stock: what was unusual before is over."""
    here = _placed(_counted(now, None), said, "at-school", "school", school)
    doubts = (TWO_SCHOOLS, TWO_STUDENTS, CONTRADICTED, STUDENT_LEFT, STUDENT_ELSEWHERE)
    return _without(here, *doubts, MISSED)


def _doubted(before: Custody, after: Custody, school: str | None) -> Custody:
    """Custody with a remark where a school speaks of what another one has."""
    elsewhere = before.location in HELD and before.school != school
    return _with(after, TWO_SCHOOLS) if elsewhere else after


def _at_desk(now: Custody, said: Said) -> Custody | None:  # noqa: C901, PLR0911  a return for each
    """What repair desks say. Whose the laptop is stays so while it is away, and where it goes back
    to comes of that.
    """
    match said.fact:
        case repairs.IncidentLogged(cause="theft" | "loss" | "recall"):
            return now
        case (
            repairs.IncidentLogged()
            | repairs.RepairStarted()
            | repairs.RepairReopened()
            | repairs.LaptopRecovered()
        ):
            return _away(now, said, "at-repair-desk", "repairer")
        case repairs.RepairWaiting(waiting_on="vendor"):
            return _away(now, said, "at-repairer", "repairer")
        case repairs.TheftReported() | repairs.LossReported():
            return _away(now, said, "missing", "nobody")
        case repairs.LaptopReturnedToUser() if now.student:
            return _away(now, said, "with-student", "student")
        case repairs.LaptopReturnedToUser():
            return _away(now, said, "at-school", "school")
        case repairs.LaptopLent(case):
            return replace(_away(now, said, "with-student", "student"), lent_for=case)
        case repairs.LaptopBackFromLoan(case) if case == now.lent_for:
            return replace(_away(now, said, "at-school", "school"), lent_for=None)
    return None


def _exchanged(now: Custody, said: Said) -> Custody | None:
    """One laptop in the place of another, in repairs' own words or as delivery heard it."""
    match said.fact:
        case delivery.LaptopTakenAway():
            return replace(_away(now, said, SCRAPPED, "nobody"), student=None)
        case repairs.LaptopSwapped() | delivery.LaptopTakenBack() if now.location == "missing":
            return replace(now, student=None)  # stolen and replaced: nobody brought it
        case repairs.LaptopSwapped() | delivery.LaptopTakenBack():
            return replace(_brought(now, said), student=None)
        case (
            repairs.LaptopGivenInSwap(student=student, school=school)
            | delivery.LaptopGivenInExchange(student=student, school=school)
        ):
            where, whom = ("with-student", "student") if student else ("at-school", "school")
            given = _away(now, said, where, whom)
            return replace(given, student=student, school=school or now.school)
    return None


def _brought(now: Custody, said: Said) -> Custody:
    """A laptop that another one took the place of: at the desk, but for what is lost or stolen."""
    if now.location == "missing":
        return now
    return _away(now, said, "at-repair-desk", "repairer")


def _away(now: Custody, said: Said, location: str, holder: str) -> Custody:
    """A laptop in other hands, its student's and its school's all the same."""
    return replace(now, location=location, holder=holder, since=said.happened_at)


def _differing(now: Custody, said: Said, reported: delivery.DiscrepancyReported) -> Custody:
    """What is missing is nowhere; what nobody expected is there all the same; what is at another
    school than its own stays in the carrier's hands; what is damaged is where it was.
    """
    match reported.kind:
        case "missing":
            gone = _placed(
                _counted(now, reported.shipment), said, "missing", "nobody", reported.school
            )
            if now.location == "with-student":
                gone = _with(gone, CONTRADICTED)
            return _doubted(now, gone, reported.school)
        case "unexpected":
            here = _counted(now, reported.shipment)
            return _with(_placed(here, said, "at-school", "school", reported.school), "unexpected")
        case "wrong-school":
            there = _placed(now, said, "arrived", "carrier", reported.school)
            return _with(there, "wrong-school")
    return _with(now, reported.kind)


def _decided(now: Custody, said: Said) -> Custody | None:
    """What ordering decided of the laptop, in its own words or as delivery heard it."""
    match said.fact:
        case delivery.LaptopCalledOff() | ordering.LaptopCancelled():
            return _with(now, CALLED_OFF)
        case ordering.AdmissionRefused(order, line):
            of = f"{order}/{line}"
            return _with(replace(now, line=of), NOT_ADMITTED) if now.line in (None, of) else now
    return None


def _on_line(now: Custody, line: str) -> Custody:
    """A laptop that is announced on a line: what was decided of it on another one is over, and what
    was decided on this one holds, though it be dated before.
    """
    after = now if now.line in (None, line) else _without(now, CALLED_OFF, NOT_ADMITTED)
    return replace(after, line=line)


def _in_time(now: Custody, said: Said, school: str | None) -> Custody:
    """A discrepancy is reported within five working days of arrival; later ones are kept, with a
    remark. Rule: domain, delivery (CCAG-FCS, reserves at delivery).
    """
    if now.arrived_at is None or said.source.startswith("carrier:"):
        return now
    arrived = day_of(now.arrived_at)
    last = working_days_after(arrived, REPORT_WITHIN, department(school))
    late = day_of(said.happened_at) > last
    return _with(now, "reported-late") if late else now


def _carried(now: Custody, said: Said, shipment: str | None, location: str) -> Custody:
    """A carrier's claim, where he may make it."""
    if not _may_carry(now, said.source, shipment):
        foreign = said.source not in {*now.carriers.values(), REGION} and now.carriers
        return _with(now, "another-carrier") if foreign else now
    there = _placed(now, said, location, "carrier", now.school)
    return replace(there, shipment=shipment or now.shipment)


def _may_carry(now: Custody, source: str, shipment: str | None) -> bool:
    """Whether a carrier's claim moves the laptop: not when the shipment is another party's, nor
    once a school has counted it. A claim that names no shipment is about one that is under way.
    """
    if shipment:
        return shipment not in now.counted and source in (
            now.carriers.get(shipment, source),
            REGION,
        )
    under_way = {carrier for one, carrier in now.carriers.items() if one not in now.counted}
    known = now.carriers or now.counted
    return source == REGION or source in under_way or not known


def _placed(now: Custody, said: Said, location: str, holder: str, school: str | None) -> Custody:
    return replace(
        now,
        location=location,
        holder=holder,
        school=school,
        student=None,
        since=said.happened_at,
    )


def _counted(now: Custody, shipment: str | None) -> Custody:
    """A count closes the shipment that it names; without a
    name, all in which the laptop may be, whoever named them.
    """
    closed = {shipment} if shipment else {*now.carriers, now.shipment or ""}
    return replace(now, counted=tuple(sorted({*now.counted, *closed})))


def _with(now: Custody, remark: str) -> Custody:
    return replace(now, remarks=tuple(sorted({*now.remarks, remark})))


def _without(now: Custody, *remarks: str) -> Custody:
    left = tuple(one for one in now.remarks if one not in remarks)
    return replace(now, remarks=left) if left != now.remarks else now
