"""What became of a student means for a laptop: it is offered, it comes back, or neither. Pure."""

from datetime import timedelta
from typing import Any

from services.handover.core import students
from services.handover.core.commands import Reconsider
from services.handover.core.handovers import Handover, number_of
from services.handover.core.laptops import Laptop, live
from services.handover.core.policy import Policy
from shared.contracts import handover
from shared.contracts.calendar import day_of
from shared.decisions import Claim, Decision


def reconsider(policy: Policy, now: Laptop, claim: Claim, command: Reconsider) -> Decision:
    """What became of its student means for it: to be offered, to come back, or neither. What was
    ceded is nobody's to offer; what a person decided stands.
    """
    if now.student != command.student or now.ceded_for_good:
        return ()
    mine = live(now, command.student)
    if mine and mine[1].decided:
        return _moved(mine, claim.subject, command.school)
    if mine is None and now.written_off:
        return ()
    match command.way:
        case students.STAY:
            return _stays(mine, claim.subject)
        case students.CEDE:
            return _ceded(now, mine, claim.subject, command)
    return _comes_back(policy, now, mine, claim, command)


def _stays(mine: tuple[str, Handover] | None, key: str) -> Decision:
    return ((key, handover.HandoverCancelled(mine[0], "stays")),) if mine else ()


def _ceded(
    now: Laptop, mine: tuple[str, Handover] | None, key: str, command: Reconsider
) -> Decision:
    """It is offered. Asked back by a word of enrolment that holds no longer, it is offered anew."""
    facts: list[tuple[str, Any]] = []
    same = mine and mine[1].school_year in (command.school_year, None)
    if mine and same and not mine[1].asked_back_at:
        return _moved(mine, key, command.school)
    if mine:
        facts.append((key, handover.HandoverCancelled(mine[0], "another-campaign")))
    return (*facts, (key, _opened(now, key, command)))


def _opened(now: Laptop, key: str, command: Reconsider) -> handover.HandoverOpened:
    year = command.school_year
    number = number_of(key, command.student, year or "", len(now.handovers))
    about = (command.student, command.school, command.leaving, command.campaign, year)
    return handover.HandoverOpened(number, *about)


def _moved(mine: tuple[str, Handover], key: str, school: str) -> Decision:
    number, one = mine
    if school in ("", one.school):
        return ()
    return ((key, handover.HandoverMoved(number, one.school, school)),)


def _comes_back(
    policy: Policy,
    now: Laptop,
    mine: tuple[str, Handover] | None,
    claim: Claim,
    command: Reconsider,
) -> Decision:
    """It goes back to the school that was attended last (a sister programme's rule)."""
    key = claim.subject
    if now.ceded_to == command.student:
        return ()  # it is theirs
    if mine and mine[1].asked_back_at:
        return _moved(mine, key, command.school)
    due_on = day_of(claim.happened_at) + timedelta(days=policy.returns.days)
    if mine:
        return ((key, handover.ReturnAsked(mine[0], mine[1].school, due_on)),)
    told = _opened(now, key, command)
    asked = handover.ReturnAsked(told.handover, told.school, due_on)
    return ((key, told), (key, asked))
