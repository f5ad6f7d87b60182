"""Whether a laptop works, what stands in its place, what is unusual, as repair desks tell it.
Pure.
"""

from collections.abc import Mapping
from typing import Any

from shared.contracts import repairs

ELSEWHERE = ("theft", "loss", "recall")  # causes that say nothing of whether it works
WORKING: Mapping[type, str] = {
    repairs.RepairStarted: "in-repair",
    repairs.RepairWaiting: "in-repair",
    repairs.LaptopRepaired: "working",
    repairs.LaptopBeyondRepair: "beyond-repair",
    repairs.RepairReopened: "incident-reported",
}
# What comes to be unusual with a fact, and what is so no longer.
MARKS: Mapping[type, tuple[tuple[str, ...], tuple[str, ...]]] = {
    repairs.TheftReported: (("stolen",), ()),
    repairs.LossReported: (("lost",), ()),
    repairs.LaptopRecovered: ((), ("stolen", "lost")),
    repairs.LaptopLent: (("on-loan",), ("loan-overdue",)),  # prolonged: late no more
    repairs.LaptopBackFromLoan: ((), ("on-loan", "loan-overdue")),
    repairs.LoanOverdue: (("loan-overdue",), ()),
    repairs.LoanDueAgain: ((), ("loan-overdue",)),
    repairs.LaptopSwapped: (("replaced",), ()),
}


def changes(now: Any, fact: repairs.Fact) -> dict[str, Any]:
    """What changes in a life with a fact of repairs."""
    told = {"working": WORKING.get(type(fact), now.working)} | _told(now, fact)
    return told | {"marks": _marks(now, fact, told.get("recalls", now.recalls))}


def _told(now: Any, fact: repairs.Fact) -> dict[str, Any]:
    match fact:
        case repairs.IncidentLogged(case, recall=str()):
            return {"recalls": tuple(sorted({*now.recalls, case}))}
        case repairs.IncidentLogged(cause=cause) if cause not in ELSEWHERE:
            return {"working": "incident-reported"}
        case repairs.LaptopReturnedToUser(case, outcome=outcome):
            unmended = outcome is not None or now.working == "beyond-repair"
            as_it_was = "incident-reported" if now.working == "in-repair" else now.working
            recalls = tuple(one for one in now.recalls if one != case)
            return {"working": as_it_was if unmended else "working", "recalls": recalls}
        case repairs.LaptopSwapped(replaced_by=new):
            return {"replaced_by": new}
        case repairs.LaptopGivenInSwap(replaces=old, warranty_to=end):
            return {"replaces": old, "warranty_to": str(end) if end else now.warranty_to}
    return {}


def _marks(now: Any, fact: repairs.Fact, recalls: tuple[str, ...]) -> tuple[str, ...]:
    came, gone = MARKS.get(type(fact), ((), ()))
    if isinstance(fact, repairs.LoanOverdue) and "on-loan" not in now.marks:
        came = ()  # it was back by then, and that was told later
    recalled = {"recalled"} if recalls else set()
    return tuple(sorted({*now.marks, *came, *recalled} - {*gone} - ({"recalled"} - recalled)))
