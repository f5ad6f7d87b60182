"""Enrolment over HTTP: tables of pupils, look-ups, export, erasure, keys; on both databases."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from services.enrolment import core, register, store
from shared.closing import Closing, closing_days
from shared.contracts.calendar import school_year_of
from shared.transact import Service
from tests.builders import (
    OTHER_SCHOOL,
    PARTIES,
    SCHOOL,
    STUDENTS,
    Running,
    a_hand_out,
    a_laptop,
    a_uai,
    key_of,
)
from tests.pupils import a_row, a_table, loaded, said, sent, students, three_known
from tests.service.hearing_by_hand import announced, heard

REGION, AT_SCHOOL, ELSEWHERE = "region", PARTIES["school"], f"school:{OTHER_SCHOOL}"


@pytest.fixture
def known(enrolment: Running) -> list[str]:
    return three_known(enrolment)


def looks(running: Running, student: str) -> list[tuple[str, str, str]]:
    rows = running.rows("SELECT party, what, why, student FROM look_up ORDER BY id")
    return [(row[0], row[1], row[2]) for row in rows if row[3] == student]


# -- tables of pupils


def test_a_table_enrols_its_pupils_and_says_nothing_the_second_night(enrolment: Running) -> None:
    table = a_table([a_row(1), a_row(2)])
    assert loaded(enrolment, table) == [("applied", "")] * 2
    assert loaded(enrolment, table) == [("duplicate", "already-so")] * 2
    assert said(enrolment) == ["student-enrolled"] * 2
    assert [one["state"] for one in students(enrolment)] == ["at-school"] * 2


def test_only_what_differs_is_said(enrolment: Running) -> None:
    named = {"resp1_nom": "Lévy", "resp1_prenom": "Zoé"}
    loaded(enrolment, a_table([a_row(number, **named) for number in (1, 2, 3, 4)]))
    changed = [
        a_row(1, **(named | {"resp1_prenom": "Ali"})),
        a_row(2, uai=OTHER_SCHOOL),
        a_row(3, niveau="1ERE"),
        a_row(4, nom="Lévy-Martin"),
    ]
    verdicts = loaded(enrolment, a_table([named | row for row in changed]))
    told = {"guardians-changed", "student-moved", "student-level-changed"}
    assert set(said(enrolment)[4:]) == told
    assert verdicts == [("applied", "")] * 3 + [("applied", "record-updated")]


def test_a_whole_file_says_who_left_and_a_part_says_nothing_of_others(enrolment: Running) -> None:
    loaded(enrolment, a_table([a_row(1), a_row(2), a_row(3, uai=OTHER_SCHOOL)]))
    assert loaded(enrolment, a_table([a_row(1)])) == [("duplicate", "already-so")]
    assert "student-left" not in said(enrolment)
    verdicts = loaded(enrolment, a_table([a_row(1)]), "?full=true")
    assert verdicts == [("duplicate", "already-so"), ("applied", "left")]
    assert said(enrolment)[-1] == "student-left"
    assert {one["school"] for one in students(enrolment)} == {SCHOOL, OTHER_SCHOOL}


def test_a_pupil_who_changed_school_within_one_whole_file_did_not_leave(enrolment: Running) -> None:
    loaded(enrolment, a_table([a_row(1), a_row(2, uai=OTHER_SCHOOL)]), "?full=true")
    loaded(
        enrolment, a_table([a_row(2, uai=OTHER_SCHOOL), a_row(1, uai=OTHER_SCHOOL)]), "?full=true"
    )
    assert said(enrolment) == ["student-enrolled", "student-enrolled", "student-moved"]


def test_a_pupil_whose_row_is_refused_is_still_named_by_the_file(enrolment: Running) -> None:
    loaded(enrolment, a_table([a_row(1), a_row(2)]))
    verdicts = loaded(enrolment, a_table([a_row(1, niveau="6EME"), a_row(2)]), "?full=true")
    assert verdicts[0] == ("refused", "unknown-level")
    assert "student-left" not in said(enrolment)


def test_a_whole_file_that_was_cut_short_empties_no_school(enrolment: Running) -> None:
    loaded(enrolment, a_table([a_row(number) for number in range(1, 41)]))
    few = a_table([a_row(1)])
    assert loaded(enrolment, few, "?full=true")[-1] == ("refused", "too-many-would-leave")
    assert "student-left" not in said(enrolment)
    assert loaded(enrolment, few, "?full=true&leaving=confirmed")[-1] == ("applied", "left")
    assert said(enrolment).count("student-left") == 39


def test_whoever_leaves_with_a_reason_leaves_once(enrolment: Running) -> None:
    loaded(enrolment, a_table([a_row(1)]))
    leaving = a_table([a_row(1, motif_sortie="Apprentissage")])
    assert loaded(enrolment, leaving) == [("applied", "")]
    assert loaded(enrolment, leaving) == [("duplicate", "already-so")]
    assert loaded(enrolment, a_table([a_row(9, motif_sortie="abandon")])) == [
        ("duplicate", "unknown-student")
    ]
    assert loaded(enrolment, a_table([a_row(1)])) == [("applied", "")], "back again"
    assert said(enrolment) == ["student-enrolled", "student-left", "student-enrolled"]


def test_each_row_that_is_wrong_is_told_by_itself_and_holds_no_other_back(
    enrolment: Running,
) -> None:
    rows = [
        a_row(1, ine="12345"),
        a_row(2, uai="0670080A"),
        a_row(3, date_naissance="hier"),
        a_row(4, code_postal="8000"),
        a_row(5),
    ]
    table = a_table([row | {"code_postal": row.get("code_postal", "")} for row in rows])
    assert loaded(enrolment, table + "1,2\n") == [
        ("refused", "wrong-ine"),
        ("refused", "wrong-check-letter"),
        ("refused", "invalid"),
        ("applied", "postcode-mended"),
        ("applied", ""),
        ("refused", "invalid"),
    ]


def test_homonyms_are_told_apart_and_two_ines_are_for_a_person_to_settle(
    enrolment: Running,
) -> None:
    elise = {"prenom": "Élise"}
    loaded(enrolment, a_table([a_row(1, **elise)]))
    (first,) = students(enrolment)
    assert loaded(enrolment, a_table([a_row(2, uai=OTHER_SCHOOL, **elise)])) == [
        ("applied", "homonym")
    ]
    twin = a_row(3, **elise)
    assert loaded(enrolment, a_table([twin])) == [("refused", "two-ines")]
    assert loaded(enrolment, a_table([twin | {"homonyme": "oui"}])) == [("applied", "")]
    settled = a_row(4, **elise) | {"pseudonyme": first["student"]}
    assert loaded(enrolment, a_table([settled])) == [("applied", "record-updated")]
    assert enrolment.get(REGION, f"/api/people/{first['student']}/export")["ine"] == "000000004AB"
    assert len(students(enrolment)) == 3


def test_the_same_pupil_twice_in_one_file_is_one(enrolment: Running) -> None:
    rows = [a_row(1), a_row(1, niveau="1ere")]
    assert loaded(enrolment, a_table(rows)) == [("applied", "")] * 2
    assert said(enrolment) == ["student-enrolled", "student-level-changed"]
    (one,) = students(enrolment)
    assert (one["school"], one["level"]) == (SCHOOL, "1ere")


def test_many_rows_are_taken_in_several_transactions_and_count_once(enrolment: Running) -> None:
    table = a_table([a_row(number) for number in range(1, 1_251)])
    assert set(loaded(enrolment, table, "?full=true")) == {
        ("applied", ""),
        ("duplicate", "already-so"),
    }
    assert len(said(enrolment)) == 1_250
    counts = enrolment.counts()
    assert (counts["person"], counts["job_piece"]) == (1_250, 0)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?full=yes", "/full"),
        ("?leaving=all", "/leaving"),
        ("?school_year=2020", "/school_year"),
        ("?school_year=2101-2102", "/school_year"),
        ("?academy=a b", "/academy"),
    ],
)
def test_an_address_that_says_what_it_should_not_is_refused(
    enrolment: Running, query: str, field: str
) -> None:
    answer = sent(enrolment, a_table([a_row(1)]), query=query)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


def test_the_school_year_is_todays_or_as_the_address_says(enrolment: Running) -> None:
    loaded(enrolment, a_table([a_row(1)]), "?school_year=2019-2020")
    assert students(enrolment)[0]["school_year"] == "2019-2020"
    loaded(enrolment, a_table([a_row(1)]))
    today = school_year_of(datetime.now(UTC).date())
    assert students(enrolment)[0]["school_year"] == today
    earlier = loaded(enrolment, a_table([a_row(1)]), "?school_year=2001-2002")
    assert earlier == [("refused", "earlier-year")]
    assert students(enrolment)[0]["school_year"] == today


# -- students and persons


def test_students_are_listed_by_school_and_level_page_by_page(
    enrolment: Running, known: list[str]
) -> None:
    assert {one["student"] for one in students(enrolment, f"?school={SCHOOL}")} == set(known[:2])
    assert students(enrolment, "?level=term") == []
    page = enrolment.get(REGION, "/api/students?limit=2")
    rest = enrolment.get(REGION, f"/api/students?limit=2&cursor={page['next']}")
    listed = [one["student"] for one in page["items"] + rest["items"]]
    assert (sorted(listed), page["total"], rest["next"]) == (sorted(known), 3, None)


def test_a_school_sees_its_own_students_and_nobody_elses(
    enrolment: Running, known: list[str]
) -> None:
    assert enrolment.get(AT_SCHOOL, "/api/students")["total"] == 2
    theirs = enrolment.ask(AT_SCHOOL, "GET", f"/api/students?school={OTHER_SCHOOL}")
    assert (theirs.status_code, theirs.json()["code"]) == (403, "not-your-school")
    for path in ("", "/export"):
        mine = enrolment.ask(AT_SCHOOL, "GET", f"/api/people/{known[0]}{path}")
        other = enrolment.ask(AT_SCHOOL, "GET", f"/api/people/{known[2]}{path}")
        nobody = enrolment.ask(AT_SCHOOL, "GET", f"/api/people/{STUDENTS[9]}{path}")
        assert (mine.status_code, other.status_code) == (200, 404)
        assert other.json() == nobody.json(), "not even that there is somebody"
    assert looks(enrolment, known[2])[1:] == [
        (AT_SCHOOL, "person-refused", ""),
        (AT_SCHOOL, "export-refused", ""),
    ]
    page = enrolment.page(REGION, f"/people/{known[2]}").text
    assert page.count("· refusé") == 2


def test_a_person_is_shown_with_guardians_and_whether_a_minor(enrolment: Running) -> None:
    young = (datetime.now(UTC) - timedelta(days=365 * 16)).strftime("%d/%m/%Y")
    named = {"resp1_nom": "Lévy", "resp1_prenom": "Zoé"}
    loaded(enrolment, a_table([a_row(1, date_naissance=young, **named)]))
    (one,) = students(enrolment)
    person = enrolment.get(REGION, f"/api/people/{one['student']}?why=hand-out")
    assert (person["family_name"], person["minor"]) == ("Lévy", True)
    assert person["guardians"] == [{"family_name": "Lévy", "given_name": "Zoé"}]
    assert "ine" not in person


def test_every_look_is_written_down_with_who_whom_what_and_why(
    enrolment: Running, known: list[str]
) -> None:
    enrolment.get(AT_SCHOOL, f"/api/people/{known[0]}?why=return")
    export = enrolment.get(REGION, f"/api/people/{known[0]}/export?why=right-of-access")
    assert looks(enrolment, known[0])[1:] == [
        (AT_SCHOOL, "person", "return"),
        (REGION, "export", "right-of-access"),
    ]
    assert [one["what"] for one in export["looked_at"]] == ["person", "person", "export"]


def test_what_is_written_down_of_a_look_holds_no_word_that_somebody_typed(
    enrolment: Running, known: list[str]
) -> None:
    typed = "le père de Léo CANARIUS"
    told = [
        enrolment.ask(REGION, "GET", f"/api/people/{known[0]}?why={typed}"),
        enrolment.ask(REGION, "GET", f"/api/people/{known[0]}/export?why={typed}"),
        enrolment.page(REGION, "/people", question="Lévy", why=typed),
    ]
    assert [answer.status_code for answer in told] == [422] * 3
    assert not [answer for answer in told if "CANARIUS" in answer.text]
    headers = enrolment.cookie(REGION) | {"Origin": "http://127.0.0.1:8000"}
    asked = f"/names?students={known[0]}&page=/{typed}"
    assert known[0] in enrolment.client.get(asked, headers=headers).json()["names"]
    assert looks(enrolment, known[0])[-1] == (REGION, "name", "")


def test_nobody_changes_or_takes_back_a_look_that_is_written_down(
    enrolment: Running, known: list[str]
) -> None:
    for statement in ("UPDATE look_up SET party = 'x'", "DELETE FROM look_up"):
        with pytest.raises(DBAPIError, match="never changed"):
            enrolment.write(partial(Connection.execute, statement=text(statement)))
    assert looks(enrolment, known[0]) == [(REGION, "person", "")]


def test_an_export_is_everything_that_is_known(enrolment: Running, known: list[str]) -> None:
    export = enrolment.get(REGION, f"/api/people/{known[1]}/export")
    assert export["person"]["family_name"] == "Martin"
    assert export["ine"] == "000000002AB"
    assert [one["type"] for one in export["facts"]] == ["enrolment.student-enrolled.v1"]


# -- erasure


def erase(running: Running, student: str) -> httpx.Response:
    return running.ask(REGION, "POST", f"/api/people/{student}/erasure")


def test_whoever_is_erased_can_be_named_by_nobody_and_the_history_stays(
    enrolment: Running, known: list[str]
) -> None:
    assert erase(enrolment, known[0]).json() == {"verdict": "applied", "student": known[0]}
    assert erase(enrolment, known[0]).json()["verdict"] == "duplicate"
    assert said(enrolment)[-1] == "student-erased"
    for party in (REGION, AT_SCHOOL):
        assert enrolment.ask(party, "GET", f"/api/people/{known[0]}").status_code == 404
    export = enrolment.get(REGION, f"/api/people/{known[0]}/export")
    assert (export["person"], export["ine"], export["postcode"]) == (None, None, None)
    assert [one["type"][10:-3] for one in export["facts"]] == ["student-enrolled", "student-erased"]
    left = enrolment.rows("SELECT pseudonym FROM person UNION SELECT pseudonym FROM trace")
    assert {row[0] for row in left} == set(known[1:])


def test_whom_nobody_knows_cannot_be_erased(enrolment: Running) -> None:
    assert erase(enrolment, STUDENTS[0]).status_code == 404


def test_whoever_comes_again_after_an_erasure_is_somebody_new(
    enrolment: Running, known: list[str]
) -> None:
    erase(enrolment, known[0])
    assert loaded(enrolment, a_table([a_row(1)])) == [("applied", "")]
    assert known[0] not in {one["student"] for one in students(enrolment)}
    assert len(students(enrolment)) == 3


def test_an_erasure_stands_on_a_list_outside_the_database(
    enrolment: Running, known: list[str]
) -> None:
    erase(enrolment, known[0])
    lines = (enrolment.keys.parent / "erasures.list").read_text().splitlines()
    assert [line.split()[1:] for line in lines if known[0] in line] == [[known[0], "request"]]


def test_the_beginning_of_a_day_erases_who_left_long_ago(
    enrolment: Running, known: list[str], tmp_path: Path
) -> None:
    loaded(enrolment, a_table([a_row(1, motif_sortie="abandon")]))
    listed = register.erasures(tmp_path / "list")
    service = Service(core.CORE, store.shelves(listed.note))
    today = datetime.now(UTC)

    def close(days: int) -> None:
        async def work(database: Any) -> None:
            later = today + timedelta(days=days)
            due = partial(store.due, days=365)
            await closing_days(Closing(database, service, lambda: later, due, lambda: None))()

        enrolment.with_database(work)

    close(364)
    assert "student-erased" not in said(enrolment)
    close(366)
    assert said(enrolment)[-1] == "student-erased"
    assert listed.names == {known[0]: "retention"}


def test_students_on_the_list_are_erased_anew_where_an_old_copy_has_them(
    enrolment: Running, known: list[str]
) -> None:
    listed = {known[0]: "request", STUDENTS[0]: "retention"}
    asked = enrolment.write(lambda one: register.to_erase(one, listed))
    assert asked == [(core.student_key(known[0]), core.Erase("request"))]


@pytest.mark.parametrize("cut", [-3, -15, -60])
def test_a_list_that_was_cut_off_is_read_as_far_as_it_goes_and_goes_on(
    tmp_path: Path, cut: int
) -> None:
    file = tmp_path / "erasures.list"
    register.erasures(file).note([(STUDENTS[0], "request"), (STUDENTS[1], "retention")])
    file.write_bytes(file.read_bytes()[:cut])
    again = register.erasures(file)
    assert again.names == {STUDENTS[0]: "request"}
    again.note([(STUDENTS[0], "request"), (STUDENTS[2], "request")])
    assert register.erasures(file).names == {STUDENTS[0]: "request", STUDENTS[2]: "request"}
    assert file.stat().st_mode & 0o777 == 0o600


def test_nobody_is_erased_while_the_list_cannot_be_written(
    enrolment: Running, known: list[str]
) -> None:
    file = enrolment.keys.parent / "erasures.list"
    kept = file.rename(file.with_suffix(".kept")) if file.exists() else None
    file.mkdir()
    try:
        answer = erase(enrolment, known[0])
        assert (answer.status_code, answer.json()["code"]) == (503, "away")
        assert "cannot be written" in enrolment.get("", "/health/ready")["trouble"]["erasures"]
        assert 'trousseau_troubled{part="erasures"} 1.0' in enrolment.client.get("/metrics").text
    finally:
        file.rmdir()
        if kept is not None:
            kept.rename(file)
    assert "student-erased" not in said(enrolment)
    assert enrolment.ask(REGION, "GET", f"/api/people/{known[0]}").status_code == 200
    assert erase(enrolment, known[0]).json()["verdict"] == "applied"
    assert "erasures" not in enrolment.get("", "/health/ready")["trouble"]


# -- names on the pages of others


def test_names_are_handed_to_configured_pages_by_the_key_that_the_browser_keeps(
    enrolment: Running, known: list[str]
) -> None:
    asked = f"/names?students={','.join([*known, STUDENTS[9]])}&page=/laptops/hp/5CD0001"
    tracking = "http://127.0.0.1:8000"

    def names(party: str, origin: str = tracking) -> httpx.Response:
        key = enrolment.auth(party).get("Authorization", "").removeprefix("Bearer ")
        headers = {"Origin": origin, "Cookie": f"trousseau-enrolment={key}"}
        return enrolment.client.get(asked, headers=headers)

    own = names(AT_SCHOOL)
    assert own.json() == {"names": {known[0]: "Élise 1 Lévy", known[1]: "Élise 2 Martin"}}
    assert own.headers["access-control-allow-origin"] == tracking
    assert own.headers["access-control-allow-credentials"] == "true"
    assert looks(enrolment, known[0])[-1] == (AT_SCHOOL, "name", "laptops")
    assert looks(enrolment, known[2])[-1] == (AT_SCHOOL, "name-refused", "laptops")
    assert len(names(REGION).json()["names"]) == 3
    noted = looks(enrolment, known[0])
    bare = enrolment.client.get(asked, headers=enrolment.cookie(REGION))
    assert bare.json() == {"names": {}}, "as an image asks"
    assert looks(enrolment, known[0]) == noted
    for party in ("desk:metz", ""):
        assert names(party).json() == {"names": {}}
    foreign = names(REGION, "https://elsewhere.example")
    assert foreign.status_code == 403
    assert "access-control-allow-origin" not in foreign.headers
    listed = enrolment.page(REGION, f"/people/{known[0]}").text.partition('id="looks"')[2]
    assert ("page d’un ordinateur" in listed, "raison pas dite" in listed) == (True, True)
    assert ">laptops<" not in listed


def test_the_menu_leads_a_party_where_it_may_go_alone(enrolment: Running) -> None:
    for party, shown in ((REGION, True), (AT_SCHOOL, False)):
        assert ('href="/imports"' in enrolment.page(party, "/people").text) == shown
        assert (enrolment.page(party, "/imports").status_code == 200) == shown


def test_a_school_that_nobody_listed_has_no_students(enrolment: Running) -> None:
    assert enrolment.get(REGION, f"/api/students?school={a_uai(540001)}")["total"] == 0


# -- who hears of it


def test_whoever_has_a_laptop_for_three_days_and_is_unknown_to_enrolment_is_an_anomaly(
    ordering: Running, delivery: Running, enrolment: Running, tracking: Running
) -> None:
    def strangers() -> list[str]:
        listed = tracking.get("", "/api/anomalies")["items"]
        return [one["key"] for one in listed if one["code"] == "student-unknown"]

    announced(ordering, [1, 2])
    now = datetime.now(UTC)
    times = [(now - timedelta(hours=hours)).isoformat() for hours in (73, 71)]
    handed = [
        a_hand_out(id=f"h{number}", laptop=a_laptop(number), student=student, handed_out_at=at)
        | {"charter": {"minor": False, "student_signed_at": at}}
        for number, student, at in zip((1, 2), STUDENTS, times, strict=False)
    ]
    delivery.ask(f"school:{SCHOOL}", "POST", "/api/hand-outs", json={"hand_outs": handed})
    heard(tracking, ordering, delivery)
    assert strangers() == [], "where enrolment tells of nobody, nobody is missed"
    loaded(enrolment, a_table([a_row(1)]))
    heard(tracking, enrolment)
    assert strangers() == [key_of(1)]
    (known,) = [one["student"] for one in students(enrolment)]
    again = handed[0] | {"id": "h3", "student": known, "handed_out_at": times[1]}
    delivery.ask(f"school:{SCHOOL}", "POST", "/api/hand-outs", json={"hand_outs": [again]})
    heard(tracking, delivery)
    assert strangers() == []
