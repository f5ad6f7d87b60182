"""Topics are made where they are missing, and a broker that has them otherwise is refused."""

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy import topics
from deploy.topics import TopicsError, declare, declared, partner_topic
from tests.places import Kafka, free_port

FACTS = ["ordering.facts", "delivery.facts", "repairs.facts", "handover.facts", "enrolment.facts"]


@pytest.fixture
def party() -> str:
    """A partner nobody else has topics for on the shared broker."""
    return f"carrier:{secrets.token_hex(6)}"


async def make(kafka: Kafka, name: str, partitions: int, settings: Mapping[str, str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=dict(settings))])
    await admin.close()


async def look(kafka: Kafka, name: str) -> tuple[int, dict[str, str]]:
    """The topic's number of partitions and its settings, as the broker tells them."""
    admin: Any = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    described = await admin.describe_topics([name])
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    await admin.close()
    settings = {entry[0]: entry[1] for entry in answer.resources[0][4]}
    return len(described[0]["partitions"]), settings


async def test_facts_are_kept_for_ever_in_twelve_partitions(kafka: Kafka) -> None:
    await declare(kafka.bootstrap)

    for name in FACTS:
        partitions, settings = await look(kafka, name)
        assert partitions == 12
        assert settings["retention.ms"] == settings["retention.bytes"] == "-1"
        assert settings["cleanup.policy"] == "delete"


async def test_what_partners_send_is_kept_thirty_days_from_its_arrival(
    kafka: Kafka, party: str
) -> None:
    await declare(kafka.bootstrap, parties=[party])

    partitions, settings = await look(kafka, partner_topic(party))
    assert partitions == 12
    assert int(settings["retention.ms"]) == 30 * 24 * 60 * 60 * 1000
    assert settings["message.timestamp.type"] == "LogAppendTime"


async def test_declaring_twice_makes_nothing_the_second_time(kafka: Kafka, party: str) -> None:
    first = await declare(kafka.bootstrap, parties=[party])
    second = await declare(kafka.bootstrap, parties=[party])

    assert partner_topic(party) in first
    assert second == []


async def test_two_who_declare_at_once_both_succeed(kafka: Kafka, party: str) -> None:
    made = await asyncio.gather(*[declare(kafka.bootstrap, parties=[party]) for _ in range(2)])

    assert sorted(name for one in made for name in one).count(partner_topic(party)) == 1


async def test_a_topic_with_another_number_of_partitions_is_named(kafka: Kafka, party: str) -> None:
    await make(kafka, partner_topic(party), 3, declared([party])[-1].settings)

    with pytest.raises(TopicsError) as refusal:
        await declare(kafka.bootstrap, parties=[party])
    assert f"{partner_topic(party)} has 3 partitions where topics.toml says 12" in str(
        refusal.value
    )
    assert (await look(kafka, partner_topic(party)))[0] == 3


async def test_a_topic_that_forgets_too_early_is_named_with_the_command_that_mends_it(
    kafka: Kafka, party: str
) -> None:
    wanted = declared([party])[-1].settings
    await make(kafka, partner_topic(party), 12, {**wanted, "retention.ms": "1000"})

    with pytest.raises(TopicsError) as refusal:
        await declare(kafka.bootstrap, parties=[party])
    assert "has retention.ms=1000 where topics.toml says 2592000000" in str(refusal.value)
    assert "--add-config retention.ms=2592000000" in str(refusal.value)


async def test_a_broker_that_is_still_starting_is_waited_for(kafka: Kafka, party: str) -> None:
    kafka.stop()
    starting = asyncio.create_task(asyncio.to_thread(kafka.start))

    made = await declare(kafka.bootstrap, parties=[party])

    await starting
    # A broker that has just begun may not know yet what it has, and is asked for all of it again.
    assert partner_topic(party) in made
    assert await declare(kafka.bootstrap, parties=[party]) == []


async def test_a_broker_that_stays_away_is_named() -> None:
    address = f"127.0.0.1:{free_port()}"

    with pytest.raises(TopicsError, match=f"on Kafka at {address} within 0.5 s"):
        await declare(address, patience_seconds=0.5)


async def test_more_copies_than_brokers_are_refused(kafka: Kafka, party: str) -> None:
    with pytest.raises(TopicsError, match=r"has it 4 broker\(s\)"):
        await declare(kafka.bootstrap, 4, parties=[party], patience_seconds=1)


def test_the_command_says_what_it_made(
    kafka: Kafka, party: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--kafka", kafka.bootstrap, "--partner", party]

    assert topics.main(words) == 0
    assert partner_topic(party) in capsys.readouterr().out
    assert topics.main(words) == 0
    assert capsys.readouterr().out == "Every topic is as declared.\n"
    assert topics.main([*words, "carrier:a/b"]) == 1
    assert "'a/b' is not a party's name" in capsys.readouterr().err
    assert topics.main([*words, "truck:acme"]) == 1
    assert "'truck:acme' is not a party" in capsys.readouterr().err
