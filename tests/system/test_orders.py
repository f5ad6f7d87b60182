"""Needs, and orders that change, through the whole system."""

import httpx

from tests.running import System, until
from tests.system.acts import (
    LOT,
    act,
    admit,
    announce,
    booked,
    event,
    laptops,
    life,
    list_schools,
    named,
    ordered,
    send_file,
    shown_order,
    sscc,
    told_in_order,
    uai,
    verdicts,
    when,
)

ACME = "carrier:acme"
YEAR = "/api/school-years/2020-2021"


def refuse(system: System, number: str, laptop: str) -> str:
    """The region does not admit a laptop; the verdict."""
    body = {
        "id": f"refusal-{laptop}",
        "line": "1",
        "laptops": [named(laptop)],
        "reason": "Charnière cassée à l'arrivée",
        "decided_at": "2020-09-10T10:00:00+02:00",
        "decided_by": "Mme X",
    }
    told = act(system, "POST", f"/api/orders/{number}/admission-refusals", body)
    verdict: str = told["verdicts"][0]["verdict"]
    return verdict


# -- use case 1


def test_needs_become_an_order_by_lot_and_school_and_its_laptops_fulfil_it(system: System) -> None:
    school, other, keys = uai(), uai(), laptops(3)
    list_schools(system, school, other)
    year = "/api/school-years/2031-2032"
    act(system, "PUT", year, {"spare_share": 0.2})
    rows = [f"{school},2,0,", f"{other},9,1,5"]
    header = "uai,newcomers,stock_back,decided"
    assert send_file(system, "region", f"{year}/needs/imports", header, rows)["applied"] == 2
    number, goods = f"BC-{school}", LOT | {"promised_on": "2031-09-01"}
    body = {"order": number, "buyer": "region", "supplier": "hexalog", "lots": [goods]}
    placed = act(system, "POST", f"{year}/orders", body)
    assert {line["uai"]: line["quantity"] for line in placed["lines"]} == {school: 3, other: 5}
    assert announce(system, number, keys, line=school)["applied"] == 3
    verdicts(system, f"school:{school}", event("received", "2020-08-27T11:00:00+02:00", keys))

    def fulfilled() -> bool:
        lines = {line["uai"]: line for line in shown_order(system, number)["lines"]}
        return bool(lines[school]["fulfilled"]) and lines[school]["delivered"] == 3

    until(fulfilled, "the line is fulfilled")
    for key in keys:
        when(system, key, {"location": "at-school", "order": number, "school": school})


def test_an_order_that_grew_takes_the_serials_it_would_not_and_the_books_follow(
    system: System,
) -> None:
    school, keys = uai(), laptops(3)
    number = ordered(system, school, keys[:2])
    assert announce(system, number, keys[2:])["refused"] == 1
    lines = [{"line": "1", "quantity": 4}]
    act(system, "PATCH", f"/api/orders/{number}", {"lines": lines, "decided_by": "Mme X"})
    assert announce(system, number, keys[2:])["applied"] == 1
    booked(system, number, ordered=4, announced=3, outstanding=1, cancelled=0)
    lines = [{"line": "1", "quantity": 2}]
    url = f"{system.ordering.url}/api/orders/{number}"
    body = {"lines": lines, "decided_by": "Mme X"}
    told = system.http.patch(url, headers=system.bearer("region"), json=body)
    assert (told.status_code, told.json()["code"]) == (httpx.codes.CONFLICT, "already-announced")


# -- awkward lives


def test_an_order_is_cancelled_with_laptops_on_the_road_and_each_of_them_is_followed_on(
    system: System,
) -> None:
    school, shipment, keys = uai(), sscc(), laptops(3)
    number = ordered(system, school, keys)
    act(
        system,
        "PATCH",
        f"/api/orders/{number}",
        {"lines": [{"line": "1", "quantity": 5}], "decided_by": "Mme X"},
    )
    packed = event("announced", "2020-08-25T08:00:00+02:00", keys[:2], shipment=shipment)
    left = event("dispatched", "2020-08-26T08:00:00+02:00", shipment=shipment)
    assert verdicts(system, ACME, packed, left) == ["applied", "applied"]
    when(system, keys[0], {"location": "in-transit"})
    reason = {"reason": "Le fournisseur ne livre plus"}
    told = act(system, "POST", f"/api/orders/{number}/cancellation", reason)
    assert told == {"verdict": "applied", "cancelled": 2, "called_off": 3, "job": None}
    booked(system, number, ordered=5, announced=3, outstanding=0, cancelled=2, in_transit=2)
    for key in keys:
        shown = when(system, key, lambda now: "laptop-called-off" in told_in_order(now))
        assert "called-off" in shown["flags"]
    # It comes all the same, is counted, and the region keeps one by its serial number.
    counted = event("received", "2020-08-27T11:00:00+02:00", keys[:2], shipment=shipment)
    assert verdicts(system, f"school:{school}", counted) == ["applied"]
    body = {
        "id": f"kept-{number}",
        "line": "1",
        "laptops": [named(keys[0])],
        "decided_at": "2020-09-10T10:00:00+02:00",
        "decided_by": "Mme X",
    }
    act(system, "POST", f"/api/orders/{number}/admissions", body)
    kept = when(system, keys[0], {"location": "at-school", "owner": "region"})
    assert "called-off" not in kept["flags"]
    assert "called-off" in when(system, keys[1], {"location": "at-school"})["flags"]
    assert life(system, keys[1])["owner"] == "supplier"
    assert announce(system, number, laptops(1))["refused"] == 1


def test_a_laptop_that_is_not_admitted_stays_the_suppliers_until_it_is(system: System) -> None:
    school, keys = uai(), laptops(2)
    number = ordered(system, school, keys)
    assert refuse(system, number, keys[0]) == "applied"
    assert refuse(system, number, keys[0]) == "duplicate"
    assert admit(system, number)["now"] == 1
    when(system, keys[1], {"owner": "region"})
    shown = when(system, keys[0], lambda now: "admission-refused" in now["flags"])
    assert shown["owner"] == "supplier"
    assert shown["warranty"] == {"from": None, "to": None}


def test_a_discrepancy_shows_on_the_order_it_concerns(system: System) -> None:
    school, keys = uai(), laptops(2)
    number = ordered(system, school, keys)
    missing = event("missing", "2020-08-27T11:00:00+02:00", keys[:1])
    assert verdicts(system, f"school:{school}", missing) == ["applied"]
    until(lambda: shown_order(system, number)["lines"][0]["disputed"] == 1, "the order shows it")
