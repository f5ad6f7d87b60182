"""How parties write things: check digits, serial numbers in several spellings, instants. Pure."""

from datetime import UTC, datetime
from hashlib import blake2b
from zoneinfo import ZoneInfo

MAKERS = ("HP", "hp", "Hewlett-Packard")
_UAI_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
_DIGITS = "0123456789ABCDEFGHJKLMNPRSTVWXYZ"
_STRASBOURG = ZoneInfo("Europe/Paris")


def uai(digits: str) -> str:
    """A school's number: seven digits and, as a letter, their remainder by 23.

    Rule: Répertoire national des établissements.
    """
    return digits + _UAI_LETTERS[int(digits) % 23]


def sscc(digits: str) -> str:
    """A shipment's number: 17 digits and their GS1 check digit."""
    weighed = sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(digits))
    return digits + str(-weighed % 10)


def base_32(number: int, width: int) -> str:
    """A number in letters and digits that nobody mistakes for one another."""
    text = ""
    for _ in range(width):
        number, digit = divmod(number, 32)
        text = _DIGITS[digit] + text
    return text


def run_number(seed: int, laptops: int) -> int:
    """20 bits that tell one year's laptops, orders and ids from another seed's or size's."""
    return int.from_bytes(blake2b(f"{seed}:{laptops}".encode(), digest_size=3).digest()) >> 4


def serial(run: str, number: int) -> str:
    """A serial number as on the label: ten letters and digits, those of one run begin alike."""
    return f"5C{run}{base_32(number, 4)}"


def laptop_of(serial: str) -> str:
    """A laptop's name as tracking gives it."""
    return f"hp/{serial}"


def spelled(number: str, turn: int, *, spaced: bool = False) -> tuple[str, str]:
    """A maker and a serial as somebody typed them: capitals, small letters, (spaced) in groups."""
    maker = MAKERS[turn % 3]
    if turn % 7 == 3:
        return maker, number.lower()
    if spaced and turn % 7 == 5:
        return maker, f"{number[:4]} {number[4:7]} {number[7:]}"
    return maker, number


def instant(at: datetime, *, local: bool = True) -> str:
    """RFC 3339, as a clock in Strasbourg shows it, or in UTC."""
    if not local:
        return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return at.astimezone(_STRASBOURG).isoformat(timespec="seconds")
