"""What ordering does about what it hears of delivery: it counts."""

from services.ordering import core
from shared.contracts import delivery
from shared.hearing import Reactions


def delivered(
    _fact: delivery.LaptopReceived | delivery.LaptopHandedOut | delivery.LaptopMoved,
) -> core.NoteDelivered:
    """Whoever handed it out or moved it had it, counted or not."""
    return core.NoteDelivered()


def disputed(fact: delivery.DiscrepancyReported) -> core.NoteDisputed | core.NoteDelivered:
    """A laptop that nobody expected is there all the same."""
    return core.NoteDelivered() if fact.kind == "unexpected" else core.NoteDisputed(fact.kind)


REACTIONS: Reactions = {
    delivery.LaptopReceived: delivered,
    delivery.LaptopHandedOut: delivered,
    delivery.LaptopMoved: delivered,
    delivery.DiscrepancyReported: disputed,
}
