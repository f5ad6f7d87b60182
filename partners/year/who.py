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
from partners.year.pupils import identity

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
    """Pupils by what a school knows them by; by number, the pseudonyms and school years that are
    known of those at school, for lists show nobody who left; `seen`: whoever was looked at.
    """

    pupils: Mapping[tuple[str, str, date], int]
    schools: tuple[str, ...]
    known: dict[str, str] = {}
    years: dict[str, str] = {}
    seen: set[str] = set()


def nobody_yet(pupils: Iterable[Pupil]) -> Who:
    """The pupils of a plan, before anybody was asked."""
    known = {identity(one): one.number for one in pupils}
    places = sorted({one.school for one in pupils})
    return Who(known, tuple(roster.schools()[place].uai for place in places))


def read_before(who: Who, nights: Sequence[Night]) -> frozenset[date]:
    """The nights whose files the service read already: sent once more, they would set pupils back
    to where they were. Of each school somebody has to be known for that year, for a school's file
    may be missing; nobody for an earlier one; and who is known no more may have been erased.
    """
    return frozenset(night.day for night in nights if _was_read(who, night))


def _was_read(who: Who, night: Night) -> bool:
    known = [one for one in night.there if str(one.number) in who.years]
    late = [one for one in known if who.years[str(one.number)] < night.year.name]
    schools = {one.school for one in night.there} == {one.school for one in known}
    gone = not any(str(one.number) in who.known for one in night.leaving)
    return schools and not late and gone


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
                await _look(system, who, one, party)
        cursor = page.next


async def _look(system: System, who: Who, one: Student, party: str) -> None:
    """Whoever moved or was erased since the list was made is let be."""
    answer = await get(system, "enrolment", f"/api/people/{one.student}?why={WHY}", party)
    if answer.status == httpx.codes.NOT_FOUND:
        return
    who.seen.add(one.student)
    person = decoded(answer.text, Person)
    number = who.pupils.get((person.family_name, person.given_name, person.born_on))
    if number is not None:
        who.known[str(number)] = one.student
        who.years[str(number)] = one.school_year or ""


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
