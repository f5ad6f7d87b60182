"""What handover is asked, told, and hears. Pure."""

from datetime import date, datetime

from msgspec import Struct

# -- of campaigns and schools


class OpenCampaign(Struct, frozen=True, tag="open-campaign"):
    """Offer the laptop to whoever finishes in a school year: known now and heard later."""

    campaign: str
    school_year: str
    opens_at: datetime
    legal_basis: str
    deliberation: str
    residual_value_cents: int


class SucceedSchool(Struct, frozen=True, tag="succeed-school"):
    """The school closed or merged: another one does what is left to do."""

    successor: str


class NoteSchool(Struct, frozen=True, tag="note-school"):
    """What a school is called, and where it is."""

    name: str
    town: str


# -- of students


class CallUp(Struct, frozen=True, tag="call-up"):
    """See whether the campaign of a school year concerns a student."""

    school_year: str


class NoteStudent(Struct, frozen=True, tag="note-student"):
    """Where a student learns, or why no longer."""

    school: str
    level: str
    school_year: str
    left: str | None = None


class MoveStudent(Struct, frozen=True, tag="move-student"):
    """The school where a student is, or was last, is another one now."""

    school: str
    to_school: str


class ForgetStudent(Struct, frozen=True, tag="forget-student"):
    """Nobody can say any more who it was."""


# -- of laptops, as others say


class Enter(Struct, frozen=True, tag="enter"):
    """Ordering announced a laptop."""

    model: str


class Acquire(Struct, frozen=True, tag="acquire"):
    """The region admitted it."""


class Entrust(Struct, frozen=True, tag="entrust"):
    """Who has it: a student, or nobody but a school."""

    student: str | None
    school: str | None


class Block(Struct, frozen=True, tag="block"):
    """Something is open that stands in the way. `blocked_by`: one of CAUSES."""

    blocked_by: str
    case: str


class Unblock(Struct, frozen=True, tag="unblock"):
    """It is over: of one kind, or all that a case is about."""

    case: str
    blocked_by: str | None = None


class Withdraw(Struct, frozen=True, tag="withdraw"):
    """What was said of the laptop as an event, `<service>: <party> <id>`, holds no longer."""

    event: str


class Reconsider(Struct, frozen=True, tag="reconsider"):
    """What became of its student. `way`: cede, return, stay; the others as that way needs them."""

    student: str
    way: str
    school: str = ""
    leaving: str = ""
    campaign: str | None = None
    school_year: str | None = None


class Settle(Struct, frozen=True, tag="settle"):
    """See what it means who has the laptop now; `event`: what delivery was told that says so."""

    event: str | None = None


class Regard(Struct, frozen=True, tag="regard"):
    """See what it means who has the laptop after all: `student`."""

    student: str


class MoveHandover(Struct, frozen=True, tag="move-handover"):
    """Another school does what one had to do."""

    school: str
    to_school: str


# -- acts on a handover


class Offer(Struct, frozen=True, tag="offer"):
    """Tell the student that the laptop may be kept. `minor`: as the school says on this day."""

    handover: str
    minor: bool
    school_year: str = ""


class Accept(Struct, frozen=True, tag="accept"):
    """The student wants to keep it."""

    handover: str


class Refuse(Struct, frozen=True, tag="refuse"):
    """The student does not want it."""

    handover: str
    due_on: date | None = None
    school_year: str = ""


class Sign(Struct, frozen=True, tag="sign"):
    """Sign, the code given at school at hand. `minor`: as the school says on this day."""

    handover: str
    minor: bool
    student_signed_at: datetime
    guardian_signed_at: datetime | None = None


class AskRelease(Struct, frozen=True, tag="ask-release"):
    """Have device management let the laptop go."""

    handover: str


class NoteRelease(Struct, frozen=True, tag="note-release"):
    """What device management answered to one of the two acts; "" when it is done."""

    handover: str
    release: str
    failure: str = ""


class Certify(Struct, frozen=True, tag="certify"):
    """Give the certificate its number."""

    handover: str
    school_year: str


class HandOver(Struct, frozen=True, tag="hand-over"):
    """Make the student the owner."""

    handover: str
    school_year: str


class GoOn(Struct, frozen=True, tag="go-on"):
    """Say where the student goes on to: a kind of institution."""

    handover: str
    institution: str


class AskReturn(Struct, frozen=True, tag="ask-return"):
    """Ask the laptop back. `due_on`: None for as long as the policy says."""

    handover: str
    due_on: date | None = None


class Return(Struct, frozen=True, tag="return"):
    """A laptop was brought back: `brought` is the one that was."""

    handover: str
    brought: str


class Refurbish(Struct, frozen=True, tag="refurbish"):
    """What came back is ready for another student."""

    handover: str


class Scrap(Struct, frozen=True, tag="scrap"):
    """What came back was taken away to be taken apart, under a tracking form."""

    handover: str
    tracking_form: str


class WriteOff(Struct, frozen=True, tag="write-off"):
    """Wait for it no longer."""

    handover: str
    decided_by: str


class CloseDay(Struct, frozen=True, tag="close-day"):
    """A day ended: `day` is the one that begins."""

    day: date


Act = (
    Offer
    | Accept
    | Refuse
    | Sign
    | AskRelease
    | NoteRelease
    | Certify
    | HandOver
    | GoOn
    | AskReturn
    | Return
    | Refurbish
    | Scrap
    | WriteOff
)
Heard = Enter | Acquire | Entrust | Block | Unblock | Withdraw
Following = Reconsider | Regard | Settle | MoveHandover | CloseDay
OfSchool = SucceedSchool | NoteSchool
OfStudent = CallUp | NoteStudent | MoveStudent | ForgetStudent
Command = OpenCampaign | OfSchool | OfStudent | Heard | Following | Act


def campaign_key(school_year: str) -> str:
    """The key of the campaign of a school year: there is one at most."""
    return f"handover-campaign:{school_year}"


def student_key(student: str) -> str:
    return f"student:{student}"


def school_key(school: str) -> str:
    return f"school:{school}"
