"""What the facts of all services amount to: a life for each
laptop, and what is known of schools, orders, shipments. Pure.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from services.tracking import ending, mending
from shared.contracts import custody, delivery, enrolment, handover, ordering, repairs, shipments
from shared.contracts.calendar import day_of, midnight
from shared.contracts.custody import Custody
from shared.contracts.identifiers import department, kind_of
from shared.decisions import Folding, Said


class Life(Struct, frozen=True):
    """A laptop: its five facts, when it first came how far, where it belongs, by when it was
    promised (`due_at`: when that day ends in Paris), what stands in its place or it in another's,
    what repairs and handover say that is unusual (`marks`), cases of recalls that it has not come
    back from (`recalls`), which acts of device management let it go (`released`), which handovers
    are `ended` or still `opened`, what stands in their way (`blocks`: cause, case, event), by which
    its student owns it (`ceded_by`), what became of it (`disposition`), and when a fact of it was
    last heard.
    """

    location: str = "unknown"
    holder: str = "nobody"
    owner: str = "supplier"
    working: str = "working"
    managed: str = "not-enrolled"
    announced_at: datetime | None = None
    dispatched_at: datetime | None = None
    arrived_at: datetime | None = None
    received_at: datetime | None = None
    admitted_at: datetime | None = None
    handed_out_at: datetime | None = None
    order: str | None = None
    line: str | None = None
    lot: str | None = None
    model: str | None = None
    school: str | None = None
    destination: str | None = None
    redirected: bool = False
    shipment: str | None = None
    student: str | None = None
    since: datetime | None = None
    warranty_from: str | None = None
    warranty_to: str | None = None
    promised_on: str | None = None
    due_at: datetime | None = None
    replaced_by: str | None = None
    replaces: str | None = None
    marks: tuple[str, ...] = ()
    recalls: tuple[str, ...] = ()
    handed_over_at: datetime | None = None
    in_further_study_at: datetime | None = None
    released: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    disposition: str = "in-use"
    opened: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    ceded_by: str | None = None
    custody: Custody = Custody()
    changed_at: datetime | None = None


class School(Struct, frozen=True):
    """A school's entry in the directory."""

    name: str = ""
    kind: str = ""
    town: str = ""
    department: str = ""


class Line(Struct, frozen=True):
    """What was ordered on one line. `cancelled`: how many come no more; `late`: how many were
    awaited when the promised day had passed, None while it has not.
    """

    school: str
    model: str
    quantity: int
    lot: str
    promised_on: date | None
    cancelled: int = 0
    late: int | None = None


class Order(Struct, frozen=True):
    """What was ordered."""

    school_year: str = ""
    supplier: str = ""
    lines: dict[str, Line] = {}


class Shipment(Struct, frozen=True):
    """The last that was said of a shipment, and which laptops its carrier named in it."""

    owner: str | None = None
    order: str | None = None
    school: str | None = None
    state: str = ""
    since: datetime | None = None
    quantity: int | None = None
    laptops: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()


class Student(Struct, frozen=True):
    """A student as enrolment tells of him, a pseudonym: where he is, or was last; `erased`: nobody
    can say any more who it was, which no later word undoes.
    """

    school: str = ""
    erased: bool = False


def start(key: str) -> Life | School | Order | Shipment | Student:
    empty: Mapping[str, type[Life | School | Order | Shipment | Student]] = {
        "laptop": Life,
        "school": School,
        "order": Order,
        "shipment": Shipment,
        "student": Student,
    }
    return empty[kind_of(key)]()


def evolve(now: Any, said: Said) -> Any:
    """One more fact; a fact that means nothing here changes nothing."""
    match now:
        case Life():
            gone = custody.gone(now.custody, said)
            return now if gone else ending.settled(_laptop(now, said))
        case Shipment():
            return shipments.moved(now, said)
        case Order():
            return _order(now, said.fact)
        case Student():
            erased = now.erased or isinstance(said.fact, enrolment.StudentErased)
            return Student(getattr(said.fact, "school", now.school), erased)
    listed = said.fact
    if isinstance(listed, ordering.SchoolListed):
        return School(listed.name, listed.kind, listed.town, listed.department)
    return now


def _order(now: Order, fact: Any) -> Order:
    match fact:
        case ordering.OrderPlaced() as placed:
            lines = {
                line.line: Line(line.school, line.model, line.quantity, line.lot, line.promised_on)
                for line in placed.lines
            }
            return Order(placed.school_year, placed.supplier, lines)
        case ordering.OrderAmended(amended):
            changes = {one.line: one.change for one in amended}
            return _each(now, changes, lambda line, n: replace(line, quantity=line.quantity + n))
        case ordering.OrderCancelled(cancelled):
            return _each(now, cancelled, lambda line, count: replace(line, cancelled=count))
        case ordering.OrderLate(late):
            return _each(now, late, lambda line, count: replace(line, late=count))
    return now


def _each(now: Order, counts: Mapping[str, int], change: Callable[[Line, int], Line]) -> Order:
    """An order with lines changed by a count of each."""
    known = {name: line for name, line in now.lines.items() if name in counts}
    changed = {name: change(line, counts[name]) for name, line in known.items()}
    return replace(now, lines=now.lines | changed)


def _laptop(now: Life, said: Said) -> Life:  # noqa: C901, PLR0911  a return for each fact
    held = custody.moved(now.custody, said)
    after, moved = _held(ending.there_again(now, said.fact), held), _moved(now.custody, held)
    match said.fact:
        case ordering.LaptopAnnounced(order, line, school, model, lot, promised_on=day):
            listed = replace(after, order=order, line=line, model=model, lot=lot)
            announced_at = after.announced_at or said.happened_at
            known = after.destination if after.redirected else school
            return _bound(_promised(replace(listed, announced_at=announced_at), day), known)
        case ordering.LaptopAdmitted(warranty_from=start, warranty_to=end):
            return replace(
                after,
                owner="region",
                admitted_at=after.admitted_at or said.happened_at,
                warranty_from=str(start),
                warranty_to=str(end),
            )
        case ordering.LaptopCancelled():
            return replace(after, due_at=None)  # nobody waits for it
        case delivery.LaptopPacked(shipment, school=school) if held is not now.custody:
            return _bound(replace(after, shipment=shipment), after.destination or school)
        case delivery.LaptopRedirected(school, shipment) if moved:
            there = replace(after, shipment=shipment or after.shipment, redirected=True)
            return _bound(there, school)
    if isinstance(said.fact, repairs.Fact):
        return replace(after, **mending.changes(after, said.fact))
    if isinstance(said.fact, handover.Fact):
        return replace(after, **ending.changes(after, said.fact, said.happened_at))
    station = _station(said.fact)
    if station is None or not moved:
        return after
    shipment = getattr(said.fact, "shipment", None) or after.shipment
    return _reached(replace(after, shipment=shipment), station, said.happened_at)


def _moved(before: Custody, after: Custody) -> bool:
    """Whether a fact said where the laptop is, and not only that something is unusual."""
    return after is not before and replace(after, remarks=before.remarks) != before


def _held(now: Life, held: Custody) -> Life:
    """A life with the custody that it has now."""
    return replace(
        now,
        custody=held,
        location=held.location,
        holder=held.holder,
        student=held.student,
        since=held.since,
        school=held.school or now.destination,
    )


def _promised(now: Life, day: date | None) -> Life:
    """A life with the day by which the supplier promised delivery."""
    if day is None:
        return now
    # After the calendar's last day there is no moment to be late.
    due_at = midnight(day + timedelta(days=1)) if day < date.max else None
    return replace(now, promised_on=str(day), due_at=due_at)


def _bound(now: Life, destination: str | None) -> Life:
    """A life that belongs to the school it is bound for, until a school holds it."""
    return replace(now, destination=destination, school=now.custody.school or destination)


STATIONS: Mapping[type, str] = {
    delivery.LaptopDispatched: "dispatched_at",
    delivery.LaptopInTransit: "dispatched_at",
    delivery.LaptopArrived: "arrived_at",
    delivery.LaptopReceived: "received_at",
    delivery.LaptopMoved: "received_at",
    delivery.LaptopBackToStock: "received_at",
    delivery.LaptopHandedOut: "handed_out_at",
}
WAY = ("dispatched_at", "arrived_at", "received_at", "handed_out_at")


def _station(fact: Any) -> str | None:
    """How far a fact says that a laptop has come: what nobody expected is there all the same."""
    if isinstance(fact, delivery.DiscrepancyReported):
        return "received_at" if fact.kind == "unexpected" else None
    return STATIONS.get(type(fact))


def _reached(now: Life, station: str, at: datetime) -> Life:
    """A laptop that came so far passed all stations before, whether or not they were spoken of."""
    passed = WAY[: WAY.index(station) + 1]
    first = {name: at for name in passed if getattr(now, name) is None}
    return replace(now, **first) if first else now


Fact = ordering.Fact | delivery.Fact | repairs.Fact | enrolment.Fact | handover.Fact
FOLDING = Folding(
    ordering.RANK | delivery.RANK | repairs.RANK | enrolment.RANK | handover.RANK,
    evolve,
    start,
    stands=custody.as_it_counts,
    restarts=custody.RESTARTS,
    commuting=custody.COMMUTING,
)


# -- counting


STEPS = (
    *("announced", "dispatched", "arrived", "received", "admitted", "handed-out"),
    *("handed-over", "in-further-study"),
)


def column(step: str) -> str:
    """The field that holds when a laptop first reached a step of the funnel."""
    return step.replace("-", "_") + "_at"


def reached(life: Life) -> dict[str, datetime]:
    """The steps of the funnel that a laptop came to, and when it first did."""
    return {step: at for step in STEPS if (at := getattr(life, column(step))) is not None}


def owned_since(life: Life) -> datetime | None:
    """Since when its owner owns it; None while it is the supplier's."""
    return life.handed_over_at if life.owner == "student" else life.admitted_at


PROMISES = ("on-time", "late", "due")


def outcome(word: str) -> str:
    """What may become of a promise. Raises ValueError for any other word."""
    if word not in PROMISES:
        raise ValueError(f"{word[:20]!r} is none of {', '.join(PROMISES)}")
    return word


def kept(life: Life) -> str | None:
    """Whether a laptop was received by the end of the day for which it was promised: on-time or
    late; None while it is not received, or where nothing was promised.
    """
    if life.received_at is None or life.due_at is None:
        return None
    return "on-time" if life.received_at < life.due_at else "late"


def flags(life: Life) -> list[str]:
    """What is unusual about a laptop, or does not fit together. What the region owns is neither
    called off nor refused, whichever was dated earlier; a number of which nothing holds that was
    said, for it was mistyped, is nobody's to announce.
    """
    settled = (custody.CALLED_OFF, custody.NOT_ADMITTED) if life.admitted_at else ()
    remarks = (one for one in life.custody.remarks if one not in settled)
    spoken_of = life.location != "unknown" or life.custody.carriers
    unannounced = ["unannounced"] if spoken_of and not life.announced_at else []
    return [*unannounced, *remarks, *life.marks, *ending.held_up(life)]


def counted(life: Life) -> set[tuple[str, str, str]]:
    """In which tallies a laptop stands: (scope, name,
    value). What is not announced is in no stock figure.
    """
    flagged = {("region", "flag", flag) for flag in flags(life)}
    if not life.announced_at:
        return flagged
    scopes = {"region", f"line:{life.order}/{life.line}"}
    if life.school:
        scopes |= {f"school:{life.school}", f"department:{department(life.school)}"}
    names = ("location", "owner", "working", "disposition")
    values = {(name, getattr(life, name)) for name in names}
    if outcome := kept(life):
        values.add(("promise", outcome))
    standing = {(scope, name, value) for scope in scopes for name, value in values} | flagged
    for step, at in reached(life).items():
        standing |= {(scope, "reached", step) for scope in scopes}
        standing.add((f"day:{day_of(at).isoformat()}", "reached", step))
    return standing
