"""From a topic into a database: a service's way, a raw pipe, a naive handler; and out again."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from msgspec import Struct
from sqlalchemy import Column, Connection, MetaData, Table

from benchmarks import topics
from benchmarks.figures import Meter, Rate, meter
from benchmarks.naive import naively
from benchmarks.places import NewDatabase
from services.delivery import core, store
from services.delivery.consumer import REACTIONS
from services.tracking import consumer as tracking
from shared import hearing, ledger, listening, migrations, relay, telemetry
from shared.databases import Database, append, open_database
from shared.decisions import Claim
from shared.listening import Listener
from shared.relay import Relay
from shared.transact import Service, submit

SERVICE = Service(core.CORE, store.SHELVES)
SMALL, LARGE = 500, 2_000
PATIENCE_SECONDS = 300
REPORTS = f"delivery, {LARGE:,} reports at once, no Kafka"
RAW = Table(
    "raw",
    MetaData(),
    *(Column(name, ledger.LEDGER.c[name].type) for name in ledger.COLUMNS),
)
"""The ledger's columns without its keys and indexes."""


Read = Callable[[ConsumerRecord], Sequence[Any]]
Take = Callable[[Connection, Sequence[Any], datetime], Sequence[str]]


class Run(Struct, frozen=True):
    """What one round works on: a topic with so many facts, and new databases."""

    kafka: str
    topic: str
    facts: int
    naive: int
    new: NewDatabase


def now() -> datetime:
    return datetime.now(UTC)


def raw(size: int) -> str:
    return f"raw pipe, {size:,} a batch"


async def round_of(run: Run) -> dict[str, Rate]:
    """Every figure once, one after the other, so that what disturbs the machine disturbs all."""
    found = {raw(SMALL): await raw_pipe(run, SMALL), raw(LARGE): await raw_pipe(run, LARGE)}
    async with _database(run, "delivery") as database:
        found[f"delivery, {SMALL:,} a batch"] = await delivery(run, database, SMALL)
    async with _database(run, "delivery") as database, topics.fresh(run.kafka) as told:
        found[f"delivery, {LARGE:,} a batch"] = await delivery(run, database, LARGE)
        found["delivery's relay, with nothing else"] = await relaying(run, database, told)
        found[REPORTS] = await reporting(run, database)
        found[f"tracking, {LARGE:,} a batch"] = await rebuilding(run, told)
    found["naive handler"] = await naive_handler(run)
    return found


OF_RAW = {
    REPORTS: raw(LARGE),
    f"delivery, {SMALL:,} a batch": raw(SMALL),
    f"delivery, {LARGE:,} a batch": raw(LARGE),
    f"tracking, {LARGE:,} a batch": raw(LARGE),
    "naive handler": raw(SMALL),
}


@asynccontextmanager
async def _database(run: Run, service: str) -> AsyncIterator[Database]:
    """A new database with a service's tables, as it is when the service starts."""
    async with run.new() as url:
        await migrations.migrate(service, url)
        async with _opened(url) as database:
            yield database


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Database]:
    gc.collect()
    gc.freeze()  # as shared.process does
    database = open_database(url)
    try:
        yield database
    finally:
        await database.close()


# -- in


async def delivery(run: Run, database: Database, size: int) -> Rate:
    """Announcements through the one transaction: claims, states, ledger rows, offsets."""
    read, take = hearing.claims_of(REACTIONS, SERVICE.shelves), hearing.take_into(SERVICE)
    return await _listen(run, database, run.topic, size, read, take)


async def reporting(run: Run, database: Database) -> Rate:
    """A school's reports on laptops that are known: states read, locked and replaced."""
    command = core.ReportLaptop("received", order="BC2020-001", school="0670080Y")
    known = [topics.announced(number).key for number in range(run.facts)]
    claims = [
        Claim("school:0670080Y", f"scan-{key}", key, topics.RECEIVED, command, report=True)
        for key in known
    ]
    began = meter()
    verdicts = await submit(database, SERVICE, claims, now())
    if {one.verdict for one in verdicts} != {"applied"}:
        raise AssertionError("not all was applied")
    return began.rate(run.facts)


async def rebuilding(run: Run, told: str) -> Rate:
    """Tracking's reading of a topic from nought: lives, timeline, tallies, offsets."""
    async with _database(run, "tracking") as database:
        return await _listen(run, database, told, LARGE, tracking.read, tracking.take)


@dataclass
class _Course:
    """A reading of so many facts, from the first batch in hand to the commit of the last."""

    facts: int
    take: Take
    left: int
    began: Meter | None = None
    ended: Rate | None = None

    def now(self) -> datetime:
        """A listener asks for the time as a batch begins."""
        self.began = self.began or meter()
        return now()

    def counted(self, connection: Connection, things: Sequence[Any], at: datetime) -> Sequence[str]:
        outcomes = self.take(connection, things, at)
        if wrong := set(outcomes) - {"applied", "duplicate"}:  # a batch may come again
            raise AssertionError(f"nothing was to be {wrong}")
        self.left -= outcomes.count("applied")
        return outcomes

    def committed(self) -> None:
        if self.began is not None and not self.left:
            self.ended = self.began.rate(self.facts)


async def _listen(
    run: Run, database: Database, topic: str, size: int, read: Read, take: Take
) -> Rate:
    course = _Course(run.facts, take, run.facts)
    listening.BATCH = size
    listener: Listener[Any] = Listener(
        database=database,
        kafka=run.kafka,
        group=f"benchmark-{uuid4()}",
        topics=[topic],
        read=read,
        take=course.counted,
        metrics=telemetry.metrics(),
        now=course.now,
        committed=course.committed,
    )
    async with asyncio.timeout(PATIENCE_SECONDS), _beside(listening.run(listener)):
        while course.ended is None:
            if listener.stopped:
                raise AssertionError(listener.stopped)
            await asyncio.sleep(0.01)
    return course.ended


@asynccontextmanager
async def _beside(work: Any) -> AsyncIterator[None]:
    """Work that goes on meanwhile, and is ended."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


# -- the two that it is compared with


async def raw_pipe(run: Run, size: int) -> Rate:
    """The least that stores the same rows: read, insert in bulk, commit, note the offset."""
    async with run.new() as url, _opened(url) as database, _consumer(run) as consumer:
        await database.write(RAW.create)
        records = await _some(consumer, size)
        left, began = run.facts, meter()
        while True:
            rows = [raw_row(one.key, one.value, one.headers, now()) for one in records]
            await database.write(partial(append, table=RAW, columns=ledger.COLUMNS, rows=rows))
            await consumer.commit()
            left -= len(records)
            if not left:
                return began.rate(run.facts)
            records = await _some(consumer, size)


async def naive_handler(run: Run) -> Rate:
    """A message, a session, a commit."""
    async with _database(run, "delivery") as database, _consumer(run) as consumer:
        record = await consumer.getone()
        began = meter()
        for _ in range(run.naive):
            await database.write(partial(naively, record=record, now=now()))
            await consumer.commit()
            record = await consumer.getone()
        return began.rate(run.naive)


@asynccontextmanager
async def _consumer(run: Run) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        run.topic,
        bootstrap_servers=run.kafka,
        group_id=f"benchmark-{uuid4()}",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def _some(consumer: AIOKafkaConsumer, most: int) -> list[ConsumerRecord]:
    found = await consumer.getmany(timeout_ms=1_000, max_records=most)
    return [record for records in found.values() for record in records]


def raw_row(
    key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]], at: datetime
) -> tuple[Any, ...]:
    """Cells as many and as long as the ledger gets for this fact."""
    said, body = dict(headers), value.decode()
    type = said["ce_type"].decode()
    claim = (key.decode(), "ordering", said["ce_id"].decode(), at, at)
    half = ("applied", "0123456789abcdef" * 2, body, None)
    return (*claim, *half, type, body, 1, None, said["ce_correlationid"].decode(), None)


# -- and out again


async def relaying(run: Run, database: Database, topic: str) -> Rate:
    """Every fact of a full ledger to a topic, and marked as sent."""
    metrics = telemetry.metrics()
    sending = Relay(database, run.kafka, topic, metrics, now)
    began = meter()
    async with asyncio.timeout(PATIENCE_SECONDS), _beside(relay.run(sending)):
        sent = metrics.registry.get_sample_value
        # The relay tells nobody but its counter.
        while sent("trousseau_relay_sent_facts_total") != run.facts:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return began.rate(run.facts)
