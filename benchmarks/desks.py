"""A desk's work by a real process: a programme's incidents by file, then what desks look at.

20,000 open cases are a bad month of a whole region: 7 % of 276,000 laptops (domain, rates).
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from time import perf_counter

import httpx

from benchmarks.files import Taken, by_file
from tests import running

SERVICES = ("repairs",)
DESK, DESKS = "desk:atelier", 40
ROUNDS = 15
HEADER = "id,maker,serial,reported_at,desk,cause,fault"
CAUSES = ("defect", "breakage", "software", "liquid")
LOOKS: Mapping[str, str] = {
    "the region's queue, first page": "/api/cases?open=true&limit=100",
    "a desk's queue": "/api/cases?open=true&limit=500&desk=d7",
    "a laptop's card": "/api/laptops/hp/5CD0000042",
    "the board, a page": "/?desk=d7",
    "all cases, ORDS": "/api/export/ords.csv",
    "gauges": "/metrics",
}


def measured(
    kafka: str, database: str, rows: int
) -> tuple[dict[str, Taken], dict[str, tuple[float, float]]]:
    """The file's time and memory; and of each look the median and the longest, in seconds."""
    running.fresh_topics(kafka)
    with (
        tempfile.TemporaryDirectory() as home,
        running.system(Path(home), database, kafka, SERVICES) as system,
    ):
        system.start("repairs")
        lines = (_incident(number) for number in range(rows))
        path = "/api/incidents/imports"
        filed = by_file(system, "repairs", "region", path, HEADER, lines)
        region = system.bearer("region")
        key = {"key": region["Authorization"].removeprefix("Bearer ")}
        url = system.services["repairs"].url
        with httpx.Client(base_url=url, headers=region, trust_env=False, timeout=60) as http:
            http.post("/key", data=key)  # pages know a person by a cookie
            looks = {name: _looked(http, address) for name, address in LOOKS.items()}
    return {"incidents by file": filed}, looks


def _incident(number: int) -> str:
    desk, cause = f"d{number % DESKS}", CAUSES[number % len(CAUSES)]
    day = f"2020-{10 + number % 3}-{1 + number % 28:02d}T08:12:00+01:00"
    return f"i-{number},HP,5CD{number:07d},{day},{desk},{cause},{1 + number % 20}"


def _looked(http: httpx.Client, address: str) -> tuple[float, float]:
    took = []
    for _ in range(ROUNDS):
        began = perf_counter()
        answer = http.get(address)
        took.append(perf_counter() - began)
        if answer.status_code != httpx.codes.OK:
            raise AssertionError(f"{address}: {answer.status_code} {answer.text[:200]}")
    return median(took), max(took)


def table(title: str, filed: Mapping[str, Taken], looks: Mapping[str, tuple[float, float]]) -> str:
    """Rows a second and memory of the file; milliseconds of each look."""
    lines = [f"{title:42}{'seconds':>9}{'rows/s':>9}  MiB before, after"]
    for name, one in filed.items():
        memory = "  {:10.0f}, {:5.0f}".format(*one.memory) if one.memory else ""
        lines.append(f"{name:42}{one.seconds:9.1f}{one.per_second:9,.0f}{memory}")
    lines.append(f"{'then, of all of them':42}{'median ms':>12}{'longest ms':>12}")
    lines += [
        f"{name:42}{1e3 * mid:12.1f}{1e3 * most:12.1f}" for name, (mid, most) in looks.items()
    ]
    return "\n".join(lines)
