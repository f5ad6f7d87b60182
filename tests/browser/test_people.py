"""Looking somebody up, and names on the pages of other services: Chromium, the real services."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests import places
from tests.builders import OTHER_SCHOOL, PARTIES, SCHOOL, Running, a_hand_out, a_service
from tests.pupils import Pupil, a_directory, loaded, students

LEO = Pupil("1002", "1234567890A", "Martin", "Léo", "01/02/2003", guardians=("2002",))
SAME_NAME = Pupil("1003", "000000003AB", "Martin", "Zoé", "03/02/2003")


class Aside:
    """A thread of its own for what runs a loop: this one has the browser's."""

    def __init__(self) -> None:
        self.thread, self.open = ThreadPoolExecutor(1), list[AbstractContextManager[Running]]()

    def do(self, work: Any, *words: Any) -> Any:
        told: Future[Any] = self.thread.submit(work, *words)
        return told.result()

    def up(self, made: AbstractContextManager[Running]) -> Running:
        running: Running = self.do(made.__enter__)
        self.open.append(made)
        return running

    def end(self) -> None:
        for made in reversed(self.open):
            self.do(made.__exit__, None, None, None)
        self.thread.shutdown()


@pytest.fixture
def aside() -> Iterator[Aside]:
    made = Aside()
    yield made
    made.end()


@pytest.fixture
def delivery_port() -> int:
    return places.free_port()


@pytest.fixture
def enrolment(tmp_path: Path, aside: Aside, delivery_port: int) -> Running:
    """Enrolment, which knows three pupils of a school; delivery's pages may ask it for names."""
    url = f"sqlite:///{tmp_path / 'enrolment.sqlite3'}"
    said = {"TROUSSEAU_NAME_ORIGINS": f"http://127.0.0.1:{delivery_port}"}
    running = aside.up(a_service("enrolment", url, tmp_path, environment=said))
    aside.do(loaded, running, a_directory(Pupil(), LEO, SAME_NAME))
    for party in ("region", PARTIES["school"], f"school:{OTHER_SCHOOL}", "desk:metz"):
        running.auth(party)
    return running


def key_of(running: Running, party: str) -> str:
    return running.issued[party]


def entered(context: BrowserContext, running: Running, party: str, to: str = "/people") -> Page:
    """A page of a service, a key typed before."""
    page = context.new_page()
    page.goto(f"{running.client.base_url}{to}")
    page.locator("#key").fill(key_of(running, party))
    page.keyboard.press("Enter")
    expect(page.locator("h1")).not_to_have_text("Votre clé")
    return page


def asked(page: Page, question: str) -> None:
    page.locator("#question").fill(question)
    page.locator("#why").select_option("hand-out")
    page.get_by_role("button", name="Chercher").click()


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without"])
def test_a_person_is_found_by_name_looked_at_exported_and_erased(
    browser: Browser, enrolment: Running, script: bool
) -> None:
    context = browser.new_context(java_script_enabled=script)
    page = entered(context, enrolment, "region")
    asked(page, "martin")
    expect(page.locator("#found")).to_have_text("2 personnes trouvées")
    assert "martin" not in page.url, "no name stands in an address"
    asked(page, "Léo Martin")
    page.get_by_role("link", name="Martin Léo").click()
    expect(page.locator("h1")).to_have_text("Martin Léo")
    expect(page.locator("main")).to_contain_text("Ali Martin")
    expect(page.locator("main")).to_contain_text("remise d’un ordinateur")
    with page.expect_download() as download:
        page.get_by_role("link", name="Tout ce qui est su").click()
    told = msgspec.json.decode(Path(download.value.path()).read_bytes())
    assert told["ine"] == LEO.ine
    page.get_by_label("J’en suis sûr").check()
    page.get_by_role("button", name="Effacer pour toujours").click()
    expect(page.locator("#told")).to_contain_text("Effacé")
    asked(page, LEO.ine)
    expect(page.locator("#found")).to_have_text("0 personne trouvée")
    context.close()


def test_a_school_finds_its_own_and_erases_nobody(browser: Browser, enrolment: Running) -> None:
    context = browser.new_context()
    other = entered(context, enrolment, f"school:{OTHER_SCHOOL}")
    asked(other, "Martin")
    expect(other.locator("main")).to_contain_text("n’est de votre ressort")
    context.close()
    context = browser.new_context()
    own = entered(context, enrolment, PARTIES["school"])
    asked(own, "Lévy")
    own.get_by_role("link", name="Lévy Élise").click()
    expect(own.locator("h1")).to_have_text("Lévy Élise")
    expect(own.locator("#erase")).to_have_count(0)
    context.close()


def test_nothing_that_was_asked_is_told_as_such(browser: Browser, enrolment: Running) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = entered(context, enrolment, "region")
    page.evaluate("document.querySelector('#question').required = false")
    page.locator("#why").select_option("return")
    page.get_by_role("button", name="Chercher").click()
    expect(page.get_by_role("alert")).to_contain_text("Dites un nom")
    context.close()


@pytest.mark.parametrize("path", ["/people", "found", "person", "/imports"])
@pytest.mark.parametrize("lang", ["", "?lang=en"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    browser: Browser, enrolment: Running, path: str, lang: str
) -> None:
    context = browser.new_context()
    page = entered(context, enrolment, "region", f"/people{lang}")
    if path in ("found", "person"):
        page.locator("#question").fill("Martin")
        page.locator("#why").select_option("file")
        page.locator("main button").first.click()
        expect(page.locator("#found")).to_be_visible()
    if path == "person":
        page.locator("main table a").first.click()
        expect(page.locator("#looks")).to_be_visible()
    if path == "/imports":
        page.goto(f"{enrolment.client.base_url}/imports{lang}")
    for width in (1280, 390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        found: list[Any] = Axe().run(page).response["violations"]
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


# -- names on the pages of other services


@pytest.fixture
def delivery(
    tmp_path: Path, aside: Aside, enrolment: Running, delivery_port: int
) -> tuple[Running, str]:
    """Delivery, at whose school a pupil took a laptop home today; and the pseudonym."""
    at = str(enrolment.client.base_url).rstrip("/")
    url = f"sqlite:///{tmp_path / 'delivery.sqlite3'}"
    made = a_service(
        "delivery", url, tmp_path, environment={"TROUSSEAU_NAMES": at}, port=delivery_port
    )
    running = aside.up(made)
    elise = next(
        one["student"]
        for one in aside.do(students, enrolment)
        if aside.do(enrolment.get, "region", f"/api/people/{one['student']}")["given_name"]
        == "Élise"
    )
    today = datetime.now(UTC).isoformat()
    handed = a_hand_out(student=elise, handed_out_at=today)
    handed["charter"]["student_signed_at"] = today
    answer = aside.do(
        partial(
            running.ask, PARTIES["school"], "POST", "/api/hand-outs", json={"hand_outs": [handed]}
        )
    )
    assert answer.json()["verdicts"][0]["verdict"] == "waiting", answer.text
    return running, elise


def shown(page: Page) -> Any:
    return page.locator("[data-student]")


def test_a_school_reads_names_on_the_page_of_hand_outs_once_its_key_is_kept(
    browser: Browser, enrolment: Running, delivery: tuple[Running, str]
) -> None:
    running, elise = delivery
    context, complaints = browser.new_context(), list[str]()
    page = entered(context, running, PARTIES["school"], f"/hand-outs/{SCHOOL}")
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    expect(shown(page)).to_have_text(elise)
    entered(context, enrolment, PARTIES["school"])
    page.reload()
    expect(shown(page)).to_have_text("Élise Lévy")
    assert shown(page).get_attribute("title") == elise
    assert complaints == []
    context.close()


def test_each_name_is_asked_for_once_while_a_page_lives_and_all_are_asked_for(
    browser: Browser, enrolment: Running, delivery: tuple[Running, str]
) -> None:
    running, _ = delivery
    context, asked = browser.new_context(), list[str]()
    entered(context, enrolment, PARTIES["school"])
    page = entered(context, running, PARTIES["school"], f"/hand-outs/{SCHOOL}")
    expect(shown(page)).to_have_text("Élise Lévy")
    page.on("request", lambda one: asked.append(one.url) if "/names?" in one.url else None)
    more = """many => { for (let n = 0; n < many; n += 1) {
        const one = document.createElement("span");
        one.dataset.student = crypto.randomUUID();
        document.querySelector("main").append(one);
    } }"""
    page.evaluate(more, 450)
    settle = "document.dispatchEvent(new Event('htmx:afterSettle'))"
    page.evaluate(settle)
    page.wait_for_load_state("networkidle")
    for _ in range(3):
        page.evaluate(settle)
    page.wait_for_load_state("networkidle")
    students = [
        one for url in asked for one in parse_qs(url.partition("?")[2])["students"][0].split(",")
    ]
    assert [len(asked), len(students), len(set(students))] == [3, 450, 450]
    context.close()


@pytest.mark.parametrize("who", [f"school:{OTHER_SCHOOL}", "desk:metz"])
def test_whoever_may_not_know_a_name_reads_the_pseudonym(
    browser: Browser, enrolment: Running, delivery: tuple[Running, str], who: str
) -> None:
    running, elise = delivery
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{enrolment.client.base_url}/key?to=/static/none")
    page.locator("#key").fill(key_of(enrolment, who))
    page.keyboard.press("Enter")
    page = entered(context, running, PARTIES["school"], f"/hand-outs/{SCHOOL}")
    page.wait_for_load_state("networkidle")  # the answer to be read is the one to come
    with page.expect_response(lambda answer: "/names?" in answer.url) as answered:
        page.reload()
    assert answered.value.json() == {"names": {}}
    expect(shown(page)).to_have_text(elise)
    context.close()


def test_without_javascript_and_without_enrolment_the_page_shows_pseudonyms(
    browser: Browser, delivery: tuple[Running, str]
) -> None:
    running, elise = delivery
    context = browser.new_context(java_script_enabled=False)
    page = entered(context, running, PARTIES["school"], f"/hand-outs/{SCHOOL}")
    expect(shown(page)).to_have_text(elise)
    context.close()
