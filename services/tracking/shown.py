"""What tracking's screens show, as frozen values:
the store fills them, the pages turn them into HTML.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from msgspec import Struct

from services.tracking import fold
from shared.pages.tables import Listing


class Filter(Struct, frozen=True):
    """Which laptops a list shows; its names are those of the query. Empty: all. `reached`: a funnel
    step's key, at any time; `promise`: what became of the promised day; `disposition`: what became
    of the laptop; `day`: only those that reached the step on that day in Paris (ISO date), or were
    due as it began.
    """

    serial: str = ""
    order: str = ""
    shipment: str = ""
    school: str = ""
    department: str = ""
    location: str = ""
    owner: str = ""
    flag: str = ""
    reached: str = ""
    promise: str = ""
    disposition: str = ""
    day: str = ""


class Place(Struct, frozen=True):
    """Where in a list somebody looks: in which order, and behind which row. As in Listing."""

    after: str = ""
    sort: str = ""


class Tally(Struct, frozen=True):
    """A count, and the list that it counts; without a filter the number is no link."""

    count: int
    filter: Filter | None = None


class Step(Struct, frozen=True):
    """A step of the funnel: how many laptops ever reached
    it, how many of them today. `key`: as in STATIONS.
    """

    key: str
    reached: Tally
    today: Tally


class Share(Struct, frozen=True):
    """A département: so many of its expected laptops are handed out."""

    department: str
    handed_out: int
    expected: int


class Wrong(Struct, frozen=True):
    """Something that is wrong now. `kind`: missing, refused,
    late, or a flag. `oldest`: since when at the latest.
    """

    kind: str
    tally: Tally
    oldest: datetime | None = None


class Became(Struct, frozen=True):
    """What became of so many laptops. `disposition`: as in ending.DISPOSITIONS."""

    disposition: str
    tally: Tally


def became(counts: Mapping[str, int], school: str = "") -> tuple[Became, ...]:
    """What became of laptops, a school's or all, each count with its list."""
    return tuple(
        Became(word, Tally(count, Filter(school=school, disposition=word)))
        for word, count in counts.items()
    )


class RegionBoard(Struct, frozen=True):
    """The region's one look, at all school years together. `years`: how many laptops are ordered
    for each ("2020-2021"), the first one first; none before any order.
    """

    years: Mapping[str, int]
    funnel: tuple[Step, ...]
    departments: tuple[Share, ...]
    wrong: tuple[Wrong, ...]
    became: tuple[Became, ...] = ()


class Row(Struct, frozen=True):
    """A laptop in a list. `since`: how long it has been where it is."""

    maker: str
    serial: str
    model: str
    location: str
    since: datetime | None
    school: str
    school_name: str
    order: str
    flags: tuple[str, ...] = ()
    disposition: str = "in-use"


class Pallet(Struct, frozen=True):
    """A shipment on its way or at the door. `state`: announced, dispatched, in-transit, arrived."""

    shipment: str
    laptops: int
    state: str
    promised_on: date | None = None
    last_seen_at: datetime | None = None


class Task(Struct, frozen=True):
    """Something the school should do this week. `kind`:
    count, hand-out, report-missing, check-unannounced.
    """

    kind: str
    tally: Tally
    shipment: str = ""
    by: date | None = None


class SchoolBoard(Struct, frozen=True):
    """A lycée's one look and its laptops."""

    uai: str
    name: str
    town: str
    department: str
    expected: Tally
    here: Tally
    handed_out: Tally
    in_repair: Tally
    next_pallet: Pallet | None
    tasks: tuple[Task, ...]
    rows: tuple[Row, ...]
    listing: Listing
    became: tuple[Became, ...] = ()


class SchoolCounts(Struct, frozen=True):
    """A lycée in a list: how many laptops it is to get, and how far these ever came."""

    uai: str
    name: str
    town: str
    department: str
    ordered: Tally
    announced: Tally
    received: Tally
    handed_out: Tally
    missing: Tally


class Standing(Struct, frozen=True):
    """One of the five facts: its value on the wire, and since when."""

    value: str
    since: datetime | None = None


class Told(Struct, frozen=True):
    """One row of a timeline. `body`: the fact's own fields, as
    decoded from JSON. `source`, `id`: as the sender gave them.
    `withdrawn`: it was corrected, and holds no longer.
    """

    type: str
    happened_at: datetime
    recorded_at: datetime
    source: str
    id: str
    body: Mapping[str, Any] = {}
    withdrawn: bool = False


class LaptopLife(Struct, frozen=True):
    """One laptop. `timeline`: oldest first, of this laptop; `ordered_at`: when its order was
    placed; `reached`: by a station's key, when it first came so far by words that count;
    `promise`: whether it came by the promised day, "" while that is open; `erased`: whether
    nobody can say any more who `student` is.
    """

    maker: str
    serial: str
    model: str
    order: str
    line: str
    lot: str
    shipment: str
    school: str
    school_name: str
    location: Standing
    holder: Standing
    owner: Standing
    working: Standing
    managed: Standing
    flags: tuple[str, ...]
    warranty_from: date | None
    warranty_to: date | None
    ordered_at: datetime | None
    reached: Mapping[str, datetime]
    timeline: tuple[Told, ...]
    promised_on: date | None = None
    promise: str = ""
    replaced_by: str = ""
    replaces: str = ""
    student: str = ""
    erased: bool = False


class Found(Struct, frozen=True):
    """Something a search found. `kind`: laptop, order, shipment,
    school. `key`: `<maker>/<SERIAL>`, number, SSCC or UAI.
    """

    kind: str
    key: str
    title: str
    detail: str = ""


# -- a school's week

STATES = ("arrived", "in-transit", "dispatched", "announced")  # the nearest to the door first
Shipments = list[tuple[str, fold.Shipment]]


def on_the_way(shipments: Shipments, to_count: Mapping[str, int]) -> Shipments:
    """A school's shipments, the nearest first, without those at its door that are counted out."""
    due = [
        (sscc, one)
        for sscc, one in shipments
        if one.state != "arrived" or not one.laptops or to_count.get(sscc)
    ]
    return sorted(due, key=lambda pair: STATES.index(pair[1].state))


def next_pallet(
    shipments: Shipments, to_count: Mapping[str, int], promised: date | None
) -> Pallet | None:
    """The shipment that is nearest to the door, with as many laptops as are to count."""
    if not shipments:
        return None
    sscc, one = shipments[0]
    laptops = to_count.get(sscc) or len(one.laptops) or one.quantity or 0
    return Pallet(sscc, laptops, one.state, promised, one.since)


def tasks(
    uai: str, locations: Mapping[str, int], to_count: Mapping[str, int], nearest: list[str]
) -> tuple[Task, ...]:
    """What a school should do: count each pallet for itself, the nearest first; `to_count`: how
    many laptops of a pallet are, "" standing for none that is named.
    """
    others = sorted(to_count.keys() - {*nearest}, reverse=True)  # "" comes last
    pallets = [one for one in (*nearest, *others) if to_count.get(one)]
    found = [
        Task(
            "count",
            Tally(to_count[one], Filter(school=uai, location="arrived", shipment=one)),
            one,
        )
        for one in pallets
    ]
    for kind, location in (("hand-out", "at-school"), ("report-missing", "missing")):
        if count := locations.get(location, 0):
            found.append(Task(kind, Tally(count, Filter(school=uai, location=location))))
    return tuple(found)
