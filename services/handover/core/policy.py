"""Who leaves, who may keep it, how long a return may take: the region's policy, data and not code.
Pure.

The default is deploy/handover-policy.toml, which names its sources; a region puts its own in its
place. Legal basis, deliberation and residual value have no default here: a region must say them.
"""

import tomllib

import msgspec
from msgspec import Struct

AT_END, AT_HAND_OUT = "at-end", "at-hand-out"


class Cession(Struct, frozen=True, forbid_unknown_fields=True):
    """On what ground laptops are ceded, unless a campaign says otherwise. `ownership`: when the
    student becomes the owner, at-end or at-hand-out.
    """

    legal_basis: str
    deliberation: str
    residual_value_cents: int
    ownership: str = AT_END


class Leaving(Struct, frozen=True, forbid_unknown_fields=True):
    """`final_levels`: after which a student has finished. `ceded`: for which reasons of leaving the
    laptop may be kept; for any other it comes back.
    """

    final_levels: frozenset[str]
    ceded: frozenset[str]


class Signing(Struct, frozen=True, forbid_unknown_fields=True):
    """The code given at school: how many digits, for how many hours, how many wrong tries; how many
    are drawn for a handover in a day, for each has tries of its own.
    """

    digits: int = 6
    hours: int = 72
    attempts: int = 5
    draws_a_day: int = 5


class Release(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether device management is asked as soon as it is signed."""

    when_signed: bool = True


class Returns(Struct, frozen=True, forbid_unknown_fields=True):
    """How many days a return may take; how many days before its end it is reminded of."""

    days: int = 30
    reminders: tuple[int, ...] = (14, 3)


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """All of it."""

    cession: Cession
    leaving: Leaving
    signing: Signing = Signing()
    release: Release = Release()
    returns: Returns = Returns()


def read(text: str) -> Policy:
    """A policy from its TOML. Raises ValueError with a sentence that says where it is wrong."""
    try:
        policy = msgspec.convert(tomllib.loads(text), Policy)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as trouble:
        raise ValueError(str(trouble)) from None
    if policy.cession.ownership not in (AT_END, AT_HAND_OUT):
        raise ValueError(f"cession: ownership is {AT_END} or {AT_HAND_OUT}")
    if policy.cession.residual_value_cents < 0:
        raise ValueError("cession: residual_value_cents is 0 or more")
    for name in ("legal_basis", "deliberation"):
        if not getattr(policy.cession, name).strip():
            raise ValueError(f"cession: {name} must be said")
    signing = policy.signing
    if not 4 <= signing.digits <= 12 or min(signing.attempts, signing.draws_a_day) < 1:
        raise ValueError("signing: 4 to 12 digits, at least one attempt and one draw a day")
    if policy.returns.days < 1 or any(days < 0 for days in policy.returns.reminders):
        raise ValueError("returns: at least one day, reminders 0 or more days before its end")
    return policy
