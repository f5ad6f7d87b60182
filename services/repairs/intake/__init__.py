"""Repairs over HTTP: incidents and acts to claims, verdicts to answers."""

from starlette.requests import Request
from starlette.responses import Response

from services.repairs.events import ACTS, ActItem
from services.repairs.intake import asking, files, recalls, telling
from services.repairs.intake.asking import (
    ActsBody,
    CaseTold,
    IncidentsBody,
    Verdicts,
)
from services.repairs.intake.recalls import RecallBody, RecallTold
from services.repairs.showing import Desk
from services.repairs.shown import CaseShown, LaptopShown, PoolShown
from shared.asking import Intake
from shared.serving import Listed, Route
from shared.upkeep import Queued, accept_file

__all__ = ["ACTS", "routes"]

DESKS, READERS = ("desk", "region"), ("desk", "region", "ops")
QUERY = {
    "laptop": "Those of one laptop, <maker>/<SERIAL>",
    "state": "Those in one state",
    "desk": "Those of one desk; a desk that names none sees its own",
    "open": "true: those that are not closed",
    "limit": "How many, 1 to 500; 100 when left out",
    "cursor": "What a list gave as next",
}


def routes(intake: Intake, desk: Desk) -> list[Route]:
    """Repairs' calls."""

    async def import_incidents(request: Request) -> Response:
        return await accept_file(request, intake.worker, "incidents")

    logging, listing = asking.logging(intake, desk), telling.listing(intake, desk)
    acting, acting_on_many = asking.acting(intake, desk), asking.acting_on_many(intake)
    return [
        Route(
            "POST",
            "/api/incidents",
            logging,
            "Log incidents: each opens a case",
            DESKS,
            IncidentsBody,
            Verdicts,
        ),
        Route(
            "POST",
            "/api/incidents/imports",
            import_incidents,
            "Log incidents by a file, CSV",
            DESKS,
            answer=Queued,
            status=202,
            media="text/csv",
        ),
        Route(
            "GET", "/api/cases", listing, "Cases", READERS, answer=Listed[CaseShown], query=QUERY
        ),
        Route(
            "GET",
            "/api/cases/{case}",
            telling.showing(intake, desk),
            "A case",
            READERS,
            answer=CaseShown,
        ),
        Route(
            "POST",
            "/api/cases/{case}/{act}",
            acting,
            f"What happens to a case: {', '.join(ACTS)}",
            DESKS,
            ActItem,
            CaseTold,
        ),
        Route(
            "POST",
            "/api/case-acts",
            acting_on_many,
            "Acts on many cases, a verdict for each",
            READERS,  # ops withdraws, and no more
            ActsBody,
            Verdicts,
        ),
        Route(
            "GET",
            "/api/laptops/{maker}/{serial}",
            telling.laptop(intake, desk),
            "A laptop as a desk sees it",
            READERS,
            answer=LaptopShown,
        ),
        Route(
            "GET",
            "/api/pools/{uai}",
            telling.pool(intake, desk),
            "What a school could lend, and what it lends",
            (*READERS, "school"),
            answer=PoolShown,
        ),
        Route(
            "GET",
            "/api/export/ords.csv",
            files.export(intake),
            "Cases in the Open Repair Data Standard 0.3; a desk's own",
            READERS,
            media="text/csv",
        ),
        Route(
            "POST",
            "/api/recalls",
            recalls.recalling(intake),
            "Call a model, or a lot of it, to the desks",
            ("region",),
            RecallBody,
            RecallTold,
            202,
        ),
    ]
