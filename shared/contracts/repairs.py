"""What repairs says: incidents and cases, who pays, loans, swaps, thefts, recalls.

Keys: `<maker>/<SERIAL>`, `model:<model>`, `student:<pseudonym>`. A fact's time, source and key are
in its envelope. A loan and a swap are said once for each of the two laptops. Codes of faults,
outcomes and barriers: Open Repair Data Standard 0.3 and CompCat. Free text never leaves the
service's own database.
"""

from datetime import date

from msgspec import Struct


class LaptopRegistered(
    Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.laptop-registered.v1"
):
    """Ordering announced the laptop: repairs knows its model and lot. Key: the laptop."""

    model: str
    lot: str
    school: str
    supplier: str


class WarrantyNoted(
    Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.warranty-noted.v1"
):
    """It was admitted, so its warranty runs. Key: the laptop."""

    warranty_from: date
    warranty_to: date


class LaptopPlaced(Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.laptop-placed.v1"):
    """Whom a desk gives it back to: a student (pseudonym), or the school that has it. `event`: what
    delivery was told, as `<party> <id>`. Key: the laptop.
    """

    school: str
    student: str | None = None
    event: str | None = None


class PlacementWithdrawn(
    Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.placement-withdrawn.v1"
):
    """What delivery was told of the laptop as an event, `<party> <id>`, holds no longer. Key: the
    laptop.
    """

    event: str


class IncidentLogged(
    Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.incident-logged.v1"
):
    """A desk was told that something is wrong, and opened a case. `cause`: what brought it
    about; `fault`: the CompCat type, 1 to 20; `recall`: the recall that it comes of. Key: the
    laptop.
    """

    case: str
    desk: str
    cause: str
    fault: int | None = None
    recall: str | None = None


class WarrantyDecided(
    Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.warranty-decided.v1"
):
    """Who pays (`cover`) and what is done (`remedy`), by which rule of the policy. Key: the
    laptop.
    """

    case: str
    cover: str
    remedy: str
    rule: str


class RepairStarted(
    Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.repair-started.v1"
):
    """Somebody works on the laptop. Key: the laptop."""

    case: str


class RepairWaiting(
    Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.repair-waiting.v1"
):
    """Work stands still. `waiting_on`: parts, vendor, user. Key: the laptop."""

    case: str
    waiting_on: str


class LaptopRepaired(
    Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.laptop-repaired.v1"
):
    """The laptop works again (ORDS: Fixed). Key: the laptop."""

    case: str
    fault: int | None = None


class LaptopBeyondRepair(
    Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.laptop-beyond-repair.v1"
):
    """The laptop will not work again (ORDS: End of life). `barrier`: what prevented repair, 1 to
    6. Key: the laptop.
    """

    case: str
    barrier: int | None = None
    fault: int | None = None


class LaptopReturnedToUser(
    Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.laptop-returned-to-user.v1"
):
    """The desk gave the laptop back. `outcome`: of a laptop that was not repaired, 2 repairable
    or 0 unknown (ORDS). Key: the laptop.
    """

    case: str
    outcome: int | None = None


class RepairReopened(
    Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.repair-reopened.v1"
):
    """What seemed mended is not. Key: the laptop."""

    case: str


class LossReported(Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.loss-reported.v1"):
    """Nobody knows where the laptop is. Key: the laptop."""

    case: str


class TheftReported(
    Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.theft-reported.v1"
):
    """Somebody says that the laptop was stolen. Key: the laptop."""

    case: str


class TheftConfirmed(
    Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.theft-confirmed.v1"
):
    """A complaint was filed with the police. Key: the laptop."""

    case: str
    complaint: str
    filed_on: date


class LaptopRecovered(
    Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.laptop-recovered.v1"
):
    """What was lost or stolen is found again, and at the desk. Key: the laptop."""

    case: str


class ReplacementNeeded(
    Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.replacement-needed.v1"
):
    """The policy grants another laptop. Key: the laptop."""

    case: str
    cause: str
    model: str | None
    school: str | None


class ReplacementRefused(
    Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.replacement-refused.v1"
):
    """The policy grants no other laptop. Key: the laptop."""

    case: str
    reason: str


class LaptopSwapped(
    Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.laptop-swapped.v1"
):
    """Another laptop took the place of this one, which stays at the desk. Key: the laptop."""

    case: str
    replaced_by: str
    student: str | None
    school: str | None


class LaptopGivenInSwap(
    Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.laptop-given-in-swap.v1"
):
    """The laptop took the place of another. `warranty_to`: the end of a warranty that it takes
    over. Key: the laptop.
    """

    case: str
    replaces: str
    student: str | None
    school: str | None
    warranty_to: date | None = None


class LoanIssued(Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.loan-issued.v1"):
    """Its user got a laptop on loan meanwhile. Key: the laptop."""

    case: str
    loaner: str
    due_on: date


class LoanReturned(Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.loan-returned.v1"):
    """The laptop on loan came back. Key: the laptop."""

    case: str
    loaner: str


class LaptopLent(Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.laptop-lent.v1"):
    """The laptop is lent until a day. Key: the laptop."""

    case: str
    stands_in_for: str
    due_on: date


class LaptopBackFromLoan(
    Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.laptop-back-from-loan.v1"
):
    """The laptop is in the pool again. Key: the laptop."""

    case: str


class LoanOverdue(Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.loan-overdue.v1"):
    """The day on which it was to come back is over; so is the day on which its student left, where
    that came first (`left`), and then it is due whatever was agreed. Key: the laptop.
    """

    case: str
    due_on: date
    left: bool = False


class LoanDueAgain(
    Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.loan-due-again.v1"
):
    """It was overdue because its student left, who is back: it is due on the day that was agreed.
    Key: the laptop.
    """

    case: str
    due_on: date


class CaseFactWithdrawn(
    Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.case-fact-withdrawn.v1"
):
    """What a party said of the laptop under an event's id holds no longer. Key: the laptop."""

    party: str
    event: str


class LaptopCeded(Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.laptop-ceded.v1"):
    """A student owns it, and its repairs are no affair of the region's; null when it came back.
    `event`: the stock scan by which it did; withdrawn, it takes this along. Key: the laptop.
    """

    student: str | None = None
    event: str | None = None


class PresenceNoted(
    Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.presence-noted.v1"
):
    """The student is at a school of the region, or at none any more; or, `erased`, nobody can say
    any more who it was. Key: the student.
    """

    left: bool
    erased: bool = False


class ModelRecalled(
    Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.model-recalled.v1"
):
    """Every laptop of a model, or of one lot of it, has to come to a desk. Key: the model."""

    recall: str
    lot: str | None = None


class DefectSuspected(
    Struct, frozen=True, forbid_unknown_fields=True, tag="repairs.defect-suspected.v1"
):
    """So many laptops of a lot failed that it may be the lot. Key: the model."""

    lot: str
    cases: int
    laptops: int


Fact = (
    LaptopRegistered
    | WarrantyNoted
    | LaptopPlaced
    | PlacementWithdrawn
    | IncidentLogged
    | WarrantyDecided
    | RepairStarted
    | RepairWaiting
    | LaptopRepaired
    | LaptopBeyondRepair
    | LaptopReturnedToUser
    | RepairReopened
    | LossReported
    | TheftReported
    | TheftConfirmed
    | LaptopRecovered
    | ReplacementNeeded
    | ReplacementRefused
    | LaptopSwapped
    | LaptopGivenInSwap
    | LoanIssued
    | LoanReturned
    | LaptopLent
    | LaptopBackFromLoan
    | LoanOverdue
    | LoanDueAgain
    | CaseFactWithdrawn
    | LaptopCeded
    | PresenceNoted
    | ModelRecalled
    | DefectSuspected
)

RANK: dict[type, int] = {
    CaseFactWithdrawn: 10,
    PlacementWithdrawn: 10,
    LaptopRegistered: 12,
    WarrantyNoted: 16,
    PresenceNoted: 19,
    LaptopPlaced: 41,
    ModelRecalled: 45,
    DefectSuspected: 46,
    IncidentLogged: 50,
    TheftReported: 51,
    LossReported: 51,
    TheftConfirmed: 52,
    WarrantyDecided: 53,
    LoanIssued: 54,
    LaptopLent: 54,
    RepairReopened: 55,
    RepairStarted: 56,
    RepairWaiting: 57,
    LaptopRepaired: 58,
    LaptopBeyondRepair: 58,
    LaptopRecovered: 59,
    ReplacementNeeded: 60,
    ReplacementRefused: 60,
    LaptopSwapped: 61,
    LaptopGivenInSwap: 61,
    LaptopReturnedToUser: 62,
    LoanReturned: 63,
    LaptopBackFromLoan: 63,
    LoanOverdue: 64,
    LoanDueAgain: 65,
    LaptopCeded: 91,
}

# What went wrong, as volunteers of the CompCat quest sorted thousands of laptops (openrepair.org).
FAULTS: dict[int, str] = {
    1: "Boot",
    2: "Case/chassis",
    3: "Configuration",
    4: "Integrated keyboard",
    5: "Integrated pointing device",
    6: "Integrated media component",
    7: "Integrated screen",
    8: "Internal damage",
    9: "Integrated optical drive",
    10: "Internal storage",
    11: "Multiple",
    12: "Operating system",
    13: "Other",
    14: "Overheating",
    15: "Performance",
    16: "Ports/slots/connectors",
    17: "Power/battery",
    18: "System board",
    19: "Unknown",
    20: "Virus/malware",
}
# What came of a repair, and what prevented it: Open Repair Data Standard 0.3.
OUTCOMES: dict[int, str] = {0: "Unknown", 1: "Fixed", 2: "Repairable", 3: "End of life"}
BARRIERS: dict[int, str] = {
    1: "Spare parts not available",
    2: "Spare parts too expensive",
    3: "No way to open the product",
    4: "Repair information not available",
    5: "Lack of equipment",
    6: "Item too worn out",
}
