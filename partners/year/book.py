"""The player's own book: what is true of a laptop at the end, from what was said of it. Pure.

A laptop's reports count in the order of (when it happened, rank of its kind, who says so, its id),
whatever the order in which they were sent. A carrier moves a laptop only until a school has counted
it out of the same shipment.
"""

from collections.abc import Iterable

from msgspec import Struct

from partners.year.reports import Report

RANK = {
    "announced": 1,
    "dispatched": 2,
    "in-transit": 3,
    "arrived": 4,
    "received": 5,
    "missing": 6,
    "handed-out": 7,
}
CARRIED = ("dispatched", "in-transit", "arrived")
COUNTED = ("received", "missing")
PLACE_AND_HOLDER = {
    "dispatched": ("in-transit", "carrier"),
    "in-transit": ("in-transit", "carrier"),
    "arrived": ("arrived", "carrier"),
    "received": ("at-school", "school"),
    "missing": ("missing", "nobody"),
    "handed-out": ("with-student", "student"),
}


class Facts(Struct, frozen=True):
    """The five facts, spelled as the interface does, and whether no serial list has the laptop."""

    location: str
    holder: str
    owner: str
    working: str
    managed: str
    unannounced: bool


def facts(reports: Iterable[Report], *, listed: bool, admitted: bool) -> Facts:
    """The facts of one laptop. `reports`: those that were sent and not refused, each once."""
    place, holder = ("announced", "supplier") if listed else ("unknown", "nobody")
    counted: set[str] = set()
    for report in sorted(
        reports, key=lambda said: (said.happened_at, RANK[said.kind], said.party, said.id)
    ):
        if report.kind in CARRIED and report.shipment in counted:
            continue
        if report.kind in COUNTED:
            counted.add(report.shipment)
        place, holder = PLACE_AND_HOLDER.get(report.kind, (place, holder))
    owner = "region" if listed and admitted else "supplier"
    return Facts(
        place, holder, owner, working="working", managed="not-enrolled", unannounced=not listed
    )
