"""Delivery's files, row by row: events, one laptop a row. Rows with one id are one event."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.delivery import events
from services.delivery.register import FILE, Sent
from shared.contracts.identifiers import Makers
from shared.worker import Import, Row

COLUMNS = (
    "id",
    "type",
    "happened_at",
    "shipment",
    "order",
    "school",
    "to_school",
    "maker",
    "serial",
    "detail",
    "corrects",
)
LAPTOP = ("maker", "serial")


def imports(makers: Makers) -> dict[str, Import]:
    """Each kind of file that delivery takes in."""

    def event(job: Mapping[str, Any], row: Row, now: datetime) -> Sent:
        raw: dict[str, Any] = {
            name: row[name] for name in COLUMNS if row.get(name) and name not in LAPTOP
        }
        laptop = {name: row[name] for name in LAPTOP if row.get(name)}
        if laptop:
            raw["laptops"] = [laptop]
        return events.reading(events.read_event, raw, job["party"], makers, now, FILE)

    return {"events": Import(COLUMNS, ("id", "type", "happened_at"), event)}
