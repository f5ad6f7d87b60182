"""What a file says of a pupil: its words, and what is wrong with them. Pure.

A refusal never repeats what it found: reports and logs hold no value of a file.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from shared.contracts import identifiers
from shared.contracts.enrolment import LEVELS, REASONS
from shared.contracts.identifiers import plain
from shared.decisions import Refusal

Raw = Mapping[str, str]
"""A row of a file: columns of COLUMNS to what stands there, "" where nothing does."""

GUARDIANS = 2  # who has parental authority; a file may name more, the first two sign
COLUMNS = (
    "ine",
    "nom",
    "prenom",
    "date_naissance",
    "uai",
    "niveau",
    "code_postal",
    "pays",
    *(f"resp{n}_{name}" for n in range(1, GUARDIANS + 1) for name in ("nom", "prenom")),
    "motif_sortie",
    "pseudonyme",
    "homonyme",
)
NEEDED = ("nom", "prenom", "date_naissance", "uai", "niveau")

# Nine digits and two letters since 2018; ten and one before; apprentices (reference: domain, §4).
_INE = re.compile(r"[0-9]{9}[A-Z]{2}|[0-9]{10}[A-Z]|[0-9]{4}A[0-9]{5}[A-Z]")
_DAY = re.compile(r"(\d{2})/(\d{2})/(\d{4})")
_NAME = re.compile(r"[^\x00-\x1f\x7f<>]{1,100}")
# How files write levels, as far as they are lycée's: the first that fits. A CAP of one year ends
# with it; what comes after the baccalauréat counts its years as a CAP does.
_BEYOND = re.compile(
    r"\b([0-9]?BTS|[0-9]?CPGE|DCG|DMA|DNMADE|DTS|CAPACITE|LICENCE|MENTION COMP|GRANDES ECOLES)"
)
_CAP = r"(?!\S+ (BAC )?PRO\b)(?=.*\b[12T]?CAP[0-9]?\b)"
_TRACK = r"(PRO|GT|G|T|BT|BTH|ST\w*)?\b(?! ANN)"
_LEVELS = (
    (
        "cap2",
        re.compile(_CAP + r"(1CAP1\b|2|T|SECONDE|.*(2 ?E|2 ?EME|SECONDE|DEUXIEME|DERNIERE) ANN)"),
    ),
    ("cap1", re.compile(_CAP + r"(1|PREMIERE|CAP)")),
    ("3prepa", re.compile(r"(3|TROISIEME).*PREP")),
    ("2nde", re.compile(r"(2N?DE?|SECONDE)" + _TRACK)),
    ("1ere", re.compile(r"(1E?RE?|PREMIERE)" + _TRACK)),
    ("term", re.compile(r"(TLE|TERM|TALE|TERMINALE)" + _TRACK)),
)
OUT = {
    "diplome": "graduated",
    "hors region": "left-region",
    "apprentissage": "apprenticeship",
    "abandon": "dropped-out",
    "inconnu": "unknown",
}
YES = ("oui", "1", "true", "yes")
FRANCE = ("", "FRANCE", "FR", "100")


class Guardian(Struct, frozen=True):
    """Who signs for a pupil while a minor. `source`: his id in the ministry's directory, of an
    académie; without names: one of whom nothing but that is said.
    """

    family_name: str
    given_name: str
    source: str = ""
    academy: str = ""


class Pupil(Struct, frozen=True):
    """A pupil as a file tells of one, in the one spelling of each thing. `source`: the id in the
    ministry's directory, of an académie; `guardians`: None where the file says nothing of them.
    """

    family_name: str
    given_name: str
    born_on: date
    school: str
    level: str
    ine: str = ""
    source: str = ""
    academy: str = ""
    postcode: str = ""
    guardians: tuple[Guardian, ...] | None = None

    @property
    def minor_until(self) -> date:
        """The eighteenth birthday; of who was born on 29 February, the first of March."""
        try:
            return self.born_on.replace(year=self.born_on.year + 18)
        except ValueError:
            return date(self.born_on.year + 18, 3, 1)


class Unread(Exception):
    """A field is not what it should be; `field` names its column."""

    def __init__(self, code: str, field: str, detail: str) -> None:
        super().__init__(detail)
        self.refusal = Refusal(code, f"{field}: {detail}", f"/{field}")


def read(raw: Raw, guardians: tuple[Guardian, ...] | None) -> tuple[Pupil, str] | Refusal:
    """A pupil, and what was mended ("" for nothing); or what is wrong. `raw` has NEEDED."""
    try:
        postcode, mended = _postcode(raw)
        pupil = Pupil(
            family_name=_name(raw, "nom"),
            given_name=_name(raw, "prenom"),
            born_on=_born_on(raw),
            school=_school(raw),
            level=_level(raw),
            ine=_ine(raw),
            source=raw.get("source", ""),
            academy=raw.get("academy", "") if raw.get("source") else "",
            postcode=postcode,
            guardians=guardians if guardians is not None else _guardians(raw),
        )
    except Unread as trouble:
        return trouble.refusal
    return pupil, mended


def to_be_read(raw: Raw, now: Pupil) -> dict[str, str]:
    """The row of a pupil of whom a file tells what changes, the rest as it stands."""
    stands = {
        "ine": now.ine,
        "nom": now.family_name,
        "prenom": now.given_name,
        "date_naissance": now.born_on.isoformat(),
        "uai": now.school,
        "niveau": now.level,
        "code_postal": now.postcode,
        "pays": "-",  # it was mended when it came
        "source": now.source,
        "academy": now.academy,
    }
    return stands | {name: value for name, value in raw.items() if value}


def changed(now: Pupil, guardian: Guardian) -> Pupil:
    """A pupil, one of whose guardians is called otherwise now; or, without a name, is none now."""
    gone = not (guardian.family_name or guardian.given_name)
    told = [
        _named(guardian, one) if _id(one) == _id(guardian) else one
        for one in now.guardians or ()
        if not (gone and _id(one) == _id(guardian))
    ]
    return replace(now, guardians=tuple(told))


def _id(guardian: Guardian) -> tuple[str, str]:
    return guardian.academy, guardian.source


def _named(told: Guardian, stood: Guardian | None) -> Guardian:
    """A guardian with the names that a file left out as they stood."""
    if stood is None:
        return told
    names = (told.family_name or stood.family_name, told.given_name or stood.given_name)
    return replace(told, family_name=names[0], given_name=names[1])


def filled(pupil: Pupil, before: Pupil | None) -> Pupil:
    """A pupil, with what a file left out as it stood; guardians of whom nobody knows a name are
    left out.
    """
    stood = before.guardians if before else None
    if pupil.guardians is None:
        guardians = stood
    else:
        known = {_id(one): one for one in stood or () if one.source}
        told = [_named(one, known.get(_id(one))) for one in pupil.guardians]
        guardians = tuple(one for one in told if one.family_name)[:GUARDIANS]
    if before is None:
        return replace(pupil, guardians=guardians)
    return replace(
        pupil,
        guardians=guardians,
        ine=pupil.ine or before.ine,
        source=pupil.source or before.source,
        academy=pupil.academy if pupil.source else before.academy,
        postcode=pupil.postcode or before.postcode,
    )


def others_sign(before: Pupil, now: Pupil) -> bool:
    """Whether other persons sign than before; whoever was not known before is none."""
    if before.guardians is None or now.guardians is None:
        return False
    return _signing(before) != _signing(now)


def _signing(pupil: Pupil) -> set[tuple[str, str]]:
    return {(plain(one.family_name), plain(one.given_name)) for one in pupil.guardians or ()}


# -- words


def ine(text: str) -> str:
    """A national pupil number by its shape; its check is not published. Raises ValueError."""
    given = "".join(text.split()).upper()
    if not _INE.fullmatch(given):
        raise ValueError("an INE is nine digits and two letters, or ten digits and a letter")
    return given


def level(text: str) -> str | None:
    """The level that a label means: a word of LEVELS; None where it is none of ours."""
    if text.strip().lower() in LEVELS:
        return text.strip().lower()
    said = plain(text)
    if _BEYOND.search(said):
        return None
    return next((word for word, label in _LEVELS if label.match(said)), None)


def traces(raw: Raw, academy: str = "") -> Iterator[tuple[str, str]]:
    """By what a pupil may be known already, as far as a row says it rightly: kind and text."""
    try:
        if number := _ine(raw):
            yield "ine", number
    except Unread:
        pass
    if raw.get("source"):
        yield "source", f"{academy} {raw['source']}"
    try:
        family, given = plain(_name(raw, "nom")), plain(_name(raw, "prenom"))
        yield "name", f"{family} {given} {_born_on(raw).isoformat()}"
    except Unread:
        pass


def _name(raw: Raw, field: str) -> str:
    spaced = " ".join(raw.get(field, "").split())
    if not _NAME.fullmatch(spaced):
        raise Unread("invalid", field, "a name of 1 to 100 characters is expected")
    return spaced


def _born_on(raw: Raw) -> date:
    text, field = raw.get("date_naissance", ""), "date_naissance"
    match = _DAY.fullmatch(text)
    try:
        born = date.fromisoformat(f"{match[3]}-{match[2]}-{match[1]}" if match else text)
    except ValueError:
        raise Unread("invalid", field, "a date such as 14/07/2004 is expected") from None
    if not 1900 < born.year < 2100:
        raise Unread("invalid", field, "a pupil's year of birth is expected")
    return born


def _school(raw: Raw) -> str:
    return school(raw.get("uai", ""))


def school(text: str) -> str:
    """A school's UAI. Raises Unread, which does not repeat what stood there: it may be a name."""
    try:
        return identifiers.uai(text)
    except ValueError as trouble:
        if "check letter" in str(trouble):
            raise Unread("wrong-check-letter", "uai", "its check letter is wrong") from None
        raise Unread("invalid", "uai", "seven digits and a letter are expected") from None


def _level(raw: Raw) -> str:
    found = level(raw.get("niveau", ""))
    if found is None:
        raise Unread("unknown-level", "niveau", f"one of {', '.join(LEVELS)} is expected")
    return found


def _ine(raw: Raw) -> str:
    if not raw.get("ine", "").strip():
        return ""
    try:
        return ine(raw["ine"])
    except ValueError as trouble:
        raise Unread("wrong-ine", "ine", f"{trouble}: mend it, or leave it empty") from None


def _postcode(raw: Raw) -> tuple[str, str]:
    """A postcode, its zero given back where a spreadsheet took it: Ardennes are 08. Elsewhere than
    in France four digits are right: Belgium and Luxembourg are near.
    """
    given = raw.get("code_postal", "").strip().upper()
    if len(given) > 10:
        raise Unread("invalid", "code_postal", "at most ten characters are expected")
    if re.fullmatch(r"[0-9]{4}", given) and raw.get("pays", "").strip().upper() in FRANCE:
        return given.zfill(5), "postcode-mended"
    return given, ""


def _guardians(raw: Raw) -> tuple[Guardian, ...] | None:
    """Those of a table's columns; None where it has no such columns."""
    if "resp1_nom" not in raw:
        return None
    named = [n for n in range(1, GUARDIANS + 1) if raw.get(f"resp{n}_nom", "").strip()]
    return tuple(Guardian(_name(raw, f"resp{n}_nom"), _name(raw, f"resp{n}_prenom")) for n in named)


def leaving(raw: Raw) -> str | Refusal | None:
    """Why a row says that a pupil left; None where it says nothing of it."""
    said = raw.get("motif_sortie", "").strip()
    if not said:
        return None
    word = plain(said).lower()
    reason = OUT.get(word) or (said if said in REASONS else None)
    if reason is None:
        known = ", ".join(OUT)
        return Refusal("invalid", f"motif_sortie: one of {known} is expected", "/motif_sortie")
    return reason
