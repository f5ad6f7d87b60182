"""Handover's pages as forms and addresses: what a form sent twice does, what a word opens."""

from html import unescape

import httpx
import pytest
from msgspec.structs import replace

from services.handover import core, pages
from services.handover.screens import mine
from shared.decisions import Claim
from shared.pages.rendering import SHARED_TEMPLATES, english_words
from tests.builders import SCHOOL, Running, a_claim, key_of
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


def test_a_forgotten_student_has_no_page_and_none_is_linked(
    handover: Running, names: dict[str, str]
) -> None:
    def card() -> str:
        return handover.page(AT_SCHOOL, f"/signing/{SCHOOL}?code=5CD0002").text

    assert f"/mine/{names['word']}" in card()
    name = core.student_key(of.student(2))
    of.put(handover, [a_claim(name, core.ForgetStudent(), id="erased", happened_at=of.JUNE)])
    assert handover.client.get(f"/mine/{names['word']}").status_code == 404
    assert "/mine/" not in card()


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
    said |= {text for pair in pages.CANCELLED.values() for text in pair}
    said |= {mine.TOO_EARLY, mine.TOO_LATE, mine.UNKNOWN}
    said |= {entry.label for entry in pages.SITE.navigation}
    assert said - set(words) == set()


def test_a_refused_act_is_told_in_the_language_of_the_page(
    handover: Running, names: dict[str, str]
) -> None:
    assert names
    form = {"act": "release", "handover": of.number_of(1), "id": "a form"}
    told = unescape(sent(handover, f"/signing/{SCHOOL}", **form).text)
    assert "Refusé, rien n’a changé. L’ordinateur n’est pas encore proposé" in told
    assert 'lang="en">(it is opened; this wants signed)' in told
    english = sent(handover, f"/signing/{SCHOOL}?lang=en", **form | {"id": "another"}).text
    assert "it is opened; this wants signed" in english
    assert "encore proposé" not in english
    terms = {"campaign": "other", "school_year": "2022-2023", "opens_on": "2023-05-02"}
    told = unescape(sent(handover, "/campaigns", "region", **terms).text)
    assert "Cette année scolaire a déjà sa campagne" in told
    assert "has the campaign fin-2023 already" in told
    terms["opens_on"] = "2025-05-02"
    told = unescape(sent(handover, "/campaigns", "region", **terms).text)
    assert "Une campagne ouvre pendant son année scolaire" in told
    form |= {"act": "write-off"}
    told = unescape(sent(handover, f"/signing/{SCHOOL}", **form).text)
    assert "Cette clé ne permet pas de le faire" in told


def test_every_state_that_hinders_an_act_is_said() -> None:
    assert {f"it-is-{state}" for state in core.STATES} <= set(pages.BECAUSE)
    assert set(core.STATES) == set(pages.STATES)


NEXT = "2023-2024"


def noted(level: str) -> Claim:
    command = core.NoteStudent(SCHOOL, level, NEXT)
    return a_claim(core.student_key(of.student(2)), command, id="next", happened_at=of.JUNE)


def next_campaign() -> list[Claim]:
    opening = core.OpenCampaign("fin-2024", NEXT, of.JUNE, "CG3P", "23CP-1", 0)
    return [a_claim(core.campaign_key(NEXT), opening, id="fin-2024", stated=False)]


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ([noted("1ere")], "Vous gardez l’ordinateur en prêt."),
        ([a_claim(key_of(2), core.Entrust(None, SCHOOL), id="b")], "Vous n’avez plus cet ordi"),
        ([*next_campaign(), noted("term")], "remplacée par celle d’une autre année"),
    ],
)
def test_who_is_offered_it_no_longer_is_told_why(
    handover: Running, names: dict[str, str], claims: list[Claim], says: str
) -> None:
    for one in claims:
        of.put(handover, [replace(one, happened_at=of.JUNE)])
    assert state(handover, 2) == "cancelled"
    assert says in handover.client.get(f"/mine/{names['word']}").text


@pytest.mark.parametrize(("value", "says"), [(0, "Gratuit<"), (1500, "15,00")])
def test_a_student_is_told_at_which_value_it_is_ceded(
    handover: Running, value: int, says: str
) -> None:
    (opening,) = of.campaign()
    campaign = replace(opening, command=replace(opening.command, residual_value_cents=value))
    for claims in (of.known([1]), [campaign], of.called([1]), of.as_far_as(1, "offered")):
        of.put(handover, claims)
    item = {"id": "a code", "happened_at": of.JUNE.isoformat()}
    told = handover.ask("region", "POST", f"/api/handovers/{of.number_of(1)}/code", json=item)
    page = handover.client.get(f"/mine/{told.json()['mine'].rpartition('/')[2]}").text
    assert says in page
    assert ("Gratuit<" in page) == (value == 0)
    assert "gratuitement" not in page
