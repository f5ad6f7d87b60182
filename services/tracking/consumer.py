"""Facts heard into lives, timeline and tallies, in one transaction."""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import msgspec
from aiokafka import ConsumerRecord
from msgspec.structs import replace
from sqlalchemy import Connection

from services.tracking import fold, store, unusual
from shared import ledger, parking
from shared.contracts import delivery, enrolment, envelope, handover, ordering, repairs
from shared.contracts.identifiers import kind_of
from shared.contracts.strict import Unreadable, parse
from shared.decisions import Said, folds_on
from shared.decisions import fold as fold_again
from shared.hearing import Heard, reader

log = logging.getLogger(__name__)

PASSED_OVER = (
    *(ordering.SpareShareSet, ordering.NeedStated, ordering.NeedsOrdered),  # ordering shows them
    ordering.StockCounted,
    # The laptops' own facts tell the same.
    *(ordering.LineAnnounced, ordering.LineAdmitted, ordering.LineDelivered),
    *(ordering.LineTakenBack, ordering.OrderLineFulfilled),
    *(repairs.ModelRecalled, repairs.DefectSuspected),  # repairs shows them
    repairs.PresenceNoted,  # enrolment told it
    *(handover.HandoverCampaignOpened, handover.CertificateNumbered),  # handover shows them
    handover.SchoolSucceeded,
    handover.SchoolNoted,  # ordering told it
    delivery.StudentPlaced,  # enrolment told it
    *(handover.StudentNoted, handover.StudentEquipped),  # tracking knows laptops, and no students
    *(handover.StudentCalled, handover.StudentForgotten),
    enrolment.GuardiansChanged,  # who signs is no part of a laptop's life
)
TYPES = [type for type in fold.FOLDING.ranks if type not in PASSED_OVER]
TOPICS = [
    *("delivery.facts", "enrolment.facts", "handover.facts", "ordering.facts", "repairs.facts")
]

_known = reader(TYPES)


def read(record: ConsumerRecord) -> Sequence[Heard]:
    """A fact; one of a type that means nothing here is kept too
    when it is a laptop's, so that its number is not missed.
    """
    heard = _known(record)
    if not heard and kind_of((record.key or b"").decode("utf-8", "replace")) == "laptop":
        carried = envelope.read(record.headers, record.key, record.value)
        parse(carried.body)
        heard = (Heard(carried, None),)
    for one in heard:
        if one.envelope.sequence < 1:
            raise Unreadable("no-sequence", "a fact has a ce_sequence from 1 on", "ce_sequence")
    return heard


def take(connection: Connection, heard: Sequence[Heard], now: datetime) -> Sequence[str]:
    """Fold facts in; an outcome for each: applied, duplicate, or conflict where its number stands
    for another fact of its key. Two publishers that heard the same give what they say the same id.
    """
    numbers = store.heard_before(connection, {one.envelope.key for one in heard})
    names = {(key, publisher, fact) for (key, publisher, _), fact in numbers.items()}
    fresh: list[Heard] = []
    contrary: list[Heard] = []
    outcomes = []
    for one in heard:
        told = one.envelope
        publisher = store.publisher(one)
        number, name = (told.key, publisher, told.sequence), (told.key, publisher, told.fact)
        if name in names:
            outcomes.append("duplicate")
        elif number in numbers:
            contrary.append(one)
            outcomes.append("conflict")
        else:
            numbers[number] = told.fact
            names.add(name)
            fresh.append(one)
            outcomes.append("applied")
    if fresh:
        _fold_in(connection, fresh, now)
    parking.park(connection, [_number_used_again(connection, one, now) for one in contrary])
    return outcomes


def _number_used_again(connection: Connection, heard: Heard, now: datetime) -> parking.Parked:
    """A fact that bears the number of another, and that other:
    its publisher was restored from an older copy.
    """
    told, publisher = heard.envelope, store.publisher(heard)
    stands = store.numbered(connection, told.key, publisher, told.sequence)
    cause = f"number {told.sequence} of {told.key} stands for the fact {stands['fact']} already"
    log.error("a fact bears the number of another", extra={"kind": publisher, "cause": cause})
    record = ConsumerRecord(
        f"{publisher}.facts", 0, 0, 0, 0, told.key.encode(), told.body, None, 0, 0,
        tuple(envelope.headers(told)),
    )  # fmt: skip
    parked = parking.parked_record("conflict", unusual.NUMBER_USED_AGAIN, cause, record, now)
    parked.other = msgspec.json.encode(stands | {"body": msgspec.Raw(stands["body"].encode())})
    return parked


def _fold_in(connection: Connection, fresh: Sequence[Heard], now: datetime) -> None:
    kept = ledger.load(connection, store.SHELVES, {one.envelope.key for one in fresh})
    before = {key: one.state for key, one in kept.items() if kind_of(key) == "laptop"}
    known = {key for key in before if kept[key].sequence}
    again: set[str] = set()
    for one in fresh:
        key = one.envelope.key
        here = kept[key]
        here.sequence, here.changed = here.sequence + 1, True
        if one.fact is None or key in again:
            continue
        said = Said(one.fact, one.envelope.happened_at, one.envelope.source, one.envelope.id)
        onward, last = folds_on(fold.FOLDING, here.place, said)
        if onward:
            here.state, here.place = fold.evolve(here.state, said), last
        else:
            again.add(key)
    store.record(connection, fresh, now)
    for key, life in store.lives(connection, again).items():
        kept[key].state, kept[key].place = fold_again(fold.FOLDING, key, life)
    for key in before:
        kept[key].state = replace(kept[key].state, changed_at=now)
    ledger.save(connection, store.SHELVES, kept)
    changes: Counter[tuple[str, str, str]] = Counter()
    came: set[tuple[str, str]] = set()
    gone: set[tuple[str, str]] = set()
    for key, old in before.items():
        new = kept[key].state
        changes.update(fold.counted(new))
        changes.subtract(fold.counted(old) if key in known else ())
        flags = {(flag, key) for flag in fold.flags(new)}
        had = {(flag, key) for flag in fold.flags(old)} if key in known else set()
        came |= flags - had
        gone |= had - flags
    store.tally(connection, changes)
    store.flag(connection, came, gone)
