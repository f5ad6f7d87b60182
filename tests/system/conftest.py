"""The services on one broker, on each database: up for all the tests of a file."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from partners.year.play import move_clock
from tests import running
from tests.devices import Devices, managing
from tests.places import Kafka
from tests.running import System


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def system(
    request: pytest.FixtureRequest, kafka: Kafka, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """The services, up for all of this file: a test takes schools and laptops of its own."""
    running.fresh_topics(kafka.bootstrap)
    home = tmp_path_factory.mktemp(request.param)
    with running.system_on(request, home, kafka.bootstrap) as made:
        made.start()
        yield made


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file with the moment that `moved` takes for the present; `move_clock` sets it."""
    return tmp_path_factory.mktemp("clock") / "clock"


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def moved(
    request: pytest.FixtureRequest,
    clock: Path,
    kafka: Kafka,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[System]:
    """The services, with a clock that a test sets; it stands on 1 August 2020."""
    running.fresh_topics(kafka.bootstrap)
    move_clock(clock, datetime(2020, 8, 1, 8, tzinfo=UTC))
    home = tmp_path_factory.mktemp(request.param)
    with running.system_on(request, home, kafka.bootstrap) as made:
        made.says(TROUSSEAU_CLOCK=str(clock))
        made.start()
        yield made


@pytest.fixture(scope="module")
def devices() -> Iterator[Devices]:
    """Device management, behind `whole`."""
    with managing() as made:
        yield made


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def whole(
    request: pytest.FixtureRequest,
    clock: Path,
    devices: Devices,
    kafka: Kafka,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[System]:
    """All six services, with device management and a clock that a test sets; it stands on
    15 September 2020, at ten in France.
    """
    running.fresh_topics(kafka.bootstrap)
    move_clock(clock, datetime(2020, 9, 15, 8, tzinfo=UTC))
    home, names = tmp_path_factory.mktemp(request.param), (*running.SERVICES, "enrolment")
    with running.system_on(request, home, kafka.bootstrap, names) as made:
        address = made.services["handover"].url
        made.says(TROUSSEAU_CLOCK=str(clock), TROUSSEAU_ADDRESS=address)
        made.says(TROUSSEAU_MANAGEMENT=devices.address)
        made.start()
        yield made
