"""Tracking's pages at their addresses."""

from datetime import datetime

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from services.tracking import pages, showing, store
from services.tracking.intake import Intake, checked, named
from services.tracking.shown import Place
from shared.contracts import identifiers
from shared.pages.rendering import Visit
from shared.screens import Screens, html, screen, table, visit
from shared.serving import Problem, Route

MOST_IN_A_FILE = 100_000


def routes(intake: Intake, screens: Screens) -> list[Route]:  # noqa: C901  its handlers add up
    """The screens of design page `screens`, tracking's part."""
    read = intake.database.read

    async def seen(request: Request) -> Visit:
        as_of: datetime | None = await read(store.fresh)
        return visit(request, screens, as_of)

    async def board(request: Request) -> Response:
        looking = await seen(request)
        return html(
            pages.board_page(looking, await read(lambda c: showing.board(c, looking.today)))
        )

    async def school(request: Request) -> Response:
        uai = checked(identifiers.uai, request.path_params["uai"], "/uai")
        shown = await read(lambda c: showing.school(c, uai, _place(request)))
        if shown is None:
            raise Problem(404, "unknown-school", f"nothing was heard of {uai}")
        return html(pages.school_page(await seen(request), shown))

    async def schools(request: Request) -> Response:
        department, sort = request.query_params.get("department", ""), _place(request).sort
        rows, listing = await read(lambda c: showing.schools(c, department, sort))
        if request.url.path.endswith(".csv"):
            return table(pages.schools_csv(rows), "lycees.csv")
        return html(pages.schools_page(await seen(request), rows, listing, department))

    async def laptop(request: Request) -> Response:
        key = named(intake.makers, request)
        shown = await read(lambda c: showing.laptop(c, key))
        if shown is None:
            raise Problem(404, "unknown-laptop", f"nothing was heard of {key}")
        if request.url.path.endswith("/timeline.csv"):
            return table(pages.timeline_csv(shown), f"{shown.serial}.csv")
        return html(pages.laptop_page(await seen(request), shown), names=screens.names)

    async def laptops(request: Request) -> Response:
        asked = pages.filter_of(request.query_params)
        as_file = request.url.path.endswith(".csv")
        place, most = _place(request), MOST_IN_A_FILE if as_file else showing.ROWS
        place = replace(place, after="") if as_file else place
        rows, listing = await read(lambda c: showing.listed(c, intake.makers, asked, place, most))
        if as_file:
            return table(pages.laptops_csv(rows), "ordinateurs.csv")
        return html(pages.laptops_page(await seen(request), rows, listing, asked))

    async def search(request: Request) -> Response:
        asked = request.query_params.get("q", "").strip()[:120]
        found = await read(lambda c: showing.found(c, intake.makers, asked))
        return html(pages.search_page(await seen(request), asked, found))

    addresses = (
        ("/", board, "the region's board"),
        ("/schools", schools, "schools, with counts"),
        ("/schools.csv", schools, "schools, with counts, as a file"),
        ("/schools/{uai}", school, "a school"),
        ("/laptops", laptops, "laptops, filtered"),
        ("/laptops.csv", laptops, "laptops, filtered, as a file"),
        ("/laptops/{maker}/{serial}", laptop, "a laptop's life"),
        ("/laptops/{maker}/{serial}/timeline.csv", laptop, "a laptop's life as a file"),
        ("/search", search, "search"),
    )
    return [
        Route("GET", path, screen(screens, handler), f"Page: {what}", None, media="text/html")
        for path, handler, what in addresses
    ]


def _place(request: Request) -> Place:
    asked = request.query_params
    return Place(asked.get("after", ""), asked.get("sort", ""))
