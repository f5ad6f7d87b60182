"""What a laptop is after one more fact. Pure."""

from msgspec.structs import replace

from services.repairs.core import cases
from services.repairs.core.cases import Case
from services.repairs.core.laptops import Laptop, heard_as
from shared.contracts import repairs
from shared.decisions import Said


def evolve(now: Laptop, said: Said) -> Laptop:
    """A laptop after one more fact."""
    fact = said.fact
    if isinstance(fact, repairs.CaseFactWithdrawn):
        return replace(now, withdrawn=tuple(sorted({*now.withdrawn, f"{fact.party} {fact.event}"})))
    if isinstance(fact, repairs.PlacementWithdrawn):
        return replace(now, withdrawn=tuple(sorted({*now.withdrawn, heard_as(fact.event)})))
    if f"{said.source} {said.id}" in now.withdrawn:
        return now
    if isinstance(fact, repairs.LaptopPlaced) and heard_as(fact.event or "") in now.withdrawn:
        return now
    if isinstance(fact, repairs.LaptopCeded) and fact.event in now.withdrawn:
        return now
    after = _known(now, said) or _lent(now, fact) or _exchanged(now, fact) or now
    return _of_case(after, said) if _is_of_case(fact) else after


# Of the laptop on loan, or of the one given in a swap: the case is another laptop's.
_ANOTHERS = (
    repairs.LaptopLent,
    repairs.LaptopBackFromLoan,
    repairs.LoanOverdue,
    repairs.LoanDueAgain,
    repairs.LaptopGivenInSwap,
)


def _is_of_case(fact: object) -> bool:
    return hasattr(fact, "case") and not isinstance(fact, _ANOTHERS)


def _of_case(now: Laptop, said: Said) -> Laptop:
    number = said.fact.case
    known = now.cases | {number: cases.evolve(now.cases.get(number, Case()), said)}
    return replace(now, cases=known, open_cases=sum(1 for one in known.values() if one.open))


def _known(now: Laptop, said: Said) -> Laptop | None:
    match said.fact:
        case repairs.LaptopRegistered(model, lot, school, supplier):
            at = now.school or school
            return replace(now, model=model, lot=lot, school=at, supplier=supplier)
        case repairs.LaptopCeded(student):
            since = said.happened_at if student else None
            return replace(now, ceded_to=student, ceded_at=since)
        case repairs.WarrantyNoted(start, end):
            return replace(now, warranty_from=start, warranty_to=now.warranty_to or end)
        case repairs.LaptopPlaced(school, student):
            placed = replace(now, school=school, placed_at=said.happened_at, here=True)
            at_once = now.placed_at == said.happened_at  # counted and handed out at one instant
            return replace(placed, student=student or (now.student if at_once else None))
    return None


def _lent(now: Laptop, fact: object) -> Laptop | None:
    match fact:
        case repairs.LaptopLent(case, laptop, due_on):
            lent = {"lent_for": case, "stands_in_for": laptop, "due_on": str(due_on)}
            told = now.overdue_days if case == now.lent_for else ()
            return replace(now, **lent, overdue=False, overdue_days=told)
        case repairs.LaptopBackFromLoan(case) if case == now.lent_for:
            free = {"lent_for": None, "stands_in_for": None, "due_on": None}
            return replace(now, **free, overdue=False, overdue_days=())
        case repairs.LoanOverdue(case, due_on, left) if case == now.lent_for:
            if not left and now.due and now.due > due_on:
                return None  # it was prolonged by then, and that was told later
            return replace(now, overdue=True, overdue_days=(*now.overdue_days, str(due_on)))
        case repairs.LoanDueAgain(case) if case == now.lent_for:
            return replace(now, overdue=False)
    return None


def _exchanged(now: Laptop, fact: object) -> Laptop | None:
    match fact:
        case repairs.LaptopSwapped(replaced_by=new):
            return replace(now, replaced_by=new, student=None)
        case repairs.LaptopGivenInSwap(replaces=old, student=student, school=school) as given:
            ends = given.warranty_to or now.warranty_to
            at = school or now.school
            return replace(now, replaces=old, student=student, school=at, warranty_to=ends)
    return None
