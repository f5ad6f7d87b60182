"""The ministry's directory files: whole ones, what changed, and what is none at all."""

import asyncio
import io
import zipfile
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from partners import directory
from services.enrolment.imports import aaf, files, lines
from shared.contracts.enrolment import LEVELS
from tests.builders import OTHER_SCHOOL, SCHOOL, Running
from tests.pupils import (
    GUARDIANS,
    HEAD,
    TAIL,
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
    loaded,
    said,
    sent,
    students,
    told_of,
)

LEO = Pupil("1002", "1234567890A", "Martin", "Léo", "01/02/2003", guardians=("2002",))
ELISE = Pupil()
NEW, SAME = ("applied", ""), ("duplicate", "already-so")


def person(running: Running, given_name: str) -> Any:
    for one in students(running):
        found = running.get("region", f"/api/people/{one['student']}")
        if found["given_name"] == given_name:
            return found
    return None


def test_a_zip_of_a_school_enrols_its_pupils_with_their_guardians(enrolment: Running) -> None:
    assert loaded(enrolment, a_directory(ELISE, LEO)) == [NEW, NEW, NEW, SAME]
    elise = person(enrolment, "Élise")
    assert (elise["school"], elise["level"]) == (SCHOOL, "2nde")
    assert [one["given_name"] for one in elise["guardians"]] == ["Zoé", "Ali"]
    export = enrolment.get("region", f"/api/people/{elise['student']}/export")
    assert (export["ine"], export["postcode"], export["directory_id"]) == (
        *("123456789AB", "67000"),
        "1001",
    )
    assert export["guardian_ids"] == ["2001", "2002"]


def test_the_same_zip_the_next_night_says_nothing(enrolment: Running) -> None:
    loaded(enrolment, a_directory(ELISE, LEO))
    assert loaded(enrolment, a_directory(LEO, ELISE)) == [SAME] * 4
    assert said(enrolment) == ["student-enrolled"] * 2


def test_whoever_is_in_a_whole_zip_no_more_has_left(enrolment: Running) -> None:
    loaded(enrolment, a_directory(ELISE, LEO))
    assert loaded(enrolment, a_directory(ELISE))[-1] == ("applied", "left")
    assert said(enrolment)[-1] == "student-left"


def test_a_delta_says_what_changed_and_nothing_of_others(enrolment: Running) -> None:
    loaded(enrolment, a_directory(ELISE, LEO))
    moved = {"ENTPersonStructRattach": ["8"]}
    level = {"ENTEleveNivFormation": ["PREMIERE GENERALE &amp; TECHNO YC BT"]}
    delta = {
        "EtabEducNat": a_file(a_school("8", OTHER_SCHOOL)),
        "PersRelEleve": a_file(a_guardian("2001", "Lévy", "Zora", act="modify")),
        "Eleve": a_file(
            a_request("Eleve", "1001", moved | level, "modify"),
            a_request("Eleve", "1002", {}, "delete"),
            a_request("Eleve", "1009", level, "modify"),
        ),
    }
    assert loaded(enrolment, a_zip(delta, "Delta")) == [
        NEW,
        NEW,
        NEW,
        ("refused", "unknown-student"),
        NEW,
    ]
    said_then = sorted(said(enrolment)[2:])
    assert said_then == ["guardians-changed", "student-left", "student-moved"]
    elise = person(enrolment, "Élise")
    assert (elise["school"], elise["level"], elise["family_name"]) == (
        *(OTHER_SCHOOL, "1ere"),
        "Lévy",
    )
    assert [one["given_name"] for one in elise["guardians"]] == ["Zora", "Ali"]


def test_guardians_that_a_delta_names_by_id_alone_are_those_who_are_known(
    enrolment: Running,
) -> None:
    loaded(enrolment, a_directory(ELISE))
    links = {"ENTElevePersRelEleve": ["2002$1$0$1$0$0", "2999$1$0$2$0$0", "2001$9$1$0$1$0"]}
    delta = a_zip({"Eleve": a_file(a_request("Eleve", "1001", links, "modify"))}, "Delta")
    assert loaded(enrolment, delta) == [("applied", "guardians-unnamed")]
    assert said(enrolment)[-1] == "guardians-changed"
    guardians = person(enrolment, "Élise")["guardians"]
    assert [one["given_name"] for one in guardians] == ["Ali"], "who pays does not sign"


def test_files_come_one_by_one_too_schools_first(enrolment: Running) -> None:
    pupils = a_file(a_pupil(ELISE))
    assert loaded(enrolment, pupils) == [("refused", "unknown-structure")]
    assert loaded(enrolment, a_file(a_school())) == [NEW]
    assert loaded(enrolment, a_file(GUARDIANS)) == [("duplicate", "unknown-guardian")] * 2
    assert loaded(enrolment, pupils) == [("applied", "guardians-unnamed")]
    assert person(enrolment, "Élise")["guardians"] == []


def test_two_academies_may_use_one_id_for_two_persons(enrolment: Running) -> None:
    loaded(enrolment, a_directory(ELISE), "?academy=strasbourg")
    other = Pupil("1001", "000000001AB", "Dupont", "Ana", structure="7")
    assert loaded(enrolment, a_directory(other, ELISE), "?academy=reims")[1] == NEW
    assert len(students(enrolment)) == 2


def test_two_academies_may_use_one_id_for_two_schools(enrolment: Running) -> None:
    loaded(enrolment, a_directory(ELISE), "?academy=strasbourg")
    ana = Pupil("9", "000000001AB", "Dupont", "Ana")
    theirs = a_file(a_school("7", OTHER_SCHOOL), GUARDIANS, a_pupil(ana))
    assert loaded(enrolment, theirs, "?academy=reims") == [NEW, NEW]
    delta = a_zip({"Eleve": a_file(a_pupil(ELISE))}, "Delta")
    assert loaded(enrolment, delta, "?academy=strasbourg") == [SAME]
    assert {one["school"] for one in students(enrolment)} == {SCHOOL, OTHER_SCHOOL}


def test_an_id_is_of_its_academy_whatever_other_files_tell_of_the_person(
    enrolment: Running,
) -> None:
    loaded(enrolment, a_directory(ELISE), "?academy=strasbourg")
    table = a_table([a_row(ine=ELISE.ine, prenom="Élise Ève")])
    assert loaded(enrolment, table) == [("applied", "record-updated")]
    zora = a_file(a_guardian("2001", "Lévy", "Zora", act="modify"))
    assert loaded(enrolment, zora, "?academy=reims") == [("duplicate", "unknown-guardian")]
    assert loaded(enrolment, zora, "?academy=strasbourg") == [NEW]
    gone = a_zip({"Eleve": a_file(a_request("Eleve", "1001", {}, "delete"))}, "Delta")
    assert loaded(enrolment, gone, "?academy=strasbourg") == [NEW]
    assert said(enrolment)[1:] == ["guardians-changed", "student-left"]


def test_a_delta_mends_the_name_of_one_who_left_and_enrols_nobody(enrolment: Running) -> None:
    loaded(enrolment, a_directory(ELISE), "?school_year=2019-2020")
    named = {"givenName": ["Élisa"]}
    delta = a_zip({"Eleve": a_file(a_request("Eleve", "1001", named, "modify"))}, "Delta")
    assert loaded(enrolment, delta) == [("applied", "record-updated")]
    assert students(enrolment)[0]["school_year"] == "2019-2020"
    gone = a_zip({"Eleve": a_file(a_request("Eleve", "1001", {}, "delete"))}, "Delta")
    loaded(enrolment, gone)
    named["givenName"] = ["Élise"]
    delta = a_zip({"Eleve": a_file(a_request("Eleve", "1001", named, "modify"))}, "Delta")
    assert loaded(enrolment, delta) == [("applied", "record-updated")]
    assert said(enrolment) == ["student-enrolled", "student-left"]


def test_guardians_keep_the_names_that_a_delta_leaves_out_and_end_when_it_deletes_them(
    enrolment: Running,
) -> None:
    loaded(enrolment, a_directory(ELISE))
    links = {"ENTElevePersRelEleve": ["2001$1$0$1$0$0", "2002$1$0$2$0$0"]}
    delta = {
        "PersRelEleve": a_file(a_request("PersRelEleve", "2001", {"sn": ["Neuf"]}, "modify")),
        "Eleve": a_file(a_request("Eleve", "1001", links, "modify")),
    }
    assert loaded(enrolment, a_zip(delta, "Delta")) == [NEW]
    elise = person(enrolment, "Élise")["guardians"]
    assert [tuple(one.values()) for one in elise] == [("Neuf", "Zoé"), ("Martin", "Ali")]
    deleted = a_file(a_request("PersRelEleve", "2002", {}, "delete"))
    assert loaded(enrolment, a_zip({"PersRelEleve": deleted}, "Delta")) == [NEW]
    assert [one["given_name"] for one in person(enrolment, "Élise")["guardians"]] == ["Zoé"]


def test_twins_stay_two_where_a_delta_gives_one_the_others_ine(enrolment: Running) -> None:
    ana = Pupil("1", "000000001AB", "Lévy", "Ana")
    eva = Pupil("2", "000000002AB", "Lévy", "Eva")
    loaded(enrolment, a_directory(ana, eva))
    wrong = a_file(a_pupil(Pupil("2", "000000001AB", "Lévy", "Eva")))
    assert loaded(enrolment, a_zip({"Eleve": wrong}, "Delta")) == [("refused", "ine-of-another")]
    gone = a_file(a_request("Eleve", "2", {}, "delete"))
    assert loaded(enrolment, a_zip({"Eleve": gone}, "Delta")) == [NEW]
    assert [person(enrolment, name) is None for name in ("Ana", "Eva")] == [False, True]


def test_a_school_of_which_a_whole_zip_names_no_pupil_is_not_closed_until_that_is_said(
    enrolment: Running,
) -> None:
    others = [
        Pupil(str(3_000 + number), f"{number:09d}AB", "Dupont", f"Ana {number}", structure="8")
        for number in range(10)
    ]

    def of(*pupils: Pupil) -> bytes:
        schools = a_file(a_school(), a_school("8", OTHER_SCHOOL))
        told = {"EtabEducNat": schools, "PersRelEleve": a_file(GUARDIANS)}
        return a_zip(told | {"Eleve": a_file(*map(a_pupil, pupils))})

    loaded(enrolment, of(ELISE, LEO, *others))
    assert loaded(enrolment, of(ELISE, LEO))[-1] == ("refused", "too-many-would-leave")
    assert "student-left" not in said(enrolment)
    assert loaded(enrolment, of(ELISE, LEO), "?leaving=confirmed")[-1] == ("applied", "left")


def test_a_zip_named_complet_names_not_everybody_where_the_address_says_so(
    enrolment: Running,
) -> None:
    loaded(enrolment, a_directory(ELISE, LEO))
    assert loaded(enrolment, a_directory(ELISE), "?full=false") == [SAME, SAME]
    assert "student-left" not in said(enrolment)


@pytest.mark.parametrize("encoding", ["UTF-8", "ISO-8859-15", "ISO-8859-1", "UTF-16"])
def test_a_file_is_read_in_the_encoding_that_it_declares(enrolment: Running, encoding: str) -> None:
    loaded(enrolment, a_file(a_school()))
    told = loaded(enrolment, a_file(a_pupil(ELISE), encoding=encoding))
    assert told == [("applied", "guardians-unnamed")]
    assert person(enrolment, "Élise")["family_name"] == "Lévy"


# -- what is no such file: nothing of it is taken

WHOLE = a_file(a_school(), GUARDIANS, a_pupil(ELISE), a_pupil(LEO))
HEADING = HEAD.format(encoding="UTF-8", doctype="")
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha" * 10}">' for n in range(10))
OUTSIDE = '<!DOCTYPE ficAlimMENESR [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n'


def stating(size: int) -> bytes:
    """A zip whose files say that they have so many bytes unpacked."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        for number in range(3):
            out.writestr(f"ENT_0670080Y_Complet_20200901_Eleve_{number:04d}.xml", WHOLE)
        for one in out.filelist:
            one.file_size = size
    return packed.getvalue()


def part(number: int) -> str:
    return f"ENT_0670080Y_Complet_20200901_Eleve_{number:04d}.xml"


def named(name: str) -> bytes:
    return a_zip({name: WHOLE})


def locked() -> bytes:
    """A zip whose one file says that a password opens it."""
    content = bytearray(a_zip({"Eleve": WHOLE}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    return bytes(content)


BROKEN: dict[str, tuple[bytes, str]] = {
    "cut off": (WHOLE[:-200], "the XML cannot be read"),
    "cut off in its first line": (WHOLE[:20], "the XML cannot be read"),
    "two roots": (WHOLE + WHOLE, "the XML cannot be read"),
    "no end tag": (WHOLE.replace(b"</id>", b"", 1), "mismatched tag"),
    "another root": (b"<html><body/></html>", "its root is not ficAlimMENESR"),
    "what is no request": (HEADING.encode() + b"<other/>" + TAIL.encode(), "no request"),
    "no id": (WHOLE.replace(b"<id>1001</id>", b"<id/>"), "no id or no category"),
    "another encoding than it says": (a_file(a_pupil(ELISE)).decode().encode("cp1252"), "cannot"),
    "an encoding that nobody knows": (WHOLE.replace(b"UTF-8", b"EBCDIC-9"), "encoding"),
    "a billion laughs": (
        a_file(
            a_pupil(ELISE).replace("lise", "&l9;"), doctype=f"<!DOCTYPE ficAlimMENESR [{LAUGHS}]>"
        ),
        "declares entities",
    ),
    "a file of this machine": (
        a_file(a_pupil(ELISE).replace("lise", "&x;"), doctype=OUTSIDE),
        "entities",
    ),
    "a huge value": (
        a_file(a_pupil(Pupil(family_name="x" * 5_000))),
        "longer than 4000 characters",
    ),
    "a thousand values": (
        a_file(a_request("Eleve", "1", {"sn": ["x"] * 1_000})),
        "more than 500 values",
    ),
    "a long name of an attribute": (
        WHOLE.replace(b'name="sn"', b'name="' + b"x" * 300 + b'"', 1),
        "a name is longer than 200 characters",
    ),
    "a name without an end": (
        (HEADING + "<addRequest><attr name='" + "x" * 400_000).encode(),
        "256 KiB hold no element",
    ),
    "a zip of comments": (
        a_zip({"Eleve": a_file(a_pupil(ELISE), "<!--x-->" * 50_000)}),
        "256 KiB hold no element",
    ),
    "too deep": (
        (HEADING + "<addRequest>" + "<a>" * 20 + "</a>" * 20 + "</addRequest>" + TAIL).encode(),
        "too deep",
    ),
    "no zip": (b"PK\x03\x04" + b"x" * 500, "the zip is broken"),
    "a zip that was cut off": (a_directory(ELISE)[:-30], "the zip is broken"),
    "a zip with a flipped bit": (
        (whole := a_directory(ELISE, LEO))[:90] + bytes([whole[90] ^ 255]) + whole[91:],
        "",
    ),
    "a zip with a password": (locked(), "locked by a password"),
    "a zip that holds more than it says": (stating(100), ""),
    "a zip of other things": (a_zip({"eleves.docx": b"x"}), "holds no file named like"),
    "a zip with a broken file in it": (
        a_zip({"EtabEducNat": a_file(a_school()), "Eleve": WHOLE[:-200]}),
        "the XML cannot be read",
    ),
    "a zip without a part": (
        a_zip({part(number): WHOLE for number in (0, 2)}),
        "a part is missing from the zip",
    ),
    "a zip without its first part": (a_zip({part(1): WHOLE}), "a part is missing from the zip"),
    "a file that would lie outside": (
        named("../ENT_0670080Y_Complet_20200901_Eleve_0000.xml"),
        "outside of it",
    ),
    "a file at the root": (named("/etc/ENT_x_Complet_1_Eleve_0000.xml"), "outside of it"),
    "an empty file": (b"", "the file is empty"),
    "no header": (b"1,2,3\n4,5,6\n", "the header has no column nom"),
    "a header twice": (b"nom,nom,prenom,date_naissance,uai,niveau\n", "stands more than once"),
    "a line without an end": (b"x" * 100_000, "a line is longer than 64 KiB"),
    "a spreadsheet": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 100, "the header"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_broken_changes_nothing(enrolment: Running, name: str) -> None:
    content, told = BROKEN[name]
    before = enrolment.counts()
    answer = sent(enrolment, content)
    assert (answer.status_code, answer.json()["code"]) == (422, "unfit-file"), answer.text
    assert told in answer.json()["detail"]
    for value in ("Lévy", "Élise", "Martin", "123456789AB", "2004", "xxxx"):
        assert value not in answer.text
    assert enrolment.counts() == before


def test_a_zip_bomb_is_refused_before_it_is_opened(enrolment: Running) -> None:
    answer = sent(enrolment, stating(1 << 30))
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
    assert enrolment.counts()["job"] == 0


@pytest.mark.parametrize("kind", [files.ZIP, files.XML])
def test_others_are_served_while_a_large_file_is_read_whatever_it_holds(kind: str) -> None:
    relatives = a_file(*(a_guardian(str(number), "Lévy", "Zoé") for number in range(5_000)))
    content = a_zip({"PersRelEleve": relatives}) if kind == files.ZIP else relatives

    async def whole() -> AsyncIterator[bytes]:
        yield content

    async def turns() -> int:
        """How often another task had its turn."""
        had, reading = 0, asyncio.create_task(read())
        while not reading.done():
            await asyncio.sleep(0)
            had += 1
        return had

    async def read() -> list[bytes]:
        return [one async for one in lines.sealing(files.rows(kind, whole(), False), b"k" * 32)]

    assert asyncio.run(turns()) >= len(relatives) // files.PIECE


def test_a_zip_is_no_larger_than_memory_holds(
    enrolment: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "ZIP_LIMIT", 100)
    answer = sent(enrolment, a_directory(ELISE))
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


def test_guardians_are_held_up_to_a_limit(
    enrolment: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aaf, "RELATIVES", 1)
    answer = sent(enrolment, a_directory(ELISE))
    assert (answer.status_code, answer.json()["code"]) == (422, "unfit-file")


def test_another_kind_of_content_is_refused(enrolment: Running) -> None:
    answer = sent(enrolment, WHOLE, kind="application/octet-stream")
    assert (answer.status_code, answer.json()["code"]) == (415, "wrong-content-type")


def test_what_is_not_of_pupils_is_passed_over(enrolment: Running) -> None:
    teacher = a_request("PersEducNat", "3001", {"sn": ["Prof"], "givenName": ["Ida"]})
    assert loaded(enrolment, a_file(teacher, a_school())) == [NEW]
    unasked = told_of(replace(ELISE, guardians=())) | {
        "ENTPersonNomPatro": ["X"],
        "ENTEleveRegime": ["EXTERNE LIBRE"],
    }
    assert loaded(enrolment, a_file(a_request("Eleve", "1001", unasked))) == [NEW]


# -- the invented directory


def test_an_invented_directory_is_read_whole_and_another_night_says_its_differences(
    enrolment: Running, tmp_path: Path
) -> None:
    first, again, later = (tmp_path / name for name in ("first.zip", "again.zip", "later.zip"))
    assert directory.write(first, 600, 7, 0) == 600
    directory.write(again, 600, 7, 0)
    assert first.read_bytes() == again.read_bytes()
    codes = Counter(loaded(enrolment, first.read_bytes()))
    assert {verdict for verdict, _ in codes} == {"applied", "duplicate"}
    assert {"postcode-mended", ""} <= {code for verdict, code in codes if verdict == "applied"}
    assert Counter(said(enrolment)) == {"student-enrolled": 600}
    assert {one["level"] for one in students(enrolment, "?limit=500")} == {*LEVELS}
    left = directory.write(later, 600, 7, 5)
    assert loaded(enrolment, later.read_bytes(), "?leaving=confirmed")
    told = Counter(said(enrolment))
    assert told["student-enrolled"] - told["student-left"] == left
    assert told["student-moved"] > 0
    assert set(told) == {"student-enrolled", "student-left", "student-moved"}
