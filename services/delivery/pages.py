"""Delivery's screens: functions from what is shown to HTML. Pure, once templates are read."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment
from msgspec import Struct
from msgspec.structs import replace

from services.delivery.shown import HandedOut, Reception, ShipmentRow, ShipmentSeen
from shared.decisions import Refusal
from shared.pages import refusals, rendering
from shared.pages.rendering import Entry, Site, Visit

SITE = Site(
    navigation=(
        Entry("Réceptions", "/", ("/receptions", "/shipments")),
        Entry("Remises", "/hand-outs"),
        Entry("Mis de côté", "/parked"),
    )
)

TITLES: Mapping[str, str] = {"events": "Événements de livraison"}

# What became of a scan or a form, by the word that comes back in the address; the tone it makes.
TOLD: Mapping[str, tuple[str, str]] = {
    "counted": ("Compté : {laptop}", "good"),
    "already": ("Déjà compté : {laptop}", "again"),
    "unexpected": ("Pas attendu dans cette palette, compté quand même : {laptop}", "bad"),
    "damaged": ("Noté endommagé : {laptop}", "good"),
    "undone": ("Annulé : {laptop} n'est plus compté.", "good"),
    "nothing-to-undo": ("Rien à annuler pour {laptop}.", "bad"),
    "missing": ("Les manquants sont signalés. La réception est terminée.", "good"),
    "finished": ("Tout est compté. La réception est terminée.", "good"),
    "wrong-school": ("L'erreur de lycée est signalée.", "good"),
    "unreadable": ("Ce n'est pas un numéro de série : scannez de nouveau.", "bad"),
    "unknown-maker": ("Personne ne connaît encore ce numéro : choisissez son fabricant.", "bad"),
    "refused": ("Refusé, rien n'a changé.", "bad"),
    "handed-out": ("Remis : {laptop}", "good"),
    "handed-again": ("Cette remise était déjà enregistrée : {laptop}", "again"),
    "no-student": ("Scannez maintenant la carte de l'élève.", "good"),
    "not-a-student": ("Ce n'est pas une carte d'élève : scannez de nouveau.", "bad"),
}
HANDED = ("handed-out", "handed-again")
WRONG: Mapping[str, str] = {
    "neither": "Ce n'est ni une palette (18 chiffres) ni un lycée (UAI) : scannez de nouveau.",
    "check": (
        "Ces 18 chiffres ne sont pas une palette : le dernier, la clé de contrôle, est faux. "
        "Un chiffre a été mal lu ou mal tapé : scannez de nouveau."
    ),
}
STATES: Mapping[str, str] = {
    "": "pas annoncée",
    "announced": "annoncée",
    "dispatched": "expédiée",
    "in-transit": "en route",
    "redirected": "réorientée",
    "arrived": "arrivée, dit le transporteur",
    "received": "comptée",
    "counting": "comptage pas terminé",
    "refused": "refusée",
}
UNITS: Mapping[str, str] = {
    "counted": "compté",
    "awaited": "attendu",
    "missing": "manquant",
    "refused": "refusé",
    "elsewhere": "compté ailleurs",
}
REMARKS: Mapping[str, str] = {
    "damaged": "endommagé",
    "unexpected": "pas attendu",
    "wrong-school": "au mauvais lycée",
    "called-off": "commande annulée",
    "reported-late": "écart signalé hors délai",
    "after-scrap": "vu après sa mise au rebut",
    "two-schools": "réclamé par deux lycées",
    "contradicted": "contredit ce qui était connu",
    "hand-out-missed": "pas retiré à temps",
    "two-students": "déjà remis à un autre élève",
    "another-laptop": "l'élève en a un autre",
    "not-received": "remis sans avoir été reçu",
    "unannounced": "jamais annoncé",
    "unadmitted": "pas encore admis par la région",
    "another-carrier": "scanné par un autre transporteur",
    "student-left": "remis à un élève parti",
    "student-elsewhere": "remis à un élève d'un autre lycée",
}
WORDS: Mapping[str, str] = {
    "shipment-announced": "Annoncée",
    "shipment-dispatched": "Expédiée",
    "shipment-in-transit": "En route",
    "shipment-redirected": "Réorientée",
    "shipment-arrived": "Arrivée, dit le transporteur",
    "shipment-refused": "Refusée",
    "shipment-received": "Comptée",
    "shipment-fact-withdrawn": "Un événement a été annulé",
    "discrepancy-reported": "Écart signalé",
}

# What a refusal's code says, as in shared/pages/refusals.py.
BECAUSE: Mapping[str, str] = {
    "charter-not-signed": (
        "La charte n'est pas signée : faites-la signer, pour un mineur aussi par son responsable."
    ),
    "kit-without-laptop": "L'ordinateur n'est pas coché dans le kit : cochez-le.",
    "not-your-school": "C'est l'affaire d'un autre lycée : chaque lycée ne parle que pour lui.",
}
CODES = frozenset({*refusals.BECAUSE, *BECAUSE})


class Answer(Struct, frozen=True):
    """What an act came to: a word of TOLD, and the laptop that it was about; why it was refused;
    what speaks against it though it was taken, words of REMARKS.
    """

    word: str = ""
    laptop: str = ""
    why: Refusal | None = None
    against: Sequence[str] = ()


class HandOutForm(Struct, frozen=True):
    """A hand-out as far as it is filled in; what one class has in common stays for the next."""

    laptop: str = ""
    student: str = ""
    maker: str = ""
    kit: tuple[str, ...] = ("laptop",)
    minor: bool = True
    student_signed: bool = True
    guardian_signed: bool = False


def home_page(visit: Visit, school: str, rows: Sequence[ShipmentRow], wrong: str = "") -> str:
    """`/`: shipments awaited, at a school or, for who sees all, in the region; `wrong`: why what
    was scanned is nothing, a word of WRONG.
    """
    said = WRONG[wrong if wrong in WRONG else "neither"] if wrong else ""
    return _page("home.html", visit, school=school, rows=rows, wrong=said)


def reception_page(
    visit: Visit, seen: Reception, answer: Answer, makers: Sequence[str], scan: str
) -> str:
    """`/receptions/{sscc}`; `scan`: the id that the next scan is told under."""
    return _page("reception.html", visit, seen=seen, answer=answer, makers=makers, scan=scan)


def hand_outs_page(
    visit: Visit,
    school: str,
    done: Sequence[HandedOut],
    answer: Answer,
    form: HandOutForm,
    more: tuple[Sequence[str], str],
) -> str:
    """`/hand-outs/{uai}`; `more`: makers, and the id of the next hand-out."""
    makers, scan = more
    if answer.word in HANDED:
        against = next((one.against for one in done if one.laptop == answer.laptop), ())
        answer = replace(answer, against=against)
    shown = {"school": school, "done": done, "answer": answer, "form": form}
    return _page("hand_outs.html", visit, **shown, makers=makers, scan=scan)


def shipment_page(visit: Visit, seen: ShipmentSeen) -> str:
    """`/shipments/{sscc}`"""
    return _page("shipment.html", visit, seen=seen)


def _page(template: str, visit: Visit, **shown: object) -> str:
    return rendering.page(templates(), template, visit, **shown)


@cache
def templates() -> Environment:
    """Also for the shared pages of jobs, parked things and errors."""
    folder = Path(__file__).parent / "templates"
    made = rendering.environment(folder, site=SITE, because=BECAUSE)
    made.globals.update(told=TOLD, states=STATES, units=UNITS, remarks=REMARKS, words=WORDS)
    return made
