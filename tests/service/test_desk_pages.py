"""A desk's board with more cases than a page: pages, filters, and a file that has them all."""

import csv
import re

import pytest

from shared.pages.tables import PAGE
from tests.builders import DAY, Running, a_laptop

DESK = "desk:metz"
CASES = PAGE + 7


@pytest.fixture
def busy(repairs: Running) -> Running:
    """Repairs with more open cases than a page has rows; two wait for parts."""
    incidents = [
        {"id": f"i{number}", "laptop": a_laptop(number), "reported_at": DAY.isoformat()}
        | {"cause": "defect", "fault": 7}
        for number in range(CASES)
    ]
    told = repairs.ask(DESK, "POST", "/api/incidents", json={"incidents": incidents}).json()
    for verdict in told["verdicts"][:2]:
        waits = {"id": "w", "happened_at": DAY.isoformat(), "waiting_on": "parts"}
        path = f"/api/cases/{verdict['case']}/wait"
        assert repairs.ask(DESK, "POST", path, json=waits).status_code == 200
    return repairs


def serials(repairs: Running, path: str) -> list[str]:
    """The laptops of the cases that a page lists."""
    text = repairs.page(DESK, path).text.partition('id="list"')[2]
    return re.findall(r'<a class="code" href="/counter\?code=[^"]+">(\w+)</a>', text)


def file(repairs: Running, path: str) -> list[str]:
    lines = repairs.page(DESK, path).text.lstrip("\ufeff").splitlines()
    return [row[1].partition("/")[2] for row in list(csv.reader(lines, delimiter=";"))[1:]]


def test_cases_are_shown_a_page_at_a_time_and_all_are_in_the_file(busy: Running) -> None:
    first, second = serials(busy, "/"), serials(busy, "/?page=2")
    assert (len(first), len(second)) == (PAGE, CASES - PAGE)
    assert sorted(first + second) == sorted(f"5CD{number:04}" for number in range(CASES))
    assert sorted(file(busy, "/cases.csv")) == sorted(first + second)
    page = busy.page(DESK, "/?page=2").text
    assert 'href="/" rel="prev"' in page
    assert 'rel="next"' not in page
    assert "Page 2 sur 2" in page.replace("\N{NARROW NO-BREAK SPACE}", " ")


def test_a_refused_act_is_told_in_the_language_of_the_page(busy: Running) -> None:
    laptop = "hp/5CD0009"
    case = busy.get(DESK, f"/api/laptops/{laptop}")["cases"][0]["case"]
    form = {"act": "swap", "id": "a", "case": case, "laptop": laptop, "returned": "hp/5CD0008"}
    told = busy.page(DESK, "/counter", **form, new="hp/5CD0007")
    assert told.status_code == 422
    assert "L’ordinateur apporté n’est pas celui du dossier" in told.text
    assert "(hp/5CD0008 was brought and hp/5CD0009 is recorded" in told.text
    form |= {"returned": laptop, "new": laptop}
    told = busy.page(DESK, "/counter", **form)
    assert "C’est l’ordinateur du dossier lui-même" in told.text
    assert "is the laptop of the case" not in told.text
    english = busy.page(DESK, "/counter?lang=en", **form).text
    assert f"{laptop} is the laptop of the case itself" in english
    assert "scannez" not in english.partition('id="told"')[2].partition("</p>")[0]


def test_a_board_is_filtered_by_state_by_what_is_awaited_and_by_delay(busy: Running) -> None:
    waiting = ["5CD0000", "5CD0001"]
    for asked in ("state=waiting", "waiting=parts", "state=waiting&waiting=parts"):
        assert sorted(serials(busy, f"/?{asked}")) == waiting
        assert sorted(file(busy, f"/cases.csv?{asked}")) == waiting
    assert serials(busy, "/?waiting=vendor") == []
    assert len(file(busy, "/cases.csv?state=new")) == CASES - 2
    assert len(file(busy, "/cases.csv?late=1")) == CASES, "all are years old"
    kept = busy.page(DESK, "/?state=new").text
    assert 'href="/?state=new&amp;page=2"' in kept, "the next page keeps the filter"
