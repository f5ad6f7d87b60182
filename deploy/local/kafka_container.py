"""The run's broker in a container, where an engine runs but no Java does."""

import hashlib
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from deploy.local.broker import NAME, Broker, shared_settings
from deploy.local.processes import CannotRunError, Program

IMAGE = "apache/kafka:4.4.0"
DATA = "/var/lib/kafka/data"
PROBE_SECONDS = 5


def find_engine() -> str | None:
    """The command of a container engine that answers, or None."""
    executable = shutil.which("docker")
    if executable is None:
        return None
    try:
        asked = subprocess.run(
            [executable, "version"], capture_output=True, check=False, timeout=PROBE_SECONDS
        )
    except subprocess.TimeoutExpired:
        return None
    return executable if asked.returncode == 0 else None


def prepare(broker: Broker, engine: str, say: Callable[[str], None] = print) -> Program:
    """The broker as a program: the engine's own command, which hands a stop on to the container.

    The records lie in a volume of the engine, named after the home: the image's own user could not
    write to a folder of ours. Raises CannotRunError when the image cannot be had.
    """
    _demand_image(engine, say)
    name = container_name(broker.home)
    ports = f"127.0.0.1:{broker.port}:{broker.port}"
    environment = [f"--env={key}={value}" for key, value in container_environment(broker).items()]
    run = [
        *(engine, "run", "--rm", f"--name={name}", f"--publish={ports}"),
        *(f"--volume={name}:{DATA}", *environment, IMAGE),
    ]
    # A container that outlived a killed run still has the name and the port.
    script = f"{shlex.quote(engine)} rm -f {name} >/dev/null 2>&1; exec {shlex.join(run)}"
    return Program(NAME, broker.home.resolve(), ("/bin/sh", "-c", script, name))


def container_name(home: Path) -> str:
    """The container's and its volume's name; it is also what the program is recognised by."""
    return f"trousseau-kafka-{hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:12]}"


def _demand_image(engine: str, say: Callable[[str], None]) -> None:
    there = subprocess.run([engine, "image", "inspect", IMAGE], capture_output=True, check=False)
    if there.returncode == 0:
        return
    say(f"Fetching the image {IMAGE}, this once…")
    pulled = subprocess.run(
        [engine, "pull", "-q", IMAGE], capture_output=True, check=False, text=True
    )
    if pulled.returncode != 0:
        raise CannotRunError(f"The image {IMAGE} cannot be had: {pulled.stderr.strip()}")


def container_environment(broker: Broker) -> dict[str, str]:
    """What the image's own start script makes Kafka's settings of."""
    # The same port inside as outside: the broker reaches itself by the name that clients use,
    # and has it again when it is started again.
    controller = broker.port + 1
    settings = shared_settings(broker) | {
        "listeners": f"CLIENTS://:{broker.port},CONTROLLER://:{controller}",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "log.dirs": DATA,
    }
    environment = {
        f"KAFKA_{key.upper().replace('.', '_')}": value for key, value in settings.items()
    }
    return {"KAFKA_HEAP_OPTS": "-Xmx512m"} | environment
