"""What is said of shipments: whose they are, what is in them, what that means for laptops. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from services.delivery.core.commands import (
    DISCREPANCIES,
    PACKING,
    ReportLaptop,
    ReportShipment,
    Withdraw,
)
from shared.contracts import custody, delivery, shipments
from shared.decisions import Claim, Said


class Passed(Struct, frozen=True):
    """What was said of a whole shipment, kept for laptops that are packed into it later on."""

    step: str
    happened_at: datetime
    party: str
    id: str
    order: str | None = None
    school: str | None = None
    to_school: str | None = None


class Shipment(Struct, frozen=True):
    """A shipment: whose it is, where it goes, which laptops were listed in it, what was said of the
    whole of it, when it came and was counted, which events hold no longer.
    """

    owner: str | None = None
    order: str | None = None
    school: str | None = None
    state: str = ""
    since: datetime | None = None
    quantity: int | None = None
    laptops: tuple[str, ...] = ()
    passed: tuple[Passed, ...] = ()
    withdrawn: tuple[str, ...] = ()


def key_of(shipment: str) -> str:
    return f"shipment:{shipment}"


# -- decide


def told(report: ReportShipment, party: str) -> Any:  # noqa: C901, PLR0911  a return for each step
    """The fact that a report comes to."""
    whole, order, school = report.whole, report.order, report.school
    match report.step:
        case "announced":
            return delivery.ShipmentAnnounced(party, order, school, report.quantity)
        case "dispatched":
            return delivery.ShipmentDispatched(whole, order, school)
        case "in-transit":
            return delivery.ShipmentInTransit(whole, order, school)
        case "redirected":
            return delivery.ShipmentRedirected(whole, report.to_school or "", order, school)
        case "arrived":
            return delivery.ShipmentArrived(whole, order, school)
        case "refused":
            return delivery.ShipmentRefused(whole, order, school)
        case "received":
            return delivery.ShipmentReceived(whole, school or "", order, report.quantity)
        case kind if kind in DISCREPANCIES:
            return delivery.DiscrepancyReported(kind, school, None, order, whole)
    raise ValueError(f"no such report: {report.step}")


# -- evolve


def evolve(now: Shipment, said: Said) -> Shipment:
    after = shipments.moved(now, said)
    step = _step(said.fact)
    if step is None or not said.fact.whole or custody.named(said) in now.withdrawn:
        return after
    fact = said.fact
    passed = Passed(
        step,
        said.happened_at,
        said.source,
        said.id,
        fact.order,
        fact.school,
        getattr(fact, "to_school", None),
    )
    return replace(after, passed=(*after.passed, passed))


def _step(fact: Any) -> str | None:
    """The step that a fact tells of."""
    if isinstance(fact, delivery.DiscrepancyReported):
        return fact.kind
    return shipments.STATES.get(type(fact))


# -- what follows for laptops


def packs(report: ReportLaptop) -> bool:
    """Whether a report says that the laptop is in the shipment."""
    return report.shipment is not None and report.step in PACKING and not report.whole


def follow_word(key: str, before: Shipment, after: Shipment, claim: Claim) -> Iterable[Claim]:
    """What is said of a whole shipment is said of each laptop
    in it under the same id; and taken back from each.
    """
    for passed in after.passed:
        if (passed.party, passed.id) == (claim.party, claim.id):
            yield from (each(key, passed, laptop) for laptop in after.laptops)
    event = _taken_back(claim)
    if event and any((passed.party, passed.id) == event for passed in before.passed):
        yield from (_withdrawal(key, event, laptop, claim) for laptop in before.laptops)


def follow_packing(key: str, before: Shipment, after: Shipment, claim: Claim) -> Iterable[Claim]:
    """All that was said of the whole shipment is said of a laptop that is packed into it now, and
    what was withdrawn meanwhile is withdrawn from it.
    """
    laptop = claim.subject
    if laptop in before.laptops or laptop not in after.laptops:
        return
    for passed in after.passed:
        yield each(key, passed, laptop)
    for event in after.withdrawn:
        party, _, id = event.partition(" ")
        yield _withdrawal(key, (party, id), laptop, claim)


def _taken_back(claim: Claim) -> tuple[str, str] | None:
    """The event (party, id) that a claim withdraws or corrects."""
    match claim.command:
        case Withdraw(party, event):
            return party, event
        case ReportShipment(corrects=str(event)):
            return claim.party, event
    return None


def _withdrawal(key: str, event: tuple[str, str], laptop: str, claim: Claim) -> Claim:
    """What was withdrawn from a shipment is withdrawn from a laptop in it, once, by ourselves."""
    name, command = " ".join((key, *event)), Withdraw(*event)
    return Claim("delivery", name, laptop, claim.happened_at, command, report=True, stated=False)


def each(key: str, passed: Passed, laptop: str) -> Claim:
    command = ReportLaptop(
        passed.step,
        key.removeprefix("shipment:"),
        passed.order,
        passed.school,
        passed.to_school,
        whole=True,
    )
    return Claim(passed.party, passed.id, laptop, passed.happened_at, command, report=True)
