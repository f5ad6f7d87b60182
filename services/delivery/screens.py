"""Delivery's pages at their addresses. What is done on them is told as events and hand-outs are
told over HTTP, by the same reading and under the same rights.
"""

from datetime import datetime, time
from functools import partial
from typing import Any
from uuid import uuid4

from msgspec.structs import replace
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from services.delivery import events, pages, showing, store
from services.delivery.events import ItemVerdict, Reading
from services.delivery.pages import Answer, HandOutForm
from services.delivery.shown import Reception
from shared.access import role
from shared.asking import UNKEPT, Intake
from shared.contracts import identifiers
from shared.contracts.calendar import PARIS, day_of
from shared.databases import lock_creation
from shared.decisions import Refusal
from shared.screens import Screens, back, form_of, html, screen, somebody, visit
from shared.serving import Handler, Problem, Route

COUNTERS = ("school", "region")
WHOLE = ("region", "ops")
FORM = "page"
LISTED = 50


def routes(intake: Intake, screens: Screens) -> list[Route]:
    """The screens of design page `screens`, delivery's part."""

    async def home(request: Request) -> Response:
        return await _home(intake, screens, request)

    async def find(request: Request) -> Response:
        return await _find(screens, request)

    async def shipment(request: Request) -> Response:
        return await _shipment(intake, screens, request)

    return [
        _page("GET", "/", screen(screens, home), "Page: shipments awaited"),
        _page("GET", "/find", screen(screens, find), "Page: a scanned pallet, or a school"),
        _page("GET", "/shipments/{sscc}", screen(screens, shipment), "Page: a shipment"),
        *_receptions(intake, screens),
        *_hand_outs(intake, screens),
    ]


def _page(method: str, path: str, handler: Handler, summary: str) -> Route:
    return Route(method, path, handler, summary, None, media="text/html")


# -- where to begin


async def _home(intake: Intake, screens: Screens, request: Request) -> Response:
    party = somebody(request, screens, "school", *WHOLE)
    asked = request.query_params.get("school", "")
    school = party.partition(":")[2] if role(party) == "school" else asked
    if school and not _is(identifiers.uai, school):
        raise Problem(404, "unknown-school", "no such school")
    rows = await intake.database.read(lambda one: showing.awaited(one, school or None, LISTED))
    wrong = request.query_params.get("wrong", "")
    return html(pages.home_page(visit(request, screens), school, rows, wrong))


async def _find(screens: Screens, request: Request) -> Response:
    """From what was scanned to its page."""
    somebody(request, screens, "school", *WHOLE)
    code = request.query_params.get("code", "")
    if _is(identifiers.sscc, code):
        return back(request, f"/receptions/{identifiers.sscc(code)}")
    if _is(identifiers.uai, code):
        return back(request, f"/hand-outs/{identifiers.uai(code)}")
    return back(request, "/", wrong="check" if showing.is_mistyped(code) else "neither")


def _is(read: Any, text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


async def _shipment(intake: Intake, screens: Screens, request: Request) -> Response:
    """A shipment, for its school, its carrier, and who sees all."""
    sscc, party = _sscc(request), somebody(request, screens, "school", "carrier", *WHOLE)
    found = await intake.database.read(lambda one: showing.shipment(one, sscc))
    mine = found and (role(party) in WHOLE or party in (found.carrier, f"school:{found.school}"))
    if not found or not mine:
        raise Problem(404, "unknown-shipment", "no shipment of yours")
    return html(pages.shipment_page(visit(request, screens), found))


def _sscc(request: Request) -> str:
    """The shipment that an address names. Raises Problem 404."""
    try:
        return identifiers.sscc(request.path_params["sscc"])
    except ValueError as trouble:
        raise Problem(404, "unknown-shipment", str(trouble)) from None


# -- a pallet is counted


def _receptions(intake: Intake, screens: Screens) -> list[Route]:
    async def shown(request: Request) -> Response:
        sscc, party = _sscc(request), somebody(request, screens, *COUNTERS)
        seen = await intake.database.read(lambda one: _reception(one, party, sscc))
        told, makers = _answer(request, intake), _makers(intake)
        looking = visit(request, screens)
        return html(pages.reception_page(looking, seen, told, makers, str(uuid4())))

    async def counted(request: Request) -> Response:
        sscc, form = _sscc(request), await form_of(request)
        party = somebody(request, screens, *COUNTERS)
        act = {"scan": _scan, "damaged": _damage, "undo": _undo, "finish": _finish}
        act |= {"wrong-school": _wrong_school}
        acting = act.get(form.get("act", "scan"))
        if acting is None:
            raise Problem(422, "unfit-form", "no such act")
        told: Answer = await intake.database.write(
            lambda one: acting(one, intake, party, sscc, form)
        )
        intake.relay.wake()
        why = told.why.code if told.why else ""
        return back(request, f"/receptions/{sscc}", told=told.word, laptop=told.laptop, why=why)

    path = "/receptions/{sscc}"
    return [
        _page("GET", path, screen(screens, shown), "Page: count a pallet by scanning"),
        _page("POST", path, screen(screens, counted), "Form: a scan of a pallet, and its end"),
    ]


def _reception(connection: Connection, party: str, sscc: str) -> Reception:
    """A pallet at the school that asks; for the region at the one that it is for. Raises Problem
    404 where the region asks after a pallet that is for nobody yet.
    """
    own = party.partition(":")[2] or store.shipment(connection, sscc).school
    if not own:
        raise Problem(404, "unknown-shipment", "nobody said where this pallet goes")
    return showing.reception(connection, sscc, own)


Form = dict[str, str]


def _scan(connection: Connection, intake: Intake, party: str, sscc: str, form: Form) -> Answer:
    """One laptop is there. Two scans at once are taken one after the other, so that a second Enter
    finds it counted.
    """
    _alone(connection)
    seen = _reception(connection, party, sscc)
    code, maker = form.get("code", ""), form.get("maker", "")
    try:
        scan = showing.scanned(connection, intake.makers, seen, code, maker)
    except ValueError:
        known = _is(identifiers.serial_number, code.rpartition("/")[2])
        return Answer("unknown-maker" if known else "unreadable")
    if scan.type is None:
        return Answer("already", scan.key)
    return _told(connection, intake, party, seen, form, scan.type, [scan.key])


def _damage(connection: Connection, intake: Intake, party: str, sscc: str, form: Form) -> Answer:
    seen, key = _reception(connection, party, sscc), form.get("laptop", "")
    if key not in {unit.key for unit in seen.units}:
        return Answer("refused", key)
    return _told(connection, intake, party, seen, form, "damaged", [key])


def _undo(connection: Connection, intake: Intake, party: str, sscc: str, form: Form) -> Answer:
    """A laptop was not counted after all: its party takes the event back."""
    key = form.get("laptop", "")
    event = showing.last_event(connection, party, key)
    if event is None:
        return Answer("nothing-to-undo", key)
    item = _item(intake, form, "void") | {"corrects": event, "shipment": sscc}
    item["laptops"] = showing.laptops_named([key])
    return _came_to(_taken(connection, intake, party, item, events.read_event), "undone", key)


def _finish(connection: Connection, intake: Intake, party: str, sscc: str, form: Form) -> Answer:
    """Whatever is still awaited is missing."""
    seen = _reception(connection, party, sscc)
    missing = [unit.key for unit in seen.of("awaited")]
    if not missing:
        return Answer("finished")
    return _told(connection, intake, party, seen, form, "missing", missing)


def _wrong_school(
    connection: Connection, intake: Intake, party: str, sscc: str, form: Form
) -> Answer:
    """The whole pallet is another school's."""
    seen = _reception(connection, party, sscc)
    return _told(connection, intake, party, seen, form, "wrong-school", [])


def _told(
    connection: Connection,
    intake: Intake,
    party: str,
    seen: Reception,
    form: Form,
    type: str,
    keys: list[str],
) -> Answer:
    """Tell an event of a pallet and laptops."""
    item = _item(intake, form, type) | {"shipment": seen.sscc, "school": seen.school}
    if keys:
        item["laptops"] = showing.laptops_named(keys)
    told = _taken(connection, intake, party, item, events.read_event)
    word = "counted" if type == "received" else type
    return _came_to(told, word, keys[0] if len(keys) == 1 else "")


def _came_to(told: ItemVerdict, word: str, key: str) -> Answer:
    """The word for what was taken; else why it was not."""
    if told.verdict in UNKEPT:
        return Answer("refused", key, Refusal(told.code or "", told.detail or ""))
    return Answer(word, key)


def _item(intake: Intake, form: Form, type: str) -> dict[str, Any]:
    return {"id": _id(form), "type": type, "happened_at": intake.now().isoformat()}


def _id(form: Form) -> str:
    """The id that the page gave, so that the same form sent twice is one event. Raises Problem."""
    scan = form.get("scan", "")
    if not _is(identifiers.pseudonym, scan):  # a UUID
        raise Problem(422, "unfit-form", "the form has no id: load the page again")
    return scan


def _taken(
    connection: Connection, intake: Intake, party: str, item: dict[str, Any], read: Reading
) -> ItemVerdict:
    """Take an item, unless its id was taken: a form that is sent again says nothing new."""
    if store.event(connection, party, item["id"]) is not None:
        return ItemVerdict(item["id"], "duplicate")
    now = intake.now()
    sent = events.reading(read, item, party, intake.makers, now, FORM)
    (told,) = events.take(connection, intake.service, [sent], now)
    intake.metrics.claims.labels(FORM, told.verdict).inc()
    return told


def _alone(connection: Connection) -> None:
    """On PostgreSQL, one at a time; SQLite has one writer."""
    if connection.dialect.name == "postgresql":
        lock_creation(connection)


def _answer(request: Request, intake: Intake) -> Answer:
    """What the act before came to. It stands in the address, where anybody may write: only words
    of ours are said, and names that are laptops'.
    """
    asked = request.query_params
    word, laptop, why = (asked.get(name, "") for name in ("told", "laptop", "why"))
    maker, _, serial = laptop.partition("/")
    known = _is(partial(intake.makers.laptop, maker), serial)
    no = Refusal(why) if why in pages.CODES else None
    return Answer(word if word in pages.TOLD else "", laptop if known else "", no)


def _makers(intake: Intake) -> list[str]:
    return sorted({*intake.makers.slugs.values()})


# -- a class gets its laptops


def _hand_outs(intake: Intake, screens: Screens) -> list[Route]:
    async def own(request: Request) -> Response:
        party = somebody(request, screens, *COUNTERS)
        school = party.partition(":")[2]
        return back(request, f"/hand-outs/{school}" if school else "/")

    async def shown(request: Request) -> Response:
        school, _ = _own_school(request, screens)
        form = _form(dict(request.query_params))
        return await page(request, school, _answer(request, intake), form)

    async def page(
        request: Request, school: str, told: Answer, form: HandOutForm, status: int = 200
    ) -> Response:
        now, more = intake.now(), (_makers(intake), str(uuid4()))
        done = await intake.database.read(lambda one: showing.handed_out_today(one, school, now))
        looking = visit(request, screens)
        shown = pages.hand_outs_page(looking, school, done, told, form, more)
        return html(shown, status, names=screens.names)

    async def handed(request: Request) -> Response:
        """What is not done is told by the answer itself: no address holds whose card it was."""
        form = await form_of(request)
        school, party = _own_school(request, screens)
        answer: Answer = await intake.database.write(
            lambda one: _hand_out(one, intake, party, school, form)
        )
        if answer.word not in pages.HANDED:
            return await page(request, school, answer, _left(form, answer), 422)
        intake.relay.wake()
        told = {"told": answer.word, "laptop": answer.laptop}
        return back(request, f"/hand-outs/{school}", **told, **_common(form))

    path = "/hand-outs/{uai}"
    return [
        _page("GET", "/hand-outs", screen(screens, own), "Page: one's own school's hand-outs"),
        _page("GET", path, screen(screens, shown), "Page: hand laptops out by scanning"),
        _page("POST", path, screen(screens, handed), "Form: one laptop is handed out"),
    ]


def _own_school(request: Request, screens: Screens) -> tuple[str, str]:
    """The school that an address names, and whose key is kept. Raises Problem 404 where it is
    another's.
    """
    try:
        school = identifiers.uai(request.path_params["uai"])
    except ValueError as trouble:
        raise Problem(404, "unknown-school", str(trouble)) from None
    party = somebody(request, screens, *COUNTERS)
    if role(party) == "school" and party != f"school:{school}":
        raise Problem(404, "unknown-school", "this is another school's")
    return school, party


KIT = ("laptop", "sleeve", "storage")
CHARTER = ("minor", "student_signed", "guardian_signed")


def _common(form: Form) -> Form:
    """What of a form stays for the next of a class."""
    kept = {name: "1" for name in CHARTER if form.get(name)}
    return kept | {"kit": " ".join(part for part in KIT if form.get(part)) or "none"}


def _form(common: Form) -> HandOutForm:
    """A form for the next of a class, by what _common kept of the one before."""
    if "kit" not in common:
        return HandOutForm()
    kit = tuple(part for part in KIT if part in common["kit"])
    return replace(HandOutForm(kit=kit), **{name: name in common for name in CHARTER})


def _left(form: Form, answer: Answer) -> HandOutForm:
    """A form as it was left, while its hand-out is not done."""
    return replace(
        _form(_common(form)),
        laptop=form.get("code", "")[:80],
        student="" if answer.word == "not-a-student" else form.get("student", "")[:40],
        maker=form.get("maker", "")[:40],
    )


def _hand_out(
    connection: Connection, intake: Intake, party: str, school: str, form: Form
) -> Answer:
    _alone(connection)
    code = form.get("code", "")
    try:
        key = showing.laptop_of(connection, intake.makers, code, form.get("maker", ""))
    except ValueError:
        known = _is(identifiers.serial_number, code.rpartition("/")[2])
        return Answer("unknown-maker" if known else "unreadable")
    if not form.get("student"):
        return Answer("no-student", key)
    if not _is(identifiers.pseudonym, form["student"]):
        return Answer("not-a-student", key)
    now = intake.now()
    signed = min(now, datetime.combine(day_of(now), time(12), PARIS)).isoformat()
    minor = bool(form.get("minor"))
    # What is ticked for a class of minors is not said of the adult among them.
    signing = ("student_signed", "guardian_signed")[: 1 + minor]
    charter: dict[str, Any] = {"minor": minor}
    charter |= {f"{who}_at": signed for who in signing if form.get(who)}
    (laptop,) = showing.laptops_named([key])
    item = {
        "id": _id(form),
        "laptop": laptop,
        "student": form["student"],
        "school": school,
        "handed_out_at": now.isoformat(),
        "charter": charter,
        "kit": {part: bool(form.get(part)) for part in KIT},
    }
    told = _taken(connection, intake, party, item, events.read_hand_out)
    return _came_to(told, "handed-again" if told.verdict == "duplicate" else "handed-out", key)
