"""Handover's pages at their addresses: campaigns, a school's signing day, the student's own page,
the certificate's.
"""

from services.handover.screens.campaigns import of_campaigns, of_handovers
from services.handover.screens.mine import for_anybody, of_mine
from services.handover.screens.signing import of_signing
from services.handover.showing import Office
from shared.asking import Intake
from shared.screens import Screens, screen
from shared.serving import Route


def routes(intake: Intake, office: Office, screens: Screens) -> list[Route]:
    """The screens of design page `screens`, handover's part."""
    addresses = [
        *of_campaigns(intake, office, screens),
        *of_handovers(intake, screens),
        *of_signing(intake, office, screens),
        *of_mine(intake, office, screens),
        *for_anybody(intake, screens),
    ]
    return [
        Route(method, path, screen(screens, handler), what, None, media=media)
        for method, path, handler, what, media in addresses
    ]
