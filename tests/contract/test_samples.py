"""`python -m deploy.samples`: a fact's sample is taken as it travelled, and stays."""

import json
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.published import SCHEMAS
from deploy.samples import NoSampleError, keep, travelled
from tests.contract.places import recorded
from tests.places import Kafka

NAME = "delivery.laptop-received.v1"
PARTITIONS = 3


@pytest.fixture
async def publisher(kafka: Kafka) -> str:
    """A publisher that nobody else hears, with its topic."""
    name = f"samples{uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(f"{name}.facts", PARTITIONS, 1)])
    await admin.close()
    return name


async def say(kafka: Kafka, publisher: str, *facts: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
    await producer.start()
    for place, fact in enumerate(facts):
        headers = [("ce_type", f"{publisher}.{fact}".encode()), ("ce_sequence", b"1")]
        told = {"value": b'{"school":"0670080Y"}', "key": f"hp/{fact}".encode(), "headers": headers}
        await producer.send_and_wait(f"{publisher}.facts", partition=place % PARTITIONS, **told)
    await producer.stop()


async def test_a_fact_is_found_among_others_and_kept_as_it_travelled(
    kafka: Kafka, publisher: str, tmp_path: Path
) -> None:
    await say(kafka, publisher, "a.v1", "b.v1", "c.v1", "d.v1", "wanted.v1", "e.v1")
    name = f"{publisher}.wanted.v1"
    (tmp_path / SCHEMAS / "samples").mkdir(parents=True)
    file = keep(await travelled(kafka.bootstrap, name), name, tmp_path)
    assert file == tmp_path / SCHEMAS / "samples" / f"{name}.json"
    assert json.loads(file.read_text()) == {
        "key": "hp/wanted.v1",
        "headers": {"ce_type": name, "ce_sequence": "1"},
        "body": {"school": "0670080Y"},
    }


async def test_a_fact_that_nobody_said_is_told_in_a_sentence(kafka: Kafka, publisher: str) -> None:
    await say(kafka, publisher, "a.v1")
    with pytest.raises(NoSampleError, match=rf"{publisher}\.facts at .* holds no {publisher}\.b"):
        await travelled(kafka.bootstrap, f"{publisher}.b.v1")


async def test_a_broker_that_is_away_is_told_in_a_sentence() -> None:
    with pytest.raises(NoSampleError, match=r"Kafka at .* does not answer"):
        await travelled("127.0.0.1:1", NAME)


def test_a_sample_that_is_there_is_not_touched(tmp_path: Path) -> None:
    kept = tmp_path / SCHEMAS / "samples" / f"{NAME}.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("{}")
    with pytest.raises(NoSampleError, match="a sample is never edited"):
        keep(recorded(NAME), NAME, tmp_path)
    assert kept.read_text() == "{}"
