"""The register of events as their parties sent them: for whoever asks after one, and for what
corrects one. A correction may come before what it corrects; then it holds when that comes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from services.delivery import core, store
from services.delivery.store import Event
from shared.contracts.identifiers import LaptopItem
from shared.decisions import Claim
from shared.transact import Verdict, worst

KEPT = ("applied", "waiting", "duplicate")  # verdicts after which a claim stands in the ledger
FILE = "csv"  # the form in which one event may come in several rows
INFORMATIONAL = "informational"  # the type, and the code, of what is kept and means nothing here
CONTRADICTION = Verdict(
    "conflict",
    "id-already-used",
    "this id stands already for something else; both are kept for a person to settle",
)

Name = tuple[str, str]
"""The party of an event, and the id that the party gave it."""


class LaptopVerdict(Struct, frozen=True, omit_defaults=True):
    """The verdict on one laptop, where it differs from its event's."""

    maker: str
    serial: str
    verdict: str
    code: str = ""
    detail: str = ""


class Sent(Struct, frozen=True):
    """An item as its party sent it: `raw`, by the way it came (`form`), and as claims.

    `names`: how the sender called each claim's laptop; `refused`: laptops whose name cannot be
    read; `corrects`: the event that it replaces; `verdict`: why it makes no claims at all;
    `digests`: what it says, looked at in several ways, where its claims do not tell it; things
    of which one agrees say the same.
    """

    party: str
    id: str
    form: str
    raw: Any
    type: str = ""
    happened_at: datetime | None = None
    claims: tuple[Claim, ...] = ()
    names: Mapping[str, LaptopItem] = {}
    refused: tuple[LaptopVerdict, ...] = ()
    corrects: Name | None = None
    verdict: Verdict | None = None
    digests: tuple[str, ...] = ()

    @property
    def name(self) -> Name:
        return self.party, self.id

    @property
    def everywhere(self) -> bool:
        """Whether it corrects an event as a whole, and not only what it lists itself. Where all
        that it lists cannot be read, it corrects nothing.
        """
        listed = bool(self.claims or self.refused)
        some = listed if self.type == "void" else listed and not self.claims
        return self.corrects is not None and not some


class Spoken(Struct):
    """What is known of an event by now, those of the batch at work included: of which keys it
    tells, when it happened, which events replace it, and what it says.
    """

    keys: list[str]
    happened_at: datetime | None
    corrected_by: list[Name]
    digests: tuple[str, ...] = ()


class Register(Struct):
    """Events by name, as they are written down; which of them
    have to be written; what is known by now.
    """

    now: datetime
    events: dict[Name, Event]
    spoken: dict[Name, Spoken]
    changed: set[Name] = set()


def opened(connection: Connection, sent: Sequence[Sent], now: datetime) -> Register:
    """The register as far as these items touch it."""
    names = {item.name for item in sent} | {item.corrects for item in sent if item.corrects}
    events = store.events(connection, names)
    behind = {by for event in events.values() for by in event.corrected_by} - events.keys()
    events |= store.events(connection, behind)
    spoken = {
        name: Spoken([*one.keys], one.happened_at, [*one.corrected_by], one.digests)
        for name, one in events.items()
    }
    return Register(now, events, spoken)


def close(connection: Connection, register: Register) -> None:
    """Write what changed."""
    store.keep(connection, [register.events[name] for name in sorted(register.changed)])


def contradicts(register: Register, item: Sent) -> bool:
    """Whether its id stands for something else already, and its claims would not show it."""
    here = register.spoken.get(item.name)
    if here is None or not here.digests or not item.digests:
        return False
    return not {*here.digests}.intersection(item.digests)


def withdrawals(register: Register, item: Sent) -> list[Claim]:
    """What an item takes back beside what it says itself; and what of it was taken back before.
    To be asked for each item of a batch in turn.
    """
    found: list[Claim] = []
    if item.verdict is not None:
        return found
    here = _spoken(register, item.name)
    here.happened_at = here.happened_at or item.happened_at
    here.digests = here.digests or item.digests
    said = {claim.subject for claim in item.claims}
    if item.corrects is not None and item.everywhere:
        target = _spoken(register, item.corrects)
        target.corrected_by.append(item.name)
        keys = [key for key in target.keys if key not in said]
        found += _claims(register, item.name, item.corrects, keys)
    for by in here.corrected_by:
        keys = [key for key in said if key not in register.spoken[by].keys]
        found += _claims(register, by, item.name, sorted(keys))
    if item.type != "void":
        here.keys += said
    return found


def _spoken(register: Register, name: Name) -> Spoken:
    return register.spoken.setdefault(name, Spoken([], None, []))


def _claims(register: Register, by: Name, event: Name, keys: Sequence[str]) -> list[Claim]:
    at, command = register.spoken[by].happened_at or register.now, core.Withdraw(*event)
    return [Claim(*by, subject=key, happened_at=at, command=command, report=True) for key in keys]


def enter(
    register: Register, item: Sent, verdicts: Sequence[Verdict], verdict: str, code: str
) -> None:
    """Enter what stands now: an item that brought something new, and what it corrects."""
    known = register.events.get(item.name, Event(*item.name, received_at=register.now))
    fresh = any(one.verdict in ("applied", "waiting") for one in verdicts)
    alone = item.everywhere or (item.digests and verdict in KEPT)  # entered without a new claim
    if item.verdict is not None or not (fresh or (alone and not known.body)):
        return
    kept = [
        claim.subject
        for claim, one in zip(item.claims, verdicts, strict=False)
        if one.verdict in KEPT and item.type != "void"
    ]
    body, verdicts_so_far = _encoded(item.raw), [verdict]
    if known.body and item.form == known.form == FILE:
        body, verdicts_so_far = _merged(known.body, item.raw), [verdict, known.verdict]
    register.events[item.name] = replace(
        known,
        form=item.form,
        type=item.type,
        happened_at=item.happened_at,
        verdict=worst(verdicts_so_far),
        code=code,
        keys=tuple(dict.fromkeys((*known.keys, *kept))),
        body=body,
        digests=item.digests or known.digests,
    )
    register.changed.add(item.name)
    if item.corrects is not None and item.everywhere:
        target = register.events.get(item.corrects, Event(*item.corrects, received_at=register.now))
        by = tuple(dict.fromkeys((*target.corrected_by, item.name)))
        register.events[item.corrects] = replace(target, corrected_by=by)
        register.changed.add(item.corrects)


def same(event: Event, item: Sent) -> bool:
    """Whether an item is what stands in the register."""
    if item.digests:
        return not {*event.digests}.isdisjoint(item.digests)
    return bool(msgspec.json.decode(event.body) == msgspec.to_builtins(item.raw))


def _encoded(raw: Any) -> str:
    return msgspec.json.encode(raw).decode()


def _merged(body: str, row: Mapping[str, Any]) -> str:
    """An event of which one more row came: the laptops of both."""
    before = msgspec.json.decode(body)
    laptops = [*before.get("laptops", ())]
    laptops += [one for one in row.get("laptops", ()) if one not in laptops]
    return _encoded(before | {"laptops": laptops} if laptops else before)
