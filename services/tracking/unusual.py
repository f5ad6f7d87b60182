"""What is unusual or does not fit together, read from tracking's tables."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, literal, select, tuple_

from services.tracking.store import FLAGS, LIVES, STUDENTS, TIMELINE
from shared.parking import PARKED

NUMBER_USED_AGAIN = "number-used-again"  # the code of a fact that was set aside for its number


def flagged(
    connection: Connection, after: tuple[str, str], limit: int
) -> tuple[list[dict[str, Any]], int]:
    """Laptops with something unusual, by flag and key, from after one; how many there are."""
    total = connection.scalar(select(func.count()).select_from(FLAGS)) or 0
    where = tuple_(FLAGS.c.flag, FLAGS.c.key) > after
    rows = (
        select(FLAGS.c.flag, FLAGS.c.key, LIVES.c.school, LIVES.c.location, LIVES.c.since)
        .join(LIVES, LIVES.c.key == FLAGS.c.key)
        .where(where)
        .order_by(FLAGS.c.flag, FLAGS.c.key)
        .limit(limit)
    )
    return [dict(row) for row in connection.execute(rows).mappings()], total


def with_several(connection: Connection) -> list[dict[str, Any]]:
    """Students with more than one laptop, and how many; one that was stolen or lost is none."""
    count = func.count().label("laptops")
    has = LIVES.c.student.is_not(None) & (LIVES.c.location != "missing")
    rows = select(LIVES.c.student, count).where(has)
    grouped = rows.group_by(LIVES.c.student).having(count > 1).limit(500)
    return [dict(row) for row in connection.execute(grouped).mappings()]


def unknown_students(connection: Connection, before: datetime) -> list[dict[str, Any]]:
    """Laptops handed out before a moment to a pseudonym that enrolment never told of; none where
    it tells of nobody.
    """
    if connection.scalar(select(STUDENTS.c.key).limit(1)) is None:
        return []
    columns = (LIVES.c.key, LIVES.c.student, LIVES.c.school, LIVES.c.since)
    here = STUDENTS.c.key == literal("student:").concat(LIVES.c.student)
    rows = select(*columns).outerjoin(STUDENTS, here).where(STUDENTS.c.key.is_(None))
    late = rows.where(LIVES.c.student.is_not(None), LIVES.c.handed_out_at < before)
    found = connection.execute(late.order_by(LIVES.c.key).limit(500))
    return [dict(row) for row in found.mappings()]


def gaps(connection: Connection) -> list[dict[str, Any]]:
    """Keys of which a publisher's facts are missing: the highest number heard, and how many."""
    most = func.max(TIMELINE.c.sequence)
    rows = select(
        TIMELINE.c.key, TIMELINE.c.publisher, most.label("highest"), func.count().label("heard")
    )
    grouped = rows.where(TIMELINE.c.key.like("%/%")).group_by(TIMELINE.c.key, TIMELINE.c.publisher)
    return [
        dict(row)
        for row in connection.execute(grouped.having(most != func.count()).limit(500)).mappings()
    ]


def numbers_used_again(connection: Connection) -> list[dict[str, Any]]:
    """Keys of which a fact is set aside because its number stands for another, and since when."""
    mine = (PARKED.c.state == "open") & (PARKED.c.code == NUMBER_USED_AGAIN)
    rows = select(PARKED.c.subject.label("key"), PARKED.c.received_at.label("since")).where(mine)
    ordered = rows.order_by(PARKED.c.received_at, PARKED.c.id).limit(500)
    return [dict(row) for row in connection.execute(ordered).mappings()]
