"""What repair desks want watched: open cases by age, what they wait on, loans overdue, how long
work takes, how much of a model fails.
"""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from msgspec import Struct
from prometheus_client import CollectorRegistry
from sqlalchemy import Connection

from services.repairs import core, store
from services.repairs.showing import Desk
from shared.databases import Database
from shared.telemetry import gauges_of

AGES = ((5, "0-5"), (10, "6-10"), (20, "11-20"))  # school days
OLDER = "21-"
WITHIN = timedelta(days=90)  # opened since, for how long work takes


class Counted(Struct, frozen=True):
    """What there is to tell: counts by label, and means."""

    ages: Mapping[str, int]
    waiting: Mapping[str, int]
    overdue: int
    school_days: float
    failing: Mapping[str, float]


def age(days: int) -> str:
    return next((label for most, label in AGES if days <= most), OLDER)


def counted(connection: Connection, desk: Desk) -> Counted:
    """All of it, as it stands now."""

    def took(one: store.Found) -> int:
        return core.turnaround(one.case, one.school, desk.policy, desk.today)

    open_now = store.open_cases(connection)
    ended = [took(one) for one in store.ended_since(connection, desk.now() - WITHIN)]
    laptops, defects = defaultdict[str, int](int), defaultdict[str, int](int)
    for lot in store.failures(connection):
        laptops[lot.model] += lot.laptops
        defects[lot.model] += lot.defects
    return Counted(
        ages=Counter(age(took(one)) for one in open_now),
        waiting=Counter(one.case.waiting_on for one in open_now if one.case.waiting_on),
        overdue=sum(laptop.overdue for _, laptop in store.lent(connection)),
        school_days=sum(ended) / len(ended) if ended else 0.0,
        failing={model: defects[model] / count for model, count in laptops.items() if count},
    )


def gauges(
    database: Database, desk: Desk, registry: CollectorRegistry
) -> Callable[[], Awaitable[None]]:
    """A function that sets the gauges anew. Raises Away."""
    gauge = gauges_of(registry)
    ages = gauge("repairs_open", "Open repair cases, by the school days that they took", "age")
    waiting = gauge("repairs_waiting", "Open repair cases that wait, by what they wait on", "on")
    overdue = gauge("loans_overdue", "Laptops on loan whose day is over")
    took = gauge("repairs_turnaround_school_days", "Mean of the cases that ended of late")
    failing = gauge("defect_ratio", "Defects for each laptop of a model", "model")

    async def set_anew() -> None:
        found: Counted = await database.read(lambda connection: counted(connection, desk))
        for label in (*(label for _, label in AGES), OLDER):
            ages.labels(label).set(found.ages.get(label, 0))
        for on in core.WAITING_ON:
            waiting.labels(on).set(found.waiting.get(on, 0))
        overdue.set(found.overdue)
        took.set(found.school_days)
        for model, share in found.failing.items():
            failing.labels(model).set(share)

    return set_anew
