"""The ledger: claims and the facts that came of them
in one table; beside it one state row for each key.

A ledger row is a claim and the first fact that came of it; a further fact of the same claim has a
row of its own without the claim half, a claim that came to nothing a row without the fact half. So
inbox, journal and outbox are one table, never deleted. A state row is the fold of its key's facts,
the lock of the key, and the counter of its sequence.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from hashlib import blake2b, sha1
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Identity,
    Index,
    Integer,
    Table,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from shared.contracts.identifiers import kind_of
from shared.databases import (
    Instant,
    append,
    at_once,
    loaded,
    lock_creation,
    quoted,
    table_of,
    upsert,
)
from shared.decisions import Claim, Said

FACTS = uuid5(NAMESPACE_URL, "urn:trousseau:facts")
POSITION = BigInteger().with_variant(Integer, "sqlite")


class Ledger(SQLModel, table=True):
    """A claim, a fact, or both. Never updated but for `sent_at`, never deleted."""

    __tablename__ = "ledger"
    __table_args__ = (
        UniqueConstraint("key", "party", "id", name="ledger_claim"),
        Index(
            "ledger_unsent",
            "position",
            sqlite_where=text("sent_at IS NULL AND type IS NOT NULL"),
            postgresql_where=text("sent_at IS NULL AND type IS NOT NULL"),
        ),
    )

    position: int | None = Field(
        default=None, sa_column=Column(POSITION, Identity(), primary_key=True)
    )
    key: str
    party: str
    id: str
    recorded_at: datetime = Field(sa_type=Instant)
    happened_at: datetime = Field(sa_type=Instant)
    # the claim half
    verdict: str | None = None
    digest: str | None = None
    command: str | None = None
    note: str | None = None
    # the fact half
    type: str | None = None
    body: str | None = None
    sequence: int | None = None
    cause: str | None = None
    correlation: str | None = None
    trace: str | None = None
    sent_at: datetime | None = Field(default=None, sa_type=Instant)


LEDGER = table_of(Ledger)
COLUMNS = tuple(
    column.name for column in LEDGER.columns if column.name not in ("position", "sent_at")
)


class Shelf(Struct, frozen=True):
    """Where states of one kind of key are kept: a table whose
    columns are key, sequence, place and the state's own fields.

    Fields that are not text, whole number, truth value or
    moment are kept as JSON text. `state()` is the empty state.
    `beside` keeps what else a service asks about the states that changed.
    """

    table: Table
    state: type
    beside: Callable[[Connection, Mapping[str, Any]], None] | None = None


class Kept(Struct, gc=False):
    """A state as it is in the database, or will be; `there`: it has a row already."""

    state: Any
    sequence: int = 0
    place: str = ""
    changed: bool = False
    there: bool = False

    @property
    def written(self) -> bool:
        """Whether the ledger may hold something of its key."""
        return self.there or self.changed


class Known(Struct, frozen=True, gc=False):
    """A claim that is in the ledger already."""

    key: str
    party: str
    id: str
    verdict: str
    digest: str
    note: str | None
    command: str
    happened_at: datetime


def fact_id(publisher: str, party: str, id: str, subject: str, number: int) -> str:
    """The name of the nth fact of a claim, a UUID of version 5 in FACTS: the same claim always
    comes to the same names, and to others in each service, for several react to one fact.
    """
    said = f"{publisher}\n{party}\n{id}\n{subject}\n{number}".encode()
    # uuid5 does the same by way of objects, in three times the time.
    digits = sha1(FACTS.bytes + said, usedforsecurity=False).hexdigest()
    fourth = f"{'89ab'[int(digits[16], 16) % 4]}{digits[17:20]}"
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{fourth}-{digits[20:32]}"


def digest(claim: Claim) -> str:
    """What a claim says, as 32 hexadecimal digits: of its command in canonical JSON and, where it
    is the sender's word, its time in UTC.
    """
    moment = claim.happened_at.astimezone(UTC) if claim.stated else None
    said = msgspec.json.encode((moment, claim.command), order="deterministic")
    return blake2b(said, digest_size=16).hexdigest()


# -- states


AS_IT_IS = (str, int, str | None, int | None)
TRUTH = (bool, bool | None)
MOMENT = (datetime, datetime | None)


class _Form(Struct, frozen=True):
    """How the fields of a state are kept: their names; the numbers of those that are kept as JSON;
    what makes a field of a cell, where the cell is not the field as it is.
    """

    names: tuple[str, ...]
    as_json: tuple[int, ...]
    reading: tuple[tuple[int, Callable[[Any], Any]], ...]


@cache
def _form(state: type) -> _Form:
    fields = msgspec.structs.fields(state)
    reading: dict[int, Callable[[Any], Any]] = {}
    as_json = []
    for number, field in enumerate(fields):
        if field.type in TRUTH:
            reading[number] = bool
        elif field.type in MOMENT:
            reading[number] = loaded
        elif field.type not in AS_IT_IS:
            reading[number] = msgspec.json.Decoder(field.type).decode
            as_json.append(number)
    return _Form(tuple(field.name for field in fields), tuple(as_json), tuple(reading.items()))


def load(
    connection: Connection, shelves: Mapping[str, Shelf], keys: Iterable[str]
) -> dict[str, Kept]:
    """The states of keys, each row locked until the
    transaction ends; a key that has none gets its empty state.

    Locks are taken in key order. Keys that do not exist yet are made by one
    transaction at a time, and who holds rows never waits for that turn.
    """
    wanted = sorted(set(keys))
    if connection.dialect.name == "postgresql" and _absent(connection, shelves, wanted):
        lock_creation(connection)
    return _filled(_select(connection, shelves, wanted, " FOR UPDATE"), shelves, wanted)


def seen(
    connection: Connection, shelves: Mapping[str, Shelf], keys: Iterable[str]
) -> dict[str, Kept]:
    """The states of keys as `load` gives them, but not locked: they may change at once."""
    wanted = sorted(set(keys))
    return _filled(_select(connection, shelves, wanted), shelves, wanted)


def _filled(
    found: Mapping[str, Kept], shelves: Mapping[str, Shelf], wanted: Sequence[str]
) -> dict[str, Kept]:
    empty = {kind: shelf.state() for kind, shelf in shelves.items()}
    return {key: found.get(key) or Kept(empty[kind_of(key)]) for key in wanted}


def _absent(connection: Connection, shelves: Mapping[str, Shelf], keys: Sequence[str]) -> bool:
    """Whether any of these keys has no row yet."""
    there = 0
    for kind, here in _by_kind(keys).items():
        sql = f"SELECT count(*) FROM {shelves[kind].table.name} WHERE key {{0}}"  # noqa: S608  as below
        there += at_once(connection, sql, [here])[0][0]
    return there < len(keys)


def _select(
    connection: Connection, shelves: Mapping[str, Shelf], keys: Sequence[str], locking: str = ""
) -> dict[str, Kept]:
    found: dict[str, Kept] = {}
    if connection.dialect.name == "sqlite":  # its one writer has no need of locks
        locking = ""
    for kind, here in _by_kind(keys).items():
        shelf = shelves[kind]
        names = quoted(_form(shelf.state).names)
        sql = (  # every name in it is one of our own tables
            f"SELECT key, sequence, place, {names} FROM {shelf.table.name} "  # noqa: S608
            f"WHERE key {{0}} ORDER BY key{locking}"
        )
        for key, sequence, place, *cells in at_once(connection, sql, [here]):
            found[key] = Kept(restored(shelf.state, cells), sequence, place, there=True)
    return found


def _by_kind(keys: Iterable[str]) -> dict[str, list[str]]:
    """Keys by what they name, the kinds in one order for all, so that no two lock crosswise."""
    kinds: dict[str, list[str]] = {}
    for key in keys:
        kinds.setdefault(kind_of(key), []).append(key)
    return dict(sorted(kinds.items()))


def restored(state: type, cells: Sequence[Any]) -> Any:
    """A state from the cells of its row, in the order of its fields."""
    fields = list(cells)
    for number, read in _form(state).reading:
        if fields[number] is not None:
            fields[number] = read(fields[number])
    return state(*fields)


def save(connection: Connection, shelves: Mapping[str, Shelf], kept: Mapping[str, Kept]) -> None:
    """Write the states that changed."""
    changed = sorted(key for key, one in kept.items() if one.changed)
    for kind, here in _by_kind(changed).items():
        shelf = shelves[kind]
        form = _form(shelf.state)
        columns = ("key", "sequence", "place", *form.names)
        there = [_row(key, kept[key], form) for key in here if kept[key].there]
        fresh = [_row(key, kept[key], form) for key in here if not kept[key].there]
        upsert(connection, shelf.table, columns, there)
        append(connection, shelf.table, columns, fresh)
        if shelf.beside is not None:
            shelf.beside(connection, {key: kept[key].state for key in here})


def _row(key: str, kept: Kept, form: _Form) -> tuple[Any, ...]:
    fields = list(msgspec.structs.astuple(kept.state))
    for number in form.as_json:
        if fields[number] is not None:
            fields[number] = msgspec.json.encode(fields[number]).decode()
    return (key, kept.sequence, kept.place, *fields)


# -- claims and facts


def known(connection: Connection, claims: Sequence[Claim], digests: Sequence[str]) -> list[Known]:
    """What the ledger holds under these claims' ids, and of
    what says the same as a report of the same key under another id.
    """
    if not claims:
        return []
    sql = (
        "SELECT key, party, id, verdict, digest, note, command, happened_at FROM ledger "
        "WHERE key {0} AND verdict IS NOT NULL AND (id {1} OR digest {2})"
    )
    keys, ids = (claim.subject for claim in claims), (claim.id for claim in claims)
    said = (digest for claim, digest in zip(claims, digests, strict=True) if claim.report)
    lists = [_distinct(keys), _distinct(ids), _distinct(said)]
    rows = at_once(connection, sql, lists)
    return [Known(*cells) for cells in ((*row[:-1], loaded(row[-1])) for row in rows)]


def says_the_same(known: Known, claim: Claim, commands: Any) -> bool:
    """Whether a claim says what is known under its id, though their digests differ: a field that a
    command has had only since then was neither kept nor digested, and contradicts nothing.
    """
    kept = msgspec.to_builtins(claim.command) | msgspec.json.decode(known.command)
    command = _decoder(commands).decode(msgspec.json.encode(kept))
    return digest(replace(claim, happened_at=known.happened_at, command=command)) == digest(claim)


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


_decoder = cache(msgspec.json.Decoder)


def lives(connection: Connection, facts: Any, keys: Iterable[str]) -> dict[str, list[Said]]:
    """Every fact of each key, in no order that means anything."""
    wanted = _distinct(keys)
    life: dict[str, list[Said]] = {key: [] for key in wanted}
    if wanted:
        decoder = _decoder(facts)
        sql = (
            "SELECT key, body, happened_at, party, coalesce(cause, id) FROM ledger "
            "WHERE key {0} AND type IS NOT NULL"
        )
        for key, body, happened_at, party, id in at_once(connection, sql, [wanted]):
            life[key].append(Said(decoder.decode(body), loaded(happened_at), party, id))
    return life


def write(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Append ledger rows, cells in the order of COLUMNS."""
    append(connection, LEDGER, COLUMNS, rows)
