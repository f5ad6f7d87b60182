"""Ordering's rules: schools, needs, orders, the supplier's serial numbers, admission. Pure.

Orders, serial lists and admissions are intents: decided in the order in which they arrive, and
refused where they break what stands. What is heard of delivery only counts.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, assert_never

from msgspec import Struct
from msgspec.structs import asdict

from services.ordering.core import laptops, needs, orders
from services.ordering.core.commands import (
    WARRANTY_MONTHS,
    AdmitLaptop,
    AdmitLine,
    AmendOrder,
    AnnounceLaptop,
    CancelLaptop,
    CancelOrder,
    CloseDay,
    Command,
    CountDelivered,
    CountStock,
    CountTakenBack,
    ListSchool,
    Lot,
    NoteDelivered,
    NoteDisputed,
    NoteReplacement,
    NoteScrapped,
    NoteStock,
    NoteTakenBack,
    OrderNeeds,
    PlaceOrder,
    RefuseAdmission,
    SetSpareShare,
    StateNeed,
)
from services.ordering.core.laptops import Laptop, months_after
from services.ordering.core.needs import (
    MOST_LINES,
    Campaign,
    Need,
    computed,
    needed,
    spare,
    standing,
    still_needed,
    year_after,
)
from services.ordering.core.orders import Order, awaited, outstanding
from shared.contracts import ordering
from shared.contracts.calendar import day_of
from shared.contracts.identifiers import kind_of
from shared.decisions import Claim, Core, Decision, Folding, Refusal, Said

__all__ = [
    "CORE",
    "MOST_LINES",
    "WARRANTY_MONTHS",
    "AdmitLaptop",
    "AdmitLine",
    "AmendOrder",
    "AnnounceLaptop",
    "Campaign",
    "CancelLaptop",
    "CancelOrder",
    "CloseDay",
    "Command",
    "CountDelivered",
    "CountStock",
    "CountTakenBack",
    "Laptop",
    "ListSchool",
    "Lot",
    "Need",
    "NoteDelivered",
    "NoteDisputed",
    "NoteReplacement",
    "NoteScrapped",
    "NoteStock",
    "NoteTakenBack",
    "Order",
    "OrderNeeds",
    "PlaceOrder",
    "RefuseAdmission",
    "School",
    "SetSpareShare",
    "StateNeed",
    "awaited",
    "computed",
    "day_of",
    "months_after",
    "needed",
    "outstanding",
    "spare",
    "standing",
    "still_needed",
    "year_after",
]


class School(Struct, frozen=True):
    """A school's entry; an empty name when it is not listed."""

    name: str = ""
    kind: str = ""
    sector: str = ""
    academy: str = ""
    department: str = ""
    insee_code: str = ""
    town: str = ""
    postcode: str = ""


def keys(command: Command) -> tuple[str, ...]:
    match command:
        case PlaceOrder(year, lines=lines):
            schools = dict.fromkeys(f"school:{line.school}" for line in lines)
            return (f"campaign:{year}", *schools)
        case OrderNeeds(year) | AmendOrder(year) | CancelOrder(year) | NoteStock(school_year=year):
            return (f"campaign:{year}",)
        case StateNeed(school):
            return (f"school:{school}",)
        case AnnounceLaptop(order):
            return (f"order:{order}",)
        case (
            AdmitLaptop(order, school_year=year)
            | RefuseAdmission(order, school_year=year)
            | CancelLaptop(order, year)
        ):
            return (f"order:{order}", f"campaign:{year}")
    return ()


# -- decide


def decide(states: Mapping[str, Any], claim: Claim) -> Decision:
    """Facts of one claim, `()` when it is already so, or why not."""
    match kind_of(claim.subject):
        case "school":
            return _list(states[claim.subject], claim.subject, claim.command)
        case "campaign":
            return _campaign(states, claim)
        case "order":
            return _order(states, claim)
    return _laptop(states, claim)


def _list(stands: School, key: str, command: ListSchool) -> Decision:
    if asdict(command) == asdict(stands):
        return ()
    return ((key, ordering.SchoolListed(**asdict(command))),)


def _campaign(states: Mapping[str, Any], claim: Claim) -> Decision:
    now: Campaign = states[claim.subject]
    match claim.command:
        case SetSpareShare() as command:
            return needs.share_set(now, claim.subject, command)
        case CountStock() as command:
            return needs.stock(claim.subject, command)
        case StateNeed(school) as command:
            return needs.stated(now, claim.subject, command, bool(states[f"school:{school}"].name))
    assert_never(claim.command)


def _order(states: Mapping[str, Any], claim: Claim) -> Decision:  # noqa: C901, PLR0911  a return for each command
    now, key = states[claim.subject], claim.subject
    match claim.command:
        case PlaceOrder() as command:
            schools = {line.school: states[f"school:{line.school}"] for line in command.lines}
            return orders.place(now, key, command, schools)
        case OrderNeeds() as command:
            return _order_needs(states, key, command)
        case AmendOrder() as command:
            return orders.amend(now, key, command)
        case CancelOrder():
            return orders.cancel(now, key)
        case AdmitLine(line):
            return orders.admit_line(now, claim, line)
        case CountDelivered(line, laptop):
            return orders.delivered(now, key, line, laptop)
        case CountTakenBack(line, laptop):
            return ((key, ordering.LineTakenBack(line, laptop)),)
        case CloseDay(day):
            return orders.close_day(now, key, day)
    assert_never(claim.command)


def _order_needs(states: Mapping[str, Any], key: str, command: OrderNeeds) -> Decision:
    lines = needs.lines(states[f"campaign:{command.school_year}"], command)
    if isinstance(lines, Refusal) and not states[key].lines:
        return lines
    made = () if isinstance(lines, Refusal) else lines
    placed = ordering.OrderPlaced(
        command.school_year, command.buyer, command.supplier, made, command.warranty_months
    )
    if states[key].lines:
        return () if needs.same(states[key], command) else orders.exists()
    return orders.of_needs(key, placed)


def _laptop(states: Mapping[str, Any], claim: Claim) -> Decision:
    laptop, key = states[claim.subject], claim.subject
    match claim.command:
        case AnnounceLaptop(order) as command:
            return laptops.announce(states[f"order:{order}"], laptop, claim, command)
        case AdmitLaptop(order) as command:
            return laptops.admit(states[f"order:{order}"], laptop, claim, command)
        case RefuseAdmission(order) as command:
            return laptops.refuse(states[f"order:{order}"], laptop, key, command)
        case CancelLaptop(order) as command:
            return laptops.cancel(states[f"order:{order}"], laptop, key, command)
        case NoteStock() | NoteScrapped() as command:
            return laptops.stock(laptop, key, command)
        case NoteDelivered() | NoteDisputed() | NoteReplacement() | NoteTakenBack():
            return laptops.note(laptop, claim, claim.command)
    assert_never(claim.command)


# -- what follows


def follow(before: Mapping[str, Any], after: Mapping[str, Any], claim: Claim) -> Iterable[Claim]:
    """A laptop that a school counted counts for its order line, once; until that is taken back. One
    that is ready again counts in its school's stock.
    """
    if isinstance(claim.command, NoteStock | NoteScrapped):
        yield from _in_stock(before[claim.subject].stock, after[claim.subject].stock, claim)
    if not isinstance(claim.command, NoteDelivered | NoteTakenBack):
        return
    was, now = before[claim.subject], after[claim.subject]
    if now.order is not None and was.delivered != now.delivered:
        counted = CountDelivered if now.delivered else CountTakenBack
        count = counted(now.line, claim.subject)
        name, key = f"{claim.id} {claim.subject}", f"order:{now.order}"
        yield Claim("ordering", name, key, claim.happened_at, count, stated=False)


def _in_stock(was: str | None, now: str | None, claim: Claim) -> Iterable[Claim]:
    """What changes in stock: where it is ready in another year it was so in the one before, too."""
    year = now.partition("/")[0] if now else None
    for there, change in ((was, -1), (now, 1)):
        about, _, school = (there or "").partition("/")
        if was == now or not there or year not in (about, None):
            continue
        name, key = f"{claim.id} {claim.subject} {change}", f"campaign:{about}"
        count = CountStock(school, change)
        yield Claim("ordering", name, key, claim.happened_at, count, stated=False)


def _its_year(now: Laptop) -> tuple[str, ...]:
    return (f"campaign:{now.stock.partition('/')[0]}",) if now.stock else ()


def _its_order(now: Laptop) -> tuple[str, ...]:
    return (f"order:{now.order}",) if now.order else ()


# -- evolve


def start(key: str) -> School | Campaign | Order | Laptop:
    empty: Mapping[str, type[School | Campaign | Order | Laptop]] = {
        "school": School,
        "campaign": Campaign,
        "order": Order,
        "laptop": Laptop,
    }
    return empty[kind_of(key)]()


FIRST = (ordering.LaptopNoteWithdrawn, ordering.OrderPlaced, ordering.LaptopAnnounced)


def first_things_first(life: Sequence[Said]) -> list[Said]:
    """A life in order, with what holds for what is dated before it first: what was taken back, the
    order itself, and what a list announced, for schools may have counted it by then.
    """
    return sorted(life, key=lambda said: not isinstance(said.fact, FIRST))


def evolve(now: Any, said: Said) -> Any:
    match now:
        case Order():
            return orders.evolve(now, said)
        case Laptop():
            return laptops.evolve(now, said)
        case Campaign():
            return needs.evolve(now, said.fact)
    listed: ordering.SchoolListed = said.fact
    return School(**asdict(listed))


CORE = Core(
    publisher="ordering",
    commands=Command,
    facts=ordering.Fact,
    folding=Folding(
        ordering.RANK,
        evolve,
        start,
        stands=first_things_first,
        restarts=(ordering.LaptopNoteWithdrawn,),
        # They only add up, or bear a number of their own: when they happened makes no difference.
        commuting=(
            *(ordering.LineAnnounced, ordering.LineAdmitted, ordering.LineDelivered),
            ordering.LineTakenBack,
            *(ordering.OrderAmended, ordering.OrderCancelled, ordering.OrderLineFulfilled),
            *(ordering.OrderLate, ordering.SpareShareSet, ordering.NeedStated),
            *(ordering.NeedsOrdered, ordering.StockCounted),
        ),
    ),
    keys=keys,
    decide=decide,
    follow=follow,
    reach={
        NoteDelivered: _its_order,
        NoteTakenBack: _its_order,
        NoteStock: _its_year,
        NoteScrapped: _its_year,
    },
)
