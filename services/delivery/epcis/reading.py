"""A document of EPCIS 2.0 taken apart and checked: what is wrong is said in a sentence. Pure.

As strict as GS1's JSON Schema, and stricter where that lets through what cannot be meant: wrong
check digits, misformed EPC URNs, prefixes that nobody declared, events of the future.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from services.delivery.epcis import gs1, words
from services.delivery.epcis.event_hash import event_hash
from services.delivery.epcis.shapes import ACTIONS, ON_THE_WIRE, OWN, SAID_OF, SHAPES, Event
from services.delivery.epcis.words import Context
from shared.contracts.strict import Unreadable, convert, past

EVENT_BYTES = 32 << 10


class Document(Struct, frozen=True):
    """The events of a document, not looked at yet; its `@context` as it stands and as it was
    read; the extensions that it says are no part of its events (`<prefix>:ignoreFields`).
    """

    events: list[Any]
    said_context: Any
    context: Context
    left_out: frozenset[str] = frozenset()


class Read(Struct, frozen=True):
    """An event: as it was sent, with all of its context (`body`); as it was read; its hash; its id,
    which is the hash where it brought none.
    """

    body: dict[str, Any]
    event: Event
    hash: str
    id: str


def document(raw: Any) -> Document:
    """An EPCISDocument or an EPCISQueryDocument. Raises Unreadable when it is neither."""
    if not isinstance(raw, dict):
        raise Unreadable("invalid", "an object is expected")
    kind = raw.get("type")
    if kind not in ("EPCISDocument", "EPCISQueryDocument"):
        raise Unreadable("invalid", "an EPCISDocument is expected", "/type")
    if "@context" not in raw:
        raise Unreadable("invalid", f"name the context of EPCIS, {words.CONTEXT}", "/@context")
    steps = ["epcisBody", "eventList"]
    if kind == "EPCISQueryDocument":
        steps = ["epcisBody", "queryResults", "resultsBody", "eventList"]
    elif not isinstance(raw.get("schemaVersion"), str) or raw["schemaVersion"][:2] != "2.":
        raise Unreadable("invalid", "2.0 is expected", "/schemaVersion")
    elif not _is_moment(raw.get("creationDate")):
        raise Unreadable("invalid", "an RFC 3339 time is expected", "/creationDate")
    events, left_out = _inside(raw, steps)
    said = raw["@context"]
    return Document(events, said, words.context(said), left_out)


def _inside(raw: Any, steps: Sequence[str]) -> tuple[list[Any], frozenset[str]]:
    """What stands at the end of these steps; what is said to be left out, on the way there."""
    holder, path, left_out = raw, "", set(_left_out(raw))
    for step in steps:
        path += f"/{step}"
        if not isinstance(holder, dict) or step not in holder:
            raise Unreadable("invalid", "it is missing", path)
        holder = holder[step]
        left_out |= set(_left_out(holder))
    if not isinstance(holder, list):
        raise Unreadable("invalid", "a list of events is expected", path)
    return holder, frozenset(left_out)


def alone(raw: Any) -> Document:
    """One event that came without a document: its context is its own. Raises Unreadable."""
    if not isinstance(raw, dict) or "@context" not in raw:
        raise Unreadable("invalid", f"name the context of EPCIS, {words.CONTEXT}", "/@context")
    said = raw["@context"]
    event = {name: value for name, value in raw.items() if name != "@context"}
    return Document([event], said, words.context(said))


def _is_moment(said: Any) -> bool:
    try:
        return isinstance(said, str) and datetime.fromisoformat(said).tzinfo is not None
    except ValueError:
        return False


def _left_out(holder: Any) -> Iterator[str]:
    for name, value in holder.items() if isinstance(holder, dict) else ():
        if name.endswith(":ignoreFields") and isinstance(value, list):
            yield from (field for field in value if isinstance(field, str) and ":" in field)


# -- one event


def event(raw: Any, around: Document, now: datetime) -> Read:
    """An event of a document. Raises Unreadable with the field, from the event on."""
    if not isinstance(raw, dict):
        raise Unreadable("invalid", "an object is expected")
    if len(msgspec.json.encode(raw)) > EVENT_BYTES:
        raise Unreadable("too-large", "an event has 32 KiB at most: tell it in several")
    said, known = around.said_context, around.context
    if "@context" in raw:
        known = words.context(raw["@context"], known)
        said = _joined(said, raw["@context"])
    read = _checked(_without_extensions(raw, known, ""), now)
    digest = event_hash(raw, known, around.left_out)
    return Read({**raw, "@context": said}, read, digest, read.event_id or digest)


def _joined(outer: Any, inner: Any) -> list[Any]:
    first, more = (one if isinstance(one, list) else [one] for one in (outer, inner))
    return [*first, *(one for one in more if one not in first)]


def _without_extensions(value: Any, known: Context, path: str) -> Any:
    """Without the fields of others, once it is seen that each says whose it is."""
    if isinstance(value, list):
        return [
            _without_extensions(one, known, f"{path}/{place}") for place, one in enumerate(value)
        ]
    if not isinstance(value, dict):
        return value
    plain = {}
    for name, inner in value.items():
        if ":" not in name:
            if name != "@context" or path:
                plain[name] = _without_extensions(inner, known, f"{path}/{name}")
        elif not words.declared(name, known):
            detail = f"@context does not declare the prefix of {name[:60]!r}"
            raise Unreadable("invalid", detail, f"{path}/{name[:60]}")
    return plain


def _checked(plain: dict[str, Any], now: datetime) -> Event:
    said = plain.get("type")
    type = said if isinstance(said, str) else ""
    if ":" in type:  # a type of somebody else's: with fields of his own
        common = {"type", "eventTime", "eventTimeZoneOffset", "eventID", "errorDeclaration"}
        plain = {name: value for name, value in plain.items() if name in common}
    elif type not in SHAPES:
        raise Unreadable("invalid", f"one of {', '.join(SHAPES)} is expected", "/type")
    read = _converted(plain)
    past(read.event_time, now, "/eventTime")
    if read.error_declaration is not None:
        past(read.error_declaration.declaration_time, now, "/errorDeclaration/declarationTime")
    if type in SHAPES:
        _check_shape(read, plain)
    _check_words(read)
    for field, uri in _identifiers(read):
        try:
            gs1.canonical(uri)
        except ValueError as trouble:
            raise Unreadable("invalid", str(trouble), field) from None
    return read


def _converted(plain: Mapping[str, Any]) -> Event:
    try:
        return convert(plain, Event)
    except Unreadable as trouble:
        pattern = str(trouble).partition("matching regex '")[2].removesuffix("'")
        # msgspec prints a pattern as a literal, its backslashes doubled
        said = SAID_OF.get(pattern.replace("\\\\", "\\"), str(trouble))
        raise Unreadable(trouble.code, said, trouble.field) from None


def _check_shape(read: Event, plain: Mapping[str, Any]) -> None:
    """Whether the event has what its type needs, and nothing of another type's."""
    shape, here = SHAPES[read.type], {name for name in OWN if getattr(read, name) is not None}
    for name in sorted(here - shape.own):
        raise Unreadable("invalid", f"no field of {read.type}", f"/{ON_THE_WIRE[name]}")
    for name in shape.needs:
        if not getattr(read, name):
            raise Unreadable("invalid", f"{read.type} needs it", f"/{ON_THE_WIRE[name]}")
    if read.action is not None and read.action not in ACTIONS:
        raise Unreadable("invalid", f"one of {', '.join(ACTIONS)} is expected", "/action")
    if not _names_something(read):
        raise Unreadable("invalid", f"{read.type} lists what it is about, and this one does not")
    if read.ilmd is not None and read.action not in ("ADD", None):
        raise Unreadable("invalid", "only what is added has ilmd", "/ilmd")
    _check_lists(read, plain)


def _check_lists(read: Event, plain: Mapping[str, Any]) -> None:
    if read.persistent_disposition and not plain["persistentDisposition"]:
        raise Unreadable("invalid", "set or unset is expected", "/persistentDisposition")
    for name in ("epc_list", "input_epc_list", "output_epc_list"):
        listed = getattr(read, name) or ()
        if len(set(listed)) < len(listed):
            raise Unreadable("invalid", "an EPC stands twice in it", f"/{ON_THE_WIRE[name]}")


def _names_something(read: Event) -> bool:
    match read.type:
        case "ObjectEvent":
            seen = bool(read.sensor_element_list and read.read_point)
            return read.epc_list is not None or bool(read.quantity_list) or seen
        case "TransactionEvent":
            listed = read.epc_list is not None or bool(read.quantity_list)
            return listed or read.action == "DELETE"
        case "TransformationEvent":
            into = bool(read.input_epc_list or read.input_quantity_list)
            out = bool(read.output_epc_list or read.output_quantity_list)
            return (into or out) if read.transformation_id else (into and out)
    return bool(read.child_epcs or read.child_quantity_list) or read.action == "DELETE"


def _check_words(read: Event) -> None:
    lasting = read.persistent_disposition
    declared = read.error_declaration
    said = [
        ("/bizStep", read.biz_step, words.BIZ_STEPS),
        ("/disposition", read.disposition, words.DISPOSITIONS),
        *(("/persistentDisposition/set", one, words.DISPOSITIONS) for one in _all(lasting, "set")),
        *(
            ("/persistentDisposition/unset", one, words.DISPOSITIONS)
            for one in _all(lasting, "unset")
        ),
        *(
            ("/bizTransactionList", one.type, words.TRANSACTIONS)
            for one in read.biz_transaction_list or ()
        ),
        *(("/sourceList", one.type, words.PARTIES) for one in read.source_list or ()),
        *(("/destinationList", one.type, words.PARTIES) for one in read.destination_list or ()),
        ("/errorDeclaration/reason", declared.reason if declared else None, words.REASONS),
    ]
    for field, word, vocabulary in said:
        if word is not None:
            words.known(word, vocabulary, field)


def _all(holder: Any, name: str) -> list[str]:
    return getattr(holder, name, None) or []


def _identifiers(read: Event) -> Iterator[tuple[str, str]]:
    """What may be an identifier of GS1, with the field that it stands in."""
    if read.parent_id:
        yield "/parentID", read.parent_id
    for field, place in (
        ("/readPoint/id", read.read_point),
        ("/bizLocation/id", read.biz_location),
    ):
        if place:
            yield field, place.id
    yield from read.epcs.items()
    yield from (("/sourceList", one.source) for one in read.source_list or ())
    yield from (("/destinationList", one.destination) for one in read.destination_list or ())
