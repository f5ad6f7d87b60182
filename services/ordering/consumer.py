"""What ordering does about what it hears: it counts, and notes who needs another laptop."""

from collections.abc import Callable
from datetime import datetime

from services.ordering import core
from shared.contracts import delivery, handover, repairs
from shared.hearing import Reactions


def delivered(
    _fact: delivery.LaptopReceived | delivery.LaptopHandedOut | delivery.LaptopMoved,
) -> core.NoteDelivered:
    """Whoever handed it out or moved it had it, counted or not."""
    return core.NoteDelivered()


def disputed(fact: delivery.DiscrepancyReported) -> core.NoteDisputed | core.NoteDelivered:
    """A laptop that nobody expected is there all the same."""
    return core.NoteDelivered() if fact.kind == "unexpected" else core.NoteDisputed(fact.kind)


def replacement(fact: repairs.ReplacementNeeded) -> core.NoteReplacement:
    return core.NoteReplacement(fact.case)


def taken_back(fact: delivery.LaptopFactWithdrawn) -> core.NoteTakenBack:
    return core.NoteTakenBack(f"delivery: {fact.party} {fact.event}")


def case_taken_back(fact: repairs.CaseFactWithdrawn) -> core.NoteTakenBack:
    return core.NoteTakenBack(f"repairs: {fact.party} {fact.event}")


def in_stock(fact: handover.LaptopRefurbished) -> Callable[[datetime], core.NoteStock]:
    """Ready for another student, from the school year on that begins next."""
    return lambda moment: core.NoteStock(fact.school, core.year_after(moment))


def scrapped(_fact: handover.LaptopScrapped) -> core.NoteScrapped:
    return core.NoteScrapped()


REACTIONS: Reactions = {
    delivery.LaptopReceived: delivered,
    delivery.LaptopHandedOut: delivered,
    delivery.LaptopMoved: delivered,
    delivery.DiscrepancyReported: disputed,
    delivery.LaptopFactWithdrawn: taken_back,
    repairs.ReplacementNeeded: replacement,
    repairs.CaseFactWithdrawn: case_taken_back,
    handover.LaptopRefurbished: in_stock,
    handover.LaptopScrapped: scrapped,
}
