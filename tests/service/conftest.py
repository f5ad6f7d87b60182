"""The services that these tests ask, as they are put together in production, without a broker.

Each runs once on each database for all of this folder, and is emptied for every test.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from shared import serving
from tests import places
from tests.builders import Running, a_service, emptied
from tests.service.asking import Asked, furnished

Up = Callable[[str], Running]


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def up(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A service by its name, running."""
    home, known = tmp_path_factory.mktemp(request.param), dict[str, Running]()
    on_postgres = request.param == "postgres"
    server = request.getfixturevalue("postgres_server") if on_postgres else None
    stack = ExitStack()

    def started(name: str) -> Running:
        if name not in known:
            url = f"sqlite:///{home / name}.sqlite3"
            if server is not None:
                url = stack.enter_context(places.new_database(server))
            known[name] = stack.enter_context(a_service(name, url, home))
        return known[name]

    def end() -> None:
        known.clear()
        stack.close()

    ENDING.append(end)
    yield started
    ENDING.remove(end)
    end()


ENDING: list[Callable[[], None]] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Iterator[None]:
    """No service runs on when a test of elsewhere comes: faults that it brings about would meet
    tasks of theirs, and end the whole run.
    """
    yield
    if nextitem is None or Path(__file__).parent not in nextitem.path.parents:
        for end in ENDING:
            end()


@pytest.fixture(scope="module", autouse=True)
def at_any_pace() -> Iterator[None]:
    """A party asks more here than it may; nowhere else."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(serving, "BURST", 1e9)
        yield


@pytest.fixture
def empty(up: Up) -> Up:
    """A service by its name, running, with nothing in it."""

    return lambda name: emptied_anew(up, name)


def emptied_anew(up: Up, name: str) -> Running:
    one = up(name)
    one.write(lambda connection: emptied(connection, name))
    one.client.cookies.clear()  # a key that an earlier test typed
    return one


@pytest.fixture
def ordering(empty: Up) -> Running:
    return empty("ordering")


@pytest.fixture
def delivery(empty: Up) -> Running:
    return empty("delivery")


@pytest.fixture
def tracking(empty: Up) -> Running:
    return empty("tracking")


@pytest.fixture
def asked(empty: Up) -> Callable[[str], Asked]:
    """A service by its name, with something of everything in it."""
    return lambda name: furnished(empty(name))


@pytest.fixture(scope="module")
def settled(up: Up) -> Callable[[str], Asked]:
    """As `asked`, once for all tests of a file."""
    known: dict[str, Asked] = {}

    def made(name: str) -> Asked:
        if name not in known:
            known[name] = furnished(emptied_anew(up, name))
        return known[name]

    return made


@pytest.fixture
def repairs(empty: Up) -> Running:
    return empty("repairs")


@pytest.fixture
def handover(empty: Up) -> Running:
    return empty("handover")


@pytest.fixture
def enrolment(empty: Up) -> Running:
    return empty("enrolment")
