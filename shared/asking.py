"""What the calls of every deciding service need: what they work with, how a name, a moment, an
envelope of items and a verdict is read, how an intent and what it means for many goes through.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from sqlalchemy import Connection
from starlette.requests import Request

from shared import jobs
from shared.contracts import strict
from shared.contracts.identifiers import Makers
from shared.contracts.strict import Field
from shared.databases import Database
from shared.decisions import Claim
from shared.relay import Relay
from shared.serving import Problem, idempotency_key, invalid, trace_of
from shared.telemetry import Metrics
from shared.transact import LIMIT, Service, Verdict, submit, transact
from shared.worker import Worker

T = TypeVar("T")

ITEM_BYTES = 32 << 10
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
    metrics: Metrics
    now: Callable[[], datetime]


class NotTakenError(Exception):
    """What is told or asked is refused for its own form or the sender's right; `detail` begins with
    the field, a JSON pointer, where one is to blame.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


def taken(read: Callable[[], T], raw: Any) -> T | Verdict:
    """What a thing that was sent is read as; or why it is refused, for its form or the sender's
    right, so that it holds no other back.
    """
    try:
        if len(msgspec.json.encode(raw)) > ITEM_BYTES:
            raise NotTakenError("too-large", "an item has 32 KiB at most: tell it in several")
        return read()
    except strict.Unreadable as trouble:
        where = f"{trouble.field}: " if trouble.field else ""
        return Verdict("refused", "invalid", where + str(trouble), trouble.field)
    except NotTakenError as no:
        field = no.detail.partition(":")[0] if no.detail.startswith("/") else ""
        return Verdict("refused", no.code, no.detail, field)
    except ValueError as trouble:
        return Verdict("refused", "invalid", str(trouble))


def id_of(field: str, id: str) -> str:
    """An id as a party gives one. Raises NotTakenError."""
    if not 1 <= len(id) <= 200 or not id.isprintable():
        raise NotTakenError("invalid", f"/{field}: 1 to 200 printable characters")
    return id


class Done(Struct, frozen=True):
    """What became of an act: applied, or duplicate where it was so already."""

    verdict: str


def named(field: str, read: Callable[[str], str], text: str) -> str:
    """A name in its one spelling. Raises Problem 422."""
    try:
        return read(text)
    except ValueError as trouble:
        raise invalid(f"/{field}", "invalid", str(trouble)) from None


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
    """What an act means for each of its keys: at once up to LIMIT of them, beyond in the
    background, by a job of this kind; its id.
    """
    now = intake.now()
    if len(claims) <= LIMIT:
        transact(connection, intake.service, claims, now)
        return None
    job, content = jobs.fresh_id(), "\n".join(["key", *(one.subject for one in claims)]).encode()
    told, party = msgspec.json.encode(about).decode(), claims[0].party
    jobs.queue(connection, job, kind, told, party, content, now)
    return job


def past(field: str, moment: datetime, now: datetime) -> datetime:
    """When something happened, in UTC (strict.past). Raises NotTakenError."""
    try:
        return strict.past(moment, now, f"/{field}")
    except strict.Unreadable as trouble:
        raise NotTakenError(trouble.code, f"{trouble.field}: {trouble}") from None


def items(body: Any, name: str, most: int) -> Sequence[Any]:
    """The items of an envelope. Raises Problem 422 when the envelope is not right, 413 when there
    are too many.
    """
    if not isinstance(body, dict):
        raise invalid("", "invalid", f"an object with {name} is expected")
    for other in body.keys() - {name}:
        raise invalid(f"/{other[:60]}", "unknown-field", f"only {name} is expected")
    found = body.get(name)
    if not isinstance(found, list) or not found:
        raise invalid(f"/{name}", "invalid", "a list of at least one item is expected")
    if len(found) > most:
        raise Problem(413, "too-many-items", f"{len(found)} items, {most} are the most")
    return found


def told(verdict: Verdict) -> dict[str, str]:
    """A verdict without what it leaves empty."""
    return {name: value for name, value in msgspec.to_builtins(verdict).items() if value}
