"""Ordering's tables: a row for each school, order and laptop."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Index, Text, func, select
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from services.ordering import core
from shared.databases import Instant, at_once, table_of
from shared.ledger import Shelf, restored
from shared.migrations import DECIDING

MECHANISMS = DECIDING


class Row(SQLModel, registry=registry()):
    """Ordering's own metadata: two services in one process do not mix their tables."""


class SchoolRow(Row, table=True):
    """A school's entry in the directory."""

    __tablename__ = "school"

    key: str = Field(primary_key=True)
    sequence: int
    place: str
    name: str
    kind: str
    sector: str
    academy: str
    department: str
    insee_code: str
    town: str
    postcode: str


class CampaignRow(Row, table=True):
    """The state of a school year; revision counts the words on its spare share; needs, ordered
    and back are JSON by school.
    """

    __tablename__ = "campaign"

    key: str = Field(primary_key=True)
    sequence: int
    place: str
    spare_share: str
    revision: int
    needs: str = Field(sa_type=Text)
    ordered: str = Field(sa_type=Text)
    back: str = Field(sa_type=Text)


class OrderRow(Row, table=True):
    """The state of an order; what it has by line is JSON."""

    __tablename__ = "purchase_order"
    __table_args__ = (Index("order_year", "school_year", "key"), Index("order_due", "due", "key"))

    key: str = Field(primary_key=True)
    sequence: int
    place: str
    school_year: str
    buyer: str
    supplier: str
    warranty_months: int
    lines: str = Field(sa_type=Text)
    amended: str = Field(sa_type=Text)
    announced: str = Field(sa_type=Text)
    admitted_on: str = Field(sa_type=Text)
    delivered: str = Field(sa_type=Text)
    fulfilled: str = Field(sa_type=Text)
    cancelled: str = Field(sa_type=Text)
    cancelled_at: datetime | None = Field(default=None, sa_type=Instant)
    late: str = Field(sa_type=Text)
    due: str | None = None


class LaptopRow(Row, table=True):
    """A laptop and the line that it fills."""

    __tablename__ = "laptop"
    __table_args__ = (Index("laptop_line", "order", "line", "key"),)

    key: str = Field(primary_key=True)
    sequence: int
    place: str
    order: str | None = None
    line: str | None = None
    admitted: bool
    refused: bool
    cancelled: bool
    delivered: bool
    disputed: str | None = None
    gone: str = Field(sa_type=Text)
    replacement: str | None = None
    stock: str | None = None
    scrapped: bool
    counts: str = Field(sa_type=Text)
    withdrawn: str = Field(sa_type=Text)


SCHOOLS = table_of(SchoolRow)
CAMPAIGNS = table_of(CampaignRow)
ORDERS = table_of(OrderRow)
LAPTOPS = table_of(LaptopRow)
SHELVES = {
    "school": Shelf(SCHOOLS, core.School),
    "campaign": Shelf(CAMPAIGNS, core.Campaign),
    "order": Shelf(ORDERS, core.Order),
    "laptop": Shelf(LAPTOPS, core.Laptop),
}


def school(connection: Connection, uai: str) -> dict[str, Any] | None:
    """A school's entry as people read it."""
    row = (
        connection.execute(select(SCHOOLS).where(SCHOOLS.c.key == f"school:{uai}"))
        .mappings()
        .first()
    )
    if row is None or not row["name"]:
        return None
    return {"uai": uai} | {
        name: row[name] for name in row if name not in ("key", "sequence", "place")
    }


def order(connection: Connection, number: str) -> core.Order | None:
    """An order that was placed."""
    fields = [ORDERS.c[name] for name in core.Order.__struct_fields__]
    row = connection.execute(select(*fields).where(ORDERS.c.key == f"order:{number}")).first()
    return restored(core.Order, row) if row is not None and row.school_year else None


def orders(
    connection: Connection, where: dict[str, str], after: str, limit: int
) -> tuple[list[tuple[str, core.Order]], int]:
    """Orders by number, from after one: of a school year or a supplier (`where`); how many."""
    mine = [ORDERS.c.school_year != "", *(ORDERS.c[name] == value for name, value in where.items())]
    total = connection.scalar(select(func.count()).select_from(ORDERS).where(*mine)) or 0
    fields = [ORDERS.c[name] for name in core.Order.__struct_fields__]
    rows = select(ORDERS.c.key, *fields).where(*mine, ORDERS.c.key > f"order:{after}")
    found = connection.execute(rows.order_by(ORDERS.c.key).limit(limit))
    return [(row[0].removeprefix("order:"), restored(core.Order, row[1:])) for row in found], total


def years(connection: Connection) -> list[str]:
    """The school years for which something is planned or ordered, the last one first."""
    planned = select(CAMPAIGNS.c.key).where(CAMPAIGNS.c.sequence > 0)
    keys = connection.scalars(planned.order_by(CAMPAIGNS.c.key.desc()))
    return [key.removeprefix("campaign:") for key in keys]


def tallies(connection: Connection, number: str) -> dict[str, Counter[str]]:
    """How many laptops of each line of an order are admitted, refused, called off, and disputed."""
    cells = [LAPTOPS.c[name] for name in ("admitted", "refused", "cancelled", "disputed")]
    rows = select(LAPTOPS.c.line, *cells, func.count()).where(LAPTOPS.c.order == number)
    found: dict[str, Counter[str]] = {}
    for line, *flags, disputed, count in connection.execute(rows.group_by(LAPTOPS.c.line, *cells)):
        tally = found.setdefault(line, Counter())
        for name, flag in zip(("admitted", "not_admitted", "called_off"), flags, strict=True):
            tally[name] += count if flag else 0
        tally["disputed"] += count if disputed else 0
    return found


def campaign(connection: Connection, year: str) -> core.Campaign:
    """A school year; as it begins, where nothing was said of it."""
    fields = [CAMPAIGNS.c[name] for name in core.Campaign.__struct_fields__]
    query = select(*fields).where(CAMPAIGNS.c.key == f"campaign:{year}")
    row = connection.execute(query).first()
    return restored(core.Campaign, row) if row is not None else core.Campaign()


def school_names(connection: Connection, schools: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Names and towns of schools, by UAI."""
    sql = "SELECT key, name, town FROM school WHERE key {0}"
    rows = at_once(connection, sql, [[f"school:{uai}" for uai in schools]]) if schools else ()
    return {key.removeprefix("school:"): (name, town) for key, name, town in rows}


def due(connection: Connection, day: date) -> list[tuple[str, core.CloseDay]]:
    """Orders of which a promised day is over on this day."""
    late = ORDERS.c.due < day.isoformat()
    keys = connection.scalars(select(ORDERS.c.key).where(late).order_by(ORDERS.c.key))
    return [(key, core.CloseDay(day)) for key in keys]


def laptops_to_admit(connection: Connection, number: str, line: str) -> list[str]:
    """The laptops of a line that a decision on the whole line
    is about: announced, not admitted, nor refused or called off by name.
    """
    flags = (LAPTOPS.c.admitted, LAPTOPS.c.refused, LAPTOPS.c.cancelled)
    mine = [LAPTOPS.c.order == number, LAPTOPS.c.line == line, *(flag.is_(False) for flag in flags)]
    return list(connection.scalars(select(LAPTOPS.c.key).where(*mine).order_by(LAPTOPS.c.key)))


def laptops_to_cancel(connection: Connection, number: str) -> list[str]:
    """The laptops of an order that are announced and not the region's."""
    mine = [LAPTOPS.c.order == number, LAPTOPS.c.admitted.is_(False)]
    rows = select(LAPTOPS.c.key).where(*mine, LAPTOPS.c.cancelled.is_(False))
    return list(connection.scalars(rows.order_by(LAPTOPS.c.key)))
