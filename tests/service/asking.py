"""What can be asked of each service, made of its declared routes: a new route is asked by itself.

An example of a body is made of its type: a field whose name is known here holds such a thing, any
other a plain value of its kind.
"""

import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from msgspec import Struct, inspect

from deploy.published import services
from services.delivery.epcis.words import CONTEXT
from services.ordering.intake.orders import OrderBody
from services.repairs.core import case_of
from shared import settings
from shared.documents import HTML, JSON
from shared.parking import park, parked_record
from shared.serving import Route
from tests.builders import (
    DAY,
    OTHER_SCHOOL,
    PARTIES,
    PUPILS_CSV,
    SCHOOL,
    SCHOOLS_CSV,
    SHIPMENT,
    STUDENTS,
    Running,
    a_laptop,
    a_serial_list,
    a_strange_record,
    built,
    key_of,
)
from tests.service import epcis, handing_over

WORDS: Mapping[str, Any] = {
    "uai": SCHOOL,
    "school": SCHOOL,
    "to_school": OTHER_SCHOOL,
    "shipment": SHIPMENT,
    "laptops": [a_laptop()],
    "maker": "HP",
    "serial": "5CD0001",
    "student": STUDENTS[0],
    "order": "BC1",
    "line": "1",
    "lot": "L1",
    "model": "HP 245 G8",
    "school_year": "2020-2021",
    "supplier": "hexalog",
    "type": "in-transit",
    "spare_share": 0.05,
    "departments": [],
}
CASE = case_of("region", "i1", key_of())
EXAMPLES: Mapping[str, Any] = {
    # An order whose number is not taken yet.
    "/api/school-years/{year}/orders": {
        "order": "BC7",
        "buyer": "region",
        "supplier": "hexalog",
        "lots": [{"lot": "L1", "model": "HP 245 G8", "paid_by": "region"}],
    },
    "/api/incidents": {
        "incidents": [
            {
                "id": "i2",
                "laptop": a_laptop(),
                "reported_at": DAY.isoformat(),
                "desk": "metz",
                "cause": "defect",
                "fault": 7,
                "text": "Écran noir",
            }
        ]
    },
    "/api/cases/{case}/{act}": {"id": "a1", "happened_at": DAY.isoformat()},
    "/api/recalls": {"id": "R1", "model": "HP 245 G8", "lot": "L1", "reason": "Charnières"},
    "/api/case-acts": {
        "acts": [{"case": CASE, "act": "start", "id": "a2", "happened_at": DAY.isoformat()}]
    },
    "/api/handover-campaigns": {
        "campaign": "fin-2022",
        "school_year": "2021-2022",
        "opens_at": "2022-05-02T08:00:00+02:00",
        "legal_basis": "CG3P",
        "deliberation": "21CP-7",
        "residual_value_cents": 0,
    },
    "/api/handovers/{id}/{act}": {
        "id": "a3",
        "happened_at": handing_over.JUNE.isoformat(),
        "minor": False,
    },
    "/api/schools/{uai}/closure": {"successor": OTHER_SCHOOL},
    "/epcis/capture": epcis.a_document(epcis.a_scan(1, eventID=None)),
    "/epcis/events": {"@context": CONTEXT, **epcis.declared(epcis.an_event(1))},
}
NAME = re.compile(r"{(\w+)(?::\w+)?}")
PATHS = {
    "year": "2020-2021",
    "uai": SCHOOL,
    "sscc": SHIPMENT,
    "order": "BC1",
    "maker": "hp",
    "serial": "5CD0001",
    "case": CASE,
    "act": "start",
    "topic": "ordering.facts",
    "pseudonym": STUDENTS[0],
}


class Call(Struct, frozen=True):
    """A route of a service."""

    service: str
    route: Route

    def __str__(self) -> str:
        return f"{self.service} {self.route.method} {self.route.path}"

    @property
    def party(self) -> str:
        """Somebody who may make it; "" where nobody has to say who he is."""
        if self.route.may is None:
            return ""
        return PARTIES[self.route.may[0]] if self.route.may else "ops"

    @property
    def names(self) -> list[str]:
        """What its address names."""
        return NAME.findall(self.route.path)

    @property
    def kind(self) -> str:
        """What kind of content it takes: JSON, text/csv, a form's; "" for none."""
        if self.route.body is not None:
            return JSON
        if self.route.method == "GET" or self.route.media == JSON:
            return ""
        return "application/x-www-form-urlencoded" if self.route.media == HTML else self.route.media

    @property
    def in_a_batch(self) -> str:
        """The name of the one list that the body is, when each of its items gets a verdict."""
        fields = msgspec.structs.fields(self.route.body) if _fields(self.route.body) else ()
        listed = [one.name for one in fields if "verdicts" in _fields(self.route.answer)]
        return listed[0] if len(fields) == 1 and listed else ""

    @property
    def example(self) -> Any:
        """A body that says something sensible; None where no JSON is taken."""
        if self.route.path in EXAMPLES:
            return json.loads(json.dumps(EXAMPLES[self.route.path]))
        return an_example(inspect.type_info(self.route.body)) if self.kind == JSON else None

    @property
    def wrong(self) -> int:
        """The status of what is well written and says what it should not."""
        return 400 if self.route.kinds else 422


def _fields(type: Any) -> Sequence[str]:
    return getattr(type, "__struct_fields__", ())


PLAIN = {
    inspect.BoolType: True,
    inspect.IntType: 5,
    inspect.FloatType: 5.5,
    inspect.DateTimeType: DAY.isoformat(),
    inspect.DateType: DAY.date().isoformat(),
}


def an_example(type: inspect.Type, name: str = "") -> Any:
    """A plain value of a type, all its fields told."""
    match type:
        case _ if name in WORDS:
            return WORDS[name]
        case inspect.StructType():
            return {one.encode_name: an_example(one.type, one.name) for one in type.fields}
        case inspect.ListType() | inspect.VarTupleType():
            return [an_example(type.item_type)]
        case inspect.UnionType():
            return an_example(next(one for one in type.types if _tells(one)), name)
        case inspect.LiteralType():
            return type.values[0]
    return PLAIN.get(type.__class__, f"a {name}")


def _tells(type: inspect.Type) -> bool:
    return not isinstance(type, inspect.NoneType)


@cache
def declared(service: str) -> Sequence[Route]:
    """The routes of a service, which is put together for that alone."""
    home = Path(tempfile.gettempdir())
    said = {"TROUSSEAU_HOME": str(home), "TROUSSEAU_DATABASE": "postgresql://nobody@127.0.0.1:9/"}
    _, routes = built(service, settings.read(service, said))
    return routes


CALLS = [Call(service, route) for service in services() for route in declared(service)]
TAKING_JSON = [call for call in CALLS if call.kind == JSON]
# Those whose bodies are ours to describe, and not a standard's.
OURS = [call for call in TAKING_JSON if not call.route.kinds]


# For what no database has a part in.
on_sqlite = pytest.mark.parametrize("up", ["sqlite"], indirect=True, scope="session")


class Asked(Struct, frozen=True):
    """A service in which there is something of everything that an address may name."""

    running: Running
    names: Mapping[str, str]
    paths: Mapping[str, str] = {}

    def address(self, call: Call, **other: str) -> str:
        """The address of a call, its names filled in."""

        def named(match: re.Match[str]) -> str:
            name = match[1]
            things = self.names if name == "id" else {**PATHS, **self.paths}
            of = call.route.path.partition("{")[0].rstrip("/").rpartition("/")[2]
            return (other | {name: things.get(of if name == "id" else name, "x")} | other)[name]

        return NAME.sub(named, call.route.path)

    def ask(self, call: Call, party: str | None = None, **sent: Any) -> httpx.Response:
        """What a call answers to somebody who may make it, or to a party; an example is sent."""
        if not {"content", "json", "data"} & sent.keys():
            sent |= self.content(call)
        address = sent.pop("address", None) or self.address(call)
        asking = call.party if party is None else party
        return self.running.ask(asking, call.route.method, address, **sent)

    def content(self, call: Call) -> dict[str, Any]:
        """What is sent with a call that is as it should be."""
        if call.kind == JSON:
            return {"json": call.example}
        if call.kind == "text/csv":
            table = PUPILS_CSV if self.running.name == "enrolment" else SCHOOLS_CSV
            return {"content": table, "headers": {"Content-Type": "text/csv"}}
        return {"data": {"reason": "a test"}} if call.kind else {}


# Pages that need a key send whoever has none to where it is typed; and those that only lead on.
SIGNED = (
    *("/receptions/{sscc}", "/hand-outs/{uai}", "/needs", "/counter"),
    *("/campaigns", "/signing/{uai}"),
    *("/people", "/people/{pseudonym}/erasure"),
    *("/parked/{id}/retry", "/parked/{id}/discard", "/jobs/{id}/stop", "/jobs/{id}/resume"),
)
LEADING = ("/find", "/hand-outs", "/", "/signing")
# Whoever has a page's word needs no key: what is wrong with the form is told.
WORDED = ("/mine/{word}",)
LAST_YEARS = {
    "campaign": "fin-2021",
    "school_year": "2020-2021",
    "opens_at": "2021-05-03T08:00:00+02:00",
}


def furnished(running: Running) -> Asked:
    """A service with something of everything: schools, an order, a job, a thing set aside; and a
    browser that keeps the region's key, which looks and does nothing.
    """
    key = running.auth("region")["Authorization"].removeprefix("Bearer ")

    def look(request: httpx.Request) -> None:
        if request.method in ("GET", "HEAD") and "cookie" not in request.headers:
            request.headers["cookie"] = f"trousseau-{running.name}={key}"

    running.client.event_hooks["request"] = [look]
    record = parked_record("unreadable", "invalid", "a test put it there", a_strange_record(), DAY)
    running.write(lambda connection: park(connection, [record]))
    names = {"parked": record.id}
    if running.name == "delivery":
        job = running.file("region", "/api/delivery-events/imports", "id,type,happened_at\n")
        names["jobs"] = job["id"]
    if running.name == "ordering":
        job = running.file("region", "/api/schools/imports", SCHOOLS_CSV)
        running.ask("region", "POST", "/api/orders", json=an_example(inspect.type_info(OrderBody)))
        running.file("region", "/api/orders/BC1/serials/imports", a_serial_list([1, 2]))
        needs = f"uai,newcomers,stock_back\n{OTHER_SCHOOL},100,0\n"
        running.file("region", "/api/school-years/2020-2021/needs/imports", needs)
        names["jobs"] = job["id"]
    if running.name == "repairs":
        incident = {"id": "i1", "laptop": a_laptop(), "reported_at": DAY.isoformat()}
        told = {"incidents": [incident | {"desk": "metz", "cause": "defect"}]}
        running.ask("region", "POST", "/api/incidents", json=told)
        rows = "id,maker,serial,reported_at,cause\n"
        names["jobs"] = running.file("region", "/api/incidents/imports", rows)["id"]
    if running.name == "handover":
        paths = handing_over.furnished(running)
        opened = running.ask("region", "POST", "/api/handover-campaigns", json=LAST_YEARS)
        running.ended("region", opened.headers["Location"])
        names["jobs"] = opened.json()["job"]
        names["handovers"] = handing_over.number_of(1)
        return Asked(running, names, paths)
    if running.name == "enrolment":
        names["jobs"] = running.file("region", "/api/pupils/imports", PUPILS_CSV)["id"]
        student = running.get("region", "/api/students")["items"][0]["student"]
        return Asked(running, names, {"pseudonym": student})
    return Asked(running, names)


def places(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every place of a JSON value, the whole first, as a pointer and what stands there."""
    yield at, value
    named = value.items() if isinstance(value, dict) else ()
    numbered = enumerate(value) if isinstance(value, list) else ()
    for name, one in (*named, *numbered):
        yield from places(one, f"{at}/{name}")


def written(value: Any, pointer: str = "-", raw: str = "", at: str = "") -> str:
    """A JSON value as text, with a raw text at one place."""
    if at == pointer:
        return raw
    if isinstance(value, dict):
        members = (
            f"{json.dumps(name)}:{written(one, pointer, raw, f'{at}/{name}')}"
            for name, one in value.items()
        )
        return f"{{{','.join(members)}}}"
    if isinstance(value, list):
        items = (written(one, pointer, raw, f"{at}/{n}") for n, one in enumerate(value))
        return f"[{','.join(items)}]"
    return json.dumps(value)


def none(troubles: Mapping[Any, str]) -> None:
    """Fail with every trouble that was met."""
    assert not troubles, "\n".join(f"{where}: {said}" for where, said in troubles.items())
