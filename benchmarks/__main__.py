"""Facts a second, beside a raw pipe's on the same broker and databases.

Each run prints ratios of figures measured side by side: compare these, not runs.

    python -m benchmarks --quick --on sqlite
    python -m benchmarks --only files
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvloop
from msgspec import Struct

from benchmarks import desks, figures, files, pipe, places, through, topics
from benchmarks.figures import Rate
from benchmarks.pipe import Run
from benchmarks.places import Ground, NewDatabase
from deploy.local.processes import CannotRunError
from tests import running
from tests.places import NoPlaceError, PostgresServer


class Size(Struct, frozen=True):
    """How much is measured, and how often."""

    rounds: int
    facts: int
    naive: int
    events: int
    rows: int
    cases: int


WHOLE = Size(rounds=3, facts=100_000, naive=1_000, events=20_000, rows=92_000, cases=20_000)
QUICK = Size(rounds=1, facts=10_000, naive=200, events=2_000, rows=8_000, cases=2_000)
PARTS = ("facts", "files", "desks")
TITLES = {"sqlite": "SQLite, synchronous FULL", "postgres": "PostgreSQL"}


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="one small round, under a minute")
    parser.add_argument(
        "--on", choices=TITLES, nargs="+", default=list(TITLES), help="(default: both)"
    )
    parser.add_argument(
        "--only", choices=PARTS, nargs="+", default=PARTS, help="(default: all of them)"
    )
    given = parser.parse_args(words)
    size = QUICK if given.quick else WHOLE
    try:
        with places.ground() as ground:
            for kind in given.on:
                if "facts" in given.only:
                    _say(_measured(ground, kind, size))
                if "files" in given.only:
                    _say(_files(ground, kind, size.rows))
                if "desks" in given.only:
                    _say(_desks(ground, kind, size.cases))
            _say(figures.machine(uvloop.run(places.version(ground.postgres))))
    except (NoPlaceError, CannotRunError) as reason:
        sys.stderr.write(f"{reason}\n")
        return 1
    return 0


def _measured(ground: Ground, kind: str, size: Size) -> str:
    """The table of one kind of database."""
    rounds = uvloop.run(_rounds(ground.kafka, _new(ground, kind), size))
    for number in range(size.rounds):
        rounds[number] |= _through(ground, kind, size.events)
    of = pipe.OF_RAW | dict.fromkeys(through.NAMES, pipe.raw(through.ITEMS))
    return figures.table(TITLES[kind], rounds, of)


async def _rounds(kafka: str, new: NewDatabase, size: Size) -> list[dict[str, Rate]]:
    async with topics.fresh(kafka) as topic:
        await topics.fill(kafka, topic, size.facts)
        run = Run(kafka, topic, size.facts, size.naive, new)
        return [await pipe.round_of(run) for _ in range(size.rounds)]


def _through(ground: Ground, kind: str, events: int) -> dict[str, Rate]:
    with _databases(ground, kind, through.SERVICES) as url:
        return through.measured(ground.kafka, url, events)


def _files(ground: Ground, kind: str, rows: int) -> str:
    with _databases(ground, kind, files.SERVICES) as url:
        found = files.measured(ground.kafka, url, _new(ground, kind), rows)
    return files.table(f"{TITLES[kind]}: {rows:,} rows", found)


def _desks(ground: Ground, kind: str, rows: int) -> str:
    with _databases(ground, kind, desks.SERVICES) as url:
        filed, looks = desks.measured(ground.kafka, url, rows)
    return desks.table(f"{TITLES[kind]}: {rows:,} cases", filed, looks)


def _new(ground: Ground, kind: str) -> NewDatabase:
    return places.on_sqlite if kind == "sqlite" else places.on_postgres(ground.postgres)


@contextmanager
def _databases(ground: Ground, kind: str, services: Sequence[str]) -> Iterator[str]:
    """What the services are told of their databases."""
    if kind == "sqlite":
        yield "sqlite"
        return
    server = PostgresServer(ground.postgres, *[lambda: None] * 3)
    with running.databases(server, services) as url:
        yield url


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
