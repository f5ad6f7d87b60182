"""Repairs' rules, each a sentence: incidents, cases, who pays, loans, swaps, thefts, recalls."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from services.repairs import core
from services.repairs.core import (
    CloseDay,
    DecideWarranty,
    Lend,
    LogIncident,
    LotDefects,
    NoteCession,
    NoteWarranty,
    Place,
    RecallLaptop,
    RecallModel,
    Register,
    ReportStep,
    ReturnLoan,
    SuspectDefect,
    Swap,
    TakeBack,
    Withdraw,
    case_of_claim,
)
from shared.contracts import repairs
from shared.decisions import Claim, Decision, Refusal, Said, fold, play
from tests.builders import DAY, SCHOOL, STUDENTS, a_claim, key_of

POLICY = core.read(Path("deploy/repair-policy.toml").read_text())
CORE = core.core(POLICY)
DESK = "desk:atelier"
MODEL = "HP 245 G8"
FROM, TO = date(2020, 9, 1), date(2023, 9, 1)
HOUR = timedelta(hours=1)
Past = dict[str, list[Said]]


def asked(
    command: Any, hours: float = 0, *, number: int = 1, key: str = "", id: str = "", by: str = DESK
) -> Claim:
    at = DAY + hours * HOUR
    name = id or f"{type(command).__name__} {hours}"
    return a_claim(key or key_of(number), command, party=by, id=name, happened_at=at)


def after(past: Past, *claims: Claim) -> Past:
    """The past, with what was decided on claims."""
    for claim in claims:
        decided = play(CORE, past, claim)
        assert not isinstance(decided, Refusal), decided
        past = {key: list(life) for key, life in past.items()}
        for key, fact in decided:
            said = Said(fact, claim.happened_at, claim.party, claim.id)
            past.setdefault(key, []).append(said)
    return past


def laptop(past: Past, number: int = 1) -> core.Laptop:
    found: core.Laptop = fold(CORE.folding, key_of(number), past.get(key_of(number), ()))[0]
    return found


def case(past: Past, number: str = "") -> core.Case:
    return laptop(past).cases[number or CASE]


def facts(decision: Decision) -> list[Any]:
    assert not isinstance(decision, Refusal), decision
    return [fact for _, fact in decision]


def refused(decision: Decision) -> str:
    assert isinstance(decision, Refusal), decision
    return decision.code


def incident(cause: str = "defect", hours: float = 0, **more: Any) -> Claim:
    return asked(LogIncident("atelier", cause, 7), hours, id=f"incident {hours}", **more)


def step(name: str, hours: float = 1, **fields: Any) -> Claim:
    return asked(ReportStep(CASE, name, **fields), hours, id=f"{name} {hours}")


CASE = case_of_claim(incident())
KNOWN = after(
    {},
    *(
        asked(command, -100, number=number, by="ordering")
        for number in (1, 2, 3)
        for command in (Register(MODEL, "L1", SCHOOL, "hexalog"), NoteWarranty(FROM, TO))
    ),
    asked(Place(SCHOOL, STUDENTS[0]), -50, by="delivery"),
    *(asked(Place(SCHOOL), -50, number=number, by="delivery") for number in (2, 3)),
)
OPEN = after(KNOWN, incident())


# -- whose it is


def test_a_laptop_that_is_counted_and_handed_out_at_one_instant_is_the_students() -> None:
    told = [asked(Place(SCHOOL, student), by="delivery") for student in (None, *STUDENTS[:1])]
    for both in (told, told[::-1]):
        assert laptop(after({}, *both)).student == STUDENTS[0]
    back = asked(Place(SCHOOL), 9, by="delivery")
    assert laptop(after({}, *told, back)).student is None


def test_a_hand_out_that_delivery_takes_back_was_none() -> None:
    counted = replace(asked(Place(SCHOOL), by="delivery"), told_by="school:1 e1")
    given = replace(asked(Place(SCHOOL, STUDENTS[0]), 1, by="delivery"), told_by="school:1 e2")
    gone = asked(TakeBack("school:1 e2"), 2, by="delivery")
    for told in ((counted, given, gone), (given, gone, counted)):
        now = laptop(after({}, *told))
        assert (now.school, now.student, now.placed_at) == (SCHOOL, None, DAY)
    assert laptop(after({}, given, gone)) == core.Laptop(withdrawn=("delivery: school:1 e2",))
    assert play(CORE, after({}, counted, given, gone), gone) == ()


def test_an_event_of_the_same_name_that_repairs_was_told_stands() -> None:
    past = after(KNOWN, incident())
    told = asked(TakeBack(f"{DESK} incident 0"), 3, by="delivery")
    assert laptop(after(past, told)).open_cases == 1


# -- incidents and cases


def test_an_incident_opens_a_case_with_the_number_that_it_always_gets() -> None:
    (logged,) = facts(play(CORE, KNOWN, incident()))
    assert logged == repairs.IncidentLogged(CASE, "atelier", "defect", 7)
    assert len(CASE) == 16
    assert CASE.isdecimal()
    assert case(OPEN).state == "new"
    assert laptop(OPEN).open_cases == 1


def test_an_incident_of_a_laptop_that_nobody_announced_is_kept_and_waits() -> None:
    claim = incident()
    states = {claim.subject: core.Laptop()}
    assert CORE.waits(states, claim) == "laptop-not-announced"
    assert case(after({}, claim)).cause == "defect"


@pytest.mark.parametrize("by_way_of", [(), ("start",), ("start", "wait", "start")])
def test_a_case_goes_from_new_to_repaired_by_any_way_or_in_one_step(
    by_way_of: Sequence[str],
) -> None:
    past = OPEN
    for hours, name in enumerate(by_way_of, 1):
        waiting = {"waiting_on": "parts"} if name == "wait" else {}
        past = after(past, step(name, hours, **waiting))
    past = after(past, step("repair", 9, fault=17), step("return", 10))
    assert (case(past).state, case(past).outcome, case(past).fault) == ("returned", 1, 17)
    assert laptop(past).open_cases == 0


def test_a_case_that_is_closed_is_reopened() -> None:
    past = after(OPEN, step("repair"), step("return", 2), step("reopen", 3))
    assert (case(past).state, case(past).reopened, case(past).outcome) == ("new", 1, None)


def test_what_waits_says_on_whom() -> None:
    past = after(OPEN, step("wait", waiting_on="vendor"))
    assert (case(past).state, case(past).waiting_on) == ("waiting", "vendor")
    assert case(after(past, step("start", 2))).waiting_on is None


def test_a_laptop_beyond_repair_keeps_what_prevented_it() -> None:
    past = after(OPEN, step("beyond-repair", barrier=6))
    assert (case(past).state, case(past).outcome, case(past).barrier) == ("beyond-repair", 3, 6)


def test_a_laptop_that_is_returned_unrepaired_says_so() -> None:
    assert case(after(OPEN, step("return", outcome=2))).outcome == 2


def test_a_step_that_is_dated_before_its_incident_keeps_the_state_that_it_gave() -> None:
    assert case(after(KNOWN, step("repair", -1), incident())).state == "repaired"


def test_a_theft_during_a_repair_is_told_of_its_case() -> None:
    assert facts(play(CORE, OPEN, step("theft"))) == [repairs.TheftReported(CASE)]


@pytest.mark.parametrize(
    ("cause", "fact"), [("theft", repairs.TheftReported), ("loss", repairs.LossReported)]
)
def test_an_incident_of_a_theft_or_a_loss_says_where_the_laptop_is_not(
    cause: str, fact: type
) -> None:
    logged, told = facts(play(CORE, KNOWN, incident(cause)))
    assert (logged.cause, type(told)) == (cause, fact)


def test_what_was_told_by_mistake_is_withdrawn() -> None:
    mistake = asked(Withdraw(DESK, "incident 0"), 5)
    past = after(OPEN, mistake)
    assert laptop(past).cases == {}
    assert play(CORE, past, asked(Withdraw(DESK, "incident 0"), 6)) == ()


def test_what_its_student_owns_is_mended_by_nobody_here_and_was_before() -> None:
    past = after(KNOWN, asked(NoteCession(STUDENTS[0]), 5, by="handover"))
    assert refused(play(CORE, past, incident(hours=5))) == "owned-by-student"
    assert laptop(after(past, incident(hours=4))).open_cases == 1
    assert play(CORE, past, asked(NoteCession(STUDENTS[0]), 6, by="handover")) == ()
    back = after(past, asked(NoteCession(), 7, by="handover"))
    assert laptop(after(back, incident(hours=8))).open_cases == 1


def test_what_its_student_owns_is_not_recalled_and_what_came_back_is() -> None:
    recall = asked(RecallLaptop("hinges", "region"), 6, by="region")
    ceded = asked(NoteCession(STUDENTS[0]), 5, by="handover")
    standing = asked(RecallModel("hinges", None), 1, key=core.model_key(MODEL), by="region")
    register = asked(Register(MODEL, "L1", SCHOOL, "hexalog"), 6, by="ordering")
    for later in (recall, register):
        assert play(CORE, after(KNOWN, standing, ceded), later) == ()
    assert laptop(after(KNOWN, ceded, asked(NoteCession(), 5.5), recall)).open_cases == 1


def test_a_case_that_is_reopened_of_what_its_student_owns_is_kept_and_nothing_is_done() -> None:
    closed = after(OPEN, step("return", 1), asked(NoteCession(STUDENTS[0]), 5, by="handover"))
    again, decide = after(closed, step("reopen", 6)), DecideWarranty(CASE, "Mme X")
    assert case(again).open
    for command in (decide, Lend(CASE, key_of(2)), Swap(CASE, key_of(1), key_of(2))):
        assert refused(play(CORE, again, asked(command, 7))) == "owned-by-student"
    assert facts(play(CORE, after(closed, step("reopen", 4)), asked(decide, 7)))


# -- who pays


def decide(hours: float = 2, **said: Any) -> Claim:
    return asked(DecideWarranty(CASE, "Mme X", **said), hours)


def decided(past: Past) -> tuple[str, str, str]:
    first = facts(play(CORE, past, decide()))[0]
    return first.cover, first.remedy, first.rule


def test_a_defect_is_repaired_under_warranty_and_by_the_region_after_it() -> None:
    assert decided(OPEN) == ("warranty", "repair", "defect-under-warranty")
    late = after({}, *(asked(NoteWarranty(date(2015, 9, 1), date(2018, 9, 1)), -1),), incident())
    assert decided(late) == ("region", "repair", "defect-after-warranty")


def test_nothing_is_decided_of_a_warranty_that_nobody_knows_but_by_the_region() -> None:
    unknown = after({}, incident())
    assert refused(play(CORE, unknown, decide())) == "warranty-unknown"
    said = asked(DecideWarranty(CASE, "region", "region", "repair"), 1, by="region")
    first = facts(play(CORE, unknown, said))[0]
    assert (first.cover, first.remedy) == ("region", "repair")
    stolen = after({}, incident("theft"))
    assert decided(stolen)[2].startswith("theft"), "what does not hang on it is decided"


def test_the_first_breakage_is_free_and_the_next_at_the_familys_charge() -> None:
    past = after(KNOWN, incident("breakage"))
    assert decided(past) == ("region", "repair", "first-breakage")
    before = after(KNOWN, incident("breakage", -30), incident("breakage"))
    assert decided(before) == ("family", "repair", "breakage-again")


def test_a_loss_brings_no_other_laptop() -> None:
    past = after(KNOWN, incident("loss"))
    assert facts(play(CORE, past, decide())) == [
        repairs.WarrantyDecided(CASE, "nobody", "none", "loss"),
        repairs.ReplacementRefused(CASE, "loss"),
    ]


def test_a_theft_brings_another_laptop_only_with_a_complaint() -> None:
    stolen = after(KNOWN, incident("theft"))
    assert facts(play(CORE, stolen, decide()))[1] == repairs.ReplacementRefused(CASE, "theft")
    complaint = step("complaint", complaint="2020/1234", filed_on=date(2020, 9, 2))
    past = after(stolen, decide(), complaint)
    assert case(past).granted is False
    later = facts(play(CORE, past, decide(3)))
    assert later == [
        repairs.WarrantyDecided(CASE, "region", "replace", "theft-with-complaint"),
        repairs.ReplacementNeeded(CASE, "theft", MODEL, SCHOOL),
    ]
    assert play(CORE, after(past, decide(3)), decide(4)) == ()


def test_a_theft_during_a_repair_is_decided_as_a_theft_whatever_was_logged() -> None:
    complaint = step("complaint", 2, complaint="2020/1234", filed_on=date(2020, 9, 2))
    past = after(OPEN, step("theft"))
    assert facts(play(CORE, past, decide()))[1] == repairs.ReplacementRefused(CASE, "theft")
    assert facts(play(CORE, after(past, complaint), decide(3))) == [
        repairs.WarrantyDecided(CASE, "region", "replace", "theft-with-complaint"),
        repairs.ReplacementNeeded(CASE, "theft", MODEL, SCHOOL),
    ]
    assert case(past).cause == "defect"


def test_what_cannot_be_repaired_under_warranty_is_replaced() -> None:
    past = after(OPEN, step("beyond-repair"))
    assert repairs.ReplacementNeeded(CASE, "defect", MODEL, SCHOOL) in facts(
        play(CORE, past, decide())
    )


def test_the_region_may_decide_otherwise() -> None:
    (fact,) = facts(play(CORE, OPEN, decide(cover="family", remedy="repair")))
    assert (fact.cover, fact.rule) == ("family", "as-decided")


def test_where_no_rule_fits_nobody_pays() -> None:
    nothing = core.read('causes = ["defect"]\nrules = []')
    assert core.rule_of(laptop(OPEN), CASE, nothing, DAY.date()).name == "no-rule"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("causes = 7", "causes"),
        ("not toml", "="),
        ('causes = []\nrules = [{name = "a", cover = "x", remedy = "repair"}]', "cover"),
        ('causes = []\nrules = [{name = "a", cover = "region", remedy = "x"}]', "remedy"),
        (
            'causes = []\nrules = [{name = "a", cover = "region", remedy = "none", '
            'causes = ["b"]}]',
            "b is none",
        ),
    ],
)
def test_a_policy_that_is_wrong_says_where(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        core.read(text)


# -- loans


def lend(hours: float = 2, loaner: int = 2, **more: Any) -> Claim:
    return asked(Lend(CASE, key_of(loaner), **more), hours)


def test_a_loan_is_told_of_both_laptops_and_due_when_the_policy_says() -> None:
    due = DAY.date() + timedelta(days=POLICY.loans.days)
    assert facts(play(CORE, OPEN, lend())) == [
        repairs.LoanIssued(CASE, key_of(2), due),
        repairs.LaptopLent(CASE, key_of(1), due),
    ]
    past = after(OPEN, lend())
    assert (case(past).loaner, laptop(past, 2).due_on) == (key_of(2), due.isoformat())
    assert play(CORE, past, lend(3)) == ()


@pytest.mark.parametrize(
    ("loaner", "past", "code"),
    [
        (1, OPEN, "same-laptop"),
        (2, after(OPEN, lend(1, 3)), "loan-open"),
        (2, after(OPEN, asked(Place(SCHOOL, STUDENTS[1]), number=2)), "with-a-student"),
        (2, after(OPEN, incident(number=2)), "open-case"),
        (2, after(OPEN, step("repair"), step("return", 1.5)), "case-closed"),
        (2, after(KNOWN, incident("loss")), "no-loan"),
    ],
)
def test_a_loan_is_refused(loaner: int, past: Past, code: str) -> None:
    assert refused(play(CORE, past, lend(loaner=loaner))) == code


def test_a_laptop_that_is_lent_is_not_lent_again() -> None:
    other = asked(LogIncident("atelier", "defect"), number=3, id="other")
    past = after(OPEN, other, lend())
    again = asked(Lend(case_of_claim(other), key_of(2)), 3, number=3)
    assert refused(play(CORE, past, again)) == "lent-already"


def test_a_loan_that_comes_back_frees_the_laptop() -> None:
    past = after(OPEN, lend(), asked(ReturnLoan(CASE, key_of(2)), 5))
    assert (case(past).loaner, laptop(past, 2).lent_for, laptop(past, 2).due_on) == (None,) * 3


def test_a_loan_is_overdue_once_its_day_is_over_and_is_told_once() -> None:
    past = after(OPEN, lend(due_on=date(2020, 9, 10)))

    def begun(day: date, hours: float) -> Claim:
        return asked(CloseDay(day), hours, number=2, by="clock")

    assert play(CORE, past, begun(date(2020, 9, 10), 200)) == ()
    late = begun(date(2020, 9, 11), 300)
    assert facts(play(CORE, past, late)) == [repairs.LoanOverdue(CASE, date(2020, 9, 10))]
    assert play(CORE, after(past, late), begun(date(2020, 9, 12), 400)) == ()


# -- swaps


def swap(hours: float = 3, returned: int = 1, new: int = 2) -> Claim:
    return asked(Swap(CASE, key_of(returned), key_of(new)), hours)


def test_a_swap_keeps_the_chain_and_gives_the_student_the_new_laptop() -> None:
    assert facts(play(CORE, OPEN, swap())) == [
        repairs.LaptopSwapped(CASE, key_of(2), STUDENTS[0], SCHOOL),
        repairs.LaptopGivenInSwap(CASE, key_of(1), STUDENTS[0], SCHOOL, None),
    ]
    past = after(OPEN, swap())
    old, new = laptop(past), laptop(past, 2)
    assert (old.replaced_by, old.student, old.open_cases) == (key_of(2), None, 0)
    assert (new.replaces, new.student) == (key_of(1), STUDENTS[0])
    assert play(CORE, past, swap(4)) == ()


def test_a_swap_is_refused_when_another_serial_is_brought_than_the_recorded_one() -> None:
    assert refused(play(CORE, OPEN, swap(returned=3))) == "another-serial"


@pytest.mark.parametrize("cause", ["theft", "loss"])
def test_what_is_stolen_or_lost_is_swapped_only_where_the_policy_grants_it(cause: str) -> None:
    past = after(KNOWN, incident(cause))
    assert refused(play(CORE, past, swap())) == "not-granted"
    assert refused(play(CORE, after(past, decide()), swap())) == "not-granted"


def test_a_case_that_is_closed_or_unknown_is_no_reason_for_a_swap() -> None:
    closed = after(OPEN, step("return"))
    assert refused(play(CORE, closed, swap())) == "case-closed"
    assert refused(play(CORE, KNOWN, swap())) == "case-closed"


def test_two_incidents_of_one_moment_are_a_first_and_a_second() -> None:
    other = replace(incident("breakage"), id="other")
    past = after(KNOWN, incident("breakage"), other)
    rules = {core.rule_of(laptop(past), name, POLICY, FROM).name for name in laptop(past).cases}
    assert rules == {"first-breakage", "breakage-again"}


def test_what_is_left_of_a_withdrawn_case_is_no_case() -> None:
    past = after(OPEN, decide(), asked(Withdraw(DESK, "incident 0"), 5))
    (left,) = laptop(past).cases.values()
    assert not left.logged
    assert laptop(past).open_cases == 0
    assert core.turnaround(left, SCHOOL, POLICY, FROM) == 0


def test_a_loan_is_prolonged() -> None:
    past = after(OPEN, lend(due_on=date(2020, 9, 10)))
    longer = play(CORE, past, lend(3, due_on=date(2020, 9, 20)))
    assert [type(fact) for fact in facts(longer)] == [repairs.LoanIssued, repairs.LaptopLent]
    assert play(CORE, past, lend(3, due_on=date(2020, 9, 10))) == ()


def test_a_laptop_is_swapped_once() -> None:
    assert refused(play(CORE, after(OPEN, swap()), swap(4, new=3))) == "already-swapped"


def test_a_laptop_that_is_somebodys_is_given_to_nobody_else() -> None:
    past = after(OPEN, lend())
    assert refused(play(CORE, past, swap())) == "lent-already"


def test_whether_the_warranty_goes_over_is_policy() -> None:
    carries = core.core(core.read('causes = ["defect"]\nrules = []\nswaps.warranty_carries = true'))
    given_in_swap = play(carries, OPEN, swap())
    assert facts(given_in_swap)[1].warranty_to == TO


def test_what_is_found_after_it_was_replaced_stays_replaced() -> None:
    complaint = step("complaint", 1, complaint="2020/1", filed_on=FROM)
    granted = after(KNOWN, incident("theft"), complaint, decide(1.5))
    stolen = after(granted, swap(2), step("recovery", 9))
    assert (case(stolen).state, laptop(stolen).replaced_by) == ("recovered", key_of(2))


# -- recalls and defects


def test_a_recall_opens_a_case_for_what_is_known_and_for_what_is_heard_of_later() -> None:
    key = core.model_key(MODEL)
    recall = asked(RecallModel("R1", "L1"), key=key, by="region")
    past = after(KNOWN, recall)
    one = asked(RecallLaptop("R1", "region"), 1, by="region")
    (logged,) = facts(play(CORE, past, one))
    assert (logged.cause, logged.recall) == ("recall", "R1")
    assert play(CORE, after(past, one), one) == ()
    later = asked(Register(MODEL, "L1", SCHOOL, "hexalog"), 5, number=9, by="ordering")
    assert [type(fact) for fact in facts(play(CORE, past, later))] == [
        repairs.LaptopRegistered,
        repairs.IncidentLogged,
    ]
    another_lot = asked(Register(MODEL, "L2", SCHOOL, "hexalog"), 5, number=9, by="ordering")
    assert len(facts(play(CORE, past, another_lot))) == 1


def test_a_lot_is_suspected_once_when_enough_of_it_failed() -> None:
    def told(cases: int, laptops: int) -> Claim:
        lots = (LotDefects("L1", cases, laptops), LotDefects("L2", 1, laptops))
        return asked(SuspectDefect(lots), key=core.model_key(MODEL), by="clock")

    assert play(CORE, {}, told(19, 100)) == ()
    assert play(CORE, {}, told(20, 401)) == ()
    assert facts(play(CORE, {}, told(20, 400))) == [repairs.DefectSuspected("L1", 20, 400)]
    assert play(CORE, after({}, told(20, 400)), told(40, 400)) == ()


def test_two_lots_of_a_model_may_be_suspected_on_one_day() -> None:
    lots = tuple(LotDefects(lot, 20, 100) for lot in ("L1", "L2"))
    told = asked(SuspectDefect(lots), key=core.model_key(MODEL), by="clock")
    assert [one.lot for one in facts(play(CORE, {}, told))] == ["L1", "L2"]


# -- how long it takes


def on(day: date, hour: int = 9) -> float:
    moment = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
    return (moment - DAY) / HOUR


def took(until: date, *claims: Claim, school: str = SCHOOL) -> int:
    return core.turnaround(case(after(KNOWN, *claims)), school, POLICY, until)


def test_a_case_takes_school_days_without_weekends_and_holidays() -> None:
    monday = date(2020, 10, 12)
    log = asked(LogIncident("atelier", "defect"), on(monday), id="incident 0")
    assert took(date(2020, 10, 16), log) == 4
    # All Saints' holidays of zone B: from 17 October to 2 November 2020.
    assert took(date(2020, 11, 2), log) == 5 - 1 + 1


def test_the_clock_stands_while_the_user_has_to_do_something() -> None:
    monday = date(2020, 9, 7)
    log = asked(LogIncident("atelier", "defect"), on(monday), id="incident 0")
    wait = step("wait", on(date(2020, 9, 9)), waiting_on="user")
    parts = step("wait", on(date(2020, 9, 14)), waiting_on="parts")
    assert took(date(2020, 9, 16), log, wait, parts) == 2 + 2


def test_good_friday_is_no_school_day_in_alsace_and_moselle() -> None:
    thursday = date(2022, 4, 14)
    log = asked(LogIncident("atelier", "defect"), on(thursday), id="incident 0")
    assert took(date(2022, 4, 15), log, school="0670080Y") == 0
    assert took(date(2022, 4, 15), log, school="0510006E") in (0, 1)


def test_the_clock_ends_with_the_work() -> None:
    log = asked(LogIncident("atelier", "defect"), on(date(2020, 9, 7)), id="incident 0")
    done = step("repair", on(date(2020, 9, 9)))
    assert took(date(2020, 12, 1), log, done) == 2
    assert not core.late(case(after(KNOWN, log, done)), 99, POLICY)


def test_somebody_has_waited_too_long() -> None:
    log = asked(LogIncident("atelier", "defect"), on(date(2020, 9, 7)), id="incident 0")
    past = after(KNOWN, log)
    assert not core.late(case(past), took(date(2020, 9, 21), log), POLICY)
    assert core.late(case(past), took(date(2020, 9, 22), log), POLICY)


# -- in any order

REPORTS = [
    incident("breakage", 0),
    incident("defect", 4),
    step("start", 1),
    step("wait", 2, waiting_on="parts"),
    step("wait", 2.5, waiting_on="user"),
    step("repair", 3),
    step("beyond-repair", 3, barrier=1),
    step("return", 3.5, outcome=0),
    step("reopen", 5),
    step("theft", 6),
    step("complaint", 6, complaint="A", filed_on=FROM),
    step("recovery", 7),
    asked(ReturnLoan(CASE, key_of(2)), 6),
    asked(Withdraw(DESK, "repair 3"), 8),
]


@given(some.permutations(REPORTS), some.lists(some.sampled_from(REPORTS), max_size=5))
def test_reports_in_any_order_and_told_twice_end_in_the_same_state(
    heard: list[Claim], again: list[Claim]
) -> None:
    def ended(claims: Sequence[Claim]) -> tuple[Any, Any]:
        past, seen = KNOWN, set()
        for claim in claims:
            if claim.id not in seen:  # the transaction knows what was said before
                past = after(past, claim)
            seen.add(claim.id)
        return laptop(past), laptop(past, 2)

    assert ended([*heard, *again]) == ended(REPORTS)
