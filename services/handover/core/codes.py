"""The code given at school, the second proof of a signature: tried so often, for so long. Pure.

Only its keyed hash is kept; the code itself is shown once, to the school's staff.
"""

from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from services.handover.core.policy import Signing
from shared.decisions import Refusal


class Code(Struct, frozen=True):
    """A code that was given. `missed`: how often another was tried."""

    digest: str
    expires_at: datetime
    missed: int = 0


def given(digest: str, now: datetime, rule: Signing) -> Code:
    """A new code, which takes the place of any before it."""
    return Code(digest, now + timedelta(hours=rule.hours))


def tried(
    code: Code | None, digest: str, now: datetime, rule: Signing
) -> tuple[Code | None, Refusal | None]:
    """What a try leaves of a code, and why it is refused; a code that fits is used up. A wrong code
    counts also where it is too late, so that nobody may go on guessing.
    """
    if code is None:
        return None, Refusal("no-code", "no code was given: the school draws one", "/code")
    if code.missed >= rule.attempts:
        return code, Refusal("code-locked", "too many tries: the school draws another", "/code")
    if code.digest != digest:
        missed = replace(code, missed=code.missed + 1)
        left = rule.attempts - missed.missed
        return missed, Refusal("wrong-code", f"another code was given; {left} tries left", "/code")
    if now > code.expires_at:
        return code, Refusal("code-expired", "the code is too old: draw another", "/code")
    return None, None
