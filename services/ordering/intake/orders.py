"""Orders over HTTP: placed by lines or from needs, amended, cancelled, shown."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from services.ordering import core, store
from services.ordering.imports import Cancellation, cancellation_of
from services.ordering.intake.own import own_order
from services.ordering.shown import brief, shown
from shared.asking import (
    UNKEPT,
    Checked,
    Intake,
    act,
    checking,
    each,
    named,
    unless_kept,
)
from shared.contracts import identifiers
from shared.contracts.ordering import OrderLine
from shared.contracts.strict import Field
from shared.decisions import Claim
from shared.serving import (
    Handler,
    Listed,
    Problem,
    answer,
    idempotency_key,
    limit_of,
    struct_body,
    trace_of,
)
from shared.transact import Verdict, transact

MOST = 1_000_000  # laptops on a line


class LineBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A line of an order as the buyer writes it."""

    line: str
    uai: str
    model: str
    quantity: int
    lot: str
    paid_by: str
    promised_on: date | None = None


class OrderBody(Struct, frozen=True, forbid_unknown_fields=True):
    """An order as the buyer writes it."""

    order: str
    school_year: str
    buyer: str
    supplier: str
    lines: list[LineBody]
    warranty_months: int = core.WARRANTY_MONTHS


class LotBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What schools get; `departments`: those of which, such as "67"; left out: all others."""

    lot: str
    model: str
    paid_by: str
    departments: list[str] = []
    promised_on: date | None = None


class NeedsOrderBody(Struct, frozen=True, forbid_unknown_fields=True):
    """An order of all that schools still need, lot by lot."""

    order: str
    buyer: str
    supplier: str
    lots: list[LotBody]
    warranty_months: int = core.WARRANTY_MONTHS


class AmendedBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A line and its quantity from now on."""

    line: str
    quantity: int


class AmendmentBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Other quantities for lines of an order, and who decided so."""

    lines: list[AmendedBody]
    decided_by: str


class CancellationBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Why an order is cancelled; that is kept here and told to nobody else."""

    reason: str


class CancellationTold(Struct, frozen=True):
    """How many laptops come no more, how many that are announced are called off, and the job that
    does so where they are many.
    """

    verdict: str
    cancelled: int
    called_off: int
    job: str | None


def placing(intake: Intake) -> Handler:
    """A handler that places an order line by line."""

    async def place(request: Request) -> Response:
        number, command = _order(await struct_body(request, OrderBody))
        return await _placed(intake, request, number, command)

    return place


def ordering_needs(intake: Intake) -> Handler:
    """A handler that orders what schools still need in a school year."""

    async def order(request: Request) -> Response:
        year = named("school_year", identifiers.school_year, request.path_params["year"])
        number, command = needs_order(await struct_body(request, NeedsOrderBody), year)
        return await _placed(intake, request, number, command)

    return order


async def _placed(intake: Intake, request: Request, number: str, command: Any) -> Response:
    verdict = await act(intake, request, f"order:{number}", command)
    order = await own_order(intake, number, request.state.party)
    told = await _told(intake, number, order, verdict.verdict)
    return answer(told, 201, {"Location": f"/api/orders/{number}"})


def showing(intake: Intake) -> Handler:
    """A handler that shows an order to whoever may know of it."""

    async def show(request: Request) -> Response:
        number = request.path_params["order"]
        order = await own_order(intake, number, request.state.party)
        return answer(await _told(intake, number, order))

    return show


async def _told(intake: Intake, number: str, order: core.Order, *verdict: str) -> Any:
    tallies = await intake.database.read(lambda connection: store.tallies(connection, number))
    return shown(number, order, tallies, *verdict)


def listing(intake: Intake) -> Handler:
    """A handler that lists orders; a supplier's own."""

    async def listed(request: Request) -> Response:
        limit, after = limit_of(request), request.query_params.get("cursor", "")
        party, year = request.state.party, request.query_params.get("school_year", "")
        where = {"school_year": named("school_year", identifiers.school_year, year)} if year else {}
        if party.startswith("supplier:"):
            where["supplier"] = party.removeprefix("supplier:")
        rows, total = await intake.database.read(
            lambda connection: store.orders(connection, where, after, limit)
        )
        cursor = rows[-1][0] if len(rows) == limit else None
        return answer(Listed([brief(*row) for row in rows], cursor, total))

    return listed


def amending(intake: Intake) -> Handler:
    """A handler that gives lines another quantity."""

    async def amend(request: Request) -> Response:
        number, party = request.path_params["order"], request.state.party
        body: AmendmentBody = await struct_body(request, AmendmentBody)
        order = await own_order(intake, number, party)
        command = core.AmendOrder(
            order.school_year,
            _quantities(body.lines),
            named("decided_by", identifiers.label, body.decided_by),
        )
        verdict = await act(intake, request, f"order:{number}", command)
        order = await own_order(intake, number, party)
        return answer(await _told(intake, number, order, verdict.verdict))

    return amend


def _quantities(lines: Sequence[AmendedBody]) -> dict[str, int]:
    """Quantities by line. Raises Problem 422 with every field that is wrong."""
    errors: list[Field] = []
    checked = checking(errors)
    if not 1 <= len(lines) <= core.MOST_LINES:
        errors.append(Field("/lines", "invalid", f"1 to {core.MOST_LINES} lines"))
    found: dict[str, int] = {}
    for place, one in enumerate(lines[: core.MOST_LINES]):
        line = checked(f"/lines/{place}/line", identifiers.document_name, one.line)
        if line in found:
            errors.append(Field(f"/lines/{place}/line", "twice", "the line stands twice"))
        if not 0 <= one.quantity <= MOST:
            errors.append(Field(f"/lines/{place}/quantity", "invalid", "0 to 1,000,000 laptops"))
        found[line] = one.quantity
    _unless_right(errors)
    return found


def cancelling(intake: Intake) -> Handler:
    """A handler that cancels an order."""

    async def cancel(request: Request) -> Response:
        number, party = request.path_params["order"], request.state.party
        body: CancellationBody = await struct_body(request, CancellationBody)
        reason = named("reason", identifiers.label, body.reason)
        order = await own_order(intake, number, party)
        given = Cancellation(number, order.school_year, idempotency_key(request), trace_of(request))
        verdict, what = await intake.database.write(
            lambda connection: _cancel(connection, intake, party, given, (order, reason))
        )
        unless_kept(verdict)
        intake.relay.wake()
        intake.worker.wake()
        return answer(what)

    return cancel


def _cancel(
    connection: Connection,
    intake: Intake,
    party: str,
    given: Cancellation,
    about: tuple[core.Order, str],
) -> tuple[Verdict, CancellationTold]:
    order, reason = about
    subject, command = f"order:{given.order}", core.CancelOrder(order.school_year)
    claim = Claim(
        *(party, given.id, subject, intake.now(), command),
        stated=False,
        note=reason,
        trace=given.trace,
    )
    (verdict,) = transact(connection, intake.service, [claim], intake.now())
    if verdict.verdict in UNKEPT:
        return verdict, CancellationTold(verdict.verdict, 0, 0, None)
    keys = store.laptops_to_cancel(connection, given.order)
    claims = [cancellation_of(party, given, key, intake.now()) for key in keys]
    job = each(connection, intake, claims, "cancellations", given)
    after = store.order(connection, given.order) or core.Order()
    gone = sum(after.cancelled.values())
    return verdict, CancellationTold(verdict.verdict, gone, len(keys), job)


# -- reading


def _order(body: OrderBody) -> tuple[str, core.PlaceOrder]:
    """The order's number and the command. Raises Problem 422 with every field that is wrong."""
    errors: list[Field] = []
    checked = checking(errors)
    if not 1 <= len(body.lines) <= core.MOST_LINES:
        errors.append(Field("/lines", "invalid", f"an order has 1 to {core.MOST_LINES} lines"))
    lines = _lines(body.lines[: core.MOST_LINES], errors, checked)
    year = checked("/school_year", identifiers.school_year, body.school_year)
    number, terms = _terms(body, errors, checked)
    _unless_right(errors)
    return number, core.PlaceOrder(year, lines=lines, **terms)


def needs_order(body: NeedsOrderBody, year: str) -> tuple[str, core.OrderNeeds]:
    """The order's number and the command. Raises Problem 422 with every field that is wrong."""
    errors: list[Field] = []
    checked = checking(errors)
    if not 1 <= len(body.lots) <= 100:
        errors.append(Field("/lots", "invalid", "an order has 1 to 100 lots"))
    lots = _lots(body.lots[:100], errors, checked)
    number, terms = _terms(body, errors, checked)
    _unless_right(errors)
    return number, core.OrderNeeds(year, lots=lots, **terms)


def _terms(
    body: OrderBody | NeedsOrderBody, errors: list[Field], checked: Checked
) -> tuple[str, Mapping[str, Any]]:
    """What every order has: its number, and who buys from whom with which warranty."""
    if not 1 <= body.warranty_months <= 120:
        errors.append(Field("/warranty_months", "invalid", "1 to 120 months"))
    return checked("/order", identifiers.document_name, body.order), {
        "buyer": checked("/buyer", identifiers.label, body.buyer),
        "supplier": checked(
            "/supplier", lambda name: identifiers.party(f"supplier:{name}")[9:], body.supplier
        ),
        "warranty_months": body.warranty_months,
    }


def _lines(
    given: Sequence[LineBody], errors: list[Field], checked: Checked
) -> tuple[OrderLine, ...]:
    lines: list[OrderLine] = []
    seen: set[str] = set()
    for place, line in enumerate(given):
        at = f"/lines/{place}"
        if line.line in seen:
            errors.append(Field(f"{at}/line", "twice", f"line {line.line[:64]} stands twice"))
        seen.add(line.line)
        if not 1 <= line.quantity <= MOST:
            errors.append(Field(f"{at}/quantity", "invalid", "1 to 1,000,000 laptops"))
        name = checked(f"{at}/line", identifiers.document_name, line.line)
        uai = checked(f"{at}/uai", identifiers.uai, line.uai)
        model, lot, payer = _goods(at, line, checked)
        lines.append(OrderLine(name, uai, model, line.quantity, lot, payer, line.promised_on))
    return tuple(lines)


def _lots(given: Sequence[LotBody], errors: list[Field], checked: Checked) -> tuple[core.Lot, ...]:
    lots: list[core.Lot] = []
    named_by: dict[str, str] = {}
    for place, one in enumerate(given):
        at = f"/lots/{place}"
        for department in one.departments or ["all others"]:
            if department in named_by:
                twice = f"{department[:20]}: lot {named_by[department][:64]} is for them already"
                errors.append(Field(f"{at}/departments", "twice", twice))
            named_by[department] = one.lot
        model, lot, payer = _goods(at, one, checked)
        departments = tuple(one.departments)
        lots.append(core.Lot(lot, model, payer, departments, one.promised_on))
    return tuple(lots)


def _goods(at: str, one: LineBody | LotBody, checked: Checked) -> tuple[str, str, str]:
    """Model, lot and paying body."""
    return (
        checked(f"{at}/model", identifiers.label, one.model),
        checked(f"{at}/lot", identifiers.document_name, one.lot),
        checked(f"{at}/paid_by", identifiers.label, one.paid_by),
    )


def _unless_right(errors: list[Field]) -> None:
    if errors:
        raise Problem(422, "invalid", f"{len(errors)} fields are wrong", errors[:50])
