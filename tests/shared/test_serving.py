"""What every service's HTTP has in common: who may what, how often, and how it ends."""

import asyncio

import pytest
from starlette.applications import Starlette

from shared import process
from shared.databases import open_database


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
