"""What pages say of what is refused: in French its code, with what the detail tells more."""

import re
from html import unescape

import pytest
from msgspec.structs import replace

from services.tracking import pages
from shared.decisions import Refusal
from shared.pages import errors, parked
from shared.pages.rendering import Visit
from tests.browser import examples

FRENCH = Visit("/", (), examples.NOW)
ENGLISH = replace(FRENCH, query=(("lang", "en"),))


def text_of(page: str) -> str:
    """The words of a page, as a reader meets them."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def said(visit: Visit, why: Refusal, status: int = 422) -> str:
    return text_of(errors.error_page(pages.templates(), visit, status, no=why))


def test_a_code_is_said_in_french_and_its_detail_where_that_tells_more() -> None:
    invalid, closed = Refusal("invalid", "/uai: no"), Refusal("closed", "it was discarded already")
    assert "à corriger, puis à renvoyer. (/uai: no)" in said(FRENCH, invalid)
    assert "C’est déjà traité" in said(FRENCH, closed)
    assert "discarded already" not in said(FRENCH, closed)


def test_on_an_english_page_the_detail_is_said_or_the_sentence_where_there_is_none() -> None:
    told = said(ENGLISH, Refusal("closed", "it was discarded already"))
    assert "open the page again to see how" in told, "an error's page says what to do, too"
    assert "It was dealt with already" in said(ENGLISH, Refusal("closed"))


def test_what_is_not_there_is_told_alike_and_a_code_new_to_us_by_its_status() -> None:
    assert "déjà traité" not in said(FRENCH, Refusal("closed"), 404)
    assert "n’a pas la forme attendue" in said(FRENCH, Refusal("new-to-us", "x"))


@pytest.mark.parametrize("code", ["invalid", "null-value", "new-to-us"])
def test_what_is_set_aside_tells_its_detail_once(code: str) -> None:
    thing = replace(examples.parked(), code=code, detail="the particulars")
    assert parked.parked_page(pages.templates(), FRENCH, thing).count("the particulars") == 1


def test_what_is_refused_again_for_another_cause_says_that() -> None:
    thing = replace(examples.parked(), code="invalid")
    again = text_of(parked.parked_page(pages.templates(), FRENCH, thing, "refused null-value"))
    assert "rien n’a changé. Le message est vide." in again
