"""EPCIS events through the one transaction: all or nothing, or as many as can be."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from services.delivery import events
from services.delivery.epcis import archive, mapping, reading
from services.delivery.epcis.archive import Kept
from services.delivery.epcis.mapping import Meaning
from services.delivery.epcis.reading import Document, Read
from services.delivery.events import ItemVerdict
from services.delivery.register import INFORMATIONAL, Sent
from shared.asking import NotTakenError
from shared.contracts.identifiers import Makers
from shared.contracts.strict import Unreadable
from shared.decisions import Claim
from shared.ledger import digest
from shared.transact import Service, Verdict

FORM = "epcis"  # the form of an event in the register
WRONG = ("refused", "conflict")  # verdicts that undo a document


class Item(Struct, frozen=True):
    """An event as it goes through the transaction. `read` is None where
    it cannot be read; `field`: what is wrong about it then.
    """

    sent: Sent
    read: Read | None = None
    unknown: int = 0
    field: str = ""


class UndoneError(Exception):
    """A document was undone because of one of its events; the verdicts of all."""

    def __init__(self, verdicts: Sequence[ItemVerdict]) -> None:
        super().__init__("undone")
        self.verdicts = verdicts


# -- events to items


def items(document: Document, party: str, makers: Makers, now: datetime, trace: str) -> list[Item]:
    """The events of a document; one that cannot be taken is an item with the reason."""
    return [_item(raw, document, party, makers, now, trace) for raw in document.events]


def _item(
    raw: Any, document: Document, party: str, makers: Makers, now: datetime, trace: str
) -> Item:
    given = raw.get("eventID") if isinstance(raw, dict) else None
    id = given[:200] if isinstance(given, str) else ""
    try:
        read = reading.event(raw, document, now)
    except Unreadable as trouble:
        where = f"{trouble.field}: " if trouble.field else ""
        verdict = Verdict("refused", trouble.code, where + str(trouble))
        return Item(Sent(party, id, FORM, raw, verdict=verdict), field=trouble.field)
    try:
        meaning = mapping.meaning(read, makers)
        sent = sent_of(read, meaning, party, makers, now)
    except (Unreadable, NotTakenError, ValueError) as trouble:
        code = getattr(trouble, "code", "invalid")
        refused = Sent(party, read.id, FORM, raw, verdict=Verdict("refused", code, str(trouble)))
        return Item(refused)
    claims = tuple(replace(claim, trace=trace) for claim in sent.claims)
    return Item(replace(sent, claims=claims), read, len(meaning.unknown))


def sent_of(read: Read, meaning: Meaning, party: str, makers: Makers, now: datetime) -> Sent:
    """An event as one thing that its party sent, whatever it means. Raises what
    events.read_event raises.
    """
    if not meaning.items:
        at = read.event.event_time.astimezone(UTC)
        return Sent(party, read.id, FORM, read.body, INFORMATIONAL, at, digests=(read.hash,))
    first, *more = (events.read_event(item, party, makers, now, FORM) for item in meaning.items)
    claims = (*first.claims, *(claim for one in more for claim in one.claims))
    return replace(
        first,
        raw=read.body,
        claims=claims,
        names={**first.names, **{key: name for one in more for key, name in one.names.items()}},
        refused=(*first.refused, *(one for other in more for one in other.refused)),
        digests=(read.hash, *_said(claims)),
    )


def _said(claims: Sequence[Claim]) -> Iterator[str]:
    """What counts here of an event, as one digest; nothing where nothing does."""
    if claims:
        told = sorted(f"{claim.subject} {digest(claim)}" for claim in claims)
        yield sha256("\n".join(told).encode()).hexdigest()


# -- through the transaction


def take(
    connection: Connection, service: Service, taken: Sequence[Item], now: datetime
) -> list[ItemVerdict]:
    """Take items inside the caller's transaction, and keep
    their events; a verdict for each, in the order given.
    """
    verdicts: list[ItemVerdict] = []
    for part in events.parts([item.sent for item in taken]):
        verdicts += events.take(connection, service, part, now)
    kept = [
        Kept(item.sent.party, item.sent.id, item.read, item.unknown)
        for item, told in zip(taken, verdicts, strict=True)
        if item.read is not None and told.verdict not in WRONG
    ]
    archive.keep(connection, kept, now)
    return verdicts


def all_or_nothing(
    connection: Connection, service: Service, taken: Sequence[Item], now: datetime
) -> list[ItemVerdict]:
    """Take items; raises UndoneError where one is refused or contradicts what is known, so that
    the caller's transaction leaves nothing. What waits and what is known already undoes nothing.
    """
    verdicts = take(connection, service, taken, now)
    if any(told.verdict in WRONG for told in verdicts):
        raise UndoneError(verdicts)
    return verdicts


def parts(taken: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Items in parts for one transaction each, as events.parts has them."""
    start = 0
    for part in events.parts([item.sent for item in taken]):
        yield taken[start : start + len(part)]
        start += len(part)
