"""A pallet is counted, a class gets its laptops, by a scanner alone: Chromium, the real service."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.builders import OTHER_SCHOOL, SCHOOL, SHIPMENT, STUDENTS, Running, a_laptop, a_service

PARTY = f"school:{SCHOOL}"
SCANNED = "2020-09-01T08:00:00+02:00"


@pytest.fixture
def delivery(tmp_path: Path) -> Iterator[Running]:
    """Delivery, with a pallet of five laptops at the door of a school."""
    made = a_service("delivery", f"sqlite:///{tmp_path / 'delivery.sqlite3'}", tmp_path)
    # In a thread of its own: this one has the browser's loop.
    with ThreadPoolExecutor(1) as aside:
        running = aside.submit(made.__enter__).result()
        laptops = [a_laptop(number) for number in range(1, 6)]
        told = {"happened_at": SCANNED, "shipment": SHIPMENT}
        events = [
            {"id": "1", "type": "announced", "school": SCHOOL, "laptops": laptops} | told,
            {"id": "2", "type": "arrived"} | told,
        ]
        running.ask("carrier:acme", "POST", "/api/delivery-events", json={"events": events})
        yield running
        aside.submit(made.__exit__, None, None, None).result()


def opened(browser: Browser, running: Running, *, script: bool = True) -> Page:
    context = browser.new_context(base_url=str(running.client.base_url), java_script_enabled=script)
    return context.new_page()


def typed(page: Page, *texts: str) -> None:
    """What a scanner does: it types, and presses Enter."""
    for text in texts:
        page.keyboard.type(text)
        page.keyboard.press("Enter")


def scanned(page: Page, text: str, said: str) -> None:
    expect(page.locator("[data-next]")).to_be_focused()
    typed(page, text)
    expect(page.locator("#told")).to_contain_text(said)
    if "Compté" in said:  # and not the answer to the scan before it
        expect(page.locator("#told")).to_contain_text(text.rpartition("/")[2].upper())
    expect(page.locator("[data-next]")).to_be_focused()


def signed_in(page: Page, running: Running, party: str = PARTY) -> None:
    """Somebody types a key, where the first page leads without one."""
    page.goto("/")
    assert "/key" in page.url
    expect(page.locator("#key")).to_be_focused()
    typed(page, running.auth(party)["Authorization"].removeprefix("Bearer "))
    page.wait_for_url("**/")
    expect(page.locator("[data-next], [autofocus]").first).to_be_focused()


def rows(running: Running, statement: str) -> list[Any]:
    """What stands in the database; asked in a thread of its own, as the service was started."""
    with ThreadPoolExecutor(1) as aside:
        return aside.submit(running.rows, statement).result()


def facts(running: Running) -> list[tuple[str, str]]:
    """What a school said of laptops: wire name without service and version, serial."""
    found = rows(
        running, "SELECT type, key FROM ledger WHERE party LIKE 'school:%' ORDER BY position"
    )
    names = [(str(type).split(".")[1], key) for type, key in found if type and "/" in key]
    return [(name, key.partition("/")[2]) for name, key in names]


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without"])
def test_a_pallet_is_counted_by_a_scanner_and_what_is_missing_is_reported(
    browser: Browser, delivery: Running, script: bool
) -> None:
    page = opened(browser, delivery, script=script)
    signed_in(page, delivery)
    typed(page, f"]C100{SHIPMENT}")  # as a scanner gives the label
    page.wait_for_url(f"**/receptions/{SHIPMENT}")
    expect(page.locator("[data-next]")).to_be_focused()
    scanned(page, "5CD0001", "Compté")
    scanned(page, "5cd0002", "Compté")
    scanned(page, "5CD0002", "Déjà compté")
    scanned(page, "hp/5CD0003", "Compté")
    scanned(page, "9XX0001", "Pas attendu")
    scanned(page, "??", "Ce n’est pas un numéro de série")
    scanned(page, "5CD0004", "Compté")
    counts = {name: page.locator(f"#{name}").inner_text() for name in ("counted", "awaited")}
    assert counts == {"counted": "5", "awaited": "1"}
    page.locator("#finish").press("Enter")
    expect(page.locator("#told")).to_contain_text("Les manquants sont signalés")
    assert facts(delivery) == [
        *(("laptop-received", f"5CD000{number}") for number in (1, 2, 3)),
        ("discrepancy-reported", "9XX0001"),
        ("laptop-received", "5CD0004"),
        ("discrepancy-reported", "5CD0005"),
    ]


def test_a_scanner_does_not_wait_for_answers_and_each_scan_counts_once(
    browser: Browser, delivery: Running
) -> None:
    page = opened(browser, delivery)
    signed_in(page, delivery)
    page.goto(f"/receptions/{SHIPMENT}")
    expect(page.locator("[data-next]")).to_be_focused()
    page.context.set_offline(True)
    typed(page, "5CD0001", "5CD0002")
    expect(page.locator("#told")).to_contain_text("rien n’est perdu")
    page.context.set_offline(False)
    typed(page, "5CD0003", "5CD0004", "5CD0005")
    expect(page.locator("#counted")).to_have_text("5")
    assert facts(delivery) == [("laptop-received", f"5CD000{number}") for number in range(1, 6)]


def test_a_laptop_counted_by_mistake_is_taken_back_and_a_damaged_one_noted(
    browser: Browser, delivery: Running
) -> None:
    page = opened(browser, delivery)
    signed_in(page, delivery)
    page.goto(f"/receptions/{SHIPMENT}")
    scanned(page, "5CD0001", "Compté")
    page.get_by_role("button", name="Endommagé").press("Enter")
    expect(page.locator("#told")).to_contain_text("Noté endommagé")
    expect(page.locator("#counted")).to_have_text("1")
    scanned(page, "5CD0002", "Compté")
    page.get_by_role("button", name="Annuler").first.press("Enter")
    expect(page.locator("#told")).to_contain_text("n’est plus compté")
    expect(page.locator("#counted")).to_have_text("1")


def test_a_class_gets_its_laptops_by_a_scanner_alone(browser: Browser, delivery: Running) -> None:
    page = opened(browser, delivery)
    signed_in(page, delivery)
    page.goto(f"/receptions/{SHIPMENT}")
    for number in (1, 2, 3):
        scanned(page, f"5CD000{number}", "Compté")
    page.goto(f"/hand-outs/{SCHOOL}")
    page.get_by_label("Housse").check()
    page.locator("#code").focus()
    page.keyboard.press("F4")
    expect(page.locator("#told")).to_have_text("Coché : par son responsable")
    for number in (1, 2, 3):
        if number == 3:  # an adult among the minors
            page.keyboard.press("F2")
            expect(page.locator("#told")).to_have_text("Plus coché : l’élève est mineur")
        scanned(page, f"5CD000{number}", "Scannez maintenant la carte")
        scanned(page, "Martin", "Ce n’est pas une carte d’élève")
        scanned(page, STUDENTS[0][:-1] + str(number), "Remis")
    expect(page.get_by_label("par son responsable")).to_be_checked()
    expect(page.get_by_role("heading", level=2)).to_contain_text("3 ordinateurs remis")
    assert signed(delivery) == [(True, True), (True, True), (False, False)]
    bodies = rows(delivery, "SELECT body FROM ledger WHERE type = 'delivery.laptop-handed-out.v1'")
    assert all('"sleeve":true,"storage":false' in body for (body,) in bodies)


def signed(running: Running) -> list[tuple[bool, bool]]:
    """Of each hand-out, whether it was a minor's, and whether a guardian signed."""
    sql = "SELECT body FROM ledger WHERE type = 'delivery.laptop-handed-out.v1' ORDER BY position"
    told = [msgspec.json.decode(body) for (body,) in rows(running, sql)]
    return [(one["minor"], bool(one["guardian_signed_at"])) for one in told]


def test_what_a_class_signed_is_ticked_once_without_javascript_too(
    browser: Browser, delivery: Running
) -> None:
    page = opened(browser, delivery, script=False)
    signed_in(page, delivery)
    page.goto(f"/hand-outs/{SCHOOL}")
    page.get_by_label("par son responsable").check()
    page.locator("#code").focus()
    for number in (1, 2):
        scanned(page, f"hp/5CD000{number}", "Scannez maintenant la carte")
        scanned(page, STUDENTS[0][:-1] + str(number), "Remis")
    assert signed(delivery) == [(True, True), (True, True)]


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without"])
def test_no_address_of_ours_ever_holds_whose_card_was_scanned(
    browser: Browser, delivery: Running, script: bool
) -> None:
    page = opened(browser, delivery, script=script)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    signed_in(page, delivery)
    page.goto(f"/hand-outs/{SCHOOL}")
    page.locator("#code").fill("hp/5CD0001")
    page.locator("#student").fill(STUDENTS[0])
    page.locator("#student").press("Enter")
    expect(page.locator("#told")).to_contain_text("La charte n’est pas signée")
    expect(page.locator("#student")).to_have_value(STUDENTS[0])
    expect(page.locator("#code")).to_have_value("hp/5CD0001")
    page.get_by_label("par son responsable").check()
    page.locator("#student").press("Enter")
    expect(page.locator("#told")).to_contain_text("Remis")
    expect(page.locator("#student")).to_have_value("")
    # names.js asks enrolment, which is not here, for the name of whom the page shows.
    ours = [url for url in asked if url.startswith(str(delivery.client.base_url))]
    assert any("/hand-outs/" in url for url in ours)
    assert [url for url in [*ours, page.url] if STUDENTS[0][:8] in url] == []


def test_a_minor_without_a_guardian_gets_nothing_until_the_guardian_signed(
    browser: Browser, delivery: Running
) -> None:
    page = opened(browser, delivery)
    signed_in(page, delivery)
    page.goto(f"/hand-outs/{SCHOOL}")
    scanned(page, "hp/5CD0001", "Scannez maintenant la carte")
    scanned(page, STUDENTS[0], "La charte n’est pas signée")
    assert facts(delivery) == []
    page.get_by_label("par son responsable").check()
    page.locator("#student").press("Enter")
    expect(page.locator("#told")).to_contain_text("Remis")
    assert facts(delivery) == [("laptop-handed-out", "5CD0001")]


def test_another_schools_pallet_tells_nothing_and_is_reported_where_it_came(
    browser: Browser, delivery: Running
) -> None:
    page = opened(browser, delivery)
    signed_in(page, delivery, f"school:{OTHER_SCHOOL}")
    page.goto(f"/receptions/{SHIPMENT}")
    expect(page.locator("main")).to_contain_text("n’est pas annoncée pour votre lycée")
    assert "5CD000" not in page.content()
    page.locator("#elsewhere").press("Enter")
    expect(page.locator("#told")).to_contain_text("L’erreur de lycée est signalée")
    assert page.goto(f"/shipments/{SHIPMENT}").status == 404  # type: ignore[union-attr]  # it answers
    assert page.goto(f"/hand-outs/{SCHOOL}").status == 404  # type: ignore[union-attr]  # it answers


def test_a_pallet_whose_check_digit_is_wrong_is_told_so(
    browser: Browser, delivery: Running
) -> None:
    page = opened(browser, delivery)
    signed_in(page, delivery)
    mistyped = SHIPMENT[:-1] + str((int(SHIPMENT[-1]) + 1) % 10)
    for code, said in {
        mistyped: "la clé de contrôle",
        f"(00) {mistyped}": "la clé de contrôle",
        f"]C100{mistyped}": "la clé de contrôle",
        mistyped[:-1]: "ni une palette",
        "rien": "ni une palette",
    }.items():
        typed(page, code)
        expect(page.get_by_role("alert")).to_contain_text(said)
        expect(page.locator("[data-next]")).to_be_focused()


def test_a_form_of_another_site_is_refused_and_a_key_that_is_none_opens_nothing(
    delivery: Running,
) -> None:
    key = delivery.auth(PARTY)["Authorization"].removeprefix("Bearer ")
    cookie = {"cookie": f"trousseau-delivery={key}"}
    form = {"act": "scan", "code": "5CD0001", "scan": STUDENTS[0]}
    path = f"/receptions/{SHIPMENT}"
    for foreign in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.test"}):
        told = delivery.client.post(path, data=form, headers=cookie | foreign)
        assert told.status_code == 403
    nobody = delivery.client.post(path, data=form, headers={"cookie": "trousseau-delivery=x"})
    assert (nobody.status_code, nobody.headers["location"]) == (
        303,
        f"/key?to=%2Freceptions%2F{SHIPMENT}",
    )
    assert facts(delivery) == []
    taken = delivery.client.post(path, data=form, headers=cookie)
    again = delivery.client.post(path, data=form, headers=cookie)
    assert [one.headers["location"].partition("told=")[2][:7] for one in (taken, again)] == [
        "counted",
        "already",
    ]
    assert delivery.client.post("/key", data={"key": "x"}).status_code == 403
    kept = delivery.client.post("/key", data={"key": key, "to": "//evil.test/"})
    assert kept.headers["location"] == "/"
    assert {"HttpOnly", "SameSite=strict"} <= {*kept.headers["set-cookie"].split("; ")}


@pytest.mark.parametrize(
    "path",
    ["/key", "/", f"/receptions/{SHIPMENT}", f"/hand-outs/{SCHOOL}", f"/shipments/{SHIPMENT}"],
)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    browser: Browser, delivery: Running, path: str
) -> None:
    page = opened(browser, delivery)
    signed_in(page, delivery)
    page.goto(f"/receptions/{SHIPMENT}")
    scanned(page, "5CD0001", "Compté")
    page.goto(path)
    found: list[Any] = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
    for width in (1280, 820, 390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
