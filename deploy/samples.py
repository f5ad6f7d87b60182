"""Keeps a record as it travelled: the golden sample of a fact, which is never edited again.

The record is the first of its fact on the topic.

    python -m deploy.samples delivery.laptop-received.v1 --kafka 127.0.0.1:8092
"""

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from deploy.published import ROOT, SCHEMAS
from shared.contracts import envelope
from shared.contracts.published.schemas import text


class NoSampleError(Exception):
    """There is none to be had: one sentence."""


async def travelled(kafka: str, name: str) -> ConsumerRecord:
    """The first record found of a wire name, on its publisher's topic. Raises NoSampleError."""
    topic = f"{name.partition('.')[0]}.facts"
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest")
    try:
        await consumer.start()
        found = await _found(consumer, name)
    except KafkaError as trouble:
        raise NoSampleError(f"Kafka at {kafka} does not answer: {trouble}") from None
    finally:
        await consumer.stop()
    if found is None:
        raise NoSampleError(f"{topic} at {kafka} holds no {name}: let a service say it first")
    return found


async def _found(consumer: Any, name: str) -> ConsumerRecord | None:
    end: dict[TopicPartition, int] = await consumer.end_offsets(consumer.assignment())
    while any([await consumer.position(one) < last for one, last in end.items()]):
        for records in (await consumer.getmany(timeout_ms=200)).values():
            for record in records:
                if envelope.type_of(record.headers) == name:
                    return record
    return None


def sample(record: ConsumerRecord) -> dict[str, Any]:
    """A record as it is kept: key, headers, body."""
    headers = {name: (value or b"").decode() for name, value in record.headers}
    return {"key": record.key.decode(), "headers": headers, "body": json.loads(record.value)}


def keep(record: ConsumerRecord, name: str, root: Path = ROOT) -> Path:
    """Write a record as the sample of its fact. Raises NoSampleError when there is one already."""
    file = root / SCHEMAS / "samples" / f"{name}.json"
    if file.exists():
        raise NoSampleError(f"{file.name} is there already: a sample is never edited")
    file.write_text(text(sample(record)))
    return file


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.samples",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", help="a wire name, as delivery.laptop-received.v1")
    parser.add_argument("--kafka", required=True, metavar="HOST:PORT", help="bootstrap servers")
    given = parser.parse_args(words)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        file = keep(asyncio.run(travelled(given.kafka, given.name)), given.name)
    except NoSampleError as trouble:
        sys.stderr.write(f"{trouble}\n")
        return 1
    sys.stdout.write(f"Kept {file.relative_to(ROOT)}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
