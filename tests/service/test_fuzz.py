"""Random bodies, addresses and questions: whatever comes is answered, and nothing meets a bug.

Short, with a fixed seed; `make fuzz` goes on for longer, by chance.
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.forms import examples
from tests.service.asking import (
    CALLS,
    TAKING_JSON,
    Asked,
    Call,
    on_sqlite,
    places,
    written,
)

pytestmark = pytest.mark.fuzz

Furnished = Callable[[str], Asked]
READING = [call for call in CALLS if call.route.method == "GET"]

TEXTS = some.text(max_size=60) | some.sampled_from(["5CD0001", "HP", "2020-09-01T08:00:00Z", "1"])
VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | TEXTS | some.datetimes(),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
EDITS = some.tuples(some.integers(0, 10_000), some.integers(0, 8), some.binary(max_size=8))


def met_no_bug(answer: httpx.Response) -> None:
    assert answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR, answer.text
    if answer.status_code >= httpx.codes.BAD_REQUEST and "json" in answer.headers["content-type"]:
        assert answer.json()["status"] == answer.status_code
        assert answer.json()["code"]


@pytest.mark.parametrize("call", TAKING_JSON, ids=str)
@examples(40)
@given(chance=some.data(), value=VALUES)
def test_any_value_at_any_place_is_answered(
    call: Call, settled: Furnished, chance: Any, value: Any
) -> None:
    pointer, _ = chance.draw(some.sampled_from(list(places(call.example))))
    body = written(call.example, pointer, json.dumps(value, default=str))
    headers = {"content-type": "application/json"}
    met_no_bug(settled(call.service).ask(call, content=body, headers=headers))


@pytest.mark.parametrize("call", TAKING_JSON, ids=str)
@examples(40)
@given(edits=some.lists(EDITS, min_size=1, max_size=5))
def test_a_body_with_any_bytes_in_it_is_answered(
    call: Call, settled: Furnished, edits: list[tuple[int, int, bytes]]
) -> None:
    body = bytearray(written(call.example).encode())
    for place, length, fresh in edits:
        start = place % (len(body) + 1)
        body[start : start + length] = fresh
    headers = {"content-type": "application/json"}
    met_no_bug(settled(call.service).ask(call, content=bytes(body), headers=headers))


@on_sqlite
@pytest.mark.parametrize("call", READING, ids=str)
@examples(15)
@given(asked=some.dictionaries(TEXTS, TEXTS, max_size=6), named=TEXTS)
def test_any_question_at_any_address_is_answered(
    call: Call, settled: Furnished, asked: dict[str, str], named: str
) -> None:
    service = settled(call.service)
    known = dict(zip(call.route.query, asked.values(), strict=False))
    question = httpx.QueryParams(asked | known)
    address = service.address(call, **{name: in_an_address(named) for name in call.names})
    met_no_bug(service.ask(call, address=f"{address}?{question}"))


def in_an_address(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="") or "-"
