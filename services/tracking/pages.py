"""Tracking's screens: functions from what is shown to HTML. Pure, once templates are read."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment
from msgspec.structs import asdict, replace

from services.tracking import sentences
from services.tracking.shown import (
    Filter,
    Found,
    LaptopLife,
    RegionBoard,
    Row,
    SchoolBoard,
    SchoolCounts,
)
from services.tracking.stations import branches, is_late, stations
from shared.pages import french, rendering
from shared.pages.rendering import Entry, Site, Visit
from shared.pages.tables import Listing, csv_lines, numbered

SITE = Site(
    navigation=(
        Entry("Tableau de bord", "/"),
        Entry("Lycées", "/schools"),
        Entry("Ordinateurs", "/laptops"),
        Entry("Mis de côté", "/parked"),
    ),
    search="/search",
)

DEPARTMENTS: Mapping[str, str] = {
    "08": "Ardennes",
    "10": "Aube",
    "51": "Marne",
    "52": "Haute-Marne",
    "54": "Meurthe-et-Moselle",
    "55": "Meuse",
    "57": "Moselle",
    "67": "Bas-Rhin",
    "68": "Haut-Rhin",
    "88": "Vosges",
}

# The region's map as tiles, (column, row): who touches whom on the map touches here.
TILES: Mapping[str, tuple[float, int]] = {
    "08": (0.5, 0),
    "57": (2.5, 0),
    "51": (0, 1),
    "55": (1, 1),
    "54": (2, 1),
    "67": (3, 1),
    "10": (0, 2),
    "52": (1, 2),
    "88": (2, 2),
    "68": (3, 2),
}

SCHOOL_COUNTS = ("ordered", "announced", "received", "handed_out", "missing")

# The funnel's steps, for all laptops that ever came so far.
STEPS: Mapping[str, str] = {
    "ordered": "Commandés",
    "announced": "Annoncés",
    "dispatched": "Expédiés",
    "arrived": "Arrivés",
    "received": "Reçus",
    "admitted": "Admis",
    "handed-out": "Remis",
    "handed-over": "Cédés",
    "in-further-study": "Poursuite d'études déclarée",
}


# What became of laptops, of several.
BECAME: Mapping[str, str] = {
    "further-study": "En poursuite d'études",
    "returned": "Rendus",
    "scrapped": "Mis au rebut",
    "lost": "Perdus",
    "stolen": "Volés",
    "in-use": "Toujours suivis",
}


def board_page(visit: Visit, board: RegionBoard) -> str:
    """`/`"""
    counts = {step.key: step.reached.count for step in board.funnel}
    became = {one.disposition: one.tally for one in board.became}
    return _page(
        "board.html",
        visit,
        board=board,
        ordered=max(counts.values(), default=0),
        admitted_early=counts.get("admitted", 0) > counts.get("received", 0),
        tiles=TILES,
        names=DEPARTMENTS,
        steps=STEPS,
        became=[(label, became[word]) for word, label in BECAME.items() if word in became],
        known=sum(one.count for one in became.values()),
    )


def schools_page(
    visit: Visit, rows: tuple[SchoolCounts, ...], listing: Listing, department: str
) -> str:
    """`/schools`; `department`: the only one shown, "" for all; `?page=` says which of the rows."""
    at = numbered(len(rows), dict(visit.query).get("page", ""))
    listing = replace(at, sort=listing.sort, sorts=listing.sorts)
    shown = {"rows": listing.of(rows), "listing": listing, "department": department}
    return _page("schools.html", visit, names=DEPARTMENTS, **shown)


def schools_csv(rows: Iterable[SchoolCounts]) -> Iterator[str]:
    """`/schools.csv`"""
    header = ("uai", "lycée", "commune", "département")
    counts = ("commandés", "annoncés", "reçus", "remis", "manquants")
    return csv_lines(
        (*header, *counts),
        (
            (
                row.uai,
                row.name,
                row.town,
                row.department,
                *(str(getattr(row, name).count) for name in SCHOOL_COUNTS),
            )
            for row in rows
        ),
    )


def school_page(visit: Visit, school: SchoolBoard) -> str:
    """`/schools/{uai}`"""
    return _page("school.html", visit, school=school, names=DEPARTMENTS)


def laptop_page(visit: Visit, laptop: LaptopLife) -> str:
    """`/laptops/{maker}/{serial}`; `?sort=happened` puts the oldest first."""
    oldest_first = dict(visit.query).get("sort") == "happened"
    timeline = laptop.timeline if oldest_first else laptop.timeline[::-1]
    listing = Listing(
        len(timeline), sort="happened" if oldest_first else "-happened", sorts=("happened",)
    )
    return _page(
        "laptop.html",
        visit,
        laptop=laptop,
        stations=stations(laptop),
        branches=branches(laptop),
        timeline=timeline,
        listing=listing,
    )


def laptops_page(visit: Visit, rows: tuple[Row, ...], listing: Listing, wanted: Filter) -> str:
    """`/laptops`: the list that every number links to."""
    return _page(
        "laptops.html",
        visit,
        rows=rows,
        listing=listing,
        wanted=wanted,
        names=DEPARTMENTS,
        steps=STEPS,
    )


def search_page(visit: Visit, asked: str, found: tuple[Found, ...]) -> str:
    """`/search`; `asked`: what was typed or scanned, "" when nothing was yet."""
    return _page("search.html", visit, asked=asked, found=found)


def filter_of(query: Mapping[str, str]) -> Filter:
    """The filter that a query asks for; what is not a filter's name is somebody else's."""
    return Filter(
        **{name: query[name].strip() for name in Filter.__struct_fields__ if name in query}
    )


def laptops_csv(rows: Iterable[Row]) -> Iterator[str]:
    """`/laptops.csv`, line by line."""
    header = (
        "fabricant",
        "numéro de série",
        "modèle",
        "lieu",
        "depuis",
        "uai",
        "lycée",
        "commande",
        "signalé",
        "devenu",
    )
    return csv_lines(
        header,
        (
            (
                row.maker,
                row.serial,
                row.model,
                sentences.standing("location", row.location),
                french.exact(row.since) if row.since else "",
                row.school,
                row.school_name,
                row.order,
                ", ".join(sentences.flag(slug) for slug in row.flags),
                sentences.standing("disposition", row.disposition),
            )
            for row in rows
        ),
    )


def timeline_csv(laptop: LaptopLife) -> Iterator[str]:
    """`/laptops/{maker}/{serial}/timeline.csv`, oldest first."""
    return csv_lines(
        ("arrivé", "enregistré", "quoi", "type", "source", "id"),
        (
            (
                french.exact(told.happened_at),
                french.exact(told.recorded_at),
                sentences.summary(told.type, told.body),
                told.type,
                told.source,
                told.id,
            )
            for told in laptop.timeline
        ),
    )


def _asked(wanted: Filter) -> tuple[tuple[str, str], ...]:
    return tuple(asdict(wanted).items())


def _page(template: str, visit: Visit, **shown: object) -> str:
    return rendering.page(templates(), template, visit, **shown)


@cache
def templates() -> Environment:
    """Also for the shared pages of jobs, parked things and errors."""
    made = rendering.environment(Path(__file__).parent / "templates", site=SITE)
    made.globals.update(
        asked=_asked,
        summary=sentences.summary,
        standing=sentences.standing,
        flag=sentences.flag,
        is_late=is_late,
    )
    return made
