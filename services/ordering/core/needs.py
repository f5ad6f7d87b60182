"""What schools need in a school year, and the lines that an order makes of it. Pure."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from services.ordering.core.commands import CountStock, Lot, OrderNeeds, SetSpareShare, StateNeed
from services.ordering.core.orders import Order
from shared.contracts import ordering
from shared.contracts.calendar import day_of
from shared.contracts.identifiers import department
from shared.contracts.ordering import OrderLine
from shared.decisions import Decision, Refusal

SPARE_SHARE = 0.05  # until a school year is given another
MOST_LINES = 2_000
SEPTEMBER = 9


class Need(Struct, frozen=True):
    """What was said of a school; `revision` counts how often; `counted`: what came back was not
    said, and is counted.
    """

    newcomers: int
    stock_back: int
    decided: int | None = None
    revision: int = 1
    counted: bool = False


class Campaign(Struct, frozen=True):
    """A school year: needs, how many laptops are ordered, how many came back in time, by UAI."""

    spare_share: float = SPARE_SHARE
    revision: int = 0
    needs: dict[str, Need] = {}
    ordered: dict[str, int] = {}
    back: dict[str, int] = {}


def year_after(moment: datetime) -> str:
    """The school year that begins next."""
    day = day_of(moment)
    begins = day.year + (day.month >= SEPTEMBER)
    return f"{begins}-{begins + 1}"


def spare(newcomers: int, share: float) -> int:
    """Laptops kept in reserve for so many newcomers, rounded up. In ten-thousandths, so that 5 % of
    20 is 1 and not a little more.
    """
    return -(-newcomers * round(share * 10_000) // 10_000)


def computed(need: Need, share: float) -> int:
    """Newcomers and a share in reserve, without what came back into stock; never below nought."""
    return max(0, need.newcomers + spare(need.newcomers, share) - need.stock_back)


def standing(now: Campaign, school: str) -> Need:
    """What a school needs, with what came back as it was said, else as it was counted."""
    need = now.needs[school]
    return replace(need, stock_back=now.back.get(school, 0)) if need.counted else need


def needed(now: Campaign, school: str) -> int:
    """How many laptops a school is to get: what was decided, else what is computed."""
    need = standing(now, school)
    return computed(need, now.spare_share) if need.decided is None else need.decided


def still_needed(now: Campaign, school: str) -> int:
    """How many of them are not ordered."""
    return max(0, needed(now, school) - now.ordered.get(school, 0))


# -- decide


def share_set(now: Campaign, key: str, command: SetSpareShare) -> Decision:
    if now.revision and now.spare_share == command.share:
        return ()
    return ((key, ordering.SpareShareSet(command.share, now.revision + 1)),)


def stated(now: Campaign, key: str, command: StateNeed, listed: bool) -> Decision:
    if not listed:
        where = f"{command.school} is not in the directory: import it first"
        return Refusal("unknown-school", where, "/uai")
    before = now.needs.get(command.school)
    revision = before.revision + 1 if before else 1
    back, counted = command.stock_back or 0, command.stock_back is None
    said = Need(command.newcomers, back, command.decided, revision, counted)
    if before and replace(said, revision=before.revision) == before:
        return ()
    return ((key, ordering.NeedStated(command.school, *_in_order(said))),)


def _in_order(need: Need) -> tuple[int, int, int | None, int, bool]:
    return need.newcomers, need.stock_back, need.decided, need.revision, need.counted


def stock(key: str, command: CountStock) -> Decision:
    return ((key, ordering.StockCounted(command.school, command.change)),)


def lines(now: Campaign, command: OrderNeeds) -> tuple[OrderLine, ...] | Refusal:
    """A line for each school that still needs laptops and that a lot is meant for."""
    made = []
    for school in sorted(now.needs):
        count, lot = still_needed(now, school), _lot_for(school, command.lots)
        if count and lot:
            made.append(
                OrderLine(school, school, lot.model, count, lot.lot, lot.paid_by, lot.promised_on)
            )
    if not made:
        nothing = f"no school that these lots are for needs more laptops in {command.school_year}"
        return Refusal("nothing-needed", nothing, "/lots")
    if len(made) > MOST_LINES:
        many = f"{len(made)} schools need laptops: order them département by département"
        return Refusal("too-many-lines", many, "/lots")
    return tuple(made)


def _lot_for(school: str, lots: Sequence[Lot]) -> Lot | None:
    """The lot that names a school's département, else the one that names none."""
    mine = (lot for lot in lots if department(school) in lot.departments)
    return next(mine, next((lot for lot in lots if not lot.departments), None))


def same(now: Order, command: OrderNeeds) -> bool:
    """Whether an order is what a command makes of needs: these terms, and lines for these lots."""
    terms = ("school_year", "buyer", "supplier", "warranty_months")
    alike = all(getattr(now, name) == getattr(command, name) for name in terms)
    return alike and all(
        (lot := _lot_for(line.school, command.lots)) is not None
        and line.line == line.school
        and (line.model, line.lot, line.paid_by, line.promised_on)
        == (lot.model, lot.lot, lot.paid_by, lot.promised_on)
        for line in now.lines.values()
    )


# -- evolve


def evolve(now: Campaign, fact: object) -> Campaign:
    match fact:
        case ordering.SpareShareSet(share, revision) if revision > now.revision:
            return replace(now, spare_share=share, revision=revision)
        case ordering.NeedStated(school, newcomers, stock_back, decided, revision, counted):
            before = now.needs.get(school)
            if before is None or revision > before.revision:
                need = Need(newcomers, stock_back, decided, revision, counted)
                return replace(now, needs=now.needs | {school: need})
        case ordering.StockCounted(school, change):
            back = now.back | {school: now.back.get(school, 0) + change}
            return replace(now, back={uai: count for uai, count in back.items() if count})
        case ordering.NeedsOrdered(_, changes):
            sums = {
                school: now.ordered.get(school, 0) + change for school, change in changes.items()
            }
            return replace(now, ordered=now.ordered | sums)
    return now
