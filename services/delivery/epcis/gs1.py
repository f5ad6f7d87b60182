"""GS1's identifiers: EPC URNs and Digital Link URIs, in the one form that both come to. Pure.

Sources: GS1 EPC Tag Data Standard 1.13 §6.3 (URNs), GS1 Digital Link URI syntax 1.2 (AIs and their
short names), CBV 2.0 §8.9 (the canonical form: the finest key, without what only describes).
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import unquote

from shared.contracts.identifiers import check_digit

HOME = "https://id.gs1.org"


class _Scheme(NamedTuple):
    """An EPC scheme. `digits`: of prefix and reference together, 0 where the reference is free;
    `turned`: the reference's first digit goes before the prefix; `filler`: a digit before all;
    `tail`: the AI of what follows, "" where it is just joined on, None where nothing follows.
    """

    ai: str
    digits: int
    turned: bool = False
    filler: str = ""
    tail: str | None = None


_SCHEMES: Mapping[str, _Scheme] = {
    "sscc": _Scheme("00", 17, turned=True),
    "sgtin": _Scheme("01", 13, turned=True, tail="21"),
    "lgtin": _Scheme("01", 13, turned=True, tail="10"),
    "upui": _Scheme("01", 13, turned=True, tail="235"),
    "gdti": _Scheme("253", 12, tail=""),
    "sgcn": _Scheme("255", 12, tail=""),
    "ginc": _Scheme("401", 0),
    "gsin": _Scheme("402", 16),
    "sgln": _Scheme("414", 12, tail="254"),
    "pgln": _Scheme("417", 12),
    "grai": _Scheme("8003", 12, filler="0", tail=""),
    "giai": _Scheme("8004", 0),
    "itip": _Scheme("8006", 13, turned=True, tail="21"),
    "cpi": _Scheme("8010", 0, tail="8011"),
    "gsrnp": _Scheme("8017", 17),
    "gsrn": _Scheme("8018", 17),
}

_SHORT = {
    "sscc": "00", "gtin": "01", "gdti": "253", "gcn": "255", "ginc": "401", "gsin": "402",
    "gln": "414", "party": "417", "grai": "8003", "giai": "8004", "itip": "8006", "cpid": "8010",
    "gsrnp": "8017", "gsrn": "8018", "cpv": "22", "lot": "10", "ser": "21",
}  # fmt: skip


class _Key(NamedTuple):
    """A key of Digital Link: its value, how many of its digits end in
    a check digit, the qualifiers that make it finer, the finest first.
    """

    value: re.Pattern[str]
    checked: int = 0
    finer: Sequence[str] = ()


_FREE = re.compile(r"[0-9]{4}.{1,60}")
_KEYS: Mapping[str, _Key] = {
    "00": _Key(re.compile("[0-9]{18}"), 18),
    "01": _Key(re.compile("[0-9]{8}|[0-9]{12,14}"), 14, ("21", "235", "10")),
    "253": _Key(re.compile("[0-9]{13}.{0,30}")),
    "255": _Key(re.compile("[0-9]{13,25}")),
    "401": _Key(_FREE),
    "402": _Key(re.compile("[0-9]{17}")),
    "414": _Key(re.compile("[0-9]{13}"), 13, ("254",)),
    "417": _Key(re.compile("[0-9]{13}"), 13),
    "8003": _Key(re.compile("[0-9]{14}.{0,30}")),
    "8004": _Key(_FREE),
    "8006": _Key(re.compile("[0-9]{18}"), 0, ("21", "10")),
    "8010": _Key(_FREE, 0, ("8011",)),
    "8017": _Key(re.compile("[0-9]{18}")),
    "8018": _Key(re.compile("[0-9]{18}")),
}
_QUALIFIERS = {"22", "10", "21", "235", "254", "8011"}

_PREFIX = re.compile("[0-9]{6,12}")
_DIGITS = re.compile("[0-9]*")
_LINK = re.compile(r"(https?://[^/?#\s]+)/([^?#\s]+?)/?(?:[?#].*)?", re.DOTALL)
_ESCAPED = str.maketrans({mark: f"%{ord(mark):02X}" for mark in "!()*+,:"})


def canonical(uri: str) -> str | None:
    """A GS1 identifier as the Digital Link URI at id.gs1.org; None for a URI that is none.

    Raises ValueError with a sentence on one that should be and is misformed: too few digits in
    an EPC URN, a wrong check digit in a Digital Link.
    """
    if uri.startswith("urn:epc:"):
        _, _, family, scheme, rest = (*uri.split(":", 4), "", "")[:5]
        known = _SCHEMES.get(scheme)
        if known is None or family not in ("id", "class", "idpat"):
            return None  # GID, ADI, tag URIs: valid, and nothing to us
        if family == "idpat" and "*" in rest[:-1]:
            return None  # a pattern of many things has no one form
        return _of_urn(uri, known, scheme, rest)
    link = _LINK.fullmatch(uri)
    return _of_link(uri, link[1].lower(), link[2].split("/")) if link else None


def instance(link: str) -> tuple[str, str, str]:
    """The AI, the value and the last qualifier's value ("" for none) of a canonical link."""
    ai, value, *finer = link.removeprefix(f"{HOME}/").split("/")
    return ai, unquote(value), unquote(finer[1]) if finer else ""


def _of_urn(uri: str, scheme: _Scheme, name: str, rest: str) -> str:
    prefix, _, reference = rest.partition(".")
    tail = ""
    if scheme.tail is not None:
        reference, _, tail = reference.partition(".")
    digits = prefix + reference
    right = len(digits) == scheme.digits and _DIGITS.fullmatch(reference)
    if not _PREFIX.fullmatch(prefix) or not (right if scheme.digits else reference):
        wanted = f": {scheme.digits} digits of prefix and reference are expected"
        raise ValueError(f"{uri[:80]!r} is no {name} URN" + wanted * bool(scheme.digits))
    if scheme.tail is not None and not tail:
        raise ValueError(f"{uri[:80]!r} is no {name} URN: nothing follows the reference")
    if scheme.turned:
        digits = reference[0] + prefix + reference[1:]
    value = scheme.filler + digits
    if scheme.digits:
        value += check_digit(value)
    if name == "itip":  # piece and total stand before the serial number
        piece, _, tail = tail.partition(".")
        total, _, tail = tail.partition(".")
        value += piece + total
    finest = "" if tail == "*" or (name, tail) == ("sgln", "0") else tail.translate(_ESCAPED)
    joint = f"/{scheme.tail}/" if scheme.tail else ""
    return f"{HOME}/{scheme.ai}/{value.translate(_ESCAPED)}" + (finest and joint + finest)


def _of_link(uri: str, origin: str, steps: Sequence[str]) -> str | None:
    for at in range(len(steps) - 2, -1, -1):
        ai = _SHORT.get(steps[at], steps[at])
        key, rest = _KEYS.get(ai), [_SHORT.get(step, step) for step in steps[at + 2 :: 2]]
        if key and key.value.fullmatch(steps[at + 1]) and _QUALIFIERS.issuperset(rest):
            return _canonical_link(uri, ai, key, steps[at + 1 :])
    if origin == HOME and _SHORT.get(steps[0], steps[0]) in _KEYS:
        raise ValueError(f"{uri[:80]!r} is no GS1 Digital Link")
    return None


def _canonical_link(uri: str, ai: str, key: _Key, steps: Sequence[str]) -> str:
    value = steps[0].zfill(14) if ai == "01" else steps[0]
    if key.checked and value[key.checked - 1] != check_digit(value[: key.checked - 1]):
        raise ValueError(f"{uri[:80]!r} has a wrong check digit")
    named = dict(zip((_SHORT.get(step, step) for step in steps[1::2]), steps[2::2], strict=False))
    finest = next((finer for finer in key.finer if named.get(finer)), None)
    return f"{HOME}/{ai}/{value}" + (f"/{finest}/{named[finest]}" if finest else "")
