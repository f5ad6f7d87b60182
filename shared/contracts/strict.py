"""JSON as we let it in: one reading that refuses what others read differently. Pure.

Refused: duplicate keys (readers differ on which counts), NaN and
infinities, more than DEPTH levels, broken UTF-8, lone surrogates, the
null character (PostgreSQL stores none), whole numbers beyond 64 bits,
numbers that only an infinity could hold.
"""

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from math import isinf
from typing import Any, NoReturn, TypeVar

import msgspec
from msgspec import Struct

DEPTH = 20
AHEAD = timedelta(minutes=10)
_PATH = re.compile(r"^(.*?)(?: - at `\$?(.*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")

T = TypeVar("T")


class Unreadable(Exception):
    """What came cannot be understood. `code`: not-json, too-deep,
    duplicate-key, invalid; `field`: a JSON pointer or "".
    """

    def __init__(self, code: str, detail: str, field: str = "") -> None:
        super().__init__(detail)
        self.code, self.detail, self.field = code, detail, field


def past(moment: datetime, now: datetime, field: str) -> datetime:
    """When something happened, in UTC so that one moment is one however written: at most ten
    minutes ahead of us, with no lower bound. Raises Unreadable.
    """
    if moment.tzinfo is None:
        asked = "say the offset from UTC, as in 2020-09-01T08:12:00+02:00"
        raise Unreadable("naive-time", asked, field)
    try:
        if moment > now + AHEAD:
            here = f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
            ahead = f"it is more than ten minutes ahead of us: here it is {here}"
            raise Unreadable("in-the-future", ahead, field)
        return moment.astimezone(UTC)
    except OverflowError:
        raise Unreadable("invalid", "out of the calendar", field) from None


def parse(raw: bytes) -> Any:
    """Plain Python values of a JSON text. Raises Unreadable."""
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_distinct,
            parse_constant=_no_constant,
            parse_int=_whole,
            parse_float=_finite,
        )
    except UnicodeDecodeError as problem:
        raise Unreadable("not-json", f"not UTF-8 at byte {problem.start}") from None
    except RecursionError:
        raise Unreadable("too-deep", f"nested more than {DEPTH} levels deep") from None
    except ValueError as problem:
        raise Unreadable("not-json", f"not JSON: {problem}") from None
    _check(value, 0)
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        # Counted in one pass: a body may hold a hundred thousand names.
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise Unreadable("duplicate-key", f"the name {twice[:60]!r} stands twice in one object")
    return read


def _no_constant(word: str) -> NoReturn:
    raise Unreadable("not-json", f"{word} is not JSON")


def _whole(digits: str) -> int:
    if len(digits) > 19:
        raise Unreadable("not-json", "a whole number is larger than 64 bits")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if isinf(number):
        raise Unreadable("not-json", "a number is too large")
    return number


def _check(value: Any, depth: int) -> None:
    if depth > DEPTH:
        raise Unreadable("too-deep", f"nested more than {DEPTH} levels deep")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check_text(name)
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise Unreadable("not-json", "a text holds the null character")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Unreadable("not-json", "a text holds half a surrogate pair") from None


def convert(value: Any, type: type[T]) -> T:
    """A parsed value as a struct. Raises Unreadable
    with code `invalid` and the field's JSON pointer.
    """
    try:
        return msgspec.convert(value, type=type)
    except msgspec.ValidationError as problem:
        detail, field = located(str(problem))
        raise Unreadable("invalid", detail, field) from None


def located(message: str) -> tuple[str, str]:
    """msgspec's message in two: what is wrong, in words that say
    what to do, and the field as a JSON pointer.
    """
    match = _PATH.match(message)
    detail, path = (match[1], match[2] or "") if match else (message, "")
    steps = [name or index for name, index in _STEP.findall(path)]
    unknown = re.search(r"unknown field `([^`]+)`|missing required field `([^`]+)`", detail)
    if unknown:
        steps.append(unknown[1] or unknown[2])
        detail = "no such field is known" if unknown[1] else "it is missing"
    elif detail == "Invalid RFC3339 encoded datetime":
        detail = "a moment with its offset is expected, as 2020-09-01T08:12:00+02:00"
    return detail, "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


class Field(Struct, frozen=True):
    """One thing wrong with one field, as problem+json carries it."""

    field: str
    code: str
    detail: str
