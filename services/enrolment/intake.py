"""Enrolment over HTTP: files of pupils, students as pseudonyms, persons with every look audited."""

from collections.abc import AsyncIterator, Callable
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from services.enrolment import core, register, showing, store, vault
from services.enrolment.imports import KIND, files
from services.enrolment.imports.lines import About, Line, sealing
from services.enrolment.showing import Looking
from services.enrolment.shown import REASONS, ErasureTold, Export, PersonShown, StudentShown
from services.enrolment.store import Look
from shared import jobs
from shared.access import role
from shared.asking import Intake, named, said
from shared.contracts import identifiers
from shared.contracts.calendar import day_of
from shared.databases import Database
from shared.decisions import Claim
from shared.serving import (
    FILE_LIMIT,
    Handler,
    Listed,
    Problem,
    Route,
    answer,
    invalid,
    limit_of,
    stream,
)
from shared.transact import submit
from shared.upkeep import Queued

SEEING, READERS = ("region", "school"), ("region", "school", "ops")
IMPORTING = {
    "full": "true: the file names everybody of its schools, as a zip of files named Complet does "
    "when this is left out; false: it does not",
    "leaving": "confirmed: however many leave, it is right",
    "academy": "Whose ids of persons these are, where several académies send files",
    "school_year": "As in 2020-2021; the one of today when left out",
}
LISTING = {
    "school": "Those of one school; a school sees its own",
    "level": "Those of one level, as in 2nde",
    "limit": "How many, 1 to 500; 100 when left out",
    "cursor": "What a list gave as next",
}
WHY = {"why": f"Why you look, written down with who, whom and when: {', '.join(REASONS)}"}


def routes(intake: Intake, looking: Looking) -> list[Route]:
    """Enrolment's calls."""
    seen = (_person(intake, looking), _export(intake, looking))
    erase = "Let nobody be able to say any more who a student was"
    told = "Load pupils: text/csv, application/xml (AAF) or application/zip of such files"
    path = "/api/people/{pseudonym}"
    return [
        Route(
            "POST",
            "/api/pupils/imports",
            _import(intake, looking),
            told,
            ("region",),
            answer=Queued,
            status=202,
            media="text/csv",
            query=IMPORTING,
        ),
        Route(
            "GET",
            "/api/students",
            _students(intake),
            "Students who are at a school, as pseudonyms",
            READERS,
            answer=Listed[StudentShown],
            query=LISTING,
        ),
        Route("GET", path, seen[0], "Who a student is", SEEING, answer=PersonShown, query=WHY),
        Route(
            "GET",
            f"{path}/export",
            seen[1],
            "Everything that is known here about a person",
            SEEING,
            answer=Export,
            query=WHY,
        ),
        Route(
            "POST",
            f"{path}/erasure",
            _erasing(intake),
            erase,
            ("region",),
            answer=ErasureTold,
        ),
    ]


# -- files


def _import(intake: Intake, looking: Looking) -> Handler:
    async def take(request: Request) -> Response:
        about, kind = _about(request, day_of(intake.now())), _kind(request)
        rows = files.rows(kind, stream(request, FILE_LIMIT, *files.KINDS), about.full)
        said = msgspec.json.encode(about).decode()
        party, now, id = request.state.party, intake.now(), jobs.fresh_id()
        content = _sealed(intake.database, looking.vault, id, rows)
        await jobs.spool(intake.database, KIND, said, party, content, now, id)
        intake.worker.wake()
        return answer(Queued(id), 202, {"Location": f"/api/jobs/{id}"})

    return take


async def _sealed(
    database: Database, of: vault.Vault, job: str, rows: AsyncIterator[Line]
) -> AsyncIterator[bytes]:
    """Rows sealed under a key of their own, made once their job is there: it goes with it."""
    key = await database.write(lambda one: vault.file_key(one, vault.ring(of), job))
    async for piece in sealing(rows, key):
        yield piece


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _about(request: Request, today: date) -> About:
    """What the address says of a file: no later school year than the next one, for a student never
    goes back to an earlier one. Raises Problem 422.
    """
    asked = request.query_params
    for name, words in (("full", ("", "true", "false")), ("leaving", ("", "confirmed"))):
        if asked.get(name, "") not in words:
            raise invalid(f"/{name}", "invalid", f"one of {', '.join(words[1:])} is expected")
    academy, year = asked.get("academy", ""), asked.get("school_year", "")
    year = named("school_year", identifiers.school_year, year) if year else ""
    if year[:4] > str(today.year + 1):
        raise invalid("/school_year", "invalid", "the next school year is the last that is taken")
    return About(
        full={"true": True, "false": False}.get(asked.get("full", "")),
        confirmed=asked.get("leaving") == "confirmed",
        academy=named("academy", identifiers.document_name, academy) if academy else "",
        school_year=year,
    )


# -- students


def _students(intake: Intake) -> Handler:
    async def listed(request: Request) -> Response:
        asked, own = request.query_params, showing.own_school(request.state.party)
        where = {name: asked[name] for name in ("school", "level") if asked.get(name)}
        if where.get("school"):
            where["school"] = named("school", identifiers.uai, where["school"])
        if own and where.setdefault("school", own) != own:
            raise Problem(403, "not-your-school", "a school sees its own students")
        after = asked.get("cursor", "")
        if after:
            named("cursor", identifiers.pseudonym, after)
        limit = limit_of(request)
        found, total = await intake.database.read(
            lambda one: store.students(one, where, after, limit)
        )
        items = [showing.student_shown(one.pseudonym, one.state) for one in found]
        return answer(Listed(items, items[-1].student if len(items) == limit else None, total))

    return listed


# -- persons


def pseudonym_of(request: Request) -> str:
    """Whom an address names. Raises Problem 404."""
    try:
        return str(UUID(request.path_params["pseudonym"]))
    except ValueError:
        raise nobody() from None


def nobody() -> Problem:
    """The same for who is not there, who is another school's, and who was erased."""
    return Problem(404, "no-such-person", "there is nobody of yours whom this pseudonym names")


def look_of(request: Request, party: str, what: str) -> Look:
    """A look at whom an address names. Raises Problem 404 and 422."""
    why = reason_of(request.query_params.get("why", ""))
    return Look(party, pseudonym_of(request), what, why)


def reason_of(said: str) -> str:
    """Why somebody looks, "" for untold. Raises Problem 422, which does not repeat it."""
    if said not in ("", *REASONS):
        raise invalid("/why", "invalid", f"one of {', '.join(REASONS)} is expected")
    return said


def _person(intake: Intake, looking: Looking) -> Handler:
    async def show(request: Request) -> Response:
        look = look_of(request, request.state.party, "person")
        return answer(await person(intake, looking, look))

    return show


def _export(intake: Intake, looking: Looking) -> Handler:
    async def give(request: Request) -> Response:
        look = look_of(request, request.state.party, "export")
        return answer(await exported(intake, looking, look))

    return give


async def person(intake: Intake, looking: Looking, look: Look) -> PersonShown:
    """Who a student is. Raises Problem 404 and 500."""
    found: PersonShown = await _shown(intake, lambda one: showing.person(one, looking, look))
    return found


async def _shown(intake: Intake, work: Callable[[Connection], Any]) -> Any:
    """What somebody may see of a person. Raises Problem 404 and 500."""
    try:
        found = await intake.database.write(work)
    except vault.Broken:
        advice = "what is kept of this student does not open: restore it from a copy, or erase him"
        raise Problem(500, "damaged", advice) from None
    if found is None:
        raise nobody()
    return found


async def exported(intake: Intake, looking: Looking, look: Look) -> Export:
    """Everything about a person. Raises Problem 404 and 500."""
    found: Export = await _shown(intake, lambda one: showing.export(one, looking, look))
    return found


def _erasing(intake: Intake) -> Handler:
    async def erase(request: Request) -> Response:
        name = pseudonym_of(request)
        verdict = await erased(intake, request, request.state.party, name)
        return answer(ErasureTold(verdict, name))

    return erase


async def erased(intake: Intake, request: Request, party: str, name: str) -> str:
    """Erase a student on request; the verdict. Raises Problem 404 and 409."""
    state: core.Student = await intake.database.read(lambda one: store.student(one, name))
    if state.school is None:
        raise nobody()
    what = (core.student_key(name), core.Erase("request"))
    return (await said(intake, request, party, f"erasure {name}", what)).verdict


async def erase_again(intake: Intake, looking: Looking) -> int:
    """Erase whoever stands on the list of erasures and is in this database still; how many."""
    listed = looking.erasures.names
    asked = await intake.database.read(lambda one: register.to_erase(one, listed))
    now = intake.now()
    claims = [
        Claim("clock", "list of erasures", key, now, command, stated=False)
        for key, command in asked
    ]
    if claims:
        await submit(intake.database, intake.service, claims, now)
        intake.relay.wake()
    return len(claims)


def may_look(party: str) -> bool:
    """Whether a party may see names at all."""
    return bool(party) and role(party) in SEEING
