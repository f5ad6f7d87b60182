"""Which laptop a pupil has, and when a desk's open case stands in the way of keeping it. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from partners.year.desks import Told
from partners.year.reports import Report

OPENS = {"incident": "case", "reopen": "case", "theft": "case", "loan": "loan"}
CLOSES = {"return": "case", "swap": "case", "recovery": "case", "loan-return": "loan"}


class Open(Struct, frozen=True):
    """Something of a desk's that is open, until it is closed or for good."""

    since: datetime
    until: datetime | None = None


class Held(Struct, frozen=True):
    """A pupil's laptop by its serial, when it was given, how much was told of it at that instant,
    and what is or was open of it, in order.
    """

    serial: str
    handed_at: datetime
    told: int = 1
    opened: tuple[Open, ...] = ()

    def at(self, moment: datetime) -> Open | None:
        """What is open at a moment, the last to be closed."""
        those = [
            one
            for one in self.opened
            if one.since <= moment and (one.until is None or one.until > moment)
        ]
        return max(those, key=lambda one: (one.until is None, one.until or one.since), default=None)

    def restless(self, begins: datetime, days: timedelta) -> bool:
        """Whether a case was opened or closed so shortly before, or is opened later."""
        moments = [at for one in self.opened for at in (one.since, one.until) if at]
        recent = any(begins - days < at <= begins for at in moments)
        return recent or any(one.since > begins for one in self.opened)


def handed_out(lives: Mapping[str, Sequence[Report]]) -> dict[int, Held]:
    """The laptop of each pupil who was given one. `lives`: what was told of laptops, by serial."""
    found = {}
    for serial, life in lives.items():
        handed = [one for one in life if one.kind == "handed-out"]
        if handed:
            last = max(handed, key=lambda one: one.happened_at)
            at_once = (one.kind for one in life if one.happened_at == last.happened_at)
            told = sum(kind in ("received", "handed-out") for kind in at_once)
            found[int(last.student)] = Held(serial, last.happened_at, told)
    return found


def after_desks(held: Mapping[int, Held], told: Iterable[Told]) -> dict[int, Held]:
    """Which pupil has which laptop after a year of the desks' work: each laptop is there once."""
    of_laptop: dict[str, list[Told]] = defaultdict(list)
    for one in told:
        of_laptop[one.serial].append(one)
    return {pupil: _after(one, of_laptop[one.serial]) for pupil, one in held.items()}


def _after(one: Held, told: Sequence[Told]) -> Held:
    """The laptop that took its place where it was swapped. Nothing was open of that one, but until
    then it was not the pupil's.
    """
    swap = next((each for each in told if each.act == "swap"), None)
    if swap:
        at = swap.happened_at
        return Held(swap.other, at, opened=(Open(at, at),))
    return replace(one, opened=_opened(told)) if told else one


def _opened(told: Iterable[Told]) -> tuple[Open, ...]:
    since: dict[tuple[str, str], datetime] = {}
    done = []
    for one in sorted(told, key=lambda one: one.happened_at):
        if kind := OPENS.get(one.act):
            since.setdefault((one.incident, kind), one.happened_at)
        elif kind := CLOSES.get(one.act):
            began = since.pop((one.incident, kind), None)
            done += [Open(began, one.happened_at)] if began else []
    return tuple(sorted([*done, *map(Open, since.values())], key=lambda one: one.since))
