"""Acts on a handover: what is asked is decided as it comes and may be refused; what came back is
told, and never refused for state. Pure.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, assert_never

from services.handover.core import handovers
from services.handover.core.campaigns import Campaign, next_number
from services.handover.core.commands import (
    Accept,
    Act,
    AskRelease,
    AskReturn,
    Certify,
    GoOn,
    HandOver,
    NoteRelease,
    Offer,
    Refurbish,
    Refuse,
    Return,
    Scrap,
    Sign,
    WriteOff,
    campaign_key,
)
from services.handover.core.handovers import Handover, Release
from services.handover.core.laptops import Laptop, is_anothers
from services.handover.core.policy import Policy
from shared.contracts import handover
from shared.contracts.calendar import day_of
from shared.decisions import Claim, Decision, Refusal

Facts = tuple[Any, ...] | Refusal
SKEW = timedelta(minutes=10)  # by which clocks of people may differ
NOT_OPEN_YET = "not-open-yet"
BEFORE_SIGNED = (handovers.OFFERED, handovers.ACCEPTED)


def decide(policy: Policy, states: Mapping[str, Any], claim: Claim, command: Act) -> Decision:
    """Facts of an act, all of its laptop, but that a certificate's number is the campaign's too.
    What is so already is asked for nothing, whenever that was.
    """
    now: Laptop = states[claim.subject]
    one = now.handovers.get(command.handover)
    if one is None:
        return Refusal("unknown-handover", "the laptop has no such handover", "/handover")
    found = _decided(policy, states, claim, command)
    told = isinstance(command, Return | NoteRelease)
    if found != () and not told and one.last_at and claim.happened_at < one.last_at - SKEW:
        return Refusal(
            "before-the-last-act", "something later was told of it already", "/happened_at"
        )
    return found


def _decided(policy: Policy, states: Mapping[str, Any], claim: Claim, command: Act) -> Decision:
    if isinstance(command, Certify):
        one = states[claim.subject].handovers[command.handover]
        return _certify(states, claim, one, command)
    found = _facts(policy, states, claim, command)
    if isinstance(found, Refusal):
        return found
    return tuple((claim.subject, fact) for fact in found)


def _facts(  # noqa: C901, PLR0911  a return for each act
    policy: Policy,
    states: Mapping[str, Any],
    claim: Claim,
    command: Offer
    | Accept
    | Refuse
    | Sign
    | AskRelease
    | NoteRelease
    | HandOver
    | GoOn
    | AskReturn
    | Return
    | Refurbish
    | Scrap
    | WriteOff,
) -> Facts:
    now: Laptop = states[claim.subject]
    one = now.handovers[command.handover]
    match command:
        case Offer():
            return _offer(now, one, claim, command, states)
        case Accept() | Refuse():
            return _answer(policy, one, claim, command, states)
        case Sign():
            return _sign(policy, now, one, command)
        case AskRelease() | NoteRelease():
            return _release(now, one, command)
        case HandOver():
            return _hand_over(now, one, command, states[campaign_key(command.school_year)])
        case GoOn():
            return _go_on(now, one, command)
        case AskReturn() | Return():
            return _back(policy, now, one, claim, command)
        case Refurbish() | Scrap() | WriteOff():
            return _end(now, one, command)
    assert_never(command)


# -- until it is the student's


def in_the_way(now: Laptop) -> Refusal | None:
    """Why a laptop cannot be handed over; None where nothing stands in the way."""
    if now.blocked_by:
        what = ", ".join(now.blocked_by)
        return Refusal("blocked", f"an open {what} stands in the way; it goes on by itself after")
    return None


def _hindered(now: Laptop, one: Handover) -> Refusal | None:
    """Why it cannot be its student's; None where it can."""
    if now.ceded_to not in (None, one.student):
        return Refusal("owned-by-another", "it is another student's: the region has it no more")
    return in_the_way(now)


def _not_in(one: Handover, *states: str) -> Refusal | None:
    """Why an act is not due; None where the handover is in one of the states for it."""
    if one.state in states:
        return None
    return Refusal(f"it-is-{one.state}", f"it is {one.state}; this wants {' or '.join(states)}")


def _offer(
    now: Laptop, one: Handover, claim: Claim, command: Offer, states: Mapping[str, Any]
) -> Facts:
    if one.state == handovers.OFFERED and one.minor == command.minor:
        return ()
    if early := _not_open_yet(states, claim, command):
        return early
    if not now.acquired:
        return Refusal("not-the-regions", "it was not admitted: the region does not own it yet")
    why = _not_in(one, handovers.OPENED, *BEFORE_SIGNED) or _hindered(now, one)
    return why or (handover.HandoverOffered(command.handover, command.minor),)


def _not_open_yet(
    states: Mapping[str, Any], claim: Claim, command: Offer | Refuse
) -> Refusal | None:
    """Nothing is offered, and so nothing answered, before the campaign opens."""
    campaign: Campaign = states[campaign_key(command.school_year)]
    if campaign.opens_at is None or claim.happened_at >= campaign.opens_at:
        return None
    return Refusal(NOT_OPEN_YET, f"the campaign opens at {campaign.opens_at.isoformat()}")


def _answer(
    policy: Policy,
    one: Handover,
    claim: Claim,
    command: Accept | Refuse,
    states: Mapping[str, Any],
) -> Facts:
    number = command.handover
    if isinstance(command, Accept):
        if one.accepted_at and one.state != handovers.ASKED_BACK:
            return ()
        return _not_in(one, handovers.OFFERED) or (handover.HandoverAccepted(number),)
    if one.refused_at:
        return ()
    why = _not_open_yet(states, claim, command) or _not_in(one, handovers.OPENED, *BEFORE_SIGNED)
    if why:
        return why
    due_on = command.due_on or _due_on(policy, claim)
    asked = handover.ReturnAsked(number, one.school, due_on)
    return (handover.HandoverRefused(number), asked)


def _due_on(policy: Policy, claim: Claim) -> date:
    return day_of(claim.happened_at) + timedelta(days=policy.returns.days)


def _sign(policy: Policy, now: Laptop, one: Handover, command: Sign) -> Facts:
    """An adult signs alone, for a minor a guardian signs too: by what the school says on this day,
    whatever it said when it was offered.
    """
    if one.signed_at:
        return ()
    if why := _not_in(one, *BEFORE_SIGNED) or _hindered(now, one) or _unsigned(one, command):
        return why
    number, guardian = command.handover, command.guardian_signed_at
    told: list[Any] = [] if one.accepted_at else [handover.HandoverAccepted(number)]
    student = command.student_signed_at
    told.append(handover.HandoverSigned(number, command.minor, student, guardian))
    return (*told, *(_asked(number) if policy.release.when_signed else ()))


def _unsigned(one: Handover, command: Sign) -> Refusal | None:
    """Which signature is missing, or is of another time; None where each is good."""
    guardian, student = command.guardian_signed_at, command.student_signed_at
    if command.minor and guardian is None:
        return Refusal(
            "guardian-not-signed", "for a minor a guardian signs too", "/guardian_signed_at"
        )
    for at, field in ((student, "/student_signed_at"), (guardian, "/guardian_signed_at")):
        if at and one.opened_at and at < one.opened_at - SKEW:
            return Refusal("signed-before", "it was signed before there was a handover", field)
    return None


def _asked(number: str) -> tuple[handover.ManagementReleaseAsked, ...]:
    return tuple(handover.ManagementReleaseAsked(number, name) for name in handover.RELEASES)


def _release(now: Laptop, one: Handover, command: AskRelease | NoteRelease) -> Facts:
    number = command.handover
    if isinstance(command, AskRelease):
        if one.releases:
            return ()
        return _not_in(one, handovers.SIGNED) or in_the_way(now) or _asked(number)
    release = one.releases.get(command.release, Release())
    if release.asked_at is None or release.done_at:
        return ()
    if not command.failure:
        return (handover.ManagementReleaseDone(number, command.release),)
    about = (number, command.release, command.failure)
    return (handover.ManagementReleaseFailed(*about, release.failed + 1),)


def _certify(states: Mapping[str, Any], claim: Claim, one: Handover, command: Certify) -> Decision:
    if one.certificate:
        return ()
    campaign = states[campaign_key(command.school_year)]
    if why := _not_in(one, handovers.RELEASED) or _hindered(states[claim.subject], one):
        return why
    number = next_number(campaign, command.school_year)
    issued = handover.CertificateIssued(command.handover, number)
    counted = handover.CertificateNumbered(number, claim.subject)
    return ((claim.subject, issued), (campaign_key(command.school_year), counted))


def _hand_over(now: Laptop, one: Handover, command: HandOver, campaign: Campaign) -> Facts:
    if one.handed_over_at:
        return ()
    if why := _not_in(one, handovers.CERTIFIED) or _hindered(now, one):
        return why
    terms = (campaign.legal_basis, campaign.deliberation, campaign.residual_value_cents)
    return (handover.LaptopHandedOver(command.handover, one.student, *terms),)


def _go_on(now: Laptop, one: Handover, command: GoOn) -> Facts:
    """Whoever owns it goes on with it; where ownership moved at hand-out, once it is certified."""
    if one.institution == command.institution:
        return ()
    owned = (handovers.CERTIFIED,) if now.ceded_to == one.student else ()
    why = _not_in(one, handovers.HANDED_OVER, handovers.STUDYING, *owned)
    told = handover.LaptopTakenIntoFurtherStudy(command.handover, command.institution)
    return why or (told,)


# -- back


def _back(
    policy: Policy, now: Laptop, one: Handover, claim: Claim, command: AskReturn | Return
) -> Facts:
    """What came back, or is to come. Of a laptop that is another's by then nothing is taken: it is
    kept as one that was brought.
    """
    number = command.handover
    if isinstance(command, Return):
        if command.brought != claim.subject or is_anothers(now, one, claim.happened_at):
            return (handover.OtherLaptopReturned(number, command.brought),)
        return (handover.LaptopReturned(number, one.school),)
    due_on = command.due_on or _due_on(policy, claim)
    if one.asked_back_at and one.due_on == due_on:
        return ()
    if due_on < day_of(claim.happened_at):
        return Refusal("due-before", "it is due before it is asked for", "/due_on")
    may = (*handovers.CEDING[:7], handovers.ASKED_BACK, handovers.OVERDUE)
    return _not_in(one, *may) or (handover.ReturnAsked(number, one.school, due_on),)


def _end(now: Laptop, one: Handover, command: Refurbish | Scrap | WriteOff) -> Facts:
    number = command.handover
    match command:
        case Refurbish():
            if one.refurbished_at:
                return ()
            told: Any = handover.LaptopRefurbished(number, one.school)
            return _not_in(one, handovers.RETURNED) or (told,)
        case Scrap(tracking_form=form):
            if one.tracking_form == form:
                return ()
            return _not_in(one, handovers.RETURNED) or (handover.LaptopScrapped(number, form),)
        case WriteOff():
            return _write_off(now, one, number)
    assert_never(command)


def _write_off(now: Laptop, one: Handover, number: str) -> Facts:
    """What was asked back and does not come; or what is lost or stolen, and not found again."""
    if one.written_off_at:
        return ()
    gone = one.live and {"theft", "loss"} & {*now.blocked_by}
    why = None if gone else _not_in(one, handovers.ASKED_BACK, handovers.OVERDUE)
    return why or (handover.LaptopWrittenOff(number),)
