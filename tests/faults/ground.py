"""What faults are done on: a broker of one's own, a system that is made anew once it is spoilt."""

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deploy.local.processes import CannotRunError
from tests import places_in_containers, places_on_this_machine, running
from tests.places import Kafka, PostgresServer
from tests.running import System

SERVICES = ("ordering", "delivery", "tracking")  # faults of repairs: test_repairs_killed.py


@dataclass
class Sometimes:
    """What a suite that proves something must have met: hoped for by a test, then met or not."""

    hoped: set[str] = field(default_factory=set)
    met: Counter[str] = field(default_factory=Counter)

    def note(self, state: str, times: int = 1) -> None:
        """This test means to bring the state about; `times` says how often it did."""
        self.hoped.add(state)
        self.met[state] += times


@dataclass
class Broker:
    """A broker that may be killed, silenced or lose its disk; `mended` gives it back."""

    kafka: Kafka
    home: Path | None  # None in a container
    state: str = "up"

    @property
    def bootstrap(self) -> str:
        return self.kafka.bootstrap

    def kill(self) -> None:
        self.kafka.kill()
        self.state = "down"

    def stop(self) -> None:
        self.kafka.stop()
        self.state = "down"

    def start(self) -> None:
        self.kafka.start()
        self.state = "up"

    def pause(self) -> None:
        self.kafka.pause()
        self.state = "silent"

    def resume(self) -> None:
        self.kafka.resume()
        self.state = "up"

    def lose_its_disk(self) -> None:
        """Stop it and throw all its data away: what starts again is another cluster."""
        if self.home is None:
            pytest.skip("the broker is in a container, whose disk is not ours to take away")
        self.stop()
        shutil.rmtree(self.home / "kafka" / "data")

    def mended(self) -> None:
        if self.state == "down":
            self.start()
        elif self.state == "silent":
            self.resume()


@contextmanager
def broker(home: Path) -> Iterator[Broker]:
    """A broker on this machine's Java, else in a container."""
    with ExitStack() as stack:
        try:
            on_java = stack.enter_context(places_on_this_machine.kafka(home))
            made = Broker(on_java, home)
        except CannotRunError:
            made = Broker(stack.enter_context(places_in_containers.kafka()), None)
        try:
            yield made
        finally:
            made.mended()


@dataclass
class Ground:
    """A system for the tests of one file, made when it is first asked for and again when spoilt."""

    kind: str
    broker: Broker
    homes: pytest.TempPathFactory
    server: PostgresServer | None
    stack: ExitStack = field(default_factory=ExitStack)
    made: System | None = None

    def system(self) -> System:
        """The system with all its services up."""
        if self.made is None:
            running.fresh_topics(self.broker.bootstrap)
            home, database = self.homes.mktemp(self.kind), self.kind
            if self.server is not None:
                database = self.stack.enter_context(running.databases(self.server, SERVICES))
            made = running.system(home, database, self.broker.bootstrap, SERVICES)
            self.made = self.stack.enter_context(made)
        self.made.start()
        return self.made

    def throw_away(self) -> None:
        """End it and forget it: what a failed test left behind must not fail the next."""
        self.made = None
        self.stack.close()
