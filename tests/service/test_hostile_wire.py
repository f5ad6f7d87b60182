"""What comes over the wire and is no request, never ends, or ends too early: the service holds
little of it, counts no bug, and serves the next who asks.
"""

import gzip
import re
import socket
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import pytest

from shared import upkeep
from shared.documents import JSON
from shared.process import HEAD_LIMIT
from shared.serving import FILE_LIMIT
from tests.builders import PUPILS_CSV, SCHOOLS_CSV, Running, wait_until
from tests.service.asking import CALLS, SIGNED, WORDED, Asked, Call, none, on_sqlite

Furnished = Callable[[str], Asked]
MOST_HELD = 6 << 20  # bytes of what somebody sends that a service may hold at once
TAKING = [call for call in CALLS if call.kind]
TAKING_FILES = [call for call in CALLS if call.kind == "text/csv"]
FORMS = [call for call in CALLS if call.kind.endswith("urlencoded")]
FORM = {"content-type": "application/x-www-form-urlencoded"}


@contextmanager
def wire(running: Running) -> Iterator[socket.socket]:
    """A connection to a service, without a client that minds what it sends."""
    host, port = running.client.base_url.host, running.client.base_url.port
    with socket.create_connection((host, port or 80), timeout=20) as connection:
        yield connection


def said_to(running: Running, *pieces: bytes) -> bytes:
    """What a service answers to bytes, until it closes; nothing more is sent after a reset."""
    with wire(running) as connection:
        told = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65_536):
                told += piece
        except ConnectionError:
            pass
        return told


def counted(running: Running, *said: str) -> float:
    """How many requests with these labels were answered, as Prometheus sees it."""
    lines = running.ask("", "GET", "/metrics").text.splitlines()
    those = [line for line in lines if "request_seconds_count{" in line]
    return sum(float(line.split()[-1]) for line in those if all(one in line for one in said))


def bugs(running: Running) -> float:
    return counted(running, 'status="500"')


NO_REQUESTS = {
    "bytes": bytes(range(256)) * 4,
    "a greeting of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xaa" * 500,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "no host": b"GET /health/live HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /health/live HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
    "a null in a header": b"GET /health/live HTTP/1.1\r\nhost: a\r\nx: \x00\r\n\r\n",
    "a folded header": b"GET /health/live HTTP/1.1\r\nhost: a\r\nx: 1\r\n y\r\nz\r\n\r\n",
    "an address that is no ASCII": b"GET /\xff\xfe HTTP/1.1\r\nhost: a\r\n\r\n",
    "a length that is none": b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n",
    "a length below nought": b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
    "a length of 5,000 digits": b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: %b\r\n\r\n"
    % (b"9" * 5_000),
    "two lengths": b"POST / HTTP/1.1\r\nhost: a\r\n"
    + b"content-length: 1\r\ncontent-length: 2\r\n\r\nxx",
    "a coding of none": b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
    "a piece of no size": b"POST /api/orders HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n"
    b"\r\nzz\r\n",
}


@on_sqlite
@pytest.mark.parametrize("name", NO_REQUESTS)
def test_what_is_no_request_is_refused_or_cut_off_and_the_next_is_served(
    name: str, ordering: Running
) -> None:
    before = bugs(ordering)
    told = said_to(ordering, NO_REQUESTS[name])
    assert re.match(rb"(HTTP/1\.1 4\d\d |$)", told), told[:200]
    assert ordering.ask("", "GET", "/health/live").status_code == 200
    assert bugs(ordering) == before


@on_sqlite
@pytest.mark.parametrize(
    "endless",
    [
        b"GET /" + b"x" * HEAD_LIMIT * 8,
        b"GET /health/live?" + b"x" * HEAD_LIMIT * 8,
        b"GET /health/live HTTP/1.1\r\nhost: a\r\nx: " + b"y" * HEAD_LIMIT * 8,
        b"GET /health/live HTTP/1.1\r\nhost: a\r\n" + b"x: y\r\n" * HEAD_LIMIT,
        b"x" * HEAD_LIMIT * 8,
    ],
    ids=["address", "query", "header", "headers", "method"],
)
def test_a_head_that_does_not_end_is_cut_off_long_before_the_memory_does(
    endless: bytes, ordering: Running
) -> None:
    with wire(ordering) as connection:
        try:
            connection.sendall(endless)
            told = connection.recv(65_536)  # it waits for no more
        except ConnectionResetError:
            told = b""
    assert re.match(rb"(HTTP/1\.1 4\d\d |$)", told), told[:200]


def request(call: Call, service: Asked, *more: str) -> bytes:
    """The head of a request of somebody who may make it."""
    auth = [f"{name}: {value}" for name, value in service.running.auth(call.party).items()]
    first = f"{call.route.method} {service.address(call)} HTTP/1.1"
    lines = [first, "host: a", "connection: close", f"content-type: {call.kind or JSON}"]
    return "\r\n".join([*lines, *auth, *more, "", ""]).encode()


def in_chunks(size: int, content: bytes = b" " * 65_536) -> Iterator[bytes]:
    """A body of that size and more, chunked, that does not end."""
    piece = f"{len(content):x}\r\n".encode() + content + b"\r\n"
    for _ in range(size // len(content) + 1):
        yield piece


@contextmanager
def held_at_most(limit: int) -> Iterator[None]:
    """Fail when this process, the service in it, ever held so many bytes more than at first."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < limit, f"{peak - before} bytes were held"


@on_sqlite
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_of_a_body_that_does_not_end_little_is_held(call: Call, settled: Furnished) -> None:
    service = settled(call.service)
    service.ask(call)  # what is made at the first call is held anyway
    head = request(call, service, "transfer-encoding: chunked")
    pieces = list(in_chunks(65_536))
    with held_at_most(MOST_HELD):
        told = said_to(service.running, head, *pieces * (4 * MOST_HELD // 65_536 // len(pieces)))
    assert re.match(rb"(HTTP/1\.1 [234]\d\d |$)", told), told[:200]


@on_sqlite
@pytest.mark.parametrize("call", TAKING, ids=str)
def test_a_length_beyond_the_limit_is_refused_before_a_byte_of_it_is_sent(
    call: Call, settled: Furnished
) -> None:
    service = settled(call.service)
    with wire(service.running) as connection:
        connection.sendall(request(call, service, f"content-length: {FILE_LIMIT + 1}"))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("call", TAKING_FILES, ids=str)
def test_a_file_beyond_the_limit_is_refused_though_it_does_not_tell_its_length(
    call: Call, asked: Furnished, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "FILE_LIMIT", 3 << 20)
    monkeypatch.setattr("services.enrolment.intake.FILE_LIMIT", 3 << 20)
    service = asked(call.service)
    before = service.running.counts()
    headers = {"content-type": call.kind}
    rows = (b"x" * 65_535 + b"\n" for _ in range(4 << 4))
    content = chain([PUPILS_CSV.splitlines()[0].encode() + b"\n"], rows)
    answer = service.ask(call, content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
    assert service.running.counts() == before


@pytest.mark.parametrize("call", TAKING_FILES, ids=str)
def test_of_a_file_that_is_large_little_is_held_while_it_is_stored(
    call: Call, asked: Furnished
) -> None:
    service = asked(call.service)
    row = SCHOOLS_CSV.splitlines()[1].encode().ljust(65_535) + b"\n"
    with held_at_most(2 * MOST_HELD):
        content = (row for _ in range(24 << 4))
        answer = service.ask(call, content=content, headers={"content-type": call.kind})
    if call.service == "enrolment":
        assert (answer.status_code, answer.json()["code"]) == (422, "unfit-file")
        assert service.running.counts()["job"] == 1, "the one that was there before"
        return
    assert answer.status_code == 202
    job = service.running.ended(call.party, answer.headers["location"])
    assert job["state"] == "failed", "a directory's row is no header"
    assert service.running.counts()["job_piece"] == 0


@pytest.mark.parametrize("call", TAKING, ids=str)
def test_who_goes_away_in_the_middle_of_a_body_leaves_nothing_and_is_no_bug_of_ours(
    call: Call, asked: Furnished
) -> None:
    service = asked(call.service)
    running = service.running
    before, met = running.counts(), bugs(running)
    here = (f'route="{call.route.path}"', f'method="{call.route.method}"')
    answered = counted(running, *here)
    with wire(running) as connection:
        connection.sendall(request(call, service, "content-length: 1000"))
        connection.sendall(b"{" * 500)
    wait_until(lambda: counted(running, *here) > answered, "the request is given up")
    assert running.counts() == before
    assert bugs(running) == met


@on_sqlite
@pytest.mark.parametrize("call", TAKING, ids=str)
def test_a_compressed_body_is_never_opened(call: Call, settled: Furnished) -> None:
    service = settled(call.service)
    bomb = gzip.compress(b" " * (64 << 20))
    headers = {"content-type": call.kind, "content-encoding": "gzip"}
    with held_at_most(MOST_HELD):
        answer = service.ask(call, content=bomb, headers=headers)
    assert answer.status_code == 415


# -- forms


@pytest.mark.parametrize("call", FORMS, ids=str)
def test_a_form_that_is_strange_is_told_as_a_page_and_changes_nothing(
    call: Call, asked: Furnished
) -> None:
    service = asked(call.service)
    service.running.auth("ops")
    key = f"key={service.running.issued['ops']}&"
    before = open_things(service.running)
    troubles = {}
    path = call.route.path
    nobody = (303,) if path in SIGNED or path == "/key/forget" else (403,)
    nobody = (422,) if path in WORDED else nobody
    wanting = path.endswith("discard") or path in WORDED
    for form, statuses in {
        "": nobody,
        "key=none&reason=x": nobody,
        "reason=x": nobody,
        "&&==;;%%": nobody,
        "key=%00&reason=x": (400,),
        "key=\xff": nobody,
        f"{key}reason=%00": (400,),
        f"{key}reason=a%00b": (400,),
        f"{key}reason=": (422,) if wanting else (303,),
        f"{key}reason=%ed%a0%80%00": (400,),
        f"{key}reason={'x' * (16 << 10)}": (413,),
    }.items():
        signed = form.startswith(key) and path.startswith(("/parked", "/jobs"))
        headers = FORM | (service.running.cookie("ops") if signed else {})
        answer = service.ask(call, content=form.encode("latin-1"), headers=headers)
        if answer.status_code not in statuses:
            troubles[form[-30:]] = f"{answer.status_code} {answer.text[:100]}"
        if answer.status_code != 303 and "<h1" not in answer.text:
            troubles[form[-30:]] = f"it is told as {answer.headers['content-type']}"
    none(troubles)
    assert open_things(service.running) == before


def open_things(running: Running) -> list[Any]:
    return running.rows("SELECT id, state, reason FROM parked")
