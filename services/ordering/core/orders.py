"""Purchase orders and their lines. Pure.

Per line, at all times: ordered = announced + outstanding + cancelled.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from services.ordering.core.commands import (
    WARRANTY_MONTHS,
    AmendOrder,
    PlaceOrder,
)
from shared.contracts import ordering
from shared.contracts.calendar import day_of
from shared.contracts.ordering import OrderLine
from shared.decisions import Claim, Decision, Refusal, Said


class Order(Struct, frozen=True):
    """An order; no lines when it was not placed. amended to late are by line: how many more were
    ordered since, how many have a serial number, since when all are admitted, how many a school
    counted, at which quantity it was fulfilled, how many come no more, how many were awaited when
    the promised day had passed. `due`: the first promised day, ISO, of a line that is neither late
    nor done with.
    """

    school_year: str = ""
    buyer: str = ""
    supplier: str = ""
    warranty_months: int = WARRANTY_MONTHS
    lines: dict[str, OrderLine] = {}
    amended: dict[str, int] = {}
    announced: dict[str, int] = {}
    admitted_on: dict[str, date] = {}
    delivered: dict[str, int] = {}
    fulfilled: dict[str, int] = {}
    cancelled: dict[str, int] = {}
    cancelled_at: datetime | None = None
    late: dict[str, int] = {}
    due: str | None = None


def outstanding(now: Order, line: str) -> int:
    """How many laptops of a line are still to be announced."""
    gone = now.announced.get(line, 0) + now.cancelled.get(line, 0)
    return now.lines[line].quantity - gone


def awaited(now: Order, line: str) -> int:
    """How many laptops of a line no school has counted, of those that are to come."""
    gone = now.delivered.get(line, 0) + now.cancelled.get(line, 0)
    return now.lines[line].quantity - gone


# -- decide


def place(stands: Order, key: str, command: PlaceOrder, schools: Mapping[str, Any]) -> Decision:
    """An order for schools (entries by UAI) that are listed."""
    fact = ordering.OrderPlaced(
        command.school_year, command.buyer, command.supplier, command.lines, command.warranty_months
    )
    if stands.lines:
        return () if _same(stands, fact) else exists()
    for number, line in enumerate(command.lines):
        if not schools[line.school].name:
            where = f"{line.school} is not in the directory: import it first"
            return Refusal("unknown-school", where, f"/lines/{number}/uai")
    ordered = _by_school((line.school, line.quantity) for line in command.lines)
    return ((key, fact), _needs_ordered(key, command.school_year, ordered))


def no_line(now: Order, line: str) -> str:
    """That an order has no such line, and which it has, or the first of them."""
    if not now.lines:
        return "there is no order of this number"
    some = [*now.lines][:10]
    more = ", …" if len(now.lines) > len(some) else ""
    return f"the order has no line {line}: its lines are {', '.join(some)}{more}"


def of_needs(key: str, fact: ordering.OrderPlaced) -> Decision:
    """An order made from needs; the lines are named by their schools."""
    ordered = {line.school: line.quantity for line in fact.lines}
    return ((key, fact), _needs_ordered(key, fact.school_year, ordered))


def _same(stands: Order, fact: ordering.OrderPlaced) -> bool:
    """Whether an order is what was placed, however its lines were amended since."""
    placed = _placed(Order(), fact)
    terms = ("school_year", "buyer", "supplier", "warranty_months")
    alike = all(getattr(stands, name) == getattr(placed, name) for name in terms)
    return alike and as_placed(stands) == placed.lines


def as_placed(now: Order) -> dict[str, OrderLine]:
    """The lines as they were before they were amended."""
    return {
        name: replace(line, quantity=line.quantity - now.amended.get(name, 0))
        for name, line in now.lines.items()
    }


def exists() -> Refusal:
    return Refusal(
        "order-exists", "an order with this number stands with another content", "/order"
    )


def amend(now: Order, key: str, command: AmendOrder) -> Decision:
    """Other quantities, none below what is announced."""
    if now.cancelled_at:
        return Refusal("order-cancelled", "the order is cancelled: place another")
    amended = []
    for number, (line, quantity) in enumerate(command.quantities.items()):
        if line not in now.lines:
            return Refusal("unknown-line", no_line(now, line), f"/lines/{number}/line")
        if quantity < (announced := now.announced.get(line, 0)):
            many = f"{announced} laptops of line {line} are announced: {quantity} is too few"
            return Refusal("already-announced", many, f"/lines/{number}/quantity")
        if change := quantity - now.lines[line].quantity:
            amended.append(ordering.AmendedLine(line, quantity, change))
    if not amended:
        return ()
    fact = ordering.OrderAmended(tuple(amended))
    ordered = _by_school((now.lines[one.line].school, one.change) for one in amended)
    done = _fulfilments(_amended(now, fact), key, (one.line for one in amended))
    return ((key, fact), _needs_ordered(key, now.school_year, ordered), *done)


def cancel(now: Order, key: str) -> Decision:
    """Nothing more comes of it; what is announced is called off laptop by laptop."""
    if now.cancelled_at:
        return ()
    gone = {line: count for line in now.lines if (count := outstanding(now, line))}
    ordered = _by_school((now.lines[line].school, -count) for line, count in gone.items())
    needs = [_needs_ordered(key, now.school_year, ordered)] if ordered else []
    return ((key, ordering.OrderCancelled(gone)), *needs)


def admit_line(order: Order, claim: Claim, line: str) -> Decision:
    if line not in order.lines:
        return Refusal("unknown-line", no_line(order, line), "/line")
    if line in order.admitted_on:
        return ()  # once is enough: the decision stands
    if order.cancelled_at:
        kept = "the order is cancelled: name the laptops of it that are kept"
        return Refusal("order-cancelled", kept, "/laptops")
    return ((claim.subject, ordering.LineAdmitted(line, order.warranty_months)),)


def delivered(now: Order, key: str, line: str, laptop: str) -> tuple[tuple[str, Any], ...]:
    """One more laptop of a line is with a school; perhaps the last."""
    fact = ordering.LineDelivered(line, laptop)
    return ((key, fact), *_fulfilments(_delivered(now, line), key, [line]))


def _fulfilments(now: Order, key: str, lines: Iterable[str]) -> list[tuple[str, Any]]:
    """Lines of which schools counted all; said again only of a larger quantity."""
    return [
        (key, ordering.OrderLineFulfilled(line, quantity))
        for line in lines
        if (quantity := now.lines[line].quantity)
        and not now.cancelled_at
        and awaited(now, line) <= 0 < now.delivered.get(line, 0)
        and now.fulfilled.get(line, 0) < quantity
    ]


def close_day(now: Order, key: str, day: date) -> Decision:
    """Lines whose promised day is over and of which laptops are awaited; said once of each."""
    late = {
        name: awaited(now, name)
        for name, line in now.lines.items()
        if line.promised_on and line.promised_on < day and _open(now, name)
    }
    return ((key, ordering.OrderLate(late)),) if late else ()


def _open(now: Order, line: str) -> bool:
    """Whether laptops of a line are awaited, and it was not yet said that they are late."""
    return line not in now.late and not now.cancelled_at and awaited(now, line) > 0


def _by_school(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for school, count in counts:
        sums[school] += count
    return dict(sums)


def given_back(now: Order, order: str, line: str, change: int) -> tuple[str, ordering.NeedsOrdered]:
    """What becomes of a school's need when a laptop for it is called off or refused (-1), or is
    admitted after all (1).
    """
    return _needs_ordered(f"order:{order}", now.school_year, {now.lines[line].school: change})


def _needs_ordered(
    key: str, school_year: str, changes: dict[str, int]
) -> tuple[str, ordering.NeedsOrdered]:
    order = key.removeprefix("order:")
    return f"campaign:{school_year}", ordering.NeedsOrdered(order, changes)


# -- evolve


def evolve(now: Order, said: Said) -> Order:
    """One more fact. All but the first only add up, so that their order makes no difference."""
    after = _evolved(now, said)
    match said.fact:
        case ordering.LineDelivered(line) if awaited(after, line):
            return after
        case ordering.LineDelivered() | ordering.LineTakenBack() | ordering.OrderPlaced():
            return replace(after, due=_due(after))
        case ordering.OrderAmended() | ordering.OrderCancelled() | ordering.OrderLate():
            return replace(after, due=_due(after))
    return after


def _due(now: Order) -> str | None:
    promised = (line.promised_on for name, line in now.lines.items() if _open(now, name))
    return min((day.isoformat() for day in promised if day), default=None)


def _evolved(now: Order, said: Said) -> Order:  # noqa: C901, PLR0911  a return for each fact
    match said.fact:
        case ordering.OrderPlaced() as placed:
            return _placed(now, placed)
        case ordering.OrderAmended() as amended:
            return _amended(now, amended)
        case ordering.OrderCancelled(cancelled):
            return replace(now, cancelled=cancelled, cancelled_at=said.happened_at)
        case ordering.LineAnnounced(line):
            return replace(now, announced=now.announced | {line: now.announced.get(line, 0) + 1})
        case ordering.LineAdmitted(line):
            return replace(now, admitted_on={line: day_of(said.happened_at)} | now.admitted_on)
        case ordering.LineDelivered(line):
            return _delivered(now, line)
        case ordering.LineTakenBack(line):
            return _delivered(now, line, -1)
        case ordering.OrderLineFulfilled(line, quantity):
            most = max(quantity, now.fulfilled.get(line, 0))
            return replace(now, fulfilled=now.fulfilled | {line: most})
        case ordering.OrderLate(late):
            return replace(now, late=late | now.late)
    return now


def _placed(now: Order, placed: ordering.OrderPlaced) -> Order:
    return replace(
        now,
        school_year=placed.school_year,
        buyer=placed.buyer,
        supplier=placed.supplier,
        warranty_months=placed.warranty_months,
        lines={line.line: line for line in placed.lines},
    )


def _amended(now: Order, amended: ordering.OrderAmended) -> Order:
    lines = {
        one.line: replace(line, quantity=line.quantity + one.change)
        for one in amended.lines
        if (line := now.lines.get(one.line))
    }
    changes = {one.line: now.amended.get(one.line, 0) + one.change for one in amended.lines}
    return replace(now, lines=now.lines | lines, amended=now.amended | changes)


def _delivered(now: Order, line: str, change: int = 1) -> Order:
    return replace(now, delivered=now.delivered | {line: now.delivered.get(line, 0) + change})
