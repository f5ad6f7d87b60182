"""Acts on handovers over HTTP and on pages: one at a time, the right first, the code in the same
transaction as the signature that it proves.
"""

from datetime import datetime
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from services.handover import events, showing, store
from services.handover.events import ACTS, CODE
from services.handover.intake import codes
from services.handover.showing import Office
from services.handover.shown import HandoverShown
from services.handover.store import Found
from shared.access import role
from shared.asking import Intake, unless_kept
from shared.contracts.strict import Field
from shared.decisions import Claim, Decision, Refusal
from shared.serving import Handler, Problem, answer, json_body, trace_of
from shared.transact import Verdict, transact

REGION_ALONE = ("write-off",)


class ActTold(Struct, frozen=True):
    """What became of an act, and the handover as it is now. `signing_code`: shown here and never
    again, when one was drawn; `mine`: the address of the student's own page.
    """

    verdict: str
    code: str
    handover: HandoverShown | None
    mine: str
    signing_code: str | None = None


class Asked(Struct, frozen=True):
    """An act that was read: its claim, the code that came with it; `once`: what was asked under its
    id already is not compared, for a form that is sent twice tells another moment.
    """

    name: str
    claim: Claim
    code: str
    once: bool


class Done(Struct, frozen=True):
    """A verdict, and the code that was drawn on the way."""

    verdict: Verdict
    drawn: str | None = None


def acting(intake: Intake, office: Office) -> Handler:
    """A handler that takes an act on the handover that the address names."""

    async def act(request: Request) -> Response:
        number, name = request.path_params["id"], request.path_params["act"]
        if name not in ACTS:
            raise Problem(404, "unknown-act", f"an act is one of {', '.join(ACTS)}")
        found = await known(intake, number, request.state.party)
        body = await json_body(request)
        party, trace = request.state.party, trace_of(request)
        done = await taken(intake, office, party, found, (name, body), trace)
        intake.metrics.claims.labels("http", done.verdict.verdict).inc()
        unless_kept(done.verdict)
        one = await intake.database.read(lambda seen: showing.one_handover(seen, number))
        mine = office.mine(number)
        told = ActTold(done.verdict.verdict, done.verdict.code, one, mine, done.drawn)
        return answer(told)

    return act


async def known(intake: Intake, number: str, party: str) -> Found:
    """A handover that a party may see: a school its own. Raises Problem 404."""
    found: Found | None = await intake.database.read(lambda seen: store.handover(seen, number))
    others = role(party) == "school" and found and party != f"school:{found.handover.school}"
    if found is None or others:
        raise Problem(404, "unknown-handover", f"there is no handover {number[:40]}")
    return found


async def taken(
    intake: Intake,
    office: Office,
    party: str,
    found: Found,
    act: tuple[str, Any],
    trace: str | None = None,
) -> Done:
    """Put an act of a party through: its name and its item; a form's where there is no trace.
    Raises Problem 403 for a right, 422 for a field; Away.
    """
    name, raw = act
    if name in REGION_ALONE and role(party) != "region":
        raise Problem(403, "not-your-act", f"{name} is the region's")
    now = intake.now()
    read = events.reading(name, found, raw, party, intake.makers, now)
    if isinstance(read, Verdict):
        raise Problem(422, read.code, read.detail, [Field(read.field, read.code, read.detail)])
    asked = Asked(name, replace(read[0], trace=trace or ""), read[1], once=trace is None)
    work = partial(_act, intake=intake, office=office, asked=asked, now=now)
    done: Done = await intake.database.write(work)
    intake.relay.wake()
    return done


def _act(
    connection: Connection, intake: Intake, office: Office, asked: Asked, now: datetime
) -> Done:
    """One act in one transaction. A code that does not fit counts, and that is kept."""
    name, claim = asked.name, asked.claim
    number = claim.command.handover
    # As the transaction would hold them, in its order; before any code is looked at.
    keys = [claim.subject, *intake.service.core.keys(claim.command)]
    states = store.hold(connection, keys)
    if name == CODE:
        return _another_code(connection, office, claim, now)
    again = store.said(connection, claim.subject, claim.party, claim.id)
    if again and asked.once:
        return Done(Verdict("duplicate"))
    asks = not again and _says(intake.service.core.decide(states, claim))
    if asks and (why := _before(connection, office, asked, now)):
        return _refused(why)
    (verdict,) = transact(connection, intake.service, [claim], now)
    kept = verdict.verdict == "applied"
    if kept and name == "signature":
        store.keep_code(connection, number, None)
    drawn = kept and name == "offer"
    return Done(verdict, codes.draw(connection, office, number, now) if drawn else None)


def _says(decided: Decision) -> bool:
    """Whether something comes of an act, its code apart: if not, no code is looked at or drawn."""
    return decided != () and not isinstance(decided, Refusal)


def _before(connection: Connection, office: Office, asked: Asked, now: datetime) -> Refusal | None:
    """What is looked at before an act is decided: its code, or whether one may be drawn."""
    number = asked.claim.command.handover
    match asked.name:
        case "signature":
            return codes.proved(connection, office, number, asked.code, now)
        case "offer":
            return codes.spent(connection, office, number, now)
    return None


def _refused(why: Refusal) -> Done:
    return Done(Verdict("refused", why.code, why.detail, why.field))


def _another_code(connection: Connection, office: Office, claim: Claim, now: datetime) -> Done:
    """A new code for what was offered and is not signed yet."""
    number = claim.command.handover
    one = store.laptop(connection, claim.subject).handovers[number]
    if one.state not in ("offered", "accepted"):
        why = f"it is {one.state}; a code is for what was offered"
        return Done(Verdict("refused", f"it-is-{one.state}", why))
    if spent := codes.spent(connection, office, number, now):
        return _refused(spent)
    return Done(Verdict("applied"), codes.draw(connection, office, number, now))
