"""What the region decides on laptops that it ordered: admitted, or refused."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from services.ordering import core, store
from services.ordering.imports import Admission, admission_of
from services.ordering.intake.own import own_order
from shared.asking import (
    UNKEPT,
    Intake,
    NotTakenError,
    each,
    named,
    past,
    told,
    unless_kept,
)
from shared.contracts import identifiers
from shared.contracts.identifiers import LaptopItem, Makers
from shared.contracts.strict import Unreadable, convert
from shared.decisions import Claim
from shared.serving import Handler, answer, invalid, struct_body, trace_of
from shared.transact import Verdict, submit, transact


class AdmissionBody(Struct, frozen=True, forbid_unknown_fields=True):
    """An admission; without laptops it is a standing decision for the whole line. `laptops` is read
    apart, so that one wrong serial refuses one laptop.
    """

    id: str
    line: str
    decided_at: datetime
    decided_by: str
    laptops: list[dict[str, Any]] | None = None


class RefusalBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Laptops that are not admitted, and why; the reason is kept here and told to nobody else."""

    id: str
    line: str
    laptops: list[dict[str, Any]]
    reason: str
    decided_at: datetime
    decided_by: str


def admitting(intake: Intake) -> Handler:
    """A handler that admits a line, or laptops of it."""

    async def admit(request: Request) -> Response:
        body: AdmissionBody = await struct_body(request, AdmissionBody)
        given, party = await _given(intake, request, body), request.state.party
        if body.laptops is not None:
            of_line = (given.order, given.line, given.school_year)
            command = core.AdmitLaptop(*of_line, given.decided_by)
            return await _listed(intake, party, given, body.laptops, command)
        verdict, what = await intake.database.write(
            lambda connection: _admit_line(connection, intake, party, given)
        )
        unless_kept(verdict)  # not before the commit, which keeps a contradiction too
        intake.relay.wake()
        intake.worker.wake()
        return answer(what)

    return admit


def refusing(intake: Intake) -> Handler:
    """A handler that refuses laptops of a line."""

    async def refuse(request: Request) -> Response:
        body: RefusalBody = await struct_body(request, RefusalBody)
        given = await _given(intake, request, body)
        if not body.laptops:
            raise invalid("/laptops", "invalid", "name the laptops: a whole line is not refused")
        reason = named("reason", identifiers.label, body.reason)
        command = core.RefuseAdmission(given.order, given.line, given.school_year, given.decided_by)
        return await _listed(intake, request.state.party, given, body.laptops, command, reason)

    return refuse


async def _given(intake: Intake, request: Request, body: AdmissionBody | RefusalBody) -> Admission:
    """What admission and refusal have in common. Raises Problem."""
    number = request.path_params["order"]
    order = await own_order(intake, number, request.state.party)
    decided_at = _decided(body.decided_at, intake.now())
    if not 1 <= len(body.id) <= 200:
        raise invalid("/id", "invalid", "1 to 200 characters")
    line = named("line", identifiers.document_name, body.line)
    decided_by = named("decided_by", identifiers.label, body.decided_by)
    about = (number, line, order.school_year)
    return Admission(*about, body.id, decided_at, decided_by, trace_of(request))


def _decided(moment: datetime, now: datetime) -> datetime:
    """When something was decided, in UTC. Raises Problem 422."""
    try:
        return past("decided_at", moment, now)
    except NotTakenError as no:
        raise invalid("/decided_at", no.code, no.detail) from None


async def _listed(
    intake: Intake,
    party: str,
    given: Admission,
    laptops: Sequence[Mapping[str, Any]],
    command: core.AdmitLaptop | core.RefuseAdmission,
    note: str = "",
) -> Response:
    read = [_laptop(intake.makers, one) for one in laptops]
    claims = [
        Claim(party, given.id, key, given.decided_at, command, note=note, trace=given.trace)
        for key, wrong in read
        if wrong is None
    ]
    verdicts = iter(await submit(intake.database, intake.service, claims, intake.now()))
    intake.relay.wake()
    return answer(
        {"verdicts": [{"id": key} | told(wrong or next(verdicts)) for key, wrong in read]}
    )


def _laptop(makers: Makers, said: Mapping[str, Any]) -> tuple[str, Verdict | None]:
    """A laptop's key; or how it was called, and why it is refused."""
    try:
        laptop = convert(said, LaptopItem)
        return makers.laptop(laptop.maker, laptop.serial), None
    except (Unreadable, ValueError) as trouble:
        called = "/".join(str(said.get(name, ""))[:60] for name in ("maker", "serial"))
        at = f"{trouble.field}: " if isinstance(trouble, Unreadable) else ""
        return called, Verdict("refused", "invalid", at + str(trouble))


def _admit_line(
    connection: Connection, intake: Intake, party: str, given: Admission
) -> tuple[Verdict, dict[str, Any]]:
    """The standing decision, what it means for each known laptop, and what is told of it."""
    subject, command = f"order:{given.order}", core.AdmitLine(given.line, given.decided_by)
    claim = Claim(party, given.id, subject, given.decided_at, command, trace=given.trace)
    (verdict,) = transact(connection, intake.service, [claim], intake.now())
    if verdict.verdict in UNKEPT:
        return verdict, {}
    keys = store.laptops_to_admit(connection, given.order, given.line)
    claims = [admission_of(party, given, key) for key in keys]
    job = each(connection, intake, claims, "admissions", given)
    order = store.order(connection, given.order) or core.Order()
    outstanding = core.outstanding(order, given.line)
    return verdict, {
        "verdict": verdict.verdict,
        "now": len(keys),
        "outstanding": outstanding,
        "job": job,
    }
