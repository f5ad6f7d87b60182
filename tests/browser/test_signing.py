"""A school's signing day by keyboard and scanner alone; the student's own page; the certificate;
the campaign: Chromium, the real service.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from services.handover import core
from tests.builders import OTHER_SCHOOL, SCHOOL, Running, a_service
from tests.service import handing_over as of

AT_SCHOOL = f"school:{SCHOOL}"


@contextmanager
def furnished(home: Path) -> Iterator[Running]:
    """Handover with something of everything."""
    made = a_service("handover", f"sqlite:///{home / 'handover.sqlite3'}", home)
    # In a thread of its own: this one has the browser's loop.
    with ThreadPoolExecutor(1) as aside:
        running = aside.submit(made.__enter__).result()
        running.auth(AT_SCHOOL)
        NAMES.update(aside.submit(of.furnished, running).result())
        yield running
        aside.submit(made.__exit__, None, None, None).result()


NAMES: dict[str, str] = {}


@pytest.fixture
def handover(tmp_path: Path) -> Iterator[Running]:
    """Of a test alone."""
    with furnished(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Of all tests that look and do nothing."""
    with furnished(tmp_path_factory.mktemp("settled")) as running:
        yield running


def looking(browser: Browser, running: Running, party: str, *, script: bool = True) -> Page:
    """A window of a party, whose key the browser keeps."""
    base = str(running.client.base_url)
    context = browser.new_context(base_url=base, java_script_enabled=script)
    if party:
        key = running.auth(party)["Authorization"].removeprefix("Bearer ")
        context.add_cookies([{"name": "trousseau-handover", "value": key, "url": base}])
    return context.new_page()


@pytest.fixture
def opened(browser: Browser, handover: Running) -> Callable[..., Page]:
    """A page, as a party sees it."""

    def look(path: str, party: str = AT_SCHOOL, *, script: bool = True) -> Page:
        page = looking(browser, handover, party, script=script)
        page.goto(path)
        return page

    return look


def typed(page: Page, text: str) -> None:
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def told(page: Page, words: str = "C’est noté") -> None:
    expect(page.locator("#told")).to_contain_text(words)


def scanned(page: Page, serial: str) -> None:
    page.locator("#code").focus()
    typed(page, serial)
    expect(page.locator("#card")).to_contain_text(serial)


def test_a_laptop_is_offered_signed_certified_and_handed_over_by_keys_alone(
    opened: Callable[..., Page], handover: Running
) -> None:
    page = opened(f"/signing/{SCHOOL}")
    expect(page.locator("#code")).to_be_focused()
    scanned(page, "5CD0001")
    page.keyboard.press("F2")
    told(page)
    code = page.locator("#signing-code").inner_text()
    page.keyboard.press("F4")
    typed(page, f"{(int(code) + 1) % 10**6:06d}")
    told(page, "Ce n’est pas le code qui a été donné à l’élève")
    told(page, "4 tries left")
    page.keyboard.press("F4")
    typed(page, code)
    told(page)
    expect(page.locator("#signing-code")).to_have_count(0)
    for key, state in (("F6", "attesté"), ("F7", "cédé"), ("F8", "en poursuite d’études")):
        _until_released(page)
        page.keyboard.press(key)
        if key == "F8":
            page.keyboard.press("Tab")
            page.keyboard.press("Enter")
        expect(page.locator("#state")).to_have_text(state)
    shown = handover.get("region", f"/api/handovers/{of.number_of(1)}")
    assert (shown["state"], shown["institution"]) == ("in-further-study", "university")


def _until_released(page: Page) -> None:
    """Scan again until device management let go: the page says so."""
    for _ in range(100):
        if "libération" not in page.locator("#state").inner_text():
            return
        page.reload()
    raise AssertionError("it is not released")


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without"])
def test_a_minor_signs_with_a_guardian_on_the_page_too(
    opened: Callable[..., Page], script: bool
) -> None:
    page = opened(f"/signing/{SCHOOL}", script=script)
    scanned(page, "5CD0001")
    page.get_by_label("l’élève est mineur aujourd’hui").check()
    page.get_by_role("button", name="Proposer").click()
    code = page.locator("#signing-code").inner_text()
    page.get_by_label("Code donné à l’élève").fill(code)
    page.get_by_role("button", name="Signer").click()
    told(page, "son responsable signe aussi")
    expect(page.locator("#told [lang=en]")).to_have_count(0)
    page.get_by_label("Code donné à l’élève").fill(code)
    page.get_by_label("son responsable a signé").check()
    page.get_by_role("button", name="Signer").click()
    told(page)
    expect(page.locator("#state")).to_contain_text("lib")


def test_what_is_brought_back_is_scanned_and_another_is_told(opened: Callable[..., Page]) -> None:
    page = opened(f"/signing/{SCHOOL}")
    scanned(page, "5CD0004")
    page.keyboard.press("F9")
    typed(page, "5CD0001")
    expect(page.locator("main")).to_contain_text("Apporté à sa place")
    page.keyboard.press("F9")
    typed(page, "5CD0004")
    expect(page.locator("#state")).to_have_text("rendu")
    page.get_by_label("Mis au rebut").fill("BSD-7")
    page.get_by_role("button", name="Mettre au rebut").click()
    expect(page.locator("#state")).to_have_text("mis au rebut")


def test_a_key_is_marked_where_it_leads(browser: Browser, settled: Running) -> None:
    page = looking(browser, settled, AT_SCHOOL)
    for number, key in ((1, "F2"), (2, "F4"), (3, "F8"), (4, "F9")):
        page.goto(f"/signing/{SCHOOL}?code=5CD000{number}")
        led = page.locator(f"[data-key={key}]")
        where = led.evaluate("one => (one.labels?.[0] ?? one).innerText || one.innerText")
        assert where.endswith(key)
        expect(page.locator("kbd")).to_have_count(1)


def test_a_blocked_handover_fits_a_phone(opened: Callable[..., Page], handover: Running) -> None:
    blocked = of.acts(1, *(core.Block(cause, "case") for cause in ("repair", "loan")))
    with ThreadPoolExecutor(1) as aside:
        aside.submit(of.put, handover, blocked).result()
    page = opened("/handovers", "region")
    expect(page.locator("#list")).to_contain_text("réparation en cours")
    for width in (390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width


def test_what_is_no_laptop_of_the_school_is_told(opened: Callable[..., Page]) -> None:
    page = opened(f"/signing/{SCHOOL}")
    for text, words in (("??", "Ce n’est pas un numéro"), ("9XX9999", "à céder par personne")):
        page.locator("#code").focus()
        typed(page, text)
        told(page, words)
    page.goto(f"/signing/{OTHER_SCHOOL}")
    expect(page.locator("h1")).not_to_contain_text("Jour de signature")


def test_a_student_keeps_the_laptop_on_a_page_that_a_word_opens(
    browser: Browser, handover: Running
) -> None:
    page = looking(browser, handover, "")
    page.goto("/mine")
    typed(page, "1234-wrong")
    told(page, "n’ouvre aucune page")
    page.locator("#word").fill(NAMES["word"])
    page.keyboard.press("Enter")
    expect(page.locator("#now")).to_contain_text("vous est proposé")
    page.get_by_role("button", name="Je le garde").click()
    told(page)
    expect(page.locator("#now")).to_contain_text("Vous gardez cet ordinateur")
    page.goto(f"/mine/{NAMES['word'][:-2]}zz")
    expect(page.locator("#now")).to_have_count(0)


def test_the_region_opens_a_campaign_and_sees_how_far_it_is(opened: Callable[..., Page]) -> None:
    page = opened("/campaigns", "region")
    page.get_by_label("Son nom").fill("fin-2024")
    page.get_by_label("Année scolaire").fill("2023-2024")
    page.get_by_label("Ouvre le").fill("2024-05-02")
    page.get_by_role("button", name="Ouvrir").click()
    expect(page.locator("h1")).to_contain_text("fin-2024")
    page.goto("/campaigns/fin-2023")
    for name, count in (("opened", "4"), ("offered", "2"), ("signed", "1"), ("certified", "1")):
        expect(page.locator(f"#{name}")).to_have_text(count)
    page.get_by_role("link", name="4", exact=True).first.click()
    expect(page.get_by_role("heading", level=2).first).to_have_text("4 cessions")


PATHS = (
    "/campaigns",
    "/campaigns/fin-2023",
    "/handovers",
    f"/signing/{SCHOOL}",
    *(f"/signing/{SCHOOL}?code=5CD000{number}" for number in (1, 2, 3, 4)),
    "/mine",
    "/mine/{word}",
    "/certificates/{number}",
    "/certificates/none",
)


@pytest.mark.parametrize("path", PATHS)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    browser: Browser, settled: Running, path: str
) -> None:
    page = looking(browser, settled, "region")
    page.goto(path.format(**NAMES))
    found: list[Any] = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
    for width in (1280, 820, 390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width


@pytest.mark.parametrize("path", PATHS)
def test_each_page_speaks_english_too(browser: Browser, settled: Running, path: str) -> None:
    address = path.format(**NAMES)
    page = looking(browser, settled, "region")
    page.goto(f"{address}{'&' if '?' in address else '?'}lang=en")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    for word in ("Cession", "ordinateur", "élève", "attestation", "lycée"):
        expect(page.locator("main")).not_to_contain_text(word)
