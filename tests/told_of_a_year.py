"""Reading a plan of invented years as the system does: from what is sent and nothing else."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from io import StringIO
from typing import Any, NamedTuple

from msgspec.structs import replace

from partners import directory
from partners.year.acts import Act
from partners.year.book import Facts
from partners.year.plan import Plan

ORDER_AT_ONE_INSTANT = [
    "announced",
    "dispatched",
    "in-transit",
    "arrived",
    "received",
    "missing",
    "handed-out",
]
LANDS = {
    "dispatched": ("in-transit", "carrier"),
    "in-transit": ("in-transit", "carrier"),
    "arrived": ("arrived", "carrier"),
    "received": ("at-school", "school"),
    "missing": ("missing", "nobody"),
    "handed-out": ("with-student", "student"),
}


def laptop(named: dict[str, str]) -> str:
    assert named["maker"] in ("HP", "hp", "Hewlett-Packard")
    return f"hp/{''.join(named['serial'].split()).upper()}"


def items(acts: Sequence[Act]) -> Iterator[tuple[Act, str, dict[str, Any]]]:
    """Every delivery event and hand-out: the act that sends it, its type, itself."""
    for act in acts:
        if act.service == "delivery" and isinstance(act.body, dict):
            for envelope, batch in act.body.items():
                assert isinstance(batch, list)
                for item in batch:
                    yield act, item["type"] if envelope == "events" else "handed-out", item


def happened(item: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(item.get("happened_at") or item["handed_out_at"])


def packing_lists(acts: Sequence[Act]) -> dict[str, list[str]]:
    return {
        item["shipment"]: [laptop(named) for named in item["laptops"]]
        for _, kind, item in items(acts)
        if kind == "announced"
    }


def about(kind: str, item: dict[str, Any], packed: dict[str, list[str]]) -> list[str]:
    if kind == "handed-out":
        return [laptop(item["laptop"])]
    named = item.get("laptops")
    return [laptop(one) for one in named] if named else packed[item["shipment"]]


def serial_rows(acts: Sequence[Act]) -> Iterator[tuple[Act, str, str, str]]:
    """Every row of every serial list: the act, the order, the line, the laptop."""
    for act in acts:
        if act.path.endswith("/serials/imports") and isinstance(act.body, str):
            for row in csv.DictReader(StringIO(act.body)):
                yield act, act.path.split("/")[3], row["line"], laptop(row)


def owned_by_the_region(acts: Sequence[Act]) -> set[str]:
    lines: set[tuple[str, str]] = set()
    named: set[str] = set()
    for act in acts:
        if act.path.endswith("/admissions") and isinstance(act.body, dict):
            admitted: Any = act.body.get("laptops")
            if admitted:
                named.update(laptop(one) for one in admitted)
            else:
                lines.add((act.path.split("/")[3], str(act.body["line"])))
    listed = {(row[1:3], row[3]) for row in serial_rows(acts)}
    return {name for line, name in listed if line in lines or name in named}


def signed(item: dict[str, Any]) -> bool:
    charter = item["charter"]
    return not charter["minor"] or "guardian_signed_at" in charter


def place_and_holder(
    life: set[tuple[datetime, int, str, str, str]], *, listed: bool
) -> tuple[str, str]:
    now = ("announced", "supplier") if listed else ("unknown", "nobody")
    counted: set[str] = set()
    for _, rank, _, _, shipment in sorted(life):
        kind = ORDER_AT_ONE_INSTANT[rank]
        by_carrier = kind in ("dispatched", "in-transit", "arrived")
        if kind in LANDS and not (by_carrier and shipment in counted):
            now = LANDS[kind]
        if kind in ("received", "missing"):
            counted.add(shipment)
    return now


def told_by(acts: Sequence[Act], names: Sequence[str]) -> dict[str, Facts]:
    """The five facts of each laptop, folded from what is sent."""
    packed = packing_lists(acts)
    lives: dict[str, set[tuple[datetime, int, str, str, str]]] = defaultdict(set)
    for act, kind, item in items(acts):
        if kind == "handed-out" and not signed(item):
            continue
        rank = ORDER_AT_ONE_INSTANT.index(kind)
        shipment = item.get("shipment", "")
        for name in about(kind, item, packed):
            lives[name].add((happened(item), rank, act.party, item["id"], shipment))
    listed = {row[3] for row in serial_rows(acts)}
    owned = owned_by_the_region(acts)
    return {
        name: Facts(
            *place_and_holder(lives[name], listed=name in listed),
            owner="region" if name in owned else "supplier",
            working="working",
            managed="not-enrolled",
            unannounced=name not in listed,
            given=any(ORDER_AT_ONE_INSTANT[rank] == "handed-out" for _, rank, *_ in lives[name]),
        )
        for name in names
    }


# -- repair desks


class AtDesk(NamedTuple):
    """Something that a desk told of a laptop: of the case of which incident, beside which other
    laptop, and what else it said.
    """

    laptop: str
    at: datetime
    what: str
    incident: str
    other: str = ""
    further: str = ""


DESK, SCHOOL, STUDENT = ("at-repair-desk", "repairer"), ("at-school", "school"), "with-student"
PLACES = {
    "incident": DESK,
    "theft": ("missing", "nobody"),
    "loss": ("missing", "nobody"),
    "lent": (STUDENT, "student"),
    "reopen": DESK,
    "start": DESK,
    "wait": None,
    "repair": None,
    "beyond-repair": None,
    "recovery": DESK,
    "swap": DESK,
    "given": (STUDENT, "student"),
    "return": (STUDENT, "student"),
    "back": SCHOOL,
}
WORKING = {
    "incident": "incident-reported",
    "reopen": "incident-reported",
    "start": "in-repair",
    "wait": "in-repair",
    "repair": "working",
    "beyond-repair": "beyond-repair",
}
MARKED = {"theft": "stolen", "loss": "lost", "lent": "on-loan", "swap": "replaced"}
CLEARED = {"recovery": {"stolen", "lost"}, "back": {"on-loan"}}
OF_OTHERS = {"loan": "lent", "swap": "given", "loan-return": "back"}


def incidents(acts: Iterable[Act]) -> Iterator[tuple[Act, dict[str, Any]]]:
    """Every incident, of lists and of files, with the act that sends it."""
    for act in acts:
        if act.path == "/api/incidents" and isinstance(act.body, dict):
            listed: Any = act.body["incidents"]
            yield from ((act, item) for item in listed)
        elif act.path == "/api/incidents/imports" and isinstance(act.body, str):
            for row in csv.DictReader(StringIO(act.body)):
                yield act, row | {"laptop": row}


def case_acts(acts: Iterable[Act]) -> Iterator[tuple[Act, str, str, dict[str, Any]]]:
    """Every act on a case: what sends it, its name, the case's incident, itself."""
    for act in acts:
        if act.service != "repairs" or not isinstance(act.body, dict):
            continue
        if act.case:
            yield act, act.path.rpartition("/")[2], act.case, act.body
        elif "acts" in act.body:
            listed: Any = act.body["acts"]
            yield from ((act, item["act"], item["case"], item) for item in listed)


def at_desks(acts: Sequence[Act]) -> set[AtDesk]:
    """All that was told of laptops, each once."""
    told = set()
    of_case = {}
    for _, item in incidents(acts):
        name = of_case[item["id"]] = laptop(item["laptop"])
        what = item["cause"] if item["cause"] in ("theft", "loss") else "incident"
        told.add(AtDesk(name, datetime.fromisoformat(item["reported_at"]), what, item["id"]))
    for _, what, incident, item in case_acts(acts):
        name, at = of_case[incident], datetime.fromisoformat(item["happened_at"])
        if what == "swap" and laptop(item["returned"]) != name:
            continue
        other = laptop(item.get("new") or item["loaner"]) if what in OF_OTHERS else ""
        further = str(item.get("outcome") or item.get("waiting_on") or "")
        told.add(AtDesk(name, at, what, incident, other, further))
    return told


def after_desks(before: Facts, told: Iterable[tuple[datetime, str, str]]) -> Facts:
    """Facts of a laptop after what was told of it: when, what, what else."""
    now, students = before, before.location == STUDENT
    order = list(PLACES)
    for _, what, further in sorted(told, key=lambda one: (one[0], order.index(one[1]))):
        place = PLACES[what] or (now.location, now.holder)
        if what == "wait" and further == "vendor":
            place = ("at-repairer", "repairer")
        students = students and what != "swap"
        if (what, now.location) == ("swap", "missing"):
            place = ("missing", "nobody")
        if what == "return" and not students:
            place = SCHOOL
        working = WORKING.get(what, now.working)
        if what == "return" and further:
            working = {"in-repair": "incident-reported"}.get(working, working)
        elif what == "return" and working != "beyond-repair":
            working = "working"
        marks = {*now.marks, MARKED.get(what, "")} - {"", *CLEARED.get(what, set())}
        now = replace(now, working=working, marks=tuple(sorted(marks)))
        now = replace(now, location=place[0], holder=place[1])
        now = replace(now, given=now.given or what == "given")
    return now


def turns_at_desks(acts: Sequence[Act]) -> dict[str, list[tuple[datetime, str, str]]]:
    """How each laptop turned, by what desks sent: when, what, what else."""
    turns: dict[str, list[tuple[datetime, str, str]]] = defaultdict(list)
    for one in at_desks(acts):
        if one.what in PLACES:
            turns[one.laptop].append((one.at, one.what, one.further))
        if one.what in OF_OTHERS:
            turns[one.other].append((one.at, OF_OTHERS[one.what], ""))
    return turns


def told_by_desks(acts: Sequence[Act], before: dict[str, Facts]) -> dict[str, Facts]:
    """The facts of each laptop, those before among them, after what desks sent."""
    turns = turns_at_desks(acts)
    return before | {name: after_desks(before[name], told) for name, told in turns.items()}


# -- the whole life


RETURN_MARKS = {"return-asked", "return-overdue", "other-laptop-returned"}
MARKS_OF_ENDS = {
    "asked": {"return-asked"},
    "refusal": {"return-asked"},
    "other": {"other-laptop-returned"},
    "scrapping": {"scrapped"},
    "write-off": {"written-off"},
}
FACTS_OF_ENDS = {
    "certificate": {"managed": "released"},
    "handing-over": {"owner": "student"},
    "return": {"location": "at-school", "holder": "school"},
    "scrapping": {"location": "scrapped", "holder": "nobody"},
}


def told_to_the_end(year: Plan) -> dict[str, Facts]:
    """The facts of each laptop after all years: what is delivered, then a year after the other what
    is handed out, what desks did, how lycée ended.
    """
    now = told_by([act for act in year.acts if act.at.year == 2020], list(year.book))
    for begins in (2020, 2021, 2022):
        from_day, to_day = (
            datetime(begins, 8, 1, tzinfo=UTC),
            datetime(begins + 1, 8, 1, tzinfo=UTC),
        )
        for act, kind, item in items(year.acts):
            if kind == "handed-out" and act.at.year > 2020 and from_day <= act.at < to_day:
                name = laptop(item["laptop"])
                place = {"location": STUDENT, "holder": "student", "given": True}
                now[name] = replace(now[name], **place)
        of_year = [act for act in year.desk_acts if act.at < to_day]
        for name, turns in turns_at_desks(of_year).items():
            later = [turn for turn in turns if turn[0] >= from_day]
            now[name] = after_desks(now[name], later) if later else now[name]
        now |= _ended(year, now, from_day, to_day)
    return now


def _ended(
    year: Plan, now: dict[str, Facts], from_day: datetime, to_day: datetime
) -> dict[str, Facts]:
    """How lycée ended in a year: what is asked back and does not come is overdue."""
    asked = {name: ["asked"] for name in _of_leavers(year, from_day, to_day)}
    acts: dict[str, list[str]] = defaultdict(list, asked)
    for act in sorted(year.end_acts, key=lambda one: one.at):
        if from_day <= act.at < to_day and act.laptop and act.id not in year.refusable:
            assert isinstance(act.body, dict)
            returned: Any = act.body.get("returned")
            other = returned and laptop(returned) != act.laptop
            acts[act.laptop].append("other" if other else act.path.rpartition("/")[2])
    return {name: _after_the_end(now[name], told) for name, told in acts.items()}


def _of_leavers(year: Plan, from_day: datetime, to_day: datetime) -> list[str]:
    """The laptops of those of whom a table says in the year that they left."""
    tables = [act for act in year.pupil_acts if isinstance(act.body, str)]
    left = {
        row["ine"]
        for act in tables
        if from_day <= act.at < to_day
        for row in csv.DictReader(StringIO(str(act.body)))
        if row["motif_sortie"]
    }
    numbers = {str(one.number) for one in year.pupils if directory.ine(one.number) in left}
    handed = [one for one in items(year.acts) if one[1] == "handed-out" and signed(one[2])]
    return [laptop(item["laptop"]) for _, _, item in handed if item["student"] in numbers]


def _after_the_end(now: Facts, acts: Sequence[str]) -> Facts:
    marks, changed = set(now.marks), dict[str, str]()
    for act in acts:
        if act in ("return", "write-off"):
            marks -= RETURN_MARKS
        marks |= MARKS_OF_ENDS.get(act, set())
        changed |= FACTS_OF_ENDS.get(act, {})
    if "return-asked" in marks:
        marks.add("return-overdue")
    return replace(now, marks=tuple(sorted(marks)), **changed)
