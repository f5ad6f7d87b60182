"""What a school is called on handover's pages and papers, on both databases."""

import csv
import io
from datetime import datetime, timedelta
from typing import Any

import httpx
import pypdf
import pytest
from alembic import command
from msgspec.structs import replace
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from sqlalchemy import Connection

from services.handover import core, pages, store
from services.handover import papers as of_handover
from services.handover.papers import LEFT, RIGHT, Paper
from services.handover.shown import HandoverShown, SchoolNamed
from shared import migrations
from tests import papers
from tests.builders import DAY, OTHER_SCHOOL, SCHOOL, SCHOOLS_CSV, Running, a_claim, key_of
from tests.service import handing_over as of
from tests.service.hearing_by_hand import heard

NAMED = f"Lycée Fustel, Strasbourg ({SCHOOL})"
NUMBER = f'<span class="code">{SCHOOL}</span>'
SIGNING = f"/signing/{SCHOOL}"
PAGES = [
    *(SIGNING, "/campaigns/fin-2023", "/handovers", f"/handovers?school={SCHOOL}"),
    "/mine/{word}",
]
CERTIFICATE = "/api/certificates/{number}.pdf"
ACCOUNTS = "/api/handover-campaigns/fin-2023/certificates"
# As long as the longest of a real lycée in Grand Est; its town as long as any there.
LONG = SchoolNamed(SCHOOL, ("Lycée des métiers de l'hôtellerie " * 5)[:141].strip(), "")
FAR = replace(LONG, town="Saint-Remy-en-Bouzemont-Saint-Genest-et-Isson")
WORST = SchoolNamed(SCHOOL, "W" * 250, "Lycée-" * 41)


@pytest.fixture
def names(handover: Running) -> dict[str, str]:
    """Handover with something of everything; the names that addresses have of it."""
    return of.furnished(handover)


def note(handover: Running, name: str, at: datetime = DAY) -> None:
    """Let handover know what its school is called, as the directory said at a moment."""
    entry, key = core.NoteSchool(name, "Strasbourg"), core.school_key(SCHOOL)
    told = {"party": "ordering", "id": f"{name} {at}", "happened_at": at}
    of.put(handover, [a_claim(key, entry, **told)])


def look(handover: Running, path: str) -> str:
    """A page or a file, as the region's browser gets it."""
    answer = handover.page("region", path)
    assert answer.status_code == 200, answer.text
    return answer.text


def paper(handover: Running, path: str) -> str:
    """The words of a paper, whatever lines they stand in."""
    return " ".join(papers.words(handover.ask("region", "GET", path)).split())


def table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter=";"))


@pytest.mark.parametrize("path", PAGES)
def test_a_page_names_a_school_and_its_town_and_its_number_alone_where_nobody_told_them(
    handover: Running, names: dict[str, str], path: str
) -> None:
    before = look(handover, path.format(**names))
    assert NUMBER in before
    assert f"({NUMBER})" not in before
    note(handover, "Lycée Fustel")
    assert f"Lycée Fustel, Strasbourg ({NUMBER})" in look(handover, path.format(**names))


@pytest.mark.parametrize("path", [CERTIFICATE, f"{ACCOUNTS}.pdf?school={SCHOOL}"])
def test_a_paper_names_a_school_and_its_town_and_its_number_alone_where_nobody_told_them(
    handover: Running, names: dict[str, str], path: str
) -> None:
    before = paper(handover, path.format(**names))
    assert SCHOOL in before
    assert f"({SCHOOL})" not in before
    note(handover, "Lycée Fustel")
    assert NAMED in paper(handover, path.format(**names))
    assert "tous les lycées" in paper(handover, f"{ACCOUNTS}.pdf")


@pytest.mark.parametrize(
    ("path", "columns"),
    [(f"{ACCOUNTS}.csv", of_handover.COLUMNS), ("/handovers.csv", pages.COLUMNS)],
)
def test_a_file_names_a_school_and_its_town_in_columns_after_those_that_were_there(
    handover: Running, names: dict[str, str], path: str, columns: tuple[str, ...]
) -> None:
    def told() -> tuple[list[str], set[tuple[str, ...]]]:
        api = path.startswith("/api")
        text = handover.ask("region", "GET", path).text if api else look(handover, path)
        header, *rows = table(text)
        return header, {(row[columns.index("school")], *row[len(columns) :]) for row in rows}

    assert names
    header = [*columns, "school_name", "school_town"]
    assert told() == (header, {(SCHOOL, "", "")})
    note(handover, "Lycée Fustel")
    assert told() == (header, {(SCHOOL, "Lycée Fustel", "Strasbourg")})


def test_an_older_entry_that_is_told_late_does_not_win_over_a_newer_one(
    handover: Running, names: dict[str, str]
) -> None:
    note(handover, "Lycée Fustel", DAY + timedelta(days=1))
    note(handover, "Lycée Numa", DAY)
    assert NAMED in paper(handover, CERTIFICATE.format(**names))
    note(handover, "Lycée de Coulanges", DAY + timedelta(days=2))
    assert f"Lycée de Coulanges, Strasbourg ({SCHOOL})" in look(handover, SIGNING)


def test_what_ordering_lists_is_heard_and_read_once_more_tells_nothing_new(
    ordering: Running, handover: Running
) -> None:
    ordering.file("region", "/api/schools/imports", SCHOOLS_CSV)
    heard(handover, ordering)
    assert f"Lycée Fustel, Strasbourg ({NUMBER})" in look(handover, SIGNING)
    before = handover.counts()
    heard(handover, ordering)
    assert handover.counts() == before


def test_a_school_that_was_known_before_the_schema_had_names_is_named_once_it_is_read_again(
    ordering: Running, handover: Running
) -> None:
    def back_and_forth(connection: Connection) -> None:
        command.downgrade(migrations.config("handover", connection), "0003")
        migrations.upgrade(connection, "handover")

    closed = core.SucceedSchool(OTHER_SCHOOL)
    of.put(handover, [a_claim(core.school_key(SCHOOL), closed, stated=False)])
    handover.write(back_and_forth)
    assert handover.write(lambda connection: migrations.drift(connection, "handover")) == []
    assert f'<h1>Jour de signature <span class="soft">{NUMBER}' in look(handover, SIGNING)
    ordering.file("region", "/api/schools/imports", SCHOOLS_CSV)
    heard(handover, ordering)
    assert f"Lycée Fustel, Strasbourg ({NUMBER})" in look(handover, SIGNING)
    assert handover.write(lambda connection: store.followed_by(connection, OTHER_SCHOOL)) == [
        core.school_key(SCHOOL)
    ]


# -- the certificate stays on its page


def certified() -> HandoverShown:
    told: dict[str, Any] = dict.fromkeys(HandoverShown.__struct_fields__)
    told |= {"laptop": key_of(), "school": SCHOOL, "certificate": "2022-2023-000001"}
    return HandoverShown(**(told | {"model": "HP 245 G8", "certified_at": of.JUNE}))


def read(content: bytes) -> httpx.Response:
    return httpx.Response(200, content=content, headers={"content-type": "application/pdf"})


def placed(page: pypdf.PageObject) -> list[tuple[str, float, float, float]]:
    """What stands on a page, its left and right edge and its height in points, were it bold."""
    found = []

    def see(text: str, _cm: Any, place: list[float], _font: Any, size: float) -> None:
        if text.strip():
            wide = pdfmetrics.stringWidth(text.strip(), of_handover.BOLD, size)
            found.append((text.strip(), place[4], place[4] + wide, place[5]))

    page.extract_text(visitor_text=see)
    return found


@pytest.mark.parametrize("school", [SchoolNamed(SCHOOL), LONG, FAR, WORST])
@pytest.mark.parametrize("long", [False, True])
def test_however_long_a_schools_name_is_its_certificate_is_one_page_and_nothing_runs_into_another(
    school: SchoolNamed, long: bool
) -> None:
    ground, deliberation = ("motif de droit " * 16, "délibération " * 19) if long else ("CG3P", "1")
    terms = core.Campaign("fin-2023", of.OPENS, ground.strip(), deliberation.strip(), 0)
    made = of_handover.certificate(Paper(certified(), school, terms, "https://a.example/c/1"))
    (page,) = papers.pages(read(made))
    told = placed(page)
    told_of_it = [edge for _, left, edge, _ in told if left > LEFT + 1]
    assert max(told_of_it) <= RIGHT + 1
    (signs,) = (height for text, *_, height in told if text.startswith("Pour la région"))
    assert signs > of_handover.BOTTOM + 46 * mm, "it ends above the code"
    assert school.words.replace(" ", "") in papers.words(read(made)).replace("\n", "").replace(
        " ", ""
    )


@pytest.mark.parametrize("school", [SchoolNamed(SCHOOL), LONG, FAR, WORST])
def test_however_long_a_schools_name_is_its_list_ends_above_the_foot_of_each_page(
    school: SchoolNamed,
) -> None:
    terms = core.Campaign("fin-2023", of.OPENS, "CG3P", "22CP-101", 0)
    found = [replace(certified(), certificate=f"2022-2023-{n:06d}") for n in range(1, 70)]
    made = of_handover.certificates_pdf(found, terms, school.words)
    seen = [placed(page) for page in papers.pages(read(made))]
    assert min(height for page in seen for *_, height in page) > 10 * mm
    told = [text for page in seen for text, *_ in page if text.startswith("2022-2023-")]
    assert [*map(str.strip, told)] == [one.certificate for one in found]
