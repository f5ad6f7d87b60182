"""Invented pages of ordering to look at, beside those of tracking."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from services.ordering import core, pages
from services.ordering.shown import brief, need_shown, shown, year_shown
from shared.contracts.ordering import OrderLine
from shared.jobs import Progress
from shared.pages.rendering import Visit
from shared.pages.tables import Listing, numbered

NOW = datetime(2020, 9, 10, 7, 40, tzinfo=UTC)
SCHOOLS = {"0670080Y": ("Lycée Fustel de Coulanges", "Strasbourg"), "0570001A": ("L" * 140, "Metz")}
YEARS = ("2020-2021", "2019-2020")


def order(*, cancelled: bool = False) -> core.Order:
    """An order of two lots, the first late."""
    lines = (
        OrderLine("1", "0670080Y", "HP 245 G8", 260, "L1", "région", date(2020, 8, 28)),
        OrderLine("2", "0570001A", "HP 245 G8", 120, "L1", "région"),
        OrderLine("3", "0680010S", "Lenovo L13", 40, "L2", "Haut-Rhin", date(2020, 10, 1)),
    )
    placed = core.Order(
        school_year="2020-2021",
        buyer="Région Grand Est",
        supplier="hexalog",
        lines={line.line: line for line in lines},
        announced={"1": 260, "2": 20},
        delivered={"1": 251},
        late={"1": 9},
    )
    if not cancelled:
        return placed
    return replace(placed, cancelled={"2": 100, "3": 40}, cancelled_at=NOW)


TALLIES: Mapping[str, Mapping[str, int]] = {
    "1": {"admitted": 250, "not_admitted": 1, "disputed": 2},
    "2": {"called_off": 20},
}


def file(state: Any = "running", **changes: Any) -> Progress:
    told = Progress(
        *("1", "serials", "CMD-2020-014", state, 41_860, 41_850, 2, 0, 8, 0),
        queued_at=NOW - timedelta(minutes=3),
        started_at=NOW - timedelta(minutes=2),
        finished_at=None,
        seconds_left=140 if state == "running" else None,
        total=92_000,
    )
    return replace(told, **changes)


def campaign() -> core.Campaign:
    needs = {"0670080Y": core.Need(412, 20), "0570001A": core.Need(1_240, 0, 1_300, 2)}
    return core.Campaign(needs=needs, ordered={"0670080Y": 260})


def needs(visit: Visit, now: core.Campaign, party: str = "") -> str:
    visit = replace(visit, party=party)
    found = [need_shown(now, uai) for uai in sorted(now.needs)]
    listing = Listing(len(found), found[-1].uai if found else "")
    return pages.needs_page(visit, year_shown("2020-2021", now), found, listing, SCHOOLS)


def orders(visit: Visit) -> str:
    found = [brief("CMD-2020-014", order()), brief("CMD" * 20, order(cancelled=True))]
    return pages.orders_page(visit, found, Listing(2), YEARS, "")


def of_order(visit: Visit, *, cancelled: bool = False, files: tuple[Progress, ...] = ()) -> str:
    number = "CMD" * 20 if cancelled else "CMD-2020-014"
    told = shown(number, order(cancelled=cancelled), TALLIES)
    return pages.order_page(visit, told, SCHOOLS, files)


SCREENS: Mapping[str, Callable[[Visit], str]] = {
    "/orders": orders,
    "/orders/none": lambda visit: pages.orders_page(visit, (), Listing(0), (), ""),
    "/orders/CMD-2020-014": lambda visit: of_order(visit, files=(file(), file("done"))),
    "/orders/cancelled": lambda visit: of_order(visit, cancelled=True),
    "/needs": lambda visit: needs(visit, campaign()),
    "/needs/region": lambda visit: needs(visit, campaign(), "region"),
    "/needs/none": lambda visit: needs(visit, core.Campaign()),
    "/serials": lambda visit: pages.files_page(
        visit, (file("done", kind="needs", about="2020-2021"), file("failed")), Listing(2)
    ),
    "/serials/many": lambda visit: pages.files_page(
        visit, [file("done")] * 50, numbered(150, dict(visit.query).get("page", ""))
    ),
    "/serials/none": lambda visit: pages.files_page(visit, (), Listing(0)),
}
