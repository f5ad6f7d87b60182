"""Facts from the ledger to Kafka, in order: idempotent
producer, acks=all, marked once the broker has them.

One relay is active for a database at a time (PostgreSQL: an advisory lock that lives as long as its
connection; SQLite has one process). Unsent rows go in the order of their position, chunk after
chunk, so facts of one key keep their order; a crash between send and mark sends some again under
the same names, which every reader knows.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError
from aiokafka.partitioner import DefaultPartitioner
from sqlalchemy import Connection, func, select

from shared.contracts.envelope import Envelope, headers
from shared.databases import Away, Database, mark
from shared.ledger import LEDGER, fact_id
from shared.telemetry import Metrics

CHUNK = 2_000
SWEEP_SECONDS = 1.0
SEND_SECONDS = 30.0
LATE_SECONDS = 3.0
CLOSE_SECONDS = 2.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
LARGEST = 2 << 20  # bytes of a fact: a body of 1 MiB and what we add to it; so the topics have it
LOCK = 746574
AWAY = (KafkaError, Away, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)

log = logging.getLogger(__name__)
SENT_COLUMNS = [
    LEDGER.c[name] for name in ("position", "recorded_at", "happened_at", "sequence")
] + [
    LEDGER.c[name]
    for name in ("key", "party", "id", "type", "body", "cause", "correlation", "trace")
]
UNSENT = (LEDGER.c.sent_at.is_(None)) & (LEDGER.c.type.is_not(None))


@dataclass
class Relay:
    """`wake` after a commit; `run` until cancelled. `since`: when a send began that is not
    acknowledged yet (monotonic seconds); `waits`: why nothing is sent.
    """

    database: Database
    kafka: str
    topic: str
    metrics: Metrics
    now: Callable[[], datetime]
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    since: float | None = None
    waits: str = ""

    def wake(self) -> None:
        """Facts were committed: send them now and not at the next sweep."""
        self.woken.set()

    def trouble(self) -> str:
        """Why nothing is sent; "" while all is well, and where another process sends."""
        late = self.since is not None and time.monotonic() - self.since > LATE_SECONDS
        return "the broker acknowledges nothing" if late else self.waits


async def run(relay: Relay) -> None:
    """Send for ever. Broker or database away: wait and go on; none is lost, none overtakes."""
    pause = FIRST_PAUSE
    while True:
        try:
            await _active(relay)
        except AWAY as trouble:
            away = "broker" if isinstance(trouble, KafkaError) else "database"
            pause = min(pause * 2, LONGEST_PAUSE) if relay.waits else FIRST_PAUSE
            relay.waits = f"the {away} does not answer"
            relay.metrics.away.labels(away).inc()
            cause = f"{type(trouble).__name__}: {trouble}"[:200]
            log.warning("the relay waits", extra={"cause": cause, "seconds": pause})
        finally:
            relay.metrics.active.set(0)
        await asyncio.sleep(pause)


async def _active(relay: Relay) -> None:
    """Hold the lock, start a producer, send until something gives way."""
    session = await _lock(relay.database)
    producer = AIOKafkaProducer(
        bootstrap_servers=relay.kafka,
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        max_batch_size=1 << 20,
        max_request_size=LARGEST,
        client_id=f"{relay.topic}-relay",
    )
    try:
        await producer.start()
        relay.metrics.active.set(1)
        relay.waits = ""
        while True:
            relay.woken.clear()
            if session is not None:  # before each chunk: who lost the lock in his sleep sends none
                async with asyncio.timeout(5):
                    await session.execute("SELECT 1")
            if await _chunk(relay, producer) < CHUNK:
                with suppress(TimeoutError):
                    async with asyncio.timeout(SWEEP_SECONDS):
                        await relay.woken.wait()
    finally:
        await _end(producer)
        relay.since = None
        if session is not None:
            with suppress(Exception):
                async with asyncio.timeout(2):
                    await session.close()
            session.terminate()


async def _end(producer: AIOKafkaProducer) -> None:
    """Close a producer; what it cannot get rid of goes again, from the ledger. A close that holds
    fast to a broker that is away, and may not heed its cancelling, is left behind.
    """
    sender = producer._sender  # noqa: SLF001  # a stop that is cut short leaves it at work for ever
    for close in (producer.stop, sender.close, producer.client.close):
        closing = asyncio.ensure_future(close())
        closing.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        if (await asyncio.wait([closing], timeout=CLOSE_SECONDS))[1]:
            closing.cancel()


async def _lock(database: Database) -> asyncpg.Connection | None:
    """The session that makes this relay the one relay; waits until no other holds the lock."""
    if database.kind == "sqlite":
        return None
    session = await asyncpg.connect(
        database.url, timeout=5, server_settings={"idle_session_timeout": "10000"}
    )
    try:
        # The other holder is another process: no event of ours tells that it let go.
        while not await session.fetchval(  # noqa: ASYNC110
            "SELECT pg_try_advisory_lock($1)", LOCK, timeout=5
        ):
            await asyncio.sleep(SWEEP_SECONDS)
    except BaseException:
        session.terminate()
        raise
    return session


async def _chunk(relay: Relay, producer: AIOKafkaProducer) -> int:
    """Send and mark the oldest unsent facts; how many there were."""
    rows = await relay.database.read(lambda connection: _unsent(connection))
    if rows:
        relay.since = time.monotonic()
        # A send we stop waiting for may still arrive: it is unknown, not failed. The same names go
        # again, readers know them.
        try:
            async with asyncio.timeout(SEND_SECONDS):
                partitions = sorted(await producer.partitions_for(relay.topic))
                await _send(producer, relay.topic, partitions, rows)
        except TimeoutError:
            raise KafkaTimeoutError(f"not acknowledged within {SEND_SECONDS:g} s") from None
        relay.since = None
        at = relay.now()
        positions = [row.position for row in rows]
        await relay.database.write(lambda connection: _mark(connection, positions, at))
        relay.metrics.sent.inc(len(rows))
    return len(rows)


def _unsent(connection: Connection) -> Sequence[Any]:
    return connection.execute(
        select(*SENT_COLUMNS).where(UNSENT).order_by(LEDGER.c.position).limit(CHUNK)
    ).fetchall()


def _mark(connection: Connection, positions: list[int], at: datetime) -> None:
    mark(connection, LEDGER, "sent_at", at, positions)


async def _send(
    producer: AIOKafkaProducer, topic: str, partitions: list[int], rows: Sequence[Any]
) -> None:
    """Each partition's facts in batches, in order; all acknowledged when this returns."""
    partitioner = DefaultPartitioner()
    by_partition: dict[int, list[Any]] = {}
    for row in rows:
        by_partition.setdefault(partitioner(row.key.encode(), partitions, partitions), []).append(
            row
        )

    async def one(partition: int, facts: list[Any]) -> None:
        batch = producer.create_batch()
        for row in facts:
            record = as_record(row)
            if batch.append(**record) is None:
                # Acknowledged before the next one goes: should it fail, none may overtake it.
                await (await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
                batch.append(**record)
        await (await producer.send_batch(batch, topic, partition=partition))

    await asyncio.gather(*(one(partition, facts) for partition, facts in by_partition.items()))


def as_record(row: Any) -> dict[str, Any]:
    """A ledger row as a Kafka record. Its own timestamp is when it is sent: Kafka refuses one that
    is far ahead, as a moved clock's may be, and reading's lag is counted from it.
    """
    said = row.cause or row.id
    publisher = row.type.partition(".")[0]
    fact = row.id if row.cause else fact_id(publisher, row.party, row.id, row.key, 0)
    envelope = Envelope(
        fact=fact,
        type=row.type,
        key=row.key,
        source=row.party,
        id=said,
        happened_at=row.happened_at,
        recorded_at=row.recorded_at,
        sequence=row.sequence,
        correlation=row.correlation or fact_id("", row.party, said, "", 0),
        trace=row.trace or "",
        body=row.body.encode(),
    )
    return {
        "key": row.key.encode(),
        "value": envelope.body,
        "timestamp": None,
        "headers": headers(envelope),
    }


def backlog(connection: Connection) -> tuple[int, datetime | None]:
    """How many facts Kafka does not have yet, and since when the oldest waits."""
    row = connection.execute(
        select(func.count(), func.min(LEDGER.c.recorded_at)).where(UNSENT)
    ).one()
    return row[0], row[1]
