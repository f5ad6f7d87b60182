"""The invented school year: its plan, its book, its comparison. Nothing is sent here."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from partners.year import parties
from partners.year.book import disposition
from partners.year.check import Seen, differences
from partners.year.plan import Plan, plan
from partners.year.play import move_clock
from partners.year.post import PlayError, bases
from partners.year.roster import schools
from tests.told_of_a_year import (
    about,
    happened,
    items,
    laptop,
    packing_lists,
    serial_rows,
    signed,
    told_by,
    told_by_desks,
)

LAPTOPS = 900
DEPARTMENTS = {"008", "010", "051", "052", "054", "055", "057", "067", "068", "088"}


@pytest.fixture(scope="module")
def year() -> Plan:
    return plan(2020, LAPTOPS, to_the_end=False)


def seen(book: Plan) -> dict[str, Seen]:
    """What tracking shows when all is as booked."""
    return {
        name: Seen(
            laptop=name,
            location=facts.location,
            holder=facts.holder,
            owner=facts.owner,
            working=facts.working,
            managed=facts.managed,
            flags=(*facts.marks, *(("unannounced",) if facts.unannounced else ())),
            disposition=disposition(facts),
        )
        for name, facts in book.whole_book.items()
    }


# The parties


def test_there_are_353_schools_whose_numbers_have_their_check_letter() -> None:
    uais = [party.partition(":")[2] for party in parties() if party.startswith("school:")]
    assert len(set(uais)) == 353
    for uai in uais:
        assert uai[7] == "ABCDEFGHJKLMNPRSTUVWXYZ"[int(uai[:7]) % 23]
    assert {uai[:3] for uai in uais} == DEPARTMENTS


def test_no_two_schools_of_a_town_share_a_name() -> None:
    assert len({(school.town.name, school.name) for school in schools()}) == 353


def test_every_sender_of_a_year_has_a_key(year: Plan) -> None:
    assert {act.party for act in year.acts} <= set(parties())
    assert {"region", "supplier:hexalog", "carrier:transalsace", "carrier:rapidest"} <= {
        act.party for act in year.acts
    }


# The plan


def test_a_seed_and_a_size_always_give_the_same_year(year: Plan) -> None:
    assert plan(2020, LAPTOPS, to_the_end=False) == year
    assert plan(2020, LAPTOPS) == plan(2020, LAPTOPS)
    assert plan(2021, LAPTOPS).acts != year.acts


def test_years_of_two_seeds_or_sizes_share_no_laptop_and_no_order(year: Plan) -> None:
    for other in (plan(2021, LAPTOPS), plan(2020, LAPTOPS - 1)):
        assert not year.book.keys() & other.book.keys()
        assert not {row[1] for row in serial_rows(year.acts)} & {
            row[1] for row in serial_rows(other.acts)
        }


def test_everything_is_sent_in_the_year_and_after_it_happened(year: Plan) -> None:
    assert [act.at for act in year.acts] == sorted(act.at for act in year.acts)
    assert year.acts[0].at.isoformat() >= "2020-06-01"
    late = [act for act in year.acts if act.at.isoformat() > "2020-10-31"]
    assert {act.at.isoformat()[:7] for act in late} == {"2021-01"}  # newcomers alone
    assert {act.path for act in late} == {"/api/hand-outs"}
    for act, _, item in items(year.acts):
        assert happened(item) <= act.at


def test_no_request_is_larger_than_the_interface_allows(year: Plan) -> None:
    batches = [
        batch for act in year.acts if isinstance(act.body, dict) for batch in act.body.values()
    ]
    assert max(len(batch) for batch in batches if isinstance(batch, list)) <= 500
    assert len(year.acts) < LAPTOPS


def test_shipments_have_18_digits_of_which_the_last_checks_the_others(year: Plan) -> None:
    shipments = packing_lists(year.acts)
    assert len(shipments) > 20
    for sscc in shipments:
        assert len(sscc) == 18
        assert sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(sscc)) % 10 == 0


def test_a_shipment_is_one_carriers_and_one_schools_alone(year: Plan) -> None:
    carriers: dict[str, set[str]] = defaultdict(set)
    receivers: dict[str, set[str]] = defaultdict(set)
    for act, kind, item in items(year.acts):
        if kind != "handed-out":
            of_kind = carriers if act.party.startswith("carrier:") else receivers
            of_kind[item["shipment"]].add(act.party)
        if act.party.startswith("school:"):
            assert item.get("school", act.party[7:]) == act.party[7:]
    assert {len(those) for those in (*carriers.values(), *receivers.values())} == {1}


def test_every_laptop_is_ordered_and_some_that_are_ordered_never_come(year: Plan) -> None:
    ordered: Counter[str] = Counter()
    for act in year.acts:
        if act.path == "/api/orders" and isinstance(act.body, dict):
            lines: Any = act.body["lines"]
            for line in lines:
                ordered[f"{act.body['order']}/{line['line']}"] += line["quantity"]
    listed = {(f"{order}/{line}", name) for _, order, line, name in serial_rows(year.acts)}
    announced = Counter(line for line, _ in listed)
    assert announced.keys() <= ordered.keys()
    assert all(ordered[line] >= announced[line] for line in ordered)
    assert ordered.total() > LAPTOPS > announced.total()


def test_intents_come_after_what_they_need(year: Plan) -> None:
    first = {act.path: act.at.date() for act in reversed(year.acts)}
    for path, day in first.items():
        if path.startswith("/api/orders/"):
            assert day > first["/api/orders"] > first["/api/schools/imports"]
    listed = {name: act.at.date() for act, _, _, name in reversed(list(serial_rows(year.acts)))}
    for act in year.acts:
        if (
            act.path.endswith("/admissions")
            and isinstance(act.body, dict)
            and "laptops" in act.body
        ):
            named: Any = act.body["laptops"]
            assert all(listed[laptop(one)] < act.at.date() for one in named)
            break
    else:
        pytest.fail("no admission names its laptops")


# What goes wrong in it


def test_some_reports_are_sent_again_in_another_spelling_and_some_under_another_id(
    year: Plan,
) -> None:
    sent = defaultdict(list)
    for act, kind, item in items(year.acts):
        if not (kind == "handed-out" and item["id"] in year.refusable):
            sent[act.party, item["id"]].append(item)
    again = [copies for copies in sent.values() if len(copies) > 1]
    assert len(again) > 0.03 * len(sent)
    assert any(first != second for first, second, *_ in again)
    renamed = [(party, name) for party, name in sent if name.endswith("-bis")]
    assert renamed
    assert all((party, name.removesuffix("-bis")) in sent for party, name in renamed)


def test_serial_lists_hold_rows_twice_and_makers_in_three_spellings(year: Plan) -> None:
    of_file = Counter((act.id, name) for act, _, _, name in serial_rows(year.acts))
    of_year = Counter(name for _, _, _, name in serial_rows(year.acts))
    assert max(of_file.values()) == 2
    assert of_year.total() > of_file.total() - len(of_file) + len(of_year)
    text = "".join(act.body for act in year.acts if isinstance(act.body, str))
    for spelling in (",HP,", ",hp,", ",Hewlett-Packard,", ",5c", " "):
        assert spelling in text


def test_some_reports_are_never_sent(year: Plan) -> None:
    assert year.lost
    assert not year.lost & {item["id"] for _, _, item in items(year.acts)}
    assert {name.split("-")[2] for name in year.lost} == {"dispatched", "in", "arrived"}


def test_some_reports_are_sent_on_a_later_day_than_what_happened_after_them(year: Plan) -> None:
    packed = packing_lists(year.acts)
    latest: dict[str, datetime] = {}
    overtaken = set()
    for act, kind, item in items(year.acts):
        for name in about(kind, item, packed):
            if happened(item) < latest.get(name, happened(item)):
                overtaken.add((act.at.date() - happened(item).date()).days)
            latest[name] = max(happened(item), latest.get(name, happened(item)))
    assert max(overtaken) > 3


def test_some_laptops_are_scanned_and_some_counted_before_they_are_announced(year: Plan) -> None:
    packed = packing_lists(year.acts)
    listed = {name: act.at for act, _, _, name in reversed(list(serial_rows(year.acts)))}
    early = {
        kind
        for act, kind, item in items(year.acts)
        for name in about(kind, item, packed)
        if name in listed and act.at.date() < listed[name].date()
    }
    assert {"dispatched", "in-transit", "arrived", "received", "handed-out"} <= early
    assert any(facts.unannounced for facts in year.book.values())


def test_some_arrivals_are_dated_after_the_schools_count(year: Plan) -> None:
    arrived: dict[str, datetime] = {}
    counted: dict[str, datetime] = {}
    for _, kind, item in items(year.acts):
        if kind == "arrived":
            arrived[item["shipment"]] = happened(item)
        elif kind == "received":
            counted.setdefault(item["shipment"], happened(item))
    assert any(arrived[sscc] > counted[sscc] for sscc in arrived.keys() & counted.keys())


def test_some_missing_laptops_are_found_and_some_are_not(year: Plan) -> None:
    reported = {
        laptop(named)
        for _, kind, item in items(year.acts)
        if kind == "missing"
        for named in item["laptops"]
    }
    still = {name for name in reported if year.book[name].location == "missing"}
    assert still
    assert reported - still


def test_some_hand_outs_lack_the_guardians_signature_and_half_of_them_come_again_signed() -> None:
    large = plan(2020, 3000)
    by_id: dict[str, list[bool]] = defaultdict(list)
    for _, kind, item in items(large.acts):
        if kind == "handed-out" and item["id"] in large.refusable:
            by_id[item["id"]].append(signed(item))
    assert {tuple(tries) for tries in by_id.values()} == {(False,), (False, True)}


# The book


def test_the_book_counts_every_laptop_once_and_has_one_in_every_place(year: Plan) -> None:
    places = Counter(facts.location for facts in year.book.values())
    assert places.total() == LAPTOPS
    assert places.keys() == {
        "announced",
        "in-transit",
        "arrived",
        "at-school",
        "with-student",
        "missing",
        "at-repair-desk",
        "at-repairer",
    }


@pytest.mark.parametrize("seed", [1, 2, 2020])
@pytest.mark.parametrize("laptops", [3, 60, LAPTOPS])
def test_the_book_is_what_the_sent_reports_come_to_in_whatever_order(
    seed: int, laptops: int
) -> None:
    year = plan(seed, laptops, to_the_end=False)
    before = told_by(year.acts, list(year.book))
    assert told_by_desks(year.desk_acts, before) == year.book


def test_a_dropped_fact_makes_plan_and_book_disagree_in_exactly_one_laptop(year: Plan) -> None:
    short = plan(2020, LAPTOPS, drop_one=True, to_the_end=False)
    assert short.book == year.book
    told = told_by_desks(short.desk_acts, told_by(short.acts, list(short.book)))
    assert [name for name in told if told[name] != short.book[name]] == [short.dropped]


# The comparison


def test_nothing_differs_when_tracking_shows_what_is_booked(year: Plan) -> None:
    others = Seen("hp/5CG0000001", "missing", "nobody", "supplier", "working", "not-enrolled")
    assert differences(year, seen(year) | {others.laptop: others}) == {}


def test_a_laptop_that_differs_is_named_with_both_words(year: Plan) -> None:
    shown = seen(year)
    name = year.examples["missing"]
    shown[name] = Seen(name, "at-school", "nobody", "region", "working", "enrolled")
    found = differences(year, shown)
    assert found.keys() == {name}
    assert "location is at-school, the book says missing" in found[name]
    assert "managed is enrolled, the book says not-enrolled" in found[name]


def test_a_laptop_unknown_to_tracking_or_to_the_book_differs(year: Plan) -> None:
    shown = seen(year)
    gone = shown.pop(year.examples["missing"])
    ghost = f"hp/5C{year.run}ZZZZ"
    shown[ghost] = Seen(ghost, "arrived", "carrier", "supplier", "working", "not-enrolled")
    assert list(differences(year, shown)) == [gone.laptop, ghost]


def test_the_unannounced_flag_is_compared_too(year: Plan) -> None:
    shown = seen(year)
    name = next(name for name, facts in year.book.items() if facts.unannounced)
    shown[name] = replace(shown[name], flags=())
    assert differences(year, shown) == {name: "not flagged unannounced, the book says it is"}


def test_the_clock_file_holds_one_instant_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    clock = tmp_path / "var" / "clock"
    for day in (1, 2):
        move_clock(clock, datetime(2020, 9, day, 18, 30, tzinfo=UTC))
    assert datetime.fromisoformat(clock.read_text().strip()) == datetime(
        2020, 9, 2, 18, 30, tzinfo=UTC
    )
    assert list(clock.parent.iterdir()) == [clock]


def test_the_services_stand_at_the_ports_after_the_first() -> None:
    assert bases("http://127.0.0.1:8000/") == {
        "tracking": "http://127.0.0.1:8000",
        "ordering": "http://127.0.0.1:8001",
        "delivery": "http://127.0.0.1:8002",
        "repairs": "http://127.0.0.1:8003",
        "handover": "http://127.0.0.1:8004",
        "enrolment": "http://127.0.0.1:8005",
    }
    for wrong in ("http://127.0.0.1", "127.0.0.1:8000", "", "ftp://127.0.0.1:8000"):
        with pytest.raises(PlayError, match="is not an address with a port"):
            bases(wrong)


# -- lives that go another way


def test_a_set_of_other_lives_comes_with_every_thousand_laptops_and_has_each_once() -> None:
    small, large = plan(1, 60), plan(1, 2_100)
    assert len(large.stories) - 2 == 3 * (len(small.stories) - 2)  # two of a school that opens
    assert not small.book.keys() & small.stories.keys()
    places = Counter(facts.location for facts in small.stories.values())
    assert places == {
        "at-school": 7,
        "with-student": 2,
        "arrived": 4,
        "refused": 1,
        "in-transit": 1,
        "announced": 3,
    }
    assert Counter(facts.owner for facts in small.stories.values()) == {"region": 13, "supplier": 5}


def test_they_are_told_by_every_way_in_and_by_every_kind_of_event() -> None:
    acts = plan(1, 60).story_acts
    ways = {(act.service, act.path.split("/")[-1]) for act in acts}
    assert {
        ("delivery", "delivery-events"),
        ("delivery", "imports"),
        ("delivery", "capture"),
    } <= ways
    assert {("ordering", "cancellation"), ("ordering", "admission-refusals")} <= ways
    assert "/api/school-years/2021-2022/orders" in {act.path for act in acts}
    assert {act.method for act in acts} == {"POST", "PATCH", "PUT"}
    assert {act.topic for act in acts} - {""} <= {
        "partners.carrier.rapidest.delivery",
        "partners.carrier.transalsace.delivery",
    }
    bodies = [act.body for act in acts if isinstance(act.body, dict)]
    kinds = {event["type"] for body in bodies for event in events_of(body)}
    assert kinds == {
        *("announced", "dispatched", "arrived", "redirected", "received", "damaged", "refused"),
        *("unexpected", "wrong-school", "moved", "back-to-stock", "hand-out-missed", "void"),
    }
    assert len({act.id for act in acts}) == len(acts)


def events_of(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body.get("events", [])
    return found
