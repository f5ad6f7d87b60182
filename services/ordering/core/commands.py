"""What ordering is asked, and what it hears. Pure."""

from datetime import date

from msgspec import Struct

from shared.contracts.ordering import OrderLine

WARRANTY_MONTHS = 36  # where the contract names no other length


class ListSchool(Struct, frozen=True, tag="list-school"):
    """Enter a school in the directory, or change its entry."""

    name: str
    kind: str
    sector: str
    academy: str
    department: str
    insee_code: str
    town: str
    postcode: str


class SetSpareShare(Struct, frozen=True, tag="set-spare-share"):
    """Say how many laptops more than newcomers are needed in a school year: 0.05 for 5 %."""

    share: float


class StateNeed(Struct, frozen=True, tag="state-need"):
    """Say what a school needs in a school year; `decided` in the place of what is computed.
    `stock_back`: None for what is counted.
    """

    school: str
    newcomers: int
    stock_back: int | None
    decided: int | None = None


class PlaceOrder(Struct, frozen=True, tag="place-order"):
    """Order laptops for schools."""

    school_year: str
    buyer: str
    supplier: str
    lines: tuple[OrderLine, ...]
    warranty_months: int = WARRANTY_MONTHS


class Lot(Struct, frozen=True):
    """What schools get in an order made from needs. `departments`:
    of these alone; none named: all that no other lot names.
    """

    lot: str
    model: str
    paid_by: str
    departments: tuple[str, ...] = ()
    promised_on: date | None = None


class OrderNeeds(Struct, frozen=True, tag="order-needs"):
    """Order whatever schools still need in a school year: a line for each, named by its UAI."""

    school_year: str
    buyer: str
    supplier: str
    lots: tuple[Lot, ...]
    warranty_months: int = WARRANTY_MONTHS


class AmendOrder(Struct, frozen=True, tag="amend-order"):
    """Give lines another quantity."""

    school_year: str
    quantities: dict[str, int]
    decided_by: str


class CancelOrder(Struct, frozen=True, tag="cancel-order"):
    """Let nothing more come of an order."""

    school_year: str


class CancelLaptop(Struct, frozen=True, tag="cancel-laptop"):
    """A laptop's order is cancelled."""

    order: str
    school_year: str


class AnnounceLaptop(Struct, frozen=True, tag="announce-laptop"):
    """Give a place of an order line its serial number."""

    order: str
    line: str
    model: str


class AdmitLine(Struct, frozen=True, tag="admit-line"):
    """Accept all laptops of a line: those known now and those heard of later."""

    line: str
    decided_by: str


class AdmitLaptop(Struct, frozen=True, tag="admit-laptop"):
    """Accept one laptop of a line. `standing`: it comes of a decision on the whole line."""

    order: str
    line: str
    school_year: str
    decided_by: str
    standing: bool = False


class RefuseAdmission(Struct, frozen=True, tag="refuse-admission"):
    """Do not accept one laptop of a line."""

    order: str
    line: str
    school_year: str
    decided_by: str


class NoteDelivered(Struct, frozen=True, tag="note-delivered"):
    """A school counted the laptop."""


class NoteDisputed(Struct, frozen=True, tag="note-disputed"):
    """Somebody reported a discrepancy of the laptop."""

    kind: str


class NoteReplacement(Struct, frozen=True, tag="note-replacement"):
    """Repairs needs another laptop in the place of this one."""

    case: str


class NoteStock(Struct, frozen=True, tag="note-stock"):
    """What came back at the end of lycée is ready for another student, in time for this year."""

    school: str
    school_year: str


class NoteScrapped(Struct, frozen=True, tag="note-scrapped"):
    """What came back was taken away to be taken apart."""


class CountStock(Struct, frozen=True, tag="count-stock"):
    """So many more laptops, or less, are in a school's stock again."""

    school: str
    change: int


class NoteTakenBack(Struct, frozen=True, tag="note-taken-back"):
    """What another service was told of the laptop as an event, `<service>: <party> <id>`, holds no
    longer.
    """

    event: str


class CountDelivered(Struct, frozen=True, tag="count-delivered"):
    """A laptop of a line was counted by a school."""

    line: str
    laptop: str


class CountTakenBack(Struct, frozen=True, tag="count-taken-back"):
    """A laptop of a line was counted by mistake."""

    line: str
    laptop: str


class CloseDay(Struct, frozen=True, tag="close-day"):
    """A day ended: `day` is the one that begins."""

    day: date


Command = (
    ListSchool
    | SetSpareShare
    | StateNeed
    | PlaceOrder
    | OrderNeeds
    | AmendOrder
    | CancelOrder
    | CancelLaptop
    | AnnounceLaptop
    | AdmitLine
    | AdmitLaptop
    | RefuseAdmission
    | NoteDelivered
    | NoteDisputed
    | NoteReplacement
    | NoteTakenBack
    | NoteStock
    | NoteScrapped
    | CountStock
    | CountDelivered
    | CountTakenBack
    | CloseDay
)
