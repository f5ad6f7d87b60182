"""Invented pupils, and files that tell of them as the ministry's directory does."""

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from msgspec import Struct

from services.enrolment.imports.files import CSV, XML, ZIP
from tests.builders import OTHER_SCHOOL, SCHOOL, Running

HEAD = '<?xml version="1.0" encoding="{encoding}"?>\n{doctype}<ficAlimMENESR>\n'
DOCTYPE = '<!DOCTYPE ficAlimMENESR SYSTEM "ficAlimMENESR.dtd">\n'
TAIL = "</ficAlimMENESR>\n"
KIND = {"EtabEducNat": "categorieStructure"}


class Pupil(Struct, frozen=True):
    """A pupil as a file tells of one."""

    id: str = "1001"
    ine: str = "123456789AB"
    family_name: str = "Lévy"
    given_name: str = "Élise"
    born_on: str = "14/07/2004"
    structure: str = "7"
    level: str = "SECONDE GENERALE &amp; TECHNO YC BT"
    guardians: tuple[str, ...] = ("2001", "2002")


def a_request(kind: str, id: str, values: Mapping[str, Sequence[str]], act: str = "add") -> str:
    """One request; the values are XML already."""
    name, inside = ("attr", "attributes") if act == "add" else ("modification", "modifications")
    operation = "" if act == "add" else ' operation="replace"'
    told = "".join(
        f'<{name} name="{one}"{operation}>'
        + "".join(f"<value>{value}</value>" for value in of)
        + f"</{name}>"
        for one, of in values.items()
    )
    body = "" if act == "delete" else f"<{inside}>{told}</{inside}>"
    category = KIND.get(kind, "categoriePersonne")
    return (
        f"<{act}Request><operationalAttributes>"
        f'<attr name="{category}"><value>{kind}</value></attr></operationalAttributes>'
        f"<identifier><id>{id}</id></identifier>{body}</{act}Request>\n"
    )


def a_pupil(pupil: Pupil) -> str:
    return a_request("Eleve", pupil.id, told_of(pupil))


def told_of(pupil: Pupil) -> dict[str, Sequence[str]]:
    links = [f"{one}$1$0${1 + place}$0$0" for place, one in enumerate(pupil.guardians)]
    return {
        "ENTPersonJointure": [pupil.id],
        "ENTPersonDateNaissance": [pupil.born_on],
        "sn": [escape(pupil.family_name)],
        "givenName": [escape(pupil.given_name)],
        "ENTEleveINE": [pupil.ine],
        "ENTElevePersRelEleve": links or [""],
        "ENTPersonStructRattach": [pupil.structure],
        "ENTEleveMEF": ["20010018110"],
        "ENTEleveNivFormation": [pupil.level],
    }


def a_school(id: str = "7", uai: str = SCHOOL) -> str:
    return a_request("EtabEducNat", id, {"ENTStructureUAI": [uai]})


def a_guardian(id: str, family: str, given: str, postcode: str = "67000", act: str = "add") -> str:
    values = {"sn": [family], "givenName": [given], "ENTPersonCodePostal": [postcode]}
    return a_request("PersRelEleve", id, values | {"ENTPersonPays": ["FRANCE"]}, act)


GUARDIANS = a_guardian("2001", "Lévy", "Zoé") + a_guardian("2002", "Martin", "Ali")


def a_file(*requests: str, encoding: str = "UTF-8", doctype: str = DOCTYPE) -> bytes:
    head = HEAD.format(encoding=encoding, doctype=doctype)
    return (head + "".join(requests) + TAIL).encode(encoding)


def a_zip(files: Mapping[str, bytes], mode: str = "Complet") -> bytes:
    """Files by kind, named as the ministry names them; a name with a dot stays as it is."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        for kind, content in files.items():
            name = kind if "." in kind else f"ENT_0670080Y_{mode}_20200901_{kind}_0000.xml"
            out.writestr(name, content)
    return packed.getvalue()


def a_directory(*pupils: Pupil, mode: str = "Complet", more: str = "") -> bytes:
    """A zip that tells everything of one school."""
    return a_zip(
        {
            "Eleve": a_file(*map(a_pupil, pupils), more),
            "EtabEducNat": a_file(a_school()),
            "PersRelEleve": a_file(GUARDIANS),
        },
        mode,
    )


def a_table(rows: Iterable[Mapping[str, str]]) -> str:
    """Rows as a CSV file, with the columns that any of them has."""
    told = list(rows)
    names = list(dict.fromkeys(name for row in told for name in row))
    lines = [names, *([row.get(name, "") for name in names] for row in told)]
    return "".join(",".join(line) + "\n" for line in lines)


def a_row(number: int = 1, **changes: str) -> dict[str, str]:
    row = {
        "ine": f"{number:09d}AB",
        "nom": "Lévy",
        "prenom": f"Élise {number}",
        "date_naissance": "14/07/2004",
        "uai": SCHOOL,
        "niveau": "2nde",
    }
    return row | changes


def sent(running: Running, content: bytes | str, kind: str = "", query: str = "") -> Any:
    """What the service answers to a file, its kind told by what it begins with."""
    raw = content.encode() if isinstance(content, str) else content
    told = kind or (ZIP if raw[:2] == b"PK" else XML if raw[:1] in (b"<", b"\xff") else CSV)
    path, headers = f"/api/pupils/imports{query}", {"Content-Type": told}
    return running.ask("region", "POST", path, content=raw, headers=headers)


def loaded(running: Running, content: bytes | str, query: str = "") -> list[tuple[str, str]]:
    """The verdict and the code of each row of a file, once all are taken."""
    answer = sent(running, content, query=query)
    assert answer.status_code == 202, answer.text
    job = running.ended("region", answer.headers["Location"])
    assert job["state"] == "done", job
    report = running.ask("region", "GET", f"{answer.headers['Location']}/report").text
    rows = [line.split(",", 3) for line in report.splitlines()[1:]]
    assert len(rows) == job["total"] == job["read"]
    return [(row[1], row[2]) for row in rows]


def students(running: Running, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = running.get("region", f"/api/students{query}")["items"]
    return found


def said(running: Running) -> list[str]:
    """The facts of the ledger, in their order, without the service's name and version."""
    rows = running.rows("SELECT type FROM ledger WHERE type IS NOT NULL ORDER BY position")
    return [row[0].removeprefix("enrolment.").removesuffix(".v1") for row in rows]


def three_known(enrolment: Running) -> list[str]:
    """The pseudonyms of three pupils: two of one school, one of another."""
    rows = [a_row(1), a_row(2, nom="Martin"), a_row(3, uai=OTHER_SCHOOL)]
    assert loaded(enrolment, a_table(rows)) == [("applied", "")] * 3
    found = {
        enrolment.get("region", f"/api/people/{one['student']}")["given_name"]: one["student"]
        for one in students(enrolment)
    }
    return [found[f"Élise {number}"] for number in (1, 2, 3)]
