"""A cohort's three years by the runner, to further study, on both databases."""

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from partners.year.book import DISPOSITIONS
from tests import runners
from tests.places import PostgresServer

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
    environment: dict[str, str],
) -> None:
    balanced(runners.run(environment, *DEMO))
    if "TROUSSEAU_DATABASE" not in environment:  # on one alone, for time
        assert "conflicts 0." in balanced(runners.run(environment, *DEMO))


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
