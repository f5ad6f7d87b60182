"""A process killed at any call to its database: what it was told again ends as if it had lived."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, select

from services.delivery import core, store
from services.delivery.core import Expect, ReportLaptop, ReportShipment
from shared.databases import Database
from shared.decisions import Claim
from shared.parking import PARKED
from shared.transact import Service, transact
from tests.builders import (
    DAY,
    SCHOOL,
    SHIPMENT,
    Crash,
    a_claim,
    a_crash_at,
    a_database,
    a_sound_life,
    emptied,
    key_of,
)

DELIVERY = Service(core.CORE, store.SHELVES)
SHIPMENT_KEY = f"shipment:{SHIPMENT}"


def report(key: str, id: str, command: Any, hour: int) -> Claim:
    return a_claim(
        key, command, party="carrier:acme", id=id, happened_at=DAY.replace(hour=hour), report=True
    )


def batches() -> list[Sequence[Claim]]:
    """Two transactions' worth: with what follows, what is late, what contradicts, what is new."""
    first, second = key_of(1), key_of(2)
    arrived = report(first, "arrived", ReportLaptop("arrived", SHIPMENT), 9)
    return [
        [
            arrived,
            report(SHIPMENT_KEY, "dispatched", ReportShipment("dispatched", whole=True), 8),
        ],
        [
            report(SHIPMENT_KEY, "announced", ReportShipment("announced"), 7),
            report(first, "announced", ReportLaptop("announced", SHIPMENT), 7),
            report(second, "announced", ReportLaptop("announced", SHIPMENT), 7),
            a_claim(first, Expect("BC1", "1", SCHOOL), party="ordering"),
            report(first, "arrived", ReportLaptop("arrived", None), 9),
            report(first, "packed", ReportLaptop("announced", SHIPMENT), 7),
        ],
    ]


def an_end(connection: Connection) -> Any:
    parked = connection.execute(select(PARKED.c.kind, PARKED.c.event).order_by(PARKED.c.id))
    return a_sound_life(connection, DELIVERY), [tuple(row) for row in parked]


async def told(database: Database) -> list[list[str]]:
    verdicts = []
    for batch in batches():
        work = partial(transact, service=DELIVERY, claims=batch, now=DAY)
        verdicts.append([one.verdict for one in await database.write(work)])
    return verdicts


async def test_killed_at_any_call_and_told_again_a_service_ends_as_if_it_had_lived(
    database_url: str,
) -> None:
    async with a_database(database_url, "delivery") as database:
        assert await told(database) == [
            ["waiting", "waiting"],
            ["applied", "waiting", "waiting", "applied", "conflict", "duplicate"],
        ]
        lived = await database.read(an_end)
        crashes: list[str] = []
        while True:
            await database.write(partial(emptied, service="delivery"))
            with a_crash_at(len(crashes) + 1) as calls:
                try:
                    await told(database)
                except Crash as crash:
                    crashes.append(str(crash))
                else:
                    break
            await told(database)
            assert await database.read(an_end) == lived, f"killed before {crashes[-1]}"
        assert len(calls) == len(crashes), "every call was died at"
        assert any("COMMIT" in crash for crash in crashes)
        assert len(crashes) > 12
