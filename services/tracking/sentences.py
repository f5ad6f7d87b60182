"""What facts and standings are called on pages and in the
API: one short sentence each, in French and in English. Pure.
"""

import re
from collections.abc import Mapping
from datetime import date
from string import Formatter
from typing import Any

from services.tracking.words import DISCREPANCIES, FLAGS, KINDS, STANDINGS
from shared.pages import french

Body = Mapping[str, Any]

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_OPTIONAL = re.compile(r"\[([^\]]*)\]")

# Fact type -> (French, English). What stands in [brackets] is left out where the body lacks the
# {field} that it names.
FACTS: dict[str, tuple[str, str]] = {
    "ordering.school-listed": ("Lycée inscrit à l'annuaire", "School listed in the directory"),
    "ordering.order-placed": (
        "Commande passée[ auprès de {supplier}]",
        "Order placed[ with {supplier}]",
    ),
    "ordering.order-amended": ("Commande modifiée", "Order amended"),
    "ordering.order-cancelled": ("Commande annulée", "Order cancelled"),
    "ordering.laptop-announced": (
        "Annoncé par le fournisseur[, commande {order}][, ligne {line}]",
        "Announced by the supplier[, order {order}][, line {line}]",
    ),
    "ordering.laptop-admitted": (
        "Admis par la région, la garantie commence",
        "Admitted by the region, the warranty starts",
    ),
    "ordering.admission-refused": ("Admission refusée par la région", "Not admitted by the region"),
    "ordering.order-late": ("Commande en retard", "Order late"),
    "ordering.laptop-cancelled": ("Sa commande est annulée", "Its order is cancelled"),
    "ordering.laptop-delivered": (
        "Compté comme livré pour sa commande",
        "Counted as delivered for its order",
    ),
    "ordering.laptop-disputed": ("Écart noté pour sa commande", "Difference noted for its order"),
    "ordering.laptop-note-withdrawn": (
        "Ce qu'on en comptait pour sa commande est annulé",
        "What was counted of it for its order is withdrawn",
    ),
    "delivery.shipment-announced": ("Expédition annoncée", "Shipment announced"),
    "delivery.shipment-dispatched": ("Expédition partie", "Shipment dispatched"),
    "delivery.shipment-in-transit": ("Expédition en route", "Shipment in transit"),
    "delivery.shipment-arrived": (
        "Expédition arrivée, dit le transporteur",
        "Shipment arrived, says the carrier",
    ),
    "delivery.shipment-received": (
        "Expédition comptée par le lycée",
        "Shipment counted by the school",
    ),
    "delivery.laptop-expected": ("Attendu au lycée[ {school}]", "Expected at school[ {school}]"),
    "delivery.laptop-cleared": ("Peut être remis", "May be handed out"),
    "delivery.laptop-called-off": (
        "Sa commande est annulée, la livraison le sait",
        "Its order is cancelled, delivery knows",
    ),
    "delivery.laptop-redirected": (
        "Réorienté[ vers le lycée {to_school}]",
        "Redirected[ to school {to_school}]",
    ),
    "delivery.laptop-refused": ("Refusé à la porte", "Refused at the door"),
    "delivery.laptop-moved": (
        "Déplacé[ du lycée {school}][ au lycée {to_school}]",
        "Moved[ from school {school}][ to school {to_school}]",
    ),
    "delivery.laptop-back-to-stock": (
        "De retour dans le stock du lycée[ {school}]",
        "Back in the stock of school[ {school}]",
    ),
    "delivery.hand-out-missed": (
        "Pas retiré par l'élève à temps",
        "Not collected by the student in time",
    ),
    "delivery.laptop-fact-withdrawn": (
        "Annulé[ : ce qui avait été dit sous le numéro {event}]",
        "Withdrawn[: what was said under the number {event}]",
    ),
    "delivery.shipment-redirected": (
        "Expédition réorientée[ vers le lycée {to_school}]",
        "Shipment redirected[ to school {to_school}]",
    ),
    "delivery.shipment-refused": ("Expédition refusée", "Shipment refused"),
    "delivery.laptop-packed": ("Emballé[, palette {shipment}]", "Packed[, pallet {shipment}]"),
    "delivery.laptop-dispatched": (
        "Expédié[, palette {shipment}]",
        "Dispatched[, pallet {shipment}]",
    ),
    "delivery.laptop-in-transit": (
        "En route[, palette {shipment}]",
        "In transit[, pallet {shipment}]",
    ),
    "delivery.laptop-arrived": ("Arrivé, dit le transporteur", "Arrived, says the carrier"),
    "delivery.laptop-received": (
        "Reçu et compté au lycée[ {school}]",
        "Received and counted at school[ {school}]",
    ),
    "delivery.laptop-taken-back": (
        "Gardé au guichet[, remplacé par {replaced_by}]",
        "Kept at the desk[, replaced by {replaced_by}]",
    ),
    "delivery.laptop-given-in-exchange": (
        "Donné en échange[ de {replaces}]",
        "Given in exchange[ for {replaces}]",
    ),
    "delivery.laptop-taken-away": ("Mis au rebut, hors stock", "Scrapped, in no stock"),
    "ordering.replacement-noted": (
        "Remplacement demandé, la commande le sait",
        "Replacement needed, ordering knows",
    ),
    "ordering.laptop-stock-noted": (
        "Stock rendu noté[, {school}][, pour {school_year}]",
        "Stock back noted[, {school}][, for {school_year}]",
    ),
    "repairs.laptop-registered": (
        "Connu des réparations[, lot {lot}]",
        "Known to repairs[, lot {lot}]",
    ),
    "repairs.warranty-noted": (
        "Garantie notée[ jusqu'au {warranty_to}]",
        "Warranty noted[ until {warranty_to}]",
    ),
    "repairs.laptop-placed": (
        "Son lycée est connu des réparations[ : {school}]",
        "Its school is known to repairs[: {school}]",
    ),
    "repairs.placement-withdrawn": (
        "Sa remise ou sa réception n'est plus connue des réparations",
        "Its hand-out or count is no longer known to repairs",
    ),
    "repairs.incident-logged": (
        "Incident signalé au guichet[ {desk}]",
        "Incident logged at the desk[ {desk}]",
    ),
    "repairs.warranty-decided": ("Prise en charge décidée", "Cover decided"),
    "repairs.repair-started": ("Réparation commencée", "Repair started"),
    "repairs.repair-waiting": ("Réparation en attente", "Repair waiting"),
    "repairs.laptop-repaired": ("Réparé", "Repaired"),
    "repairs.laptop-beyond-repair": ("Irréparable", "Beyond repair"),
    "repairs.laptop-returned-to-user": ("Rendu à son utilisateur", "Returned to its user"),
    "repairs.repair-reopened": ("Réparation reprise", "Repair reopened"),
    "repairs.loss-reported": ("Perte déclarée", "Loss reported"),
    "repairs.theft-reported": ("Vol déclaré", "Theft reported"),
    "repairs.theft-confirmed": ("Plainte déposée", "Complaint filed"),
    "repairs.laptop-recovered": ("Retrouvé", "Recovered"),
    "repairs.replacement-needed": ("Remplacement accordé", "Replacement granted"),
    "repairs.replacement-refused": ("Remplacement refusé", "Replacement refused"),
    "repairs.laptop-swapped": ("Échangé[ contre {replaced_by}]", "Swapped[ for {replaced_by}]"),
    "repairs.laptop-given-in-swap": (
        "Donné à la place[ de {replaces}]",
        "Given in the place[ of {replaces}]",
    ),
    "repairs.laptop-ceded": (
        "À qui il est, les réparations le savent",
        "Whose it is, repairs knows",
    ),
    "repairs.loan-issued": (
        "Un ordinateur est prêté[ : {loaner}][, à rendre le {due_on}]",
        "A laptop is lent[: {loaner}][, due on {due_on}]",
    ),
    "repairs.loan-returned": ("Le prêt est rendu[ : {loaner}]", "The loan came back[: {loaner}]"),
    "repairs.laptop-lent": (
        "Prêté[ pour {stands_in_for}][, à rendre le {due_on}]",
        "Lent[ for {stands_in_for}][, due on {due_on}]",
    ),
    "repairs.laptop-back-from-loan": ("De retour de prêt", "Back from loan"),
    "repairs.loan-overdue": (
        "Prêt en retard[, attendu le {due_on}]",
        "Loan overdue[, due on {due_on}]",
    ),
    "repairs.loan-due-again": (
        "L'élève revient, le prêt court[, à rendre le {due_on}]",
        "Its student is back[, due on {due_on}]",
    ),
    "repairs.case-fact-withdrawn": (
        "Un mot du guichet est annulé",
        "A word of the desk is withdrawn",
    ),
    "handover.laptop-entered": ("Connu des cessions", "Known to handover"),
    "handover.laptop-acquired": (
        "À la région, les cessions le savent",
        "The region's, handover knows",
    ),
    "handover.laptop-entrusted": ("Qui l'a, les cessions le savent", "Who has it, handover knows"),
    "handover.handover-blocked": (
        "Ne peut être cédé tant qu'un dossier est ouvert",
        "Cannot be handed over while a case is open",
    ),
    "handover.handover-unblocked": (
        "Un empêchement à la cession est levé",
        "Something that stood in the way is over",
    ),
    "handover.handover-fact-withdrawn": (
        "Un mot annulé, les cessions le savent",
        "A word withdrawn, handover knows",
    ),
    "handover.handover-opened": (
        "Son élève quitte le lycée[ {school}]",
        "Its student leaves school[ {school}]",
    ),
    "handover.handover-moved": (
        "Cession suivie par le lycée[ {to_school}]",
        "Handover done by school[ {to_school}]",
    ),
    "handover.handover-cancelled": ("Cession sans suite", "Handover came to nothing"),
    "handover.handover-offered": ("Proposé à l'élève", "Offered to the student"),
    "handover.handover-accepted": ("Accepté par l'élève", "Accepted by the student"),
    "handover.handover-refused": ("Refusé par l'élève", "Refused by the student"),
    "handover.handover-signed": ("Cession signée", "Handover signed"),
    "handover.management-release-asked": (
        "Libération de la gestion demandée",
        "Release from management asked",
    ),
    "handover.management-release-failed": (
        "Libération échouée[, essai {attempt}][ : {failure}]",
        "Release failed[, attempt {attempt}][: {failure}]",
    ),
    "handover.management-release-done": (
        "Libération faite[ : {release}]",
        "Release done[: {release}]",
    ),
    "handover.certificate-issued": (
        "Attestation établie[, n° {certificate}]",
        "Certificate issued[, no. {certificate}]",
    ),
    "handover.laptop-handed-over": (
        "Cédé à l'élève[, délibération {deliberation}]",
        "Handed over to the student[, deliberation {deliberation}]",
    ),
    "handover.laptop-taken-into-further-study": (
        "Emporté en poursuite d'études[ : {institution}]",
        "Taken into further study[: {institution}]",
    ),
    "handover.return-asked": (
        "Retour demandé[ au lycée {school}][, pour le {due_on}]",
        "Return asked[ to school {school}][, due on {due_on}]",
    ),
    "handover.return-reminded": ("Retour rappelé à l'élève", "Student reminded of the return"),
    "handover.return-overdue": (
        "Retour en retard[, attendu le {due_on}]",
        "Return overdue[, due on {due_on}]",
    ),
    "handover.laptop-returned": ("Rendu au lycée[ {school}]", "Returned to school[ {school}]"),
    "handover.other-laptop-returned": (
        "Un autre ordinateur a été apporté à sa place[ : {brought}]",
        "Another laptop was brought in its place[: {brought}]",
    ),
    "handover.laptop-refurbished": ("Remis en état", "Refurbished"),
    "handover.laptop-scrapped": (
        "Mis au rebut[, bordereau {tracking_form}]",
        "Scrapped[, tracking form {tracking_form}]",
    ),
    "handover.laptop-written-off": ("Sorti de l'inventaire", "Written off"),
    "delivery.laptop-handed-out": (
        "Remis à l'élève, charte signée",
        "Handed out to the student, charter signed",
    ),
}


def summary(type: str, body: Body, lang: str = "fr") -> str:
    """One short sentence for a fact; its type's own words where the type is new to us."""
    name = type.rpartition(".v")[0] or type
    if name == "delivery.discrepancy-reported":
        return named(DISCREPANCIES, str(body.get("kind", "")), lang)
    if name not in FACTS:
        return name.rpartition(".")[2].replace("-", " ")
    told = {field: _worded(field, value, lang) for field, value in body.items()}
    return _OPTIONAL.sub(lambda part: _filled(part.group(1), told), _in(FACTS[name], lang))


def standing(fact: str, value: str, lang: str = "fr") -> str:
    """A value of one of the five facts, or what became of a laptop, as a sentence; a value new to
    us as its own words.
    """
    return named(STANDINGS.get(fact, {}), value, lang)


def standing_known(fact: str, value: str) -> str:
    """A value that a fact, or what becomes of a laptop, may have. Raises ValueError."""
    if value not in STANDINGS[fact]:
        raise ValueError(f"{value[:20]!r} is none of {', '.join(STANDINGS[fact])}")
    return value


def flag(slug: str, lang: str = "fr") -> str:
    """What else is to be known about a laptop."""
    return named(FLAGS, slug, lang)


def named(words: Mapping[str, tuple[str, str]], slug: str, lang: str) -> str:
    """Vocabularies on the wire grow: what has no words here yet is shown as it is."""
    return _in(words[slug], lang) if slug in words else slug.replace("-", " ")


def _in(pair: tuple[str, str], lang: str) -> str:
    return pair[1] if lang == "en" else pair[0]


def _worded(field: str, value: Any, lang: str) -> Any:
    """A value as a sentence has it: a day in words, a kind by its name."""
    if isinstance(value, str) and _DAY.fullmatch(value):
        return french.day(date.fromisoformat(value), lang)
    return named(KINDS[field], value, lang) if field in KINDS and value else value


def _filled(part: str, body: Body) -> str:
    fields = [field for _, field, _, _ in Formatter().parse(part) if field]
    return part.format_map(body) if all(body.get(field) for field in fields) else ""
