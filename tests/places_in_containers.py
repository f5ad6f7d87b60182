"""Kafka and PostgreSQL in containers, where an engine runs."""

import gc
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.local import kafka_container
from deploy.local.broker import Broker
from deploy.local.kafka import answers
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

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

POSTGRES_IMAGE = "postgres:17"
POSTGRES_PORT = 5432
PROBE_SECONDS = 2


@contextmanager
def kafka() -> Iterator[Kafka]:
    """A broker in a container. Raises NoPlaceError without an engine or the image."""
    # The home is the container's own; only the port is of interest.
    broker = Broker(Path(), free_port())
    ports, settings = {broker.port: broker.port}, kafka_container.container_environment(broker)
    with _container(kafka_container.IMAGE, ports, settings) as container:
        inner = container.get_wrapped_container()

        def wait() -> None:
            wait_until(lambda: answers(broker.bootstrap), kafka_container.IMAGE)

        def start() -> None:
            inner.start()
            wait()

        def resume() -> None:
            inner.unpause()
            wait()

        wait()
        yield Kafka(broker.bootstrap, start, inner.stop, inner.kill, inner.pause, resume)


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server in a container. Raises NoPlaceError without an engine or the image."""
    port = free_port()
    url = f"postgresql://{POSTGRES_USER}@127.0.0.1:{port}"
    settings = {
        "POSTGRES_USER": POSTGRES_USER,
        "POSTGRES_HOST_AUTH_METHOD": "trust",
        "POSTGRES_INITDB_ARGS": " ".join(POSTGRES_SORTING),
    }
    with _container(POSTGRES_IMAGE, {POSTGRES_PORT: port}, settings) as container:
        inner = container.get_wrapped_container()

        def wait() -> None:
            wait_until(lambda: postgres_answers(url), POSTGRES_IMAGE)

        def start() -> None:
            inner.start()
            wait()

        wait()
        yield PostgresServer(url, start, inner.stop, inner.kill)


@contextmanager
def _container(
    image: str, ports: Mapping[int, int], settings: Mapping[str, str]
) -> Iterator["DockerContainer"]:
    container = _started_or_reason(image, ports, settings)
    if isinstance(container, str):
        raise NoPlaceError(container)
    try:
        yield container
    finally:
        container.stop()


def _started_or_reason(
    image: str, ports: Mapping[int, int], settings: Mapping[str, str]
) -> "DockerContainer | str":
    # The engine's client forgets to close its socket where nobody listens; that is no fault of
    # the test which happens to run when it is collected.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            return _started(image, ports, settings)
        except Exception as trouble:
            # Whatever an engine that is absent or half there raises: the next rung is the answer.
            first_line = next(iter(str(trouble).splitlines()), repr(trouble))
        gc.collect()
    return f"{image} cannot be started: {first_line}"


def _started(
    image: str, ports: Mapping[int, int], settings: Mapping[str, str]
) -> "DockerContainer":
    # Slow to import, and of no use to a run that is given its addresses.
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.docker_client import DockerClient

    engine = DockerClient(timeout=PROBE_SECONDS).client
    try:
        engine.ping()
    finally:
        engine.close()
    container = DockerContainer(image).with_envs(**settings)
    for inside, outside in ports.items():
        container = container.with_bind_ports(inside, outside)
    return container.start()
