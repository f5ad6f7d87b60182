"""Handover's long work, row by row: who is called up, what a closed school leaves to another."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from services.handover import core
from shared.contracts.identifiers import kind_of
from shared.decisions import Claim
from shared.transact import Verdict
from shared.worker import Import, Row

CAMPAIGNS, CLOSURES = "campaigns", "closures"


class Calling(Struct, frozen=True):
    """What the job of a campaign is about; `since`: when it was opened."""

    campaign: str
    school_year: str
    since: datetime
    trace: str = ""


class Closure(Struct, frozen=True):
    """What the job of a school that closed is about."""

    school: str
    successor: str
    id: str
    trace: str = ""


def imports() -> dict[str, Import]:
    """Each kind of work; its rows are keys that we wrote ourselves."""
    return {
        CAMPAIGNS: Import(("key",), ("key",), _called),
        CLOSURES: Import(("key",), ("key",), _moved),
    }


def _called(job: Mapping[str, Any], row: Row, _now: datetime) -> Claim | Verdict:
    about = msgspec.json.decode(job["about"], type=Calling)
    command = core.CallUp(about.school_year)
    named = (job["party"], about.campaign, row["key"], about.since)
    return Claim(*named, command, stated=False, trace=about.trace)


def _moved(job: Mapping[str, Any], row: Row, now: datetime) -> Claim | Verdict:
    return move_of(job["party"], msgspec.json.decode(job["about"], type=Closure), row["key"], now)


def move_of(party: str, about: Closure, key: str, now: datetime) -> Claim:
    """What a school's closing means for a student, or for a laptop of one who left."""
    of_student = kind_of(key) == "student"
    move = core.MoveStudent if of_student else core.MoveHandover
    command = move(about.school, about.successor)
    return Claim(party, about.id, key, now, command, stated=False, trace=about.trace)
