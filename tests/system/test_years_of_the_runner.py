"""Years played on the local runner's system: once more, beside each other, and after a wipe."""

import re
import secrets
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from deploy.local import run
from tests import runners
from tests.places import PostgresServer
from tests.runners import Run

YEAR = ("year", "--laptops", "60", "--quiet-seconds", "3")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return runners.environment(tmp_path)


@contextmanager
def system(environment: Mapping[str, str]) -> Iterator[str]:
    """A runner's system; what it said until it was up."""
    process, said = runners.started(environment)
    try:
        yield said
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()


def play(environment: Mapping[str, str], *words: str) -> Run:
    return runners.run(environment, *YEAR, *words)


def test_a_year_played_again_changes_nothing_and_another_is_played_beside_it(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with system(environment) as said:
        assert f"{tmp_path} holds no laptop yet" in said
        first = play(environment)
        again = play(environment)
        other = play(environment, "--seed", "7")
        larger = play(environment, "--laptops", "90")
        refused = runners.run(environment, "wipe")
        short = play(environment, "--seed", "8", "--drop-one-fact")

    assert [one.returncode for one in (first, again, other, larger)] == [0] * 4, first.stderr
    assert "Balanced: 78 of 78 laptops." in first.stdout
    assert "Applied 0, duplicates absorbed" in again.stdout
    assert "conflicts 0." in again.stdout
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"A system runs already in {tmp_path} (pid ")
    assert short.returncode == 1
    assert "Laptops that differ from the book: 1\n" in short.stdout

    with system(environment) as said:
        assert f"{tmp_path} holds 342 laptops from before; `make wipe`" in said

    wiped = runners.run(environment, "wipe")
    assert wiped.returncode == 0
    assert "kafka" in wiped.stdout
    assert list(tmp_path.iterdir()) == []
    with system(environment) as said:
        assert f"{tmp_path} holds no laptop yet" in said


def test_a_year_on_a_system_that_lost_its_kafka_names_the_calls_that_mend_it(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with system(environment):
        assert play(environment).returncode == 0
    shutil.rmtree(tmp_path / "kafka")
    with system(environment):
        other = play(environment, "--seed", "7")

    assert other.returncode == 1
    assert "What else is wrong: " in other.stdout
    assert re.search(
        r"tracking, listening: .*POST /api/refill to (\w+), then POST /api/readings/\1.facts/begin",
        other.stdout,
    ), other.stdout


async def test_wiping_drops_the_databases_of_a_server_but_not_one_that_is_at_work(
    environment: dict[str, str], tmp_path: Path, postgres_server: PostgresServer
) -> None:
    prefix = f"wiped_{secrets.token_hex(6)}"
    told = environment | {"TROUSSEAU_DATABASE": f"{postgres_server.url}/{prefix}_{{service}}"}
    with system(told):
        assert play(told).returncode == 0

    at_work = await asyncpg.connect(f"{postgres_server.url}/{prefix}_tracking")
    refused = runners.run(told, "wipe")
    await at_work.close()
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"The database {prefix}_tracking cannot be dropped:")
    assert (tmp_path / "kafka").exists()

    wiped = runners.run(told, "wipe")
    assert wiped.returncode == 0, wiped.stderr
    server = await asyncpg.connect(f"{postgres_server.url}/postgres")
    left = await server.fetch("SELECT datname FROM pg_database WHERE datname LIKE $1", f"{prefix}%")
    await server.close()
    assert left == []


def test_wiping_removes_what_a_system_left_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("db/ordering.sqlite3", "log/ordering.log", "keys.json", "notes/mine"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    monkeypatch.setenv("TROUSSEAU_HOME", str(tmp_path))
    assert run.main(["wipe"]) == 0
    assert [one.name for one in tmp_path.iterdir()] == ["notes"]
