"""A job of a real service in a real browser: looked at, stopped, resumed, with its report."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from shared import worker
from tests.builders import SCHOOLS_CSV, Running, a_serial_list, a_service, an_order

HEXALOG = "supplier:hexalog"
ROWS = 20_000


@pytest.fixture(scope="module")
def ordering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Ordering with an order of five laptops. Asked for before the browser, beside whose event loop
    none can be run.
    """
    home = tmp_path_factory.mktemp("ordering")
    with a_service("ordering", f"sqlite:///{home / 'ordering.sqlite3'}", home) as running:
        running.file("region", "/api/schools/imports", SCHOOLS_CSV)
        running.ask("region", "POST", "/api/orders", json=an_order())
        yield running


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without"])
def test_a_job_is_stopped_and_goes_on_from_its_page(
    ordering: Running, browser: Browser, monkeypatch: pytest.MonkeyPatch, script: bool
) -> None:
    monkeypatch.setattr(worker, "ROWS", 1)
    address = ordering.sent(
        HEXALOG, "/api/orders/BC1/serials/imports", a_serial_list(range(ROWS))
    ).removeprefix("/api")
    key = ordering.auth(HEXALOG)["Authorization"].removeprefix("Bearer ")
    context = browser.new_context(java_script_enabled=script)
    page, complaints = context.new_page(), list[str]()
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto(f"{ordering.client.base_url}{address}")
    page.get_by_label("Votre clé").fill(key)  # where whoever has none is led
    page.keyboard.press("Enter")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Numéros de série de la commande BC1")

    page.get_by_role("button", name="Arrêter").click()
    expect(page.get_by_text("Arrêté", exact=True)).to_be_visible()

    monkeypatch.setattr(worker, "ROWS", 1_000)
    page.get_by_role("button", name="Reprendre").click()
    _until_it_ended(page, script)
    expect(page.get_by_text("20 000 lignes lues sur 20 000")).to_be_visible()
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Rapport ligne par ligne").click()
    report = downloading.value.path().read_text().splitlines()
    assert report[0] == "row,verdict,code,detail,cause"
    assert len(report) == ROWS + 1
    assert complaints == []
    context.close()


def _until_it_ended(page: Page, script: bool) -> None:
    """The page tells so by itself, or when it is asked again."""
    ended = page.get_by_text("Terminé", exact=True)
    while not script and not ended.is_visible():
        if (again := page.get_by_role("link", name="Actualiser")).is_visible():
            again.click()
    expect(ended).to_be_visible(timeout=60_000)
