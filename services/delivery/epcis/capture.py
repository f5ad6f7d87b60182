"""The capture interface: documents and single events, decided before they are answered."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import msgspec
from msgspec import Struct
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from services.delivery.epcis import answers, archive, reading, taking
from services.delivery.epcis.answers import EXISTS, IMPLEMENTATION, SECURITY, VALIDATION
from services.delivery.epcis.archive import Capture
from services.delivery.epcis.reading import Document
from services.delivery.epcis.taking import WRONG, Item, UndoneError
from services.delivery.events import ItemVerdict
from services.delivery.intake import REPORTERS
from shared.asking import Intake
from shared.contracts.strict import Field, Unreadable
from shared.serving import TITLES, Problem, Route, answer, json_body, trace_of
from shared.transact import SET_ASIDE

CAPTURES, EVENTS = "/epcis/capture", "/epcis/events"
JSON_LD = "application/ld+json"
BEHAVIOURS = ("rollback", "proceed")
BEHAVIOUR = "GS1-Capture-Error-Behaviour"
NOT_YOURS = ("not-your-act", "not-your-school")


class CaptureError(Struct, frozen=True, omit_defaults=True):
    """What was wrong with one event of a document (RFC 9457); `instance` is the event's id."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[Field]
    instance: str = ""


class CaptureJob(Struct, frozen=True, rename={"capture_id": "captureID"}):
    """What became of a capture. It is decided before it is answered, so it never runs."""

    capture_id: str
    createdAt: datetime  # noqa: N815  the standard's own name
    finishedAt: datetime  # noqa: N815  the standard's own name
    running: bool
    success: bool
    captureErrorBehaviour: str  # noqa: N815  the standard's own name
    errors: list[CaptureError]


def routes(intake: Intake) -> list[Route]:
    """Capturing, and what became of it."""

    async def capture(request: Request) -> Response:
        return await _capture(intake, request)

    async def one(request: Request) -> Response:
        id, party = request.path_params["id"], request.state.party
        work = partial(archive.capture, party=party, id=id)
        found = await intake.database.read(work)
        if found is None:
            raise Problem(404, "unknown-capture", f"no capture of yours has the id {id[:60]}")
        return answer(_job(found))

    async def listed(request: Request) -> Response:
        return await _listed(intake, request)

    async def single(request: Request) -> Response:
        return await _single(intake, request)

    anything: Any = dict[str, Any]
    behaviour = {BEHAVIOUR: "rollback: one wrong event undoes all; proceed: the others count"}
    return [
        Route(
            "POST",
            CAPTURES,
            answers.checked(capture),
            f"Capture an EPCIS 2.0 document, {answers.EVENTS} events at most",
            REPORTERS,
            anything,
            CaptureJob,
            202,
            headers=answers.VERSIONS_IN | behaviour,
            told=answers.OF_CAPTURE,
            kinds=answers.KINDS_OF_CAPTURE,
        ),
        Route(
            "GET",
            CAPTURES,
            answers.checked(listed),
            "Own captures, the newest first",
            REPORTERS,
            answer=list[CaptureJob],
            query=answers.PAGES,
            told=answers.HEADERS,
            kinds=answers.KINDS_OF_QUERY,
        ),
        Route(
            "GET",
            f"{CAPTURES}/{{id}}",
            answers.checked(one),
            "What became of an own capture",
            REPORTERS,
            answer=CaptureJob,
            told=answers.HEADERS,
            kinds=answers.KINDS_OF_ONE,
        ),
        Route(
            "POST",
            EVENTS,
            answers.checked(single),
            "Capture one EPCIS 2.0 event",
            REPORTERS,
            anything,
            anything,
            201,
            headers=answers.VERSIONS_IN,
            told=answers.OF_CAPTURE,
            kinds=answers.KINDS_OF_CAPTURE,
        ),
    ]


# -- documents


async def _capture(intake: Intake, request: Request) -> Response:
    behaviour = request.headers.get(BEHAVIOUR, BEHAVIOURS[0]).strip().lower()
    if behaviour not in BEHAVIOURS:
        raise Problem(400, "invalid", f"{BEHAVIOUR}: {' or '.join(BEHAVIOURS)} is expected")
    raw = await json_body(request, JSON_LD)
    try:
        document = reading.document(raw)
    except Unreadable as trouble:
        raise answers.unreadable(trouble) from None
    if len(document.events) > answers.EVENTS:
        detail = f"{len(document.events)} events, {answers.EVENTS} are the most"
        raise Problem(413, "too-many-events", detail)
    items = _items(intake, request, document)
    begun = Capture(
        id=str(uuid4()),
        party=request.state.party,
        created_at=intake.now(),
        finished_at=intake.now(),
        success=True,
        behaviour=behaviour,
        errors=[],
    )
    taken = await (_rollback if behaviour == "rollback" else _proceed)(intake, items, begun)
    return answer(_job(taken), 202, {"Location": f"{CAPTURES}/{taken.id}"})


def _items(intake: Intake, request: Request, document: Document) -> list[Item]:
    party, trace = request.state.party, trace_of(request)
    return taking.items(document, party, intake.makers, intake.now(), trace)


async def _rollback(intake: Intake, items: Sequence[Item], begun: Capture) -> Capture:
    """All in one transaction with the record of it; undone, the record has one of its own."""
    ended: Capture

    def work(connection: Connection) -> tuple[Capture, list[ItemVerdict]]:
        verdicts = taking.all_or_nothing(connection, intake.service, items, intake.now())
        ended = _ended(intake, begun, ())
        archive.enter(connection, ended)
        return ended, verdicts

    try:
        ended, verdicts = await intake.database.write(work)
    except UndoneError as undone:
        ended = _ended(intake, begun, _errors(items, undone.verdicts))
        await intake.database.write(partial(archive.enter, capture=ended))
        return ended
    _counted(intake, verdicts)
    return ended


async def _proceed(intake: Intake, items: Sequence[Item], begun: Capture) -> Capture:
    """As many as can be, in parts; then the record."""
    verdicts: list[ItemVerdict] = []
    for part in taking.parts(items):
        work = partial(taking.take, service=intake.service, taken=part, now=intake.now())
        verdicts += await intake.database.write(work)
    _counted(intake, verdicts)
    ended = _ended(intake, begun, _errors(items, verdicts))
    await intake.database.write(partial(archive.enter, capture=ended))
    return ended


def _ended(intake: Intake, begun: Capture, errors: Sequence[CaptureError]) -> Capture:
    return msgspec.structs.replace(
        begun, finished_at=intake.now(), success=not errors, errors=list(errors)
    )


def _counted(intake: Intake, verdicts: Sequence[ItemVerdict]) -> None:
    intake.relay.wake()
    for told in verdicts:
        intake.metrics.claims.labels("http", told.verdict).inc()


def _job(capture: Capture) -> CaptureJob:
    return CaptureJob(
        capture.id,
        capture.created_at,
        capture.finished_at,
        False,
        capture.success,
        capture.behaviour,
        msgspec.convert(msgspec.to_builtins(capture.errors), list[CaptureError]),
    )


async def _listed(intake: Intake, request: Request) -> Response:
    limit, party = answers.per_page(request), request.state.party
    work = partial(archive.captures, party=party, after=answers.token(request), limit=limit)
    found = await intake.database.read(work)
    place = [found[-1].created_at.isoformat(), found[-1].id] if len(found) == limit else []
    headers = answers.link(request, place) if place else {}
    return answer([_job(capture) for capture in found], headers=headers)


# -- what was wrong


def _errors(items: Sequence[Item], verdicts: Sequence[ItemVerdict]) -> list[CaptureError]:
    return [
        _error(f"/epcisBody/eventList/{place}", item, told)
        for place, (item, told) in enumerate(zip(items, verdicts, strict=True))
        if told.verdict in WRONG
    ]


def _error(place: str, item: Item, told: ItemVerdict) -> CaptureError:
    kind, status = _kind(told)
    fields = [*_fields(place, item, told)]
    detail = told.detail or fields[0].detail
    return CaptureError(
        kind,
        TITLES[status],
        status,
        detail,
        told.code or "invalid",
        fields,
        item.read.id if item.read else "",
    )


def _fields(place: str, item: Item, told: ItemVerdict) -> Iterator[Field]:
    for one in told.laptops or ():
        if one.verdict in WRONG:
            yield Field(place, one.code, f"{one.maker} {one.serial}: {one.detail}")
    if not told.laptops:
        detail = told.detail or "this id stands already for something else"
        yield Field(place + item.field, told.code or "invalid", detail)


def _kind(told: ItemVerdict) -> tuple[str, int]:
    if told.verdict == "conflict":
        return EXISTS, 409
    if told.code in NOT_YOURS:
        return SECURITY, 403
    return (IMPLEMENTATION, 500) if told.code == SET_ASIDE else (VALIDATION, 400)


# -- single events


async def _single(intake: Intake, request: Request) -> Response:
    raw = await json_body(request, JSON_LD)
    try:
        document = reading.alone(raw)
    except Unreadable as trouble:
        raise answers.unreadable(trouble) from None
    items = _items(intake, request, document)
    id, party = items[0].sent.id, request.state.party

    def work(connection: Connection) -> tuple[list[ItemVerdict], dict[str, Any]]:
        verdicts = taking.all_or_nothing(connection, intake.service, items, intake.now())
        return verdicts, archive.as_sent(archive.event(connection, party, id))

    try:
        verdicts, event = await intake.database.write(work)
    except UndoneError as undone:
        error = _error("", items[0], undone.verdicts[0])
        raise Problem(error.status, error.code, error.detail, error.errors) from None
    _counted(intake, verdicts)
    where = {"Location": f"{EVENTS}/{quote(event['eventID'], safe='')}"}
    return answer(event, 201, where)
