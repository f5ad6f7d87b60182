"""Services killed, stopped, and asked to stop while they work, on both databases."""

import time
from random import Random

import httpx
import pytest

from shared.listening import SESSION_MS
from tests.faults.checking import ask, check, offsets
from tests.faults.ground import SERVICES, Sometimes
from tests.faults.load import carriers, two_carriers, until_more
from tests.running import System, until
from tests.system.acts import MODEL, ended_job, laptops, list_schools, place_order, post_file, uai

ROWS = 4_000
GROUP_GIVES_UP_SECONDS = SESSION_MS / 1000 + 0.5


def test_whoever_is_killed_under_load_nothing_acknowledged_is_lost_or_counts_twice(
    system: System, chance: Random, rounds: int, sometimes: Sometimes
) -> None:
    acme, bolt = two_carriers(system, laptops(40), chance)
    # On PostgreSQL the partitions of a killed process wait until its session has lapsed.
    kills = ["delivery", "tracking"] * ((2 if system.on_sqlite else 1) * rounds)
    chance.shuffle(kills)
    with carriers(acme, bolt) as acknowledged:
        for name in kills:
            until_more(acknowledged, 100)
            time.sleep(chance.random() * 0.3)
            system.services[name].kill()
            system.start(name)
        until_more(acknowledged, 100)

    def kill() -> None:
        system.delivery.kill()
        system.start("delivery")

    acme.unheard(kill)  # between a commit and its answer is a moment that not every kill meets
    saw = check(system, acme.acknowledged | bolt.acknowledged)
    met = acme.seen + bolt.seen
    sometimes.note("a batch without an answer sent again", met["an unknown batch sent again"])
    sometimes.note("a duplicate absorbed after a kill", met["a duplicate absorbed"])
    sometimes.note("a fact sent to Kafka again after a kill", saw.again_on_topics)


def test_a_serial_list_goes_on_where_it_was_when_ordering_is_killed(
    system: System, chance: Random, rounds: int, sometimes: Sometimes
) -> None:
    school, keys = uai(), laptops(ROWS)
    list_schools(system, school)
    order = place_order(system, ROWS - 10, school)
    rows = [f"1,{key.replace('/', ',')},{MODEL}" for key in keys]
    rows += rows[:7]  # seven serials stand in it twice
    posted = post_file(
        system,
        "supplier:hexalog",
        f"/api/orders/{order}/serials/imports",
        "line,maker,serial,model",
        rows,
    )
    assert posted.status_code == httpx.codes.ACCEPTED
    job = posted.headers["location"]
    for _ in range(2 * rounds):
        _until_it_goes_on(system, job)
        time.sleep(chance.random() * 0.1)
        system.ordering.kill()
        system.start("ordering")
        if _rows_read(system, job) == len(rows):
            break
        sometimes.note("a job resumed after a kill")
    ended = ended_job(system, job)
    counts = ("total", "read", "applied", "duplicate", "waiting", "refused", "conflict")
    assert [ended[name] for name in counts] == [ROWS + 7, ROWS + 7, ROWS - 10, 7, 0, 10, 0]
    report = system.call("ordering", "supplier:hexalog", f"{job}/report").text.splitlines()
    assert [line.split(",")[0] for line in report[1:]] == [str(n + 1) for n in range(len(rows))]
    check(system)


def _until_it_goes_on(system: System, job: str) -> None:
    before = _rows_read(system, job)
    until(lambda: _rows_read(system, job) > before, "the job goes on")


def _rows_read(system: System, job: str) -> int:
    read: int = system.call("ordering", "ops", job).json()["read"]
    return read


def test_a_service_asked_to_stop_under_load_finishes_what_it_took_and_ends_with_0(
    system: System, chance: Random
) -> None:
    acme, bolt = two_carriers(system, laptops(30), chance)
    with carriers(acme, bolt) as acknowledged:
        for name in chance.sample(SERVICES, len(SERVICES)):
            until_more(acknowledged, 60)
            assert system.services[name].stop() == 0, system.services[name].words()[-2_000:]
            system.start(name)
        until_more(acknowledged, 60)
    check(system, acme.acknowledged | bolt.acknowledged)


def test_tracking_made_anew_under_load_ends_as_one_that_was_always_there(
    system: System, chance: Random
) -> None:
    acme, bolt = two_carriers(system, laptops(30), chance)
    with carriers(acme, bolt) as acknowledged:
        until_more(acknowledged, 100)
        system.begins_anew("tracking")
        until_more(acknowledged, 100)
    check(system, acme.acknowledged | bolt.acknowledged)


@pytest.mark.parametrize("ground", ["sqlite"], indirect=True)
def test_tracking_stopped_past_its_session_and_woken_has_no_effect_twice(
    system: System, chance: Random
) -> None:
    acme, bolt = two_carriers(system, laptops(30), chance)
    with carriers(acme, bolt) as acknowledged:
        until_more(acknowledged, 100)
        until(lambda: ask(system, "tracking", offsets), "tracking has read something")
        system.tracking.pause()
        time.sleep(GROUP_GIVES_UP_SECONDS)
        system.tracking.resume()
        until_more(acknowledged, 100)
    check(system, acme.acknowledged | bolt.acknowledged)
