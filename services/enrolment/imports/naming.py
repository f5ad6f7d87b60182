"""Whom a file named, while its job is not at its end: a whole one says that all others left."""

from collections.abc import Iterable

from sqlalchemy import Connection, func, select

from services.enrolment.store import KIND, NAMED, PERSONS, STUDENTS
from shared.databases import append, at_once
from shared.jobs import JOB


def named(connection: Connection, job: str, names: Iterable[str]) -> set[tuple[str, str]]:
    """Which of these students a file named so far, and at which schools."""
    asked = sorted({*names, ""})
    sql = "SELECT pseudonym, school FROM named WHERE pseudonym {0} AND job {1}"
    return {(row[0], row[1]) for row in at_once(connection, sql, [asked, [job]])}


def note_named(connection: Connection, job: str, fresh: Iterable[tuple[str, str]]) -> None:
    """A file named these students, each at a school: none that it named there before."""
    cells = [(job, *one) for one in sorted(fresh)]
    append(connection, NAMED, ("job", "pseudonym", "school"), cells)


def forget_named(connection: Connection, ended: str) -> None:
    """What files named, once their jobs are at their end, or can come to none."""
    over = select(JOB.c.id).where(JOB.c.state.in_(("done", "failed")))
    which = (NAMED.c.job == ended) | NAMED.c.job.in_(over)
    connection.execute(NAMED.delete().where(which))


def unnamed(connection: Connection, school: str, job: str) -> tuple[list[str], int]:
    """Students of a school whom a file did not name; and how many are there in all."""
    here = [
        STUDENTS.c.school == school,
        STUDENTS.c.left.is_(None),
        STUDENTS.c.erased.is_(None),
    ]
    total = connection.scalar(select(func.count()).select_from(STUDENTS).where(*here)) or 0
    name = func.substr(STUDENTS.c.key, len(KIND) + 2)
    rows = select(PERSONS.c.pseudonym).join(STUDENTS, name == PERSONS.c.pseudonym)
    told = select(NAMED.c.job).where(NAMED.c.pseudonym == PERSONS.c.pseudonym, NAMED.c.job == job)
    mine = rows.where(*here, ~told.exists()).order_by(PERSONS.c.pseudonym)
    return list(connection.scalars(mine)), total
