"""The region's real lycées and their pupils of 2019, through the public interfaces alone."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import running
from tests.places import Kafka
from tests.running import System, until
from tests.system.acts import ended_job, event, post_file, sscc, tell

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "lycees-grand-est" / "open"
DIRECTORY = FOLDER / "lycees_grand_est.csv"
PATIENCE_SECONDS = 300
SERIALS_A_REPORT = 200


@pytest.fixture
def system(kafka: Kafka, tmp_path: Path) -> Iterator[System]:
    if not DIRECTORY.exists():
        pytest.skip(f"the real directory of lycées is not on this machine ({DIRECTORY.name})")
    running.fresh_topics(kafka.bootstrap)
    names = ("ordering", "delivery", "tracking")
    with running.system(tmp_path, "sqlite", kafka.bootstrap, names) as made:
        made.start()
        yield made


def test_the_real_lycees_order_for_their_seconde_pupils_and_one_departement_receives(
    system: System,
) -> None:
    text = DIRECTORY.read_text(encoding="utf-8")
    directory = list(csv.DictReader(text.splitlines()))
    header, *rows = text.splitlines()
    accepted = post_file(system, "region", "/api/schools/imports", header, rows)
    schools = ended_job(system, accepted.headers["location"])
    assert (schools["read"], schools["applied"]) == (321, 321)

    pupils = {row["uai"]: int(row["secondes_2019"] or 0) for row in directory}
    lines = [_line(row, pupils[row["uai"]]) for row in directory if pupils[row["uai"]]]
    assert (len(lines), sum(line["quantity"] for line in lines)) == (199, 42_225)
    order = {"order": "GE-2019", "school_year": "2019-2020", "buyer": "region"}
    placed = system.call(
        "ordering", "region", "/api/orders", order | {"supplier": "hexalog", "lines": lines}
    )
    assert placed.status_code == httpx.codes.CREATED, placed.text

    serials = {line["uai"]: _serials(number, line) for number, line in enumerate(lines)}
    listed = [
        f"{line['line']},HP,{serial},{line['model']}"
        for line in lines
        for serial in serials[line["uai"]]
    ]
    path = "/api/orders/GE-2019/serials/imports"
    accepted = post_file(system, "supplier:hexalog", path, "line,maker,serial,model", listed)
    announced = until(
        lambda: _done(system, accepted.headers["location"]), "the serial list", PATIENCE_SECONDS
    )
    assert (announced["read"], announced["applied"]) == (42_225, 42_225)

    aube = {uai: found for uai, found in serials.items() if uai.startswith("010")}
    for uai, found in aube.items():
        _ship(system, uai, found)

    received = sum(len(found) for found in aube.values())
    wanted = {
        "ordered": 42_225,
        "announced": 42_225,
        "dispatched": received,
        "arrived": received,
        "received": received,
        "admitted": 0,
        "handed_out": 0,
        "handed_over": 0,
        "in_further_study": 0,
    }
    board = until(lambda: _board(system, wanted), "the region's board", PATIENCE_SECONDS)
    assert board["location"] == {"announced": 42_225 - received, "at-school": received}
    assert received == sum(pupils[uai] for uai in aube) > 0


def _line(row: dict[str, str], quantity: int) -> dict[str, Any]:
    return {
        "line": row["uai"],
        "uai": row["uai"],
        "model": "HP 245 G8",
        "quantity": quantity,
        "lot": f"LOT-{row['departement']}",
        "paid_by": "Région Grand Est",
    }


def _serials(number: int, line: dict[str, Any]) -> list[str]:
    """Of no other test: partners' topics keep what these said."""
    return [f"5LY{number:03d}{place:04d}" for place in range(line["quantity"])]


def _done(system: System, path: str) -> dict[str, Any] | None:
    job: dict[str, Any] = system.call("ordering", "ops", path).json()
    assert job["state"] != "failed", job
    return job if job["state"] == "done" else None


def _ship(system: System, uai: str, serials: list[str]) -> None:
    """A school's laptops on one pallet: announced and dispatched by the carrier, counted there."""
    pallet, keys = sscc(), [f"hp/{serial}" for serial in serials]
    told = {"shipment": pallet, "school": uai}
    parts = [
        keys[start : start + SERIALS_A_REPORT] for start in range(0, len(keys), SERIALS_A_REPORT)
    ]
    sent = [
        *(event("announced", "2019-08-26T08:00:00+02:00", part, **told) for part in parts),
        event("dispatched", "2019-08-27T08:00:00+02:00", **told),
    ]
    counted = [event("received", "2019-08-29T08:00:00+02:00", part, **told) for part in parts]
    verdicts = [*tell(system, "carrier:acme", *sent), *tell(system, "region", *counted)]
    # It counts at once, whether or not delivery has heard of the whole serial list by now.
    assert {one["verdict"] for one in verdicts} <= {"applied", "waiting"}, verdicts


def _board(system: System, wanted: dict[str, int]) -> dict[str, Any] | None:
    board: dict[str, Any] = system.call("tracking", "region", "/api/boards/region").json()
    return board if board["funnel"] == wanted else None
