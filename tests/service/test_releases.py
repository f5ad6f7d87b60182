"""Device management that fails, is silent, answers late or strangely: a real HTTP server."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from services.handover import management
from services.handover.management import OverHttp
from shared.contracts.handover import RELEASES
from tests import places
from tests.builders import Running, a_service, key_of, wait_until
from tests.service import handing_over as of

DAYS = timedelta(days=1)


class Devices:
    """Device management: what it answers, and what it was asked."""

    def __init__(self) -> None:
        self.answer: tuple[int, bytes] = (204, b"")
        self.late = 0.0
        self.mute = False
        self.asked: Counter[str] = Counter()
        devices = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                devices.asked[f"{self.command} {self.path}"] += 1
                time.sleep(devices.late)
                if devices.mute:
                    self.close_connection = True
                    return
                status, body = devices.answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_DELETE = do_POST  # noqa: N815  http.server's name

            def log_message(self, *_: Any) -> None:
                """Nothing: the tests look at what was asked."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def devices() -> Iterator[Devices]:
    made = Devices()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


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


def test_a_release_that_fails_for_a_week_stays_visible_and_goes_on_by_itself(
    handover: Running, devices: Devices, clock: Moved
) -> None:
    devices.answer = (503, b"")
    of.put(handover, of.as_far_as(1, "releasing"))
    failed = 0
    for day in range(8):
        clock(of.JUNE + day * DAYS)
        wait_until(lambda: releases(handover)["retire"]["failed"] > failed, "it failed again")  # noqa: B023  asked at once
        failed = releases(handover)["retire"]["failed"]
        assert state(handover)["state"] == "releasing"
    shown = releases(handover)["retire"]
    assert (shown["failure"], shown["failing_since"][:10]) == ("http-503", "2023-06-20")
    assert handover.get("region", "/api/handovers?failing=true")["total"] == 1
    assert handover.get("region", "/api/handover-campaigns/fin-2023")["failing"] == 1
    devices.answer = (204, b"")
    clock(of.JUNE + 9 * DAYS)
    wait_until(lambda: state(handover)["state"] == "released", "it goes on by itself")
    assert handover.get("region", "/api/handovers?failing=true")["total"] == 0


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


def test_one_laptop_that_fails_holds_no_other_back(handover: Running, devices: Devices) -> None:
    devices.answer = (200, b'{"state":"failed"}')
    of.put(handover, of.as_far_as(1, "releasing"))
    wait_until(lambda: releases(handover)["retire"]["failed"] == 1, "the first fails")
    devices.answer = (204, b"")
    of.put(handover, of.as_far_as(2, "releasing"))
    wait_until(lambda: state(handover, 2)["state"] == "released", "the second is released")
    assert state(handover)["state"] == "releasing"
