"""JSON as we let it in: nothing that two readers could read in two ways."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec import Struct

from shared.contracts import strict
from shared.contracts.strict import DEPTH, Unreadable, convert, located, parse

TEXTS = some.text(some.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
PLAIN = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: some.lists(inner) | some.dictionaries(TEXTS, inner),
    max_leaves=20,
)


def refused(raw: bytes) -> str:
    with pytest.raises(Unreadable) as refusal:
        parse(raw)
    return refusal.value.code


@given(PLAIN)
def test_what_any_reader_reads_alike_is_read_as_it_is(value: object) -> None:
    assert parse(json.dumps(value).encode()) == value
    assert parse(json.dumps(value, ensure_ascii=False).encode()) == value


@given(some.binary(max_size=200))
def test_any_bytes_are_read_or_refused_with_a_code(raw: bytes) -> None:
    try:
        parse(raw)
    except Unreadable as found:
        refusal = found
    else:
        return
    assert refusal.code in {"not-json", "too-deep", "duplicate-key"}
    assert str(refusal)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"nul",
        b"[1,]",
        b"{'a': 1}",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
        b'"\xc3("',
        b'"\xed\xa0\x80"',
        b"NaN",
        b"[-Infinity]",
        b'{"a": Infinity}',
        b'"\\ud800"',
        b'{"\\udfff": 1}',
        b'["\\ud83d\\u0041"]',
        b'"\\u0000"',
        b'{"a\\u0000": 1}',
        b'"\x00"',
        b"1" * 20,
        b"[" + b"9" * 5_000 + b"]",
    ],
    ids=lambda raw: ascii(raw[:20]),
)
def test_what_readers_read_differently_is_not_json_here(raw: bytes) -> None:
    assert refused(raw) == "not-json"


@pytest.mark.parametrize(
    "raw",
    [b'{"a": 1, "a": 1}', b'{"a": 1, "\\u0061": 2}', b'[{"b": {"a": [], "c": 0, "a": {}}}]'],
)
def test_a_name_that_stands_twice_in_an_object_is_refused(raw: bytes) -> None:
    assert refused(raw) == "duplicate-key"


def test_a_name_that_stands_twice_is_found_among_as_many_as_a_body_holds() -> None:
    names = [f"{number:x}" for number in range(110_000)]
    raw = "{" + ",".join(f'"{name}":0' for name in [*names, names[-1]]) + "}"
    with pytest.raises(Unreadable, match=f"'{names[-1]}' stands twice"):
        parse(raw.encode())


def test_twenty_levels_are_read_and_twenty_one_are_not() -> None:
    def nested(levels: int) -> bytes:
        return b"[" * levels + b"]" * levels

    assert parse(nested(DEPTH + 1)) is not None
    assert refused(nested(DEPTH + 2)) == "too-deep"
    assert refused(b'{"a":' * 30 + b"1" + b"}" * 30) == "too-deep"


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_a_bomb_of_brackets_is_refused_and_not_followed(opening: bytes) -> None:
    assert refused(opening * (500_000 // len(opening))) in {"too-deep", "not-json"}


def test_numbers_of_64_bits_are_read() -> None:
    assert parse(b"[9223372036854775807, 0.1, -1, 1e2]") == [2**63 - 1, 0.1, -1, 100.0]


def test_a_number_too_large_for_a_float_is_refused() -> None:
    assert refused(b"1e999") == "not-json"
    assert refused(b'{"a": [-1e999]}') == "not-json"
    assert math.isfinite(parse(b"1e308"))


# -- into structs


class Inner(Struct, forbid_unknown_fields=True):
    """A laptop, say."""

    serial: str


class Outer(Struct, forbid_unknown_fields=True):
    """An event, say."""

    id: str
    laptops: list[Inner] = []


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({}, "/id"),
        ({"id": 1}, "/id"),
        ({"id": "a", "colour": 1}, "/colour"),
        ({"id": "a", "laptops": [{"serial": "a"}, {"serial": None}]}, "/laptops/1/serial"),
        ({"id": "a", "laptops": [{"serial": "a", "~/": 1}]}, "/laptops/0/~0~1"),
        ([], ""),
        (None, ""),
    ],
)
def test_what_does_not_fit_is_named_by_its_pointer(value: object, field: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        convert(value, Outer)
    assert (refusal.value.code, refusal.value.field) == ("invalid", field)


def test_what_fits_becomes_a_struct() -> None:
    made = convert({"id": "a", "laptops": [{"serial": "b"}]}, Outer)
    assert made == Outer("a", [Inner("b")])


@given(some.text())
def test_any_message_has_a_place_or_none(message: str) -> None:
    detail, field = located(message)
    assert isinstance(detail, str)
    assert field == "" or field.startswith("/")


def test_nothing_but_its_own_trouble_comes_out_of_reading() -> None:
    for raw in (b"[" * 10**6, b'"' + b"\\" * 10**6, b"-" * 10**6, b"\xf0" * 1000):
        with pytest.raises(strict.Unreadable):
            parse(raw)
