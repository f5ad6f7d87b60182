"""One thing that a party says about laptops, and how it is written for the interface. Pure."""

from datetime import datetime, timedelta

from msgspec import Struct

from partners.year import spelling


class Report(Struct, frozen=True):
    """A delivery event or a hand-out.

    `kind` is the event's type, or `handed-out`. `serials` are all the laptops that it is about,
    also where it is said of the whole shipment and lists none. `turn` varies what is optional,
    `typed` how serials are spelt, which changes nothing. `refusable`: the system has to refuse it.
    """

    id: str
    party: str
    kind: str
    happened_at: datetime
    sent_at: datetime
    shipment: str
    order: str
    school: str
    serials: tuple[str, ...]
    turn: int
    typed: int = 0
    whole: bool = False
    student: str = ""
    minor: bool = False
    refusable: bool = False


def written(report: Report) -> dict[str, object]:
    """A report as an item of a request."""
    return _hand_out(report) if report.kind == "handed-out" else _event(report)


def _laptop(serial: str, turn: int) -> dict[str, str]:
    maker, number = spelling.spelled(serial, turn)
    return {"maker": maker, "serial": number}


def _event(report: Report) -> dict[str, object]:
    at = spelling.instant(report.happened_at, local=report.party != "carrier:rapidest")
    item: dict[str, object] = {
        "id": report.id,
        "type": report.kind,
        "happened_at": at,
        "shipment": report.shipment,
    }
    if report.party.startswith("carrier:"):
        item |= {"order": report.order, "school": report.school}
    elif report.turn % 2:  # a school may leave itself out: the key says it
        item["school"] = report.school
    if not report.whole:
        turn = report.turn + report.typed
        item["laptops"] = [_laptop(serial, turn + n) for n, serial in enumerate(report.serials)]
    if report.kind in ("announced", "received"):
        item["quantity"] = len(report.serials)
    return item


def _hand_out(report: Report) -> dict[str, object]:
    signed = report.happened_at - timedelta(days=report.turn % 5, minutes=5)
    charter: dict[str, object] = {
        "minor": report.minor,
        "student_signed_at": spelling.instant(signed),
    }
    if report.minor and not report.refusable:
        charter["guardian_signed_at"] = spelling.instant(signed - timedelta(hours=14))
    item: dict[str, object] = {
        "id": report.id,
        "laptop": _laptop(report.serials[0], report.turn + report.typed),
        "student": report.student,
        "handed_out_at": spelling.instant(report.happened_at),
        "charter": charter,
        "kit": {"laptop": True, "sleeve": True, "storage": report.turn % 40 != 7},
    }
    if report.turn % 2:
        item["school"] = report.school
    return item
