"""A topic full of facts: laptops that ordering announced, as its relay sends them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from secrets import token_hex

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.partitioner import DefaultPartitioner

from shared.contracts.envelope import Envelope, headers
from shared.contracts.ordering import LaptopAnnounced
from shared.hearing import tag
from shared.ledger import fact_id

PARTITIONS = 12
START, RECEIVED = datetime(2020, 8, 24, 8, tzinfo=UTC), datetime(2020, 9, 1, 8, tzinfo=UTC)


@asynccontextmanager
async def fresh(kafka: str) -> AsyncIterator[str]:
    """The name of a new, empty topic, deleted at the end."""
    name = f"benchmark.{token_hex(4)}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, PARTITIONS, 1)])
        yield name
        await admin.delete_topics([name])
    finally:
        await admin.close()


def announced(number: int) -> Envelope:
    """The nth laptop's announcement."""
    order = f"BC2020-{number // 500:03d}"
    fact = LaptopAnnounced(order, str(number % 20), "0670080Y", "HP 245 G8", "L1", "hexalog")
    key, party = f"hewlett-packard/5CD{number:07d}", "supplier:hexalog"
    said = f"{order}/{key}"
    return Envelope(
        fact=fact_id("ordering", party, said, key, 0),
        type=tag(LaptopAnnounced),
        key=key,
        source=party,
        id=said,
        happened_at=START + timedelta(milliseconds=37 * number),
        recorded_at=START + timedelta(milliseconds=37 * number, seconds=2),
        sequence=1,
        correlation=fact_id("", party, said, "", 0),
        trace="",
        body=msgspec.json.encode(fact),
    )


async def fill(kafka: str, topic: str, count: int) -> None:
    """Put as many announcements into a topic."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", max_batch_size=1 << 20)
    await producer.start()
    try:
        partitions, choose = list(range(PARTITIONS)), DefaultPartitioner()
        batches = {one: producer.create_batch() for one in partitions}
        sent = []
        for number in range(count):
            fact = announced(number)
            key = fact.key.encode()
            where = choose(key, partitions, partitions)
            record = {
                "key": key, "value": fact.body, "headers": headers(fact),
                "timestamp": int(fact.recorded_at.timestamp() * 1000),
            }  # fmt: skip
            if batches[where].append(**record) is None:
                sent.append(await producer.send_batch(batches[where], topic, partition=where))
                batches[where] = producer.create_batch()
                batches[where].append(**record)
        for where, batch in batches.items():
            sent.append(await producer.send_batch(batch, topic, partition=where))
        await asyncio.gather(*sent)
    finally:
        await producer.stop()
