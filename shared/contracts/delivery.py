"""What delivery says: shipments, custody up to the student, hand-out.

Keys: `shipment:<sscc>`, `<maker>/<SERIAL>`, `student:<pseudonym>`. A fact's time, source and key
are in its envelope. What concerns a shipment and changes laptops is said once for the shipment and
once for each laptop.
"""

from datetime import datetime

from msgspec import Struct


class ShipmentAnnounced(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.shipment-announced.v1"
):
    """A party took a shipment on. The first to announce it owns it. Key: the shipment."""

    carrier: str
    order: str | None = None
    school: str | None = None
    quantity: int | None = None


class ShipmentPacked(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.shipment-packed.v1"
):
    """The shipment was announced or dispatched with this laptop in it. Key: the shipment."""

    laptop: str


class ShipmentDispatched(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.shipment-dispatched.v1"
):
    """The shipment left the supplier. `whole`: said of all
    that is in it, no laptop was listed. Key: the shipment.
    """

    whole: bool
    order: str | None = None
    school: str | None = None


class ShipmentInTransit(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.shipment-in-transit.v1"
):
    """The shipment was scanned on its way. Key: the shipment."""

    whole: bool
    order: str | None = None
    school: str | None = None


class ShipmentArrived(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.shipment-arrived.v1"
):
    """The carrier claims that he delivered; the school's count is reception. Key: the shipment."""

    whole: bool
    order: str | None = None
    school: str | None = None


class ShipmentRedirected(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.shipment-redirected.v1"
):
    """The shipment goes to another school than it was bound for. Key: the shipment."""

    whole: bool
    to_school: str
    order: str | None = None
    school: str | None = None


class ShipmentRefused(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.shipment-refused.v1"
):
    """The shipment was not taken in at the door. Key: the shipment."""

    whole: bool
    order: str | None = None
    school: str | None = None


class ShipmentReceived(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.shipment-received.v1"
):
    """The school counted the shipment. Key: the shipment."""

    whole: bool
    school: str
    order: str | None = None
    quantity: int | None = None


class ShipmentFactWithdrawn(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.shipment-fact-withdrawn.v1"
):
    """What a party said of the shipment under an event's id holds no longer. Key: the shipment."""

    party: str
    event: str


class LaptopExpected(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.laptop-expected.v1"
):
    """Ordering announced the laptop, so it is no longer unannounced here. Key: the laptop."""

    order: str
    line: str
    school: str


class LaptopCleared(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.laptop-cleared.v1"
):
    """It was admitted, so it may be handed out. Key: the laptop."""

    order: str


class LaptopCalledOff(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.laptop-called-off.v1"
):
    """Ordering cancelled the order of the laptop, which may be on the road. Key: the laptop."""

    order: str


class LaptopPacked(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.laptop-packed.v1"
):
    """This carrier listed the laptop in a shipment (CBV: packing). Key: the laptop."""

    shipment: str
    carrier: str
    order: str | None = None
    school: str | None = None


class LaptopDispatched(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.laptop-dispatched.v1"
):
    """The laptop left the supplier. Key: the laptop."""

    shipment: str | None = None
    order: str | None = None
    school: str | None = None
    whole: bool = False


class LaptopInTransit(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.laptop-in-transit.v1"
):
    """The laptop was scanned on its way. Key: the laptop."""

    shipment: str | None = None
    order: str | None = None
    school: str | None = None
    whole: bool = False


class LaptopArrived(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.laptop-arrived.v1"
):
    """The carrier claims that he delivered the laptop. Key: the laptop."""

    shipment: str | None = None
    order: str | None = None
    school: str | None = None
    whole: bool = False


class LaptopRedirected(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.laptop-redirected.v1"
):
    """The laptop goes to another school than it was bound for. Key: the laptop."""

    to_school: str
    shipment: str | None = None
    order: str | None = None
    school: str | None = None
    whole: bool = False


class LaptopRefused(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.laptop-refused.v1"
):
    """The laptop was not taken in at the door. Key: the laptop."""

    shipment: str | None = None
    order: str | None = None
    school: str | None = None
    whole: bool = False


class LaptopReceived(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.laptop-received.v1"
):
    """The school counted the laptop: it is there. Key: the laptop."""

    school: str
    shipment: str | None = None
    order: str | None = None
    whole: bool = False


class DiscrepancyReported(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.discrepancy-reported.v1"
):
    """Count and papers differ. `kind`: missing, damaged, unexpected, wrong-school; a carrier
    may know of a damage without a school. Key: the laptop or the shipment.
    """

    kind: str
    school: str | None = None
    shipment: str | None = None
    order: str | None = None
    whole: bool = False


class LaptopMoved(Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.laptop-moved.v1"):
    """The laptop went from one school's stock into another's. Key: the laptop."""

    school: str
    to_school: str


class LaptopBackToStock(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.laptop-back-to-stock.v1"
):
    """The laptop is in the school's stock again. Key: the laptop."""

    school: str


class HandOutMissed(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.hand-out-missed.v1"
):
    """Nobody came for the laptop in time. Key: the laptop."""

    school: str


class LaptopTakenBack(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.laptop-taken-back.v1"
):
    """A desk kept the laptop, for another took its place. Key: the laptop."""

    replaced_by: str


class LaptopTakenAway(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.laptop-taken-away.v1"
):
    """It was scrapped at the end of its life at school: it is in no stock. Key: the laptop."""


class LaptopGivenInExchange(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.laptop-given-in-exchange.v1"
):
    """The laptop took the place of another: its student has it, or else its school. Key: the
    laptop.
    """

    replaces: str
    student: str | None = None
    school: str | None = None


class LaptopFactWithdrawn(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.laptop-fact-withdrawn.v1"
):
    """What a party said of the laptop under an event's id holds no longer. Key: the laptop."""

    party: str
    event: str


class LaptopHandedOut(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.laptop-handed-out.v1"
):
    """A student took the laptop home, charter signed. `student` is a pseudonym; `doubt`: what
    enrolment had said against it by then. Key: the laptop.
    """

    student: str
    school: str
    minor: bool
    student_signed_at: datetime
    guardian_signed_at: datetime | None
    sleeve: bool
    storage: bool
    doubt: str | None = None


class StudentPlaced(
    Struct, frozen=True, forbid_unknown_fields=True, tag="delivery.student-placed.v1"
):
    """Where the student learns, or learned last: as enrolment said; nowhere, `school` empty, once
    nobody can say any more who it was. Key: the student.
    """

    school: str
    left: bool


Fact = (
    ShipmentAnnounced
    | ShipmentPacked
    | ShipmentDispatched
    | ShipmentInTransit
    | ShipmentRedirected
    | ShipmentArrived
    | ShipmentRefused
    | ShipmentReceived
    | ShipmentFactWithdrawn
    | LaptopExpected
    | LaptopCleared
    | LaptopCalledOff
    | LaptopPacked
    | LaptopDispatched
    | LaptopInTransit
    | LaptopRedirected
    | LaptopArrived
    | LaptopRefused
    | LaptopReceived
    | DiscrepancyReported
    | LaptopMoved
    | LaptopBackToStock
    | HandOutMissed
    | LaptopHandedOut
    | LaptopTakenBack
    | LaptopTakenAway
    | LaptopGivenInExchange
    | LaptopFactWithdrawn
    | StudentPlaced
)

RANK: dict[type, int] = {
    ShipmentFactWithdrawn: 10,
    LaptopFactWithdrawn: 10,
    ShipmentAnnounced: 11,
    LaptopExpected: 12,
    LaptopPacked: 13,
    ShipmentPacked: 14,
    StudentPlaced: 15,
    LaptopCleared: 16,
    LaptopCalledOff: 17,
    ShipmentDispatched: 20,
    LaptopDispatched: 20,
    ShipmentInTransit: 21,
    LaptopInTransit: 21,
    ShipmentRedirected: 22,
    LaptopRedirected: 22,
    ShipmentArrived: 23,
    LaptopArrived: 23,
    ShipmentRefused: 24,
    LaptopRefused: 24,
    ShipmentReceived: 30,
    LaptopReceived: 30,
    DiscrepancyReported: 31,
    LaptopMoved: 33,
    LaptopBackToStock: 35,
    HandOutMissed: 38,
    LaptopHandedOut: 40,
    LaptopTakenBack: 61,
    LaptopGivenInExchange: 61,
    LaptopTakenAway: 90,
}
