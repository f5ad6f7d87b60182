"""What is asked of handover over HTTP, in few words; and what enrolment says, put on its topic: the
service itself is not needed for it.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import count
from typing import Any
from uuid import uuid4

import httpx
import msgspec
from aiokafka import AIOKafkaProducer

from shared.contracts.envelope import Envelope, headers
from shared.contracts.published import name_of
from tests.running import System, until

TERMS = {"legal_basis": "CG3P", "deliberation": "22CP-101", "residual_value_cents": 0}
_number = count(1)


def a_student() -> str:
    """A pseudonym that no test has had."""
    return str(uuid4())


def enrolment_says(system: System, student: str, *facts: Any, at: str) -> None:
    """Facts of a student on enrolment's topic, each with the next number of its key."""
    asyncio.run(_sent(system, student, facts, datetime.fromisoformat(at)))


SAID: dict[str, int] = {}


async def _sent(system: System, student: str, facts: Any, at: datetime) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=system.kafka, acks="all")
    await producer.start()
    try:
        for fact in facts:
            key, id = f"student:{student}", str(uuid4())
            SAID[student] = SAID.get(student, 0) + 1
            name, body = name_of(type(fact)), msgspec.json.encode(fact)
            told = Envelope(id, name, key, "region", id, at, at, SAID[student], "", "", body)
            await producer.send_and_wait(
                "enrolment.facts", body, key=key.encode(), headers=headers(told)
            )
    finally:
        await producer.stop()


def open_campaign(system: System, name: str, year: str, opens_at: str) -> dict[str, Any]:
    """A campaign, its students called up; what was answered."""
    body = {"campaign": name, "school_year": year, "opens_at": opens_at} | TERMS
    answer = system.call("handover", "region", "/api/handover-campaigns", body)
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    told: dict[str, Any] = answer.json()
    if told["job"]:
        path = f"/api/jobs/{told['job']}"
        until(
            lambda: system.call("handover", "ops", path).json()["state"] == "done", "all are called"
        )
    return told


def handovers(system: System, laptop: str) -> list[dict[str, Any]]:
    """The handovers of a laptop, the oldest first."""
    answer = system.call("handover", "region", f"/api/handovers?laptop={laptop}")
    items: list[dict[str, Any]] = answer.json()["items"]
    return sorted(items, key=lambda one: one["opened_at"] or "")


def when_handover(
    system: System, laptop: str, so: Callable[[dict[str, Any]], object] | Mapping[str, Any]
) -> dict[str, Any]:
    """The newest handover of a laptop, as soon as it is so: a question, or values it must have."""

    def look() -> dict[str, Any]:
        found = handovers(system, laptop)
        if not found:
            return {}
        one = found[-1]
        if isinstance(so, Mapping):
            return one if all(one[name] == value for name, value in so.items()) else {}
        return one if so(one) else {}

    try:
        return until(look, f"the handover of {laptop} is as expected") or {}
    except AssertionError as late:
        raise AssertionError(f"{late}; it is {handovers(system, laptop)}") from None


def asked(
    system: System, number: str, name: str, at: str, party: str = "region", **more: Any
) -> httpx.Response:
    """An act on a handover under an id of its own, as it is answered."""
    body = {"id": f"a{next(_number)}", "happened_at": at} | more
    return system.call("handover", party, f"/api/handovers/{number}/{name}", body)


def act(
    system: System, number: str, name: str, at: str, party: str = "region", **more: Any
) -> dict[str, Any]:
    """An act on a handover that is done; what was answered."""
    answer = asked(system, number, name, at, party, **more)
    assert answer.status_code == httpx.codes.OK, answer.text
    told: dict[str, Any] = answer.json()
    assert told["verdict"] == "applied", answer.text
    return told


def not_done(system: System, number: str, name: str, at: str, **more: Any) -> str:
    """An act on a handover that is not done; why."""
    answer = asked(system, number, name, at, **more)
    assert answer.status_code == httpx.codes.CONFLICT, answer.text
    code: str = answer.json()["code"]
    return code


def signed(system: System, laptop: str, at: str, *, minor: bool = False) -> str:
    """A laptop's handover is offered and signed; its number."""
    number: str = when_handover(system, laptop, {"state": "opened"})["handover"]
    code = act(system, number, "offer", at, minor=minor)["signing_code"]
    guardian = {"guardian_signed_at": at} if minor else {}
    act(system, number, "signature", at, minor=minor, code=code, **guardian)
    return number


def ceded(system: System, laptop: str, at: str, later: str) -> dict[str, Any]:
    """A laptop is signed for, and later, once it is released, certified and handed over."""
    number = signed(system, laptop, at)
    when_handover(system, laptop, {"state": "released"})
    act(system, number, "certificate", later)
    told: dict[str, Any] = act(system, number, "handing-over", later)["handover"]
    return told
