"""A stock scan by which a laptop came back is withdrawn: what others made of it goes with it."""

from pathlib import Path
from typing import Any

import pytest

from services.delivery import consumer as of_delivery
from services.delivery import core as delivering
from services.repairs import consumer as of_repairs
from services.repairs import core as repairing
from shared.contracts import delivery, handover, repairs
from shared.decisions import Said, fold, play
from tests.builders import DAY, SCHOOL, STUDENTS, a_claim, key_of
from tests.core.handovers import ASKED_BACK, DAYS, JUNE, NUMBER, after, given, of, withdrawn
from tests.core.handovers import facts as facts_of

SCAN, LAPTOP, H = f"school:{SCHOOL} scan", key_of(), "1234567890123456"
OF_SCAN = f"delivery: {SCAN}"
RETURNED = handover.LaptopReturned(H, SCHOOL, OF_SCAN)
REPAIRS = repairing.core(repairing.read(Path("deploy/repair-policy.toml").read_text()))


def said(fact: Any, days: float = 0, source: str = "handover") -> Said:
    return Said(fact, DAY + days * DAYS, source, f"{days}")


# -- handover


def test_a_return_that_comes_of_a_scan_names_it() -> None:
    past = after(ASKED_BACK, scan := given(None, JUNE + DAYS))
    facts = [one.fact for one in past[LAPTOP]]
    (back,) = [one for one in facts if isinstance(one, handover.LaptopReturned)]
    (placed,) = [one for one in facts[-2:] if isinstance(one, handover.LaptopEntrusted)]
    assert (back.handover, back.event) == (NUMBER, placed.event)
    past = after(past, withdrawn(scan, JUNE + 2 * DAYS))
    assert of(past).handovers[NUMBER].state == "return-asked"


# -- delivery


def test_delivery_puts_nothing_into_stock_for_a_scan_that_it_was_told_itself() -> None:
    put_back = of_delivery.put_back(RETURNED)
    claim = a_claim(LAPTOP, put_back, party="handover")
    assert play(delivering.CORE, {}, claim) == ()
    told = of_delivery.put_back(handover.LaptopReturned(H, SCHOOL))
    claim = a_claim(LAPTOP, told, party="handover")
    assert play(delivering.CORE, {}, claim) == ((LAPTOP, delivery.LaptopBackToStock(SCHOOL)),)


# -- repairs


CEDED = said(repairs.LaptopCeded(STUDENTS[0]))
BACK = said(repairs.LaptopCeded(None, OF_SCAN), 9)
VOID = said(repairs.PlacementWithdrawn(SCAN), 10, "delivery")


def ceded_to(*life: Said) -> str | None:
    found: str | None = fold(REPAIRS.folding, LAPTOP, life)[0].ceded_to
    return found


def test_repairs_takes_a_return_back_with_its_scan() -> None:
    assert ceded_to(CEDED, BACK) is None
    assert ceded_to(CEDED, BACK, VOID) == STUDENTS[0]


def test_repairs_keeps_a_second_return_when_the_scan_of_the_first_is_withdrawn() -> None:
    again = f"delivery: school:{SCHOOL} scan2"
    claim = a_claim(LAPTOP, of_repairs.returned(handover.LaptopReturned(H, SCHOOL, again)))
    (second,) = facts_of(play(REPAIRS, {LAPTOP: [CEDED, BACK]}, claim))
    assert ceded_to(CEDED, BACK, said(second, 9.5), VOID) is None


@pytest.mark.parametrize(("known", "facts"), [((), ((LAPTOP, BACK.fact),)), ((VOID,), ())])
def test_repairs_hears_nothing_of_a_return_whose_scan_was_withdrawn_before(
    known: Any, facts: Any
) -> None:
    claim = a_claim(LAPTOP, of_repairs.returned(RETURNED), party="handover")
    assert play(REPAIRS, {LAPTOP: [CEDED, *known]}, claim) == facts
