"""The three services on one broker, on each database: up for all the tests of a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import running
from tests.places import Kafka, PostgresServer
from tests.running import System


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def system(
    request: pytest.FixtureRequest, kafka: Kafka, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """The three services, up for all of this file: a test takes schools and laptops of its own."""
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
