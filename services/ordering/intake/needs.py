"""School years over HTTP: the spare share, and what each school needs."""

from collections.abc import Callable

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from services.ordering import core, store
from services.ordering.shown import need_shown, year_shown
from shared.asking import Done, Intake, act, named
from shared.contracts import identifiers
from shared.serving import Handler, Listed, answer, invalid, limit_of, struct_body
from shared.upkeep import accept_file

MOST = 100_000  # newcomers, or laptops, of one school


class YearBody(Struct, frozen=True, forbid_unknown_fields=True):
    """How many laptops more than newcomers are needed, as a share: 0.05 for 5 %."""

    spare_share: float


class NeedBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What a school needs is worked out of newcomers and stock back, unless it is `decided`;
    stock back is what is counted, unless it is said.
    """

    newcomers: int
    stock_back: int | None = None
    decided: int | None = None


def setting(intake: Intake) -> Handler:
    """A handler that sets the spare share of a school year."""

    async def set_share(request: Request) -> Response:
        body: YearBody = await struct_body(request, YearBody)
        if not 0 <= body.spare_share <= 1:
            raise invalid("/spare_share", "invalid", "a share from 0 to 1: 0.05 for 5 %")
        command = core.SetSpareShare(round(body.spare_share, 4))
        verdict = await act(intake, request, f"campaign:{year_of(request)}", command)
        return answer(Done(verdict.verdict))

    return set_share


def stating(intake: Intake) -> Handler:
    """A handler that states what a school needs."""

    async def state(request: Request) -> Response:
        body: NeedBody = await struct_body(request, NeedBody)
        command = need_of(request.path_params["uai"], body)
        verdict = await act(intake, request, f"campaign:{year_of(request)}", command)
        return answer(Done(verdict.verdict))

    return state


def need_of(school: str, body: NeedBody) -> core.StateNeed:
    """What is stated of a school. Raises Problem 422."""
    uai = named("uai", identifiers.uai, school)
    for name in NeedBody.__struct_fields__:
        if not 0 <= (getattr(body, name) or 0) <= MOST:
            raise invalid(f"/{name}", "invalid", f"a whole number from 0 to {MOST:,}")
    return core.StateNeed(uai, body.newcomers, body.stock_back, body.decided)


def importing(intake: Intake) -> Handler:
    """A handler that takes the needs of many schools as a file."""

    async def take(request: Request) -> Response:
        return await accept_file(request, intake.worker, "needs", year_of(request))

    return take


def showing(intake: Intake) -> Handler:
    """A handler that shows a school year."""

    async def show(request: Request) -> Response:
        year = year_of(request)
        return answer(year_shown(year, await _campaign(intake, year)))

    return show


def listing(intake: Intake) -> Handler:
    """A handler that lists what each school needs."""

    async def listed(request: Request) -> Response:
        now, limit = await _campaign(intake, year_of(request)), limit_of(request)
        after = request.query_params.get("cursor", "")
        schools = sorted(now.needs)
        page = [school for school in schools if school > after][:limit]
        cursor = page[-1] if len(page) == limit else None
        return answer(Listed([need_shown(now, uai) for uai in page], cursor, len(schools)))

    return listed


def year_of(request: Request) -> str:
    """The school year that an address names. Raises Problem 422."""
    read: Callable[[str], str] = identifiers.school_year
    return named("school_year", read, request.path_params["year"])


async def _campaign(intake: Intake, year: str) -> core.Campaign:
    found: core.Campaign = await intake.database.read(
        lambda connection: store.campaign(connection, year)
    )
    return found
