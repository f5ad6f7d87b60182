"""Repairs' files, row by row: incidents, one a row; the laptops of a recall."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from services.repairs import core, events
from shared.contracts.identifiers import Makers
from shared.decisions import Claim
from shared.transact import Verdict
from shared.worker import Import, Row

COLUMNS = ("id", "maker", "serial", "reported_at", "desk", "cause", "fault", "text")
NEEDED = ("id", "maker", "serial", "reported_at", "cause")


class Recall(Struct, frozen=True):
    """What the job of a large recall is about."""

    recall: str
    model: str
    lot: str | None = None
    trace: str = ""


def imports(makers: Makers, policy: core.Policy) -> dict[str, Import]:
    """Each kind of file that repairs takes in."""
    read = events.incident(policy.causes)

    def incident(job: Mapping[str, Any], row: Row, now: datetime) -> Claim | Verdict:
        raw: dict[str, Any] = {name: row[name] for name in COLUMNS if row.get(name)}
        raw["laptop"] = {"maker": raw.pop("maker", ""), "serial": raw.pop("serial", "")}
        return events.reading(read, raw, job["party"], makers, now)

    return {
        "incidents": Import(COLUMNS, NEEDED, incident),
        "recalls": Import(("key",), ("key",), _recalled),
    }


def _recalled(job: Mapping[str, Any], row: Row, now: datetime) -> Claim | Verdict:
    about = msgspec.json.decode(job["about"], type=Recall)
    return recall_of(job["party"], about, row["key"], now)


def recall_of(party: str, about: Recall, laptop: str, now: datetime) -> Claim:
    """What a recall means for a laptop."""
    command = core.RecallLaptop(about.recall, "region")
    return Claim(party, about.recall, laptop, now, command, stated=False, trace=about.trace)
