"""Files sent from pages: Chromium, the real services, the key that the browser keeps."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.builders import PUPILS_CSV, SCHOOLS_CSV, Running, a_serial_list, a_service, an_order

HEXALOG, EVENTS, INCIDENTS = (
    "supplier:hexalog",
    "id,type,happened_at,shipment,order,school,maker,serial\n",
    "id,maker,serial,reported_at,cause\ni1,HP,5CG0000001,2020-10-05T08:00:00+02:00,defect\n",
)
SENT = {
    "schools": ("ordering", "region", "/serials", "Lycées (CSV)", SCHOOLS_CSV),
    "serials": ("ordering", HEXALOG, "/orders/BC1", "Liste du fournisseur (CSV)", ""),
    "needs": (
        *("ordering", "region", "/needs?year=2020-2021", "Besoins (CSV)"),
        "uai,newcomers,stock_back\n",
    ),
    "events": ("delivery", "region", "/", "Événements (CSV)", EVENTS),
    "incidents": ("repairs", "desk:metz", "/", "Incidents (CSV)", INCIDENTS),
    "pupils": (
        *("enrolment", "region", "/imports"),
        *("Fichiers AAF", PUPILS_CSV),
    ),
}
MAY_NOT = [("ordering", HEXALOG, "/serials"), ("delivery", "ops", "/"), ("repairs", "", "/")]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Running]]:
    """Asked for before the browser, beside whose event loop none can be run."""
    with ExitStack() as stack:
        up = {}
        for name in {"ordering", "delivery", "repairs", "enrolment"}:
            home = tmp_path_factory.mktemp(name)
            up[name] = stack.enter_context(
                a_service(name, f"sqlite:///{home / 'one.sqlite3'}", home)
            )
        up["ordering"].file("region", "/api/schools/imports", SCHOOLS_CSV)
        up["ordering"].ask("region", "POST", "/api/orders", json=an_order())
        for name, party, *_ in (*SENT.values(), *MAY_NOT):
            up[name].auth(party)
        yield up


@pytest.fixture
def opened(services: dict[str, Running], browser: Browser) -> Iterator[Callable[..., Page]]:
    """A page of a service, its party's key typed before; it must not complain."""
    complaints: list[str] = []
    contexts = []

    def at(name: str, party: str, path: str, *, script: bool = True) -> Page:
        running = services[name]
        context = browser.new_context(
            java_script_enabled=script, viewport={"width": 390, "height": 800}
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if party:
            page.goto(f"{running.client.base_url}/key")
            page.get_by_label("Votre clé").fill(running.issued[party])
            page.keyboard.press("Enter")
            expect(page.locator("a.key")).to_have_text(party)
        page.goto(f"{running.client.base_url}{path}")
        return page

    yield at
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize("kind", SENT)
def test_a_file_is_sent_from_its_page_and_the_page_of_its_job_follows(
    kind: str, opened: Callable[..., Page], tmp_path: Path
) -> None:
    name, party, path, label, content = SENT[kind]
    file = tmp_path / f"{kind}.csv"
    file.write_text(content or a_serial_list([1, 2]), encoding="utf-8")
    page = opened(name, party, path)
    page.get_by_label(label).set_input_files(file)
    page.get_by_role("button", name="Envoyer").click()
    page.wait_for_url("**/jobs/*")
    expect(page.locator("#job .lead")).to_contain_text("Terminé")


def test_what_is_refused_is_told_beside_the_form_and_may_be_sent_anew(
    opened: Callable[..., Page], tmp_path: Path
) -> None:
    file = tmp_path / "pupils.csv"
    file.write_text("no,such,columns\n1,2,3\n", encoding="utf-8")
    page = opened("enrolment", "region", "/imports")
    page.get_by_label("Fichiers AAF").set_input_files(file)
    page.get_by_role("button", name="Envoyer").click()
    told = page.get_by_role("alert")
    expect(told).to_contain_text("Refusé, rien n’a changé. Ce n’est pas un fichier d’élèves")
    expect(told.locator("[lang=en]")).to_contain_text("column")
    expect(page.get_by_role("button", name="Envoyer")).to_be_enabled()
    assert page.url.endswith("/imports")
    page.goto(f"{page.url}?lang=en")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Send").click()
    expect(told).to_contain_text("nothing of the file was taken")
    expect(told).not_to_contain_text("fichier")


def test_the_fields_of_the_form_go_into_the_address(
    opened: Callable[..., Page], tmp_path: Path
) -> None:
    file = tmp_path / "pupils.csv"
    file.write_text(PUPILS_CSV, encoding="utf-8")
    page = opened("enrolment", "region", "/imports")
    page.get_by_label("Année scolaire").fill("2020-2021")
    page.get_by_label("les départs sont justes").check()
    page.get_by_label("Fichiers AAF").set_input_files(file)
    with page.expect_request("**/api/pupils/imports*") as sent:
        page.get_by_role("button", name="Envoyer").click()
    assert sent.value.url.partition("?")[2] == "school_year=2020-2021&leaving=confirmed"


def test_without_javascript_the_page_says_how_a_file_is_sent(opened: Callable[..., Page]) -> None:
    page = opened("enrolment", "region", "/imports", script=False)
    expect(page.get_by_text("Sans JavaScript")).to_be_visible()


@pytest.mark.parametrize(("name", "party", "path"), MAY_NOT)
def test_whoever_may_not_send_a_file_sees_no_form_for_it(
    opened: Callable[..., Page], name: str, party: str, path: str
) -> None:
    page = opened(name, party, path)
    expect(page.locator("form[data-upload]")).to_have_count(0)
