"""The query interface, as far as it serves to read back what one captured oneself."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from services.delivery.epcis import answers, archive, words
from services.delivery.epcis.answers import no_parameter
from services.delivery.epcis.archive import ORDERS, Asked
from services.delivery.epcis.capture import CAPTURES, EVENTS
from services.delivery.intake import REPORTERS
from shared.asking import Intake
from shared.serving import Problem, Route, answer, moment

TIMES = {
    "GE_eventTime": ("ge_event_time", "Happened at this moment or later"),
    "LT_eventTime": ("lt_event_time", "Happened before this moment"),
    "GE_recordTime": ("ge_record_time", "Came to us at this moment or later"),
    "LT_recordTime": ("lt_record_time", "Came to us before this moment"),
}
LISTS = {
    "eventType": ("event_type", "Types of event"),
    "EQ_bizStep": ("eq_biz_step", "Business steps, bare or as addresses"),
    "EQ_disposition": ("eq_disposition", "Dispositions, bare or as addresses"),
    "EQ_bizLocation": ("eq_biz_location", "Business locations"),
    "MATCH_epc": ("match_epc", "EPCs listed, or among the children"),
    "MATCH_anyEPC": ("match_any_epc", "EPCs anywhere in the event"),
    "EQ_eventID": ("eq_event_id", "Ids of events"),
}
OTHERS = {
    "EXISTS_errorDeclaration": "true: only what was declared an error",
    "orderBy": f"{' or '.join(ORDERS)}; recordTime, ascending, when left out",
    "orderDirection": "ASC or DESC; DESC when left out, beside orderBy",
    "eventCountLimit": "How many in all; beside orderBy",
}
QUERY = {
    **{name: meaning for name, (_, meaning) in TIMES.items()},
    **{name: f"{meaning}; several with | between" for name, (_, meaning) in LISTS.items()},
    **OTHERS,
    **answers.PAGES,
}


def routes(intake: Intake) -> list[Route]:
    """Reading back, and which methods there are."""

    async def listed(request: Request) -> Response:
        return await _listed(intake, request)

    async def one(request: Request) -> Response:
        id, party = request.path_params["id"], request.state.party
        rows = await intake.database.read(partial(archive.named, party=party, event_id=id))
        if not rows:
            raise Problem(404, "unknown-event", f"no EPCIS event of yours has the id {id[:100]}")
        return _answered(intake, rows)

    document: Any = answers.QueryDocument
    made = [
        Route(
            "GET",
            EVENTS,
            answers.checked(listed),
            "Own EPCIS events, by what is in them",
            REPORTERS,
            answer=document,
            query=QUERY,
            told=answers.HEADERS,
            kinds=answers.KINDS_OF_QUERY,
        ),
        Route(
            "GET",
            f"{EVENTS}/{{id:path}}",
            answers.checked(one),
            "An own EPCIS event, and what declares it an error",
            REPORTERS,
            answer=document,
            told=answers.HEADERS,
            kinds=answers.KINDS_OF_ONE,
        ),
    ]
    methods = {
        CAPTURES: "GET, POST",
        f"{CAPTURES}/{{id}}": "GET",
        EVENTS: "GET, POST",
        f"{EVENTS}/{{id:path}}": "GET",
    }
    return [*made, *(answers.discovery(path, allowed) for path, allowed in methods.items())]


def _answered(
    intake: Intake, rows: Sequence[Mapping[str, Any]], headers: Mapping[str, str] | None = None
) -> Response:
    events = [archive.as_sent(row) for row in rows]
    return answer(answers.query_document(events, intake.now()), headers=headers)


async def _listed(intake: Intake, request: Request) -> Response:
    if len(request.url.query) > answers.ADDRESS_BYTES:
        raise Problem(414, "too-long", f"{answers.ADDRESS_BYTES} characters of query are the most")
    asked, page, after = _asked(request), answers.per_page(request), answers.token(request)
    most = int(after[2]) if len(after) == 3 else _most(request)
    limit = page if most is None else min(page, most)
    work = partial(
        archive.found, party=request.state.party, asked=asked, after=after[:2], limit=limit
    )
    rows = await intake.database.read(work) if limit else []
    left = None if most is None else most - len(rows)
    more = bool(rows) and len(rows) == limit and left != 0
    place = archive.place_of(rows[-1], asked) if more else []
    place += [str(left)] if more and left is not None else []
    return _answered(intake, rows, answers.link(request, place) if more else None)


def _asked(request: Request) -> Asked:
    """What a query asks. Raises Problem 400 on a parameter that we do not know, or misread."""
    given = dict(request.query_params)
    for name in given:
        if name not in QUERY:
            raise no_parameter(name[:60], "no parameter of this interface")
    if len(given) < len(request.query_params.multi_items()):
        raise no_parameter("", "a parameter stands twice")
    told: dict[str, Any] = {}
    for name, (field, _) in TIMES.items():
        if name in given:
            told[field] = _moment(name, given[name])
    for name, (field, _) in LISTS.items():
        if name in given:
            told[field] = [_value(field, one) for one in given[name].split("|")]
    return Asked(**told, declared=_declared(given), **_order(given))


def _moment(name: str, text: str) -> Any:
    try:
        return moment(name, text)
    except Problem as trouble:
        raise no_parameter(name, trouble.errors[0].detail) from None


def _value(field: str, text: str) -> str:
    if field in ("eq_biz_step", "eq_disposition"):
        return words.bare(text)
    if field in ("eq_biz_location", "match_epc", "match_any_epc"):
        return archive.one_form(text)
    return text


def _declared(given: Mapping[str, str]) -> bool:
    said = given.get("EXISTS_errorDeclaration", "false")
    if said not in ("true", "false"):
        raise no_parameter("EXISTS_errorDeclaration", "true or false is expected")
    return said == "true"


def _order(given: Mapping[str, str]) -> dict[str, Any]:
    order, way = given.get("orderBy", "recordTime"), given.get("orderDirection", "DESC")
    if order not in ORDERS:
        raise no_parameter("orderBy", f"{' or '.join(ORDERS)} is expected")
    if way not in ("ASC", "DESC"):
        raise no_parameter("orderDirection", "ASC or DESC is expected")
    return {"order": order, "descending": "orderBy" in given and way == "DESC"}


def _most(request: Request) -> int | None:
    """How many events are wanted in all; None for all there are."""
    said = request.query_params.get("eventCountLimit")
    if said is None:
        return None
    if "orderBy" not in request.query_params:
        raise no_parameter("eventCountLimit", "say by what they are ordered: orderBy")
    if not (said.isascii() and said.isdecimal()) or not 1 <= len(said) <= 9:
        raise no_parameter("eventCountLimit", "a whole number is expected")
    return int(said)
