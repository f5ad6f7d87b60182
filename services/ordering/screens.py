"""Ordering's pages at their addresses. What is done on them is read and decided as over HTTP."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from services.ordering import core, pages, store
from services.ordering.intake.needs import NeedBody, need_of
from services.ordering.intake.orders import NeedsOrderBody, needs_order
from services.ordering.shown import NeedShown, OrderShown, brief, need_shown, shown, year_shown
from shared import jobs
from shared.access import role
from shared.asking import Intake, said
from shared.contracts import identifiers
from shared.contracts.calendar import day_of, school_year_of
from shared.contracts.strict import Unreadable, convert
from shared.decisions import Refusal
from shared.pages.tables import Listing, numbered
from shared.screens import (
    ROWS,
    Screens,
    back,
    form_of,
    html,
    refusal,
    screen,
    somebody,
    table,
    visit,
)
from shared.serving import Problem, Route, invalid
from shared.upkeep import whose

WHOLE, BUYERS = ("region", "ops"), ("region", "ops", "supplier")


def routes(intake: Intake, screens: Screens) -> list[Route]:
    """The screens of design page `screens`, ordering's part."""
    read = intake.database.read

    async def orders(request: Request) -> Response:
        own = _supplier(somebody(request, screens, *BUYERS))
        year, after = request.query_params.get("year", ""), request.query_params.get("after", "")
        where = own | ({"school_year": year} if year else {})
        rows, total = await read(lambda one: store.orders(one, where, after, ROWS))
        listing = Listing(total, rows[-1][0] if len(rows) == ROWS else "")
        years = await read(store.years)
        found = [brief(*row) for row in rows]
        return html(pages.orders_page(visit(request, screens), found, listing, years, year))

    async def order(request: Request) -> Response:
        number, party = request.path_params["order"], somebody(request, screens, *BUYERS)
        told = await _order(intake, number, _supplier(party).get("supplier"))
        schools = await read(lambda one: store.school_names(one, [row.uai for row in told.lines]))
        if request.url.path.endswith(".csv"):
            return table(pages.order_csv(told, schools), f"commande-{number}.csv")
        mine = whose(party)
        found, _ = await read(lambda one: jobs.listed(one, mine, "serials", number))
        files = [jobs.shown(file, intake.now()) for file in found]
        return html(pages.order_page(visit(request, screens), told, schools, files))

    async def needs(request: Request) -> Response:
        somebody(request, screens, *WHOLE)
        return await _needs(intake, screens, request)

    async def decide(request: Request) -> Response:
        return await _decide(intake, screens, request)

    async def needs_file(request: Request) -> Response:
        somebody(request, screens, *WHOLE)
        year, _, found, schools = await _needed(intake, request)
        return table(pages.needs_csv(found, schools), f"besoins-{year}.csv")

    async def files(request: Request) -> Response:
        mine, page = whose(somebody(request, screens)), request.query_params.get("page", "")
        _, total = await read(lambda one: jobs.listed(one, mine))
        listing = numbered(total, page)
        rows, _ = await read(lambda one: jobs.listed(one, mine, begin=listing.begin))
        told = [jobs.shown(row, intake.now()) for row in rows]
        return html(pages.files_page(visit(request, screens), told, listing))

    addresses = (
        ("/", orders, "orders"),
        ("/orders", orders, "orders"),
        ("/orders/{order}", order, "an order by lot and school"),
        ("/orders/{order}/lines.csv", order, "an order's lines as a file"),
        ("/needs", needs, "what schools need in a school year"),
        ("/needs.csv", needs_file, "what schools need, as a file"),
        ("/serials", files, "serial lists and other files, with their progress"),
    )
    pages_of = [
        Route("GET", path, screen(screens, handler), f"Page: {what}", None, media="text/html")
        for path, handler, what in addresses
    ]
    told = "Form: correct a need, or order what is needed"
    return [
        *pages_of,
        Route("POST", "/needs", screen(screens, decide), told, None, media="text/html"),
    ]


Needed = tuple[str, core.Campaign, list[NeedShown], Mapping[str, tuple[str, str]]]


async def _needed(intake: Intake, request: Request) -> Needed:
    """A school year, what each school needs in it, and what the schools are called."""
    read = intake.database.read
    year = request.query_params.get("year", "") or await _latest(intake)
    now: core.Campaign = await read(lambda one: store.campaign(one, _named(year)))
    found = [need_shown(now, uai) for uai in sorted(now.needs)]
    schools = await read(lambda one: store.school_names(one, [need.uai for need in found]))
    return year, now, found, schools


async def _needs(
    intake: Intake,
    screens: Screens,
    request: Request,
    trouble: Refusal | None = None,
    status: int = 200,
) -> Response:
    year, now, found, schools = await _needed(intake, request)
    after = request.query_params.get("after", "")
    page = [need for need in found if need.uai > after][:ROWS]
    listing = Listing(len(found), page[-1].uai if page and page[-1] != found[-1] else "")
    looking, told = visit(request, screens), year_shown(year, now)
    act = pages.Act(str(uuid4()), trouble, request.query_params.get("told", ""))
    return html(pages.needs_page(looking, told, page, listing, schools, act), status)


async def _decide(intake: Intake, screens: Screens, request: Request) -> Response:
    """What a form on the page of needs asks for; what is refused is told on the page."""
    form = await form_of(request)
    party = somebody(request, screens, "region")
    year = _named(request.query_params.get("year", "") or await _latest(intake))
    if not _is_id(form.get("id", "")):
        raise Problem(422, "unfit-form", "the form has no id: load the page again")
    try:
        if form.get("act") == "order":
            number, command = needs_order(_order_form(form), year)
            await said(intake, request, party, form["id"], (f"order:{number}", command))
            return back(request, f"/orders/{number}")
        need = need_of(form.get("uai", ""), _need_form(form))
        await said(intake, request, party, form["id"], (f"campaign:{year}", need))
    except Problem as no:
        return await _needs(intake, screens, request, refusal(no), no.status)
    return back(request, "/needs", year=year, told="stated")


def _need_form(form: Mapping[str, str]) -> NeedBody:
    counts = {name: _number(form, name) for name in ("newcomers", "stock_back", "decided")}
    need: NeedBody = _read(counts, NeedBody)
    return need


def _order_form(form: Mapping[str, str]) -> NeedsOrderBody:
    """One lot, for the départements that are named, or for all."""
    lot: dict[str, Any] = {name: form.get(name, "") for name in ("lot", "model", "paid_by")}
    lot["departments"] = form.get("departments", "").replace(",", " ").split()
    lot["promised_on"] = form.get("promised_on") or None
    terms = {name: form.get(name, "") for name in ("order", "buyer", "supplier")}
    order: NeedsOrderBody = _read(terms | {"lots": [lot]}, NeedsOrderBody)
    return order


def _number(form: Mapping[str, str], name: str) -> int | None:
    """A whole number; nothing is said by an empty field, but of `newcomers`."""
    text = form.get(name, "").strip()
    if not text:
        return 0 if name == "newcomers" else None
    if not text.isdecimal() or not text.isascii() or len(text) > 9:
        raise invalid(f"/{name}", "invalid", "a whole number is expected")
    return int(text)


def _read(told: Any, type: Any) -> Any:
    try:
        return convert(told, type)
    except Unreadable as trouble:
        raise invalid(trouble.field, trouble.code, str(trouble)) from None


def _supplier(party: str) -> dict[str, str]:
    """Of whose orders a party sees something: a supplier of its own."""
    return {"supplier": party.partition(":")[2]} if role(party) == "supplier" else {}


async def _order(intake: Intake, number: str, supplier: str | None) -> OrderShown:
    """An order, of a supplier if one asks. Raises Problem 404."""
    found = await intake.database.read(lambda one: store.order(one, number))
    if found is None or supplier not in (None, found.supplier):
        raise Problem(404, "unknown-order", f"there is no order {number[:64]}")
    tallies = await intake.database.read(lambda one: store.tallies(one, number))
    return shown(number, found, tallies)


async def _latest(intake: Intake) -> str:
    """The school year that is planned last; the one we are in where none is."""
    years: list[str] = await intake.database.read(store.years)
    return years[0] if years else school_year_of(day_of(intake.now()))


def _named(year: str) -> str:
    """A school year. Raises Problem 404."""
    try:
        return identifiers.school_year(year)
    except ValueError as trouble:
        raise Problem(404, "no-such-year", str(trouble)) from None


def _is_id(text: str) -> bool:
    """Whether a form bears the id that its page gave it, so that sent twice it is done once."""
    try:
        identifiers.pseudonym(text)  # a UUID
    except ValueError:
        return False
    return True
