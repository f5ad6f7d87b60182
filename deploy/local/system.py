"""What one run is made of, read from the environment: services, ports, programs."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local import processes
from deploy.local.broker import Broker
from deploy.local.processes import CannotRunError, Program
from shared import settings

ROOT = Path(__file__).parents[2]
KAFKA_OFFSET = 92
PROMETHEUS_OFFSET = 90
MANAGEMENT_OFFSET = 91
EVERYWHERE = "0.0.0.0"  # noqa: S104  compared with, never listened on


@dataclass(frozen=True, slots=True)
class System:
    """One run. `services` maps each name to its port; `broker` is None where Kafka runs elsewhere.

    `environment` is what every program of the run is told.
    """

    home: Path
    host: str  # where to look, not what is listened on
    first_port: int
    kafka: str
    broker: Broker | None
    services: Mapping[str, int]
    keys: Path
    environment: Mapping[str, str]

    @property
    def trial_keys(self) -> Path:
        return self.home / "trial-keys.json"

    @property
    def clock(self) -> Path:
        return self.home / "clock"

    @property
    def management_port(self) -> int:
        """Where the invented device management answers, while a year is played."""
        return self.first_port + MANAGEMENT_OFFSET

    @property
    def prometheus_port(self) -> int:
        return self.first_port + PROMETHEUS_OFFSET


def read(said: Mapping[str, str], *, played: bool = False) -> System:
    """The system that the environment describes. Raises CannotRunError when it contradicts itself.

    Where a year is `played`, the services take the time from a file in the home, which a player
    moves, and an invented device management stands beside them.
    """
    try:
        known = settings.read("tracking", said)
    except settings.Wrong as trouble:
        raise CannotRunError(f"{trouble}.") from trouble
    first_port = known.port - settings.PORTS["tracking"]
    home = known.home.resolve()
    own = None if said.get("TROUSSEAU_KAFKA") else Broker(home, first_port + KAFKA_OFFSET)
    told = {
        "TROUSSEAU_HOME": str(home),
        "TROUSSEAU_PORT": str(first_port),
        "TROUSSEAU_KAFKA": known.kafka,
        "PYTHONUNBUFFERED": "1",
    }
    if played:
        told["TROUSSEAU_CLOCK"] = str(home / "clock")
        told["TROUSSEAU_MANAGEMENT"] = f"http://127.0.0.1:{first_port + MANAGEMENT_OFFSET}"
    return System(
        home=home,
        host="127.0.0.1" if known.host == EVERYWHERE else known.host,
        first_port=first_port,
        kafka=known.kafka,
        broker=own,
        services={name: first_port + settings.PORTS[name] for name in _services()},
        keys=known.keys,
        environment=told,
    )


def _services() -> list[str]:
    """Every service whose package is there; a new one needs no line here."""
    return [name for name in settings.PORTS if (ROOT / "services" / name / "__main__.py").exists()]


def service_program(system: System, name: str) -> Program:
    """A service as a program of this run's home."""
    command = (sys.executable, "-m", f"services.{name}")
    return Program(name, system.home, command, system.environment)


def demand_ports(system: System, *others: tuple[str, int]) -> None:
    """Raise CannotRunError naming the first port of this run that another program has."""
    wanted = [*system.services.items(), *others]
    if system.broker is not None:
        wanted += [("Kafka", system.broker.port), ("Kafka's controller", system.broker.port + 1)]
    for name, port in wanted:
        if not processes.port_is_free(port):
            raise CannotRunError(
                f"Port {port}, for {name}, is in use by another program: stop that one, or move "
                f"this system with TROUSSEAU_PORT, its first port (now {system.first_port})."
            )
