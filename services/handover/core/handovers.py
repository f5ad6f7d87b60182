"""Handovers: one laptop, one student, from the day it is known that the student leaves. Pure.

What is told of one is kept each under its own name, so that no order of hearing changes the state.
"""

from datetime import date, datetime, timedelta
from hashlib import blake2b
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from shared.contracts import handover
from shared.decisions import Said

OPENED, OFFERED, ACCEPTED, SIGNED = "opened", "offered", "accepted", "signed"
RELEASING, RELEASED, CERTIFIED = "releasing", "released", "certified"
HANDED_OVER, STUDYING = "handed-over", "in-further-study"
ASKED_BACK, OVERDUE, RETURNED = "return-asked", "return-overdue", "returned"
REFURBISHED, SCRAPPED, WRITTEN_OFF = "refurbished", "scrapped", "written-off"
CANCELLED = "cancelled"
CEDING = (OPENED, OFFERED, ACCEPTED, SIGNED, RELEASING, RELEASED, CERTIFIED, HANDED_OVER, STUDYING)
RETURNING = (ASKED_BACK, OVERDUE, RETURNED, REFURBISHED, SCRAPPED, WRITTEN_OFF)
STATES = (*CEDING, *RETURNING, CANCELLED)

FIRST_RETRY, LONGEST_RETRY = timedelta(minutes=1), timedelta(hours=6)


class Release(Struct, frozen=True):
    """One act of device management: asked, done, or failing: how often, since when, when last and
    why.
    """

    asked_at: datetime | None = None
    done_at: datetime | None = None
    failed: int = 0
    failing_since: datetime | None = None
    failed_at: datetime | None = None
    failure: str = ""

    @property
    def due_at(self) -> datetime | None:
        """When it is to be asked again: twice as long after each failure, six hours at most. None
        where there is nothing to ask.
        """
        if self.asked_at is None or self.done_at is not None:
            return None
        if self.failed_at is None:
            return self.asked_at
        longer: timedelta = FIRST_RETRY * 2 ** min(self.failed - 1, 20)
        return self.failed_at + min(longer, LONGEST_RETRY)


class Handover(Struct, frozen=True):
    """A handover; every moment is None until it comes. `last_at`: of what people told of it last;
    `brought`: the laptop that was brought in its place, or itself, where another has or owns it by
    then; `asked_by_act`: a person asked it back, no word of enrolment; `reminded`: how often.
    """

    student: str = ""
    school: str = ""
    leaving: str = ""
    campaign: str | None = None
    school_year: str | None = None
    opened_at: datetime | None = None
    last_at: datetime | None = None
    minor: bool | None = None
    offered_at: datetime | None = None
    accepted_at: datetime | None = None
    refused_at: datetime | None = None
    signed_at: datetime | None = None
    releases: dict[str, Release] = {}
    certificate: str | None = None
    certified_at: datetime | None = None
    handed_over_at: datetime | None = None
    went_on_at: datetime | None = None
    institution: str | None = None
    asked_back_at: datetime | None = None
    asked_by_act: bool = False
    due_on: date | None = None
    reminded: int = 0
    overdue: bool = False
    brought: str | None = None
    returned_at: datetime | None = None
    refurbished_at: datetime | None = None
    scrapped_at: datetime | None = None
    tracking_form: str | None = None
    written_off_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancelled_for: str | None = None

    @property
    def state(self) -> str:
        """Where it stands: what comes later in a life is asked first."""
        if self.cancelled_at and not self.returned_at and not self.handed_over_at:
            return CANCELLED
        return self._ended or self._asked_back or self._ceded

    @property
    def _ended(self) -> str:
        """How it ended; "" where it did not."""
        ends = (
            (self.scrapped_at, SCRAPPED),
            (self.refurbished_at, REFURBISHED),
            (self.returned_at, RETURNED),
            (self.went_on_at, STUDYING),
            (self.handed_over_at, HANDED_OVER),
            (self.written_off_at, WRITTEN_OFF),
        )
        return next((name for at, name in ends if at), "")

    @property
    def _asked_back(self) -> str:
        if self.asked_back_at is None:
            return ""
        return OVERDUE if self.overdue else ASKED_BACK

    @property
    def _ceded(self) -> str:
        """How far a cession is."""
        steps = (
            (self.certified_at, CERTIFIED),
            (self.released, RELEASED),
            (self.releases, RELEASING),
            (self.signed_at, SIGNED),
            (self.accepted_at, ACCEPTED),
            (self.offered_at, OFFERED),
        )
        return next((name for at, name in steps if at), OPENED)

    @property
    def released(self) -> bool:
        """Whether both acts of device management are done."""
        done = [one for one in self.releases.values() if one.done_at]
        return len(done) == len(handover.RELEASES)

    @property
    def live(self) -> bool:
        """Whether something is still to be done until it is the student's, or back."""
        return self.state in (*CEDING[:7], ASKED_BACK, OVERDUE)

    @property
    def decided(self) -> bool:
        """Whether a person signed, refused or asked back: enrolment's word undoes none of these."""
        return self.signed_at is not None or self.asked_by_act

    @property
    def failing_since(self) -> datetime | None:
        """Since when a release that is asked fails; None where none does."""
        failing = [one.failing_since for one in self._undone if one.failing_since]
        return min(failing, default=None)

    @property
    def release_due_at(self) -> datetime | None:
        """When device management is to be asked next, if nothing stands in the way."""
        return min((one.due_at for one in self._undone if one.due_at), default=None)

    @property
    def _undone(self) -> list[Release]:
        """What device management is still to do: of a handover that is over, nothing."""
        releasing = self.state == RELEASING
        return [one for one in self.releases.values() if releasing and not one.done_at]


def number_of(laptop: str, student: str, school_year: str, times: int) -> str:
    """The number of a handover, 16 digits. `times`: how many the laptop had before."""
    said = f"{laptop}\n{student}\n{school_year}\n{times}".encode()
    return f"{int.from_bytes(blake2b(said, digest_size=8).digest()) % 10**16:016d}"


OURS = "handover"  # the source of what we conclude ourselves
# What no person does, whoever the source is.
NO_ACTS = (handover.HandoverMoved, handover.ReturnReminded, handover.ReturnOverdue)


def evolve(now: Handover, said: Said) -> Handover:
    """A handover after a fact of it."""
    told = _ceding(now, said) or _returning(now, said)
    if told is None:
        return _releasing(now, said) or now
    if said.source == OURS or isinstance(said.fact, NO_ACTS):
        return told
    return replace(told, last_at=max(now.last_at or said.happened_at, said.happened_at))


def _ceding(now: Handover, said: Said) -> Handover | None:  # noqa: C901, PLR0911  a return each
    at = said.happened_at
    match said.fact:
        case handover.HandoverOpened() as told:
            names = ("student", "school", "leaving", "campaign", "school_year")
            return replace(now, opened_at=at, **{name: getattr(told, name) for name in names})
        case handover.HandoverMoved(to_school=school):
            return replace(now, school=school)
        case handover.HandoverCancelled(cancelled_for=why):
            owned = now.handed_over_at if now.opened_at else None  # only given out: not any more
            return replace(now, cancelled_at=at, cancelled_for=why, handed_over_at=owned)
        case handover.HandoverOffered(minor=minor):
            return replace(now, offered_at=at, minor=minor)
        case handover.HandoverAccepted():
            return replace(now, accepted_at=at)
        case handover.HandoverRefused():
            return replace(now, refused_at=at)
        case handover.HandoverSigned(minor=minor):
            return replace(now, signed_at=at, minor=minor)
        case handover.CertificateIssued(certificate=number):
            return replace(now, certificate=number, certified_at=at)
        case handover.LaptopHandedOver(student=student):  # what came back before is no more
            return replace(now, handed_over_at=at, student=student, returned_at=None)
        case handover.LaptopTakenIntoFurtherStudy(institution=kind):
            return replace(now, went_on_at=at, institution=kind)
    return None


def _releasing(now: Handover, said: Said) -> Handover | None:
    at = said.happened_at
    match said.fact:
        case handover.ManagementReleaseAsked(release=name):
            return _with(now, name, asked_at=at)
        case handover.ManagementReleaseDone(release=name):
            return _with(now, name, done_at=at)
        case handover.ManagementReleaseFailed(release=name, failure=failure, attempt=attempt):
            first = now.releases.get(name, Release()).failing_since or at
            failed = {"failed": attempt, "failed_at": at, "failure": failure}
            return _with(now, name, failing_since=min(first, at), **failed)
    return None


def _with(now: Handover, name: str, **changes: Any) -> Handover:
    changed = replace(now.releases.get(name, Release()), **changes)
    return replace(now, releases=now.releases | {name: changed})


def _asked_back(now: Handover, said: Said, due_on: date) -> Handover:
    """Asked back, or asked anew: what is put off is reminded of anew, and late no more."""
    by_act = now.asked_by_act or said.source != OURS
    asked = replace(now, asked_back_at=said.happened_at, due_on=due_on, asked_by_act=by_act)
    put_off = now.due_on is not None and due_on > now.due_on
    return replace(asked, reminded=0, overdue=False) if put_off else asked


# A return for each fact.
def _returning(now: Handover, said: Said) -> Handover | None:  # noqa: C901, PLR0911
    at = said.happened_at
    match said.fact:
        case handover.ReturnAsked(due_on=due_on):
            return _asked_back(now, said, due_on)
        case handover.ReturnReminded(attempt=attempt):
            return replace(now, reminded=attempt)
        case handover.ReturnOverdue():
            return replace(now, overdue=True)
        case handover.OtherLaptopReturned(brought=brought):
            return replace(now, brought=brought)
        case handover.LaptopReturned():
            return replace(now, returned_at=at)
        case handover.LaptopRefurbished():
            return replace(now, refurbished_at=at)
        case handover.LaptopScrapped(tracking_form=form):
            return replace(now, scrapped_at=at, tracking_form=form)
        case handover.LaptopWrittenOff():
            return replace(now, written_off_at=at)
    return None
