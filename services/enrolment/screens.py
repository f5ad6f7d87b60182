"""Enrolment's pages at their addresses; and names for the pages of other services, which the
browser fetches from here with the key that it keeps for this service.
"""

from collections.abc import Awaitable, Callable

import msgspec
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from services.enrolment import intake as calls
from services.enrolment import pages, showing, store
from services.enrolment.pages import Asking
from services.enrolment.showing import Looking
from services.enrolment.shown import PAGES, LookShown
from services.enrolment.store import Look
from shared import jobs
from shared.access import role
from shared.asking import Intake
from shared.contracts import identifiers
from shared.screens import Screens, back, form_of, html, screen, signed, somebody, visit
from shared.serving import Handler, Problem, Route, answer

Page = Callable[[Request], Awaitable[Response]]
NAMES = 200  # students whose names are asked for at once


def routes(
    intake: Intake, looking: Looking, screens: Screens, asking: tuple[str, ...]
) -> list[Route]:
    """The screens of design page `screens`, enrolment's part. `asking`: the origins of pages to
    which browsers may hand names.
    """
    database = intake.database

    async def people(request: Request) -> Response:
        somebody(request, screens, *calls.SEEING)
        told = request.query_params.get("told", "")
        return html(pages.people_page(visit(request, screens), Asking(told=told)))

    async def files(request: Request) -> Response:
        somebody(request, screens, "region", "ops")
        rows, _ = await database.read(lambda one: jobs.listed(one, None))
        shown = [jobs.shown(row, intake.now()) for row in rows]
        return html(pages.files_page(visit(request, screens), shown))

    addresses = (
        ("GET", "/", people, "Page: look somebody up"),
        ("GET", "/people", people, "Page: look somebody up"),
        ("POST", "/people", _search(intake, looking, screens), "Form: whom a name or an INE means"),
        ("GET", "/people/{pseudonym}", _person(intake, looking, screens), "Page: who a student is"),
        (
            "GET",
            "/people/{pseudonym}/export.json",
            _export(intake, looking, screens),
            "Everything about a person, as a file",
        ),
        ("POST", "/people/{pseudonym}/erasure", _erase(intake, screens), "Form: erase a person"),
        ("GET", "/imports", files, "Page: files of pupils, with their progress"),
    )
    told = "Names for pages of other services, by the key that the browser keeps"
    return [
        *(
            Route(method, path, screen(screens, handler), what, None, media="text/html")
            for method, path, handler, what in addresses
        ),
        Route("GET", "/names", _names(intake, looking, screens, asking), told, None),
    ]


def _search(intake: Intake, looking: Looking, screens: Screens) -> Page:
    async def search(request: Request) -> Response:
        form, party = await form_of(request), somebody(request, screens, *calls.SEEING)
        asked = Asking(form.get("question", "").strip()[:100], calls.reason_of(form.get("why", "")))
        if not asked.question:
            page = replace(asked, trouble="Dites un nom, un INE ou un pseudonyme.")
            return html(pages.people_page(visit(request, screens), page), 422)
        found, more = await intake.database.write(
            lambda one: showing.search(one, looking, asked.question, party, asked.why)
        )
        page = replace(asked, found=found, more=more)
        return html(pages.people_page(visit(request, screens), page))

    return search


def _person(intake: Intake, looking: Looking, screens: Screens) -> Page:
    async def person(request: Request) -> Response:
        look = calls.look_of(request, somebody(request, screens, *calls.SEEING), "person")
        found = await calls.person(intake, looking, look)
        looks = await intake.database.read(lambda one: store.looks_at(one, look.student))
        shown = [LookShown(**one) for one in looks[-20:]]
        may_erase = role(look.party) == "region"
        page = pages.person_page(visit(request, screens), found, shown, look.why, may_erase)
        return html(page)

    return person


def _export(intake: Intake, looking: Looking, screens: Screens) -> Page:
    async def export(request: Request) -> Response:
        look = calls.look_of(request, somebody(request, screens, *calls.SEEING), "export")
        told = await calls.exported(intake, looking, look)
        name = f'attachment; filename="{look.student}.json"'
        content = msgspec.json.format(msgspec.json.encode(told), indent=1)
        headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
        return Response(content, 200, headers, media_type="application/json")

    return export


def _erase(intake: Intake, screens: Screens) -> Page:
    async def erase(request: Request) -> Response:
        form, name = await form_of(request), calls.pseudonym_of(request)
        party = somebody(request, screens, "region")
        if form.get("sure") != "yes":
            raise Problem(422, "unfit-form", "the form does not say that you are sure")
        await calls.erased(intake, request, party, name)
        return back(request, "/people", told="erased")

    return erase


def _names(intake: Intake, looking: Looking, screens: Screens, asking: tuple[str, ...]) -> Handler:
    async def give(request: Request) -> Response:
        """Names by pseudonym; none, and no error, for who may see none: his page shows
        pseudonyms.
        """
        origin, party = request.headers.get("origin"), signed(request, screens)
        if origin is not None and origin not in asking:
            raise Problem(403, "another-site", "names are handed to our own pages alone")
        allowed = {"Access-Control-Allow-Credentials": "true"}
        headers = {"Cache-Control": "no-store", "Vary": "Origin"}
        headers |= allowed | {"Access-Control-Allow-Origin": origin} if origin else {}
        page = request.query_params.get("page", "").strip("/").partition("/")[0]
        why = page if page in PAGES else ""
        looks = [Look(party, one, "name", why) for one in _asked(request)]
        # Whoever sends no origin is no page of ours: an image could have looks written down.
        if origin is None or not looks or not calls.may_look(party):
            return answer({"names": {}}, headers=headers)
        found = await intake.database.write(lambda one: showing.names(one, looking, looks))
        return answer({"names": found}, headers=headers)

    return give


def _asked(request: Request) -> list[str]:
    """The students whose names are asked for. Raises Problem 422."""
    given = request.query_params.get("students", "").split(",")
    try:
        names = [identifiers.pseudonym(one) for one in dict.fromkeys(given) if one]
    except ValueError as trouble:
        raise Problem(422, "invalid", str(trouble)) from None
    if len(names) > NAMES:
        raise Problem(422, "invalid", f"{NAMES} students at the most")
    return names
