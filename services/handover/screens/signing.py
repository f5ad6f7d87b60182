"""A school's signing day, by scanning: what is asked on it is read as a call is, under the same
rights.
"""

from typing import Any
from uuid import uuid4

from msgspec.structs import replace
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from services.handover import pages, showing, store
from services.handover.events import ACTS, ActItem
from services.handover.intake import acting, telling
from services.handover.intake.acting import Done
from services.handover.pages import Signing
from services.handover.screens.addresses import HTML, PDF, READERS, SCHOOLS, Addresses, Form
from services.handover.showing import Office
from services.handover.store import Found
from shared.asking import UNKEPT, Intake
from shared.contracts import identifiers
from shared.decisions import Refusal, instant
from shared.screens import Screens, back, form_of, html, refusal, somebody, visit
from shared.serving import Problem
from shared.transact import Verdict


def of_signing(intake: Intake, office: Office, screens: Screens) -> Addresses:
    async def own(request: Request) -> Response:
        school = telling.own_school(somebody(request, screens, *SCHOOLS))
        return back(request, f"/signing/{school}" if school else "/handovers")

    async def signing(request: Request) -> Response:
        school, _ = _school(request, screens)
        seen = await intake.database.read(
            lambda one: _signing(one, intake, office, school, request)
        )
        return html(pages.signing_page(visit(request, screens), seen), names=screens.names)

    async def act(request: Request) -> Response:
        return await _act(intake, office, screens, request)

    async def paper(request: Request) -> Response:
        school = telling.own_school(somebody(request, screens, *READERS))
        number = request.path_params["number"]
        found = await intake.database.read(lambda one: store.certified(one, number))
        mine = found if found and school in ("", found.handover.school) else None
        return await telling.paper(intake, office, mine)

    return [
        ("GET", "/signing", own, "Page: one's own school's signing day", HTML),
        ("GET", "/signing/{uai}", signing, "Page: a school's signing day, by scanning", HTML),
        ("POST", "/signing/{uai}", act, "Form: an act on a handover", HTML),
        ("GET", "/certificates/{number}/paper.pdf", paper, "A certificate, PDF", PDF),
    ]


def _school(request: Request, screens: Screens) -> tuple[str, str]:
    """The school that an address names, and who looks; a school its own alone. Raises Problem
    404.
    """
    try:
        school = identifiers.uai(request.path_params["uai"])
    except ValueError as trouble:
        raise Problem(404, "unknown-school", str(trouble)) from None
    party = somebody(request, screens, *SCHOOLS)
    if telling.own_school(party, school) != school:
        raise Problem(404, "unknown-school", "a school sees its own signing day")
    return school, party


def _signing(
    connection: Connection, intake: Intake, office: Office, school: str, request: Request
) -> Signing:
    asked = request.query_params
    seen = replace(_blank(connection, school), told=asked.get("told", ""))
    code = asked.get("code", "").strip()
    if not code:
        return seen
    key = _key(connection, intake, code)
    if "/" not in key:
        return replace(seen, wrong=key)
    here = [one for one in store.of_laptop(connection, key) if one.handover.school == school]
    return _card(connection, seen, office, here[0]) if here else replace(seen, wrong="unknown")


def _card(connection: Connection, seen: Signing, office: Office, found: Found) -> Signing:
    """A handover's card; its student's page opens no more once the student is forgotten."""
    forgotten = store.student(connection, found.handover.student).forgotten
    mine = "" if forgotten else office.mine(found.number)
    return replace(seen, handover=showing.shown(found), mine=mine)


def _key(connection: Connection, intake: Intake, code: str) -> str:
    """The laptop that was scanned, by its key; or why it cannot be told, a word of pages.WRONG."""
    maker, slash, serial = code.rpartition("/")
    try:
        serial = identifiers.serial_number(serial if slash else code)
        if slash:
            return f"{intake.makers.slug(maker)}/{serial}"
    except ValueError:
        return "not-a-serial"
    found = store.named(connection, set(intake.makers.slugs.values()), serial)
    return found[0] if len(found) == 1 else "which-maker" if found else "unknown"


FIELDS = {*ActItem.__struct_fields__} - {"happened_at", "returned", "minor", "guardian_signed_at"}


async def _act(intake: Intake, office: Office, screens: Screens, request: Request) -> Response:
    """What a form asks; told on the page where it is refused, and where a code was drawn, which is
    shown there and never again.
    """
    form, (school, party) = await form_of(request), _school(request, screens)
    found = await acting.known(intake, form.get("handover", ""), party)
    done, why = await _done(intake, office, party, found, form)
    if not why and not done.drawn:
        told = done.verdict.verdict
        return back(request, f"/signing/{school}", code=found.laptop, told=told)
    seen = await intake.database.read(
        lambda one: _again(one, office, school, found, done.drawn or "")
    )
    page = replace(seen, trouble=why, told="" if why else "applied")
    shown = pages.signing_page(visit(request, screens), page)
    return html(shown, 422 if why else 200, screens.names)


async def _done(
    intake: Intake, office: Office, party: str, found: Found, form: Form
) -> tuple[Done, Refusal | None]:
    """What became of an act, and why it was refused; None where it was not."""
    name = form.get("act", "")
    if name not in ACTS:
        raise Problem(422, "unfit-form", "no such act")
    item = await intake.database.read(lambda one: _item(one, intake, name, form))
    try:
        done = await acting.taken(intake, office, party, found, (name, item))
    except Problem as trouble:
        if trouble.status != 422:
            raise
        return Done(Verdict("refused", trouble.code)), refusal(trouble)
    refused = done.verdict.verdict in UNKEPT
    return done, Refusal(done.verdict.code, done.verdict.detail) if refused else None


def _again(
    connection: Connection, office: Office, school: str, found: Found, drawn: str
) -> Signing:
    now = store.handover(connection, found.number) or found
    card = _card(connection, _blank(connection, school), office, now)
    return replace(card, signing_code=drawn)


def _blank(connection: Connection, school: str) -> Signing:
    """A school's signing day before a laptop was scanned."""
    counts = store.by_state(connection, school=school)
    return Signing(str(uuid4()), store.school(connection, school), counts)


def _item(connection: Connection, intake: Intake, name: str, form: Form) -> dict[str, Any]:
    """What a form says, as an item of a call. A box that is not ticked says no."""
    act, now = ACTS[name], instant(intake.now())
    item: dict[str, Any] = {key: form[key] for key in FIELDS if form.get(key)}
    item["happened_at"] = now
    if "minor" in act.needs:
        item["minor"] = bool(form.get("minor"))
    if "guardian_signed_at" in act.may and form.get("guardian_signed"):
        item["guardian_signed_at"] = now
    if "returned" in act.needs:
        maker, _, serial = _key(connection, intake, form.get("returned", "")).partition("/")
        item["returned"] = {"maker": maker, "serial": serial}
    return item
