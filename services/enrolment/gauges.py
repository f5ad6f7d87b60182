"""What is watched of enrolment: students by state, looks by role, erasures, keys that an old master
key wraps. No label names anybody.
"""

from collections.abc import Awaitable, Callable

from prometheus_client import CollectorRegistry
from sqlalchemy import Connection

from services.enrolment import store, vault, wrapping
from services.enrolment.showing import Looking
from shared.databases import Database
from shared.telemetry import gauges_of


def gauges(
    database: Database, looking: Looking, registry: CollectorRegistry
) -> Callable[[], Awaitable[None]]:
    """A function that sets the gauges anew. Raises Away."""
    gauge = gauges_of(registry)
    students = gauge("students", "Students by state: at-school, left, erased", "state")
    looks = gauge("looks", "Looks at persons so far, by the role of who looked", "role")
    listed = gauge("erasures_listed", "Students on the list of erasures")
    old = gauge("keys_under_old_master", "Keys that an old master key wraps still")

    def counted(connection: Connection) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
        return store.counted(connection), store.looked(connection), wrapping.masters(connection)

    async def set_anew() -> None:
        states, roles, masters = await database.read(counted)
        for state, count in states.items():
            students.labels(state).set(count)
        for role, count in roles.items():
            looks.labels(role).set(count)
        listed.set(len(looking.erasures.names))
        current = vault.ring(looking.vault).current
        old.set(sum(count for master, count in masters.items() if master != current))

    return set_anew
