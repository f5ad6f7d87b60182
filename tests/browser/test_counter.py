"""A desk works at its counter by keyboard and scanner alone: Chromium, the real service."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from services.repairs import core, store
from shared.decisions import Claim
from shared.transact import Service, transact
from tests.builders import DAY, SCHOOL, STUDENTS, Running, a_claim, a_service, key_of

DESK = "desk:metz"
POLICY = core.read(Path("deploy/repair-policy.toml").read_text())
SERVICE = Service(core.core(POLICY), store.SHELVES)


def known(number: int) -> list[Claim]:
    """What repairs hears of a laptop; the first is a student's."""
    told: list[Any] = [
        core.Register("HP 245 G8", "L1", SCHOOL, "hexalog"),
        core.NoteWarranty(date(2020, 9, 1), date(2099, 9, 1)),
        core.Place(SCHOOL, STUDENTS[0] if number == 1 else None),
    ]
    return [a_claim(key_of(number), command, id=type(command).__name__) for command in told]


@pytest.fixture
def repairs(tmp_path: Path) -> Iterator[Running]:
    """Repairs, which knows three laptops."""
    made = a_service("repairs", f"sqlite:///{tmp_path / 'repairs.sqlite3'}", tmp_path)
    claims = [claim for number in (1, 2, 3) for claim in known(number)]
    # In a thread of its own: this one has the browser's loop.
    with ThreadPoolExecutor(1) as aside:
        running = aside.submit(made.__enter__).result()
        running.auth(DESK)
        aside.submit(
            running.write, partial(transact, service=SERVICE, claims=claims, now=DAY)
        ).result()
        yield running
        aside.submit(made.__exit__, None, None, None).result()


def opened(browser: Browser, repairs: Running, *, script: bool = True) -> Page:
    """The counter, a key typed before."""
    context = browser.new_context(base_url=str(repairs.client.base_url), java_script_enabled=script)
    page = context.new_page()
    page.goto("/counter")
    expect(page.locator("#key")).to_be_focused()
    typed(page, repairs.auth(DESK)["Authorization"].removeprefix("Bearer "))
    expect(page.locator("#code")).to_be_focused()
    return page


def typed(page: Page, text: str) -> None:
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def scanned(page: Page, serial: str, *, script: bool = True) -> None:
    """A laptop's card is asked for."""
    page.locator("#code").focus()
    typed(page, serial)
    expect(page.locator("#card")).to_contain_text(serial.rpartition("/")[2])
    if script:
        expect(page.locator("#code")).to_be_focused()


def told(page: Page, words: str = "C’est noté") -> None:
    expect(page.locator("#told")).to_contain_text(words)
    expect(page.locator("#code")).to_be_focused()


def test_a_case_is_logged_and_driven_to_its_end_by_keys_alone(
    browser: Browser, repairs: Running
) -> None:
    page = opened(browser, repairs)
    scanned(page, "5CD0001")
    page.keyboard.press("F2")
    expect(page.locator("#cause-new")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("Alim")
    page.keyboard.press("Tab")
    typed(page, "plus rien à l’écran")
    told(page)
    expect(page.locator("main")).to_contain_text("sous garantie")
    marked = "all => all.map(one => [one.dataset.key, (one.labels?.[0] ?? one).innerText])"
    for key, where in page.locator("main [data-key]").evaluate_all(marked):
        assert where.endswith(key)
    for key in ("F3", "F4"):
        page.keyboard.press(key)
        told(page)
    page.keyboard.press("F6")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    told(page)
    expect(page.locator("main")).to_contain_text("en attente de pièce")
    page.keyboard.press("F7")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    told(page)
    page.keyboard.press("F8")
    told(page)
    expect(page.locator("#history")).to_be_visible()
    (case,) = asked(repairs)
    assert (case["state"], case["outcome"], case["fault"]) == ("returned", 1, 17)
    assert repairs.client.get("/").status_code == 303


def asked(repairs: Running) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = repairs.get(DESK, "/api/cases")["items"]
    return found


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without"])
def test_a_laptop_is_lent_taken_back_and_swapped_by_scanning(
    browser: Browser, repairs: Running, script: bool
) -> None:
    page = opened(browser, repairs, script=script)
    scanned(page, "hp/5CD0001", script=script)
    page.get_by_role("button", name="Signaler").click()
    told(page) if script else expect(page.locator("#told")).to_contain_text("C’est noté")
    page.get_by_label("Prêter : scannez l’autre").focus()
    typed(page, "5CD0002")
    expect(page.locator("main")).to_contain_text("prêté :")
    page.get_by_label("Prêt rendu : scannez-le").focus()
    typed(page, "5CD0002")
    expect(page.get_by_label("Prêter : scannez l’autre")).to_be_visible()
    page.get_by_label("Échanger : scannez le rendu").fill("5CD0003")
    page.get_by_label("puis le nouveau").focus()
    typed(page, "5CD0002")
    expect(page.locator("#told")).to_contain_text("n’est pas celui du dossier")
    expect(page.locator("#told [lang=en]")).to_contain_text("hp/5CD0003 was brought")
    page.get_by_label("Échanger : scannez le rendu").fill("5CD0001")
    page.get_by_label("puis le nouveau").focus()
    typed(page, "5CD0002")
    expect(page.locator("main")).to_contain_text("Remplacé par")


def test_what_is_no_laptop_is_told_and_what_nobody_knows_asks_for_its_maker(
    browser: Browser, repairs: Running
) -> None:
    page = opened(browser, repairs)
    typed(page, "??")
    expect(page.locator("#told")).to_contain_text("Ce n’est pas un numéro de série")
    page.locator("#code").focus()
    typed(page, "9XX0009")
    expect(page.locator("#told")).to_contain_text("dites le fabricant")
    scanned(page, "hp/9XX0009")
    expect(page.locator("main")).to_contain_text("pas annoncé")


def test_the_board_shows_a_desks_queue(browser: Browser, repairs: Running) -> None:
    page = opened(browser, repairs)
    scanned(page, "5CD0001")
    page.get_by_role("button", name="Signaler").click()
    told(page)
    page.goto("/")
    expect(page.locator("#new")).to_have_text("1")
    page.get_by_role("link", name="5CD0001").click()
    expect(page.locator("#card")).to_contain_text("5CD0001")


@pytest.mark.parametrize("path", ["/", "/counter", "/counter?code=5CD0001"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    browser: Browser, repairs: Running, path: str
) -> None:
    page = opened(browser, repairs)
    scanned(page, "5CD0001")
    page.get_by_role("button", name="Signaler").click()
    told(page)
    page.goto(path)
    found: list[Any] = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
    for width in (1280, 820, 390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
