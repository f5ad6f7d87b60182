"""How far each topic is read, and whether the log is still the one that was read.

The offset in our database is authoritative, because it commits together with what the records did;
the group's offset in Kafka is for lag alone.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from sqlalchemy import BigInteger, Connection, delete, select, tuple_
from sqlmodel import Field, SQLModel

from shared.databases import table_of, upsert


class Offset(SQLModel, table=True):
    """How far one partition is read: the next offset, the hash
    of the record before it, and the cluster it stands in.
    """

    __tablename__ = "offset"

    topic: str = Field(primary_key=True)
    partition: int = Field(primary_key=True)
    next: int = Field(sa_type=BigInteger)
    hash: str
    cluster: str


OFFSET = table_of(Offset)


class Moved(Exception):
    """Somebody else read a partition on, or had it begin again: what we hold of it is void."""


@dataclass
class Place:
    """Where one partition is read. `kept`: the next offset as the database has it, None before the
    first. `check`: the record before, which has to be met again first. `asked`: the log was asked
    for `next` and gave another.
    """

    next: int
    kept: int | None = None
    check: tuple[int, str] | None = None
    asked: bool = False

    @property
    def begin(self) -> int:
        """Where to read from: the record to be met again, else the next."""
        return self.check[0] if self.check else self.next


NOWHERE = Place(-1, -1)  # of a partition that is not ours: no row is there


def place(row: Any, first: int, asked: bool) -> Place:
    """Where a partition is to be read from, by its row (None: none yet) and its log's start."""
    if row is None:
        return Place(first, asked=asked)
    check = (row.next - 1, row.hash) if row.next > first else None
    return Place(row.next, row.next, check, asked)


def rows(connection: Connection, topics: Collection[str]) -> dict[TopicPartition, Any]:
    """The rows of topics."""
    found = connection.execute(select(OFFSET).where(OFFSET.c.topic.in_(topics)))
    return {TopicPartition(row.topic, row.partition): row for row in found}


def gap(where: TopicPartition, row: Any, first: int, end: int, cluster: str) -> str:
    """What is wrong between our offset and the log; "" when nothing is."""
    name = f"{where.topic}/{where.partition}"
    if row.cluster != cluster:
        return f"{name} was read in cluster {row.cluster}, this is cluster {cluster}"
    if first > row.next:
        return deleted(where, row.next, first)
    if end < row.next:
        return f"{name} ends at {end}, it was read up to {row.next}: the topic was made again"
    return ""


def deleted(where: TopicPartition, wanted: int, first: int) -> str:
    lost = f"records {wanted} to {first - 1} were deleted before they were read"
    return f"{where.topic}/{where.partition} begins at {first}, {lost}"


def mend(topic: str, group: str) -> str:
    """What a person has to do about a log that is not the one that was read."""
    again = f"then POST /api/readings/{topic}/begin-again to {group}"
    if topic.startswith("partners."):
        return f"Ask the partner to tell again what is missing, {again}"
    return f"POST /api/refill to {topic.split('.')[0]}, {again}"


def fingerprint(record: ConsumerRecord) -> str:
    """A record's content, as 32 hexadecimal digits."""
    content = blake2b(digest_size=16)
    for part in (
        record.key or b"",
        record.value or b"",
        *(value or b"" for _, value in record.headers),
    ):
        content.update(len(part).to_bytes(4, "big") + part)
    return content.hexdigest()


def by_partition(
    records: Iterable[ConsumerRecord],
) -> dict[TopicPartition, list[ConsumerRecord]]:
    """Records by where they stand, in their order."""
    found: dict[tuple[str, int], list[ConsumerRecord]] = {}
    for record in records:
        found.setdefault((record.topic, record.partition), []).append(record)
    return {TopicPartition(*where): part for where, part in found.items()}


def sorted_out(
    places: Mapping[TopicPartition, Place], records: Iterable[ConsumerRecord]
) -> tuple[list[ConsumerRecord], set[TopicPartition], tuple[TopicPartition, str] | None]:
    """The records that are next, without those met again; the partitions of which others came; and
    the one whose log was changed, with why. Partitions without a place are left out.
    """
    fresh: list[ConsumerRecord] = []
    strange: set[TopicPartition] = set()
    for where, part in by_partition(records).items():
        place = places.get(where)
        if place is None:
            continue
        if why := _changed(place, part[0]):
            return [], set(), (where, f"{where.topic}/{where.partition}: {why}")
        if place.check and part[0].offset == place.check[0]:
            place.check, part = None, part[1:]
        if part and _is_next(place, part[0].offset):
            fresh += part
        elif part:
            strange.add(where)
    return fresh, strange, None


def _changed(place: Place, record: ConsumerRecord) -> str:
    """Why the log is not the one that was read, by the record that has to be met again."""
    if not place.check or record.offset < place.check[0]:
        return ""
    if record.offset > place.check[0]:
        return f"record {place.check[0]} is gone" if place.asked else ""
    known = fingerprint(record) == place.check[1]
    return "" if known else f"record {place.check[0]} is not the one that was read"


def _is_next(place: Place, offset: int) -> bool:
    """Whether a record is the next: it has that number; or the numbers before it are none of
    records but a transaction's marks, which is believed when the log says it twice.
    """
    if place.check:
        return False
    return offset == place.next or (place.asked and offset > place.next)


def save(
    connection: Connection,
    places: Mapping[TopicPartition, Place],
    records: Sequence[ConsumerRecord],
    cluster: str,
) -> None:
    """Move the offsets behind records. Raises Moved when they are not where we left them."""
    last = {where: part[-1] for where, part in by_partition(records).items()}
    name = (OFFSET.c.topic, OFFSET.c.partition)
    found = select(OFFSET).where(tuple_(*name).in_(list(last))).order_by(*name).with_for_update()
    kept = {(row.topic, row.partition): row.next for row in connection.execute(found)}
    for where in last:
        if kept.get(where) != places[where].kept:
            raise Moved(f"{where.topic}/{where.partition} is at {kept.get(where)}")
    cells = [
        (where.topic, where.partition, one.offset + 1, fingerprint(one), cluster)
        for where, one in sorted(last.items())
    ]
    upsert(connection, OFFSET, ("topic", "partition", "next", "hash", "cluster"), cells, keys=2)


def forget(connection: Connection, topic: str) -> int:
    """Forget how far a topic was read: reading begins at
    the log's start. How many partitions were forgotten.
    """
    return connection.execute(delete(OFFSET).where(OFFSET.c.topic == topic)).rowcount
