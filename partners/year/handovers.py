"""Which numbers the system gave to handovers, how they stand, and which code a school was given."""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import date, datetime

import httpx
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from partners.year.acts import Act
from partners.year.post import BUSY_SECONDS, PlayError, System, decoded, get, post, unwell

PAUSE_SECONDS = 0.2
GOES_ON_SECONDS = 1.0
UNWELL_SECONDS = 20.0
NO_CODE = "000000"


class Release(Struct, frozen=True):
    """An act of device management, as far as the player waits for it."""

    done_at: datetime | None = None
    failed: int = 0


class Shown(Struct, frozen=True):
    """A handover as the list shows one."""

    handover: str
    state: str
    opened_at: datetime | None = None
    offered_at: datetime | None = None
    due_on: date | None = None
    blocked: tuple[str, ...] = ()
    releases: tuple[Release, ...] = ()

    @property
    def released(self) -> bool:
        return bool(self.releases) and all(one.done_at for one in self.releases)

    @property
    def failed(self) -> int:
        return max((one.failed for one in self.releases), default=0)


class Listed(Struct, frozen=True):
    """The handovers of a laptop."""

    items: tuple[Shown, ...] = ()


class Drawn(Struct, frozen=True):
    """A code that was drawn."""

    signing_code: str | None = None


STANDS: Mapping[str, Callable[[Shown], bool]] = {
    "": lambda _: True,
    "free": lambda one: not one.blocked,
    "blocked": lambda one: bool(one.blocked or one.offered_at),
    "released": lambda one: one.released,
    "failed-1": lambda one: one.released or one.failed >= 1,
    "failed-2": lambda one: one.released or one.failed >= 2,
    "failed-3": lambda one: one.released or one.failed >= 3,
    "asked-back": lambda one: one.due_on is not None,
    "overdue": lambda one: one.state in ("return-overdue", "written-off"),
}
"""How a handover may have to stand before something is asked of it."""


async def addressed(
    system: System, act: Act, numbers: dict[str, str], goes_on: Callable[[], None]
) -> Act:
    """An act with the number of its handover, once that stands as it has to; with a fresh code
    where it is a signature. `numbers`: the last that was known of each laptop, looked up anew
    by an act that waits; `goes_on`: called while one waits, for time goes on then.
    """
    if not act.laptop:
        return act
    if act.wants or act.laptop not in numbers:
        numbers[act.laptop] = await _number(system, act, goes_on)
    number = numbers[act.laptop]
    found = replace(act, path=act.path.format(handover=number))
    if not act.path.endswith("/signature") or not isinstance(act.body, dict):
        return found
    return replace(found, body=act.body | {"code": await _code(system, found, act.body)})


async def _number(system: System, act: Act, goes_on: Callable[[], None]) -> str:
    """Not for long where a service says that it is unwell, for then the book will show it. Raises
    PlayError when it takes ten minutes.
    """
    begun = time.monotonic()
    while True:
        found = await _standing(system, act)
        if found and STANDS[act.wants](found):
            return found.handover
        waited = time.monotonic() - begun
        if waited > UNWELL_SECONDS and await unwell(system):
            return found.handover if found else act.laptop.rpartition("/")[2]
        if waited > BUSY_SECONDS:
            how = f"is not {act.wants or 'there'}: {found.state if found else 'unknown'}"
            raise PlayError(f"The handover of {act.laptop} {how} after ten minutes ({act.id})")
        if waited > GOES_ON_SECONDS:
            goes_on()
        await asyncio.sleep(PAUSE_SECONDS)


async def _standing(system: System, act: Act) -> Shown | None:
    """The laptop's last handover that was not called off, as of the act: years that are played
    again know of later ones.
    """
    asked = httpx.QueryParams({"laptop": act.laptop})
    answer = await get(system, "handover", f"/api/handovers?{asked}", act.party)
    standing = [
        one
        for one in decoded(answer.text, Listed).items
        if one.state != "cancelled" and (one.opened_at is None or one.opened_at <= act.at)
    ]
    return max(standing, key=lambda one: (one.opened_at is not None, one.opened_at), default=None)


async def _code(system: System, act: Act, body: Mapping[str, object]) -> str:
    """What the school is given when somebody comes to sign; whoever signed needs none any more."""
    told: dict[str, object] = {"id": f"{act.id}-code", "happened_at": body["happened_at"]}
    path = act.path.replace("/signature", "/code")
    answer = await post(system, replace(act, id=f"{act.id}-code", path=path, body=told))
    try:
        return msgspec.json.decode(answer.text, type=Drawn).signing_code or NO_CODE
    except msgspec.DecodeError:
        return NO_CODE
