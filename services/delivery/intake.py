"""Delivery over HTTP: what partners and schools report,
and hand-outs; a verdict for each item, in the order sent.
"""

from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from services.delivery import events, store
from services.delivery.events import EventItem, HandOutItem, ItemVerdict, Reading
from shared.asking import Intake, items
from shared.decisions import instant
from shared.serving import (
    Listed,
    Problem,
    Route,
    answer,
    invalid,
    json_body,
    limit_of,
    moment,
    moment_of,
    trace_of,
)
from shared.transact import RANKING
from shared.upkeep import Queued, accept_file, sees_all

ITEMS = 500
REPORTERS = ("carrier", "school", "region", "ops")
QUERY = {
    "verdict": f"One of {', '.join(RANKING)}; all when left out",
    "since": "Those that came to us at this moment or later; RFC 3339 with an offset",
    "party": "Whose; only ops and region may ask for others'",
    "limit": "How many, 1 to 500; 100 when left out",
    "cursor": "What a list gave as next",
}


class EventsBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The envelope of events; the items are read one by one, so that each has its own verdict."""

    events: list[EventItem]


class HandOutsBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The envelope of hand-outs, read as that of events is."""

    hand_outs: list[HandOutItem]


class Verdicts(Struct, frozen=True):
    """A verdict for each item, in the order sent."""

    verdicts: list[ItemVerdict]


class EventTold(Struct, frozen=True):
    """An event as it was sent (`event`), the way it came (`form`), and what became of it.
    `corrected_by`: the events, as `<party>/<id>`, after which it holds no longer.
    """

    id: str
    party: str
    form: str
    type: str
    happened_at: datetime | None
    received_at: datetime
    verdict: str
    code: str
    corrected_by: list[str]
    event: dict[str, Any]


def routes(intake: Intake) -> list[Route]:
    """Delivery's calls."""

    async def report(request: Request) -> Response:
        return await _take(intake, request, "events", events.read_event)

    async def hand_out(request: Request) -> Response:
        return await _take(intake, request, "hand_outs", events.read_hand_out)

    async def one(request: Request) -> Response:
        id = request.path_params["id"]
        party = _party(request) or request.state.party
        found = await intake.database.read(lambda connection: store.event(connection, party, id))
        if found is None:
            raise Problem(404, "unknown-event", f"no event of yours has the id {id[:60]}")
        return answer(_told(found))

    async def own(request: Request) -> Response:
        return answer(await _listed(intake, request))

    async def import_events(request: Request) -> Response:
        return await accept_file(request, intake.worker, "events")

    path, listed = "/api/delivery-events", Listed[EventTold]
    reporting = "Tell what happened to shipments and laptops"
    handing = "Tell which student took which laptop"
    whose = {"party": QUERY["party"]}
    return [
        Route("POST", path, report, reporting, REPORTERS, EventsBody, Verdicts),
        Route("GET", path, own, "Own events", REPORTERS, answer=listed, query=QUERY),
        Route(
            "GET",
            f"{path}/{{id:path}}",
            one,
            "An own event",
            REPORTERS,
            answer=EventTold,
            query=whose,
        ),
        Route(
            "POST",
            f"{path}/imports",
            import_events,
            "Tell what happened by a file, CSV, one laptop a row",
            REPORTERS,
            answer=Queued,
            status=202,
            media="text/csv",
        ),
        Route(
            "POST",
            "/api/hand-outs",
            hand_out,
            handing,
            ("school", "region"),
            HandOutsBody,
            Verdicts,
        ),
    ]


# -- what is told


async def _take(intake: Intake, request: Request, name: str, read: Reading) -> Response:
    now, party = intake.now(), request.state.party
    trace = trace_of(request)
    sent = []
    for raw in items(await json_body(request), name, ITEMS):
        item = events.reading(read, raw, party, intake.makers, now, "json")
        claims = tuple(replace(claim, trace=trace) for claim in item.claims)
        sent.append(replace(item, claims=claims))
    told: list[ItemVerdict] = []
    for part in events.parts(sent):
        work = partial(events.take, service=intake.service, sent=part, now=now)
        told += await intake.database.write(work)
    intake.relay.wake()
    for one in told:
        intake.metrics.claims.labels("http", one.verdict).inc()
    return answer(Verdicts(told))


# -- what was told


def _party(request: Request) -> str | None:
    """Whose events are asked for, None when nobody's in particular. Raises Problem 403."""
    own, asked = request.state.party, request.query_params.get("party")
    if sees_all(own):
        return asked
    if asked not in (None, own):
        raise Problem(403, "not-yours", f"you see the events of {own} alone")
    return str(own)


async def _listed(intake: Intake, request: Request) -> Listed[EventTold]:
    asked = request.query_params
    verdict, limit = asked.get("verdict"), limit_of(request)
    if verdict is not None and verdict not in RANKING:
        raise invalid("/verdict", "invalid", f"one of {', '.join(RANKING)} is expected")
    at, _, id = asked.get("cursor", "").partition(" ")
    work = partial(
        store.sent_by,
        party=_party(request),
        verdict=verdict,
        since=moment_of(request, "since"),
        after=(moment("cursor", at), id) if at else None,
        limit=limit,
    )
    found, total = await intake.database.read(work)
    last = found[-1] if len(found) == limit else None
    cursor = f"{instant(last.received_at)} {last.id}" if last else None
    return Listed([_told(event) for event in found], cursor, total)


def _told(event: store.Event) -> EventTold:
    return EventTold(
        event.id,
        event.party,
        event.form,
        event.type,
        event.happened_at,
        event.received_at,
        event.verdict,
        event.code,
        ["/".join(by) for by in event.corrected_by],
        msgspec.json.decode(event.body),
    )
