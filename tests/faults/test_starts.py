"""Services that cannot start: one sentence that says what to do, no traceback, exit code 1."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from shared import migrations, settings
from tests import places, running
from tests.places import PostgresServer
from tests.running import Service

NOWHERE = "127.0.0.1:1"  # no broker is needed to refuse


@pytest.fixture
def delivery(tmp_path: Path) -> Iterator[Service]:
    """Delivery on SQLite, its database not made."""
    one = running.service("delivery", tmp_path, running.free_first_port(), "sqlite", NOWHERE)
    yield one
    one.end()


def refused(one: Service) -> str:
    """The last words of a service that does not start."""
    one.start()
    assert one.process is not None
    assert one.process.wait(30) == 1, one.words()
    assert "Traceback" not in one.words()
    return one.words()


def made(one: Service) -> None:
    url = settings.database_url(one.name, one.home, one.environment["TROUSSEAU_DATABASE"])
    asyncio.run(migrations.migrate(one.name, url))


def test_a_second_process_on_one_sqlite_database_is_refused(
    delivery: Service, tmp_path: Path
) -> None:
    made(delivery)
    delivery.start()
    with httpx.Client(trust_env=False) as http:
        running.wait_until_ready(http, delivery)
    second = running.service("delivery", tmp_path, running.free_first_port(), "sqlite", NOWHERE)
    try:
        said = refused(second)
    finally:
        second.end()
    assert "another process works on sqlite:///" in said
    assert "SQLite has one writer; stop the other first" in said
    assert delivery.runs


def test_a_service_whose_database_was_not_made_names_the_command(delivery: Service) -> None:
    said = refused(delivery)
    assert "the database of delivery has schema none" in said
    assert "run python -m shared.migrations migrate delivery" in said


def test_a_service_on_postgresql_whose_database_was_not_made_names_the_command(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    with running.databases(postgres_server) as url:
        one = running.service("delivery", tmp_path, running.free_first_port(), url, NOWHERE)
        said = refused(one)
    assert "does not exist" in said
    assert "python -m shared.migrations migrate delivery" in said


def test_a_service_whose_postgresql_is_not_there_says_so(tmp_path: Path) -> None:
    url = f"postgresql://nobody@127.0.0.1:{places.free_port()}/trousseau_{{service}}"
    one = running.service("delivery", tmp_path, running.free_first_port(), url, NOWHERE)
    said = refused(one)
    assert "the database of delivery cannot be read" in said
    assert "is its server there" in said


def test_a_service_whose_port_is_taken_ends_and_says_so(delivery: Service, tmp_path: Path) -> None:
    made(delivery)
    delivery.start()
    with httpx.Client(trust_env=False) as http:
        running.wait_until_ready(http, delivery)
    first_port = delivery.port - settings.PORTS["delivery"]
    second = running.service("delivery", tmp_path / "x", first_port, "sqlite", NOWHERE)
    made(second)
    try:
        said = refused(second)
    finally:
        second.end()
    assert f"cannot listen on 127.0.0.1:{delivery.port}" in said
    assert "say another TROUSSEAU_PORT" in said
