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
from shared.decisions import Refusal
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

# What a refusal's code says, as in shared/pages/refusals.py.
BECAUSE: Mapping[str, str] = {
    "unknown-handover": "Cette cession n'est pas celle de cet ordinateur : scannez-le de nouveau.",
    "before-the-last-act": (
        "Quelque chose de plus récent est déjà noté : scannez l'ordinateur de nouveau."
    ),
    "not-open-yet": "La campagne n'est pas encore ouverte : attendez ce jour-là. {detail}",
    "not-the-regions": (
        "Cet ordinateur n'est pas admis, il n'est pas encore à la région : faites-le admettre "
        "d'abord."
    ),
    "owned-by-another": "Cet ordinateur appartient déjà à un autre élève : scannez le bon.",
    "blocked": (
        "Cet ordinateur a encore une réparation, un prêt, une perte ou un vol à régler : la suite "
        "viendra d'elle-même après. {detail}"
    ),
    "guardian-not-signed": (
        "Pour un élève mineur, son responsable signe aussi : faites-le signer, puis cochez-le."
    ),
    "signed-before": "La signature est datée d'avant la cession : corrigez sa date.",
    "no-code": "Aucun code n'a été donné à l'élève : donnez-en un.",
    "code-locked": "Trop d'essais avec un mauvais code : donnez un autre code à l'élève.",
    "wrong-code": "Ce n'est pas le code qui a été donné à l'élève : tapez-le de nouveau. {detail}",
    "code-expired": "Ce code est trop ancien : donnez un autre code à l'élève.",
    "too-many-codes": (
        "Trop de codes ont été donnés aujourd'hui pour cette cession : donnez-en un demain. "
        "{detail}"
    ),
    "due-before": "Le jour du retour est déjà passé : donnez-en un à venir.",
    "it-is-opened": "L'ordinateur n'est pas encore proposé à l'élève. {detail}",
    "it-is-offered": "L'ordinateur est proposé à l'élève, et rien n'est signé. {detail}",
    "it-is-accepted": "L'élève garde l'ordinateur, et rien n'est encore signé. {detail}",
    "it-is-signed": "C'est signé, et l'ordinateur n'est pas encore libéré de la gestion. {detail}",
    "it-is-releasing": "L'ordinateur est en cours de libération : attendez qu'elle soit finie.",
    "it-is-released": (
        "L'ordinateur est libéré, et l'attestation n'est pas encore établie. {detail}"
    ),
    "it-is-certified": "L'attestation est établie, et l'ordinateur n'est pas encore cédé. {detail}",
    "it-is-handed-over": (
        "L'ordinateur est déjà cédé, il n'est plus à la région : notez où l'élève continue."
    ),
    "it-is-in-further-study": (
        "L'ordinateur est cédé et la suite des études est notée : il ne reste rien à faire."
    ),
    "it-is-return-asked": "L'ordinateur est à rendre : notez son retour quand il revient.",
    "it-is-return-overdue": (
        "Le retour de l'ordinateur est en retard : réclamez-le, et notez-le quand il revient."
    ),
    "it-is-returned": ("L'ordinateur est déjà rendu : remettez-le en état, ou mettez-le au rebut."),
    "it-is-refurbished": ("L'ordinateur est rendu et remis en état : il ne reste rien à faire."),
    "it-is-scrapped": "L'ordinateur est mis au rebut : il ne reste rien à faire.",
    "it-is-written-off": "L'ordinateur est sorti de l'inventaire : il ne reste rien à faire.",
    "it-is-cancelled": "Cette cession est sans suite : scannez l'ordinateur de nouveau.",
    "year-has-a-campaign": "Cette année scolaire a déjà sa campagne : gardez celle-là. {detail}",
    "already-opened": (
        "Cette campagne est déjà ouverte à d'autres conditions : celles-là restent valables."
    ),
    "name-is-taken": (
        "Ce nom est déjà celui d'une autre campagne : choisissez-en un autre. {detail}"
    ),
    "not-in-the-year": (
        "Une campagne ouvre pendant son année scolaire : corrigez le jour ou l'année."
    ),
    "same-school": "Un lycée ne se succède pas à lui-même : donnez l'UAI d'un autre.",
    "each-follows-the-other": (
        "Ces deux lycées se succéderaient l'un à l'autre : vérifiez lequel a fermé. {detail}"
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
    trouble: Refusal | None = None


def campaigns_page(
    visit: Visit,
    found: Sequence[CampaignShown],
    terms: Cession,
    trouble: Refusal | None = None,
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
    cents; `school`: the laptop's; `told`: a word of TOLD; `trouble`: why an answer was refused.
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
    folder = Path(__file__).parent / "templates"
    made = rendering.environment(folder, site=SITE, because=BECAUSE)
    made.globals.update(titles=TITLES, share=share, states=STATES, causes=CAUSES, kinds=KINDS)
    made.globals.update(releases=RELEASES, failures=FAILURES, institutions=INSTITUTIONS)
    made.globals.update(euros=papers.euros)
    return made
