"""What may stand in a fact's headers."""

import pytest

from shared.contracts import envelope
from shared.contracts.strict import Unreadable

GOOD: list[tuple[str, bytes | None]] = [
    ("ce_specversion", b"1.0"),
    ("ce_id", b"1"),
    ("ce_source", b"region"),
    ("ce_type", b"ordering.line-announced.v1"),
    ("ce_subject", b"order:BC1"),
    ("ce_time", b"2020-09-01T10:00:00+02:00"),
]
WRONG: list[tuple[str, tuple[str, bytes | None]]] = [
    ("null-header", ("traceparent", None)),
    ("duplicate-header", ("ce_id", b"2")),
    ("invalid", ("traceparent", b"\x00")),
    ("not-utf-8", ("traceparent", b"\xff")),
]


@pytest.mark.parametrize(("code", "header"), WRONG)
def test_a_header_that_cannot_be_told_is_named(code: str, header: tuple[str, bytes | None]) -> None:
    with pytest.raises(Unreadable) as told:
        envelope.read([*GOOD, header, ("last", b"\xfe")], b"order:BC1", b"{}")
    assert (told.value.code, told.value.field) == (code, header[0])


def test_a_header_may_be_empty_and_strange() -> None:
    read = envelope.read([*GOOD, ("traceparent", b""), ("x", "é".encode())], b"order:BC1", b"{}")
    assert (read.key, read.trace, read.happened_at.isoformat()) == (
        "order:BC1",
        "",
        "2020-09-01T08:00:00+00:00",
    )
