"""The one transaction: what becomes of a claim, and that all of a batch is kept or nothing."""

import asyncio
import dataclasses
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, select
from sqlalchemy.exc import OperationalError

from services.delivery import core, store
from services.delivery.core import Expect, HandOut, PutBack, ReportLaptop, ReportShipment
from services.ordering import core as ordering
from services.ordering import store as ordering_store
from shared import ledger, parking, transact
from shared.databases import Away, Database, open_database
from shared.decisions import Claim
from shared.ledger import LEDGER
from shared.parking import PARKED
from shared.transact import Service, Verdict
from tests.builders import (
    DAY,
    OTHER_SCHOOL,
    OTHER_SHIPMENT,
    SCHOOL,
    SHIPMENT,
    STUDENTS,
    Life,
    a_claim,
    a_database,
    a_sound_life,
    counts,
    emptied,
    key_of,
)

DELIVERY = Service(core.CORE, store.SHELVES)
ORDERING = Service(ordering.CORE, ordering_store.SHELVES)
ACME, COUNTER = "carrier:acme", f"school:{SCHOOL}"
SHIPMENT_KEY, LAPTOP = f"shipment:{SHIPMENT}", key_of()
ENTRY = ordering.ListSchool("Lycée", "LEGT", "public", "Strasbourg", "67", "", "Metz", "")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with a_database(database_url, "delivery") as database:
        yield database


async def take(
    database: Database,
    claims: Sequence[Claim],
    service: Service = DELIVERY,
    park_refusals: bool = False,
) -> list[tuple[str, str]]:
    """The verdicts and codes of a batch in a transaction of its own."""

    def work(connection: Connection) -> list[Verdict]:
        return transact.transact(connection, service, claims, DAY, park_refusals)

    verdicts: list[Verdict] = await database.write(work)
    return [(one.verdict, one.code) for one in verdicts]


async def life(database: Database, service: Service = DELIVERY) -> Life:
    found: Life = await database.read(partial(a_sound_life, service=service))
    return found


async def parked(database: Database) -> list[dict[str, Any]]:
    def rows(connection: Connection) -> list[dict[str, Any]]:
        return [dict(row) for row in connection.execute(select(PARKED)).mappings()]

    found: list[dict[str, Any]] = await database.read(rows)
    return found


def arrived(id: str = "arrived", key: str = LAPTOP, hours: int = 0, **changes: Any) -> Claim:
    command = ReportLaptop("arrived", SHIPMENT)
    at = DAY + timedelta(hours=hours)
    claim = a_claim(key, command, party=ACME, id=id, happened_at=at, report=True)
    return replace(claim, **changes)


def expected(number: int = 1) -> Claim:
    command = Expect("BC1", "1", SCHOOL)
    return a_claim(key_of(number), command, party="ordering", id=f"expected {number}")


def announced(*numbers: int, shipment: str = SHIPMENT) -> list[Claim]:
    """An announcement of laptops in a shipment, as one event: a claim for it and for each."""
    said = partial(a_claim, party=ACME, id=f"announced {shipment}", report=True)
    each = [said(key_of(number), ReportLaptop("announced", shipment)) for number in numbers]
    return [said(f"shipment:{shipment}", ReportShipment("announced")), *each]


def scanned(hours: int) -> Claim:
    """A word on the whole of the shipment."""
    whole, at = ReportShipment("in-transit", whole=True), DAY + timedelta(hours=hours)
    return a_claim(SHIPMENT_KEY, whole, party=ACME, id=f"scan {hours}", happened_at=at, report=True)


def handed_out(**changes: Any) -> Claim:
    command = HandOut(STUDENTS[0], SCHOOL, False, DAY, None, frozenset({"laptop"}))
    return a_claim(LAPTOP, replace(command, **changes), party=COUNTER, id="handed out", report=True)


# -- verdicts


async def test_what_is_said_once_is_applied_and_said_again_is_a_duplicate(
    database: Database,
) -> None:
    claims = [*announced(1), expected(), arrived()]
    verdicts = await take(database, claims)
    assert verdicts == [
        ("applied", ""),
        ("waiting", "laptop-not-announced"),
        *[("applied", "")] * 2,
    ]
    first = await life(database)
    assert await take(database, claims) == [("duplicate", "")] * 4
    assert await take(database, [*claims, *reversed(claims)]) == [("duplicate", "")] * 8
    assert await life(database) == first
    assert await parked(database) == []


async def test_said_twice_in_one_batch_it_is_kept_once(database: Database) -> None:
    verdicts = await take(database, [*announced(1), expected(), arrived(), arrived()])
    assert verdicts[-2:] == [("applied", ""), ("duplicate", "")]
    assert len((await life(database)).facts) == 5


@pytest.mark.parametrize(
    "other",
    [
        {"command": ReportLaptop("dispatched", SHIPMENT)},
        {"happened_at": DAY + timedelta(seconds=1)},
        {"note": "the box was wet"},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_an_id_that_stands_for_something_else_is_a_conflict_and_both_are_kept(
    database: Database, other: dict[str, Any]
) -> None:
    await take(database, [*announced(1), expected(), arrived()])
    first = await life(database)
    contradiction = replace(arrived(), **other)
    for trace in ("", "00-1", "00-2"):
        again = replace(contradiction, trace=trace)
        assert await take(database, [again]) == [("conflict", "id-already-used")]
    assert await life(database) == first
    (kept,) = await parked(database)
    assert (kept["kind"], kept["party"], kept["subject"]) == ("conflict", ACME, LAPTOP)
    assert parking.claim_again(kept["content"], core.Command) == contradiction
    assert msgspec.json.decode(kept["other"], type=core.Command) == arrived().command


async def test_what_was_taken_from_the_list_and_comes_again_is_in_it_again(
    database: Database,
) -> None:
    await take(database, [*announced(1), expected(), arrived()])
    contradiction = arrived(hours=3)
    await take(database, [contradiction])
    (kept,) = await parked(database)
    discard = partial(
        parking.close, id=kept["id"], state="discarded", by="ops", reason="a slip", now=DAY
    )
    await database.write(discard)
    assert await take(database, [contradiction]) == [("conflict", "id-already-used")]
    (again,) = await parked(database)
    assert (again["id"], again["state"], again["reason"]) == (kept["id"], "open", "")


async def test_what_was_kept_before_its_command_had_a_field_is_the_same_when_it_comes_again(
    database: Database,
) -> None:
    put_back = a_claim(LAPTOP, PutBack(SCHOOL), party="handover", id="returned")
    await take(database, [expected(), put_back])

    def kept_before(connection: Connection) -> None:
        golden = {
            "command": f'{{"type":"put-back","school":"{SCHOOL}"}}',
            "digest": "9870869f9ae6b039cfd8d3979548fb34",
        }
        mine = LEDGER.c.id == put_back.id
        assert connection.execute(LEDGER.update().where(mine).values(golden)).rowcount == 1

    await database.write(kept_before)
    first = await life(database)
    for scanned in (False, True):
        again = replace(put_back, command=PutBack(SCHOOL, scanned))
        assert await take(database, [again]) == [("duplicate", "")]
    assert await life(database) == first
    later = replace(put_back, happened_at=DAY + timedelta(seconds=1))
    elsewhere = replace(put_back, command=PutBack(OTHER_SCHOOL))
    for other in (later, elsewhere, replace(put_back, command=Expect("BC1", "1", SCHOOL))):
        assert await take(database, [other]) == [("conflict", "id-already-used")]


async def test_a_conflict_inside_one_batch_is_seen_too(database: Database) -> None:
    contradiction = arrived(hours=3)
    verdicts = await take(database, [*announced(1), expected(), arrived(), contradiction])
    assert verdicts[-2:] == [("applied", ""), ("conflict", "id-already-used")]
    assert len(await parked(database)) == 1


async def test_a_conflict_of_what_has_no_time_of_its_own_is_parked_once(database_url: str) -> None:
    async with a_database(database_url, "ordering") as database:
        listed = a_claim(f"school:{SCHOOL}", ENTRY, stated=False)
        await take(database, [listed], ORDERING)
        for day in range(3):
            again = replace(listed, happened_at=DAY + timedelta(days=day))
            assert await take(database, [again], ORDERING) == [("duplicate", "")]
            other = replace(again, command=replace(ENTRY, town="Nancy"))
            verdict = await take(database, [other], ORDERING)
            assert verdict == [("conflict", "id-already-used")]
        assert len(await parked(database)) == 1


async def test_the_same_moment_with_another_offset_is_the_same(database: Database) -> None:
    await take(database, [*announced(1), expected(), arrived()])
    elsewhere = arrived().happened_at.astimezone(None)
    assert await take(database, [arrived(happened_at=elsewhere)]) == [("duplicate", "")]


async def test_the_same_id_of_another_party_or_about_another_laptop_is_another(
    database: Database,
) -> None:
    claims = [arrived(), arrived(party="carrier:other"), arrived(key=key_of(2))]
    assert await take(database, claims) == [("waiting", "shipment-not-announced")] * 3
    assert len((await life(database)).facts) == 3


async def test_a_report_said_under_another_id_is_a_duplicate(database: Database) -> None:
    await take(database, [*announced(1), expected(), arrived()])
    first = await life(database)
    again = [arrived("another id"), arrived("a third id")]
    assert await take(database, again) == [("duplicate", "said-before")] * 2
    assert await life(database) == first


async def test_a_refusal_keeps_nothing_and_mended_the_same_id_may_come_again(
    database: Database,
) -> None:
    before = await database.read(partial(counts, service="delivery"))
    unsigned = handed_out(student_signed_at=None)
    assert await take(database, [unsigned]) == [("refused", "charter-not-signed")]
    assert await database.read(partial(counts, service="delivery")) == before
    assert await take(database, [unsigned, handed_out()]) == [
        ("refused", "charter-not-signed"),
        ("waiting", "laptop-not-announced"),
    ]
    assert await take(database, [handed_out()]) == [("duplicate", "")]
    assert await take(database, [unsigned]) == [("refused", "charter-not-signed")], "once more"
    assert await parked(database) == []


async def test_a_refusal_that_nobody_waits_for_is_set_aside_and_can_be_tried_again(
    database: Database,
) -> None:
    unsigned = handed_out(student_signed_at=None)
    for _ in range(2):
        verdicts = await take(database, [unsigned], park_refusals=True)
        assert verdicts == [("refused", "charter-not-signed")]
    (kept,) = await parked(database)
    assert (kept["kind"], kept["code"]) == ("refused", "charter-not-signed")
    assert parking.claim_again(kept["content"], core.Command) == unsigned


async def test_a_report_counts_at_once_and_says_what_it_waits_for(database: Database) -> None:
    assert await take(database, [arrived()]) == [("waiting", "shipment-not-announced")]
    state = (await life(database)).states[LAPTOP]
    assert state.custody.location == "arrived"
    assert await take(database, [arrived()]) == [("duplicate", "")]
    assert await take(database, [*announced(1), expected(), arrived("later", hours=1)]) == [
        ("applied", ""),
        ("waiting", "laptop-not-announced"),
        *[("applied", "")] * 2,
    ]


async def test_what_is_so_already_is_a_duplicate_that_leaves_nothing(database: Database) -> None:
    await take(database, [expected()])
    before = await database.read(partial(counts, service="delivery"))
    again = replace(expected(), id="another id")
    assert await take(database, [again]) == [("duplicate", "already-so")]
    assert await database.read(partial(counts, service="delivery")) == before


async def test_a_thousand_and_more_claims_are_taken_in_pieces(database: Database) -> None:
    claims = [arrived(key=key_of(number)) for number in range(transact.LIMIT + 100)]
    verdicts = await transact.submit(database, DELIVERY, claims, DAY)
    assert [one.verdict for one in verdicts] == ["waiting"] * len(claims)
    assert (await database.read(partial(counts, service="delivery")))["laptop"] == len(claims)


async def test_no_event_is_cut_by_the_end_of_a_transaction(database: Database) -> None:
    claims = [arrived(key=key_of(number)) for number in range(transact.LIMIT - 1)]
    claims += [arrived("a pair", key_of(number)) for number in (0, 1)]
    parts: list[int] = []

    async def write(work: Any) -> Any:
        parts.append(len(work.keywords["claims"]))
        return await database.write(work)

    watched = dataclasses.replace(database, write=write)
    verdicts = await transact.submit(watched, DELIVERY, claims, DAY)
    assert len(verdicts) == len(claims)
    assert parts == [transact.LIMIT - 1, 2]


async def test_what_follows_from_many_words_on_a_whole_shipment_is_taken_in_pieces(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = [*announced(*range(9)), *map(scanned, range(1, 6))]
    await take(database, claims)
    whole = await life(database)
    assert len(whole.facts) == 1 + 9 + 9 + 5 + 5 * 9
    await database.write(partial(emptied, service="delivery"))
    monkeypatch.setattr(transact, "LIMIT", 7)
    await take(database, claims)
    assert await life(database) == whole


async def test_what_follows_from_a_claim_is_kept_with_it(database: Database) -> None:
    whole = a_claim(SHIPMENT_KEY, ReportShipment("arrived", whole=True), party=ACME, report=True)
    for claims in ([whole, *announced(1, 2)], [*announced(1, 2), whole]):
        await take(database, claims)
        states = (await life(database)).states
        assert {states[key_of(number)].custody.location for number in (1, 2)} == {"arrived"}
        await database.write(partial(emptied, service="delivery"))


# -- bugs: one claim's must not hold the others

BUG = RuntimeError("a bug")


def with_a_bug(in_what: str) -> Service:
    """Delivery with a bug that only laptop 2's arrival meets."""
    sound: Callable[..., Any] = getattr(core.CORE, in_what)

    def broken(*given: Any) -> Any:
        claim: Claim = given[-1]
        if claim.subject == key_of(2) and getattr(claim.command, "step", "") == "arrived":
            raise BUG
        return sound(*given)

    return Service(replace(core.CORE, **{in_what: broken}), store.SHELVES)


def with_a_bug_in_folding() -> Service:
    def broken(now: Any, said: Any) -> Any:
        if said.id == "arrived at 2":
            raise BUG
        return core.evolve(now, said)

    folding = replace(core.CORE.folding, evolve=broken)
    return Service(replace(core.CORE, folding=folding), store.SHELVES)


BROKEN = {
    "decide": with_a_bug("decide"),
    "waits": with_a_bug("waits"),
    "follow": with_a_bug("follow"),
    "evolve": with_a_bug_in_folding(),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_a_claim_that_meets_a_bug_is_set_aside_and_takes_its_place_when_it_is_mended(
    database: Database, broken: Service
) -> None:
    arrivals = [arrived(f"arrived at {n}", key_of(n)) for n in (1, 2, 3)]
    later = replace(
        arrivals[1], id="later", command=ReportLaptop("received", SHIPMENT, None, SCHOOL)
    )
    later = replace(later, happened_at=DAY + timedelta(days=1), party=COUNTER)
    claims = [*map(expected, (1, 2, 3)), *announced(1, 2, 3), *arrivals, later]
    verdicts = await take(database, claims, broken, park_refusals=True)
    assert verdicts[-4:] == [
        ("applied", ""),
        ("refused", "set-aside"),
        ("applied", ""),
        ("applied", ""),
    ]
    (kept,) = await parked(database)
    assert (kept["kind"], kept["code"], kept["detail"]) == ("bug", "RuntimeError", "a bug")
    without = await life(database)
    assert without.states[key_of(2)].custody.location == "at-school", "what came later counts"

    again = parking.claim_again(kept["content"], core.Command)
    assert await take(database, [again], broken) == [("refused", "set-aside")]
    assert len(await parked(database)) == 1
    assert await take(database, [again]) == [("applied", "")]
    mended = await life(database)
    await database.write(partial(emptied, service="delivery"))
    await take(database, claims)
    assert await life(database) == mended


async def test_a_bug_leaves_nothing_of_its_claim_for_the_next_of_the_same_key(
    database: Database,
) -> None:
    broken = with_a_bug("waits")
    early = arrived("early", key_of(2), -1, command=ReportLaptop("dispatched", SHIPMENT))
    claims = [*announced(2), expected(2), arrived("arrived", key_of(2), 5), early]
    verdicts = await take(database, claims, broken)
    assert verdicts[-2:] == [("refused", "set-aside"), ("applied", "")]
    assert (await life(database)).states[key_of(2)].custody.location == "in-transit"


async def test_a_database_in_trouble_is_no_bug_of_a_claim(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await take(database, [*announced(1), expected(), arrived(hours=2)])
    first = await life(database)

    def in_trouble(connection: Connection, _: Any, keys: Iterable[str]) -> Any:
        if not list(keys):
            return {}
        if connection.dialect.name == "sqlite":
            trouble = sqlite3.OperationalError("disk I/O error")
            trouble.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise OperationalError("SELECT", None, trouble)
        connection.exec_driver_sql("SET LOCAL statement_timeout = 1")
        return connection.exec_driver_sql("SELECT pg_sleep(10)")

    early = replace(announced(1)[0], happened_at=DAY - timedelta(hours=1), id="early")
    packing = arrived("packed", hours=3, command=ReportLaptop("announced", SHIPMENT))
    with monkeypatch.context() as patched:
        patched.setattr(ledger, "lives", in_trouble)
        for claims in ([early], [packing]):
            with pytest.raises(Away):
                await take(database, claims)
    assert await life(database) == first
    assert await parked(database) == []
    assert await take(database, [early, packing]) == [("applied", "")] * 2


# -- two writers


async def test_words_on_whole_shipments_and_on_listed_laptops_never_wait_for_each_other_in_a_circle(
    database: Database, database_url: str
) -> None:
    if database.kind == "sqlite":
        pytest.skip("SQLite has one writer, so nobody waits crosswise")
    numbers = range(40)
    await take(database, announced(*numbers))
    other = open_database(database_url)

    async def words_on_the_whole() -> None:
        for hour in range(60):
            await take(database, [scanned(hour)])

    async def words_on_laptops() -> None:
        for hour in range(60):
            listed = [arrived(f"listed {hour}", key_of(n), hour) for n in reversed(numbers)]
            fresh = arrived(f"fresh {hour}", key_of(1000 + hour), hour)  # no row of it is there yet
            await take(other, [*listed, fresh])

    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    try:
        async with asyncio.timeout(120):
            await asyncio.gather(words_on_the_whole(), words_on_laptops())
        await other.write(lambda c: c.exec_driver_sql("SELECT pg_stat_force_next_flush()"))
    finally:
        await other.close()
    assert await database.read(lambda c: c.exec_driver_sql(deadlocks).scalar()) == 0
    packed, said = 2 * 40, 60 + 60 * 41  # on both sides; of the whole, of those listed
    followed = 60 * 40
    assert sum((await life(database)).facts.values()) == 1 + packed + said + followed


async def test_two_writers_over_the_same_keys_lose_nothing_and_double_nothing(
    database: Database, database_url: str
) -> None:
    claims = [*announced(*range(12)), *announced(*range(6, 18), shipment=OTHER_SHIPMENT)]
    claims += [expected(number) for number in range(18)]
    claims += [
        arrived(f"at {hours}", key_of(n), hours) for n in range(18) for hours in range(-2, 3)
    ]
    claims += [
        a_claim(
            f"shipment:{shipment}",
            ReportShipment(step, whole=True),
            party=party,
            id=f"{step} {shipment} by {party}",
            report=True,
        )
        for shipment in (SHIPMENT, OTHER_SHIPMENT)
        for step in ("dispatched", "in-transit")
        for party in (ACME, "carrier:other")
    ]
    other = database if database.kind == "sqlite" else open_database(database_url)

    async def write(through: Database, order: Sequence[Claim]) -> list[str]:
        verdicts: list[str] = []
        for start in range(0, len(order), 7):
            part = order[start : start + 7]
            while True:
                try:
                    verdicts += [verdict for verdict, _ in await take(through, part)]
                    break
                except Away:  # as a partner does: the same again
                    await asyncio.sleep(0.01)
        return verdicts

    try:
        async with asyncio.timeout(60):
            forth, back, middle = await asyncio.gather(
                write(database, claims),
                write(other, claims[::-1]),
                write(other, claims[40:] + claims[:40]),
            )
    finally:
        if other is not database:
            await other.close()
    fresh = {"applied", "waiting"}
    for told in zip(forth, back[::-1], middle[-40:] + middle[:-40], strict=True):
        assert sum(verdict in fresh for verdict in told) == 1, told
    assert await parked(database) == []
    together = await life(database)
    await database.write(partial(emptied, service="delivery"))
    await take(database, claims)
    alone = await life(database)
    assert together.facts == alone.facts
    assert set(together.states) == set(alone.states)
