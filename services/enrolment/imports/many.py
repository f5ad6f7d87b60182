"""Rows about no pupil, or about many: schools of the directory, guardians, the end of a file."""

from msgspec.structs import replace

from services.enrolment import core, register, store
from services.enrolment.core import Guardian
from services.enrolment.imports import naming
from services.enrolment.imports.work import Named, Plan, Work, claim, done, placed, refused
from shared.decisions import Refusal
from shared.transact import LIMIT, Verdict, transact


def alone(work: Work, row: Named) -> list[Verdict]:
    match row.line.kind:
        case "structure":
            return [_structure(work, row)]
        case "guardian":
            return [_guardian(work, row)]
    return [_school(work, row)]


def _structure(work: Work, row: Named) -> Verdict:
    """A school of the ministry's directory."""
    raw = row.line.raw
    try:
        uai = core.school(raw["uai"])
    except core.Unread as trouble:
        return refused(trouble.refusal)
    academy = work.about.academy
    if store.structures(work.connection, academy).get(raw["structure"]) == uai:
        return Verdict("duplicate", "already-so")
    store.keep_structure(work.connection, academy, raw["structure"], uai)
    return Verdict("applied")


def _guardian(work: Work, row: Named) -> Verdict:
    """A guardian who is called otherwise, or is none any more, of whichever students have him."""
    (one,) = row.line.guardians or (Guardian("", ""),)
    said = replace(one, academy=work.about.academy)
    digests = work.keys.digests("guardian", f"{said.academy} {said.source}")
    persons = store.persons(
        work.connection, [name for _, name in store.traced(work.connection, digests)]
    )
    if not persons:
        advice = "nobody who is known has this guardian: send PersRelEleve and Eleve in one zip"
        return Verdict("duplicate", "unknown-guardian", advice)
    states = store.states(work.connection, persons)
    plans: list[tuple[Named, Plan]] = []
    for name, before in persons.items():
        pupil, state = register.opened(work.keys, before), states[name][0]
        now, here = (
            core.changed(pupil, said),
            (state.school or "", state.level or "", state.school_year or ""),
        )
        if state.enrolled and core.others_sign(pupil, now):
            command = core.Register(*here, len(now.guardians or ()), others=True)
            plans.append((row, Plan(name, command, now, before)))
    if not plans:
        return Verdict("duplicate", "already-so")
    return done(work, plans, states)[0]


def _school(work: Work, row: Named) -> Verdict:
    """The end of a whole file of a school: whom it did not name has left."""
    raw = placed(row.line.raw, store.structures(work.connection, work.about.academy))
    if isinstance(raw, Refusal):
        return refused(raw)
    try:
        school = core.school(raw["uai"])
    except core.Unread as trouble:
        return refused(trouble.refusal)
    job = work.job["id"]
    names, there = naming.unnamed(work.connection, school, job)
    unread = {("", school), ("", "")} & naming.named(work.connection, job, ())
    if no := core.held_back(len(names), there, bool(unread), work.about.confirmed):
        return refused(no)
    for start in range(0, len(names), LIMIT):
        part = names[start : start + LIMIT]
        states = store.states(work.connection, part)
        claims = [claim(work, row.number, name, core.Leave("unknown"), states) for name in part]
        transact(work.connection, work.service, claims, work.now)
    if not names:
        return Verdict("duplicate", "already-so", f"{there} students are there, nobody left")
    return Verdict("applied", "left", f"{len(names)} students are in the file no more")
