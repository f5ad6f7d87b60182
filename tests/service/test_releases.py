"""Device management that fails, is silent, answers late or strangely: a real HTTP server."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.handover import management
from services.handover.management import OverHttp
from shared.contracts.handover import RELEASES
from shared.telemetry import EXTRAS
from tests import places
from tests.builders import Running, a_service, key_of, wait_until
from tests.devices import Devices, managing
from tests.service import handing_over as of

DAYS = timedelta(days=1)


@pytest.fixture
def devices() -> Iterator[Devices]:
    with managing() as made:
        yield made


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ((204, b""), ""),
        ((200, b'{"state":"success"}'), ""),
        ((404, b"no such device"), ""),
        ((500, b""), "http-500"),
        ((429, b""), "http-429"),
        ((302, b""), "http-302"),
        ((200, b'{"state":"failed","code":"busy"}'), "failed"),
        ((200, b"<html>"), "not-understood"),
    ],
)
@pytest.mark.parametrize("act", RELEASES)
def test_each_answer_is_told_by_a_word(
    devices: Devices, act: str, answer: tuple[int, bytes], word: str
) -> None:
    devices.answer = answer
    assert asyncio.run(OverHttp(devices.address).release("hp/5CD0001", act)) == word


def test_the_two_acts_are_a_retirement_and_the_deletion_of_an_identity(devices: Devices) -> None:
    for act in RELEASES:
        asyncio.run(OverHttp(devices.address).release("hp/5CD.0-1_A", act))
    assert devices.asked == {
        "POST /devices/hp/5CD.0-1_A/retire": 1,
        "DELETE /identities/hp/5CD.0-1_A": 1,
    }


def test_what_answers_too_late_or_not_at_all_or_is_not_there_is_told(devices: Devices) -> None:
    devices.late = 5
    late = OverHttp(devices.address, patience=0.2)
    assert asyncio.run(late.release("hp/5CD0001", "retire")) == "no-answer"
    devices.late, devices.mute = 0, True
    mute = OverHttp(devices.address)
    assert asyncio.run(mute.release("hp/5CD0001", "retire")) == "not-reached"
    nowhere = OverHttp(f"http://127.0.0.1:{places.free_port()}")
    assert asyncio.run(nowhere.release("hp/5CD0001", "retire")) == "not-reached"


def test_where_no_management_is_set_there_is_nothing_to_let_go_of() -> None:
    none = management.managing("")
    assert asyncio.run(none.release("hp/5CD0001", "retire")) == ""


# -- in the service


Moved = Callable[[datetime], None]


@pytest.fixture
def clock(tmp_path: Path) -> Moved:
    file = tmp_path / "clock"

    def move(to: datetime) -> None:
        fresh = file.with_suffix(".new")
        fresh.write_text(to.isoformat())
        fresh.replace(file)

    move(of.JUNE)
    return move


@pytest.fixture
def handover(tmp_path: Path, devices: Devices, clock: Moved) -> Iterator[Running]:
    """Handover with a campaign and two laptops, device management behind it."""
    clock(of.JUNE)
    said = {"TROUSSEAU_CLOCK": str(tmp_path / "clock"), "TROUSSEAU_MANAGEMENT": devices.address}
    url = f"sqlite:///{tmp_path / 'handover.sqlite3'}"
    with a_service("handover", url, tmp_path, environment=said) as running:
        of.put(running, of.known([1, 2]))
        of.put(running, of.campaign())
        of.put(running, of.called([1, 2]))
        yield running


def state(running: Running, number: int = 1) -> dict[str, Any]:
    found: dict[str, Any] = running.get("region", f"/api/handovers/{of.number_of(number)}")
    return found


def releases(running: Running, number: int = 1) -> dict[str, dict[str, Any]]:
    return {one["release"]: one for one in state(running, number)["releases"]}


def test_what_one_act_did_is_not_asked_again_for_the_other(
    handover: Running, devices: Devices, clock: Moved
) -> None:
    of.put(handover, of.as_far_as(1, "releasing"))
    wait_until(lambda: state(handover)["state"] == "released", "it is released")
    clock(of.JUNE + DAYS)
    of.put(handover, of.as_far_as(2, "releasing"))
    wait_until(lambda: state(handover, 2)["state"] == "released", "the other is released")
    wanted = {f"POST /devices/{key_of(n)}/retire" for n in (1, 2)}
    wanted |= {f"DELETE /identities/{key_of(n)}" for n in (1, 2)}
    assert devices.asked == dict.fromkeys(wanted, 1)


def test_the_log_says_which_act_of_which_handover_failed_and_names_no_laptop(
    handover: Running, devices: Devices, caplog: pytest.LogCaptureFixture
) -> None:
    devices.answer = (503, b"")
    of.put(handover, of.as_far_as(1, "releasing"))
    wait_until(lambda: releases(handover)["retire"]["failed"] == 1, "it fails")
    told = [vars(one) for one in caplog.records if one.name == management.__name__]
    line = {"cause": "http-503", "number": of.number_of(1)}
    assert {one["act"] for one in told} == {*RELEASES}
    assert all(line.items() <= one.items() for one in told)
    assert {"act", *line} <= {*EXTRAS}
    assert key_of(1) not in caplog.text
    assert key_of(1).partition("/")[2] not in str(told)


def test_one_laptop_that_fails_holds_no_other_back(handover: Running, devices: Devices) -> None:
    devices.answer = (200, b'{"state":"failed"}')
    of.put(handover, of.as_far_as(1, "releasing"))
    wait_until(lambda: releases(handover)["retire"]["failed"] == 1, "the first fails")
    devices.answer = (204, b"")
    of.put(handover, of.as_far_as(2, "releasing"))
    wait_until(lambda: state(handover, 2)["state"] == "released", "the second is released")
    assert state(handover)["state"] == "releasing"
