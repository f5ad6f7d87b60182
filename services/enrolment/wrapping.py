"""Keys as they stand in the database, wrapped: of persons, of traces, of files that wait.

Asking whether something is left to do costs a look into indexes, however many persons there are.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, select, text, update

from services.enrolment.store import PERSONS, SECRETS, Person
from shared import jobs, pieces

TRACES, FILE = "traces ", "file "  # names of secrets, before a master key's name, and a job's


def _another(column: ColumnElement[str], master: str) -> list[ColumnElement[bool]]:
    """Not this master key, as an index is asked."""
    return [column < master, column > master]


def persons_under_another(connection: Connection, master: str, limit: int) -> list[Person]:
    """Persons whose key another master key wraps, or whose traces stand under another's. Those that
    somebody writes at this moment come later.
    """
    found: dict[str, Person] = {}
    for column in (PERSONS.c.master, PERSONS.c.traced):
        for mine in _another(column, master):
            rows = select(PERSONS).where(mine).limit(limit - len(found))
            if len(found) < limit:
                locked = connection.execute(rows.with_for_update(skip_locked=True))
                found |= {row[0]: Person(*row) for row in locked}
    return list(found.values())


def left(connection: Connection, master: str) -> bool:
    """Whether something is left to do: a key under another master key, traces under an older key, a
    key of a file that is gone.
    """
    columns = (PERSONS.c.master, PERSONS.c.traced)
    wheres = [mine for column in columns for mine in _another(column, master)]
    if any(connection.scalar(select(1).where(mine).limit(1)) for mine in wheres):
        return True
    secrets = list(connection.execute(select(SECRETS.c.name, SECRETS.c.master)))
    others = [name for name, under in secrets if under != master]
    older = [name for name, _ in secrets if name.startswith(TRACES) and name != TRACES + master]
    return bool(others or older or idle_files(connection))


def rewrapped(connection: Connection, rows: Sequence[Person]) -> None:
    """Write persons' keys as another master key wraps them, and where their traces stand."""
    for row in rows:
        keys = {"master": row.master, "wrapped": row.wrapped, "traced": row.traced}
        connection.execute(
            update(PERSONS).where(PERSONS.c.pseudonym == row.pseudonym).values(**keys)
        )


def masters(connection: Connection) -> dict[str, int]:
    """How many keys each master key wraps; traces under the key that came with it count too."""
    told: dict[str, int] = {}
    columns = (PERSONS.c.master, PERSONS.c.traced)
    for *both, count in connection.execute(select(*columns, func.count()).group_by(*columns)):
        for master in set(both):
            told[master] = told.get(master, 0) + count
    for name, master in connection.execute(select(SECRETS.c.name, SECRETS.c.master)):
        for one in {master, name.removeprefix(TRACES) if name.startswith(TRACES) else master}:
            told[one] = told.get(one, 0) + 1
    return told


# -- keys of the service's own

Secret = tuple[str, str, bytes]
"""Its name, its master key, and the key as that wraps it."""


def secrets(connection: Connection, beginning: str) -> list[Secret]:
    """Keys of the service's own whose names begin so."""
    rows = select(SECRETS).where(SECRETS.c.name.startswith(beginning)).order_by(SECRETS.c.name)
    return [(row.name, row.master, row.wrapped) for row in connection.execute(rows)]


def secret(connection: Connection, name: str) -> tuple[str, bytes] | None:
    """A key of the service's own: its master key and the key as that wraps it."""
    rows = select(SECRETS.c.master, SECRETS.c.wrapped).where(SECRETS.c.name == name)
    row = connection.execute(rows).first()
    return (row[0], row[1]) if row else None


def keep_secret(connection: Connection, name: str, master: str, wrapped: bytes) -> None:
    """Enter a key of the service's own, unless another process was first."""
    entering = text(
        "INSERT INTO secret (name, master, wrapped) VALUES (:name, :master, :wrapped) "
        "ON CONFLICT DO NOTHING"
    )
    connection.execute(entering, {"name": name, "master": master, "wrapped": wrapped})


def secrets_under_another(connection: Connection, master: str) -> list[Secret]:
    rows = select(SECRETS).where(SECRETS.c.master != master).with_for_update()
    return [(row.name, row.master, row.wrapped) for row in connection.execute(rows)]


def rewrap_secret(connection: Connection, name: str, master: str, wrapped: bytes) -> None:
    """Write a key of the service's own as another master key wraps it."""
    values: dict[str, Any] = {"master": master, "wrapped": wrapped}
    connection.execute(update(SECRETS).where(SECRETS.c.name == name).values(**values))


def drop(connection: Connection, names: Sequence[str]) -> None:
    """Destroy keys of the service's own."""
    if names:
        connection.execute(SECRETS.delete().where(SECRETS.c.name.in_(list(names))))


def idle_files(connection: Connection) -> list[str]:
    """Keys of files that are gone, read to their end or broken off."""
    held = exists().where(pieces.PIECES.c.job == jobs.JOB.c.id)
    waiting = select(jobs.JOB.c.id).where(held | (jobs.JOB.c.state == jobs.COMING))
    mine = SECRETS.c.name.startswith(FILE)
    names = list(connection.scalars(select(SECRETS.c.name).where(mine)))
    there = {FILE + id for id in connection.scalars(waiting)} if names else set()
    return [name for name in names if name not in there]


def idle_traces(connection: Connection, master: str) -> list[str]:
    """Keys of traces, made with another master key, under which no trace stands any more."""
    older = [name for name, *_ in secrets(connection, TRACES) if name != TRACES + master]

    def stands(name: str) -> bool:
        mine = PERSONS.c.traced == name.removeprefix(TRACES)
        return connection.scalar(select(1).where(mine).limit(1)) is not None

    return [name for name in older if not stands(name)]
