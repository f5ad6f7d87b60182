"""What repairs is asked, told, and hears. Pure."""

from datetime import date, datetime
from hashlib import blake2b

from msgspec import Struct

from shared.decisions import Claim

RECALL = "recall"  # the cause of cases that come of a recall


class LogIncident(Struct, frozen=True, tag="log-incident"):
    """Something is wrong with a laptop: a case is opened."""

    desk: str
    cause: str
    fault: int | None = None


class ReportStep(Struct, frozen=True, tag="report-step"):
    """How a case goes on. `step`: one of STEPS; the other fields as that step wants them."""

    case: str
    step: str
    waiting_on: str | None = None
    fault: int | None = None
    outcome: int | None = None
    barrier: int | None = None
    complaint: str | None = None
    filed_on: date | None = None


class ReturnLoan(Struct, frozen=True, tag="return-loan"):
    """A laptop on loan came back."""

    case: str
    loaner: str


class DecideWarranty(Struct, frozen=True, tag="decide-warranty"):
    """Decide who pays for a case and what is done: by the policy, or as the region says."""

    case: str
    decided_by: str
    cover: str | None = None
    remedy: str | None = None


class Swap(Struct, frozen=True, tag="swap"):
    """Give another laptop for the one of a case. `returned`: the one that was brought."""

    case: str
    returned: str
    new: str


class Lend(Struct, frozen=True, tag="lend"):
    """Lend a laptop while a case is open. `due_on`: None for as long as the policy says."""

    case: str
    loaner: str
    due_on: date | None = None


class Withdraw(Struct, frozen=True, tag="withdraw"):
    """What a party said under an event's id holds no longer."""

    party: str
    event: str


class RecallModel(Struct, frozen=True, tag="recall-model"):
    """Call all laptops of a model, or of a lot of it, to the desks: known now and heard later."""

    recall: str
    lot: str | None = None


class RecallLaptop(Struct, frozen=True, tag="recall-laptop"):
    """Open the case of a recall for one laptop."""

    recall: str
    desk: str


class LotDefects(Struct, frozen=True):
    """So many of a lot's laptops had a defect."""

    lot: str
    cases: int
    laptops: int


class SuspectDefect(Struct, frozen=True, tag="suspect-defect"):
    """What the defects of a model's lots were on a day."""

    lots: tuple[LotDefects, ...]


class CloseDay(Struct, frozen=True, tag="close-day"):
    """A day ended: `day` is the one that begins. `left_on`: when the student left to whom a laptop
    is lent; None for who did not, or is back.
    """

    day: date
    left_on: date | None = None


class Register(Struct, frozen=True, tag="register"):
    """Ordering announced a laptop."""

    model: str
    lot: str
    school: str
    supplier: str


class NoteWarranty(Struct, frozen=True, tag="note-warranty"):
    """Its warranty runs."""

    warranty_from: date
    warranty_to: date


class Place(Struct, frozen=True, tag="place"):
    """Who has it, but for repairs."""

    school: str
    student: str | None = None


class TakeBack(Struct, frozen=True, tag="take-back"):
    """What delivery was told as an event, `<party> <id>`, holds no longer."""

    event: str


class NoteCession(Struct, frozen=True, tag="note-cession"):
    """A student owns it, or it came back: None; `event`: the stock scan by which it did."""

    student: str | None = None
    event: str | None = None


class NotePresence(Struct, frozen=True, tag="note-presence"):
    """Enrolment said that a student is at a school, or left, or was erased."""

    left: bool = False
    erased: bool = False


Command = (
    LogIncident
    | ReportStep
    | ReturnLoan
    | DecideWarranty
    | Swap
    | Lend
    | Withdraw
    | RecallModel
    | RecallLaptop
    | SuspectDefect
    | CloseDay
    | Register
    | NoteWarranty
    | NoteCession
    | Place
    | TakeBack
    | NotePresence
)


def case_of(party: str, id: str, laptop: str) -> str:
    """The number of the case that an incident opens: 16 digits, the same however often it is told.

    Digits alone, for the Open Repair Data Standard wants them in its ids.
    """
    said = f"{party}\n{id}\n{laptop}".encode()
    return f"{int.from_bytes(blake2b(said, digest_size=8).digest()) % 10**16:016d}"


def case_of_claim(claim: Claim) -> str:
    return case_of(claim.party, claim.id, claim.subject)


def case_of_recall(recall: str, laptop: str) -> str:
    return case_of(RECALL, recall, laptop)


def model_key(model: str) -> str:
    return f"model:{model}"


class Span(Struct, frozen=True):
    """Since when a case is in a state."""

    at: datetime
    state: str
