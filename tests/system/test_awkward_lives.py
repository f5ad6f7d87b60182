"""Lives that go another way than planned, each from its first word to what tracking shows of it."""

from uuid import uuid4

from tests.running import System, until
from tests.system.acts import (
    admit,
    counted,
    event,
    hand_out,
    laptops,
    life,
    ordered,
    sscc,
    told_in_order,
    uai,
    verdicts,
    when,
)

ACME = "carrier:acme"


def test_a_newcomer_in_january_takes_a_laptop_that_lay_in_stock_since_summer(
    system: System,
) -> None:
    school, (laptop,) = uai(), laptops(1)
    order = ordered(system, school, [laptop])
    counted(system, school, [laptop])
    admit(system, order)
    missed = event("hand-out-missed", "2020-10-16T17:00:00+02:00", [laptop])
    assert verdicts(system, f"school:{school}", missed) == ["applied"]
    when(system, laptop, lambda now: "hand-out-missed" in now["flags"])
    newcomer = str(uuid4())
    told = hand_out(system, school, laptop, "2021-01-11T09:00:00+01:00", student=newcomer)
    assert told["verdict"] == "applied"
    shown = when(system, laptop, {"location": "with-student", "student": newcomer})
    assert shown["flags"] == []


def test_a_laptop_handed_out_before_its_admission_becomes_the_regions_with_it(
    system: System,
) -> None:
    school, (laptop,) = uai(), laptops(1)
    order = ordered(system, school, [laptop])
    counted(system, school, [laptop])
    assert hand_out(system, school, laptop, "2020-09-01T09:00:00+02:00")["verdict"] == "applied"
    assert when(system, laptop, {"location": "with-student"})["owner"] == "supplier"
    admit(system, order)
    when(system, laptop, {"location": "with-student", "owner": "region"})


def test_two_students_whose_machines_were_exchanged_have_what_was_written_last(
    system: System,
) -> None:
    school, (one, other) = uai(), laptops(2)
    ordered(system, school, [one, other])
    counted(system, school, [one, other])
    ada, ben = str(uuid4()), str(uuid4())
    for at, pairs in (("09:00", ((one, ada), (other, ben))), ("17:00", ((one, ben), (other, ada)))):
        for laptop, student in pairs:
            hand_out(system, school, laptop, f"2020-09-01T{at}:00+02:00", student=student)
    for laptop, student in ((one, ben), (other, ada)):
        assert "two-students" in when(system, laptop, {"student": student})["flags"]


def test_a_student_with_two_laptops_is_told_as_an_anomaly(system: System) -> None:
    school, keys, student = uai(), laptops(2), str(uuid4())
    ordered(system, school, keys)
    counted(system, school, keys)
    for laptop in keys:
        hand_out(system, school, laptop, "2020-09-01T09:00:00+02:00", student=student)

    def told() -> bool:
        found = system.http.get(f"{system.tracking.url}/api/anomalies").json()["items"]
        several = [one for one in found if one["code"] == "one-student-with-several"]
        return {"student": student, "laptops": 2} in [
            {name: one[name] for name in ("student", "laptops")} for one in several
        ]

    until(told, "the anomaly is told")


def test_a_difference_reported_after_five_working_days_is_kept_and_flagged(system: System) -> None:
    school, shipment, keys = uai(), sscc(), laptops(2)
    ordered(system, school, keys)
    # Arrived on a Thursday: the fifth working day is the Thursday after.
    packed = event("announced", "2020-08-25T08:00:00+02:00", keys, shipment=shipment)
    came = event("arrived", "2020-08-27T10:00:00+02:00", shipment=shipment)
    assert verdicts(system, ACME, packed, came) == ["applied", "applied"]
    in_time = event("missing", "2020-09-03T17:00:00+02:00", keys[:1], shipment=shipment)
    too_late = event("missing", "2020-09-04T09:00:00+02:00", keys[1:], shipment=shipment)
    assert verdicts(system, f"school:{school}", in_time, too_late) == ["applied", "applied"]
    assert when(system, keys[0], {"location": "missing"})["flags"] == []
    assert when(system, keys[1], {"location": "missing"})["flags"] == ["reported-late"]


def test_a_pallet_at_the_wrong_school_is_with_its_carrier_until_its_own_school_counts_it(
    system: System,
) -> None:
    school, other, shipment, (laptop,) = uai(), uai(), sscc(), laptops(1)
    ordered(system, school, [laptop])
    packed = event(
        "announced", "2020-08-25T08:00:00+02:00", [laptop], shipment=shipment, school=school
    )
    came = event("arrived", "2020-08-27T10:00:00+02:00", shipment=shipment)
    assert verdicts(system, ACME, packed, came) == ["applied", "applied"]
    wrong = event("wrong-school", "2020-08-27T11:00:00+02:00", shipment=shipment)
    assert verdicts(system, f"school:{other}", wrong) == ["applied"]
    shown = when(system, laptop, lambda now: "wrong-school" in now["flags"])
    assert (shown["location"], shown["holder"], shown["school"]) == ("arrived", "carrier", other)
    turned = event("redirected", "2020-08-27T15:00:00+02:00", shipment=shipment, to_school=school)
    assert verdicts(system, ACME, turned) == ["applied"]
    here = event("received", "2020-08-28T09:00:00+02:00", [laptop], shipment=shipment)
    assert verdicts(system, f"school:{school}", here) == ["applied"]
    shown = when(system, laptop, {"location": "at-school", "school": school})
    assert shown["flags"] == []
    assert "discrepancy-reported" in told_in_order(life(system, laptop))
