"""The broker killed, away and silent: intake goes on from its own database, facts flow again."""

from functools import partial
from random import Random

import httpx
import pytest

from tests.faults.checking import check
from tests.faults.ground import SERVICES, Broker
from tests.faults.load import Carrier, carriers, two_carriers, until_more
from tests.running import System, until
from tests.system.acts import event, laptops, life, ordered, uai, verdicts, when

pytestmark = pytest.mark.parametrize("ground", ["sqlite"], indirect=True)


def troubles(system: System, name: str) -> dict[str, str]:
    """What a service says goes badly while it can still take work."""
    answer = system.http.get(f"{system.services[name].url}/health/ready")
    assert answer.status_code == httpx.codes.OK, answer.text
    told: dict[str, str] = answer.json()["trouble"]
    return told


def tells_of(system: System, name: str, part: str) -> bool:
    return part in troubles(system, name)


def untroubled(system: System, name: str) -> bool:
    return troubles(system, name) == {}


def pids(system: System) -> dict[str, int]:
    return {name: one.process.pid for name, one in system.services.items() if one.process}


def answered_always(*those: Carrier) -> None:
    """Each call of these was answered, and with 200 (or 429: not so fast)."""
    statuses = {status for one in those for _, status in one.answers}
    assert statuses <= {200, 429}
    assert sum(one.seen["unknown"] for one in those) == 0


def test_with_the_broker_killed_intake_goes_on_and_facts_flow_again_without_restart(
    system: System, broker: Broker, chance: Random, rounds: int
) -> None:
    before = pids(system)
    acme, bolt = two_carriers(system, laptops(40), chance)
    for _ in range(rounds):
        with carriers(acme, bolt) as acknowledged:
            until_more(acknowledged, 100)
            broker.kill()
            until_more(acknowledged, 200)
            until(partial(tells_of, system, "delivery", "relay"), "delivery tells of it")
            until(partial(tells_of, system, "tracking", "listening"), "tracking tells of it")
            broker.start()
            until_more(acknowledged, 100)
        check(system, acme.acknowledged | bolt.acknowledged)
    answered_always(acme, bolt)
    assert pids(system) == before
    for name in SERVICES:
        until(partial(untroubled, system, name), f"{name} has nothing to tell of")


def test_with_the_broker_silent_intake_goes_on_and_facts_flow_again_without_restart(
    system: System, broker: Broker, chance: Random
) -> None:
    before = pids(system)
    acme, bolt = two_carriers(system, laptops(40), chance)
    with carriers(acme, bolt) as acknowledged:
        until_more(acknowledged, 100)
        broker.pause()
        until_more(acknowledged, 300)
        until(partial(tells_of, system, "delivery", "relay"), "delivery tells of it")
        broker.resume()
        until_more(acknowledged, 100)
    check(system, acme.acknowledged | bolt.acknowledged)
    answered_always(acme, bolt)
    assert pids(system) == before


def test_services_started_without_a_broker_take_work_and_say_what_is_away(
    system: System, broker: Broker
) -> None:
    school, (laptop,) = uai(), laptops(1)
    ordered(system, school, [laptop])
    for name in SERVICES:
        system.services[name].kill()
    broker.stop()
    system.start()
    scan = event("in-transit", "2020-08-26T20:00:00+02:00", [laptop])
    assert verdicts(system, "carrier:acme", scan) == ["applied"]
    assert life(system, laptop)["location"] == "announced"
    until(partial(tells_of, system, "delivery", "relay"), "delivery tells of its relay")
    until(partial(tells_of, system, "delivery", "listening"), "delivery tells of its reading")
    until(partial(tells_of, system, "tracking", "listening"), "tracking tells of its reading")
    broker.start()
    when(system, laptop, {"location": "in-transit"})
    check(system)


def test_a_service_asked_to_stop_without_a_broker_ends_with_0_and_loses_nothing(
    system: System, broker: Broker, chance: Random
) -> None:
    acme, bolt = two_carriers(system, laptops(30), chance)
    with carriers(acme, bolt) as acknowledged:
        until_more(acknowledged, 50)
        broker.kill()
        until_more(acknowledged, 50)
        for name in SERVICES:
            assert system.services[name].stop() == 0, system.services[name].words()[-2_000:]
        system.start()
        for name in SERVICES:  # once more: now they never had a broker
            assert system.services[name].stop() == 0, system.services[name].words()[-2_000:]
        system.start()
        until_more(acknowledged, 50)
        broker.start()
        until_more(acknowledged, 50)
    check(system, acme.acknowledged | bolt.acknowledged)
