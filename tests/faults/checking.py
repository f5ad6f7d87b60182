"""What must hold after any fault, checked from outside: in the databases and on the topics.

Numbers in brackets are the promises of docs/reliability.md.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, func, select

from deploy.topics import declared
from services.delivery import core as delivery
from services.delivery import store as delivery_store
from services.ordering import core as ordering
from services.ordering import store as ordering_store
from services.tracking import consumer, fold, store
from shared import decisions, ledger
from shared.databases import open_database
from shared.decisions import Core, Said
from shared.hearing import tag
from shared.ledger import LEDGER, Shelf
from shared.offsets import OFFSET
from shared.relay import UNSENT
from tests.running import System

T = TypeVar("T")
PATIENCE_SECONDS = 90
PUBLISHERS = ("ordering", "delivery")


def partitions_of(publishers: Container[str]) -> list[TopicPartition]:
    """The partitions of the topics of facts of these services."""
    return [
        TopicPartition(topic.name, number)
        for topic in declared()
        for number in range(topic.partitions)
        if topic.name.partition(".")[0] in publishers
    ]


PARTITIONS = partitions_of(PUBLISHERS)
READERS = {"delivery": ("ordering.facts",), "tracking": ("ordering.facts", "delivery.facts")}
CORES: dict[str, tuple[Core, Mapping[str, Shelf]]] = {
    "ordering": (ordering.CORE, ordering_store.SHELVES),
    "delivery": (delivery.CORE, delivery_store.SHELVES),
}


class Fact(Struct, frozen=True):
    """A ledger row that holds a fact, as it must stand on the topic and in tracking."""

    publisher: str
    key: str
    sequence: int
    type: str
    body: str
    happened_at: datetime
    source: str
    id: str


class Seen(Struct, frozen=True):
    """What a check saw, for the tests that demand that something really happened."""

    facts: int
    again_on_topics: int


def ask(system: System, name: str, work: Callable[[Connection], T]) -> T:
    """A question to a service's database, past the service."""

    async def answer() -> Any:
        database = open_database(system.url_of_database(name))
        try:
            return await database.read(work)
        finally:
            await database.close()

    found: T = asyncio.run(answer())
    return found


# -- rest


def settle(system: System) -> None:
    """Wait until every fact is sent and every record is read. Raises AssertionError when not."""
    until = time.monotonic() + PATIENCE_SECONDS
    while waits := _under_way(system):
        assert time.monotonic() < until, f"it does not come to rest: {waits}"
        time.sleep(0.1)


def unsent(system: System, name: str) -> int:
    """How many facts of a service's ledger Kafka does not have."""
    return ask(system, name, lambda c: c.scalar(select(func.count()).where(UNSENT)) or 0)


def _under_way(system: System) -> list[str]:
    waits = [f"{n} of {name} unsent" for name in PUBLISHERS if (n := unsent(system, name))]
    if waits:
        return waits
    ends = asyncio.run(_ends(system.kafka))
    for reader, topics in READERS.items():
        read = ask(system, reader, offsets)
        for where, end in ends.items():
            if where.topic in topics and read.get((where.topic, where.partition), 0) < end:
                waits.append(f"{reader} at {read.get((where.topic, where.partition))} of {end}")
    return waits


def offsets(connection: Connection) -> dict[tuple[str, int], int]:
    """How far each partition is read: the next offset."""
    rows = connection.execute(select(OFFSET.c.topic, OFFSET.c.partition, OFFSET.c.next))
    return {(row[0], row[1]): row[2] for row in rows}


async def _ends(kafka: str) -> dict[TopicPartition, int]:
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
    await consumer.start()
    try:
        ends: dict[TopicPartition, int] = await consumer.end_offsets(PARTITIONS)
        return ends
    finally:
        await consumer.stop()


def records(kafka: str, publishers: Container[str] = PUBLISHERS) -> list[ConsumerRecord]:
    """Every record of the topics of facts of services, each partition in its order."""
    return asyncio.run(_records(kafka, partitions_of(publishers)))


async def _records(kafka: str, partitions: Sequence[TopicPartition]) -> list[ConsumerRecord]:
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(partitions)
        found: list[ConsumerRecord] = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            while any([await consumer.position(one) < ends[one] for one in partitions]):
                for part in (await consumer.getmany(timeout_ms=200)).values():
                    found += part
        return found
    finally:
        await consumer.stop()


# -- the whole check


def check(
    system: System, claims: Iterable[tuple[str, str, str]] = (), *, refilled: bool = False
) -> Seen:
    """Come to rest, then demand every promise. `claims`: (party, id, laptop) acknowledged.

    refilled: a topic was lost, and refilled behind facts that came since: of all promises only
    the order on the topic cannot be kept then.
    """
    settle(system)
    facts = {name: ask(system, name, partial(_facts, name)) for name in PUBLISHERS}
    both = [fact for name in PUBLISHERS for fact in facts[name]]
    troubles = [
        *_claims_kept(system, claims),
        *_numbered(both),
        *(one for name in PUBLISHERS for one in _states_are_folds(system, name, facts[name])),
        *_tracked(system, both),
    ]
    again, missing = _on_topics(both, records(system.kafka), refilled)
    troubles += missing
    assert not troubles, "\n".join([f"{len(troubles)} promises are broken:", *troubles[:20]])
    return Seen(len(both), again)


def _facts(publisher: str, connection: Connection) -> list[Fact]:
    names = ("key", "sequence", "type", "body", "happened_at", "party", "id", "cause")
    rows = select(*(LEDGER.c[name] for name in names)).where(LEDGER.c.type.is_not(None))
    return [
        Fact(publisher, key, sequence, type, body, happened_at, party, cause or id)
        for key, sequence, type, body, happened_at, party, id, cause in connection.execute(rows)
    ]


def _claims_kept(system: System, claims: Iterable[tuple[str, str, str]]) -> Iterable[str]:
    """Each acknowledged claim is in delivery's ledger, with one fact, and no other is [I1 I2]."""
    wanted = set(claims)
    if not wanted:
        return
    parties = {party for party, _, _ in wanted}

    def kept(connection: Connection) -> Counter[tuple[str, str, str]]:
        rows = select(LEDGER.c.party, LEDGER.c.id, LEDGER.c.key).where(
            LEDGER.c.verdict.is_not(None)
        )
        told = connection.execute(rows.where(LEDGER.c.party.in_(parties)))
        return Counter((row[0], row[1], row[2]) for row in told)

    there = ask(system, "delivery", kept)
    yield from (f"lost after its acknowledgement: {one}" for one in wanted - there.keys())
    yield from (f"in the ledger {n} times: {one}" for one, n in there.items() if n > 1)
    told = {key for _, _, key in wanted}
    strange = (one for one in there.keys() - wanted if one[2] in told)
    yield from (f"in the ledger, and nobody sent it: {one}" for one in strange)


def _numbered(facts: Sequence[Fact]) -> Iterable[str]:
    """The facts of a key are numbered from 1 without gap [I5]."""
    numbers: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for fact in facts:
        numbers[fact.publisher, fact.key].append(fact.sequence)
    for where, given in numbers.items():
        if sorted(given) != list(range(1, len(given) + 1)):
            yield f"{where} is numbered {sorted(given)}"


def _on_topics(
    facts: Sequence[Fact], found: Sequence[ConsumerRecord], refilled: bool
) -> tuple[int, list[str]]:
    """Each fact is on its topic, and of each key the first one of each number in order [I4 I5]."""
    troubles: list[str] = []
    first: dict[tuple[str, str, int], tuple[str, str]] = {}
    again, reached = 0, Counter[tuple[str, str]]()
    for record in found:
        words = {name: value.decode("utf-8", "replace") for name, value in record.headers if value}
        if "ce_dataschema" not in words:
            continue  # something that a test put there
        publisher, key = (
            record.topic.partition(".")[0],
            (record.key or b"").decode("utf-8", "replace"),
        )
        name = (publisher, key, int(words["ce_sequence"]))
        said = (words["ce_type"], (record.value or b"").decode("utf-8", "replace"))
        if name in first:
            again += 1
            if first[name] != said:
                troubles.append(f"one number for two facts on the topic: {name}")
            continue
        first[name] = said
        if name[2] != reached[publisher, key] + 1 and not refilled:
            troubles.append(f"out of order on the topic: {name} after {reached[publisher, key]}")
        reached[publisher, key] = name[2]
    for fact in facts:
        said = first.pop((fact.publisher, fact.key, fact.sequence), ("", ""))
        if said != (fact.type, fact.body):
            troubles.append(f"not on the topic as it is in the ledger: {fact}")
    troubles += [f"on the topic and in no ledger: {name}" for name in first]
    return again, troubles


def _states_are_folds(system: System, name: str, facts: Sequence[Fact]) -> Iterable[str]:
    """Each state of a service is the fold of its ledger, and counts its facts [I3]."""
    core, shelves = CORES[name]
    lives = _lives(facts, core.facts)
    kept = ask(system, name, lambda connection: ledger.load(connection, shelves, lives))
    for key, life in lives.items():
        state, place = decisions.fold(core.folding, key, life)
        if (kept[key].state, kept[key].place) != (state, place):
            yield f"{name}: {key} is {kept[key].state}, its facts say {state}"
        if kept[key].sequence != len(life):
            yield f"{name}: {key} counts {kept[key].sequence} facts of {len(life)}"


def _lives(facts: Iterable[Fact], known: Any) -> dict[str, list[Said]]:
    decoder = msgspec.json.Decoder(known)
    lives: defaultdict[str, list[Said]] = defaultdict(list)
    for fact in facts:
        said = decoder.decode(fact.body)
        lives[fact.key].append(Said(said, fact.happened_at, fact.source, fact.id))
    return dict(lives)


# -- tracking


def _tracked(system: System, facts: Sequence[Fact]) -> Iterable[str]:
    """Tracking's lives are the folds of all ledgers' facts, its tallies what is counted [I11]."""
    over = {tag(type) for type in consumer.PASSED_OVER}
    heard = [fact for fact in facts if fact.type not in over]
    lives = _lives(heard, fold.Fact)
    kept = ask(system, "tracking", lambda connection: ledger.load(connection, store.SHELVES, lives))
    states: dict[str, Any] = {}
    for key, life in lives.items():
        states[key], _ = decisions.fold(fold.FOLDING, key, life)
        shown = kept[key].state
        if isinstance(shown, fold.Life):
            shown = replace(shown, changed_at=None)
        if shown != states[key]:
            yield f"tracking: {key} is {shown}, the facts say {states[key]}"
    yield from _timeline_holds(system, heard)
    yield from _tallies_count(system, states)


def _timeline_holds(system: System, heard: Sequence[Fact]) -> Iterable[str]:
    names = ("publisher", "key", "sequence", "type", "body", "source", "id")

    def rows(connection: Connection) -> set[tuple[Any, ...]]:
        columns = select(*(store.TIMELINE.c[name] for name in names))
        return {tuple(row) for row in connection.execute(columns)}

    there = ask(system, "tracking", rows)
    wanted = {tuple(getattr(fact, name) for name in names) for fact in heard}
    yield from (f"not in tracking's timeline: {one}" for one in wanted - there)
    yield from (f"in tracking's timeline and no ledger: {one}" for one in there - wanted)


def _tallies_count(system: System, states: Mapping[str, Any]) -> Iterable[str]:
    counted: Counter[tuple[str, str, str]] = Counter()
    for state in states.values():
        if isinstance(state, fold.Life):
            counted.update(fold.counted(state))

    def rows(connection: Connection) -> dict[tuple[str, str, str], int]:
        found = connection.execute(select(store.TALLY))
        return {(row[0], row[1], row[2]): row[3] for row in found if row[3]}

    kept = ask(system, "tracking", rows)
    for where in sorted(kept.keys() | counted.keys()):
        if kept.get(where, 0) != counted[where]:
            yield f"tally {where} says {kept.get(where, 0)}, counting says {counted[where]}"
