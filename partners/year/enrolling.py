"""The files of pupils that reach enrolment in a year: all in August, then what a night tells of
everybody once more, with a few who moved, left, or are new. Pure.

The schools of one third send tables (CSV), the others are in the ministry's directory (AAF).
"""

import io
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import cycle, islice
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from partners import directory
from partners.directory import Pupil
from partners.year import roster
from partners.year.acts import Act
from partners.year.intents import table
from partners.year.schoolyears import SchoolYear
from partners.year.world import World, on, pick

SUMMER, AUTUMN, JANUARY = (8, 28), (11, 23), (1, 11)  # month and day of each night
MOVING, LEAVING = 0.01, 0.01  # of all pupils, in a night that tells of changes: assumed
REPEATING = 0.02  # of those who do not finish: assumed
NEXT = {0: 1, 1: 2, 3: 4, 5: 0}  # the level after a level, of the directory's; final ones have none
REASONS = {"dropped-out": "abandon", "left-region": "hors région"}
WORDS = ("2nde", "1ere", "term", "cap1", "cap2", "3prepa")  # for the directory's levels
IN_A_FILE = 50_000  # pupils
COLUMNS = (
    "ine,nom,prenom,date_naissance,uai,niveau,code_postal,"
    "resp1_nom,resp1_prenom,resp2_nom,resp2_prenom,motif_sortie"
)


class Night(Struct, frozen=True):
    """What a night's files tell: who is at school, and why others are no more."""

    year: SchoolYear
    day: date
    there: tuple[Pupil, ...]
    leaving: Mapping[Pupil, str] = {}


def nights(
    rng: Random, world: World, first: Night, newcomers: Sequence[Pupil], may_leave: Container[int]
) -> tuple[Night, ...]:
    """The nights of a year that tell something new. `may_leave`: who may."""
    autumn = _after(rng, world, first, AUTUMN, may_leave)
    january = _after(rng, world, autumn, JANUARY, may_leave)
    return first, autumn, replace(january, there=(*january.there, *newcomers))


def summer(year: SchoolYear, there: Iterable[Pupil]) -> Night:
    """The night on which everybody of a year is told of."""
    return Night(year, year.day(*SUMMER), tuple(there))


def a_year_older(rng: Random, there: Sequence[Pupil]) -> list[Pupil]:
    """Who is there after the summer: a level further, but for a few; who finished is gone."""
    staying = [one for one in there if one.level in NEXT]
    again = {one.number for one in pick(rng, staying, REPEATING)}
    return [one if one.number in again else one._replace(level=NEXT[one.level]) for one in staying]


def _after(
    rng: Random, world: World, last: Night, day: tuple[int, int], may_leave: Container[int]
) -> Night:
    """Some are elsewhere, some gone; nobody is both."""
    before = last.there
    free = (one for one in before if one.number in may_leave)
    gone = dict(zip(pick(rng, free, LEAVING, 2), cycle(REASONS), strict=False))
    moving = pick(rng, (one for one in before if one not in gone), MOVING, 2)
    elsewhere = {one: _moved(rng, world, one) for one in moving}
    there = tuple(elsewhere.get(one, one) for one in before if one not in gone)
    return Night(last.year, last.year.day(*day), there, gone)


def _moved(rng: Random, world: World, pupil: Pupil) -> Pupil:
    others = [place for place in range(len(world.schools)) if place != pupil.school]
    return pupil._replace(school=rng.choice(others))


# -- files


def files(run: str, told: Iterable[Night]) -> Iterator[Act]:
    """Each night's files: of the directory, and of the schools that send tables."""
    for night in told:
        listed = [one for one in night.there if not _by_table(one)]
        for number in range(0, len(listed), IN_A_FILE):
            part = listed[number : number + IN_A_FILE]
            yield _act(f"{run}-aaf-{night.day}-{number}", night, 5, _aaf(night.day, part), part)
        rows = [_row(one, "") for one in night.there if _by_table(one)]
        rows += [_row(one, REASONS[why]) for one, why in night.leaving.items()]
        if rows:
            yield _act(f"{run}-csv-{night.day}", night, 6, table(COLUMNS, rows), rows)


def _by_table(pupil: Pupil) -> bool:
    return pupil.school % 3 == 2


def _act(name: str, night: Night, hour: int, body: bytes | str, rows: Sequence[object]) -> Act:
    path = f"/api/pupils/imports?school_year={night.year.name}"
    return Act(name, on(night.day, hour), "region", "enrolment", path, body, items=len(rows))


def _aaf(day: date, those: Sequence[Pupil]) -> bytes:
    """A zip of the directory's files, which does not name everybody of its schools: other years may
    be played beside this one.
    """
    lycees, out = roster.schools(), io.BytesIO()
    places = sorted({one.school for one in those})
    told = {
        "EtabEducNat": (directory.of_school(place, lycees[place]) for place in places),
        "PersRelEleve": (directory.of_guardians(one, lycees) for one in those),
        "Eleve": (directory.of_pupil(one) for one in those),
    }
    directory.zipped(out, "Delta", day, told.items())
    return out.getvalue()


def _row(pupil: Pupil, why: str) -> tuple[str, ...]:
    lycees = roster.schools()
    names = [part for _, *both in directory.guardians(pupil) for part in both]
    return (
        directory.ine(pupil.number),
        pupil.family,
        pupil.given,
        f"{pupil.born_on:%d/%m/%Y}",
        lycees[pupil.school].uai,
        WORDS[pupil.level],
        directory.postcode(pupil, lycees),
        *islice([*names, "", ""], 4),
        why,
    )
