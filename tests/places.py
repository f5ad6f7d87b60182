"""What a place to test on is: a broker, a server, and what every way of having one needs."""

import asyncio
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from deploy.local import kafka, processes
from deploy.local.broker import Broker

HOMES = f"trousseau-tests-{os.getuid()}-"
POSTGRES_USER = "trousseau"
# A database that sorts text as people do, like most real servers: code that takes the order of
# bytes for granted, as SQLite keeps it, is found out.
POSTGRES_SORTING = ("--encoding=UTF8", "--locale-provider=icu", "--icu-locale=en-US")
START_SECONDS = 60


def _ports() -> tuple[int, int]:
    """Where this process takes ports: below the range that the system gives to clients, where a
    probe may connect to itself. Of test processes side by side each has a part of its own, so that
    none takes a port that another's service gave up for a moment.
    """
    mine = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    part = 12_000 // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    return 20_000 + mine * part, 20_000 + (mine + 1) * part


FIRST_PORT, LAST_PORT = _ports()


class NoPlaceError(Exception):
    """This way of having a place does not work here; the text says why."""


@dataclass(frozen=True, slots=True)
class Kafka:
    """A broker of this test run's own. `start` and `resume` return once it answers again.

    A test that stops it starts it again before it ends: the next test has the same one.
    """

    bootstrap: str
    start: Callable[[], None]
    stop: Callable[[], None]
    kill: Callable[[], None]  # as a power cut would
    pause: Callable[[], None]  # there, and silent
    resume: Callable[[], None]


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A server of this test run's own. `url` names no database: postgresql://user@host:port.

    `start` returns once it answers again; a test that stops it starts it again before it ends.
    """

    url: str
    start: Callable[[], None]
    stop: Callable[[], None]
    kill: Callable[[], None]  # as a power cut would


@contextmanager
def given_kafka(bootstrap: str) -> Iterator[Kafka]:
    """A broker that runs already."""
    if not kafka.answers(bootstrap):
        raise NoPlaceError(f"no Kafka answers on {bootstrap}")
    yield Kafka(bootstrap, *[_not_ours] * 5)


@contextmanager
def given_postgres(url: str) -> Iterator[PostgresServer]:
    """A server that runs already, and lets us make databases; a database in `url` is left alone."""
    server = urlunsplit(urlsplit(url)._replace(path="", query=""))
    if not postgres_answers(server):
        raise NoPlaceError(f"no PostgreSQL answers on {urlsplit(url).netloc.rpartition('@')[2]}")
    yield PostgresServer(server, *[_not_ours] * 3)


def _not_ours() -> NoReturn:
    pytest.fail(
        "This test stops and starts its server, and the one the environment names is not ours to "
        "stop: run it without TROUSSEAU_TEST_KAFKA and TROUSSEAU_TEST_POSTGRES.",
        pytrace=False,
    )


@contextmanager
def home() -> Iterator[Path]:
    """A state folder for this test run; what killed runs left running is ended first."""
    end_leftovers()
    own = Path(tempfile.gettempdir()) / f"{HOMES}{os.getpid()}"
    own.mkdir(mode=0o755)
    try:
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)


def end_leftovers() -> None:
    """End the brokers and servers of test runs that are no more, and throw their folders away."""
    for left in Path(tempfile.gettempdir()).glob(f"{HOMES}[0-9]*"):
        if not processes.is_running(int(left.name.removeprefix(HOMES)), "python"):
            kafka.kill(Broker(left))
            _kill_postgres(left / "postgres" / "data")
            shutil.rmtree(left, ignore_errors=True)


def _kill_postgres(data: Path) -> None:
    pid_file = data / "postmaster.pid"
    if pid_file.exists():
        pid = int(pid_file.read_text().splitlines()[0])
        if processes.is_running(pid, str(data)):
            processes.kill(pid, str(data))


def free_port() -> int:
    """A port that nobody has, nor the one after it."""
    while True:
        port = FIRST_PORT + secrets.randbelow(LAST_PORT - FIRST_PORT)
        if processes.port_is_free(port) and processes.port_is_free(port + 1):
            return port


def wait_until(answers: Callable[[], bool], what: str) -> None:
    """Raises NoPlaceError when `answers` stays false for a minute."""
    until = time.monotonic() + START_SECONDS
    while not answers():
        if time.monotonic() > until:
            raise NoPlaceError(f"{what} did not answer within {START_SECONDS} s")
        time.sleep(0.05)


def postgres_answers(url: str) -> bool:
    """Whether the server lets us in and answers."""
    try:
        ask(url, "SELECT 1")
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    return True


@contextmanager
def new_database(server: PostgresServer) -> Iterator[str]:
    """The URL of a new, empty database of the server; it is dropped at the end."""
    name = f"test_{secrets.token_hex(8)}"
    ask(server.url, f"CREATE DATABASE {name}")
    try:
        yield f"{server.url}/{name}"
    finally:
        ask(server.url, f"DROP DATABASE {name} WITH (FORCE)")


def ask(server_url: str, statement: str) -> None:
    """One statement, outside any transaction, in the server's own database."""

    async def answer() -> None:
        connection = await asyncpg.connect(f"{server_url}/postgres", timeout=10)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(answer())
