"""Events and hand-outs as parties send them, whichever way they come: read into claims, kept as
they were sent, taken through the one transaction.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace
from sqlalchemy import Connection

from services.delivery import core, register
from services.delivery.register import (
    CONTRADICTION,
    INFORMATIONAL,
    LaptopVerdict,
    Name,
    Register,
    Sent,
)
from shared.access import role
from shared.asking import NotTakenError, id_of, past, taken
from shared.contracts import identifiers
from shared.contracts.identifiers import LaptopItem, Makers
from shared.contracts.strict import Unreadable, convert
from shared.decisions import Claim
from shared.parking import park, parked_claim
from shared.transact import LIMIT, Service, Verdict, transact, worst


class EventItem(Struct, frozen=True, forbid_unknown_fields=True):
    """One delivery event. `laptops` is read apart, so that one wrong serial refuses one laptop."""

    id: str
    type: str
    happened_at: datetime
    shipment: str | None = None
    order: str | None = None
    school: str | None = None
    to_school: str | None = None
    laptops: list[dict[str, Any]] | None = None
    quantity: int | None = None
    detail: str | None = None
    corrects: str | None = None


class Charter(Struct, frozen=True, forbid_unknown_fields=True):
    """Who signed the charter, and when."""

    minor: bool
    student_signed_at: datetime | None = None
    guardian_signed_at: datetime | None = None


class Kit(Struct, frozen=True, forbid_unknown_fields=True):
    """What of the kit was handed out."""

    laptop: bool
    sleeve: bool
    storage: bool


class HandOutItem(Struct, frozen=True, forbid_unknown_fields=True):
    """One laptop that a student takes home."""

    id: str
    laptop: LaptopItem
    student: str
    handed_out_at: datetime
    charter: Charter
    kit: Kit
    school: str | None = None


class ItemVerdict(Struct, frozen=True):
    """The verdict on one item: the worst of its laptops'."""

    id: str
    verdict: str
    code: str | UnsetType = UNSET
    detail: str | UnsetType = UNSET
    laptops: list[LaptopVerdict] | UnsetType = UNSET


Reading = Callable[[Any, str, Makers, datetime, str], Sent]


def reading(read: Reading, raw: Any, party: str, makers: Makers, now: datetime, form: str) -> Sent:
    """One item; a malformed one is a refusal of its own and holds no other back."""
    id = raw.get("id") if isinstance(raw, dict) else None
    refused = partial(Sent, party, id[:200] if isinstance(id, str) else "", form, raw)
    told = taken(lambda: read(raw, party, makers, now, form), raw)
    return refused(verdict=told) if isinstance(told, Verdict) else told


# -- items to claims


def read_event(raw: Any, party: str, makers: Makers, now: datetime, form: str = "json") -> Sent:
    """A delivery event as one claim for its shipment and one for each laptop, all under its id.

    Raises Unreadable, ValueError and NotTakenError with what is wrong about it.
    """
    item = convert(raw, EventItem)
    happened_at = past("happened_at", item.happened_at, now)
    id_of("id", item.id)
    step = _step(item, party)
    if item.quantity is not None and not 0 <= item.quantity <= 100_000:
        raise NotTakenError("invalid", "/quantity: 0 to 100,000 laptops")
    names, refused = _laptops(item.laptops or (), makers)
    corrects = _corrected(item, party)
    commands = (
        _commands_of_void(item, corrects or (party, ""), names)
        if item.type == "void"
        else _commands(item, step, party, names)
    )
    note = (item.detail or "")[:2_000]
    claim = partial(Claim, party, item.id, happened_at=happened_at, report=True, note=note)
    return Sent(
        party=party,
        id=item.id,
        form=form,
        raw=raw,
        type=item.type,
        happened_at=happened_at,
        claims=tuple(claim(subject=key, command=command) for key, command in commands),
        names=names,
        refused=tuple(refused),
        corrects=corrects,
    )


def _commands(
    item: EventItem, step: core.Step, party: str, laptops: Iterable[str]
) -> list[tuple[str, core.Command]]:
    """What an event says of its shipment and of each of its laptops."""
    shipment = identifiers.sscc(item.shipment) if item.shipment is not None else None
    _checked_about(item, step, shipment)
    about: dict[str, Any] = {
        "order": identifiers.document_name(item.order) if item.order is not None else None,
        "school": _school(item.school, party, step.school),
        "to_school": _school_named("to_school", item.to_school, step.to_school),
        "corrects": item.corrects,
    }
    commands: list[tuple[str, core.Command]] = []
    if shipment is not None:
        whole = not item.laptops and item.type != "announced"
        told = core.ReportShipment(item.type, **about, quantity=item.quantity, whole=whole)
        commands.append((f"shipment:{shipment}", told))
    one = core.ReportLaptop(item.type, shipment, **about)
    return [*commands, *((key, one) for key in laptops)]


def _commands_of_void(
    item: EventItem, event: Name, laptops: Iterable[str]
) -> list[tuple[str, core.Command]]:
    """What is withdrawn of what is listed; where nothing is, the register knows of what."""
    withdraw = core.Withdraw(*event)
    shipments = [f"shipment:{identifiers.sscc(item.shipment)}"] if item.shipment else []
    return [(key, withdraw) for key in (*shipments, *laptops)]


def _step(item: EventItem, party: str) -> core.Step:
    """What is reported. Refused when nobody knows it, or when it is not this party's to report."""
    step = core.STEPS.get(item.type)
    if step is None:
        raise NotTakenError("invalid", f"/type: one of {', '.join(core.STEPS)} is expected")
    if not core.may_report(role(party), item.type):
        raise NotTakenError("not-your-act", f"a {role(party)} does not report {item.type}")
    if item.type == "void" and item.corrects is None:
        raise NotTakenError("invalid", "/corrects: say which event holds no longer")
    return step


def _checked_about(item: EventItem, step: core.Step, shipment: str | None) -> None:
    if not item.laptops and (shipment is None or not step.alone):
        what = "a shipment, laptops or both are" if step.alone else "laptops are"
        raise NotTakenError("invalid", f"/laptops: {what} expected")
    if shipment is not None and not step.alone:
        raise NotTakenError("invalid", f"/shipment: {item.type} is about laptops alone")
    if item.type == "announced" and shipment is None:
        raise NotTakenError("invalid", "/shipment: announced tells what is in a shipment, name it")


def _corrected(item: EventItem, party: str) -> tuple[str, str] | None:
    """Whose event is corrected, and its id. Only ops may name another's, as `<party>/<id>`."""
    if item.corrects is None:
        return None
    id_of("corrects", item.corrects)
    if role(party) != "ops":
        if item.corrects == item.id:
            raise NotTakenError("invalid", "/corrects: no event corrects itself")
        return party, item.corrects
    whose, _, id = item.corrects.partition("/")
    return identifiers.party(whose), id


def read_hand_out(raw: Any, party: str, makers: Makers, now: datetime, form: str = "json") -> Sent:
    """A hand-out as one claim for its laptop; raises what `read_event` raises."""
    item = convert(raw, HandOutItem)
    id_of("id", item.id)
    command = core.HandOut(
        student=identifiers.pseudonym(item.student),
        school=_school(item.school, party, needed=True) or "",
        minor=item.charter.minor,
        student_signed_at=_signed("student_signed_at", item.charter.student_signed_at, now),
        guardian_signed_at=_signed("guardian_signed_at", item.charter.guardian_signed_at, now),
        kit=frozenset(part for part in ("laptop", "sleeve", "storage") if getattr(item.kit, part)),
    )
    key = makers.laptop(item.laptop.maker, item.laptop.serial)
    happened_at = past("handed_out_at", item.handed_out_at, now)
    claim = Claim(party, item.id, key, happened_at, command, report=True)
    return Sent(party, item.id, form, raw, "hand-out", happened_at, (claim,))


def _signed(field: str, moment: datetime | None, now: datetime) -> datetime | None:
    return None if moment is None else past(f"charter/{field}", moment, now)


def _school(said: str | None, party: str, needed: bool) -> str | None:
    """The school: a school's own, whoever else must or may say it."""
    if role(party) == "school":
        own = party.partition(":")[2]
        if said is not None and identifiers.uai(said) != own:
            raise NotTakenError("not-your-school", f"you speak for {own}")
        return own
    return _school_named("school", said, needed)


def _school_named(field: str, said: str | None, needed: bool) -> str | None:
    if said is None and needed:
        raise NotTakenError("invalid", f"/{field}: say which school")
    return identifiers.uai(said) if said is not None else None


def _laptops(
    said: Iterable[Mapping[str, Any]], makers: Makers
) -> tuple[dict[str, LaptopItem], list[LaptopVerdict]]:
    """The laptops that can be read, by key; the others, refused one by one."""
    names: dict[str, LaptopItem] = {}
    refused = []
    for one in said:
        try:
            laptop = convert(one, LaptopItem)
            names.setdefault(makers.laptop(laptop.maker, laptop.serial), laptop)
        except (Unreadable, ValueError) as trouble:
            maker, serial = (str(one.get(name, ""))[:60] for name in ("maker", "serial"))
            detail = str(trouble)
            refused.append(LaptopVerdict(maker, serial, "refused", "invalid", detail))
    return names, refused


# -- through the one transaction


def parts(sent: Sequence[Sent]) -> Iterator[Sequence[Sent]]:
    """Items in parts for one transaction each: LIMIT claims at the most, or one item."""
    start, claims = 0, 0
    for number, item in enumerate(sent):
        if number > start and claims + len(item.claims) > LIMIT:
            yield sent[start:number]
            start, claims = number, 0
        claims += len(item.claims)
    yield sent[start:]


def take(
    connection: Connection,
    service: Service,
    sent: Sequence[Sent],
    now: datetime,
    park_refusals: bool = False,
) -> list[ItemVerdict]:
    """Take items inside the caller's transaction; a verdict for each, in the order given. With
    each go the withdrawals that it, or what corrected it before it came, brings about.
    """
    book = register.opened(connection, sent, now)
    items, claims = [], []
    for item in sent:
        if register.contradicts(book, item):
            _set_aside(connection, item, now)
            items.append(replace(item, claims=(), verdict=CONTRADICTION))
        else:
            items.append(item)
        claims.append([*items[-1].claims, *register.withdrawals(book, items[-1])])
    together = [claim for of_one in claims for claim in of_one]
    decided = iter(transact(connection, service, together, now, park_refusals))
    answers = []
    for item, of_one in zip(items, claims, strict=True):
        verdicts = [next(decided) for _ in of_one]
        told = _told(item, verdicts, book)
        answers.append(told)
        register.enter(book, item, verdicts, told.verdict, told.code or "")
    register.close(connection, book)
    return answers


def _set_aside(connection: Connection, item: Sent, now: datetime) -> None:
    code, detail = CONTRADICTION.code, CONTRADICTION.detail
    parked = [parked_claim("conflict", code, detail, claim, now) for claim in item.claims]
    park(connection, parked)


def taking(service: Service) -> Callable[[Connection, Sequence[Sent], datetime], list[ItemVerdict]]:
    """`take` for one service."""
    return lambda connection, sent, now: take(connection, service, sent, now)


def _told(item: Sent, every: Sequence[Verdict], book: Register) -> ItemVerdict:
    if item.verdict is not None:
        return ItemVerdict(item.id, item.verdict.verdict, item.verdict.code, item.verdict.detail)
    if not every and not item.refused:
        return _told_of_nothing(item, book)
    own = every[: len(item.claims)]
    verdicts = own or every
    worse = worst([*(one.verdict for one in verdicts), *(one.verdict for one in item.refused)])
    differing = list(item.refused)
    for claim, one in zip(item.claims, own, strict=True):
        named = item.names.get(claim.subject)
        if named is not None and one.verdict != worse:
            differing.append(
                LaptopVerdict(named.maker, named.serial, one.verdict, one.code, one.detail)
            )
    first = next((one for one in verdicts if one.verdict == worse and one.code), None)
    code = first.code if first else "invalid" if item.refused else UNSET
    detail = first.detail if first and first.detail else UNSET
    return ItemVerdict(item.id, worse, code, detail, differing or UNSET)


def _told_of_nothing(item: Sent, book: Register) -> ItemVerdict:
    """What makes no claim: a correction of what was not heard yet, which will hold when that comes;
    what is kept and means nothing here, and the correction of such.
    """
    known = book.events.get(item.name)
    if known is not None and known.body:
        if register.same(known, item):
            return ItemVerdict(item.id, "duplicate")
        return ItemVerdict(item.id, "conflict", "id-already-used")
    corrected = book.events.get(item.corrects) if item.corrects else None
    if item.type == INFORMATIONAL or (corrected is not None and corrected.body):
        return ItemVerdict(item.id, "applied", INFORMATIONAL)
    return ItemVerdict(item.id, "waiting", "event-not-known")
