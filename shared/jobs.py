"""Long work: a file taken into the database, and the job that tells how far its rows are.

The file is stored in pieces (shared/pieces.py) before the 202 is sent; shared/worker.py takes its
rows. Here stand the tables, how a file comes in, and what is told of a job.
"""

import asyncio
import secrets
from collections.abc import AsyncIterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from time import time_ns
from typing import Any, Literal

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Text, func, select, update
from sqlmodel import Field, SQLModel

from shared import pieces
from shared.databases import Away, Database, Instant, table_of
from shared.pages.tables import PAGE

COMING = "coming"  # while a file is uploaded; nobody was told of the job yet
UPLOAD = timedelta(hours=1)  # without a piece: whoever sent it is gone
STATES = ("queued", "running", "stopped", "done", "failed")
COUNTED = ("applied", "duplicate", "waiting", "refused", "conflict")
STOP, RESUME = (("queued", "running"), "stopped"), (("stopped",), "queued")


class Job(SQLModel, table=True):
    """One file, and how far it is."""

    __tablename__ = "job"

    id: str = Field(primary_key=True)
    kind: str
    about: str
    party: str
    state: str = "queued"
    cause: str | None = None
    note: str | None = None
    header: str = ""
    total: int | None = None
    read: int = 0
    piece: int = 0
    offset: int = 0
    applied: int = 0
    duplicate: int = 0
    waiting: int = 0
    refused: int = 0
    conflict: int = 0
    queued_at: datetime = Field(sa_type=Instant)
    started_at: datetime | None = Field(default=None, sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)


class JobRow(SQLModel, table=True):
    """The verdict on one row; the first row after the header is 1."""

    __tablename__ = "job_row"

    job: str = Field(primary_key=True)
    row: int = Field(primary_key=True)
    verdict: str
    code: str = ""
    detail: str = Field(default="", sa_type=Text)


class Progress(Struct, frozen=True, omit_defaults=True):
    """How far a file is. `total` rows are in it, once they are counted; `cause`: why it failed.

    `seconds_left`: at the pace since it began; null where there is no pace, or no end in sight.
    """

    id: str
    kind: str
    about: str
    state: Literal["queued", "running", "stopped", "done", "failed"]
    read: int
    applied: int
    duplicate: int
    waiting: int
    refused: int
    conflict: int
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    seconds_left: int | None
    total: int | None = None
    cause: str | None = None
    note: str | None = None


JOB = table_of(Job)
VERDICTS = table_of(JobRow)


# -- taking a file in


def fresh_id() -> str:
    """A job's id, behind those given before: by the machine's clock, the service's may stand."""
    return f"{time_ns():x}-{secrets.token_hex(8)}"


async def spool(
    database: Database,
    kind: str,
    about: str,
    party: str,
    file: AsyncIterable[bytes],
    now: datetime,
    id: str = "",
) -> str:
    """Store a file and queue its job; the job's id, a fresh one unless the caller has one. Raises
    Away, and whatever `file` raises: then nothing is queued.
    """
    id = id or fresh_id()
    number, held = 0, bytearray()
    await database.write(partial(_enter, id=id, kind=kind, about=about, party=party))
    try:
        async for piece in file:
            held += piece
            while len(held) >= pieces.PIECE:
                content = bytes(held[: pieces.PIECE])
                await database.write(partial(_store, id=id, number=number, content=content))
                del held[: pieces.PIECE]
                number += 1
        last = partial(_store, id=id, number=number, content=bytes(held), queued_at=now)
        await database.write(last)
    except BaseException:
        await asyncio.shield(database.write(partial(_drop, which=JOB.c.id == id)))
        raise
    return id


def queue(
    connection: Connection,
    id: str,
    kind: str,
    about: str,
    party: str,
    content: bytes,
    now: datetime,
) -> None:
    """Queue the job of a file that is one piece, in the caller's transaction."""
    _enter(connection, id, kind, about, party)
    _store(connection, id, 0, content, now)


def _enter(connection: Connection, id: str, kind: str, about: str, party: str) -> None:
    """The job of a file that is coming. Until it is queued, `queued_at` is when something of it
    came last; by the machine's clock, for the service's may run through an invented year.
    """
    came = datetime.now(UTC)
    job = Job(id=id, kind=kind, about=about, party=party, state=COMING, queued_at=came)
    connection.execute(JOB.insert(), [job.model_dump()])


def _store(
    connection: Connection, id: str, number: int, content: bytes, queued_at: datetime | None = None
) -> None:
    """Store a piece of a file, the last one with the moment at which it is queued. Raises Away when
    the file was thrown away meanwhile.
    """
    came = {"queued_at": datetime.now(UTC)}
    values = {"state": "queued", "queued_at": queued_at} if queued_at else came
    coming = update(JOB).where(JOB.c.id == id, JOB.c.state == COMING)
    if not connection.execute(coming.values(**values)).rowcount:
        raise Away(f"nothing came of the file for {UPLOAD}, and it was thrown away")
    pieces.store(connection, id, number, content)


def _drop(connection: Connection, which: ColumnElement[bool]) -> int:
    """Throw files away that never came whole, with their jobs; how many. One that was queued in
    this very moment is whole, and stays.
    """
    cut = JOB.delete().where(JOB.c.state == COMING, which).returning(JOB.c.id)
    ids = connection.scalars(cut).all()
    for id in ids:
        pieces.forget(connection, id)
    return len(ids)


def drop_what_never_came(connection: Connection) -> int:
    """Throw away the files of which nothing came for UPLOAD: a kill cut them short. Not all that
    are coming, for another process may be taking one in. How many there were.
    """
    return _drop(connection, JOB.c.queued_at < datetime.now(UTC) - UPLOAD)


# -- how far it is


def change(connection: Connection, id: str, values: Mapping[str, Any]) -> None:
    """Write columns of a job."""
    connection.execute(update(JOB).where(JOB.c.id == id).values(**values))


def shown(job: Mapping[str, Any], now: datetime) -> Progress:
    """A job as its address answers it."""
    named = set(Progress.__struct_fields__) - {"seconds_left"}
    return Progress(**{name: job[name] for name in named}, seconds_left=_seconds_left(job, now))


def _seconds_left(job: Mapping[str, Any], now: datetime) -> int | None:
    if job["state"] != "running" or not job["total"] or not job["read"]:
        return None
    taken: float = max((now - job["started_at"]).total_seconds(), 0)
    return int(taken * (job["total"] - job["read"]) / job["read"])


def listed(
    connection: Connection, party: str | None, kind: str = "", about: str = "", begin: int = 0
) -> tuple[list[dict[str, Any]], int]:
    """A page of jobs from after so many, the newest first, and how many there are: a party's own,
    or all; of a kind and what it is about, or all.
    """
    where = [JOB.c.state != COMING]
    where += [JOB.c.kind == kind, JOB.c.about == about] if kind else []
    where += [JOB.c.party == party] if party else []
    total = connection.scalar(select(func.count()).select_from(JOB).where(*where)) or 0
    rows = select(JOB).where(*where).order_by(JOB.c.queued_at.desc(), JOB.c.id.desc())
    found = connection.execute(rows.offset(begin).limit(PAGE)).mappings()
    return [dict(row) for row in found], total


def find(connection: Connection, id: str) -> dict[str, Any] | None:
    row = connection.execute(select(JOB).where(JOB.c.id == id)).mappings().first()
    return dict(row) if row else None


def turn(connection: Connection, id: str, come_from: Sequence[str], to: str) -> bool:
    """Move a job from one state to another (stop, resume); False when it was in none of those."""
    moved = update(JOB).where(JOB.c.id == id, JOB.c.state.in_(come_from)).values(state=to)
    return connection.execute(moved).rowcount > 0


def report(
    connection: Connection, id: str, after: int, limit: int
) -> list[tuple[int, str, str, str]]:
    """Verdicts of rows after a row, in order."""
    rows = (
        select(VERDICTS)
        .where(VERDICTS.c.job == id, VERDICTS.c.row > after)
        .order_by(VERDICTS.c.row)
        .limit(limit)
    )
    return [(row.row, row.verdict, row.code, row.detail) for row in connection.execute(rows)]


def standing(connection: Connection) -> dict[str, int]:
    """How many jobs are in each state."""
    return {
        row[0]: row[1]
        for row in connection.execute(select(JOB.c.state, func.count()).group_by(JOB.c.state))
    }
