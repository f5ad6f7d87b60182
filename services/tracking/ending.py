"""How a laptop's life at school ends, as handover tells it: whose it is, whether it is managed,
what is unusual; and what became of it. Pure.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

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
# What became of a laptop: each is in exactly one of these, the first that holds.
DISPOSITIONS = ("further-study", "scrapped", "stolen", "lost", "returned", "in-use")


def settled(now: Any) -> Any:
    """A life with what became of it. What was scrapped is nowhere else, whatever was told of where
    it was.
    """
    if SCRAPPED in now.marks:
        now = replace(now, location=SCRAPPED, holder="nobody", student=None)
    became = disposition(now)
    return now if became == now.disposition else replace(now, disposition=became)


def disposition(now: Any) -> str:
    """What became of a laptop. It is its student's for good once nobody manages it: where laptops
    are ceded as they are handed out, its owner alone does not say so. What a school has back had a
    student before.
    """
    gone = {*now.marks, now.location}
    had_a_student = bool(now.handed_out_at or now.replaces or now.ended)
    holds = (
        now.owner == "student" and now.managed == "released",
        SCRAPPED in gone,
        "stolen" in gone,
        not gone.isdisjoint(("lost", WRITTEN_OFF, "missing")),
        now.location == "at-school" and had_a_student,
        True,
    )
    return DISPOSITIONS[holds.index(True)]


def known(word: str) -> str:
    """What may become of a laptop. Raises ValueError for any other word."""
    if word not in DISPOSITIONS:
        raise ValueError(f"{word[:20]!r} is none of {', '.join(DISPOSITIONS)}")
    return word


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
