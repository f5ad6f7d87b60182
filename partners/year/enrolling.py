"""The files of pupils that reach enrolment in the year: all in August, then what a night tells of
everybody once more, with a few who moved, left, or are new. Pure.

The schools of one third send tables (CSV), the others are in the ministry's directory (AAF).
"""

import io
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import cycle, islice
from random import Random

from msgspec import Struct

from partners import directory
from partners.directory import Pupil
from partners.year import roster
from partners.year.acts import Act
from partners.year.intents import table
from partners.year.pupils import Cohort
from partners.year.world import SCHOOL_YEAR, World, on, pick

FIRST, AUTUMN, JANUARY = date(2020, 8, 28), date(2020, 11, 23), date(2021, 1, 11)
MOVING, LEAVING = 0.01, 0.01  # of all pupils, in a night that tells of changes: assumed
REASONS = {"dropped-out": "abandon", "left-region": "hors région"}
WORDS = ("2nde", "1ere", "term", "cap1", "cap2", "3prepa")  # for the directory's levels
IN_A_FILE = 50_000  # pupils
COLUMNS = (
    "ine,nom,prenom,date_naissance,uai,niveau,code_postal,"
    "resp1_nom,resp1_prenom,resp2_nom,resp2_prenom,motif_sortie"
)


class Night(Struct, frozen=True):
    """What a night's files tell: who is at school, and why others are no more."""

    day: date
    there: tuple[Pupil, ...]
    leaving: Mapping[Pupil, str] = {}


def nights(
    rng: Random, world: World, cohort: Cohort, may_leave: Container[int]
) -> tuple[Night, ...]:
    """The nights of the year that tell something new. `may_leave`: who may."""
    first = Night(FIRST, tuple(cohort.at_first))
    autumn = _after(rng, world, first.there, AUTUMN, may_leave)
    january = _after(rng, world, autumn.there, JANUARY, may_leave)
    return first, autumn, Night(JANUARY, (*january.there, *cohort.newcomers), january.leaving)


def _after(
    rng: Random, world: World, before: Sequence[Pupil], day: date, may_leave: Container[int]
) -> Night:
    """Some are elsewhere, some gone; nobody is both."""
    free = (one for one in before if one.number in may_leave)
    gone = dict(zip(pick(rng, free, LEAVING, 2), cycle(REASONS), strict=False))
    moving = pick(rng, (one for one in before if one not in gone), MOVING, 2)
    elsewhere = {one: _moved(rng, world, one) for one in moving}
    return Night(day, tuple(elsewhere.get(one, one) for one in before if one not in gone), gone)


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
    path = f"/api/pupils/imports?school_year={SCHOOL_YEAR}"
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
