"""Facts heard from other services: records to claims, by a service's table of reactions."""

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from aiokafka import ConsumerRecord
from msgspec import Struct
from sqlalchemy import Connection

from shared.contracts import envelope
from shared.contracts.envelope import Envelope
from shared.contracts.identifiers import kind_of
from shared.contracts.strict import Unreadable, located
from shared.decisions import Claim
from shared.listening import Listener
from shared.relay import Relay
from shared.transact import SET_ASIDE, Service, transact

# PostgreSQL stores none. An even number of backslashes before it are themselves escaped.
NULL_CHARACTER = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")

Reactions = Mapping[type, Callable[[Any], Any]]
"""By type of fact, what it means here: a command, or what makes one of when it happened."""


class Heard(Struct, frozen=True):
    """A fact of another service, with the envelope in which it came."""

    envelope: Envelope
    fact: Any


def topics(types: Sequence[type]) -> list[str]:
    """The topics that facts of these types travel on."""
    return sorted({f"{tag(one).partition('.')[0]}.facts" for one in types})


def tag(type: type) -> str:
    """The wire name of a fact, as in `delivery.laptop-received.v1`."""
    return str(type.__struct_config__.tag)  # type: ignore[attr-defined]  # a Struct's


def reader(types: Sequence[type]) -> Callable[[ConsumerRecord], Sequence[Heard]]:
    """A function that reads facts of these types, passes over
    others, and raises Unreadable on what it should understand.
    """
    decoders: dict[str, msgspec.json.Decoder[Any]] = {
        tag(one): msgspec.json.Decoder(one) for one in types
    }
    heard = {name.rpartition(".")[0] for name in decoders}

    def read(record: ConsumerRecord) -> Sequence[Heard]:
        name = envelope.type_of(record.headers)
        decoder = decoders.get(name)
        if decoder is None:
            if name.rpartition(".")[0] in heard:
                raise Unreadable("unknown-version", f"{name} is a version that is not known here")
            if not name:
                envelope.read(record.headers, record.key, record.value)
            return ()
        carried = envelope.read(record.headers, record.key, record.value)
        if b"\\u0000" in carried.body and NULL_CHARACTER.search(carried.body):
            raise Unreadable("invalid", f"{name}: a text holds the null character")
        try:
            return (Heard(carried, decoder.decode(carried.body)),)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as trouble:
            detail, field = located(str(trouble))
            raise Unreadable("invalid", f"{name}: {detail}", field) from None

    return read


def claims_of(
    reactions: Reactions, kinds: Container[str]
) -> Callable[[ConsumerRecord], Sequence[Claim]]:
    """A function from a record to what a service wants done about it. `kinds` of keys that it keeps
    states of: a fact about another means nothing to it, as a pallet's damage to who counts laptops.
    """
    read = reader(list(reactions))

    def claims(record: ConsumerRecord) -> Sequence[Claim]:
        mine = (heard for heard in read(record) if kind_of(heard.envelope.key) in kinds)
        return [_claim(heard, _wanted(heard, reactions)) for heard in mine]

    return claims


def _wanted(heard: Heard, reactions: Reactions) -> Any:
    command = reactions[type(heard.fact)](heard.fact)
    return command(heard.envelope.happened_at) if callable(command) else command


def _claim(heard: Heard, command: Any) -> Claim:
    """A reaction is said by the service that was heard, under the fact's own name."""
    known = heard.envelope
    return Claim(
        party=known.type.partition(".")[0],
        id=known.fact,
        subject=known.key,
        happened_at=known.happened_at,
        command=command,
        correlation=known.correlation,
        told_by=f"{known.source} {known.id}",
        trace=known.trace,
    )


def take_into(service: Service) -> Callable[[Connection, Sequence[Claim], datetime], Sequence[str]]:
    """A function that puts claims through the one transaction;
    refusals are set aside, for nobody waits for the answer.
    """

    def take(connection: Connection, claims: Sequence[Claim], now: datetime) -> Sequence[str]:
        verdicts = transact(connection, service, claims, now, park_refusals=True)
        return outcomes(verdicts)

    return take


def listener(service: Service, reactions: Reactions, sending: Relay) -> Listener[Claim]:
    """What reads the facts that a deciding service reacts to, and wakes its relay."""
    return Listener(
        database=sending.database,
        kafka=sending.kafka,
        group=service.core.publisher,
        topics=topics(list(reactions)),
        read=claims_of(reactions, service.shelves),
        take=take_into(service),
        metrics=sending.metrics,
        now=sending.now,
        committed=sending.wake,
    )


def outcomes(verdicts: Iterable[Any]) -> list[str]:
    """What became of what was heard, a word for each, as the metrics have it."""
    return ["bug" if one.code == SET_ASIDE else one.verdict for one in verdicts]
