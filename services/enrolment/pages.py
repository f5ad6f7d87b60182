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
        Entry("Fichiers", "/imports"),
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
    made = rendering.environment(Path(__file__).parent / "templates", site=SITE)
    made.globals.update(titles=TITLES, share=share, levels=LEVELS, states=STATES, whys=WHYS)
    return made
