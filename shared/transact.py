"""The one transaction: a batch of claims becomes states, facts and verdicts, all or nothing.

`transact` runs inside the caller's transaction (Database.write), so what the caller adds (an
offset, a job's next row) commits with it. A crash anywhere before the commit leaves nothing; the
same claims sent again come to the same end.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import chain, islice
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from shared import ledger, parking
from shared.contracts.identifiers import kind_of
from shared.databases import TROUBLE, Database
from shared.decisions import Claim, Core, Refusal, Said, fold, folds_on, instant
from shared.ledger import Kept, Shelf

LIMIT = 2_000  # claims in one transaction
RANKING = ("duplicate", "applied", "waiting", "refused", "conflict")  # from best to worst

SET_ASIDE = "set-aside"  # the code of a claim that met a bug and stands in the parked list as one
AHEAD = 100  # claims whose lives are read with one that must be read again

log = logging.getLogger(__name__)

_Half = tuple[str | None, str | None, str | None, str | None]
NO_CLAIM: _Half = (None, None, None, None)


class Verdict(Struct, frozen=True, gc=False):
    """What became of one claim: applied, duplicate,
    waiting, refused or conflict; `field` as in Refusal.
    """

    verdict: str
    code: str = ""
    detail: str = ""
    field: str = ""


APPLIED, DUPLICATE = Verdict("applied"), Verdict("duplicate")


class Service(Struct, frozen=True):
    """A core and the shelves of its states."""

    core: Core
    shelves: Mapping[str, Shelf]


class _Batch(Struct):
    """What is known of at most LIMIT claims and will be written. `kept`: the states that the whole
    transaction holds. `ahead`: the subjects of the claims that are still to be taken, the next one
    last. `following`: what follows from the claims, worked out only when it is taken.
    """

    connection: Connection
    service: Service
    now: datetime
    kept: dict[str, Kept]
    lives: dict[str, list[Said]] = {}
    said: dict[str, list[Said]] = {}
    known: dict[tuple[str, str, str], ledger.Known] = {}
    alike: dict[tuple[str, str, str], set[str]] = {}
    ahead: list[str] = []
    following: list[Iterable[Claim]] = []
    rows: list[tuple[Any, ...]] = []
    parked: list[parking.Parked] = []


class _Asked(Struct, frozen=True, gc=False):
    """A claim, every key it names, its subject first, and what it says as a digest."""

    claim: Claim
    keys: tuple[str, ...]
    digest: str


class _Told(Struct, frozen=True, gc=False):
    """A fact that came of a claim: of which key, its number there, its row's id."""

    key: str
    said: Said
    sequence: int
    id: str


def worst(verdicts: Iterable[str]) -> str:
    """The verdict of a thing made of several."""
    return max(verdicts, key=RANKING.index)


def transact(
    connection: Connection,
    service: Service,
    claims: Sequence[Claim],
    now: datetime,
    park_refusals: bool = False,
) -> list[Verdict]:
    """Decide a batch of at most LIMIT claims in the order given; a verdict for each.

    park_refusals: what nobody waits for the answer
    of (Kafka input) is set aside when it is refused.
    """
    everything = [_asked(service.core, claim) for claim in claims]
    kept = _locked(connection, service, everything)
    batch = _Batch(connection, service, now, kept)
    verdicts = _take_all(batch, everything)
    if park_refusals:
        batch.parked += [
            parking.parked_claim("refused", verdict.code, verdict.detail, claim, now)
            for claim, verdict in zip(claims, verdicts, strict=True)
            if verdict.verdict == "refused" and verdict.code != SET_ASIDE
        ]
    _write(batch)
    following = chain.from_iterable(batch.following)
    while part := [_asked(service.core, claim) for claim in islice(following, LIMIT)]:
        batch = _Batch(connection, service, now, kept)
        _take_all(batch, part)
        _write(batch)
    ledger.save(connection, service.shelves, kept)
    return verdicts


def taking(service: Service) -> Callable[[Connection, Sequence[Claim], datetime], list[Verdict]]:
    """`transact` for one service."""
    return lambda connection, claims, now: transact(connection, service, claims, now)


async def submit(
    database: Database, service: Service, claims: Sequence[Claim], now: datetime
) -> list[Verdict]:
    """Transact any number of claims, LIMIT at a time, each in its own transaction. Raises Away."""
    verdicts: list[Verdict] = []
    while rest := claims[len(verdicts) :]:
        work = partial(transact, service=service, claims=rest[: _part(rest)], now=now)
        verdicts += await database.write(work)
    return verdicts


def _part(claims: Sequence[Claim]) -> int:
    """How many claims go into one transaction: LIMIT at the most, and none
    of an event (party and id) whose others would go into the next.
    """
    if len(claims) <= LIMIT:
        return len(claims)
    names = [(claim.party, claim.id) for claim in claims[: LIMIT + 1]]
    return next((n for n in range(LIMIT, 0, -1) if names[n] != names[n - 1]), LIMIT)


def _asked(core: Core, claim: Claim) -> _Asked:
    return _Asked(claim, (claim.subject, *core.keys(claim.command)), ledger.digest(claim))


def _locked(
    connection: Connection, service: Service, everything: Sequence[_Asked]
) -> dict[str, Kept]:
    """The states of every key that the claims name, and that what follows from them may name,
    locked in one order, so that no two transactions wait for each other.
    """
    reach, shelves = service.core.reach, service.shelves
    wide = {
        one.claim.subject: reach[kind]
        for one in everything
        if (kind := type(one.claim.command)) in reach
    }
    reached = _reached(wide, ledger.seen(connection, shelves, wide))
    kept = ledger.load(connection, shelves, reached.union(*(one.keys for one in everything)))
    # What became known between the two readings: seldom, and then out of the order.
    if late := _reached(wide, kept) - kept.keys():
        kept |= ledger.load(connection, shelves, late)
    return kept


def _reached(
    wide: Mapping[str, Callable[[Any], Iterable[str]]], kept: Mapping[str, Kept]
) -> set[str]:
    return {key for subject, reach in wide.items() for key in reach(kept[subject].state)}


def _write(batch: _Batch) -> None:
    ledger.write(batch.connection, batch.rows)
    parking.park(batch.connection, batch.parked)


def _take_all(batch: _Batch, everything: Sequence[_Asked]) -> list[Verdict]:
    _open(batch, everything)
    batch.ahead = [asked.claim.subject for asked in reversed(everything)]
    verdicts = []
    for asked in everything:
        verdicts.append(_take(batch, asked))
        batch.ahead.pop()
    return verdicts


def _open(batch: _Batch, everything: Sequence[_Asked]) -> None:
    """Load what the claims need and is not there yet: claims known, lives that come out of
    order.
    """
    kept = batch.kept
    # What has no state has nothing in the ledger either: see _enter.
    old = [asked for asked in everything if kept[asked.claim.subject].written]
    claims, digests = [asked.claim for asked in old], [asked.digest for asked in old]
    for known in ledger.known(batch.connection, claims, digests):
        batch.known[known.key, known.party, known.id] = known
        batch.alike.setdefault((known.key, known.party, known.digest), set()).add(known.id)
    late = (
        claim.subject
        for claim in claims
        if instant(claim.happened_at) <= kept[claim.subject].place[:27]
    )
    _read_again(batch, late)


def _read_again(batch: _Batch, keys: Iterable[str]) -> None:
    """Load the lives of keys, what the batch itself said of them included."""
    wanted = set(keys) - batch.lives.keys()
    for key, life in ledger.lives(batch.connection, batch.service.core.facts, wanted).items():
        batch.lives[key] = life + batch.said.get(key, [])


def _take(batch: _Batch, asked: _Asked) -> Verdict:
    """One claim: known, or decided and applied."""
    claim, digest = asked.claim, asked.digest
    known = batch.known.get((claim.subject, claim.party, claim.id))
    if known and known.digest == digest and (known.note or "") == claim.note:
        return DUPLICATE
    if claim.report and not known and _said_before(batch, claim, digest):
        return Verdict("duplicate", "said-before", "the same was said under another id")
    try:
        return _decide(batch, asked) if known is None else _contradict(batch, asked, known)
    except TROUBLE:
        raise  # the whole batch has to wait
    except Exception as bug:  # one claim's bug must not hold the others
        log.exception(
            "a claim met a bug and was set aside", extra={"kind": type(claim.command).__name__}
        )
        batch.parked.append(
            parking.parked_claim("bug", type(bug).__name__, str(bug), claim, batch.now)
        )
        return Verdict(
            "refused", SET_ASIDE, "it met a fault of ours and is kept: it will be tried again"
        )


def _contradict(batch: _Batch, asked: _Asked, known: ledger.Known) -> Verdict:
    """An id that stands for something else. A report that is refused for its form contradicts
    nothing: sent before it was mended, it may come once more.
    """
    claim, core = asked.claim, batch.service.core
    if (known.note or "") == claim.note and ledger.says_the_same(known, claim, core.commands):
        return DUPLICATE
    states = {key: batch.kept[key].state for key in asked.keys}
    decision = core.decide(states, claim) if claim.report else ()
    if isinstance(decision, Refusal):
        return _refused(decision)
    detail = "this id stands already for something else; both are kept for a person to settle"
    batch.parked.append(
        parking.parked_claim("conflict", "id-already-used", detail, claim, batch.now, known.command)
    )
    return Verdict("conflict", "id-already-used", detail)


def _refused(refusal: Refusal) -> Verdict:
    return Verdict("refused", refusal.code, refusal.detail, refusal.field)


def _said_before(batch: _Batch, claim: Claim, digest: str) -> bool:
    """Whether the same was said under another id, and holds."""
    holds, state = batch.service.core.holds, batch.kept[claim.subject].state
    ids = batch.alike.get((claim.subject, claim.party, digest), ())
    return any(holds(state, claim.party, id) for id in ids)


def _decide(batch: _Batch, asked: _Asked) -> Verdict:
    """What the core says to a claim; the batch is left as it was if anything raises."""
    claim, core = asked.claim, batch.service.core
    before = {key: batch.kept[key].state for key in asked.keys}
    decision = core.decide(before, claim)
    if isinstance(decision, Refusal):
        return _refused(decision)
    if not decision:
        return Verdict("duplicate", "already-so")
    told, moved = _told(batch, claim, decision)
    after = before | {key: kept.state for key, kept in moved.items()}
    waits = core.waits(after, claim)
    following = core.follow(before, after, claim)
    verdict = Verdict("waiting", waits) if waits else APPLIED
    _enter(batch, asked, verdict, told)
    batch.kept |= moved
    batch.following.append(following)
    return verdict


def _told(
    batch: _Batch, claim: Claim, decision: Sequence[tuple[str, Any]]
) -> tuple[list[_Told], dict[str, Kept]]:
    """A decision's facts, each with its number, and the states after them."""
    told: list[_Told] = []
    moved: dict[str, Kept] = {}
    publisher, said_of = batch.service.core.publisher, (claim.party, claim.id, claim.subject)
    for number, (key, fact) in enumerate(decision):
        own = number == 0 and key == claim.subject
        id = claim.id if own else ledger.fact_id(publisher, *said_of, number)
        now = moved.get(key) or batch.kept[key]
        said = Said(fact, claim.happened_at, claim.party, claim.id)
        one = _Told(key, said, now.sequence + 1, id)
        told.append(one)
        state, last = _folded(batch, now, one, told)
        moved[key] = Kept(state, one.sequence, last, changed=True, there=now.there)
    return told, moved


def _folded(batch: _Batch, now: Kept, one: _Told, told: Sequence[_Told]) -> tuple[Any, str]:
    """The state after one more fact: folded on, or folded
    again when it is not the last or takes another back.
    """
    folding = batch.service.core.folding
    onward, last = folds_on(folding, now.place, one.said)
    if onward:
        return folding.evolve(now.state, one.said), last
    if one.key not in batch.lives:  # what must be folded again seldom comes alone
        near = (
            key
            for key in batch.ahead[-AHEAD:]
            if kind_of(key) == kind_of(one.key) and batch.kept[key].written
        )
        _read_again(batch, (one.key, *near))
    said = (other.said for other in told if other.key == one.key)
    return fold(folding, one.key, (*batch.lives[one.key], *said))


def _enter(batch: _Batch, asked: _Asked, verdict: Verdict, told: Sequence[_Told]) -> None:
    """The ledger rows of a claim and its facts. The claim stands in the row of its first fact, when
    that is about its subject; else in one of its own, and then the subject gets a state row too:
    what has none is never looked for in the ledger.
    """
    claim, digest = asked.claim, asked.digest
    command = msgspec.json.encode(claim.command).decode()
    half: _Half = (verdict.verdict, digest, command, claim.note or None)
    rows = []
    if told[0].key != claim.subject:
        rows.append(_row(batch, claim, claim.subject, claim.id, half, (None, None, None)))
        half = NO_CLAIM
    for one in told:
        body = msgspec.json.encode(one.said.fact).decode()
        fact = (one.said.fact.__struct_config__.tag, body, one.sequence)
        rows.append(_row(batch, claim, one.key, one.id, half, fact))
        half = NO_CLAIM
    batch.rows += rows
    batch.kept[claim.subject].changed = True
    for one in told:
        batch.said.setdefault(one.key, []).append(one.said)
        if one.key in batch.lives:
            batch.lives[one.key].append(one.said)
    batch.known[claim.subject, claim.party, claim.id] = ledger.Known(
        *(claim.subject, claim.party, claim.id, verdict.verdict, digest, claim.note, command),
        claim.happened_at,
    )
    batch.alike.setdefault((claim.subject, claim.party, digest), set()).add(claim.id)


def _row(
    batch: _Batch, claim: Claim, key: str, id: str, claimed: _Half, fact: tuple[Any, Any, Any]
) -> tuple[Any, ...]:
    """Cells in the order of ledger.COLUMNS."""
    cause = None if id == claim.id else claim.id
    return (
        *(key, claim.party, id, batch.now, claim.happened_at),
        *claimed,
        *fact,
        *(cause, claim.correlation or None, claim.trace or None),
    )
