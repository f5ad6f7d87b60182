"""Models: what is recalled, and which lots are suspected. Pure."""

from msgspec import Struct
from msgspec.structs import replace

from services.repairs.core.commands import LotDefects, RecallModel, SuspectDefect
from services.repairs.core.policy import Policy
from shared.contracts import repairs
from shared.decisions import Decision


class Model(Struct, frozen=True):
    """A model. `recalls`: the lot of each recall, "" for all lots; `suspected`: lots with too many
    defects, and how many they were when it was said.
    """

    recalls: dict[str, str] = {}
    suspected: dict[str, int] = {}


def recall(now: Model, key: str, command: RecallModel) -> Decision:
    if command.recall in now.recalls:
        return ()
    return ((key, repairs.ModelRecalled(command.recall, command.lot)),)


def recalls_of(now: Model, lot: str) -> list[str]:
    """The recalls that a laptop of a lot comes under."""
    return [recall for recall, of in now.recalls.items() if of in ("", lot)]


def suspect(now: Model, key: str, command: SuspectDefect, policy: Policy) -> Decision:
    """A lot is suspected once: of so many defects, and of that share of its laptops."""
    return tuple(
        (key, repairs.DefectSuspected(one.lot, one.cases, one.laptops))
        for one in command.lots
        if one.lot not in now.suspected and enough(policy, one)
    )


def enough(policy: Policy, lot: LotDefects) -> bool:
    """Whether so many laptops of a lot failed, and such a share, that a defect is suspected."""
    return lot.cases >= max(policy.defects.cases, policy.defects.share * lot.laptops)


def evolve(now: Model, fact: object) -> Model:
    match fact:
        case repairs.ModelRecalled(recall, lot):
            return replace(now, recalls=now.recalls | {recall: lot or ""})
        case repairs.DefectSuspected(lot, cases):
            return replace(now, suspected=now.suspected | {lot: cases})
    return now
