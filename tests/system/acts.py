"""What parties do over HTTP, in few words; and what tracking shows, waited for in bounds."""

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import httpx

from shared.contracts import identifiers
from tests.running import System, until

MODEL = "HP 245 G8"
SCHOOL_COLUMNS = "uai,nom,departement,commune"
STUDENT = "9f1b6d1e-0d4e-4a55-9a54-6e7f1c1f1b11"
KIT = {"laptop": True, "sleeve": True, "storage": True}
SIGNED = {
    "minor": True,
    "student_signed_at": "2020-09-01T09:00:00+02:00",
    "guardian_signed_at": "2020-08-30T19:00:00+02:00",
}

Event = dict[str, Any]
_number = count(1)


def uai() -> str:
    """A school's number that no test has had."""
    digits = f"{670_000 + next(_number):07d}"
    return digits + identifiers.UAI_LETTERS[int(digits) % 23]


def sscc() -> str:
    """A shipment's code that no test has had."""
    digits = f"{34_012_345_000_000_000 + next(_number):017d}"
    weighed = sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(digits))
    return f"{digits}{(10 - weighed % 10) % 10}"


def laptops(how_many: int) -> list[str]:
    """Keys of laptops that no test has had."""
    return [f"hp/5CD{next(_number):07d}" for _ in range(how_many)]


def named(laptop: str) -> dict[str, str]:
    """A laptop as people write it."""
    maker, _, serial = laptop.partition("/")
    return {"maker": maker.upper(), "serial": serial.lower()}


# -- ordering


def list_schools(system: System, *uais: str) -> None:
    """Enter schools in the directory."""
    rows = [f"{uai},Lycée {uai},67,Strasbourg" for uai in uais]
    job = send_file(system, "region", "/api/schools/imports", SCHOOL_COLUMNS, rows)
    assert job["applied"] + job["duplicate"] == len(uais), job


def place_order(system: System, quantity: int, *uais: str, number: str = "") -> str:
    """An order with a line of that many laptops for each school; its number. Lines are 1, 2, 3…"""
    number = number or f"BC-{next(_number)}"
    lines = [
        {
            "line": str(place),
            "uai": uai,
            "model": MODEL,
            "quantity": quantity,
            "lot": "L1",
            "paid_by": "region",
        }
        for place, uai in enumerate(uais, 1)
    ]
    body = {"order": number, "school_year": "2020-2021", "buyer": "region", "supplier": "hexalog"}
    placed = system.call("ordering", "region", "/api/orders", body | {"lines": lines})
    assert placed.status_code == httpx.codes.CREATED, placed.text
    return number


def announce(system: System, order: str, keys: Sequence[str], line: str = "1") -> dict[str, Any]:
    """The supplier's serial list; the job when it has ended."""
    rows = [f"{line},{key.replace('/', ',')},{MODEL}" for key in keys]
    path = f"/api/orders/{order}/serials/imports"
    return send_file(system, "supplier:hexalog", path, "line,maker,serial,model", rows)


def post_file(
    system: System,
    party: str,
    path: str,
    header: str,
    rows: Sequence[str],
    service: str = "ordering",
) -> httpx.Response:
    """A CSV file, as it is answered."""
    return system.http.post(
        system.services[service].url + path,
        content="\n".join([header, *rows]).encode(),
        headers=system.bearer(party) | {"Content-Type": "text/csv"},
    )


def send_file(
    system: System, party: str, path: str, header: str, rows: Sequence[str]
) -> dict[str, Any]:
    """A CSV file to ordering; the job when it has ended."""
    accepted = post_file(system, party, path, header, rows)
    assert accepted.status_code == httpx.codes.ACCEPTED, accepted.text
    return ended_job(system, accepted.headers["location"])


def ended_job(system: System, path: str, service: str = "ordering") -> dict[str, Any]:
    """A job, once it is done."""

    def look() -> dict[str, Any] | None:
        job: dict[str, Any] = system.call(service, "ops", path).json()
        assert job["state"] != "failed", job
        return job if job["state"] == "done" else None

    return until(look, f"job {path} is done") or {}


def admit(system: System, order: str, line: str = "1") -> dict[str, Any]:
    """A standing decision for a whole line."""
    body = {
        "id": f"admission-{next(_number)}",
        "line": line,
        "decided_at": "2020-09-10T10:00:00+02:00",
        "decided_by": "Mme X",
    }
    answer = system.call("ordering", "region", f"/api/orders/{order}/admissions", body)
    assert answer.status_code == httpx.codes.OK, answer.text
    told: dict[str, Any] = answer.json()
    return told


def ordered(system: System, school: str, keys: Sequence[str]) -> str:
    """Laptops that are announced, and that delivery and tracking know of; the order's number."""
    list_schools(system, school)
    number = place_order(system, len(keys), school)
    assert announce(system, number, keys)["applied"] == len(keys)
    for key in keys:
        when(system, key, lambda shown: "laptop-expected" in told_in_order(shown))
    return number


# -- delivery


def event(kind: str, at: str, keys: Sequence[str] = (), **more: Any) -> Event:
    """A delivery event under an id of its own."""
    told = {"id": f"e{next(_number)}", "type": kind, "happened_at": at}
    return told | ({"laptops": [named(key) for key in keys]} if keys else {}) | more


def tell(system: System, party: str, *events: Event) -> list[dict[str, Any]]:
    """Delivery events of a party; the verdict on each."""
    answer = system.call("delivery", party, "/api/delivery-events", {"events": events})
    assert answer.status_code == httpx.codes.OK, answer.text
    verdicts: list[dict[str, Any]] = answer.json()["verdicts"]
    return verdicts


def verdicts(system: System, party: str, *events: Event) -> list[str]:
    """Delivery events of a party; the bare verdicts."""
    return [one["verdict"] for one in tell(system, party, *events)]


def hand_out(system: System, school: str, laptop: str, at: str, **more: Any) -> dict[str, Any]:
    """A student takes a laptop home; the verdict."""
    item = {
        "id": f"h{next(_number)}",
        "laptop": named(laptop),
        "student": STUDENT,
        "handed_out_at": at,
        "charter": SIGNED,
        "kit": KIT,
    }
    body = {"hand_outs": [item | more]}
    answer = system.call("delivery", f"school:{school}", "/api/hand-outs", body)
    assert answer.status_code == httpx.codes.OK, answer.text
    verdict: dict[str, Any] = answer.json()["verdicts"][0]
    return verdict


# -- tracking


def life(system: System, laptop: str) -> dict[str, Any]:
    """A laptop as tracking shows it now; empty when nothing was heard of it."""
    answer = system.http.get(f"{system.tracking.url}/api/laptops/{laptop}")
    shown: dict[str, Any] = answer.json() if answer.status_code == httpx.codes.OK else {}
    return shown


def when(
    system: System, laptop: str, so: Callable[[dict[str, Any]], object] | Mapping[str, Any]
) -> dict[str, Any]:
    """A laptop as tracking shows it, as soon as it is so: a question, or values it must have."""

    def look() -> dict[str, Any]:
        shown = life(system, laptop)
        if not shown:
            return {}
        if isinstance(so, Mapping):
            return shown if all(shown[name] == value for name, value in so.items()) else {}
        return shown if so(shown) else {}

    try:
        return until(look, f"{laptop} is as expected")
    except AssertionError as late:
        raise AssertionError(f"{late}; it is {life(system, laptop)}") from None


def told_in_order(shown: Mapping[str, Any]) -> list[str]:
    """The bare names of the facts in a laptop's timeline."""
    return [fact["type"].split(".")[1] for fact in shown["timeline"]]


def booked(system: System, order: str, **counts: int) -> None:
    """Wait until the one line of an order stands in tracking's books with these counts."""
    path = f"{system.tracking.url}/api/reconciliation?order={order}"

    def look() -> bool:
        items = system.http.get(path).json()["items"]
        return [{name: item[name] for name in counts} for item in items] == [counts]

    try:
        until(look, f"the books of {order} say {counts}")
    except AssertionError as late:
        raise AssertionError(f"{late}; they say {system.http.get(path).text}") from None
