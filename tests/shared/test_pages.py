"""What pages say: dates, words in two languages, hostile text, the life line, files."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, UndefinedError
from markupsafe import Markup
from msgspec.structs import replace

from services.tracking import pages, sentences, stations
from services.tracking.shown import Filter, Found, LaptopLife
from shared.contracts import delivery, ordering
from shared.hearing import tag
from shared.pages import errors, french, jobs, life_line, parked, refusals, rendering, static
from shared.pages.life_line import Branch, Station
from shared.pages.rendering import Entry, Site, Visit
from shared.pages.tables import Listing, csv_lines
from tests.browser import examples
from tests.browser.examples import at, told

THIN, FIXED = "\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}"
TRACKING = Path(pages.__file__).parent / "templates"
TAGS = [tag(fact) for fact in (*ordering.RANK, *delivery.RANK)]
LAPTOP_FACTS = [name for name in TAGS if ".laptop-" in name]
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}"


def a_visit(path: str = "/", *query: tuple[str, str]) -> Visit:
    return Visit(path, query, examples.NOW)


def plain(text: str) -> Markup:
    return Markup.escape(text)


def in_french(text: str, **parts: object) -> Markup:
    return plain(text).format(**parts)


# -- dates and numbers


def test_a_moment_is_told_by_the_clock_in_paris() -> None:
    assert french.moment(datetime(2020, 9, 1, 6, 12, tzinfo=UTC)) == "mar. 1 sept. 2020, 8 h 12"
    assert french.moment(datetime(2020, 12, 1, 6, 5, tzinfo=UTC)) == "mar. 1 déc. 2020, 7 h 05"


def test_a_moment_late_at_night_in_utc_is_the_next_day_in_paris() -> None:
    night = datetime(2020, 8, 31, 22, 30, tzinfo=UTC)

    assert french.day(night) == "1 sept. 2020"
    assert french.same_day(night, datetime(2020, 9, 1, 12, tzinfo=UTC))


def test_a_time_without_an_offset_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="offset"):
        french.moment(datetime(2020, 9, 1, 8, 12))  # noqa: DTZ001  that is the point


def test_the_exact_time_is_there_for_machines_and_on_hover() -> None:
    assert french.time_tag(datetime(2020, 9, 1, 6, 12, 5, tzinfo=UTC), "hier") == (
        '<time datetime="2020-09-01T08:12:05+02:00" title="2020-09-01T08:12:05+02:00">hier</time>'
    )
    assert french.time_tag(date(2020, 9, 1), "hier").startswith('<time datetime="2020-09-01"')


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (timedelta(seconds=59), "à l'instant"),
        (timedelta(minutes=1), "il y a 1 min"),
        (timedelta(hours=3, minutes=59), "il y a 3 h"),
        (timedelta(hours=47), "il y a 47 h"),
        (timedelta(days=2), "il y a 2 j"),
        (timedelta(days=40), "il y a 40 j"),
        (timedelta(hours=-3), "dans 3 h"),
    ],
)
def test_how_long_ago_is_said_in_the_largest_unit_and_never_more(
    before: timedelta, said: str
) -> None:
    now = at(9, 10)
    assert french.ago(now - before, now) == said


def test_numbers_hold_together() -> None:
    assert french.number(42_225) == f"42{THIN}225"
    assert french.number(42_225, "en") == "42,225"
    assert french.number(126) == "126"


def test_a_share_is_all_or_nothing_only_when_it_is() -> None:
    shares = [french.percent(share) for share in (0, 0.0004, 0.624, 0.9996, 1)]
    assert [share[:-2] for share in shares] == ["0", "1", "62", "99", "100"]
    assert french.percent(0.624, "en") == "62%"


def test_accents_make_no_difference_to_where_a_name_stands() -> None:
    towns = ["Metz", "Épinal", "epernay", "Sélestat", "Saverne"]
    assert sorted(towns, key=french.sortable) == [
        "epernay",
        "Épinal",
        "Metz",
        "Saverne",
        "Sélestat",
    ]


def test_french_is_set_as_a_printer_sets_it() -> None:
    assert french.typeset("Rien pour « l'élève » : cherchez !") == (
        f"Rien pour «{FIXED}l’élève{FIXED}»{FIXED}: cherchez{FIXED}!"
    )


# -- words


def test_every_sentence_of_every_template_has_its_english() -> None:
    said: set[str] = set()
    for template in (*rendering.SHARED_TEMPLATES.glob("*.html"), *TRACKING.glob("*.html")):
        text = template.read_text(encoding="utf-8")
        said |= {
            one or other for one, other in re.findall(r"""say\((?:"([^"]+)"|'([^']+)')""", text)
        }
        for words in re.findall(r'many\([^"]*"([^"]+)", "([^"]+)"', text):
            said |= set(words)
    assert len(said) > 100
    assert said - set(rendering.english_words((TRACKING, rendering.SHARED_TEMPLATES))) == set()


def test_every_word_that_code_hands_to_a_page_has_its_english() -> None:
    said = {
        *(entry.label for entry in pages.SITE.navigation),
        *pages.STEPS.values(),
        *pages.BECAME.values(),
        *stations.OFF_THE_LINE.values(),
        *(label for _, label, _ in stations.STATIONS),
        *life_line.SPOKEN.values(),
        *parked.KINDS.values(),
        *parked.ANSWERS.values(),
        *refusals.BECAUSE.values(),
        *(
            words
            for one in (*errors.TROUBLES.values(), errors.REFUSED)
            for words in (one.happened, one.kept, one.do or one.act, one.act)
        ),
    }
    assert said - set(rendering.english_words((TRACKING, rendering.SHARED_TEMPLATES))) == set()


def test_a_translation_keeps_the_places_of_what_is_filled_in() -> None:
    places = re.compile(r"\{\w+\}")
    for words in rendering.english_words((TRACKING, rendering.SHARED_TEMPLATES)).items():
        assert len({frozenset(places.findall(text)) for text in words}) == 1, words


def test_english_is_asked_for_in_the_address_and_kept_in_every_link() -> None:
    class Links(HTMLParser):
        found: list[str]

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            named = dict(attrs)
            if tag == "a" and named.get("hreflang") is None:
                self.found.append(str(named["href"]))

    links = Links()
    links.found = []
    links.feed(pages.board_page(a_visit("/", ("lang", "en")), examples.board()))

    inside = [link for link in links.found if not link.startswith("#")]
    assert len(inside) > 20
    assert [link for link in inside if "lang=en" not in link] == []


def test_a_language_that_is_not_ours_is_answered_in_french() -> None:
    assert a_visit("/", ("lang", "xx")).lang == "fr"


def test_french_counts_nothing_in_the_singular_and_english_in_the_plural() -> None:
    nothing = Listing(0)
    in_words = {
        lang: pages.laptops_page(a_visit("/laptops", ("lang", lang)), (), nothing, Filter())
        for lang in ("fr", "en")
    }
    assert "0 ordinateur<" in in_words["fr"]
    assert "0 laptops<" in in_words["en"]


@pytest.mark.parametrize("tag", LAPTOP_FACTS)
def test_every_fact_about_a_laptop_is_a_sentence_in_both_languages(tag: str) -> None:
    body = {"order": "CMD-1", "line": "1", "shipment": "376", "school": "0670080Y"}

    said = [sentences.summary(tag, body, lang) for lang in ("fr", "en")]

    assert said[0][0].isupper()
    assert said[0] != said[1]
    assert "{" not in "".join(said)
    assert "[" not in "".join(said)


def test_what_a_fact_does_not_tell_its_sentence_leaves_out() -> None:
    tag = "delivery.laptop-dispatched.v1"
    assert sentences.summary(tag, {"shipment": "376"}) == "Expédié, palette 376"
    assert sentences.summary(tag, {"shipment": None}) == "Expédié"
    assert sentences.summary(tag, {}) == "Expédié"


def test_a_discrepancy_is_named_by_its_kind() -> None:
    tag = "delivery.discrepancy-reported.v1"
    assert sentences.summary(tag, {"kind": "missing"}) == "Manquant à la réception"
    assert sentences.summary(tag, {"kind": "stacked-wrong"}) == "stacked wrong"


@given(st.text(), st.dictionaries(st.text(), st.text()))
def test_a_fact_that_is_new_to_us_is_still_shown(tag: str, body: dict[str, str]) -> None:
    assert isinstance(sentences.summary(tag, body), str)
    assert sentences.summary("handover.laptop-painted.v1", body) == "laptop painted"


def test_a_value_new_to_us_is_shown_as_it_is() -> None:
    assert sentences.standing("location", "with-student", "en") == "With the student"
    assert sentences.standing("location", "on-the-moon") == "on the moon"


# -- hostile text


class Elements(HTMLParser):
    """Every element of a page, with the names of its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, frozenset[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, frozenset(name for name, _ in attrs)))


def hostile_pages() -> dict[str, str]:
    row = replace(
        examples.rows()[0],
        maker=HOSTILE,
        serial=HOSTILE,
        model=HOSTILE,
        location=HOSTILE,
        school=HOSTILE,
        school_name=HOSTILE,
        order=HOSTILE,
        flags=(HOSTILE,),
    )
    school = replace(
        examples.school(HOSTILE), uai=HOSTILE, town=HOSTILE, department=HOSTILE, rows=(row,)
    )
    counts = replace(
        examples.schools()[0], uai=HOSTILE, name=HOSTILE, town=HOSTILE, department=HOSTILE
    )
    laptop = replace(
        examples.laptop(flags=(HOSTILE,)),
        serial=HOSTILE,
        model=HOSTILE,
        order=HOSTILE,
        lot=HOSTILE,
        shipment=HOSTILE,
        school=HOSTILE,
        timeline=(
            told(HOSTILE, at(9, 1)),
            replace(told("ordering.laptop-announced.v1", at(9, 2), order=HOSTILE), source=HOSTILE),
        ),
    )
    thing = replace(
        examples.parked(),
        kind=HOSTILE,
        detail=HOSTILE,
        party=HOSTILE,
        content=HOSTILE,
        other=HOSTILE,
    )
    visit = a_visit(f"/{HOSTILE}", ("q", HOSTILE), ("after", HOSTILE), (HOSTILE, HOSTILE))
    listing = Listing(1, HOSTILE, HOSTILE, ("serial",))
    filters = Filter(**dict.fromkeys(Filter.__struct_fields__, HOSTILE))
    found = (Found("laptop", HOSTILE, HOSTILE, HOSTILE), Found(HOSTILE, HOSTILE, HOSTILE, HOSTILE))
    job = replace(examples.job(), about=HOSTILE, cause=HOSTILE, note=HOSTILE, state=HOSTILE)
    ours = pages.templates()
    return {
        "school": pages.school_page(visit, school),
        "laptop": pages.laptop_page(visit, laptop),
        "laptops": pages.laptops_page(visit, (row,), listing, filters),
        "schools": pages.schools_page(visit, (counts,), listing, HOSTILE),
        "search": pages.search_page(visit, HOSTILE, found),
        "parked": parked.parked_list_page(ours, visit, (thing,), listing, HOSTILE),
        "parked thing": parked.parked_page(ours, visit, thing, HOSTILE),
        "job": jobs.job_page(ours, visit, job),
        "error": errors.error_page(ours, visit, 500, HOSTILE),
    }


@pytest.mark.parametrize("name", list(hostile_pages()))
def test_text_from_outside_never_becomes_markup(name: str) -> None:
    elements = Elements()
    elements.feed(hostile_pages()[name])

    assert "img" not in {tag for tag, _ in elements.tags}
    assert [attributes for tag, attributes in elements.tags if tag == "script"] == [
        {"src", "defer"}
    ]
    assert not any(name.startswith("on") for _, names in elements.tags for name in names)
    assert "{{ 7 * 7 }}" in hostile_pages()[name]


def test_what_was_answered_is_said_in_our_words_only() -> None:
    shown = parked.parked_page(pages.templates(), a_visit(), examples.parked(), "appelez le 06")
    assert "appelez" not in shown


def test_a_value_that_a_template_misses_is_an_error_and_no_blank(tmp_path: Path) -> None:
    (tmp_path / "thing.html").write_text("{{ forgotten }}")
    ours = rendering.environment(tmp_path, site=Site((Entry("Accueil", "/"),)))

    with pytest.raises(UndefinedError, match="forgotten"):
        rendering.page(ours, "thing.html", a_visit())


def test_no_page_holds_a_script_or_a_style_of_its_own() -> None:
    for name, screen in examples.SCREENS.items():
        elements = Elements()
        elements.feed(screen(a_visit(name)))
        assert "style" not in {tag for tag, _ in elements.tags}
        assert not any("style" in names for _, names in elements.tags)
    assert "unsafe" not in static.page_headers()["content-security-policy"]


# -- the life line


def drawn(*stations: Station, branches: Sequence[Branch] = ()) -> str:
    return str(life_line.drawn(stations, branches, in_french, "fr"))


ORDERED = Station("ordered", "commandé", "passed", at(4, 14))
ARRIVED = Station("arrived", "arrivé", "present", at(8, 31))
GIVEN = Station("handed-over", "cédé", "to-come", far=True)


def test_a_repair_leaves_the_line_and_rejoins_it_and_a_loan_runs_beside() -> None:
    repair = Branch("panne", at(9, 1), at(9, 2))
    loan = Branch("autre ordinateur prêté", at(9, 3), parallel=True)
    text = drawn(ORDERED, ARRIVED, GIVEN, branches=[repair, loan])
    assert text.count('<path class="branch"') == 4  # two, on a desk and on a phone
    assert text.count('<circle class="branch open"') == 2
    assert "panne, du " in text
    assert "autre ordinateur prêté, depuis le " in text
    assert "branch" not in drawn(ORDERED, ARRIVED, GIVEN)


def test_who_listens_hears_every_station_its_state_and_its_date() -> None:
    heard = re.findall(r"<li>(.*?)</li>", drawn(ORDERED, ARRIVED, GIVEN))
    assert heard == [
        "commandé (passé), mar. 14 avr. 2020, 10 h 12",
        "arrivé (maintenant), lun. 31 août 2020, 10 h 12",
        "cédé (à venir)",
    ]


def test_both_drawings_say_the_same() -> None:
    desk, phone = re.findall(r"<svg.*?</svg>", drawn(ORDERED, ARRIVED, GIVEN))
    words = [re.findall(r"<tspan[^>]*>(.*?)</tspan>", drawing) for drawing in (desk, phone)]
    assert words[0] == words[1]
    assert desk.count("<circle") == phone.count("<circle")


def test_the_present_station_alone_is_ringed() -> None:
    assert drawn(ORDERED, ARRIVED, GIVEN).count('class="ring"') == 2  # one in each drawing
    assert 'class="ring"' not in drawn(ORDERED, GIVEN)


def test_years_ahead_are_dotted_and_longer_than_a_step() -> None:
    near = replace(GIVEN, far=False)
    assert 'class="years"' in drawn(ORDERED, ARRIVED, GIVEN)
    assert 'class="years"' not in drawn(ORDERED, ARRIVED, near)


def test_what_came_late_has_a_tail_to_where_we_learned_it() -> None:
    late = replace(ARRIVED, state="passed", learned_at=at(9, 4))
    after = Station("received", "reçu", "present", at(9, 1))

    picture = drawn(ORDERED, late, after)

    assert picture.count('class="tail"') == 2
    assert "appris le ven. 4 sept. 2020, 10 h 12" in picture
    assert 'class="tail"' not in drawn(ORDERED, ARRIVED, after)


def test_a_tail_ends_beyond_every_station_that_was_passed_before_we_learned() -> None:
    late = replace(ORDERED, learned_at=at(9, 4))
    early = replace(ORDERED, learned_at=at(4, 20))

    def end(station: Station) -> float:
        desk = drawn(station, ARRIVED).partition("</svg>")[0]
        tail = re.search(r'class="tail" d="M[^M]*L([\d.]+) [\d.]+M', desk)
        assert tail is not None
        return float(tail[1])

    assert end(late) > end(early)


def test_a_break_is_a_word_and_a_shape() -> None:
    picture = drawn(ORDERED, Station("missing", "manquant", "broken", at(9, 1)), GIVEN)
    assert picture.count('class="cross"') == 2
    assert "manquant (rupture), mar. 1 sept. 2020, 10 h 12" in picture


def test_a_station_that_nobody_spoke_of_is_passed_without_a_date() -> None:
    assert "commandé (passé), date inconnue" in drawn(replace(ORDERED, at=None), ARRIVED)


def test_a_drawing_for_a_desk_never_grows_beyond_the_page() -> None:
    many = (*(replace(ORDERED, key=str(number)) for number in range(14)), GIVEN)
    width = re.search(r'class="on-desk" width="(\d+)"', drawn(*many))
    assert width is not None
    assert int(width[1]) <= life_line.DESK.longest


def states(laptop_shown: LaptopLife) -> list[tuple[str, str]]:
    return [(station.key, station.state) for station in stations.stations(laptop_shown)]


def test_a_laptop_at_home_has_passed_all_that_lies_before() -> None:
    assert states(examples.laptop()) == [
        ("ordered", "passed"),
        ("announced", "passed"),
        ("dispatched", "passed"),
        ("arrived", "passed"),
        ("received", "passed"),
        ("admitted", "passed"),
        ("handed-out", "present"),
        ("handed-over", "to-come"),
        ("in-further-study", "to-come"),
    ]


def test_a_missing_laptop_leaves_the_line_after_the_last_that_was_heard() -> None:
    assert states(examples.laptop("missing"))[3:6] == [
        ("arrived", "passed"),
        ("missing", "broken"),
        ("received", "to-come"),
    ]


def test_papers_of_an_unannounced_laptop_are_still_to_come_though_it_is_there() -> None:
    life = examples.laptop("at-school", flags=("unannounced",))
    reached = dict.fromkeys(("dispatched", "arrived", "received"), at(9, 1))
    scanned = replace(life, order="", ordered_at=None, reached=reached, timeline=life.timeline[3:4])

    assert states(scanned)[:5] == [
        ("ordered", "to-come"),
        ("announced", "to-come"),
        ("dispatched", "passed"),
        ("arrived", "passed"),
        ("received", "present"),
    ]


def test_an_admission_that_came_before_the_laptop_stands_where_it_happened() -> None:
    life = examples.laptop()
    admitted = told("ordering.laptop-admitted.v1", at(8, 29))
    timeline = (*life.timeline[:2], admitted, *life.timeline[2:4], life.timeline[5])
    early = replace(life, reached={**life.reached, "admitted": at(8, 29)}, timeline=timeline)
    assert [(one.key, one.at) for one in stations.stations(early)][1:7] == [
        ("announced", at(8, 20)),
        ("dispatched", at(8, 27)),
        ("admitted", at(8, 29)),
        ("arrived", at(8, 31)),
        ("received", at(9, 1)),
        ("handed-out", at(9, 3)),
    ]


def test_a_laptop_admitted_with_its_line_and_not_dispatched_has_its_whole_way_to_come() -> None:
    life = examples.laptop("announced")
    reached = {"announced": at(8, 20), "admitted": at(8, 20)}
    admitted = told("ordering.laptop-admitted.v1", at(8, 20))
    waiting = replace(life, reached=reached, timeline=(life.timeline[0], admitted))
    assert states(waiting)[:6] == [
        ("ordered", "passed"),
        ("announced", "passed"),
        ("admitted", "present"),
        ("dispatched", "to-come"),
        ("arrived", "to-come"),
        ("received", "to-come"),
    ]


def test_words_that_moved_nothing_bring_a_laptop_to_no_station() -> None:
    life = examples.laptop("announced")
    heard = replace(life, reached={"announced": at(8, 20)}, timeline=life.timeline[:3])
    assert [key for key, state in states(heard) if state != "to-come"] == ["ordered", "announced"]


def test_only_what_was_learned_more_than_a_day_after_is_late() -> None:
    assert not stations.is_late(told("x", at(9, 1), at(9, 2)))
    assert stations.is_late(told("x", at(9, 1), at(9, 2, 8, 13)))


# -- lists, jobs, files


def test_a_filter_takes_its_own_names_and_leaves_the_rest() -> None:
    query = {"school": " 0670080Y ", "sort": "serial", "lang": "en"}
    assert pages.filter_of(query) == Filter(school="0670080Y")


def test_a_spreadsheet_finds_no_formula_in_a_file() -> None:
    lines = list(csv_lines(("nom",), [("=HYPERLINK(1)",), ("-1",), ("dit ; ainsi",), ("5CD",)]))
    assert lines == [
        "\ufeffnom\r\n",
        "'=HYPERLINK(1)\r\n",
        "'-1\r\n",
        '"dit ; ainsi"\r\n',
        "5CD\r\n",
    ]


def test_a_timeline_file_tells_both_times_of_every_fact() -> None:
    lines = list(pages.timeline_csv(examples.laptop()))
    assert len(lines) == 7
    assert lines[3].startswith("2020-08-31T10:12:00+02:00;2020-09-04T20:12:00+02:00;")


def test_a_job_whose_end_is_not_known_has_no_share_and_an_empty_one_is_done() -> None:
    assert jobs.share(replace(examples.job(), total=None)) is None
    assert jobs.share(replace(examples.job(), total=0, read=0)) == 1.0


def test_a_file_is_named_by_what_is_in_it() -> None:
    for plain_name, file in static.static_files().items():
        stem, digest, ending = file.name.split(".")
        assert f"{stem}.{ending}" == plain_name
        assert sha256(file.content).hexdigest().startswith(digest)
        assert static.served()[file.name] is file


def test_htmx_comes_from_its_package_and_is_whole() -> None:
    assert b"htmx" in static.static_files()["htmx.js"].content[:200]


def test_a_page_asks_for_nothing_that_we_do_not_serve() -> None:
    shown = pages.board_page(a_visit(), examples.board())
    asked = re.findall(r'(?:src|href)="/static/([^"]+)"', shown)
    assert len(asked) == 3
    assert set(asked) <= set(static.served())
    assert "//" not in re.sub(r"</?!?\w", "", shown).replace("<!doctype", "")


def test_a_file_that_is_not_ours_has_no_address() -> None:
    with pytest.raises(KeyError):
        static.address("jquery.js")


def test_templates_are_strict_and_escape_by_themselves() -> None:
    ours = pages.templates()
    assert isinstance(ours, Environment)
    assert ours.autoescape is True
