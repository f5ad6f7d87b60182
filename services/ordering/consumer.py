"""What ordering does about what it hears of delivery: it counts."""

from services.ordering import core
from shared.contracts import delivery
from shared.hearing import Reactions


def delivered(_fact: delivery.LaptopReceived) -> core.NoteDelivered:
    return core.NoteDelivered()


def disputed(fact: delivery.DiscrepancyReported) -> core.NoteDisputed:
    return core.NoteDisputed(fact.kind)


REACTIONS: Reactions = {
    delivery.LaptopReceived: delivered,
    delivery.DiscrepancyReported: disputed,
}
