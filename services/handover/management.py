"""Device management lets a laptop go, in two acts: retire the device, delete the identity under
which it would enrol again. Each is asked until it is done, later and later.

An adapter is asked; ours speaks a small HTTP of our own to whatever a region puts behind it. Asking
twice is harmless: what is gone already is done.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import quote

import httpx
import msgspec
from msgspec import Struct

from services.handover import core, store
from services.handover.store import Found
from shared.databases import Database
from shared.decisions import Claim
from shared.transact import Service, submit

PARTY = "management"
AT_ONCE = 20  # laptops asked for in one round
PATIENCE_SECONDS = 10.0

log = logging.getLogger(__name__)


class Managing(Protocol):
    """What device management is asked. The answer is "" when the act is done, or else a word that
    says why not; it never raises.
    """

    async def release(self, laptop: str, act: str) -> str: ...


class Unmanaged:
    """Where no device management is set, there is nothing to let go of."""

    async def release(self, laptop: str, act: str) -> str:  # noqa: ARG002  the protocol's
        return ""


class Told(Struct, frozen=True):
    """What device management may answer with: it may say that it failed, and answer 200."""

    state: str = "done"
    code: str = ""


@dataclass(frozen=True)
class OverHttp:
    """Device management behind an address: POST …/devices/<maker>/<SERIAL>/retire, and DELETE
    …/identities/<maker>/<SERIAL>. 2xx or 404 is done; a body may say {"state": "failed", "code"}.
    """

    address: str
    patience: float = PATIENCE_SECONDS

    async def release(self, laptop: str, act: str) -> str:
        name = quote(laptop, safe="/")
        method, path = {
            "retire": ("POST", f"/devices/{name}/retire"),
            "delete-identity": ("DELETE", f"/identities/{name}"),
        }[act]
        try:
            async with (
                asyncio.timeout(self.patience),
                httpx.AsyncClient(timeout=self.patience) as client,
            ):
                answer = await client.request(method, self.address + path)
        except (TimeoutError, httpx.TimeoutException):
            return "no-answer"
        except httpx.HTTPError:
            return "not-reached"
        return _failure(answer)


def _failure(answer: httpx.Response) -> str:
    """Why an act is not done; "" when it is."""
    if answer.status_code == httpx.codes.NOT_FOUND:
        return ""
    if not answer.is_success:
        return f"http-{answer.status_code}"
    try:
        told = msgspec.json.decode(answer.content, type=Told) if answer.content else Told()
    except msgspec.DecodeError:
        return "not-understood"
    return "" if told.state in ("done", "success") else "failed"


def managing(address: str) -> Managing:
    """The adapter for an address; none is set where it is empty."""
    return OverHttp(address) if address else Unmanaged()


@dataclass(frozen=True)
class Releasing:
    """What asking needs of the service."""

    database: Database
    service: Service
    managing: Managing
    now: Callable[[], datetime]
    committed: Callable[[], None]


def releases(releasing: Releasing) -> Callable[[], Awaitable[None]]:
    """A function that asks for what is due, and tells what came of it. Raises Away.

    A kill between the answer and its telling asks once more. An attempt has a number, so that two
    processes which ask at once and hear the same tell it once.
    """

    async def ask() -> None:
        while True:
            due: list[Found] = await releasing.database.read(
                lambda connection: store.releases_due(connection, releasing.now(), AT_ONCE)
            )
            told = await asyncio.gather(*(_asked(releasing, one) for one in due))
            claims = [claim for several in told for claim in several]
            verdicts = await submit(releasing.database, releasing.service, claims, releasing.now())
            releasing.committed()
            if len(due) < AT_ONCE or not any(one.verdict == "applied" for one in verdicts):
                return

    return ask


async def _asked(releasing: Releasing, found: Found) -> list[Claim]:
    """Ask for the acts of a laptop that are due."""
    claims = []
    for name, release in found.handover.releases.items():
        if release.due_at is None or release.due_at > releasing.now():
            continue
        failure = await releasing.managing.release(found.laptop, name)
        if failure:
            about = {"cause": failure, "number": found.number, "act": name}
            log.warning("device management did not let go", extra=about)
        command = core.NoteRelease(found.number, name, failure)
        id = f"{found.number} {name} {release.failed + 1} {failure or 'done'}"
        claims.append(Claim(PARTY, id, found.laptop, releasing.now(), command, stated=False))
    return claims
