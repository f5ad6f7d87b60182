"""Handover's rules: who leaves, what is offered, signed, released, certified, given back. Pure.

What came back is told, and never refused for state; all else is asked and may be. The policy is
data: a core is made of it.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, assert_never

from services.handover.core import acts, campaigns, laptops, leaving, students
from services.handover.core.acts import NOT_OPEN_YET, in_the_way
from services.handover.core.campaigns import Campaign, School, calling
from services.handover.core.codes import Code, given, tried
from services.handover.core.commands import (
    Accept,
    Acquire,
    AskRelease,
    AskReturn,
    Block,
    CallUp,
    Certify,
    CloseDay,
    Command,
    Enter,
    Entrust,
    ForgetStudent,
    GoOn,
    HandOver,
    MoveHandover,
    MoveStudent,
    NoteRelease,
    NoteSchool,
    NoteStudent,
    Offer,
    OpenCampaign,
    Reconsider,
    Refurbish,
    Refuse,
    Regard,
    Return,
    Scrap,
    Settle,
    Sign,
    SucceedSchool,
    Unblock,
    Withdraw,
    WriteOff,
    campaign_key,
    school_key,
    student_key,
)
from services.handover.core.handovers import (
    ASKED_BACK,
    CEDING,
    OVERDUE,
    RETURNING,
    STATES,
    Handover,
    Release,
    number_of,
)
from services.handover.core.laptops import CAUSES, Laptop, live, release_due_at
from services.handover.core.policy import AT_END, AT_HAND_OUT, Policy, read
from services.handover.core.students import Student
from shared.contracts import handover
from shared.contracts.identifiers import kind_of
from shared.decisions import Claim, Core, Decision, Folding, Said

__all__ = [
    "ASKED_BACK",
    "AT_END",
    "AT_HAND_OUT",
    "CAUSES",
    "CEDING",
    "NOT_OPEN_YET",
    "OVERDUE",
    "RETURNING",
    "STATES",
    "Accept",
    "Acquire",
    "AskRelease",
    "AskReturn",
    "Block",
    "CallUp",
    "Campaign",
    "Certify",
    "CloseDay",
    "Code",
    "Command",
    "Enter",
    "Entrust",
    "ForgetStudent",
    "GoOn",
    "HandOver",
    "Handover",
    "Laptop",
    "MoveHandover",
    "MoveStudent",
    "NoteRelease",
    "NoteSchool",
    "NoteStudent",
    "Offer",
    "OpenCampaign",
    "Policy",
    "Reconsider",
    "Refurbish",
    "Refuse",
    "Release",
    "Return",
    "School",
    "Scrap",
    "Sign",
    "Student",
    "SucceedSchool",
    "Unblock",
    "Withdraw",
    "WriteOff",
    "calling",
    "campaign_key",
    "core",
    "given",
    "in_the_way",
    "live",
    "number_of",
    "read",
    "release_due_at",
    "school_key",
    "student_key",
    "tried",
]


def keys(command: Command) -> tuple[str, ...]:
    match command:
        case NoteStudent(school, school_year=year):
            return (campaign_key(year), school_key(school))
        case Regard(student):
            return (student_key(student),)
        case SucceedSchool(school) | MoveStudent(to_school=school) | MoveHandover(to_school=school):
            return (school_key(school),)
        case Entrust(student, school):
            own = (student_key(student),) if student else ()
            return (*own, *((school_key(school),) if school else ()))
        case (
            CallUp(year)
            | Offer(_, _, year)
            | Refuse(_, _, year)
            | Certify(_, year)
            | HandOver(_, year)
        ):
            return (campaign_key(year),)
    return ()


# -- decide


def decide(policy: Policy, states: Mapping[str, Any], claim: Claim) -> Decision:
    """Facts of one claim."""
    now, key = states[claim.subject], claim.subject
    match claim.command:
        case OpenCampaign() as opening:
            return campaigns.opened(now, key, opening)
        case SucceedSchool() | NoteSchool() as of_school:
            return campaigns.of_school(states, claim, of_school)
        case CallUp() | NoteStudent() | MoveStudent() | ForgetStudent() as of_student:
            return students.decide(policy, states, claim, of_student)
        case Enter() | Acquire() | Entrust() | Block() | Unblock() | Withdraw() as heard:
            return _heard(states, claim, heard)
        case Reconsider() | Regard() | Settle() | MoveHandover() | CloseDay() as following:
            return _following(policy, states, claim, following)
        case _ as act:
            return acts.decide(policy, states, claim, act)


def _heard(
    states: Mapping[str, Any],
    claim: Claim,
    command: Enter | Acquire | Entrust | Block | Unblock | Withdraw,
) -> Decision:
    now, key = states[claim.subject], claim.subject
    match command:
        case Enter(model):
            return () if now.model == model else ((key, handover.LaptopEntered(model)),)
        case Acquire():
            return () if now.acquired else ((key, handover.LaptopAcquired()),)
        case Entrust():
            return laptops.entrust(states, claim, command)
        case Block():
            return laptops.block(now, claim, command)
        case Unblock():
            return laptops.unblock(claim, command)
        case Withdraw():
            return laptops.withdraw(now, key, command)
    assert_never(command)


def _following(
    policy: Policy,
    states: Mapping[str, Any],
    claim: Claim,
    command: Reconsider | Regard | Settle | MoveHandover | CloseDay,
) -> Decision:
    now = states[claim.subject]
    match command:
        case Reconsider():
            return leaving.reconsider(policy, now, claim, command)
        case Regard(student):
            wanted = students.reconsider(student, states[student_key(student)], policy)
            return leaving.reconsider(policy, now, claim, wanted)
        case Settle(event):
            return laptops.settle(policy, now, claim.subject, event)
        case MoveHandover():
            there = states[school_key(command.to_school)].successor or command.to_school
            return laptops.move(now, claim.subject, command, there)
        case CloseDay(day):
            return laptops.close_day(policy, now, claim.subject, day)
    assert_never(command)


# -- what follows


def follow(
    policy: Policy, _before: Mapping[str, Any], after: Mapping[str, Any], claim: Claim
) -> Iterable[Claim]:
    """What is known of a student means something for the laptops, and the other way round."""
    match claim.command:
        case CallUp() | NoteStudent() | MoveStudent():
            return students.follow(policy, after[claim.subject], claim)
        case Entrust() | Acquire() | Withdraw():
            return laptops.follow_held(policy, after, claim)
    return ()


def _laptops_of(now: Any) -> tuple[str, ...]:
    return now.laptops if isinstance(now, Student) else ()


def _holders_of(now: Any) -> tuple[str, ...]:
    """The students who may have a laptop once something of it is withdrawn."""
    return tuple(map(student_key, now.holders)) if isinstance(now, Laptop) else ()


# -- evolve


KINDS: Mapping[str, type] = {
    "laptop": Laptop,
    "student": Student,
    "handover-campaign": Campaign,
    "school": School,
}


def start(key: str) -> Any:
    return KINDS[kind_of(key)]()


def evolve(now: Any, said: Said) -> Any:
    match now:
        case Laptop():
            return laptops.evolve(now, said)
        case Student():
            return students.evolve(now, said)
        case Campaign():
            return campaigns.evolve(now, said.fact)
    return campaigns.evolve_school(now, said)


def core(policy: Policy) -> Core:
    """Handover's core under a policy."""
    return Core(
        publisher="handover",
        commands=Command,
        facts=handover.Fact,
        folding=Folding(
            handover.RANK,
            evolve,
            start,
            stands=laptops.as_it_counts,
            restarts=(handover.HandoverFactWithdrawn,),
        ),
        keys=keys,
        decide=partial(decide, policy),
        follow=partial(follow, policy),
        reach=dict.fromkeys((CallUp, NoteStudent, MoveStudent), _laptops_of)
        | {Withdraw: _holders_of},
    )
