"""The composition as an operator has it: everything from one image, hurt, stopped and started."""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from deploy.local import kafka, processes
from partners.year import roster
from shared import settings
from tests.running import ROOT, Service, System, ready, until
from tests.system import acts

SERVICES = tuple(settings.PORTS)
OFFSETS = (*settings.PORTS.values(), 90, 92)
HUNDREDS = range(200, 327)
PROBE_SECONDS = 10
SCHOOL = roster.schools()[0]
CARRIER = roster.carrier_of(SCHOOL)


DOCKER = shutil.which("docker") or "docker"


def _compose(*words: str, said: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """`docker compose` as whoever says just that in the environment, and has no .env file."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TROUSSEAU_")}
    return subprocess.run(
        [DOCKER, "compose", "--env-file", os.devnull, *words],
        cwd=ROOT,
        env=kept | dict(said),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
    )


@dataclass
class Composition:
    """A composition of this test run's own. Its name is its image's tag, too."""

    name: str
    hundred: int

    @property
    def first_port(self) -> int:
        return self.hundred * 100

    def compose(self, *words: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """`docker compose` with these words, in the project's root."""
        said = {"TROUSSEAU_PORTS": str(self.hundred), "TROUSSEAU_TAG": self.name}
        done = _compose("-p", self.name, *words, said=said)
        told = f"{done.stdout[-2_000:]}\n{done.stderr[-4_000:]}"
        assert not check or done.returncode == 0, f"docker compose {' '.join(words)}:\n{told}"
        return done

    def inside(self, service: str, *words: str) -> "subprocess.CompletedProcess[str]":
        """A command in a service's container, whether it succeeds or not."""
        return self.compose("exec", "-T", service, *words, check=False)

    def kill(self, service: str, *words: str) -> None:
        """End all of a container by words that do it from inside, and wait for its next life.

        A kill by the engine would pass for a stop that somebody wished for.
        """
        before = self._lives(service)
        self.inside(service, *words)
        until(lambda: self._lives(service) > before, f"{service} died and lives again")

    def _lives(self, service: str) -> int:
        container = self.compose("ps", "-a", "-q", service).stdout.strip()
        asked = [DOCKER, "inspect", "-f", "{{.RestartCount}}", container]
        return int(subprocess.run(asked, capture_output=True, check=True).stdout)

    def prometheus(self, path: str) -> Any:
        url = f"http://127.0.0.1:{self.first_port + 90}/api/v1/{path}"
        return httpx.get(url, trust_env=False).json()["data"]


def _no_engine() -> str:
    """Why no composition can run here; "" when one can."""
    if shutil.which("docker") is None:
        return "the command docker is not installed"
    for words in (["info"], ["compose", "version"]):
        asking = [DOCKER, *words]
        try:
            asked = subprocess.run(asking, capture_output=True, timeout=PROBE_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return f"`docker {' '.join(words)}` does not answer"
        if asked.returncode != 0:
            return f"`docker {' '.join(words)}` says: {asked.stderr.decode().strip()[:200]}"
    return ""


def _free_hundred() -> int:
    while True:
        hundred = secrets.choice(HUNDREDS)
        if all(processes.port_is_free(hundred * 100 + offset) for offset in OFFSETS):
            return hundred


@pytest.fixture(scope="module")
def composition() -> Iterator[Composition]:
    if reason := _no_engine():
        pytest.skip(f"a composition needs a container engine, and none is here: {reason}")
    made = Composition(f"trousseau-test-{secrets.token_hex(4)}", _free_hundred())
    try:
        made.compose("up", "-d", "--wait")
        yield made
    finally:
        made.compose("down", "--volumes", check=False)
        image = [DOCKER, "image", "rm", "-f", f"trousseau:{made.name}"]
        subprocess.run(image, capture_output=True, check=False)


@pytest.fixture(scope="module")
def system(composition: Composition, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The composition seen from outside, with the keys that its own command issued."""
    home = tmp_path_factory.mktemp("composition")
    keys = json.loads(composition.compose("run", "--rm", "-T", "keys").stdout)
    first = composition.first_port
    services = {name: Service(name, home, first + settings.PORTS[name], {}) for name in SERVICES}
    with closing(httpx.Client(timeout=30, trust_env=False)) as http:
        yield System(home, "", f"127.0.0.1:{first + 92}", first, keys, services, http)


@pytest.fixture
def laptop(system: System) -> str:
    """A laptop that a school expects."""
    (key,) = acts.laptops(1)
    acts.ordered(system, SCHOOL.uai, [key])
    return key


def _bring(system: System, laptop: str) -> None:
    """The carrier's shipment with one laptop, to the school's door."""
    shipment = acts.sscc()
    told = acts.verdicts(
        system,
        CARRIER,
        acts.event("announced", "2020-08-30T08:00:00+02:00", [laptop], shipment=shipment),
        acts.event("arrived", "2020-08-31T08:00:00+02:00", shipment=shipment),
    )
    assert told == ["applied", "applied"]


def test_every_service_is_ready_and_prometheus_hears_each(
    composition: Composition, system: System
) -> None:
    assert all(ready(system.http, one) for one in system.services.values())

    def up() -> bool:
        targets = composition.prometheus("targets")["activeTargets"]
        return {one["labels"]["job"]: one["health"] for one in targets} == dict.fromkeys(
            SERVICES, "up"
        )

    until(up, "Prometheus hears every service")
    (group,) = composition.prometheus("rules")["groups"]
    assert {rule["health"] for rule in group["rules"]} <= {"ok", "unknown"}
    assert len(group["rules"]) > len(SERVICES)


def test_what_is_said_from_outside_comes_out_in_tracking(system: System, laptop: str) -> None:
    _bring(system, laptop)
    acts.hand_out(system, SCHOOL.uai, laptop, "2020-09-03T08:00:00+02:00")
    acts.when(system, laptop, {"location": "with-student"})


def test_kafka_answers_on_the_port_of_the_host_that_it_names(system: System) -> None:
    assert kafka.answers(system.kafka)


def test_pages_have_their_style_and_their_htmx(system: System) -> None:
    page = system.http.get(f"{system.tracking.url}/")
    assert page.status_code == httpx.codes.OK
    named = [word for word in page.text.split('"') if word.endswith((".css", ".js"))]
    assert {word.rpartition(".")[2] for word in named} == {"css", "js"}
    for address in named:
        assert system.http.get(f"{system.tracking.url}{address}").status_code == httpx.codes.OK


@pytest.mark.parametrize("service", [*SERVICES, "kafka", "postgres", "prometheus"])
def test_nothing_runs_as_root_or_may_become_it(composition: Composition, service: str) -> None:
    told = composition.inside(service, "cat", "/proc/1/status").stdout
    facts = dict(line.split(":\t", 1) for line in told.splitlines() if ":\t" in line)
    assert facts["Uid"].split() != ["0"] * 4
    assert facts["CapBnd"] == facts["CapEff"] == "0" * 16
    assert facts["NoNewPrivs"] == "1"


@pytest.mark.parametrize("service", [*SERVICES, "postgres", "prometheus"])
def test_nobody_writes_beside_the_volumes(composition: Composition, service: str) -> None:
    tried = composition.inside(service, "touch", "/etc/planted")
    assert tried.returncode != 0
    assert "Read-only file system" in tried.stderr


def test_a_service_changes_no_keys(composition: Composition) -> None:
    issue = ("python", "-m", "shared.access", "issue", "ops")
    tried = composition.inside("delivery", *issue)
    assert tried.returncode != 0
    assert "Read-only file system" in tried.stderr


def test_a_service_cannot_enter_the_database_of_another(composition: Composition) -> None:
    def enter(role: str, database: str) -> "subprocess.CompletedProcess[str]":
        url = f"postgresql://{role}:trial@postgres/{database}"
        return composition.inside("postgres", "psql", "-c", "SELECT 1", url)

    assert enter("delivery", "delivery").returncode == 0
    assert "permission denied" in enter("delivery", "ordering").stderr


def test_a_broker_and_a_service_that_are_killed_come_back_and_what_was_said_meanwhile_arrives(
    composition: Composition, system: System, laptop: str
) -> None:
    composition.kill("kafka", "bash", "-c", "kill -9 -1")
    _bring(system, laptop)
    composition.kill("delivery", "python", "-c", "import os; os.kill(-1, 9)")
    until(lambda: ready(system.http, system.delivery), "delivery is ready")
    acts.when(system, laptop, {"location": "arrived"})
    acts.hand_out(system, SCHOOL.uai, laptop, "2020-09-03T08:00:00+02:00")
    acts.when(system, laptop, {"location": "with-student"})


def test_what_was_there_before_down_is_there_after_up_and_goes_on(
    composition: Composition, system: System, laptop: str
) -> None:
    _bring(system, laptop)
    before = acts.when(system, laptop, {"location": "arrived"})
    composition.compose("down")
    assert composition.compose("ps", "-a", "-q").stdout == ""
    composition.compose("up", "-d", "--wait")
    assert acts.life(system, laptop) == before
    acts.hand_out(system, SCHOOL.uai, laptop, "2020-09-03T08:00:00+02:00")
    acts.when(system, laptop, {"location": "with-student"})


def test_a_first_port_without_its_hundred_is_refused(composition: Composition) -> None:
    done = _compose("config", "--quiet", said={"TROUSSEAU_PORT": str(composition.first_port)})
    assert done.returncode != 0
    assert "say TROUSSEAU_PORTS" in done.stderr
