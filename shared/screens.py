"""Pages as routes: the files that pages need, error pages, whose key the browser keeps, and the
screens that services share: what is set aside, and jobs.

A key that was typed at `/key` stands in a cookie, as it is: no table of sessions has to be kept,
and a key that is revoked opens nothing at once. No script can read it, no other site makes the
browser send it (SameSite=Strict), and it ends with the browser (docs/decisions/0037). A page shows
what the call shows, to whom the call shows it (docs/decisions/0040).
"""

import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from shared import jobs, parking
from shared.access import role
from shared.contracts.strict import Unreadable
from shared.databases import Away
from shared.decisions import Refusal
from shared.pages import jobs as job_pages
from shared.pages import parked as screens
from shared.pages import static
from shared.pages.errors import error_page
from shared.pages.keys import key_page, other_key_page
from shared.pages.rendering import Site, Visit, causes, url
from shared.pages.tables import CSV_TYPE, Listing
from shared.serving import Handler, Problem, Route, stream
from shared.upkeep import (
    Upkeep,
    cursor_of,
    discarded,
    job_of,
    parked_of,
    report_lines,
    retried,
    whose,
)

log = logging.getLogger(__name__)
ROWS = 50
FORM_LIMIT = 16 << 10


@dataclass(frozen=True)
class Screens:
    """What page routes need: the service's templates, its clock, whose a key is, and the name of
    the service, for cookies know no ports; `names`: where browsers ask who somebody is.
    """

    templates: Environment
    now: Callable[[], datetime]
    party_of: Callable[[str], str | None]
    service: str
    names: str = ""

    @property
    def cookie(self) -> str:
        return f"trousseau-{self.service}"


class OtherKeyError(Exception):
    """A page is for somebody, and no key is kept; or for other roles, `args`, than the key's."""


def signed(request: Request, screens: Screens) -> str:
    """Whose key the browser keeps; "" for nobody's."""
    return screens.party_of(request.cookies.get(screens.cookie, "")) or ""


def somebody(request: Request, screens: Screens, *roles: str) -> str:
    """The party whose key the browser keeps, of one of these roles; of any where none is named.
    Raises OtherKeyError without a key, which leads to `/key`, and for another role.
    """
    party = signed(request, screens)
    if not party:
        raise OtherKeyError
    if roles and role(party) not in roles:
        raise OtherKeyError(*roles)
    return party


def visit(request: Request, screens: Screens, as_of: datetime | None = None) -> Visit:
    """Who looks, where and when."""
    query, party = tuple(request.query_params.items()), signed(request, screens)
    return Visit(request.url.path, query, screens.now(), as_of, party, screens.names)


def html(content: str, status: int = 200, names: str = "") -> Response:
    """A page that may load nothing but what we serve ourselves, and ask one place for names."""
    return Response(content, status, dict(static.page_headers(names)), media_type="text/html")


def table(lines: Any, name: str) -> Response:
    """A table as a file for a spreadsheet."""
    return StreamingResponse(
        lines,
        media_type=CSV_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def refusal(trouble: Problem) -> Refusal:
    """Why a call refused, for the page that tells it; by a field's own code where one is to
    blame.
    """
    if len(trouble.errors) == 1:
        return Refusal(trouble.errors[0].code, trouble.detail)
    fields = "; ".join(f"{one.field}: {one.detail}" for one in trouble.errors)
    return Refusal(trouble.code, fields or trouble.detail)


def screen(screens: Screens, handler: Callable[[Request], Awaitable[Response]]) -> Handler:
    """A handler whose troubles are told as a page and not as JSON."""

    async def run(request: Request) -> Response:
        no = None
        try:
            return await handler(request)
        except OtherKeyError as other:
            return _to_the_key(screens, request, other.args)
        except Problem as trouble:
            status, no = trouble.status, refusal(trouble)
        except (Unreadable, ValueError):
            status = 422
        except Away:
            status = 503
        except Exception:
            reference = uuid.uuid4().hex[:12]
            log.exception("a page met a bug %s", reference, extra={"route": request.url.path})
            return html(error_page(screens.templates, visit(request, screens), 500, reference), 500)
        told = html(error_page(screens.templates, visit(request, screens), status, no=no), status)
        if status == 503:
            told.headers["Retry-After"] = "2"
        return told

    return run


def screen_routes(
    screens_of: Screens, upkeep: Upkeep, titles: Mapping[str, str] | None
) -> list[Route]:
    """The screens that services share. `titles`: of its kinds of file, in French; None for a
    service that reads none.
    """
    jobs_of = [] if titles is None else job_routes(screens_of, upkeep, titles)
    shared = [*key_routes(screens_of), *jobs_of, *parked_routes(screens_of, upkeep)]
    return [*shared, *files()]


def files() -> list[Route]:
    """The style sheet, the icon, htmx: named by their content, so kept for ever."""

    async def serve(request: Request) -> Response:
        file = static.served().get(request.path_params["name"])
        if file is None:
            raise Problem(404, "not-found", "no such file")
        return Response(
            file.content,
            media_type=file.media_type,
            headers={"Cache-Control": static.KEEP_FOR_EVER},
        )

    return [Route("GET", "/static/{name}", serve, "Files that pages need", None, media="*/*")]


def parked_routes(screens_of: Screens, upkeep: Upkeep) -> list[Route]:
    """The pages of what is set aside: a party's own; ops and the region see all."""

    async def listed(request: Request) -> Response:
        party = somebody(request, screens_of)
        kind, after = request.query_params.get("kind", ""), cursor_of(request)
        things, listing = await _things(upkeep, party, kind, after)
        return html(
            screens.parked_list_page(
                screens_of.templates, visit(request, screens_of), things, listing, kind
            )
        )

    async def as_csv(request: Request) -> Response:
        kind, party = request.query_params.get("kind", ""), somebody(request, screens_of)
        things, _ = await _things(upkeep, party, kind, "", 10_000)
        return table(screens.parked_csv(things), "mis-de-cote.csv")

    async def shown(request: Request) -> Response:
        row = await parked_of(upkeep, request, somebody(request, screens_of))
        answer = request.query_params.get("answer", "")
        return html(
            screens.parked_page(
                screens_of.templates, visit(request, screens_of), _thing(row), answer
            )
        )

    async def retry(request: Request) -> Response:
        await form_of(request)
        row = await parked_of(upkeep, request, party := somebody(request, screens_of))
        verdict = await retried(upkeep, row, party)
        return back(
            request, f"/parked/{row['id']}", answer=f"{verdict.verdict} {verdict.code}".strip()
        )

    async def discard(request: Request) -> Response:
        form = await form_of(request)
        row = await parked_of(upkeep, request, party := somebody(request, screens_of))
        await discarded(upkeep, row, party, form.get("reason", ""))
        return back(request, f"/parked/{row['id']}", answer="discarded")

    rows = screen(screens_of, as_csv)
    return [
        _page("GET", "/parked", screen(screens_of, listed), "Page: what is set aside"),
        _page("GET", "/parked.csv", rows, "What is set aside, CSV", "text/csv"),
        _page("GET", "/parked/{id}", screen(screens_of, shown), "Page: one thing set aside"),
        _page("POST", "/parked/{id}/retry", screen(screens_of, retry), "Form: try it again"),
        _page("POST", "/parked/{id}/discard", screen(screens_of, discard), "Form: discard it"),
    ]


def _page(
    method: str, path: str, handler: Handler, summary: str, media: str = "text/html"
) -> Route:
    """A page for anybody, a file of what it shows, or what a form leads to."""
    return Route(method, path, handler, summary, None, media=media)


async def _things(
    upkeep: Upkeep, party: str, kind: str, after: str, most: int = ROWS
) -> tuple[tuple[screens.Parked, ...], Listing]:
    known = kind if kind in parking.KINDS else None
    rows, total = await upkeep.database.read(
        lambda connection: parking.listed(connection, known, whose(party), after, most)
    )
    cursor = parking.cursor(rows[-1]) if len(rows) == most else ""
    return tuple(_thing(row) for row in rows), Listing(total, cursor)


def _thing(row: Mapping[str, Any]) -> screens.Parked:
    names = [name for name in screens.Parked.__struct_fields__ if name not in ("content", "other")]
    content, other = (bytes(row[name]).decode("utf-8", "replace") for name in ("content", "other"))
    return screens.Parked(**{name: row[name] for name in names}, content=content, other=other)


def _to_the_key(screens_of: Screens, request: Request, roles: Sequence[str]) -> Response:
    """To the page where a key is typed, and from there back; by way of whose key opens the page,
    where another one is kept.
    """
    if roles:
        return html(other_key_page(screens_of.templates, visit(request, screens_of), roles), 403)
    spoken = request.query_params.get("lang", "")
    path = url("/key", (("to", request.url.path), ("lang", spoken)))
    if "hx-request" in request.headers:  # a part of a page was asked for, and all of it must go
        return Response(status_code=204, headers={"HX-Redirect": path})
    return RedirectResponse(path, 303)


def key_routes(screens_of: Screens) -> list[Route]:
    """The page on which a key is typed, once for all pages of a service."""

    async def shown(request: Request) -> Response:
        told = visit(request, screens_of)
        return html(
            key_page(screens_of.templates, told, _local(request.query_params.get("to", "")))
        )

    async def enter(request: Request) -> Response:
        form = await form_of(request)
        key, to = form.get("key", "").strip(), _local(form.get("to", ""))
        if not key or not screens_of.party_of(key):
            told = visit(request, screens_of)
            return html(key_page(screens_of.templates, told, to, wrong=True), 403)
        site: Site = screens_of.templates.globals["site"]  # type: ignore[assignment]  # ours
        leaving = back(request, to or site.home)
        secure = request.url.scheme == "https"
        leaving.set_cookie(screens_of.cookie, key, secure=secure, httponly=True, samesite="strict")
        return leaving

    async def forget(request: Request) -> Response:
        await form_of(request)
        leaving = back(request, "/key")
        leaving.delete_cookie(screens_of.cookie, httponly=True, samesite="strict")
        return leaving

    return [
        _page("GET", "/key", screen(screens_of, shown), "Page: a key, typed once"),
        _page("POST", "/key", screen(screens_of, enter), "Form: keep a key in the browser"),
        _page("POST", "/key/forget", screen(screens_of, forget), "Form: keep it no longer"),
    ]


def _local(path: str) -> str:
    """A path of ours; "" for what would lead elsewhere."""
    ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if ours else ""


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form, the first of each name. Raises Problem 403 for a form of another site,
    and 400 where no database stores what it holds.
    """
    _ours(request)
    kind = "application/x-www-form-urlencoded"
    raw = b"".join([piece async for piece in stream(request, FORM_LIMIT, kind)])
    form = {name: values[0] for name, values in parse_qs(raw.decode("utf-8", "replace")).items()}
    if "\x00" in "".join(form.values()):
        raise Problem(400, "null-character", "no text of ours holds the null character")
    return form


def _ours(request: Request) -> None:
    """Fail for a form that another site has sent by somebody's browser: browsers say so."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    foreign = site in ("cross-site", "same-site")
    if site is None and origin is not None:
        foreign = urlsplit(origin).netloc != request.headers.get("host")
    if foreign:
        raise Problem(403, "another-site", "a form is taken from our own pages alone")


def back(request: Request, path: str, **query: str) -> RedirectResponse:
    """From a form to a page, in the language that was spoken."""
    spoken = request.query_params.get("lang", "")
    return RedirectResponse(url(path, [*query.items(), ("lang", spoken)]), 303)


# -- jobs


def job_routes(screens_of: Screens, upkeep: Upkeep, titles: Mapping[str, str]) -> list[Route]:
    """The page of a job, by its kind's title in French: for who sent the file, ops and the
    region, who may stop it and let it go on.
    """

    async def seen(request: Request) -> dict[str, Any]:
        return await job_of(upkeep, request, somebody(request, screens_of))

    async def shown(request: Request) -> Response:
        told = jobs.shown(await seen(request), upkeep.now())
        far = {name: getattr(told, name) for name in job_pages.Job.__struct_fields__[2:]}
        job = job_pages.Job(f"/jobs/{told.id}", titles[told.kind], **far)
        return html(job_pages.job_page(screens_of.templates, visit(request, screens_of), job))

    async def report(request: Request) -> Response:
        id = (await seen(request))["id"]
        because = causes(screens_of.templates, visit(request, screens_of))
        return table(report_lines(upkeep.database, id, because), f"{id}.csv")

    def turn(come_from: Sequence[str], to: str) -> Handler:
        async def handle(request: Request) -> Response:
            await form_of(request)
            job = await seen(request)
            # Where it has ended meanwhile, its page says so.
            await upkeep.database.write(
                lambda connection: jobs.turn(connection, job["id"], come_from, to)
            )
            return back(request, f"/jobs/{job['id']}")

        return screen(screens_of, handle)

    rows = screen(screens_of, report)
    return [
        _page("GET", "/jobs/{id}", screen(screens_of, shown), "Page: how far a file is"),
        _page("GET", "/jobs/{id}/report.csv", rows, "Verdict of each row, CSV", "text/csv"),
        _page("POST", "/jobs/{id}/stop", turn(*jobs.STOP), "Form: stop after this chunk"),
        _page("POST", "/jobs/{id}/resume", turn(*jobs.RESUME), "Form: go on where it stopped"),
    ]
