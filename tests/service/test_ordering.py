"""Ordering as its parties meet it: the directory, orders, serial lists, admission."""

import csv
from typing import Any

import httpx
import pytest

from shared import jobs, worker
from tests.builders import (
    OTHER_SCHOOL,
    SCHOOL,
    SCHOOLS_CSV,
    Running,
    a_laptop,
    a_serial_list,
    an_order,
    key_of,
    wait_until,
)

SERIALS = "/api/orders/BC1/serials/imports"
AT = "2020-09-15T10:00:00+02:00"


@pytest.fixture
def listed(ordering: Running) -> Running:
    """Ordering with two schools in its directory."""
    ordering.file("region", "/api/schools/imports", SCHOOLS_CSV)
    return ordering


@pytest.fixture
def ordered(listed: Running) -> Running:
    """Ordering with an order of five laptops."""
    assert place(listed).status_code == httpx.codes.CREATED
    return listed


def place(ordering: Running, id: str = "", **changes: Any) -> httpx.Response:
    headers = {"Idempotency-Key": id} if id else {}
    return ordering.ask("region", "POST", "/api/orders", json=an_order(**changes), headers=headers)


def report(ordering: Running, job: str, party: str = "region") -> list[list[str]]:
    """The rows of a job's report, after its header."""
    answer = ordering.ask(party, "GET", f"{job}/report")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    header, *rows = csv.reader(answer.text.splitlines())
    assert header == ["row", "verdict", "code", "detail"]
    return rows


def facts(ordering: Running) -> list[str]:
    """The facts that were said, in their order."""
    rows = ordering.rows("SELECT type FROM ledger WHERE type IS NOT NULL ORDER BY position")
    return [type.removeprefix("ordering.").removesuffix(".v1") for (type,) in rows]


# -- the directory


def test_a_directory_is_read_row_by_row_and_each_row_has_its_verdict(ordering: Running) -> None:
    wrong = SCHOOL[:7] + ("A" if SCHOOL[7] != "A" else "B")
    content = SCHOOLS_CSV + f"{wrong},Lycée,LEGT,public,Strasbourg,67,67482,Metz,67000\nshort,row\n"
    address = ordering.sent("region", "/api/schools/imports", content)
    job = ordering.ended("region", address)
    counts = {name: job[name] for name in ("state", "total", "read", *jobs.COUNTED)}
    assert counts == {
        "state": "done",
        "total": 4,
        "read": 4,
        "applied": 2,
        "duplicate": 0,
        "waiting": 0,
        "refused": 2,
        "conflict": 0,
    }
    rows = report(ordering, address)
    assert [row[:3] for row in rows] == [
        ["1", "applied", ""],
        ["2", "applied", ""],
        ["3", "refused", "invalid"],
        ["4", "refused", "invalid"],
    ]
    assert "check letter" in rows[2][3]
    assert ordering.get("desk:metz", f"/api/schools/{SCHOOL}")["name"] == "Lycée Fustel"


def test_a_school_s_entry_follows_the_newest_directory_and_one_that_is_the_same_says_nothing(
    listed: Running,
) -> None:
    moved = SCHOOLS_CSV.replace("Mulhouse", "Colmar")
    again = listed.file("region", "/api/schools/imports", moved)
    assert (again["applied"], again["duplicate"]) == (1, 1)
    assert listed.get("ops", f"/api/schools/{OTHER_SCHOOL}")["town"] == "Colmar"
    assert facts(listed) == ["school-listed"] * 3


def test_a_school_is_found_under_every_spelling_of_its_number(listed: Running) -> None:
    for spelling in (SCHOOL, SCHOOL.lower(), SCHOOL.lstrip("0"), f"%20{SCHOOL}%20"):
        assert listed.get("ops", f"/api/schools/{spelling}")["uai"] == SCHOOL


def test_a_school_that_is_not_listed_is_not_there_and_a_number_that_is_none_is_named(
    ordering: Running,
) -> None:
    missing = ordering.ask("ops", "GET", f"/api/schools/{SCHOOL}")
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown-school")
    wrong = ordering.ask("ops", "GET", "/api/schools/0670080A")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "/uai")


# -- orders


def test_an_order_is_placed_and_stands_under_the_address_that_is_told(listed: Running) -> None:
    placed = place(listed)
    assert (placed.status_code, placed.headers["location"]) == (201, "/api/orders/BC1")
    shown = listed.get("supplier:hexalog", placed.headers["location"])
    assert shown | {"verdict": "applied"} == placed.json()
    assert (shown["ordered"], shown["announced"], shown["outstanding"]) == (5, 0, 5)
    assert shown["lines"][0]["uai"] == SCHOOL


def test_an_order_sent_again_is_one_order_under_whatever_key_it_comes(listed: Running) -> None:
    told = place(listed, "one key").json() | {"verdict": "duplicate"}
    for again in (place(listed, "one key"), place(listed, "another"), place(listed)):
        assert (again.status_code, again.json()) == (201, told)
    quoted = place(listed, '"one key"')
    assert quoted.status_code == httpx.codes.CREATED
    assert facts(listed).count("order-placed") == 1


def test_an_idempotency_key_that_stands_for_another_order_is_a_conflict_and_both_are_kept(
    listed: Running,
) -> None:
    place(listed, "one key")
    other = place(listed, "one key", buyer="Somebody else")
    assert (other.status_code, other.json()["code"]) == (409, "id-already-used")
    assert listed.get("region", "/api/orders/BC1")["buyer"] == "region"
    shown = listed.page("region", "/orders/BC1").text
    assert '<dd class="break">la région</dd>' in shown
    assert "· la région</span>" in shown
    (thing,) = listed.get("ops", "/api/parked?kind=conflict")["items"]
    whole = listed.get("ops", f"/api/parked/{thing['id']}")
    assert whole["content"]["command"]["buyer"] == "Somebody else"
    assert whole["stands"]["buyer"] == "region"


def test_an_idempotency_key_names_an_act_on_one_order_only(listed: Running) -> None:
    assert place(listed, "one key").status_code == httpx.codes.CREATED
    assert place(listed, "one key", order="BC2").status_code == httpx.codes.CREATED


def test_another_order_under_a_number_that_stands_is_refused_and_changes_nothing(
    ordered: Running,
) -> None:
    before = ordered.counts()
    other = place(ordered, warranty_months=48)
    assert (other.status_code, other.json()["code"]) == (409, "order-exists")
    assert other.json()["errors"][0]["field"] == "/order"
    assert ordered.counts() == before


def test_an_order_for_a_school_that_is_not_listed_is_refused_and_its_line_named(
    listed: Running,
) -> None:
    line = an_order()["lines"][0]
    lines = [line, line | {"line": "2", "uai": "0080001Z"}]
    refused = place(listed, lines=lines)
    assert refused.status_code in (409, 422)
    assert refused.json()["errors"][0]["field"] == "/lines/1/uai"
    assert listed.ask("ops", "GET", "/api/orders/BC1").status_code == httpx.codes.NOT_FOUND


def test_of_an_order_every_field_that_is_wrong_is_named_at_once(listed: Running) -> None:
    line = an_order()["lines"][0]
    lines = [
        line | {"uai": "0670080A", "quantity": 0, "model": ""},
        line | {"quantity": 1_000_001, "lot": "a lot"},
    ]
    wrong = place(
        listed,
        lines=lines,
        order="a b",
        school_year="2020-2022",
        supplier="Hexalog",
        warranty_months=0,
    )
    assert wrong.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert {one["field"] for one in wrong.json()["errors"]} == {
        "/order",
        "/school_year",
        "/supplier",
        "/warranty_months",
        "/lines/0/uai",
        "/lines/0/quantity",
        "/lines/0/model",
        "/lines/1/line",
        "/lines/1/quantity",
        "/lines/1/lot",
    }


def test_an_order_has_at_least_one_line_and_two_thousand_at_the_most(listed: Running) -> None:
    line = an_order()["lines"][0]
    assert place(listed, lines=[]).json()["errors"][0]["field"] == "/lines"
    many = [line | {"line": str(number)} for number in range(2_001)]
    assert place(listed, lines=many).json()["errors"][0]["field"] == "/lines"
    placed = place(listed, lines=many[:2_000])
    assert (placed.status_code, placed.json()["ordered"]) == (201, 10_000)


# -- the supplier's serial list


def test_a_serial_list_fills_its_order_and_every_row_is_told_of(ordered: Running) -> None:
    rows = a_serial_list([1, 2, 2, 3]) + "9,HP,5CD0009,HP 245 G8\n1,HP,5CD0010,Another\n"
    address = ordered.sent("supplier:hexalog", SERIALS, rows)
    job = ordered.ended("supplier:hexalog", address)
    assert (job["read"], job["applied"], job["duplicate"], job["refused"]) == (6, 3, 1, 2)
    verdicts = [(verdict, code) for _, verdict, code, _ in report(ordered, address)]
    assert verdicts == [
        ("applied", ""),
        ("applied", ""),
        ("duplicate", ""),
        ("applied", ""),
        ("refused", "unknown-line"),
        ("refused", "other-model"),
    ]
    shown = ordered.get("ops", "/api/orders/BC1")
    assert (shown["ordered"], shown["announced"], shown["outstanding"]) == (5, 3, 2)


def test_no_more_than_was_ordered_is_announced_however_many_lists_come(ordered: Running) -> None:
    for numbers in (range(3), range(3, 7), range(7)):
        ordered.file("supplier:hexalog", SERIALS, a_serial_list(list(numbers)))
    shown = ordered.get("ops", "/api/orders/BC1")
    assert (shown["announced"], shown["outstanding"]) == (5, 0)
    assert facts(ordered).count("laptop-announced") == 5


def test_a_file_that_is_no_serial_list_fails_with_a_sentence_and_leaves_nothing(
    ordered: Running,
) -> None:
    job = ordered.file("supplier:hexalog", SERIALS, SCHOOLS_CSV)
    assert job["state"] == "failed"
    assert "the header has no column line, maker, serial, model" in job["cause"]
    assert ordered.counts()["job_piece"] == 0


def test_a_job_is_stopped_and_resumed_and_reads_each_row_once(
    ordered: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "ROWS", 1)
    numbers = list(range(300))
    job = ordered.sent("supplier:hexalog", SERIALS, a_serial_list(numbers))
    stopped = ordered.ask("supplier:hexalog", "POST", f"{job}/stop").json()
    assert (stopped["state"], stopped["read"] < len(numbers)) == ("stopped", True)
    assert ordered.ask("region", "POST", f"{job}/stop").status_code == httpx.codes.CONFLICT
    monkeypatch.setattr(worker, "ROWS", 100)
    resumed = ordered.ask("supplier:hexalog", "POST", f"{job}/resume")
    assert resumed.json()["state"] in ("queued", "running", "done")
    ended = ordered.ended("supplier:hexalog", job)
    assert (ended["read"], ended["applied"], ended["refused"]) == (300, 5, 295)
    assert [row[0] for row in report(ordered, job)] == [str(n + 1) for n in numbers]
    assert ordered.ask("region", "POST", f"{job}/resume").status_code == httpx.codes.CONFLICT


# -- admission


def admit(ordering: Running, order: str = "BC1", **changes: Any) -> httpx.Response:
    body = {"id": "a1", "line": "1", "decided_at": AT, "decided_by": "Service achats"} | changes
    return ordering.ask("region", "POST", f"/api/orders/{order}/admissions", json=body)


def test_a_line_once_admitted_admits_what_is_known_now_and_what_is_announced_later(
    ordered: Running,
) -> None:
    ordered.file("supplier:hexalog", SERIALS, a_serial_list([1, 2]))
    told = admit(ordered).json()
    assert told == {"verdict": "applied", "now": 2, "outstanding": 3, "job": None}
    ordered.file("supplier:hexalog", SERIALS, a_serial_list([3]))
    assert facts(ordered).count("laptop-admitted") == 3
    assert ordered.get("ops", "/api/orders/BC1")["lines"][0]["admitted_on"] == "2020-09-15"
    again = admit(ordered).json()
    assert (again["verdict"], facts(ordered).count("laptop-admitted")) == ("duplicate", 3)


def test_more_laptops_than_one_transaction_takes_are_admitted_in_the_background(
    listed: Running,
) -> None:
    line = an_order()["lines"][0] | {"quantity": 2_001}
    place(listed, lines=[line])
    listed.file("supplier:hexalog", SERIALS, a_serial_list(list(range(2_001))))
    told = admit(listed).json()
    assert (told["now"], told["outstanding"]) == (2_001, 0)
    job = listed.ended("region", f"/api/jobs/{told['job']}")
    assert (job["read"], job["applied"]) == (2_001, 2_001)
    assert facts(listed).count("laptop-admitted") == 2_001


def test_laptops_are_admitted_one_by_one_and_one_that_is_wrong_holds_no_other_back(
    ordered: Running,
) -> None:
    ordered.file("supplier:hexalog", SERIALS, a_serial_list([1, 2]))
    named = [a_laptop(1), {"maker": "HP"}, a_laptop(9), {"maker": "Acme", "serial": "1"}]
    told = admit(ordered, laptops=[*named, a_laptop(2)]).json()["verdicts"]
    assert [(one["id"], one["verdict"], one.get("code")) for one in told] == [
        (key_of(1), "applied", None),
        ("HP/", "refused", "invalid"),
        (key_of(9), "refused", "not-on-line"),
        ("Acme/1", "refused", "invalid"),
        (key_of(2), "applied", None),
    ]
    assert "/serial" in told[1]["detail"]
    assert facts(ordered).count("laptop-admitted") == 2
    again = admit(ordered, laptops=[a_laptop(1)]).json()["verdicts"]
    assert [one["verdict"] for one in again] == ["duplicate"]


def test_an_admission_of_what_is_not_there_is_refused(ordered: Running) -> None:
    refused = admit(ordered, line="9")
    assert (refused.status_code, refused.json()["code"]) == (409, "unknown-line")
    missing = admit(ordered, order="BC2")
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown-order")


def test_an_admission_under_an_id_that_stands_for_another_is_a_conflict(ordered: Running) -> None:
    admit(ordered)
    other = admit(ordered, decided_by="Somebody else")
    assert (other.status_code, other.json()["code"]) == (409, "id-already-used")
    wait_until(lambda: ordered.get("ops", "/api/parked?kind=conflict")["total"] == 1, "it is kept")
