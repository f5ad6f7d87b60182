"""Students as pseudonyms: where they learn, which laptops they were given, who leaves. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from services.handover.core.campaigns import Campaign
from services.handover.core.commands import (
    CallUp,
    ForgetStudent,
    MoveStudent,
    NoteStudent,
    OfStudent,
    Reconsider,
    campaign_key,
    school_key,
)
from services.handover.core.policy import Policy
from shared.contracts import handover
from shared.decisions import Claim, Decision, Said

CEDE, RETURN, STAY = "cede", "return", "stay"
FINAL_LEVEL = "final-level"


class Student(Struct, frozen=True):
    """A student. `left`: why at no school any more; `laptops`: all that were ever given;
    `campaign`: the one that concerns the student, in `called_for`, since `called_at`.
    """

    school: str | None = None
    level: str | None = None
    school_year: str | None = None
    left: str | None = None
    laptops: tuple[str, ...] = ()
    campaign: str | None = None
    called_for: str | None = None
    called_at: datetime | None = None
    forgotten: bool = False

    @property
    def called(self) -> bool:
        """Whether a campaign concerns the school year in which the student is."""
        return self.campaign is not None and self.called_for == self.school_year


def way(now: Student, policy: Policy) -> tuple[str, str]:
    """What is to become of the student's laptop, and why."""
    if now.left:
        return (CEDE if now.left in policy.leaving.ceded else RETURN), now.left
    if now.level in policy.leaving.final_levels:
        return CEDE, FINAL_LEVEL
    return STAY, ""


def reconsider(pseudonym: str, now: Student, policy: Policy) -> Reconsider:
    """What a student's laptop is to be asked. Who finishes waits for a campaign; what must come
    back does not.
    """
    what, why = way(now, policy)
    school = now.school or ""
    if what == CEDE and now.called:
        return Reconsider(pseudonym, CEDE, school, why, now.campaign, now.called_for)
    if what == RETURN:
        return Reconsider(pseudonym, RETURN, school, why)
    return Reconsider(pseudonym, STAY, school)


def decide(policy: Policy, states: Mapping[str, Any], claim: Claim, command: OfStudent) -> Decision:
    now: Student = states[claim.subject]
    match command:
        case ForgetStudent():
            return () if now.forgotten else ((claim.subject, handover.StudentForgotten()),)
        case CallUp(year):
            return _called(policy, now, claim.subject, year, states[campaign_key(year)])
        case MoveStudent(school, to_school):
            if now.school != school or not now.level or not now.school_year:
                return ()
            there = states[school_key(to_school)].successor or to_school
            about = (there, now.level, now.school_year, now.left)
            return ((claim.subject, handover.StudentNoted(*about)),)
        case NoteStudent(school, level, year, left):
            successor = states[school_key(school)].successor
            noted = handover.StudentNoted(successor or school, level, year, left)
            after = _noted(now, noted)
            told = () if after == now else ((claim.subject, noted),)
            campaign = states[campaign_key(year)]
            called = _called(policy, after, claim.subject, year, campaign)
            return (*told, *called)


def _called(
    policy: Policy, now: Student, key: str, year: str, campaign: Campaign
) -> tuple[tuple[str, Any], ...]:
    concerned = campaign.campaign and now.school_year == year and not now.called
    if not concerned or way(now, policy)[0] != CEDE:
        return ()
    return ((key, handover.StudentCalled(campaign.campaign, year)),)


def follow(policy: Policy, after: Student, claim: Claim) -> Iterable[Claim]:
    """What it means for the laptops that the student was given."""
    pseudonym = claim.subject.partition(":")[2]
    command = reconsider(pseudonym, after, policy)
    for laptop in after.laptops:
        yield Claim(
            *("handover", f"{claim.party} {claim.id} {pseudonym}", laptop, claim.happened_at),
            command,
            stated=False,
            correlation=claim.correlation,
            trace=claim.trace,
        )


def _noted(now: Student, told: handover.StudentNoted) -> Student:
    return replace(
        now, school=told.school, level=told.level, school_year=told.school_year, left=told.left
    )


def evolve(now: Student, said: Said) -> Student:
    match said.fact:
        case handover.StudentNoted() as told:
            return _noted(now, told)
        case handover.StudentEquipped(laptop):
            return replace(now, laptops=tuple(sorted({*now.laptops, laptop})))
        case handover.StudentCalled(campaign, year):
            if now.called_for and now.called_for > year:
                return now
            at = said.happened_at
            return replace(now, campaign=campaign, called_for=year, called_at=at)
        case handover.StudentForgotten():
            return replace(now, forgotten=True)
    return now
