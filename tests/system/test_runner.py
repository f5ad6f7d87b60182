"""The local runner: what it refuses with a sentence, and a whole system up, hurt and down."""

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from deploy.local import processes, running, trial_keys
from deploy.local.processes import CannotRunError, Program
from deploy.local.watching import Watched, watch_all
from shared import access
from tests import places, runners

NOWHERE = {"PATH": "/nowhere", "JAVA_HOME": ""}


@pytest.fixture
def said() -> list[str]:
    """The sentences that were said to the person at the terminal."""
    return []


@pytest.fixture
def first_port() -> int:
    return runners.free_first_port()


@pytest.fixture
def environment(tmp_path: Path, first_port: int) -> dict[str, str]:
    return runners.environment(tmp_path, first_port)


def is_another(one: Watched, before: "subprocess.Popen[bytes]") -> bool:
    return one.process is not before


def a_program(home: Path, script: str) -> Program:
    return Program("sleeper", home, (sys.executable, "-c", script))


# What is refused


def test_a_home_that_is_in_use_is_refused_with_the_pid_of_who_uses_it(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with running.alone_in(tmp_path):
        second = runners.run(environment, "run")

    assert second.returncode == 2
    assert second.stderr.startswith(f"A system runs already in {tmp_path} (pid {os.getpid()})")
    assert "TROUSSEAU_HOME" in second.stderr


def test_a_port_in_use_is_named_with_its_service(
    environment: dict[str, str], first_port: int
) -> None:
    with socket.create_server(("127.0.0.1", first_port + 1)):
        refused = runners.run(environment, "run")

    assert refused.returncode == 2
    assert f"Port {first_port + 1}, for ordering, is in use by another program" in refused.stderr
    assert "TROUSSEAU_PORT" in refused.stderr


@pytest.mark.parametrize(("act", "offset"), [("run", 4), ("demo", 91)])
def test_a_start_that_is_refused_for_a_port_leaves_no_home_behind(
    environment: dict[str, str], first_port: int, tmp_path: Path, act: str, offset: int
) -> None:
    home = tmp_path / "home"
    with socket.create_server(("127.0.0.1", first_port + offset)):
        refused = runners.run(environment | {"TROUSSEAU_HOME": str(home)}, act)

    assert refused.returncode == 2
    assert refused.stderr.startswith(f"Port {first_port + offset}, for ")
    assert not home.exists()


def test_a_first_port_that_cannot_be_is_refused(environment: dict[str, str]) -> None:
    refused = runners.run(environment | {"TROUSSEAU_PORT": "70000"}, "run")

    assert refused.returncode == 2
    assert refused.stderr.startswith("TROUSSEAU_PORT is '70000'")


def test_without_java_or_engine_or_a_broker_the_runner_says_what_to_install(
    environment: dict[str, str], tmp_path: Path
) -> None:
    refused = runners.run(environment | NOWHERE, "run")

    assert refused.returncode == 2
    assert refused.stderr.startswith("Kafka needs Java 17 or later, and none was found")
    assert "container engine" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert not list((tmp_path / "run").glob("*.pid"))


def test_a_full_disk_is_named_with_the_folder(tmp_path: Path) -> None:
    with pytest.raises(CannotRunError, match=f"The disk that holds {tmp_path} is full"):
        processes.demand_room(tmp_path, megabytes=10**9)


def test_a_database_server_that_is_away_is_told(
    environment: dict[str, str], first_port: int
) -> None:
    away = f"postgresql://nobody@127.0.0.1:{first_port + 5}"
    told = {"TROUSSEAU_DATABASE": away, "TROUSSEAU_KAFKA": "127.0.0.1:1"}

    refused = runners.run(environment | told, "run")

    assert refused.returncode == 2
    assert refused.stderr.startswith("The databases cannot be brought to the newest schema:")


def test_stopping_what_does_not_run_is_no_error(
    environment: dict[str, str], tmp_path: Path
) -> None:
    stopped = runners.run(environment, "stop")

    assert (stopped.returncode, stopped.stdout) == (0, f"No system runs in {tmp_path}.\n")


# Keys


def test_trial_keys_are_made_once_and_open_only_for_their_party(tmp_path: Path) -> None:
    keys, trial = tmp_path / "keys.json", tmp_path / "trial-keys.json"

    first = trial_keys.make(keys, trial, ["region", "carrier:acme"])
    second = trial_keys.make(keys, trial, ["region", "carrier:acme", "ops"])

    assert first.keys() == {"region", "carrier:acme"}
    assert first.items() < second.items()
    assert [stat.S_IMODE(file.stat().st_mode) for file in (keys, trial)] == [0o600, 0o600]
    assert access.load(keys)[access.hashed(second["ops"])].party == "ops"
    assert not any(key in keys.read_text() for key in second.values())


def test_trial_keys_that_no_longer_open_are_made_again(tmp_path: Path) -> None:
    keys, trial = tmp_path / "keys.json", tmp_path / "trial-keys.json"
    first = trial_keys.make(keys, trial, ["region", "ops"])

    access.revoke(keys, "region")
    second = trial_keys.make(keys, trial, ["region", "ops"])
    trial.write_text("{ cut sho")
    third = trial_keys.make(keys, trial, ["region", "ops"])

    assert second["ops"] == first["ops"]
    assert second["region"] != first["region"]
    assert third["ops"] != first["ops"]
    assert access.hashed(third["ops"]) in access.load(keys)


# Watching


def test_a_program_that_is_killed_is_started_again_however_often(
    tmp_path: Path, said: list[str]
) -> None:
    program = a_program(tmp_path, "import time; time.sleep(600)")
    one = Watched(program, processes.launch(program))
    stopping = threading.Event()
    watching = threading.Thread(target=watch_all, args=([one], stopping, said.append))
    watching.start()
    for _ in range(4):
        killed = one.process
        killed.kill()
        places.wait_until(partial(is_another, one, killed), "The program")
    stopping.set()
    watching.join()

    assert len(said) == 4
    assert all(line.startswith("sleeper died (signal 9); it is started again.") for line in said)
    assert processes.running(tmp_path, "sleeper", "sleep(600)") == one.process.pid
    assert processes.end(one.process.pid, "sleep(600)", patience_seconds=10)
    one.process.wait()


def test_a_program_that_dies_three_times_ends_the_watch_with_its_last_words(
    tmp_path: Path, said: list[str]
) -> None:
    program = a_program(tmp_path, "import sys; sys.exit('there is no bread')")
    one = Watched(program, processes.launch(program))

    with pytest.raises(CannotRunError) as reason:
        watch_all([one], threading.Event(), said.append)

    assert len(said) == 2
    assert "sleeper died 3 times within a minute (exit 1)" in str(reason.value)
    assert str(reason.value).endswith("there is no bread")


def test_a_program_that_dies_of_a_full_disk_is_started_again_once_there_is_room(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = a_program(tmp_path, "import time; time.sleep(600)")
    one = Watched(program, processes.launch(program))
    stopping = threading.Event()
    rooms = iter([0] * 20)
    monkeypatch.setattr(processes, "free_megabytes", lambda _: next(rooms, 1000))

    one.process.terminate()
    watch_all([one], stopping, said.append, over=lambda: bool(said) and one.start_at is None)

    assert said[0].startswith(f"sleeper died (signal 15); the disk that holds {tmp_path} is full")
    assert one.died_at == []
    assert next(rooms, None) is None
    one.process.kill()
    one.process.wait()


def test_a_pid_that_was_given_to_another_program_is_not_taken_for_ours(tmp_path: Path) -> None:
    pid_path = processes.pid_file(tmp_path, "ordering")
    pid_path.parent.mkdir()
    pid_path.write_text(f"{os.getpid()}\n")

    assert processes.running(tmp_path, "ordering", "services.ordering") is None


# The whole system


@pytest.fixture
def system(environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """A runner that has said where to look."""
    process, _ = runners.started(environment)
    yield process
    process.send_signal(signal.SIGTERM)
    process.communicate()


def is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/ready", trust_env=False).is_success
    except httpx.HTTPError:
        return False


def pids(home: Path) -> dict[str, int]:
    return {path.stem: int(path.read_text()) for path in (home / "run").glob("*.pid")}


def test_a_killed_service_is_back_and_a_stop_leaves_nothing_running(
    system: "subprocess.Popen[str]", environment: dict[str, str], tmp_path: Path, first_port: int
) -> None:
    before = pids(tmp_path)
    assert before.keys() >= {"runner", "kafka", "tracking", "ordering", "delivery"}
    assert all(is_ready(first_port + offset) for offset in (0, 1, 2))
    assert stat.S_IMODE((tmp_path / "trial-keys.json").stat().st_mode) == 0o600

    os.kill(before["ordering"], signal.SIGKILL)
    places.wait_until(lambda: not is_ready(first_port + 1), "The killed service")
    places.wait_until(lambda: is_ready(first_port + 1), "ordering")
    assert pids(tmp_path)["ordering"] != before["ordering"]

    last = pids(tmp_path)
    stopped = runners.run(environment, "stop")
    assert (stopped.returncode, system.wait()) == (0, 0), stopped.stderr
    assert pids(tmp_path) == {}
    assert not [name for name, pid in last.items() if processes.is_running(pid, mark="")]
    assert processes.port_is_free(first_port)


def test_what_a_killed_runner_left_is_stopped_by_the_next(
    system: "subprocess.Popen[str]", environment: dict[str, str], tmp_path: Path
) -> None:
    left = pids(tmp_path)
    system.kill()
    system.wait()

    # As a shell starts a job in the background: deaf to Ctrl-C, unless it listens itself.
    deaf = ("/bin/sh", "-c", """trap '' INT; exec "$@" """, "sh")
    following, _ = runners.started(environment, *deaf)

    now = pids(tmp_path)
    assert now.keys() == left.keys()
    assert not set(now.values()) & set(left.values())
    following.send_signal(signal.SIGINT)
    following.communicate()
    assert following.returncode == 0
    assert pids(tmp_path) == {}
