"""What a chunk of a file's rows is done with, and what they come to: claims and persons."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection

from services.enrolment import core, register, store
from services.enrolment.core import Pupil
from services.enrolment.imports.lines import About, Line
from services.enrolment.register import Keys
from shared.contracts.calendar import day_of, school_year_of
from shared.decisions import Claim, Refusal, instant
from shared.transact import Service, Verdict, transact

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
    """Say what the rows come to, and write the persons; a verdict for each."""
    claims = [claim(work, row.number, plan.pseudonym, plan.command, states) for row, plan in plans]
    decided = transact(work.connection, work.service, claims, work.now) if claims else []
    verdicts, fresh, traces = [], [], {}
    for (_, plan), verdict in zip(plans, decided, strict=True):
        mended = False
        if plan.pupil is not None and verdict.verdict in ("applied", "duplicate"):
            all_of_it = register.everything(work.keys, plan.pseudonym, plan.pupil)
            mended = plan.before is None or plan.before.digest != all_of_it
        if mended and plan.pupil is not None:
            named = (work.keys, plan.pseudonym, plan.pupil, plan.before)
            fresh.append(register.written(*named))
            traces[plan.pseudonym] = register.traces(work.keys, plan.pupil)
        verdicts.append(_told(verdict, plan.note, mended))
    store.keep(work.connection, fresh, traces)
    return verdicts


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
    the order in which they come, whatever the clock does.
    """
    _, place = states.get(name, (None, ""))
    moment = work.now
    if place and place[:27] >= instant(moment):
        moment = datetime.fromisoformat(place[:27]) + timedelta(microseconds=1)
    id, key = f"{work.job['id']}/{number}", core.student_key(name)
    return Claim(work.job["party"], id, key, moment, command, stated=False)


def refused(no: Refusal) -> Verdict:
    return Verdict("refused", no.code, no.detail, no.field)
