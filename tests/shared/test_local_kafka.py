"""The broker of a machine without containers, and the places of the tests, on the real thing."""

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local import jars, kafka
from deploy.local.broker import Broker
from deploy.local.processes import CannotRunError
from tests import places, places_on_this_machine

ROOT = Path(__file__).parents[2]
NOWHERE = {"PATH": "/nowhere", "JAVA_HOME": "", "DOCKER_HOST": "unix:///nowhere"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder of a broker on this machine's Java."""
    try:
        jars.find_java()
    except CannotRunError as reason:
        pytest.skip(f"These tests are about Kafka on Java, and others about Kafka. {reason}")
    return tmp_path_factory.mktemp("broker")


@pytest.fixture(scope="module")
def place(home: Path) -> Iterator[places.Kafka]:
    """The broker of that folder, to be stopped and started."""
    with places_on_this_machine.kafka(home) as place:
        yield place


@pytest.fixture
def broker(home: Path, place: places.Kafka) -> Broker:
    """The same broker, as the verbs of deploy.local.kafka take it."""
    return Broker(home, int(place.bootstrap.rpartition(":")[2]))


@pytest.fixture
def said() -> list[str]:
    """The sentences that were said to the person at the terminal."""
    return []


def run(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
        text=True,
    )


async def test_every_acknowledged_record_outlives_a_power_cut(place: places.Kafka) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=place.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("kept", 1, 1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=place.bootstrap, acks="all")
    await producer.start()
    for number in range(20):
        await producer.send_and_wait("kept", str(number).encode())
    await producer.stop()

    place.kill()
    assert not kafka.answers(place.bootstrap)
    place.start()

    consumer = AIOKafkaConsumer(bootstrap_servers=place.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([TopicPartition("kept", 0)])
    found = [int((await consumer.getone()).value) for _ in range(20)]
    await consumer.stop()
    assert found == list(range(20))


def test_a_paused_broker_is_there_and_silent(place: places.Kafka) -> None:
    place.pause()
    silent = not kafka.answers(place.bootstrap)
    place.resume()

    assert silent
    assert kafka.answers(place.bootstrap)


@pytest.mark.usefixtures("home")
def test_a_watched_broker_is_started_again_when_it_dies(tmp_path: Path, said: list[str]) -> None:
    own = Broker(tmp_path, places.free_port())
    stopping = threading.Event()
    watching = threading.Thread(target=kafka.watch, args=(own, stopping, said.append))
    watching.start()
    try:
        places.wait_until(lambda: said[-1:] != [] and "answers on" in said[-1], "Kafka")
        first = kafka.running(own)
        kafka.kill(own)
        places.wait_until(lambda: kafka.answers(own.bootstrap), "Kafka")
        assert kafka.running(own) not in (None, first)
        assert [line for line in said if "kafka died (signal 9); it is started again" in line]
    finally:
        stopping.set()
        watching.join()
    assert kafka.running(own) is None


def test_a_home_has_one_broker(broker: Broker) -> None:
    with pytest.raises(CannotRunError, match=r"is running already \(pid \d+\)"):
        kafka.start(broker)


def test_a_broker_that_is_stopped_cannot_be_stopped_again(tmp_path: Path) -> None:
    assert not kafka.stop(Broker(tmp_path))
    assert not kafka.kill(Broker(tmp_path))


def test_a_port_in_use_is_named(broker: Broker, tmp_path: Path) -> None:
    with pytest.raises(CannotRunError, match=f"Port {broker.port} is in use by another program"):
        kafka.start(Broker(tmp_path, broker.port))
    with pytest.raises(CannotRunError, match=f"Port {broker.port} is in use by another program"):
        kafka.start(Broker(tmp_path, broker.port - 1))


def test_only_an_answer_counts_as_an_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def echo() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(connection.recv(100))

        echoing = threading.Thread(target=echo)
        echoing.start()
        assert not kafka.answers(f"127.0.0.1:{port}")
        echoing.join()
    assert not kafka.answers(f"127.0.0.1:{port}")


@pytest.mark.usefixtures("home")
def test_the_command_starts_shows_and_stops_a_broker(tmp_path: Path) -> None:
    where = ["--home", str(tmp_path), "--port", str(places.free_port())]

    started = run("deploy.local.kafka", "start", *where)
    shown = run("deploy.local.kafka", "status", *where)
    stopped = run("deploy.local.kafka", "stop", *where)
    gone = run("deploy.local.kafka", "status", *where)

    assert (started.returncode, shown.returncode, stopped.returncode) == (0, 0, 0), started.stderr
    assert "Kafka answers on 127.0.0.1" in shown.stdout
    assert gone.returncode == 1


def test_without_java_the_command_says_what_to_install(tmp_path: Path) -> None:
    tried = run("deploy.local.kafka", "start", "--home", str(tmp_path), **NOWHERE)

    assert tried.returncode == 1
    assert tried.stderr.startswith("Kafka needs Java 17 or later, and none was found")
    assert "apt-get install openjdk-17" in tried.stderr
    assert tried.stderr.count("\n") == 1


def test_an_old_java_is_told_by_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "java"
    old.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_402\"' >&2\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)

    with pytest.raises(CannotRunError, match=r"is version 1\.8\.0_402"):
        jars.find_java()


def test_without_maven_the_first_start_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setattr(jars, "TARGET", tmp_path / "target")
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(CannotRunError, match="no mvn was found in PATH"):
        jars.fetch_jars(said.append)


def test_a_maven_that_fails_is_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    if shutil.which("mvn") is None:
        pytest.skip("There is no Maven here to fail.")
    broken = tmp_path / "pom.xml"
    broken.write_text("<project>")
    monkeypatch.setattr(jars, "TARGET", tmp_path / "target")
    monkeypatch.setattr(jars, "POM", broken)

    with pytest.raises(CannotRunError, match="Maven could not fetch Kafka's jars"):
        jars.fetch_jars(said.append)
    assert not jars.jars_folder().exists()


def test_where_nothing_can_run_tests_fail_and_say_what_to_install() -> None:
    tried = run("pytest", "-q", "tests/shared/test_topics.py", "-k", "twice", **NOWHERE)

    assert tried.returncode == 1
    assert "No Kafka to test on; TROUSSEAU_TEST_KAFKA may name one." in tried.stdout
    assert "Kafka needs Java 17 or later" in tried.stdout
    assert "skipped" not in tried.stdout


@pytest.mark.usefixtures("home")
def test_the_broker_of_a_killed_test_run_is_ended_by_the_next() -> None:
    killed_run = """if True:
        import os, signal
        from deploy.local import kafka
        from deploy.local.broker import Broker
        from tests import places, places_on_this_machine
        with places.home() as home:
            broker = Broker(home, places.free_port())
            print(home, kafka.start(broker, lambda sentence: None).pid, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    died = subprocess.run(
        [sys.executable, "-c", killed_run], cwd=ROOT, stdout=subprocess.PIPE, check=False, text=True
    )
    left, pid = died.stdout.split()
    assert kafka.running(Broker(Path(left))) == int(pid)

    places.end_leftovers()

    assert kafka.running(Broker(Path(left))) is None
    assert not Path(left).exists()
