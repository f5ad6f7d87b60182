"""What is asked of handover over HTTP: campaigns, handovers, certificates."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from services.handover import core, papers, showing, store
from services.handover.intake.acting import known
from services.handover.papers import Paper
from services.handover.showing import Office
from services.handover.shown import HandoverShown, SchoolNamed
from services.handover.store import Found, Standing
from shared.access import role
from shared.asking import Intake, named
from shared.contracts import identifiers
from shared.screens import table
from shared.serving import Handler, Listed, Problem, answer, invalid, limit_of

PDF = "application/pdf"


def own_school(party: str, asked: str = "") -> str:
    """Which school's handovers are shown: a school's own; of the region and ops those that they ask
    for, "" for all.
    """
    return party.partition(":")[2] if role(party) == "school" else asked


async def standing(intake: Intake, name: str) -> Standing:
    """A campaign. Raises Problem 404."""
    found: Standing | None = await intake.database.read(lambda seen: store.campaign(seen, name))
    if found is None:
        raise Problem(404, "unknown-campaign", f"there is no campaign {name[:70]}")
    return found


def campaign(intake: Intake) -> Handler:
    """A handler that shows a campaign; a school sees its own part."""

    async def show(request: Request) -> Response:
        found = await standing(intake, request.path_params["campaign"])
        school = own_school(request.state.party)
        return answer(
            await intake.database.read(lambda seen: showing.campaign_shown(seen, found, school))
        )

    return show


def asked_of(query: Mapping[str, str], party: str) -> dict[str, Any]:
    """What a list of handovers is narrowed to. Raises Problem 422."""
    where: dict[str, Any] = {}
    for name in ("campaign", "laptop", "state", "blocked"):
        if query.get(name):
            where[name] = query[name]
    if where.get("state", core.STATES[0]) not in core.STATES:
        raise invalid("/state", "invalid", f"one of {', '.join(core.STATES)} is expected")
    if where.get("blocked", "any") not in ("any", *core.CAUSES):
        raise invalid("/blocked", "invalid", f"any, or one of {', '.join(core.CAUSES)}")
    if query.get("failing") == "true":
        where["failing"] = True
    asked = query.get("school", "")
    school = own_school(party, named("school", identifiers.uai, asked) if asked else "")
    return where | ({"school": school} if school else {})


def listing(intake: Intake) -> Handler:
    """A handler that lists handovers, by their numbers."""

    async def listed(request: Request) -> Response:
        where, limit = asked_of(request.query_params, request.state.party), limit_of(request)
        after = request.query_params.get("cursor") or None
        found, total = await intake.database.read(
            lambda seen: store.handovers(seen, where, after, limit)
        )
        cursor = found[-1].number if len(found) == limit else None
        return answer(Listed([showing.shown(one) for one in found], cursor, total))

    return listed


def one(intake: Intake) -> Handler:
    """A handler that shows a handover."""

    async def show(request: Request) -> Response:
        found = await known(intake, request.path_params["id"], request.state.party)
        return answer(showing.shown(found))

    return show


# -- certificates


async def paper(intake: Intake, office: Office, found: Found | None) -> Response:
    """A certificate as a PDF. Raises Problem 404 where there is none."""
    number = found.handover.certificate if found else None
    if found is None or number is None:
        raise Problem(404, "unknown-certificate", "no such certificate was issued")
    terms, uai = await standing(intake, found.handover.campaign or ""), found.handover.school
    school = await intake.database.read(lambda seen: store.school(seen, uai))
    shown, address = showing.shown(found), office.certificate(number)
    made = papers.certificate(Paper(shown, school, terms.campaign, address))
    return pdf(made, f"attestation-{number}.pdf")


def pdf(content: bytes, name: str) -> Response:
    disposition = {"Content-Disposition": f'inline; filename="{name}"'}
    return Response(content, media_type=PDF, headers=disposition)


def certificate(intake: Intake, office: Office) -> Handler:
    """A handler that gives out a certificate; a school its own."""

    async def give(request: Request) -> Response:
        number = request.path_params["number"]
        found = await intake.database.read(lambda seen: store.certified(seen, number))
        school = own_school(request.state.party)
        if found and school and found.handover.school != school:
            found = None
        return await paper(intake, office, found)

    return give


async def accounts(intake: Intake, name: str, party: str, asked: str, kind: str) -> Response:
    """The certificates of a campaign and a school, for the accounts: csv or pdf."""
    terms = await standing(intake, name)
    school = own_school(party, named("school", identifiers.uai, asked) if asked else "")
    found, schools = await intake.database.read(partial(_certified, name=name, school=school))
    file = f"attestations-{school or 'toutes'}-{name}.{kind}"
    if kind == "csv":
        return table(papers.certificates_csv(found, terms.campaign, schools), file)
    named_so = schools[school].words if school else ""
    return pdf(papers.certificates_pdf(found, terms.campaign, named_so), file)


def _certified(
    connection: Connection, name: str, school: str
) -> tuple[list[HandoverShown], dict[str, SchoolNamed]]:
    """The certificates of a campaign, and their schools; the one that is asked for among these."""
    found = store.certificates(connection, name, school)
    uais = {school, *(one.handover.school for one in found)}
    return [showing.shown(one) for one in found], store.schools(connection, uais)


def accounting(intake: Intake, kind: str) -> Handler:
    """A handler that gives out certificates for the accounts."""

    async def give(request: Request) -> Response:
        name, asked = request.path_params["campaign"], request.query_params.get("school", "")
        return await accounts(intake, name, request.state.party, asked, kind)

    return give
