"""What became of a laptop: a word for each end, which goes before which, and never two."""

from datetime import date, timedelta
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.handover import consumer as of_handover
from services.handover.core import Entrust
from services.tracking import boards, ending, fold, pages, words
from shared.contracts import delivery, handover, ordering, repairs
from shared.decisions import Said
from shared.decisions import fold as folded
from tests.builders import DAY, SCHOOL, STUDENTS, key_of

ADA = STUDENTS[0]
H, CASE = "1234567890123456", "6543210987654321"
ANNOUNCED = ordering.LaptopAnnounced("BC1", "1", SCHOOL, "HP 245 G8", "L1", "hexalog")
RECEIVED = delivery.LaptopReceived(SCHOOL)
HANDED_OUT = delivery.LaptopHandedOut(ADA, SCHOOL, False, DAY, None, True, True)
MISSING = delivery.DiscrepancyReported("missing", SCHOOL)
IN_STOCK = delivery.LaptopBackToStock(SCHOOL)
CEDED = handover.LaptopHandedOver(H, ADA, "CG3P", "22CP-101", 0)
RELEASED = tuple(handover.ManagementReleaseDone(H, name) for name in handover.RELEASES)
ON_TO_STUDY = handover.LaptopTakenIntoFurtherStudy(H, "bts")
RETURNED = handover.LaptopReturned(H, SCHOOL)
STAYS = handover.HandoverCancelled(H, "stays")
SCRAPPED, WRITTEN_OFF = handover.LaptopScrapped(H, "BSD-7"), handover.LaptopWrittenOff(H)
AT_DESK = repairs.IncidentLogged(CASE, "metz", "defect")
LOST, STOLEN = repairs.LossReported(CASE), repairs.TheftReported(CASE)
FOUND = repairs.LaptopRecovered(CASE)
GIVEN = repairs.LaptopGivenInSwap(CASE, "hp/OTHER1", ADA, SCHOOL)
KNOWN = (ANNOUNCED, RECEIVED, HANDED_OUT)
FACTS = (
    *(ANNOUNCED, RECEIVED, HANDED_OUT, MISSING, IN_STOCK, CEDED, *RELEASED, ON_TO_STUDY),
    *(RETURNED, STAYS, SCRAPPED, WRITTEN_OFF, AT_DESK, LOST, STOLEN, FOUND, GIVEN),
    *(
        delivery.LaptopTakenAway(),
        ordering.LaptopAdmitted("BC1", "1", date(2020, 9, 1), date(2023, 9, 1)),
    ),
    delivery.LaptopFactWithdrawn("region", "4"),
)


def says_who_has(fact: type) -> bool:
    reaction = of_handover.REACTIONS[fact]
    return get_type_hints(reaction)["return"] is Entrust


def life(*facts: Any) -> fold.Life:
    """What comes of facts, a day apart."""
    told = [Said(one, DAY + timedelta(days=n), "region", str(n)) for n, one in enumerate(facts)]
    found: fold.Life = folded(fold.FOLDING, key_of(), told)[0]
    return found


@pytest.mark.parametrize(
    ("became", "facts"),
    [
        ("in-use", ()),
        ("in-use", (ANNOUNCED, RECEIVED)),
        ("in-use", KNOWN),
        ("in-use", (*KNOWN, AT_DESK)),
        ("in-use", (*KNOWN, CEDED)),
        ("further-study", (*KNOWN, *RELEASED, CEDED)),
        ("further-study", (*KNOWN, *RELEASED, CEDED, ON_TO_STUDY)),
        ("further-study", (*KNOWN, *RELEASED, CEDED, STOLEN)),
        ("in-use", (*KNOWN, *RELEASED)),
        ("returned", (*KNOWN, RETURNED, IN_STOCK)),
        ("returned", (*KNOWN, IN_STOCK)),
        ("returned", (ANNOUNCED, RECEIVED, GIVEN, IN_STOCK)),
        ("in-use", (ANNOUNCED, RECEIVED, RETURNED)),
        ("in-use", (*KNOWN, IN_STOCK, HANDED_OUT)),
        ("returned", (*KNOWN, WRITTEN_OFF, IN_STOCK)),
        ("in-use", (*KNOWN, WRITTEN_OFF, IN_STOCK, HANDED_OUT)),
        ("lost", (*KNOWN, IN_STOCK, WRITTEN_OFF)),
        ("lost", (*KNOWN, LOST, IN_STOCK)),
        ("scrapped", (*KNOWN, RETURNED, IN_STOCK, SCRAPPED)),
        ("scrapped", (*KNOWN, delivery.LaptopTakenAway())),
        ("scrapped", (*KNOWN, STOLEN, SCRAPPED)),
        ("stolen", (*KNOWN, STOLEN)),
        ("stolen", (*KNOWN, STOLEN, WRITTEN_OFF)),
        ("lost", (*KNOWN, LOST)),
        ("lost", (*KNOWN, WRITTEN_OFF)),
        ("lost", (ANNOUNCED, MISSING)),
        ("in-use", (*KNOWN, STOLEN, FOUND)),
    ],
)
def test_what_became_of_a_laptop_is_the_first_word_that_holds(
    became: str, facts: tuple[Any, ...]
) -> None:
    assert life(*facts).disposition == became


def test_what_was_never_given_out_but_by_mistake_is_in_use_when_that_is_withdrawn() -> None:
    mistaken = (ANNOUNCED, RECEIVED, HANDED_OUT, CEDED, RETURNED, IN_STOCK)
    assert life(*mistaken).disposition == "returned"
    assert life(*mistaken, delivery.LaptopFactWithdrawn("region", "2")).disposition == "in-use"


@pytest.mark.parametrize("fact", [one for one in of_handover.REACTIONS if says_who_has(one)])
def test_what_tells_handover_who_has_a_laptop_ends_for_tracking_that_it_is_written_off(
    fact: type,
) -> None:
    assert fact in ending.THERE


@given(some.lists(some.sampled_from(FACTS), max_size=12))
def test_whatever_is_told_a_laptop_is_in_exactly_one_and_where_the_rule_puts_it(
    facts: list[Any],
) -> None:
    now = life(*facts)
    assert now.disposition == ending.disposition(now)
    counted = {value for scope, name, value in fold.counted(now) if name == "disposition"}
    assert counted == ({now.disposition} if now.announced_at else set())


@given(some.lists(some.lists(some.sampled_from(FACTS), max_size=12), max_size=8))
def test_the_six_add_up_to_all_that_are_announced(lives: list[list[Any]]) -> None:
    known = [life(*facts) for facts in lives]
    standing = [one for now in known for one in fold.counted(now) if one[0] == "region"]
    tally = {(name, value): 0 for _, name, value in standing}
    for _, name, value in standing:
        tally[name, value] += 1
    counts = boards.dispositions(tally)
    assert tuple(counts) == ending.DISPOSITIONS
    assert sum(counts.values()) == sum(now.announced_at is not None for now in known)


def test_every_word_has_its_name_on_pages() -> None:
    assert set(pages.BECAME) == set(words.STANDINGS["disposition"]) == {*ending.DISPOSITIONS}
