"""Campaigns, one for a school year, and schools: what they are called, and which of them another
took over from. Pure.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from msgspec import Struct
from msgspec.structs import asdict, replace

from services.handover.core.commands import (
    NoteSchool,
    OfSchool,
    OpenCampaign,
    SucceedSchool,
    school_key,
)
from shared.contracts import handover
from shared.decisions import Claim, Decision, Refusal, Said

NUMBER = "{year}-{number:06d}"


class Campaign(Struct, frozen=True):
    """A campaign; an empty name where there is none yet. `certificates`: how many numbers went
    out.
    """

    campaign: str = ""
    opens_at: datetime | None = None
    legal_basis: str = ""
    deliberation: str = ""
    residual_value_cents: int = 0
    certificates: int = 0


class School(Struct, frozen=True):
    """A school. `successor`: the one that does what it had to do; `name`, `town`: of its entry in
    the directory, as it was at `noted_at`; None where nobody told.
    """

    successor: str | None = None
    name: str | None = None
    town: str | None = None
    noted_at: datetime | None = None


def opened(now: Campaign, key: str, command: OpenCampaign) -> Decision:
    told = handover.HandoverCampaignOpened(**asdict(command))
    if now.campaign and now.campaign != command.campaign:
        had = f"{command.school_year} has the campaign {now.campaign} already"
        return Refusal("year-has-a-campaign", had, "/school_year")
    stands = {name: getattr(now, name) for name in asdict(now) if name != "certificates"}
    if stands == {name: getattr(told, name) for name in stands}:
        return ()
    if now.campaign:
        return Refusal("already-opened", "it was opened on other terms: these stand", "/campaign")
    return ((key, told),)


def of_school(states: Mapping[str, Any], claim: Claim, command: OfSchool) -> Decision:
    now, key = states[claim.subject], claim.subject
    match command:
        case NoteSchool():
            return noted(now, claim, command)
        case SucceedSchool(successor):
            return succeeded(now, key, command, states[school_key(successor)])


def noted(now: School, claim: Claim, command: NoteSchool) -> Decision:
    """The same name of a later day is a fact too: an entry from between that is told after it then
    changes nothing.
    """
    same = (now.name, now.town) == (command.name, command.town)
    if same and now.noted_at and now.noted_at >= claim.happened_at:
        return ()
    return ((claim.subject, handover.SchoolNoted(command.name, command.town)),)


def succeeded(now: School, key: str, command: SucceedSchool, other: School) -> Decision:
    """`other`: the successor, which may have closed before. Whoever closes it tells the schools
    that it followed, too: so a successor is never one that closed.
    """
    school, last = key.partition(":")[2], other.successor or command.successor
    if school == command.successor:
        return Refusal("same-school", "a school does not follow itself", "/successor")
    if school == last:
        back = f"{command.successor} closed, and {school} follows it"
        return Refusal("each-follows-the-other", back, "/successor")
    return () if now.successor == last else ((key, handover.SchoolSucceeded(last)),)


def calling(campaign: str) -> str:
    """The id of the job that calls up the students of a campaign: the same however often asked."""
    return str(uuid5(NAMESPACE_URL, f"urn:trousseau:handover-campaign:{campaign}"))


def next_number(now: Campaign, school_year: str) -> str:
    """The number of the next certificate: none is left out, none is given twice, for whoever takes
    it holds the campaign's row.
    """
    return NUMBER.format(year=school_year, number=now.certificates + 1)


def evolve(now: Campaign, fact: object) -> Campaign:
    match fact:
        case handover.HandoverCampaignOpened() as told:
            terms = {name: getattr(told, name) for name in asdict(now) if name != "certificates"}
            return replace(now, **terms)
        case handover.CertificateNumbered():
            return replace(now, certificates=now.certificates + 1)
    return now


def evolve_school(now: School, said: Said) -> School:
    match said.fact:
        case handover.SchoolSucceeded(successor):
            return replace(now, successor=successor)
        case handover.SchoolNoted(name, town):
            return replace(now, name=name, town=town, noted_at=said.happened_at)
    return now
