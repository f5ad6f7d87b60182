"""Who pays, what is done, for how long: the region's policy, data and not code. Pure.

The default is deploy/repair-policy.toml, which names its sources; a region puts its own in its
place. The first rule that fits decides.
"""

import tomllib
from datetime import date

import msgspec
from msgspec import Struct
from msgspec.structs import replace

COVERS = ("warranty", "region", "family", "nobody")
REMEDIES = ("repair", "replace", "none")


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """What is decided of a case. It fits where everything does that it says: the cause is one of
    `causes`; it is at most the `times`-th of that cause for the laptop; the warranty runs or does
    not; the warranty began at most `months` ago; a complaint was filed or not.

    cover: who pays. remedy: what is done; `beyond_repair`: what, of a laptop that cannot be
    repaired. loan: whether its user may have another one meanwhile.
    """

    name: str
    cover: str
    remedy: str
    beyond_repair: str = "none"
    loan: bool = True
    causes: tuple[str, ...] = ()
    times: int | None = None
    warranty: bool | None = None
    months: int | None = None
    complaint: bool | None = None


class Turnaround(Struct, frozen=True, forbid_unknown_fields=True):
    """`late_after`: how many school days a case may take; `pauses`: waiting on whom stops the
    clock.
    """

    late_after: int = 10
    pauses: tuple[str, ...] = ("user",)


class Loans(Struct, frozen=True, forbid_unknown_fields=True):
    """For how many days a laptop is lent, where no day is said."""

    days: int = 30


class Swaps(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the warranty of the old laptop goes over to the new one."""

    warranty_carries: bool = False


class Defects(Struct, frozen=True, forbid_unknown_fields=True):
    """From when on a lot is suspected: so many defects, and that share of its laptops."""

    cases: int = 20
    share: float = 0.05


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """All of it. `causes`: the words that a desk may say."""

    causes: tuple[str, ...]
    rules: tuple[Rule, ...]
    turnaround: Turnaround = Turnaround()
    loans: Loans = Loans()
    swaps: Swaps = Swaps()
    defects: Defects = Defects()


class Question(Struct, frozen=True):
    """What a rule is asked about a case, on a day."""

    cause: str
    times: int
    day: date
    warranty_from: date | None
    warranty_to: date | None
    complaint: bool


LAST = Rule("no-rule", "nobody", "none", loan=False)


def read(text: str) -> Policy:
    """A policy from its TOML. Raises ValueError with a sentence that says where it is wrong."""
    try:
        policy = msgspec.convert(tomllib.loads(text), Policy)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as trouble:
        raise ValueError(str(trouble)) from None
    for rule in policy.rules:
        if unknown := set(rule.causes) - set(policy.causes):
            raise ValueError(f"rule {rule.name}: {min(unknown)} is none of the causes")
        if rule.cover not in COVERS:
            raise ValueError(f"rule {rule.name}: cover is one of {', '.join(COVERS)}")
        if not {rule.remedy, rule.beyond_repair} <= set(REMEDIES):
            raise ValueError(f"rule {rule.name}: a remedy is one of {', '.join(REMEDIES)}")
    return policy


def rule_for(policy: Policy, asked: Question) -> Rule:
    """The first rule that fits; where none does, nobody pays and nothing is done."""
    return next((rule for rule in policy.rules if _fits(rule, asked)), LAST)


def hangs_on_warranty(policy: Policy, asked: Question) -> bool:
    """Whether the rule for a case cannot be told as long as nobody knows its laptop's warranty."""
    if asked.warranty_from is not None:
        return False
    for rule in policy.rules:
        of_warranty = rule.warranty is not None or rule.months is not None
        if _fits(replace(rule, warranty=None, months=None), asked):
            return of_warranty
    return False


def _fits(rule: Rule, asked: Question) -> bool:
    start, end = asked.warranty_from, asked.warranty_to
    runs = start is not None and end is not None and start <= asked.day <= end
    return (
        (not rule.causes or asked.cause in rule.causes)
        and (rule.times is None or asked.times <= rule.times)
        and rule.warranty in (None, runs)
        and (rule.months is None or (start is not None and _months(start, asked.day) < rule.months))
        and rule.complaint in (None, asked.complaint)
    )


def _months(start: date, day: date) -> int:
    """Whole months from one day to another."""
    return (day.year - start.year) * 12 + day.month - start.month - (day.day < start.day)
