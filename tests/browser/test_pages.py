"""The pages in a real browser: for everybody, on every screen, with and without JavaScript."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.examples import SCREENS, UAI

Look = Callable[..., Page]
PHONE = 390

every_screen = pytest.mark.parametrize("path", SCREENS)

SMALLEST_TEXT = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const sizes = [];
  while (walker.nextNode()) {
    const around = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !around.checkVisibility()) continue;
    const owner = around.closest("svg");
    const scale = owner?.viewBox.baseVal?.width
      ? owner.getBoundingClientRect().width / owner.viewBox.baseVal.width : 1;
    sizes.push(parseFloat(getComputedStyle(around).fontSize) * scale);
  }
  return Math.min(...sizes);
}"""

SMALL_TARGETS = """() => [...document.querySelectorAll(
    "button, input:not([type=hidden]), select, nav a, .act, .quiet")]
  .filter(one => one.checkVisibility() && one.getBoundingClientRect().height < 44)
  .map(one => one.outerHTML)"""

FOCUSABLE = """() => [...document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, [tabindex='0']")]
  .filter(one => one.checkVisibility()).map(one => one.outerHTML)"""

STILL_THERE = """() => {
  const same = window.last === document.activeElement;
  window.last = document.activeElement;
  return same;
}"""

FOCUSED = """() => {
  const one = document.activeElement;
  const mark = one.closest("svg") ? one.querySelector("rect") : one;
  const style = getComputedStyle(mark);
  const shown = style.outlineStyle !== "none" || parseFloat(style.strokeWidth) > 3;
  return [one.outerHTML, shown];
}"""


def violations(page: Page) -> list[Any]:
    """What axe finds wrong, each with its element."""
    found = Axe().run(page).response["violations"]
    return [(one["id"], one["help"], [node["html"] for node in one["nodes"]]) for one in found]


@every_screen
def test_axe_finds_no_violation_on_a_desk_on_a_phone_and_in_the_dark(path: str, look: Look) -> None:
    page = look(path)
    assert violations(page) == []

    page.set_viewport_size({"width": PHONE, "height": 800})
    assert violations(page) == []

    page.emulate_media(color_scheme="dark")
    assert violations(page) == []


@every_screen
def test_nothing_scrolls_sideways_however_narrow_the_screen(path: str, look: Look) -> None:
    page = look(path)
    for width in (1280, 1024, 820, 640, PHONE, 320):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@every_screen
def test_no_text_is_smaller_than_sixteen_pixels(path: str, look: Look) -> None:
    page = look(path)
    for width in (1280, PHONE):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(SMALLEST_TEXT) >= 16


@every_screen
def test_a_thumb_finds_every_button_and_field(path: str, look: Look) -> None:
    assert look(path, PHONE).evaluate(SMALL_TARGETS) == []


@every_screen
def test_the_keyboard_goes_through_everything_in_the_order_of_reading(
    path: str, look: Look
) -> None:
    page = look(path)
    expected = page.evaluate(FOCUSABLE)

    page.get_by_role("link", name="Aller au contenu").focus()
    walked = [page.evaluate(FOCUSED)]
    for _ in range(4 * len(expected)):
        page.keyboard.press("Tab")
        # A date's parts are stops of one field.
        if not page.evaluate(STILL_THERE) and len(walked) < len(expected):
            walked.append(page.evaluate(FOCUSED))

    assert [html for html, _ in walked] == expected
    assert [html for html, shown in walked if not shown] == []


def test_on_a_phone_the_header_is_two_rows_and_a_serial_number_fits_the_search(look: Look) -> None:
    for path in ("/laptops", f"/schools/{UAI}", "/?lang=en"):
        page = look(path, PHONE)
        assert page.locator("header.top").evaluate("one => one.offsetHeight") <= 112
        field = page.get_by_role("searchbox")
        field.fill("5CD0304KQ7M2")
        assert field.evaluate("one => one.scrollWidth <= one.clientWidth")
        assert field.evaluate("one => one.clientWidth") >= 150


@pytest.mark.parametrize("path", ["/orders/none", "/serials/none", "/missing"])
def test_on_a_short_page_the_footer_stands_at_the_foot(path: str, look: Look) -> None:
    for width in (1280, PHONE):
        foot = (
            look(path, width)
            .locator("footer")
            .evaluate("one => one.getBoundingClientRect().bottom")
        )
        assert abs(foot - 800) < 1


def test_what_became_of_them_adds_up_to_all_that_are_announced(look: Look) -> None:
    for width in (1280, PHONE):
        section = look("/", width).get_by_role("region", name="Ce qu’ils sont devenus")
        counts = section.locator("dd a")
        shown = [re.sub(r"\D", "", one) for one in counts.all_inner_texts()]
        assert sum(map(int, shown)) == 84_500
        expect(section).to_contain_text(re.compile(r"84\s500 annoncés en tout"))
        counts.nth(1).click()
        section.page.wait_for_url("**/laptops?disposition=returned")
        expect(section.page.locator(".kept")).to_contain_text("Ce qu’il est devenu")


def test_pages_of_a_list_lead_on_and_back(look: Look) -> None:
    page = look("/serials/many?page=2")
    expect(page.get_by_role("navigation", name="Pages de la liste")).to_contain_text("Page 2 sur 3")
    page.get_by_role("link", name="Page suivante").click()
    page.wait_for_url("**/serials/many?page=3")
    expect(page.get_by_role("link", name="Page suivante")).to_have_count(0)
    page.get_by_role("link", name="Page précédente").click()
    page.wait_for_url("**/serials/many?page=2")


def test_many_rows_are_compact_on_a_phone(look: Look) -> None:
    page = look("/serials/many", PHONE)
    assert page.evaluate("document.documentElement.scrollHeight") < 50 * 175


def test_the_first_key_skips_to_the_content(look: Look) -> None:
    page = look("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Aller au contenu")).to_be_in_viewport()

    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    expect(page.locator("main a").first).to_be_focused()


@every_screen
def test_each_page_has_one_heading_one_main_and_a_title_of_its_own(path: str, look: Look) -> None:
    page = look(path)
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.get_by_role("main").count() == 1
    assert page.title().endswith(" – Trousseau")


def test_one_drawing_of_the_life_line_fits_the_screen_and_all_hear_the_list(look: Look) -> None:
    for width, shown, hidden in ((1280, "desk", "phone"), (PHONE, "phone", "desk")):
        page = look("/laptops/hp/missing", width)
        expect(page.locator(f".life-line svg.on-{shown}")).to_be_visible()
        expect(page.locator(f".life-line svg.on-{hidden}")).to_be_hidden()
        heard = page.get_by_role("figure").get_by_role("listitem")
        expect(heard.nth(3)).to_have_text(
            "arrivé (passé), lun. 31 août 2020, 10 h 12, appris le ven. 4 sept. 2020, 20 h 12"
        )
        expect(heard.nth(4)).to_contain_text("manquant (rupture)")


def test_a_scanner_asks_again_and_again_without_a_hand_on_the_field(look: Look) -> None:
    for script in (True, False):
        page = look("/search", script=script)
        for scanned in ("5CD0304KQ7", "rien"):
            expect(page.get_by_role("main").get_by_role("searchbox")).to_be_focused()
            page.keyboard.type(scanned)
            page.keyboard.press("Enter")
            expect(page.get_by_role("heading", level=2)).to_contain_text(scanned)
        expect(page.get_by_role("main").get_by_role("searchbox")).to_have_value("")


def test_without_javascript_a_filter_narrows_the_list(look: Look) -> None:
    page = look("/laptops", script=False)

    page.get_by_label("Lieu").select_option("missing")
    page.get_by_role("button", name="Filtrer").click()

    expect(page.get_by_role("heading", level=2)).to_have_text("3 ordinateurs")
    expect(page.locator("tbody tr")).to_have_count(3)


def test_with_javascript_a_filter_exchanges_the_list_alone_and_the_address_says_so(
    look: Look,
) -> None:
    page = look("/laptops")
    page.evaluate("document.body.dataset.stayed = 'yes'")

    page.get_by_label("Lieu").select_option("missing")
    page.get_by_role("button", name="Filtrer").click()

    expect(page.locator("tbody tr")).to_have_count(3)
    expect(page.get_by_role("status")).to_have_text("3 ordinateurs")
    expect(page.locator("body[data-stayed=yes]")).to_have_count(1)
    assert "location=missing" in page.url
    page.go_back()
    expect(page.locator("tbody tr")).to_have_count(9)


def test_sorting_keeps_the_focus_on_the_column(look: Look) -> None:
    page = look("/laptops")
    page.evaluate("document.body.dataset.stayed = 'yes'")
    column = page.get_by_role("link", name="Numéro de série")
    column.focus()

    page.keyboard.press("Enter")

    expect(page.get_by_role("columnheader", name="Numéro de série")).to_have_attribute(
        "aria-sort", "descending"
    )
    expect(page.locator("tbody td a").first).to_have_text("5CD0304K08")
    expect(column).to_be_focused()
    expect(page.locator("body[data-stayed=yes]")).to_have_count(1)


def test_a_laptop_in_a_sorted_list_still_opens_its_own_page(look: Look) -> None:
    page = look("/laptops")
    page.get_by_role("link", name="Numéro de série").click()
    expect(page.locator("tbody td a").first).to_have_text("5CD0304K08")

    page.get_by_role("link", name="5CD0304K08").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("5CD0304K08")


def test_a_school_is_two_steps_from_the_regions_board(look: Look) -> None:
    for script in (True, False):
        page = look("/", script=script)
        page.get_by_role("link", name="67 Bas-Rhin").click()
        expect(page.locator("tbody tr")).to_have_count(1)
        page.get_by_role("link", name="Lycée Fustel").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Lycée Fustel")


def test_a_filter_keeps_the_order_of_the_list(look: Look) -> None:
    for script in (True, False):
        page = look("/schools?sort=-ordered", script=script)
        page.get_by_label("Département").select_option("88")
        page.get_by_role("button", name="Filtrer").click()
        expect(page.locator("tbody tr")).to_have_count(1)
        assert "sort=-ordered" in page.url


def test_a_running_job_moves_on_by_itself_and_keeps_the_focus(look: Look) -> None:
    page = look("/jobs/moving")
    before = page.get_by_role("progressbar").get_attribute("value")
    page.get_by_role("button", name="Arrêter").focus()

    expect(page.get_by_role("progressbar")).not_to_have_attribute("value", str(before))

    expect(page.get_by_role("button", name="Arrêter")).to_be_focused()


def test_a_running_job_can_be_looked_at_again_without_javascript(look: Look) -> None:
    page = look("/jobs/moving", script=False)
    before = page.get_by_role("progressbar").get_attribute("value")

    page.get_by_role("link", name="Actualiser").click()

    expect(page.get_by_role("progressbar")).not_to_have_attribute("value", str(before))


def test_nothing_is_discarded_without_a_reason(look: Look) -> None:
    page = look("/parked/1")
    sent = []
    page.on(
        "request", lambda request: sent.append(request.url) if request.method == "POST" else None
    )

    page.get_by_role("button", name="Écarter").click()

    expect(page.get_by_label("Motif")).to_be_focused()
    assert sent == []


def test_english_is_kept_from_page_to_page_until_french_is_asked(look: Look) -> None:
    page = look("/")
    page.get_by_role("link", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")

    page.get_by_role("navigation").get_by_role("link", name="Laptops").click()
    page.get_by_label("Place").select_option("missing")
    page.get_by_role("button", name="Filter").click()

    expect(page.get_by_role("heading", level=2)).to_have_text("3 laptops")
    page.get_by_role("link", name="Français").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ordinateurs")


def test_on_paper_there_is_content_and_no_navigation(look: Look) -> None:
    page = look("/laptops/hp/5CD0304KQ7", dark=True)

    page.emulate_media(media="print")

    expect(page.get_by_role("navigation", name="Navigation principale")).to_be_hidden()
    expect(page.locator(".life-line svg.on-desk")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
