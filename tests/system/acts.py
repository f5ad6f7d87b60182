"""What parties do over HTTP, in few words; and what tracking shows, waited for in bounds."""

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import httpx

from shared.contracts import identifiers
from tests.running import System, until

MODEL = "HP 245 G8"
LOT = {"lot": "L1", "model": MODEL, "paid_by": "region"}
DESK = "desk:metz"
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
_school = count(675_000)  # of Bas-Rhin, behind the numbers of its real ones


def uai() -> str:
    """The number of a school of Bas-Rhin that no test has had."""
    digits = f"{next(_school):07d}"
    assert digits.startswith("067"), "more schools than the department has numbers"
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


def page(system: System, service: str, party: str, path: str, **form: str) -> httpx.Response:
    """A page, as a browser shows it that keeps a party's key; to a form, where it leads to."""
    url = system.services[service].url
    key = system.bearer(party)["Authorization"].removeprefix("Bearer ")
    headers = {"Cookie": f"trousseau-{service}={key}"}
    if not form:
        return system.http.get(url + path, headers=headers)
    sent = system.http.post(url + path, headers=headers, data=form)
    if sent.status_code != httpx.codes.SEE_OTHER:
        return sent
    return system.http.get(url + sent.headers["location"], headers=headers)


def row_verdicts(system: System, party: str, path: str, service: str) -> list[tuple[str, str]]:
    """The verdict and the code of each row of a file, by its job's address, once all are taken."""
    ended_job(system, path, service)
    report = system.call(service, party, f"{path}/report").text
    rows = [line.split(",", 3) for line in report.splitlines()[1:]]
    return [(verdict, code) for _, verdict, code, _ in rows]


# -- ordering


def act(system: System, method: str, path: str, body: object, party: str = "region") -> Any:
    """What ordering answers to an act that it takes."""
    url = system.ordering.url + path
    answer = system.http.request(method, url, headers=system.bearer(party), json=body)
    assert answer.is_success, answer.text
    return answer.json()


def shown_order(system: System, number: str) -> Any:
    """An order as ordering shows it."""
    return system.call("ordering", "region", f"/api/orders/{number}").json()


def list_schools(system: System, *uais: str) -> None:
    """Enter schools in the directory."""
    rows = [f"{uai},Lycée {uai},67,Strasbourg" for uai in uais]
    job = send_file(system, "region", "/api/schools/imports", SCHOOL_COLUMNS, rows)
    assert job["applied"] + job["duplicate"] == len(uais), job


def place_order(
    system: System, quantity: int, *uais: str, number: str = "", lot: str = "L1"
) -> str:
    """An order with a line of that many laptops for each school; its number. Lines are 1, 2, 3…"""
    number = number or f"BC-{next(_number)}"
    lines = [
        {
            "line": str(place),
            "uai": uai,
            "model": MODEL,
            "quantity": quantity,
            "lot": lot,
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
    told: dict[str, Any] = act(system, "POST", f"/api/orders/{order}/admissions", body)
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


def counted(system: System, school: str, keys: Sequence[str], at: str = "2020-08-27") -> None:
    """A school has laptops in its stock."""
    told = event("received", f"{at}T11:00:00+02:00", keys)
    assert verdicts(system, f"school:{school}", told) == ["applied"]


# -- repairs


def with_student(system: System, school: str, *keys: str, student: str = STUDENT) -> str:
    """Laptops that are the region's, with one student, as repairs and tracking know by now; the
    order's number.
    """
    order = in_stock(system, school, *keys)
    for key in keys:
        handed = hand_out(system, school, key, "2020-09-01T09:00:00+02:00", student=student)
        assert handed["verdict"] == "applied"
    for key in keys:
        when(system, key, lambda now: told_in_order(now).count("laptop-placed") > 1)
    return order


def in_stock(system: System, school: str, *keys: str) -> str:
    """Laptops that are the region's, in a school's stock, as repairs and tracking know by now; the
    order's number.
    """
    order = ordered(system, school, keys)
    counted(system, school, keys)
    admit(system, order)
    known = {"laptop-registered", "warranty-noted", "laptop-placed"}
    for key in keys:
        when(system, key, lambda now: known <= {*told_in_order(now)})
    return order


def incident(laptop: str, at: str, cause: str = "defect", **more: Any) -> Event:
    """An incident under an id of its own."""
    told = {"id": f"i{next(_number)}", "laptop": named(laptop), "reported_at": at, "cause": cause}
    return told | more


def log(system: System, *incidents: Event, desk: str = DESK) -> list[dict[str, Any]]:
    """Incidents at a desk; the verdict on each."""
    answer = system.call("repairs", desk, "/api/incidents", {"incidents": incidents})
    assert answer.status_code == httpx.codes.OK, answer.text
    told: list[dict[str, Any]] = answer.json()["verdicts"]
    return told


def opened(system: System, laptop: str, at: str, cause: str = "defect", **more: Any) -> str:
    """An incident of a laptop that repairs knows; the number of its case."""
    (told,) = log(system, incident(laptop, at, cause, **more))
    assert told["verdict"] == "applied", told
    number: str = told["case"]
    return number


def act_on(
    system: System, case: str, name: str, at: str, party: str = DESK, **told: Any
) -> httpx.Response:
    """An act on a case under an id of its own, as it is answered."""
    body = {"id": f"a{next(_number)}", "happened_at": at} | told
    return system.call("repairs", party, f"/api/cases/{case}/{name}", body)


def done(system: System, case: str, name: str, at: str, **told: Any) -> dict[str, Any]:
    """An act on a case that is done; the case after it."""
    answer = act_on(system, case, name, at, **told)
    assert answer.status_code == httpx.codes.OK, answer.text
    assert answer.json()["verdict"] == "applied", answer.text
    shown: dict[str, Any] = answer.json()["case"]
    return shown


def refused(system: System, case: str, name: str, at: str, **told: Any) -> str:
    """An act on a case that is not done; why."""
    answer = act_on(system, case, name, at, **told)
    assert answer.status_code == httpx.codes.CONFLICT, answer.text
    code: str = answer.json()["code"]
    return code


def case_of(system: System, number: str) -> dict[str, Any]:
    """A case as its desk sees it."""
    shown: dict[str, Any] = system.call("repairs", DESK, f"/api/cases/{number}").json()
    return shown


def cases_at(system: System, desk: str) -> dict[str, dict[str, Any]]:
    """All cases of a desk, by their numbers."""
    found: dict[str, dict[str, Any]] = {}
    cursor: str | None = ""
    total = 0
    while cursor is not None:
        path = f"/api/cases?desk={desk.partition(':')[2]}&limit=500&cursor={cursor}"
        page = system.call("repairs", desk, path).json()
        found |= {case["case"]: case for case in page["items"]}
        cursor, total = page["next"], page["total"]
    assert len(found) == total
    return found


def card(system: System, laptop: str) -> dict[str, Any]:
    """A laptop as a desk sees it."""
    shown: dict[str, Any] = system.call("repairs", DESK, f"/api/laptops/{laptop}").json()
    return shown


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
