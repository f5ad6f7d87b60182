"""The pages of campaigns, and of the handovers that their numbers count."""

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from services.handover import pages, showing, store
from services.handover.intake import campaigns, telling
from services.handover.screens.addresses import CSV, HTML, PDF, READERS, Addresses, Form
from services.handover.showing import Office
from services.handover.shown import CampaignShown, HandoverShown, SchoolNamed
from services.handover.store import Standing
from shared.asking import Intake
from shared.contracts.calendar import midnight
from shared.decisions import Refusal
from shared.pages.tables import Listing
from shared.screens import ROWS, Screens, back, form_of, html, refusal, somebody, table, visit
from shared.serving import Handler, Problem, trace_of

MOST = 10_000  # handovers in a file


def of_campaigns(intake: Intake, office: Office, screens: Screens) -> Addresses:
    async def page(request: Request, party: str, trouble: Refusal | None = None) -> str:
        school, terms = telling.own_school(party), office.policy.cession

        found = await intake.database.read(partial(_shown, school=school))
        return pages.campaigns_page(visit(request, screens), found, terms, trouble)

    async def listed(request: Request) -> Response:
        party = somebody(request, screens, *READERS)
        return html(await page(request, party))

    async def opened(request: Request) -> Response:
        form, party = await form_of(request), somebody(request, screens, "region")
        try:
            asked = (party, str(uuid4()), trace_of(request))
            told = await campaigns.opened(intake, office, _campaign_of(form), asked)
        except Problem as trouble:
            return html(await page(request, party, refusal(trouble)), 422)
        return back(request, f"/campaigns/{told.campaign}")

    async def shown(request: Request) -> Response:
        party = somebody(request, screens, *READERS)
        found = await telling.standing(intake, request.path_params["campaign"])
        school = telling.own_school(party)
        seen, schools = await intake.database.read(partial(_one, standing=found, school=school))
        return html(pages.campaign_page(visit(request, screens), seen, schools))

    def accounts(kind: str) -> Handler:
        async def give(request: Request) -> Response:
            party = somebody(request, screens, *READERS)
            asked = request.query_params.get("school", "")
            name = request.path_params["campaign"]
            return await telling.accounts(intake, name, party, asked, kind)

        return give

    one = "/campaigns/{campaign}"
    return [
        ("GET", "/campaigns", listed, "Page: campaigns", HTML),
        ("POST", "/campaigns", opened, "Form: open a campaign", HTML),
        ("GET", one, shown, "Page: a campaign", HTML),
        ("GET", f"{one}/certificates.csv", accounts("csv"), "Certificates, CSV", CSV),
        ("GET", f"{one}/certificates.pdf", accounts("pdf"), "Certificates, PDF", PDF),
    ]


def _campaign_of(form: Form) -> campaigns.CampaignBody:
    """Raises ValueError."""
    opens = midnight(date.fromisoformat(form.get("opens_on", "")))
    return campaigns.CampaignBody(form.get("campaign", ""), form.get("school_year", ""), opens)


def _shown(connection: Connection, school: str) -> list[CampaignShown]:
    found = store.campaigns(connection)
    return [showing.campaign_shown(connection, one, school) for one in found]


def _one(
    connection: Connection, standing: Standing, school: str
) -> tuple[CampaignShown, dict[str, SchoolNamed]]:
    seen = showing.campaign_shown(connection, standing, school)
    return seen, store.schools(connection, (one.school for one in seen.schools))


def of_handovers(intake: Intake, screens: Screens) -> Addresses:
    async def listed(request: Request) -> Response:
        asked, where = _asked(request, somebody(request, screens, *READERS))
        after = request.query_params.get("after") or None
        read = partial(_listed, where=where, after=after, limit=ROWS)
        found, total, schools = await intake.database.read(read)
        listing = Listing(total, found[-1].handover if len(found) == ROWS else "")
        page = pages.handovers_page(visit(request, screens), found, listing, asked, schools)
        return html(page)

    async def as_csv(request: Request) -> Response:
        _, where = _asked(request, somebody(request, screens, *READERS))
        read = partial(_listed, where=where, after=None, limit=MOST)
        found, _, schools = await intake.database.read(read)
        return table(pages.handovers_csv(found, schools), "cessions.csv")

    return [
        ("GET", "/handovers", listed, "Page: handovers", HTML),
        ("GET", "/handovers.csv", as_csv, "Handovers as a file", CSV),
    ]


def _listed(
    connection: Connection, where: Mapping[str, Any], after: str | None, limit: int
) -> tuple[list[HandoverShown], int, dict[str, SchoolNamed]]:
    """Handovers, how many in all, and their schools; the one that is asked for among these."""
    found, total = store.handovers(connection, where, after, limit)
    uais = {where.get("school", ""), *(one.handover.school for one in found)}
    return [showing.shown(one) for one in found], total, store.schools(connection, uais)


def _asked(request: Request, party: str) -> tuple[dict[str, str], dict[str, Any]]:
    """What a list is narrowed to, as it was asked and as the store has it."""
    where = telling.asked_of(request.query_params, party)
    names = ("campaign", "school", "state", "blocked", "failing")
    asked = {name: request.query_params.get(name, "") for name in names}
    return asked | {"school": where.get("school", "")}, where
