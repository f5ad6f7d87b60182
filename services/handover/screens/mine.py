"""Pages for whoever has no key: the student's own, which its word opens and nothing else, and the
one that confirms a certificate.
"""

from msgspec.structs import replace
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from services.handover import core, pages, showing, store
from services.handover.intake import acting, telling
from services.handover.pages import Own
from services.handover.screens.addresses import HTML, PDF, Addresses
from services.handover.showing import Office
from services.handover.store import Found
from shared.access import role
from shared.asking import UNKEPT, Intake
from shared.decisions import instant
from shared.screens import Screens, back, form_of, html, signed, visit
from shared.serving import Problem

STUDENT = "student"  # who acts on a page of the student's own
OWN_ACTS = ("acceptance", "refusal")
UNKNOWN = "Ce mot n'ouvre aucune page : vérifiez-le, ou demandez-en un autre au lycée."
TOO_EARLY = "Pas encore : la campagne n'est pas ouverte."
TOO_LATE = "Ce n'est plus possible : voyez ce qui se passe maintenant."


def for_anybody(intake: Intake, screens: Screens) -> Addresses:
    """What needs no word and no key."""

    async def home(request: Request) -> Response:
        school = role(signed(request, screens)) == "school"
        return back(request, "/signing" if school else "/campaigns")

    async def certificate(request: Request) -> Response:
        number = request.path_params["number"]
        found = await intake.database.read(lambda one: showing.certificate_shown(one, number))
        page = pages.certificate_page(visit(request, screens), number[:40], found)
        return html(page, 200 if found else 404)

    return [
        ("GET", "/", home, "Leads to where one's work is", HTML),
        ("GET", "/certificates/{number}", certificate, "Page: confirms a certificate", HTML),
    ]


def of_mine(intake: Intake, office: Office, screens: Screens) -> Addresses:
    """The student's own pages."""

    async def ask(request: Request) -> Response:
        word = request.query_params.get("word", "").strip()
        if word and office.secrets.number(word) is not None:
            return back(request, f"/mine/{word}")
        trouble = UNKNOWN if word else ""
        page = pages.mine_page(visit(request, screens), None, Own(trouble=trouble))
        return html(page, 404 if word else 200)

    async def mine(request: Request) -> Response:
        word, found = await _mine(intake, office, request)
        own = await _own(intake, office, word, found)
        own = replace(own, told=request.query_params.get("told", ""))
        return html(pages.mine_page(visit(request, screens), showing.shown(found), own))

    async def answered(request: Request) -> Response:
        return await _answered(intake, office, screens, request)

    async def paper(request: Request) -> Response:
        _, found = await _mine(intake, office, request)
        return await telling.paper(intake, office, found)

    own = "/mine/{word}"
    return [
        ("GET", "/mine", ask, "Page: the word that opens a student's own page", HTML),
        ("GET", own, mine, "Page: a student's own laptop", HTML),
        ("POST", own, answered, "Form: the student keeps it, or not", HTML),
        ("GET", f"{own}/certificate.pdf", paper, "The student's own certificate, PDF", PDF),
    ]


async def _answered(intake: Intake, office: Office, screens: Screens, request: Request) -> Response:
    """Kept or given back, once: said again it is as it was."""
    form, (word, found) = await form_of(request), await _mine(intake, office, request)
    name = form.get("act", "")
    if name not in OWN_ACTS:
        raise Problem(422, "unfit-form", "no such act")
    item = {"id": f"{name} {found.number}", "happened_at": instant(intake.now())}
    done = await acting.taken(intake, office, STUDENT, found, (name, item))
    if done.verdict.verdict not in UNKEPT:
        return back(request, f"/mine/{word}", told="applied")
    early = done.verdict.code == core.NOT_OPEN_YET
    own = await _own(intake, office, word, found)
    own = replace(own, trouble=TOO_EARLY if early else TOO_LATE)
    return html(pages.mine_page(visit(request, screens), showing.shown(found), own), 409)


async def _own(intake: Intake, office: Office, word: str, found: Found) -> Own:
    """The page that a word opens. A laptop is ceded at its campaign's value, or the policy's."""
    name, uai = found.handover.campaign or "", found.handover.school
    standing, school = await intake.database.read(
        lambda one: (store.campaign(one, name), store.school(one, uai))
    )
    terms = standing.campaign if standing else office.policy.cession
    return Own(word, int(terms.residual_value_cents), school)


async def _mine(intake: Intake, office: Office, request: Request) -> tuple[str, Found]:
    """The handover whose page a word opens; not where the student was forgotten. Raises Problem
    404.
    """
    word = request.path_params["word"]
    number = office.secrets.number(word)

    def read(connection: Connection) -> Found | None:
        found = store.handover(connection, number or "")
        gone = found and store.student(connection, found.handover.student).forgotten
        return None if gone else found

    found = await intake.database.read(read) if number else None
    if found is None:
        raise Problem(404, "unknown-word", "this word opens no page")
    return word, found
