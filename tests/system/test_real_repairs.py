"""Real repairs and a real incident log through the interfaces: the system's figures are theirs.

Laptops that volunteers repaired in nine years (Open Repair Data Standard), and the states of 600
incidents of a company as its desk changed them.
"""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import httpx
import pytest

from tests import running
from tests.places import Kafka
from tests.running import System
from tests.system.acts import DESK, Event, cases_at

FOLDER = Path(__file__).parents[3] / "shared" / "data"
REPAIRS = FOLDER / "open-repair-laptops" / "open" / "ords_laptops_2012_2021.csv"
LOG = FOLDER / "it-incident-log" / "open" / "incident_event_log_part1.csv"
AT_ONCE = 500
LONGEST_TEXT = 10_000
SEED = 2016


@pytest.fixture(scope="module")
def system(kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Repairs alone, on SQLite; each test has desks of its own."""
    running.fresh_topics(kafka.bootstrap)
    home = tmp_path_factory.mktemp("repairs")
    with running.system(home, "sqlite", kafka.bootstrap, ["repairs"]) as made:
        made.start("repairs")
        yield made


def rows_of(file: Path) -> list[dict[str, str]]:
    if not file.exists():
        pytest.skip(f"the real repairs are not on this machine ({file.name})")
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def sent(
    system: System, party: str, path: str, name: str, told: Sequence[Event]
) -> list[dict[str, Any]]:
    """Many things in as few requests as they may be; the verdict on each."""
    verdicts: list[dict[str, Any]] = []
    for start in range(0, len(told), AT_ONCE):
        answer = system.call("repairs", party, path, {name: told[start : start + AT_ONCE]})
        assert answer.status_code == httpx.codes.OK, answer.text
        verdicts += answer.json()["verdicts"]
    return verdicts


def counted(verdicts: Iterable[Mapping[str, Any]]) -> Counter[tuple[str, str]]:
    return Counter((one["verdict"], one.get("code", "")) for one in verdicts)


# -- real repairs


OUTCOMES = {"Unknown": 0, "Fixed": 1, "Repairable": 2, "End of life": 3}


def incident_of(row: Mapping[str, str]) -> Event:
    return {
        "id": row["id"],
        "laptop": {"maker": "HP", "serial": f"ORDS-{row['id']}".replace("_", "-")},
        "reported_at": f"{row['event_date']}T10:00:00Z",
        "cause": "defect",
        "text": row["problem"],
    }


def acts_of(row: Mapping[str, str], case: str) -> list[Event]:
    """What leads a case to the status of its row; a barrier is told in the words of the file."""
    at = {"case": case, "happened_at": f"{row['event_date']}T11:00:00Z"}
    returned = at | {"act": "return", "id": f"{row['id']} return"}
    match row["repair_status"]:
        case "Fixed":
            return [at | {"act": "repair", "id": f"{row['id']} repair"}, returned]
        case "End of life":
            ended = at | {"act": "beyond-repair", "id": f"{row['id']} end"}
            barrier = row["repair_barrier_if_end_of_life"]
            return [ended | ({"barrier": barrier} if barrier else {})]
    return [returned | {"outcome": OUTCOMES[row["repair_status"]]}]


def replayed(system: System, rows: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """The file, told from beginning to end; the verdict on each incident and each act."""
    incidents = [incident_of(row) for row in rows]
    logged = sent(system, DESK, "/api/incidents", "incidents", incidents)
    acts = [
        act
        for row, one in zip(rows, logged, strict=True)
        for act in acts_of(row, one.get("case", ""))
    ]
    return [*logged, *sent(system, DESK, "/api/case-acts", "acts", acts)]


def exported(system: System) -> list[dict[str, str]]:
    """The desk's cases as the export has them."""
    answer = system.call("repairs", DESK, "/api/export/ords.csv")
    assert answer.status_code == httpx.codes.OK, answer.text
    rows = csv.DictReader(io.StringIO(answer.content.decode(), newline=""))
    return [row for row in rows if f"desk:{row['group_identifier']}" == DESK]


def test_real_repairs_come_out_as_they_went_in_however_often_they_are_sent(
    system: System,
) -> None:
    rows = rows_of(REPAIRS)
    wanted = Counter(row["repair_status"] for row in rows)
    assert (len(rows), wanted["Fixed"], wanted["End of life"]) == (3_680, 1_922, 381)
    assert max(len(row["problem"]) for row in rows) <= LONGEST_TEXT, "each text can be told"
    first = replayed(system, rows)
    told = 2 * len(rows) + wanted["Fixed"]  # what is fixed is returned by an act of its own
    assert counted(first) == {("waiting", "laptop-not-announced"): told}
    assert_as_in_the_file(system, rows)
    assert {one["verdict"] for one in replayed(system, rows)} == {"duplicate"}
    assert_as_in_the_file(system, rows)


def assert_as_in_the_file(system: System, rows: Sequence[Mapping[str, str]]) -> None:
    """Counts by outcome, asked in two ways; and each row's status, barrier, day and text."""
    cases = cases_at(system, DESK)
    names = {code: name for name, code in OUTCOMES.items()}
    wanted = Counter(row["repair_status"] for row in rows)
    assert Counter(names[case["outcome"]] for case in cases.values()) == wanted
    serials = {number: case["laptop"] for number, case in cases.items()}
    given = {serials[one["id"].rpartition("-")[2]]: one for one in exported(system)}
    assert len(given) == len(rows)
    for row in rows:
        one = given["hp/" + incident_of(row)["laptop"]["serial"].upper()]
        for name in ("repair_status", "repair_barrier_if_end_of_life", "event_date", "problem"):
            assert one[name] == row[name], row["id"]


def test_a_text_that_is_longer_than_any_is_refused_with_the_limit_and_holds_no_other_back(
    system: System,
) -> None:
    row = max(rows_of(REPAIRS), key=lambda one: len(one["problem"]))
    longest = (row["problem"] * 20)[:LONGEST_TEXT]
    told = [
        incident_of(row | {"id": f"long {extra}", "problem": longest + "x" * extra})
        for extra in (0, 1)
    ]
    verdicts = sent(system, "desk:long", "/api/incidents", "incidents", told)
    assert counted(verdicts) == {
        ("waiting", "laptop-not-announced"): 1,
        ("refused", "invalid"): 1,
    }
    assert "10000 characters at most" in verdicts[1]["detail"]


# -- a real incident log


STATES = {
    "New": ("new", None),
    "Active": ("in-repair", None),
    "Awaiting User Info": ("waiting", "user"),
    "Awaiting Problem": ("waiting", "vendor"),
    "Resolved": ("repaired", None),
    "Closed": ("returned", None),
}
ACTS = {"in-repair": "start", "waiting": "wait", "repaired": "repair", "returned": "return"}
ENDED = ("Resolved", "Closed")
# Days on which the log is held against the cases; by the last, all of it is told.
HELD = [datetime(2016, month, day, tzinfo=UTC) for month, day in ((3, 2), (3, 5), (12, 31))]
BEGIN = datetime(2016, 2, 29, tzinfo=UTC)


class Change(NamedTuple):
    """A row of the log: the state of an incident from a moment on, and its state before."""

    incident: str
    number: int
    opened_at: datetime
    at: datetime
    state: str
    before: str | None

    @property
    def reopens(self) -> bool:
        return self.before in ENDED and self.state not in ENDED

    def acts(self, case: str) -> list[Event]:
        """What a desk tells of it. What was ended is reopened before it is worked on; that one who
        is new is new still, a desk does not tell.
        """
        state, who = STATES[self.state]
        told: list[Event] = [{"act": "reopen"}] if self.reopens else []
        if state != "new":
            told.append({"act": ACTS[state]} | ({"waiting_on": who} if who else {}))
        return [
            one
            | {"case": case, "id": f"{self.incident}/{self.number}/{place}"}
            | {"happened_at": (self.at + timedelta(milliseconds=place)).isoformat()}
            for place, one in enumerate(told)
        ]


def changes_in_the_log() -> list[Change]:
    """The rows of the log, each after the one before it in its incident. The log tells minutes: the
    seconds are a row's place in its incident.
    """
    states: defaultdict[str, list[str]] = defaultdict(list)
    changes = []
    for row in rows_of(LOG):
        number = row["number"]
        before = states[number][-1] if states[number] else None
        place = len(states[number])
        at = _minute(row["sys_updated_at"]) + timedelta(seconds=place)
        told = (number, place, _minute(row["opened_at"]), at, row["incident_state"], before)
        changes.append(Change(*told))
        states[number].append(row["incident_state"])
    return changes


def _minute(text: str) -> datetime:
    return datetime.strptime(text, "%d-%m-%Y %H:%M").replace(tzinfo=UTC)


def opened(system: System, desk: str, changes: Sequence[Change]) -> dict[str, str]:
    """A case for each incident of these changes; its number by the incident's."""
    first = {one.incident: one for one in reversed(changes)}
    incidents = [
        {
            "id": number,
            "laptop": {"maker": "HP", "serial": f"{desk.partition(':')[2]}-{number}"},
            "reported_at": one.opened_at.isoformat(),
            "cause": "software",
        }
        for number, one in first.items()
    ]
    verdicts = sent(system, desk, "/api/incidents", "incidents", incidents)
    assert {one["verdict"] for one in verdicts} <= {"waiting", "duplicate"}
    return {one["id"]: one["case"] for one in verdicts}


@pytest.mark.parametrize("desk", ["desk:as-written", "desk:shuffled"])
def test_each_state_of_a_real_incident_log_is_the_cases_state_in_whatever_order_it_is_heard(
    system: System, desk: str
) -> None:
    changes = changes_in_the_log()
    assert (len(changes), len({one.incident for one in changes})) == (4_137, 600)
    verdicts = Counter[tuple[str, str]]()
    for since, day in pairwise([BEGIN, *HELD]):
        told = [one for one in changes if one.at < day]
        cases = opened(system, desk, told)
        fresh = [one for one in told if one.at >= since]
        acts = [act for one in fresh for act in one.acts(cases[one.incident])]
        if desk == "desk:shuffled":
            Random(SEED).shuffle(acts)  # noqa: S311  it has to come again
        verdicts += counted(sent(system, desk, "/api/case-acts", "acts", acts))
        assert_states_equal(system, desk, told, cases)
    # 4,137 rows, of which 1,236 say that an incident is new, and seven reopen one.
    assert verdicts == {("waiting", "laptop-not-announced"): 4_137 - 1_236 + 7}


def assert_states_equal(
    system: System, desk: str, told: Sequence[Change], cases: Mapping[str, str]
) -> None:
    """Each case is as the last row of its incident says, and was reopened as often as there."""
    last = {one.incident: STATES[one.state] for one in told}
    reopened = Counter(one.incident for one in told if one.reopens)
    assert len({state for state, _ in last.values()}) > 1 or len(told) == 4_137
    shown = cases_at(system, desk)
    assert len(shown) == len(last)
    for incident, number in cases.items():
        case = shown[number]
        assert (case["state"], case["waiting_on"]) == last[incident], incident
        assert case["reopened"] == reopened[incident], incident
