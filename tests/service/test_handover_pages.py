"""Handover's pages as forms and addresses: what a form sent twice does, what a word opens."""

import httpx
import pytest

from services.handover import pages
from shared.pages.rendering import SHARED_TEMPLATES, english_words
from tests.builders import SCHOOL, Running
from tests.runners import ROOT
from tests.service import handing_over as of

AT_SCHOOL = f"school:{SCHOOL}"


@pytest.fixture
def names(handover: Running) -> dict[str, str]:
    """Handover with something of everything; the names that addresses have of it."""
    return of.furnished(handover)


def sent(service: Running, path: str, party: str = AT_SCHOOL, **form: str) -> httpx.Response:
    """A form, as a browser sends it that keeps a party's key."""
    key = service.auth(party).get("Authorization", "").removeprefix("Bearer ")
    cookie = {"cookie": f"trousseau-handover={key}"} if key else {}
    return service.client.post(path, data=form, headers=cookie)


def state(service: Running, number: int) -> str:
    found = service.get("region", f"/api/handovers/{of.number_of(number)}")["state"]
    return str(found)


def test_a_form_that_is_sent_twice_asks_once_and_contradicts_nothing(
    handover: Running, names: dict[str, str]
) -> None:
    assert names
    form = {"act": "offer", "handover": of.number_of(1), "id": "a form"}
    first, again = (sent(handover, f"/signing/{SCHOOL}", **form) for _ in range(2))
    assert "signing-code" in first.text
    assert again.status_code == 303
    assert "told=duplicate" in again.headers["location"]
    assert handover.get("ops", "/api/parked?kind=conflict")["total"] == 0


def test_what_a_student_says_twice_is_said_once_and_what_is_too_late_is_told(
    handover: Running, names: dict[str, str]
) -> None:
    path = f"/mine/{names['word']}"
    for _ in range(2):
        assert sent(handover, path, "", act="acceptance").status_code == 303
    assert state(handover, 2) == "accepted"
    assert sent(handover, path, "", act="refusal").status_code == 303
    assert state(handover, 2) == "return-asked"
    assert sent(handover, path, "", act="write-off").status_code == 422
    assert handover.get("ops", "/api/parked?kind=conflict")["total"] == 0


def test_a_word_opens_one_page_and_a_wrong_one_none(
    handover: Running, names: dict[str, str]
) -> None:
    word = names["word"]
    assert handover.client.get(f"/mine/{word}").status_code == 200
    other = of.number_of(1) + word[16:]
    for wrong in (word[:-1], word + "0", other, of.number_of(2), "-", "é"):
        assert handover.client.get(f"/mine/{wrong}").status_code == 404, wrong


def test_a_school_has_no_signing_day_at_another(handover: Running, names: dict[str, str]) -> None:
    assert names
    form = {"act": "offer", "handover": of.number_of(1), "id": "a form"}
    elsewhere = "school:0680010S"
    assert sent(handover, f"/signing/{SCHOOL}", elsewhere, **form).status_code == 404
    assert sent(handover, "/signing/0680010S", elsewhere, **form).status_code == 404
    assert state(handover, 1) == "opened"


def test_every_word_of_handovers_pages_has_its_english() -> None:
    words = english_words((ROOT / "services/handover/templates", SHARED_TEMPLATES))
    said = {*pages.STATES.values(), *pages.CAUSES.values(), *pages.KINDS.values()}
    said |= {*pages.RELEASES.values(), *pages.FAILURES.values(), *pages.TOLD.values()}
    said |= {*pages.WRONG.values(), *pages.TITLES.values()}
    said |= {text for pair in pages.MINE.values() for text in pair}
    said |= {entry.label for entry in pages.SITE.navigation}
    assert said - set(words) == set()
