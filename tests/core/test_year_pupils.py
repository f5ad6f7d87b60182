"""The pupils of the invented year: who they are, what files tell of them, whose laptop is whose."""

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from typing import Any

import httpx
import pytest

from partners import directory
from partners.directory import Pupil
from partners.year import pupils, roster
from partners.year.acts import Act
from partners.year.plan import Plan, plan
from partners.year.post import System, bases
from partners.year.schoolyears import YEARS
from partners.year.who import learn, named, nobody_yet
from tests.told_of_a_year import happened, items, laptop

LAPTOPS = 900
ONES = "00000000-0000-4000-8000-000000000001"
TWOS = "00000000-0000-4000-8000-000000000002"


@pytest.fixture(scope="module")
def year() -> Plan:
    return plan(2020, LAPTOPS)


def tables(year: Plan) -> Iterator[tuple[Act, dict[str, str]]]:
    for act in year.pupil_acts:
        if isinstance(act.body, str):
            for row in csv.DictReader(StringIO(act.body)):
                yield act, row


def in_directory(year: Plan) -> list[tuple[str, str]]:
    """The kind of each file of each zip, and what stands in it."""
    found = []
    for act in year.pupil_acts:
        if isinstance(act.body, bytes):
            with zipfile.ZipFile(io.BytesIO(act.body)) as packed:
                for one in packed.namelist():
                    found.append((one, packed.read(one).decode()))
    return found


# -- who they are


def test_no_two_pupils_are_one_to_a_school_and_some_share_their_names(year: Plan) -> None:
    assert len({pupils.identity(one) for one in year.pupils}) == len(year.pupils)
    assert len({directory.ine(one.number) for one in year.pupils}) == len(year.pupils)
    homonyms = Counter((one.family, one.given, one.school) for one in year.pupils)
    assert sum(count > 1 for count in homonyms.values()) >= len(roster.playing(LAPTOPS))


def test_they_are_at_every_level_and_of_the_schools_that_play(year: Plan) -> None:
    assert {one.level for one in year.pupils} == set(range(6))
    playing = {school.uai for school in roster.playing(LAPTOPS)}
    assert {roster.schools()[one.school].uai for one in year.pupils} == playing


def test_pupils_of_two_years_share_no_number(year: Plan) -> None:
    mine = {directory.ine(one.number) for one in year.pupils}
    assert not mine & {directory.ine(one.number) for one in plan(2021, LAPTOPS).pupils}


# -- what files tell


def test_some_schools_send_tables_and_the_others_are_in_the_directory(year: Plan) -> None:
    kinds = {name.split("_")[4] for name, _ in in_directory(year)}
    assert kinds == {"EtabEducNat", "PersRelEleve", "Eleve"}
    staying = [row["uai"] for _, row in tables(year) if not row["motif_sortie"]]
    everywhere = {school.uai for school in roster.playing(LAPTOPS)}
    assert set(staying) < everywhere


def test_files_never_claim_to_name_everybody_for_other_years_are_played_beside(year: Plan) -> None:
    assert all("_Delta_" in name for name, _ in in_directory(year))
    assert not any("full" in act.path for act in year.pupil_acts)


def test_a_night_tells_of_everybody_again_and_some_moved_left_or_are_new(year: Plan) -> None:
    days = sorted({act.at.date() for act in year.pupil_acts})
    assert len(days) == 3 * len(YEARS)
    first, _, last, *_ = (_told_on(year, str(day)) for day in days)
    assert 0.9 * len(first) < len(first & last) < len(first)
    assert last - first
    reasons = {row["motif_sortie"] for _, row in tables(year)}
    assert reasons == {"", "abandon", "hors région"}


def _told_on(year: Plan, day: str) -> set[str]:
    """The INEs of a day's files, of those who are at school."""
    rows = {
        row["ine"]
        for act, row in tables(year)
        if str(act.at.date()) == day and not row["motif_sortie"]
    }
    by_ine = {directory.ine(one.number): str(1_000_000 + one.number) for one in year.pupils}
    text = "".join(
        text
        for name, text in in_directory(year)
        if day.replace("-", "") in name and "_Eleve_" in name
    )
    return rows | {ine for ine, id in by_ine.items() if f"<id>{id}</id>" in text}


# -- whose laptop


def test_every_laptop_is_handed_to_a_pupil_of_a_file_that_was_read_before(year: Plan) -> None:
    known = {str(one.number): one for one in year.pupils}
    first = min(act.at for act in year.pupil_acts)
    for act, kind, item in items(year.acts):
        if kind == "handed-out":
            pupil = known[item["student"]]
            assert first < happened(item)
            assert item["charter"]["minor"] == pupils.minor(pupil, happened(item))
            assert act.party in (f"school:{one.uai}" for one in roster.schools())


def test_newcomers_of_january_are_given_what_their_school_has_left(year: Plan) -> None:
    late = [
        (act.party, laptop(item["laptop"]))
        for act, kind, item in items(year.acts)
        if kind == "handed-out" and act.at.year == 2021
    ]
    assert late
    assert {year.book[name].location for _, name in late} == {"with-student"}


async def test_a_pupil_is_known_by_names_and_birth_date_whatever_homonyms_there_are() -> None:
    one, *_ = plan(2020, 3).pupils
    namesake = one._replace(number=one.number + 1, born_on=one.born_on.replace(year=1999))
    persons = {ONES: namesake, TWOS: one}

    def answer(request: httpx.Request) -> httpx.Response:
        school = roster.schools()[one.school].uai
        assert request.headers["authorization"] == f"Bearer key of {school}"
        student = request.url.path.rpartition("/")[2]
        if student == "students":
            return httpx.Response(200, json={"items": [{"student": name} for name in persons]})
        return httpx.Response(200, json=_person(persons[student]))

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        keys = {f"school:{school.uai}": f"key of {school.uai}" for school in roster.schools()}
        who = nobody_yet([one, namesake])
        await learn(System(bases("http://127.0.0.1:8000"), keys, client), who)
    assert who.known[str(one.number)] == TWOS
    at = plan(2020, 3).acts[0].at
    body: dict[str, object] = {"hand_outs": [{"student": str(one.number)}]}
    act = Act("1", at, "school:1", "delivery", "/api/hand-outs", body, 1)
    assert named(who, act).body == {"hand_outs": [{"student": TWOS}]}


def _person(pupil: Pupil) -> dict[str, Any]:
    return {
        "family_name": pupil.family,
        "given_name": pupil.given,
        "born_on": pupil.born_on.isoformat(),
    }
