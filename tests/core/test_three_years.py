"""A cohort's three years: who goes up, comes, leaves; what becomes of every laptop."""

from collections import Counter
from random import Random

import pytest

from partners.year import book, enrolling
from partners.year.book import DISPOSITIONS, Facts, disposition
from partners.year.ending import FINAL_LEVELS
from partners.year.plan import Plan, plan
from partners.year.roster import schools
from partners.year.schoolyears import YEARS
from partners.year.who import Who, nobody_yet, read_before
from tests.told_of_a_year import happened, items, laptop, told_to_the_end

AT_HOME = Facts("with-student", "student", "region", "working", "not-enrolled", unannounced=False)
IN_STOCK = Facts("at-school", "school", "region", "working", "not-enrolled", unannounced=False)


@pytest.fixture(scope="module")
def years() -> Plan:
    return plan(2020, 1_000)


@pytest.mark.parametrize("seed", [1, 2, 2020])
@pytest.mark.parametrize("laptops", [3, 60, 900])
def test_the_book_of_three_years_is_what_is_sent_comes_to(seed: int, laptops: int) -> None:
    whole = plan(seed, laptops)
    assert told_to_the_end(whole) == whole.book


def test_a_campaign_is_called_and_offers_are_made_in_each_year(years: Plan) -> None:
    called = [act.body for act in years.end_acts if act.path == "/api/handover-campaigns"]
    names = [body["school_year"] for body in called if isinstance(body, dict)]
    assert names == [year.name for year in YEARS]
    offers = Counter(act.at.year for act in years.end_acts if act.path.endswith("/offer"))
    assert min(offers[year.begins + 1] for year in YEARS) > 100


def test_files_of_pupils_say_for_which_school_year_they_are(years: Plan) -> None:
    told = {act.path.partition("school_year=")[2] for act in years.pupil_acts}
    assert told == {year.name for year in YEARS}
    for act in years.pupil_acts:
        year = next(year for year in YEARS if act.path.endswith(year.name))
        assert year.day(8, 1) <= act.at.date() <= year.day(7, 31)


def test_who_does_not_finish_goes_up_but_for_a_few_who_repeat() -> None:
    made = plan(2020, 1_000, to_the_end=False)
    older = enrolling.a_year_older(Random(1), made.pupils)  # noqa: S311  nothing is secret
    before = {one.number: one.level for one in made.pupils}
    assert {one.number for one in older} == {
        number for number, level in before.items() if level not in FINAL_LEVELS
    }
    moves = Counter((before[one.number], one.level) for one in older)
    up = sum(moves[old, new] for old, new in enrolling.NEXT.items())
    repeating = sum(moves[level, level] for level in enrolling.NEXT)
    assert up + repeating == len(older)
    assert repeating == round(enrolling.REPEATING * len(older))


def test_newcomers_come_in_each_year_and_some_take_what_another_brought_back(years: Plan) -> None:
    handed = [
        (happened(item), laptop(item["laptop"]))
        for _, kind, item in items(years.acts)
        if kind == "handed-out" and happened(item).year > 2020
    ]
    assert {at.year for at, _ in handed} == {2021, 2022, 2023}
    brought = {act.laptop: act.at for act in years.end_acts if act.path.endswith("/return")}
    assert any(name in brought and brought[name] < at for at, name in handed)


# -- gone on with after an interruption


def listed_after(plan: Plan, read: int) -> Who:
    """Who is listed where, once so many nights were read."""
    told: dict[int, tuple[str, str]] = {}
    for night in plan.nights[:read]:
        places = {one.number: schools()[one.school].uai for one in night.there}
        told |= {number: (place, night.year.name) for number, place in places.items()}
        for one in night.leaving:
            del told[one.number]
    who = nobody_yet(plan.pupils)
    who.listed = {str(number): place for number, place in told.items()}
    return who


@pytest.mark.parametrize("read", range(10))
@pytest.mark.parametrize("laptops", [60, 1_000])
def test_the_nights_that_were_read_show_in_the_lists_of_schools(laptops: int, read: int) -> None:
    whole = plan(7, laptops)
    days = {night.day for night in whole.nights[:read]}
    assert read_before(listed_after(whole, read), whole.nights) == days


def test_nights_are_known_as_read_though_somebody_was_erased_since(years: Plan) -> None:
    who = listed_after(years, 9)
    who.listed.popitem()
    assert len(read_before(who, years.nights)) == 9


# -- what became of them


def test_at_the_end_every_laptop_is_in_one_of_six_and_each_of_them_is_there(years: Plan) -> None:
    became = Counter(map(disposition, years.whole_book.values()))
    assert set(became) == set(DISPOSITIONS)
    assert became["further-study"] > 0.5 * became.total()


@pytest.mark.parametrize(
    ("facts", "acts", "became"),
    [
        (AT_HOME, ["certificate", "handing-over"], "further-study"),
        (AT_HOME, ["certificate"], "in-use"),
        (book.handed_out(IN_STOCK), ["refusal", "return"], "returned"),
        (book.handed_out(IN_STOCK), ["refusal", "return", "scrapping"], "scrapped"),
        (AT_HOME, ["refusal", "write-off"], "lost"),
        (AT_HOME, ["asked-back", "overdue"], "in-use"),
        (IN_STOCK, [], "in-use"),
    ],
)
def test_what_became_of_a_laptop_follows_from_its_facts(
    facts: Facts, acts: list[str], became: str
) -> None:
    assert disposition(book.after_the_end(facts, acts)) == became
