"""What handover says: who leaves, what is offered, signed, released, certified, given back.

Keys: `handover-campaign:<school year>`, `<maker>/<SERIAL>`, `student:<pseudonym>`, `school:<UAI>`.
A handover is one laptop and one student, 16 digits; its facts are the laptop's. No fact has a name,
a birth date, a code or free text.
"""

from datetime import date, datetime

from msgspec import Struct


class HandoverCampaignOpened(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.handover-campaign-opened.v1"
):
    """Whoever finishes in a school year is offered the laptop, under these terms. Key: the
    handover-campaign.
    """

    campaign: str
    school_year: str
    opens_at: datetime
    legal_basis: str
    deliberation: str
    residual_value_cents: int


class CertificateNumbered(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.certificate-numbered.v1"
):
    """The next number of the campaign went to a laptop's certificate. Key: the
    handover-campaign.
    """

    certificate: str
    laptop: str


class SchoolSucceeded(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.school-succeeded.v1"
):
    """The school closed or merged: another one does what is left to do. Key: the school."""

    successor: str


class SchoolNoted(Struct, frozen=True, forbid_unknown_fields=True, tag="handover.school-noted.v1"):
    """What the school is called, and where it is: as ordering said. Key: the school."""

    name: str
    town: str


class StudentNoted(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.student-noted.v1"
):
    """Where the student learns, at what level, or why no longer: as enrolment said. Key: the
    student.
    """

    school: str
    level: str
    school_year: str
    left: str | None = None


class StudentEquipped(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.student-equipped.v1"
):
    """The student was given a laptop, and may have it still. Key: the student."""

    laptop: str


class StudentCalled(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.student-called.v1"
):
    """A campaign concerns the student, who finishes in its school year. Key: the student."""

    campaign: str
    school_year: str


class StudentForgotten(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.student-forgotten.v1"
):
    """Nobody can say any more who it was: the page of the student's own is closed. Key: the
    student.
    """


class LaptopEntered(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.laptop-entered.v1"
):
    """Ordering announced the laptop: handover knows what it is. Key: the laptop."""

    model: str


class LaptopAcquired(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.laptop-acquired.v1"
):
    """It was admitted: the region owns it, and may cede it. Key: the laptop."""


class LaptopEntrusted(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.laptop-entrusted.v1"
):
    """Who has the laptop: a student, or nobody but the school. Key: the laptop."""

    event: str
    student: str | None = None
    school: str | None = None


class HandoverBlocked(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.handover-blocked.v1"
):
    """The laptop cannot be handed over as long as this is open. `blocked_by`: repair, loan, theft,
    loss. Key: the laptop.
    """

    event: str
    blocked_by: str
    case: str


class HandoverUnblocked(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.handover-unblocked.v1"
):
    """What stood in the way is over; `blocked_by`: of this kind alone, or all of the case. Key: the
    laptop.
    """

    event: str
    case: str
    blocked_by: str | None = None


class HandoverFactWithdrawn(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.handover-fact-withdrawn.v1"
):
    """What was said of the laptop as an event holds no longer. Key: the laptop."""

    event: str


class HandoverOpened(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.handover-opened.v1"
):
    """Its student leaves: it is to be offered, or to come back. `leaving`: final-level, or the
    reason that enrolment said. Key: the laptop.
    """

    handover: str
    student: str
    school: str
    leaving: str
    campaign: str | None = None
    school_year: str | None = None


class HandoverMoved(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.handover-moved.v1"
):
    """Another school does it now: the student moved, or the school closed. Key: the laptop."""

    handover: str
    school: str
    to_school: str


class HandoverCancelled(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.handover-cancelled.v1"
):
    """It comes to nothing. `cancelled_for`: stays, not-theirs, another-campaign. Key: the
    laptop.
    """

    handover: str
    cancelled_for: str


class HandoverOffered(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.handover-offered.v1"
):
    """The student was told that the laptop may be kept. Key: the laptop."""

    handover: str
    minor: bool


class HandoverAccepted(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.handover-accepted.v1"
):
    """The student wants to keep it. Key: the laptop."""

    handover: str


class HandoverRefused(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.handover-refused.v1"
):
    """The student does not want it: it comes back. Key: the laptop."""

    handover: str


class HandoverSigned(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.handover-signed.v1"
):
    """Signed at school, a code given there at hand: by an adult alone, for a minor by a guardian
    too. Key: the laptop.
    """

    handover: str
    minor: bool
    student_signed_at: datetime
    guardian_signed_at: datetime | None = None


class ManagementReleaseAsked(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.management-release-asked.v1"
):
    """Device management is to let the laptop go. `release`: retire, delete-identity. Key: the
    laptop.
    """

    handover: str
    release: str


class ManagementReleaseFailed(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.management-release-failed.v1"
):
    """Device management did not let it go, and will be asked again. `failure`: a word such as
    no-answer or http-500. Key: the laptop.
    """

    handover: str
    release: str
    failure: str
    attempt: int


class ManagementReleaseDone(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.management-release-done.v1"
):
    """Device management let it go, in this one of the two acts. Key: the laptop."""

    handover: str
    release: str


class CertificateIssued(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.certificate-issued.v1"
):
    """The certificate of its cession has a number, without a gap in a school year. Key: the
    laptop.
    """

    handover: str
    certificate: str


class LaptopHandedOver(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.laptop-handed-over.v1"
):
    """The student owns the laptop from now on. Key: the laptop."""

    handover: str
    student: str
    legal_basis: str
    deliberation: str
    residual_value_cents: int


class LaptopTakenIntoFurtherStudy(
    Struct,
    frozen=True,
    forbid_unknown_fields=True,
    tag="handover.laptop-taken-into-further-study.v1",
):
    """Where it goes on to, by kind and without a name. `institution`: one of `INSTITUTIONS`, as
    text. Key: the laptop.
    """

    handover: str
    institution: str


class ReturnAsked(Struct, frozen=True, forbid_unknown_fields=True, tag="handover.return-asked.v1"):
    """The laptop is to come back to the school until a day. Key: the laptop."""

    handover: str
    school: str
    due_on: date


class ReturnReminded(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.return-reminded.v1"
):
    """The student was reminded of it. `attempt`: for the how-manieth time. Key: the laptop."""

    handover: str
    attempt: int


class ReturnOverdue(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.return-overdue.v1"
):
    """The day on which it was to come back is over. Key: the laptop."""

    handover: str
    due_on: date


class LaptopReturned(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.laptop-returned.v1"
):
    """The laptop is at the school again, its serial number read. `event`: the stock scan that says
    so, where nobody told it to handover; withdrawn, it takes this along. Key: the laptop.
    """

    handover: str
    school: str
    event: str | None = None


class OtherLaptopReturned(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.other-laptop-returned.v1"
):
    """Another laptop was brought in its place; this one is still to come back. Key: the laptop."""

    handover: str
    brought: str


class LaptopRefurbished(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.laptop-refurbished.v1"
):
    """What came back was made ready for another student. Key: the laptop."""

    handover: str
    school: str


class LaptopScrapped(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.laptop-scrapped.v1"
):
    """What came back went to be taken apart, under a tracking form (BSD). Key: the laptop."""

    handover: str
    tracking_form: str


class LaptopWrittenOff(
    Struct, frozen=True, forbid_unknown_fields=True, tag="handover.laptop-written-off.v1"
):
    """Nobody waits for it any longer. Key: the laptop."""

    handover: str


Fact = (
    HandoverCampaignOpened
    | CertificateNumbered
    | SchoolSucceeded
    | SchoolNoted
    | StudentNoted
    | StudentEquipped
    | StudentCalled
    | StudentForgotten
    | LaptopEntered
    | LaptopAcquired
    | LaptopEntrusted
    | HandoverBlocked
    | HandoverUnblocked
    | HandoverFactWithdrawn
    | HandoverOpened
    | HandoverMoved
    | HandoverCancelled
    | HandoverOffered
    | HandoverAccepted
    | HandoverRefused
    | HandoverSigned
    | ManagementReleaseAsked
    | ManagementReleaseFailed
    | ManagementReleaseDone
    | CertificateIssued
    | LaptopHandedOver
    | LaptopTakenIntoFurtherStudy
    | ReturnAsked
    | ReturnReminded
    | ReturnOverdue
    | LaptopReturned
    | OtherLaptopReturned
    | LaptopRefurbished
    | LaptopScrapped
    | LaptopWrittenOff
)

RANK: dict[type, int] = {
    HandoverFactWithdrawn: 10,
    LaptopEntered: 12,
    LaptopAcquired: 16,
    SchoolSucceeded: 18,
    SchoolNoted: 18,
    HandoverCampaignOpened: 18,
    StudentNoted: 19,
    StudentCalled: 20,
    StudentForgotten: 21,
    LaptopEntrusted: 41,
    StudentEquipped: 41,
    HandoverBlocked: 63,
    HandoverUnblocked: 64,
    HandoverCancelled: 70,
    HandoverOpened: 71,
    HandoverMoved: 72,
    HandoverOffered: 73,
    HandoverAccepted: 74,
    HandoverRefused: 75,
    HandoverSigned: 76,
    ManagementReleaseAsked: 77,
    ManagementReleaseFailed: 78,
    ManagementReleaseDone: 79,
    CertificateNumbered: 80,
    CertificateIssued: 80,
    LaptopHandedOver: 81,
    LaptopTakenIntoFurtherStudy: 82,
    ReturnAsked: 83,
    ReturnReminded: 84,
    ReturnOverdue: 85,
    OtherLaptopReturned: 86,
    LaptopReturned: 87,
    LaptopRefurbished: 88,
    LaptopScrapped: 89,
    LaptopWrittenOff: 90,
}

# The two acts by which device management lets a laptop go: retire the device, delete the identity
# under which it would enrol again (Microsoft Graph: managedDevice retire, windowsAutopilot
# deletion; both may fail and are asked again).
RELEASES = ("retire", "delete-identity")
# Where a student goes on to: kinds, in the order in which they are offered on pages.
INSTITUTIONS = (
    "university",
    "bts",
    "cpge",
    "iut",
    "other-school",
    "apprenticeship",
    "abroad",
    "work",
    "unknown",
)
