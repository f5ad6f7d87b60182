"""Orders that are amended and cancelled, and laptops that are not admitted, over HTTP."""

from typing import Any

import httpx
import pytest

from tests.builders import (
    SCHOOL,
    SCHOOLS_CSV,
    Running,
    a_laptop,
    a_report,
    a_serial_list,
    an_order,
    key_of,
)
from tests.service.hearing_by_hand import heard

ORDER, SERIALS = "/api/orders/BC1", "/api/orders/BC1/serials/imports"
AT = "2020-09-15T10:00:00+02:00"


@pytest.fixture
def ordered(ordering: Running) -> Running:
    """Ordering with an order of which two laptops are announced."""
    ordering.file("region", "/api/schools/imports", SCHOOLS_CSV)
    ordering.ask("region", "POST", "/api/orders", json=an_order())
    ordering.file("supplier:hexalog", SERIALS, a_serial_list([1, 2]))
    return ordering


def amend(ordering: Running, id: str = "", **quantities: int) -> httpx.Response:
    lines = [
        {"line": name.removeprefix("line"), "quantity": count} for name, count in quantities.items()
    ]
    headers = {"Idempotency-Key": id} if id else {}
    body = {"lines": lines, "decided_by": "Mme X"}
    return ordering.ask("region", "PATCH", ORDER, json=body, headers=headers)


def cancel(ordering: Running, id: str = "cancelled") -> httpx.Response:
    body, headers = {"reason": "Le fournisseur a fait faillite"}, {"Idempotency-Key": id}
    return ordering.ask("region", "POST", f"{ORDER}/cancellation", json=body, headers=headers)


def refuse(ordering: Running, *numbers: int, id: str = "refused", **more: Any) -> httpx.Response:
    body = {"id": id, "line": "1", "laptops": [a_laptop(number) for number in numbers]}
    told = {"reason": "Charnière cassée", "decided_at": AT, "decided_by": "Mme X"}
    return ordering.ask("region", "POST", f"{ORDER}/admission-refusals", json=body | told | more)


def admit(ordering: Running, *numbers: int, id: str = "admitted") -> httpx.Response:
    body: dict[str, Any] = {"id": id, "line": "1", "decided_at": AT, "decided_by": "Mme X"}
    if numbers:
        body["laptops"] = [a_laptop(number) for number in numbers]
    return ordering.ask("region", "POST", f"{ORDER}/admissions", json=body)


def line(ordering: Running, name: str = "1") -> dict[str, Any]:
    shown = ordering.get("region", ORDER)
    found: dict[str, Any] = next(one for one in shown["lines"] if one["line"] == name)
    assert found["quantity"] == found["announced"] + found["outstanding"] + found["cancelled"]
    return found


def facts(ordering: Running, kind: str) -> list[str]:
    """The keys of facts of a kind, in their order."""
    rows = ordering.rows("SELECT key, type FROM ledger ORDER BY position")
    return [key for key, type in rows if type == f"ordering.{kind}.v1"]


# -- amendment


def test_an_amended_order_shows_its_new_quantity_and_the_same_word_twice_counts_once(
    ordered: Running,
) -> None:
    before = line(ordered)["quantity"]
    told = amend(ordered, "more", line1=before + 4)
    assert (told.status_code, told.json()["verdict"]) == (200, "applied")
    assert amend(ordered, "more", line1=before + 4).json()["verdict"] == "duplicate"
    assert amend(ordered, "again", line1=before + 4).json()["verdict"] == "duplicate"
    assert line(ordered)["quantity"] == before + 4
    contrary = amend(ordered, "more", line1=before + 5)
    assert (contrary.status_code, contrary.json()["code"]) == (409, "id-already-used")


def test_below_what_is_announced_it_says_so_and_where(ordered: Running) -> None:
    told = amend(ordered, line1=1)
    assert (told.status_code, told.json()["code"]) == (409, "already-announced")
    assert told.json()["errors"][0]["field"] == "/lines/0/quantity"


def test_every_wrong_field_of_an_amendment_is_named(ordered: Running) -> None:
    body = {
        "lines": [
            {"line": "1", "quantity": -1},
            {"line": "1", "quantity": 3},
            {"line": "a b", "quantity": 3},
        ],
        "decided_by": "Mme X",
    }
    told = ordered.ask("region", "PATCH", ORDER, json=body)
    fields = [error["field"] for error in told.json()["errors"]]
    assert (told.status_code, fields) == (
        422,
        ["/lines/0/quantity", "/lines/1/line", "/lines/2/line"],
    )


# -- cancellation


def test_a_cancelled_order_ends_what_is_outstanding_and_calls_off_what_is_announced(
    ordered: Running,
) -> None:
    admit(ordered, 2)
    told = cancel(ordered).json()
    total = sum(one["quantity"] for one in an_order()["lines"])
    assert told == {"verdict": "applied", "cancelled": total - 2, "called_off": 1, "job": None}
    shown = ordered.get("supplier:hexalog", ORDER)
    assert (shown["outstanding"], shown["cancelled"], shown["announced"]) == (0, total - 2, 2)
    assert shown["ordered"] == total
    assert facts(ordered, "laptop-cancelled") == [key_of(1)]
    assert line(ordered)["called_off"] == 1
    assert cancel(ordered).json()["verdict"] == "duplicate"
    assert facts(ordered, "order-cancelled") == ["order:BC1"]


def test_why_an_order_was_cancelled_stays_here(ordered: Running) -> None:
    cancel(ordered)
    kept = ordered.rows("SELECT note FROM ledger WHERE note IS NOT NULL")
    said = ordered.rows("SELECT body FROM ledger WHERE body IS NOT NULL")
    assert [note for (note,) in kept] == ["Le fournisseur a fait faillite"]
    assert not [body for (body,) in said if "faillite" in body]


def test_of_a_cancelled_order_no_serial_is_taken_and_no_line_admitted(ordered: Running) -> None:
    cancel(ordered)
    job = ordered.file("supplier:hexalog", SERIALS, a_serial_list([3]))
    assert (job["applied"], job["refused"]) == (0, 1)
    assert admit(ordered).json()["code"] == "order-cancelled"
    assert amend(ordered, line1=9).json()["code"] == "order-cancelled"
    kept = admit(ordered, 1, id="kept").json()
    assert kept["verdicts"][0]["verdict"] == "applied"
    assert (line(ordered)["admitted"], line(ordered)["called_off"]) == (1, 1)


def test_the_laptops_of_a_large_order_are_called_off_in_the_background(
    ordered: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.asking.LIMIT", 1)
    told = cancel(ordered).json()
    assert told["called_off"] == 2
    job = ordered.ended("region", f"/api/jobs/{told['job']}")
    assert (job["state"], job["applied"]) == ("done", 2)
    assert sorted(facts(ordered, "laptop-cancelled")) == [key_of(1), key_of(2)]


# -- admission refused


def test_a_laptop_that_is_not_admitted_stays_so_when_its_line_is(ordered: Running) -> None:
    told = refuse(ordered, 1, 9).json()["verdicts"]
    assert [(one["id"], one["verdict"], one.get("code")) for one in told] == [
        (key_of(1), "applied", None),
        (key_of(9), "refused", "not-on-line"),
    ]
    assert admit(ordered).json()["now"] == 1
    shown = line(ordered)
    assert (shown["admitted"], shown["not_admitted"]) == (1, 1)
    assert refuse(ordered, 2, id="late").json()["verdicts"][0]["code"] == "already-admitted"


def test_a_refusal_names_its_laptops_and_why(ordered: Running) -> None:
    whole = refuse(ordered)
    assert (whole.status_code, whole.json()["errors"][0]["field"]) == (422, "/laptops")
    silent = refuse(ordered, 1, reason=" ")
    assert (silent.status_code, silent.json()["errors"][0]["field"]) == (422, "/reason")
    body = refuse(ordered, 1, decided_at="2020-09-15T10:00:00")
    assert body.json()["errors"][0]["code"] == "naive-time"


# -- lists


def test_orders_are_listed_by_year_and_a_supplier_sees_its_own(ordered: Running) -> None:
    other = an_order(order="BC2", supplier="other", school_year="2021-2022")
    assert ordered.ask("region", "POST", "/api/orders", json=other).is_success
    numbers = {
        (party, query): [one["order"] for one in ordered.get(party, f"/api/orders{query}")["items"]]
        for party in ("region", "supplier:hexalog")
        for query in ("", "?school_year=2021-2022", "?limit=1&cursor=BC1")
    }
    assert numbers == {
        ("region", ""): ["BC1", "BC2"],
        ("region", "?school_year=2021-2022"): ["BC2"],
        ("region", "?limit=1&cursor=BC1"): ["BC2"],
        ("supplier:hexalog", ""): ["BC1"],
        ("supplier:hexalog", "?school_year=2021-2022"): [],
        ("supplier:hexalog", "?limit=1&cursor=BC1"): [],
    }


# -- what delivery tells


def test_a_discrepancy_of_a_whole_pallet_is_for_those_who_count_pallets(
    ordered: Running, delivery: Running
) -> None:
    at_school, report = f"school:{SCHOOL}", {"school": SCHOOL, "laptops": [a_laptop(1)]}
    missing = a_report(id="missing", type="missing", **report)
    unexpected = a_report(id="unexpected", type="unexpected", **report | {"laptops": [a_laptop(2)]})
    told = {"events": [missing, unexpected]}
    delivery.ask(at_school, "POST", "/api/delivery-events", json=told)
    heard(ordered, delivery)
    assert (line(ordered)["disputed"], line(ordered)["delivered"]) == (1, 1)
    assert ordered.get("ops", "/api/parked")["items"] == []
