"""What goes wrong with laptops, through the whole system: told at a desk, seen by everybody."""

from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from typing import Any
from uuid import uuid4

import httpx

from services.repairs import store
from shared import ledger
from tests.faults.checking import ask
from tests.running import System, until
from tests.system.acts import (
    DESK,
    MODEL,
    STUDENT,
    act_on,
    announce,
    card,
    case_of,
    cases_at,
    done,
    ended_job,
    event,
    hand_out,
    in_stock,
    incident,
    laptops,
    life,
    list_schools,
    log,
    named,
    opened,
    ordered,
    place_order,
    refused,
    told_in_order,
    uai,
    verdicts,
    when,
    with_student,
)

MORNING, NOON, EVENING = (f"2020-10-05T{hour}:00:00+02:00" for hour in ("08", "12", "18"))
NEXT_DAY = "2020-10-06T08:00:00+02:00"
COMPLAINT = {"complaint": "2020/1234", "filed_on": "2020-10-05"}


def held(system: System, service: str, laptop: str) -> Any:
    """A laptop as a service has it in its own database."""
    shelves = import_module(f"services.{service}.store").SHELVES
    return ask(system, service, lambda seen: ledger.seen(seen, shelves, [laptop])[laptop].state)


def waiting(system: System) -> set[str]:
    items = system.call("repairs", "ops", "/api/waiting").json()["items"]
    return {one["key"] for one in items}


# -- use case 10: log an incident, decide who pays


def test_an_incident_at_a_desk_shows_at_once_and_the_warranty_pays_while_it_runs(
    system: System,
) -> None:
    school, (laptop, old) = uai(), laptops(2)
    with_student(system, school, laptop, old)
    case = opened(system, laptop, MORNING, fault="Integrated screen", text="Écran noir")
    shown = when(system, laptop, {"working": "incident-reported"})
    assert (shown["location"], shown["holder"]) == ("at-repair-desk", "repairer")
    assert (shown["student"], shown["school"], shown["flags"]) == (STUDENT, school, [])
    decided = done(system, case, "warranty-decision", NOON)
    assert (decided["cover"], decided["rule"]) == ("warranty", "defect-under-warranty")
    late = opened(system, old, "2023-09-11T08:00:00+02:00")
    decided = done(system, late, "warranty-decision", "2023-09-11T09:00:00+02:00")
    assert (decided["cover"], decided["rule"]) == ("region", "defect-after-warranty")
    shown = when(system, laptop, lambda now: "warranty-decided" in told_in_order(now))
    (fact,) = (one for one in shown["timeline"] if one["type"] == "repairs.incident-logged.v1")
    assert (fact["source"], fact["happened_at"]) == (DESK, "2020-10-05T06:00:00Z")
    assert "noir" not in str(shown)


def test_the_same_incident_sent_twice_is_one_case(system: System) -> None:
    school, (laptop,) = uai(), laptops(1)
    in_stock(system, school, laptop)
    told = incident(laptop, MORNING)
    first, again = log(system, told, told | {"reported_at": "2020-10-05T06:00:00Z"})
    assert [first["verdict"], again["verdict"]] == ["applied", "duplicate"]
    assert [one["case"] for one in card(system, laptop)["cases"]] == [first["case"]]
    shown = when(system, laptop, {"location": "at-repair-desk"})
    assert told_in_order(shown).count("incident-logged") == 1


# -- use case 11: follow a repair


def test_a_repair_is_followed_from_desk_to_repairer_and_back_to_its_student(
    system: System,
) -> None:
    school, (laptop,) = uai(), laptops(1)
    with_student(system, school, laptop)
    case = opened(system, laptop, MORNING)
    done(system, case, "start", NOON)
    when(system, laptop, {"location": "at-repair-desk", "working": "in-repair"})
    done(system, case, "wait", EVENING, waiting_on="vendor")
    when(system, laptop, {"location": "at-repairer", "holder": "repairer"})
    done(system, case, "wait", NEXT_DAY, waiting_on="parts")
    queue = system.call("repairs", DESK, f"/api/cases?laptop={laptop}&state=waiting").json()
    assert [(one["case"], one["waiting_on"]) for one in queue["items"]] == [(case, "parts")]
    done(system, case, "repair", "2020-10-08T08:00:00+02:00", fault=17)
    when(system, laptop, {"working": "working", "holder": "repairer"})
    done(system, case, "return", "2020-10-08T12:00:00+02:00")
    shown = when(system, laptop, {"location": "with-student", "working": "working"})
    assert (shown["holder"], shown["student"], shown["flags"]) == ("student", STUDENT, [])
    done(system, case, "reopen", "2020-10-09T08:00:00+02:00")
    when(system, laptop, {"location": "at-repair-desk", "working": "incident-reported"})
    assert case_of(system, case)["reopened"] == 1


def test_what_a_desk_tells_late_takes_its_place_and_moves_nothing_back(system: System) -> None:
    school, (laptop,) = uai(), laptops(1)
    with_student(system, school, laptop)
    case = opened(system, laptop, MORNING)
    done(system, case, "return", EVENING, outcome=2)
    when(system, laptop, {"location": "with-student", "working": "incident-reported"})
    done(system, case, "start", NOON)
    shown = when(system, laptop, lambda now: "repair-started" in told_in_order(now))
    assert (shown["location"], shown["holder"]) == ("with-student", "student")
    assert case_of(system, case)["state"] == "returned"
    told = [name for name in told_in_order(shown) if name.startswith(("repair-", "incident-"))]
    assert told == ["incident-logged", "repair-started"]


# -- use case 12: swap


def test_a_swap_wants_the_recorded_serial_and_both_lives_point_at_each_other(
    system: System,
) -> None:
    school, (old, other, new) = uai(), laptops(3)
    with_student(system, school, old)
    in_stock(system, school, other, new)
    case = opened(system, old, MORNING)
    wrong = {"returned": named(other), "new": named(new)}
    assert refused(system, case, "swap", NOON, **wrong) == "another-serial"
    assert life(system, new)["replaces"] is None
    swapped = done(system, case, "swap", NOON, returned=named(old), new=named(new))
    assert (swapped["state"], swapped["replaced_by"]) == ("swapped", new)
    shown = when(system, old, {"replaced_by": new, "location": "at-repair-desk", "student": None})
    assert shown["flags"] == ["replaced"]
    shown = when(system, new, {"replaces": old, "location": "with-student", "student": STUDENT})
    assert (shown["school"], shown["flags"]) == (school, [])
    assert life(system, other)["location"] == "at-school"
    when(system, new, lambda now: "laptop-given-in-exchange" in told_in_order(now))
    when(system, old, lambda now: "laptop-taken-back" in told_in_order(now))
    custody = held(system, "delivery", new).custody
    assert (custody.location, custody.student) == ("with-student", STUDENT)


def test_a_laptop_given_in_a_swap_that_fails_too_is_swapped_and_the_chain_is_kept(
    system: System,
) -> None:
    school, keys = uai(), laptops(3)
    first, second, third = keys
    with_student(system, school, first)
    in_stock(system, school, second, third)
    for old, new, at in ((first, second, MORNING), (second, third, NEXT_DAY)):
        case = opened(system, old, at)
        done(system, case, "swap", at, returned=named(old), new=named(new))
    when(system, third, {"student": STUDENT, "replaces": second, "replaced_by": None})
    when(system, second, {"student": None, "replaces": first, "replaced_by": third})
    case = opened(system, first, EVENING)
    assert (
        refused(system, case, "swap", EVENING, returned=named(first), new=named(third))
        == "already-swapped"
    )


# -- use case 13: lend and get back


def test_a_laptop_is_lent_for_the_time_of_a_repair_and_is_in_the_pool_again(
    system: System,
) -> None:
    school, (laptop, loaner) = uai(), laptops(2)
    with_student(system, school, laptop)
    in_stock(system, school, loaner)
    pool = f"/api/pools/{school}"
    assert system.call("repairs", f"school:{school}", pool).json()["free"] == [loaner]
    case = opened(system, laptop, MORNING)
    lent = done(system, case, "loan", NOON, loaner=named(loaner), due_on="2020-10-20")
    assert lent["loaner"] == loaner
    shown = when(system, loaner, {"location": "with-student"})
    assert (shown["holder"], shown["flags"]) == ("student", ["on-loan"])
    assert system.call("repairs", f"school:{school}", pool).json()["free"] == []
    other = opened(system, laptop, EVENING)
    again = refused(system, other, "loan", EVENING, loaner=named(loaner))
    assert again == "lent-already"
    back = done(system, case, "loan-return", NEXT_DAY, loaner=named(loaner))
    assert back["loaner"] is None
    shown = when(system, loaner, {"location": "at-school", "holder": "school"})
    assert shown["flags"] == []
    assert system.call("repairs", f"school:{school}", pool).json()["free"] == [loaner]


# -- use case 14: theft


def test_a_theft_brings_another_laptop_once_a_complaint_is_filed_and_ordering_hears_of_it(
    system: System,
) -> None:
    school, (laptop,) = uai(), laptops(1)
    with_student(system, school, laptop)
    case = opened(system, laptop, MORNING, "theft")
    shown = when(system, laptop, {"location": "missing", "holder": "nobody"})
    assert (shown["flags"], shown["working"]) == (["stolen"], "working")
    assert done(system, case, "warranty-decision", NOON)["replacement"] == "refused"
    when(system, laptop, lambda now: "replacement-refused" in told_in_order(now))
    assert held(system, "ordering", laptop).replacement is None
    done(system, case, "complaint", EVENING, **COMPLAINT)
    decided = done(system, case, "warranty-decision", NEXT_DAY)
    assert (decided["replacement"], decided["rule"]) == ("needed", "theft-with-complaint")
    when(system, laptop, lambda now: "replacement-noted" in told_in_order(now))
    assert held(system, "ordering", laptop).replacement == case


# -- use case 19: recall


def test_a_recall_opens_a_case_for_each_laptop_of_the_lot_and_for_one_announced_later(
    system: System,
) -> None:
    school, (stranger, *keys) = uai(), laptops(4)
    ordered(system, school, [stranger])
    lot = f"L-{school}"
    number = place_order(system, 3, school, lot=lot)
    assert announce(system, number, keys[:2])["applied"] == 2
    for key in keys[:2]:
        when(system, key, lambda now: "laptop-registered" in told_in_order(now))
    body = {"id": f"R-{school}", "model": "HP 245 G8", "lot": lot, "reason": "Charnières"}
    told = system.call("repairs", "region", "/api/recalls", body)
    assert (told.status_code, told.json()["now"]) == (httpx.codes.ACCEPTED, 2)
    again = system.call("repairs", "region", "/api/recalls", body).json()
    assert (again["verdict"], again["now"]) == ("duplicate", 2)
    assert announce(system, number, keys[2:])["applied"] == 1
    for key in keys:
        shown = when(system, key, lambda now: "recalled" in now["flags"])
        assert (shown["location"], shown["working"]) == ("announced", "working")
        (case,) = card(system, key)["cases"]
        assert (case["recall"], case["cause"], case["state"]) == (body["id"], "recall", "new")
    assert "recalled" not in life(system, stranger)["flags"]
    assert card(system, stranger)["cases"] == []
    (mended, *_) = card(system, keys[0])["cases"]
    done(system, mended["case"], "return", datetime.now(UTC).isoformat())
    when(system, keys[0], lambda now: "recalled" not in now["flags"])


def test_a_batch_of_3000_is_recalled_for_a_hinge_in_the_background_and_each_once(
    system: System,
) -> None:
    school, keys = uai(), laptops(3_000)
    list_schools(system, school)
    number, lot = place_order(system, 3_000, school, lot=f"L-{school}"), f"L-{school}"
    assert announce(system, number, keys)["applied"] == 3_000
    known = partial(store.laptops_of, model=MODEL, lot=lot)
    until(lambda: ask(system, "repairs", known) == sorted(keys), "repairs knows all of them")
    body = {"id": f"R-{school}", "model": MODEL, "lot": lot, "reason": "Charnières"}
    told = system.call("repairs", "region", "/api/recalls", body)
    assert (told.status_code, told.json()["now"]) == (httpx.codes.ACCEPTED, 3_000)
    job = ended_job(system, told.headers["location"], "repairs")
    assert (job["applied"], job["refused"], job["conflict"]) == (3_000, 0, 0)
    assert system.call("repairs", "region", "/api/recalls", body).json()["verdict"] == "duplicate"
    recalled = [one for one in cases_at(system, "region").values() if one["recall"] == body["id"]]
    assert sorted(one["laptop"] for one in recalled) == sorted(keys)
    for key in (keys[0], keys[-1]):
        when(system, key, lambda now: "recalled" in now["flags"])


# -- awkward lives


def test_a_theft_reported_during_a_repair_is_a_theft_whatever_the_desk_was_at(
    system: System,
) -> None:
    school, (laptop,) = uai(), laptops(1)
    with_student(system, school, laptop)
    case = opened(system, laptop, MORNING)
    done(system, case, "start", NOON)
    done(system, case, "theft", EVENING)
    shown = when(system, laptop, {"location": "missing", "holder": "nobody"})
    assert (shown["flags"], shown["working"]) == (["stolen"], "in-repair")
    done(system, case, "complaint", NEXT_DAY, **COMPLAINT)
    decided = done(system, case, "warranty-decision", NEXT_DAY)
    assert (decided["replacement"], decided["rule"]) == ("needed", "theft-with-complaint")
    late = "2020-10-05T12:30:00+02:00"
    done(system, case, "wait", late, waiting_on="parts")
    when(system, laptop, lambda now: "repair-waiting" in told_in_order(now))
    assert life(system, laptop)["location"] == "missing"


def test_a_stolen_laptop_found_again_after_being_replaced_goes_to_stock_and_stays_replaced(
    system: System,
) -> None:
    school, (laptop, new) = uai(), laptops(2)
    student = str(uuid4())
    with_student(system, school, laptop, student=student)
    in_stock(system, school, new)
    case = opened(system, laptop, MORNING, "theft")
    done(system, case, "complaint", NOON, **COMPLAINT)
    assert done(system, case, "warranty-decision", NOON)["replacement"] == "needed"
    done(system, case, "swap", EVENING, returned=named(laptop), new=named(new))
    when(system, new, {"location": "with-student", "student": student, "replaces": laptop})
    shown = when(system, laptop, {"replaced_by": new})
    assert (shown["location"], shown["flags"]) == ("missing", ["replaced", "stolen"])
    found = done(system, case, "recovery", NEXT_DAY)
    assert (found["state"], found["replaced_by"]) == ("recovered", new)
    shown = when(system, laptop, {"location": "at-repair-desk"})
    assert (shown["flags"], shown["student"]) == (["replaced"], None)
    done(system, case, "return", "2020-10-07T08:00:00+02:00")
    when(system, laptop, {"location": "at-school", "holder": "school", "replaced_by": new})
    assert life(system, new)["student"] == student


def test_a_student_whose_stolen_laptop_was_replaced_by_hand_has_one_laptop(
    system: System,
) -> None:
    school, (laptop, new), student = uai(), laptops(2), str(uuid4())
    with_student(system, school, laptop, student=student)
    in_stock(system, school, new)
    case = opened(system, laptop, MORNING, "theft")
    when(system, laptop, {"location": "missing"})
    assert hand_out(system, school, new, NEXT_DAY, student=student)["verdict"] == "applied"
    when(system, new, {"student": student})
    assert student not in with_several(system)
    done(system, case, "recovery", "2020-10-07T08:00:00+02:00")
    until(lambda: student in with_several(system), "both are the student's again")


def with_several(system: System) -> set[str]:
    found = system.http.get(f"{system.tracking.url}/api/anomalies?limit=500").json()["items"]
    return {one["student"] for one in found if one["code"] == "one-student-with-several"}


def test_a_student_moves_school_with_an_open_repair_and_the_case_goes_along(
    system: System,
) -> None:
    school, other, (laptop,) = uai(), uai(), laptops(1)
    with_student(system, school, laptop)
    list_schools(system, other)
    case = opened(system, laptop, MORNING)
    done(system, case, "start", NOON)
    gone = event("moved", EVENING, [laptop], to_school=other)
    assert verdicts(system, f"school:{school}", gone) == ["applied"]
    when(system, laptop, lambda now: told_in_order(now).count("laptop-placed") > 2)
    until(lambda: case_of(system, case)["school"] == other, "the case is the new school's")
    assert case_of(system, case)["state"] == "in-repair"
    done(system, case, "repair", NEXT_DAY)
    done(system, case, "return", "2020-10-07T08:00:00+02:00")
    shown = when(system, laptop, lambda now: "laptop-returned-to-user" in told_in_order(now))
    assert (shown["location"], shown["school"], shown["flags"]) == ("at-school", other, [])
    handed = hand_out(system, other, laptop, "2020-10-07T12:00:00+02:00")
    assert handed["verdict"] == "applied"
    when(system, laptop, {"location": "with-student", "student": STUDENT, "school": other})


def test_an_incident_of_a_laptop_that_is_announced_later_waits_and_joins_by_itself(
    system: System,
) -> None:
    school, (laptop,) = uai(), laptops(1)
    (told,) = log(system, incident(laptop, MORNING))
    assert (told["verdict"], told["code"]) == ("waiting", "laptop-not-announced")
    assert act_on(system, told["case"], "start", NOON).json()["verdict"] == "waiting"
    assert laptop in waiting(system)
    shown = when(system, laptop, {"location": "at-repair-desk", "working": "in-repair"})
    assert (shown["flags"], shown["order"]) == (["unannounced"], None)
    order = ordered(system, school, [laptop])
    shown = when(system, laptop, {"order": order, "flags": []})
    assert (shown["location"], shown["working"]) == ("at-repair-desk", "in-repair")
    until(lambda: laptop not in waiting(system), "it waits no longer")
    case = case_of(system, told["case"])
    assert (case["school"], case["model"], case["state"]) == (school, "HP 245 G8", "in-repair")


def test_a_laptop_on_loan_is_nobody_elses_to_be_given_in_a_swap(system: System) -> None:
    school, (laptop, broken, loaner) = uai(), laptops(3)
    with_student(system, school, laptop, broken)
    in_stock(system, school, loaner)
    lent = opened(system, laptop, MORNING)
    done(system, lent, "loan", NOON, loaner=named(loaner))
    case = opened(system, broken, NOON)
    swap = {"returned": named(broken), "new": named(loaner)}
    assert refused(system, case, "swap", EVENING, **swap) == "lent-already"
    done(system, lent, "loan-return", NEXT_DAY, loaner=named(loaner))
    done(system, case, "swap", "2020-10-06T12:00:00+02:00", **swap)
    when(system, loaner, {"location": "with-student", "replaces": broken, "flags": []})
