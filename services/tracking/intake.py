"""Tracking over HTTP: lives, search, boards, books,
as JSON. Whoever may come to the machine may read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from services.tracking import boards, ending, fold, lists, showing, store, unusual
from services.tracking.sentences import standing_known, summary
from services.tracking.words import STANDINGS
from shared.contracts import identifiers
from shared.contracts.identifiers import Makers
from shared.databases import Database
from shared.serving import Listed, Problem, Route, answer, invalid, limit_of, moment_of

FILTERS = ("order", "shipment", "school")
QUERY = {
    "serial": "A serial number, of any maker",
    "order": "The number of a purchase order",
    "shipment": "A shipment's SSCC",
    "school": "A school's UAI",
    "location": f"Where the laptop is: {', '.join(STANDINGS['location'])}",
    "owner": f"Whose it is: {', '.join(STANDINGS['owner'])}",
    "promise": "What became of the promised day: on-time, late (received after it) or due",
    "disposition": f"What became of announced laptops: {', '.join(ending.DISPOSITIONS)}",
    "changed_since": "Those of which something was heard since; RFC 3339 with an offset",
    "limit": "How many, 1 to 500; 100 when left out",
    "cursor": "What a list gave as next",
}


class Warranty(Struct, frozen=True, rename={"since": "from", "until": "to"}):
    """The days on which the warranty begins and ends."""

    since: str | None
    until: str | None


class FactTold(Struct, frozen=True):
    """One fact of a life. `source` and `id` as the sender gave them; `fact` is our name for it."""

    type: str
    happened_at: datetime
    recorded_at: datetime
    source: str
    id: str
    fact: str
    summary: str


class LaptopTold(Struct, frozen=True):
    """One life: the five facts, where the laptop belongs, what stands in its place or it in
    another's, and all that was heard of it.
    """

    laptop: str
    model: str | None
    order: str | None
    line: str | None
    lot: str | None
    school: str | None
    shipment: str | None
    student: str | None
    since: datetime | None
    location: str
    holder: str
    owner: str
    working: str
    managed: str
    disposition: str
    promised_on: str | None
    received_at: datetime | None
    replaced_by: str | None
    replaces: str | None
    flags: list[str]
    warranty: Warranty
    timeline: list[FactTold]


class RowTold(Struct, frozen=True):
    """A laptop in a list."""

    laptop: str
    location: str
    holder: str
    owner: str
    working: str
    managed: str
    disposition: str
    flags: list[str]
    model: str | None
    order: str | None
    line: str | None
    lot: str | None
    school: str | None
    shipment: str | None
    student: str | None
    since: datetime | None
    promised_on: str | None
    received_at: datetime | None
    changed_at: datetime | None


class RegionTold(Struct, frozen=True):
    """The region's board: counts of laptops; those by `disposition` are all that are announced.
    `as_of` says how fresh it is.
    """

    location: dict[str, int]
    owner: dict[str, int]
    working: dict[str, int]
    funnel: dict[str, int]
    disposition: dict[str, int]
    unannounced: int
    promise: boards.Promise
    as_of: datetime


class SchoolTold(Struct, frozen=True):
    """A school's board, as the region's."""

    uai: str
    name: str | None
    town: str | None
    location: dict[str, int]
    owner: dict[str, int]
    working: dict[str, int]
    funnel: dict[str, int]
    disposition: dict[str, int]
    promise: boards.Promise
    as_of: datetime


class Anomaly(Struct, frozen=True, omit_defaults=True):
    """Something unusual. `code`: a laptop's flag; facts-missing, of which `heard` up to number
    `highest` of `publisher` came; number-used-again, where a publisher gave one number of a key to
    two facts and the second is set aside; one-student-with-several, who has so many `laptops`;
    student-unknown, of whom enrolment did not tell within 72 hours.
    """

    code: str
    key: str = ""
    school: str | None = None
    location: str | None = None
    since: datetime | None = None
    publisher: str = ""
    highest: int = 0
    heard: int = 0
    student: str = ""
    laptops: int = 0


@dataclass(frozen=True)
class Intake:
    """What the handlers work with."""

    database: Database
    makers: Makers
    now: Callable[[], datetime]


def routes(intake: Intake) -> list[Route]:
    """Tracking's calls."""
    return [*_lives(intake), *_boards(intake)]


def _lives(intake: Intake) -> list[Route]:
    read = intake.database.read

    async def laptop(request: Request) -> Response:
        key = named(intake.makers, request)
        found = await read(lambda connection: store.life(connection, key))
        if found is None:
            raise Problem(404, "unknown-laptop", f"nothing was heard of {key}")
        return answer(told(key, *found))

    async def laptops(request: Request) -> Response:
        wanted, limit = filters(intake, request), limit_of(request)
        after = request.query_params.get("cursor", "")
        rows, total = await read(lambda connection: lists.listed(connection, wanted, after, limit))
        cursor = rows[-1]["key"] if len(rows) == limit else None
        return answer(Listed([row_told(row) for row in rows], cursor, total))

    one, every = LaptopTold, Listed[RowTold]
    return [
        Route("GET", "/api/laptops/{maker}/{serial}", laptop, "One life", None, answer=one),
        Route("GET", "/api/laptops", laptops, "Laptops, filtered", None, answer=every, query=QUERY),
    ]


def _boards(intake: Intake) -> list[Route]:
    read = intake.database.read

    async def region(_request: Request) -> Response:
        return answer(await read(lambda connection: region_board(connection, intake.now())))

    async def school(request: Request) -> Response:
        uai = checked(identifiers.uai, request.path_params["uai"], "/uai")
        board = await read(lambda connection: school_board(connection, uai, intake.now()))
        if board is None:
            raise Problem(404, "unknown-school", f"nothing was heard of {uai}")
        return answer(board)

    async def reconciliation(request: Request) -> Response:
        number = request.query_params.get("order")
        items = await read(lambda connection: books(connection, number, intake.now()))
        return answer(Listed(items, None, len(items)))

    async def anomalies(request: Request) -> Response:
        after, limit = request.query_params.get("cursor", ""), limit_of(request)
        known = intake.now() - TOLD_WITHIN
        return answer(await read(lambda one: anomalies_of(one, after, limit, known)))

    order = {"order": "The number of one order; all when left out"}
    whole, one = RegionTold, SchoolTold
    return [
        Route("GET", "/api/boards/region", region, "The region's board", None, answer=whole),
        Route("GET", "/api/boards/schools/{uai}", school, "A school's board", None, answer=one),
        Route(
            "GET",
            "/api/reconciliation",
            reconciliation,
            "The books, line by line",
            None,
            answer=Listed[boards.Books],
            query=order,
        ),
        Route(
            "GET",
            "/api/anomalies",
            anomalies,
            "What is unusual or does not fit together",
            None,
            answer=Listed[Anomaly],
            query={name: QUERY[name] for name in ("limit", "cursor")},
        ),
    ]


TOLD_WITHIN = timedelta(hours=72)  # of a hand-out, enrolment tells of its student


def anomalies_of(
    connection: Connection, after: str, limit: int, known: datetime
) -> Listed[Anomaly]:
    """A page of anomalies; those that are about no one laptop come with the first. `known`: who was
    given a laptop until then, enrolment has told of.
    """
    flag, _, key = after.partition(" ")
    rows, total = unusual.flagged(connection, (flag, key), limit)
    several, gaps = unusual.with_several(connection), unusual.gaps(connection)
    again = unusual.numbers_used_again(connection)
    alone = [Anomaly("facts-missing", **gap) for gap in gaps]
    alone += [Anomaly(unusual.NUMBER_USED_AGAIN, **one) for one in again]
    alone += [Anomaly("one-student-with-several", **one) for one in several]
    strangers = unusual.unknown_students(connection, known)
    alone += [Anomaly("student-unknown", **one) for one in strangers]
    found = [*([] if after else alone), *(Anomaly(row.pop("flag"), **row) for row in rows)]
    cursor = f"{found[-1].code} {found[-1].key}" if len(rows) == limit else None
    return Listed(found, cursor, total + len(alone))


def checked(read: Callable[[str], str], text: str, field: str) -> str:
    """A name in its one spelling. Raises Problem 422."""
    try:
        return read(text)
    except ValueError as trouble:
        raise invalid(field, "invalid", str(trouble)) from None


def named(makers: Makers, request: Request) -> str:
    """The laptop that an address names, by any spelling of its maker. Raises Problem 404."""
    try:
        return makers.laptop(request.path_params["maker"], request.path_params["serial"])
    except ValueError as trouble:
        raise Problem(404, "unknown-laptop", str(trouble)) from None


def filters(intake: Intake, request: Request) -> dict[str, Any]:
    """What a list is filtered by. Raises Problem 422."""
    given = request.query_params
    wanted = {name: given[name] for name in FILTERS if given.get(name)} | _standing(given)
    if "school" in wanted:
        wanted["school"] = checked(identifiers.uai, wanted["school"], "/school")
    if "shipment" in wanted:
        wanted["shipment"] = checked(identifiers.sscc, wanted["shipment"], "/shipment")
    if given.get("serial"):
        try:
            wanted["keys"] = showing.named(intake.makers, given["serial"])
        except ValueError as trouble:
            raise invalid("/serial", "invalid", str(trouble)) from None
    if promise := given.get("promise"):
        checked(fold.outcome, promise, "/promise")
        wanted["promise"] = (promise, intake.now())
    changed_since = moment_of(request, "changed_since")
    return wanted | ({"changed_since": changed_since} if changed_since else {})


def _standing(given: Mapping[str, str]) -> dict[str, Any]:
    """What is asked of where laptops are, whose they are and what became of them. Raises 422."""
    names = [name for name in ("location", "owner", "disposition") if given.get(name)]
    wanted: dict[str, Any] = {
        name: checked(partial(standing_known, name), given[name], f"/{name}") for name in names
    }
    if "disposition" in wanted:
        wanted["announced"] = True  # a laptop that is not is in no figure, and in no list of one
    return wanted


def told(key: str, life: fold.Life, timeline: list[dict[str, Any]]) -> LaptopTold:
    """A life as its address answers it."""
    same = {
        name: getattr(life, name)
        for name in LaptopTold.__struct_fields__
        if name in fold.Life.__struct_fields__
    }
    return LaptopTold(
        laptop=key,
        **same,
        flags=fold.flags(life),
        warranty=Warranty(life.warranty_from, life.warranty_to),
        timeline=[_fact_told(fact) for fact in timeline],
    )


def _fact_told(fact: dict[str, Any]) -> FactTold:
    names = ("type", "happened_at", "recorded_at", "source", "id", "fact")
    return FactTold(
        **{name: fact[name] for name in names},
        summary=summary(fact["type"], msgspec.json.decode(fact["body"])),
    )


def row_told(row: dict[str, Any]) -> RowTold:
    """A laptop in a list."""
    same = {name: row[name] for name in RowTold.__struct_fields__ if name in row}
    return RowTold(laptop=row["key"], **same)


def region_board(connection: Connection, now: datetime) -> RegionTold:
    """The region's board."""
    tally = store.tallies(connection, ["region"])["region"]
    ordered = sum(
        line.quantity
        for order in store.orders(connection).values()
        for line in order.lines.values()
    )
    return RegionTold(
        **boards.board(tally, ordered),
        unannounced=tally["flag", "unannounced"],
        promise=boards.promise(tally, lists.due(connection, now)[0]),
        as_of=_fresh(connection),
    )


def school_board(connection: Connection, uai: str, now: datetime) -> SchoolTold | None:
    """A school's board; None for a school of which nothing was heard."""
    entry = store.schools(connection, uai=uai).get(uai)
    tally = store.tallies(connection, [f"school:{uai}"])[f"school:{uai}"]
    if entry is None and not tally:
        return None
    lines = (line for order in store.orders(connection).values() for line in order.lines.values())
    ordered = sum(line.quantity for line in lines if line.school == uai)
    return SchoolTold(
        uai=uai,
        name=entry.name if entry else None,
        town=entry.town if entry else None,
        **boards.board(tally, ordered),
        promise=boards.promise(tally, lists.due(connection, now, uai)[0]),
        as_of=_fresh(connection),
    )


def books(connection: Connection, number: str | None, now: datetime) -> list[boards.Books]:
    """The books of one order, or of all, line by line."""
    lines = [
        (order, name, line)
        for order, placed in store.orders(connection, number).items()
        for name, line in placed.lines.items()
    ]
    tallies = store.tallies(connection, [f"line:{order}/{name}" for order, name, _ in lines])
    due = lists.due_by_line(connection, now, number)
    return [
        boards.reconciliation(order, name, line, tallies[f"line:{order}/{name}"], due[order, name])
        for order, name, line in lines
    ]


def _fresh(connection: Connection) -> datetime:
    return store.fresh(connection) or datetime.now(UTC)
