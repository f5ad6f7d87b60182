"""The player's own book: what is true of a laptop at the end, from what was said of it. Pure.

A laptop's reports count in the order of (when it happened, rank of its kind, who says so, its id),
whatever the order in which they were sent. A carrier moves a laptop only until a school has counted
it out of the same shipment.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

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
    """The five facts, spelled as the interface does, whether no serial list has the laptop, what
    else has to be marked about it, and whether a student was ever given it to keep.
    """

    location: str
    holder: str
    owner: str
    working: str
    managed: str
    unannounced: bool
    marks: tuple[str, ...] = ()
    given: bool = False


def facts(reports: Iterable[Report], *, listed: bool, admitted: bool) -> Facts:
    """The facts of one laptop. `reports`: those that were sent and not refused, each once."""
    place, holder = ("announced", "supplier") if listed else ("unknown", "nobody")
    counted: set[str] = set()
    given = False
    for report in sorted(
        reports, key=lambda said: (said.happened_at, RANK[said.kind], said.party, said.id)
    ):
        if report.kind in CARRIED and report.shipment in counted:
            continue
        if report.kind in COUNTED:
            counted.add(report.shipment)
        place, holder = PLACE_AND_HOLDER.get(report.kind, (place, holder))
        given = given or report.kind == "handed-out"
    owner = "region" if listed and admitted else "supplier"
    told = Facts(place, holder, owner, "working", "not-enrolled", unannounced=not listed)
    return replace(told, given=given)


def handed_out(before: Facts) -> Facts:
    """The facts of a laptop of a school's stock once a student was given it."""
    place, holder = PLACE_AND_HOLDER["handed-out"]
    return replace(before, location=place, holder=holder, given=True)


# -- at a repair desk

STOLEN, LOST, ON_LOAN, REPLACED = "stolen", "lost", "on-loan", "replaced"
MARKS = (STOLEN, LOST, ON_LOAN, REPLACED)


class Turn(Struct, frozen=True):
    """Something that turned in a laptop's life, as a desk tells it."""

    kind: str
    happened_at: datetime


class Effect(Struct, frozen=True):
    """What a turn does: to the place (None: nothing), to whether it works, to the marks."""

    place: tuple[str, str] | None = None
    working: str = ""
    comes: tuple[str, ...] = ()
    goes: tuple[str, ...] = ()


DESK, VENDOR, GONE = (
    ("at-repair-desk", "repairer"),
    ("at-repairer", "repairer"),
    ("missing", "nobody"),
)
HOME, SHELF = ("with-student", "student"), ("at-school", "school")
# In the order in which they count at one instant.
EFFECTS: Mapping[str, Effect] = {
    "incident": Effect(DESK, "incident-reported"),
    "theft": Effect(GONE, comes=(STOLEN,)),
    "loss": Effect(GONE, comes=(LOST,)),
    "lent": Effect(HOME, comes=(ON_LOAN,)),
    "reopen": Effect(DESK, "incident-reported"),
    "start": Effect(DESK, "in-repair"),
    "wait": Effect(None, "in-repair"),
    "sent-to-vendor": Effect(VENDOR, "in-repair"),
    "repair": Effect(None, "working"),
    "beyond-repair": Effect(None, "beyond-repair"),
    "recovery": Effect(DESK, goes=(STOLEN, LOST)),
    "swap": Effect(DESK, comes=(REPLACED,)),
    "given": Effect(HOME),
    "return": Effect(HOME, "working"),
    "return-unmended": Effect(HOME),
    "back": Effect(SHELF, goes=(ON_LOAN,)),
}
ORDER = list(EFFECTS)


def after_desks(before: Facts, turns: Iterable[Turn]) -> Facts:
    """The facts of a laptop after all that a desk had to do with it. A laptop goes back to its
    student, unless another one took its place; what is stolen is brought by nobody.
    """
    now, its_students = before, before.location == HOME[0]
    for turn in sorted(turns, key=lambda one: (one.happened_at, ORDER.index(one.kind))):
        effect = EFFECTS[turn.kind]
        place = effect.place or (now.location, now.holder)
        if turn.kind == "swap":
            its_students = False
            place = GONE if now.location == GONE[0] else DESK
        elif turn.kind.startswith("return") and not its_students:
            place = SHELF
        marks = tuple(sorted({*now.marks, *effect.comes} - {*effect.goes}))
        working = _working(turn.kind, now.working)
        given = now.given or turn.kind == "given"
        now = replace(now, location=place[0], holder=place[1], working=working, marks=marks)
        now = replace(now, given=given)
    return now


def _working(kind: str, before: str) -> str:
    """To be given back mends nothing that is beyond repair, and ends a repair that failed."""
    if kind == "return-unmended" and before == "in-repair":
        return "incident-reported"
    kept = kind == "return" and before == "beyond-repair"
    return before if kept else EFFECTS[kind].working or before


# -- when lycée ends

RETURN_ASKED, RETURN_OVERDUE, ANOTHER = "return-asked", "return-overdue", "other-laptop-returned"
WRITTEN_OFF, SCRAPPED = "written-off", "scrapped"
END_MARKS = (RETURN_ASKED, RETURN_OVERDUE, ANOTHER, WRITTEN_OFF, SCRAPPED)
ASKED = (RETURN_ASKED, RETURN_OVERDUE)


class Ending(Struct, frozen=True):
    """What an act on a handover does: to the facts that it names, to the marks."""

    facts: Mapping[str, str] = {}
    comes: tuple[str, ...] = ()
    goes: tuple[str, ...] = ()


ENDINGS: Mapping[str, Ending] = {
    "certificate": Ending({"managed": "released"}),
    "handing-over": Ending({"owner": "student"}),
    "asked-back": Ending(comes=(RETURN_ASKED,)),
    "refusal": Ending(comes=(RETURN_ASKED,)),
    "return-of-another": Ending(comes=(ANOTHER,)),
    "overdue": Ending(comes=(RETURN_OVERDUE,)),
    "return": Ending(
        {"location": "at-school", "holder": "school", "owner": "region"}, goes=(*ASKED, ANOTHER)
    ),
    "scrapping": Ending({"location": "scrapped", "holder": "nobody"}, comes=(SCRAPPED,)),
    "write-off": Ending(comes=(WRITTEN_OFF,), goes=ASKED),
}


def after_the_end(before: Facts, acts: Iterable[str]) -> Facts:
    """The facts of a laptop after all acts on its handover, in their order."""
    now = before
    for ending in (ENDINGS[act] for act in acts if act in ENDINGS):
        marks = tuple(sorted({*now.marks, *ending.comes} - {*ending.goes}))
        now = replace(now, marks=marks, **ending.facts)
    return now


# -- what became of it

IN_USE = "in-use"
DISPOSITIONS = ("further-study", SCRAPPED, STOLEN, LOST, "returned", IN_USE)


def disposition(now: Facts) -> str:
    """In which one of these a laptop is, the first that holds: the students' are theirs for good,
    and what was written off is lost like what nobody finds.
    """
    if now.owner == "student":
        return "further-study"
    lost = now.location == "missing" or WRITTEN_OFF in now.marks
    marked = {*now.marks, *([LOST] if lost else [])}
    for word in (SCRAPPED, STOLEN, LOST):
        if word in marked:
            return word
    return "returned" if now.location == "at-school" and now.given else IN_USE
