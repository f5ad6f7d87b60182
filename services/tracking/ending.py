"""How a laptop's life at school ends, as handover tells it: whose it is, whether it is managed,
what is unusual; and what became of it. Pure.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from shared.contracts import delivery, handover

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
ASKED_BACK = (handover.ReturnAsked, handover.ReturnOverdue)
# With these there is nothing left to hold up; with OVER the laptop is managed as before, too.
DONE = (
    handover.LaptopHandedOver,
    handover.LaptopTakenIntoFurtherStudy,
    handover.LaptopWrittenOff,
    handover.LaptopScrapped,
)
OVER = (handover.LaptopReturned, handover.HandoverCancelled)
# With these somebody has it, by delivery's word: what was written off is there again.
THERE = (
    delivery.LaptopReceived,
    delivery.LaptopMoved,
    delivery.LaptopBackToStock,
    delivery.LaptopHandedOut,
    delivery.LaptopTakenBack,
    delivery.LaptopGivenInExchange,
)
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
    had_a_student = bool(now.handed_out_at or now.replaces)  # what was withdrawn is in neither
    holds = (
        now.owner == "student" and now.managed == "released",
        SCRAPPED in gone,
        "stolen" in gone,
        not gone.isdisjoint(("lost", WRITTEN_OFF, "missing")),
        now.location == "at-school" and had_a_student,
        True,
    )
    return DISPOSITIONS[holds.index(True)]


def there_again(now: Any, fact: Any) -> Any:
    """A life that is not written off any more, where a fact says who has the laptop."""
    if WRITTEN_OFF not in now.marks or not isinstance(fact, THERE):
        return now
    return replace(now, marks=tuple(one for one in now.marks if one != WRITTEN_OFF))


def changes(now: Any, fact: handover.Fact, at: datetime) -> dict[str, Any]:
    """What changes in a life with a fact of handover."""
    told: dict[str, Any] = {"marks": _marks(now, fact), "opened": _opened(now, fact)}
    told["blocks"] = _blocks(now.blocks, fact)
    if step := STEPS.get(type(fact)):
        told[step] = getattr(now, step) or at
    told |= _owned(now, fact)
    if isinstance(fact, OVER):
        ended = tuple(sorted({*now.ended, fact.handover}))
        return told | {"released": (), "managed": MANAGED, "ended": ended}
    return told | _managed(now, fact)


def _owned(now: Any, fact: handover.Fact) -> dict[str, Any]:
    """Whose it is. Where it was its student's from the hand-out on, and that came to nothing, it
    never was.
    """
    match fact:
        case handover.LaptopHandedOver(number):
            return {"owner": "student", "ceded_by": number}
        case handover.LaptopReturned():
            return {"owner": "region", "ceded_by": None}
        case handover.HandoverCancelled(number) if number == now.ceded_by:
            return {"owner": "region", "ceded_by": None, "handed_over_at": None}
    return {}


CAUSES = ("repair", "loan", "theft", "loss")
CASE_OVER = ("repair", "theft", "loss")  # a loan ends by its own word alone


def held_up(now: Any) -> list[str]:
    """What holds up the open handover of a laptop: a flag for each cause."""
    causes = {one.partition(" ")[0] for one in now.blocks if now.opened}
    return [f"blocked-{cause}" for cause in CAUSES if cause in causes]


def _opened(now: Any, fact: handover.Fact) -> tuple[str, ...]:
    """The handovers in which something is still to be done."""
    opened: tuple[str, ...] = now.opened
    if isinstance(fact, handover.HandoverOpened) and fact.handover not in now.ended:
        return tuple(sorted({*opened, fact.handover}))
    if isinstance(fact, (*OVER, *DONE)):
        return tuple(one for one in opened if one != fact.handover)
    return opened


def _blocks(now: tuple[str, ...], fact: handover.Fact) -> tuple[str, ...]:
    """What stands in the way of a handover, each word for it on its own."""
    match fact:
        case handover.HandoverBlocked(event, cause, case):
            return tuple(sorted({*now, f"{cause} {case} {event}"}))
        case handover.HandoverUnblocked(case=case, blocked_by=cause):
            over = tuple(f"{one} {case} " for one in ((cause,) if cause else CASE_OVER))
            return tuple(one for one in now if not one.startswith(over))
    return now


def _marks(now: Any, fact: handover.Fact) -> tuple[str, ...]:
    """What is unusual: a return may be told with a time before it was asked for."""
    came, gone = MARKS.get(type(fact), ((), ()))
    if isinstance(fact, ASKED_BACK) and fact.handover in now.ended:
        came = ()
    return tuple(sorted({*now.marks, *came} - {*gone}))


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
