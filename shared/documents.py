"""What a service tells of itself: OpenAPI 3.1 of its routes, AsyncAPI 3.0 of its facts.

Both are made once, when the service is put together, and served at /openapi.json and
/asyncapi.yaml. `python -m deploy.published` commits the same texts under docs/api.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from shared.contracts.published import asyncapi, yaml
from shared.contracts.published.asyncapi import VERSION, Example
from shared.contracts.published.schemas import components, text
from shared.contracts.strict import Field
from shared.serving import TITLES, Route

SAMPLES = Path(__file__).parent / "contracts" / "schemas" / "samples"
REF = "#/components/schemas/{name}"
HTML, JSON, PROBLEM = "text/html", "application/json", "application/problem+json"
RETRY = {"Retry-After": {"description": "Seconds", "schema": {"type": "string"}}}
ABOUT = (
    "JSON; times are RFC 3339 with an offset; ids are texts. A list answers items, next (a cursor "
    "or null) and total. Several things at once answer 200 with a verdict each, in the order sent: "
    "applied, duplicate, waiting, refused or conflict. Errors are application/problem+json "
    "(RFC 9457). Pass over fields that you do not know."
)

_NAME = re.compile(r"{(\w+)(?::\w+)?}")


class ProblemBody(Struct, frozen=True):
    """An error. `code` is for programs, `detail` for people; `errors` names wrong fields."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[Field] = []


def routes(service: str, declared: Sequence[Route], hears: Sequence[type] = ()) -> list[Route]:
    """The routes of the two documents. `declared`: all others; `hears`: the facts it acts on."""

    async def serve_openapi(_: Request) -> Response:
        return Response(http, media_type=JSON)

    async def serve_asyncapi(_: Request) -> Response:
        return Response(facts, media_type="application/yaml")

    own = [
        Route("GET", "/openapi.json", serve_openapi, "This document", None),
        Route("GET", "/asyncapi.yaml", serve_asyncapi, "The facts", None, media="application/yaml"),
    ]
    http = text(openapi(service, [*declared, *own])).encode()
    facts = yaml.text(asyncapi.document(service, hears, samples())).encode()
    return own


def samples() -> dict[str, Example]:
    """The golden samples by wire name; none where the files were left out. Raises
    msgspec.DecodeError on a broken one.
    """
    files = sorted(SAMPLES.glob("*.json"))
    return {file.stem: msgspec.json.decode(file.read_bytes(), type=Example) for file in files}


def openapi(service: str, declared: Sequence[Route]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of declared routes."""
    types = [
        ProblemBody,
        *(one for route in declared for one in (route.body, route.answer) if one is not None),
    ]
    found, schemas = components(types, REF)
    shown = iter(found[1:])
    paths: dict[str, dict[str, Any]] = {}
    for route in declared:
        body, answer = (None if one is None else next(shown) for one in (route.body, route.answer))
        methods = paths.setdefault(_NAME.sub(r"{\1}", route.path), {})
        methods[route.method.lower()] = _operation(route, body, answer)
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Trousseau: {service}", "version": VERSION, "description": ABOUT},
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "The party's key."}
            },
            "responses": {f"Problem{status}": _problem(status) for status in TITLES},
            "schemas": schemas,
        },
    }


def _operation(route: Route, body: Any, answer: Any) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "tags": [_tag(route)],
        "security": [] if route.may is None else [{"key": []}],
    }
    if route.may is not None:
        operation["description"] = f"For {', '.join(route.may) or 'whoever has a key'}."
    if parameters := list(_parameters(route)):
        operation["parameters"] = parameters
    if content := _content(route, body):
        operation["requestBody"] = {"required": True, "content": content}
    operation["responses"] = _responses(route, answer)
    return operation


def _operation_id(route: Route) -> str:
    words = re.findall(r"[\w.-]+", _NAME.sub(r"\1", route.path))
    return "-".join((route.method.lower(), *(words or ["root"])))


def _tag(route: Route) -> str:
    _, _, rest = route.path.partition("/api/")
    return rest.partition("/")[0] or ("pages" if route.media == HTML else "service")


def _parameters(route: Route) -> Iterator[dict[str, Any]]:
    plain = {"type": "string"}
    for name in _NAME.findall(route.path):
        yield {"name": name, "in": "path", "required": True, "schema": plain}
    for place, named in (("query", route.query), ("header", route.headers)):
        for name, meaning in named.items():
            yield {"name": name, "in": place, "description": meaning, "schema": plain}


def _takes_file(route: Route) -> bool:
    return route.method != "GET" and route.media not in (JSON, HTML)


def _content(route: Route, body: Any) -> dict[str, Any]:
    if _takes_file(route):
        return {route.media: {"schema": {"type": "string"}}}
    return {} if body is None else {JSON: {"schema": body}}


def _responses(route: Route, answer: Any) -> dict[str, Any]:
    media = route.media if route.method == "GET" or route.media == HTML else JSON
    schema = answer if answer is not None else {} if media == JSON else {"type": "string"}
    content = {} if route.status == 204 else {"content": {media: {"schema": schema}}}
    success: dict[str, Any] = {"description": route.summary, **content}
    headers: dict[str, Any] = {name: {"schema": {"type": "string"}} for name in route.told}
    if route.status in (201, 202):
        where = "What was made" if route.status == 201 else "The job, where it is one"
        headers["Location"] = {"description": where, "schema": {"type": "string"}}
    if headers:
        success["headers"] = headers
    troubles = {
        str(status): {"$ref": f"#/components/responses/Problem{status}"}
        for status in _troubles(route)
    }
    return {str(route.status): success, **troubles}


def _troubles(route: Route) -> list[int]:
    """Which problems a call may meet, as far as its declaration tells; none for pages, health."""
    if route.may is None and not route.path.startswith("/api/"):
        return []
    if route.kinds:
        return sorted({*route.kinds, 429, 503})
    body, file = route.body is not None, _takes_file(route)
    named, writes = "{" in route.path, route.method != "GET"
    met = {
        400: body,
        401: route.may is not None,
        403: bool(route.may),
        404: named,
        409: writes and not file,
        413: body or file,
        415: body or file,
        422: body or (not file and (named or bool(route.query))),
        429: route.may is not None,
        500: True,
        503: True,
    }
    return [status for status, may_be in met.items() if may_be]


def _problem(status: int) -> dict[str, Any]:
    headers: Mapping[str, Any] = {}
    if status == 401:
        headers = {"WWW-Authenticate": {"schema": {"type": "string", "enum": ["Bearer"]}}}
    elif status in (429, 503):
        headers = RETRY
    content = {PROBLEM: {"schema": {"$ref": REF.format(name="ProblemBody")}}}
    problem: dict[str, Any] = {"description": TITLES[status], "content": content}
    return problem | ({"headers": headers} if headers else {})
