"""What a refusal's code says to readers of French: what happened, and what to do about it.

`{detail}` stands where the English detail tells more than the sentence does: a date, a number. A
service's pages have the codes of its own rules beside their words, as BECAUSE too.
"""

from collections.abc import Mapping

BECAUSE: Mapping[str, str] = {
    # what was done on a page, or sent from one
    "id-already-used": (
        "Ce numéro a déjà servi pour autre chose ; les deux sont gardés sur la page "
        "« Mis de côté »."
    ),
    "invalid": "Un champ n'a pas la forme attendue : à corriger, puis à renvoyer. {detail}",
    "unfit-form": "Ce formulaire n'est plus entier : rechargez la page, puis recommencez.",
    "in-the-future": "L'heure donnée est à venir : à vérifier. {detail}",
    "not-your-act": "Cette clé ne permet pas de le faire : demandez à qui en a le droit. {detail}",
    "no-key": "Il faut une clé encore valable : donnez la vôtre, puis recommencez.",
    "another-site": (
        "Ce formulaire a été envoyé d'un autre site. Ouvrez la page ici, et envoyez-le de nouveau."
    ),
    "null-character": (
        "Un texte contient un caractère qui ne peut pas être enregistré : retapez ce texte."
    ),
    "closed": "C'est déjà traité : ouvrez la page de nouveau pour voir comment.",
    "set-aside": (
        "Une erreur de notre fait l'a arrêté : c'est gardé sur la page « Mis de côté », d'où on "
        "l'essaiera de nouveau."
    ),
    "wrong-content-type": "Un fichier de cette sorte ne se lit pas ici : vérifiez-le. {detail}",
    "compressed": "L'envoi est compressé : envoyez le fichier tel quel.",
    "cut-off": "L'envoi s'est arrêté en route : envoyez de nouveau.",
    "too-large": "C'est trop grand : à envoyer en plusieurs parties. {detail}",
    "too-many-requests": "Trop de demandes à la fois : attendez une seconde, puis recommencez.",
    "not-found": "Il n'y a rien à cette adresse : ouvrez la page de nouveau.",
    "away": "La base de données ne répond pas : recommencez dans quelques secondes.",
    "bug": (
        "Une erreur de notre fait l'a arrêté. Recommencez : rien ne comptera deux fois. Si elle "
        "revient, prévenez le support."
    ),
    # what came as a message
    "number-used-again": "Ce numéro d'ordre est déjà celui d'un autre fait.",
    "unreadable": "Le contenu ne se lit pas : écartez-le, ou demandez qu'on le renvoie.",
    "not-json": "Le contenu n'est pas du JSON lisible.",
    "not-a-cloudevent": "Le message n'a pas l'enveloppe attendue (CloudEvents).",
    "key-is-not-subject": "La clé du message n'est pas l'objet qu'il annonce.",
    "unknown-type": "Ce type d'événement n'est pas connu.",
    "unknown-version": "Cette version d'événement n'est pas connue.",
    "null-value": "Le message est vide.",
    "null-header": "Un en-tête du message est vide.",
    "duplicate-header": "Un en-tête du message est donné deux fois.",
    "duplicate-key": "Un champ est donné deux fois.",
    "not-utf-8": "Un texte n'est pas en UTF-8.",
    "too-deep": "Le contenu est emboîté trop profondément.",
    "no-sequence": "Le message n'a pas de numéro d'ordre.",
    "no-reader": "Ce service ne lit plus rien : il n'y a plus qu'à écarter ceci.",
    "naive-time": "Une heure est donnée sans son fuseau.",
}
