"""Repairs' pages at their addresses. What is done on them is told and asked as over HTTP, by the
same reading and under the same rights.
"""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from msgspec.structs import replace
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from services.repairs import events, pages, store
from services.repairs.intake.asking import taken
from services.repairs.pages import Counter
from services.repairs.showing import Desk, board, card, open_cases
from shared.access import role
from shared.asking import UNKEPT, Intake
from shared.contracts import identifiers
from shared.decisions import Claim, Refusal, instant
from shared.screens import Screens, back, form_of, html, screen, somebody, table, visit
from shared.serving import Problem, Route
from shared.transact import Verdict

DESKS, READERS = ("desk", "region"), ("desk", "region", "ops")
Form = Mapping[str, str]


def routes(intake: Intake, desk: Desk, screens: Screens) -> list[Route]:
    """The screens of design page `screens`, repairs' part."""
    read = intake.database.read

    async def shown(request: Request) -> Response:
        party = somebody(request, screens, *READERS)
        mine, of = desk.seen_by(party), _desk(request, party)
        wanted = pages.wanted_of(request.query_params)
        seen = await read(lambda one: board(one, mine, of, wanted))
        return html(pages.board_page(visit(request, screens), seen, wanted))

    async def as_csv(request: Request) -> Response:
        of = _desk(request, somebody(request, screens, *READERS))
        found, wanted = await read(lambda one: open_cases(one, desk, of)), request.query_params
        cases = filter(pages.wanted_of(wanted).has, found)
        return table(pages.cases_csv(cases), "dossiers.csv")

    async def counter(request: Request) -> Response:
        party = somebody(request, screens, *DESKS)
        seen = await read(lambda one: _counter(one, intake, desk, party, request))
        return html(pages.counter_page(visit(request, screens), seen))

    async def act(request: Request) -> Response:
        return await _act(intake, desk, screens, request)

    addresses = (
        ("GET", "/", shown, "Page: a desk's cases"),
        ("GET", "/cases.csv", as_csv, "A desk's open cases as a file"),
        ("GET", "/counter", counter, "Page: a laptop at the counter"),
        ("POST", "/counter", act, "Form: an act on a case, or a new incident"),
    )
    return [
        Route(method, path, screen(screens, handler), what, None, media="text/html")
        for method, path, handler, what in addresses
    ]


def _desk(request: Request, party: str) -> str:
    """Whose cases are shown: a desk's own; of the region and ops those that they ask for."""
    own = party.partition(":")[2] if role(party) == "desk" else ""
    return own or request.query_params.get("desk", "")


# -- the counter


def _counter(
    connection: Connection, intake: Intake, desk: Desk, party: str, request: Request
) -> Counter:
    asked = request.query_params
    seen = replace(_blank(intake, desk, party), told=asked.get("told", ""))
    code = asked.get("code", "").strip()
    if not code:
        return seen
    key = _key(connection, intake, code, asked.get("maker", ""))
    if "/" not in key:
        return replace(seen, wrong=key)
    laptop, rules = card(connection, desk.seen_by(party), key)
    return replace(seen, laptop=laptop, rules=rules)


def _blank(intake: Intake, desk: Desk, party: str) -> Counter:
    """The counter before anything was scanned."""
    makers = sorted(set(intake.makers.slugs.values()))
    return Counter(str(uuid4()), party.partition(":")[2], makers, desk.policy.causes)


def _key(connection: Connection, intake: Intake, code: str, maker: str) -> str:
    """The laptop that was scanned, by its key; or why it cannot be told, a word of pages.WRONG."""
    named, slash, serial = code.rpartition("/")
    try:
        serial = identifiers.serial_number(serial if slash else code)
        if slash or maker:
            return f"{intake.makers.slug(named or maker)}/{serial}"
    except ValueError:
        return "not-a-serial"
    found = store.named(connection, set(intake.makers.slugs.values()), serial)
    return found[0] if len(found) == 1 else "which-maker"


async def _act(intake: Intake, desk: Desk, screens: Screens, request: Request) -> Response:
    """What a form of the counter asks, read as a call is; told on the page where it is refused."""
    form, party = await form_of(request), somebody(request, screens, *DESKS)
    read: Claim | Verdict = await intake.database.read(
        lambda one: _claim(one, intake, desk, party, form)
    )
    verdict = read if isinstance(read, Verdict) else (await taken(intake, [read]))[0]
    laptop = await intake.database.read(lambda one: _named(one, intake, form))
    if verdict.verdict not in UNKEPT:
        return back(request, "/counter", code=laptop, told=verdict.verdict)
    mine = desk.seen_by(party)
    shown, rules = await intake.database.read(lambda one: card(one, mine, laptop))
    seen = replace(_blank(intake, desk, party), laptop=shown, rules=rules)
    page = replace(seen, trouble=Refusal(verdict.code, verdict.detail))
    return html(pages.counter_page(visit(request, screens), page), 422)


def _named(connection: Connection, intake: Intake, form: Form) -> str:
    """The laptop that a form is about. Raises Problem 422."""
    key = _key(connection, intake, form.get("laptop", ""), "")
    if "/" not in key:
        raise Problem(422, "unfit-form", "the form names no laptop: scan it again")
    return key


def _claim(
    connection: Connection, intake: Intake, desk: Desk, party: str, form: Form
) -> Claim | Verdict:
    """What a form says, as an item of a call."""
    raw: dict[str, Any] = {name: value for name, value in form.items() if value and name in FIELDS}
    for name in ("fault", "barrier"):
        if name in raw:
            raw[name] = int(raw[name]) if raw[name].isdecimal() else raw[name]
    for name in ("laptop", "loaner", "returned", "new"):
        if name in raw:
            key = _key(connection, intake, raw[name], "")
            maker, _, serial = key.partition("/")
            raw[name] = {"maker": maker, "serial": serial}
    act, now = form.get("act", ""), intake.now()
    if act == "log":
        raw["reported_at"] = instant(now)
        return events.reading(events.incident(desk.policy.causes), raw, party, intake.makers, now)
    found = store.case(connection, form.get("case", ""))
    if found is None or act not in events.ACTS:
        raise Problem(404, "unknown-case", "no such case")
    raw.pop("laptop", None)
    raw["happened_at"] = instant(now)
    read = events.act(act, found.number, found.laptop)
    return events.reading(read, raw, party, intake.makers, now)


FIELDS = {*events.ActItem.__struct_fields__, *events.IncidentItem.__struct_fields__}
