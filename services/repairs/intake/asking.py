"""Incidents and acts over HTTP: one or many, a verdict for each, in the order sent."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from services.repairs import core, events, showing, store
from services.repairs.events import IncidentItem
from services.repairs.showing import Desk
from services.repairs.shown import CaseShown
from services.repairs.store import Found
from shared.asking import Intake, items, unless_kept
from shared.contracts.strict import Field
from shared.decisions import Claim
from shared.serving import Handler, Problem, answer, json_body, trace_of
from shared.transact import Verdict, submit

ITEMS = 500


class IncidentsBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The envelope of incidents; the items are read one by one, each has its own verdict."""

    incidents: list[IncidentItem]


class ActsBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The envelope of acts: each an act's fields, with `case` and `act` beside them."""

    acts: list[dict[str, Any]]


class ItemVerdict(Struct, frozen=True):
    """The verdict on one item; `case`: the one that an incident opened, or an act is on."""

    id: str
    verdict: str
    code: str | UnsetType = UNSET
    detail: str | UnsetType = UNSET
    case: str | UnsetType = UNSET


class Verdicts(Struct, frozen=True):
    """A verdict for each item, in the order sent."""

    verdicts: list[ItemVerdict]


class CaseTold(Struct, frozen=True):
    """What became of an act, and the case as it is now; null when it was withdrawn."""

    verdict: str
    code: str
    case: CaseShown | None


Told = tuple[str, Claim | Verdict]
"""An item's id, and what it claims, or why it is refused."""


def logging(intake: Intake, desk: Desk) -> Handler:
    """A handler that takes incidents."""
    read = events.incident(desk.policy.causes)

    async def log(request: Request) -> Response:
        found = items(await json_body(request), "incidents", ITEMS)
        told = [
            (_id(raw), events.reading(read, raw, request.state.party, intake.makers, intake.now()))
            for raw in found
        ]
        verdicts = await _taken(intake, request, told)
        kept = [
            one if isinstance(one, Claim) and _kept(verdict) else None
            for (_, one), verdict in zip(told, verdicts, strict=True)
        ]
        cases = await intake.database.read(lambda seen: _cases(seen, kept))
        return answer(Verdicts([_item(*one) for one in zip(told, verdicts, cases, strict=True)]))

    return log


def _cases(connection: Connection, kept: Sequence[Claim | None]) -> list[str]:
    """The number of the case of each incident; of one that was logged before under another id, that
    of the case which stands.
    """
    numbers = [core.case_of_claim(one) if one else "" for one in kept]
    there = store.cases_of(connection, set(numbers))
    return [
        number
        if not one or number in there
        else core.case_alike(store.laptop(connection, one.subject), one)
        for number, one in zip(numbers, kept, strict=True)
    ]


def acting_on_many(intake: Intake) -> Handler:
    """A handler that takes acts on many cases."""

    async def act(request: Request) -> Response:
        raws = items(await json_body(request), "acts", ITEMS)
        numbers = [str(raw.get("case", "")) if isinstance(raw, dict) else "" for raw in raws]
        known = await intake.database.read(lambda one: store.cases_of(one, set(numbers)))
        told = [
            (_id(raw), _act(intake, request.state.party, raw, known.get(number)))
            for raw, number in zip(raws, numbers, strict=True)
        ]
        verdicts = await _taken(intake, request, told)
        cases = [number if number in known else UNSET for number in numbers]
        return answer(Verdicts([_item(*one) for one in zip(told, verdicts, cases, strict=True)]))

    return act


def _act(intake: Intake, party: str, raw: Any, found: Found | None) -> Claim | Verdict:
    if not isinstance(raw, dict) or found is None:
        return Verdict("refused", "unknown-case", "/case: there is no case of this number", "/case")
    fields = {name: value for name, value in raw.items() if name not in ("case", "act")}
    read = events.act(str(raw.get("act", "")), found.number, found.laptop)
    return events.reading(read, fields, party, intake.makers, intake.now())


def acting(intake: Intake, desk: Desk) -> Handler:
    """A handler that takes an act on the case that the address names."""

    async def act(request: Request) -> Response:
        number, name = request.path_params["case"], request.path_params["act"]
        if name not in events.ACTS:
            raise Problem(404, "unknown-act", f"an act is one of {', '.join(events.ACTS)}")
        found = await known_case(intake, number)
        body, party = await json_body(request), request.state.party
        read = events.act(name, number, found.laptop)
        one = events.reading(read, body, party, intake.makers, intake.now())
        if isinstance(one, Verdict):
            raise refusal(one)
        (verdict,) = await _taken(intake, request, [(one.id, one)])
        unless_kept(verdict)
        mine = desk.seen_by(party)
        case = await intake.database.read(lambda seen: showing.one_case(seen, mine, number))
        return answer({"verdict": verdict.verdict, "code": verdict.code, "case": case})

    return act


async def known_case(intake: Intake, number: str) -> Found:
    """A case. Raises Problem 404."""
    found: Found | None = await intake.database.read(
        lambda connection: store.case(connection, number)
    )
    if found is None:
        raise Problem(404, "unknown-case", f"there is no case {number[:40]}")
    return found


def refusal(verdict: Verdict) -> Problem:
    """The problem that the form of what was sent is: 403 for a right, 422 for a field."""
    status = 403 if verdict.code in ("not-your-act", "not-your-desk") else 422
    field, detail = verdict.field, verdict.detail
    return Problem(status, verdict.code, detail, [Field(field, verdict.code, detail)])


async def taken(intake: Intake, claims: Sequence[Claim]) -> list[Verdict]:
    """Put claims through. Raises Away."""
    held = [await _unknown(intake, claim) for claim in claims]
    passing = [one for one, why in zip(claims, held, strict=True) if why is None]
    decided = iter(await submit(intake.database, intake.service, passing, intake.now()))
    intake.relay.wake()
    return [next(decided) if why is None else why for why in held]


async def _unknown(intake: Intake, claim: Claim) -> Verdict | None:
    """Why an event cannot be withdrawn; None where it can. What was asked of two laptops, or said
    of two, is undone by what follows it: a loan comes back, a swap is swapped again.
    """
    if not isinstance(claim.command, core.Withdraw):
        return None
    event = (claim.subject, claim.command.party, claim.command.event)
    found = await intake.database.read(lambda seen: store.told(seen, *event))
    if found is None:
        unknown = "/corrects: no event of yours on this laptop has that id"
        return Verdict("refused", "unknown-event", unknown, "/corrects")
    if not isinstance(found, core.LogIncident | core.ReportStep):
        undo = "/corrects: what is about two laptops, or was asked, is undone by what follows it"
        return Verdict("refused", "not-a-report", undo, "/corrects")
    return None


async def _taken(intake: Intake, request: Request, told: Sequence[Told]) -> list[Verdict]:
    trace = trace_of(request)
    claims = [replace(one, trace=trace) for _, one in told if isinstance(one, Claim)]
    decided = iter(await taken(intake, claims))
    verdicts = [next(decided) if isinstance(one, Claim) else one for _, one in told]
    for verdict in verdicts:
        intake.metrics.claims.labels("http", verdict.verdict).inc()
    return verdicts


def _id(raw: Any) -> str:
    id = raw.get("id") if isinstance(raw, Mapping) else None
    return id[:200] if isinstance(id, str) else ""


def _kept(verdict: Verdict) -> bool:
    return verdict.verdict not in ("refused", "conflict")


def _item(told: Told, verdict: Verdict, case: str | UnsetType) -> ItemVerdict:
    return ItemVerdict(
        told[0], verdict.verdict, verdict.code or UNSET, verdict.detail or UNSET, case or UNSET
    )
