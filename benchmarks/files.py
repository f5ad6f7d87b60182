"""A year's files by real processes: serial numbers into ordering, delivery events into delivery.

Each is sent as its party sends it, and its job is asked again and again, as a person would: what it
says of the time that is left is held against the time it took. Memory is the process's own.
"""

import asyncio
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import httpx
from msgspec import Struct

from benchmarks import pipe, through, topics
from benchmarks.places import NewDatabase
from shared import ledger
from shared.contracts import envelope
from shared.databases import append, open_database
from shared.worker import ROWS
from tests import running
from tests.builders import a_uai
from tests.running import System
from tests.system import acts

SERVICES = ("ordering", "delivery")
LINES = 400
ASKED_EVERY_SECONDS = 0.1
QUARTERS = (0.25, 0.5, 0.75)
RAW = f"raw, {ROWS:,} rows a transaction"


class Taken(Struct, frozen=True):
    """So many rows in so many seconds, the most memory that the process had held before and after
    them, in MiB; and after one, two, three quarters the time said to be left, and what it was.
    """

    rows: int
    seconds: float
    memory: tuple[float, float] | None = None
    left: tuple[tuple[float, float], ...] = ()

    @property
    def per_second(self) -> float:
        return self.rows / self.seconds


def measured(kafka: str, database: str, new: NewDatabase, rows: int) -> dict[str, Taken]:
    """Each kind of file with a tenth of the rows, then with all of them, in the same process."""
    running.fresh_topics(kafka)
    found = {RAW: asyncio.run(raw(new, rows))}
    with (
        tempfile.TemporaryDirectory() as home,
        running.system(Path(home), database, kafka, SERVICES) as system,
    ):
        sizes = {"a tenth of them": rows // 10, "all of them": rows}
        system.start("ordering")
        first = 0
        for name, count in sizes.items():
            found[f"serial numbers, {name}"] = serials(system, first, count)
            first += count
        system.start("delivery")
        heard = f'{{outcome="applied",topic="ordering.facts"}} {first}.0\n'
        metrics = f"{system.delivery.url}/metrics"
        running.until(lambda: heard in system.http.get(metrics).text, "all are heard", 300)
        first = 0
        for name, count in sizes.items():
            found[f"delivery events by file, {name}"] = events(system, first, count)
            first += count
        for name, count in sizes.items():
            found[f"delivery events by POST, {name}"] = posts(system, first, count)
            first += count
    return found


async def raw(new: NewDatabase, count: int) -> Taken:
    """The least that stores a row for each: inserted in bulk, committed, as often as a job does."""
    async with new() as url:
        database = open_database(url)
        try:
            await database.write(pipe.RAW.create)
            began = perf_counter()
            for start in range(0, count, ROWS):
                facts = [topics.announced(n) for n in range(start, min(start + ROWS, count))]
                rows = [
                    pipe.raw_row(one.key.encode(), one.body, envelope.headers(one), pipe.now())
                    for one in facts
                ]
                work = partial(append, table=pipe.RAW, columns=ledger.COLUMNS, rows=rows)
                await database.write(work)
            return Taken(count, perf_counter() - began)
        finally:
            await database.close()


def serials(system: System, first: int, count: int) -> Taken:
    """An order of so many laptops on LINES lines, and the supplier's list of all of them."""
    school, order = a_uai(670_080), f"BC-{count}"
    acts.list_schools(system, school)
    number = acts.place_order(system, count // LINES, *[school] * LINES, number=order)
    numbers = range(first, first + count)
    rows = (f"{n % LINES + 1},HP,5CD{n:07d},{acts.MODEL}" for n in numbers)
    path = f"/api/orders/{number}/serials/imports"
    return by_file(system, "ordering", "supplier:hexalog", path, "line,maker,serial,model", rows)


def events(system: System, first: int, count: int) -> Taken:
    """A laptop a row, each dispatched."""
    rows = (",".join(_cells(through.event(n))) for n in range(first, first + count))
    header, path = "id,type,happened_at,order,school,maker,serial", "/api/delivery-events/imports"
    return by_file(system, "delivery", through.CARRIER, path, header, rows)


def _cells(event: Mapping[str, Any]) -> Sequence[str]:
    (laptop,) = event["laptops"]
    names = ("id", "type", "happened_at", "order", "school")
    return (*(event[name] for name in names), laptop["maker"], laptop["serial"])


def by_file(
    system: System, service: str, party: str, path: str, header: str, rows: Iterable[str]
) -> Taken:
    """From the first byte to the job's end."""
    before, content = memory(system, service), [*rows]
    began = perf_counter()
    sent = acts.post_file(system, party, path, header, content, service)
    if sent.status_code != HTTPStatus.ACCEPTED:
        raise AssertionError(sent.text)
    looks = list[tuple[float, dict[str, Any]]]()
    while not looks or looks[-1][1]["state"] in ("queued", "running"):
        sleep(ASKED_EVERY_SECONDS)
        job = system.call(service, party, sent.headers["location"]).json()
        looks.append((perf_counter() - began, job))
    taken, ended = looks[-1]
    if ended["applied"] + ended["waiting"] != len(content):
        raise AssertionError(ended)
    told = [look for look in looks if look[1]["seconds_left"] is not None]
    left = [
        (float(job["seconds_left"]), taken - at)
        for part in QUARTERS
        for at, job in [look for look in told if look[1]["read"] >= part * len(content)][:1]
    ]
    return Taken(len(content), taken, (before, memory(system, service)), tuple(left))


def posts(system: System, first: int, count: int) -> Taken:
    """The same by requests, several under way."""
    before, bodies = memory(system, "delivery"), through.bodies(first, count)
    began = perf_counter()
    with ThreadPoolExecutor(through.AT_ONCE) as posting:
        statuses = {*posting.map(partial(through.post, system), bodies)}
    taken = perf_counter() - began
    if statuses != {httpx.codes.OK}:
        raise AssertionError(f"requests were answered {statuses}")
    return Taken(count, taken, (before, memory(system, "delivery")))


def memory(system: System, service: str) -> float:
    """The most that a service's process has held so far, in MiB."""
    process = system.services[service].process
    status = Path(f"/proc/{process.pid}/status") if process else Path()
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def table(title: str, found: Mapping[str, Taken]) -> str:
    """Times, rates, memory, and how true the time said to be left was."""
    head = (
        f"{'seconds':>9}{'rows/s':>9}  of raw  MiB before, after  left at 1/4, 1/2, 3/4: said, true"
    )
    lines = [f"{title:42}{head}"]
    for name, one in found.items():
        ratio = one.per_second / found[RAW].per_second
        line = f"{name:42}{one.seconds:9.1f}{one.per_second:9,.0f}  {ratio:6.2f}"
        if one.memory:
            line += "  {:10.0f}, {:5.0f}".format(*one.memory)
        left = ", ".join(f"{said:.0f} {true:.1f}" for said, true in one.left)
        lines.append(f"{line}  {left}".rstrip())
    return "\n".join(lines)
