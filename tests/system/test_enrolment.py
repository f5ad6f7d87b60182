"""Who is who, through the whole system: files to facts, an erasure that no copy takes back, and not
one name anywhere but on the page of who may read it.
"""

import asyncio
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from aiokafka import ConsumerRecord

from shared.contracts.published import PUBLISHERS
from tests import places, running
from tests.builders import OTHER_SCHOOL, PARTIES, SCHOOL
from tests.faults.checking import records
from tests.places import Kafka
from tests.pupils import (
    Pupil,
    a_directory,
    a_file,
    a_guardian,
    a_pupil,
    a_request,
    a_row,
    a_school,
    a_table,
    a_zip,
)
from tests.running import System, until

SERVICES = ("enrolment", "delivery", "tracking")
LEO = Pupil("1002", "1234567890A", "Martin", "Léo", "01/02/2003", guardians=("2002",))
REGION = "region"


@pytest.fixture(params=["sqlite", "postgres"])
def system(request: pytest.FixtureRequest, kafka: Kafka, tmp_path: Path) -> Iterator[System]:
    """Enrolment, and who might hear of it."""
    running.fresh_topics(kafka.bootstrap)
    with running.system_on(request, tmp_path, kafka.bootstrap, SERVICES) as made:
        made.start()
        yield made


def load(system: System, content: bytes, query: str = "") -> dict[str, Any]:
    """The job of a file, once it ended."""
    kind = "application/zip" if content[:2] == b"PK" else "text/csv"
    headers = {**system.bearer(REGION), "Content-Type": kind}
    url = f"{system.services['enrolment'].url}/api/pupils/imports{query}"
    answer = system.http.post(url, content=content, headers=headers)
    assert answer.status_code == 202, answer.text

    def ended() -> dict[str, Any] | None:
        job: dict[str, Any] = system.call("enrolment", REGION, answer.headers["Location"]).json()
        return job if job["state"] in ("done", "failed") else None

    job = until(ended, "the file is read", 300)
    assert job["state"] == "done", job
    return job


def students(system: System) -> list[str]:
    listed = system.call("enrolment", REGION, "/api/students?limit=500").json()["items"]
    return [one["student"] for one in listed]


def person(system: System, name: str) -> httpx.Response:
    return system.call("enrolment", REGION, f"/api/people/{name}?why=hand-out")


def erase(system: System, name: str) -> None:
    answer = system.call("enrolment", REGION, f"/api/people/{name}/erasure", {})
    assert answer.json()["verdict"] == "applied", answer.text


def facts(system: System, count: int) -> list[ConsumerRecord]:
    """The facts on enrolment's topic, once there are so many."""

    def found() -> list[ConsumerRecord] | None:
        told = records(system.kafka, ("enrolment",))
        return told if len(told) >= count else None

    return until(found, f"{count} facts are on the topic")


def header(record: ConsumerRecord, name: str) -> str:
    found: bytes = dict(record.headers)[name]
    return found.decode()


def lives(found: Iterable[ConsumerRecord]) -> dict[str, list[tuple[str, str]]]:
    """By key, what was said of it, each with its number."""
    told: dict[str, list[tuple[str, str]]] = {}
    for one in found:
        type = header(one, "ce_type").removeprefix("enrolment.").removesuffix(".v1")
        told.setdefault(one.key.decode(), []).append((header(one, "ce_sequence"), type))
    return told


# -- use cases 7 and 15


def test_a_directory_is_told_as_facts_of_pseudonyms_and_a_second_night_as_none(
    system: System,
) -> None:
    load(system, a_directory(Pupil(), LEO))
    again = load(system, a_directory(Pupil(), LEO))
    assert (again["applied"], again["duplicate"]) == (0, 4)
    moved = a_request("Eleve", "1001", {"ENTPersonStructRattach": ["8"]}, "modify")
    gone = a_request("Eleve", "1002", {}, "delete")
    delta = {"EtabEducNat": a_file(a_school("8", OTHER_SCHOOL)), "Eleve": a_file(moved, gone)}
    load(system, a_zip(delta, "Delta"))
    told = lives(facts(system, 4))
    assert sorted(told.values()) == [
        [("1", "student-enrolled"), ("2", "student-left")],
        [("1", "student-enrolled"), ("2", "student-moved")],
    ]
    assert {key.partition(":")[0] for key in told} == {"student"}
    assert students(system) == [
        key.removeprefix("student:") for key, life in told.items() if life[1][1] == "student-moved"
    ]


# -- use case 20


def test_an_erasure_is_told_and_no_copy_of_the_database_takes_it_back(
    system: System, tmp_path: Path
) -> None:
    load(system, a_directory(Pupil(), LEO))
    gone, stays = students(system)
    copy = Copy(system, "enrolment", tmp_path / "copy")
    enrolment = system.services["enrolment"]
    enrolment.stop()
    copy.keep()
    system.start("enrolment")
    erase(system, gone)
    assert person(system, gone).status_code == 404
    assert lives(facts(system, 3))[f"student:{gone}"][-1] == ("2", "student-erased")
    enrolment.stop()
    copy.restore()
    system.start("enrolment")
    assert person(system, gone).status_code == 404, "from the first moment"
    assert person(system, stays).status_code == 200
    until(lambda: gone not in students(system), "the copy has forgotten the person too")
    export = system.call("enrolment", REGION, f"/api/people/{gone}/export").json()
    assert (export["person"], export["student"]["state"]) == (None, "erased")


class Copy:
    """A copy of a service's database, taken and put back while the service is down."""

    def __init__(self, system: System, service: str, place: Path) -> None:
        self.url, self.place = system.url_of_database(service), place

    def keep(self) -> None:
        self._do(self.url, self.place)

    def restore(self) -> None:
        self._do(self.url, self.place, back=True)

    def _do(self, url: str, place: Path, back: bool = False) -> None:
        if url.startswith("sqlite"):
            live = Path(url.removeprefix("sqlite:///"))
            if back:
                for file in live.parent.glob(f"{live.name}*"):
                    file.unlink()
                shutil.copy(place, live)
            else:
                with sqlite3.connect(live) as one, sqlite3.connect(place) as other:
                    one.backup(other)
            return
        server, _, name = url.rpartition("/")
        source, target = (f"{name}_copy", name) if back else (name, f"{name}_copy")
        if back:
            places.ask(server, f'DROP DATABASE "{target}" WITH (FORCE)')
        places.ask(server, f'CREATE DATABASE "{target}" TEMPLATE "{source}"')
        if back:
            places.ask(server, f'DROP DATABASE "{source}" WITH (FORCE)')


# -- canaries: what must be found nowhere

CANARY, GUARDIAN, GIVEN = "ZQXANARI", "ZQXUARDI", "Zqxivan"
MANY = 10_000
BORN = ("07/03/1913", "1913-03-07")


def canaries() -> list[bytes]:
    """What is looked for: names in any spelling of theirs, INEs, a birth date that nobody has."""
    names = (CANARY, GUARDIAN, GIVEN)
    words = [spelt for one in names for spelt in (one.upper(), one.lower(), one.title())]
    ines = [f"{number:09d}QX" for number in (870_000_001, 870_005_000, 870_009_999)]
    told = [one.encode() for one in (*words, *ines, *BORN)]
    return [*told, *(one.hex().encode() for one in told), CANARY.encode("utf-16-le")]


def invented() -> bytes:
    """A whole directory of a school, of invented pupils alone."""
    pupils = (
        Pupil(
            id=str(1_000_000 + number),
            ine=f"{870_000_000 + number:09d}QX",
            family_name=f"{CANARY}{number}",
            given_name=f"{GIVEN}{number}",
            born_on=BORN[0],
            guardians=(str(3_000_000 + number),),
        )
        for number in range(MANY)
    )
    signing = (
        a_guardian(str(3_000_000 + number), f"{GUARDIAN}{number}", GIVEN) for number in range(MANY)
    )
    return a_zip(
        {
            "Eleve": a_file(*map(a_pupil, pupils)),
            "EtabEducNat": a_file(a_school()),
            "PersRelEleve": a_file(*signing),
        }
    )


def found_in(content: bytes) -> list[str]:
    return [one.decode("latin-1") for one in canaries() if one in content]


def everything(system: System) -> Iterator[tuple[str, bytes]]:
    """Whatever the system keeps or tells, each with where it is: files of its home (databases with
    their logs of writes, what the services wrote), tables, topics, metrics.
    """
    for file in sorted(system.home.rglob("*")):
        if file.is_file():
            yield str(file.relative_to(system.home)), file.read_bytes()
    for record in records(system.kafka, PUBLISHERS):
        parts = [record.key or b"", record.value or b"", *(value for _, value in record.headers)]
        yield f"topic {record.topic}", b"\n".join(parts)
    for name, service in system.services.items():
        yield f"metrics of {name}", system.http.get(f"{service.url}/metrics").content
        url = system.url_of_database(name)
        if not url.startswith("sqlite"):
            yield f"tables of {name}", asyncio.run(_dumped(url))


async def _dumped(url: str) -> bytes:
    """Every row of every table as text; bytes stand in it as digits."""
    connection = await asyncpg.connect(url)
    try:
        told = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        tables = await connection.fetch(told)
        rows = [
            row[0]
            for (table,) in tables
            for row in await connection.fetch(f'SELECT one::text FROM "{table}" one')  # noqa: S608  ours
        ]
        return "\n".join(rows).encode()
    finally:
        await connection.close()


def test_of_ten_thousand_invented_pupils_no_word_is_found_anywhere(system: System) -> None:
    content = invented()
    assert found_in(a_file(a_pupil(Pupil(family_name=CANARY)))), "they are found where they are"
    job = load(system, content)
    assert job["applied"] == MANY + 1
    assert len(facts(system, MANY)) == MANY, "they are on the topic, as pseudonyms"
    wrong = [
        a_row(1, nom=f"{CANARY}x", uai=f"{CANARY}"),
        a_row(2, nom=f"{CANARY}y", ine=f"{CANARY}"),
        a_row(3, nom=f"{CANARY}z", niveau=f"{CANARY}", code_postal=f"{GIVEN}0000000"),
        a_row(4, nom=f"{CANARY}a", date_naissance=f"{BORN[0]}{GIVEN}"),
        a_row(5, nom=f"{CANARY}b", motif_sortie=f"{GIVEN}", pseudonyme=f"{CANARY}"),
    ]
    assert load(system, a_table(wrong).encode())["refused"] == len(wrong)
    looked_up(system)
    told = dict.fromkeys(place for place, content in everything(system) if found_in(content))
    assert list(told) == []
    counts = system.call("enrolment", REGION, "/api/students?limit=1").json()
    assert counts["total"] == MANY - 20


def looked_up(system: System) -> None:
    """What people do with names, right and wrong: files that are broken, pages, exports, erasures,
    a hand-out told with a name in the place of a pseudonym.
    """
    url = system.services["enrolment"].url
    broken = a_file(a_pupil(Pupil(family_name=CANARY)))[:-40]
    headers = {**system.bearer(REGION), "Content-Type": "application/xml"}
    refused = system.http.post(f"{url}/api/pupils/imports", content=broken, headers=headers)
    assert refused.status_code == 422
    assert found_in(refused.content) == []
    key = system.bearer(REGION)["Authorization"].removeprefix("Bearer ")
    cookie = {"Cookie": f"trousseau-enrolment={key}"}
    form = {"question": f"{CANARY}7 {GIVEN}7", "why": "hand-out"}
    page = system.http.post(f"{url}/people", data=form, headers=cookie)
    assert f"{CANARY}7" in page.text, "who may read it reads it"
    system.http.get(f"{url}/people/{CANARY}", headers=cookie)
    system.http.get(f"{url}/api/people/{CANARY}?why={CANARY.lower()[:3]}", headers=headers)
    for name in students(system)[:20]:
        assert system.call("enrolment", REGION, f"/api/people/{name}/export").json()["ine"]
        erase(system, name)
    item = {"student": f"{CANARY}9", "id": "h", "laptop": {"maker": "HP", "serial": "5CD0001"}}
    verdicts = system.call(
        "delivery", PARTIES["school"], "/api/hand-outs", {"hand_outs": [item | {"school": SCHOOL}]}
    )
    assert verdicts.json()["verdicts"][0]["verdict"] == "refused"
