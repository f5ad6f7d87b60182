"""Recalls over HTTP: a model, or a lot of it, in one act; a case for each laptop, now and later."""

from uuid import uuid4

from msgspec import Struct
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from services.repairs import core, store
from services.repairs.imports import Recall, recall_of
from shared.asking import UNKEPT, Intake, each, named, unless_kept
from shared.contracts import identifiers
from shared.decisions import Claim
from shared.serving import Handler, answer, struct_body, trace_of
from shared.transact import Verdict, transact


class RecallBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What is recalled, and why; the reason is kept here and told to nobody else. `id`: the same
    recall, sent again, is done once; `lot`: all lots where none is named.
    """

    model: str
    reason: str
    lot: str | None = None
    id: str | None = None


class RecallTold(Struct, frozen=True):
    """What became of a recall: `now`, how many laptops are known; `job`: of their cases, where they
    are many. Each that is announced later gets its case then.
    """

    recall: str
    verdict: str
    now: int
    job: str | None


def recalling(intake: Intake) -> Handler:
    """A handler that recalls a model."""

    async def recall(request: Request) -> Response:
        body: RecallBody = await struct_body(request, RecallBody)
        key = request.headers.get("idempotency-key", "").strip('"')
        about = Recall(
            named("id", identifiers.document_name, body.id or key or str(uuid4())),
            named("model", identifiers.label, body.model),
            named("lot", identifiers.document_name, body.lot) if body.lot else None,
            trace_of(request),
        )
        reason, party = named("reason", identifiers.label, body.reason), request.state.party
        verdict, told = await intake.database.write(
            lambda connection: _recall(connection, intake, party, about, reason)
        )
        unless_kept(verdict)
        intake.relay.wake()
        intake.worker.wake()
        where = f"/api/jobs/{told.job}" if told.job else "/api/cases?state=new"
        return answer(told, 202, {"Location": where})

    return recall


def _recall(
    connection: Connection, intake: Intake, party: str, about: Recall, reason: str
) -> tuple[Verdict, RecallTold]:
    command = core.RecallModel(about.recall, about.lot)
    claim = Claim(
        *(party, about.recall, core.model_key(about.model), intake.now(), command),
        stated=False,
        note=reason,
        trace=about.trace,
    )
    (verdict,) = transact(connection, intake.service, [claim], intake.now())
    if verdict.verdict in UNKEPT:
        return verdict, RecallTold(about.recall, verdict.verdict, 0, None)
    keys = store.laptops_of(connection, about.model, about.lot)
    claims = [recall_of(party, about, key, intake.now()) for key in keys]
    again = verdict.verdict == "duplicate"
    job = None if again else each(connection, intake, claims, "recalls", about)
    return verdict, RecallTold(about.recall, verdict.verdict, len(keys), job)
