"""Handover's tables: a row for each campaign, school, student and laptop, and for each handover
what people ask about it; beside them the codes that are out.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Index, Text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from services.handover import core
from shared.databases import Instant, append, table_of
from shared.ledger import Shelf
from shared.migrations import DECIDING

MECHANISMS = DECIDING


class Row(SQLModel, registry=registry()):
    """Handover's own metadata: two services in one process do not mix their tables."""


class CampaignRow(Row, table=True):
    """The state of a campaign."""

    __tablename__ = "handover_campaign"

    key: str = Field(primary_key=True)
    sequence: int
    place: str
    campaign: str = Field(index=True)
    opens_at: datetime | None = Field(default=None, sa_type=Instant)
    legal_basis: str
    deliberation: str
    residual_value_cents: int
    certificates: int


class SchoolRow(Row, table=True):
    """The state of a school: what it is called, which other took over from it."""

    __tablename__ = "school"

    key: str = Field(primary_key=True)
    sequence: int
    place: str
    successor: str | None = None
    name: str | None = None
    town: str | None = None
    noted_at: datetime | None = Field(default=None, sa_type=Instant)


class StudentRow(Row, table=True):
    """The state of a student; laptops are JSON."""

    __tablename__ = "student"
    __table_args__ = (Index("student_year", "school_year", "level", "key"),)

    key: str = Field(primary_key=True)
    sequence: int
    place: str
    school: str | None = None
    level: str | None = None
    school_year: str | None = None
    left: str | None = None
    laptops: str = Field(sa_type=Text)
    campaign: str | None = None
    called_for: str | None = None
    called_at: datetime | None = Field(default=None, sa_type=Instant)
    forgotten: bool


class LaptopRow(Row, table=True):
    """The state of a laptop; handovers are JSON, and stand in a table of their own besides."""

    __tablename__ = "laptop"

    key: str = Field(primary_key=True)
    sequence: int
    place: str
    model: str | None = None
    acquired: bool
    student: str | None = None
    school: str | None = None
    placed_at: datetime | None = Field(default=None, sa_type=Instant)
    holders: str = Field(sa_type=Text)
    ceded_to: str | None = None
    blocks: str = Field(sa_type=Text)
    handovers: str = Field(sa_type=Text)
    withdrawn: str = Field(sa_type=Text)
    placed_by: str | None = None


class HandoverRow(Row, table=True):
    """A handover, written with its laptop's state. `blocked`: causes, with commas between; `live`:
    something is still to be done.
    """

    __tablename__ = "handover"
    __table_args__ = (
        Index("handover_laptop", "laptop"),
        Index("handover_list", "campaign", "school", "state", "number"),
        Index("handover_school", "school", "state", "number"),
        Index("handover_due", "due_on", "number"),
        Index("handover_release", "release_due_at", "number"),
        Index("handover_certificate", "certificate"),
    )

    number: str = Field(primary_key=True)
    laptop: str
    model: str | None = None
    student: str
    school: str
    campaign: str | None = None
    state: str
    live: bool
    blocked: str
    offered_at: datetime | None = Field(default=None, sa_type=Instant)
    signed_at: datetime | None = Field(default=None, sa_type=Instant)
    released: bool
    certified_at: datetime | None = Field(default=None, sa_type=Instant)
    handed_over_at: datetime | None = Field(default=None, sa_type=Instant)
    went_on_at: datetime | None = Field(default=None, sa_type=Instant)
    certificate: str | None = None
    due_on: str | None = None
    overdue: bool
    release_due_at: datetime | None = Field(default=None, sa_type=Instant)
    failing_since: datetime | None = Field(default=None, sa_type=Instant)
    body: str = Field(sa_type=Text)


class CodeRow(Row, table=True):
    """The code that was given for a handover, as its keyed hash; gone once it was used."""

    __tablename__ = "signing_code"

    handover: str = Field(primary_key=True)
    digest: str
    expires_at: datetime = Field(sa_type=Instant)
    missed: int


class DrawRow(Row, table=True):
    """How many codes were drawn for a handover on the last day on which one was."""

    __tablename__ = "signing_draw"

    handover: str = Field(primary_key=True)
    day: str
    count: int


CAMPAIGNS, STUDENTS = table_of(CampaignRow), table_of(StudentRow)
LAPTOPS, HANDOVERS = table_of(LaptopRow), table_of(HandoverRow)
CODES, DRAWS = table_of(CodeRow), table_of(DrawRow)
COLUMNS = tuple(column.name for column in HANDOVERS.columns)


def keep_handovers(connection: Connection, changed: Mapping[str, core.Laptop]) -> None:
    """Write the handovers of laptops that changed, in the place of what stood there."""
    connection.execute(HANDOVERS.delete().where(HANDOVERS.c.laptop.in_(list(changed))))
    rows = [
        _cells(number, key, laptop, one)
        for key, laptop in changed.items()
        for number, one in laptop.handovers.items()
    ]
    append(connection, HANDOVERS, COLUMNS, rows)


def _cells(number: str, key: str, laptop: core.Laptop, one: core.Handover) -> tuple[Any, ...]:
    told = {name: getattr(one, name, None) for name in COLUMNS}
    told |= {"number": number, "laptop": key, "model": laptop.model}
    told["blocked"] = ",".join(laptop.blocked_by) if one.live and not one.asked_back_at else ""
    waiting = one.state in (core.ASKED_BACK, core.OVERDUE)
    told["due_on"] = one.due_on.isoformat() if one.due_on and waiting else None
    told["release_due_at"] = core.release_due_at(laptop, one)
    told["body"] = msgspec.json.encode(one).decode()
    return tuple(told[name] for name in COLUMNS)


SCHOOLS = table_of(SchoolRow)
SHELVES = {
    "laptop": Shelf(LAPTOPS, core.Laptop, beside=keep_handovers),
    "student": Shelf(STUDENTS, core.Student),
    "handover-campaign": Shelf(CAMPAIGNS, core.Campaign),
    "school": Shelf(SCHOOLS, core.School),
}
