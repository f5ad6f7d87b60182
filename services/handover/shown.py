"""What handover shows of campaigns and handovers: the shapes, for calls and pages."""

from collections.abc import Mapping
from datetime import date, datetime

from msgspec import Struct


class ReleaseShown(Struct, frozen=True):
    """One act of device management. `failed`: how often; `due_at`: when it is asked next."""

    release: str
    asked_at: datetime | None
    done_at: datetime | None
    failed: int
    failing_since: datetime | None
    failure: str
    due_at: datetime | None


class HandoverShown(Struct, frozen=True):
    """A handover. `blocked`: what stands in the way; `brought`: another laptop that was brought in
    its place.
    """

    handover: str
    laptop: str
    model: str | None
    student: str
    school: str
    campaign: str | None
    leaving: str
    state: str
    blocked: list[str]
    minor: bool | None
    opened_at: datetime | None
    offered_at: datetime | None
    accepted_at: datetime | None
    refused_at: datetime | None
    signed_at: datetime | None
    releases: list[ReleaseShown]
    certificate: str | None
    certified_at: datetime | None
    handed_over_at: datetime | None
    institution: str | None
    due_on: date | None
    reminded: int
    brought: str | None
    returned_at: datetime | None
    tracking_form: str | None
    cancelled_for: str | None


class SchoolNamed(Struct, frozen=True):
    """A school as people know it; name and town are "" where nobody told them."""

    uai: str
    name: str = ""
    town: str = ""

    @property
    def place(self) -> str:
        """`Lycée Kléber, Strasbourg`; "" where nobody told."""
        return ", ".join(filter(None, (self.name, self.town)))

    @property
    def words(self) -> str:
        """`Lycée Kléber, Strasbourg (0670001A)`; the UAI alone where nobody told."""
        return f"{self.place} ({self.uai})" if self.place else self.uai


class SchoolShown(Struct, frozen=True):
    """How far a school is in a campaign: how many handovers, how many came to each step, how many
    are asked back or came back, how many are held up.
    """

    school: str
    opened: int
    offered: int
    signed: int
    released: int
    certified: int
    handed_over: int
    went_on: int
    returns: int
    blocked: int


class CampaignShown(Struct, frozen=True):
    """A campaign: its terms, how far it is in all and at each school, what holds how many up;
    `job`: the one that calls the students up; `failing`: releases.
    """

    campaign: str
    school_year: str
    opens_at: datetime | None
    legal_basis: str
    deliberation: str
    residual_value_cents: int
    total: SchoolShown
    states: Mapping[str, int]
    blocked: Mapping[str, int]
    failing: int
    schools: list[SchoolShown]
    job: str | None


class CertificateShown(Struct, frozen=True):
    """What may be told of a certificate to whoever holds it: nobody's name, and of the serial
    number its end alone.
    """

    certificate: str
    issued_at: datetime | None
    maker: str
    model: str | None
    serial_end: str
    handed_over: bool
