"""How a fact travels: CloudEvents 1.0 on Kafka, binary mode. Pure.

`ce_source` is who said it and `ce_id` the fact's own name; `ce_causationid` is the id under which
he said it, `ce_subject` and the record's key are the fact's one key, `ce_sequence` counts the
publisher's facts about that key.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct

from shared.contracts.strict import Unreadable

SEQUENCE_DIGITS = 9  # what a column of 32 bits holds

Headers = Sequence[tuple[str, bytes | None]]


class Envelope(Struct, frozen=True):
    """A fact as it travels; `body` is its JSON, not decoded yet."""

    fact: str
    type: str
    key: str
    source: str
    id: str
    happened_at: datetime
    recorded_at: datetime
    sequence: int
    correlation: str
    trace: str
    body: bytes


def headers(fact: Envelope) -> list[tuple[str, bytes]]:
    """The record's headers."""
    named = [
        ("ce_specversion", "1.0"),
        ("ce_id", fact.fact),
        ("ce_source", fact.source),
        ("ce_type", fact.type),
        ("ce_subject", fact.key),
        ("ce_time", fact.happened_at.isoformat()),
        ("ce_recordedtime", fact.recorded_at.isoformat()),
        ("ce_dataschema", f"urn:trousseau:schema:{fact.type}"),
        ("ce_sequence", str(fact.sequence)),
        ("ce_correlationid", fact.correlation),
        ("ce_causationid", fact.id),
        ("traceparent", fact.trace),
        ("content-type", "application/json"),
    ]
    return [(name, value.encode()) for name, value in named if value]


def type_of(found: Headers) -> str:
    """The type alone, "" when there is none that can be
    read: enough to pass over what nobody here listens to.
    """
    for name, value in found:
        if name == "ce_type" and value is not None:
            return value.decode("utf-8", "replace")
    return ""


def read(found: Headers, key: bytes | None, value: bytes | None) -> Envelope:
    """The envelope of a fact in a record. Raises
    Unreadable with the header that is missing or wrong.
    """
    if value is None:
        raise Unreadable("null-value", "the record has no value")
    words = _words(found)
    for name in ("ce_id", "ce_source", "ce_type", "ce_subject", "ce_time"):
        if not words.get(name):
            raise Unreadable("not-a-cloudevent", f"header {name} is missing", name)
    if words.get("ce_specversion") != "1.0":
        raise Unreadable("not-a-cloudevent", "ce_specversion is not 1.0", "ce_specversion")
    if key is None or key.decode("utf-8", "replace") != words["ce_subject"]:
        raise Unreadable(
            "key-is-not-subject", "the record's key is not its ce_subject", "ce_subject"
        )
    happened_at = _moment(words, "ce_time")
    return Envelope(
        fact=words["ce_id"],
        type=words["ce_type"],
        key=words["ce_subject"],
        source=words["ce_source"],
        id=words.get("ce_causationid", words["ce_id"]),
        happened_at=happened_at,
        recorded_at=_moment(words, "ce_recordedtime")
        if "ce_recordedtime" in words
        else happened_at,
        sequence=_count(words.get("ce_sequence", "0")),
        correlation=words.get("ce_correlationid", ""),
        trace=words.get("traceparent", ""),
        body=value,
    )


def _words(found: Headers) -> dict[str, str]:
    try:
        words = {name: (b"\x00" if value is None else value).decode() for name, value in found}
    except UnicodeDecodeError:
        raise _fault(found) from None
    if len(words) < len(found) or "\x00" in "".join(words.values()):
        raise _fault(found)
    return words


def _fault(found: Headers) -> Unreadable:
    """What is wrong with the first header that is."""
    names: set[str] = set()
    for name, value in found:
        if value is None:
            return Unreadable("null-header", f"header {name} has no value", name)
        if name in names:
            return Unreadable("duplicate-header", f"header {name} stands twice", name)
        if b"\x00" in value:
            return Unreadable("invalid", f"header {name} holds the null character", name)
        try:
            value.decode()
        except UnicodeDecodeError:
            return Unreadable("not-utf-8", f"header {name} is not UTF-8", name)
        names.add(name)
    raise AssertionError("unreachable")


def _moment(words: dict[str, str], name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(words[name])
    except ValueError:
        raise Unreadable("invalid", f"{name} is not an RFC 3339 time", name) from None
    if moment.tzinfo is None:
        raise Unreadable("naive-time", f"{name} has no offset from UTC", name)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise Unreadable("invalid", f"{name} is out of the calendar", name) from None


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > SEQUENCE_DIGITS:
        detail = f"ce_sequence is not a whole number of at most {SEQUENCE_DIGITS} digits"
        raise Unreadable("invalid", detail, "ce_sequence")
    return int(text)
