"""What tracking makes of facts that come as they should not, on its real tables."""

from base64 import b64decode
from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from aiokafka import ConsumerRecord
from sqlalchemy import Connection, select

from services.tracking import (
    consumer,
    intake,
    lists,
    pages,
    showing,
    stations,
    store,
    unusual,
)
from services.tracking.shown import Place
from shared import parking, telemetry, upkeep
from shared.contracts import delivery, ordering, repairs
from shared.contracts.envelope import Envelope, headers
from shared.contracts.identifiers import Makers
from shared.databases import Database
from shared.hearing import tag
from shared.parking import PARKED
from tests.builders import DAY, OTHER_SCHOOL, SCHOOL, SHIPMENT, STUDENTS, a_database, key_of

LAPTOP = key_of()
ACME, OTHER, COUNTER = "carrier:acme", "carrier:other", f"school:{SCHOOL}"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with a_database(database_url, "tracking") as database:
        yield database


def record(
    fact: Any, number: int, source: str = ACME, hours: int = 0, name: str = "", key: str = LAPTOP
) -> ConsumerRecord:
    """A fact as it comes on its publisher's topic."""
    at = DAY + timedelta(hours=hours)
    told = Envelope(
        fact=name or f"fact {tag(type(fact))} {number} {key}",
        type=tag(type(fact)),
        key=key,
        source=source,
        id=f"event {number}",
        happened_at=at,
        recorded_at=at,
        sequence=number,
        correlation="",
        trace="",
        body=msgspec.json.encode(fact),
    )
    topic = f"{tag(type(fact)).partition('.')[0]}.facts"
    return ConsumerRecord(
        topic, 0, number, 0, 0, key.encode(), told.body, None, 0, 0, tuple(headers(told))
    )


async def hear(database: Database, *records: ConsumerRecord) -> Sequence[str]:
    things = [thing for one in records for thing in consumer.read(one)]
    outcomes: Sequence[str] = await database.write(
        lambda connection: consumer.take(connection, things, DAY)
    )
    return outcomes


async def life(database: Database, key: str = LAPTOP) -> Any:
    found = await database.read(lambda connection: store.life(connection, key))
    assert found is not None
    return found[0]


ANNOUNCED = ordering.LaptopAnnounced("BC1", "1", SCHOOL, "HP 245 G8", "L1", "hexalog")


async def test_a_fact_that_bears_the_number_of_another_is_set_aside_and_not_taken_for_it(
    database: Database,
) -> None:
    first = record(delivery.LaptopArrived(SHIPMENT), 1)
    assert await hear(database, first) == ["applied"]
    assert await hear(database, first) == ["duplicate"]
    other = record(delivery.LaptopReceived(SCHOOL), 1, COUNTER, name="of a restored copy")
    for _ in range(2):
        assert await hear(database, other) == ["conflict"]
    assert (await life(database)).location == "arrived"
    rows = await database.read(lambda c: list(c.execute(select(PARKED)).mappings()))
    (kept,) = rows
    assert (kept["kind"], kept["code"], kept["subject"]) == (
        "conflict",
        "number-used-again",
        LAPTOP,
    )
    came, stands = (msgspec.json.decode(kept[name]) for name in ("content", "other"))
    assert msgspec.json.decode(b64decode(came["value"]))["school"] == SCHOOL
    assert (stands["fact"], stands["body"]["shipment"]) == (name_in(first), SHIPMENT)


async def test_a_number_used_again_is_an_anomaly_and_counted_until_a_person_settles_it(
    database: Database,
) -> None:
    await hear(database, record(delivery.LaptopArrived(SHIPMENT), 1))
    await hear(database, record(delivery.LaptopReceived(SCHOOL), 1, COUNTER, name="another"))
    metrics = telemetry.metrics()
    care = upkeep.Upkeep(database, metrics, lambda: DAY)
    await upkeep.gauges(care)()
    assert metrics.registry.get_sample_value("trousseau_parked", {"kind": "conflict"}) == 1
    (told,) = [one for one in (await anomalies(database)) if one.code == "number-used-again"]
    assert (told.key, told.since) == (LAPTOP, DAY)
    (kept,) = await database.read(lambda c: list(c.scalars(select(PARKED.c.id))))
    row = await database.read(lambda connection: parking.one(connection, kept))
    await upkeep.discarded(care, row, "ops", "restored from a copy of Tuesday")
    assert "number-used-again" not in {one.code for one in await anomalies(database)}


async def test_a_fact_that_comes_again_under_another_number_has_its_effect_once(
    database: Database,
) -> None:
    fact = delivery.LaptopArrived(SHIPMENT)
    assert await hear(database, record(fact, 1, name="one"), record(fact, 2, name="one")) == [
        "applied",
        "duplicate",
    ]
    assert await hear(database, record(fact, 3, name="one")) == ["duplicate"]
    timeline = await database.read(lambda connection: store.life(connection, LAPTOP))
    assert [one["sequence"] for one in timeline[1]] == [1]


async def test_two_publishers_may_give_their_facts_one_id_for_both_heard_the_same(
    database: Database,
) -> None:
    heard = (delivery.LaptopExpected("BC1", "1", SCHOOL), repairs.LaptopPlaced(SCHOOL))
    for outcome in ("applied", "duplicate"):
        told = [record(fact, 1, name="one") for fact in heard]
        assert await hear(database, *told) == [outcome, outcome]
    assert not await database.read(unusual.gaps)


async def anomalies(database: Database) -> Sequence[intake.Anomaly]:
    listed = await database.read(lambda connection: intake.anomalies_of(connection, "", 500, DAY))
    assert listed.total == len(listed.items)
    items: Sequence[intake.Anomaly] = listed.items
    return items


def name_in(record: ConsumerRecord) -> str:
    """The name of the fact in a record."""
    name: bytes = dict(record.headers)["ce_id"]
    return name.decode()


async def test_words_of_another_carrier_that_move_nothing_set_no_date_and_are_flagged(
    database: Database,
) -> None:
    await hear(
        database,
        record(ANNOUNCED, 1, "supplier:hexalog"),
        record(delivery.LaptopPacked(SHIPMENT, ACME), 1),
        record(delivery.LaptopArrived(SHIPMENT), 2, OTHER, 1),
    )
    now = await life(database)
    assert (now.location, now.dispatched_at, now.arrived_at) == ("announced", None, None)
    assert await flags(database) == {"another-carrier"}


async def flags(database: Database, key: str = LAPTOP) -> set[str]:
    """What the list of anomalies says of a laptop."""

    def work(connection: Connection) -> set[str]:
        rows, total = unusual.flagged(connection, ("", ""), 500)
        assert total == len(rows)
        return {row["flag"] for row in rows if row["key"] == key}

    found: set[str] = await database.read(work)
    return found


DESK = "desk:metz"
LATE = 24 * 9  # hours: nine days, among them at least five working days
LIVES: dict[str, list[ConsumerRecord]] = {
    "unannounced": [record(delivery.LaptopArrived(SHIPMENT), 1)],
    "damaged": [record(delivery.DiscrepancyReported("damaged", SCHOOL), 1, COUNTER)],
    "unexpected": [record(delivery.DiscrepancyReported("unexpected", SCHOOL), 1, COUNTER)],
    "wrong-school": [record(delivery.DiscrepancyReported("wrong-school", SCHOOL), 1, COUNTER)],
    "reported-late": [
        record(delivery.LaptopArrived(SHIPMENT), 1),
        record(delivery.DiscrepancyReported("missing", SCHOOL, SHIPMENT), 2, COUNTER, LATE),
    ],
    "two-schools": [
        record(delivery.LaptopReceived(SCHOOL), 1, COUNTER),
        record(delivery.LaptopReceived(OTHER_SCHOOL), 2, f"school:{OTHER_SCHOOL}", 1),
    ],
    "two-students": [
        record(delivery.LaptopHandedOut(student, SCHOOL, False, DAY, None, True, True), n, COUNTER)
        for n, student in enumerate(STUDENTS[:2], 1)
    ],
    "not-received": [
        record(delivery.LaptopHandedOut(STUDENTS[0], SCHOOL, False, DAY, None, True, True), 1)
    ],
    "stolen": [record(repairs.TheftReported("1"), 1, DESK)],
    "lost": [record(repairs.LossReported("1"), 1, DESK)],
    "on-loan": [record(repairs.LaptopLent("1", key_of(2), DAY.date()), 1, DESK)],
    "loan-overdue": [
        record(repairs.LaptopLent("1", key_of(2), DAY.date()), 1, DESK),
        record(repairs.LoanOverdue("1", DAY.date()), 2, "clock", 48),
    ],
    "replaced": [record(repairs.LaptopSwapped("1", key_of(2), None, SCHOOL), 1, DESK)],
    "recalled": [record(repairs.IncidentLogged("1", "metz", "recall", None, "R1"), 1, DESK)],
    "hand-out-missed": [record(delivery.HandOutMissed(SCHOOL), 1, COUNTER)],
}


@pytest.mark.parametrize(("flag", "records"), LIVES.items(), ids=LIVES)
async def test_what_is_unusual_about_a_laptop_is_flagged_until_it_is_withdrawn(
    database: Database, flag: str, records: list[ConsumerRecord]
) -> None:
    announced = [] if flag == "unannounced" else [record(ANNOUNCED, 1, "supplier:hexalog")]
    await hear(database, *announced, *records)
    assert flag in await flags(database)
    tallies = await database.read(partial(store.tallies, scopes=["region"]))
    assert tallies["region"]["flag", flag] == 1
    if flag == "unannounced":
        await hear(database, record(ANNOUNCED, 1, "supplier:hexalog"))
    else:
        last = records[-1]
        source = dict(last.headers)["ce_source"].decode()
        of_repairs = dict(last.headers)["ce_type"].startswith(b"repairs.")
        taken_back = repairs.CaseFactWithdrawn if of_repairs else delivery.LaptopFactWithdrawn
        withdrawn = taken_back(source, f"event {last.offset}")
        await hear(database, record(withdrawn, last.offset + 1, source, 500))
    assert flag not in await flags(database)


async def test_a_report_within_five_working_days_is_in_time(database: Database) -> None:
    await hear(
        database,
        record(ANNOUNCED, 1, "supplier:hexalog"),
        record(delivery.LaptopArrived(SHIPMENT), 1),  # a Tuesday
        record(delivery.DiscrepancyReported("missing", SCHOOL, SHIPMENT), 2, COUNTER, 24 * 7),
    )
    assert await flags(database) == set()


async def test_a_student_with_two_laptops_is_listed(database: Database) -> None:
    taken = delivery.LaptopHandedOut(STUDENTS[0], SCHOOL, False, DAY, None, True, True)
    await hear(database, *(record(taken, 1, COUNTER, key=key_of(n)) for n in (1, 2)))
    several = await database.read(unusual.with_several)
    assert several == [{"student": STUDENTS[0], "laptops": 2}]


# -- lists


@pytest.mark.parametrize("sort", [f"{sign}{name}" for name in lists.SORTS for sign in ("", "-")])
async def test_a_list_in_any_order_shows_each_laptop_once_page_by_page(
    database: Database, sort: str
) -> None:
    await hear(
        database,
        *(record(ANNOUNCED, 1, "supplier:hexalog", n // 3, key=key_of(n)) for n in range(1, 8)),
        *(record(delivery.LaptopPacked(SHIPMENT, ACME), 1, key=key_of(n)) for n in range(7, 11)),
        record(delivery.LaptopArrived(SHIPMENT), 2, hours=2, key=key_of(7)),
    )
    whole = await page(database, sort, "", 500)
    seen: list[dict[str, Any]] = []
    after = ""
    while following := await page(database, sort, after, 3):
        seen += following
        after = lists.cursor(following[-1], sort)
    assert [row["key"] for row in seen] == [row["key"] for row in whole]
    assert {row["key"] for row in seen} == {key_of(n) for n in range(1, 11)}
    column = lists.SORTS[sort.removeprefix("-")]
    values = [row[column] for row in seen if row[column] is not None]
    assert values == sorted(values, reverse=sort.startswith("-"))
    lacking = [row[column] is None for row in seen]
    assert lacking == sorted(lacking), "what has no value comes last"


@pytest.mark.parametrize("after", ["x y", "2020 y", "0001-01-01T00:00:00+14:00 hp/x"])
async def test_a_cursor_that_no_list_gave_is_no_bug(database: Database, after: str) -> None:
    with pytest.raises(ValueError, match=r"isoformat|calendar"):
        await database.read(lambda c: lists.listed(c, {}, after, 3, "-since"))


async def page(database: Database, sort: str, after: str, limit: int) -> list[dict[str, Any]]:
    found, total = await database.read(
        lambda connection: lists.listed(connection, {}, after, limit, sort)
    )
    assert total == 10
    rows: list[dict[str, Any]] = found
    return rows


LISTED = {
    SCHOOL: ordering.SchoolListed("Fustel", "LEGT", "public", "", "67", "", "Strasbourg", ""),
    OTHER_SCHOOL: ordering.SchoolListed("Lambert", "LEGT", "public", "", "68", "", "Épinal", ""),
}


def an_order_of(*schools: str) -> ordering.OrderPlaced:
    lines = tuple(
        ordering.OrderLine(str(n), school, "HP 245 G8", 10 * n, "L1", "region", None)
        for n, school in enumerate(schools, 1)
    )
    return ordering.OrderPlaced("2020-2021", "region", "hexalog", lines, 36)


async def test_schools_are_listed_with_what_came_of_their_orders_in_the_order_asked_for(
    database: Database,
) -> None:
    await hear(
        database,
        *(record(one, 1, "region", key=f"school:{uai}") for uai, one in LISTED.items()),
        record(an_order_of(SCHOOL, OTHER_SCHOOL), 1, "region", key="order:BC1"),
        *(record(ANNOUNCED, 1, "supplier:hexalog", key=key_of(n)) for n in (1, 2, 3)),
        *(record(delivery.LaptopReceived(SCHOOL), 1, COUNTER, key=key_of(n)) for n in (1, 2)),
        record(delivery.DiscrepancyReported("missing", SCHOOL), 1, COUNTER, key=key_of(3)),
    )

    async def shown(department: str = "", sort: str = "") -> Any:
        return await database.read(lambda c: showing.schools(c, department, sort))

    rows, listing = await shown()
    assert ([row.uai for row in rows], listing.total) == ([OTHER_SCHOOL, SCHOOL], 2), "by town"
    counts = [getattr(rows[1], name) for name in pages.SCHOOL_COUNTS]
    assert [tally.count for tally in counts] == [10, 3, 2, 0, 1]
    for tally in counts[1:]:
        rows_behind, _ = await database.read(
            partial(showing.listed, makers=Makers({}), asked=tally.filter, place=Place())
        )
        assert len(rows_behind) == tally.count, "a number is a link to the list that it counts"
    assert [row.uai for row in (await shown(sort="-ordered"))[0]] == [OTHER_SCHOOL, SCHOOL]
    assert [row.uai for row in (await shown(sort="ordered"))[0]] == [SCHOOL, OTHER_SCHOOL]
    assert [row.uai for row in (await shown("67"))[0]] == [SCHOOL]


async def test_a_laptop_admitted_with_its_line_has_not_come_further_for_that(
    database: Database,
) -> None:
    admitted = ordering.LaptopAdmitted("BC1", "1", date(2020, 9, 1), date(2023, 9, 1))
    await hear(
        database,
        *(record(one, n, "supplier:hexalog") for n, one in enumerate((ANNOUNCED, admitted), 1)),
    )
    scan = record(delivery.LaptopDispatched(SHIPMENT), 2, ACME, 24)
    assert await line(database) == ["ordered", "announced", "admitted"]
    await hear(database, record(delivery.LaptopPacked(SHIPMENT, ACME), 1), scan)
    assert await line(database) == ["ordered", "announced", "admitted", "dispatched"]
    await hear(database, record(delivery.LaptopReceived(SCHOOL, SHIPMENT), 3, COUNTER, 48))
    came = ["dispatched", "arrived", "received"]
    assert await line(database) == ["ordered", "announced", "admitted", *came]


async def line(database: Database) -> list[str]:
    """The stations that the laptop has reached, as they stand on its life line."""
    laptop = await database.read(partial(showing.laptop, key=LAPTOP))
    return [one.key for one in stations.stations(laptop) if one.state != "to-come"]
