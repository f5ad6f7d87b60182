"""Which pseudonym enrolment gave to each pupil of the plan: asked as a school asks, by looking at
its own students, each look written down over there.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import cast

import httpx
from msgspec import Struct
from msgspec.structs import replace

from partners.directory import Pupil
from partners.year import roster
from partners.year.acts import Act
from partners.year.enrolling import Night
from partners.year.post import System, decoded, get
from partners.year.pupils import identity, uai_of

WHY = "hand-out"
PAGE = 500
AT_ONCE = 8
IMPORTS = "/api/pupils/imports"


class Student(Struct, frozen=True):
    """A student as the list shows one."""

    student: str
    school_year: str | None = None


class Students(Struct, frozen=True):
    """A page of the list; `next` is the cursor of the one after it."""

    items: tuple[Student, ...]
    next: str | None = None


class Person(Struct, frozen=True):
    """Who a student is."""

    family_name: str
    given_name: str
    born_on: date


class Who(Struct):
    """Pupils by what a school knows them by; by number, the pseudonyms that are known of those at
    school, and at which school they are listed for which school year, for lists show nobody who
    left; `seen`: whoever was looked at.
    """

    pupils: Mapping[tuple[str, str, date], int]
    schools: tuple[str, ...]
    known: dict[str, str] = {}
    listed: dict[str, tuple[str, str]] = {}
    seen: set[str] = set()


def nobody_yet(pupils: Iterable[Pupil]) -> Who:
    """The pupils of a plan, before anybody was asked."""
    known = {identity(one): one.number for one in pupils}
    places = sorted({one.school for one in pupils})
    return Who(known, tuple(roster.schools()[place].uai for place in places))


def read_before(who: Who, nights: Sequence[Night]) -> frozenset[date]:
    """The nights whose files the service read already, which are all up to the last that shows:
    sent once more, they would set pupils back to where they were.
    """
    pairs = enumerate(zip((None, *nights), nights, strict=False), 1)
    read = max((count for count, (last, one) in pairs if _shows(who, last, one)), default=0)
    return frozenset(night.day for night in nights[:read])


def _shows(who: Who, last: Night | None, night: Night) -> bool:
    """Whether lists show a night. Of each school somebody is there for its year, for a school's
    file may be missing, and nobody for an earlier one; some newcomer is there, nobody who left, and
    nobody who moved where he was. Who is not there may have been erased.
    """
    were = {one.number: uai_of(one) for one in last.there} if last else {}
    here = {one.number: uai_of(one) for one in night.there}
    listed = {number: who.listed[str(number)] for number in here if str(number) in who.listed}
    new = here.keys() - were.keys()
    stayed = {number for number in listed if were.get(number) == listed[number][0] != here[number]}
    return (
        {here[number] for number in listed} == set(here.values())
        and all(year >= night.year.name for _, year in listed.values())
        and (not new or not new.isdisjoint(listed))
        and not any(str(one.number) in who.listed for one in night.leaving)
        and not stayed
    )


async def learn(system: System, who: Who) -> None:
    """Look at every student whom no look was at so far. Raises PlayError."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def at(school: str) -> None:
        async with gate:
            await _at(system, who, school)

    await asyncio.gather(*(at(school) for school in who.schools))


async def _at(system: System, who: Who, school: str) -> None:
    party, cursor = f"school:{school}", cast("str | None", "")
    while cursor is not None:
        asked = {"school": school, "limit": f"{PAGE}"} | ({"cursor": cursor} if cursor else {})
        answer = await get(system, "enrolment", f"/api/students?{httpx.QueryParams(asked)}", party)
        page = decoded(answer.text, Students)
        for one in page.items:
            if one.student not in who.seen:
                await _look(system, who, one, school)
        cursor = page.next


async def _look(system: System, who: Who, one: Student, school: str) -> None:
    """Whoever moved or was erased since the list was made is let be."""
    path = f"/api/people/{one.student}?why={WHY}"
    answer = await get(system, "enrolment", path, f"school:{school}")
    if answer.status == httpx.codes.NOT_FOUND:
        return
    who.seen.add(one.student)
    person = decoded(answer.text, Person)
    number = who.pupils.get((person.family_name, person.given_name, person.born_on))
    if number is not None:
        who.known[str(number)] = one.student
        who.listed[str(number)] = (school, one.school_year or "")


def named(who: Who, act: Act) -> Act:
    """An act with the pseudonyms of its pupils in the place of their numbers."""
    told = [
        item | {"student": who.known.get(item["student"], item["student"])}
        for item in _hand_outs(act)
    ]
    return replace(act, body={"hand_outs": told}) if told else act


def of_the_present(who: Who, act: Act) -> Act:
    """An act without the hand-outs to pupils who left since it was sent first: nobody lists them
    any more.
    """
    items = _hand_outs(act)
    told = [item for item in items if item["student"] in who.known]
    return act if told == items else replace(act, body={"hand_outs": told}, items=len(told))


def _hand_outs(act: Act) -> list[dict[str, str]]:
    if not isinstance(act.body, dict):
        return []
    return cast("list[dict[str, str]]", act.body.get("hand_outs", []))
