"""What there truly is, whatever is said, as the first school year begins: orders, laptops,
shipments. Pure.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from random import Random
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from partners.year import roster, spelling
from partners.year.roster import School
from partners.year.schoolyears import FIRST

T = TypeVar("T")

SCHOOL_YEAR = FIRST.name
MODEL = "HP 245 G8"
BEGIN = datetime(2020, 6, 1, 8, tzinfo=UTC)
END = datetime(2020, 10, 30, 18, tzinfo=UTC)
TERM_BEGINS = date(2020, 9, 1)
LAST_SCHOOL_DAY = date(2020, 10, 16)  # All Saints' holidays, then all that is delivered is there
PALLET = 60

LATE = 0.03  # laptops that the supplier forgets in his first list
NEVER = 0.001  # laptops that he never lists
SHORT_LINES = 0.08  # lines of which he never makes all


class Lot(Struct, frozen=True):
    """A lot: one order. `share` of the year's laptops in percent, and its days."""

    name: str
    share: int
    ordered_on: date
    listed_on: date
    listed_late_on: date
    dispatched_from: date
    dispatched_to: date
    admitted_on: date


LOTS = (
    Lot(
        name="LOT-1",
        share=55,
        ordered_on=date(2020, 6, 2),
        listed_on=date(2020, 7, 15),
        listed_late_on=date(2020, 9, 9),
        dispatched_from=date(2020, 8, 20),
        dispatched_to=date(2020, 8, 31),
        admitted_on=date(2020, 9, 21),
    ),
    Lot(
        name="LOT-2",
        share=30,
        ordered_on=date(2020, 6, 15),
        listed_on=date(2020, 8, 26),
        listed_late_on=date(2020, 10, 20),
        dispatched_from=date(2020, 9, 4),
        dispatched_to=date(2020, 9, 18),
        admitted_on=date(2020, 10, 12),
    ),
    Lot(
        name="LOT-3",
        share=15,
        ordered_on=date(2020, 9, 8),
        listed_on=date(2020, 10, 1),
        listed_late_on=date(2020, 10, 23),
        dispatched_from=date(2020, 10, 5),
        dispatched_to=date(2020, 11, 3),
        admitted_on=date(2020, 10, 26),
    ),
)


class Line(Struct, frozen=True):
    """An order line: one school's laptops of one lot, and how many of them are never made."""

    lot: Lot
    order: str
    number: str
    school: School
    serials: tuple[str, ...]
    never_made: int


class Shipment(Struct, frozen=True):
    """A pallet for one school."""

    sscc: str
    carrier: str
    line: Line
    serials: tuple[str, ...]
    dispatched_on: date


class World(Struct, frozen=True):
    """The truth of a year. `late`: serials in the supplier's second list; `never`: in none."""

    run: str
    schools: tuple[School, ...]
    lines: tuple[Line, ...]
    shipments: tuple[Shipment, ...]
    late: frozenset[str]
    never: frozenset[str]


def pick(rng: Random, pool: Iterable[T], rate: float, least: int = 1) -> list[T]:
    """So large a share of a pool, drawn by lot, but `least` where the pool has as many."""
    members = list(pool)
    return rng.sample(members, min(len(members), max(least, round(rate * len(members)))))


def on(day: date, hour: int, minute: int = 0) -> datetime:
    """A time of day, UTC."""
    return datetime.combine(day, time(hour, minute), UTC)


def working_day(day: date, further: int = 0) -> date:
    """The day itself or the next Monday to Friday, then so many working days further."""
    while day.weekday() > 4:
        day += timedelta(days=1)
    for _ in range(further):
        day = working_day(day + timedelta(days=1))
    return day


def shares(total: int, weights: Sequence[int]) -> list[int]:
    """A total split in proportion to weights, with nothing over (largest remainders)."""
    exact = [total * weight / sum(weights) for weight in weights]
    split = [int(part) for part in exact]
    by_remainder = sorted(range(len(weights)), key=lambda place: split[place] - exact[place])
    for place in by_remainder[: total - sum(split)]:
        split[place] += 1
    return split


def build(rng: Random, seed: int, laptops: int) -> World:
    """The year of a seed and a number of laptops."""
    number = spelling.run_number(seed, laptops)
    run = spelling.base_32(number, 4)
    schools = roster.playing(laptops)
    lines = _lines(rng, run, schools, laptops)
    usual = [serial for line in lines if line.lot is not LOTS[-1] for serial in line.serials]
    late = set(pick(rng, (serial for line in lines for serial in line.serials), LATE))
    for lot in LOTS[:2]:  # and one school's whole line
        late.update(
            *(line.serials for line in pick(rng, [line for line in lines if line.lot is lot], 0))
        )
    never = frozenset(pick(rng, [serial for serial in usual if serial not in late], NEVER))
    return World(run, schools, lines, _shipments(rng, number, lines), frozenset(late), never)


def _lines(rng: Random, run: str, schools: Sequence[School], laptops: int) -> tuple[Line, ...]:
    serials = (spelling.serial(run, number) for number in range(laptops))
    lines: list[Line] = []
    weights = [school.weight for school in schools]
    for lot, of_lot in zip(LOTS, shares(laptops, [lot.share for lot in LOTS]), strict=True):
        order = f"GE2020-{run}-{lot.name[-1]}"
        for number, (school, of_school) in enumerate(
            zip(schools, shares(of_lot, weights), strict=True), 1
        ):
            own = tuple(islice(serials, of_school))
            if own:
                lines.append(Line(lot, order, f"{number:03}", school, own, never_made=0))
    short = set(pick(rng, lines, SHORT_LINES))
    return tuple(
        replace(line, never_made=rng.randint(1, 3)) if line in short else line for line in lines
    )


def _shipments(rng: Random, run_number: int, lines: Iterable[Line]) -> tuple[Shipment, ...]:
    shipments: list[Shipment] = []
    for line in lines:
        days = (line.lot.dispatched_to - line.lot.dispatched_from).days
        carrier = roster.carrier_of(line.school)
        prefix = "33760" if carrier.endswith("transalsace") else "33761"
        for first in range(0, len(line.serials), PALLET):
            sscc = spelling.sscc(f"{prefix}{run_number:07}{len(shipments):05}")
            day = working_day(line.lot.dispatched_from + timedelta(days=rng.randint(0, days)))
            shipments.append(
                Shipment(sscc, carrier, line, line.serials[first : first + PALLET], day)
            )
    return tuple(shipments)
