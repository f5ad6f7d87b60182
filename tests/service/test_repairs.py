"""Repairs over HTTP: incidents, acts on cases, loans, swaps, recalls, files; on both databases."""

import csv
import io
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.repairs import core, gauges
from services.repairs.showing import Desk
from tests.builders import (
    DAY,
    SCHOOL,
    STUDENTS,
    Running,
    a_hand_out,
    a_laptop,
    key_of,
)
from tests.service.hearing_by_hand import announced, heard

DESK, OTHER_DESK = "desk:metz", "desk:nancy"
LATER = "2020-09-01T12:00:00+02:00"


def an_incident(number: int = 1, **changes: Any) -> dict[str, Any]:
    at = {"id": f"i{number}", "laptop": a_laptop(number), "reported_at": DAY.isoformat()}
    return at | {"cause": "defect", "fault": 7, "text": "Écran noir — « plus rien »"} | changes


def log(repairs: Running, *incidents: dict[str, Any], by: str = DESK) -> list[dict[str, Any]]:
    answer = repairs.ask(by, "POST", "/api/incidents", json={"incidents": incidents})
    assert answer.status_code == 200, answer.text
    verdicts: list[dict[str, Any]] = answer.json()["verdicts"]
    return verdicts


def bare(verdicts: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["verdict"], one.get("code", "")) for one in verdicts]


def act(repairs: Running, case: str, name: str, by: str = DESK, **told: Any) -> httpx.Response:
    body = {"id": f"{name} {case}", "happened_at": LATER} | told
    return repairs.ask(by, "POST", f"/api/cases/{case}/{name}", json=body)


def done(repairs: Running, case: str, name: str, **told: Any) -> dict[str, Any]:
    answer = act(repairs, case, name, **told)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["case"]
    return found


@pytest.fixture
def known(ordering: Running, delivery: Running, repairs: Running) -> Running:
    """Repairs that knows five laptops: announced, at school, the first with a student."""
    announced(ordering, range(1, 6))
    body = {"id": "all", "line": "1", "decided_at": DAY.isoformat(), "decided_by": "Mme X"}
    ordering.ask("region", "POST", "/api/orders/BC1/admissions", json=body)
    at_school = f"school:{SCHOOL}"
    laptops = [a_laptop(number) for number in range(1, 6)]
    told = {"id": "r", "type": "received", "happened_at": "2020-08-20T08:00:00Z"}
    received = {"events": [told | {"laptops": laptops}]}
    delivery.ask(at_school, "POST", "/api/delivery-events", json=received)
    handed = a_hand_out(handed_out_at="2020-08-25T08:00:00Z")
    delivery.ask(at_school, "POST", "/api/hand-outs", json={"hand_outs": [handed]})
    heard(repairs, ordering, delivery)
    return repairs


@pytest.fixture
def opened(known: Running) -> str:
    """The number of a case of the first laptop."""
    (verdict,) = log(known, an_incident())
    number: str = verdict["case"]
    return number


# -- incidents


def test_an_incident_opens_a_case_once(known: Running) -> None:
    first, again = log(known, an_incident(), an_incident())
    assert bare([first, again]) == [("applied", ""), ("duplicate", "")]
    assert first["case"] == again["case"]
    case = known.get(DESK, f"/api/cases/{first['case']}")
    assert (case["state"], case["desk"], case["model"]) == ("new", "metz", "HP 245 G8")
    assert case["text"] == "Écran noir — « plus rien »"


def test_the_same_incident_under_another_id_names_the_case_that_stands(known: Running) -> None:
    other, first, again = log(
        known, an_incident(fault=1), an_incident(id="first"), an_incident(id="again")
    )
    assert bare([other, first, again])[2] == ("duplicate", "said-before")
    assert again["case"] == first["case"] != other["case"]
    assert known.get(DESK, "/api/cases")["total"] == 2


def test_an_incident_told_otherwise_under_its_id_is_a_contradiction(known: Running) -> None:
    log(known, an_incident())
    assert bare(log(known, an_incident(cause="theft"))) == [("conflict", "id-already-used")]


def test_an_incident_of_an_unknown_laptop_waits_and_joins_it(
    ordering: Running, repairs: Running
) -> None:
    assert bare(log(repairs, an_incident())) == [("waiting", "laptop-not-announced")]
    assert repairs.get("ops", "/api/waiting")["total"] == 1
    announced(ordering, [1])
    heard(repairs, ordering)
    assert repairs.get("ops", "/api/waiting")["total"] == 0
    (case,) = repairs.get(DESK, "/api/cases")["items"]
    assert (case["model"], case["school"]) == ("HP 245 G8", SCHOOL)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"cause": "fatigue"}, "invalid"),
        ({"fault": 21}, "invalid"),
        ({"fault": "Nothing"}, "invalid"),
        ({"reported_at": "2020-09-01T08:00:00"}, "naive-time"),
        ({"reported_at": "2999-09-01T08:00:00Z"}, "in-the-future"),
        ({"laptop": {"maker": "Nobody", "serial": "1"}}, "invalid"),
        ({"desk": "nancy"}, "not-your-desk"),
        ({"id": ""}, "invalid"),
        ({"text": "x" * 10_001}, "invalid"),
        ({"colour": "red"}, "invalid"),
    ],
)
def test_a_wrong_incident_is_refused_and_holds_no_other_back(
    repairs: Running, changes: dict[str, Any], code: str
) -> None:
    wrong, right = log(repairs, an_incident(2, **changes), an_incident())
    assert (wrong["verdict"], wrong["code"], right["verdict"]) == ("refused", code, "waiting")


def test_a_fault_may_be_told_by_its_name(known: Running) -> None:
    (verdict,) = log(known, an_incident(fault="integrated screen"))
    assert known.get(DESK, f"/api/cases/{verdict['case']}")["fault"] == 7


def test_the_region_says_for_which_desk_it_speaks(known: Running) -> None:
    assert bare(log(known, an_incident(), by="region")) == [("refused", "invalid")]
    assert bare(log(known, an_incident(desk="metz"), by="region")) == [("applied", "")]


def test_a_file_of_incidents_is_taken_row_by_row_and_twice_changes_nothing(known: Running) -> None:
    rows = [
        "id,maker,serial,reported_at,cause,fault,text",
        *(f'f{n},HP,5CD000{n},2020-09-01T08:00:00Z,defect,17,"Batterie, n° {n}"' for n in (1, 2)),
        "f3,HP,5CD0003,2020-09-01T08:00:00,defect,17,",
    ]
    for applied, duplicate in ((2, 0), (0, 2)):
        job = known.file(DESK, "/api/incidents/imports", "\n".join(rows))
        assert (job["applied"], job["duplicate"], job["refused"]) == (applied, duplicate, 1)
    assert known.get(DESK, "/api/cases")["total"] == 2


def test_facts_of_two_services_about_one_fact_are_two_and_tracking_misses_neither(
    ordering: Running, delivery: Running, repairs: Running, tracking: Running
) -> None:
    announced(ordering, [1])
    for reader in (delivery, repairs):
        heard(reader, ordering)
    heard(tracking, ordering, delivery, repairs)
    timeline = tracking.get("", f"/api/laptops/{key_of()}")["timeline"]
    told = {"laptop-announced", "laptop-expected", "laptop-registered"}
    assert {fact["type"].split(".")[1] for fact in timeline} == told
    assert len({fact["fact"] for fact in timeline}) == len(timeline)


def test_a_student_whose_laptop_was_stolen_has_no_several(
    ordering: Running, delivery: Running, known: Running, tracking: Running
) -> None:
    (stolen,) = log(known, an_incident(cause="theft", fault=None))
    at = {"id": "another", "laptop": a_laptop(2), "handed_out_at": "2020-09-01T10:00:00Z"}
    body = {"hand_outs": [a_hand_out(**at)]}
    delivery.ask(f"school:{SCHOOL}", "POST", "/api/hand-outs", json=body)
    heard(tracking, ordering, delivery, known)
    several = {"code": "one-student-with-several", "student": STUDENTS[0], "laptops": 2}
    assert several not in tracking.get("", "/api/anomalies")["items"]
    done(known, stolen["case"], "recovery")
    heard(tracking, known)
    assert several in tracking.get("", "/api/anomalies")["items"]


# -- cases


def test_a_case_is_driven_to_its_end(known: Running, opened: str) -> None:
    assert done(known, opened, "warranty-decision")["cover"] == "warranty"
    assert done(known, opened, "start")["state"] == "in-repair"
    waiting = done(known, opened, "wait", waiting_on="parts")
    assert (waiting["state"], waiting["waiting_on"]) == ("waiting", "parts")
    at = {"happened_at": "2020-09-02T12:00:00+02:00"}
    assert done(known, opened, "repair", fault=17, **at)["outcome"] == 1
    closed = done(known, opened, "return", **at)
    assert (closed["state"], closed["open"]) == ("returned", False)
    assert known.get(DESK, "/api/cases?open=true")["items"] == []


def test_the_same_act_is_done_once(known: Running, opened: str) -> None:
    verdicts = [act(known, opened, "start").json()["verdict"] for _ in range(2)]
    assert verdicts == ["applied", "duplicate"]
    other = act(known, opened, "start", happened_at="2020-09-03T08:00:00Z")
    assert (other.status_code, other.json()["code"]) == (409, "id-already-used")


@pytest.mark.parametrize(
    ("name", "told", "status", "field"),
    [
        ("wait", {}, 422, "/waiting_on"),
        ("wait", {"waiting_on": "rain"}, 422, "/waiting_on"),
        ("start", {"fault": 1}, 422, "/fault"),
        ("complaint", {"complaint": "1"}, 422, "/filed_on"),
        ("beyond-repair", {"barrier": 7}, 422, "/barrier"),
        ("return", {"outcome": 3}, 422, "/outcome"),
        ("start", {"happened_at": "2020-09-01"}, 422, "/happened_at"),
        ("swap", {"new": a_laptop(2)}, 422, "/returned"),
        ("warranty-decision", {"cover": "family"}, 403, "/cover"),
    ],
)
def test_a_wrong_act_names_its_field(
    known: Running, opened: str, name: str, told: dict[str, Any], status: int, field: str
) -> None:
    answer = act(known, opened, name, **told)
    assert answer.status_code == status, answer.text
    assert [one["field"] for one in answer.json()["errors"]] == [field]


def test_what_is_not_there_is_not_found(known: Running, opened: str) -> None:
    assert act(known, "0" * 16, "start").status_code == 404
    assert act(known, opened, "dance").status_code == 404
    assert known.ask(DESK, "GET", "/api/cases/7").status_code == 404
    assert known.ask(DESK, "GET", "/api/laptops/hp/9999").status_code == 404


def test_acts_on_many_cases_have_a_verdict_each(known: Running, opened: str) -> None:
    at = {"happened_at": LATER}
    acts = [
        {"case": opened, "act": "start", "id": "1"} | at,
        {"case": "7", "act": "start", "id": "2"} | at,
        {"case": opened, "act": "dance", "id": "3"} | at,
        {"case": opened, "act": "repair", "id": "4", "fault": "Power/battery"} | at,
    ]
    answer = known.ask(DESK, "POST", "/api/case-acts", json={"acts": acts})
    assert bare(answer.json()["verdicts"]) == [
        ("applied", ""),
        ("refused", "unknown-case"),
        ("refused", "invalid"),
        ("applied", ""),
    ]
    assert known.get(DESK, f"/api/cases/{opened}")["fault"] == 17


def test_a_desk_sees_its_own_cases_and_those_of_a_laptop_that_it_holds(
    known: Running, opened: str
) -> None:
    assert known.get(OTHER_DESK, "/api/cases")["items"] == []
    assert known.get(OTHER_DESK, f"/api/cases?laptop={key_of()}")["total"] == 1
    assert known.get(OTHER_DESK, f"/api/cases?laptop={key_of().upper()}")["total"] == 1
    assert known.ask(OTHER_DESK, "GET", "/api/cases?laptop=5CD0001").status_code == 422
    assert known.get("region", "/api/cases?desk=metz&state=new")["items"][0]["case"] == opened
    assert known.ask("region", "GET", "/api/cases?state=lost").status_code == 422


def test_cases_are_listed_the_oldest_first_page_by_page(known: Running) -> None:
    days = [f"2020-09-0{day}T08:00:00Z" for day in (3, 1, 2)]
    log(known, *(an_incident(n, reported_at=day) for n, day in enumerate(days, 1)))
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = known.get(DESK, f"/api/cases?limit=2&cursor={cursor}")
        seen += [case["laptop"] for case in page["items"]]
        cursor = page["next"]
    assert seen == [key_of(2), key_of(3), key_of(1)]


def test_what_was_told_by_mistake_is_withdrawn_and_its_case_with_it(
    known: Running, opened: str
) -> None:
    assert act(known, opened, "void", corrects="i1").json()["verdict"] == "applied"
    assert known.get(DESK, "/api/cases")["total"] == 0


def test_ops_withdraws_what_a_desk_told_and_does_nothing_else_to_a_case(
    known: Running, opened: str
) -> None:
    told = {"case": opened, "happened_at": LATER}
    acts = [told | {"id": "1", "act": "repair"}, told | {"id": "2", "act": "void"}]
    acts[1]["corrects"] = f"{DESK}/i1"
    answer = known.ask("ops", "POST", "/api/case-acts", json={"acts": acts}).json()
    assert bare(answer["verdicts"]) == [("refused", "not-your-act"), ("applied", "")]
    assert known.get(DESK, "/api/cases")["total"] == 0


# -- loans, swaps, thefts


def test_a_laptop_is_lent_and_comes_back(known: Running, opened: str) -> None:
    assert known.get(DESK, f"/api/pools/{SCHOOL}")["free_total"] == 4
    lent = done(known, opened, "loan", loaner=a_laptop(2), due_on="2020-09-20")
    assert lent["loaner"] == key_of(2)
    pool = known.get(f"school:{SCHOOL}", f"/api/pools/{SCHOOL}")
    assert (pool["free_total"], [one["due_on"] for one in pool["lent"]]) == (3, ["2020-09-20"])
    again = act(known, opened, "loan", id="again", loaner=a_laptop(3))
    assert (again.status_code, again.json()["code"]) == (409, "loan-open")
    assert again.json()["errors"][0]["field"] == "/case"
    at = {"happened_at": "2020-09-18T08:00:00Z"}
    assert done(known, opened, "loan-return", loaner=a_laptop(2), **at)["loaner"] is None
    assert known.get(DESK, f"/api/pools/{SCHOOL}")["free_total"] == 4


def test_what_is_about_two_laptops_is_not_withdrawn_nor_what_nobody_told(
    known: Running, opened: str
) -> None:
    done(known, opened, "loan", loaner=a_laptop(2))
    for id, code in ((f"loan {opened}", "not-a-report"), ("nothing", "unknown-event")):
        answer = act(known, opened, "void", id=f"void {id}", corrects=id)
        assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert known.get(DESK, "/api/laptops/hp/5CD0002")["lent_for"] == opened


def test_a_swap_wants_the_recorded_serial(known: Running, opened: str) -> None:
    wrong = act(known, opened, "swap", returned=a_laptop(3), new=a_laptop(2))
    assert (wrong.status_code, wrong.json()["code"]) == (409, "another-serial")
    right = done(known, opened, "swap", id="right", returned=a_laptop(1), new=a_laptop(2))
    assert (right["state"], right["replaced_by"]) == ("swapped", key_of(2))
    assert known.get(DESK, "/api/laptops/hp/5CD0002")["replaces"] == key_of(1)


def test_a_theft_is_replaced_once_a_complaint_is_filed(known: Running) -> None:
    (verdict,) = log(known, an_incident(cause="theft", fault=None))
    case = verdict["case"]
    assert done(known, case, "warranty-decision")["replacement"] == "refused"
    done(known, case, "complaint", complaint="2020/1234", filed_on="2020-09-01")
    assert done(known, case, "warranty-decision", id="again")["replacement"] == "needed"


def test_the_region_decides_otherwise(known: Running, opened: str) -> None:
    told = done(known, opened, "warranty-decision", by="region", cover="family", remedy="repair")
    assert (told["cover"], told["rule"]) == ("family", "as-decided")


# -- recalls, files


def test_a_recall_opens_a_case_for_each_laptop_once(known: Running) -> None:
    body = {"id": "R1", "model": "HP 245 G8", "lot": "L1", "reason": "Charnières"}
    told = known.ask("region", "POST", "/api/recalls", json=body)
    assert (told.status_code, told.json()["now"]) == (202, 5)
    assert known.ask("region", "POST", "/api/recalls", json=body).json()["verdict"] == "duplicate"
    cases = known.get("region", "/api/cases")["items"]
    assert {(case["laptop"], case["recall"]) for case in cases} == {
        (key_of(number), "R1") for number in range(1, 6)
    }


def test_cases_go_out_as_the_standard_of_open_repair_has_them(known: Running, opened: str) -> None:
    done(known, opened, "beyond-repair", barrier="Too worn out")
    text = known.ask(DESK, "GET", "/api/export/ords.csv").text
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["id"] == f"trousseau-{opened}"
    told = ("repair_status", "repair_barrier_if_end_of_life", "event_date", "problem")
    assert [row[name] for name in told] == [
        "End of life",
        "Item too worn out",
        "2020-09-01",
        "Écran noir — « plus rien »",
    ]


def test_no_free_text_leaves_the_service(known: Running, opened: str) -> None:
    act(known, opened, "start", text="M. Martin a appelé")
    bodies = known.rows("SELECT body FROM ledger WHERE body IS NOT NULL")
    assert not [body for (body,) in bodies if "Martin" in body or "Écran" in body]


def test_a_card_names_no_holder(known: Running, opened: str) -> None:
    card = known.ask(DESK, "GET", "/api/laptops/hp/5CD0001")
    assert card.json()["cases"][0]["case"] == opened
    assert STUDENTS[0] not in card.text


@pytest.mark.parametrize("laptop", ["order:BC1", "", "??", "nobody/5CD0001", "5CD0001' OR 1=1"])
def test_a_form_of_the_counter_that_names_no_laptop_is_told_so(
    known: Running, opened: str, laptop: str
) -> None:
    key = known.auth(DESK)["Authorization"].removeprefix("Bearer ")
    form = {"act": "swap", "case": opened, "laptop": laptop, "id": "x", "returned": "?", "new": ""}
    cookie = {"cookie": f"trousseau-repairs={key}"}
    assert known.client.post("/counter", data=form, headers=cookie).status_code == 422


# -- what is watched


def test_what_desks_want_watched_is_in_the_metrics(known: Running, opened: str) -> None:
    log(known, an_incident(2), an_incident(3, cause="theft"))
    done(known, opened, "wait", waiting_on="parts")
    policy = core.read(Path("deploy/repair-policy.toml").read_text())
    desk = Desk(policy, lambda: DAY + timedelta(days=60))
    found = known.write(lambda connection: gauges.counted(connection, desk))
    assert (found.ages, found.waiting) == ({gauges.OLDER: 3}, {"parts": 1})
    assert found.failing == {"HP 245 G8": 2 / 5}
    told = known.client.get("/metrics").text
    assert 'trousseau_repairs_open{age="21-"}' in told
