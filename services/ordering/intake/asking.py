"""What all of ordering's calls need: what they work with, and how a name or a verdict is read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
from msgspec import Struct
from sqlalchemy import Connection
from starlette.requests import Request

from services.ordering import core, store
from shared import jobs
from shared.contracts.identifiers import Makers
from shared.contracts.strict import Field
from shared.databases import Database
from shared.decisions import Claim
from shared.relay import Relay
from shared.serving import Problem, idempotency_key, invalid, trace_of
from shared.transact import LIMIT, Service, Verdict, submit, transact
from shared.upkeep import sees_all
from shared.worker import Worker

AHEAD = timedelta(minutes=10)
UNKEPT = ("refused", "conflict")
IDEMPOTENCY = {"Idempotency-Key": "Names the act, so that sent twice it is done once"}


@dataclass(frozen=True)
class Intake:
    """What the handlers work with."""

    database: Database
    service: Service
    worker: Worker
    relay: Relay
    makers: Makers
    now: Callable[[], datetime]


class Done(Struct, frozen=True):
    """What became of an act: applied, or duplicate where it was so already."""

    verdict: str


def named(field: str, read: Callable[[str], str], text: str) -> str:
    """A name in its one spelling. Raises Problem 422."""
    try:
        return read(text)
    except ValueError as trouble:
        raise invalid(f"/{field}", "invalid", str(trouble)) from None


async def own_order(intake: Intake, number: str, party: str) -> core.Order:
    """An order that this party may know of. Raises Problem 404: what is another's is not there."""
    found: core.Order | None = await intake.database.read(
        lambda connection: store.order(connection, number)
    )
    if found is None or not (sees_all(party) or party == f"supplier:{found.supplier}"):
        raise Problem(404, "unknown-order", f"there is no order {number[:64]}")
    return found


async def act(intake: Intake, request: Request, subject: str, command: Any) -> Verdict:
    """Put an intent through, under the request's Idempotency-Key. Raises Problem 409."""
    return await said(
        intake, request, request.state.party, idempotency_key(request), (subject, command)
    )


async def said(
    intake: Intake, request: Request, party: str, id: str, what: tuple[str, Any]
) -> Verdict:
    """Put a party's intent on a subject through. Raises Problem 409."""
    subject, command = what
    claim = Claim(
        party,
        id,
        subject,
        intake.now(),
        command,
        stated=False,
        trace=trace_of(request),
    )
    (verdict,) = await submit(intake.database, intake.service, [claim], intake.now())
    intake.relay.wake()
    unless_kept(verdict)
    return verdict


def unless_kept(verdict: Verdict) -> None:
    """Raise Problem 409 for what was refused or contradicts."""
    if verdict.verdict in UNKEPT:
        errors = [Field(verdict.field, verdict.code, verdict.detail)] if verdict.field else []
        raise Problem(409, verdict.code, verdict.detail, errors)


Checked = Callable[[str, Callable[[str], str], str], str]


def checking(errors: list[Field]) -> Checked:
    """A function that reads a field's text, or adds what is wrong with it to the errors."""

    def checked(field: str, read: Callable[[str], str], text: str) -> str:
        try:
            return read(text)
        except ValueError as trouble:
            errors.append(Field(field, "invalid", str(trouble)))
            return ""

    return checked


def each(
    connection: Connection,
    intake: Intake,
    claims: Sequence[Claim],
    kind: str,
    about: Struct,
) -> str | None:
    """What an act means for each laptop: at once up to LIMIT of them, beyond in the background, by
    a job of this kind; its id.
    """
    now = intake.now()
    if len(claims) <= LIMIT:
        transact(connection, intake.service, claims, now)
        return None
    job, content = str(uuid4()), "\n".join(["laptop", *(one.subject for one in claims)]).encode()
    told, party = msgspec.json.encode(about).decode(), claims[0].party
    jobs.queue(connection, job, kind, told, party, content, now)
    return job


def decided(moment: datetime, now: datetime) -> datetime:
    """When something was decided, in UTC. Raises Problem 422 where no offset is said, for what is
    out of the calendar, and for what lies ahead of us.
    """
    if moment.tzinfo is None:
        raise invalid(
            "/decided_at", "naive-time", "say the offset from UTC, as in 2020-09-15T10:00:00+02:00"
        )
    try:
        decided_at = moment.astimezone(UTC)
    except OverflowError:
        raise invalid("/decided_at", "invalid", "out of the calendar") from None
    if decided_at > now + AHEAD:
        raise invalid("/decided_at", "in-the-future", "it is more than ten minutes ahead of us")
    return decided_at


def told(verdict: Verdict) -> dict[str, str]:
    """A verdict without what it leaves empty."""
    return {name: value for name, value in msgspec.to_builtins(verdict).items() if value}
