"""Repairs' screens: functions from what is shown to HTML. Pure, once templates are read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment
from msgspec import Struct

from services.repairs.core import Rule
from services.repairs.shown import Board, CaseShown, LaptopShown, Wanted
from shared.decisions import Refusal
from shared.pages import rendering
from shared.pages.jobs import share
from shared.pages.rendering import Entry, Site, Visit
from shared.pages.tables import csv_lines, numbered

SITE = Site(
    navigation=(
        Entry("Dossiers", "/"),
        Entry("Guichet", "/counter"),
        Entry("Mis de côté", "/parked"),
    ),
    home="/",
)
TITLES: Mapping[str, str] = {"incidents": "Incidents", "recalls": "Rappel d'un modèle"}

CAUSES: Mapping[str, str] = {
    "defect": "Panne",
    "breakage": "Casse",
    "liquid": "Liquide renversé",
    "software": "Logiciel",
    "loss": "Perte",
    "theft": "Vol",
    "recall": "Rappel",
}
STATES: Mapping[str, str] = {
    "new": "nouveau",
    "in-repair": "en réparation",
    "waiting": "en attente",
    "repaired": "réparé, à rendre",
    "beyond-repair": "irréparable",
    "returned": "rendu",
    "swapped": "échangé",
    "recovered": "retrouvé",
}
WAITS: Mapping[str, str] = {
    "parts": "en attente de pièce",
    "vendor": "en attente du fournisseur",
    "user": "en attente de l'utilisateur",
}
COVERS: Mapping[str, str] = {
    "warranty": "sous garantie",
    "region": "à la charge de la région",
    "family": "à la charge de la famille",
    "nobody": "pas de prise en charge",
}
REMEDIES: Mapping[str, str] = {
    "repair": "à réparer",
    "replace": "à remplacer",
    "none": "rien à faire",
}
FAULTS: Mapping[int, str] = {
    1: "Démarrage",
    2: "Boîtier, charnière",
    3: "Réglages",
    4: "Clavier",
    5: "Pavé tactile",
    6: "Caméra, micro, haut-parleurs",
    7: "Écran",
    8: "Dégâts internes",
    9: "Lecteur optique",
    10: "Disque",
    11: "Plusieurs",
    12: "Système d'exploitation",
    13: "Autre",
    14: "Surchauffe",
    15: "Lenteur",
    16: "Prises, connecteurs",
    17: "Alimentation, batterie",
    18: "Carte mère",
    19: "Inconnue",
    20: "Virus",
}
BARRIERS: Mapping[int, str] = {
    1: "pièces introuvables",
    2: "pièces trop chères",
    3: "impossible à ouvrir",
    4: "pas de documentation",
    5: "outillage manquant",
    6: "trop usé",
}
TOLD: Mapping[str, str] = {
    "applied": "C'est noté.",
    "waiting": "C'est noté ; cet ordinateur n'est pas encore annoncé.",
    "duplicate": "C'était déjà noté.",
}
WRONG: Mapping[str, str] = {
    "not-a-serial": "Ce n'est pas un numéro de série : scannez de nouveau.",
    "which-maker": "Ce numéro n'est connu de personne : dites le fabricant.",
}

# What a refusal's code says, as in shared/pages/refusals.py.
BECAUSE: Mapping[str, str] = {
    "unknown-case": "Ce dossier n'existe pas : scannez l'ordinateur de nouveau.",
    "case-closed": "Le dossier est clos : rouvrez-le d'abord.",
    "owned-by-student": (
        "Cet ordinateur est cédé : il appartient à son élève, à qui revient la réparation."
    ),
    "warranty-unknown": (
        "Cet ordinateur n'est pas admis, sa garantie n'est pas connue : c'est à la région de dire "
        "qui paie."
    ),
    "not-granted": (
        "Aucun remplacement n'est accordé : demandez d'abord une décision de garantie."
    ),
    "no-loan": "Les règles de la région ne prévoient pas de prêt pour ce dossier. {detail}",
    "loan-open": ("Un ordinateur est déjà prêté pour ce dossier : reprenez-le d'abord. {detail}"),
    "due-before": "Le jour du retour est déjà passé : donnez-en un à venir.",
    "another-serial": (
        "L'ordinateur apporté n'est pas celui du dossier : cherchez le bon. {detail}"
    ),
    "already-swapped": "Cet ordinateur est déjà échangé : voyez celui qui le remplace. {detail}",
    "same-laptop": "C'est l'ordinateur du dossier lui-même : scannez l'autre.",
    "lent-already": "L'ordinateur scanné est déjà prêté : prenez-en un autre. {detail}",
    "with-a-student": "L'ordinateur scanné est celui d'un élève : prenez-en un autre. {detail}",
    "open-case": "L'ordinateur scanné a lui-même un dossier ouvert : prenez-en un autre. {detail}",
    "replaced": "L'ordinateur scanné a été remplacé : prenez-en un autre. {detail}",
    "not-your-desk": (
        "C'est l'affaire d'un autre guichet : chaque guichet ne parle que pour lui. {detail}"
    ),
    "unknown-event": "Aucun de vos événements sur cet ordinateur n'a ce numéro : vérifiez-le.",
    "not-a-report": (
        "Cela ne s'annule pas : reprenez le prêt, ou échangez l'ordinateur de nouveau."
    ),
}


class Counter(Struct, frozen=True):
    """The counter: a laptop, where one was scanned; what the policy says of its open cases; `id`
    names what is told next; `told`, `wrong`: words of TOLD, WRONG; `trouble`: why an act was
    refused; `desk`: whose counter it is, "" for who speaks for every desk.
    """

    id: str
    desk: str
    makers: Sequence[str]
    causes: Sequence[str]
    laptop: LaptopShown | None = None
    rules: Mapping[str, Rule] = {}
    told: str = ""
    wrong: str = ""
    trouble: Refusal | None = None


def counter_page(visit: Visit, seen: Counter) -> str:
    """`/counter`"""
    cases = seen.laptop.cases if seen.laptop else []
    shown = {name: getattr(seen, name) for name in Counter.__struct_fields__}
    shown |= {"told": TOLD.get(seen.told, ""), "wrong": WRONG.get(seen.wrong, "")}
    shown["causes"] = {cause: CAUSES.get(cause, cause) for cause in seen.causes}
    shown["open"] = [case for case in cases if case.open]
    return _page("counter.html", visit, **shown, closed=[one for one in cases if not one.open])


def wanted_of(query: Mapping[str, str]) -> Wanted:
    """Which cases a query asks for."""
    return Wanted(**{name: query.get(name, "") for name in Wanted.__struct_fields__})


def board_page(visit: Visit, board: Board, wanted: Wanted) -> str:
    """`/`; `?page=` and `?lent=` say which of the cases and of the loans are shown."""
    query = dict(visit.query)
    listing = numbered(len(board.cases), query.get("page", ""))
    lent = numbered(len(board.loans), query.get("lent", ""))
    shown = {"cases": listing.of(board.cases), "loans": lent.of(board.loans)}
    places = {"listing": listing, "lent": lent, "wanted": wanted}
    words = {"causes": CAUSES, "failures": board.failures}
    return _page("board.html", visit, board=board, **shown, **places, **words)


def cases_csv(cases: Iterable[CaseShown]) -> Iterator[str]:
    """`/cases.csv`"""
    names = ("case", "laptop", "model", "lot", "school", "desk", "cause", "state", "waiting_on")
    more = ("opened_at", "school_days", "late", "cover", "remedy", "loaner")
    return csv_lines(
        (*names, *more),
        ([_cell(getattr(case, name)) for name in (*names, *more)] for case in cases),
    )


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _page(template: str, visit: Visit, **shown: object) -> str:
    return rendering.page(templates(), template, visit, **shown)


@cache
def templates() -> Environment:
    """Also for the shared pages of jobs, parked things and errors."""
    folder = Path(__file__).parent / "templates"
    made = rendering.environment(folder, site=SITE, because=BECAUSE)
    made.globals.update(titles=TITLES, share=share, states=STATES, waits=WAITS, covers=COVERS)
    made.globals.update(remedies=REMEDIES, faults=FAULTS.items(), barriers=BARRIERS.items())
    made.globals.update(waiting=WAITS.items())
    return made
