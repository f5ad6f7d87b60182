"""What a shipment's facts make of it, read the same by delivery, which decides by it, and by
tracking, which shows it. Pure.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from msgspec.structs import replace

from shared.contracts import custody, delivery
from shared.decisions import Said

RECEIVED = "received"

S = TypeVar("S", bound=Any)
"""A shipment as a service keeps it: a struct with owner, order, school, state, since, quantity,
laptops and withdrawn.
"""


def moved(now: S, said: Said) -> S:  # noqa: PLR0911  a return for each
    """A shipment after one more fact; the same one when the fact means nothing for it: it was
    withdrawn, is another carrier's word, or comes after the school's count, which is final.
    """
    if isinstance(said.fact, delivery.ShipmentFactWithdrawn):
        return replace(now, withdrawn=custody.with_withdrawn(now.withdrawn, said.fact))
    if custody.named(said) in now.withdrawn or not _may(now, said):
        return now
    match said.fact:
        case delivery.ShipmentAnnounced(carrier, order, school, quantity):
            return replace(
                now,
                owner=now.owner or carrier,
                order=now.order or order,
                school=now.school or school,
                state=now.state or "announced",
                since=now.since or said.happened_at,
                quantity=quantity or now.quantity,
            )
        case delivery.ShipmentPacked(laptop):
            return replace(now, laptops=tuple(sorted({*now.laptops, laptop})))
        case _ if now.state == RECEIVED or type(said.fact) not in STATES:
            return now
        case delivery.ShipmentRedirected(to_school=school):
            return replace(now, state="in-transit", school=school, since=said.happened_at)
    return replace(now, state=STATES[type(said.fact)], since=said.happened_at)


STATES: Mapping[type, str] = {
    delivery.ShipmentDispatched: "dispatched",
    delivery.ShipmentInTransit: "in-transit",
    delivery.ShipmentRedirected: "redirected",
    delivery.ShipmentArrived: "arrived",
    delivery.ShipmentRefused: "refused",
    delivery.ShipmentReceived: RECEIVED,
}


def _may(now: Any, said: Said) -> bool:
    """Whether a word is about this shipment: a carrier's is when it is his, or nobody's yet."""
    return not said.source.startswith("carrier:") or now.owner in (None, said.source)
