"""Which numbers the system gave to a desk's cases, and whether it knows whose a laptop is."""

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime
from typing import cast

import httpx
from msgspec import Struct
from msgspec.structs import replace

from partners.year.acts import Act, Known
from partners.year.post import BUSY_SECONDS, PlayError, System, decoded, get, unwell

PAUSE_SECONDS = 0.2
UNWELL_SECONDS = 10.0  # a service that only stumbled is well again by then


class Case(Struct, frozen=True):
    """A case as repairs lists it."""

    case: str
    opened_at: datetime


class Cases(Struct, frozen=True):
    """The cases of a laptop."""

    items: tuple[Case, ...] = ()


class Happened(Struct, frozen=True):
    """Something that tracking tells of a laptop."""

    type: str
    happened_at: datetime


class Life(Struct, frozen=True):
    """A laptop's life as tracking tells it."""

    timeline: tuple[Happened, ...] = ()


class Numbers(Struct):
    """Case numbers by the incident that opened them. `opened`: each incident's laptop, and when."""

    opened: Mapping[str, tuple[str, datetime]]
    known: dict[str, str] = {}


async def numbered(system: System, numbers: Numbers, act: Act) -> Act:
    """An act with the numbers of its cases in the place of their incidents."""
    if act.service != "repairs" or not isinstance(act.body, dict):
        return act
    if act.case:
        number = await _number(system, numbers, act.party, act.case)
        return replace(act, path=act.path.format(case=number))
    if "acts" not in act.body:
        return act
    items = cast("list[dict[str, object]]", act.body["acts"])
    named = [
        item | {"case": await _number(system, numbers, act.party, str(item["case"]))}
        for item in items
    ]
    return replace(act, body={"acts": named})


async def _number(system: System, numbers: Numbers, party: str, incident: str) -> str:
    """As the verdict named it; of what came in a file, as the list of the laptop's cases does. The
    incident itself where there is none, which the system then says.
    """
    if incident not in numbers.known:
        laptop, at = numbers.opened[incident]
        asked = httpx.QueryParams({"laptop": laptop})
        answer = await get(system, "repairs", f"/api/cases?{asked}", party)
        found = decoded(answer.text, Cases).items
        numbers.known.update((incident, one.case) for one in found if one.opened_at == at)
    return numbers.known.get(incident, incident)


async def known(system: System, act: Act) -> None:
    """Wait until repairs said that it knows what an act rests on; not for long where a service says
    that it is unwell, for then the book will show it. Raises PlayError when it takes ten minutes.
    """
    begun = time.monotonic()
    for one in act.known:
        while not await _known(system, one):
            waited = time.monotonic() - begun
            if waited > UNWELL_SECONDS and await unwell(system):
                return
            if waited > BUSY_SECONDS:
                raise PlayError(f"Repairs has not said {one.type} of {one.laptop} in ten minutes")
            await asyncio.sleep(PAUSE_SECONDS)


async def _known(system: System, wanted: Known) -> bool:
    answer = await get(system, "tracking", f"/api/laptops/{wanted.laptop}")
    told = decoded(answer.text, Life).timeline
    at = [one.happened_at for one in told if one.type == wanted.type]
    return (at.count(wanted.at) if wanted.at else len(at)) >= wanted.times
