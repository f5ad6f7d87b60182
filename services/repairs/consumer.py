"""What repairs does about what it hears: it learns what a laptop is and whose, and who left."""

from services.repairs import core
from shared.contracts import delivery, enrolment, handover, ordering
from shared.hearing import Reactions


def register(fact: ordering.LaptopAnnounced) -> core.Register:
    return core.Register(fact.model, fact.lot, fact.school, fact.supplier)


def note_warranty(fact: ordering.LaptopAdmitted) -> core.NoteWarranty:
    return core.NoteWarranty(fact.warranty_from, fact.warranty_to)


def received(fact: delivery.LaptopReceived | delivery.LaptopBackToStock) -> core.Place:
    return core.Place(fact.school)


def moved(fact: delivery.LaptopMoved) -> core.Place:
    return core.Place(fact.to_school)


def handed_out(fact: delivery.LaptopHandedOut) -> core.Place:
    return core.Place(fact.school, fact.student)


def take_back(fact: delivery.LaptopFactWithdrawn) -> core.TakeBack:
    return core.TakeBack(f"{fact.party} {fact.event}")


def ceded(fact: handover.LaptopHandedOver) -> core.NoteCession:
    return core.NoteCession(fact.student)


def returned(fact: handover.LaptopReturned) -> core.NoteCession:
    return core.NoteCession(event=fact.event)


def enrolled(_: enrolment.StudentEnrolled) -> core.NotePresence:
    return core.NotePresence()


def left(_: enrolment.StudentLeft) -> core.NotePresence:
    return core.NotePresence(left=True)


def erased(_: enrolment.StudentErased) -> core.NotePresence:
    return core.NotePresence(erased=True)


REACTIONS: Reactions = {
    ordering.LaptopAnnounced: register,
    ordering.LaptopAdmitted: note_warranty,
    delivery.LaptopReceived: received,
    delivery.LaptopBackToStock: received,
    delivery.LaptopMoved: moved,
    delivery.LaptopHandedOut: handed_out,
    delivery.LaptopFactWithdrawn: take_back,
    handover.LaptopHandedOver: ceded,
    handover.LaptopReturned: returned,
    enrolment.StudentEnrolled: enrolled,
    enrolment.StudentLeft: left,
    enrolment.StudentErased: erased,
}
