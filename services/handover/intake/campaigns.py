"""Campaigns and schools that close, over HTTP: one act, and what it means for many."""

from datetime import UTC, date, datetime

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from services.handover import core, store
from services.handover.imports import CAMPAIGNS, CLOSURES, Calling, Closure, move_of
from services.handover.showing import Office
from shared import jobs
from shared.asking import UNKEPT, Intake, NotTakenError, each, named, past, unless_kept
from shared.contracts import identifiers
from shared.contracts.calendar import day_of
from shared.decisions import Claim
from shared.serving import Handler, answer, idempotency_key, invalid, struct_body, trace_of
from shared.transact import Verdict, transact


class CampaignBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A campaign. `opens_at`: from when on laptops are offered; the terms are the policy's where
    they are not said here.
    """

    campaign: str
    school_year: str
    opens_at: datetime
    legal_basis: str | None = None
    deliberation: str | None = None
    residual_value_cents: int | None = None


class CampaignTold(Struct, frozen=True):
    """What became of a campaign: `students`, how many finish who are known; `job` calls them up.
    Who is heard of later is called up then.
    """

    campaign: str
    verdict: str
    students: int
    job: str | None


class ClosureBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Which school does what a school had to do."""

    successor: str


class ClosureTold(Struct, frozen=True):
    """What became of it: `laptops`, how many go over; `job`: of these, where they are many."""

    school: str
    successor: str
    verdict: str
    laptops: int
    job: str | None


def opening(intake: Intake, office: Office) -> Handler:
    """A handler that opens a campaign."""

    async def open_campaign(request: Request) -> Response:
        body: CampaignBody = await struct_body(request, CampaignBody)
        asked = (request.state.party, idempotency_key(request), trace_of(request))
        told = await opened(intake, office, body, asked)
        page = f"/api/handover-campaigns/{told.campaign}"
        return answer(told, 202, {"Location": f"/api/jobs/{told.job}" if told.job else page})

    return open_campaign


async def opened(
    intake: Intake, office: Office, body: CampaignBody, asked: tuple[str, str, str]
) -> CampaignTold:
    """Open a campaign, as a party asked it under an id, on a trace. Raises Problem 409 and 422."""
    command = _campaign(office, body)
    opening: tuple[Verdict, CampaignTold] = await intake.database.write(
        lambda connection: _open(connection, intake, office, command, asked)
    )
    verdict, told = opening
    unless_kept(verdict)
    intake.relay.wake()
    intake.worker.wake()
    return told


def _campaign(office: Office, body: CampaignBody) -> core.OpenCampaign:
    """Raises Problem 422."""
    terms = office.policy.cession
    value = body.residual_value_cents
    if value is not None and not 0 <= value <= 10**9:
        raise invalid("/residual_value_cents", "invalid", "0 or more cents of a euro")
    year = named("school_year", identifiers.school_year, body.school_year)
    basis, deliberation = body.legal_basis, body.deliberation
    return core.OpenCampaign(
        named("campaign", identifiers.document_name, body.campaign),
        year,
        _opens_at(body.opens_at, year),
        named("legal_basis", identifiers.label, basis) if basis else terms.legal_basis,
        named("deliberation", identifiers.label, deliberation)
        if deliberation
        else terms.deliberation,
        terms.residual_value_cents if value is None else value,
    )


def _opens_at(moment: datetime, year: str) -> datetime:
    """When a campaign opens, in UTC: within its school year. Raises Problem 422."""
    if moment.tzinfo is None:
        raise invalid("/opens_at", "naive-time", "say the offset from UTC")
    first = int(year[:4])
    try:
        opens, day = moment.astimezone(UTC), day_of(moment)
    except OverflowError:
        raise invalid("/opens_at", "invalid", "out of the calendar") from None
    if not date(first, 9, 1) <= day < date(first + 1, 9, 1):
        raise invalid("/opens_at", "not-in-the-year", f"a campaign of {year} opens within it")
    return opens


def _open(
    connection: Connection,
    intake: Intake,
    office: Office,
    command: core.OpenCampaign,
    asked: tuple[str, str, str],
) -> tuple[Verdict, CampaignTold]:
    """A campaign that begins in the past began then: what was told since is told after it."""
    now, (party, id, trace) = intake.now(), asked
    try:
        began = past("opens_at", command.opens_at, now)
    except NotTakenError:
        began = now
    other = store.campaign(connection, command.campaign)
    if other and other.school_year != command.school_year:
        why = f"{command.campaign} is the campaign of {other.school_year}"
        refused = Verdict("refused", "name-is-taken", why, "/campaign")
        return refused, CampaignTold(command.campaign, "refused", 0, None)
    key = core.campaign_key(command.school_year)
    claim = Claim(party, id, key, began, command, stated=False, trace=trace)
    (verdict,) = transact(connection, intake.service, [claim], now)
    if verdict.verdict in UNKEPT:
        return verdict, CampaignTold(command.campaign, verdict.verdict, 0, None)
    levels = office.policy.leaving.final_levels
    students = store.leaving(connection, command.school_year, levels)
    job = core.calling(command.campaign)
    if verdict.verdict == "applied":
        about = Calling(command.campaign, command.school_year, began, trace)
        content = "\n".join(["key", *students]).encode()
        told = msgspec.json.encode(about).decode()
        jobs.queue(connection, job, CAMPAIGNS, told, party, content, now)
    return verdict, CampaignTold(command.campaign, verdict.verdict, len(students), job)


def closing(intake: Intake) -> Handler:
    """A handler for a school that closed or merged."""

    async def close_school(request: Request) -> Response:
        body: ClosureBody = await struct_body(request, ClosureBody)
        about = Closure(
            named("uai", identifiers.uai, request.path_params["uai"]),
            named("successor", identifiers.uai, body.successor),
            idempotency_key(request),
            trace_of(request),
        )
        party = request.state.party
        verdict, told = await intake.database.write(
            lambda connection: _close(connection, intake, party, about)
        )
        unless_kept(verdict)
        intake.relay.wake()
        intake.worker.wake()
        where = f"/api/jobs/{told.job}" if told.job else f"/api/handovers?school={told.successor}"
        return answer(told, 202, {"Location": where})

    return close_school


def _close(
    connection: Connection, intake: Intake, party: str, about: Closure
) -> tuple[Verdict, ClosureTold]:
    now, command = intake.now(), core.SucceedSchool(about.successor)
    key = core.school_key(about.school)
    claim = Claim(party, about.id, key, now, command, stated=False, trace=about.trace)
    (verdict,) = transact(connection, intake.service, [claim], now)
    if verdict.verdict in UNKEPT:
        return verdict, ClosureTold(about.school, about.successor, verdict.verdict, 0, None)
    earlier = store.followed_by(connection, about.school)
    transact(connection, intake.service, [replace(claim, subject=one) for one in earlier], now)
    laptops = store.laptops_at(connection, about.school)
    keys = [*store.students_at(connection, about.school), *laptops]
    claims = [move_of(party, about, key, now) for key in keys]
    job = each(connection, intake, claims, CLOSURES, about) if claims else None
    told = (about.school, about.successor, verdict.verdict, len(laptops), job)
    return verdict, ClosureTold(*told)
