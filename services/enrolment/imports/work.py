"""What a chunk of a file's rows is done with, and what they come to: claims and persons."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection

from services.enrolment import core, register, store, vault
from services.enrolment.core import Pupil
from services.enrolment.imports.lines import About, Line
from services.enrolment.register import Keys
from shared.contracts.calendar import day_of, school_year_of
from shared.decisions import Claim, Refusal, instant
from shared.transact import Service, Verdict, transact

log = logging.getLogger(__name__)

States = Mapping[str, tuple[core.Student, str]]
"""Students by pseudonym: their state, and where their last fact stands."""


class Named(Struct, frozen=True):
    """A row in clear: its number in the job, and the digests by which somebody may be known."""

    number: int
    line: Line
    digests: Mapping[str, str]  # to their kinds

    @property
    def alone(self) -> bool:
        """Whether it is about many students, or none."""
        return self.line.kind in ("structure", "guardian", "school")


class Work(Struct, frozen=True):
    """What a chunk of a job is done with."""

    connection: Connection
    service: Service
    keys: Keys
    job: Mapping[str, Any]
    about: About
    now: datetime
    key: bytes  # of the job's rows

    @property
    def year(self) -> str:
        return self.about.school_year or school_year_of(day_of(self.now))


class Plan(Struct, frozen=True):
    """What a row comes to: of whom, what is claimed, and what is known of the person then (None to
    leave that as it is).
    """

    pseudonym: str
    command: core.Command
    pupil: Pupil | None = None
    before: store.Person | None = None
    note: str = ""


def placed(raw: core.Raw, structures: Mapping[str, str]) -> core.Raw | Refusal:
    """A row with its school's UAI, where an académie's own number of the school stands."""
    if "structure" not in raw:
        return raw
    uai = structures.get(raw["structure"])
    if uai is None:
        advice = "no file EtabEducNat told of this school yet: send it first, or in one zip"
        return Refusal("unknown-structure", advice)
    return {**raw, "uai": uai}


def done(
    work: Work,
    plans: Sequence[tuple[Named, Plan]],
    states: States,
) -> list[Verdict]:
    """Say what the rows come to, and write the persons; a verdict for each. What is said has the
    order of its ids, not of the rows: facts are read by whoever may keep the file too.
    """
    asked = [claim(work, row.number, plan.pseudonym, plan.command, states) for row, plan in plans]
    order = sorted(range(len(asked)), key=lambda one: asked[one].id)
    claims = [asked[one] for one in order]
    said = transact(work.connection, work.service, claims, work.now) if claims else []
    decided = dict(zip(order, said, strict=True))
    verdicts: list[Verdict] = []
    fresh: list[Plan] = []
    for number, (_, plan) in enumerate(plans):
        verdict = decided[number]
        mended = verdict.verdict in ("applied", "duplicate") and _news(work, plan)
        fresh += [plan] if mended else []
        verdicts.append(_told(verdict, plan.note, mended))
    _kept(work, fresh)
    return verdicts


def _news(work: Work, plan: Plan) -> bool:
    """Whether something else is known of a person now."""
    if plan.pupil is None or plan.before is None:
        return plan.pupil is not None
    return register.changed(work.keys, plan.before, plan.pupil)


def _kept(work: Work, plans: Sequence[Plan]) -> None:
    """Write the persons of whom something else is known now, and what leads to them."""
    newcomers, known = list[store.Person](), list[store.Person]()
    traces: dict[str, set[str]] = {}
    for plan in plans:
        if plan.pupil is None:
            continue
        marks = register.marks(plan.pupil)
        whose = (work.keys, plan.pseudonym, plan.pupil, marks, plan.before)
        (newcomers if plan.before is None else known).append(register.written(*whose))
        traces[plan.pseudonym] = register.digests(work.keys, marks)
    store.enter(work.connection, newcomers)
    store.mend(work.connection, known)
    store.trace(work.connection, traces)


NOTES = {
    "homonym": "another student has this name and birth date: they are two",
    "ine-changed": "this student had another INE: the new one is kept",
    "postcode-mended": "the postcode had lost its leading zero: it was given back",
    "guardians-unnamed": "no file named its guardians: send PersRelEleve and Eleve in one zip",
}


def _told(verdict: Verdict, note: str, mended: bool) -> Verdict:
    if mended and verdict.verdict == "duplicate":
        verdict = Verdict("applied", "record-updated", "nothing of it is told to others")
    if note and verdict.verdict == "applied":
        return Verdict("applied", note, NOTES[note])
    return verdict


def claim(
    work: Work,
    number: int,
    name: str,
    command: core.Command,
    states: States,
) -> Claim:
    """What a row claims. It happens after all that is known of the student, for files are taken in
    the order in which they come, whatever the clock does. Its id travels with the facts: it says
    the job, and the row only to whoever has the key that goes with the file.
    """
    _, place = states.get(name, (None, ""))
    moment = work.now
    if place and place[:27] >= instant(moment):
        moment = datetime.fromisoformat(place[:27]) + timedelta(microseconds=1)
    row = vault.digest(work.key, "row", str(number))
    id, key = f"{work.job['id']}/{row}", core.student_key(name)
    return Claim(work.job["party"], id, key, moment, command, stated=False)


def damaged(trouble: vault.Broken) -> Verdict:
    """What is kept of a row's student does not open; no other row waits for it."""
    log.warning("what is kept of a person does not open", extra={"cause": str(trouble)})
    advice = "what is kept of this student does not open: restore it from a copy, or erase him"
    return Verdict("refused", "damaged", advice)


def refused(no: Refusal) -> Verdict:
    return Verdict("refused", no.code, no.detail, no.field)
