"""Which topics a broker has, and which of them are to be read."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

LOOK_SECONDS = 5.0  # between two looks for topics that have come

Welcome = Callable[[str], bool]
"""Whether a topic is read as well, once it is there."""


@asynccontextmanager
async def admin(kafka: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client that asks a broker about itself. Raises KafkaError where none answers."""
    client = AIOKafkaAdminClient(bootstrap_servers=kafka)
    try:
        await client.start()
        yield client
    finally:
        await client.close()


async def while_there(kafka: str, work: Coroutine[Any, Any, None]) -> None:
    """Do work that would wait for a broker for ever. Raises KafkaError when there is none."""
    working = asyncio.create_task(work)
    try:
        while not (await asyncio.wait([working], timeout=LOOK_SECONDS))[0]:
            async with admin(kafka):
                pass
        await working
    finally:
        working.cancel()


async def once_there(
    kafka: str, needed: Collection[str], welcome: Welcome | None, missing: Callable[[str], None]
) -> Sequence[str]:
    """The topics to read, as soon as all that are needed are there;
    `missing` is told the names of those that are not. Raises KafkaError.
    """
    async with admin(kafka) as client:
        while absent := set(needed) - set(there := await client.list_topics()):
            missing(", ".join(sorted(absent)))
            await asyncio.sleep(2)
    return wanted(needed, welcome, there)


def wanted(needed: Iterable[str], welcome: Welcome | None, there: Iterable[str]) -> Sequence[str]:
    """The topics to read, of those that are there."""
    return sorted({*needed, *(filter(welcome, there) if welcome else ())})


async def after_a_while(
    kafka: str, needed: Collection[str], welcome: Welcome | None, before: Sequence[str]
) -> Sequence[str]:
    """The topics to read in LOOK_SECONDS; those of before where no broker answers."""
    await asyncio.sleep(LOOK_SECONDS)
    try:
        async with admin(kafka) as client:
            return wanted(needed, welcome, await client.list_topics())
    except (KafkaError, OSError):
        return before
