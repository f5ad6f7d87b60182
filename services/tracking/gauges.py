"""What is watched of laptops: what became of their promised days, and of themselves."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from prometheus_client import CollectorRegistry
from sqlalchemy import Connection

from services.tracking import boards, fold, lists, store
from shared.databases import Database
from shared.telemetry import gauges_of


def gauges(
    database: Database, now: Callable[[], datetime], registry: CollectorRegistry
) -> Callable[[], Awaitable[None]]:
    """A function that sets the gauges anew."""
    gauge = gauges_of(registry)
    promised = gauge("promised_laptops", "Laptops by what became of their promised day", "promise")
    became = gauge("laptops_by_disposition", "Laptops by what became of them", "disposition")

    def counted(connection: Connection) -> tuple[boards.Promise, dict[str, int]]:
        tally = store.tallies(connection, ["region"])["region"]
        due, _ = lists.due(connection, now())
        return boards.promise(tally, due), boards.dispositions(tally)

    async def set_anew() -> None:
        promise, dispositions = await database.read(counted)
        for outcome in fold.PROMISES:
            promised.labels(outcome).set(getattr(promise, outcome.replace("-", "_")))
        for disposition, count in dispositions.items():
            became.labels(disposition).set(count)

    return set_anew
