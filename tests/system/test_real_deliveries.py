"""Seven years of real deliveries through the public interfaces: the figures are those of the file.

One laptop stands for one line of a purchase order (USAID, Supply Chain Management System), a lycée
for a country. The services' clock stands at the day on which a delivery was recorded.
"""

import asyncio
import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import groupby, pairwise
from operator import attrgetter
from pathlib import Path
from random import Random
from shutil import disk_usage
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import httpx
import pytest

from deploy import topics
from partners.year.play import move_clock
from tests import running
from tests.builders import a_uai, an_sscc
from tests.places import Kafka, PostgresServer
from tests.running import System, until
from tests.system.acts import SCHOOL_COLUMNS, post_file, send_file

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "scms-deliveries" / "open"
FILE = FOLDER / "scms_deliveries_2006_2012.csv"
BEGIN = datetime(2006, 5, 1, 8, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")
SEED = 2006
SUPPLIER = "supplier:hexalog"
HEARING = ("delivery", "tracking")
AT_ONCE = 6
PATIENCE_SECONDS = 120
ROOM_BYTES = 1 << 30


class Line(NamedTuple):
    """A row of the file: what was promised, when it came, and when that was written down."""

    id: str
    order: str
    shipment: str
    country: str
    mode: str
    goods: str
    promised_on: date
    delivered_on: date
    recorded_on: date


class Said(NamedTuple):
    """What a party says of a shipment, and on which day we hear it."""

    heard_on: date
    party: str
    event: Mapping[str, Any]


class Replay(NamedTuple):
    """A system that was told the whole file, and when it heard of each shipment's count."""

    system: System
    lines: Sequence[Line]
    heard_on: Mapping[str, date]


# -- the file, and what is counted from it alone


def told_in_the_file() -> tuple[list[Line], Counter[str]]:
    """The lines of the file, and how many rows cannot be said, by what they lack."""
    lines, lacking = [], Counter[str]()
    with FILE.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            try:
                lines.append(_line(row))
            except ValueError as lack:
                lacking[str(lack)] += 1
    return lines, lacking


def _line(row: Mapping[str, str]) -> Line:
    texts = ("ID", "PO / SO #", "ASN/DN #", "Country", "Shipment Mode", "Product Group")
    days = ("Scheduled Delivery Date", "Delivered to Client Date", "Delivery Recorded Date")
    id, order, shipment, country, mode, goods = (_there(name, row[name]) for name in texts)
    promised, delivered, recorded = (_day(row[name]) for name in days)
    return Line(id, order, shipment, country, mode, goods, promised, delivered, recorded)


def _day(text: str) -> date:
    return datetime.strptime(text, "%d-%b-%y").date()  # noqa: DTZ007  a day has no zone


def _there(name: str, text: str) -> str:
    if not text.strip():
        raise ValueError(f"no {name}")
    return text.strip()


def counted(lines: Iterable[Line]) -> Counter[tuple[Any, str]]:
    """How many came by the promised day, and how many after it: in all, by order, year, country."""
    counts = Counter[tuple[Any, str]]()
    for line in lines:
        kept = "on_time" if line.delivered_on <= line.promised_on else "late"
        for of in ("all", line.order, line.promised_on.year, line.country):
            counts[of, kept] += 1
    return counts


# -- the file, said to a system


@pytest.fixture(scope="module")
def ordered(kafka: Kafka) -> Iterator[list[Line]]:
    """The lines of the file, which ordering has told of: orders first, then serial numbers."""
    if not FILE.exists():
        pytest.skip(f"the real deliveries are not on this machine ({FILE.name})")
    lines, lacking = told_in_the_file()
    assert (len(lines), lacking) == (6_514, {}), "each row of the file can be said"
    running.fresh_topics(kafka.bootstrap)
    with (
        in_memory() as home,
        running.system(home, "sqlite", kafka.bootstrap, ["ordering"]) as system,
    ):
        started(system)
        rows = [f'{uai_of(country)},"{country}",67,Metz' for country in together(lines, "country")]
        listed = send_file(system, "region", "/api/schools/imports", SCHOOL_COLUMNS, rows)
        assert listed["applied"] == len(rows), listed
        with ThreadPoolExecutor(AT_ONCE) as at_once:
            list(at_once.map(partial(order, system), together(lines, "order").values()))
        applied = f'trousseau_job_rows_total{{verdict="applied"}} {len(rows) + len(lines)}.0\n'
        metrics = f"{system.ordering.url}/metrics"
        until(lambda: applied in system.http.get(metrics).text, "all serials are taken in", 120)
        assert system.ordering.stop() == 0
        yield lines


@pytest.fixture(params=["as recorded", "shuffled"])
def replay(request: pytest.FixtureRequest, ordered: list[Line], kafka: Kafka) -> Iterator[Replay]:
    """Everything heard when it was recorded, on SQLite; and in another database, PostgreSQL, heard
    up to sixty days before or after that, by a seed.
    """
    asyncio.run(running.delete_topics(kafka.bootstrap, ["delivery.facts"]))
    asyncio.run(topics.declare(kafka.bootstrap))
    if request.param == "as recorded":
        with (
            in_memory() as home,
            running.system(home, "sqlite", kafka.bootstrap, HEARING) as system,
        ):
            yield replayed(system, ordered, None)
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with (
        in_memory() as home,
        running.databases(server, HEARING) as url,
        running.system(home, url, kafka.bootstrap, HEARING) as system,
    ):
        yield replayed(system, ordered, Random(SEED))  # noqa: S311  it has to come again


@contextmanager
def in_memory() -> Iterator[Path]:
    """A folder that costs no disk, where there is room for such: that a disk keeps what it is told
    is proved elsewhere, and forty thousand commits would wait for it here.
    """
    shm = Path("/dev/shm")  # noqa: S108  the folder in it is new and ours
    roomy = shm.is_dir() and disk_usage(shm).free > ROOM_BYTES
    with TemporaryDirectory(dir=shm if roomy else None) as home:
        yield Path(home)


def started(system: System) -> Path:
    """Let a system run, at any pace; the file with its clock, which stands before all orders."""
    clock = system.home / "clock"
    move_clock(clock, BEGIN)
    for service in system.services.values():
        service.environment = {**service.environment, "TROUSSEAU_CLOCK": str(clock)}
        service.program = ("tests.unpaced", service.name)
    system.start(*system.services)
    return clock


def replayed(system: System, lines: Sequence[Line], chance: Random | None) -> Replay:
    """What ordering said, then what was said of shipments, day by day."""
    clock = started(system)
    heard_on = {}
    said = list[Said]()
    for shipment, of_it in together(lines, "shipment").items():
        carried, counts = (_heard_on(of_it[0], chance) for _ in "ab")
        said += [Said(carried, *one) for one in by_the_carrier(shipment, of_it)]
        said.append(Said(counts, *by_the_school(shipment, of_it)))
        heard_on[shipment] = counts
    for party in {one.party for one in said}:
        system.bearer(party)  # its key is made here, and not by several threads at once
    shown(system, "announced", len(lines))
    came = [heard_on[line.shipment] for line in sorted(lines, key=attrgetter("delivered_on"))]
    turned = sum(before > after for before, after in pairwise(came))
    assert turned > len(lines) // 5 if chance else turned < 10, "how many came in another order"
    said.sort(key=attrgetter("heard_on"))
    with ThreadPoolExecutor(AT_ONCE) as at_once:
        for day, of_day in groupby(said, attrgetter("heard_on")):
            move_clock(clock, datetime.combine(day, time(23, 59, 59), PARIS))
            events = {
                party: [one.event for one in by_party]
                for party, by_party in together(of_day, "party").items()
            }
            list(at_once.map(partial(tell, system), events, events.values()))
    shown(system, "at-school", len(lines))
    return Replay(system, lines, heard_on)


def together(things: Iterable[Any], name: str) -> dict[Any, list[Any]]:
    """Things with the same value of a field, in lists."""
    found = defaultdict[Any, list[Any]](list)
    for thing in things:
        found[getattr(thing, name)].append(thing)
    return found


def _heard_on(line: Line, chance: Random | None) -> date:
    """When it is heard: never before it came, for what lies in the future is refused. By chance it
    is a Monday, so that seven years take fewer requests.
    """
    if chance is None:
        return line.recorded_on
    moved = max(line.recorded_on + timedelta(chance.randint(-60, 54)), line.delivered_on)
    return moved + timedelta(-moved.weekday() % 7)


COUNTRIES: dict[str, str] = {}


def uai_of(country: str) -> str:
    """The lycée that stands for a country."""
    return COUNTRIES.setdefault(country, a_uai(670_000 + len(COUNTRIES)))


def sscc_of(shipment: str) -> str:
    """ASN-8 and DN-8 are two shipments."""
    kind, _, number = shipment.partition("-")
    return an_sscc((34_012_345 + len(kind)) * 10**9 + int(number))


def serial_of(line: Line) -> str:
    return f"SCMS{line.id}"


def order(system: System, lines: Sequence[Line]) -> None:
    """An order, each line for one laptop, and the supplier's serial list."""
    number, day = lines[0].order, lines[0].promised_on
    year = day.year if day.month >= 9 else day.year - 1
    body = {"order": number, "school_year": f"{year}-{year + 1}", "buyer": "region"}
    ordered = [
        {
            "line": line.id,
            "uai": uai_of(line.country),
            "model": line.goods,
            "quantity": 1,
            "lot": "L1",
            "paid_by": line.country,
            "promised_on": line.promised_on.isoformat(),
        }
        for line in lines
    ]
    path, wanted = "/api/orders", {"supplier": "hexalog", "lines": ordered}
    placed = system.call("ordering", "region", path, body | wanted)
    assert placed.status_code == httpx.codes.CREATED, placed.text
    rows = [f"{line.id},HP,{serial_of(line)},{line.goods}" for line in lines]
    columns = "line,maker,serial,model"
    sent = post_file(system, SUPPLIER, f"{path}/{number}/serials/imports", columns, rows)
    assert sent.status_code == httpx.codes.ACCEPTED, sent.text


def happened_at(shipment: str, lines: Sequence[Line]) -> str:
    """A minute of the day in Paris on which it was delivered; for some the first or the last."""
    minute = Random(shipment).choice((0, 1439, *range(60, 1440, 60)))  # noqa: S311  always the same
    moment = datetime.combine(lines[0].delivered_on, time(minute // 60, minute % 60), PARIS)
    return moment.isoformat()


def by_the_carrier(shipment: str, lines: Sequence[Line]) -> list[tuple[str, Mapping[str, Any]]]:
    """What is in the shipment, that it left, and that it came."""
    carrier = "carrier:" + lines[0].mode.lower().replace(" ", "-").replace("/", "-")
    about = {"shipment": sscc_of(shipment), "happened_at": happened_at(shipment, lines)}
    named = {
        "order": lines[0].order,
        "school": uai_of(lines[0].country),
        "laptops": named_in(lines),
    }
    return [
        (carrier, about | {"id": f"{shipment}/1", "type": "announced"} | named),
        (carrier, about | {"id": f"{shipment}/2", "type": "dispatched"}),
        (carrier, about | {"id": f"{shipment}/3", "type": "arrived"}),
    ]


def by_the_school(shipment: str, lines: Sequence[Line]) -> tuple[str, Mapping[str, Any]]:
    """The school's count."""
    about = {"shipment": sscc_of(shipment), "happened_at": happened_at(shipment, lines)}
    event = about | {"id": shipment, "type": "received", "laptops": named_in(lines)}
    return f"school:{uai_of(lines[0].country)}", event


def named_in(lines: Iterable[Line]) -> list[dict[str, str]]:
    return [{"maker": "HP", "serial": serial_of(line)} for line in lines]


def tell(system: System, party: str, events: Sequence[Mapping[str, Any]]) -> None:
    answer = system.call("delivery", party, "/api/delivery-events", {"events": events})
    assert answer.status_code == httpx.codes.OK, answer.text
    told = Counter(one["verdict"] for one in answer.json()["verdicts"])
    # It counts at once, whether or not its announcement was heard before.
    assert told.keys() <= {"applied", "waiting"}, answer.text


def shown(system: System, location: str, count: int) -> None:
    """Wait until tracking shows so many laptops at a place."""
    path = f"/api/laptops?location={location}&limit=1"
    what = f"{count} are {location}"
    until(lambda: asked(system, path)["total"] == count, what, PATIENCE_SECONDS)


# -- what the system answers


def test_every_delivery_and_whether_it_came_on_time_is_as_in_the_file_whenever_it_was_heard_of(
    replay: Replay,
) -> None:
    system, lines, _ = replay
    wanted = counted(lines)
    assert (wanted["all", "on_time"], wanted["all", "late"]) == (5_912, 602)
    assert_lines_equal(system, lines)
    for country in together(lines, "country"):
        told = asked(system, f"/api/boards/schools/{uai_of(country)}")["promise"]
        assert told == {
            "on_time": wanted[country, "on_time"],
            "late": wanted[country, "late"],
            "due": 0,
        }, country
    told = asked(system, "/api/boards/region")["promise"]
    assert told == {"on_time": 5_912, "late": 602, "due": 0}
    assert_days_equal(replay)


def asked(system: System, path: str) -> Any:
    answer = system.call("tracking", "region", path)
    assert answer.status_code == httpx.codes.OK, answer.text
    return answer.json()


def assert_lines_equal(system: System, lines: Sequence[Line]) -> None:
    """Each line of the books; and what they come to by order and by year."""
    books = asked(system, "/api/reconciliation")["items"]
    assert {
        (line["order"], line["line"]): (line["promised_on"], line["on_time"], line["late"])
        for line in books
    } == {
        (line.order, line.id): (
            line.promised_on.isoformat(),
            int(line.delivered_on <= line.promised_on),
            int(line.delivered_on > line.promised_on),
        )
        for line in lines
    }
    sums = Counter[tuple[Any, str]]()
    for line in books:
        assert (line["received"], line["due"], line["outstanding"]) == (1, 0, 0), line
        for of in ("all", line["order"], int(line["promised_on"][:4])):
            sums.update({(of, "on_time"): line["on_time"], (of, "late"): line["late"]})
    countries = together(lines, "country")
    assert +sums == {of: n for of, n in counted(lines).items() if of[0] not in countries}
    largest = max(together(lines, "order").items(), key=lambda item: len(item[1]))
    of_one = asked(system, f"/api/reconciliation?order={largest[0]}")["items"]
    assert sum(line["late"] for line in of_one) == sums[largest[0], "late"]


def assert_days_equal(replay: Replay) -> None:
    """The day on which each laptop came; and for some, on which that was heard of."""
    system, lines, heard_on = replay
    came, path = dict[str, date](), "/api/laptops?limit=500"
    page = asked(system, path)
    while True:
        came |= {one["laptop"]: in_paris(one["received_at"]) for one in page["items"]}
        if page["next"] is None:
            break
        page = asked(system, f"{path}&cursor={page['next']}")
    assert came == {f"hp/{serial_of(line)}": line.delivered_on for line in lines}
    some = Random(SEED).sample(lines, 100)  # noqa: S311  always the same
    for line in [*some, *(one for one in lines if one.recorded_on != one.delivered_on)]:
        timeline = asked(system, f"/api/laptops/hp/{serial_of(line)}")["timeline"]
        (count,) = (fact for fact in timeline if fact["type"] == "delivery.laptop-received.v1")
        days = in_paris(count["happened_at"]), in_paris(count["recorded_at"])
        assert days == (line.delivered_on, heard_on[line.shipment])


def in_paris(moment: str) -> date:
    return datetime.fromisoformat(moment).astimezone(PARIS).date()
