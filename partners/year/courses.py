"""The courses that a case at a repair desk takes, step by step. Pure."""

from collections.abc import Mapping

from msgspec import Struct


class Step(Struct, frozen=True):
    """An act so many working days after the one before; on day 0 at the same instant."""

    act: str
    days: int
    further: Mapping[str, object] = {}


def _wait(who: str, days: int) -> Step:
    return Step("wait", days, {"waiting_on": who})


DECIDED, STARTED, REPAIRED = Step("warranty-decision", 1), Step("start", 1), Step("repair", 2)
RETURNED, BROKEN = Step("return", 1), Step("beyond-repair", 3, {"barrier": 2})
MENDED = (DECIDED, STARTED, REPAIRED, RETURNED)
HOPELESS = (DECIDED, STARTED, BROKEN)
LENT = (Step("loan", 1), STARTED, _wait("parts", 0), REPAIRED, RETURNED)
FILED = (Step("complaint", 2, {"complaint": True}), DECIDED)
WRONG, SWAP = Step("wrong-swap", 2), Step("swap", 1)

TROUBLES: Mapping[str, tuple[Step, ...]] = {
    "mended": MENDED,
    "resolved": (Step("repair", 0), Step("return", 0)),
    "parts": (DECIDED, STARTED, _wait("parts", 1), Step("start", 14), REPAIRED, RETURNED),
    "vendor": (DECIDED, STARTED, _wait("vendor", 0), Step("repair", 12), RETURNED),
    "user": (_wait("user", 1), Step("start", 4), REPAIRED, RETURNED),
    "returned": (Step("return", 1),),
    "reopened": (*MENDED, Step("reopen", 4), STARTED, Step("repair", 3), RETURNED),
    "again": (*MENDED, Step("incident", 10), Step("warranty-decision", 1), REPAIRED, RETURNED),
    "unrepaired": (STARTED, Step("return", 3, {"outcome": "Repairable"})),
    "hopeless": HOPELESS,
    "given-back": (*HOPELESS, RETURNED),
    "swapped": (*HOPELESS, DECIDED, SWAP),
    "swapped-at-last": (*HOPELESS, DECIDED, WRONG, SWAP),
    "lent": (*LENT, Step("loan-return", 0)),
    "kept-the-loan": LENT,
    "open": (DECIDED, STARTED, _wait("parts", 1)),
    "sent-away": (STARTED, _wait("vendor", 2)),
    "stolen-at-the-desk": (STARTED, Step("theft", 2), *FILED),
}
STOLEN: Mapping[str, tuple[Step, ...]] = {
    "stolen": (DECIDED,),
    "filed": FILED,
    "replaced": (*FILED, SWAP),
    "found-after-all": (*FILED, SWAP, Step("recovery", 20), RETURNED),
}
LOST: Mapping[str, tuple[Step, ...]] = {
    "lost": (DECIDED,),
    "found": (Step("recovery", 8), RETURNED),
}
COURSES = {**TROUBLES, **STOLEN, **LOST}
