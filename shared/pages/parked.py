"""The pages of what was set aside and needs a person: list, show, try again, discard."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from jinja2 import Environment
from msgspec import Struct

from shared.pages.french import exact
from shared.pages.rendering import Visit, page
from shared.pages.tables import Listing, csv_lines

PATH = "/parked"
KINDS = {
    "unreadable": "Illisible",
    "bug": "Erreur de notre fait",
    "conflict": "Contradiction",
    "refused": "Refusé",
}
ANSWERS = {
    "applied": "Appliqué : la chose a pris sa place.",
    "duplicate": "C'était déjà connu : rien n'a changé.",
    "waiting": "Appliqué ; le numéro de série attend encore son annonce.",
    "refused": "Encore refusé : rien n'a changé.",
    "conflict": "Encore une contradiction : rien n'a changé.",
    "discarded": "Écarté, avec le motif donné.",
}


class Parked(Struct, frozen=True):
    """One thing set aside. `content`, and `other` that it contradicts, are shown as they came.

    `closed_at`, `closed_by`, `reason`: once somebody acted.
    """

    id: str
    kind: str
    code: str
    detail: str
    party: str
    subject: str
    received_at: datetime
    content: str = ""
    other: str = ""
    state: str = "open"
    closed_at: datetime | None = None
    closed_by: str = ""
    reason: str = ""


def parked_list_page(
    templates: Environment, visit: Visit, things: Sequence[Parked], listing: Listing, kind: str
) -> str:
    """The open things, oldest first; `kind`: the only kind shown, "" for all."""
    shown = {"things": things, "listing": listing, "kind": kind}
    return page(templates, "parked.html", visit, kinds=KINDS, path=PATH, **shown)


def parked_page(templates: Environment, visit: Visit, thing: Parked, answer: str = "") -> str:
    """One thing; `answer`: the verdict that an act on it just had, its code may follow.

    It comes back in the address, where anybody may write: only words of ours are said.
    """
    verdict, _, code = answer.partition(" ")
    said = {"answer": ANSWERS.get(verdict, ""), "again": "" if code == thing.code else code}
    shown = {"thing": thing, **said, "kinds": KINDS, "path": PATH}
    return page(templates, "parked_thing.html", visit, **shown)


def parked_csv(things: Iterable[Parked]) -> Iterator[str]:
    """`/parked.csv`: without what was received, which stays here."""
    return csv_lines(
        ("depuis", "cause", "code", "détail", "objet", "source", "id"),
        (
            (
                exact(one.received_at),
                KINDS.get(one.kind, one.kind),
                one.code,
                one.detail,
                one.subject,
                one.party,
                one.id,
            )
            for one in things
        ),
    )
