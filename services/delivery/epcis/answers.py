"""How the EPCIS interface answers: its headers, its problems, its pages.

Source: EPCIS 2.0 §12 and GS1's OpenAPI document of the REST bindings.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from services.delivery.epcis.words import CONTEXT
from shared.contracts.strict import Field, Unreadable
from shared.serving import BODY_LIMIT, Handler, Problem, Route

EVENTS = 500  # in one capture
PAGE, MOST = 30, 500
ADDRESS_BYTES = 8_000
VERSION = "2.0.0"

HEADERS = {
    "GS1-EPCIS-Version": VERSION,
    "GS1-EPCIS-Min": VERSION,
    "GS1-EPCIS-Max": VERSION,
    "GS1-CBV-Version": VERSION,
    "GS1-CBV-Min": VERSION,
    "GS1-CBV-Max": VERSION,
    "GS1-EPC-Format": "Never_Translates",
    "GS1-Extensions": "trousseau=urn:trousseau:voc:",
}
OF_CAPTURE = HEADERS | {
    "GS1-EPCIS-Capture-Limit": str(EVENTS),
    "GS1-EPCIS-Capture-File-Size-Limit": str(BODY_LIMIT),
}

VALIDATION, SECURITY = "epcisException:ValidationException", "epcisException:SecurityException"
EXISTS = "epcisException:ResourceAlreadyExistsException"
IMPLEMENTATION = "epcisException:ImplementationException"
_ANY = {
    400: VALIDATION,
    401: SECURITY,
    403: SECURITY,
    406: "epcisException:NotAcceptableException",
    500: IMPLEMENTATION,
}
KINDS_OF_CAPTURE = _ANY | {
    409: EXISTS,
    413: "epcisException:CaptureLimitExceededException",
    415: "epcisException:UnsupportedMediaTypeException",
}
KINDS_OF_ONE = _ANY | {404: "epcisException:NoSuchResourceException"}
KINDS_OF_QUERY = _ANY | {
    400: "epcisException:QueryParameterException",
    414: "epcisException:URITooLongException",
}

VERSIONS_IN = {
    "GS1-EPCIS-Version": "The version that is sent; 2.0 when left out",
    "GS1-CBV-Version": "As GS1-EPCIS-Version",
    "GS1-Extensions": "Extensions that are used; all are kept, none is looked at",
}
PAGES = {
    "perPage": f"How many at once, 1 to {MOST}; {PAGE} when left out",
    "nextPageToken": "What the Link header of a page holds",
}


class QueryResults(Struct, frozen=True, rename="camel"):
    """The events that were found."""

    query_name: str
    results_body: dict[str, list[dict[str, Any]]]


class QueryBody(Struct, frozen=True, rename="camel"):
    """The body of an answer."""

    query_results: QueryResults


class QueryDocument(Struct, frozen=True, rename={"context": "@context"}):
    """Events as an EPCISQueryDocument; each brings the context in which it was sent."""

    context: list[str]
    type: str
    schemaVersion: str  # noqa: N815  the standard's own name
    creationDate: datetime  # noqa: N815  the standard's own name
    epcisBody: QueryBody  # noqa: N815  the standard's own name


def query_document(events: list[dict[str, Any]], now: datetime) -> QueryDocument:
    results = QueryResults("SimpleEventQuery", {"eventList": events})
    return QueryDocument([CONTEXT], "EPCISQueryDocument", "2.0", now, QueryBody(results))


def unreadable(trouble: Unreadable) -> Problem:
    """400 for a document that cannot be read."""
    where = f"{trouble.field}: " if trouble.field else ""
    fields = [Field(trouble.field, trouble.code, str(trouble))]
    return Problem(400, trouble.code, where + str(trouble), fields)


def no_parameter(name: str, detail: str) -> Problem:
    """400 for a parameter of a query."""
    return Problem(400, "invalid", f"{name}: {detail}", [Field(f"/{name}", "invalid", detail)])


def check_headers(request: Request) -> None:
    """Raises Problem 406 on a version or a kind of answer that is not to be had."""
    for name in ("gs1-epcis-version", "gs1-cbv-version"):
        said = request.headers.get(name, VERSION)
        if said.strip().partition(".")[0] != "2":
            raise Problem(406, "wrong-version", f"{name}: {VERSION} is spoken here")
    accepted = request.headers.get("accept", "*/*")
    if not any(kind in accepted for kind in ("*/*", "application/*", "json")):
        raise Problem(406, "wrong-content-type", "answers are application/json")
    if request.headers.get("gs1-epc-format", "").startswith("Always_"):
        raise Problem(406, "not-translated", "EPCs are given back as they were sent")


def discovery(path: str, allowed: str) -> Route:
    """OPTIONS of an address: its methods, versions and limits."""

    async def tell(request: Request) -> Response:
        if request.path_params.get("id") == "":
            raise Problem(404, "not-found", "nothing is at this address")
        return Response(status_code=204, headers={"Allow": f"OPTIONS, {allowed}"})

    captures = path.endswith("/capture")
    told = OF_CAPTURE | {"GS1-Capture-Error-Behaviour": "all"} if captures else HEADERS
    summary = "Which versions and limits there are"
    return Route("OPTIONS", path, tell, summary, (), status=204, told=told, kinds=KINDS_OF_ONE)


def checked(handler: Handler) -> Handler:
    """A handler whose request's headers were looked at first."""

    async def handle(request: Request) -> Response:
        check_headers(request)
        return await handler(request)

    return handle


# -- pages


def per_page(request: Request) -> int:
    given = request.query_params.get("perPage", str(PAGE))
    if not given.isdecimal() or len(given) > 9 or not 1 <= int(given) <= MOST:
        raise no_parameter("perPage", f"a whole number from 1 to {MOST} is expected")
    return int(given)


def token(request: Request) -> list[str]:
    """The place behind which a page begins; [] for the first. Raises Problem 400."""
    given = request.query_params.get("nextPageToken", "")
    if not given:
        return []
    try:
        place = msgspec.json.decode(urlsafe_b64decode(given), type=list[str])
        at = datetime.fromisoformat(place[0])
        at.astimezone(UTC)
        left = place[2] if len(place) == 3 else "0"  # how many of a limited number are left
        if at.tzinfo and len(place) in (2, 3) and int(left) >= 0:
            return place
    except (ValueError, IndexError, OverflowError, msgspec.DecodeError):
        pass
    raise no_parameter("nextPageToken", "it is not one of ours")


def link(request: Request, place: Sequence[str]) -> dict[str, str]:
    """The header that leads to the next page."""
    asked = [(name, value) for name, value in parse_qsl(request.url.query, keep_blank_values=True)]
    kept = [(name, value) for name, value in asked if name != "nextPageToken"]
    next_page = urlsafe_b64encode(msgspec.json.encode(list(place))).decode()
    query = urlencode([*kept, ("nextPageToken", next_page)])
    return {"Link": f'<{request.url.path}?{query}>; rel="next"'}
