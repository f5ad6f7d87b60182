"""What ordering answers about needs and orders. Pure."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime

from msgspec import UNSET, Struct, UnsetType

from services.ordering import core
from shared.contracts.ordering import OrderLine

NOTHING: Mapping[str, int] = Counter()


class NeedShown(Struct, frozen=True):
    """What a school needs: `computed` = newcomers + spare - stock_back, which is `counted` or was
    said, `needed` the same or what was decided in its place, `open` what of it is not ordered.
    """

    uai: str
    newcomers: int
    spare: int
    stock_back: int
    counted: bool
    computed: int
    decided: int | None
    needed: int
    ordered: int
    open: int


class YearShown(Struct, frozen=True):
    """A school year, all schools together. `counted`: of so many stock back is counted."""

    school_year: str
    spare_share: float
    schools: int
    counted: int
    newcomers: int
    needed: int
    ordered: int
    open: int


class LineShown(Struct, frozen=True):
    """A line of an order: quantity = announced + outstanding + cancelled. delivered: counted by a
    school; of those announced so many are admitted, refused (not_admitted), called off, disputed.
    late: so many were awaited when the promised day had passed; null while it has not.
    """

    line: str
    uai: str
    model: str
    quantity: int
    lot: str
    paid_by: str
    promised_on: date | None
    announced: int
    outstanding: int
    cancelled: int
    delivered: int
    admitted: int
    not_admitted: int
    called_off: int
    disputed: int
    fulfilled: bool
    late: int | None
    admitted_on: date | None


class OrderBrief(Struct, frozen=True):
    """An order as a whole: ordered = announced + outstanding + cancelled."""

    order: str
    school_year: str
    buyer: str
    supplier: str
    warranty_months: int
    ordered: int
    announced: int
    outstanding: int
    cancelled: int
    delivered: int
    cancelled_at: datetime | None


class OrderShown(Struct, frozen=True):
    """An order and its lines. `verdict` answers who placed
    or changed it, just now or once more.
    """

    order: str
    school_year: str
    buyer: str
    supplier: str
    warranty_months: int
    ordered: int
    announced: int
    outstanding: int
    cancelled: int
    delivered: int
    cancelled_at: datetime | None
    lines: list[LineShown]
    verdict: str | UnsetType = UNSET


def brief(number: str, order: core.Order) -> OrderBrief:
    """An order as a list shows it."""
    return OrderBrief(
        order=number,
        school_year=order.school_year,
        buyer=order.buyer,
        supplier=order.supplier,
        warranty_months=order.warranty_months,
        ordered=sum(line.quantity for line in order.lines.values()),
        announced=sum(order.announced.values()),
        outstanding=sum(core.outstanding(order, line) for line in order.lines),
        cancelled=sum(order.cancelled.values()),
        delivered=sum(order.delivered.values()),
        cancelled_at=order.cancelled_at,
    )


def shown(
    number: str,
    order: core.Order,
    tallies: Mapping[str, Mapping[str, int]],
    verdict: str | UnsetType = UNSET,
) -> OrderShown:
    """An order as its address answers it; `tallies` as the store counts them."""
    whole = brief(number, order)
    lines = [_line(order, line, tallies.get(line.line, NOTHING)) for line in order.lines.values()]
    same = {name: getattr(whole, name) for name in OrderBrief.__struct_fields__}
    return OrderShown(**same, lines=lines, verdict=verdict)


def _line(order: core.Order, line: OrderLine, tally: Mapping[str, int]) -> LineShown:
    name = line.line
    return LineShown(
        line=name,
        uai=line.school,
        model=line.model,
        quantity=line.quantity,
        lot=line.lot,
        paid_by=line.paid_by,
        promised_on=line.promised_on,
        announced=order.announced.get(name, 0),
        outstanding=core.outstanding(order, name),
        cancelled=order.cancelled.get(name, 0),
        delivered=order.delivered.get(name, 0),
        admitted=tally.get("admitted", 0),
        not_admitted=tally.get("not_admitted", 0),
        called_off=tally.get("called_off", 0),
        disputed=tally.get("disputed", 0),
        fulfilled=0 < line.quantity <= order.fulfilled.get(name, 0),
        late=order.late.get(name),
        admitted_on=order.admitted_on.get(name),
    )


def need_shown(now: core.Campaign, uai: str) -> NeedShown:
    """What a school needs."""
    need = core.standing(now, uai)
    return NeedShown(
        uai=uai,
        newcomers=need.newcomers,
        spare=core.spare(need.newcomers, now.spare_share),
        stock_back=need.stock_back,
        counted=need.counted,
        computed=core.computed(need, now.spare_share),
        decided=need.decided,
        needed=core.needed(now, uai),
        ordered=now.ordered.get(uai, 0),
        open=core.still_needed(now, uai),
    )


def year_shown(year: str, now: core.Campaign) -> YearShown:
    """A school year."""
    schools = [need_shown(now, uai) for uai in now.needs]
    return YearShown(
        school_year=year,
        spare_share=now.spare_share,
        schools=len(schools),
        counted=sum(one.counted for one in schools),
        newcomers=sum(one.newcomers for one in schools),
        needed=sum(one.needed for one in schools),
        ordered=sum(now.ordered.values()),
        open=sum(one.open for one in schools),
    )
