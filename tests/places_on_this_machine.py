"""Kafka on this machine's Java and PostgreSQL from its packages, where no container engine runs."""

import os
import pwd
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local import kafka as broker_verbs
from deploy.local.broker import Broker
from tests.places import (
    POSTGRES_SORTING,
    POSTGRES_USER,
    Kafka,
    NoPlaceError,
    PostgresServer,
    free_port,
    postgres_answers,
    wait_until,
)

OLDEST_POSTGRES = 15
ROOTS_STAND_IN = "postgres"


@contextmanager
def kafka(home: Path) -> Iterator[Kafka]:
    """A broker on the JVM. Raises CannotRunError without Java or Maven."""
    broker = Broker(home, free_port())
    process = broker_verbs.start(broker)

    def start() -> None:
        nonlocal process
        process = broker_verbs.start(broker)

    def stop() -> None:
        broker_verbs.stop(broker)
        process.wait()

    def kill() -> None:
        broker_verbs.kill(broker)
        process.wait()

    def pause() -> None:
        process.send_signal(signal.SIGSTOP)

    def resume() -> None:
        process.send_signal(signal.SIGCONT)
        wait_until(lambda: broker_verbs.answers(broker.bootstrap), "Kafka")

    try:
        yield Kafka(broker.bootstrap, start, stop, kill, pause, resume)
    finally:
        process.send_signal(signal.SIGCONT)
        stop()


@contextmanager
def postgres_server(home: Path) -> Iterator[PostgresServer]:
    """A server made for this run. Raises NoPlaceError without PostgreSQL's binaries."""
    binaries = _postgres_binaries()
    folder = home / "postgres"
    folder.mkdir()
    as_owner = _as_owner(folder)
    port = free_port()
    url = f"postgresql://{POSTGRES_USER}@127.0.0.1:{port}"
    data = str(folder / "data")

    def control(*words: str) -> None:
        _run([*as_owner, str(binaries / "pg_ctl"), "-D", data, "-w", *words])

    def start() -> None:
        options = f"-h 127.0.0.1 -p {port} -k {folder}"
        control("-l", str(folder / "log"), "-o", options, "start")
        wait_until(lambda: postgres_answers(url), "PostgreSQL")

    def stop() -> None:
        control("-m", "fast", "stop")

    def kill() -> None:
        control("-m", "immediate", "stop")

    # --no-sync is about making the files only: the server itself waits for the disk as it should.
    making = ["-D", data, "-U", POSTGRES_USER, "--auth=trust", "--no-sync", *POSTGRES_SORTING]
    _run([*as_owner, str(binaries / "initdb"), *making])
    start()
    try:
        yield PostgresServer(url, start, stop, kill)
    finally:
        kill()


def _postgres_binaries() -> Path:
    """The folder of initdb and pg_ctl: the one in PATH, else the newest where Debian puts them."""
    found = shutil.which("initdb")
    known = [Path(found).resolve().parent] if found else []
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    known += [path.parent for path in sorted(versions, key=_version, reverse=True)]
    for folder in known:
        if _version(folder / "initdb") >= OLDEST_POSTGRES and (folder / "pg_ctl").exists():
            return folder
    raise NoPlaceError(
        f"no initdb of PostgreSQL {OLDEST_POSTGRES} or later in PATH or /usr/lib/postgresql "
        "(Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql@17)"
    )


def _version(initdb: Path) -> int:
    asked = subprocess.run([initdb, "--version"], capture_output=True, check=False, text=True)
    named = re.search(r"(\d+)", asked.stdout)
    return int(named[1]) if named else 0


def _as_owner(folder: Path) -> list[str]:
    """The words before a command that let it own the folder: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    runuser = shutil.which("runuser")
    try:
        owner = pwd.getpwnam(ROOTS_STAND_IN)
    except KeyError:
        owner = None
    if runuser is None or owner is None:
        raise NoPlaceError(
            f"PostgreSQL does not run as root, and a user {ROOTS_STAND_IN} to run it as, or the "
            "command runuser, is missing: run the tests as another user"
        )
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    return [runuser, "-u", ROOTS_STAND_IN, "--"]


def _run(command: list[str]) -> None:
    # In a folder that its user may enter, and with its output in a pipe that the server, which
    # outlives pg_ctl, does not hold open.
    done = subprocess.run(
        command,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
        text=True,
    )
    if done.returncode != 0:
        said = done.stderr.strip().replace("\n", "; ")
        raise NoPlaceError(f"{Path(command[-1]).name} of PostgreSQL fails: {said}")
