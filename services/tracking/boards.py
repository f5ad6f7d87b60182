"""Boards and books: what the tallies say of the region, a school, an order line. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from services.tracking import ending, fold

Tally = Mapping[tuple[str, str], int]

# Each announced laptop is in exactly one of these; outstanding are the ordered that are not
# announced.
BOOKS = {
    "announced": "not_dispatched",
    "in-transit": "in_transit",
    "arrived": "in_transit",
    "at-school": "received",
    "with-student": "received",
    "at-repair-desk": "received",
    "at-repairer": "received",
    "scrapped": "received",
    "missing": "missing",
    "refused": "refused",
}


class Promise(Struct, frozen=True):
    """Announced laptops that were promised by a day: received by its end in Paris, received later,
    and due, which is over that day and not received.
    """

    on_time: int
    late: int
    due: int


class Books(Struct, frozen=True):
    """One order line: what was ordered, announced, where each announced laptop is, and how many
    came by the promised day: the last three as in Promise.
    """

    order: str
    line: str
    uai: str
    lot: str
    ordered: int
    cancelled: int
    announced: int
    outstanding: int
    not_dispatched: int
    in_transit: int
    received: int
    missing: int
    refused: int
    admitted: int
    handed_out: int
    differences: list[str]
    promised_on: date | None
    on_time: int
    late: int
    due: int


def by(tally: Tally, name: str) -> dict[str, int]:
    """The counts of one name, nothing that is nought."""
    return {
        value: count for (kind, value), count in sorted(tally.items()) if kind == name and count
    }


def board(tally: Tally, ordered: int) -> dict[str, Any]:
    """Counts by location, owner and working, how far the laptops came, what became of them."""
    locations = by(tally, "location")
    return {
        "location": locations,
        "owner": by(tally, "owner"),
        "working": by(tally, "working"),
        "funnel": funnel(tally, ordered),
        "disposition": dispositions(tally),
    }


def dispositions(tally: Tally) -> dict[str, int]:
    """How many laptops each thing became of: of every word a count, together all announced."""
    return {word: tally.get(("disposition", word), 0) for word in ending.DISPOSITIONS}


def funnel(tally: Tally, ordered: int) -> dict[str, int]:
    """How many laptops ever came so far."""
    reached = by(tally, "reached")
    return {"ordered": ordered} | {
        step.replace("-", "_"): reached.get(step, 0) for step in fold.STEPS
    }


def by_year(orders: Iterable[fold.Order]) -> dict[str, int]:
    """How many laptops are ordered for each school year, the first year first."""
    years: Counter[str] = Counter()
    for order in orders:
        if not order.school_year:  # something was heard of it before it was placed
            continue
        years[order.school_year] += sum(line.quantity for line in order.lines.values())
    return dict(sorted(years.items()))


def promise(tally: Tally, due: int) -> Promise:
    """What became of promises; those that are due change with the hour and are counted apart."""
    return Promise(tally.get(("promise", "on-time"), 0), tally.get(("promise", "late"), 0), due)


def booked(locations: Mapping[str, int]) -> Counter[str]:
    """The books of some laptops, found by counting them where they are."""
    books: Counter[str] = Counter()
    for location, count in locations.items():
        books[BOOKS.get(location, "unknown")] += count
    return books


def reconciliation(number: str, name: str, line: fold.Line, tally: Tally, due: int) -> Books:
    """The books of one order line, of which so many laptops are due."""
    locations, kept = by(tally, "location"), promise(tally, due)
    books = booked(locations)
    announced = sum(locations.values())
    told = Books(
        order=number,
        line=name,
        uai=line.school,
        lot=line.lot,
        ordered=line.quantity,
        cancelled=line.cancelled,
        announced=announced,
        outstanding=line.quantity - announced - line.cancelled,
        not_dispatched=books["not_dispatched"],
        in_transit=books["in_transit"],
        received=books["received"],
        missing=books["missing"],
        refused=books["refused"],
        admitted=tally.get(("reached", "admitted"), 0),
        handed_out=locations.get("with-student", 0),
        differences=[],
        promised_on=line.promised_on,
        on_time=kept.on_time,
        late=kept.late,
        due=kept.due,
    )
    return replace(told, differences=differences(told))


def differences(line: Books) -> list[str]:
    """What does not match on a line, in words of the books."""
    found = []
    for book in ("outstanding", "not_dispatched", "in_transit", "missing", "refused"):
        if count := getattr(line, book):
            found.append(f"{book} {count}")
    if line.received != line.admitted:
        found.append(f"received {line.received}, admitted {line.admitted}")
    return found
