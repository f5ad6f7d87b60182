"""What delivery's screens show, read from its tables; and what a scan on them means."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection

from services.delivery import core, store
from services.delivery.shown import (
    HandedOut,
    Reception,
    ShipmentRow,
    ShipmentSeen,
    Unit,
    Word,
    handed_out,
    unit,
)
from shared.contracts import identifiers
from shared.contracts.calendar import day_of, midnight
from shared.contracts.identifiers import Makers


class Scan(Struct, frozen=True):
    """What a scan at a school's door means: of which laptop, and as which event it is told; none
    where the laptop is counted already.
    """

    key: str
    type: str | None


COUNTING = "counting"  # counted, but of some laptops its school has not said what became of them


def reception(connection: Connection, sscc: str, school: str) -> Reception:
    """A shipment at a school's door, whether or not anybody announced it."""
    shipment = store.shipment(connection, sscc)
    ours = shipment.school in (None, school)
    units = _units(connection, sscc, shipment.laptops if ours else (), school)
    if not ours:
        return Reception(sscc, school, False, "", "", "", units)
    return Reception(
        sscc, school, True, shipment.state, shipment.owner or "", shipment.order or "", units
    )


def _units(
    connection: Connection, sscc: str, listed: tuple[str, ...], school: str | None
) -> tuple[Unit, ...]:
    """The laptops that a carrier listed in a shipment, and those a school counted out of it."""
    counted = store.counted_out_of(connection, sscc, school) if school else {}
    known = store.laptops(connection, listed) | counted
    turns = {key: -turn for turn, key in enumerate(counted)}  # what was told last comes first
    return tuple(
        unit(key, known[key], school, expected=key in listed, turn=turns.get(key, 0))
        for key in sorted({*listed, *counted})
    )


def scanned(connection: Connection, makers: Makers, at: Reception, code: str, maker: str) -> Scan:
    """What a scanned code means at a reception: `code` is a serial number, after its maker's name
    and a slash or alone. Raises ValueError for what is none.
    """
    named, slash, serial = code.strip().rpartition("/")
    number = identifiers.serial_number(serial)
    listed = {one.key: one for one in at.units}
    if slash:
        key = makers.laptop(named, serial)
    else:
        mine = [key for key in listed if key.partition("/")[2] == number]
        mine = mine or store.named(connection, sorted({*makers.slugs.values()}), number)
        key = mine[0] if len(mine) == 1 else makers.laptop(maker or usual_maker(at), number)
    known = listed.get(key)
    if known is not None and known.state == "counted":
        return Scan(key, None)
    return Scan(key, "received" if known is not None and known.expected else "unexpected")


def is_mistyped(code: str) -> bool:
    """Whether a code that is no SSCC would be one with another check digit."""
    given = identifiers.off_its_label(code)
    return len(given) == 18 and given.isascii() and given.isdecimal()


def usual_maker(at: Reception) -> str:
    """The maker of most laptops in a shipment; Raises ValueError where it tells of none."""
    counts = Counter(one.maker for one in at.units)
    if not counts:
        raise ValueError("nobody knows this serial number yet: choose its maker")
    return counts.most_common(1)[0][0]


def laptop_of(connection: Connection, makers: Makers, code: str, maker: str) -> str:
    """The laptop that a code names, at a hand-out. Raises ValueError."""
    named, slash, serial = code.strip().rpartition("/")
    if slash or maker:
        return makers.laptop(named or maker, serial)
    number = identifiers.serial_number(serial)
    known = store.named(connection, sorted({*makers.slugs.values()}), number)
    if len(known) != 1:
        raise ValueError("nobody knows this serial number yet: choose its maker")
    return known[0]


def shipment(connection: Connection, sscc: str) -> ShipmentSeen | None:
    """A shipment; None where nobody spoke of it."""
    found = store.shipment(connection, sscc)
    words = tuple(Word(*row) for row in store.words_on(connection, f"shipment:{sscc}"))
    if not words:
        return None
    units = _units(connection, sscc, found.laptops, found.school)
    begun = found.state == "received" and any(one.state == "awaited" for one in units)
    state = COUNTING if begun else found.state
    told = (found.school or "", found.owner or "", found.order or "", state, found.quantity)
    return ShipmentSeen(sscc, *told, units, words)


def awaited(connection: Connection, school: str | None, limit: int) -> list[ShipmentRow]:
    """Shipments on the road or at the door, of a school or of all, the newest word first; those
    that a school has counted only while it has not said of each laptop what became of it.
    """
    found = store.shipments_awaited(connection, school, limit)
    listed = {laptop for _, one in found if one.state == "received" for laptop in one.laptops}
    known = store.laptops(connection, sorted(listed))
    begun = {
        key
        for key, one in found
        if one.state == "received" and any(_open(known[laptop]) for laptop in one.laptops)
    }
    return [
        ShipmentRow(
            key.removeprefix("shipment:"),
            one.school or "",
            one.owner or "",
            COUNTING if key in begun else one.state,
            len(one.laptops) or one.quantity or 0,
        )
        for key, one in found
        if one.state != "received" or key in begun
    ]


def _open(laptop: core.Laptop) -> bool:
    return laptop.location in ("unknown", "announced", "in-transit", "arrived")


def handed_out_today(connection: Connection, school: str, now: datetime) -> list[HandedOut]:
    """Laptops that a school handed out today, the last first, and what is unusual about each."""
    rows = store.laptops_at(connection, school, "with-student")
    held = Counter(one.custody.student for _, one in rows)
    today = midnight(day_of(now))
    return [
        handed_out(key, one, one.since, held[one.custody.student])
        for key, one in rows
        if one.since is not None and one.since >= today
    ]


def last_event(connection: Connection, party: str, key: str) -> str | None:
    """The id of what a party said last of a laptop at a reception, which may be taken back."""
    return store.last_said(connection, party, key)


def laptops_named(keys: Mapping[str, Any] | list[str]) -> list[dict[str, str]]:
    """Laptops as an event names them."""
    pairs = (key.split("/", 1) for key in keys)
    return [{"maker": maker, "serial": serial} for maker, serial in pairs]
