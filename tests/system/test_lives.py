"""Laptops' lives through the whole system: told over HTTP at one end, seen at the other."""

import httpx

from tests.running import System, until
from tests.system.acts import (
    STUDENT,
    admit,
    announce,
    booked,
    event,
    hand_out,
    laptops,
    life,
    list_schools,
    ordered,
    place_order,
    sscc,
    tell,
    told_in_order,
    uai,
    verdicts,
    when,
)

ACME, BOLT = "carrier:acme", "carrier:bolt"


def test_an_ordinary_laptop_is_followed_from_its_order_to_the_student_who_takes_it(
    system: System,
) -> None:
    school, shipment, (laptop,) = uai(), sscc(), laptops(1)
    order = ordered(system, school, [laptop])
    when(system, laptop, {"location": "announced", "owner": "supplier", "order": order})
    assert (
        verdicts(
            system,
            ACME,
            event(
                "announced", "2020-08-25T08:00:00+02:00", [laptop], shipment=shipment, order=order
            ),
            event("dispatched", "2020-08-26T08:00:00+02:00", shipment=shipment),
            event("in-transit", "2020-08-26T20:00:00+02:00", shipment=shipment),
            event("arrived", "2020-08-27T10:00:00+02:00", shipment=shipment),
        )
        == ["applied"] * 4
    )
    when(system, laptop, {"location": "arrived", "holder": "carrier", "shipment": shipment})
    counted = event("received", "2020-08-27T11:00:00+02:00", [laptop], shipment=shipment)
    assert verdicts(system, f"school:{school}", counted) == ["applied"]
    when(system, laptop, {"location": "at-school", "holder": "school", "school": school})
    assert admit(system, order) | {"job": None} == {
        "verdict": "applied",
        "now": 1,
        "outstanding": 0,
        "job": None,
    }
    assert hand_out(system, school, laptop, "2020-09-01T09:05:00+02:00")["verdict"] == "applied"
    when(system, laptop, {"location": "with-student", "owner": "region"})
    told = {"laptop-cleared", "laptop-delivered", "laptop-registered", "warranty-noted"}
    when(system, laptop, lambda now: told <= {*told_in_order(now)})
    twice = ("laptop-placed", "laptop-delivered")
    shown = when(
        system, laptop, lambda now: [told_in_order(now).count(name) for name in twice] == [2, 2]
    )
    assert shown["student"] == STUDENT
    assert shown["flags"] == []
    assert shown["warranty"] == {"from": "2020-09-10", "to": "2023-09-10"}
    by_repairs = ["laptop-placed", "laptop-placed", "warranty-noted", "laptop-registered"]
    assert [name for name in told_in_order(shown) if name in by_repairs] == by_repairs
    by_handover = ("laptop-entered", "laptop-acquired", "laptop-entrusted")
    noted = {*by_repairs, *by_handover}
    others = [name for name in told_in_order(shown) if name not in noted]
    assert [name for name in others if name.startswith("laptop-")] == [
        "laptop-packed",
        "laptop-dispatched",
        "laptop-in-transit",
        "laptop-arrived",
        "laptop-received",
        "laptop-delivered",
        "laptop-handed-out",
        "laptop-delivered",
        "laptop-admitted",
        "laptop-cleared",
        "laptop-announced",
        "laptop-expected",
    ]


def test_what_a_party_says_stands_in_the_timeline_as_he_said_it(system: System) -> None:
    school, (laptop,) = uai(), laptops(1)
    ordered(system, school, [laptop])
    said = event("received", "2020-08-27T11:00:00+02:00", [laptop])
    verdicts(system, f"school:{school}", said)
    shown = when(system, laptop, {"location": "at-school"})
    (fact,) = (one for one in shown["timeline"] if one["type"] == "delivery.laptop-received.v1")
    assert fact["source"] == f"school:{school}"
    assert fact["id"] == said["id"]
    assert fact["happened_at"] == "2020-08-27T09:00:00Z"


def test_a_laptop_scanned_before_its_announcement_counts_at_once_and_joins_by_itself(
    system: System,
) -> None:
    school, shipment, (laptop,) = uai(), sscc(), laptops(1)
    early = event("in-transit", "2020-08-20T08:00:00+02:00", [laptop], shipment=shipment)
    assert verdicts(system, ACME, early) == ["waiting"]
    waiting = system.call("delivery", "ops", "/api/waiting").json()["items"]
    assert {laptop, f"shipment:{shipment}"} <= {one["key"] for one in waiting}
    when(system, laptop, {"location": "in-transit", "flags": ["unannounced"], "order": None})
    order = ordered(system, school, [laptop])
    shown = when(system, laptop, lambda seen: seen["order"] == order and len(seen["timeline"]) > 2)
    assert (shown["location"], shown["flags"]) == ("in-transit", [])
    assert told_in_order(shown)[0] == "laptop-in-transit"
    until(lambda: laptop not in _waiting(system), "it waits no longer")


def _waiting(system: System) -> set[str]:
    items = system.call("delivery", "ops", "/api/waiting").json()["items"]
    return {one["key"] for one in items}


def test_an_unannounced_laptop_is_in_no_stock_figure_until_its_announcement(
    system: System,
) -> None:
    school, (known, unknown) = uai(), laptops(2)
    ordered(system, school, [known])
    counted = event("received", "2020-08-27T11:00:00+02:00", [known, unknown])
    assert verdicts(system, f"school:{school}", counted) == ["waiting"]
    when(system, unknown, {"location": "at-school", "flags": ["unannounced"]})
    board = f"{system.tracking.url}/api/boards/schools/{school}"
    until(
        lambda: system.http.get(board).json()["location"] == {"at-school": 1},
        "one laptop is counted at the school",
    )
    ordered(system, school, [unknown])
    until(
        lambda: system.http.get(board).json()["location"] == {"at-school": 2},
        "both are counted at the school",
    )


def test_the_same_scan_sent_twice_is_one_fact(system: System) -> None:
    school, (laptop,) = uai(), laptops(1)
    ordered(system, school, [laptop])
    scan = event("in-transit", "2020-08-26T20:00:00+02:00", [laptop])
    assert verdicts(system, ACME, scan, scan) == ["applied", "duplicate"]
    assert verdicts(system, ACME, scan) == ["duplicate"]
    other_offset = scan | {"happened_at": "2020-08-26T18:00:00Z"}
    assert verdicts(system, ACME, other_offset) == ["duplicate"]
    under_another_id = scan | {"id": scan["id"] + "-again"}
    assert verdicts(system, ACME, under_another_id) == ["duplicate"]
    end = event("arrived", "2020-08-27T20:00:00+02:00", [laptop])
    assert verdicts(system, ACME, end) == ["applied"]
    shown = when(system, laptop, {"location": "arrived"})
    assert told_in_order(shown).count("laptop-in-transit") == 1


def test_one_id_for_two_things_is_a_conflict_and_both_are_kept_for_a_person(
    system: System,
) -> None:
    school, (laptop,) = uai(), laptops(1)
    ordered(system, school, [laptop])
    first = event("in-transit", "2020-08-26T20:00:00+02:00", [laptop])
    assert verdicts(system, ACME, first) == ["applied"]
    other = first | {"type": "arrived"}
    (told,) = tell(system, ACME, other)
    assert (told["verdict"], told["code"]) == ("conflict", "id-already-used")
    kept = system.call("delivery", ACME, "/api/parked?kind=conflict").json()["items"]
    (mine,) = (one for one in kept if one["subject"] == laptop)
    whole = system.call("delivery", ACME, f"/api/parked/{mine['id']}").json()
    assert (whole["content"]["command"]["step"], whole["stands"]["step"]) == (
        "arrived",
        "in-transit",
    )
    assert when(system, laptop, {"location": "in-transit"})


def test_a_scan_that_comes_late_takes_its_place_and_moves_nothing_back(system: System) -> None:
    school, shipment, (laptop,) = uai(), sscc(), laptops(1)
    ordered(system, school, [laptop])
    packed = event("announced", "2020-08-25T08:00:00+02:00", [laptop], shipment=shipment)
    counted = event("received", "2020-08-27T11:00:00+02:00", [laptop], shipment=shipment)
    verdicts(system, ACME, packed)
    verdicts(system, f"school:{school}", counted)
    when(system, laptop, {"location": "at-school"})
    late = event("in-transit", "2020-08-26T20:00:00+02:00", [laptop], shipment=shipment)
    after = event("arrived", "2020-08-27T12:00:00+02:00", [laptop], shipment=shipment)
    assert verdicts(system, ACME, late, after) == ["applied", "applied"]
    shown = when(system, laptop, lambda seen: "laptop-arrived" in told_in_order(seen))
    assert shown["location"] == "at-school"
    order = told_in_order(shown)
    assert order.index("laptop-in-transit") < order.index("laptop-received")
    assert order.index("laptop-received") < order.index("laptop-arrived")


def test_a_laptop_missing_from_a_pallet_and_found_a_month_later_is_at_its_school(
    system: System,
) -> None:
    school, shipment, (there, lost) = uai(), sscc(), laptops(2)
    order = ordered(system, school, [there, lost])
    on_it = event("announced", "2020-08-25T08:00:00+02:00", [there, lost], shipment=shipment)
    arrived = event("arrived", "2020-08-27T10:00:00+02:00", shipment=shipment)
    verdicts(system, ACME, on_it, arrived)
    counted = event("received", "2020-08-27T11:00:00+02:00", [there], shipment=shipment)
    missing = event("missing", "2020-08-27T11:00:00+02:00", [lost], shipment=shipment)
    assert verdicts(system, f"school:{school}", counted, missing) == ["applied"] * 2
    when(system, lost, {"location": "missing", "holder": "nobody"})
    booked(system, order, received=1, missing=1, in_transit=0)
    found = event("received", "2020-09-28T16:00:00+02:00", [lost], shipment=shipment)
    assert verdicts(system, f"school:{school}", found) == ["applied"]
    shown = when(system, lost, {"location": "at-school", "holder": "school"})
    assert "discrepancy-reported" in told_in_order(shown)
    booked(system, order, received=2, missing=0, announced=2, outstanding=0)


def test_what_was_said_of_a_whole_shipment_holds_for_laptops_announced_in_it_later(
    system: System,
) -> None:
    school, shipment, keys = uai(), sscc(), laptops(3)
    ordered(system, school, keys)
    gone = event("dispatched", "2020-08-26T08:00:00+02:00", shipment=shipment)
    there = event("arrived", "2020-08-27T10:00:00+02:00", shipment=shipment)
    assert verdicts(system, ACME, there, gone) == ["waiting", "waiting"]
    assert life(system, keys[0])["location"] == "announced"
    content = event("announced", "2020-08-25T08:00:00+02:00", keys, shipment=shipment)
    assert verdicts(system, ACME, content) == ["applied"]
    for key in keys:
        shown = when(system, key, {"location": "arrived", "shipment": shipment})
        (scan,) = (one for one in shown["timeline"] if "laptop-arrived" in one["type"])
        assert (scan["source"], scan["id"]) == (ACME, there["id"])


def test_a_carrier_cannot_move_what_another_carrier_announced_and_still_sees_its_own_word(
    system: System,
) -> None:
    school, shipment, (laptop,) = uai(), sscc(), laptops(1)
    ordered(system, school, [laptop])
    content = event("announced", "2020-08-25T08:00:00+02:00", [laptop], shipment=shipment)
    gone = event("dispatched", "2020-08-26T08:00:00+02:00", shipment=shipment)
    assert verdicts(system, ACME, content, gone) == ["applied", "applied"]
    false = event("arrived", "2020-08-26T09:00:00+02:00", [laptop], shipment=shipment)
    verdicts(system, BOLT, false)
    shown = when(system, laptop, lambda seen: "laptop-arrived" in told_in_order(seen))
    assert (shown["location"], shown["holder"]) == ("in-transit", "carrier")
    (kept,) = (one for one in shown["timeline"] if "laptop-arrived" in one["type"])
    assert kept["source"] == BOLT


def test_of_two_schools_that_counted_one_serial_the_later_has_it_and_both_are_in_its_timeline(
    system: System,
) -> None:
    first, second, (laptop,) = uai(), uai(), laptops(1)
    ordered(system, first, [laptop])
    list_schools(system, second)
    later = event("received", "2020-08-28T11:00:00+02:00", [laptop])
    earlier = event("received", "2020-08-27T11:00:00+02:00", [laptop])
    assert verdicts(system, f"school:{second}", later) == ["applied"]
    assert verdicts(system, f"school:{first}", earlier) == ["applied"]
    shown = when(system, laptop, lambda seen: told_in_order(seen).count("laptop-received") == 2)
    assert (shown["location"], shown["school"]) == ("at-school", second)
    sources = [one["source"] for one in shown["timeline"] if "laptop-received" in one["type"]]
    assert sources == [f"school:{first}", f"school:{second}"]


def test_a_line_once_admitted_admits_the_laptops_announced_later(system: System) -> None:
    school, (before, after) = uai(), laptops(2)
    list_schools(system, school)
    order = place_order(system, 2, school)
    announce(system, order, [before])
    told = admit(system, order)
    assert (told["now"], told["outstanding"]) == (1, 1)
    assert when(system, before, {"owner": "region"})["warranty"]["from"] == "2020-09-10"
    announce(system, order, [after])
    assert when(system, after, {"owner": "region"})["warranty"]["from"] >= "2020-09-10"
    booked(system, order, admitted=2, ordered=2, announced=2, outstanding=0)


def test_a_laptop_handed_out_before_it_was_counted_is_with_its_student_all_the_same(
    system: System,
) -> None:
    school, (laptop,) = uai(), laptops(1)
    ordered(system, school, [laptop])
    assert hand_out(system, school, laptop, "2020-09-01T09:05:00+02:00")["verdict"] == "applied"
    when(system, laptop, {"location": "with-student", "student": STUDENT})
    before = event("received", "2020-08-27T11:00:00+02:00", [laptop])
    assert verdicts(system, f"school:{school}", before) == ["applied"]
    shown = when(system, laptop, lambda seen: "laptop-received" in told_in_order(seen))
    assert (shown["location"], shown["student"]) == ("with-student", STUDENT)


def test_no_minor_takes_a_laptop_home_without_a_guardians_signature(system: System) -> None:
    school, (laptop,) = uai(), laptops(1)
    ordered(system, school, [laptop])
    alone = {"minor": True, "student_signed_at": "2020-09-01T09:00:00+02:00"}
    told = hand_out(system, school, laptop, "2020-09-01T09:05:00+02:00", charter=alone)
    assert (told["verdict"], told["code"]) == ("refused", "charter-not-signed")
    assert hand_out(system, school, laptop, "2020-09-01T09:06:00+02:00")["verdict"] == "applied"
    shown = when(system, laptop, {"location": "with-student"})
    assert told_in_order(shown).count("laptop-handed-out") == 1


def test_each_announced_laptop_stands_in_exactly_one_book_of_its_line(system: System) -> None:
    school, shipment, keys = uai(), sscc(), laptops(5)
    list_schools(system, school)
    order = place_order(system, 7, school)
    announce(system, order, keys)
    on_it = event("announced", "2020-08-25T08:00:00+02:00", keys[1:], shipment=shipment)
    gone = event("dispatched", "2020-08-26T08:00:00+02:00", shipment=shipment)
    verdicts(system, ACME, on_it, gone)
    counted = event("received", "2020-08-27T11:00:00+02:00", keys[2:4], shipment=shipment)
    missing = event("missing", "2020-08-27T11:00:00+02:00", keys[4:], shipment=shipment)
    verdicts(system, f"school:{school}", counted, missing)
    hand_out(system, school, keys[2], "2020-09-01T09:05:00+02:00")
    booked(
        system,
        order,
        ordered=7,
        announced=5,
        outstanding=2,
        not_dispatched=1,
        in_transit=1,
        received=2,
        missing=1,
        refused=0,
        handed_out=1,
    )


def test_a_laptop_can_be_asked_for_by_any_spelling_of_its_maker(system: System) -> None:
    school, (laptop,) = uai(), laptops(1)
    ordered(system, school, [laptop])
    when(system, laptop, {"location": "announced"})
    serial = laptop.partition("/")[2].lower()
    for spelling in ("HP", "Hewlett-Packard", "hewlett packard"):
        answer = system.http.get(f"{system.tracking.url}/api/laptops/{spelling}/{serial}")
        assert answer.status_code == httpx.codes.OK
        assert answer.json()["laptop"] == laptop
