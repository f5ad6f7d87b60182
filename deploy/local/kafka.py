"""One Apache Kafka broker on the JVM, for a single machine and for the tests.

It runs on this machine's Java; Maven fetches its jars the first time.

    python -m deploy.local.kafka start --home var --port 8092
"""

import argparse
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from deploy.local import processes
from deploy.local.broker import NAME, Broker, keep_class_archive, prepare, settings_path
from deploy.local.processes import CannotRunError
from deploy.local.watching import Watched, watch_all

START_SECONDS = 60
STOP_SECONDS = 30


def start(broker: Broker, say: Callable[[str], None] = print) -> "subprocess.Popen[bytes]":
    """Start the broker and return once it answers; the caller keeps the process.

    Raises CannotRunError as prepare does, when this home's broker runs already, or when it dies
    while starting.
    """
    return _start_watched(broker, say).process


def _start_watched(broker: Broker, say: Callable[[str], None]) -> Watched:
    pid = running(broker)
    if pid is not None:
        raise CannotRunError(f"The broker of {broker.home} is running already (pid {pid}).")
    program = prepare(broker, say)
    process = processes.launch(program)
    wait_until_answering(broker, process)
    return Watched(program, process)


def wait_until_answering(broker: Broker, process: "subprocess.Popen[bytes]") -> None:
    """Return once the broker answers. Raises CannotRunError with its last words if it does not."""
    until = time.monotonic() + START_SECONDS
    while not answers(broker.bootstrap):
        if process.poll() is not None:
            processes.forget(broker.home, NAME)
            said = processes.last_lines(broker.home, NAME)
            raise CannotRunError(f"Kafka stopped while starting. Its last words:\n{said}")
        if time.monotonic() > until:
            raise CannotRunError(
                f"Kafka did not answer on {broker.bootstrap} in {START_SECONDS} s."
            )
        time.sleep(processes.LOOK_EVERY_SECONDS)


def running(broker: Broker) -> int | None:
    """The pid of this home's broker, or None."""
    return processes.running(broker.home, NAME, str(settings_path(broker)))


def stop(broker: Broker) -> bool:
    """Stop this home's broker cleanly, by force after 30 s. False when none was running."""
    pid = running(broker)
    if pid is None:
        return False
    clean = processes.end(pid, str(settings_path(broker)), STOP_SECONDS)
    processes.forget(broker.home, NAME)
    keep_class_archive(broker, clean)
    return True


def kill(broker: Broker) -> bool:
    """End this home's broker as a power cut would. False when none was running."""
    pid = running(broker)
    if pid is None:
        return False
    processes.kill(pid, str(settings_path(broker)))
    processes.forget(broker.home, NAME)
    return True


def answers(bootstrap: str) -> bool:
    """Whether a Kafka broker at "host:port" answers an ApiVersions request within a second.

    An accepted connection proves nothing: a connection to a free port of the range that clients
    use may connect to itself.
    """
    host, _, port = bootstrap.partition(":")
    api_versions, version, number, no_client_id = 18, 0, 20_200_901, -1
    request = struct.pack(">hhih", api_versions, version, number, no_client_id)
    try:
        with socket.create_connection((host, int(port)), timeout=1) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            answer = connection.recv(10)
    except OSError:
        return False
    return len(answer) == 10 and struct.unpack(">ih", answer[4:]) == (number, 0)


def watch(broker: Broker, stopping: threading.Event, say: Callable[[str], None] = print) -> None:
    """Run this home's broker until `stopping` is set, starting it again whenever it dies.

    Raises CannotRunError as start does, and when it keeps dying.
    """
    watched = _start_watched(broker, say)
    say(f"Kafka answers on {broker.bootstrap} (pid {watched.process.pid}).")
    try:
        watch_all([watched], stopping, say)
    finally:
        stop(broker)
        watched.process.wait()


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    broker = Broker(options.home, options.port, options.flush_interval_messages)
    try:
        return ACTS[options.act](broker)
    except CannotRunError as trouble:
        sys.stderr.write(f"{trouble}\n")
        return 1


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def _start(broker: Broker) -> int:
    process = start(broker, _say)
    _say(f"Kafka answers on {broker.bootstrap} (pid {process.pid}).")
    return 0


def _stop(broker: Broker) -> int:
    _say("Kafka is stopped." if stop(broker) else f"No broker of {broker.home} is running.")
    return 0


def _kill(broker: Broker) -> int:
    _say("Kafka is killed." if kill(broker) else f"No broker of {broker.home} is running.")
    return 0


def _status(broker: Broker) -> int:
    pid = running(broker)
    if pid is None:
        _say(f"No broker of {broker.home} is running.")
        return 1
    if not answers(broker.bootstrap):
        _say(f"Kafka runs (pid {pid}) but does not answer on {broker.bootstrap}.")
        return 1
    _say(f"Kafka answers on {broker.bootstrap} (pid {pid}).")
    return 0


def _watch(broker: Broker) -> int:
    stopping = threading.Event()
    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, lambda _number, _frame: stopping.set())
    watch(broker, stopping, _say)
    return 0


ACTS: dict[str, Callable[[Broker], int]] = {
    "start": _start,
    "stop": _stop,
    "kill": _kill,
    "status": _status,
    "watch": _watch,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.local.kafka",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "act",
        choices=ACTS,
        help="start: return once it answers; stop: cleanly; kill: as a power cut would; "
        "status: exit 0 when it answers; watch: stay, and start it again whenever it dies",
    )
    parser.add_argument(
        "--home",
        type=Path,
        default=Path("var"),
        help="state folder: data in kafka/, pid in run/kafka.pid, log in log/kafka.log "
        "(default: var)",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=8092,
        help="port on 127.0.0.1; the next one is taken too (default: 8092)",
    )
    parser.add_argument(
        "--flush-interval-messages",
        type=int,
        default=1,
        metavar="N",
        help="records between two flushes to the disk (default: 1, nothing acknowledged is lost)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
