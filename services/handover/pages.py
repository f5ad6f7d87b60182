"""Handover's screens: functions from what is shown to HTML. Pure, once templates are read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path

from jinja2 import Environment
from msgspec import Struct

from services.handover import papers
from services.handover.core.policy import Cession
from services.handover.shown import (
    CampaignShown,
    CertificateShown,
    HandoverShown,
    SchoolNamed,
)
from shared.contracts.handover import INSTITUTIONS
from shared.pages import rendering
from shared.pages.jobs import share
from shared.pages.rendering import Entry, Site, Visit
from shared.pages.tables import Listing, csv_lines

SITE = Site(
    navigation=(
        Entry("Campagnes", "/campaigns"),
        Entry("Cessions", "/handovers"),
        Entry("Signatures", "/signing"),
        Entry("Mis de côté", "/parked"),
    ),
    home="/campaigns",
)
TITLES: Mapping[str, str] = {
    "campaigns": "Appel des élèves d'une campagne",
    "closures": "Reprise par un autre lycée",
}
STATES: Mapping[str, str] = {
    "opened": "à proposer",
    "offered": "proposé",
    "accepted": "accepté",
    "signed": "signé",
    "releasing": "libération en cours",
    "released": "libéré",
    "certified": "attesté",
    "handed-over": "cédé",
    "in-further-study": "en poursuite d'études",
    "return-asked": "à rendre",
    "return-overdue": "retour en retard",
    "returned": "rendu",
    "refurbished": "remis en état",
    "scrapped": "mis au rebut",
    "written-off": "sorti de l'inventaire",
    "cancelled": "sans suite",
}
CAUSES: Mapping[str, str] = {
    "repair": "réparation en cours",
    "loan": "prêt non rendu",
    "theft": "vol",
    "loss": "perte",
}
KINDS: Mapping[str, str] = {
    "university": "Université",
    "bts": "BTS",
    "cpge": "Classe préparatoire",
    "iut": "IUT",
    "other-school": "Autre école",
    "apprenticeship": "Apprentissage",
    "abroad": "À l'étranger",
    "work": "Emploi",
    "unknown": "Pas encore connu",
}
RELEASES: Mapping[str, str] = {
    "retire": "retrait de l'appareil",
    "delete-identity": "effacement de son identité",
}
FAILURES: Mapping[str, str] = {
    "no-answer": "pas de réponse",
    "not-reached": "injoignable",
    "not-understood": "réponse incomprise",
    "failed": "échec annoncé",
}
TOLD: Mapping[str, str] = {
    "applied": "C'est noté.",
    "waiting": "C'est noté.",
    "duplicate": "C'était déjà noté.",
}
WRONG: Mapping[str, str] = {
    "not-a-serial": "Ce n'est pas un numéro de série : scannez de nouveau.",
    "unknown": "Cet ordinateur n'est à céder par personne ici.",
    "which-maker": "Plusieurs ordinateurs ont ce numéro : tapez fabricant/numéro.",
}
# What a student is told: the state, then what happens next and what is to be done.
MINE: Mapping[str, tuple[str, str]] = {
    "opened": (
        "Vous quittez bientôt le lycée. Cet ordinateur peut devenir le vôtre.",
        "Le lycée va vous le proposer : vous n'avez rien à faire pour le moment.",
    ),
    "offered": (
        "Cet ordinateur vous est proposé : vous pouvez le garder.",
        "Dites ici si vous le gardez. Puis venez signer au lycée, avec le code qu'il vous a donné.",
    ),
    "accepted": (
        "Vous gardez cet ordinateur.",
        "Venez signer au lycée, avec le code qu'il vous a donné. Un élève mineur vient avec un "
        "responsable.",
    ),
    "signed": ("C'est signé.", "La région libère l'ordinateur de sa gestion. Gardez-le allumé."),
    "releasing": (
        "C'est signé.",
        "La région libère l'ordinateur de sa gestion. Vous n'avez rien à faire.",
    ),
    "released": ("L'ordinateur est libéré.", "Le lycée établit votre attestation de cession."),
    "certified": ("Votre attestation est prête.", "Le lycée vous remet l'ordinateur pour de bon."),
    "handed-over": (
        "Cet ordinateur est à vous.",
        "Gardez votre attestation. Dites au lycée où vous continuez vos études.",
    ),
    "in-further-study": ("Cet ordinateur est à vous.", "Bonnes études. Gardez votre attestation."),
    "return-asked": ("Cet ordinateur est à rendre.", "Apportez-le au lycée avec son chargeur."),
    "return-overdue": (
        "Cet ordinateur devait déjà être rendu.",
        "Apportez-le au lycée au plus vite, avec son chargeur.",
    ),
    "returned": ("L'ordinateur est rendu.", "Vous n'avez plus rien à faire. Merci."),
    "refurbished": ("L'ordinateur est rendu.", "Vous n'avez plus rien à faire. Merci."),
    "scrapped": ("L'ordinateur est rendu.", "Vous n'avez plus rien à faire. Merci."),
    "written-off": ("L'ordinateur n'est plus attendu.", "Vous n'avez plus rien à faire."),
    "cancelled": ("Cette proposition est sans suite.", "Rien ne change pour le moment."),
}
# The same of what came to nothing, by its reason.
CANCELLED: Mapping[str, tuple[str, str]] = {
    "stays": ("Vous gardez l'ordinateur en prêt.", "Rien ne change pour le moment."),
    "not-theirs": (
        "Vous n'avez plus cet ordinateur.",
        "Cette proposition est sans suite. Si vous en avez reçu un autre, demandez son mot au "
        "lycée.",
    ),
    "another-campaign": (
        "Cette proposition est remplacée par celle d'une autre année.",
        "Demandez son mot au lycée.",
    ),
}


class Signing(Struct, frozen=True):
    """A school's signing day: a laptop's handover, where one was scanned; `id` names what is asked
    next; `signing_code`: shown once, when it was drawn; `told`, `wrong`: words of TOLD, WRONG;
    `trouble`: why an act was refused.
    """

    id: str
    school: SchoolNamed
    counts: Mapping[str, int]
    handover: HandoverShown | None = None
    mine: str = ""
    signing_code: str = ""
    told: str = ""
    wrong: str = ""
    trouble: str = ""


def campaigns_page(
    visit: Visit, found: Sequence[CampaignShown], terms: Cession, trouble: str = ""
) -> str:
    """`/campaigns`; `terms`: on which one would be opened now."""
    return _page("campaigns.html", visit, campaigns=found, terms=terms, trouble=trouble)


def campaign_page(visit: Visit, campaign: CampaignShown, schools: Mapping[str, SchoolNamed]) -> str:
    """`/campaigns/{id}`; `schools`: by their UAI, here and below, all that are shown."""
    total = campaign.total
    steps = (
        ("Concernés", total.opened, ""),
        ("Proposés", total.offered, "offered"),
        ("Signés", total.signed, "signed"),
        ("Libérés", total.released, "released"),
        ("Attestés", total.certified, "certified"),
        ("Cédés", total.handed_over, "handed-over"),
        ("Poursuite d'études", total.went_on, "in-further-study"),
    )
    return _page("campaign.html", visit, campaign=campaign, steps=steps, schools=schools)


def handovers_page(
    visit: Visit,
    found: Sequence[HandoverShown],
    listing: Listing,
    asked: Mapping[str, str],
    schools: Mapping[str, SchoolNamed],
) -> str:
    """`/handovers`"""
    shown = {"handovers": found, "listing": listing, "asked": asked, "schools": schools}
    return _page("handovers.html", visit, **shown)


def signing_page(visit: Visit, seen: Signing) -> str:
    """`/signing/{uai}`"""
    shown = {name: getattr(seen, name) for name in Signing.__struct_fields__}
    shown |= {"told": TOLD.get(seen.told, ""), "wrong": WRONG.get(seen.wrong, "")}
    return _page("signing.html", visit, **shown)


class Own(Struct, frozen=True):
    """The student's own page: the word that opens it; `value`: at which the laptop is ceded, in
    cents; `school`: its; `told`: a word of TOLD; `trouble`: why an answer was refused.
    """

    word: str = ""
    value: int = 0
    school: SchoolNamed = SchoolNamed("")
    told: str = ""
    trouble: str = ""


def mine_page(visit: Visit, handover: HandoverShown | None, own: Own) -> str:
    """`/mine`: the student's own page, or the field for the word that opens it."""
    says = _says(handover) if handover else ("", "")
    shown = {name: getattr(own, name) for name in Own.__struct_fields__}
    shown |= {"handover": handover, "says": says, "told": TOLD.get(own.told, "")}
    return _page("mine.html", visit, **shown)


def _says(handover: HandoverShown) -> tuple[str, str]:
    known = MINE[handover.state]
    cancelled = handover.state == "cancelled"
    return CANCELLED.get(handover.cancelled_for or "", known) if cancelled else known


def certificate_page(visit: Visit, number: str, found: CertificateShown | None) -> str:
    """`/certificates/{number}`: that it was issued, or that it was not; nobody's name."""
    return _page("certificate.html", visit, number_asked=number, certificate=found)


COLUMNS = (
    *("handover", "laptop", "model", "school", "campaign", "state", "blocked", "offered_at"),
    *("signed_at", "certificate", "certified_at", "handed_over_at", "institution", "due_on"),
    *("returned_at", "brought"),
)


def handovers_csv(
    found: Iterable[HandoverShown], schools: Mapping[str, SchoolNamed]
) -> Iterator[str]:
    """`/handovers.csv`; what schools are called stands last: columns have kept their places."""

    def cells(one: HandoverShown) -> list[str]:
        known = [_cell(getattr(one, name)) for name in COLUMNS]
        return [*known, schools[one.school].name, schools[one.school].town]

    return csv_lines((*COLUMNS, *papers.OF_SCHOOLS), map(cells, found))


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ",".join(value)
    return value.isoformat() if isinstance(value, date) else "" if value is None else str(value)


def _page(template: str, visit: Visit, **shown: object) -> str:
    return rendering.page(templates(), template, visit, **shown)


@cache
def templates() -> Environment:
    """Also for the shared pages of jobs, parked things and errors."""
    made = rendering.environment(Path(__file__).parent / "templates", site=SITE)
    made.globals.update(titles=TITLES, share=share, states=STATES, causes=CAUSES, kinds=KINDS)
    made.globals.update(releases=RELEASES, failures=FAILURES, institutions=INSTITUTIONS)
    made.globals.update(euros=papers.euros)
    return made
