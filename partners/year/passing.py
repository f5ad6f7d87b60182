"""How a school year passes: newcomers are given what lies in stock, desks repair, pupils come and
go, lycée ends; and what of it the next year begins with. Pure.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from partners.directory import Pupil
from partners.year import book, desks, ending, enrolling, holding, newcomers, roster
from partners.year.book import Facts
from partners.year.desks import Home, Told, Work
from partners.year.ending import End
from partners.year.enrolling import Night
from partners.year.holding import Held
from partners.year.reports import Report
from partners.year.schoolyears import SchoolYear
from partners.year.world import World


class Standing(Struct, frozen=True):
    """How things stand when a school year begins: the facts of every laptop; by serial, what was
    told of it, and from which day on its warranty is known; what lies in each school's stock; who
    is at school; all that desks told; which laptops they had to do with; which pupils' laptops are
    not theirs to keep any more, or the plan's to touch.
    """

    facts: Mapping[str, Facts]
    lives: Mapping[str, Sequence[Report]]
    covered_from: Mapping[str, date]
    stock: Mapping[str, Sequence[str]]
    there: tuple[Pupil, ...]
    told: tuple[Told, ...] = ()
    at_desks: frozenset[str] = frozenset()
    apart: frozenset[int] = frozenset()


class Year(Struct, frozen=True):
    """A year that passed. `book`: the facts of every laptop before its lycée ended."""

    newcomers: tuple[Pupil, ...]
    hand_outs: tuple[Report, ...]
    work: Work
    nights: tuple[Night, ...]
    end: End
    book: Mapping[str, Facts]


class Passed(Struct, frozen=True):
    """Years that passed, one after the other, and the facts of every laptop after the last."""

    years: tuple[Year, ...]
    book: Mapping[str, Facts]

    @property
    def newcomers(self) -> list[Pupil]:
        return [pupil for one in self.years for pupil in one.newcomers]

    @property
    def hand_outs(self) -> list[Report]:
        return [report for one in self.years for report in one.hand_outs]

    @property
    def nights(self) -> list[Night]:
        return [night for one in self.years for night in one.nights]

    @property
    def refusable(self) -> frozenset[str]:
        """Ids that have to be refused."""
        ids = (one.work.refusable | one.end.refusable for one in self.years)
        return frozenset().union(*ids)

    @property
    def touched(self) -> set[str]:
        """Laptops that a desk or the end of lycée had to do with."""
        return {name for one in self.years for name in (*one.work.book, *one.end.book)}


def years(
    dice: str,
    world: World,
    newcomers: Mapping[SchoolYear, Sequence[Pupil]],
    standing: Standing,
    to_the_end: bool,
) -> Passed:
    """All of them to the end, or the first one without how its lycée ends. `dice`: what is drawn
    hangs on it.
    """
    passed = []
    for year, coming in newcomers.items():
        one, standing = a_year(dice, world, year, standing, coming)
        if not to_the_end:
            return Passed((replace(one, end=End()),), one.book)
        passed.append(one)
    return Passed(tuple(passed), standing.facts)


def a_year(
    dice: str, world: World, year: SchoolYear, before: Standing, coming: Sequence[Pupil]
) -> tuple[Year, Standing]:
    """What happens in it, and what the next one begins with. `coming`: the newcomers of January."""
    rng = {what: _dice(f"{what}:{dice}:{year.begins}") for what in ("desks", "pupils", "end")}
    stock = {school: list(serials) for school, serials in before.stock.items()}
    handed = newcomers.hand_outs(world.run, year, coming, stock)
    lives = {**before.lives, **{one.serials[0]: [one] for one in handed}}
    facts = dict(before.facts)
    facts.update((name, book.handed_out(facts[name])) for name in map(_first, handed))
    pupils = {str(one.number): one for one in (*before.there, *coming)}
    held = _held(lives, before, before.told, pupils)
    homes = _homes(before, lives, facts, held, pupils)
    work = desks.work(rng["desks"], world.run, year, homes, stock, facts)
    facts.update(work.book)
    at_desks = before.at_desks | work.book.keys()
    held = _held(lives, before, (*before.told, *work.told), pupils)
    first = enrolling.summer(year, before.there)
    may_leave = _may_leave(held, facts, at_desks)
    nights = enrolling.nights(rng["pupils"], world, first, coming, may_leave)
    end = ending.end(rng["end"], world.run, nights, held, facts)
    after = Standing(
        facts={**facts, **end.book},
        lives=lives,
        covered_from=before.covered_from,
        stock=_stock(stock, work.told, end, held, at_desks),
        there=tuple(enrolling.a_year_older(rng["pupils"], nights[-1].there)),
        told=(*before.told, *work.told),
        at_desks=at_desks,
        apart=before.apart | {one.number for one in end.pupils},
    )
    return Year(tuple(coming), tuple(handed), work, nights, end, facts), after


def _dice(what: str) -> Random:
    """Dice of its own for a part of a year."""
    return Random(what)  # noqa: S311 nothing is secret


def _first(report: Report) -> str:
    return laptop_of(report.serials[0])


def laptop_of(serial: str) -> str:
    """A laptop's name as tracking gives it."""
    return f"hp/{serial}"


def _held(
    lives: Mapping[str, Sequence[Report]],
    before: Standing,
    told: Sequence[Told],
    pupils: Mapping[str, Pupil],
) -> dict[str, Held]:
    """Which of the pupils at school has which laptop to keep."""
    found = holding.held(lives, told)
    mine = (name for name in pupils if name in found and int(name) not in before.apart)
    return {name: found[name] for name in mine}


def _homes(
    before: Standing,
    lives: Mapping[str, Sequence[Report]],
    facts: Mapping[str, Facts],
    held: Mapping[str, Held],
    pupils: Mapping[str, Pupil],
) -> list[Home]:
    """The laptops that pupils have and no desk had to do with so far."""
    homes = []
    for name, one in held.items():
        laptop = laptop_of(one.serial)
        if laptop in before.at_desks or facts[laptop].location != "with-student":
            continue
        handed_at = max(each.happened_at for each in lives[one.serial] if each.student)
        at_once = [each for each in lives[one.serial] if each.happened_at == handed_at]
        told = sum(each.kind in ("received", "handed-out") for each in at_once)
        school = roster.schools()[pupils[name].school].uai
        covered = before.covered_from.get(one.serial, date.max)
        homes.append(Home(one.serial, school, handed_at, told, covered))
    return homes


def _may_leave(
    held: Mapping[str, Held], facts: Mapping[str, Facts], at_desks: Iterable[str]
) -> frozenset[int]:
    """Pupils whose laptop is the region's, and whom no desk is to expect."""
    desks = frozenset(at_desks)
    names = {pupil: laptop_of(one.serial) for pupil, one in held.items()}
    return frozenset(
        int(pupil)
        for pupil, name in names.items()
        if name not in desks and facts[name].owner == "region"
    )


def _stock(
    left: Mapping[str, Sequence[str]],
    told: Iterable[Told],
    end: End,
    held: Mapping[str, Held],
    at_desks: frozenset[str],
) -> dict[str, list[str]]:
    """What a school has left, and what its pupils brought back, but for what a desk took."""
    taken = {one.other for one in told}
    stock: dict[str, list[str]] = defaultdict(list)
    for school, serials in left.items():
        stock[school] += [serial for serial in serials if serial not in taken]
    for pupil in sorted(end.pupils):
        serial = held[str(pupil.number)].serial
        laptop = laptop_of(serial)
        if end.book[laptop].location == "at-school" and laptop not in at_desks:
            stock[roster.schools()[pupil.school].uai].append(serial)
    return stock
