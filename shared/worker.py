"""Long work, worked off in the background: a file's rows taken as claims, with stop and resume.

A worker takes ROWS rows through the one transaction, which also saves the job's next row, its
counts and the rows' verdicts; so a kill at any moment repeats nothing and loses nothing.
"""

import asyncio
import csv
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from shared import jobs, pieces
from shared.databases import Away, Database, append
from shared.jobs import COUNTED, JOB, VERDICTS
from shared.telemetry import Metrics
from shared.transact import Verdict

ROWS = 1_000
NOT_CSV = "a line break or a very long text stands in a cell; is it a CSV file?"

log = logging.getLogger(__name__)

Row = Mapping[str, str]


@dataclass(frozen=True)
class Import:
    """One kind of file: its columns (those in `needed` must
    be there), and how a row becomes a claim or a verdict.

    `read` gets the job (about, party) and the row with its columns in lower case; it answers what
    the worker's `take` takes, or a verdict. It never raises for what is in a row.
    """

    columns: Sequence[str]
    needed: Sequence[str]
    read: Callable[[Mapping[str, Any], Row, datetime], Any]


@dataclass
class Worker:
    """The one worker of a service: it takes jobs in the order they came. `take` does what rows ask
    inside the transaction and answers a verdict for each. `wake`: one was queued.
    """

    database: Database
    take: Callable[[Connection, Sequence[Any], datetime], Sequence[Any]]
    imports: Mapping[str, Import]
    metrics: Metrics
    now: Callable[[], datetime]
    committed: Callable[[], None]
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        self.woken.set()


async def run(worker: Worker) -> None:
    """Work for ever, one job at a time; a job that was
    running when the process died goes on where it was.
    """
    sweeping = time.monotonic()
    while True:
        try:
            if time.monotonic() >= sweeping:
                await worker.database.write(jobs.drop_what_never_came)
                sweeping = time.monotonic() + jobs.UPLOAD.total_seconds()
            job = await worker.database.read(_next)
            if job is None:
                worker.woken.clear()
                with suppress(TimeoutError):
                    # Not wait_for: in Python 3.11 it may lose the word that we are to end.
                    async with asyncio.timeout(1):
                        await worker.woken.wait()
            else:
                await _work(worker, job)
        except Away as away:
            log.warning(
                "the database does not answer: the job waits", extra={"cause": str(away)[:200]}
            )
            await asyncio.sleep(1)


def _next(connection: Connection) -> dict[str, Any] | None:
    query = select(JOB).where(JOB.c.state.in_(("running", "queued"))).limit(1)
    ordered = query.order_by(JOB.c.state.desc(), JOB.c.queued_at)
    row = connection.execute(ordered).mappings().first()
    return dict(row) if row else None


async def _work(worker: Worker, job: dict[str, Any]) -> None:
    """A job to its end, its stop, or its failure."""
    try:
        if job["state"] == "queued":
            await worker.database.write(lambda connection: _begin(connection, worker, job))
        while await worker.database.write(lambda connection: _chunk(connection, worker, job["id"])):
            worker.committed()
            await asyncio.sleep(0)  # others write between two chunks
        worker.committed()
    except Away:
        raise
    except Exception as trouble:
        cause, unfit = str(trouble), isinstance(trouble, pieces.Unfit)
        if not unfit:
            cause = f"{type(trouble).__name__}: {trouble}"
            log.exception("a job failed", extra={"job": job["id"], "kind": job["kind"]})
        await worker.database.write(
            lambda connection: _fail(connection, job["id"], cause, worker.now(), unfit)
        )


def _fail(connection: Connection, id: str, cause: str, now: datetime, unfit: bool) -> None:
    """A file that is no such file is thrown away; one that met a fault of ours is not."""
    jobs.change(connection, id, {"state": "failed", "cause": cause[:500], "finished_at": now})
    if unfit:
        pieces.forget(connection, id)


def _begin(connection: Connection, worker: Worker, job: Mapping[str, Any]) -> None:
    """Read the header, count the rows; or go on, where that was done before the job was stopped.

    Another process may have begun it meanwhile, or somebody stopped it: then this does nothing.
    """
    found = select(JOB.c.state, JOB.c.started_at).where(JOB.c.id == job["id"]).with_for_update()
    state, started_at = connection.execute(found).one()
    if state != "queued":
        return
    if started_at is not None:
        jobs.change(connection, job["id"], {"state": "running"})
        return
    kind = worker.imports[job["kind"]]
    lines = pieces.lines(connection, job["id"], 0, 0)
    head = next(lines, None)
    if head is None:
        raise pieces.Unfit("the file is empty")
    delimiter = ";" if head.text.count(";") > head.text.count(",") else ","
    names = _header(kind, head.text, delimiter)
    ignored = [name for name in names if name not in kind.columns]
    total = sum(1 for line in lines if line.text.strip())
    begun = {
        "state": "running",
        "started_at": worker.now(),
        "header": delimiter + "\n".join(names),
        "note": f"columns ignored: {', '.join(ignored)}" if ignored else None,
        "total": total,
        "piece": head.piece,
        "offset": head.offset,
    }
    jobs.change(connection, job["id"], begun)


def _header(kind: Import, line: str, delimiter: str) -> list[str]:
    """The names of a file's columns. Raises Unfit."""
    try:
        cells = next(csv.reader([line.lstrip("\ufeff")], delimiter=delimiter))
    except csv.Error:
        raise pieces.Unfit(f"the header cannot be read: {NOT_CSV}") from None
    names = [cell.strip().lower() for cell in cells]
    if missing := [name for name in kind.needed if name not in names]:
        expected = f"expected are {', '.join(kind.columns)}"
        raise pieces.Unfit(f"the header has no column {', '.join(missing)}; {expected}")
    if twice := [name for name in kind.columns if names.count(name) > 1]:
        raise pieces.Unfit(f"in the header {', '.join(twice)} stands more than once")
    return names


def _chunk(connection: Connection, worker: Worker, id: str) -> bool:
    """The next rows of a running job in one transaction; whether there may be more."""
    row = connection.execute(select(JOB).where(JOB.c.id == id).with_for_update()).mappings().one()
    if row["state"] != "running":
        return False
    lines, taken = pieces.lines(connection, id, row["piece"], row["offset"]), list[Any]()
    kind, names, now = worker.imports[row["kind"]], row["header"][1:].split("\n"), worker.now()
    piece, offset = row["piece"], row["offset"]
    for line in lines:
        piece, offset = line.piece, line.offset
        if line.text.strip():
            taken.append(_reading(kind, dict(row), names, line.text, now))
            if len(taken) == ROWS:
                break
    things = [one for one in taken if not isinstance(one, Verdict)]
    decided = iter(worker.take(connection, things, now) if things else ())
    verdicts = [one if isinstance(one, Verdict) else next(decided) for one in taken]
    rows = [
        (id, row["read"] + number, one.verdict, one.code or "", one.detail or "")
        for number, one in enumerate(verdicts, 1)
    ]
    append(connection, VERDICTS, ("job", "row", "verdict", "code", "detail"), rows)
    counts = Counter(verdict.verdict for verdict in verdicts)
    for verdict, count in counts.items():
        worker.metrics.job_rows.labels(verdict).inc(count)
    done = len(taken) < ROWS
    values: dict[str, Any] = {name: row[name] + counts[name] for name in COUNTED}
    values |= {"read": row["read"] + len(taken), "piece": piece, "offset": offset}
    jobs.change(connection, id, values | ({"state": "done", "finished_at": now} if done else {}))
    if done:
        pieces.forget(connection, id)
    return not done


def _reading(
    kind: Import, job: Mapping[str, Any], names: Sequence[str], line: str, now: datetime
) -> Any:
    try:
        cells = next(csv.reader([line], delimiter=job["header"][0]))
    except csv.Error:
        return Verdict("refused", "invalid", f"not a CSV row: {NOT_CSV}")
    if len(cells) != len(names):
        return Verdict(
            "refused", "invalid", f"{len(cells)} cells where the header has {len(names)}"
        )
    return kind.read(
        job, {name: cell.strip() for name, cell in zip(names, cells, strict=True)}, now
    )
