"""Rows of files to students: who each is, what is said of him, and the person's record.

All of it happens in the transaction that says the facts, so that a kill leaves neither a student
without a person nor a person without a student.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from services.enrolment import core, register, vault
from services.enrolment.imports import naming
from services.enrolment.imports.each import some
from services.enrolment.imports.lines import About, Line, unsealed
from services.enrolment.imports.many import alone
from services.enrolment.imports.work import Named, Work, damaged
from services.enrolment.vault import Vault
from shared.transact import Service, Verdict
from shared.worker import Import, Row

KIND = "pupils"
Taking = Callable[[Connection, Sequence["Asked"], datetime], list[Verdict]]


class Asked(Struct, frozen=True):
    """A row that waits sealed, and its job."""

    job: Mapping[str, Any]
    token: str


def imports() -> dict[str, Import]:
    """The one kind of file that enrolment takes in: its rows wait sealed, a column each."""

    def read(job: Mapping[str, Any], row: Row, _now: datetime) -> Asked:
        return Asked(job, row["row"])

    return {KIND: Import(("row",), ("row",), read)}


def taking(of: Vault, service: Service) -> Taking:
    """What a worker does with rows: a verdict for each, in their order. Raises Locked."""

    def take(connection: Connection, things: Sequence[Asked], now: datetime) -> list[Verdict]:
        held = register.keys(connection, of)
        job = things[0].job
        key = vault.file_key(connection, held.ring, job["id"])
        about = msgspec.json.decode(job["about"], type=About)
        work = Work(connection, service, held, job, about, now, key)
        last = job["read"] + len(things) == job["total"]
        rest = [
            _named(work, job["read"] + number, unsealed(key, thing.token))
            for number, thing in enumerate(things, 1)
        ]
        verdicts: list[Verdict] = []
        while rest:
            done = _alone(work, rest[0]) if rest[0].alone else some(work, rest)
            verdicts += done
            rest = rest[len(done) :]
        if last:
            naming.forget_named(connection, job["id"])
        return verdicts

    return take


def _alone(work: Work, row: Named) -> list[Verdict]:
    try:
        return alone(work, row)
    except vault.Broken as trouble:
        return [damaged(trouble)]


def _named(work: Work, number: int, line: Line) -> Named:
    traces = core.traces(line.raw, work.about.academy)
    told = {digest: one[0] for one in traces for digest in work.keys.digests(*one)}
    return Named(number, line, told)
