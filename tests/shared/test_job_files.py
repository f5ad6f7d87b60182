"""Files as spreadsheets and suppliers write them, and what is no such file."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from sqlalchemy import Connection, select

from services.ordering import store
from shared import pieces, worker
from shared.databases import Database
from tests.builders import OTHER_SCHOOL, SCHOOL, SCHOOLS_CSV, a_database, a_uai
from tests.files import queued, report_of, worked
from tests.forms import examples

HEAD, FIRST, SECOND = SCHOOLS_CSV.splitlines()
NAME = "Lycée Fustel"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with a_database(database_url, "ordering") as database:
        yield database


async def imported(database: Database, content: bytes) -> dict[str, Any]:
    """The job of a school directory, worked off; with its report, and the names of schools."""
    job = await worked(database, await queued(database, content))
    rows = await report_of(database, job["id"])
    return job | {"rows": rows, "names": await database.read(names)}


def names(connection: Connection) -> dict[str, str]:
    listed = select(store.SCHOOLS.c.key, store.SCHOOLS.c.name)
    return {row.key.removeprefix("school:"): row.name for row in connection.execute(listed)}


@pytest.mark.parametrize(
    "content",
    [
        SCHOOLS_CSV.encode(),
        SCHOOLS_CSV.replace("\n", "\r\n").encode(),
        SCHOOLS_CSV.rstrip("\n").encode(),
        b"\xef\xbb\xbf" + SCHOOLS_CSV.encode(),
        SCHOOLS_CSV.encode("cp1252"),
        b"\xef\xbb\xbf" + SCHOOLS_CSV.replace(",", ";").replace("\n", "\r\n").encode(),
        SCHOOLS_CSV.replace(HEAD, HEAD.upper().replace(",", " , ")).encode(),
        "\n".join(
            ",".join(f'"{cell}"' for cell in line.split(",")) for line in (HEAD, FIRST, SECOND)
        ).encode(),
        f"\n{HEAD}\n\n{FIRST}\n  \n{SECOND}\n\n\n".lstrip("\n").encode(),
        SCHOOLS_CSV.replace(",", " ,\t").encode(),
        SCHOOLS_CSV.replace("Fustel", "Fus\x00tel").encode(),
        "\n".join(",".join(reversed(line.split(","))) for line in (HEAD, FIRST, SECOND)).encode(),
    ],
    ids=[
        "plain",
        "CRLF",
        "no last line end",
        "byte order mark",
        "Windows-1252",
        "as Excel saves it",
        "header in capitals",
        "quoted",
        "blank lines",
        "spaces about",
        "null characters",
        "columns in another order",
    ],
)
async def test_a_directory_is_read_however_it_was_saved(database: Database, content: bytes) -> None:
    job = await imported(database, content)
    assert (job["state"], job["total"], job["applied"]) == ("done", 2, 2), job
    assert job["names"] == {SCHOOL: NAME, OTHER_SCHOOL: "Lycée Lambert"}
    assert job["note"] is None


async def test_further_columns_are_named_and_ignored(database: Database) -> None:
    content = f"{HEAD},latitude,Téléphone\n{FIRST},48.5,0388000000\n"
    job = await imported(database, content.encode())
    assert job["note"] == "columns ignored: latitude, téléphone"
    assert job["applied"] == 1


async def test_columns_that_are_not_needed_may_be_left_out(database: Database) -> None:
    content = f"uai,nom,departement,commune\n{SCHOOL},{NAME},67,Strasbourg\n"
    assert (await imported(database, content.encode()))["names"] == {SCHOOL: NAME}


async def test_a_quoted_cell_may_hold_what_parts_cells(database: Database) -> None:
    rows = f'"{SCHOOL}";"Lycée ""Fustel""; annexe, site 2";"67";"Strasbourg"\n'
    job = await imported(database, ("uai;nom;departement;commune\n" + rows).encode())
    assert job["names"] == {SCHOOL: 'Lycée "Fustel"; annexe, site 2'}


async def test_a_header_may_quote_what_parts_cells_too(database: Database) -> None:
    content = f'uai,nom,"a note, for us",departement,commune\n{SCHOOL},{NAME},x,67,Strasbourg\n'
    job = await imported(database, content.encode())
    assert job["names"] == {SCHOOL: NAME}
    assert job["note"] == "columns ignored: a note, for us"


async def test_a_row_that_is_broken_is_refused_and_the_others_are_taken(
    database: Database,
) -> None:
    broken = [
        "",
        FIRST.replace(SCHOOL, "0670080A"),
        FIRST + ",one more",
        SCHOOL,
        FIRST.replace(NAME, ""),
        FIRST.replace(NAME, "x" * 300),
        FIRST.replace(NAME, "x" * 200_000),
        FIRST.replace(NAME, "a\x07b"),
        FIRST.replace(NAME, '"' + NAME),
        '"' + FIRST,
        ",,,,,,,,",
        ";;;;;;;;",
        "\x80\x81\xff",
    ]
    content = "\n".join([HEAD, *broken, SECOND, ""])
    job = await imported(database, content.encode("latin-1"))
    assert (job["state"], job["read"]) == ("done", len(broken))
    verdicts = [(verdict, code) for _, verdict, code, _ in job["rows"]]
    assert verdicts == [("refused", "invalid")] * (len(broken) - 1) + [("applied", "")]
    assert all(detail for *_, detail in job["rows"][:-1])
    assert job["names"] == {OTHER_SCHOOL: "Lycée Lambert"}


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf", "the header has no column uai, nom, departement, commune"),
        (b"\n\n\n", "the header has no column uai, nom"),
        (b"uai,nom,commune\n", "the header has no column departement"),
        (FIRST.encode(), "the header has no column uai"),
        (SCHOOLS_CSV.encode("utf-16"), "the header has no column uai"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "the header has no column uai"),
        (b"PK\x03\x04\x14\x00\x08\x08\x08\x00" * 50, "the header has no column uai"),
        (SCHOOLS_CSV.replace("\n", "\r").encode(), "cannot be read: a line break or a very long"),
        (b"uai," * 60_000 + b"\n", "the header has no column nom"),
        (b"x" * 200_000 + b",uai\n", "the header cannot be read"),
        (f"{HEAD},nom\n{FIRST},y\n".encode(), "nom stands more than once"),
        (b"x" * 3_000_000, "a line is longer than 1 MiB"),
        (f"{HEAD}\n{FIRST}\n".encode() + b"x" * 3_000_000, "a line is longer than 1 MiB"),
    ],
    ids=[
        "nothing",
        "a byte order mark",
        "blank lines",
        "a column less",
        "no header",
        "UTF-16",
        "PDF",
        "a workbook",
        "CR alone",
        "thousands of columns",
        "a header too long",
        "a column twice",
        "one line",
        "a line too long",
    ],
)
async def test_what_is_no_such_file_fails_with_a_sentence_and_is_thrown_away(
    database: Database, content: bytes, cause: str
) -> None:
    job = await imported(database, content)
    assert job["state"] == "failed"
    assert cause in job["cause"]
    assert "Error" not in job["cause"]
    assert job["finished_at"] is not None
    assert job["names"] == {}
    left = select(pieces.PIECES.c.number)
    assert await database.read(lambda connection: connection.execute(left).fetchall()) == []


async def test_a_header_alone_is_a_file_without_rows(database: Database) -> None:
    job = await imported(database, HEAD.encode())
    assert (job["state"], job["total"], job["read"]) == ("done", 0, 0)


DIRECTORY = {a_uai(number): f"Lycée {number}" for number in range(9)}


@settings(examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=some.integers(80, 300),
    rows=some.integers(1, 10),
    ends=some.lists(some.sampled_from(["\n", "\r\n", "\n \n"]), min_size=10, max_size=10),
    ended=some.booleans(),
)
def test_rows_are_the_same_wherever_pieces_and_chunks_end(
    size: int, rows: int, ends: list[str], ended: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lines = [HEAD, *(FIRST.replace(SCHOOL, uai).replace(NAME, DIRECTORY[uai]) for uai in DIRECTORY)]
    content = "".join(map("".join, zip(lines, ends, strict=True)))
    folder = tmp_path_factory.mktemp("pieces")

    async def work() -> dict[str, Any]:
        url = f"sqlite:///{folder / 'x.sqlite3'}"
        async with a_database(url, "ordering") as database:
            return await imported(database, (content if ended else content.rstrip()).encode())

    with mock.patch.object(pieces, "PIECE", size), mock.patch.object(worker, "ROWS", rows):
        job = asyncio.run(work())
    assert (job["state"], job["total"], job["applied"]) == ("done", 9, 9), job["cause"]
    assert job["names"] == DIRECTORY
