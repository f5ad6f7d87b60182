"""Keeping programs running: who dies is started again, who keeps dying ends the watch."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from deploy.local import processes
from deploy.local.processes import CannotRunError, Program

LOOK_EVERY_SECONDS = 0.2
DEATHS = 3
WITHIN_SECONDS = 60
LEAST_ROOM_MEGABYTES = 20
PAUSES_SECONDS = (0.2, 1.0, 3.0)


@dataclass(slots=True)
class Watched:
    """A program and the process it is now."""

    program: Program
    process: "subprocess.Popen[bytes]"
    died_at: list[float] = field(default_factory=list)  # own deaths, monotonic seconds
    restarts: int = 0
    start_at: float | None = None  # monotonic seconds, while it is down


def watch_all(
    watched: Sequence[Watched],
    stopping: threading.Event,
    say: Callable[[str], None],
    over: Callable[[], bool] = lambda: False,
) -> None:
    """Until `stopping` is set or it is over: start again whatever dies, after a pause that grows.

    Raises CannotRunError, with its last words, when a program dies three times within a minute.
    A kill from outside is not the program's own doing and is not counted; nor is a death on a full
    disk, after which it is started again once there is room.
    """
    while not over() and not stopping.wait(LOOK_EVERY_SECONDS):
        for one in watched:
            look_at(one, say)


def look_at(one: Watched, say: Callable[[str], None]) -> None:
    """One look at one program: note its death, or start it again when its pause is over."""
    now = time.monotonic()
    if one.start_at is not None:
        if now >= one.start_at and _has_room(one.program):
            one.process, one.start_at = processes.launch(one.program), None
        return
    status = one.process.poll()
    if status is not None:
        _note_death(one, status, now, say)


def _note_death(one: Watched, status: int, now: float, say: Callable[[str], None]) -> None:
    name, home = one.program.name, one.program.home
    room = _has_room(one.program)
    if room and status != -signal.SIGKILL:
        one.died_at = [at for at in one.died_at if now - at < WITHIN_SECONDS] + [now]
    if len(one.died_at) >= DEATHS:
        said = processes.last_lines(home, name)
        raise CannotRunError(
            f"{name} died {DEATHS} times within a minute ({_how(status)}); everything is stopped. "
            f"Its last words, from {processes.log_file(home, name)}:\n{said}"
        )
    pause = PAUSES_SECONDS[min(len(one.died_at), len(PAUSES_SECONDS) - 1)]
    one.start_at = now + pause
    one.restarts += 1
    again = "it is started again"
    if not room:
        again = f"the disk that holds {home} is full: make room, then {again}"
    say(f"{name} died ({_how(status)}); {again}. Log: {processes.log_file(home, name)}")


def _has_room(program: Program) -> bool:
    return processes.free_megabytes(program.home) >= LEAST_ROOM_MEGABYTES


def _how(status: int) -> str:
    return f"exit {status}" if status >= 0 else f"signal {-status}"
