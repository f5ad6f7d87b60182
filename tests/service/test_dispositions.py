"""What became of every laptop, as tracking tells it: by board, list, file and page; for those that
it knew before it had the words, too.
"""

import asyncio
from typing import Any

import pytest
from alembic import command
from prometheus_client import CollectorRegistry
from sqlalchemy import Connection

from services.tracking import ending, gauges
from shared import migrations
from shared.databases import open_database
from tests.builders import (
    DAY,
    SCHOOL,
    STUDENTS,
    Running,
    a_laptop,
    a_report,
    key_of,
)
from tests.service.enrolling import left, told
from tests.service.hearing_by_hand import heard
from tests.service.leaving import (
    AT_SCHOOL,
    JUNE,
    MANY,
    done,
    handed_over,
    leavers,
    of,
    opened,
)

ENDS = {"further-study": 1, "scrapped": 1, "stolen": 0, "lost": 1, "returned": 1, "in-use": 1}
OF = {"further-study": 1, "returned": 2, "scrapped": 3, "lost": 4, "in-use": 5}


@pytest.fixture
def ended(ordering: Running, delivery: Running, handover: Running, tracking: Running) -> Running:
    """Tracking, which heard how four of five laptops ended, and of one that nobody announced."""
    leavers(ordering, delivery, handover)
    for number in (2, 3):
        told(handover, left("left-region"), STUDENTS[number], JUNE)
        name = of(handover, number)["handover"]
        done(handover, name, "return", 1, returned=a_laptop(number))
    done(handover, of(handover, 3)["handover"], "scrapping", 2, tracking_form="BSD-7")
    opened(handover)
    handed_over(handover)
    events = [
        a_report(id="m", type="missing", laptops=[a_laptop(4)], happened_at=JUNE.isoformat()),
        a_report(id="u", type="received", laptops=[a_laptop(9)]),
    ]
    delivery.ask(AT_SCHOOL, "POST", "/api/delivery-events", json={"events": events})
    heard(delivery, handover)
    heard(tracking, ordering, delivery, handover)
    return tracking


def listed(tracking: Running, word: str) -> list[str]:
    told = tracking.get("", "/api/laptops", params={"disposition": word})
    assert {one["disposition"] for one in told["items"]} <= {word}
    return [one["laptop"] for one in told["items"]]


def test_each_word_counts_and_lists_its_own_and_together_they_are_all_announced(
    ended: Running,
) -> None:
    for board in ("region", f"schools/{SCHOOL}"):
        shown = ended.get("", f"/api/boards/{board}")
        assert shown["disposition"] == ENDS
        assert [*shown["disposition"]] == [*ending.DISPOSITIONS]
        assert sum(shown["disposition"].values()) == shown["funnel"]["announced"] == MANY
    for word, number in OF.items():
        assert key_of(number) in listed(ended, word)
        assert ended.get("", f"/api/laptops/{key_of(number)}")["disposition"] == word
    assert {word: len(listed(ended, word)) for word in ENDS} == ENDS


def test_a_word_that_is_none_of_the_six_is_refused(ended: Running) -> None:
    for path in ("/api/laptops", "/laptops", "/laptops.csv"):
        assert ended.ask("", "GET", f"{path}?disposition=gone").status_code == 422


def test_the_board_shows_the_six_and_each_leads_to_as_many_laptops(ended: Running) -> None:
    page = ended.ask("", "GET", "/").text
    assert "5 annoncés en tout" in page
    links = {word for word in page.split('"') if word.startswith("/laptops?disposition=")}
    assert len(links) == len(ENDS)
    for link in links:
        count = ENDS[link.partition("disposition=")[2]]
        words = f"{count} ordinateur"
        assert words in ended.ask("", "GET", link).text
    assert "Ce qu’il est devenu" in ended.ask("", "GET", "/laptops?disposition=lost").text
    told = ended.ask("", "GET", "/laptops.csv?disposition=returned").text.splitlines()
    assert (told[0].endswith("devenu"), told[1].endswith("Rendu"), len(told)) == (True, True, 2)
    school = ended.ask("", "GET", f"/schools/{SCHOOL}").text
    assert f"/laptops?school={SCHOOL}&amp;disposition=returned" in school
    assert "disposition=in-use" not in school


def test_prometheus_is_told_how_many_became_what(ended: Running) -> None:
    registry = CollectorRegistry()

    async def refresh() -> None:
        database = open_database(ended.url)
        await gauges.gauges(database, lambda: DAY, registry)()
        await database.close()

    asyncio.run(refresh())
    name = "trousseau_laptops_by_disposition"
    counts = {word: registry.get_sample_value(name, {"disposition": word}) for word in ENDS}
    assert counts == ENDS


def what_became(connection: Connection) -> tuple[list[Any], list[Any]]:
    """What became of each laptop, and all tallies of it that count something."""
    lives = connection.exec_driver_sql("SELECT key, disposition FROM laptop ORDER BY key")
    tallies = connection.exec_driver_sql(
        "SELECT scope, value, count FROM tally WHERE name = 'disposition' AND count <> 0"
        " ORDER BY scope, value"
    )
    return [*map(tuple, lives)], [*map(tuple, tallies)]


def test_what_was_known_before_the_words_were_has_them_after_the_schema_moved(
    ended: Running,
) -> None:
    before = ended.write(what_became)

    def back_and_forth(connection: Connection) -> None:
        command.downgrade(migrations.config("tracking", connection), "0002")
        migrations.upgrade(connection, "tracking")

    ended.write(back_and_forth)
    assert ended.write(what_became) == before
    assert ended.write(lambda connection: migrations.drift(connection, "tracking")) == []
