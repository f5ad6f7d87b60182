"""What ordering says: schools, needs, orders, the supplier's serial numbers, admission.

Keys: `school:<uai>`, `campaign:<school year>`, `order:<number>`, `<maker>/<SERIAL>`.
A fact's time, source and key are in its envelope.
"""

from datetime import date

from msgspec import Struct


class SchoolListed(
    Struct, frozen=True, forbid_unknown_fields=True, tag="ordering.school-listed.v1"
):
    """A school stands in the directory, or its entry changed. Key: the school."""

    name: str
    kind: str
    sector: str
    academy: str
    department: str
    insee_code: str
    town: str
    postcode: str


class SpareShareSet(
    Struct, frozen=True, forbid_unknown_fields=True, tag="ordering.spare-share-set.v1"
):
    """So many laptops more than newcomers are needed, as a share, in a school year. `revision`
    counts the words on it: the last one holds. Key: the campaign.
    """

    share: float
    revision: int


class NeedStated(Struct, frozen=True, forbid_unknown_fields=True, tag="ordering.need-stated.v1"):
    """How many newcomers a school has, and how many laptops it has back. `decided`: how many it is
    to get, where a person said so; `revision` as in SpareShareSet; `counted`: what came back was
    not said, and is counted. Key: the campaign.
    """

    school: str
    newcomers: int
    stock_back: int
    decided: int | None
    revision: int
    counted: bool = False


class StockCounted(
    Struct, frozen=True, forbid_unknown_fields=True, tag="ordering.stock-counted.v1"
):
    """So many more laptops, or less, came back into a school's stock in time for a school year.
    Key: the campaign.
    """

    school: str
    change: int


class NeedsOrdered(
    Struct, frozen=True, forbid_unknown_fields=True, tag="ordering.needs-ordered.v1"
):
    """An order that was placed, amended or cancelled changed how many laptops are ordered for
    schools, by UAI: so many more, or less. Key: the campaign.
    """

    order: str
    changes: dict[str, int]


class OrderLine(Struct, frozen=True, forbid_unknown_fields=True):
    """So many laptops of one model for one school, in one lot, paid by one body."""

    line: str
    school: str
    model: str
    quantity: int
    lot: str
    paid_by: str
    promised_on: date | None = None


class OrderPlaced(Struct, frozen=True, forbid_unknown_fields=True, tag="ordering.order-placed.v1"):
    """A purchase order stands. Key: the order."""

    school_year: str
    buyer: str
    supplier: str
    lines: tuple[OrderLine, ...]
    warranty_months: int = 36


class AmendedLine(Struct, frozen=True, forbid_unknown_fields=True):
    """A line's quantity from now on, and by how much that is more, or less, than before."""

    line: str
    quantity: int
    change: int


class OrderAmended(
    Struct, frozen=True, forbid_unknown_fields=True, tag="ordering.order-amended.v1"
):
    """Lines of an order have another quantity. Key: the order."""

    lines: tuple[AmendedLine, ...]


class OrderCancelled(
    Struct, frozen=True, forbid_unknown_fields=True, tag="ordering.order-cancelled.v1"
):
    """An order is cancelled: so many laptops, by line, that were outstanding come no more. Those
    that were announced are told one by one (LaptopCancelled). Key: the order.
    """

    cancelled: dict[str, int]


class LineDelivered(
    Struct, frozen=True, forbid_unknown_fields=True, tag="ordering.line-delivered.v1"
):
    """One more laptop of a line was counted by a school. Key: the order."""

    line: str
    laptop: str


class LineTakenBack(
    Struct, frozen=True, forbid_unknown_fields=True, tag="ordering.line-taken-back.v1"
):
    """A laptop of a line was counted by mistake, and counts no more. Key: the order."""

    line: str
    laptop: str


class OrderLineFulfilled(
    Struct, frozen=True, forbid_unknown_fields=True, tag="ordering.order-line-fulfilled.v1"
):
    """Schools counted as many laptops of a line as were ordered. Key: the order."""

    line: str
    quantity: int


class OrderLate(Struct, frozen=True, forbid_unknown_fields=True, tag="ordering.order-late.v1"):
    """The promised day of lines has passed, and of each so many laptops were counted by no school.
    Key: the order.
    """

    lines: dict[str, int]


class LineAnnounced(
    Struct, frozen=True, forbid_unknown_fields=True, tag="ordering.line-announced.v1"
):
    """One more laptop of a line has its serial number. Key: the order."""

    line: str
    laptop: str


class LineAdmitted(
    Struct, frozen=True, forbid_unknown_fields=True, tag="ordering.line-admitted.v1"
):
    """A line is admitted: each laptop of it, known now or heard later. Key: the order."""

    line: str
    warranty_months: int


class LaptopAnnounced(
    Struct, frozen=True, forbid_unknown_fields=True, tag="ordering.laptop-announced.v1"
):
    """The supplier gave the serial number that fills a place of an order line. Key: the laptop."""

    order: str
    line: str
    school: str
    model: str
    lot: str
    supplier: str
    promised_on: date | None = None


class LaptopAdmitted(
    Struct, frozen=True, forbid_unknown_fields=True, tag="ordering.laptop-admitted.v1"
):
    """The region accepted the laptop: it becomes its owner and the warranty starts (CCAG-FCS,
    admission). Key: the laptop.
    """

    order: str
    line: str
    warranty_from: date
    warranty_to: date


class AdmissionRefused(
    Struct, frozen=True, forbid_unknown_fields=True, tag="ordering.admission-refused.v1"
):
    """The region did not accept the laptop: it stays the supplier's (CCAG-FCS, rejet). Why stays
    with ordering. Key: the laptop.
    """

    order: str
    line: str


class LaptopCancelled(
    Struct, frozen=True, forbid_unknown_fields=True, tag="ordering.laptop-cancelled.v1"
):
    """The laptop's order was cancelled after its announcement. Key: the laptop."""

    order: str
    line: str


class LaptopDelivered(
    Struct, frozen=True, forbid_unknown_fields=True, tag="ordering.laptop-delivered.v1"
):
    """Ordering heard that a school counted the laptop. Key: the laptop."""

    event: str | None = None


class LaptopDisputed(
    Struct, frozen=True, forbid_unknown_fields=True, tag="ordering.laptop-disputed.v1"
):
    """Ordering heard of a discrepancy, of the kinds that delivery tells. Key: the laptop."""

    kind: str
    event: str | None = None


class ReplacementNoted(
    Struct, frozen=True, forbid_unknown_fields=True, tag="ordering.replacement-noted.v1"
):
    """Another laptop is needed in the place of this one, says a repair case. Key: the laptop."""

    case: str
    event: str | None = None


class LaptopStockNoted(
    Struct, frozen=True, forbid_unknown_fields=True, tag="ordering.laptop-stock-noted.v1"
):
    """What came back at the end of lycée is ready for another student at this school, in time for
    this school year; in no stock any more, where no school is named. Key: the laptop.
    """

    school: str | None = None
    school_year: str | None = None


class LaptopNoteWithdrawn(
    Struct, frozen=True, forbid_unknown_fields=True, tag="ordering.laptop-note-withdrawn.v1"
):
    """What ordering heard of the laptop, said as an event that was withdrawn, holds no longer. Key:
    the laptop.
    """

    event: str


Fact = (
    SchoolListed
    | SpareShareSet
    | NeedStated
    | NeedsOrdered
    | StockCounted
    | OrderPlaced
    | OrderAmended
    | OrderCancelled
    | OrderLate
    | OrderLineFulfilled
    | LineAnnounced
    | LineAdmitted
    | LineDelivered
    | LineTakenBack
    | LaptopAnnounced
    | LaptopAdmitted
    | AdmissionRefused
    | LaptopCancelled
    | LaptopDelivered
    | LaptopDisputed
    | ReplacementNoted
    | LaptopStockNoted
    | LaptopNoteWithdrawn
)

RANK: dict[type, int] = {
    SchoolListed: 0,
    OrderPlaced: 1,
    LineAnnounced: 2,
    LineAdmitted: 3,
    OrderAmended: 4,
    LineDelivered: 5,
    LineTakenBack: 5,
    OrderLineFulfilled: 6,
    OrderCancelled: 7,
    OrderLate: 8,
    SpareShareSet: 0,
    NeedStated: 1,
    NeedsOrdered: 2,
    StockCounted: 3,
    LaptopNoteWithdrawn: 9,
    LaptopAnnounced: 10,
    LaptopAdmitted: 60,
    AdmissionRefused: 61,
    LaptopCancelled: 62,
    LaptopDelivered: 63,
    LaptopDisputed: 64,
    ReplacementNoted: 65,
    LaptopStockNoted: 66,
}
