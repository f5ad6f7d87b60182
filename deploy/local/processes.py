"""Programs of one state folder: started apart from the terminal, found by pid, ended."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

LOOK_EVERY_SECONDS = 0.05


class CannotRunError(Exception):
    """The machine lacks or refuses something. The text tells a person what, and what to do."""


@dataclass(frozen=True, slots=True)
class Program:
    """One program of a home: `name` names its pid file and its log.

    Its last argument is what a running process is recognised by, so it has to be telling.
    `environment` is added to this process's own.
    """

    name: str
    home: Path
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


def pid_file(home: Path, name: str) -> Path:
    return home / "run" / f"{name}.pid"


def log_file(home: Path, name: str) -> Path:
    return home / "log" / f"{name}.log"


def launch(program: Program) -> "subprocess.Popen[bytes]":
    """Start the program in a session of its own, writing to its log; the caller keeps the process.

    In its own session, because Ctrl-C in a terminal reaches every process of the terminal's group
    at once, and the broker must outlive the services that drain into it.
    Raises CannotRunError when the executable or the state folder refuses.
    """
    pid_path = pid_file(program.home, program.name)
    log_path = log_file(program.home, program.name)
    try:
        pid_path.parent.mkdir(parents=True, exist_ok=True)
        log_path.parent.mkdir(parents=True, exist_ok=True)
        with log_path.open("ab") as log:
            process = subprocess.Popen(
                program.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **program.environment},
                start_new_session=True,
            )
        pid_path.write_text(f"{process.pid}\n")
    except OSError as trouble:
        raise CannotRunError(f"{program.name} cannot be started: {trouble}.") from trouble
    return process


def running(home: Path, name: str, mark: str) -> int | None:
    """The pid in the pid file, if a process with `mark` on its command line has it, else None."""
    try:
        pid = int(pid_file(home, name).read_text())
    except (FileNotFoundError, ValueError):
        return None
    return pid if is_running(pid, mark) else None


def is_running(pid: int, mark: str) -> bool:
    """Pids are used again after a crash or a reboot: only the command line says whose one is.

    A dead child nobody has waited for yet has no command line any more, and counts as gone.
    """
    if Path("/proc/self/cmdline").exists():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False
        return mark.encode() in command
    listed = subprocess.run(
        ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, check=False, text=True
    )
    return mark in listed.stdout


def end(pid: int, mark: str, patience_seconds: float) -> bool:
    """Ask the process to stop, wait, then force it. True when it went by itself."""
    send(pid, signal.SIGTERM)
    if gone(pid, mark, patience_seconds):
        return True
    kill(pid, mark)
    return False


def kill(pid: int, mark: str) -> None:
    """End the process at once, as a power cut would; returns when it is gone."""
    send(pid, signal.SIGKILL)
    gone(pid, mark, patience_seconds=10)


def send(pid: int, what: signal.Signals) -> None:
    try:
        os.kill(pid, what)
    except ProcessLookupError:
        return


def gone(pid: int, mark: str, patience_seconds: float) -> bool:
    until = time.monotonic() + patience_seconds
    while is_running(pid, mark):
        if time.monotonic() > until:
            return False
        time.sleep(LOOK_EVERY_SECONDS)
    return True


def forget(home: Path, name: str) -> None:
    pid_file(home, name).unlink(missing_ok=True)


def last_lines(home: Path, name: str, count: int = 12) -> str:
    """The end of a program's log, for the sentence that says why it died."""
    path = log_file(home, name)
    if not path.exists():
        return "(it wrote no log)"
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - 16_384))
        lines = log.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-count:]) or "(its log is empty)"


def port_is_free(port: int) -> bool:
    """Whether this machine lets us listen on 127.0.0.1:`port`."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        # Without it a port stays refused for a minute after its last user left.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_megabytes(home: Path) -> int:
    """Room on the disk that holds the state folder, in millions of bytes."""
    return shutil.disk_usage(home).free // 1_000_000


def demand_room(home: Path, megabytes: int = 300) -> None:
    """Raise CannotRunError when the disk that holds the state folder is nearly full."""
    home.mkdir(parents=True, exist_ok=True)
    free = free_megabytes(home)
    if free < megabytes:
        raise CannotRunError(
            f"The disk that holds {home} is full: {free} MB are free, {megabytes} MB are needed. "
            "Make room, or move the state folder to another disk with TROUSSEAU_HOME."
        )
