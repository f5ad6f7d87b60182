"""How a school year passes: newcomers are given what lies in stock, desks repair, pupils come and
go, lycée ends; and what of it the next year begins with. Pure.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from random import Random

from msgspec import Struct

from partners.directory import Pupil
from partners.year import book, desks, ending, enrolling, holding, newcomers
from partners.year.book import Facts
from partners.year.desks import Home, Told, Work
from partners.year.ending import End
from partners.year.enrolling import Night
from partners.year.holding import Held
from partners.year.pupils import uai_of
from partners.year.reports import Report
from partners.year.schoolyears import SchoolYear
from partners.year.spelling import laptop_of
from partners.year.world import World


class Standing(Struct, frozen=True):
    """How things stand when a school year begins: the facts of every laptop; which pupil has which,
    but for those that the plan lets be; from which day on the warranty of a serial is known; what
    lies in each school's stock; who is at school; which laptops desks had to do with.
    """

    facts: Mapping[str, Facts]
    held: Mapping[int, Held]
    covered_from: Mapping[str, date]
    stock: Mapping[str, Sequence[str]]
    there: tuple[Pupil, ...]
    at_desks: frozenset[str] = frozenset()


class Year(Struct, frozen=True):
    """A year that passed; its end is empty where lycée does not end."""

    hand_outs: tuple[Report, ...]
    work: Work
    nights: tuple[Night, ...]
    end: End


def a_year(
    dice: str,
    world: World,
    year: SchoolYear,
    before: Standing,
    coming: Sequence[Pupil],
    *,
    to_the_end: bool,
) -> tuple[Year, Standing]:
    """What happens in it, and what the next one begins with. `coming`: the newcomers of January;
    `dice`: what is drawn hangs on it; `to_the_end`: with how lycée ends.
    """
    rng = {what: _dice(f"{what}:{dice}:{year.begins}") for what in ("desks", "pupils", "end")}
    stock = {school: list(serials) for school, serials in before.stock.items()}
    handed = newcomers.hand_outs(world.run, year, coming, stock)
    given = {one.serials[0]: [one] for one in handed}
    held = {**before.held, **holding.handed_out(given)}
    facts = {**before.facts}
    facts |= {laptop_of(one): book.handed_out(facts[laptop_of(one)]) for one in given}
    homes = _homes(before, {one.number: one for one in (*before.there, *coming)}, held, facts)
    work = desks.work(rng["desks"], world.run, year, homes, stock, facts)
    facts |= work.book
    at_desks = before.at_desks | work.book.keys()
    held = holding.after_desks(held, work.told)
    first, may_leave = enrolling.summer(year, before.there), _may_leave(held, facts, at_desks)
    nights = enrolling.nights(rng["pupils"], world, first, coming, may_leave)
    end = ending.end(rng["end"], world.run, nights, held, facts) if to_the_end else End()
    there = tuple(enrolling.a_year_older(rng["pupils"], nights[-1].there))
    kept = {one.number for one in there} - {one.number for one in end.pupils}
    after = Standing(
        facts={**facts, **end.book},
        held={pupil: one for pupil, one in held.items() if pupil in kept},
        covered_from=before.covered_from,
        stock=_stock(stock, work.told, end, held, at_desks),
        there=there,
        at_desks=at_desks,
    )
    return Year(tuple(handed), work, nights, end), after


def _dice(what: str) -> Random:
    """Dice of its own for a part of a year."""
    return Random(what)  # noqa: S311 nothing is secret


def _homes(
    before: Standing,
    pupils: Mapping[int, Pupil],
    held: Mapping[int, Held],
    facts: Mapping[str, Facts],
) -> list[Home]:
    """The laptops that pupils have at home and no desk had to do with so far."""
    return [
        Home(
            serial=one.serial,
            school=uai_of(pupils[number]),
            handed_at=one.handed_at,
            told=one.told,
            covered_from=before.covered_from.get(one.serial, date.max),
        )
        for number, one in held.items()
        if laptop_of(one.serial) not in before.at_desks
        and facts[laptop_of(one.serial)].location == "with-student"
    ]


def _may_leave(
    held: Mapping[int, Held], facts: Mapping[str, Facts], at_desks: frozenset[str]
) -> frozenset[int]:
    """Pupils whose laptop is the region's, and whom no desk is to expect."""
    names = {pupil: laptop_of(one.serial) for pupil, one in held.items()}
    return frozenset(
        pupil
        for pupil, name in names.items()
        if name not in at_desks and facts[name].owner == "region"
    )


def _stock(
    left: Mapping[str, Sequence[str]],
    told: Iterable[Told],
    end: End,
    held: Mapping[int, Held],
    at_desks: frozenset[str],
) -> dict[str, list[str]]:
    """What a school has left, and what its pupils brought back, but for what a desk took."""
    taken = {one.other for one in told}
    stock: dict[str, list[str]] = defaultdict(list)
    for school, serials in left.items():
        stock[school] += [serial for serial in serials if serial not in taken]
    for pupil in sorted(end.pupils):
        serial = held[pupil.number].serial
        laptop = laptop_of(serial)
        if end.book[laptop].location == "at-school" and laptop not in at_desks:
            stock[uai_of(pupil)].append(serial)
    return stock
