"""What a repair desk has to say in a year, from October to June, and what comes of it. Pure.

A case takes one of the courses of `courses`. How many there are comes from what programmes report;
which course a case takes is assumed, so that each is there in a year of any size. A desk asks for a
loan or a swap on the day itself; what it only reports comes in any order, and some of it twice.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import cycle
from random import Random
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from partners.year import book, spelling
from partners.year.acts import COVERS, PLACED, Act, Known
from partners.year.book import Facts, Turn
from partners.year.courses import COURSES, LOST, STOLEN, TROUBLES, Step
from partners.year.intents import table
from partners.year.roster import DESK
from partners.year.schoolyears import SchoolYear
from partners.year.spelling import laptop_of
from partners.year.world import on, pick, working_day

# Of the laptops that students have. New South Wales: near 10,000 warranty claims for 150,000
# laptops in 15 months, which is 7 %; here nine months of it.
WARRANTY_CLAIMS = 0.07 * 9 / 15
OTHER_TROUBLE = WARRANTY_CLAIMS  # breakage, liquids, software: assumed to be as many again
# New South Wales: 588 lost or stolen in the same time, 0.4 %, taken here for the thefts; with the
# losses it is 1 %, what Uruguay counted as lost or stolen in its schools in April 2010.
THEFTS = 0.004
LOSSES = 0.006

DELAYED = 0.1  # reports sent one to four days late
TWICE = 0.05  # incidents and reports sent again within five days
BY_FILE = 0.15  # incidents that come in a file

OPENS, LAST_OPENED = (10, 5), (5, 12)  # month and day
POOL_OPENS = (11, 3)  # loans and swaps: all that was delivered is counted by then
BATCH = 400  # items of a request
PARTY = f"desk:{DESK}"

CAUSES = ("defect", "breakage", "defect", "software", "defect", "breakage", "liquid", "defect")
FAULTS: Mapping[str, tuple[int | str, ...]] = {
    "defect": (2, 7, "Power/battery", 18, "integrated screen", 10),  # hinges and screens first
    "breakage": (7, 2, "Integrated keyboard", 16),
    "liquid": (4, 8, "System board"),
    "software": (12, "Configuration", 20, 1),
}
TEXTS = {
    "defect": "Écran noir au démarrage",
    "breakage": "Tombé dans l'escalier, coque fendue",
    "liquid": "Un verre d'eau",
    "software": "Session refusée depuis lundi",
}
COVERED = "defect"  # what a loan and a swap are granted for under any policy
FILE = "id,maker,serial,reported_at,cause,fault,text"


LOOKED_AT = ("reopened", "swapped", "lent", "found-after-all")
WITH_ANOTHER = {"loan": "lent", "swap": "given", "loan-return": "back"}
ALONE = ("loan", "swap", "wrong-swap")
ASKED = ("warranty-decision", *ALONE)
PROMPT = ("incident", "beyond-repair", "complaint")
SAY_NOTHING = ("warranty-decision", "complaint", "loan", "loan-return", "wrong-swap")  # of places

Item = dict[str, object]


class Home(Struct, frozen=True):
    """A laptop that a student has, since when, how much was told of it at that instant, and from
    which day on its warranty is known, if ever.
    """

    serial: str
    school: str
    handed_at: datetime
    told: int
    covered_from: date = date.max


class Drawn(NamedTuple):
    """A case to be: its name, its course, its cause, the laptop."""

    name: str
    course: str
    cause: str
    home: Home


class Told(Struct, frozen=True):
    """What a desk says of a case, which is known by the incident that opened it. `other`: the
    laptop on loan, or the new one; `typed` varies how a serial is spelt.
    """

    id: str
    act: str
    serial: str
    incident: str
    happened_at: datetime
    sent_at: datetime
    other: str
    further: Mapping[str, object]
    home: Home
    typed: int
    by_file: bool


class Work(Struct, frozen=True):
    """A desk's year: what it told, its requests, the facts of laptops that it had to do with,
    incidents (id to laptop and instant), ids that have to be refused, laptops worth a look.
    """

    told: tuple[Told, ...]
    acts: tuple[Act, ...]
    book: Mapping[str, Facts]
    opened: Mapping[str, tuple[str, datetime]]
    refusable: frozenset[str]
    examples: Mapping[str, str]


def work(
    rng: Random,
    run: str,
    year: SchoolYear,
    homes: Sequence[Home],
    stock: Mapping[str, Sequence[str]],
    before: Mapping[str, Facts],
) -> Work:
    """All of it. `stock`: a school's laptops that nobody has; `before`: facts by laptop so far."""
    free = {school: list(serials) for school, serials in stock.items()}
    told: list[Told] = []
    examples: dict[str, str] = {}
    for number, (course, cause, home) in enumerate(_drawn(rng, homes)):
        drawn = Drawn(f"{run}-{year.begins}-{number:05}", course, cause, home)
        of_case = _case(rng, year, drawn, free)
        told += of_case
        if of_case:
            examples.setdefault(course, laptop_of(home.serial))
    booked = {name: book.after_desks(before[name], those) for name, those in _turns(told).items()}
    return Work(
        told=tuple(told),
        acts=tuple(_packed(rng, _disturbed(rng, told))),
        book=booked,
        opened={
            one.id: (laptop_of(one.serial), one.happened_at)
            for one in told
            if one.act == "incident"
        },
        refusable=frozenset(one.id for one in told if one.act == "wrong-swap"),
        examples={course: examples[course] for course in LOOKED_AT if course in examples},
    )


def _drawn(rng: Random, homes: Sequence[Home]) -> Iterator[tuple[str, str, Home]]:
    """Whose laptops come to a desk: the course of each case and its cause. Each laptop once."""
    left = list(homes)
    for courses, rate, causes in (
        (TROUBLES, WARRANTY_CLAIMS + OTHER_TROUBLE, CAUSES),
        (STOLEN, THEFTS, ("theft",)),
        (LOST, LOSSES, ("loss",)),
    ):
        chosen = pick(rng, left, rate * len(homes) / max(1, len(left)), len(courses))
        taken = {home.serial for home in chosen}
        left = [home for home in left if home.serial not in taken]
        yield from zip(cycle(courses), cycle(causes), chosen)


def _case(rng: Random, year: SchoolYear, drawn: Drawn, free: dict[str, list[str]]) -> list[Told]:
    """A case from its incident on; none where it needs another laptop and the school has none."""
    name, course, cause, home = drawn
    steps = COURSES[course]
    with_another = any(step.act in WITH_ANOTHER for step in steps)
    if with_another and not free.get(home.school):
        return []
    began = _opened_at(rng, year, home, with_another)
    if with_another and course in TROUBLES:
        cause = COVERED
    if cause == COVERED and began.date() < home.covered_from:  # who pays for it hangs on a warranty
        cause = "software"
    incident = Told(
        id=f"{name}-incident",
        act="incident",
        serial=home.serial,
        incident=f"{name}-incident",
        happened_at=began,
        sent_at=began + timedelta(minutes=30),
        other=free[home.school].pop() if with_another else "",
        further=_trouble(rng, cause),
        home=home,
        typed=rng.randint(0, 20),
        by_file=rng.random() < BY_FILE,
    )
    told = [incident]
    for number, step in enumerate(steps, 1):
        told.append(_next(rng, told[-1], f"{name}-{number}-{step.act}", step))
        if step.act == "incident":  # another case of the same laptop
            told[-1] = replace(told[-1], incident=told[-1].id, further=incident.further)
    return told


def _opened_at(rng: Random, year: SchoolYear, home: Home, with_another: bool) -> datetime:
    first = max(year.day(*OPENS), home.handed_at.date() + timedelta(days=3))
    first = max(first, year.day(*POOL_OPENS)) if with_another else first
    span = (year.day(*LAST_OPENED) - first).days
    day = working_day(first + timedelta(days=rng.randint(0, span)))
    return on(day, rng.randint(6, 13), rng.randint(0, 59))


def _trouble(rng: Random, cause: str) -> dict[str, object]:
    if cause not in FAULTS:
        return {"cause": cause}
    trouble: dict[str, object] = {"cause": cause, "fault": rng.choice(FAULTS[cause])}
    return trouble | {"text": TEXTS[cause]} if rng.random() < 0.5 else trouble


def _next(rng: Random, last: Told, name: str, step: Step) -> Told:
    """What follows in a case. Of what was done on the day of the incident the desk tells on the
    next: it has the number of the case by then.
    """
    at = last.happened_at
    if step.days:
        at = on(working_day(at.date(), step.days), rng.randint(6, 14), rng.randint(0, 59))
    told = last.sent_at
    if last.act == "incident" and not step.days:
        told = on(told.date() + timedelta(days=1), 6)
    return replace(
        last,
        id=name,
        act=step.act,
        happened_at=at,
        sent_at=max(at, told) + timedelta(minutes=30),
        further=_further(rng, step, at.date()),
    )


def _further(rng: Random, step: Step, day: date) -> Mapping[str, object]:
    match step.act:
        case "complaint":
            filed_on = (day - timedelta(days=1)).isoformat()
            return {"complaint": f"{day.year}/{rng.randint(1_000, 9_999)}", "filed_on": filed_on}
        case "loan" if rng.random() < 0.5:  # else as long as the policy says
            return {"due_on": (day + timedelta(days=rng.randint(7, 21))).isoformat()}
    return step.further


# -- what is true of the laptops


def _turns(told: Iterable[Told]) -> dict[str, list[Turn]]:
    """How the facts of each laptop turned; a loan and a swap change two."""
    turns = defaultdict(list)
    for one in told:
        if one.act not in SAY_NOTHING:
            turns[laptop_of(one.serial)].append(Turn(_kind(one), one.happened_at))
        if one.act in WITH_ANOTHER:
            turns[laptop_of(one.other)].append(Turn(WITH_ANOTHER[one.act], one.happened_at))
    return turns


def _kind(one: Told) -> str:
    cause = one.further.get("cause")
    if cause in ("theft", "loss"):
        return str(cause)
    if one.further.get("waiting_on") == "vendor":
        return "sent-to-vendor"
    return "return-unmended" if "outcome" in one.further else one.act


# -- what is sent


def _disturbed(rng: Random, told: Sequence[Told]) -> list[Told]:
    """Some reports late, some things said twice. What is asked for is asked on the day, and what a
    decision rests on is told before it.
    """
    reports = [one.id for one in told if one.act not in (*ASKED, *PROMPT)]
    late = {name: rng.randint(1, 4) for name in pick(rng, reports, DELAYED, 0)}
    sent = [_later(one, late.get(one.id, 0)) for one in told]
    again = pick(rng, [one for one in sent if one.act != "wrong-swap"], TWICE, 0)
    return sent + [
        _later(replace(one, typed=one.typed + 1, by_file=False), rng.randint(0, 5)) for one in again
    ]


def _later(one: Told, days: int) -> Told:
    return replace(one, sent_at=one.sent_at + timedelta(days=days))


def _packed(rng: Random, sent: Iterable[Told]) -> Iterator[Act]:
    """A day's incidents, in a list and in a file, and its acts, in no order; loans and swaps each
    by themselves.
    """
    days: dict[tuple[date, str], list[Told]] = defaultdict(list)
    for one in sent:
        if one.act in ALONE:
            yield _alone(one)
        else:
            way = ("file" if one.by_file else "list") if one.act == "incident" else "acts"
            days[one.sent_at.date(), way].append(one)
    for (day, way), those in sorted(days.items()):
        rng.shuffle(those)
        while batch := those[:BATCH]:
            del those[:BATCH]
            yield _together(f"desk-{day}-{way}-{batch[0].id}", way, batch)


def _together(name: str, way: str, batch: Sequence[Told]) -> Act:
    at, items = max(one.sent_at for one in batch), len(batch)
    if way == "file":
        rows = [_row(one) for one in batch]
        path = "/api/incidents/imports"
        return Act(name, at, PARTY, "repairs", path, table(FILE, rows), items)
    if way == "list":
        body: Item = {"incidents": [_incident(one) for one in batch]}
        return Act(name, at, PARTY, "repairs", "/api/incidents", body, items)
    body = {"acts": [_act(one) | {"case": one.incident, "act": one.act} for one in batch]}
    covers = tuple(
        Known(laptop_of(one.serial), COVERS)
        for one in batch
        if one.act == "warranty-decision" and one.sent_at.date() >= one.home.covered_from
    )
    return Act(name, at, PARTY, "repairs", "/api/case-acts", body, items, known=covers)


def _alone(one: Told) -> Act:
    """A loan or a swap. Whose laptop is swapped has to be known: the new one goes to him."""
    body = _act(one)
    if one.act == "loan":
        body["loaner"] = _laptop(one.other, one.typed)
    else:
        wrong = one.serial[:-1] + ("Y" if one.serial.endswith("Z") else "Z")
        returned = wrong if one.act == "wrong-swap" else one.serial
        body |= {"returned": _laptop(returned, one.typed), "new": _laptop(one.other, one.typed)}
    holder = Known(laptop_of(one.serial), PLACED, one.home.told, one.home.handed_at)
    return Act(
        id=one.id,
        at=one.sent_at,
        party=PARTY,
        service="repairs",
        path=f"/api/cases/{{case}}/{one.act.removeprefix('wrong-')}",
        body=body,
        items=1,
        case=one.incident,
        known=(holder,) if one.act == "swap" else (),
    )


def _laptop(serial: str, typed: int) -> dict[str, str]:
    maker, number = spelling.spelled(serial, typed)
    return {"maker": maker, "serial": number}


def _incident(one: Told) -> Item:
    at = spelling.instant(one.happened_at)
    laptop = _laptop(one.serial, one.typed)
    desk = {"desk": DESK} if one.typed % 2 else {}  # the key says it
    return {"id": one.id, "laptop": laptop, "reported_at": at} | desk | dict(one.further)


def _row(one: Told) -> list[str]:
    told = _incident(one) | _laptop(one.serial, one.typed)
    return [str(told.get(name, "")) for name in FILE.split(",")]


def _act(one: Told) -> Item:
    at = spelling.instant(one.happened_at)
    loaner = {"loaner": _laptop(one.other, one.typed)} if one.act == "loan-return" else {}
    return {"id": one.id, "happened_at": at} | loaner | dict(one.further)
