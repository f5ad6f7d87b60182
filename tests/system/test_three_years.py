"""A cohort's three years by the runner, to further study, on both databases."""

import re
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from partners.year.book import DISPOSITIONS
from tests import runners
from tests.places import PostgresServer
from tests.running import until

TOLD = "SELECT (SELECT count(*) FROM ledger), (SELECT count(*) FROM parked)"
HEARD = "SELECT (SELECT count(*) FROM timeline), (SELECT count(*) FROM parked)"
DEMO = ("demo", "--laptops", "60", "--once")


@pytest.fixture(params=["sqlite", "postgres"])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    told = runners.environment(tmp_path)
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        database = f"{server.url}/years_{secrets.token_hex(6)}_{{service}}"
        told |= {"TROUSSEAU_DATABASE": database}
    yield told
    runners.run(told, "wipe")


def test_three_years_end_with_each_laptop_in_one_place_and_once_more_they_change_nothing(
    environment: dict[str, str], tmp_path: Path
) -> None:
    balanced(runners.run(environment, *DEMO))
    if "TROUSSEAU_DATABASE" in environment:
        return  # on one alone, for time
    told = kept(tmp_path)
    assert "conflicts 0." in balanced(runners.run(environment, *DEMO))
    assert kept(tmp_path) == told
    stood = moment(tmp_path)
    process, _ = runners.started(environment)
    try:
        until(lambda: moment(tmp_path) > stood, "invented time goes on")
        assert moment(tmp_path) - stood < timedelta(hours=1)
    finally:
        process.terminate()
        process.communicate()


def kept(home: Path) -> dict[str, tuple[int, ...]]:
    """How many facts and claims each service wrote down, and how many things are set aside."""
    counts = {}
    for file in sorted((home / "db").glob("*.sqlite3")):
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            counts[file.stem] = database.execute(
                HEARD if file.stem == "tracking" else TOLD
            ).fetchone()
    return counts


def moment(home: Path) -> datetime:
    """Where the clock of the years that were played stands."""
    return datetime.fromisoformat((home / "clock").read_text().strip())


def balanced(played: runners.Run) -> str:
    """What the player said, once all is as the book has it."""
    said = played.stdout
    assert played.returncode == 0, said + played.stderr
    assert "78 laptops, 18 of them beside the 60 asked for, with rarer lives; seed 2020:" in said
    assert "Balanced: 78 of 78 laptops." in said
    assert "The system ends now; `make run` starts it again" in said
    (became,) = re.findall(r"What became of them: (.*)\.", said)
    counts = {word: int(count) for count, word in (one.split() for one in became.split(", "))}
    assert counts.keys() == set(DISPOSITIONS)
    assert sum(counts.values()) == 78
    return said
