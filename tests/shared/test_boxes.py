"""The one transaction over a core of boxes, whose lamps are lit from other boxes."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import Struct
from sqlalchemy import Column, Connection, Integer, MetaData, Table, Text, select

from shared import hearing
from shared.databases import Database, open_database
from shared.decisions import Claim, Core, Decision, Folding, Said
from shared.ledger import LEDGER, Shelf
from shared.parking import PARKED
from shared.transact import Service, submit

DAY = datetime(2020, 9, 1, 8, tzinfo=UTC)
TABLES = MetaData()
BOXES = Table(
    "box",
    TABLES,
    Column("key", Text, primary_key=True),
    Column("sequence", Integer),
    Column("place", Text),
    Column("lamps", Integer),
)


class Light(Struct, frozen=True, tag="light"):
    """Light the lamp of another box."""

    box: str


class Lit(Struct, frozen=True, tag="boxes.lit.v1"):
    """A lamp was lit."""


class Box(Struct, frozen=True):
    """A box with lamps that burn."""

    lamps: int = 0


def decide(_states: Mapping[str, Any], claim: Claim) -> Decision:
    if claim.command.box == "box:broken":
        raise LookupError("no such lamp")
    return ((claim.command.box, Lit()),)


def evolve(now: Box, _said: Said) -> Box:
    return Box(now.lamps + 1)


SERVICE = Service(
    Core(
        publisher="boxes",
        commands=Light,
        facts=Lit,
        folding=Folding({Lit: 1}, evolve, lambda _key: Box()),
        keys=lambda command: (command.box,),
        decide=decide,
    ),
    {"box": Shelf(BOXES, Box)},
)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = open_database(database_url)

    def make(connection: Connection) -> None:
        TABLES.create_all(connection)
        for table in (LEDGER, PARKED):
            table.create(connection)

    await database.write(make)
    yield database
    await database.close()


async def test_a_claim_whose_only_fact_is_about_another_key_is_known_when_it_comes_again(
    database: Database,
) -> None:
    claim = Claim("region", "1", "box:here", DAY, Light("box:there"))
    other = Claim("region", "1", "box:here", DAY, Light("box:yonder"))
    told = [
        verdict.verdict
        for one in (claim, claim, other)
        for verdict in await submit(database, SERVICE, [one], DAY)
    ]
    assert told == ["applied", "duplicate", "conflict"]

    lamps = select(BOXES.c.key, BOXES.c.sequence, BOXES.c.lamps).order_by(BOXES.c.key)
    rows = await database.read(lambda connection: connection.execute(lamps).fetchall())
    assert [tuple(row) for row in rows] == [("box:here", 0, 0), ("box:there", 1, 1)]


async def test_what_comes_late_is_folded_in_together_with_what_the_batch_itself_said(
    database: Database,
) -> None:
    def at(hour: int, id: str) -> Claim:
        return Claim("region", id, "box:here", DAY.replace(hour=hour), Light("box:here"))

    await submit(database, SERVICE, [at(9, "first")], DAY)
    await submit(database, SERVICE, [at(11, "third"), at(8, "late"), at(10, "between")], DAY)
    lamps = select(BOXES.c.sequence, BOXES.c.lamps, BOXES.c.place)
    rows = await database.read(lambda connection: connection.execute(lamps).fetchall())
    assert [(row.sequence, row.lamps, row.place[:27]) for row in rows] == [
        (4, 4, "2020-09-01T11:00:00.000000Z")
    ]


async def test_a_claim_heard_that_meets_a_bug_is_set_aside_once(database: Database) -> None:
    claims = [
        Claim("region", "1", "box:here", DAY, Light("box:broken")),
        Claim("region", "2", "box:here", DAY, Light("box:there")),
    ]
    outcomes = await database.write(
        lambda connection: hearing.take_into(SERVICE)(connection, claims, DAY)
    )
    assert outcomes == ["bug", "applied"]
    kinds = await database.read(lambda connection: list(connection.scalars(select(PARKED.c.kind))))
    assert kinds == ["bug"]
