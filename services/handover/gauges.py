"""What a handover wants watched: how far they are, what holds them up, releases that fail, returns
that are late, certificates.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from msgspec import Struct
from prometheus_client import CollectorRegistry
from sqlalchemy import Connection

from services.handover import core, store
from shared.databases import Database
from shared.telemetry import gauges_of


class Counted(Struct, frozen=True):
    """What there is to tell. `failing_seconds`: since when the longest failing release fails."""

    states: Mapping[str, int]
    blocked: Mapping[str, int]
    failing: int
    failing_seconds: float
    certificates: int


def counted(connection: Connection, now: datetime) -> Counted:
    """All of it, as it stands now."""
    failing, since = store.failing(connection)
    return Counted(
        states=store.by_state(connection),
        blocked=store.blocked(connection),
        failing=failing,
        failing_seconds=(now - since).total_seconds() if since else 0.0,
        certificates=sum(one.campaign.certificates for one in store.campaigns(connection)),
    )


def gauges(
    database: Database, now: Callable[[], datetime], registry: CollectorRegistry
) -> Callable[[], Awaitable[None]]:
    """A function that sets the gauges anew. Raises Away."""
    gauge = gauges_of(registry)
    states = gauge("handovers", "Handovers, by state", "state")
    blocked = gauge("handovers_blocked", "Handovers held up, by what is open", "cause")
    failing = gauge("releases_failing", "Laptops that device management does not let go")
    oldest = gauge("releases_failing_seconds", "For how long the longest failing release fails")
    overdue = gauge("returns_overdue", "Laptops whose day of return is over")
    certificates = gauge("certificates", "Certificates that were numbered")

    async def set_anew() -> None:
        found: Counted = await database.read(lambda connection: counted(connection, now()))
        for state in core.STATES:
            states.labels(state).set(found.states.get(state, 0))
        for cause, count in found.blocked.items():
            blocked.labels(cause).set(count)
        failing.set(found.failing)
        oldest.set(found.failing_seconds)
        overdue.set(found.states.get(core.OVERDUE, 0))
        certificates.set(found.certificates)

    return set_anew
