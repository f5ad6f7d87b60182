"""From Kafka into the one transaction: decode, gate, offsets, loud stop.

At each assignment, and whenever other records come than those that are next, the record before ours
is read again (shared/offsets.py): when it is gone, is another, or the cluster is another, reading
stops and says what is missing, where aiokafka would jump over it in silence.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import KafkaAckableMessage
from sqlalchemy import Connection

from shared import offsets, parking, topics
from shared.contracts import partners
from shared.contracts.strict import Unreadable
from shared.databases import Away, Database
from shared.lag import Lag
from shared.offsets import NOWHERE, Moved, Place
from shared.telemetry import Metrics
from shared.topics import Welcome

BATCH = 2_000
BUGS_IN_A_ROW = 100  # then code is wrong, not a record: stop before the whole topic is set aside
ATTEMPTS = 3  # for a record that is alone; several are taken apart at once
ACK_SECONDS = 5.0
BEGIN_SECONDS = 10.0
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 2.0  # seconds between two tries to reach a broker that is away
SESSION_MS = 6_000  # a broker's least; so long does one that was killed hold its partitions
STILL_SECONDS = 120.0  # who has something to read and does not move begins with a new consumer
SLEPT_SECONDS = 2.0  # not a word from ourselves for so long: we stood still, the world did not

log = logging.getLogger(__name__)
FASTSTREAM = logging.getLogger(f"{__name__}.faststream")  # without one, errors of its loop are mute
FASTSTREAM.setLevel(logging.ERROR)
T = TypeVar("T")


@dataclass
class Listener(Generic[T]):
    """One service's reading. `read` makes things of a record, none when nobody here cares, or
    raises Unreadable; `take` does what they ask inside the transaction and answers an outcome for
    each. `welcome` says which topics are read as well, once they are there, and `subscribed` which
    ones are read now. `stopped` says why reading stopped until a person acts, `waits` why it does
    not go on yet.
    """

    database: Database
    kafka: str
    group: str
    topics: Sequence[str]
    read: Callable[[ConsumerRecord], Sequence[T]]
    take: Callable[[Connection, Sequence[T], datetime], Sequence[str]]
    metrics: Metrics
    now: Callable[[], datetime]
    committed: Callable[[], None] = lambda: None
    welcome: Welcome | None = None
    subscribed: Sequence[str] = ()
    stopped: str = ""
    waits: str = ""
    cluster: str = ""
    bugs: int = 0
    gate: asyncio.Lock = field(default_factory=asyncio.Lock)
    places: dict[TopicPartition, Place] = field(default_factory=dict)
    lag: Lag = field(default_factory=Lag)
    leave: asyncio.Event = field(default_factory=asyncio.Event)
    resumed: asyncio.Event = field(default_factory=asyncio.Event)

    def trouble(self) -> str:
        """Why nothing is read; "" while all is well."""
        return self.stopped or self.waits

    def halt(self, why: str) -> None:
        """Stop reading, loudly, until a person acts."""
        if not self.stopped:
            self.stopped = why
            self.metrics.stopped.set(1)
            log.error("reading stopped: %s", why)
        self.leave.set()

    def resume(self) -> None:
        """Begin anew from where the database says, after a person acted."""
        self.stopped, self.bugs = "", 0
        self.metrics.stopped.set(0)
        self.leave.set()
        self.resumed.set()


async def begin_again(listener: Listener[Any], topic: str) -> int:
    """Read a topic from its log's start, whether reading had stopped or not; in how many
    partitions it had been read. Raises Away.
    """
    async with listener.gate:
        forgotten: int = await listener.database.write(lambda c: offsets.forget(c, topic))
        listener.places.clear()
        listener.resume()
    return forgotten


async def run(listener: Listener[Any]) -> None:
    """Read for ever; with the broker away wait and go
    on; after a loud stop wait until a person acted.
    """
    pause = FIRST_PAUSE
    while True:
        while listener.stopped:
            await listener.resumed.wait()
            listener.resumed.clear()
        listener.leave.clear()
        try:
            await _topics_there(listener)
            await _attend(listener)
            pause = FIRST_PAUSE
        except (KafkaError, OSError) as trouble:
            listener.waits = "the broker does not answer"
            listener.metrics.away.labels("broker").inc()
            log.warning(listener.waits, extra={"cause": str(trouble)[:200], "seconds": pause})
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)


async def _attend(listener: Listener[Any]) -> None:
    """Read until there is a reason to leave. Raises what a broker raises that is away."""
    broker, reading = _broker(listener)
    listener.places.clear()
    listener.waits = "no partitions were given to it yet"
    tasks: list[asyncio.Task[Any]] = []
    try:
        # It returns once partitions are assigned, and waits for that through any broker's death.
        await topics.while_there(listener.kafka, broker.start())
        work = [listener.leave.wait(), _pulse(reading), _tend(reading), _watch(reading, broker)]
        if listener.welcome is not None:
            work.append(_look_for_more(listener))
        tasks = [asyncio.create_task(one) for one in work]
        for ended in (await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED))[0]:
            ended.result()
    finally:
        for task in tasks:
            task.cancel()
        await broker.stop()


async def _topics_there(listener: Listener[Any]) -> None:
    """Wait for topics that are not there: subscribing to one waits in silence for ever."""

    def missing(names: str) -> None:
        listener.waits = f"topics are missing: {names}; make them with python -m deploy.topics"
        log.warning(listener.waits)

    listener.subscribed = await topics.once_there(
        listener.kafka, listener.topics, listener.welcome, missing
    )


async def _look_for_more(listener: Listener[Any]) -> None:
    """Subscribe anew when a welcome topic has come, or one has gone."""
    while listener.subscribed == await topics.after_a_while(
        listener.kafka, listener.topics, listener.welcome, listener.subscribed
    ):
        pass
    log.info("the topics to read have changed")
    listener.leave.set()


def _broker(listener: Listener[Any]) -> tuple[KafkaBroker, "_Reading"]:
    """FastStream's broker with one batch subscriber:
    raw records, acknowledged by hand inside the gate.
    """
    broker = KafkaBroker(
        listener.kafka,
        allow_auto_create_topics=False,
        graceful_timeout=20,
        metadata_max_age_ms=5_000,  # a topic deleted and made again is noticed no sooner
        logger=FASTSTREAM,
        client_id=listener.group,
    )
    reading = _Reading(listener)

    async def parser(records: tuple[ConsumerRecord, ...]) -> KafkaAckableMessage:
        first, last = records[0], records[-1]
        return KafkaAckableMessage(
            raw_message=records,
            body=[],
            headers={},
            batch_headers=[],
            reply_to="",
            content_type=None,
            message_id=f"{first.topic}-{first.partition}-{first.offset}-{last.offset}",
            correlation_id="",
            path={},
            consumer=subscriber.consumer,
        )

    async def decoder(_message: KafkaMessage) -> bytes:
        return b""

    subscriber = broker.subscriber(
        *listener.subscribed,
        batch=True,
        group_id=listener.group,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.MANUAL,
        batch_timeout_ms=20,
        max_records=BATCH,
        rebalance_timeout_ms=30_000,
        session_timeout_ms=SESSION_MS,
        heartbeat_interval_ms=SESSION_MS // 4,
        isolation_level="read_committed",
        listener=reading,
        parser=parser,
        decoder=decoder,
        no_reply=True,
    )
    reading.subscriber = subscriber

    @subscriber
    async def handle(message: KafkaMessage) -> None:
        await _batch(reading, message)

    return broker, reading


class _Reading(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """One consumer while it lives, and where its partitions are read. aiokafka asks for a subclass.

    A partition that is assigned and not in the listener's `places` has not begun: what comes of it
    is dropped, and `_tend` tries again to have it begin.
    """

    def __init__(self, listener: Listener[Any]) -> None:
        self.listener = listener
        self.subscriber: Any = None
        self.mine: set[TopicPartition] = set()
        self.doubt = False
        self.since = self.seen = time.monotonic()

    async def on_partitions_revoked(self, _revoked: set[TopicPartition]) -> None:
        async with self.listener.gate:  # the batch at work finishes first, so nobody else begins it
            self.mine = set()
            self.listener.places.clear()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        listener = self.listener
        async with listener.gate:
            self.mine = set(assigned)
            listener.lag.keep(assigned)
            await self.begin(assigned)

    async def begin(self, partitions: Collection[TopicPartition], asked: bool = False) -> None:
        """Go where the database says, or stop when the log is not the one we read; later, while
        database or broker are away. `asked`: because other records came than those that are next.
        """
        for where in partitions:
            self.listener.places.pop(where, None)
        try:
            if partitions:
                # aiokafka asks a broker that died for minutes; meanwhile nobody could tell of it.
                async with asyncio.timeout(BEGIN_SECONDS):
                    await self._begin(partitions, asked)
        except (Away, KafkaError, OSError, TimeoutError) as trouble:
            log.warning("reading cannot begin yet", extra={"cause": str(trouble)[:200]})

    async def _begin(self, partitions: Collection[TopicPartition], asked: bool) -> None:
        consumer, listener = self.subscriber.consumer, self.listener
        async with topics.admin(listener.kafka) as admin:
            listener.cluster = (await admin.describe_cluster())["cluster_id"]
        kept = await listener.database.read(lambda c: offsets.rows(c, listener.subscribed))
        first = await consumer.beginning_offsets(list(partitions))
        end = await consumer.end_offsets(list(partitions))
        for where in partitions:
            row = kept.get(where)
            if row and (why := offsets.gap(where, row, first[where], end[where], listener.cluster)):
                self._halt(where, why)
                return
            place = offsets.place(row, first[where], asked)
            consumer.seek(where, place.begin)
            listener.places[where] = place

    def _halt(self, where: TopicPartition, why: str) -> None:
        self.listener.halt(f"{why}. {offsets.mend(where.topic, self.listener.group)}")

    def unbegun(self) -> set[TopicPartition]:
        """What is ours to read and has not begun."""
        return self.mine - self.listener.places.keys()

    def slept(self) -> bool:
        """Whether this process stood still since it was last asked."""
        now, before = time.monotonic(), self.seen
        self.seen = now
        return now - before > SLEPT_SECONDS

    async def expected(self, records: Sequence[ConsumerRecord]) -> list[ConsumerRecord]:
        """Of what came, the records that are next. Of a partition of which others came, none: it
        begins once more. After a sleep all do, because another log may stand under the old name.
        """
        listener = self.listener
        if self.slept() or self.doubt:
            self.doubt = False
            await self.begin(set(listener.places), asked=True)
            return []
        fresh, strange, changed = offsets.sorted_out(listener.places, records)
        if changed:
            self._halt(*changed)
            return []
        await self.begin(strange, asked=True)
        return fresh

    def back(self, records: Iterable[ConsumerRecord]) -> None:
        """Have the partitions of records begin once more, where the database says."""
        for where in offsets.by_partition(records):
            self.listener.places.pop(where, None)


async def _batch(reading: _Reading, message: KafkaMessage) -> None:
    """One batch: checked, taken, committed to the database,
    then to Kafka; given again when the database is away.
    """
    listener, pause = reading.listener, 0.0
    async with listener.gate:
        if listener.stopped:
            return
        records: Sequence[ConsumerRecord] = message.raw_message
        try:
            if fresh := await reading.expected(records):
                with listener.metrics.batch_seconds.time():
                    await _take(listener, fresh)
            async with asyncio.timeout(ACK_SECONDS):
                await message.ack()
        except (TimeoutError, KafkaError):
            pass  # the transaction stands; who reads on from our offset meets what is known
        except Moved as moved:
            log.warning("another process reads here", extra={"cause": str(moved)})
            await reading.begin(set(offsets.by_partition(records)))
        except Away as away:
            listener.metrics.away.labels("database").inc()
            log.warning(
                "the database does not answer: the batch waits", extra={"cause": str(away)[:200]}
            )
            reading.back(records)
            pause = 1.0
        except Exception as bug:
            log.exception("a batch cannot be taken")
            why = f"a batch could not be taken: {_said(bug)}. Mend the fault and start again"
            listener.halt(why)
    if pause:
        await asyncio.sleep(pause)


async def _take(listener: Listener[Any], records: Sequence[ConsumerRecord]) -> None:
    """Records in one transaction; when it fails, in halves, until
    the one at fault stands alone and is set aside. Raises Away, Moved.
    """
    fault: Exception
    for attempt in range(ATTEMPTS if len(records) == 1 else 1):
        if attempt:
            await asyncio.sleep(0.1 * 2**attempt)
        try:
            await _commit(listener, records, _read(listener, records))
        except (Away, Moved):
            raise
        except Exception as bug:
            log.warning("a batch fails", extra={"count": len(records), "cause": _said(bug)})
            fault = bug
        else:
            return
    if len(records) > 1:
        middle = len(records) // 2
        await _take(listener, records[:middle])
        await _take(listener, records[middle:])
    else:
        log.error("a record met a bug and was set aside", exc_info=fault)
        await _commit(listener, records, _set_aside(listener, records[0], fault))


def _said(bug: Exception) -> str:
    """A bug in one line."""
    return f"{type(bug).__name__}: {bug}".partition("\n")[0][:200]


@dataclass
class _Read:
    """What records say: things, each with its topic; what cannot be read; outcomes so far."""

    now: datetime
    things: list[tuple[str, Any]] = field(default_factory=list)
    parked: list[parking.Parked] = field(default_factory=list)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)


def _set_aside(listener: Listener[Any], record: ConsumerRecord, bug: Exception) -> _Read:
    read = _Read(listener.now())
    read.parked.append(parking.parked_record("bug", type(bug).__name__, str(bug), record, read.now))
    read.outcomes[record.topic, "bug"] += 1
    return read


def _read(listener: Listener[Any], records: Sequence[ConsumerRecord]) -> _Read:
    """What the records say. Raises what a bug in reading raises."""
    read = _Read(listener.now())
    for record in records:
        try:
            found = listener.read(record)
        except Unreadable as trouble:
            code, detail = trouble.code, str(trouble)
            parked = parking.parked_record("unreadable", code, detail, record, read.now)
            parked.party = partners.party_of(record.topic) or ""
            read.parked.append(parked)
            read.outcomes[record.topic, "unreadable"] += 1
        else:
            read.things += ((record.topic, thing) for thing in found)
            read.outcomes[record.topic, "heard" if found else "passed-over"] += 1
    return read


async def _commit(listener: Listener[Any], records: Sequence[ConsumerRecord], read: _Read) -> None:
    """Do what the records say and move the offsets behind them, in one transaction."""

    parts = offsets.by_partition(records)
    places = {where: listener.places.get(where, NOWHERE) for where in parts}

    def work(connection: Connection) -> Sequence[str]:
        things = [thing for _, thing in read.things]
        taken = listener.take(connection, things, read.now) if things else ()
        parking.park(connection, read.parked)
        offsets.save(connection, places, records, listener.cluster)
        return taken

    taken = await listener.database.write(work)
    for where, place in places.items():
        place.next = place.kept = parts[where][-1].offset + 1
        place.asked = False
    _count(listener, read, taken)
    listener.lag.newest = records[-1].timestamp / 1000
    listener.committed()


def _count(listener: Listener[Any], read: _Read, taken: Sequence[str]) -> None:
    for (topic, _), outcome in zip(read.things, taken, strict=True):
        read.outcomes[topic, outcome] += 1
    for (topic, outcome), count in read.outcomes.items():
        listener.metrics.heard.labels(topic, outcome).inc(count)
    alone = [outcome for _, outcome in read.outcomes if outcome == "bug" and not taken]
    for outcome in (*taken, *alone):
        listener.bugs = listener.bugs + 1 if outcome == "bug" else 0
    if listener.bugs >= BUGS_IN_A_ROW:
        met = f"{listener.bugs} facts in a row met a bug and were set aside"
        listener.halt(f"{met}. Mend the fault, start again, then retry them")


async def _pulse(reading: _Reading) -> None:
    """Note each second that we are awake."""
    while True:
        await asyncio.sleep(1)
        reading.doubt = reading.slept() or reading.doubt


async def _tend(reading: _Reading) -> None:
    """Each second: have begin what has not, unless a broker or a batch is waited for."""
    listener = reading.listener
    while True:
        await asyncio.sleep(1)
        if reading.unbegun() and not listener.waits:
            async with listener.gate:
                await reading.begin(reading.unbegun())


async def _watch(reading: _Reading, broker: KafkaBroker) -> None:
    """Each second: whether the broker answers, and how far behind we are;
    a consumer that stands still is left for a new one.
    """
    listener = reading.listener
    while True:
        await asyncio.sleep(1)
        try:
            answers = await broker.ping(1.0)
            listener.waits = "" if answers else "the broker does not answer"
            if answers:
                async with asyncio.timeout(1):
                    still = await listener.lag.measure(
                        reading.subscriber.consumer,
                        tuple(listener.places),
                        listener.subscribed,
                        listener.metrics,
                    )
                still = min(still, time.monotonic() - reading.since)
                if still > STILL_SECONDS and not listener.gate.locked():  # no batch is at work
                    log.warning("reading stands still: a new consumer", extra={"seconds": still})
                    listener.leave.set()
        except (KafkaError, OSError, TimeoutError) as trouble:
            log.warning("the broker does not answer", extra={"cause": str(trouble)[:200]})
