"""Whole tables of pupils: who left, who may have, and who is taken for nobody else."""

import pytest

from tests.builders import OTHER_SCHOOL, Running, wait_until
from tests.pupils import a_row, a_table, loaded, said, sent, students

REGION = "region"


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        ({"date_naissance": "14.07.2004"}, ("refused", "unread-rows")),
        ({"date_naissance": "14.07.2004", "uai": "Lycée"}, ("refused", "unread-rows")),
        ({"nom": "Vélo", "ine": "12345"}, ("refused", "unread-rows")),
        ({"date_naissance": "14.07.2004", "uai": OTHER_SCHOOL}, ("applied", "left")),
        ({"nom": "Vélo", "niveau": "BTS 1ERE ANNEE"}, ("applied", "left")),
    ],
    ids=["of the school", "of no school", "another name", "of another school", "of no lycée"],
)
def test_whoever_may_stand_in_a_refused_row_of_a_whole_file_has_not_left(
    enrolment: Running, row: dict[str, str], verdict: tuple[str, str]
) -> None:
    rows = [a_row(number, ine="") for number in range(1, 5)]
    loaded(enrolment, a_table(rows))
    told = loaded(enrolment, a_table([*rows[:2], rows[2] | row, rows[3]]), "?full=true")
    assert told[2][0] == "refused"
    assert verdict in told[4:]
    assert ("student-left" in said(enrolment)) is (verdict[0] == "applied")


def test_a_row_of_a_whole_file_that_is_no_row_may_be_anybodys(enrolment: Running) -> None:
    lines = a_table([a_row(number) for number in range(1, 5)]).splitlines(keepends=True)
    loaded(enrolment, "".join(lines))
    lines[2] = lines[2].replace("\n", ",\n")
    told = loaded(enrolment, "".join(lines), "?full=true")
    assert (told[1], told[-1]) == (("refused", "invalid"), ("refused", "unread-rows"))
    told = loaded(enrolment, "".join(lines), "?full=true&leaving=confirmed")
    assert told[-1] == ("applied", "left")


def test_a_homonym_elsewhere_does_not_hide_who_left(enrolment: Running) -> None:
    one, other = a_row(1, prenom="Léo"), a_row(2, prenom="Léo", uai=OTHER_SCHOOL)
    third = a_row(3, uai=OTHER_SCHOOL)
    loaded(enrolment, a_table([one, other, third]))
    assert loaded(enrolment, a_table([one, third]), "?full=true")[-1] == ("applied", "left")


def test_a_school_never_leaves_as_a_whole_unless_that_is_said(enrolment: Running) -> None:
    loaded(enrolment, a_table([a_row(1), a_row(2)]))
    empty = a_table([a_row(3, niveau="6EME")])
    assert loaded(enrolment, empty, "?full=true")[-1] == ("refused", "too-many-would-leave")
    told = loaded(enrolment, empty, "?full=true&leaving=confirmed")
    assert told[-1] == ("applied", "left")


@pytest.mark.parametrize("cut", [1, 2, 9, 41])
def test_a_whole_table_that_was_cut_off_changes_nothing(enrolment: Running, cut: int) -> None:
    table = a_table([a_row(number) for number in range(1, 21)])
    loaded(enrolment, table)
    before = enrolment.counts()
    answer = sent(enrolment, table[:-cut], query="?full=true")
    assert (answer.status_code, answer.json()["code"]) == (422, "unfit-file")
    answer = sent(enrolment, table[:-20] + "\n", query="?full=true")
    assert "the last row is cut off" in answer.json()["detail"]
    assert enrolment.counts() == before


def test_a_whole_file_that_is_stopped_knows_whom_it_named_when_it_goes_on(
    enrolment: Running,
) -> None:
    rows = [a_row(number) for number in range(1, 3_001)]
    loaded(enrolment, a_table(rows))
    job = sent(enrolment, a_table(rows[:-1]), query="?full=true").headers["Location"]
    wait_until(lambda: enrolment.get(REGION, job)["read"] >= 1_000, "some rows are read")
    assert enrolment.ask(REGION, "POST", f"{job}/stop").status_code == 200
    assert enrolment.get(REGION, job)["read"] < 3_000, "it was stopped on the way"
    loaded(enrolment, a_table(rows[:1_000]))
    enrolment.ask(REGION, "POST", f"{job}/resume")
    enrolment.ended(REGION, job)
    last = enrolment.ask(REGION, "GET", f"{job}/report").text.splitlines()[-1]
    assert last == "3000,applied,left,1 students are in the file no more"
    assert enrolment.counts()["named"] == 0


@pytest.mark.parametrize("query", ["", "?full=true"])
def test_a_pupil_at_two_schools_in_one_file_is_a_question_and_stays_where_he_is(
    enrolment: Running, query: str
) -> None:
    table = a_table([a_row(1), a_row(1, uai=OTHER_SCHOOL)])
    for verdict in ("applied", "duplicate"):
        told = loaded(enrolment, table, query)
        assert (told[0][0], told[1]) == (verdict, ("refused", "two-schools"))
    assert said(enrolment) == ["student-enrolled"]
    assert enrolment.counts()["named"] == 0


def test_whole_files_school_by_school_move_whoever_comes_before_he_is_missed(
    enrolment: Running,
) -> None:
    loaded(enrolment, a_table([a_row(1), a_row(2)]), "?full=true")
    loaded(enrolment, a_table([a_row(1, uai=OTHER_SCHOOL)]), "?full=true")
    loaded(enrolment, a_table([a_row(2)]), "?full=true")
    assert said(enrolment)[2:] == ["student-moved"]


def test_twins_stay_two_where_a_file_gives_one_the_others_ine(enrolment: Running) -> None:
    twins = a_table([a_row(1, prenom="Ana"), a_row(2, prenom="Eva")])
    loaded(enrolment, twins)
    mistyped = a_table([a_row(1, prenom="Eva")])
    assert loaded(enrolment, mistyped) == [("refused", "ine-of-another")]
    assert loaded(enrolment, twins) == [("duplicate", "already-so")] * 2


def test_nobody_is_given_an_ine_that_stands_for_somebody_else(enrolment: Running) -> None:
    loaded(enrolment, a_table([a_row(2, nom="Martin")]))
    (other,) = students(enrolment)
    loaded(enrolment, a_table([a_row(1)]))
    row = a_row(1, nom="Martin", prenom="Élise 2", pseudonyme=other["student"])
    assert loaded(enrolment, a_table([row])) == [("refused", "ine-of-another")]
    assert loaded(enrolment, a_table([a_row(1)])) == [("duplicate", "already-so")]


def test_the_word_homonyme_makes_no_newcomer_each_night(enrolment: Running) -> None:
    table = a_table([a_row(1, ine="", homonyme="oui")])
    told = [loaded(enrolment, table) for _ in range(2)]
    assert told == [[("applied", "")], [("refused", "homonyms")]]
    assert len(students(enrolment)) == 1
