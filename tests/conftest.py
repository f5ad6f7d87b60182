"""The places that tests share: one Kafka and one PostgreSQL server per run, a database per test.

Each is taken from the environment, else from a container engine, else from this machine. With
none of them a test fails, because one that skips itself looks like one that passed.
"""

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

from deploy.local.processes import CannotRunError
from tests import forms, places, places_in_containers, places_on_this_machine
from tests.places import Kafka, NoPlaceError, PostgresServer

Place = TypeVar("Place")

hypothesis.settings.register_profile("form", forms.examples())
hypothesis.settings.load_profile("form")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """In the long form chance has a seed that can be told, before Hypothesis looks for one."""
    if forms.LONG and config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(secrets.randbelow(2**32))


def pytest_report_header(config: pytest.Config) -> str:
    """Which form this is, and how to have it again."""
    faults = f"TROUSSEAU_FAULTS_SEED={forms.FAULTS_SEED}"
    if not forms.LONG:
        return f"short form, always the same: {faults}"
    chance = f"--hypothesis-seed={config.option.hypothesis_seed}"
    return f"long form, to have it again: TROUSSEAU_LONG=1 {faults} {chance}"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Where tests run side by side, those that share a place stay in one process, in their order.

    By hand, because `--dist loadgroup` of xdist 3.8 does nothing with pytest 9: it renames a test
    by an attribute that pytest reads no more.
    """
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = place_shared  # noqa: SLF001  it is made to be another's
    return scheduler


def place_shared(test: str) -> str:
    """By a test's id, what it shares: a file's half on one database has services of its own; all
    faults share a broker, and what they saw together is looked at in the end.
    """
    file, _, name = test.partition("::")
    if file.startswith("tests/faults/"):
        return "faults"
    if file.endswith("/test_composition.py"):
        return file  # "postgres" is one of its containers
    half = {"sqlite", "postgres"} & {*name.rstrip("]").partition("[")[2].split("-")}
    return "-".join([file, *sorted(half)])


@pytest.fixture(scope="session")
def places_home() -> Iterator[Path]:
    """The state folder of this run's broker and server."""
    with places.home() as home:
        yield home


@pytest.fixture(scope="session")
def kafka(places_home: Path) -> Iterator[Kafka]:
    """This run's broker, real and shared: a test makes topics of its own."""
    given = os.environ.get("TROUSSEAU_TEST_KAFKA")
    rungs: dict[str, Callable[[], AbstractContextManager[Kafka]]] = (
        {"TROUSSEAU_TEST_KAFKA": lambda: places.given_kafka(given)}
        if given
        else {
            "a container engine": places_in_containers.kafka,
            "this machine": lambda: places_on_this_machine.kafka(places_home),
        }
    )
    with _first("Kafka", "TROUSSEAU_TEST_KAFKA", rungs) as place:
        yield place


@pytest.fixture(scope="session")
def postgres_server(places_home: Path) -> Iterator[PostgresServer]:
    """This run's PostgreSQL server, shared: a test takes a database of its own."""
    given = os.environ.get("TROUSSEAU_TEST_POSTGRES")
    rungs: dict[str, Callable[[], AbstractContextManager[PostgresServer]]] = (
        {"TROUSSEAU_TEST_POSTGRES": lambda: places.given_postgres(given)}
        if given
        else {
            "a container engine": places_in_containers.postgres_server,
            "this machine": lambda: places_on_this_machine.postgres_server(places_home),
        }
    )
    with _first("PostgreSQL", "TROUSSEAU_TEST_POSTGRES", rungs) as place:
        yield place


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh, empty database: the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'x.sqlite3'}"
        return
    # Asked for here, so that a run of the SQLite half alone starts no server.
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with places.new_database(server) as url:
        yield url


@contextmanager
def _first(
    what: str, variable: str, rungs: Mapping[str, Callable[[], AbstractContextManager[Place]]]
) -> Iterator[Place]:
    """The first rung that can be had; with none the test fails, told all their reasons."""
    reasons: list[str] = []
    for name, rung in rungs.items():
        with ExitStack() as stack:
            try:
                place = stack.enter_context(rung())
            except (NoPlaceError, CannotRunError) as reason:
                reasons.append(f"- {name}: {reason}")
                continue
            yield place
            return
    tried = "\n".join(reasons)
    pytest.fail(f"No {what} to test on; {variable} may name one.\n{tried}", pytrace=False)
