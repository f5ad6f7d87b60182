"""Handover with students who finish, and what schools and the region do with it."""

from datetime import datetime, timedelta
from typing import Any

import httpx

from tests.builders import (
    DAY,
    OTHER_SCHOOL,
    SCHOOL,
    STUDENTS,
    Running,
    a_hand_out,
    a_laptop,
    a_uai,
    key_of,
    wait_until,
)
from tests.service.enrolling import YEAR, enrolled, told
from tests.service.hearing_by_hand import announced, heard

THIRD_SCHOOL = a_uai(670002)
AT_SCHOOL, ELSEWHERE = f"school:{SCHOOL}", f"school:{OTHER_SCHOOL}"
CAMPAIGN = {"campaign": "fin-2023", "school_year": YEAR, "opens_at": "2023-05-02T08:00:00+02:00"}
JUNE = datetime.fromisoformat("2023-06-20T10:00:00+02:00")
MANY = 5


def leavers(ordering: Running, delivery: Running, handover: Running) -> Running:
    """Handover that knows five laptops of five students who finish, the region's own."""
    announced(ordering, range(1, MANY + 1))
    body = {"id": "all", "line": "1", "decided_at": DAY.isoformat(), "decided_by": "Mme X"}
    ordering.ask("region", "POST", "/api/orders/BC1/admissions", json=body)
    laptops = [a_laptop(number) for number in range(1, MANY + 1)]
    received = {"id": "r", "type": "received", "happened_at": "2020-08-20T08:00:00Z"}
    events = {"events": [received | {"laptops": laptops}]}
    delivery.ask(AT_SCHOOL, "POST", "/api/delivery-events", json=events)
    handed = [
        a_hand_out(id=f"h{number}", laptop=laptop, student=STUDENTS[number])
        for number, laptop in enumerate(laptops, 1)
    ]
    delivery.ask(AT_SCHOOL, "POST", "/api/hand-outs", json={"hand_outs": handed})
    heard(handover, ordering, delivery)
    for number in range(1, MANY + 1):
        told(handover, enrolled(), STUDENTS[number])
    return handover


def opened(service: Running, **changes: Any) -> dict[str, Any]:
    """A campaign, its students called up."""
    answer = service.ask("region", "POST", "/api/handover-campaigns", json=CAMPAIGN | changes)
    assert answer.status_code == 202, answer.text
    if answer.json()["job"]:
        service.ended("region", answer.headers["Location"])
    found: dict[str, Any] = answer.json()
    return found


def of(service: Running, number: int = 1, by: str = "region") -> dict[str, Any]:
    """The newest handover of a laptop."""
    items = service.get(by, f"/api/handovers?laptop={key_of(number)}")["items"]
    found: dict[str, Any] = max(items, key=lambda one: one["opened_at"] or "")
    return found


def act(
    service: Running, number: str, name: str, hours: float = 0, by: str = AT_SCHOOL, **more: Any
) -> httpx.Response:
    at = (JUNE + timedelta(hours=hours)).isoformat()
    body = {"id": f"{name} {hours}", "happened_at": at} | more
    return service.ask(by, "POST", f"/api/handovers/{number}/{name}", json=body)


def done(service: Running, number: str, name: str, hours: float = 0, **more: Any) -> dict[str, Any]:
    answer = act(service, number, name, hours, **more)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert found["verdict"] == "applied", answer.text
    return found


def refused(answer: httpx.Response) -> str:
    assert answer.status_code == 409, answer.text
    code: str = answer.json()["code"]
    return code


def signed(service: Running, laptop: int = 1, minor: bool = False) -> str:
    """A handover that is offered and signed; its number, once the release is done."""
    number: str = of(service, laptop)["handover"]
    code = done(service, number, "offer", minor=minor)["signing_code"]
    guardian = {"guardian_signed_at": JUNE.isoformat()} if minor else {}
    done(service, number, "signature", 1, minor=minor, code=code, **guardian)
    wait_until(lambda: of(service, laptop)["state"] == "released", "it is released")
    return number


def handed_over(service: Running, laptop: int = 1) -> dict[str, Any]:
    number = signed(service, laptop)
    service.ask(AT_SCHOOL, "GET", "/api/handovers")
    hours = later()
    done(service, number, "certificate", hours)
    found: dict[str, Any] = done(service, number, "handing-over", hours)["handover"]
    return found


def later() -> float:
    """Hours from JUNE to now: what follows a release is not dated before it."""
    return (datetime.now(JUNE.tzinfo) - JUNE).total_seconds() / 3600
