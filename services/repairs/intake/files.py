"""Files that repairs gives out: cases in the Open Repair Data Standard 0.3."""

import csv
import io
from collections.abc import AsyncIterator, Iterable
from functools import partial

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from services.repairs import store
from services.repairs.store import Found
from shared.access import role
from shared.asking import Intake
from shared.contracts import repairs
from shared.contracts.calendar import day_of
from shared.screens import table
from shared.serving import Handler

PART = 500
COLUMNS = (
    "id",
    "data_provider",
    "country",
    "partner_product_category",
    "product_category",
    "product_category_id",
    "brand",
    "year_of_manufacture",
    "product_age",
    "repair_status",
    "repair_barrier_if_end_of_life",
    "group_identifier",
    "event_date",
    "problem",
)
LAPTOP = ("Computer ~ Laptop", "Laptop", 16)  # ORDS: category of the partner, its own, its number

END_OF_LIFE = 3


Cases = tuple[list[Found], dict[str, str]]
"""Cases, and what was written of them by number."""


def export(intake: Intake) -> Handler:
    """A handler that gives out cases as a table, the oldest first: a desk's own, or all."""

    async def give(request: Request) -> Response:
        party = request.state.party
        desk = party.partition(":")[2] if role(party) == "desk" else ""
        first = await intake.database.read(partial(_part, desk=desk, after=None))
        return table(_lines(intake, desk, first), "ords.csv")

    return give


async def _lines(intake: Intake, desk: str, first: Cases) -> AsyncIterator[str]:
    """The table in parts. The first is read before anything is sent, so that a database that is
    away is told as such.
    """
    yield _csv([COLUMNS])
    found, texts = first
    while True:
        yield _csv(_row(one, texts.get(one.number, "")) for one in found)
        if len(found) < PART:
            return
        after = found[-1].number
        found, texts = await intake.database.read(partial(_part, desk=desk, after=after))


def _part(connection: Connection, desk: str, after: str | None) -> Cases:
    found = store.exported(connection, desk, after, PART)
    return found, store.texts(connection, found)


def _csv(rows: Iterable[Iterable[object]]) -> str:
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\r\n").writerows(rows)
    return lines.getvalue()


def _row(found: Found, text: str) -> list[object]:
    case = found.case
    outcome = repairs.OUTCOMES[case.outcome or 0]
    barrier = repairs.BARRIERS[case.barrier] if case.barrier and case.outcome == END_OF_LIFE else ""
    opened = day_of(case.opened_at).isoformat() if case.opened_at else ""
    brand = found.laptop.partition("/")[0]
    who = (f"trousseau-{found.number}", "Trousseau", "FRA")
    return [*who, *LAPTOP, brand, "", "", outcome, barrier, case.desk, opened, text]
