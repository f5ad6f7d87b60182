"""What ops and parties do over HTTP in every deciding service:
jobs, what is set aside, what waits, reading again, refill.
"""

import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, update
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from shared import jobs, listening, parking
from shared.access import role
from shared.contracts.strict import Unreadable
from shared.databases import Database
from shared.ledger import LEDGER
from shared.listening import Listener
from shared.pages.tables import CSV_TYPE
from shared.relay import Relay, backlog
from shared.serving import (
    FILE_LIMIT,
    Listed,
    Problem,
    Route,
    answer,
    invalid,
    limit_of,
    stream,
    struct_body,
)
from shared.telemetry import Metrics
from shared.transact import Service, Verdict, transact, worst
from shared.worker import Worker

Waiting = Callable[[Connection], tuple[Sequence[dict[str, Any]], int]]
OPS = ("ops",)
ROWS, COUNT = Listed[dict[str, Any]], dict[str, int]
QUERY = {
    "kind": f"One of {', '.join(parking.KINDS)}; all when left out",
    "limit": "How many, 1 to 500; 100 when left out",
    "after": "The cursor that a list gave as next",
}


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why something is discarded."""

    reason: str


class Queued(msgspec.Struct, frozen=True):
    """A file that was taken in: its job, at /api/jobs/{id}."""

    id: str
    state: Literal["queued"] = "queued"


@dataclass(frozen=True)
class Upkeep:
    """What the routes need of a service; tracking decides nothing, so it has no `service` and no
    `relay`. `waiting` lists what waits, oldest first, and counts it.
    """

    database: Database
    metrics: Metrics
    now: Callable[[], datetime]
    listener: Listener[Any] | None = None
    service: Service | None = None
    relay: Relay | None = None
    waiting: Waiting = lambda _connection: ((), 0)


def routes(upkeep: Upkeep) -> list[Route]:
    """The routes of parked things and readings; of jobs,
    waiting things and refill where the service decides.
    """
    listed, one, own = _parked(upkeep), _parked_one(upkeep), "own things; ops and region see all"
    retry, discard = _retry(upkeep), _discard(upkeep)
    why = "Take it from the list, with a reason"
    routes = [
        Route("GET", "/api/parked", listed, f"Set aside: {own}", answer=ROWS, query=QUERY),
        Route("GET", "/api/parked/{id}", one, f"One of them, whole: {own}"),
        Route("POST", "/api/parked/{id}/retry", retry, "Try it again as it came", answer=Verdict),
        Route("POST", "/api/parked/{id}/discard", discard, why, body=Reason),
    ]
    if upkeep.listener is not None:
        again, path = _begin_again(upkeep.listener), "/api/readings/{topic}/begin-again"
        what = "Read a topic from its start"
        routes.append(Route("POST", path, again, what, OPS, answer=COUNT, status=202))
    if upkeep.relay is not None:
        stop, resume = _turn(upkeep, *jobs.STOP), _turn(upkeep, *jobs.RESUME)
        job, report, all_again = _job(upkeep), _report(upkeep), _refill(upkeep, upkeep.relay)
        waiting, see, rows = _waiting(upkeep), (*OPS, "region"), "Verdict of each row, CSV"
        what, again_what = "What waits for its announcement", "Send every fact again, same names"
        far = jobs.Progress
        routes += [
            Route("GET", "/api/jobs/{id}", job, "How far a file is", answer=far),
            Route("GET", "/api/jobs/{id}/report", report, rows, media="text/csv"),
            Route("POST", "/api/jobs/{id}/stop", stop, "Stop after this chunk", answer=far),
            Route("POST", "/api/jobs/{id}/resume", resume, "Go on where it stopped", answer=far),
            Route("GET", "/api/waiting", waiting, what, see, answer=ROWS),
            Route("POST", "/api/refill", all_again, again_what, OPS, answer=COUNT, status=202),
        ]
    return routes


def sees_all(party: str) -> bool:
    return role(party) in ("ops", "region")


def whose(party: str) -> str | None:
    """Whose things a party sees in a list: its own; None for everybody's."""
    return None if sees_all(party) else party


# -- jobs


async def accept_file(request: Request, worker: Worker, kind: str, about: str = "") -> Response:
    """Spool a CSV file; 202 with the job's address, answering Queued."""
    pieces = stream(request, FILE_LIMIT, "text/csv")
    id = await jobs.spool(worker.database, kind, about, request.state.party, pieces, worker.now())
    worker.wake()
    return answer(Queued(id), 202, {"Location": f"/api/jobs/{id}"})


async def job_of(upkeep: Upkeep, request: Request, party: str) -> dict[str, Any]:
    """The job that an address names, if this party may see it. Raises Problem 404."""
    find = partial(jobs.find, id=request.path_params["id"])
    job: dict[str, Any] | None = await upkeep.database.read(find)
    if job is None or not (party == job["party"] or sees_all(party)):
        raise Problem(404, "no-such-job", "no job of yours has this id")
    return job


async def _own_job(upkeep: Upkeep, request: Request) -> dict[str, Any]:
    return await job_of(upkeep, request, request.state.party)


def _job(upkeep: Upkeep) -> Any:
    async def handle(request: Request) -> Response:
        return answer(jobs.shown(await _own_job(upkeep, request), upkeep.now()))

    return handle


def _report(upkeep: Upkeep) -> Any:
    async def handle(request: Request) -> Response:
        lines = report_lines(upkeep.database, (await _own_job(upkeep, request))["id"])
        return StreamingResponse(lines, media_type=CSV_TYPE)

    return handle


async def report_lines(
    database: Database, id: str, because: Mapping[str, str] | None = None
) -> AsyncIterator[str]:
    """The verdict of each row of a job, as CSV; `because`: what codes say, for a last column."""
    yield "row,verdict,code,detail" + ("" if because is None else ",cause") + "\r\n"
    after = 0
    while rows := await database.read(partial(jobs.report, id=id, after=after, limit=5_000)):
        out = io.StringIO()
        told = rows if because is None else [(*row, because.get(row[2], "")) for row in rows]
        csv.writer(out).writerows(told)
        yield out.getvalue()
        after = rows[-1][0]


def _turn(upkeep: Upkeep, come_from: Sequence[str], to: str) -> Any:
    async def handle(request: Request) -> Response:
        id = (await _own_job(upkeep, request))["id"]
        if not await upkeep.database.write(
            lambda connection: jobs.turn(connection, id, come_from, to)
        ):
            raise Problem(
                409, "not-now", f"only a job that is {' or '.join(come_from)} can become {to}"
            )
        return answer(jobs.shown(await _own_job(upkeep, request), upkeep.now()))

    return handle


# -- what is set aside

TOLD = (
    "id", "kind", "code", "detail", "party", "subject", "event",
    "origin", "received_at", "state", "reason",
)  # fmt: skip


def _told(row: dict[str, Any], whole: bool = False) -> dict[str, Any]:
    told = {name: row[name] for name in TOLD}
    if whole:
        told["content"] = msgspec.Raw(bytes(row["content"]))
        told["stands"] = msgspec.Raw(bytes(row["other"])) if row["other"] else None
    return told


def cursor_of(request: Request) -> str:
    """The cursor, a moment and an id, that a list is to go on after. Raises Problem 422."""
    moment, _, id = request.query_params.get("after", "").partition(" ")
    try:
        return (
            f"{datetime.fromisoformat(moment).astimezone(UTC).isoformat()} {id}" if moment else ""
        )
    except (ValueError, OverflowError):
        raise Problem(422, "invalid", "after is not a cursor that a list gave") from None


def _parked(upkeep: Upkeep) -> Any:
    async def handle(request: Request) -> Response:
        kind, limit = request.query_params.get("kind"), limit_of(request)
        if kind and kind not in parking.KINDS:
            raise Problem(422, "invalid", f"kind is one of {', '.join(parking.KINDS)}")
        mine, after = whose(request.state.party), cursor_of(request)
        rows, total = await upkeep.database.read(
            lambda c: parking.listed(c, kind, mine, after, limit)
        )
        cursor = parking.cursor(rows[-1]) if len(rows) == limit else None
        return answer(Listed([_told(row) for row in rows], cursor, total))

    return handle


async def parked_of(upkeep: Upkeep, request: Request, party: str) -> dict[str, Any]:
    """What is set aside that an address names, if this party may see it. Raises Problem 404."""
    find = partial(parking.one, id=request.path_params["id"])
    row: dict[str, Any] | None = await upkeep.database.read(find)
    if row is None or not (party == row["party"] or sees_all(party)):
        raise Problem(404, "not-parked", "nothing of yours is set aside under this id")
    return row


async def _own_parked(upkeep: Upkeep, request: Request) -> dict[str, Any]:
    return await parked_of(upkeep, request, request.state.party)


def _parked_one(upkeep: Upkeep) -> Any:
    async def handle(request: Request) -> Response:
        return answer(_told(await _own_parked(upkeep, request), whole=True))

    return handle


def _retry(upkeep: Upkeep) -> Any:
    async def handle(request: Request) -> Response:
        return answer(
            await retried(upkeep, await _own_parked(upkeep, request), request.state.party)
        )

    return handle


async def retried(upkeep: Upkeep, row: dict[str, Any], party: str) -> Verdict:
    """Try a parked thing again; what succeeds is closed.
    Raises Problem 409 when it is closed already.
    """
    now = upkeep.now()
    if row["state"] != "open":
        raise Problem(409, "closed", f"it was {row['state']} already")
    try:
        again = _again(upkeep, row["origin"], bytes(row["content"]), now)
    except Unreadable as trouble:
        return Verdict("refused", trouble.code, str(trouble))
    except msgspec.ValidationError as trouble:
        return Verdict("refused", "unreadable", str(trouble))

    def work(connection: Connection) -> Verdict:
        verdict = again(connection)
        if verdict.verdict in ("applied", "waiting", "duplicate"):
            parking.close(connection, row["id"], "retried", party, "", now)
        return verdict

    verdict: Verdict = await upkeep.database.write(work)
    if upkeep.relay:
        upkeep.relay.wake()
    return verdict


def _again(
    upkeep: Upkeep, origin: str, content: bytes, now: datetime
) -> Callable[[Connection], Verdict]:
    """What to do about a parked thing inside a transaction. Raises what reading it raises."""
    service, listener = upkeep.service, upkeep.listener
    if origin == "claim" and service is not None:
        claims = [parking.claim_again(content, service.core.commands)]
        return lambda connection: transact(connection, service, claims, now)[0]
    if listener is None:
        raise Unreadable("no-reader", "this service reads no topic any more")
    things = listener.read(parking.record_again(content))
    if not things:
        return lambda _connection: Verdict("duplicate", "passed-over")
    return lambda connection: Verdict(worst(_outcomes(listener.take(connection, things, now))))


def _outcomes(outcomes: Sequence[str]) -> list[str]:
    return ["refused" if one == "bug" else one for one in outcomes]


def _discard(upkeep: Upkeep) -> Any:
    async def handle(request: Request) -> Response:
        row = await _own_parked(upkeep, request)
        await discarded(
            upkeep, row, request.state.party, (await struct_body(request, Reason)).reason
        )
        return answer({"verdict": "discarded"})

    return handle


async def discarded(upkeep: Upkeep, row: dict[str, Any], party: str, reason: str) -> None:
    """Take a parked thing from the list; it stays in the
    database. Raises Problem 409, and 422 without a reason.
    """
    said, now = reason.strip()[:500], upkeep.now()
    if row["state"] != "open":
        raise Problem(409, "closed", f"it was {row['state']} already")
    if not said:
        raise invalid("/reason", "invalid", "say why it is discarded")
    await upkeep.database.write(
        lambda connection: parking.close(connection, row["id"], "discarded", party, said, now)
    )


def _waiting(upkeep: Upkeep) -> Any:
    async def handle(_request: Request) -> Response:
        items, total = await upkeep.database.read(upkeep.waiting)
        return answer(Listed(list(items), None, total))

    return handle


# -- reading again


def _refill(upkeep: Upkeep, sending: Relay) -> Any:
    async def handle(_request: Request) -> Response:
        def work(connection: Connection) -> int:
            return connection.execute(
                update(LEDGER).where(LEDGER.c.type.is_not(None)).values(sent_at=None)
            ).rowcount

        count = await upkeep.database.write(work)
        sending.wake()
        return answer({"facts": count}, 202)

    return handle


def _begin_again(listener: Listener[Any]) -> Any:
    async def handle(request: Request) -> Response:
        topic = request.path_params["topic"]
        if topic not in {*listener.topics, *listener.subscribed}:
            raise Problem(404, "no-such-reading", f"this service does not read {topic[:60]}")
        count = await listening.begin_again(listener, topic)
        return answer({"partitions": count}, 202)

    return handle


def gauges(upkeep: Upkeep) -> Callable[[], Awaitable[None]]:
    """Set the gauges that are counted in the database."""
    metrics = upkeep.metrics

    async def refresh() -> None:
        now = upkeep.now()
        parked = {row[0]: row[1:] for row in await upkeep.database.read(parking.standing)}
        for kind in parking.KINDS:
            count, oldest = parked.get(kind, (0, now))
            metrics.parked.labels(kind).set(count)
            metrics.parked_seconds.labels(kind).set(max(0.0, (now - oldest).total_seconds()))
        if upkeep.relay is None:
            return
        unsent, oldest = await upkeep.database.read(backlog)
        metrics.unsent.set(unsent)
        metrics.unsent_seconds.set(max(0.0, (now - oldest).total_seconds()) if oldest else 0)
        metrics.waiting.set((await upkeep.database.read(upkeep.waiting))[1])
        standing = await upkeep.database.read(jobs.standing)
        for state in jobs.STATES:
            metrics.jobs.labels(state).set(standing.get(state, 0))

    return refresh
