"""The pupils of the invented year, drawn as those of the ministry's directory are. Pure.

Each laptop of the orders is meant for a pupil. In the plan and the book a pupil is a number; only
enrolment gives pseudonyms, and the player asks for them while it plays.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from itertools import cycle, islice
from random import Random

from msgspec import Struct

from partners import directory
from partners.directory import Pupil
from partners.year import roster, spelling
from partners.year.roster import School
from partners.year.schoolyears import FIRST, YEARS, SchoolYear
from partners.year.world import World

IN_A_RUN = 90_000  # numbers of pupils, below 10^11 in all: larger years have some of the next's
OF_A_STORY = 5
ONE_NEWCOMER_FOR = 200  # laptops of the year
OLDER = (0,) * 7 + (1, 1, 2)  # years by which a pupil is older than a class is, by lot


class Cohort(Struct, frozen=True):
    """Who is at school when the first year begins: for whom each laptop is meant, by serial, and
    the pupils of each set of stories; and who comes in January of each year.
    """

    meant: Mapping[str, Pupil]
    stories: tuple[tuple[Pupil, ...], ...]
    newcomers: Mapping[SchoolYear, tuple[Pupil, ...]]

    @property
    def at_first(self) -> list[Pupil]:
        """Who is there when the first year begins."""
        return [*self.meant.values(), *(pupil for those in self.stories for pupil in those)]


def cohort(seed: int, laptops: int, world: World, story_schools: list[School]) -> Cohort:
    """As many pupils as laptops, those of the stories, and the newcomers of each year."""
    number = spelling.run_number(seed, laptops) * IN_A_RUN
    drawing = Drawing(seed)
    meant: dict[str, Pupil] = {}
    for line in world.lines:
        for serial in line.serials:
            meant[serial] = drawing.pupil(number, line.school)
            number += 1
    stories = []
    for school in story_schools:
        stories.append(tuple(drawing.pupil(number + n, school) for n in range(OF_A_STORY)))
        number += OF_A_STORY
    schools, newcomers = cycle(world.schools), {}
    for year in YEARS:
        coming = enumerate(islice(schools, 1 + laptops // ONE_NEWCOMER_FOR), number)
        newcomers[year] = tuple(drawing.pupil(n, school, year) for n, school in coming)
        number += len(newcomers[year])
    return Cohort(meant, tuple(stories), newcomers)


class Drawing:
    """Draws pupils; the second of a school has the names of the first, and no two are born on one
    day who have the same names.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.places = {school.uai: place for place, school in enumerate(roster.schools())}
        self.of_school: dict[int, list[Pupil]] = {}
        self.taken: set[tuple[str, str, date]] = set()

    def pupil(self, number: int, school: School, year: SchoolYear = FIRST) -> Pupil:
        """Who is of the age of a class in that year, or older."""
        own = Random(f"{self.seed} {number}")  # noqa: S311  invented, not secret
        place = self.places[school.uai]
        found = directory.drawn(own, number, place)
        younger = year.begins - FIRST.begins - own.choice(OLDER)
        found = found._replace(born_on=found.born_on + timedelta(days=366 * younger))
        before = self.of_school.setdefault(place, [])
        if len(before) == 1:
            found = found._replace(family=before[0].family, given=before[0].given)
        while identity(found) in self.taken:
            found = found._replace(born_on=found.born_on + timedelta(days=1))
        self.taken.add(identity(found))
        before.append(found)
        return found


def identity(pupil: Pupil) -> tuple[str, str, date]:
    """By what a school knows a pupil again."""
    return pupil.family, pupil.given, pupil.born_on


def uai_of(pupil: Pupil) -> str:
    """The number of a pupil's school."""
    return roster.schools()[pupil.school].uai


def of_age_on(pupil: Pupil) -> date:
    """The eighteenth birthday; of who was born on 29 February, the first of March."""
    born = pupil.born_on
    leap = (born.month, born.day) == (2, 29)
    return date(born.year + 18, 3, 1) if leap else born.replace(year=born.year + 18)


def minor(pupil: Pupil, at: datetime) -> bool:
    """Whether a pupil is under age at a moment."""
    return at.date() < of_age_on(pupil)
