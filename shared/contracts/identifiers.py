"""Names of things, checked where they enter: schools, shipments, laptops, students, parties. Pure.

Every function answers the name in its one spelling,
or raises ValueError with a sentence for the sender.
"""

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

from msgspec import Struct

UAI_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"  # no I, O, Q
ROLES = ("carrier", "supplier", "school", "desk", "region", "ops")

_UAI = re.compile(r"[0-9]{7}[A-Z]")  # not \d, which takes the digits of every script
_SSCC = re.compile(r"[0-9]{18}")
# What stands before an SSCC: what a scanner says of the symbol (GS1-128, DataMatrix, QR), and the
# application identifier 00, in brackets as labels print it or bare as they hold it.
_BEFORE_SSCC = re.compile(r"^(?:\](?:C1|d2|Q3))?(?:\(00\)|00(?=[0-9]{18}$))")
_GTIN = re.compile(r"[0-9]{8}|[0-9]{12,14}")
_SERIAL = re.compile(r"[A-Z0-9][A-Z0-9._-]{2,39}")
_SPREADSHEET = re.compile(r"\d(?:[.,]\d+)?E\+?\d+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SCHOOL_YEAR = re.compile(r"([0-9]{4})-([0-9]{4})")
_LABEL = re.compile(r"[^\x00-\x1f\x7f]{1,250}")


def uai(text: str) -> str:
    """A school's national number: seven digits and a
    check letter, the remainder of the digits by 23.

    One or two zeros lost at the front (a spreadsheet does that) are
    given back. Rule: Répertoire national des établissements.
    """
    given = text.strip().upper()
    candidate = given.zfill(8) if len(given) >= 6 else given
    if not _UAI.fullmatch(candidate):
        raise ValueError(f"{given[:20]!r} is not a UAI: seven digits and a letter are expected")
    expected = UAI_LETTERS[int(candidate[:7]) % 23]
    if candidate[7] != expected:
        raise ValueError(
            f"{candidate} has check letter {candidate[7]} where {expected} is expected"
        )
    return candidate


def plain(text: str) -> str:
    """A name as names are compared: capitals without accents, words by single blanks."""
    letters = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("Œ", "OE"))
    bare = "".join(
        one if one.isalnum() else " " for one in letters if not unicodedata.combining(one)
    )
    return " ".join(bare.upper().split())


def department(school: str | None) -> str | None:
    """The département of a school: the first three digits of its UAI, without the zero."""
    return school[:3].removeprefix("0") if school else None


def sscc(text: str) -> str:
    """A shipment's Serial Shipping Container Code: 18 digits, the last a GS1 check digit."""
    given = off_its_label(text)
    if not _SSCC.fullmatch(given):
        raise ValueError(f"{given[:24]!r} is not an SSCC: 18 digits are expected")
    if check_digit(given[:17]) != given[17]:
        raise ValueError(f"{given} has a wrong check digit")
    return given


def off_its_label(text: str) -> str:
    """An SSCC as typed, printed or scanned, without what stands around it; whether it is one is
    not checked. Rule: GS1 General Specifications §5.4 (symbology identifiers), §7.8.
    """
    return _BEFORE_SSCC.sub("", "".join(text.split()), count=1)


def check_digit(digits: str) -> str:
    """GS1's check digit of the digits before it (General Specifications §7.9)."""
    weighed = sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(reversed(digits)))
    return str(-weighed % 10)


def serial_number(text: str) -> str:
    """A maker's serial number: upper case, no spaces; 3
    to 40 letters, digits, dots, hyphens, underscores.
    """
    serial = "".join(text.split()).upper()
    if _SPREADSHEET.fullmatch(serial):
        raise ValueError(f"{serial} was rewritten by a spreadsheet: export the column as text")
    if not _SERIAL.fullmatch(serial):
        raise ValueError(
            f"{text[:48]!r} is not a serial number: 3 to 40 letters, digits, '.', '-', '_'"
        )
    return serial


class LaptopItem(Struct, frozen=True, forbid_unknown_fields=True):
    """A laptop as people name it."""

    maker: str
    serial: str


class Makers(Struct, frozen=True):
    """Who makes laptops: every spelling of a maker's name to its one slug (deploy/makers.csv).

    models: GTINs, 14 digits, to maker and model. assets: what a GIAI
    begins with to its maker; what follows is the maker's serial number.
    """

    slugs: Mapping[str, str]
    models: Mapping[str, tuple[str, str]] = {}
    assets: Mapping[str, str] = {}

    def slug(self, name: str) -> str:
        """The slug of a maker. Raises ValueError when the table does not know the name."""
        found = self.slugs.get(" ".join(name.lower().split()))
        if found is None:
            known = ", ".join(sorted({*self.slugs.values()}))
            raise ValueError(
                f"{name[:40]!r} is no maker that is known here: {known}; "
                "ask the region to add it to its table of makers"
            )
        return found

    def laptop(self, maker: str, serial: str) -> str:
        """The key of a laptop, `<maker>/<SERIAL>`."""
        return f"{self.slug(maker)}/{serial_number(serial)}"

    def asset(self, giai: str) -> tuple[str, str] | None:
        """Maker and serial number in a GIAI; None where the table does not know it."""
        starts = [start for start in self.assets if giai.startswith(start) and giai != start]
        if not starts:
            return None
        longest = max(starts, key=len)
        return self.assets[longest], giai.removeprefix(longest)


PARTS = (("alias", "maker"), ("gtin", "maker", "model"), ("giai", "maker"))


def makers(lines: Iterable[str]) -> Makers:
    """The table of makers: parts with a header each, see PARTS. Raises ValueError naming a row."""
    slugs: dict[str, str] = {}
    models: dict[str, tuple[str, str]] = {}
    assets: dict[str, str] = {}
    for part, cells in _rows(lines):
        name, maker = cells[:2]
        if part == "alias":
            slugs[" ".join(name.lower().split())] = maker
        elif part == "gtin":
            models[gtin(name)] = (maker, label(cells[2]))
        else:
            assets[name] = maker
    for maker in (*(maker for maker, _ in models.values()), *assets.values()):
        if maker not in slugs.values():
            raise ValueError(f"{maker[:40]!r} has a GTIN or a GIAI and no alias")
    return Makers(slugs, models, assets)


def _rows(lines: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Rows under their headers, each with its header's first word."""
    part: tuple[str, ...] = ()
    for row in csv.reader(lines):
        cells = tuple(cell.strip() for cell in row)
        if "maker" in cells:
            part = cells
            if part not in PARTS:
                raise ValueError(f"{','.join(cells)[:60]!r} is no header of this table")
        elif any(cells):
            if len(cells) != len(part) or not all(cells):
                raise ValueError(f"{','.join(cells)[:60]!r} does not stand under its header")
            yield part[0], cells


def gtin(text: str) -> str:
    """A Global Trade Item Number, 8 to 14 digits, as the 14 digits that all come to."""
    given = text.strip()
    if not _GTIN.fullmatch(given) or check_digit(given[:-1]) != given[-1]:
        raise ValueError(f"{given[:20]!r} is not a GTIN: 8, 12, 13 or 14 digits, the last a check")
    return given.zfill(14)


def pseudonym(text: str) -> str:
    """A student, as everybody but enrolment knows him:
    a UUID. Nothing else is let in, so no name slips by.
    """
    try:
        return str(UUID(text.strip()))
    except ValueError:
        raise ValueError("a student is named by his pseudonym, a UUID") from None


def party(text: str) -> str:
    """Who speaks: `region`, `ops`, or a role and a name as in `carrier:acme`, `school:0670080Y`."""
    role, colon, name = text.partition(":")
    alone = role in ("region", "ops")
    if role not in ROLES or bool(colon) == alone or bool(name) == alone:
        named = ", ".join(ROLES[:4])
        raise ValueError(f"{text[:60]!r} is not a party: region, ops, or one of {named} with :name")
    if role == "school":
        return f"school:{uai(name)}"
    if name and not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name):
        raise ValueError(
            f"{name[:60]!r} is not a party's name: lower-case letters, digits and hyphens"
        )
    return text


def document_name(text: str) -> str:
    """The number of an order, a line, a lot, a campaign as
    the sender writes it: 64 letters, digits, '.', '-', '_'.
    """
    if not _NAME.fullmatch(text):
        raise ValueError(
            f"{text[:70]!r} may hold letters, digits, '.', '-' and '_' only, 64 at most"
        )
    return text


def label(text: str) -> str:
    """A name for people, such as a school's or a model's: single spaces, 1 to 250 characters.

    The longest name of a real lycée in Grand Est has 141 (ministry's directory, 2019).
    """
    spaced = " ".join(text.split())
    if not _LABEL.fullmatch(spaced):
        raise ValueError(f"{spaced[:40]!r}: a name of 1 to 250 printable characters is expected")
    return spaced


def school_year(text: str) -> str:
    """A school year such as `2020-2021`; it changes on 1 September."""
    match = _SCHOOL_YEAR.fullmatch(text)
    if match is None or int(match[2]) != int(match[1]) + 1:
        raise ValueError(f"{text[:20]!r} is not a school year such as 2020-2021")
    return text


def kind_of(key: str) -> str:
    """What a key names: `laptop`, or the word before the colon (`order`, `school`, `shipment`)."""
    kind, colon, _ = key.partition(":")
    return kind if colon else "laptop"
