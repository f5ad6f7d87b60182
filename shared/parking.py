"""What needs a person: things that could not be read,
contradict each other, were refused on a topic, or met a bug.

Each keeps its bytes as they came, so that it can be
tried again; nothing parked leaves this database.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid5

import msgspec
from aiokafka import ConsumerRecord
from sqlalchemy import Connection, Index, LargeBinary, func, select, update
from sqlmodel import Field, SQLModel

from shared.databases import Instant, table_of
from shared.decisions import Claim
from shared.ledger import FACTS, digest

KINDS = ("unreadable", "bug", "conflict", "refused")


class Parked(SQLModel, table=True):
    """One thing set aside. `content` is a claim or a Kafka
    record as JSON (see `origin`), `other` what it contradicts.
    """

    __tablename__ = "parked"
    __table_args__ = (Index("parked_open", "state", "received_at"),)

    id: str = Field(primary_key=True)
    kind: str
    code: str
    detail: str
    party: str = ""
    subject: str = ""
    event: str = ""
    origin: str
    content: bytes = Field(sa_type=LargeBinary)
    other: bytes = Field(default=b"", sa_type=LargeBinary)
    received_at: datetime = Field(sa_type=Instant)
    state: str = "open"
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    closed_by: str = ""
    reason: str = ""


PARKED = table_of(Parked)


def name(kind: str, content: bytes) -> str:
    """The same thing set aside twice for the same cause stands in the list once."""
    return str(uuid5(FACTS, f"{kind}\n{content.hex()}"))


def park(connection: Connection, things: Sequence[Parked]) -> None:
    """Set things aside, in the caller's transaction. What is in the list already stays as it is;
    what was taken from it and comes again is in it again, for its sender is told that it is kept.
    """
    fresh = {thing.id: thing for thing in things}
    if not fresh:
        return
    mine = PARKED.c.id.in_(fresh)
    there = set(connection.scalars(select(PARKED.c.id).where(mine)))
    opened = {"state": "open", "closed_at": None, "closed_by": "", "reason": ""}
    connection.execute(update(PARKED).where(mine, PARKED.c.state != "open").values(**opened))
    rows = [thing.model_dump() for id, thing in fresh.items() if id not in there]
    if rows:
        connection.execute(PARKED.insert(), rows)


def parked_claim(
    kind: str, code: str, detail: str, claim: Claim, now: datetime, other: str = ""
) -> Parked:
    """A claim set aside, to be tried again as it is."""
    content = msgspec.json.encode(claim, order="deterministic")
    # Not the whole claim: sent again it is the same thing, whatever its trace.
    same = "\n".join((claim.party, claim.id, claim.subject, digest(claim), claim.note))
    return Parked(
        id=name(kind, same.encode()),
        kind=kind,
        code=code,
        detail=detail,
        party=claim.party,
        subject=claim.subject,
        event=claim.id,
        origin="claim",
        content=content,
        other=other.encode(),
        received_at=now,
    )


def claim_again(content: bytes, commands: Any) -> Claim:
    """The claim in a parked thing of origin `claim`. Raises
    msgspec.ValidationError when the command is no longer known.
    """
    raw = msgspec.json.decode(content)
    command = msgspec.convert(raw.pop("command"), type=commands)
    bare: Claim = msgspec.convert({**raw, "command": None}, type=Claim)
    return msgspec.structs.replace(bare, command=command)


class KeptRecord(msgspec.Struct, frozen=True):
    """A record in the parked list; bytes become base64 in its JSON."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


def parked_record(
    kind: str, code: str, detail: str, record: ConsumerRecord, now: datetime
) -> Parked:
    """A record set aside with all it holds, so that it can be read again."""
    place = (record.topic, record.partition, record.offset)
    headers = tuple((name, value) for name, value in record.headers)
    content = msgspec.json.encode(
        KeptRecord(*place, record.timestamp, record.key, record.value, headers)
    )
    key = (record.key or b"").decode("utf-8", "replace").replace("\x00", "")
    return Parked(
        id=name(kind, content),  # not of the place alone: a topic made again has it once more
        kind=kind,
        code=code,
        detail=detail.replace("\x00", "")[:500],
        subject=key[:200],
        origin="record",
        content=content,
        received_at=now,
    )


def record_again(content: bytes) -> ConsumerRecord:
    """The Kafka record that parked_record kept."""
    kept = msgspec.json.decode(content, type=KeptRecord)
    return ConsumerRecord(
        topic=kept.topic,
        partition=kept.partition,
        offset=kept.offset,
        timestamp=kept.timestamp,
        timestamp_type=0,
        key=kept.key,
        value=kept.value,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        headers=tuple(kept.headers),
    )


def listed(
    connection: Connection, kind: str | None, party: str | None, after: str, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """Open things, oldest first, from after a cursor;
    and how many there are in all. `party`: only its own.
    """
    mine = [PARKED.c.state == "open"]
    if kind:
        mine.append(PARKED.c.kind == kind)
    if party:
        mine.append(PARKED.c.party == party)
    total = connection.scalar(select(func.count()).select_from(PARKED).where(*mine)) or 0
    rows = select(PARKED).where(*mine).order_by(PARKED.c.received_at, PARKED.c.id).limit(limit)
    if after:
        moment, _, id = after.partition(" ")
        at = datetime.fromisoformat(moment)
        rows = rows.where(
            (PARKED.c.received_at > at) | ((PARKED.c.received_at == at) & (PARKED.c.id > id))
        )
    return [dict(row) for row in connection.execute(rows).mappings()], total


def cursor(row: Mapping[str, Any]) -> str:
    """What `after` must say for the list to go on behind a row."""
    return f"{row['received_at'].astimezone(UTC).isoformat()} {row['id']}"


def one(connection: Connection, id: str) -> dict[str, Any] | None:
    """One parked thing, open or closed."""
    row = connection.execute(select(PARKED).where(PARKED.c.id == id)).mappings().first()
    return dict(row) if row else None


def close(connection: Connection, id: str, state: str, by: str, reason: str, now: datetime) -> None:
    """Take a thing from the list: `retried` or `discarded`, by whom and why. The row stays."""
    connection.execute(
        update(PARKED)
        .where(PARKED.c.id == id, PARKED.c.state == "open")
        .values(state=state, closed_by=by, reason=reason, closed_at=now)
    )


def standing(connection: Connection) -> list[tuple[str, int, datetime]]:
    """For each kind of open thing: how many, and when the oldest came."""
    query = select(PARKED.c.kind, func.count(), func.min(PARKED.c.received_at)).where(
        PARKED.c.state == "open"
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(query.group_by(PARKED.c.kind))]
