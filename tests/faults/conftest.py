"""Fixtures of the faults. Short by default; TROUSSEAU_LONG=1 does more of everything.

TROUSSEAU_FAULTS_SEED sets the seed, which every test that leaves something to chance prints.
"""

import sys
from collections.abc import Generator, Iterator
from random import Random

import pytest

from tests.faults import ground as grounds
from tests.faults.ground import Broker, Ground, Sometimes
from tests.forms import FAULTS_SEED, LONG
from tests.running import System

FAILED = pytest.StashKey[bool]()


@pytest.fixture
def rounds() -> int:
    """How many times as much as in the short form."""
    return 8 if LONG else 1


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> Random:
    """Chance that the seed and the test's name decide."""
    seed = f"{FAULTS_SEED}/{request.node.name}"
    sys.stdout.write(f"seed: TROUSSEAU_FAULTS_SEED={FAULTS_SEED}, so {seed!r}\n")
    return Random(seed)  # noqa: S311  it has to come again, not to be secret


@pytest.fixture(scope="session")
def sometimes() -> Sometimes:
    """What this run hoped to meet, and met."""
    return Sometimes()


@pytest.fixture(scope="session")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that nobody else's tests are on."""
    with grounds.broker(tmp_path_factory.mktemp("broker")) as own:
        yield own


@pytest.fixture
def broker(own_broker: Broker) -> Iterator[Broker]:
    """The broker to do harm to; whatever is done, the next test finds it there again."""
    yield own_broker
    own_broker.mended()


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def ground(
    request: pytest.FixtureRequest, own_broker: Broker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    """Where this file's system stands, on each database of the table."""
    on_postgres = request.param == "postgres"
    server = request.getfixturevalue("postgres_server") if on_postgres else None
    made = Ground(request.param, own_broker, tmp_path_factory, server)
    try:
        yield made
    finally:
        made.throw_away()


@pytest.fixture
def system(ground: Ground, request: pytest.FixtureRequest) -> Iterator[System]:
    """The services, all up; shared by the tests of one file, made anew after a failure."""
    yield ground.system()
    if request.node.stash.get(FAILED, False):
        ground.throw_away()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" and report.failed:
        item.stash[FAILED] = True
    return report
