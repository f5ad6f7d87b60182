"""Ordering over HTTP: request to command, decision to response."""

from starlette.requests import Request
from starlette.responses import Response

from services.ordering import store
from services.ordering.intake import admission, needs, orders
from services.ordering.intake.admission import AdmissionBody, RefusalBody
from services.ordering.intake.needs import NeedBody, YearBody
from services.ordering.intake.orders import (
    AmendmentBody,
    CancellationBody,
    CancellationTold,
    NeedsOrderBody,
    OrderBody,
)
from services.ordering.intake.own import own_order
from services.ordering.shown import NeedShown, OrderBrief, OrderShown, YearShown
from shared.asking import IDEMPOTENCY, Done, Intake, named
from shared.contracts import identifiers
from shared.serving import Handler, Listed, Problem, Route, answer
from shared.upkeep import Queued, accept_file

__all__ = ["Intake", "routes"]

BUYER, SELLER = ("region",), ("region", "supplier")
EVERYBODY = ("region", "ops", "supplier", "carrier", "school", "desk")
PAGING = {
    "limit": "How many, 1 to 500; 100 when left out",
    "cursor": "What a list gave as next",
}
YEAR = {"school_year": "Those of one school year, as in 2020-2021"}


def routes(intake: Intake) -> list[Route]:
    """Ordering's calls."""
    return [*_school_routes(intake), *_need_routes(intake), *_order_routes(intake)]


def _school_routes(intake: Intake) -> list[Route]:
    async def import_schools(request: Request) -> Response:
        return await accept_file(request, intake.worker, "schools")

    async def show_school(request: Request) -> Response:
        uai = named("uai", identifiers.uai, request.path_params["uai"])
        school = await intake.database.read(lambda connection: store.school(connection, uai))
        if school is None:
            raise Problem(404, "unknown-school", f"{uai} is not in the directory")
        return answer(school)

    return [
        _file("/api/schools/imports", import_schools, "Import the school directory, CSV", BUYER),
        Route(
            "GET",
            "/api/schools/{uai}",
            show_school,
            "A school's entry",
            EVERYBODY,
            answer=dict[str, str],
        ),
    ]


def _need_routes(intake: Intake) -> list[Route]:
    year, readers = "/api/school-years/{year}", ("region", "ops")
    importing = needs.importing(intake)
    return [
        Route(
            "PUT",
            year,
            needs.setting(intake),
            "Set the spare share of a school year",
            BUYER,
            YearBody,
            Done,
            headers=IDEMPOTENCY,
        ),
        Route("GET", year, needs.showing(intake), "A school year", readers, answer=YearShown),
        _file(f"{year}/needs/imports", importing, "What schools need, CSV", BUYER),
        Route(
            "PUT",
            f"{year}/needs/{{uai}}",
            needs.stating(intake),
            "State what a school needs",
            BUYER,
            NeedBody,
            Done,
            headers=IDEMPOTENCY,
        ),
        Route(
            "GET",
            f"{year}/needs",
            needs.listing(intake),
            "What each school needs, and what is ordered",
            readers,
            answer=Listed[NeedShown],
            query=PAGING,
        ),
        Route(
            "POST",
            f"{year}/orders",
            orders.ordering_needs(intake),
            "Order whatever schools still need",
            BUYER,
            NeedsOrderBody,
            OrderShown,
            201,
            headers=IDEMPOTENCY,
        ),
    ]


def _order_routes(intake: Intake) -> list[Route]:
    one = "/api/orders/{order}"

    async def import_serials(request: Request) -> Response:
        number = request.path_params["order"]
        await own_order(intake, number, request.state.party)
        return await accept_file(request, intake.worker, "serials", number)

    return [
        Route(
            "POST",
            "/api/orders",
            orders.placing(intake),
            "Place an order",
            BUYER,
            OrderBody,
            OrderShown,
            201,
            headers=IDEMPOTENCY,
        ),
        Route(
            "GET",
            "/api/orders",
            orders.listing(intake),
            "Orders; a supplier's own",
            (*SELLER, "ops"),
            answer=Listed[OrderBrief],
            query=YEAR | PAGING,
        ),
        Route(
            "GET",
            one,
            orders.showing(intake),
            "An order by its lines",
            (*SELLER, "ops"),
            answer=OrderShown,
        ),
        Route(
            "PATCH",
            one,
            orders.amending(intake),
            "Give lines of an order another quantity",
            BUYER,
            AmendmentBody,
            OrderShown,
            headers=IDEMPOTENCY,
        ),
        Route(
            "POST",
            f"{one}/cancellation",
            orders.cancelling(intake),
            "Cancel an order",
            BUYER,
            CancellationBody,
            CancellationTold,
            headers=IDEMPOTENCY,
        ),
        _file(f"{one}/serials/imports", import_serials, "The supplier's serial list, CSV", SELLER),
        Route(
            "POST",
            f"{one}/admissions",
            admission.admitting(intake),
            "Admit a line, or laptops of it",
            BUYER,
            AdmissionBody,
        ),
        Route(
            "POST",
            f"{one}/admission-refusals",
            admission.refusing(intake),
            "Do not admit laptops of a line",
            BUYER,
            RefusalBody,
        ),
    ]


def _file(path: str, handler: Handler, summary: str, by: tuple[str, ...]) -> Route:
    """A call that takes a file."""
    return Route("POST", path, handler, summary, by, answer=Queued, status=202, media="text/csv")
