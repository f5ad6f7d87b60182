"""The desk's work in the invented school year: how much, in what order, about whose laptops."""

from collections import Counter, defaultdict
from datetime import timedelta
from typing import Any, cast

import httpx
import pytest

from partners.year import book, cases, desks
from partners.year.acts import Act
from partners.year.book import Facts, Turn, after_desks
from partners.year.cases import Numbers
from partners.year.check import Seen, differences
from partners.year.plan import Plan, plan
from partners.year.post import System, bases
from tests.told_of_a_year import at_desks, case_acts, happened, incidents, items, laptop, signed

LAPTOPS = 1_500
AT_HOME = book.handed_out(
    Facts("at-school", "school", "region", "working", "not-enrolled", unannounced=False)
)
ACTS = {
    *("warranty-decision", "start", "wait", "repair", "return", "beyond-repair", "reopen", "swap"),
    *("loan", "loan-return", "theft", "complaint", "recovery"),
}


@pytest.fixture(scope="module")
def year() -> Plan:
    return plan(2020, LAPTOPS, to_the_end=False)


def handed_out(year: Plan) -> dict[str, str]:
    """The school that handed each laptop out, the guardian having signed."""
    return {
        laptop(item["laptop"]): act.party
        for act, kind, item in items(year.acts)
        if kind == "handed-out" and signed(item)
    }


def as_shown(name: str, facts: Facts, *flags: str) -> Seen:
    five = (facts.location, facts.holder, facts.owner, facts.working, facts.managed)
    return Seen(name, *five, flags, book.disposition(facts))


# -- how much, of what


def test_so_many_come_to_a_desk_as_programmes_report(year: Plan) -> None:
    at_home = len(handed_out(year))
    first = {laptop(item["laptop"]): item["cause"] for _, item in incidents(year.desk_acts)}
    causes = Counter(first.values())
    for rate, found in (
        (desks.THEFTS, causes["theft"]),
        (desks.LOSSES, causes["loss"]),
        (desks.WARRANTY_CLAIMS + desks.OTHER_TROUBLE, sum(causes[one] for one in desks.FAULTS)),
    ):
        assert rate * at_home * 0.8 - 1 < found < rate * at_home * 1.1 + 1


@pytest.mark.parametrize("seed", [1, 7])
def test_a_year_has_every_act_every_cause_and_every_reason_to_wait(seed: int) -> None:
    acts = plan(seed, LAPTOPS).desk_acts
    assert {act for _, act, _, _ in case_acts(acts)} == ACTS
    assert {item["cause"] for _, item in incidents(acts)} == {*desks.FAULTS, "theft", "loss"}
    waits = {item["waiting_on"] for _, act, _, item in case_acts(acts) if act == "wait"}
    assert waits == {"parts", "vendor", "user"}
    assert {act.path.rpartition("/")[2] for act in acts} == {
        *("incidents", "imports", "case-acts", "loan", "swap")
    }


def test_some_cases_go_from_new_to_returned_at_one_instant_and_some_never_close(year: Plan) -> None:
    of_case: dict[str, set[tuple[str, Any]]] = defaultdict(set)
    for one in at_desks(year.desk_acts):
        of_case[one.incident].add((one.what, one.at))
    assert any(len({at for _, at in told}) == 1 and len(told) == 3 for told in of_case.values())
    assert any(not {"return", "swap"} & {what for what, _ in told} for told in of_case.values())


def test_some_loans_never_come_back_and_some_stolen_laptops_do(year: Plan) -> None:
    marks = Counter(mark for facts in year.book.values() for mark in facts.marks)
    assert min(marks[mark] for mark in ("stolen", "lost", "on-loan", "replaced")) > 0
    told = at_desks(year.desk_acts)
    lent, back = (
        {one.other for one in told if one.what == what} for what in ("loan", "loan-return")
    )
    assert back < lent
    swapped, found = (
        {one.laptop for one in told if one.what == what} for what in ("swap", "recovery")
    )
    assert found & swapped
    assert found - swapped


# -- in what order


def test_everything_is_told_in_the_school_year_after_it_happened(year: Plan) -> None:
    for act, item in incidents(year.desk_acts):
        assert happened({"happened_at": item["reported_at"]}) <= act.at
    for act, _, _, item in case_acts(year.desk_acts):
        assert happened(item) <= act.at
    days = [act.at.date().isoformat() for act in year.desk_acts]
    assert "2020-10-05" <= min(days) < "2020-11-01"
    assert max(days) > "2021-05-01"
    assert max(act.at for act in year.every_act) <= year.ends_at


def test_a_desk_has_the_number_of_a_case_before_it_says_more_of_it(year: Plan) -> None:
    logged = {item["id"]: act.at.date() for act, item in reversed([*incidents(year.desk_acts)])}
    for act, _, incident, _ in case_acts(year.desk_acts):
        assert logged[incident] < act.at.date()


def test_some_things_are_told_twice_and_some_after_what_followed(year: Plan) -> None:
    ids = Counter(item["id"] for _, _, _, item in case_acts(year.desk_acts))
    ids.update(item["id"] for _, item in incidents(year.desk_acts))
    assert max(ids.values()) == 2
    latest: dict[str, Any] = {}
    overtaken = 0
    for _, _, incident, item in case_acts(year.desk_acts):
        overtaken += happened(item) < latest.get(incident, happened(item))
        latest[incident] = max(happened(item), latest.get(incident, happened(item)))
    assert overtaken > 3


# -- about whose laptops


def test_what_is_lent_or_given_is_of_the_same_schools_stock_and_serves_once(year: Plan) -> None:
    school = handed_out(year)
    counted = {
        laptop(one): act.party
        for act, kind, item in items(year.acts)
        if kind == "received"
        for one in item["laptops"]
    }
    others = [one for one in at_desks(year.desk_acts) if one.what in ("loan", "swap")]
    for one in others:
        assert one.other not in school
        assert counted[one.other] == school[one.laptop]
    assert max(Counter(one.other for one in others).values()) == 1


def test_a_swap_with_another_serial_than_the_recorded_one_is_meant_to_be_refused(
    year: Plan,
) -> None:
    of_case = {item["id"]: laptop(item["laptop"]) for _, item in incidents(year.desk_acts)}
    wrong = {
        item["id"]
        for _, act, incident, item in case_acts(year.desk_acts)
        if act == "swap" and laptop(item["returned"]) != of_case[incident]
    }
    assert wrong
    assert wrong == {name for name in year.refusable if "swap" in name}


@pytest.mark.parametrize("seed", [1, 2, 2020])
def test_what_is_kept_back_is_of_no_laptop_that_a_desk_has(seed: int) -> None:
    short = plan(seed, 60, drop_one=True)
    told = at_desks(short.desk_acts)
    assert short.dropped not in {one.laptop for one in told} | {one.other for one in told}


# -- the book, the comparison


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (["incident", "sent-to-vendor"], ("at-repairer", "repairer", "in-repair", ())),
        (["incident", "return"], ("with-student", "student", "working", ())),
        (["incident", "swap"], ("at-repair-desk", "repairer", "incident-reported", ("replaced",))),
        (["theft", "swap"], ("missing", "nobody", "working", ("replaced", "stolen"))),
        (
            ["theft", "swap", "recovery", "return"],
            ("at-school", "school", "working", ("replaced",)),
        ),
        (["beyond-repair", "return"], ("with-student", "student", "beyond-repair", ())),
        (["start", "return-unmended"], ("with-student", "student", "incident-reported", ())),
        (["lent", "back"], ("at-school", "school", "working", ())),
    ],
)
def test_the_book_follows_a_laptop_through_a_desk(
    year: Plan, kinds: list[str], expected: tuple[str, str, str, tuple[str, ...]]
) -> None:
    begin = year.desk_acts[0].at
    turns = [Turn(kind, begin + timedelta(hours=n)) for n, kind in enumerate(kinds)]
    now = after_desks(AT_HOME, reversed(turns))
    assert (now.location, now.holder, now.working, now.marks) == expected


def test_marks_that_differ_from_the_book_are_told(year: Plan) -> None:
    lent = next(name for name, facts in year.book.items() if facts.marks == ("on-loan",))
    booked = year.whole_book
    shown = {
        name: as_shown(name, one, *one.marks, *["unannounced"] * one.unannounced)
        for name, one in booked.items()
    }
    home = next(name for name, facts in year.book.items() if facts == AT_HOME)
    shown[lent] = as_shown(lent, booked[lent], "stolen")
    shown[home] = as_shown(home, booked[home], "loan-overdue")
    assert differences(year, shown) == {
        lent: "it is marked stolen, the book on-loan",
        home: "loan-overdue, the book says that nobody has it on loan",
    }


# -- case numbers


async def test_a_case_is_named_by_its_number_from_the_verdict_or_from_the_list(year: Plan) -> None:
    (first, (name, at)), (second, _), *_ = year.opened.items()
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["laptop"])
        listed = [
            ("0000000000000001", "2019-09-01T08:00:00Z"),
            ("0000000000000002", at.isoformat()),
        ]
        items = [{"case": case, "opened_at": opened_at} for case, opened_at in listed]
        return httpx.Response(200, json={"items": items, "next": None, "total": 2})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        system = System(bases("http://127.0.0.1:8000"), {desks.PARTY: "key"}, client)
        numbers = Numbers(year.opened, {second: "0000000000000007"})
        body: dict[str, object] = {"acts": [{"case": first}, {"case": second}, {"case": first}]}
        many = Act("1", at, desks.PARTY, "repairs", "/api/case-acts", body, 3)
        one = Act("2", at, desks.PARTY, "repairs", "/api/cases/{case}/swap", {}, 1, case=second)
        named = [await cases.numbered(system, numbers, act) for act in (many, one)]
    assert named[0].body == {"acts": [{"case": f"{0:015}{number}"} for number in (2, 7, 2)]}
    assert named[1].path == "/api/cases/0000000000000007/swap"
    assert asked == [name]


async def test_a_swap_waits_until_repairs_knows_whose_the_laptop_is(year: Plan) -> None:
    swap = next(act for act in year.desk_acts if act.path.endswith("/swap"))
    (holder,) = swap.known
    assert holder.at is not None
    at, heard = holder.at.isoformat(), 0

    def answer(_request: httpx.Request) -> httpx.Response:
        nonlocal heard
        told = [{"type": "repairs.laptop-placed.v1", "happened_at": at}] * heard
        heard += 1
        return httpx.Response(200, json={"timeline": told})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        await cases.known(System(bases("http://127.0.0.1:8000"), {"region": "key"}, client), swap)
    assert heard == holder.times + 1


def test_a_decision_that_hangs_on_a_warranty_is_asked_once_repairs_knows_of_it(year: Plan) -> None:
    decided: set[str] = set()
    known: set[str] = set()
    for act in year.desk_acts:
        if act.path == "/api/case-acts":
            assert isinstance(act.body, dict)
            items = cast("list[dict[str, str]]", act.body["acts"])
            cases = (item["case"] for item in items if item["act"] == "warranty-decision")
            decided |= {year.opened[case][0] for case in cases}
            known |= {one.laptop for one in act.known}
            assert {one.type for one in act.known} <= {"repairs.warranty-noted.v1"}
    assert known
    assert known <= decided
