"""How lycée ends in a school year: who finishes is offered the laptop, signs, has it released and
certified, and takes it into further study; who left, or refuses, brings it back, or does not. Pure.

Which course a handover takes is assumed, so that each is there in a year of a fair size.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import cycle
from random import Random
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from partners.directory import Pupil
from partners.management import failures
from partners.year import book, spelling
from partners.year.acts import Act
from partners.year.book import Facts
from partners.year.enrolling import Night
from partners.year.holding import Held
from partners.year.pupils import minor, of_age_on, uai_of
from partners.year.schoolyears import SchoolYear
from partners.year.spelling import laptop_of
from partners.year.world import on, working_day

# Months and days of a campaign.
CALLED, OPENS = (5, 3), (5, 10)
FIRST_OFFERS, LAST_OFFERS = (5, 17), (6, 9)
DUE_ON, WRITTEN_OFF = (6, 25), (7, 1)
LAST_CLOSED = (6, 18)
ENDS = (7, 6)  # by when desks have told all, and what is not brought is overdue
AFTER_A_CASE = 8  # days after which all of it was told
PARTY = "region-asset-managers"
FINAL_LEVELS = (2, 4)  # term and cap2, of the directory's levels
INSTITUTIONS = ("university", "bts", "iut", "cpge", "university", "other-school", "apprenticeship")

Item = dict[str, object]


class Step(NamedTuple):
    """An act, so many working days after the one before, at an hour; what it has to wait for."""

    act: str
    days: int
    hour: int
    further: Mapping[str, object] = {}
    wants: str = ""


SIGNED = Step("signature", 1, 9)
CERTIFIED, HANDED = Step("certificate", 4, 10, {}, "released"), Step("handing-over", 1, 9)
ONWARD = Step("further-study", 1, 10)
REFUSED = Step("refusal", 1, 9)
BROUGHT = Step("return", 6, 9, {}, "asked-back")
COURSES: Mapping[str, tuple[Step, ...]] = {
    "no-further-word": (SIGNED, CERTIFIED, HANDED),
    "brought": (REFUSED, BROUGHT),
    "no-answer": (),
    "never-brought": (REFUSED,),
    "another-brought": (REFUSED, BROUGHT._replace(act="return-of-another")),
    "made-ready": (REFUSED, BROUGHT, Step("refurbishing", 1, 10)),
    "scrapped": (REFUSED, BROUGHT, Step("scrapping", 1, 10)),
    "written-off": (REFUSED, Step("write-off", 0, 10, {"decided_by": PARTY}, "overdue")),
    "at-once": (SIGNED, CERTIFIED, HANDED, ONWARD),
    "thought-over": (Step("acceptance", 2, 9), SIGNED, CERTIFIED, HANDED, ONWARD),
}
LOOKED_AT = ("at-once", "brought", "scrapped", "never-brought")
MOST = ("at-once", "at-once", "thought-over")  # twice between two of the others
LEFT: Mapping[str, tuple[Step, ...]] = {"left-brought": (BROUGHT,), "left-never-brought": ()}
AWAITED = ("asked-back", "refusal", "return-of-another")  # nobody brings it after these
ASKED_AGAIN = tuple(Step("release", 1, 10, {}, f"failed-{times}") for times in (1, 2, 3))
NOT_PATHS = {"blocked-offer": "offer", "return-of-another": "return"}


class Told(Struct, frozen=True):
    """An act on the handover of a laptop at an instant of a school year; `run`: its id once it has
    one, the play's name before; `turn` varies what is free.
    """

    run: str
    year: SchoolYear
    act: str
    serial: str
    school: str
    at: datetime
    turn: int
    further: Mapping[str, object] = {}
    wants: str = ""


class End(Struct, frozen=True):
    """The end of a year: acts, facts of the laptops that they are about, ids that have to be
    refused, laptops worth a look, the pupils whose laptops they are.
    """

    acts: tuple[Act, ...] = ()
    book: Mapping[str, Facts] = {}
    refusable: frozenset[str] = frozenset()
    examples: Mapping[str, str] = {}
    pupils: frozenset[Pupil] = frozenset()


def end(
    rng: Random,
    run: str,
    nights: Sequence[Night],
    holding: Mapping[int, Held],
    before: Mapping[str, Facts],
) -> End:
    """All of it. `holding`: which pupil has which laptop; `before`: facts by laptop so far."""
    told: list[Told] = []
    booked: dict[str, Facts] = {}
    examples: dict[str, str] = {}
    year = nights[-1].year
    drawn = [*_leavers(nights, holding), *_finishing(rng, nights[-1], holding, before)]
    for turn, (pupil, one, course, begins) in enumerate(drawn):
        laptop, school = laptop_of(one.serial), uai_of(pupil)
        offer = Told(run, year, "offer", one.serial, school, begins, turn)
        of_laptop = list(_told(offer, pupil, one, course))
        told += of_laptop
        acts = ["asked-back"] * (course in LEFT) + [step.act for step in of_laptop]
        acts += ["overdue"] * (acts[-1] in AWAITED)
        booked[laptop] = book.after_the_end(before[laptop], acts)
        examples.setdefault(course, laptop)
    refusable = frozenset(one.run for one in told if one.act == "blocked-offer")
    asked = (_opening(run, year), *map(_act, told))
    return End(asked, booked, refusable, examples, frozenset(pupil for pupil, *_ in drawn))


# -- who, and which course


Drawn = tuple[Pupil, Held, str, datetime]


def _leavers(nights: Sequence[Night], holding: Mapping[int, Held]) -> Iterator[Drawn]:
    """Who left during the year with a laptop: most bring it, every third does not."""
    courses = cycle(("left-brought", "left-never-brought", "left-brought"))
    for night in nights:
        for pupil in night.leaving:
            if one := holding.get(pupil.number):
                yield pupil, one, next(courses), on(night.day, 6)


def _finishing(
    rng: Random, last: Night, holding: Mapping[int, Held], before: Mapping[str, Facts]
) -> Iterator[Drawn]:
    """Who finishes, and has a laptop of the region at home or where a case keeps it."""
    courses = cycle(one for name in COURSES if name not in MOST for one in (*MOST, name, *MOST))
    year, first = last.year, last.year.day(*FIRST_OFFERS)
    span = (year.day(*LAST_OFFERS) - first).days
    for pupil in last.there:
        one = holding.get(pupil.number)
        if pupil.level not in FINAL_LEVELS or one is None:
            continue
        facts = before[laptop_of(one.serial)]
        day = working_day(first + timedelta(days=rng.randint(0, span)))
        opens = _in_a_case(one, first) or on(day, 8)
        if facts.owner == "region" and not one.restless(opens, timedelta(days=AFTER_A_CASE)):
            yield pupil, one, next(courses), opens


def _in_a_case(one: Held, first: date) -> datetime | None:
    """A moment from the first day on when a case is known that will be closed yet; None where there
    is none.
    """
    for case in one.opened:
        known = case.since.date() + timedelta(days=AFTER_A_CASE)
        opens = on(working_day(max(first, known)), 8)
        if case.until and opens < case.until:
            return opens
    return None


# -- what is told


def _told(first: Told, pupil: Pupil, one: Held, course: str) -> Iterator[Told]:
    """The acts of a handover; none after an offer that a case stands in the way of for good."""
    if course in LEFT:
        yield from _steps(first, LEFT[course], pupil)
        return
    if open_one := one.at(first.at):
        yield _named(replace(first, act="blocked-offer", wants="blocked"), pupil)
        last_closed = first.year.day(*LAST_CLOSED)
        if open_one.until is None or open_one.until.date() > last_closed:
            return
        day = working_day(open_one.until.date() + timedelta(days=AFTER_A_CASE))
        first, course = replace(first, at=on(day, 8)), "at-once"
    yield _named(replace(first, wants="free"), pupil)
    yield from _steps(first, COURSES[course], pupil)


def _steps(last: Told, steps: Iterable[Step], pupil: Pupil) -> Iterator[Told]:
    """What follows an act. Whoever comes of age soon after the offer signs after that."""
    offered, year = last.at, last.year
    for step in steps:
        day = working_day(last.at.date(), step.days)
        day = year.day(*WRITTEN_OFF) if step.act == "write-off" else day
        birthday = of_age_on(pupil)
        if step.act == "signature" and offered.date() < birthday <= year.day(*LAST_CLOSED):
            day = working_day(max(day, birthday + timedelta(days=1)))
        at, further, wants = on(day, step.hour, last.turn % 50), step.further, step.wants
        last = replace(last, act=step.act, at=at, further=further, wants=wants)
        yield _named(last, pupil)
        if step.act == "signature" and failures(laptop_of(last.serial)) > 1:
            for again in ASKED_AGAIN:
                at = on(working_day(last.at.date(), again.days), again.hour)
                last = replace(last, act=again.act, at=at, wants=again.wants)
                yield _named(last, pupil)


def _named(one: Told, pupil: Pupil) -> Told:
    """An act with its id, and what it says of the student and the laptop."""
    name = f"{one.run}-{one.serial}-{one.act}-{one.at:%Y%m%d}"
    return replace(one, run=name, further={**one.further, **_further(one, pupil)})


def _further(one: Told, pupil: Pupil) -> Item:  # noqa: PLR0911  a return for each act
    match one.act:
        case "offer" | "blocked-offer":
            return {"minor": minor(pupil, one.at)}
        case "signature":
            under_age, signed = minor(pupil, one.at), spelling.instant(one.at)
            return {"minor": under_age} | ({"guardian_signed_at": signed} if under_age else {})
        case "refusal":
            return {"due_on": one.year.day(*DUE_ON).isoformat()}
        case "further-study":
            return {"institution": INSTITUTIONS[one.turn % len(INSTITUTIONS)]}
        case "return" | "return-of-another":
            serial = one.serial if one.act == "return" else f"OTHER{one.serial[5:]}"
            maker, number = spelling.spelled(serial, one.turn)
            return {"returned": {"maker": maker, "serial": number}}
        case "scrapping":
            return {"tracking_form": f"BSD-{one.serial}"}
    return {}


# -- what is sent


def _opening(run: str, year: SchoolYear) -> Act:
    """The campaign, the same in every play: there is one for a school year."""
    body: Item = {"campaign": f"fin-{year.name}", "school_year": year.name}
    body["opens_at"] = spelling.instant(on(year.day(*OPENS), 6))
    name, path = f"{run}-campaign-{year.name}", "/api/handover-campaigns"
    return Act(name, on(year.day(*CALLED), 8), "region", "handover", path, body, items=1)


def _act(one: Told) -> Act:
    body: Item = {"id": one.run, "happened_at": spelling.instant(one.at), **one.further}
    return Act(
        id=one.run,
        at=one.at,
        party="region" if one.act == "write-off" else f"school:{one.school}",
        service="handover",
        path=f"/api/handovers/{{handover}}/{NOT_PATHS.get(one.act, one.act)}",
        body=body,
        items=1,
        laptop=laptop_of(one.serial),
        wants=one.wants,
    )
