"""A job as people see it: how far it is, its report, and that it stops and goes on by a key."""

import csv
import html
import re

import httpx
import pytest

from services.ordering import imports, pages
from shared import jobs, worker
from tests.builders import MAKERS, SCHOOLS_CSV, Running, a_serial_list, an_order

HEXALOG, SERIALS = "supplier:hexalog", "/api/orders/BC1/serials/imports"


@pytest.fixture
def ordered(ordering: Running) -> Running:
    """Ordering with an order of five laptops."""
    ordering.file("region", "/api/schools/imports", SCHOOLS_CSV)
    placed = ordering.ask("region", "POST", "/api/orders", json=an_order())
    assert placed.status_code == httpx.codes.CREATED, placed.text
    return ordering


def shown(service: Running, page: str) -> str:
    """The words of a page, as a reader meets them."""
    answer = service.page("ops", page)
    assert answer.status_code == httpx.codes.OK, answer.text
    text = html.unescape(re.sub(r"<[^>]*>", " ", answer.text))
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())


def act(service: Running, page: str, act: str, party: str) -> httpx.Response:
    """What a form answers a party, "" for nobody."""
    return service.page(party, f"{page}/{act}", act=act)


def page_of(address: str) -> str:
    return address.removeprefix("/api")


def test_every_kind_of_file_has_a_title() -> None:
    assert set(pages.TITLES) == set(imports.imports(MAKERS))


def test_a_job_that_ended_tells_its_counts_and_gives_its_report(ordered: Running) -> None:
    address = ordered.sent(HEXALOG, SERIALS, a_serial_list([1, 2, 1]) + "9,HP,5CD0009,HP 245 G8\n")
    told, page = ordered.ended(HEXALOG, address), page_of(address)
    assert (told["seconds_left"], told["state"], told["total"]) == (None, "done", 4)
    words = shown(ordered, page)
    for said in (
        "Numéros de série de la commande BC1",
        "Terminé",
        "100 % · 4 lignes lues sur 4",
        "Appliquées 2 Doublons 1",
        "Refusées 1",
    ):
        assert said in words.replace("\N{NARROW NO-BREAK SPACE}", " "), words
    assert "celle de l" not in words, "nothing is left to stop"
    report = ordered.page(HEXALOG, f"{page}/report.csv")
    assert report.headers["content-type"] == "text/csv; charset=utf-8"
    header, *rows = csv.reader(report.text.splitlines())
    assert header == ["row", "verdict", "code", "detail", "cause"]
    assert [row[1] for row in rows] == ["applied", "applied", "duplicate", "refused"]
    causes = [row[4] for row in rows]
    assert causes == ["", "", "", "La commande n'a pas cette ligne : vérifiez son numéro."]
    english = ordered.page(HEXALOG, f"{page}/report.csv?lang=en").text
    assert english == ordered.ask(HEXALOG, "GET", f"{address}/report").text


def test_a_file_that_is_no_such_file_says_why_on_its_page(ordered: Running) -> None:
    address = ordered.sent("region", "/api/schools/imports", "uai,nom\n0670080Y,x\n")
    assert ordered.ended("region", address)["state"] == "failed"
    words = shown(ordered, page_of(address))
    assert "corrigez-le et envoyez-le de nouveau" in words
    assert "(the header has no column departement, commune; expected" in words


def test_columns_that_are_ignored_are_named_on_the_page(ordered: Running) -> None:
    content = SCHOOLS_CSV.replace("\n", ";\n").replace(",", ";")
    head, rows = content.split("\n", 1)
    address = ordered.sent("region", "/api/schools/imports", f"{head}latitude\n{rows}")
    ordered.ended("region", address)
    words = shown(ordered, page_of(address))
    assert "Des colonnes du fichier n’ont pas été lues" in words
    assert "(columns ignored: latitude)" in words


def test_a_job_is_stopped_and_goes_on_by_a_key_of_its_sender_or_of_ops_alone(
    ordered: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "ROWS", 1)
    address = ordered.sent(HEXALOG, SERIALS, a_serial_list(range(5_000)))
    page = page_of(address)
    for party in ("supplier:other", "carrier:acme"):
        for answer in (act(ordered, page, "stop", party), ordered.page(party, page)):
            assert answer.status_code == httpx.codes.NOT_FOUND
            assert "<h1>Cette page" in answer.text
    for answer in (act(ordered, page, "stop", ""), ordered.page("", page)):
        assert answer.headers["location"].startswith("/key?to=%2Fjobs")
    assert ordered.get("ops", address)["state"] in ("queued", "running")

    answer = act(ordered, f"{page}", "stop", HEXALOG)
    assert (answer.status_code, answer.headers["location"]) == (httpx.codes.SEE_OTHER, page)
    stopped = ordered.get("ops", address)
    assert (stopped["state"], stopped["seconds_left"]) == ("stopped", None)
    assert stopped["read"] < stopped["total"] if "total" in stopped else stopped["read"] == 0
    assert "Arrêté" in shown(ordered, page)
    assert "Stopped" in shown(ordered, f"{page}?lang=en")

    monkeypatch.setattr(worker, "ROWS", 1_000)
    answer = ordered.page("ops", f"{page}/resume?lang=en", act="resume")
    assert answer.headers["location"] == f"{page}?lang=en", "the language is kept"
    ended = ordered.ended(HEXALOG, address)
    assert (ended["read"], ended["applied"]) == (5_000, 5)
    answer = act(ordered, page, "stop", "region")
    assert (answer.status_code, answer.headers["location"]) == (httpx.codes.SEE_OTHER, page)
    assert "Terminé" in shown(ordered, page), "its page says that it had ended"


def test_what_is_no_job_has_no_page(ordered: Running) -> None:
    for method, path in (
        ("GET", ""),
        ("GET", "/report.csv"),
        ("POST", "/stop"),
        ("POST", "/resume"),
    ):
        form = {"act": "x"} if method == "POST" else {}
        answer = ordered.page("ops", f"/jobs/none{path}", **form)
        assert answer.status_code == httpx.codes.NOT_FOUND
        assert "<h1>Cette page" in answer.text


def test_the_states_that_are_told_are_those_that_are_watched() -> None:
    assert jobs.Progress.__annotations__["state"].__args__ == jobs.STATES
