"""What partners send on topics of their own: CloudEvents 1.0, binary or structured mode. Pure.

Whose word it is follows from the topic, `partners.<role>.<name>.<service>`, and from nothing in it.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from shared.contracts import identifiers
from shared.contracts.strict import Unreadable, parse

TOPIC = re.compile(r"partners\.([a-z]+(?:\.[a-z0-9-]+)?)\.[a-z]+")
STRUCTURED = "application/cloudevents+json"
BODY_LIMIT = 1 << 20


class Told(Struct, frozen=True):
    """A partner's event: its type, and its data as plain values."""

    type: str
    item: Any


def party_of(topic: str) -> str | None:
    """The party that a topic is of; None for a topic that is no partner's."""
    found = TOPIC.fullmatch(topic)
    try:
        return identifiers.party(found[1].replace(".", ":")) if found else None
    except ValueError:
        return None


def of_service(service: str) -> Callable[[str], bool]:
    """Whether a topic is one on which partners tell this service."""
    return lambda topic: topic.endswith(f".{service}") and party_of(topic) is not None


def read(headers: Sequence[tuple[str, bytes | None]], value: bytes | None) -> Told:
    """A record's event. Raises Unreadable with the header or field that is missing or wrong."""
    if value is None:
        raise Unreadable("null-value", "the record has no value")
    if len(value) > BODY_LIMIT:
        raise Unreadable("too-large", f"the event is larger than {BODY_LIMIT} bytes")
    words = {name.lower(): (content or b"").decode("utf-8", "replace") for name, content in headers}
    if words.get("content-type", "").partition(";")[0].strip().lower() == STRUCTURED:
        whole = parse(value)
        if not isinstance(whole, dict):
            raise Unreadable("not-a-cloudevent", "an object is expected")
        _checked(whole.get("specversion"), whole.get("type"), "")
        return Told(whole["type"], whole.get("data"))
    _checked(words.get("ce_specversion"), words.get("ce_type"), "ce_")
    return Told(words["ce_type"], parse(value))


def _checked(version: Any, type: Any, prefix: str) -> None:
    if version != "1.0":
        field = f"{prefix}specversion"
        raise Unreadable("not-a-cloudevent", f"{field} is not 1.0", field)
    if not isinstance(type, str) or not type:
        field = f"{prefix}type"
        raise Unreadable("not-a-cloudevent", f"{field} is missing", field)
