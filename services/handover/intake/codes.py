"""Codes given at school: drawn so often a day, tried, used up. Whoever comes here holds the laptop
of the handover (store.hold).
"""

import secrets
from datetime import datetime

from sqlalchemy import Connection

from services.handover import core, store
from services.handover.showing import Office
from shared.contracts.calendar import day_of
from shared.decisions import Refusal


def spent(connection: Connection, office: Office, number: str, now: datetime) -> Refusal | None:
    """Why no other code is drawn today; None where one may be."""
    most = office.policy.signing.draws_a_day
    if store.draws(connection, number, day_of(now)) < most:
        return None
    why = f"{most} codes were drawn for it today: another one can be drawn tomorrow"
    return Refusal("too-many-codes", why)


def draw(connection: Connection, office: Office, number: str, now: datetime) -> str:
    """Draw a code, keep its keyed hash; the code itself is told once."""
    rule = office.policy.signing
    code = f"{secrets.randbelow(10**rule.digits):0{rule.digits}d}"
    digest = office.secrets.digest(number, code)
    store.keep_code(connection, number, core.given(digest, now, rule))
    store.count_draw(connection, number, day_of(now))
    return code


def proved(
    connection: Connection, office: Office, number: str, code: str, now: datetime
) -> Refusal | None:
    """Why a code proves nothing; None where it does. A wrong one counts."""
    held = store.code(connection, number)
    digest = office.secrets.digest(number, code)
    left, why = core.tried(held, digest, now, office.policy.signing)
    if why is not None and left != held:
        store.keep_code(connection, number, left)
    return why
