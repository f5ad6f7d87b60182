"""One reader on a real broker: what it hears when a part of it, or its database, fails."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import NewTopic
from sqlalchemy import Connection

from shared import listening, telemetry, topics
from shared.databases import Away, open_database
from shared.listening import Listener
from shared.offsets import OFFSET
from shared.parking import PARKED
from tests.places import Kafka

PARTITIONS = 2


@dataclass
class Reader:
    """A listener that keeps what it hears, and the consumers that it had. `away`: its database."""

    kafka: str
    topic: str
    listener: Listener[str]
    away: asyncio.Event
    running: "asyncio.Task[None]" = field(init=False)
    heard: list[str] = field(default_factory=list)
    consumers: list[AIOKafkaConsumer] = field(default_factory=list)

    async def tell(self, *words: str, partition: int = 0, **settings: Any) -> None:
        """Have words sent to a partition, by a producer with these settings."""
        producer = AIOKafkaProducer(bootstrap_servers=self.kafka, **settings)
        async with producer:
            for word in words:
                await producer.send_and_wait(self.topic, word.encode(), partition=partition)

    async def hears(self, *words: str) -> None:
        """Wait until exactly these were heard, in whatever order. Raises AssertionError."""
        await until(lambda: len(self.heard) >= len(words), f"it hears {words}")
        assert sorted(self.heard) == sorted(words)

    def metric(self, name: str, **labels: str) -> float:
        value = self.listener.metrics.registry.get_sample_value(f"trousseau_{name}", labels)
        return value or 0.0


async def until(so: Callable[[], object], what: str) -> None:
    try:
        async with asyncio.timeout(60):
            while not so():  # noqa: ASYNC110  nothing of it would set an event
                await asyncio.sleep(0.03)
    except TimeoutError:
        raise AssertionError(f"{what}: not so") from None


@pytest.fixture
async def reader(
    kafka: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Reader]:
    """A reader at work, alone on a topic of its own."""
    monkeypatch.setattr(listening, "STILL_SECONDS", 3.0)
    topic = f"words-{secrets.token_hex(4)}"
    async with topics.admin(kafka.bootstrap) as admin:
        await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
    real = open_database(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    away = asyncio.Event()

    def unless_away(ask: Callable[[Any], Awaitable[Any]]) -> Callable[[Any], Awaitable[Any]]:
        async def asked(work: Any) -> Any:
            if away.is_set():
                raise Away("it is away")
            return await ask(work)

        return asked

    database = replace(real, write=unless_away(real.write), read=unless_away(real.read))

    def read(record: ConsumerRecord) -> list[str]:
        return [record.value.decode()]

    def take(_: Connection, words: Sequence[str], _now: datetime) -> list[str]:
        made.heard += words
        return ["heard"] * len(words)

    def now() -> datetime:
        return datetime.now(UTC)

    listener = Listener(
        database, kafka.bootstrap, topic, [topic], read, take, telemetry.metrics(), now
    )
    made = Reader(kafka.bootstrap, topic, listener, away)
    monkeypatch.setattr(listening, "_broker", remembered(made, listening._broker))  # noqa: SLF001  a test hurts it
    await real.write(lambda c: OFFSET.metadata.create_all(c, tables=[OFFSET, PARKED]))
    made.running = asyncio.create_task(listening.run(listener))
    await until(lambda: len(listener.places) == PARTITIONS, "it reads")
    yield made
    made.running.cancel()
    await asyncio.wait([made.running])
    await real.close()


def remembered(made: Reader, broker: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What makes a consumer, keeping it where a test can hurt it."""

    def remember(listener: Any) -> Any:
        one, reading = broker(listener)
        begin = reading.on_partitions_assigned

        async def assigned(partitions: set[TopicPartition]) -> None:
            made.consumers.append(reading.subscriber.consumer)
            await begin(partitions)

        reading.on_partitions_assigned = assigned
        return one, reading

    return remember


async def test_what_is_told_is_heard_once_whatever_it_is_compressed_with(reader: Reader) -> None:
    for codec in (None, "gzip", "snappy", "lz4", "zstd"):
        await reader.tell(str(codec), compression_type=codec)
    await reader.hears("None", "gzip", "snappy", "lz4", "zstd")


async def test_a_consumer_that_fetches_no_more_is_left_for_a_new_one(reader: Reader) -> None:
    await reader.tell("before")
    await reader.hears("before")
    reader.consumers[-1]._fetcher._fetch_task.cancel()  # noqa: SLF001  as a bug of it would
    await asyncio.sleep(1)  # what it has asked for still comes
    await reader.tell("after")
    await until(lambda: reader.metric("consumer_lag_seconds") > 1, "the metric tells of it")
    await reader.hears("before", "after")
    assert len({id(one) for one in reader.consumers}) == 2


async def test_a_consumer_whose_group_task_has_ended_is_left_for_a_new_one(reader: Reader) -> None:
    await reader.tell("before")
    await reader.hears("before")
    reader.consumers[-1]._coordinator._coordination_task.cancel()  # noqa: SLF001  as above
    await reader.tell("after", partition=1)
    await reader.hears("before", "after")


async def test_while_nothing_fails_a_consumer_is_kept_and_nothing_stands_still(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "STILL_SECONDS", 60.0)  # no machine is so slow
    for word in "abcdefgh":
        await reader.tell(word, partition=ord(word) % PARTITIONS)
        await asyncio.sleep(0.6)
    await reader.hears(*"abcdefgh")
    assert len({id(one) for one in reader.consumers}) == 1
    await until(lambda: not reader.metric("consumer_lag_seconds"), "nothing waits")
    reads = reader.metric("consumer_partitions", topic=reader.topic)
    assert reads == PARTITIONS == reader.metric("topic_partitions", topic=reader.topic)


async def test_the_mark_of_a_transaction_at_the_end_of_a_topic_is_nothing_to_read(
    reader: Reader,
) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=reader.kafka, transactional_id=reader.topic)
    async with producer, producer.transaction():
        await producer.send_and_wait(reader.topic, b"a", partition=0)
    await reader.hears("a")
    await asyncio.sleep(listening.STILL_SECONDS + 2)
    assert len({id(one) for one in reader.consumers}) == 1
    assert reader.metric("consumer_lag_seconds") < listening.STILL_SECONDS
    assert reader.metric("consumer_lag_records", topic=reader.topic) == 0


async def test_what_came_while_the_database_was_away_is_taken_when_it_is_back(
    reader: Reader,
) -> None:
    await reader.tell("a")
    await reader.tell("b", partition=1)
    await reader.hears("a", "b")
    reader.away.set()
    # Another record than the next one, behind a transaction's mark: its partition begins again.
    for word in ("c", "d"):
        producer = AIOKafkaProducer(bootstrap_servers=reader.kafka, transactional_id=reader.topic)
        async with producer, producer.transaction():
            await producer.send_and_wait(reader.topic, word.encode(), partition=0)
    await reader.tell("e", partition=1)
    await until(lambda: reader.listener.metrics.away.labels("database")._value.get(), "it waits")  # noqa: SLF001  a test hurts it
    reader.away.clear()
    await reader.hears("a", "b", "c", "d", "e")


async def test_a_part_of_reading_that_meets_a_bug_ends_it_loudly(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def bug(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(reader.listener.lag, "measure", bug)
    await until(reader.running.done, "reading ends")
    with pytest.raises(ZeroDivisionError):
        await reader.running
