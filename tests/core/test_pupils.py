"""What files say of pupils: their words, what is wrong with them, and who a pupil is."""

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from services.enrolment import core
from services.enrolment.core import Guardian, Known, Pupil
from shared.contracts import identifiers
from shared.decisions import Refusal
from tests.builders import OTHER_SCHOOL, SCHOOL, STUDENTS

INE, OTHER_INE = "123456789AB", "0987654321Z"
ELISE = {
    "ine": INE,
    "nom": "Œuvrard-Lévy",
    "prenom": "Élise",
    "date_naissance": "14/07/2004",
    "uai": SCHOOL,
    "niveau": "2nde",
}
PUPIL = Pupil("Œuvrard-Lévy", "Élise", date(2004, 7, 14), SCHOOL, "2nde", INE)


def read(**changes: str) -> Any:
    """A pupil and what was mended, or the code and the field of what is wrong."""
    told = core.read({**ELISE, **changes}, None)
    return (told.code, told.field) if isinstance(told, Refusal) else told


def test_a_row_becomes_a_pupil() -> None:
    assert read() == (PUPIL, "")
    assert read(date_naissance="2004-07-14", ine=" 123456789ab ", uai=SCHOOL.lower()) == (PUPIL, "")


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"ine": "12345"}, "wrong-ine", "/ine"),
        ({"ine": "123456789A1"}, "wrong-ine", "/ine"),
        ({"ine": "١٢٣٤٥٦٧٨٩AB"}, "wrong-ine", "/ine"),
        ({"nom": " "}, "invalid", "/nom"),
        ({"prenom": "x" * 101}, "invalid", "/prenom"),
        ({"prenom": "<b>"}, "invalid", "/prenom"),
        ({"date_naissance": "31/02/2004"}, "invalid", "/date_naissance"),
        ({"date_naissance": "juillet"}, "invalid", "/date_naissance"),
        ({"date_naissance": "14/07/0204"}, "invalid", "/date_naissance"),
        ({"uai": "0670080A"}, "wrong-check-letter", "/uai"),
        ({"uai": "Lycée Fustel"}, "invalid", "/uai"),
        ({"niveau": "6EME"}, "unknown-level", "/niveau"),
        ({"niveau": "BTS 1ERE ANNEE"}, "unknown-level", "/niveau"),
        ({"code_postal": "67000 Strasbourg"}, "invalid", "/code_postal"),
    ],
)
def test_what_is_wrong_is_told_by_its_field_and_never_repeated(
    changes: dict[str, str], code: str, field: str
) -> None:
    told = core.read({**ELISE, **changes}, None)
    assert isinstance(told, Refusal)
    assert (told.code, told.field) == (code, field)
    (value,) = changes.values()
    assert len(value) < 4 or value not in told.detail


@pytest.mark.parametrize(
    "ine", ["123456789AB", "1234567890A", "1234A56789B"], ids=["2018", "before", "apprentice"]
)
def test_an_ine_is_known_by_its_shape(ine: str) -> None:
    assert core.ine(ine.lower()) == ine


@pytest.mark.parametrize(
    ("given", "country", "kept", "mended"),
    [
        ("8000", "", "08000", "postcode-mended"),
        ("8000", "FRANCE", "08000", "postcode-mended"),
        ("08000", "FRANCE", "08000", ""),
        ("1234", "BELGIQUE", "1234", ""),
        ("L-1234", "LUXEMBOURG", "L-1234", ""),
        ("", "", "", ""),
    ],
)
def test_a_postcode_gets_its_zero_back_in_france_alone(
    given: str, country: str, kept: str, mended: str
) -> None:
    pupil, said = read(code_postal=given, pays=country)
    assert (pupil.postcode, said) == (kept, mended)


@pytest.mark.parametrize(
    ("label", "level"),
    [
        ("SECONDE GENERALE & TECHNO YC BT", "2nde"),
        ("2NDPRO METIERS DE L'ELECTRICITE", "2nde"),
        ("PREMIERE GENERALE & TECHNO YC BT", "1ere"),
        ("1ERE STI2D", "1ere"),
        ("TERMINALE GENERALE & TECHNO YC BT", "term"),
        ("TLE PRO", "term"),
        ("1CAP2 CUISINE", "cap1"),
        ("2CAP2 CUISINE", "cap2"),
        ("1CAP1 COIFFURE", "cap2"),
        ("PREMIERE ANNEE DE CAP", "cap1"),
        ("DEUXIEME ANNEE DE CAP", "cap2"),
        ("TLE CAP", "cap2"),
        ("2NDE PRO ESCAPADE", "2nde"),
        ("1ERE PRO ACCOMPAGNEMENT HANDICAP", "1ere"),
        ("TLE PRO METIERS DU HANDICAP", "term"),
        ("1ERPRO", "1ere"),
        ("TERMINALE PROFESSIONNELLE", "term"),
        ("1ERE ANNEE BTS", None),
        ("1ERE ANNEE DE BTS", None),
        ("1ERE ANNEE", None),
        ("PREMIERE ANNEE DE CPGE", None),
        ("TERM. CAPACITE EN DROIT", None),
        ("3EME PREPA-METIERS", "3prepa"),
        ("2nde", "2nde"),
        ("cap1", "cap1"),
        ("6EME", None),
        ("CPGE 1", None),
        ("", None),
    ],
)
def test_labels_of_levels_are_understood_as_files_write_them(label: str, level: str | None) -> None:
    assert core.level(label) == level


def test_guardians_stand_in_columns_and_none_means_nobody_spoke_of_them() -> None:
    assert read()[0].guardians is None
    named = {"resp1_nom": "Lévy", "resp1_prenom": "Zoé", "resp2_nom": "", "resp2_prenom": ""}
    assert read(**named)[0].guardians == (Guardian("Lévy", "Zoé"),)
    assert read(**dict.fromkeys(named, ""))[0].guardians == ()


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("", None),
        ("Diplômé", "graduated"),
        ("Hors région", "left-region"),
        ("apprenticeship", "apprenticeship"),
    ],
)
def test_why_somebody_left_is_one_of_a_few_words(said: str, reason: str | None) -> None:
    assert core.leaving({"motif_sortie": said}) == reason


def test_another_reason_is_refused() -> None:
    told = core.leaving({"motif_sortie": "a suivi Mme X"})
    assert isinstance(told, Refusal)
    assert "Mme" not in told.detail


@pytest.mark.parametrize(
    ("born", "until"),
    [(date(2004, 7, 14), date(2022, 7, 14)), (date(2004, 2, 29), date(2022, 3, 1))],
)
def test_a_minor_is_one_until_the_eighteenth_birthday(born: date, until: date) -> None:
    assert replace(PUPIL, born_on=born).minor_until == until


def test_names_are_compared_without_accents_case_and_hyphens() -> None:
    assert identifiers.plain(" Œuvrard-Lévy  d’Ür ") == "OEUVRARD LEVY D UR"


# -- who it is


def known(*by: str, **changes: Any) -> Known:
    there = Known(
        pseudonym=STUDENTS[0],
        ine=INE,
        family_name="OEUVRARD LEVY",
        given_name="elise",
        born_on=date(2004, 7, 14),
        school=SCHOOL,
        by=frozenset(by),
    )
    return replace(there, **changes)


def who(*found: Known, raw: dict[str, str] | None = None, **changes: Any) -> Any:
    """The pseudonym and the note of a match, or the code of a refusal."""
    told = core.matched(replace(PUPIL, **changes), found, raw or {})
    return told.code if isinstance(told, Refusal) else (told.pseudonym, told.note)


SAME, NEW = (STUDENTS[0], ""), ("", "")


def test_whom_nothing_points_at_is_a_newcomer() -> None:
    assert who() == NEW


def test_the_ine_decides_where_name_or_birth_date_agrees() -> None:
    assert who(known("ine", "name")) == SAME
    assert who(known("ine", family_name="MARTIN")) == SAME, "somebody married"
    assert who(known("ine", born_on=date(2004, 7, 15))) == SAME, "a date was mended"
    other = known("ine", family_name="MARTIN", born_on=date(2003, 1, 1))
    assert who(other) == "ine-of-another"


def test_twins_are_not_taken_for_each_other_by_a_wrong_number() -> None:
    twin = known("ine", given_name="Eva", pseudonym=STUDENTS[1])
    assert who(twin) == (STUDENTS[1], ""), "a given name was mended"
    assert who(twin, known("name", ine=OTHER_INE)) == "ine-of-another"
    assert who(twin, known("name", "source", ine=OTHER_INE)) == "ine-of-another"
    assert who(known("ine", "name"), replace(twin, by=frozenset({"source"}))) == (
        "source-of-another"
    )


def test_nobody_takes_a_number_that_stands_for_somebody_else() -> None:
    owner = known("ine", family_name="MARTIN", born_on=date(2003, 1, 1))
    named = known("pseudonym", ine=OTHER_INE, pseudonym=STUDENTS[1])
    assert who(owner, named, raw={"pseudonyme": STUDENTS[1]}) == "ine-of-another"
    assert who(named, raw={"pseudonyme": STUDENTS[1]}) == (STUDENTS[1], "")


def test_of_several_whom_one_number_stands_for_the_one_is_taken_who_agrees() -> None:
    other = known("ine", family_name="MARTIN", born_on=date(2003, 1, 1), pseudonym=STUDENTS[1])
    assert who(other, known("ine", "name")) == SAME
    assert who(other, known("ine", family_name="DUPONT")) == SAME
    assert who(known("ine"), known("ine", pseudonym=STUDENTS[1])) == "homonyms"


def test_the_word_homonyme_counts_with_an_ine_alone_for_it_is_said_again_each_night() -> None:
    apart = {"homonyme": "oui"}
    assert who(raw=apart, ine="") == NEW
    assert who(known("name", ine=""), raw=apart, ine="") == "homonyms"
    assert who(known("name", ine=""), raw=apart) == NEW


def test_the_id_of_the_directory_decides_where_the_ine_changed() -> None:
    assert who(known("source", "name", ine=OTHER_INE)) == (STUDENTS[0], "ine-changed")
    assert who(known("source", ine="")) == SAME
    other = known("source", ine=OTHER_INE, family_name="MARTIN", born_on=date(2003, 1, 1))
    assert who(other) == "source-of-another"


def test_without_an_ine_name_birth_date_and_school_are_enough() -> None:
    assert who(known("name", ine="")) == SAME
    assert who(known("name"), ine="") == SAME


def test_without_an_ine_nobody_is_taken_for_a_pupil_of_another_school() -> None:
    assert who(known("name", ine="", school=OTHER_SCHOOL)) == "homonyms"
    assert who(known("name", ine="", school=None)) == "homonyms"


def test_homonyms_of_two_schools_are_told_apart_by_their_ine() -> None:
    assert who(known("name", ine=OTHER_INE, school=OTHER_SCHOOL)) == ("", "homonym")


def test_two_ines_for_one_name_at_one_school_are_for_a_person_to_settle() -> None:
    there = known("name", ine=OTHER_INE)
    assert who(there) == "two-ines"
    assert who(there, raw={"homonyme": "oui"}) == NEW
    assert who(there, raw={"pseudonyme": STUDENTS[0]}) == SAME
    told = core.matched(PUPIL, [there], {})
    assert isinstance(told, Refusal)
    assert STUDENTS[0] in told.detail
    assert "homonyme oui" in told.detail


def test_homonyms_at_one_school_are_never_guessed_between() -> None:
    two = (known("name", ine=""), known("name", ine="", pseudonym=STUDENTS[1]))
    assert who(*two) == "homonyms"
    assert who(known("name", ine=OTHER_INE), known("name", ine="", pseudonym=STUDENTS[1])) == (
        "homonyms"
    )


@pytest.mark.parametrize("said", [STUDENTS[3], "not a pseudonym"])
def test_a_pseudonym_in_a_row_must_be_somebodys(said: str) -> None:
    assert who(known("name"), raw={"pseudonyme": said}) in ("unknown-student", "invalid")


@pytest.mark.parametrize(
    ("leaving", "there", "confirmed", "held"),
    [
        (0, 1000, False, False),
        (330, 1000, False, False),
        (501, 1000, False, True),
        (501, 1000, True, False),
        (10, 12, False, False),
        (1, 1, False, True),
        (10, 10, False, True),
        (10, 10, True, False),
        (0, 0, False, False),
        (11, 12, False, True),
    ],
)
def test_a_school_that_half_of_it_leaves_at_once_was_rather_cut_short(
    leaving: int, there: int, confirmed: bool, held: bool
) -> None:
    assert (core.held_back(leaving, there, unread=False, confirmed=confirmed) is not None) is held


@pytest.mark.parametrize("leaving", [0, 1])
def test_nobody_leaves_while_a_row_that_cannot_be_read_may_be_of_him(leaving: int) -> None:
    assert (core.held_back(leaving, 500, unread=True, confirmed=False) is not None) is bool(leaving)
    assert core.held_back(leaving, 500, unread=True, confirmed=True) is None


def test_a_refused_row_that_points_at_nobody_hides_somebody_unless_he_is_none_of_ours() -> None:
    assert core.hides_somebody("invalid", {"source"})
    assert core.hides_somebody("wrong-ine", {"name"})
    assert not core.hides_somebody("unknown-level", {"name"}), "a BTS is read, and of nobody"
    assert not core.hides_somebody("unknown-structure", {"name", "ine"})
    assert core.hides_somebody("unknown-structure", {"source"})


def test_whoever_is_at_two_schools_in_one_file_is_a_question() -> None:
    assert core.elsewhere(PUPIL, []) is None
    assert core.elsewhere(PUPIL, [SCHOOL]) is None
    told = core.elsewhere(PUPIL, [OTHER_SCHOOL])
    assert told is not None
    assert told.code == "two-schools"


# -- what stays as it was


def test_what_a_file_leaves_out_stays_as_it_stood() -> None:
    stood = replace(PUPIL, postcode="08000", guardians=(Guardian("Lévy", "Zoé", "77"),))
    told = replace(PUPIL, ine="")
    assert core.filled(told, stood) == stood
    by_id = replace(told, guardians=(Guardian("", "", "77"), Guardian("", "", "78")))
    assert core.filled(by_id, stood).guardians == stood.guardians
    half = replace(told, guardians=(Guardian("Martin", "", "77"),))
    assert core.filled(half, stood).guardians == (Guardian("Martin", "Zoé", "77"),)


def test_an_id_of_the_directory_stays_with_the_academy_whose_it_is() -> None:
    stood = replace(PUPIL, source="1001", academy="strasbourg")
    assert core.filled(PUPIL, stood) == stood
    moved = replace(PUPIL, source="77", academy="reims")
    assert core.filled(moved, stood) == moved
    raw = core.to_be_read({"prenom": "Éva"}, stood)
    told = core.read(raw, None)
    assert not isinstance(told, Refusal)
    assert (told[0].source, told[0].academy) == ("1001", "strasbourg")
    assert read(academy="reims")[0].academy == "", "without an id"


def test_guardians_differ_by_their_names_and_not_by_their_order() -> None:
    zoe, ali = Guardian("Lévy", "Zoé"), Guardian("Œuvrard", "Ali")
    before = replace(PUPIL, guardians=(zoe, ali))
    assert not core.others_sign(before, replace(PUPIL, guardians=(ali, zoe)))
    assert core.others_sign(before, replace(PUPIL, guardians=(ali,)))
    assert not core.others_sign(PUPIL, before), "the first that are named are no change"
    assert not core.others_sign(before, PUPIL)


def test_a_guardian_who_is_called_otherwise_is_so_for_the_pupil() -> None:
    before = replace(PUPIL, guardians=(Guardian("Lévy", "Zoé", "77"), Guardian("X", "Y", "78")))
    another = Guardian("Martin", "", "77", "reims")
    assert core.changed(before, another) == before, "another académie's id"
    gone = core.changed(before, Guardian("", "", "77"))
    assert gone.guardians == (Guardian("X", "Y", "78"),)
    now = core.changed(before, Guardian("Martin", "", "77"))
    assert now.guardians == (Guardian("Martin", "Zoé", "77"), Guardian("X", "Y", "78"))
