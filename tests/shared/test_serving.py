"""What every service's HTTP has in common: who may what, how often, and how it ends."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable

import pytest
from starlette.applications import Starlette

from shared import process
from shared.databases import Away, open_database


async def test_a_service_ends_even_when_a_library_lost_the_word_to_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "PATIENCE_SECONDS", 0.01)
    heard = 0

    async def hard_of_hearing() -> None:
        nonlocal heard
        while heard < 3:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                heard += 1

    database = open_database("sqlite:////dev/null")
    living = process.lifespan(database, {"deaf": hard_of_hearing})
    async with asyncio.timeout(20), living(Starlette()):
        await asyncio.sleep(0)
    assert heard == 3


async def cancelled() -> None:
    """A task that waits for what somebody else cancelled."""
    other: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    other.cancel()
    await other


async def fails() -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize("task", [cancelled, fails])
async def test_a_task_that_ends_unasked_ends_the_process_however_it_ends(
    task: Callable[[], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken: set[str] = set()
    monkeypatch.setattr(process, "BROKEN", broken)
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    database = open_database("sqlite:////dev/null")
    try:
        async with asyncio.timeout(20), process.lifespan(database, {"x": task})(Starlette()):
            await told.wait()
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
    assert broken == {"x"}


async def test_a_timer_says_once_what_it_waits_for_and_goes_on_when_that_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    acted, done = 0, asyncio.Event()

    async def act() -> None:
        nonlocal acted
        acted += 1
        if acted in (1, 2, 3, 5):
            raise Away("the list cannot be written")
        if acted > 5:
            done.set()

    with caplog.at_level(logging.WARNING, "shared.process"):
        timer = asyncio.ensure_future(process.every(0.001, act)())
        async with asyncio.timeout(20):
            await done.wait()
        timer.cancel()
    causes = [vars(one)["cause"] for one in caplog.records]
    assert causes == ["the list cannot be written"] * 2
