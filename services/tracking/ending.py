"""How a laptop's life at school ends, as handover tells it: whose it is, whether it is managed,
what is unusual. Pure.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.contracts import handover

OWNERS: Mapping[type, str] = {
    handover.LaptopHandedOver: "student",
    handover.LaptopReturned: "region",
}
STEPS: Mapping[type, str] = {
    handover.LaptopHandedOver: "handed_over_at",
    handover.LaptopTakenIntoFurtherStudy: "in_further_study_at",
}
SCRAPPED = "scrapped"
# What comes to be unusual with a fact, and what is so no longer.
_AWAITED = ("return-asked", "return-overdue", "other-laptop-returned")
WRITTEN_OFF = "written-off"
MARKS: Mapping[type, tuple[tuple[str, ...], tuple[str, ...]]] = {
    handover.ReturnAsked: (("return-asked",), ()),
    handover.ReturnOverdue: (("return-overdue",), ()),
    handover.OtherLaptopReturned: (("other-laptop-returned",), ()),
    handover.LaptopReturned: ((), (*_AWAITED, WRITTEN_OFF)),
    handover.HandoverCancelled: ((), _AWAITED),
    handover.LaptopScrapped: ((SCRAPPED,), ()),
    handover.LaptopWrittenOff: ((WRITTEN_OFF,), _AWAITED),
}
# With these a handover is over, and the laptop is managed as before it.
OVER = (handover.LaptopReturned, handover.HandoverCancelled)
MANAGED = "not-enrolled"  # until somebody says otherwise


def changes(now: Any, fact: handover.Fact, at: datetime) -> dict[str, Any]:
    """What changes in a life with a fact of handover."""
    owner = OWNERS.get(type(fact), now.owner)
    told: dict[str, Any] = {"owner": owner, "marks": _marks(now.marks, fact)}
    if step := STEPS.get(type(fact)):
        told[step] = getattr(now, step) or at
    if isinstance(fact, OVER):
        ended = tuple(sorted({*now.ended, fact.handover}))
        return told | {"released": (), "managed": MANAGED, "ended": ended}
    return told | _managed(now, fact)


def _marks(now: tuple[str, ...], fact: handover.Fact) -> tuple[str, ...]:
    came, gone = MARKS.get(type(fact), ((), ()))
    return tuple(sorted({*now, *came} - {*gone}))


def _managed(now: Any, fact: handover.Fact) -> dict[str, Any]:
    """Released once both acts are done: a failure that is heard of late changes nothing then, and
    an answer about a handover that is over nothing at all.
    """
    if getattr(fact, "handover", None) in now.ended:
        return {}
    done: tuple[str, ...] = now.released
    match fact:
        case handover.ManagementReleaseAsked() if not done:
            return {"managed": "release-asked"}
        case handover.ManagementReleaseFailed(release=name) if name not in done:
            return {"managed": "release-failed"}
        case handover.ManagementReleaseDone(release=name):
            done = tuple(sorted({*done, name}))
            whole = len(done) == len(handover.RELEASES)
            managed = "released" if whole else "release-asked"
            return {"released": done, "managed": managed}
    return {}
