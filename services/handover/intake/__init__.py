"""Handover over HTTP: campaigns and acts to claims, verdicts to answers."""

from services.handover.events import ACTS, ActItem
from services.handover.intake import acting, campaigns, telling
from services.handover.intake.acting import ActTold
from services.handover.intake.campaigns import (
    CampaignBody,
    CampaignTold,
    ClosureBody,
    ClosureTold,
)
from services.handover.showing import Office
from services.handover.shown import CampaignShown, HandoverShown
from shared.asking import IDEMPOTENCY, Intake
from shared.serving import Listed, Route

SCHOOLS, READERS = ("region", "school"), ("region", "school", "ops")
QUERY = {
    "campaign": "Those of one campaign",
    "school": "Those of one school, by its UAI; a school sees its own",
    "state": "Those in one state",
    "laptop": "Those of one laptop, <maker>/<SERIAL>",
    "blocked": "Those that are held up by a cause, or by any",
    "failing": "true: those whose release from device management fails",
    "limit": "How many, 1 to 500; 100 when left out",
    "cursor": "What a list gave as next",
}
SCHOOL = {"school": "Those of one school, by its UAI; a school gets its own"}


def routes(intake: Intake, office: Office) -> list[Route]:
    """Handover's calls."""
    lists = {kind: telling.accounting(intake, kind) for kind in ("csv", "pdf")}
    return [
        Route(
            "POST",
            "/api/handover-campaigns",
            campaigns.opening(intake, office),
            "Offer the laptop to whoever finishes in a school year, now and later",
            ("region",),
            CampaignBody,
            CampaignTold,
            202,
            headers=IDEMPOTENCY,
        ),
        Route(
            "GET",
            "/api/handover-campaigns/{campaign}",
            telling.campaign(intake),
            "A campaign: its terms, how far it is, what holds it up",
            READERS,
            answer=CampaignShown,
        ),
        Route(
            "GET",
            "/api/handover-campaigns/{campaign}/certificates.csv",
            lists["csv"],
            "Certificates for the accounts, CSV",
            READERS,
            media="text/csv",
            query=SCHOOL,
        ),
        Route(
            "GET",
            "/api/handover-campaigns/{campaign}/certificates.pdf",
            lists["pdf"],
            "Certificates for the accounts, PDF",
            READERS,
            media=telling.PDF,
            query=SCHOOL,
        ),
        Route(
            "GET",
            "/api/handovers",
            telling.listing(intake),
            "Handovers",
            READERS,
            answer=Listed[HandoverShown],
            query=QUERY,
        ),
        Route(
            "GET",
            "/api/handovers/{id}",
            telling.one(intake),
            "A handover",
            READERS,
            answer=HandoverShown,
        ),
        Route(
            "POST",
            "/api/handovers/{id}/{act}",
            acting.acting(intake, office),
            f"What happens to a handover: {', '.join(ACTS)}",
            SCHOOLS,
            ActItem,
            ActTold,
        ),
        Route(
            "GET",
            "/api/certificates/{number}.pdf",
            telling.certificate(intake, office),
            "A certificate, PDF",
            READERS,
            media=telling.PDF,
        ),
        Route(
            "POST",
            "/api/schools/{uai}/closure",
            campaigns.closing(intake),
            "A school closed or merged: another one does what it had to do",
            ("region",),
            ClosureBody,
            ClosureTold,
            202,
            headers=IDEMPOTENCY,
        ),
    ]
