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

# What a code says, for readers of French; the details beside it are for whoever looks into it.
BECAUSE = {
    "id-already-used": "Ce numéro a déjà servi pour autre chose ; les deux sont gardés.",
    "number-used-again": "Ce numéro d'ordre est déjà celui d'un autre fait.",
    "not-json": "Le contenu n'est pas du JSON lisible.",
    "not-a-cloudevent": "Le message n'a pas l'enveloppe attendue (CloudEvents).",
    "unknown-type": "Ce type d'événement n'est pas connu.",
    "unknown-version": "Cette version d'événement n'est pas connue.",
    "null-value": "Le message est vide.",
    "null-header": "Un en-tête du message est vide.",
    "duplicate-header": "Un en-tête du message est donné deux fois.",
    "duplicate-key": "Un champ est donné deux fois.",
    "too-large": "Le message est trop grand.",
    "too-deep": "Le contenu est emboîté trop profondément.",
    "no-sequence": "Le message n'a pas de numéro d'ordre.",
    "naive-time": "Une heure est donnée sans son fuseau.",
    "in-the-future": "L'heure donnée est à venir.",
    "invalid": "Un champ n'a pas la forme attendue.",
    "not-your-school": "C'est l'affaire d'un autre lycée.",
    "not-your-order": "C'est la commande d'un autre fournisseur.",
    "already-announced": "Cet ordinateur est déjà annoncé ailleurs.",
    "not-on-line": "Cet ordinateur n'est pas de cette ligne.",
    "charter-not-signed": "La charte n'est pas signée.",
    "kit-without-laptop": "L'ordinateur n'est pas coché dans le kit.",
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
    shown = {"things": things, "listing": listing, "kind": kind, "because": BECAUSE}
    return page(templates, "parked.html", visit, kinds=KINDS, path=PATH, **shown)


def parked_page(templates: Environment, visit: Visit, thing: Parked, answer: str = "") -> str:
    """One thing; `answer`: the verdict that an act on it just had, its code may follow.

    It comes back in the address, where anybody may write: only words of ours are said.
    """
    said = ANSWERS.get(answer.partition(" ")[0], "")
    shown = {"thing": thing, "answer": said, "because": BECAUSE.get(thing.code, "")}
    return page(templates, "parked_thing.html", visit, kinds=KINDS, path=PATH, **shown)


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
