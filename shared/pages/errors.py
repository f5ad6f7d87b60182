"""The page for when it went wrong: what happened, what was kept, what to do."""

from jinja2 import Environment
from msgspec import Struct

from shared.decisions import Refusal
from shared.pages.rendering import Visit, page, sentences


class Trouble(Struct, frozen=True):
    """Three sentences in French; `act` and `path`: the link that helps, else the first page's."""

    happened: str
    kept: str
    do: str
    act: str = "Revenir à l'accueil"
    path: str = ""


TROUBLES = {
    404: Trouble(
        "Cette page n'existe pas, ou ne vous est pas ouverte.",
        "Rien n'a été perdu : l'adresse seule est en cause.",
        "Vérifiez l'adresse, ou cherchez par numéro de série, commande, palette ou lycée.",
    ),
    422: Trouble(
        "Ce qui a été demandé n'a pas la forme attendue.",
        "Rien n'a été changé.",
        "Revenez en arrière, corrigez et envoyez de nouveau.",
    ),
    503: Trouble(
        "La base de données ne répond pas.",
        "Rien n'a été enregistré à moitié : ce qui était enregistré le reste.",
        "Rechargez la page dans quelques secondes.",
    ),
    500: Trouble(
        "Une erreur de notre fait a arrêté la page.",
        "Rien n'a été enregistré à moitié : ce qui était enregistré le reste.",
        "Rechargez la page. Si l'erreur revient, donnez la référence ci-dessous au support.",
    ),
}
REFUSED = Trouble("C'est refusé.", "Rien n'a été changé.", "")


def error_page(
    templates: Environment,
    visit: Visit,
    status: int,
    reference: str = "",
    no: Refusal | None = None,
) -> str:
    """`reference`: what finds it in the logs; `no`: why it was refused, said where its code is
    known; but what is not there, or is somebody else's, is told alike.
    """
    why = no if no and status != 404 and no.code in sentences(templates) else None
    known = TROUBLES.get(status, TROUBLES[500 if status >= 500 else 422])
    said = {"trouble": REFUSED if why and status < 500 else known, "why": why}
    return page(templates, "error.html", visit, status=status, reference=reference, **said)
