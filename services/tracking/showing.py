"""What tracking's screens show, read from its tables."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from services.tracking import boards, fold, lists, pages, store
from services.tracking.sentences import standing_known
from services.tracking.shown import (
    Filter,
    Found,
    LaptopLife,
    Place,
    RegionBoard,
    Row,
    SchoolBoard,
    SchoolCounts,
    Share,
    Standing,
    Step,
    Tally,
    Told,
    Wrong,
    became,
    next_pallet,
    on_the_way,
    tasks,
)
from shared.contracts import custody, identifiers
from shared.contracts.calendar import midnight
from shared.contracts.identifiers import Makers, department
from shared.pages import french
from shared.pages.tables import Listing

ROWS = 50
# Flags of what is as it should be, or decided for good.
SETTLED = ("on-loan", "replaced", "return-asked", "scrapped", "written-off")
IN_REPAIR = ("at-repair-desk", "at-repairer")


def board(connection: Connection, today: date) -> RegionBoard:
    """The region's board."""
    orders = store.orders(connection)
    lines = [line for order in orders.values() for line in order.lines.values()]
    day = f"day:{today}"
    scopes = ["region", day, *(f"department:{name}" for name in pages.DEPARTMENTS)]
    tallies = store.tallies(connection, scopes)
    region = tallies["region"]
    ordered = sum(line.quantity for line in lines)
    reached = [("ordered", ordered, 0)] + [
        (step, region["reached", step], tallies[day]["reached", step]) for step in fold.STEPS
    ]
    funnel = tuple(
        Step(
            key,
            _tally(count, Filter(reached=key)),
            _tally(moved, Filter(reached=key, day=str(today))),
        )
        for key, count, moved in reached
    )
    shares = tuple(
        Share(
            name,
            tallies[f"department:{name}"]["reached", "handed-out"],
            sum(line.quantity for line in lines if department(line.school) == name),
        )
        for name in pages.DEPARTMENTS
    )
    wrong = _wrong(connection, region, today)
    ended = became(boards.dispositions(region))
    return RegionBoard(boards.by_year(orders.values()), funnel, shares, wrong, ended)


def _tally(count: int, asked: Filter) -> Tally:
    """A number and its list; orders are not laptops, so `ordered` has none."""
    return Tally(count, None if asked.reached == "ordered" else asked)


def _wrong(
    connection: Connection, region: Mapping[tuple[str, str], int], today: date
) -> tuple[Wrong, ...]:
    found = [
        Wrong(kind, Tally(count, Filter(location=kind)), lists.oldest(connection, kind))
        for kind in ("missing", "refused")
        if (count := region.get(("location", kind), 0))
    ]
    due, since = lists.due(connection, midnight(today))
    if due:
        found.append(Wrong("late", Tally(due, Filter(promise="due", day=str(today))), since))
    flags = (
        (flag, count)
        for (name, flag), count in region.items()
        if name == "flag" and count and flag not in SETTLED
    )
    found += [Wrong(flag, Tally(count, Filter(flag=flag))) for flag, count in sorted(flags)]
    return tuple(found)


def schools(
    connection: Connection, department: str, sort: str
) -> tuple[tuple[SchoolCounts, ...], Listing]:
    """Every school of a département, or of all, with its counts."""
    entries = store.schools(connection)
    ordered: Counter[str] = Counter()
    for order in store.orders(connection).values():
        for line in order.lines.values():
            ordered[line.school] += line.quantity
    here = sorted(
        uai
        for uai in entries.keys() | ordered.keys()
        if not department or identifiers.department(uai) == department
    )
    tallies = store.tallies(connection, [f"school:{uai}" for uai in here])
    rows = [
        _school_counts(uai, entries.get(uai), ordered[uai], tallies[f"school:{uai}"])
        for uai in here
    ]
    sorts = ("town", "name", *pages.SCHOOL_COUNTS)
    by = sort.removeprefix("-") if sort.removeprefix("-") in sorts else "town"
    rows.sort(key=lambda row: _sortable(row, by), reverse=sort == f"-{by}")
    return tuple(rows), Listing(len(rows), "", f"-{by}" if sort == f"-{by}" else by, sorts)


def _sortable(row: SchoolCounts, by: str) -> tuple[Any, ...]:
    names = french.sortable(row.town), french.sortable(row.name), row.uai
    value = getattr(row, by)
    return (value.count, *names) if isinstance(value, Tally) else (french.sortable(value), *names)


def _school_counts(
    uai: str, entry: fold.School | None, ordered: int, tally: Mapping[tuple[str, str], int]
) -> SchoolCounts:
    def reached(step: str) -> Tally:
        return Tally(tally.get(("reached", step), 0), Filter(school=uai, reached=step))

    return SchoolCounts(
        uai=uai,
        name=entry.name if entry else uai,
        town=entry.town if entry else "",
        department=department(uai) or "",
        ordered=Tally(ordered),
        announced=reached("announced"),
        received=reached("received"),
        handed_out=reached("handed-out"),
        missing=Tally(
            tally.get(("location", "missing"), 0), Filter(school=uai, location="missing")
        ),
    )


def school(connection: Connection, uai: str, place: Place) -> SchoolBoard | None:
    """A school's page; None for one of which nothing was heard."""
    entry = store.schools(connection, uai=uai).get(uai)
    tally = store.tallies(connection, [f"school:{uai}"])[f"school:{uai}"]
    if entry is None and not tally:
        return None
    locations = boards.by(tally, "location")
    lines = [
        line
        for order in store.orders(connection).values()
        for line in order.lines.values()
        if line.school == uai
    ]
    ordered = sum(line.quantity for line in lines)
    came = sum(locations.get(name, 0) for name in ("at-school", "with-student", *IN_REPAIR))
    to_count = lists.to_count(connection, uai)
    shipments = on_the_way(store.shipments_for(connection, uai), to_count)
    promised = min((line.promised_on for line in lines if line.promised_on), default=None)
    rows, listing = listed(connection, Makers({}), Filter(school=uai), place)
    return SchoolBoard(
        uai=uai,
        name=entry.name if entry else uai,
        town=entry.town if entry else "",
        department=department(uai) or "",
        expected=Tally(max(ordered - came, 0)),
        here=Tally(locations.get("at-school", 0), Filter(school=uai, location="at-school")),
        handed_out=Tally(
            locations.get("with-student", 0), Filter(school=uai, location="with-student")
        ),
        in_repair=Tally(sum(locations.get(name, 0) for name in IN_REPAIR)),
        next_pallet=next_pallet(shipments, to_count, promised),
        tasks=tasks(uai, locations, to_count, [sscc for sscc, _ in shipments]),
        rows=rows,
        listing=listing,
        became=became(boards.dispositions(tally), uai),
    )


def listed(
    connection: Connection, makers: Makers, asked: Filter, place: Place, most: int = ROWS
) -> tuple[tuple[Row, ...], Listing]:
    """Laptops of a filter, a page of them. Raises ValueError for a filter that cannot be."""
    sort = place.sort if place.sort.removeprefix("-") in lists.SORTS else "serial"
    found, total = lists.listed(connection, wanted(makers, asked), place.after, most, sort)
    names = store.schools(connection) if found else {}
    rows = tuple(_row(one, names) for one in found)
    following = lists.cursor(found[-1], sort) if len(found) == most else ""
    return rows, Listing(total, following, sort, tuple(lists.SORTS))


def wanted(makers: Makers, asked: Filter) -> dict[str, Any]:
    """A filter in the words of the store. A stock figure counts what is announced, and so does its
    list; what lies in a pallet counts either way.
    """
    given = {
        name: getattr(asked, name)
        for name in ("order", "location", "owner", "department")
        if getattr(asked, name)
    }
    if asked.school:
        given["school"] = identifiers.uai(asked.school)
    if asked.shipment:
        given["shipment"] = identifiers.sscc(asked.shipment)
    if asked.serial:
        given["keys"] = named(makers, asked.serial)
    given |= _in_time(asked)
    if asked.disposition:
        given["disposition"] = standing_known("disposition", asked.disposition)
    of_stock = asked.reached or asked.department or asked.disposition
    if asked.flag:
        given["flag"] = asked.flag
    elif of_stock or (asked.location and not asked.shipment):
        given["announced"] = True
    return given


def _in_time(asked: Filter) -> dict[str, Any]:
    """What of a filter is about when laptops came. Raises ValueError."""
    given: dict[str, Any] = {}
    start, end = _day(asked.day) if asked.day else (None, None)
    if asked.reached:
        if asked.reached not in fold.STEPS:
            raise ValueError(f"{asked.reached[:20]} is no step")
        given["reached"] = (asked.reached, start, end)
    if asked.promise:
        if asked.promise == "due" and start is None:
            raise ValueError("due: say as of which day")
        given["promise"] = (fold.outcome(asked.promise), start)
    return given


def named(makers: Makers, word: str) -> list[str]:
    """The keys that `<maker>/<serial>`, or a serial
    number of any maker, may mean. Raises ValueError.
    """
    maker, slash, serial = word.partition("/")
    name = identifiers.serial_number(serial if slash else word)
    slugs = [makers.slug(maker)] if slash else sorted(set(makers.slugs.values()))
    return [f"{slug}/{name}" for slug in slugs]


def _day(text: str) -> tuple[datetime, datetime]:
    """A day in Paris, from its first moment to the next day's, in UTC. Raises ValueError."""
    day = date.fromisoformat(text)
    try:
        return midnight(day), midnight(day + timedelta(days=1))
    except OverflowError:
        raise ValueError(f"{text} is out of the calendar") from None


def _row(row: Mapping[str, Any], names: Mapping[str, fold.School]) -> Row:
    maker, _, serial = row["key"].partition("/")
    entry = names.get(row["school"] or "")
    return Row(
        maker=maker,
        serial=serial,
        model=row["model"] or "",
        location=row["location"],
        since=row["since"],
        school=row["school"] or "",
        school_name=entry.name if entry else "",
        order=row["order"] or "",
        flags=tuple(row["flags"]),
        disposition=row["disposition"],
    )


def laptop(connection: Connection, key: str) -> LaptopLife | None:
    """One laptop's page; None when nothing was heard of it."""
    found = store.life(connection, key)
    if found is None:
        return None
    life, timeline = found
    maker, _, serial = key.partition("/")
    entry = store.schools(connection, uai=life.school).get(life.school) if life.school else None
    return LaptopLife(
        maker=maker,
        serial=serial,
        model=life.model or "",
        order=life.order or "",
        line=life.line or "",
        lot=life.lot or "",
        shipment=life.shipment or "",
        school=life.school or "",
        school_name=entry.name if entry else "",
        location=Standing(life.location, life.since),
        holder=Standing(life.holder, life.since),
        owner=Standing(life.owner, fold.owned_since(life)),
        working=Standing(life.working),
        managed=Standing(life.managed),
        flags=tuple(fold.flags(life)),
        warranty_from=date.fromisoformat(life.warranty_from) if life.warranty_from else None,
        warranty_to=date.fromisoformat(life.warranty_to) if life.warranty_to else None,
        ordered_at=store.ordered_at(connection, life.order) if life.order else None,
        reached=fold.reached(life),
        timeline=tuple(_told(fact, life) for fact in timeline),
        promised_on=date.fromisoformat(life.promised_on) if life.promised_on else None,
        promise=fold.kept(life) or "",
        replaced_by=life.replaced_by or "",
        replaces=life.replaces or "",
        student=life.student or "",
        erased=store.erased(connection, life.student or ""),
    )


def _told(fact: Mapping[str, Any], life: fold.Life) -> Told:
    names = ("type", "happened_at", "recorded_at", "source", "id")
    return Told(
        **{name: fact[name] for name in names},
        body=msgspec.json.decode(fact["body"]),
        withdrawn=custody.event_of(fact["type"], fact["source"], fact["id"])
        in life.custody.withdrawn,
    )


def found(connection: Connection, makers: Makers, asked: str) -> tuple[Found, ...]:
    """What a word names: a serial number, an order, a pallet, a school by UAI or by name."""
    word = asked.strip()
    if not word:
        return ()
    return tuple(
        [
            *_laptops(connection, makers, word),
            *(Found("order", number, number) for number in store.orders(connection, word)),
            *_shipments(connection, word),
            *_schools(connection, word),
        ][:ROWS]
    )


def _laptops(connection: Connection, makers: Makers, word: str) -> list[Found]:
    try:
        keys = named(makers, word)
    except ValueError:
        return []
    rows, _ = lists.listed(connection, {"keys": keys}, "", ROWS)
    return [
        Found("laptop", row["key"], row["key"].partition("/")[2], row["model"] or "")
        for row in rows
    ]


def _shipments(connection: Connection, word: str) -> list[Found]:
    try:
        sscc = identifiers.sscc(word)
    except ValueError:
        return []
    _, total = lists.listed(connection, {"shipment": sscc}, "", 1)
    return [Found("shipment", sscc, sscc, f"{total} ordinateurs")] if total else []


def _schools(connection: Connection, word: str) -> list[Found]:
    try:
        named = store.schools(connection, uai=identifiers.uai(word))
    except ValueError:
        named = {
            uai: school
            for uai, school in store.schools(connection).items()
            if french.holds(f"{school.name} {school.town}", word)
        }
    return [Found("school", uai, school.name, school.town) for uai, school in named.items()]
