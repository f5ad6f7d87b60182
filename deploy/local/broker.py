"""A broker before it starts: where it lives, its settings, its formatted storage, its command."""

import base64
import shutil
import subprocess
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.local import processes
from deploy.local.jars import Java, fetch_jars, find_java, jars_folder
from deploy.local.processes import CannotRunError, Program

NAME = "kafka"
LAST_PORT = 32_766  # the controller takes the next one

# A small heap and the serial collector hold 250 MB and carry 200,000 facts; the first tier of the
# compiler alone starts twice as fast and gives the same throughput.
JVM_FLAGS = (
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xlog:disable",
    "-Xlog:all=error:stderr",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)

# What any broker of ours has, on the JVM here or in a container.
COMMON = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "CLIENTS",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "num.partitions": "12",
    "log.retention.ms": "-1",
    # The default, 128 MiB, does not fit a small heap.
    "log.cleaner.dedupe.buffer.size": "4194304",
    # After kill -9 the broker waits for its own old registration to lapse.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
}


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker lives. It listens on 127.0.0.1 at `port`, its controller at `port` + 1.

    With one copy of everything, a record that is acknowledged but not yet on the disk is lost by
    a power cut: 1 in `flush_interval_messages` makes every acknowledgement wait for the disk.
    """

    home: Path
    port: int = 8092
    flush_interval_messages: int = 1

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"


def settings_path(broker: Broker) -> Path:
    """The broker's settings file; its path is what a running broker is recognised by."""
    return broker.home.resolve() / "kafka" / "server.properties"


def shared_settings(broker: Broker) -> dict[str, str]:
    """Kafka's settings that are the same on the JVM here and in a container."""
    return COMMON | {
        "advertised.listeners": f"CLIENTS://{broker.bootstrap}",
        "log.flush.interval.messages": str(broker.flush_interval_messages),
    }


def prepare(broker: Broker, say: Callable[[str], None] = print) -> Program:
    """Everything before the start: Java, jars, settings, formatted storage.

    Raises CannotRunError when Java or Maven is missing, a port is taken, or the disk is full.
    """
    java = find_java()
    _demand_ports(broker)
    processes.demand_room(broker.home)
    jars = fetch_jars(say)
    data = _write_settings(broker)
    if not (data / "meta.properties").exists():
        _format(broker, java, jars)
    return Program(NAME, broker.home.resolve(), _command(broker, java, jars))


def _demand_ports(broker: Broker) -> None:
    if broker.port > LAST_PORT:
        raise CannotRunError(f"Port {broker.port} is too high: give Kafka one up to {LAST_PORT}.")
    for port in (broker.port, broker.port + 1):
        if not processes.port_is_free(port):
            raise CannotRunError(
                f"Port {port} is in use by another program: stop that one, or give Kafka another "
                "port (it takes the one it is given and the next)."
            )


def _write_settings(broker: Broker) -> Path:
    """Write the broker's settings, and return its data folder."""
    path = settings_path(broker)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = path.parent / "data"
    settings = shared_settings(broker) | {
        "listeners": f"CLIENTS://{broker.bootstrap},CONTROLLER://127.0.0.1:{broker.port + 1}",
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{broker.port + 1}",
        "log.dirs": str(data),
    }
    path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return data


def _format(broker: Broker, java: Java, jars: Path) -> None:
    done = subprocess.run(
        [
            *_java(java, jars),
            "kafka.tools.StorageTool",
            *("format", "--standalone", "--ignore-formatted"),
            *("--cluster-id", _new_cluster_id()),
            *("--config", str(settings_path(broker))),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        text=True,
    )
    if done.returncode != 0:
        said = "\n".join(done.stdout.splitlines()[-6:])
        raise CannotRunError(f"Kafka's storage in {broker.home} cannot be formatted:\n{said}")


def _new_cluster_id() -> str:
    while True:
        name = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not name.startswith("-"):  # it would be read as an option
            return name


def _java(java: Java, jars: Path) -> list[str]:
    # In one order on every machine and day: the class archive is refused for any other.
    class_path = ":".join(str(jar) for jar in sorted(jars.glob("*.jar")))
    return [java.executable, *JVM_FLAGS, "-cp", class_path]


def _command(broker: Broker, java: Java, jars: Path) -> tuple[str, ...]:
    archive = jars / f"classes-{java.version}.jsa"
    fresh = settings_path(broker).with_name(archive.name)
    fresh.unlink(missing_ok=True)
    # The archive of loaded classes halves every start but the first, which writes it as it stops.
    use = "-XX:SharedArchiveFile" if archive.exists() else "-XX:ArchiveClassesAtExit"
    java_command, *rest = _java(java, jars)
    option = f"{use}={archive if archive.exists() else fresh}"
    return (java_command, option, *rest, "kafka.Kafka", str(settings_path(broker)))


def keep_class_archive(broker: Broker, clean: bool) -> None:
    """Put the archive a first run wrote beside the jars; one cut short by force is thrown away."""
    for fresh in settings_path(broker).parent.glob("classes-*.jsa"):
        if clean and jars_folder().exists():
            beside = jars_folder() / f"{fresh.name}.new"
            shutil.copyfile(fresh, beside)
            beside.replace(jars_folder() / fresh.name)
        fresh.unlink()
