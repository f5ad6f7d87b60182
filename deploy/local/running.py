"""A whole system on this machine: brought up in order, watched, brought down in the other order."""

import asyncio
import fcntl
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from deploy import topics
from deploy.local import broker as brokers
from deploy.local import jars, kafka, kafka_container, processes, prometheus, trial_keys
from deploy.local.processes import CannotRunError, Program
from deploy.local.system import System, demand_ports, service_program
from deploy.local.watching import Watched

RUNNER = "runner"
RUNNER_MARK = "deploy.local.run"
READY_SECONDS = 60
DRAIN_SECONDS = 30
SENDERS_BY_KAFKA = ("carrier:", "supplier:")

Say = Callable[[str], None]


class AskedToStopError(Exception):
    """Ctrl-C or SIGTERM came while the system was still being brought up."""


@dataclass(slots=True)
class Running:
    """What is up, in the order it was started; `stopping` is set when it is to end."""

    system: System
    say: Say
    stopping: threading.Event
    watched: list[Watched] = field(default_factory=list)

    def go_on(self) -> None:
        """Raise AskedToStopError once stopping is set."""
        if self.stopping.is_set():
            raise AskedToStopError


@contextmanager
def alone_in(home: Path) -> Iterator[None]:
    """Hold the state folder for this runner, whose pid stands in it meanwhile.

    Raises CannotRunError while another one holds it, or when its disk is full.
    """
    processes.demand_room(home)
    otherwise = ", or give this one a home and ports of its own (TROUSSEAU_HOME, TROUSSEAU_PORT)"
    with held(home, otherwise):
        processes.pid_file(home, RUNNER).write_text(f"{os.getpid()}\n")
        try:
            yield
        finally:
            processes.forget(home, RUNNER)


@contextmanager
def held(home: Path, otherwise: str = "") -> Iterator[None]:
    """Keep every runner out of the state folder. Raises CannotRunError while one holds it."""
    pid_path = processes.pid_file(home, RUNNER)
    pid_path.parent.mkdir(parents=True, exist_ok=True)
    with pid_path.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # Whoever holds the lock writes it: no need to ask whether it still runs.
            pid = pid_path.read_text().strip() if pid_path.exists() else "not told yet"
            raise CannotRunError(
                f"A system runs already in {home} (pid {pid}): stop it with Ctrl-C where it was "
                f"started or with `make stop`{otherwise}."
            ) from None
        yield


def bring_up(run: Running, parties: Sequence[str]) -> None:
    """Broker, schemas, keys, topics, services, in an order in which none waits for a later one.

    Raises CannotRunError with a sentence, AskedToStopError; what is up by then is in `run.watched`.
    """
    system = run.system
    end_leftovers(system, run.say)
    scraping = prometheus.prepare(system)
    beside = [("Prometheus", system.prometheus_port)] if scraping else []
    demand_ports(system, *beside)
    if system.broker is not None:
        program = broker_program(system.broker, run.say)
        run.say("Starting Kafka…")
        _launch(run, program)
    run.go_on()
    migrate(system)
    make_master_key(system)
    held = trial_keys.make(system.keys, system.trial_keys, parties)
    if system.broker is not None:
        kafka.wait_until_answering(system.broker, run.watched[0].process)
    run.go_on()
    declare_topics(system, [party for party in held if party.startswith(SENDERS_BY_KAFKA)])
    run.say(f"Starting {', '.join(system.services)}…")
    for name in system.services:
        _launch(run, service_program(system, name))
    for name, port in system.services.items():
        wait_until_ready(run, name, f"http://{system.host}:{port}/health/ready")
    if scraping is not None:
        _launch(run, scraping)


def bring_down(run: Running) -> None:
    """Services first, all at once, for they drain into the broker; then the broker."""
    of_broker = [one for one in run.watched if one.program.name == brokers.NAME]
    others = [one for one in run.watched if one.program.name != brokers.NAME]
    for group in (others, of_broker):
        for one in group:
            one.process.terminate()
        for one in group:
            _wait_for(one, run.say)
    if of_broker and run.system.broker is not None:
        brokers.keep_class_archive(
            run.system.broker, clean=of_broker[0].process.returncode != -signal.SIGKILL
        )


def _wait_for(one: Watched, say: Say) -> None:
    try:
        one.process.wait(DRAIN_SECONDS)
    except subprocess.TimeoutExpired:
        say(f"{one.program.name} did not stop within {DRAIN_SECONDS} s and is killed.")
        one.process.kill()
        one.process.wait()
    processes.forget(one.program.home, one.program.name)


def _launch(run: Running, program: Program) -> None:
    run.watched.append(Watched(program, processes.launch(program)))


def end_leftovers(system: System, say: Say) -> None:
    """End the programs that an earlier run of this home left behind when it was killed."""
    marks = [(name, f"services.{name}") for name in system.services]
    marks.append((prometheus.NAME, str(system.home)))
    marks.append((brokers.NAME, kafka_container.container_name(system.home)))
    marks.append((brokers.NAME, str(system.home)))
    for name, mark in marks:
        pid = processes.running(system.home, name, mark)
        if pid is not None:
            say(f"{name} of an earlier run is still there (pid {pid}): it is stopped first.")
            processes.end(pid, mark, DRAIN_SECONDS)


def broker_program(broker: brokers.Broker, say: Say) -> Program:
    """The run's broker: on this machine's Java, else in a container.

    Raises CannotRunError, saying what is missing for Java, where there is no engine either.
    """
    try:
        jars.find_java()
        jars.fetch_jars(say)
    except CannotRunError as reason:
        engine = kafka_container.find_engine()
        if engine is None:
            raise CannotRunError(
                f"{reason} A container engine would do as well, and none answers."
            ) from None
        return kafka_container.prepare(broker, engine, say)
    return brokers.prepare(broker, say)


def migrate(system: System) -> None:
    """Make the services' databases where they are missing and bring them to the newest schema."""
    done = subprocess.run(
        [sys.executable, "-m", "shared.migrations", "migrate", *system.services],
        env={**os.environ, **system.environment},
        capture_output=True,
        check=False,
        text=True,
    )
    if done.returncode != 0:
        said = "\n".join(done.stderr.strip().splitlines()[-6:])
        raise CannotRunError(f"The databases cannot be brought to the newest schema:\n{said}")


def make_master_key(system: System) -> None:
    """Make enrolment's master key, for the home's owner alone, where there is none."""
    done = subprocess.run(
        [sys.executable, "-m", "services.enrolment.vault", "make"],
        env={**os.environ, **system.environment},
        capture_output=True,
        check=False,
        text=True,
    )
    if done.returncode != 0:
        raise CannotRunError(f"No master key can be made: {done.stderr.strip()[-300:]}")


def declare_topics(system: System, senders: Sequence[str]) -> None:
    """Make or check every topic before anything subscribes."""
    # Each refused connection would be a line of its own; the last one is in the sentence.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        asyncio.run(topics.declare(system.kafka, parties=senders))
    except topics.TopicsError as trouble:
        raise CannotRunError(str(trouble)) from trouble


def wait_until_ready(run: Running, name: str, url: str) -> None:
    """Return once the service answers that it is ready. Raises CannotRunError when it does not."""
    (one,) = (one for one in run.watched if one.program.name == name)
    until = time.monotonic() + READY_SECONDS
    while not (answer := _ask(url)).startswith("200"):
        run.go_on()
        if one.process.poll() is not None:
            said = processes.last_lines(run.system.home, name)
            raise CannotRunError(f"{name} stopped while starting. Its last words:\n{said}")
        if time.monotonic() > until:
            raise CannotRunError(
                f"{name} is not ready after {READY_SECONDS} s ({answer}). "
                f"Its log: {processes.log_file(run.system.home, name)}"
            )
        time.sleep(0.1)


def _ask(url: str) -> str:
    try:
        # Not through a proxy of the environment: it would answer for a service that is not there.
        answer = httpx.get(url, timeout=5, trust_env=False)
    except httpx.HTTPError:
        return "it does not answer"
    return f"{answer.status_code} {answer.text[:300]}"
