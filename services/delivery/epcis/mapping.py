"""What an event of EPCIS means here: the items that a party would have sent as plain JSON. Pure.

An item is {id, type, happened_at, shipment?, order?, school?, to_school?, laptops?, quantity?,
corrects?}. An event that is valid and means nothing here comes to no item: it is informational.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import NAMESPACE_URL, uuid5

from msgspec import Struct

from services.delivery.epcis import gs1, words
from services.delivery.epcis.reading import Read
from services.delivery.epcis.shapes import Event
from shared.contracts import identifiers
from shared.contracts.identifiers import Makers
from shared.decisions import instant

ANY = "*"
MEANINGS: Mapping[tuple[str, str], str] = {
    ("packing", ANY): "announced",
    ("shipping", ANY): "dispatched",
    ("shipping", "returned"): "refused",
    ("accepting", "in_transit"): "in-transit",
    ("departing", ANY): "in-transit",
    ("departing", "damaged"): "damaged",
    ("departing", "returned"): "refused",
    ("transporting", ANY): "in-transit",
    ("transporting", "damaged"): "damaged",
    ("transporting", "returned"): "refused",
    ("holding", "in_transit"): "in-transit",
    ("storing", "in_transit"): "in-transit",
    ("arriving", ANY): "arrived",
    ("arriving", "in_transit"): "in-transit",
    ("arriving", "damaged"): "damaged",
    ("arriving", "returned"): "refused",
    ("receiving", ANY): "received",
    ("receiving", "mismatch_quantity"): "missing",
    ("receiving", "mismatch_instance"): "unexpected",
    ("receiving", "damaged"): "damaged",
    ("receiving", "returned"): "refused",
    ("unpacking", ANY): "received",
    ("unpacking", "mismatch_quantity"): "missing",
    ("unpacking", "mismatch_instance"): "unexpected",
    ("unpacking", "damaged"): "damaged",
}
"""bizStep and disposition (CBV 2.0 §7.1, §7.2) to type. Source: the table of our life cycle, which
was agreed with the standard's definitions in hand (docs/epcis.md shows it with its reasons); for
what is taken over, held, stored or returned, the steps proposed for 53 status codes of carriers.
"""

# What CBV has no word for is said with an address of the region's or anybody's own.
OWN_WORDS = frozenset(MEANINGS.values()) | {
    "wrong-school",
    "redirected",
    "moved",
    "back-to-stock",
    "hand-out-missed",
}
_OWN = re.compile(r"(?:https://[^/]+/(?:.+/)?voc/|urn:trousseau:voc:|trousseau:)BizStep-([a-z-]+)")

# An action that takes back what the step says: nothing happened to the things themselves.
_AGAINST = {("AggregationEvent", "packing", "DELETE"), ("AggregationEvent", "unpacking", "ADD")}

_UAI = re.compile("[0-9]{7}[A-Za-z]")
_BOUND_FOR = ("announced", "dispatched", "in-transit")
_KINDS = ("location", "possessing_party", "owning_party")


class Meaning(Struct, frozen=True):
    """An event's items, all under its id; and the EPCs of things that may be laptops, but whose
    GTIN or GIAI the table of makers does not know.
    """

    items: list[dict[str, Any]] = []
    unknown: tuple[str, ...] = ()


class _Named(Struct):
    """What an event names: shipments, laptops, and what may be one."""

    shipments: list[str]
    laptops: list[dict[str, str]]
    unknown: list[str]


def meaning(read: Read, makers: Makers) -> Meaning:
    """What an event says. Raises ValueError with a sentence on a school's
    number that is misspelt in an address.
    """
    event = read.event
    declared = event.error_declaration
    if declared is not None:
        void = {"id": void_id(read.id, declared.declaration_time, declared.reason), "type": "void"}
        happened_at = declared.declaration_time.isoformat()
        return Meaning([void | {"happened_at": happened_at, "corrects": read.id}])
    type, named = _type(event), _named(event, makers)
    if type is None or not (named.shipments or named.laptops):
        return Meaning([], tuple(named.unknown) if type else ())
    if named.unknown and not named.laptops:
        # Told of the shipment alone, it would be said of all that is in it.
        return Meaning([], tuple(named.unknown))
    if type == "missing" and not named.laptops:
        return Meaning()  # something is missing, and not said what
    about = {"id": read.id, "type": type, "happened_at": event.event_time.isoformat()}
    about |= _places(event, type)
    order, quantity = _order(event), _quantity(event)
    about |= {"order": order} if order else {}
    return Meaning(list(_items(about, named, event, quantity)), tuple(named.unknown))


def void_id(id: str, at: datetime, reason: str | None) -> str:
    """The id of the declaration that an event was said in error; the event's own id is taken."""
    said = " ".join((id, instant(at), words.bare(reason or "")))
    return f"urn:uuid:{uuid5(NAMESPACE_URL, said)}"


def _type(event: Event) -> str | None:
    if event.type not in ("ObjectEvent", "AggregationEvent", "TransactionEvent"):
        return None
    step, disposition = words.bare(event.biz_step or ""), words.bare(event.disposition or "")
    own = _OWN.fullmatch(step)
    if own:
        return own[1] if own[1] in OWN_WORDS else None
    taken_back = (event.type, event.action) == ("TransactionEvent", "DELETE")
    if taken_back or (event.type, step, event.action) in _AGAINST:
        return None
    if (step, disposition) == ("arriving", "in_transit") and _place(event):
        return "arrived"  # not at a carrier's own place: at a school
    return MEANINGS.get((step, disposition)) or MEANINGS.get((step, ANY))


def _items(
    about: dict[str, Any], named: _Named, event: Event, quantity: int | None
) -> Iterable[dict[str, Any]]:
    """An item for each shipment; the laptops are in the only one, or in the parent."""
    shipments = named.shipments
    parent = gs1.canonical(event.parent_id) if event.parent_id else None
    inside = len(shipments) == 1 or bool(shipments and parent == f"{gs1.HOME}/00/{shipments[0]}")
    listed = {"laptops": named.laptops} if named.laptops else {}
    counted = {"quantity": quantity} if quantity is not None and inside else {}
    for place, shipment in enumerate(shipments):
        first = place == 0 and inside
        yield about | {"shipment": shipment} | (listed | counted if first else {})
    if named.laptops and not inside:
        yield about | listed


# -- what it names


def _named(event: Event, makers: Makers) -> _Named:
    named = _Named([], [], [])
    epcs = [*([event.parent_id] if event.parent_id else ()), *event.epcs.values()]
    for epc in dict.fromkeys(gs1.canonical(one) or one for one in epcs):
        if not epc.startswith(f"{gs1.HOME}/"):
            laptop = _own_laptop(epc)
            named.laptops += [laptop] if laptop else []
            continue
        ai, value, finer = gs1.instance(epc)
        if ai == "00":
            named.shipments.append(value)
        elif (ai == "01" and f"/{value}/21/" in epc) or ai == "8004":
            known = _known(makers, ai, value, finer)
            if known is None:
                named.unknown.append(epc)
            else:
                named.laptops.append({"maker": known[0], "serial": known[1]})
    return named


def _known(makers: Makers, ai: str, value: str, serial: str) -> tuple[str, str] | None:
    if ai == "8004":
        return makers.asset(value)
    model = makers.models.get(value)
    return (model[0], serial) if model else None


def _own_laptop(epc: str) -> dict[str, str] | None:
    """The laptop in an address of ours, `https://…/laptops/<maker>/<serial>`."""
    address = urlsplit(epc)
    steps = [unquote(step) for step in address.path.split("/")]
    if address.scheme != "https" or len(steps) < 4 or steps[-3] != "laptops":
        return None
    return {"maker": steps[-2], "serial": steps[-1]}


def _order(event: Event) -> str | None:
    """The number of the order, from the end of its address, where it is one."""
    orders = [
        unquote(re.split("[/:]", one.biz_transaction)[-1])
        for one in event.biz_transaction_list or ()
        if words.bare(one.type or "") == "po"
    ]
    for order in orders:
        try:
            return identifiers.document_name(order)
        except ValueError:
            continue
    return None


def _quantity(event: Event) -> int | None:
    lists = (*(event.quantity_list or ()), *(event.child_quantity_list or ()))
    counts = [one.quantity for one in lists if one.quantity is not None and one.uom is None]
    whole = [int(count) for count in counts if count == int(count)]
    return sum(whole) if whole else None


# -- where


def _places(event: Event, type: str) -> dict[str, str]:
    """Schools: where it is bound for while it is on its way, else where it is."""
    here, there = _place(event), _destination(event)
    start = _first((one.type, one.source) for one in event.source_list or ())
    school = here or there
    if type in _BOUND_FOR:
        school = there
    elif type in ("redirected", "moved"):
        school = start or here
    told = {"school": school} if school else {}
    if type in ("redirected", "moved") and there:
        told["to_school"] = there
    return told


def _place(event: Event) -> str | None:
    places = (event.biz_location, event.read_point)
    return next((uai for one in places if one and (uai := _school(one.id))), None)


def _destination(event: Event) -> str | None:
    return _first((one.type, one.destination) for one in event.destination_list or ())


def _first(told: Iterable[tuple[str, str]]) -> str | None:
    by_kind = {words.bare(kind): uri for kind, uri in reversed([*told])}
    schools = (_school(by_kind[kind]) for kind in _KINDS if kind in by_kind)
    return next((school for school in schools if school), None)


def _school(uri: str) -> str | None:
    """The school in an address of the region's or anybody's own, with its number as a step."""
    address = urlsplit(uri)
    if address.scheme not in ("http", "https") or (gs1.canonical(uri) is not None):
        return None
    steps = re.split(r"[/?#=&]", f"{address.path}?{address.query}#{address.fragment}")
    return next((identifiers.uai(step) for step in steps if _UAI.fullmatch(step)), None)
