"""What handover shows, read from its tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import astuple
from sqlalchemy import Connection

from services.handover import core, store
from services.handover.events import Secrets
from services.handover.shown import (
    CampaignShown,
    CertificateShown,
    HandoverShown,
    ReleaseShown,
    SchoolShown,
)
from services.handover.store import Found, Standing
from shared import jobs
from shared.contracts.handover import RELEASES

SERIAL_END = 4


@dataclass(frozen=True)
class Office:
    """What acts and pages need beside the tables: the policy, the secrets, where people find us."""

    policy: core.Policy
    secrets: Secrets
    address: str

    def mine(self, number: str) -> str:
        """The address of the student's own page of a handover."""
        return f"{self.address}/mine/{self.secrets.word(number)}"

    def certificate(self, number: str) -> str:
        """The address that a certificate's QR code opens."""
        return f"{self.address}/certificates/{number}"


KNOWN = {*core.Handover.__struct_fields__, "state"} - {"releases"}
ALIKE = tuple(name for name in HandoverShown.__struct_fields__ if name in KNOWN)


def shown(found: Found) -> HandoverShown:
    one = found.handover
    told: dict[str, Any] = {name: getattr(one, name) for name in ALIKE}
    releases = [_release(name, one.releases[name]) for name in RELEASES if name in one.releases]
    return HandoverShown(
        handover=found.number,
        laptop=found.laptop,
        model=found.model,
        blocked=[*found.blocked],
        releases=releases,
        **told,
    )


def _release(name: str, one: core.Release) -> ReleaseShown:
    told = (one.asked_at, one.done_at, one.failed, one.failing_since, one.failure, one.due_at)
    return ReleaseShown(name, *told)


def one_handover(connection: Connection, number: str) -> HandoverShown | None:
    """A handover by its number; None where there is none."""
    found = store.handover(connection, number)
    return shown(found) if found else None


def campaign_shown(connection: Connection, standing: Standing, school: str = "") -> CampaignShown:
    """A campaign as a school sees it, or as the region does ("")."""
    one = standing.campaign
    schools = store.counted(connection, one.campaign, school)
    job = jobs.find(connection, core.calling(one.campaign))
    failing, _ = store.failing(connection, one.campaign, school)
    return CampaignShown(
        campaign=one.campaign,
        school_year=standing.school_year,
        opens_at=one.opens_at,
        legal_basis=one.legal_basis,
        deliberation=one.deliberation,
        residual_value_cents=one.residual_value_cents,
        total=_total(schools),
        states=store.by_state(connection, one.campaign, school),
        blocked=store.blocked(connection, one.campaign, school),
        failing=failing,
        schools=schools,
        job=job["id"] if job else None,
    )


def _total(schools: Sequence[SchoolShown]) -> SchoolShown:
    figures = [astuple(one)[1:] for one in schools] or [(0,) * 9]
    return SchoolShown("", *(sum(column) for column in zip(*figures, strict=True)))


def certificate_shown(connection: Connection, number: str) -> CertificateShown | None:
    """What is told of a certificate; None where the number was never given."""
    found = store.certified(connection, number)
    if found is None:
        return None
    maker, _, serial = found.laptop.partition("/")
    one = found.handover
    return CertificateShown(
        certificate=number,
        issued_at=one.certified_at,
        maker=maker,
        model=found.model,
        serial_end=serial[-SERIAL_END:],
        handed_over=one.handed_over_at is not None and one.returned_at is None,
    )
