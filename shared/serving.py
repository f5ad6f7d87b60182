"""HTTP: routes with their rights and limits, errors as problem+json, health, metrics.

A route is declared once (`Route`); the application, its checks and its OpenAPI document all come of
that declaration. Limits are counted on the stream, never after reading it whole.
"""

import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import uuid4

import msgspec
from msgspec import Struct
from prometheus_client import generate_latest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route as Path

from shared.access import role
from shared.contracts.strict import Field, Unreadable, convert, parse
from shared.databases import Away
from shared.telemetry import Metrics, show_troubles

BODY_LIMIT, FILE_LIMIT = 1 << 20, 256 << 20
RATE, BURST = 50.0, 100.0  # requests a second and at once, for each party

TRACE = re.compile("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

log = logging.getLogger(__name__)
Handler = Callable[[Request], Awaitable[Response]]
T = TypeVar("T")


@dataclass(frozen=True)
class Route:
    """One call. `may`: the roles that may make it, None for anybody, () for whoever has a key.

    `told`: headers of whatever it answers. `kinds`: the `type` that a standard gives to its
    problems, by status. For the OpenAPI document: `body`, `answer` are types, `query` and
    `headers` say what each means; `media` is what comes in when a file does, else what goes out.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    may: Sequence[str] | None = ()
    body: Any = None
    answer: Any = None
    status: int = 200
    media: str = "application/json"
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    told: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[int, str] = field(default_factory=dict)


class Listed(Struct, Generic[T], frozen=True):
    """A list as every address answers it. `next`: the cursor of what follows, null at the end."""

    items: list[T]
    next: str | None
    total: int


class Problem(Exception):
    """An answer of problem+json (RFC 9457)."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        errors: Sequence[Field] = (),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.errors, self.retry_after = (
            status,
            code,
            detail,
            errors,
            retry_after,
        )


TITLES = {
    400: "Not readable",
    401: "No key",
    403: "Not yours to do",
    404: "Not found",
    405: "No such method here",
    406: "Not to be had so",
    409: "Refused",
    413: "Too large",
    414: "Address too long",
    415: "Wrong kind of content",
    422: "Not valid",
    429: "Too many requests",
    500: "Our fault",
    503: "Not available now",
}


def problem(trouble: Problem, kinds: Mapping[int, str] = {}) -> Response:
    """A problem as a response. `kinds`: as in Route."""
    content: dict[str, Any] = {
        "type": kinds.get(trouble.status, f"urn:trousseau:problem:{trouble.code}"),
        "title": TITLES.get(trouble.status, "Error"),
        "status": trouble.status,
        "detail": trouble.detail,
        "code": trouble.code,
    }
    if trouble.errors:
        content["errors"] = trouble.errors
    headers = {"Retry-After": str(trouble.retry_after)} if trouble.retry_after else {}
    if trouble.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    body = msgspec.json.encode(content)
    return Response(body, trouble.status, headers, media_type="application/problem+json")


def answer(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Anything msgspec can write, as JSON."""
    return Response(
        msgspec.json.encode(content), status, dict(headers or {}), media_type="application/json"
    )


# -- what comes in


async def stream(request: Request, limit: int, *kinds: str) -> AsyncIterator[bytes]:
    """The body in pieces. Raises Problem 415 on another kind of content, 413
    as soon as the limit is passed, 400 when whoever sends it goes away.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in kinds:
        raise Problem(
            415, "wrong-content-type", f"send {' or '.join(kinds)}, not {kind or 'nothing said'}"
        )
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Problem(415, "compressed", "send the body uncompressed")
    too_large = Problem(413, "too-large", f"the body is larger than {limit} bytes")
    stated = request.headers.get("content-length", "0")
    if stated.isdecimal() and int(stated) > limit:
        raise too_large
    read = 0
    try:
        async for piece in request.stream():
            read += len(piece)
            if read > limit:
                raise too_large
            yield piece
    except ClientDisconnect:
        raise Problem(400, "cut-off", "the body ended before it was whole") from None


async def json_body(request: Request, *more: str) -> Any:
    """The body as plain values; `more`: other names of JSON. Raises Problem 400, 413, 415."""
    kinds = ("application/json", *more)
    raw = b"".join([piece async for piece in stream(request, BODY_LIMIT, *kinds)])
    try:
        return parse(raw)
    except Unreadable as trouble:
        raise Problem(400, trouble.code, str(trouble)) from None


async def struct_body(request: Request, type: Any) -> Any:
    """The body as a struct. Raises Problem 400, 413, 415, and 422 naming the field."""
    value = await json_body(request)
    try:
        return convert(value, type)
    except Unreadable as trouble:
        raise invalid(trouble.field, trouble.code, str(trouble)) from None


def invalid(field: str, code: str, detail: str) -> Problem:
    """422 with one field named."""
    told = f"{field}: {detail}" if field else detail
    return Problem(422, "invalid", told, [Field(field, code, detail)])


def idempotency_key(request: Request) -> str:
    """The id of an act: the Idempotency-Key header, quoted or bare, else a fresh one."""
    given = request.headers.get("idempotency-key", "").strip().strip('"')
    if len(given) > 200 or not given.isprintable():
        raise Problem(
            400, "bad-idempotency-key", "Idempotency-Key is 1 to 200 printable characters"
        )
    return given or str(uuid4())


def trace_of(request: Request) -> str:
    """The W3C trace that the request belongs to, "" where it names none that is well formed."""
    given = request.headers.get("traceparent", "")
    return given if TRACE.fullmatch(given) else ""


def limit_of(request: Request, most: int = 500) -> int:
    """How many rows of a list are wanted. Raises Problem 422."""
    given = request.query_params.get("limit", "100")
    if not given.isdecimal() or len(given) > 9 or not 1 <= int(given) <= most:
        raise Problem(
            422,
            "invalid",
            f"limit is a whole number from 1 to {most}",
            [Field("/limit", "invalid", given[:20])],
        )
    return int(given)


def moment_of(request: Request, field: str) -> datetime | None:
    """The moment that a query names, None when it names none. Raises Problem 422."""
    given = request.query_params.get(field)
    return moment(field, given) if given else None


def moment(field: str, text: str) -> datetime:
    """A moment as text, a blank standing for a plus that was not escaped. Raises Problem 422."""
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))
        aware = found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise invalid(f"/{field}", "invalid", "an RFC 3339 time is expected") from None
    if found.tzinfo is None:
        raise invalid(f"/{field}", "naive-time", "say the offset from UTC")
    return aware


# -- the application


def application(
    routes: Sequence[Route],
    party_of: Callable[[str], str | None],
    metrics: Metrics,
    lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]],
    kept: str,
) -> Starlette:
    """The routes as an application. A handler may raise Problem, Away (503), Unreadable (422).
    `kept`: the cookie in which a browser keeps a key, for the scripts of our own pages.
    """
    admitted = _admitting(party_of, metrics, kept)

    def endpoint(route: Route) -> Handler:
        async def run(request: Request) -> Response:
            began = time.perf_counter()
            response = await _guarded(request, route, admitted)
            response.headers.update(route.told)
            labels = (route.method, route.path, str(response.status_code))
            metrics.requests.labels(*labels).observe(time.perf_counter() - began)
            return response

        return run

    paths = [Path(route.path, endpoint(route), methods=[route.method]) for route in routes]
    app = Starlette(routes=_merged(paths), lifespan=lifespan)
    app.router.redirect_slashes = False  # it would lead to whatever host the request names
    app.add_exception_handler(404, _missing)
    app.add_exception_handler(405, _wrong_method)
    return app


async def _missing(_request: Request, _: Exception) -> Response:
    return problem(Problem(404, "not-found", "nothing is at this address"))


async def _wrong_method(request: Request, trouble: Exception) -> Response:
    told = problem(Problem(405, "no-such-method", f"{request.method[:20]} is not for this address"))
    told.headers.update(getattr(trouble, "headers", None) or {})  # what the address does take
    return told


def _admitting(
    party_of: Callable[[str], str | None], metrics: Metrics, kept: str
) -> Callable[[Request, Route], str]:
    """Who asks, "" for nobody in particular. It raises Problem when he may not, or not now."""
    buckets: dict[str, tuple[float, float]] = {}

    def admitted(request: Request, route: Route) -> str:
        key = _key(request, kept)
        party = party_of(key) if key else None
        if party is None and (route.may is not None or "authorization" in request.headers):
            metrics.refused_keys.inc()
            raise Problem(
                401, "no-key", "send Authorization: Bearer <key>, with a key that is still good"
            )
        if party is None:
            return ""
        if route.may is not None and route.may and role(party) not in route.may:
            raise Problem(403, "not-your-act", f"{role(party)} may not {route.method} {route.path}")
        _throttle(buckets, party)
        return party

    return admitted


def _key(request: Request, kept: str) -> str:
    """The key that a call brings; or, asked by a script of our own page, the one that the browser
    keeps: no script can say of itself where it comes from (docs/decisions/0053).
    """
    if header := request.headers.get("authorization", ""):
        return header[7:].strip() if header[:7].lower() == "bearer " else ""
    ours = request.headers.get("sec-fetch-site") == "same-origin"
    return request.cookies.get(kept, "") if ours else ""


def _merged(paths: Sequence[Path]) -> list[Path]:
    """One Starlette route for each address, so that a wrong method answers 405 and not 404."""
    by_path: dict[str, dict[str, Handler]] = {}
    for one in paths:
        for method in one.methods or ():
            by_path.setdefault(one.path, {})[method] = one.endpoint

    def choose(methods: dict[str, Handler]) -> Handler:
        async def run(request: Request) -> Response:
            return await methods[request.method](request)

        return run

    return [Path(path, choose(methods), methods=list(methods)) for path, methods in by_path.items()]


async def _guarded(
    request: Request, route: Route, admitted: Callable[[Request, Route], str]
) -> Response:
    try:
        if "\x00" in request.scope["path"] + "".join(
            map("".join, request.query_params.multi_items())
        ):
            raise Problem(400, "null-character", "no address of ours holds the null character")
        request.state.party = admitted(request, route)
        return await route.handler(request)
    except Exception as raised:
        return problem(_met(raised, route), route.kinds)


def _met(raised: Exception, route: Route) -> Problem:
    match raised:
        case Problem():
            return raised
        case Unreadable():
            return invalid(raised.field, raised.code, str(raised))
        case Away():
            about = {"route": route.path, "cause": str(raised)[:200]}
            log.warning("the database did not answer", extra=about)
            detail = "perhaps not all was stored: send it again soon, with the same ids"
            return Problem(503, "away", detail, retry_after=2)
    log.error("a request met a bug", extra={"route": route.path}, exc_info=raised)
    detail = "a fault of ours: sent again with the same ids, nothing counts twice"
    return Problem(500, "bug", detail)


def _throttle(buckets: dict[str, tuple[float, float]], party: str) -> None:
    now = time.monotonic()
    left, last = buckets.get(party, (BURST, now))
    left = min(BURST, left + (now - last) * RATE)
    if left < 1:
        raise Problem(
            429, "too-many-requests", f"{RATE:.0f} requests a second at the most", retry_after=1
        )
    buckets[party] = (left - 1, now)


def health_routes(
    ready: Callable[[], Awaitable[Mapping[str, str]]],
    metrics: Metrics,
    parts: Mapping[str, Callable[[], str]],
) -> list[Route]:
    """Live, ready and metrics. `ready` answers what is wrong, by part; ready is 200 while nothing
    is. `parts` say what troubles them, "" when nothing does; work is taken all the same.
    """
    show_troubles(metrics, parts)

    async def live(_request: Request) -> Response:
        return answer({"live": True})

    async def check(_request: Request) -> Response:
        wrong = await ready()
        trouble = {name: said for name, part in parts.items() if (said := part())}
        told = {"ready": not wrong, "wrong": wrong, "trouble": trouble}
        return answer(told, 503 if wrong else 200)

    async def scrape(_request: Request) -> Response:
        return Response(
            generate_latest(metrics.registry), media_type="text/plain; version=0.0.4; charset=utf-8"
        )

    return [
        Route("GET", "/health/live", live, "Whether the process runs", may=None),
        Route("GET", "/health/ready", check, "Whether it can take work", may=None),
        Route("GET", "/metrics", scrape, "Metrics for Prometheus", may=None, media="text/plain"),
    ]
