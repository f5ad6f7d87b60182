"""Enrolment's screens: functions from what is shown to HTML. Pure, once templates are read."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment
from msgspec import Struct

from services.enrolment.shown import LookShown, PersonShown
from shared.contracts.enrolment import LEVELS
from shared.jobs import Progress
from shared.pages import rendering
from shared.pages.jobs import share
from shared.pages.rendering import Entry, Site, Visit

SITE = Site(
    navigation=(
        Entry("Personnes", "/people"),
        Entry("Fichiers", "/imports", roles=("region", "ops")),
        Entry("Mis de côté", "/parked"),
    ),
    home="/people",
)
TITLES: Mapping[str, str] = {"pupils": "Fichier d'élèves"}
STATES: Mapping[str, str] = {"at-school": "au lycée", "left": "parti", "erased": "effacé"}
WHYS: Mapping[str, str] = {
    "hand-out": "remise d'un ordinateur",
    "return": "retour d'un ordinateur",
    "loan-or-repair": "prêt ou réparation",
    "file": "fichier d'élèves à corriger",
    "right-of-access": "droit d'accès",
}
ON_PAGES: Mapping[str, str] = {
    "laptops": "page d'un ordinateur",
    "hand-outs": "page des remises",
    "signing": "page du jour de signature",
}

# What a refusal's code says, as in shared/pages/refusals.py.
BECAUSE: Mapping[str, str] = {
    "unfit-file": (
        "Ce n'est pas un fichier d'élèves qui se lit ici, et rien n'en a été repris : corrigez-le, "
        "puis envoyez-le de nouveau. {detail}"
    ),
    "not-your-school": "C'est l'affaire d'un autre lycée : chaque lycée ne voit que ses élèves.",
    "damaged": (
        "Ce qui est gardé de cet élève ne peut plus être lu : demandez à l'exploitation de le "
        "restaurer depuis une copie, ou effacez cet élève."
    ),
    "erased": "Cet élève a été effacé : s'il revient, il est inscrit comme un nouvel élève.",
    "earlier-year": (
        "Cet élève est déjà connu pour une année plus récente : envoyez le fichier de cette "
        "année-là. {detail}"
    ),
    "unknown-student": "Aucun élève connu n'est celui de cette ligne : vérifiez-la. {detail}",
    "ine-of-another": "Cet INE est celui de quelqu'un d'autre : corrigez-le. {detail}",
    "source-of-another": (
        "Ce numéro d'élève est celui de quelqu'un d'autre : corrigez-le. {detail}"
    ),
    "homonyms": (
        "Ce nom et cette date de naissance sont déjà connus : donnez l'INE, ou le pseudonyme. "
        "{detail}"
    ),
    "two-ines": (
        "Ce nom et cette date de naissance sont connus avec un autre INE : dites si c'est la même "
        "personne. {detail}"
    ),
    "two-schools": (
        "Une ligne plus haut place cet élève dans un autre lycée : ne gardez que l'une des deux."
    ),
    "unread-rows": (
        "Des départs sont retenus : une ligne refusée est peut-être celle d'un de ces élèves. "
        "Corrigez-la et envoyez le fichier de nouveau. {detail}"
    ),
    "too-many-would-leave": (
        "Trop d'élèves partiraient d'un coup : si le fichier est complet, envoyez-le de nouveau "
        "en confirmant les départs. {detail}"
    ),
    "unknown-structure": (
        "Aucun fichier EtabEducNat n'a encore nommé ce lycée : envoyez-le d'abord, ou tous dans un "
        "même zip."
    ),
    "unknown-level": "Ce niveau ne reçoit pas d'ordinateur, ou est mal écrit. {detail}",
    "wrong-check-letter": "La lettre de contrôle de l'UAI est fausse : vérifiez-le.",
    "wrong-ine": "Cet INE est faux : corrigez-le, ou laissez-le vide. {detail}",
}


class Asking(Struct, frozen=True):
    """The look-up: what was asked for and found; None before anything was asked. `more`: more were
    found than are shown; `trouble`: why nothing was looked up.
    """

    question: str = ""
    why: str = ""
    found: Sequence[PersonShown] | None = None
    more: bool = False
    trouble: str = ""
    told: str = ""


def people_page(visit: Visit, asking: Asking) -> str:
    """`/people`"""
    shown = {name: getattr(asking, name) for name in Asking.__struct_fields__}
    return _page("people.html", visit, **shown)


def person_page(
    visit: Visit, person: PersonShown, looks: Sequence[LookShown], why: str, may_erase: bool
) -> str:
    """`/people/{pseudonym}`"""
    shown = {"person": person, "looks": looks, "why": why, "may_erase": may_erase}
    return _page("person.html", visit, **shown)


def files_page(visit: Visit, files: Sequence[Progress]) -> str:
    """`/imports`"""
    return _page("imports.html", visit, files=files)


def _page(template: str, visit: Visit, **shown: object) -> str:
    return rendering.page(templates(), template, visit, **shown)


@cache
def templates() -> Environment:
    """Also for the shared pages of jobs, parked things and errors."""
    folder = Path(__file__).parent / "templates"
    made = rendering.environment(folder, site=SITE, because=BECAUSE)
    made.globals.update(titles=TITLES, share=share, levels=LEVELS, states=STATES, whys=WHYS)
    made.globals.update(on_pages=ON_PAGES)
    return made
