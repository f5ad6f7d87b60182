"""The id of an event that came without one: the event hash of CBV 2.0, §8.9. Pure.

Two senders of one event come to the same id, whatever the order of its fields and whichever way its
identifiers, times and numbers are written. Where the text of the standard and the documents of its
reference implementation differ, the documents are followed: destinations stand before sources,
for what has no place in the order is sorted by name.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from services.delivery.epcis import gs1
from services.delivery.epcis.words import CBV, GS1, Context

_QUANTITY = "quantityElement"
# What the elements of a list are called; "" where they have no name.
_ELEMENTS = {
    "epcList": "epc",
    "inputEPCList": "epc",
    "outputEPCList": "epc",
    "childEPCs": "epc",
    "quantityList": _QUANTITY,
    "childQuantityList": _QUANTITY,
    "inputQuantityList": _QUANTITY,
    "outputQuantityList": _QUANTITY,
    "sensorElementList": "sensorElement",
    "bizTransactionList": "",
    "sourceList": "",
    "destinationList": "",
}
_EVENT = "event"
_ORDERS: Mapping[str, Sequence[str]] = {
    name: fields.split()
    for name, fields in {
        _EVENT: "eventTime eventTimeZoneOffset certificationInfo parentID epcList inputEPCList "
        "childEPCs quantityList childQuantityList inputQuantityList outputEPCList "
        "outputQuantityList action transformationID bizStep disposition persistentDisposition "
        "readPoint bizLocation sensorElementList",
        _QUANTITY: "epcClass quantity uom",
        "persistentDisposition": "set unset",
        "bizTransactionList": "type bizTransaction",
        "sourceList": "type source",
        "destinationList": "type destination",
        "sensorElement": "sensorMetadata sensorReport",
        "sensorMetadata": "time startTime endTime deviceID deviceMetadata rawData "
        "dataProcessingMethod bizRules",
        "sensorReport": "type exception deviceID deviceMetadata rawData dataProcessingMethod time "
        "microorganism chemicalSubstance value component stringValue booleanValue hexBinaryValue "
        "uriValue minValue maxValue meanValue sDev percRank percValue uom "
        "coordinateReferenceSystem",
    }.items()
}
_LEFT_OUT = {"recordTime", "eventID", "type", "errorDeclaration", "@context"}
_COMMENTS = {"comment", "rdfs:comment"}
_TIMES = {"eventTime", "time", "startTime", "endTime"}
# Whose words a field holds when they stand bare, by the object that it is in.
_VOCABULARIES = {
    (_EVENT, "bizStep"): f"{CBV}BizStep-",
    (_EVENT, "disposition"): f"{CBV}Disp-",
    ("persistentDisposition", "set"): f"{CBV}Disp-",
    ("persistentDisposition", "unset"): f"{CBV}Disp-",
    ("bizTransactionList", "type"): f"{CBV}BTT-",
    ("sourceList", "type"): f"{CBV}SDT-",
    ("destinationList", "type"): f"{CBV}SDT-",
    ("sensorReport", "type"): GS1,
    ("sensorReport", "exception"): GS1,
    ("sensorReport", "component"): f"{CBV}Comp-",
}
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,2})?")


def event_hash(event: Mapping[str, Any], known: Context, left_out: frozenset[str]) -> str:
    """The id of an event as it was sent, its own `@context` read into `known`. `left_out`: names
    of extensions that its document says are no part of it.
    """
    digest = sha256(pre_hash(event, known, left_out).encode()).hexdigest()
    return f"ni:///sha-256;{digest}?ver=CBV2.0"


def pre_hash(event: Mapping[str, Any], known: Context, left_out: frozenset[str]) -> str:
    """What is hashed: fields and values in one line, in one order."""
    skipped = _LEFT_OUT | left_out
    told = {name: value for name, value in event.items() if name not in skipped}
    return f"eventType={event['type']}" + _object(_EVENT, told, known)


def _object(name: str, fields: Mapping[str, Any], known: Context) -> str:
    """The fields of an object: those with a place in order, then the others, sorted."""
    order = _ORDERS.get(name, ("id",))
    placed = [_field(name, one, fields[one], known) for one in order if one in fields]
    rest = fields.keys() - {*order, *_COMMENTS}
    return "".join((*placed, *sorted(_field(name, one, fields[one], known) for one in rest)))


def _field(within: str, name: str, value: Any, known: Context) -> str:
    said = known.name(name)
    if isinstance(value, list) and name in _ELEMENTS:
        inner = sorted(_element(name, one, known) for one in value)
        return name + "".join(inner) if inner else ""
    if isinstance(value, list):
        return "".join(sorted(_field(within, name, one, known) for one in value))
    if isinstance(value, dict):
        return said + _object(name, value, known)
    text = _text(within, name, value, known)
    return f"{said}={text}" if text else said


def _element(name: str, value: Any, known: Context) -> str:
    element = _ELEMENTS[name]
    if not element and isinstance(value, dict):
        return _object(name, value, known)
    return _field(name, element, value, known)


def _text(within: str, name: str, value: Any, known: Context) -> str:
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value).lower()
    text = str(value).strip()
    if name in _TIMES:
        return _moment(text)
    start = _VOCABULARIES.get((within, name))
    if start and ":" not in text:
        return start + text
    if _NUMBER.fullmatch(text):
        return _number(text)
    return _address(text, known)


def _moment(text: str) -> str:
    """A moment in UTC, to the millisecond, from the half on rounded up."""
    try:
        exact = datetime.fromisoformat(text).astimezone(UTC) + timedelta(microseconds=500)
    except (ValueError, OverflowError):
        return text
    return exact.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _number(text: str) -> str:
    number = Decimal(text)
    plain = f"{number.normalize():f}"
    return "0" if not number else plain


def _address(text: str, known: Context) -> str:
    """An identifier of GS1 in its canonical form; a word of GS1's with its prefix spelled out."""
    prefix, colon, word = text.partition(":")
    address = known.prefixes.get(prefix, "")
    if colon and address.startswith((CBV, GS1)):
        return address + word
    try:
        return gs1.canonical(text) or text
    except ValueError:
        return text
