"""What a service's core answers, and the fold that makes a state of facts. Pure.

A core has four functions (see `Core`). They know no clock, no database and no network: time and
names come in with the claim, and what they answer is written down by transact.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Struct

States = Mapping[str, Any]
"""States by key."""


class Refusal(Struct, frozen=True, gc=False):
    """No, and why. Nothing is kept: mended, the same id may
    come again. `field` is a JSON pointer into what was sent.
    """

    code: str
    detail: str = ""
    field: str = ""


Decision = tuple[tuple[str, Any], ...] | Refusal
"""Facts, each with the key that it is about; `()` when it is already so; or a refusal."""


class Said(Struct, frozen=True, gc=False):
    """A fact in its envelope. `happened_at` is the sender's clock, aware; `source` and `id`
    are the sender's own, the same for all facts that came of what he said.
    """

    fact: Any
    happened_at: datetime
    source: str
    id: str


class Claim(Struct, frozen=True, gc=False):
    """A command as it came: who says it, under which id, about which key, when it happened.

    `stated` is whether the time is the sender's word and so part of what he
    said; `note` is his free text, which stays in this database. `correlation` names what it all
    began with; `told_by` is the event that a heard fact came of, as `<party> <id>`. A report tells
    what happened and is never refused for state; an intent asks, and may be.
    """

    party: str
    id: str
    subject: str
    happened_at: datetime
    command: Any
    report: bool = False
    stated: bool = True
    note: str = ""
    correlation: str = ""
    told_by: str = ""
    trace: str = ""

    @property
    def event(self) -> str:
        """What another service was told, as a fact names it, so that it goes when that is taken
        back: `<service>: <party> <id>`.
        """
        return f"{self.party}: {self.told_by}"


class Folding(Struct, frozen=True):
    """How a state comes of facts.

    ranks: at one instant, which type of fact comes first. evolve: a state and a said fact to the
    next state; never raises, never decides. start: the empty state of a key. stands: a life in
    order, as it counts: without what a later fact takes back. restarts: types of fact after which a
    life is folded again. commuting: types whose place makes no difference.
    """

    ranks: Mapping[type, int]
    evolve: Callable[[Any, Said], Any]
    start: Callable[[str], Any]
    stands: Callable[[Sequence[Said]], Sequence[Said]] = lambda life: life
    restarts: tuple[type, ...] = ()
    commuting: tuple[type, ...] = ()


class Core(Struct, frozen=True):
    """A service's rules, as the shared transaction meets them.

    publisher: the service's name. commands, facts: unions of tagged structs.
    keys: every key that a command reads, its subject left out. decide: states
    by key and a claim to a decision. follow: claims that follow from one that
    was applied, given the states before and after it. reach: by type of command,
    which keys those claims may be about, beside the subject, given its state.
    waits: why a report waits for something not heard yet, or "". holds: whether
    a state counts what a party said under an id, or that was withdrawn.
    """

    publisher: str
    commands: Any
    facts: Any
    folding: Folding
    keys: Callable[[Any], tuple[str, ...]]
    decide: Callable[[States, Claim], Decision]
    follow: Callable[[States, States, Claim], Iterable[Claim]] = lambda _before, _after, _claim: ()
    reach: Mapping[type, Callable[[Any], Iterable[str]]] = {}
    waits: Callable[[States, Claim], str] = lambda _states, _claim: ""
    holds: Callable[[Any, str, str], bool] = lambda _state, _party, _id: True


def instant(moment: datetime) -> str:
    """A moment as text that sorts as time does: UTC, microseconds, fixed width. Raises
    OverflowError at the ends of time.
    """
    text: str = msgspec.to_builtins(moment.astimezone(UTC))  # isoformat takes ten times as long
    return text if moment.microsecond else f"{text[:-1]}.000000Z"


def place(said: Said, rank: int) -> str:
    """Where a fact stands in its key's life: by time,
    rank of its type, source, and last by what it says.

    Content and not id breaks the last tie, so that one thing said twice under two ids stands where
    it would have stood under either (docs/decisions/0020).
    """
    content = blake2b(msgspec.json.encode(said.fact), digest_size=8).hexdigest()
    return f"{instant(said.happened_at)} {rank:03d} {said.source} {content}"


def fold(folding: Folding, key: str, life: Iterable[Said]) -> tuple[Any, str]:
    """The state of a key and the place of its last fact, whatever order the facts are given in."""
    placed = sorted(
        (place(said, folding.ranks[type(said.fact)]), said.id, number, said)
        for number, said in enumerate(life)
    )
    state = folding.start(key)
    for said in folding.stands([said for *_, said in placed]):
        state = folding.evolve(state, said)
    return state, placed[-1][0] if placed else ""


def folds_on(folding: Folding, last: str, said: Said) -> tuple[bool, str]:
    """Whether a fact can be folded onto a state whose last
    fact stands at `last`; and the place of the last fact then.
    """
    where = place(said, folding.ranks[type(said.fact)])
    if isinstance(said.fact, folding.commuting):
        return True, max(where, last)
    onward = not last or (where > last and not isinstance(said.fact, folding.restarts))
    return onward, max(where, last)


def play(core: Core, past: Mapping[str, Sequence[Said]], claim: Claim) -> Decision:
    """What a core decides on a claim, given the facts of each
    key it reads. For tests and for explaining a decision.
    """
    names = (claim.subject, *core.keys(claim.command))
    return core.decide(
        {name: fold(core.folding, name, past.get(name, ()))[0] for name in names}, claim
    )
