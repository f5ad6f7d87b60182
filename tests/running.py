"""Real service processes for tests: a home, ports and keys of their own, and none left over."""

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy import topics
from deploy.local import processes
from services.enrolment import vault
from shared import access, migrations, settings
from tests import places

ROOT = Path(__file__).parents[1]
SERVICES = ("ordering", "delivery", "repairs", "handover", "tracking")
PARTIES = ("region", "ops", "supplier:hexalog", "carrier:acme", "carrier:bolt")
PATIENCE_SECONDS = 60
DRAIN_SECONDS = 25
OFFSETS = (0, 1, 2, 3, 4, 5)

T = TypeVar("T")


def until(answers: Callable[[], T | None], what: str, seconds: float = PATIENCE_SECONDS) -> T:
    """The first answer that is true. Raises AssertionError with the last one when none comes."""
    end = time.monotonic() + seconds
    while not (answer := answers()):
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not so after {seconds:g} s, last seen: {answer!r}")
        time.sleep(0.03)
    return answer


@dataclass
class Service:
    """One process of a service: `python -m services.<name>`, or `-m` and another program in its
    place; started, hurt and ended by pid.
    """

    name: str
    home: Path
    port: int
    environment: Mapping[str, str]
    program: Sequence[str] = ()
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.home / "log" / f"{self.name}-{self.port}.log"

    def start(self) -> None:
        """Start it; returns at once. Only from the main thread, whose end the process shares."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*_with_us(), sys.executable, "-m", *(self.program or [f"services.{self.name}"])],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def signal(self, what: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(what)

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        """Let it stand still, as a machine that is swapped out or moved does."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self.signal(signal.SIGCONT)

    def stop(self) -> int:
        """Ask it to stop; its exit code. Raises subprocess.TimeoutExpired when it does not."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(DRAIN_SECONDS)

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def end(self) -> None:
        """Make sure that it is gone, whatever state it is in."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def words(self) -> str:
        """All that it wrote."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""


def _with_us() -> list[str]:
    """The words before a command that end it when this process is killed, where there are such."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


@dataclass
class System:
    """Services on one broker, with a key for each party."""

    home: Path
    database: str
    kafka: str
    first_port: int
    keys: dict[str, str]
    services: dict[str, Service]
    http: httpx.Client
    others: list[Service] = field(default_factory=list)

    @property
    def ordering(self) -> Service:
        return self.services["ordering"]

    @property
    def delivery(self) -> Service:
        return self.services["delivery"]

    @property
    def repairs(self) -> Service:
        return self.services["repairs"]

    @property
    def tracking(self) -> Service:
        return self.services["tracking"]

    @property
    def on_sqlite(self) -> bool:
        return self.database == "sqlite"

    def url_of_database(self, name: str) -> str:
        return settings.database_url(name, self.home, self.database)

    def bearer(self, party: str) -> dict[str, str]:
        """The header of a party; a party met for the first time gets its key now."""
        if party not in self.keys:
            self.keys |= access.issue(self.home / "keys.json", [party])
        return {"Authorization": f"Bearer {self.keys[party]}"}

    def call(self, service: str, party: str, path: str, body: object = None) -> httpx.Response:
        """POST a body as JSON, or GET when there is none."""
        method, url = "GET" if body is None else "POST", self.services[service].url + path
        return self.http.request(method, url, headers=self.bearer(party), json=body)

    def another(self, name: str) -> Service:
        """A second process of a service, on the same database; not started yet."""
        one = service(name, self.home, free_first_port(), self.database, self.kafka)
        self.others.append(one)
        return one

    def begins_anew(self, name: str) -> None:
        """Stop a service, throw its database away and start it on an empty one."""
        url = self.url_of_database(name)
        self.services[name].stop()
        if self.on_sqlite:
            file = Path(url.removeprefix("sqlite:///"))
            for part in file.parent.glob(f"{file.name}*"):
                part.unlink()
        else:
            server, _, database = url.rpartition("/")
            places.ask(server, f'DROP DATABASE "{database}" WITH (FORCE)')
        asyncio.run(migrations.migrate(name, url))
        self.start(name)

    def says(self, **words: str) -> None:
        """What every service that is started from now on finds in its environment, too."""
        for one in self.services.values():
            one.environment = {**one.environment, **words}

    def start(self, *names: str) -> None:
        """Start what does not run, all at once, and wait until each is ready."""
        down = [
            self.services[name] for name in names or self.services if not self.services[name].runs
        ]
        for one in down:
            one.start()
        for one in down:
            wait_until_ready(self.http, one)

    def end(self) -> None:
        """Make sure that all are gone. Who can stops by himself: a reader that says good-bye to
        its group does not keep the next system's off.
        """
        all_of_them = (*self.services.values(), *self.others)
        for one in all_of_them:
            if one.runs:
                one.signal(signal.SIGTERM)
        with suppress(AssertionError):
            until(lambda: not any(one.runs for one in all_of_them), "all have stopped", 5)
        for one in all_of_them:
            one.end()


def ready(http: httpx.Client, service: Service) -> bool:
    try:
        return http.get(f"{service.url}/health/ready", timeout=5).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def wait_until_ready(http: httpx.Client, service: Service) -> None:
    """Raises AssertionError with its last words when the service ends or does not get ready."""

    def answers() -> bool:
        assert service.runs, f"{service.name} ended:\n{service.words()[-3_000:]}"
        return ready(http, service)

    until(answers, f"{service.name} is ready")


def free_first_port() -> int:
    """A first port such that nobody has any of the services' ports."""
    while True:
        first = places.FIRST_PORT + secrets.randbelow(places.LAST_PORT - places.FIRST_PORT - 100)
        if all(processes.port_is_free(first + offset) for offset in OFFSETS):
            return first


def service(name: str, home: Path, first_port: int, database: str, kafka: str) -> Service:
    """A service that is not started yet, told of nothing but this."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TROUSSEAU_")}
    told = {
        "TROUSSEAU_HOME": str(home),
        "TROUSSEAU_PORT": str(first_port),
        "TROUSSEAU_DATABASE": database,
        "TROUSSEAU_KAFKA": kafka,
        "PYTHONUNBUFFERED": "1",
    }
    return Service(name, home, first_port + settings.PORTS[name], kept | told)


@contextmanager
def system(
    home: Path, database: str, kafka: str, names: Sequence[str] = SERVICES
) -> Iterator[System]:
    """Services as processes on fresh databases (`sqlite`, or a PostgreSQL URL with {service}).

    Nothing is started yet: `System.start` does. All of them are gone when this ends.
    """
    first_port = free_first_port()
    services = {name: service(name, home, first_port, database, kafka) for name in names}
    keys = access.issue(home / "keys.json", PARTIES)
    vault.make(home / "master-key.json")
    with closing(httpx.Client(timeout=30, trust_env=False)) as http:
        made = System(home, database, kafka, first_port, keys, services, http)
        for name in names:
            asyncio.run(migrations.migrate(name, made.url_of_database(name)))
        try:
            yield made
        finally:
            made.end()


@contextmanager
def databases(server: places.PostgresServer, names: Sequence[str] = SERVICES) -> Iterator[str]:
    """A URL with {service} for databases of a PostgreSQL server that are dropped at the end."""
    prefix = f"test_{secrets.token_hex(6)}"
    with ExitStack() as stack:
        for name in names:
            drop = f'DROP DATABASE IF EXISTS "{prefix}_{name}" WITH (FORCE)'
            stack.callback(places.ask, server.url, drop)
        yield f"{server.url}/{prefix}_{{service}}"


@contextmanager
def system_on(
    request: pytest.FixtureRequest, home: Path, kafka: str, names: Sequence[str] = SERVICES
) -> Iterator[System]:
    """Services on the database that a fixture's parameter names, `sqlite` or `postgres`; as
    `system`. The server is asked for here, so that the SQLite half alone starts none.
    """
    if request.param == "sqlite":
        with system(home, "sqlite", kafka, names) as made:
            yield made
        return
    server: places.PostgresServer = request.getfixturevalue("postgres_server")
    with databases(server, names) as url, system(home, url, kafka, names) as made:
        yield made


def fresh_topics(bootstrap: str) -> None:
    """Delete the topics of this project's declaration and make them again, empty."""
    asyncio.run(_fresh_topics(bootstrap))


async def _fresh_topics(bootstrap: str) -> None:
    await delete_topics(bootstrap, [topic.name for topic in topics.declared()])
    await topics.declare(bootstrap)


async def delete_topics(bootstrap: str, names: Sequence[str]) -> None:
    """Delete topics and wait until the broker has forgotten them."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        there = [name for name in names if name in await admin.list_topics()]
        if there:
            await admin.delete_topics(there)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await _gone(admin, set(there))
    finally:
        with suppress(KafkaError):
            await admin.close()


async def _gone(admin: AIOKafkaAdminClient, names: set[str]) -> None:
    while True:
        if not names & set(await admin.list_topics()):
            return
        await asyncio.sleep(0.05)
