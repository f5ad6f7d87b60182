"""Laptops that fill orders: announced, admitted or not, called off, delivered. Pure."""

from calendar import monthrange
from datetime import date
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from services.ordering.core import orders
from services.ordering.core.commands import (
    AdmitLaptop,
    AnnounceLaptop,
    CancelLaptop,
    NoteDelivered,
    NoteDisputed,
    NoteReplacement,
    NoteScrapped,
    NoteStock,
    NoteTakenBack,
    RefuseAdmission,
)
from services.ordering.core.orders import Order
from shared.contracts import ordering
from shared.contracts.calendar import day_of
from shared.decisions import Claim, Decision, Refusal, Said

MISSING = "missing"
CORRECT = "correct the number, or leave it out"


class Laptop(Struct, frozen=True):
    """A laptop as ordering knows it. `delivered`: a school counted it, said as these events
    (`counts`); `disputed`: the last discrepancy that was reported of it; `gone`: of which lines it
    was refused or called off; `replacement`: the repair case for which another laptop is needed in
    its place; `stock`: where it is ready again and from which school year on, as `<year>/<UAI>`;
    `withdrawn`: events that hold no longer, as `<service>: <party> <id>`.
    """

    order: str | None = None
    line: str | None = None
    admitted: bool = False
    refused: bool = False
    cancelled: bool = False
    delivered: bool = False
    disputed: str | None = None
    gone: tuple[str, ...] = ()
    replacement: str | None = None
    stock: str | None = None
    scrapped: bool = False
    counts: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()

    @property
    def given_back(self) -> bool:
        """Whether its line gets it no more: another may be ordered for the school, and it may be
        announced on another line.
        """
        return self.refused or self.cancelled


# -- decide


def announce(order: Order, laptop: Laptop, claim: Claim, command: AnnounceLaptop) -> Decision:  # noqa: PLR0911  a return for each refusal
    stranger = claim.party.startswith("supplier:") and claim.party != f"supplier:{order.supplier}"
    if order.lines and stranger:
        return Refusal("not-your-order", f"order {command.order} is another supplier's", "/order")
    line = order.lines.get(command.line)
    if line is None:
        return Refusal(
            "unknown-line",
            orders.no_line(order, command.line),
            "/line",
        )
    if command.model.casefold() != line.model.casefold():
        return Refusal(
            "other-model",
            f"line {command.line} is for {line.model}: correct the model or the line",
            "/model",
        )
    if (laptop.order, laptop.line) == (command.order, command.line):
        return ()
    if laptop.order is not None and not laptop.given_back:
        return Refusal("already-announced", _where_it_stands(laptop, claim, command), "/serial")
    if order.cancelled_at:
        return Refusal(
            "order-cancelled", f"order {command.order} is cancelled: ask for another", "/order"
        )
    if orders.outstanding(order, command.line) <= 0:
        return Refusal(
            "more-than-ordered",
            f"all {line.quantity} laptops of line {command.line} are announced: "
            "have the order amended, or leave this one out",
            "/line",
        )
    return _announced(order, laptop, claim, command)


def _announced(
    order: Order, laptop: Laptop, claim: Claim, command: AnnounceLaptop
) -> tuple[tuple[str, Any], ...]:
    """What comes of an announcement: by what stands it may be admitted, and delivered, at once."""
    line = order.lines[command.line]
    announced = ordering.LaptopAnnounced(
        *(command.order, command.line, line.school, line.model, line.lot, order.supplier),
        promised_on=line.promised_on,
    )
    key = f"order:{command.order}"
    facts: list[tuple[str, Any]] = [
        (claim.subject, announced),
        (key, ordering.LineAnnounced(command.line, claim.subject)),
    ]
    decided = order.admitted_on.get(command.line)
    if decided is not None:  # it stands: for each laptop heard of later, from that day on
        day = max(decided, day_of(claim.happened_at))
        facts.append((claim.subject, _admitted(order, command.order, command.line, day)))
    if laptop.delivered:
        facts += orders.delivered(order, key, command.line, claim.subject)
    return tuple(facts)


def _where_it_stands(laptop: Laptop, claim: Claim, command: AnnounceLaptop) -> str:
    """Where a laptop is announced already; a supplier is told of no order but the one at hand."""
    if claim.party.startswith("supplier:") and laptop.order != command.order:
        return f"it is announced already, on another order: {CORRECT}"
    where = f"order {laptop.order}, line {laptop.line}"
    return f"it is announced already, on {where}: {CORRECT}"


def admit(order: Order, laptop: Laptop, claim: Claim, command: AdmitLaptop) -> Decision:
    if (laptop.order, laptop.line) != (command.order, command.line):
        return _not_on_line(command)
    if laptop.admitted or (command.standing and (laptop.refused or laptop.cancelled)):
        return ()  # the warranty starts once; what was refused by name is not meant
    day = day_of(claim.happened_at)
    admitted = (claim.subject, _admitted(order, command.order, command.line, day))
    if laptop.given_back:
        return (admitted, orders.given_back(order, command.order, command.line, 1))
    return (admitted,)


def refuse(order: Order, laptop: Laptop, key: str, command: RefuseAdmission) -> Decision:
    if (laptop.order, laptop.line) != (command.order, command.line):
        return _not_on_line(command)
    if laptop.admitted:
        owned = "it is admitted: the region owns it and its warranty runs"
        return Refusal("already-admitted", owned, "/laptops")
    if laptop.refused:
        return ()
    refused = (key, ordering.AdmissionRefused(command.order, command.line))
    if laptop.given_back:
        return (refused,)
    return (refused, orders.given_back(order, command.order, command.line, -1))


def _not_on_line(command: AdmitLaptop | RefuseAdmission) -> Refusal:
    where = f"it is not announced on order {command.order}, line {command.line}"
    return Refusal("not-on-line", where, "/laptops")


def _admitted(order: Order, name: str, line: str, day: date) -> ordering.LaptopAdmitted:
    return ordering.LaptopAdmitted(name, line, day, months_after(day, order.warranty_months))


def months_after(day: date, months: int) -> date:
    """The same day so many months on, or the month's last where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def cancel(order: Order, laptop: Laptop, key: str, command: CancelLaptop) -> Decision:
    """A laptop whose order is cancelled, unless the region has it already."""
    line = laptop.line
    if laptop.order != command.order or line is None or laptop.admitted or laptop.cancelled:
        return ()
    cancelled = (key, ordering.LaptopCancelled(command.order, line))
    if laptop.given_back:
        return (cancelled,)
    return (cancelled, orders.given_back(order, command.order, line, -1))


def note(
    laptop: Laptop,
    claim: Claim,
    command: NoteDelivered | NoteDisputed | NoteReplacement | NoteTakenBack,
) -> Decision:
    """What ordering hears of a laptop, each with the event that it was said as, so that it goes
    when that event is withdrawn.
    """
    key, event = claim.subject, claim.event
    match command:
        case NoteDelivered():
            return () if event in laptop.counts else ((key, ordering.LaptopDelivered(event)),)
        case NoteDisputed(kind):
            return ((key, ordering.LaptopDisputed(kind, event)),)
        case NoteReplacement(case):
            return ((key, ordering.ReplacementNoted(case, event)),)
        case NoteTakenBack(gone):
            known = gone in laptop.withdrawn
            return () if known else ((key, ordering.LaptopNoteWithdrawn(gone)),)


def stock(laptop: Laptop, key: str, command: NoteStock | NoteScrapped) -> Decision:
    """Where it is in stock again, or that it is nowhere: what was scrapped comes back no more."""
    if laptop.scrapped:
        return ()
    if isinstance(command, NoteScrapped):
        return ((key, ordering.LaptopStockNoted()),)
    there = f"{command.school_year}/{command.school}"
    noted = ordering.LaptopStockNoted(command.school, command.school_year)
    return () if laptop.stock == there else ((key, noted),)


# -- evolve


def evolve(now: Laptop, said: Said) -> Laptop:
    """A laptop after one more fact; what is refused or called off is so for its line alone, however
    these words are dated.
    """
    if (getattr(said.fact, "event", None) or "") in now.withdrawn:
        return now
    after = _evolved(now, said.fact)
    where = f"{after.order}/{after.line}"
    open_to = not after.admitted
    return replace(
        after,
        refused=open_to and f"refused {where}" in after.gone,
        cancelled=open_to and f"cancelled {where}" in after.gone,
    )


def _evolved(now: Laptop, fact: object) -> Laptop:  # noqa: C901, PLR0911  a return for each fact
    match fact:
        case ordering.LaptopAnnounced(order, line):
            return replace(now, order=order, line=line)
        case ordering.LaptopAdmitted():
            return replace(now, admitted=True)
        case ordering.AdmissionRefused(order, line):
            return replace(now, gone=_with(now.gone, f"refused {order}/{line}"))
        case ordering.LaptopCancelled(order, line):
            return replace(now, gone=_with(now.gone, f"cancelled {order}/{line}"))
        case ordering.LaptopDelivered(event):
            disputed = None if now.disputed == MISSING else now.disputed
            counts = _with(now.counts, event or "")
            return replace(now, delivered=True, counts=counts, disputed=disputed)
        case ordering.LaptopDisputed(kind):
            return replace(now, disputed=kind)
        case ordering.ReplacementNoted(case):
            return replace(now, replacement=case)
        case ordering.LaptopStockNoted(None):
            return replace(now, stock=None, scrapped=True)
        case ordering.LaptopStockNoted(school, year) if not now.scrapped:
            return replace(now, stock=f"{year}/{school}")
        case ordering.LaptopNoteWithdrawn(event):
            return replace(now, withdrawn=_with(now.withdrawn, event))
    return now


def _with(gone: tuple[str, ...], word: str) -> tuple[str, ...]:
    return tuple(sorted({*gone, word}))
