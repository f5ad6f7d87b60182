"""Lists by numbered pages, places in the navigation, and the English of every service's words."""

import re
from collections.abc import Mapping
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

from services.tracking import boards, fold, words
from services.tracking.showing import SETTLED
from shared import jobs
from shared.pages import rendering
from shared.pages.rendering import Entry
from shared.pages.tables import PAGE, numbered

SERVICES = sorted(file.parent for file in Path("services").glob("*/templates"))


@pytest.mark.parametrize(
    ("total", "asked", "page", "pages"),
    [
        (0, "", 1, 1),
        (PAGE, "", 1, 1),
        (PAGE + 1, "2", 2, 2),
        (3 * PAGE, "9", 3, 3),
        (3 * PAGE, "0", 1, 3),
        (3 * PAGE, "-1", 1, 3),
        (3 * PAGE, "two", 1, 3),
        (3 * PAGE, "²", 1, 3),
        (3 * PAGE, "9" * 5_000, 1, 3),
    ],
)
def test_an_address_asks_for_a_page_and_gets_the_nearest(
    total: int, asked: str, page: int, pages: int
) -> None:
    listing = numbered(total, asked)
    assert (listing.page, listing.pages, listing.total) == (page, pages, total)
    assert list(listing.of(range(total))) == list(range(total))[listing.begin :][:PAGE]


def test_the_pages_of_a_list_together_are_the_list() -> None:
    rows = range(2 * PAGE + 7)
    shown = [row for page in "123" for row in numbered(len(rows), page).of(rows)]
    assert shown == list(rows)


def test_a_place_is_current_on_its_page_and_on_those_that_belong_to_it() -> None:
    home, hand_outs = Entry("Réceptions", "/", ("/receptions",)), Entry("Remises", "/hand-outs")
    assert [home.current(path) for path in ("/", "/receptions/3", "/parked", "/hand-outs")] == [
        "page",
        "true",
        "",
        "",
    ]
    assert [hand_outs.current(path) for path in ("/hand-outs", "/hand-outs/0670080Y", "/")] == [
        "page",
        "true",
        "",
    ]


def test_ids_of_jobs_stand_in_the_order_in_which_they_were_given() -> None:
    given = [jobs.fresh_id() for _ in range(1_000)]
    moments = [id.partition("-")[0] for id in given]
    assert all(one <= other for one, other in pairwise(moments))
    assert len(set(given)) == len(given)


def test_the_board_counts_what_each_school_year_orders_and_no_order_that_was_not_placed() -> None:
    def an_order(year: str, *quantities: int) -> fold.Order:
        lines = {
            str(one): fold.Line("0670080Y", "HP 245 G8", one, "L1", None) for one in quantities
        }
        return fold.Order(school_year=year, lines=lines)

    orders = [an_order("2021-2022", 2), an_order("2020-2021", 30, 5), an_order(""), an_order("")]
    orders.append(an_order("2020-2021", 7))
    assert list(boards.by_year(orders).items()) == [("2020-2021", 42), ("2021-2022", 2)]


def test_everything_that_may_be_wrong_is_counted_in_singular_and_plural() -> None:
    board = Path("services/tracking/templates/board.html").read_text()
    counted = set(re.findall(r'^  "([\w-]+)": \("\{n\} ', board, re.MULTILINE))
    assert set(words.FLAGS) - set(SETTLED) <= counted


def words_of(module: ModuleType) -> set[str]:
    """The French that a service's code hands to its pages."""
    said = {entry.label for entry in module.SITE.navigation}
    for name, value in vars(module).items():
        if name.isupper() and isinstance(value, Mapping):
            texts = {one[0] if isinstance(one, tuple) else one for one in value.values()}
            said |= {one for one in texts if isinstance(one, str)}
    return said - set(getattr(module, "DEPARTMENTS", {}).values())


@pytest.mark.parametrize("service", SERVICES, ids=lambda folder: folder.name)
def test_every_word_of_every_service_has_its_english(service: Path) -> None:
    folder = service / "templates"
    said = words_of(import_module(f"services.{service.name}.pages"))
    for template in folder.glob("*.html"):
        text = template.read_text(encoding="utf-8")
        said |= set(re.findall(r'say\("([^"]+)"', text))
        for pair in re.findall(r'many\([^"]*"([^"]+)", "([^"]+)"', text):
            said |= set(pair)
    english = rendering.english_words((folder, rendering.SHARED_TEMPLATES))
    assert said - set(english) == set()
    places = re.compile(r"\{\w+\}")
    for both in english.items():
        assert len({frozenset(places.findall(text)) for text in both}) == 1, both
