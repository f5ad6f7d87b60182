"""Names of things: the one spelling of each, and what is not let in."""

import csv
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared import settings
from shared.contracts import identifiers
from shared.contracts.identifiers import Makers
from tests.builders import MAKERS, SCHOOL, SHIPMENT, a_uai, an_sscc

NUL, ESCAPE, HALF = "\x00", "\x1b", "\ud800"


# -- schools


@given(some.integers(0, 9_999_999))
def test_every_school_number_is_taken_with_its_check_letter_and_with_no_other(number: int) -> None:
    right = a_uai(number)
    assert identifiers.uai(right) == right
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        if letter != right[-1]:
            with pytest.raises(ValueError, match=f"{letter} where {right[-1]} is expected"):
                identifiers.uai(right[:-1] + letter)


def test_a_school_number_is_read_in_lower_case_between_spaces_and_without_its_first_zeros() -> None:
    assert identifiers.uai(f"  {SCHOOL.lower()}\n") == SCHOOL
    assert identifiers.uai(SCHOOL[1:]) == SCHOOL
    ardennes = a_uai(80_006)
    assert identifiers.uai(ardennes.lstrip("0")) == ardennes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A",
        "1B",
        SCHOOL[:-1],
        SCHOOL + "A",
        "067-080Y",
        "٠٦٧٠٠٨٠Y",
        "0670080" + HALF,
        "x" * 10_000,
    ],
    ids=ascii,
)
def test_what_is_not_seven_digits_and_a_letter_is_no_school(text: str) -> None:
    with pytest.raises(ValueError, match="is not a UAI"):
        identifiers.uai(text)


# -- shipments


@given(some.integers(0, 10**17 - 1), some.integers(1, 9))
def test_a_shipment_number_is_taken_with_its_check_digit_and_with_no_other(
    number: int, off: int
) -> None:
    right = an_sscc(number)
    assert identifiers.sscc(right) == right
    with pytest.raises(ValueError, match="wrong check digit"):
        identifiers.sscc(right[:-1] + str((int(right[-1]) + off) % 10))


def test_a_shipment_number_is_read_as_labels_print_it() -> None:
    spaced = " ".join((SHIPMENT[:1], SHIPMENT[1:8], SHIPMENT[8:17], SHIPMENT[17:]))
    assert identifiers.sscc(f" (00){spaced} ") == SHIPMENT
    assert identifiers.sscc(f"(00) {spaced}") == SHIPMENT


@pytest.mark.parametrize("before", ["00", "]C100", "]d200", "]Q300", "]C1(00)"])
def test_a_shipment_number_is_read_as_scanners_give_it(before: str) -> None:
    assert identifiers.sscc(f"{before}{SHIPMENT}\r\n") == SHIPMENT
    starts_with_zeros = an_sscc(1)
    assert identifiers.sscc(f"{before}{starts_with_zeros}") == starts_with_zeros
    assert identifiers.sscc(starts_with_zeros) == starts_with_zeros


@pytest.mark.parametrize(
    "text",
    ["", "1" * 17, "1" * 19, "٠" * 18, "1" * 17 + NUL, "0100" + "1" * 18, "]C0" + "1" * 18],
    ids=ascii,
)
def test_what_is_not_eighteen_digits_is_no_shipment(text: str) -> None:
    with pytest.raises(ValueError, match="is not an SSCC"):
        identifiers.sscc(text)


# -- laptops


def test_a_laptop_has_one_key_however_its_maker_and_serial_are_written() -> None:
    spellings = [("HP", "5cd0001"), ("hp", " 5CD 0001 "), ("  Hewlett-Packard", "5cd\u00a00001")]
    assert {MAKERS.laptop(maker, serial) for maker, serial in spellings} == {"hp/5CD0001"}


def test_every_maker_of_the_table_answers_to_its_own_slug() -> None:
    file = settings.ROOT / "deploy" / "makers.csv"
    known = settings.makers(file)
    aliases = file.read_text().partition("\n\n")[0]
    rows = list(csv.DictReader(aliases.splitlines()))
    assert rows
    for row in rows:
        assert known.slug(f" {row['alias'].upper()} ") == row["maker"]
        assert known.slug(row["maker"]) == row["maker"]


TABLE = (
    "alias,maker\nHP,hp\nAcer,acer\n\ngtin,maker,model\n5901234123457,hp,HP  245 G8\n"
    "\ngiai,maker\n4000001,hp\n40000019,acer\n"
)


def test_the_table_of_makers_tells_of_trade_items_and_of_assets_too() -> None:
    known = identifiers.makers(TABLE.splitlines())
    assert known.slug("hp") == "hp"
    assert known.models == {"05901234123457": ("hp", "HP 245 G8")}
    assert known.asset("40000015CD1") == ("hp", "5CD1")
    assert known.asset("40000019X77") == ("acer", "X77"), "the longest beginning counts"
    assert known.asset("4000001") is None
    assert known.asset("5000001X") is None


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("gtin,maker,model\n5901234123458,hp,HP", "is not a GTIN"),
        ("gtin,maker,model\n123456789,hp,HP", "is not a GTIN"),
        ("gtin,maker,model\n5901234123457,commodore,64", "'commodore' has a GTIN or a GIAI"),
        ("giai,maker\n400,commodore", "'commodore' has a GTIN or a GIAI"),
        ("gtin,maker,model\n5901234123457,hp", "does not stand under its header"),
        ("model,maker\nX,hp", "is no header"),
        ("gtin,model,maker\n5901234123457,X,hp", "is no header"),
    ],
)
def test_a_row_that_the_table_of_makers_cannot_hold_is_named(row: str, said: str) -> None:
    table = f"alias,maker\nHP,hp\n{row}\n".splitlines()
    with pytest.raises(ValueError, match=said):
        identifiers.makers(table)


def test_a_maker_that_the_table_does_not_know_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"'Commodore' is no maker .*: hp, lenovo; "):
        MAKERS.laptop("Commodore", "64")


@pytest.mark.parametrize("serial", ["6.37702E+15", "6,37E15", "1e10", "6e+2"])
def test_a_serial_that_a_spreadsheet_rewrote_is_refused(serial: str) -> None:
    with pytest.raises(ValueError, match="rewritten by a spreadsheet"):
        identifiers.serial_number(serial)


@pytest.mark.parametrize(
    "serial",
    [
        "",
        "AB",
        "A" * 41,
        "5CD/0001",
        "5CD0001;",
        "-5CD",
        "é" * 5,
        "5CD" + NUL,
        "5CD" + HALF,
        "٥٥٥٥",
    ],
    ids=ascii,
)
def test_what_no_maker_prints_is_no_serial(serial: str) -> None:
    with pytest.raises(ValueError, match="is not a serial number"):
        identifiers.serial_number(serial)


@given(some.text(max_size=60), some.text(max_size=60))
def test_a_laptop_key_that_was_made_is_its_own_spelling(maker: str, serial: str) -> None:
    makers = Makers({**MAKERS.slugs, maker.lower().strip(): "hp"})
    try:
        key = makers.laptop(maker, serial)
    except ValueError:
        return
    again = makers.laptop(*key.split("/"))
    assert again == key
    assert key.isascii()
    assert identifiers.kind_of(key) == "laptop"


# -- people, parties, papers


def test_a_student_is_a_uuid_in_its_one_spelling() -> None:
    plain = "9f1b6d1e-0d4e-4a55-9a54-6e7f1c1f1b11"
    for spelling in (plain.upper(), f" {plain} ", f"urn:uuid:{plain}", plain.replace("-", "")):
        assert identifiers.pseudonym(spelling) == plain


@pytest.mark.parametrize("name", ["", "Ada Lovelace", "123456789AB", "9f1b6d1e", HALF], ids=ascii)
def test_no_name_slips_in_as_a_student(name: str) -> None:
    with pytest.raises(ValueError, match="pseudonym"):
        identifiers.pseudonym(name)


@pytest.mark.parametrize(
    "party", ["region", "ops", "carrier:acme", "supplier:a-1", f"school:{SCHOOL}", "desk:x"]
)
def test_a_party_is_a_role_and_where_several_have_it_a_name(party: str) -> None:
    assert identifiers.party(party) == party


def test_a_school_as_party_is_named_in_its_one_spelling() -> None:
    assert identifiers.party(f"school:{SCHOOL[1:].lower()}") == f"school:{SCHOOL}"


@pytest.mark.parametrize(
    "party",
    [
        "",
        ":",
        "region:x",
        "ops:",
        "carrier",
        "carrier:",
        "carrier:ACME",
        "carrier:a b",
        "carrier:-a",
        "carrier:" + "a" * 41,
        "school:0670080X",
        "king:louis",
    ],
)
def test_what_is_not_a_party_is_refused(party: str) -> None:
    with pytest.raises(ValueError, match=r"party|check letter"):
        identifiers.party(party)


@pytest.mark.parametrize(
    ("read", "good", "bad"),
    [
        (
            identifiers.document_name,
            ["BC-2020_1.a", "1", "a" * 64],
            ["", "a" * 65, "a/b", "é", "a b", "a\n"],
        ),
        (
            identifiers.school_year,
            ["2020-2021", "1999-2000"],
            ["2020-2022", "2020", "٢٠٢٠-٢٠٢١", "2021-2020"],
        ),
        (
            identifiers.label,
            ["HP 245 G8", "É" * 250],
            ["", " \n", "a" * 251, "a" + ESCAPE, "a" + NUL],
        ),
    ],
    ids=["document_name", "school_year", "label"],
)
def test_papers_and_people_are_named_as_described(
    read: Callable[[str], str], good: list[str], bad: list[str]
) -> None:
    for text in good:
        assert read(text) == text
    for text in bad:
        with pytest.raises(ValueError, match=r"."):
            read(text)


def test_a_label_has_single_spaces() -> None:
    assert (
        identifiers.label("  Lycée \t Fustel\u00a0de  Coulanges\n") == "Lycée Fustel de Coulanges"
    )


def test_a_key_says_what_it_names() -> None:
    kinds = {
        "hp/5CD1": "laptop",
        f"school:{SCHOOL}": "school",
        "order:BC1": "order",
        f"shipment:{SHIPMENT}": "shipment",
    }
    assert {key: identifiers.kind_of(key) for key in kinds} == kinds
