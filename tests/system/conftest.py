"""The services on one broker, on each database: up for all the tests of a file."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from partners.year.play import move_clock
from tests import running
from tests.places import Kafka, PostgresServer
from tests.running import System


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def system(
    request: pytest.FixtureRequest, kafka: Kafka, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """The services, up for all of this file: a test takes schools and laptops of its own."""
    running.fresh_topics(kafka.bootstrap)
    home = tmp_path_factory.mktemp(request.param)
    if request.param == "sqlite":
        yield from _up(home, "sqlite", kafka)
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with running.databases(server) as url:
        yield from _up(home, url, kafka)


def _up(home: Path, database: str, kafka: Kafka) -> Iterator[System]:
    with running.system(home, database, kafka.bootstrap) as made:
        made.start()
        yield made


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file with the moment that `moved` takes for the present; `move_clock` sets it."""
    return tmp_path_factory.mktemp("clock") / "clock"


@pytest.fixture(scope="module")
def moved(clock: Path, kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The services, on SQLite, with a clock that a test sets; it stands on 1 August 2020."""
    running.fresh_topics(kafka.bootstrap)
    move_clock(clock, datetime(2020, 8, 1, 8, tzinfo=UTC))
    with running.system(tmp_path_factory.mktemp("moved"), "sqlite", kafka.bootstrap) as made:
        for one in made.services.values():
            one.environment = {**one.environment, "TROUSSEAU_CLOCK": str(clock)}
        made.start()
        yield made
