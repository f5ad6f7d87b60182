"""Ordering's screens: functions from what is shown to HTML. Pure, once templates are read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment
from msgspec import Struct

from services.ordering.shown import LineShown, NeedShown, OrderBrief, OrderShown, YearShown
from shared.decisions import Refusal
from shared.jobs import Progress
from shared.pages import rendering
from shared.pages.jobs import share
from shared.pages.rendering import Entry, Site, Visit
from shared.pages.tables import Listing, csv_lines, numbered

SITE = Site(
    navigation=(
        Entry("Commandes", "/orders"),
        Entry("Besoins", "/needs"),
        Entry("Fichiers", "/serials", ("/jobs",)),
        Entry("Mis de côté", "/parked"),
    ),
    home="/orders",
)

# By kind of file, as the worker knows it.
TITLES: Mapping[str, str] = {
    "schools": "Annuaire des lycées",
    "serials": "Numéros de série de la commande {about}",
    "needs": "Besoins des lycées en {about}",
    "admissions": "Admission d'une ligne entière",
    "cancellations": "Annulation d'une commande entière",
}

# What a refusal's code says, as in shared/pages/refusals.py.
BECAUSE: Mapping[str, str] = {
    "unknown-order": "Cette commande n'existe pas : vérifiez son numéro.",
    "not-your-order": "C'est la commande d'un autre fournisseur : vérifiez son numéro.",
    "order-exists": "Une autre commande porte déjà ce numéro : choisissez-en un autre.",
    "order-cancelled": ("La commande est annulée, et n'attend plus d'ordinateur. {detail}"),
    "unknown-line": "La commande n'a pas cette ligne : vérifiez son numéro. {detail}",
    "other-model": (
        "Ce n'est pas le modèle de cette ligne : corrigez le modèle ou la ligne. {detail}"
    ),
    "already-announced": (
        "Des ordinateurs sont déjà annoncés : corrigez le numéro ou la quantité. {detail}"
    ),
    "more-than-ordered": (
        "Tous les ordinateurs de cette ligne sont déjà annoncés : faites augmenter la commande, "
        "ou retirez celui-ci. {detail}"
    ),
    "not-on-line": (
        "Cet ordinateur n'est pas annoncé sur cette ligne : vérifiez son numéro et la ligne. "
        "{detail}"
    ),
    "already-admitted": (
        "Cet ordinateur est déjà admis : il est à la région, et ne se refuse plus. S'il est en "
        "panne, signalez-le à un guichet."
    ),
    "unknown-school": (
        "Ce lycée n'est pas dans l'annuaire : vérifiez son UAI, ou envoyez d'abord l'annuaire des "
        "lycées. {detail}"
    ),
    "nothing-needed": (
        "Plus aucun lycée de ces départements n'a besoin d'ordinateurs cette année-là : vérifiez "
        "les départements et les besoins."
    ),
    "too-many-lines": (
        "Trop de lycées pour une seule commande : commandez département par département. {detail}"
    ),
}

Schools = Mapping[str, tuple[str, str]]
"""Names and towns of schools, by UAI."""


class Lot(Struct, frozen=True):
    """A lot of an order: its lines together."""

    lot: str
    schools: int
    quantity: int
    announced: int
    outstanding: int
    cancelled: int
    delivered: int
    admitted: int


def lots(lines: Iterable[LineShown]) -> list[Lot]:
    """An order's lots, by name."""
    by_lot: dict[str, list[LineShown]] = {}
    for line in lines:
        by_lot.setdefault(line.lot, []).append(line)
    counts = Lot.__struct_fields__[2:]
    return [
        Lot(
            name,
            len({line.uai for line in mine}),
            *(sum(getattr(line, count) for line in mine) for count in counts),
        )
        for name, mine in sorted(by_lot.items())
    ]


def orders_page(
    visit: Visit, orders: Sequence[OrderBrief], listing: Listing, years: Sequence[str], year: str
) -> str:
    """`/orders`; `year`: the only one shown, "" for all."""
    return _page("orders.html", visit, orders=orders, listing=listing, years=years, year=year)


def order_page(visit: Visit, order: OrderShown, schools: Schools, files: Sequence[Progress]) -> str:
    """`/orders/{order}`; `?lot=` shows its lines alone, `?page=` says which of them."""
    lot, page = (dict(visit.query).get(name, "") for name in ("lot", "page"))
    lines = sorted((line for line in order.lines if lot in ("", line.lot)), key=_late_first)
    listing = numbered(len(lines), page)
    shown = {"order": order, "lines": listing.of(lines), "listing": listing, "lot": lot}
    return _page("order.html", visit, **shown, lots=lots(order.lines), schools=schools, files=files)


def _late_first(line: LineShown) -> tuple[bool, bool, str]:
    """What is late first, then what is not done with."""
    return line.late is None, line.delivered >= line.quantity - line.cancelled, line.uai


def order_csv(order: OrderShown, schools: Schools) -> Iterator[str]:
    """`/orders/{order}/lines.csv`"""
    header = ("ligne", "uai", "lycée", "commune", "modèle", "lot", "payé par", "promis le")
    counts = ("quantity", "announced", "outstanding", "cancelled", "delivered", "admitted")
    names = ("commandés", "annoncés", "restant dû", "annulés", "livrés", "admis")
    return csv_lines(
        (*header, *names),
        (
            (
                *(line.line, line.uai, *schools.get(line.uai, ("", ""))),
                *(line.model, line.lot, line.paid_by, str(line.promised_on or "")),
                *(str(getattr(line, name)) for name in counts),
            )
            for line in order.lines
        ),
    )


class Act(Struct, frozen=True):
    """The forms of a page: `id` names what is sent next; `trouble`: why it was refused; `told`:
    what was done just now.
    """

    id: str = ""
    trouble: Refusal | None = None
    told: str = ""


def needs_page(
    visit: Visit,
    year: YearShown,
    needs: Sequence[NeedShown],
    listing: Listing,
    schools: Schools,
    act: Act | None = None,
) -> str:
    """`/needs`"""
    shown = {"year": year, "needs": needs, "listing": listing, "schools": schools}
    return _page("needs.html", visit, **shown, act=act or Act())


def needs_csv(needs: Iterable[NeedShown], schools: Schools) -> Iterator[str]:
    """`/needs.csv`, with the columns that an import reads."""
    names = ("newcomers", "stock_back", "decided", "computed", "needed", "ordered", "open")
    return csv_lines(
        ("uai", "lycée", "commune", *names),
        (
            (need.uai, *schools.get(need.uai, ("", "")), *(_cell(need, name) for name in names))
            for need in needs
        ),
    )


def _cell(need: NeedShown, name: str) -> str:
    """What was counted is not written where an import would read it as said."""
    value = None if name == "stock_back" and need.counted else getattr(need, name)
    return "" if value is None else str(value)


def files_page(visit: Visit, files: Sequence[Progress], listing: Listing) -> str:
    """`/serials`: files and long work, the newest first."""
    return _page("files.html", visit, files=files, listing=listing)


def _page(template: str, visit: Visit, **shown: object) -> str:
    return rendering.page(templates(), template, visit, **shown)


@cache
def templates() -> Environment:
    """Also for the shared pages of jobs, parked things and errors."""
    folder = Path(__file__).parent / "templates"
    made = rendering.environment(folder, site=SITE, because=BECAUSE)
    made.globals.update(titles=TITLES, share=share)
    return made
