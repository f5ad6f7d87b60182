"""Incidents and acts as desks send them, whichever way they come: read into claims."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from msgspec import Struct

from services.repairs import core
from shared.access import role
from shared.asking import NotTakenError, id_of, past, taken
from shared.contracts import identifiers, repairs
from shared.contracts.identifiers import LaptopItem, Makers
from shared.contracts.strict import convert
from shared.decisions import Claim
from shared.transact import Verdict

TEXT = 10_000  # characters


class IncidentItem(Struct, frozen=True, forbid_unknown_fields=True):
    """Something that is wrong with a laptop. `cause`: a word of the policy; `fault`: a CompCat
    type, its number or its name; `text` stays in this service's database.
    """

    id: str
    laptop: LaptopItem
    reported_at: datetime
    cause: str
    desk: str | None = None
    fault: int | str | None = None
    text: str | None = None


class ActItem(Struct, frozen=True, forbid_unknown_fields=True):
    """What happened to a case, or is asked about it; which fields an act takes stands in ACTS."""

    id: str
    happened_at: datetime
    waiting_on: str | None = None
    fault: int | str | None = None
    outcome: int | str | None = None
    barrier: int | str | None = None
    complaint: str | None = None
    filed_on: date | None = None
    cover: str | None = None
    remedy: str | None = None
    decided_by: str | None = None
    returned: LaptopItem | None = None
    new: LaptopItem | None = None
    loaner: LaptopItem | None = None
    due_on: date | None = None
    corrects: str | None = None
    text: str | None = None


class Act(Struct, frozen=True):
    """An act: the fields that it needs, those that it may have, and whether it tells what happened
    (a report) or asks for something (an intent).
    """

    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    report: bool = True


ACTS: Mapping[str, Act] = {
    **{name: Act(step.needs, step.may) for name, step in core.STEPS.items()},
    "loan-return": Act(("loaner",)),
    "void": Act(("corrects",)),
    "warranty-decision": Act((), ("decided_by", "cover", "remedy"), report=False),
    "loan": Act(("loaner",), ("due_on",), report=False),
    "swap": Act(("returned", "new"), report=False),
}
_ALWAYS = ("id", "happened_at", "text")

Read = Callable[[Any, str, Makers, datetime], Claim]


def reading(read: Read, raw: Any, party: str, makers: Makers, now: datetime) -> Claim | Verdict:
    """One item; a malformed one is a refusal of its own and holds no other back."""
    return taken(lambda: read(raw, party, makers, now), raw)


def incident(causes: tuple[str, ...]) -> Read:
    """A function that reads an incident; `causes` are the words of the policy."""

    def read(raw: Any, party: str, makers: Makers, now: datetime) -> Claim:
        item = convert(raw, IncidentItem)
        if item.cause not in causes:
            raise NotTakenError("invalid", f"/cause: one of {', '.join(causes)} is expected")
        command = core.LogIncident(
            _desk(item.desk, party), item.cause, _code("fault", item.fault, repairs.FAULTS)
        )
        return Claim(
            party,
            id_of("id", item.id),
            makers.laptop(item.laptop.maker, item.laptop.serial),
            past("reported_at", item.reported_at, now),
            command,
            report=True,
            note=_text(item.text),
        )

    return read


def act(name: str, case: str, laptop: str) -> Read:
    """A function that reads an act on a case of a laptop. Its claim is the laptop's."""

    def read(raw: Any, party: str, makers: Makers, now: datetime) -> Claim:
        known = ACTS.get(name)
        if known is None:
            raise NotTakenError("invalid", f"/act: one of {', '.join(ACTS)} is expected")
        if role(party) == "ops" and name != "void":
            raise NotTakenError("not-your-act", "/act: ops withdraws what others told, and no more")
        item = convert(raw, ActItem)
        _checked_fields(name, known, item)
        return Claim(
            party,
            id_of("id", item.id),
            laptop,
            past("happened_at", item.happened_at, now),
            _command(name, case, item, party, makers),
            report=known.report,
            note=_text(item.text),
        )

    return read


def _checked_fields(name: str, known: Act, item: ActItem) -> None:
    for field in ActItem.__struct_fields__:
        given = getattr(item, field) is not None
        if given and field not in (*known.needs, *known.may, *_ALWAYS):
            raise NotTakenError("invalid", f"/{field}: {name} does not take it")
        if not given and field in known.needs:
            raise NotTakenError("invalid", f"/{field}: it is missing, and {name} needs it")


def _command(name: str, case: str, item: ActItem, party: str, makers: Makers) -> core.Command:
    match name:
        case "swap":
            returned = _laptop("returned", makers, item.returned)
            return core.Swap(case, returned, _laptop("new", makers, item.new))
        case "loan":
            return core.Lend(case, _laptop("loaner", makers, item.loaner), item.due_on)
        case "loan-return":
            return core.ReturnLoan(case, _laptop("loaner", makers, item.loaner))
        case "void":
            return core.Withdraw(*_corrected(item.corrects or "", party))
        case "warranty-decision":
            return _decision(case, item, party)
    return _step(name, case, item)


def _step(name: str, case: str, item: ActItem) -> core.ReportStep:
    if item.waiting_on is not None and item.waiting_on not in core.WAITING_ON:
        who = ", ".join(core.WAITING_ON)
        raise NotTakenError("invalid", f"/waiting_on: one of {who} is expected")
    outcome = _code("outcome", item.outcome, repairs.OUTCOMES)
    if outcome not in (None, 0, 2):
        raise NotTakenError("invalid", "/outcome: 2 repairable or 0 unknown; say repair first")
    return core.ReportStep(
        case,
        name,
        item.waiting_on,
        _code("fault", item.fault, repairs.FAULTS),
        outcome,
        _code("barrier", item.barrier, repairs.BARRIERS),
        identifiers.label(item.complaint) if item.complaint is not None else None,
        item.filed_on,
    )


def _decision(case: str, item: ActItem, party: str) -> core.DecideWarranty:
    if (item.cover or item.remedy) and role(party) != "region":
        raise NotTakenError("not-your-act", "/cover: the policy decides, or else the region")
    for field, words in (("cover", core.COVERS), ("remedy", core.REMEDIES)):
        if getattr(item, field) not in (None, *words):
            raise NotTakenError("invalid", f"/{field}: one of {', '.join(words)} is expected")
    decided_by = identifiers.label(item.decided_by) if item.decided_by else party
    return core.DecideWarranty(case, decided_by, item.cover, item.remedy)


def _laptop(field: str, makers: Makers, item: LaptopItem | None) -> str:
    try:
        return makers.laptop(item.maker, item.serial) if item else ""
    except ValueError as trouble:
        raise NotTakenError("invalid", f"/{field}: {trouble}") from None


def _desk(said: str | None, party: str) -> str:
    """The desk: a desk's own; the region must say which."""
    own = party.partition(":")[2] if role(party) == "desk" else None
    if said is None and own is None:
        raise NotTakenError("invalid", "/desk: say which desk")
    if own is not None and said not in (None, own, party):
        raise NotTakenError("not-your-desk", f"/desk: you speak for {own}")
    return own or identifiers.party(f"desk:{(said or '').removeprefix('desk:')}")[5:]


def _corrected(said: str, party: str) -> tuple[str, str]:
    """Whose event is withdrawn, and its id. Only ops may name another's, as `<party>/<id>`."""
    if role(party) != "ops":
        return party, id_of("corrects", said)
    whose, _, id = said.partition("/")
    return identifiers.party(whose), id_of("corrects", id)


def _text(text: str | None) -> str:
    if text is not None and len(text) > TEXT:
        raise NotTakenError("invalid", f"/text: {TEXT} characters at most")
    return text or ""


def _code(field: str, said: int | str | None, table: Mapping[int, str]) -> int | None:
    """A code by its number or its name, in any of the spellings that are about."""
    if said is None:
        return None
    found = said if isinstance(said, int) else _named(table).get(_bare(said))
    if found not in table:
        known = ", ".join(f"{code} {name}" for code, name in table.items())
        raise NotTakenError("invalid", f"/{field}: a number or a name is expected: {known}")
    return found


def _named(table: Mapping[int, str]) -> Mapping[str, int]:
    return {_bare(name): code for code, name in table.items()} | {str(code): code for code in table}


def _bare(name: str) -> str:
    """A code's name as all spellings of it come to: the standard, its schema and its data differ
    in articles and in case.
    """
    return " ".join(word for word in name.lower().split() if word not in ("the", "item"))
