"""Stock scans that are told twice, corrected and withdrawn: delivery, handover and repairs hear of
each other in whatever order, and come to one end.
"""

from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from services.delivery import consumer as of_delivery
from services.delivery import core as delivering
from services.handover import consumer as of_handover
from services.handover import core as handing
from services.repairs import consumer as of_repairs
from services.repairs import core as repairing
from services.tracking import fold as tracking
from shared.contracts import enrolment, ordering
from shared.decisions import Claim, Core, Refusal, Said, fold
from shared.hearing import Reactions
from tests.builders import DAY, SCHOOL, key_of
from tests.core.handovers import ADA, AT_SCHOOL, BOB, DAYS, POLICY, YEAR

LAPTOP, KIT = key_of(), frozenset({"laptop", "sleeve", "storage"})
AT_HAND_OUT = replace(POLICY, cession=replace(POLICY.cession, ownership=handing.AT_HAND_OUT))
REPAIRS = repairing.core(repairing.read(Path("deploy/repair-policy.toml").read_text()))
Told = tuple[str, Said, str]
Lives = dict[str, list[Said]]


class States(dict[str, Any]):
    """The states of whatever key is asked for, by what was said until now."""

    def __init__(self, core: Core, lives: Lives) -> None:
        super().__init__()
        self.core, self.lives = core, {key: list(life) for key, life in lives.items()}

    def __missing__(self, key: str) -> Any:
        return fold(self.core.folding, key, self.lives.get(key, ()))[0]


class Deciding:
    """A service without its database: what it said, under the names of its facts."""

    def __init__(self, core: Core, reactions: Reactions) -> None:
        self.core, self.reactions = core, reactions
        self.lives: Lives = {}
        self.out: list[Told] = []

    def take(self, claim: Claim) -> None:
        before = States(self.core, self.lives)
        decided = self.core.decide(before, claim)
        assert not isinstance(decided, Refusal), decided
        for key, fact in decided:
            said = Said(fact, claim.happened_at, claim.party, claim.id)
            self.lives.setdefault(key, []).append(said)
            self.out.append((key, said, f"{self.core.publisher} {len(self.out)}"))
        if decided:
            for one in list(self.core.follow(before, States(self.core, self.lives), claim)):
                self.take(one)

    def hear(self, publisher: str, told: Told) -> None:
        key, said, name = told
        if reaction := self.reactions.get(type(said.fact)):
            event = f"{said.source} {said.id}"
            command: Any = reaction(said.fact)
            self.take(Claim(publisher, name, key, said.happened_at, command, told_by=event))

    def state(self, key: str = LAPTOP) -> Any:
        return States(self.core, self.lives)[key]


def told(key: str, fact: Any, days: float, publisher: str) -> Told:
    return key, Said(fact, DAY + days * DAYS, publisher, f"{days}"), f"{publisher} {days}"


STUDENT = f"student:{ADA}"
KNOWN = [
    told(LAPTOP, ordering.LaptopAnnounced("BC1", "1", SCHOOL, "HP", "L1", "hp"), 0, "ordering"),
    told(
        LAPTOP,
        ordering.LaptopAdmitted("BC1", "1", (DAY + DAYS).date(), (DAY + 900 * DAYS).date()),
        1,
        "ordering",
    ),
    told(STUDENT, enrolment.StudentEnrolled(SCHOOL, "2nde", YEAR), 1, "enrolment"),
]
LEFT = told(STUDENT, enrolment.StudentLeft("dropped-out", SCHOOL, "2nde", YEAR), 5, "enrolment")


def event(id: str, days: float, command: Any) -> Claim:
    return Claim(AT_SCHOOL, id, LAPTOP, DAY + days * DAYS, command, report=True)


def stock(id: str, days: float, corrects: str | None = None) -> Claim:
    return event(
        id, days, delivering.ReportLaptop("back-to-stock", school=SCHOOL, corrects=corrects)
    )


def out(id: str, days: float, student: str = ADA) -> Claim:
    at = DAY + days * DAYS
    return event(id, days, delivering.HandOut(student, SCHOOL, False, at, None, KIT))


def void(of: str, days: float) -> Claim:
    return event(f"void {of}", days, delivering.Withdraw(AT_SCHOOL, of))


RECEIVED = event("r", 2, delivering.ReportLaptop("received", school=SCHOOL))
SCANS = (stock("s1", 10), stock("s2", 10.1))
CORRECTED = (stock("s1", 10), stock("s2", 10.1, corrects="s1"))


Read = dict[tuple[Deciding, Deciding], int]


def heard(read: Read, chance: Random, share: float) -> None:
    """Services hear each other, each one in its order; after each word they go on by chance."""
    while more := [pair for pair, at in read.items() if at < len(pair[1].out)]:
        if chance.random() > share:
            return
        one, other = pair = chance.choice(more)
        one.hear(other.core.publisher, other.out[read[pair]])
        read[pair] += 1


def ended(policy: handing.Policy, more: list[Told], claims: tuple[Claim, ...], seed: int) -> Any:
    """Where a laptop stands at last for each service, heard of in an order by chance."""
    chance = Random(seed)  # noqa: S311  always the same
    services = (
        Deciding(delivering.CORE, of_delivery.REACTIONS),
        Deciding(handing.core(policy), of_handover.REACTIONS),
        Deciding(REPAIRS, of_repairs.REACTIONS),
    )
    read: Read = {(one, other): 0 for one in services for other in services if one is not other}
    given = (RECEIVED, out("h", 3))
    for known, said, share in ((KNOWN, given, 1.0), (more, claims, 0.7)):
        for one, fact in product(services, known):
            one.hear(fact[2].partition(" ")[0], fact)
        for claim in said:
            services[0].take(claim)
            heard(read, chance, share)
        heard(read, chance, 1)
    return found(*services)


def found(of_delivery: Deciding, of_handover: Deciding, of_repairs: Deciding) -> Any:
    life = [said for key, said, _ in KNOWN if key == LAPTOP]
    for one in (of_delivery, of_handover, of_repairs):
        life += one.lives[LAPTOP]
    shown = fold(tracking.FOLDING, LAPTOP, life)[0]
    custody, held = of_delivery.state().custody, of_handover.state()
    live = handing.live(held)
    return (
        (shown.location, shown.student, shown.owner, tuple(tracking.flags(shown))),
        (custody.location, custody.student),
        (held.student, held.ceded_to, live and live[1].state),
        of_repairs.state().ceded_to,
    )


IN_STOCK = (("at-school", None, "region", ()), ("at-school", None), (None, None, None), None)
ASKED_BACK = (
    ("with-student", ADA, "region", ("return-asked",)),
    ("with-student", ADA),
    (ADA, None, "return-asked"),
    None,
)
THEIRS = (("with-student", ADA, "student", ()), ("with-student", ADA), (ADA, ADA, None), ADA)
BOBS = (("with-student", BOB, "student", ()), ("with-student", BOB), (BOB, BOB, None), BOB)
LIVES: dict[str, tuple[tuple[Claim, ...], Any, Any]] = {
    "two scans, the first withdrawn": ((*SCANS, void("s1", 11)), IN_STOCK, IN_STOCK),
    "two scans, the second withdrawn": ((*SCANS, void("s2", 11)), IN_STOCK, IN_STOCK),
    "two scans, both withdrawn": (
        (*SCANS, void("s1", 11), void("s2", 11.1)),
        ASKED_BACK,
        THEIRS,
    ),
    "two scans, the second withdrawn first": (
        (*SCANS, void("s2", 11), void("s1", 11.1)),
        ASKED_BACK,
        THEIRS,
    ),
    "a scan corrected": (CORRECTED, IN_STOCK, IN_STOCK),
    "a scan corrected, and that withdrawn": (
        (*CORRECTED, void("s2", 11)),
        ASKED_BACK,
        THEIRS,
    ),
    "a hand-out withdrawn": ((void("h", 11),), IN_STOCK, IN_STOCK),
}


@pytest.mark.parametrize("life", LIVES)
def test_what_was_asked_back_ends_the_same_in_whatever_order_scans_are_heard_of(life: str) -> None:
    claims, asked_back, _ = LIVES[life]
    assert {ended(POLICY, [LEFT], claims, seed) for seed in range(30)} == {asked_back}


@pytest.mark.parametrize("life", LIVES)
def test_whose_it_was_from_the_hand_out_on_has_it_again_with_no_scan_that_stands(life: str) -> None:
    claims, _, theirs = LIVES[life]
    assert {ended(AT_HAND_OUT, [], claims, seed) for seed in range(30)} == {theirs}


def test_what_was_corrected_in_stock_is_given_to_another_and_is_his() -> None:
    claims = (*CORRECTED, out("b", 20, BOB))
    assert {ended(AT_HAND_OUT, [], claims, seed) for seed in range(30)} == {BOBS}
