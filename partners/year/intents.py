"""What the region and the supplier send: the directory, orders, serial lists, admissions. Pure."""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from io import StringIO
from random import Random

from msgspec import Struct

from partners.year import spelling
from partners.year.acts import Act
from partners.year.roster import SUPPLIER
from partners.year.world import BEGIN, LOTS, MODEL, SCHOOL_YEAR, Line, World, on, pick, working_day

ADMITTED_EARLY = (
    0.05  # lines admitted before their serials are known: the decision stands for what comes
)
NOT_ADMITTED = 0.08
DIRECTORY = "uai,nom,type,secteur,academie,departement,code_insee,commune,code_postal"
SPARE_SHARE = 0.05  # assumed, as ordering does where nobody says otherwise
ROWS_TWICE = 0.01


class Intents(Struct, frozen=True):
    """Acts, and the serials that the region owns by them."""

    acts: tuple[Act, ...]
    admitted: frozenset[str]


def intents(rng: Random, world: World) -> Intents:
    """All that is decided in the year, in any order."""
    acts = [_directory(world), _spare_share(world), _needs(world)]
    for lot in LOTS:
        of_lot = [line for line in world.lines if line.lot is lot]
        if of_lot:
            acts += [_order(of_lot), *_serial_lists(rng, world, of_lot)]
    admissions, admitted = _admissions(rng, world)
    return Intents((*acts, *admissions), admitted)


def table(header: str, rows: Iterable[Sequence[str]]) -> str:
    """A CSV file."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header.split(","))
    writer.writerows(rows)
    return text.getvalue()


def _directory(world: World) -> Act:
    rows = [
        (
            school.uai,
            school.name,
            school.kind,
            school.sector,
            school.academy,
            school.department,
            school.town.insee_code,
            school.town.name,
            school.town.postcode,
        )
        for school in world.schools
    ]
    return Act(
        id=f"{world.run}-schools",
        at=BEGIN,
        party="region",
        service="ordering",
        path="/api/schools/imports",
        body=table(DIRECTORY, rows),
        items=len(rows),
    )


def _spare_share(world: World) -> Act:
    body: dict[str, object] = {"spare_share": SPARE_SHARE}
    path = f"/api/school-years/{SCHOOL_YEAR}"
    at = BEGIN + timedelta(hours=1)
    return Act(f"{world.run}-spare", at, "region", "ordering", path, body, items=1, method="PUT")


def _needs(world: World) -> Act:
    """How many newcomers each school has: as many as its laptops, but for those in reserve."""
    laptops: Counter[str] = Counter()
    for line in world.lines:
        laptops[line.school.uai] += len(line.serials) + line.never_made
    rows = [(uai, str(round(count / (1 + SPARE_SHARE))), "0") for uai, count in laptops.items()]
    return Act(
        id=f"{world.run}-needs",
        at=on(LOTS[0].ordered_on, 7),
        party="region",
        service="ordering",
        path=f"/api/school-years/{SCHOOL_YEAR}/needs/imports",
        body=table("uai,newcomers,stock_back", rows),
        items=len(rows),
    )


def _order(lines: Sequence[Line]) -> Act:
    order, lot = lines[0].order, lines[0].lot
    body: dict[str, object] = {
        "order": order,
        "school_year": SCHOOL_YEAR,
        "buyer": "region",
        "supplier": SUPPLIER,
        "lines": [
            {
                "line": line.number,
                "uai": line.school.uai,
                "model": MODEL,
                "quantity": len(line.serials) + line.never_made,
                "lot": lot.name,
                "paid_by": "region",
                "promised_on": working_day(lot.dispatched_to, 3).isoformat(),
            }
            for line in lines
        ],
    }
    return Act(
        id=order,
        at=on(lot.ordered_on, 9),
        party="region",
        service="ordering",
        path="/api/orders",
        body=body,
        items=1,
    )


def _serial_lists(rng: Random, world: World, lines: Sequence[Line]) -> list[Act]:
    """The supplier's list, some rows twice, and weeks later what he had forgotten.

    The second list repeats rows of the first.
    """
    rows = [
        (line.number, serial)
        for line in lines
        for serial in line.serials
        if serial not in world.never
    ]
    first = [row for row in rows if row[1] not in world.late]
    second = [row for row in rows if row[1] in world.late] + pick(rng, first, ROWS_TWICE)
    lot = lines[0].lot
    acts = []
    for name, day, of_list in (
        ("serials", lot.listed_on, first),
        ("serials-late", lot.listed_late_on, second),
    ):
        listed = of_list + pick(rng, of_list, ROWS_TWICE)
        spelt = [
            (number, *spelling.spelled(serial, turn, spaced=True), MODEL)
            for turn, (number, serial) in enumerate(listed)
        ]
        acts.append(
            Act(
                id=f"{lines[0].order}-{name}",
                at=on(day, 9),
                party=f"supplier:{SUPPLIER}",
                service="ordering",
                path=f"/api/orders/{lines[0].order}/serials/imports",
                body=table("line,maker,serial,model", spelt),
                items=len(spelt),
            )
        )
    return acts


def _admissions(rng: Random, world: World) -> tuple[list[Act], frozenset[str]]:
    """Most lines are admitted whole, some before their serials come, some never, one by a list."""
    first = [line for line in world.lines if line.lot is LOTS[0]]
    by_list = pick(rng, [line for line in first if len(_known_in_time(world, line)) > 1], 0)
    whole = [line for line in world.lines if line not in by_list]
    without = set(pick(rng, whole, NOT_ADMITTED))
    whole = [line for line in whole if line not in without]
    early = set(pick(rng, whole, ADMITTED_EARLY))
    acts: list[Act] = []
    admitted: set[str] = set()
    for line in whole:
        day = working_day(line.lot.admitted_on, rng.randint(0, 4))
        if line in early:
            day = line.lot.listed_on - timedelta(days=rng.randint(3, 6))
        acts.append(_admission(world.run, line, day))
        admitted.update(line.serials)
    for line in by_list:
        known = _known_in_time(world, line)
        chosen = known[: -(-len(known) * 2 // 3)]
        acts.append(_admission(world.run, line, line.lot.admitted_on, chosen))
        admitted.update(chosen)
    return acts, frozenset(admitted)


def _known_in_time(world: World, line: Line) -> list[str]:
    return [serial for serial in line.serials if serial not in world.late | world.never]


def _admission(run: str, line: Line, day: date, serials: Sequence[str] = ()) -> Act:
    body: dict[str, object] = {
        "id": f"{run}-admission-{line.lot.name}-{line.number}",
        "line": line.number,
        "decided_at": spelling.instant(on(day, 10)),
        "decided_by": "region-asset-managers",
    }
    if serials:
        body["laptops"] = [{"maker": "HP", "serial": serial} for serial in serials]
    return Act(
        id=str(body["id"]),
        at=on(day, 12),
        party="region",
        service="ordering",
        path=f"/api/orders/{line.order}/admissions",
        body=body,
        items=1,
    )
