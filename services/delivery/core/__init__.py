"""Delivery's rules: what partners and schools report, and hand-outs. Pure.

Reports are never refused for state: what contradicts is kept and folded in its place. Commands and
who may give them, shipments, laptops, students stand in files of their own; here they become one
core.
"""

from collections.abc import Iterable, Mapping
from typing import Any, assert_never

from services.delivery.core import laptops, shipments, students
from services.delivery.core.commands import (
    STEPS,
    CallOff,
    Clear,
    CloseDay,
    Command,
    Expect,
    GiveInExchange,
    HandOut,
    PlaceStudent,
    PutBack,
    ReportLaptop,
    ReportShipment,
    Step,
    TakeAway,
    TakeBack,
    Withdraw,
    may_report,
)
from services.delivery.core.laptops import MUST_SIGN, Laptop, waiting_since
from services.delivery.core.shipments import Passed, Shipment
from services.delivery.core.students import Student
from shared.contracts import custody, delivery
from shared.contracts.identifiers import kind_of
from shared.decisions import Claim, Core, Decision, Folding, Said

__all__ = [
    "CORE",
    "MUST_SIGN",
    "STEPS",
    "CallOff",
    "Clear",
    "CloseDay",
    "Command",
    "Expect",
    "GiveInExchange",
    "HandOut",
    "Laptop",
    "Passed",
    "PlaceStudent",
    "PutBack",
    "ReportLaptop",
    "ReportShipment",
    "Shipment",
    "Step",
    "Student",
    "TakeAway",
    "TakeBack",
    "Withdraw",
    "follow",
    "keys",
    "may_report",
    "waiting_since",
    "waits",
]


def keys(command: Command) -> tuple[str, ...]:
    match command:
        case ReportLaptop(shipment=str(shipment)):
            return (shipments.key_of(shipment),)
        case HandOut(student):
            return (students.key_of(student),)
    return ()


# -- decide


# A return for each command.
def decide(states: Mapping[str, Any], claim: Claim) -> Decision:  # noqa: C901, PLR0911
    """Facts of one claim."""
    subject, party = claim.subject, claim.party
    match claim.command:
        case ReportShipment() as report:
            return _corrected(subject, party, report, (subject, shipments.told(report, party)))
        case ReportLaptop() as report:
            return _corrected(subject, party, report, *_of_laptop(subject, party, report))
        case Withdraw(whose, event):
            return _withdrawn(states[subject], subject, whose, event)
        case HandOut() as command:
            return laptops.hand_out(states[students.key_of(command.student)], command, claim)
        case Expect() | Clear() | CallOff() as command:
            return _from_ordering(states[subject], subject, command)
        case TakeBack() | GiveInExchange() | PutBack() | TakeAway() as command:
            return _elsewhere(states[subject], subject, command)
        case PlaceStudent() as command:
            return students.place(subject, command)
        case CloseDay(day):
            return laptops.close_day(states[subject], subject, day)
    assert_never(claim.command)


def _of_laptop(subject: str, party: str, report: ReportLaptop) -> list[tuple[str, Any]]:
    """What is listed when a shipment is announced or dispatched is in it, from then on."""
    facts = [(subject, laptops.told(report, party))]
    if shipments.packs(report):
        shipment = report.shipment or ""
        if report.step != "announced":
            packed = delivery.LaptopPacked(shipment, party, report.order, report.school)
            facts.append((subject, packed))
        facts.append((shipments.key_of(shipment), delivery.ShipmentPacked(subject)))
    return facts


def _corrected(
    subject: str, party: str, report: ReportShipment | ReportLaptop, *facts: tuple[str, Any]
) -> Decision:
    """The facts, and that what they correct holds no longer."""
    if report.corrects is None:
        return facts
    return (*facts, (subject, _withdrawal(subject)(party, report.corrects)))


def _withdrawn(state: Any, subject: str, party: str, event: str) -> Decision:
    if not holds(state, party, event):
        return ()
    return ((subject, _withdrawal(subject)(party, event)),)


def holds(now: Laptop | Shipment, party: str, event: str) -> bool:
    """Whether an event of a party was not withdrawn."""
    withdrawn = now.custody.withdrawn if isinstance(now, Laptop) else now.withdrawn
    return f"{party} {event}" not in withdrawn


def _withdrawal(subject: str) -> Any:
    of_laptop = kind_of(subject) == "laptop"
    return delivery.LaptopFactWithdrawn if of_laptop else delivery.ShipmentFactWithdrawn


def _from_ordering(now: Laptop, subject: str, command: Expect | Clear | CallOff) -> Decision:
    """What ordering says of a laptop changes it once; what was called off may be expected again."""
    called_off = custody.CALLED_OFF in now.custody.remarks
    match command:
        case Expect(order, line, school) if not now.announced or called_off:
            return ((subject, delivery.LaptopExpected(order, line, school)),)
        case Clear(order) if not now.cleared:
            return ((subject, delivery.LaptopCleared(order)),)
        case CallOff(order) if not called_off:
            return ((subject, delivery.LaptopCalledOff(order)),)
    return ()


def _elsewhere(
    now: Laptop, subject: str, command: TakeBack | GiveInExchange | PutBack | TakeAway
) -> Decision:
    """A swap changes who has either laptop; what came back at the end of lycée is in stock, unless
    its school said so itself.
    """
    match command:
        case TakeBack(new):
            return ((subject, delivery.LaptopTakenBack(new)),)
        case GiveInExchange(old, student, school):
            return ((subject, delivery.LaptopGivenInExchange(old, student, school)),)
        case PutBack(school, scanned):
            there = (now.custody.location, now.custody.school) == ("at-school", school)
            return () if there or scanned else ((subject, delivery.LaptopBackToStock(school)),)
        case TakeAway():
            gone = now.custody.location == custody.SCRAPPED
            return () if gone else ((subject, delivery.LaptopTakenAway()),)


# -- evolve


KINDS: Mapping[str, type] = {"shipment": Shipment, "laptop": Laptop, students.KIND: Student}


def start(key: str) -> Any:
    return KINDS[kind_of(key)]()


def evolve(now: Any, said: Said) -> Any:
    match now:
        case Shipment():
            return shipments.evolve(now, said)
        case Student():
            return students.evolve(now, said)
    return laptops.evolve(now, said)


# -- what follows, what waits


def follow(before: Mapping[str, Any], after: Mapping[str, Any], claim: Claim) -> Iterable[Claim]:
    """Claims on laptops that come of a word on a whole shipment, whichever was heard first."""
    subject, command = claim.subject, claim.command
    if kind_of(subject) == "shipment":
        return shipments.follow_word(subject, before[subject], after[subject], claim)
    if isinstance(command, ReportLaptop) and shipments.packs(command):
        key = shipments.key_of(command.shipment or "")
        return shipments.follow_packing(key, before[key], after[key], claim)
    return ()


def _laptops_in(now: Shipment | Laptop) -> tuple[str, ...]:
    return now.laptops if isinstance(now, Shipment) else ()


def waits(states: Mapping[str, Any], claim: Claim) -> str:
    """What a report waits for. Nothing is held back: it counts now, and joins by itself."""
    match claim.command:
        case Withdraw() | CloseDay():
            return ""
        case ReportShipment():
            return "" if states[claim.subject].owner else "shipment-not-announced"
        case ReportLaptop(shipment=shipment):
            if shipment and not states[shipments.key_of(shipment)].owner:
                return "shipment-not-announced"
    if kind_of(claim.subject) == "laptop" and not states[claim.subject].announced:
        return "laptop-not-announced"
    return ""


CORE = Core(
    publisher="delivery",
    commands=Command,
    facts=delivery.Fact,
    folding=Folding(
        delivery.RANK,
        evolve,
        start,
        stands=custody.as_it_counts,
        restarts=custody.RESTARTS,
        commuting=custody.COMMUTING,
    ),
    keys=keys,
    decide=decide,
    follow=follow,
    reach={ReportShipment: _laptops_in, Withdraw: _laptops_in},
    waits=waits,
    holds=holds,
)
