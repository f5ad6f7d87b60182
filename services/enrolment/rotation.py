"""A change of the master key, bit by bit while the service runs.

Each person's key is wrapped anew, and the traces are written anew under a key that came with the
master key: a copy of the database from before opens no more, and what the service knows now leads
to nothing in it. Cut off, it goes on where it was: a row says under which key it stands.
"""

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from services.enrolment import register, store, wrapping
from services.enrolment.vault import Broken, Ring

AT_ONCE = 500  # persons in one transaction


class Done(Struct, frozen=True):
    """How many keys were wrapped anew, and of how many persons the key does not open."""

    count: int = 0
    damaged: int = 0


def rewrap(connection: Connection, ring: Ring) -> Done:
    """Do some of what a change of the master key leaves to do. Raises Locked."""
    secrets = wrapping.secrets_under_another(connection, ring.current)
    for name, master, wrapped in secrets:
        fresh = ring.wrap(ring.service_key(name, master, wrapped), f"of {name}")
        wrapping.rewrap_secret(connection, name, ring.current, fresh)
    held = register.held(connection, ring)
    persons = wrapping.persons_under_another(connection, ring.current, AT_ONCE)
    moved: list[store.Person] = []
    traces: dict[str, set[str]] = {}
    for row in persons:
        try:
            key = ring.unwrap(row.master, row.wrapped, row.pseudonym)
            traces[row.pseudonym] = register.digests(held, register.marks_of(key, row))
        except Broken:
            continue  # it stays as it is, and `retire` waits: restore the person, or erase him
        wrapped = ring.wrap(key, row.pseudonym)
        moved.append(replace(row, master=ring.current, wrapped=wrapped, traced=ring.current))
    wrapping.rewrapped(connection, moved)
    store.trace(connection, traces)
    gone = wrapping.idle_traces(connection, ring.current) + wrapping.idle_files(connection)
    wrapping.drop(connection, gone)
    return Done(len(moved) + len(secrets), len(persons) - len(moved))
