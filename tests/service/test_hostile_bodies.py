"""Bodies that are not as they should be, sent to every route that takes one: each is refused where
it is wrong, nothing of it is stored, and none meets a bug.
"""

import json
import re
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.serving import BODY_LIMIT
from tests.builders import DAY
from tests.service.asking import OURS, TAKING_JSON, Asked, Call, none, places, written

JSON = {"content-type": "application/json"}
LONGEST_ANSWER = 4_000
DEEP = 50_000
DIGITS = "9" * 5_000
TOLD = httpx.codes.OK  # with a verdict for each item

Furnished = Callable[[str], Asked]
every_json = pytest.mark.parametrize("call", TAKING_JSON, ids=str)
every_one_of_ours = pytest.mark.parametrize("call", OURS, ids=str)


def sent(asked: Asked, call: Call, content: Any, **headers: str) -> httpx.Response:
    return asked.ask(call, content=content, headers=JSON | headers)


def trouble(answer: httpx.Response, *statuses: int) -> str:
    """What is wrong with an answer that should be a problem; "" when nothing is."""
    if answer.status_code not in statuses:
        return f"{answer.status_code} {answer.text[:200]}"
    if answer.headers["content-type"] != "application/problem+json":
        return f"it is told as {answer.headers['content-type']}"
    told = answer.json()
    if told["status"] != answer.status_code or not told["code"] or not told["detail"]:
        return f"it tells {told}"
    return "" if len(answer.content) <= LONGEST_ANSWER else f"{len(answer.content)} bytes"


# -- as a whole


def spoilt(call: Call) -> Iterator[tuple[str, bytes, dict[str, str], int]]:
    """A name, a body, headers, and the status with which it is refused."""
    good = written(call.example)
    inside = good[1:]
    yield "nothing", b"", {}, 400
    yield "half of it", good[: len(good) // 2].encode(), {}, 400
    yield "two of it", (good + good).encode(), {}, 400
    yield "bytes", bytes(range(256)), {}, 400
    yield "a form", b"id=1&type=arrived", {}, 400
    yield "a byte order mark", b"\xef\xbb\xbf" + good.encode(), {}, 400
    yield "UTF-16", good.encode("utf-16"), {}, 400
    yield "broken UTF-8", f'{{"x":"é",{inside}'.encode("latin-1"), {}, 400
    yield "surrogates as UTF-8", b'{"x":"\xed\xa0\x80",' + inside.encode(), {}, 400
    yield "half a surrogate pair", (r'{"x":"\ud800",' + inside).encode(), {}, 400
    yield "a null character", (r'{"x":"\u0000",' + inside).encode(), {}, 400
    yield "a null byte", ('{"x":"\x00",' + inside).encode(), {}, 400
    yield "a bomb of brackets", b"[" * DEEP + b"]" * DEEP, {}, 400
    yield "a bomb of braces", b'{"a":' * DEEP + b"1" + b"}" * DEEP, {}, 400
    yield "nested in it", f'{{"x":{"[" * 30}{"]" * 30},{inside}'.encode(), {}, 400
    for number in ("NaN", "Infinity", "-Infinity", "1e999", DIGITS, f"-{DIGITS}", f"0.{DIGITS}e9"):
        if number.startswith("0.") and call.route.path == "/epcis/capture":
            continue  # a document may hold what the standard does not name
        status = call.wrong if number.startswith("0.") else 400
        yield number[:9], f'{{"x":{number},{inside}'.encode(), {}, status
    for name in call.example:
        twice = f"{{{json.dumps(name)}:1,{inside}".encode()
        yield f"{name} twice", twice, {}, 400
    for name, value in (("a list", "[]"), ("a text", '"x"'), ("a number", "1"), ("null", "null")):
        yield name, value.encode(), {}, call.wrong
    yield "too large", b" " * BODY_LIMIT + good.encode(), {}, 413
    yield "compressed", zlib.compress(good.encode()), {"content-encoding": "deflate"}, 415
    yield "compressed by name", good.encode(), {"content-encoding": "gzip"}, 415
    for kind in ("text/csv", "text/plain", "application/xml", "application/json-seq", "", "json"):
        yield f"as {kind or 'nothing'}", good.encode(), {"content-type": kind}, 415


@every_json
def test_what_cannot_be_read_as_a_whole_is_refused_and_nothing_is_stored(
    call: Call, asked: Furnished
) -> None:
    service = asked(call.service)
    before = service.running.counts()
    troubles = {
        name: said
        for name, body, headers, status in spoilt(call)
        if (said := trouble(sent(service, call, body, **headers), status))
    }
    none(troubles)
    assert service.running.counts() == before


@every_json
def test_a_body_beyond_the_limit_is_refused_though_it_does_not_tell_its_length(
    call: Call, asked: Furnished
) -> None:
    service = asked(call.service)

    def pieces() -> Iterator[bytes]:
        yield written(call.example).encode()
        for _ in range(BODY_LIMIT // 4_096):
            yield b" " * 4_096

    assert not trouble(sent(service, call, pieces()), 413)


@every_json
def test_a_body_in_pieces_of_one_byte_is_read_as_one(call: Call, asked: Furnished) -> None:
    service, whole = asked(call.service), written(call.example).encode()
    in_pieces = sent(service, call, (whole[n : n + 1] for n in range(len(whole))))
    assert in_pieces.is_success, in_pieces.text


# -- place by place


def told_of(call: Call, answer: httpx.Response, pointer: str) -> str:
    """What is wrong with an answer that should refuse one place; "" when nothing is. Inside an item
    of several that is a verdict for the item, elsewhere a problem.
    """
    item = re.match(f"/({call.in_a_batch or 'laptops'})/0", pointer)
    if answer.status_code != TOLD or item is None:
        if said := trouble(answer, 422):
            return said
        named = [one["field"] for one in answer.json()["errors"]]
        return "" if pointer in named else f"{named} is named"
    (row,) = answer.json()["verdicts"]
    inside = pointer.removeprefix(item[0])
    if row["verdict"] != "refused" or not row["code"]:
        return f"it is told {row}"
    if inside.startswith("/laptops/") and "laptops" in row:
        return "" if row["laptops"][0]["verdict"] == "refused" else f"it is told {row}"
    return "" if inside in row.get("detail", "") else f"it is told {row}"


def of_wrong_type(value: Any) -> list[str]:
    """Texts of JSON values that are of another type than a value."""
    others = {str: '"x"', int: "5", bool: "true", list: "[]", dict: "{}", float: "1.5"}
    return [raw for kind, raw in others.items() if type(value) is not kind]


def alone(call: Call, pointer: str) -> Any:
    """The example of a call; where a laptop in a list is spoilt, without the shipment, for which
    its event would stand all the same.
    """
    value = call.example
    if call.in_a_batch and "/laptops/" in pointer:
        del value[call.in_a_batch][0]["shipment"]
    return value


@every_one_of_ours
def test_a_value_of_the_wrong_type_is_named_by_its_place_and_nothing_is_stored(
    call: Call, asked: Furnished
) -> None:
    service = asked(call.service)
    before = service.running.counts()
    troubles = {}
    for pointer, value in places(call.example):
        for raw in of_wrong_type(value):
            answer = sent(service, call, written(alone(call, pointer), pointer, raw))
            if said := told_of(call, answer, pointer):
                troubles[pointer, raw] = said
    none(troubles)
    assert service.running.counts() == before


@every_one_of_ours
def test_a_field_that_nobody_knows_is_named_at_every_depth(call: Call, asked: Furnished) -> None:
    service = asked(call.service)
    before = service.running.counts()
    troubles = {}
    for pointer, value in places(call.example):
        if isinstance(value, dict):
            raw = written(value | {"extra": 1})
            answer = sent(service, call, written(alone(call, pointer), pointer, raw))
            if said := told_of(call, answer, f"{pointer}/extra"):
                troubles[pointer] = said
    none(troubles)
    assert service.running.counts() == before


@every_json
def test_a_name_that_stands_twice_is_refused_at_every_depth(call: Call, asked: Furnished) -> None:
    service = asked(call.service)
    for pointer, value in places(call.example):
        for name, one in value.items() if isinstance(value, dict) else ():
            raw = f"{written(value)[:-1]},{json.dumps(name)}:{json.dumps(one)}}}"
            answer = sent(service, call, written(call.example, pointer, raw))
            assert not trouble(answer, 400), pointer
            assert answer.json()["code"] == "duplicate-key"


MOMENTS = [
    (pointer, call)
    for call in OURS
    for pointer, value in places(call.example)
    if value == DAY.isoformat()
]
every_moment = pytest.mark.parametrize(("pointer", "call"), MOMENTS, ids=str)


@every_moment
def test_a_time_that_is_none_or_naive_or_ahead_is_refused_where_it_stands(
    pointer: str, call: Call, asked: Furnished
) -> None:
    service = asked(call.service)
    before = service.running.counts()
    troubles = {}
    for moment in (
        "2020-09-01T08:00:00",
        "2020-09-01",
        "08:00:00Z",
        "yesterday",
        "",
        "2020-02-30T08:00:00Z",
        "2020-09-01T08:00:60+02:00",
        "2020-09-01T08:00:00+99:00",
        "2020-09-01T08:00:00 Europe/Paris",
        "٢٠٢٠-٠٩-٠١T08:00:00Z",
        "2999-09-01T08:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "10000-01-01T00:00:00Z",
        "-0044-03-15T12:00:00Z",
        "1" * 5_000,
    ):
        answer = sent(service, call, written(call.example, pointer, json.dumps(moment)))
        if said := told_of(call, answer, pointer):
            troubles[moment[:40]] = said
    none(troubles)
    assert service.running.counts() == before


@every_moment
def test_a_time_long_ago_is_a_time(pointer: str, call: Call, asked: Furnished) -> None:
    for moment in ("0001-01-01T00:00:00Z", "1582-10-10T12:00:00-12:00", "1970-01-01T00:00:00.5Z"):
        body = written(call.example, pointer, json.dumps(moment))
        answer = sent(asked(call.service), call, body)
        assert answer.status_code == httpx.codes.OK, answer.text
        assert "refused" not in answer.text


STRANGE = [
    "",
    " ",
    "\t\r\n",
    "\x01\x7f\x85",
    "é" * 200,
    "\N{PILE OF POO}" * 70,
    "\N{RIGHT-TO-LEFT OVERRIDE}txt.exe",
    "e\N{COMBINING ACUTE ACCENT}" * 500,
    "\N{LATIN SMALL LETTER DOTLESS I}\N{KELVIN SIGN}\N{LATIN SMALL LETTER LONG S}",
    "\N{ARABIC-INDIC DIGIT SEVEN}" * 18,
    "../../etc/passwd",
    "'; DROP TABLE ledger; --",
    "%00%ff{0}%s",
    "\\x00\\u0000",
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "a/b/c",
    "a:b:c",
    "null",
    "x" * 20_000,
    "\N{NOT SIGN}" * 40_000,
]


@every_one_of_ours
def test_strange_texts_are_kept_as_texts_or_refused_and_never_meet_a_bug(
    call: Call, asked: Furnished
) -> None:
    service = asked(call.service)
    stored = "SELECT DISTINCT coalesce(cause, id) FROM ledger"
    ledger = "ledger" in service.running.counts()
    before = {row[0] for row in service.running.rows(stored)} if ledger else set()
    troubles, taken, number = {}, set[str](), 0
    for pointer, value in places(call.example):
        for text in STRANGE if isinstance(value, str) else ():
            number += 1
            body, id = named(alone(call, pointer), pointer, text, f"id {number}")
            raw = written(body, pointer, json.dumps(text))
            answer = sent(service, call, raw, **{"idempotency-key": f"id {number}"})
            if answer.status_code not in (200, 201, 202, 404, 409, 422):
                troubles[pointer, text[:20]] = f"{answer.status_code} {answer.text[:200]}"
            elif len(answer.content) > LONGEST_ANSWER:
                troubles[pointer, text[:20]] = f"{len(answer.content)} bytes"
            if answer.status_code < httpx.codes.BAD_REQUEST and '"refused"' not in answer.text:
                taken |= {id, f"id {number}"}
    none(troubles)
    if ledger:
        assert {row[0] for row in service.running.rows(stored)} - before <= taken


def named(body: Any, pointer: str, text: str, id: str) -> tuple[Any, str]:
    """A body whose first id is another, unless that is the place where a text stands."""
    for at, value in places(body):
        if isinstance(value, dict) and "id" in value and "laptop" not in at:
            if f"{at}/id" == pointer:
                return body, text
            value["id"] = id
    return body, id


# -- in a batch


@pytest.mark.parametrize("call", [call for call in OURS if call.in_a_batch], ids=str)
def test_in_a_batch_what_is_wrong_holds_nothing_else_back(call: Call, asked: Furnished) -> None:
    service = asked(call.service)
    item = call.example[call.in_a_batch][0]
    stored = "SELECT id FROM ledger WHERE cause IS NULL"
    before = {row[0] for row in service.running.rows(stored)}
    wrong = ["5", '"x"', "null", "[]", "{}", "[{}]"]
    wrong += [written(item | {"extra": 1}), written(item | {"detail": "x" * 40_000})]
    wrong += [written(item, "/id", id) for id in ("5", "null", '""', '"\\t"', f'"{"x" * 201}"')]
    good = [json.loads(written(item | {"id": f"good {n}"})) for n in range(len(wrong) + 1)]
    for n, one in enumerate(good):
        for pointer, value in places(one):
            if isinstance(value, dict) and pointer.endswith(("/laptops/0", "/laptop")):
                value["serial"] = f"5CD{n:04d}"
        if "case" in one:  # the same act at the same moment would be the same act
            one["happened_at"] = (DAY + timedelta(minutes=n)).isoformat()
    items = [text for pair in zip(map(written, good), [*wrong, "1"], strict=True) for text in pair]
    answer = sent(service, call, f'{{"{call.in_a_batch}":[{",".join(items)}]}}')
    told = answer.json()["verdicts"]
    assert [one["id"] for one in told[::2]] == [one["id"] for one in good]
    assert {one["verdict"] for one in told[::2]} <= {"applied", "waiting"}
    assert {one["verdict"] for one in told[1::2]} == {"refused"}
    kept = {row[0] for row in service.running.rows(stored)}
    assert kept - before == {one["id"] for one in good}
