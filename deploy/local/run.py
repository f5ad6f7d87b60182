"""The local runner: the whole system on this machine, and three invented school years played on it.

State lies in TROUSSEAU_HOME (var), ports begin at TROUSSEAU_PORT (8000), TROUSSEAU_DATABASE is
sqlite or a PostgreSQL URL, TROUSSEAU_KAFKA names a broker that runs already: docs/operating.md.

    python -m deploy.local.run run
    python -m deploy.local.run demo --laptops 1000 --once
"""

import argparse
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

import httpx

from deploy.local import processes, prometheus, wiping
from deploy.local.invented import going_on
from deploy.local.processes import CannotRunError
from deploy.local.running import (
    DRAIN_SECONDS,
    RUNNER,
    RUNNER_MARK,
    AskedToStopError,
    Running,
    alone_in,
    bring_down,
    bring_up,
    end_leftovers,
    held,
)
from deploy.local.system import System, demand_ports, read
from deploy.local.watching import watch_all

CANNOT_RUN = 2
PLAYER = "partners.year"
MANY = "how many (default: 5000); some with rarer lives come on top"


def main(arguments: list[str] | None = None) -> int:
    """0 as wished, 1 when a played year did not balance, 2 when something is missing."""
    options, rest = _parser().parse_known_args(arguments)
    if rest and options.act != "year":
        _parser().error(f"unknown: {' '.join(rest)}")
    try:
        return ACTS[options.act](options, rest)
    except AskedToStopError:
        return 0 if options.act == "run" else CANNOT_RUN
    except (CannotRunError, OSError) as trouble:
        # An OSError here is the state folder's: full, not ours, not writable.
        sys.stderr.write(f"{trouble}\n")
        return CANNOT_RUN


def run(_options: argparse.Namespace, _rest: list[str]) -> int:
    """The system, until Ctrl-C; in the time of the years that were played on it, if some were."""
    played = read(os.environ, played=True)
    system = played if played.clock.exists() else read(os.environ)
    beside = _managed(system) if system is played else nullcontext()
    _demand_ports_of_a_new(system)
    with alone_in(system.home), beside, _up(system) as running:
        _say(where_to_look(running))
        with going_on(system.clock) if system is played else nullcontext():
            watch_all(running.watched, running.stopping, _say)
    return 0


def demo(options: argparse.Namespace, _rest: list[str]) -> int:
    """The system and a played year; then until Ctrl-C, or not if once. The player's exit code."""
    system = read(os.environ, played=True)
    _demand_ports_of_a_new(system, ("device management", system.management_port))
    with alone_in(system.home), _managed(system):
        _set_clock(system)
        with _up(system) as running:
            _say(where_to_look(running))
            played = _play(system, options, running)
            if running.stopping.is_set():
                _say("The same command goes on from here: what was sent counts once.")
            elif options.once:
                _say(
                    "The system ends now; `make run` starts it again, with these laptops and pages."
                )
            else:
                _say("The system goes on until Ctrl-C, and its time with it.")
                with going_on(system.clock):
                    watch_all(running.watched, running.stopping, _say)
    return played


def year(_options: argparse.Namespace, rest: list[str]) -> int:
    """The player alone, on a system that runs. Does not return: the player takes this process."""
    system = read(os.environ)
    words = list(rest)
    if "--at" not in words:
        words += ["--at", f"http://{system.host}:{system.first_port}", "--kafka", system.kafka]
    if "--keys" not in words:
        words += ["--keys", str(system.trial_keys)]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", PLAYER, *words])  # noqa: S606  no shell is wanted


def stop(_options: argparse.Namespace, _rest: list[str]) -> int:
    """End the system of this home, from another terminal."""
    system = read(os.environ)
    pid = processes.running(system.home, RUNNER, RUNNER_MARK)
    if pid is None:
        end_leftovers(system, _say)
        _say(f"No system runs in {system.home}.")
        return 0
    processes.send(pid, signal.SIGTERM)
    if not processes.gone(pid, RUNNER_MARK, 2 * DRAIN_SECONDS + 10):
        raise CannotRunError(f"The system in {system.home} (pid {pid}) does not stop.")
    _say(f"The system in {system.home} is stopped.")
    return 0


def wipe(_options: argparse.Namespace, _rest: list[str]) -> int:
    """Remove what a system of this home left, when none runs: databases, Kafka's log, keys."""
    system = read(os.environ)
    with held(system.home):
        end_leftovers(system, _say)
        wiping.wipe(system, os.environ, _say)
    return 0


@contextmanager
def _up(system: System) -> Iterator[Running]:
    """The system up and ready inside, down after, however it ends."""
    # Imported here, because only whoever starts a system needs to know who plays on it.
    from partners.year import parties

    running = Running(system, _say, threading.Event())
    asked = [signal.SIGINT, signal.SIGTERM]
    # Under nohup a closed terminal is to be survived; a shell's background jobs ignore Ctrl-C in
    # the same way, but whoever sends that signal to our pid means it.
    asked += [signal.SIGHUP] if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN else []
    for one in asked:
        signal.signal(one, lambda _number, _frame: running.stopping.set())
    try:
        bring_up(running, parties())
        yield running
    finally:
        if running.watched:
            _say("Stopping…")
            bring_down(running)
            _say("Stopped.")


@contextmanager
def _managed(system: System) -> Iterator[None]:
    """An invented device management beside the system. Raises CannotRunError when its port is in
    use.
    """
    from partners import management

    demand_ports(system, ("device management", system.management_port))
    with management.serving(system.management_port):
        yield


def _demand_ports_of_a_new(system: System, *others: tuple[str, int]) -> None:
    """Raise CannotRunError before a home is made for a system whose ports are taken. Where there is
    a home, what an earlier run left behind may have them, and is ended first.
    """
    if not system.home.exists():
        demand_ports(system, *others)


def _play(system: System, options: argparse.Namespace, running: Running) -> int:
    """The player's exit code; 2 when it was ended before the year was."""
    words = ["--at", f"http://{system.host}:{system.first_port}"]
    words += ["--keys", str(system.trial_keys), "--clock", str(system.clock)]
    words += ["--kafka", system.kafka]
    words += ["--laptops", str(options.laptops), "--seed", str(options.seed)]
    player = subprocess.Popen([sys.executable, "-m", PLAYER, *words])
    try:
        watch_all(running.watched, running.stopping, _say, lambda: player.poll() is not None)
    finally:
        player.terminate()
        player.wait()
    return player.returncode if player.returncode >= 0 else CANNOT_RUN


def _set_clock(system: System) -> None:
    """Give the services a time to start with; the player moves it on."""
    if not system.clock.exists():
        system.clock.write_text(f"{datetime.now(UTC).isoformat()}\n")


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def where_to_look(running: Running) -> str:
    """What a person who just started the system wants to know."""
    system, at = running.system, f"http://{running.system.host}"
    scraped = any(one.program.name == prometheus.NAME for one in running.watched)
    charts = f"{at}:{system.prometheus_port}" if scraped else "not installed here, and not needed"
    lines = [
        ("Pages", f"{at}:{system.first_port}/"),
        *((name, f"{at}:{port}  /openapi.json /metrics") for name, port in system.services.items()),
        ("Prometheus", charts),
        ("Kafka", system.kafka),
        ("Keys", f"{system.trial_keys} (one for each party)"),
        ("Logs", f"{system.home / 'log'}"),
        ("State", f"{system.home} {_held_so_far(system)}"),
        *_time_of(system),
        ("Stop", "Ctrl-C here, or `make stop`"),
    ]
    return "\n".join(["", "Trousseau is running.", *(f"  {a:<12}{b}" for a, b in lines), ""])


def _time_of(system: System) -> list[tuple[str, str]]:
    """Which time it is, where that is not the machine's."""
    if "TROUSSEAU_CLOCK" not in system.environment:
        return []
    return [
        ("Time", f"{Path(system.environment['TROUSSEAU_CLOCK']).read_text().strip()}, invented")
    ]


def _held_so_far(system: System) -> str:
    """How many laptops there are from before, as tracking counts them."""
    url = f"http://{system.host}:{system.first_port}/api/laptops?limit=1"
    try:
        known = httpx.get(url, timeout=10, trust_env=False).json()["total"]
    except (httpx.HTTPError, ValueError, KeyError):
        return "(tracking does not say what it holds)"
    if not known:
        return "holds no laptop yet"
    return f"holds {known} laptops from before; `make wipe` empties it, once this is stopped"


ACTS: dict[str, Callable[[argparse.Namespace, list[str]], int]] = {
    "run": run,
    "demo": demo,
    "year": year,
    "stop": stop,
    "wipe": wipe,
}


def _many(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 up")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.local.run",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    acts = parser.add_subparsers(dest="act", required=True)
    acts.add_parser("run", help="start everything and stay until Ctrl-C")
    playing = acts.add_parser("demo", help="the same, and three invented school years on it")
    playing.add_argument("--laptops", type=_many, default=5000, help=MANY)
    playing.add_argument("--seed", type=int, default=2020, help="which cohort (default: 2020)")
    playing.add_argument(
        "--once",
        action="store_true",
        help="stop after them: exit 0 when every laptop is as the player's book says, else 1",
    )
    acts.add_parser(
        "year",
        help=f"play the first year on a running system; takes the options of {PLAYER}",
        add_help=False,
    )
    acts.add_parser("stop", help="stop the system that runs in this home")
    acts.add_parser(
        "wipe", help="remove databases, log and keys of this home, when nothing runs there"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
