"""Makes the topics of topics.toml where missing; refuses a broker that has them otherwise.

The order of a laptop's facts hangs on the number of partitions, so none is ever altered.

    python -m deploy.topics --kafka 127.0.0.1:8092 --partner carrier:acme
"""

import argparse
import asyncio
import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from shared.contracts import identifiers

FILE = Path(__file__).with_name("topics.toml")
ENOUGH_FOR_A_QUORUM = 3
TRY_AGAIN_SECONDS = 0.25
REQUEST_TIMEOUT_MS = 10_000


class TopicsError(Exception):
    """The broker is away, or has topics other than declared. The text is for a person."""


class Topic(msgspec.Struct, frozen=True):
    """One topic as it has to be. `settings` are Kafka's own names and texts."""

    name: str
    partitions: int
    settings: Mapping[str, str]


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table of topics.toml: topics that are alike."""

    topics: tuple[str, ...]
    partitions: int
    settings: dict[str, str]


class Declaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of topics.toml."""

    facts: Kind
    partners: Kind


def declared(parties: Iterable[str] = ()) -> tuple[Topic, ...]:
    """Every topic there has to be: the facts', and those of the given parties ("carrier:acme").

    Raises ValueError for a party whose name no topic can bear.
    """
    file = msgspec.toml.decode(FILE.read_bytes(), type=Declaration)
    partners = [_partner(party) for party in parties]
    of_partners = [name.format(partner=one) for one in partners for name in file.partners.topics]
    return _alike(file.facts, file.facts.topics) + _alike(file.partners, of_partners)


def partner_topic(party: str) -> str:
    """The topic a party sends its delivery events to; ":" may not stand in a topic's name.

    >>> partner_topic("carrier:acme")
    'partners.carrier.acme.delivery'
    """
    return f"partners.{_partner(party)}.delivery"


def _partner(party: str) -> str:
    return identifiers.party(party).replace(":", ".")


def _alike(kind: Kind, names: Iterable[str]) -> tuple[Topic, ...]:
    return tuple(Topic(name, kind.partitions, kind.settings) for name in names)


async def declare(
    bootstrap: str,
    replication: int = 1,
    *,
    parties: Iterable[str] = (),
    patience_seconds: float = 30,
) -> list[str]:
    """Make the topics that are missing, check those that are there; returns the names made.

    Waits up to `patience_seconds` for a broker that is still starting, and for a leader of every
    partition. Raises TopicsError when the broker stays away, or when a topic differs: a topic is
    never altered here, because its records would then lie where nobody looks for them.
    """
    wanted = declared(parties)
    made: list[str] = []
    trouble = "it did not answer"
    try:
        async with asyncio.timeout(patience_seconds):
            while True:
                try:
                    await _attempt(bootstrap, wanted, replication, made)
                    return made
                except KafkaError as refusal:
                    trouble = str(refusal).rstrip(".") or type(refusal).__name__
                    await asyncio.sleep(TRY_AGAIN_SECONDS)
    except TimeoutError:
        raise TopicsError(
            f"The topics could not be declared on Kafka at {bootstrap} within "
            f"{patience_seconds:g} s: {trouble}. Is it running, and has it {replication} broker(s)?"
        ) from None


async def _attempt(
    bootstrap: str, wanted: Sequence[Topic], replication: int, made: list[str]
) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=REQUEST_TIMEOUT_MS)
    try:
        await admin.start()
        there = await _partitions(admin)
        missing = [topic for topic in wanted if topic.name not in there]
        await _make(admin, missing, replication, made)
        names = {topic.name for topic in wanted}
        while missing and not _all_led(there, names):
            await asyncio.sleep(TRY_AGAIN_SECONDS)
            there = await _partitions(admin)
        settings = await _settings(admin, wanted)
    finally:
        await admin.close()
    if differences := list(_differences(wanted, there, settings, replication)):
        raise TopicsError(" ".join(differences))


async def _partitions(admin: Any) -> dict[str, list[dict[str, Any]]]:
    """Every topic of the broker with its partitions, as Kafka's metadata answer has them."""
    return {one["topic"]: one["partitions"] for one in await admin.describe_topics()}


def _all_led(there: Mapping[str, list[dict[str, Any]]], names: Iterable[str]) -> bool:
    return all(there.get(name) and all(one["leader"] >= 0 for one in there[name]) for name in names)


async def _make(admin: Any, missing: Sequence[Topic], replication: int, made: list[str]) -> None:
    """Make the topics and note their names in `made`, which outlives an attempt that fails."""
    if not missing:
        return
    # With three copies one may be away; with fewer there is nothing to spare.
    quorum = {"min.insync.replicas": "2"} if replication >= ENOUGH_FOR_A_QUORUM else {}
    answer = await admin.create_topics(
        [
            NewTopic(
                topic.name,
                topic.partitions,
                replication,
                topic_configs={**topic.settings, **quorum},
            )
            for topic in missing
        ]
    )
    for name, code, message in answer.topic_errors:
        error = for_code(code)
        if not code:
            made.append(name)
        # Another process made it between our look and our wish; it is checked like any other.
        elif error is not TopicAlreadyExistsError:
            raise error(f"{name}: {message or error.__name__}")


async def _settings(admin: Any, topics: Sequence[Topic]) -> dict[str, dict[str, str]]:
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, topic.name, dict.fromkeys(topic.settings, ""))
        for topic in topics
    ]
    found: dict[str, dict[str, str]] = {}
    for answer in await admin.describe_configs(resources):
        for code, message, _type, name, entries in answer.resources:
            if code:
                raise for_code(code)(f"{name}: {message}")
            found[name] = {entry[0]: entry[1] for entry in entries}
    return found


def _differences(
    wanted: Sequence[Topic],
    there: Mapping[str, list[dict[str, Any]]],
    settings: Mapping[str, Mapping[str, str]],
    replication: int,
) -> Iterable[str]:
    for topic in wanted:
        partitions = there[topic.name]
        if len(partitions) != topic.partitions:
            yield (
                f"Topic {topic.name} has {len(partitions)} partitions where {FILE.name} says "
                f"{topic.partitions}: the order of its facts hangs on that number, so move its "
                "records to a topic that has it (on a trial system: delete the topic)."
            )
        copies = min((len(one["replicas"]) for one in partitions), default=0)
        if copies < replication:
            yield f"Topic {topic.name} has {copies} copies where {replication} are asked for."
        for name, value in topic.settings.items():
            found = settings[topic.name].get(name)
            if found != value:
                yield (
                    f"Topic {topic.name} has {name}={found} where {FILE.name} says {value}: set it "
                    f"with kafka-configs --alter --topic {topic.name} --add-config {name}={value}."
                )


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    # Each refused connection would be a warning of its own; the last one is told at the end.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        made = asyncio.run(
            declare(
                options.kafka,
                options.replication,
                parties=options.partner,
                patience_seconds=options.patience,
            )
        )
    except (TopicsError, ValueError) as trouble:
        sys.stderr.write(f"{trouble}\n")
        return 1
    sys.stdout.write(f"Made: {', '.join(made)}.\n" if made else "Every topic is as declared.\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.topics",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--kafka", required=True, metavar="HOST:PORT", help="bootstrap servers")
    parser.add_argument(
        "--partner",
        nargs="+",
        default=[],
        metavar="PARTY",
        help="parties that send by Kafka, as carrier:acme; each gets its own topic",
    )
    parser.add_argument(
        "--replication", type=int, default=1, help="copies of each partition (default: 1)"
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=30,
        metavar="SECONDS",
        help="how long to wait for a broker that is still starting (default: 30)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
