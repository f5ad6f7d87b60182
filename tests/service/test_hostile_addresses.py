"""Addresses, questions, methods and headers that nobody sends who means well, on every route."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from services.tracking.shown import Filter
from shared.documents import HTML
from tests.service.asking import CALLS, LEADING, NAME, Asked, Call, none, on_sqlite

Furnished = Callable[[str], Asked]
LONGEST_PROBLEM = 4_000
# OPTIONS tells of an address, whatever it names.
NAMED = [call for call in CALLS if "{" in call.route.path and call.route.method != "OPTIONS"]
READING = [call for call in CALLS if call.route.method == "GET"]
every_call = pytest.mark.parametrize("call", CALLS, ids=str)

STRANGE = [
    "%00",
    "a%00b",
    "%ff%fe",
    "%ed%a0%80",
    "%c0%ae%c0%ae",
    "%0d%0aSet-Cookie:%20a=b",
    "%252e%252e",
    "%25s%7b0%7d",
    "%20",
    "%09",
    "%7f%c2%85",
    "%e2%80%ae",
    "'%20OR%20'1'='1",
    "%3cscript%3e",
    "%f0%9f%92%a9",
    "%d9%a7" * 8,
    "-1",
    "1e9",
    "NaN",
    "null",
    "9" * 5_000,
    "x" * 10_000,
]
MOMENTS = [
    "2020-09-01",
    "2020-09-01T08:00:00",
    "0001-01-01T00:00:00%2B23:59",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01",
    "9999-12-31",
    "2020-09-01T08:00:00%2B02:00%20x",
    "2020-02-30",
    "20200901",
    "2020-W36-2",
]
PAGED = ("page", "lent", "state", "waiting", "late", "wrong")
PAGES_READ = (*PAGED, *Filter.__struct_fields__, "after", "q", "lang", "kind", "answer", "sort")


def odd(call: Call, answer: httpx.Response) -> str:
    """What is wrong with an answer to something strange; "" when nothing is."""
    status, kind = answer.status_code, answer.headers.get("content-type", "").partition(";")[0]
    to_the_key = answer.headers.get("location", "").startswith("/key")
    leading = to_the_key or call.route.path in LEADING
    astray = answer.is_redirect and call.kind == "" and not leading
    if status >= httpx.codes.INTERNAL_SERVER_ERROR or astray:
        return f"{status} {answer.text[:300]}"
    if status < httpx.codes.BAD_REQUEST:
        return ""
    if kind == HTML and not call.route.path.startswith("/api/"):
        return ""
    if kind != "application/problem+json":
        return f"{status} as {kind}"
    if len(answer.content) > LONGEST_PROBLEM or not answer.json()["code"]:
        return f"{len(answer.content)} bytes: {answer.text[:100]}"
    return ""


@pytest.mark.parametrize("call", NAMED, ids=str)
def test_whatever_an_address_names_is_there_or_not_and_meets_no_bug(
    call: Call, settled: Furnished
) -> None:
    service = settled(call.service)
    before = service.running.counts()
    signed: dict[str, Any] = (
        {"headers": service.running.cookie("region")} if call.kind.endswith("encoded") else {}
    )
    troubles = {}
    for name in call.names:
        for strange in STRANGE:
            address = service.address(call, **{name: strange})
            answer = service.ask(call, address=address, **signed)
            said = odd(call, answer)
            if said or answer.status_code < httpx.codes.BAD_REQUEST:
                troubles[name, strange[:30]] = said or f"{answer.status_code} {answer.text[:100]}"
    none(troubles)
    assert service.running.counts() == before


def questions(call: Call) -> Iterator[str]:
    """Query strings: what a route reads with each strange value, and names that it never had."""
    page = call.route.media in (HTML, "text/csv") and "/api/" not in call.route.path
    for strange in (*STRANGE, *MOMENTS):
        yield from (f"{name}={strange}" for name in call.route.query)
        if page:
            yield "&".join(f"{name}={strange[:300]}" for name in PAGES_READ)
            yield "&".join(f"{name}={strange[:300]}" for name in PAGES_READ[-6:])
        if page and call.route.path.startswith("/laptops") and not call.names:
            yield from (f"{name}={strange}" for name in Filter.__struct_fields__)
            yield f"reached=received&day={strange}"
    yield "&".join(f"{strange[:300]}={strange[:300]}" for strange in STRANGE)
    yield "&".join(f"n{number}={number}" for number in range(1_000))
    yield "&;=&=;?"


@pytest.mark.parametrize("call", READING, ids=str)
def test_whatever_is_asked_is_answered_or_refused_and_meets_no_bug(
    call: Call, settled: Furnished
) -> None:
    service = settled(call.service)
    troubles = {}
    for question in questions(call):
        answer = service.ask(call, address=f"{service.address(call)}?{question}")
        if said := odd(call, answer):
            troubles[question[:60]] = said
    none(troubles)


HEADERS = {
    "Authorization": ["Bearer", "Bearer \xff\xfe", "Basic eDp4", "Bearer a b", "x" * 8_000],
    "idempotency-key": ['"', "\xff", "x" * 201, "a\tb", "a\xa0b", "'; DROP TABLE job"],
    "traceparent": ["00-0-0-0", "x" * 4_000, "\xff", "00-" + "g" * 32 + "-" + "0" * 16 + "-00"],
    "content-type": ["\xff", "a/b;" * 500, ";", "application/json; charset=\xff"],
    "content-encoding": ["gzip, gzip, gzip", "\xff", "br"],
}
UNREAD = {
    "accept": "text/html;q=abc, */*;q=1e999, \xff",
    "accept-language": "x" * 4_000,
    "range": "bytes=0-0,1-1,2-2",
    "if-none-match": "*",
    "if-modified-since": "yesterday",
    "cookie": ";;;===" * 100,
    "x-forwarded-for": "' OR 1=1",
    "expect": "a miracle",
    "referer": "javascript:alert(1)",
} | {f"x-{number}": "y" for number in range(200)}


@on_sqlite
@every_call
def test_whatever_a_header_says_a_call_is_answered_or_refused_and_meets_no_bug(
    call: Call, settled: Furnished
) -> None:
    service = settled(call.service)
    troubles = {}
    for strange in ({name: one} for name, values in HEADERS.items() for one in values):
        sent = service.content(call)
        told = UNREAD if "traceparent" in strange else {}
        headers = {name: value.encode("latin-1") for name, value in (told | strange).items()}
        answer = service.ask(call, **sent | {"headers": sent.get("headers", {}) | headers})
        if said := odd(call, answer):
            troubles[str(strange)[:60]] = said
    none(troubles)


@on_sqlite
@every_call
def test_a_method_that_an_address_has_not_is_refused_and_those_it_has_are_told(
    call: Call, settled: Furnished
) -> None:
    service = settled(call.service)
    address = service.address(call)
    here = (one.route for one in CALLS if one.service == call.service)
    has = {route.method for route in here if re.fullmatch(NAME.sub("[^/]+", route.path), address)}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} - has:
        answer = service.running.ask("ops", method, address)
        assert answer.status_code == httpx.codes.METHOD_NOT_ALLOWED
        assert answer.json()["code"] == "no-such-method"
        assert set(answer.headers["allow"].split(", ")) - {"HEAD"} <= has


@on_sqlite
@pytest.mark.parametrize("call", READING, ids=str)
def test_a_head_is_what_a_get_is_without_its_body(call: Call, settled: Furnished) -> None:
    service = settled(call.service)
    got = service.ask(call)
    answer = service.running.ask(call.party, "HEAD", service.address(call))
    assert (answer.status_code, answer.content) == (got.status_code, b"")
    assert answer.headers.get("content-type") == got.headers.get("content-type")


@on_sqlite
@every_call
def test_an_address_with_a_slash_too_many_leads_nowhere_and_least_of_all_to_another_host(
    call: Call, settled: Furnished
) -> None:
    service = settled(call.service)
    if call.route.path == "/" or call.route.path.endswith(":path}"):
        return  # there a slash is one, or part of a name
    address, headers = f"{service.address(call)}/", {"host": "evil.test"}
    answer = service.running.ask("ops", call.route.method, address, headers=headers)
    assert answer.status_code in (404, 405), answer.headers
