"""What carriers and schools say of the year, as if nothing got lost on its way to the system. Pure.

What does go wrong here went wrong on the road or in the school: short pallets, boxes found weeks
later, counts that nobody made, an arrival that the driver enters a day after the school counted,
students who never come.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from partners.directory import Pupil
from partners.year.pupils import minor
from partners.year.reports import Report
from partners.year.world import (
    END,
    LAST_SCHOOL_DAY,
    LOTS,
    TERM_BEGINS,
    Shipment,
    World,
    on,
    pick,
    working_day,
)

FORGOTTEN = 0.015  # shipments that the school never counts
ENTERED_LATE = 0.03  # arrivals dated after the school's count
SHORT_PALLETS = 0.08  # shipments of which one or two laptops are missing
HELD = 0.1  # shipments to closed schools that wait in a depot when the year ends
STAY = 0.05  # students who never collect
STRAGGLERS = 0.03  # students who collect weeks later
UNSIGNED = 0.005  # minors' hand-outs sent without the guardian's signature


class Journey(Struct, frozen=True):
    """A shipment's true way. `counted_at` is None where the school is closed until the end."""

    shipment: Shipment
    dispatched_at: datetime
    passed_at: tuple[datetime, ...]
    arrived_at: datetime
    counted_at: datetime | None
    fate: str = ""
    missing: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    found_at: datetime | None = None


def reports(rng: Random, world: World, meant: Mapping[str, Pupil]) -> list[Report]:
    """All that the parties have to say up to the year's end, each once, soon after it happened.
    `meant`: for whom each laptop is.
    """
    journeys = _fated(rng, [_journey(rng, shipment) for shipment in world.shipments])
    told: list[Report] = []
    for number, journey in enumerate(journeys):
        told += _of_carrier(rng, world.run, number, journey)
        told += _of_school(rng, world.run, number, journey)
    told += _unsigned(rng, _hand_outs(rng, world.run, journeys, meant))
    return [
        replace(report, sent_at=min(report.sent_at, END))
        for report in told
        if report.happened_at <= END
    ]


def _journey(rng: Random, shipment: Shipment) -> Journey:
    day = shipment.dispatched_on
    dispatched = on(day, 5, rng.randint(0, 59))
    passed = [on(day, 13, rng.randint(0, 59)), on(day + timedelta(days=1), 3, rng.randint(0, 59))]
    if rng.random() < 0.03:
        passed[0] = dispatched  # one scanner at the dock, one instant
    delivery = working_day(day + timedelta(days=1))
    arrived = on(delivery, rng.randint(6, 10), rng.randint(0, 59))
    if rng.random() < 0.4:
        counted = arrived + timedelta(hours=2)
    else:
        counting = working_day(delivery, rng.randint(1, 4))
        counted = on(counting, rng.randint(6, 13), rng.randint(0, 59))
    return Journey(
        shipment=shipment,
        dispatched_at=dispatched,
        passed_at=tuple(passed[: rng.randint(1, 2)]),
        arrived_at=arrived,
        counted_at=counted if counted.date() <= LAST_SCHOOL_DAY else None,
    )


def _fated(rng: Random, journeys: Sequence[Journey]) -> list[Journey]:
    """A few journeys go another way than the others, each one way only."""
    fated = list(journeys)
    counted = {n: journey.counted_at for n, journey in enumerate(fated) if journey.counted_at}
    pool = [n for n in counted if fated[n].shipment.line.lot is not LOTS[-1]]
    for fate, rate, least in (
        ("short", SHORT_PALLETS, 2),
        ("entered-late", ENTERED_LATE, 1),
        ("forgotten", FORGOTTEN, 1),
        ("at-once", 0.01, 1),
    ):
        for turn, number in enumerate(pick(rng, pool, rate, least)):
            pool.remove(number)
            chosen = replace(fated[number], fate=fate)
            if fate == "short":
                chosen = _short(rng, chosen, counted[number], found=turn % 2 == 0)
            fated[number] = chosen
    uncounted = [n for n, journey in enumerate(fated) if not journey.counted_at]
    on_the_road = [n for n in uncounted if fated[n].dispatched_at < END - timedelta(days=1)]
    for number in pick(rng, on_the_road, HELD):
        fated[number] = replace(fated[number], fate="held", arrived_at=END + timedelta(days=3))
    return fated


def _short(rng: Random, journey: Journey, counted_at: datetime, *, found: bool) -> Journey:
    serials = journey.shipment.serials
    missing = tuple(rng.sample(serials, min(rng.randint(1, 2), len(serials))))
    found_at = on(working_day(counted_at.date() + timedelta(days=rng.randint(10, 25))), 9)
    if not found or found_at.date() > LAST_SCHOOL_DAY:
        return replace(journey, missing=missing)
    return replace(journey, missing=missing, found=missing[:1], found_at=found_at)


def _said(
    rng: Random, run: str, number: int, journey: Journey, party: str
) -> Callable[..., Report]:
    """Reports of one party about one shipment, sent within two hours."""
    shipment = journey.shipment

    def said(
        kind: str, at: datetime, mark: str = "", serials: Sequence[str] = shipment.serials
    ) -> Report:
        return Report(
            id=f"{run}-{number:05}-{kind}{mark}",
            party=party,
            kind=kind,
            happened_at=at,
            sent_at=at + timedelta(minutes=rng.randint(2, 120)),
            shipment=shipment.sscc,
            order=shipment.line.order,
            school=shipment.line.school.uai,
            serials=tuple(serials),
            turn=rng.randint(0, 999),
        )

    return said


def _of_carrier(rng: Random, run: str, number: int, journey: Journey) -> Iterable[Report]:
    said = _said(rng, run, number, journey, journey.shipment.carrier)
    eve = journey.shipment.dispatched_on - timedelta(days=1)
    yield said("announced", on(eve, 14, rng.randint(0, 59)))
    yield _whole(rng, said("dispatched", journey.dispatched_at))
    for hub, at in enumerate(journey.passed_at):
        scan = _whole(rng, said("in-transit", at, f"-{hub}"))
        if not scan.whole and rng.random() < 0.5:  # the hub's scanner saw four boxes in five
            scan = replace(scan, serials=scan.serials[: -(-len(scan.serials) * 4 // 5)])
        yield scan
    arrived = journey.arrived_at
    if journey.fate == "entered-late" and journey.counted_at:
        arrived = journey.counted_at + timedelta(hours=20)
    yield _whole(rng, said("arrived", arrived))


def _whole(rng: Random, report: Report) -> Report:
    """Two times in three a carrier names the shipment only."""
    return replace(report, whole=rng.random() < 0.67)


def _of_school(rng: Random, run: str, number: int, journey: Journey) -> Iterable[Report]:
    if journey.counted_at is None or journey.fate == "forgotten":
        return
    said = _said(rng, run, number, journey, f"school:{journey.shipment.line.school.uai}")
    there = [serial for serial in journey.shipment.serials if serial not in journey.missing]
    first = len(there) if rng.random() < 0.8 else len(there) // 2  # counted at one go or in two
    for mark, part in (("-1", there[:first]), ("-2", there[first:])):
        if part:
            yield said("received", journey.counted_at, mark, part)
    if journey.missing:
        yield said("missing", journey.counted_at + timedelta(minutes=10), "", journey.missing)
    if journey.found_at:
        yield said("received", journey.found_at, "-found", journey.found)


def _hand_outs(
    rng: Random, run: str, journeys: Iterable[Journey], meant: Mapping[str, Pupil]
) -> list[Report]:
    handed: list[Report] = []
    for number, journey in enumerate(journeys):
        if journey.counted_at is None:
            continue
        there = [serial for serial in journey.shipment.serials if serial not in journey.missing]
        said = _said(rng, run, number, journey, f"school:{journey.shipment.line.school.uai}")
        times = list(zip(there, _mornings(rng, journey.counted_at, len(there)), strict=True))
        if journey.fate == "at-once" and journey.counted_at.date() >= TERM_BEGINS:
            times = [(serial, journey.counted_at) for serial in there]
        if journey.found_at:
            times += [(serial, journey.found_at + timedelta(hours=3)) for serial in journey.found]
        handed += [said("handed-out", at, f"-{serial[-4:]}", (serial,)) for serial, at in times]
    staying = {report.id for report in pick(rng, handed, STAY)}
    collected = [
        _collected(rng, report, meant[report.serials[0]])
        for report in handed
        if report.id not in staying
    ]
    return [report for report in collected if report.happened_at.date() <= LAST_SCHOOL_DAY]


def _mornings(rng: Random, counted_at: datetime, laptops: int) -> list[datetime]:
    """When each laptop of a pallet is handed out: one to three mornings, a class each."""
    classes = rng.randint(1, 3)
    first = max(TERM_BEGINS, counted_at.date() + timedelta(days=1)) + timedelta(rng.randint(0, 4))
    days = [working_day(first, place * classes // laptops) for place in range(laptops)]
    return [on(day, 6) + timedelta(minutes=3 * place) for place, day in enumerate(days)]


def _collected(rng: Random, report: Report, pupil: Pupil) -> Report:
    wait = timedelta(0)
    if rng.random() < STRAGGLERS:
        day = report.happened_at.date()
        wait = working_day(day, rng.randint(5, 15)) - day
    return replace(
        report,
        happened_at=report.happened_at + wait,
        sent_at=report.sent_at + wait,
        student=str(pupil.number),
        minor=minor(pupil, report.happened_at + wait),
    )


def _unsigned(rng: Random, handed: Sequence[Report]) -> list[Report]:
    """Minors' hand-outs sent without the guardian's signature; half of them come again, mended."""
    unsigned = pick(rng, [report for report in handed if report.minor], UNSIGNED)
    left_out = {report.id for report in unsigned}
    told = [report for report in handed if report.id not in left_out]
    for turn, report in enumerate(unsigned):
        told.append(replace(report, refusable=True))
        if turn % 2 == 0:
            told.append(replace(report, sent_at=report.sent_at + timedelta(days=rng.randint(1, 5))))
    return told
