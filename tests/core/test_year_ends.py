"""How lycée ends in the invented year: who is offered the laptop, what becomes of it, device
management.
"""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from partners import management
from partners.year import book, handovers
from partners.year.acts import Act
from partners.year.book import Facts
from partners.year.ending import LAST_CLOSED, LOOKED_AT
from partners.year.handovers import STANDS, Release, Shown
from partners.year.holding import Held, Open
from partners.year.plan import Plan, plan
from partners.year.post import System, bases
from partners.year.pupils import of_age_on
from partners.year.schoolyears import YEARS
from tests.told_of_a_year import happened

AT_HOME = Facts("with-student", "student", "region", "working", "not-enrolled", unannounced=False)
EVERY_ACT = {
    *("offer", "acceptance", "refusal", "signature", "release", "certificate", "handing-over"),
    *("further-study", "return", "refurbishing", "scrapping", "write-off", "handover-campaigns"),
}
JUNE = datetime(2021, 6, 1, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def year() -> Plan:
    return plan(2020, 1_000)


def lives(year: Plan) -> dict[str, list[Act]]:
    """The acts on each laptop's handover, in their order."""
    found: dict[str, list[Act]] = defaultdict(list)
    for act in sorted(year.end_acts, key=lambda act: act.at):
        if act.laptop:
            found[act.laptop].append(act)
    return found


def name_of(act: Act) -> str:
    return act.path.rpartition("/")[2]


def body_of(act: Act) -> dict[str, Any]:
    assert isinstance(act.body, dict)
    return act.body


# -- what is asked


def test_every_course_is_taken_and_most_laptops_go_into_further_study(year: Plan) -> None:
    assert {act.path.rpartition("/")[2] for act in year.end_acts} >= EVERY_ACT
    assert year.examples.keys() >= set(LOOKED_AT)
    last = Counter(name_of(of_laptop[-1]) for of_laptop in lives(year).values())
    assert last["further-study"] > 0.6 * last.total()


def test_nothing_is_asked_before_what_it_needs(year: Plan) -> None:
    order = ("offer", "acceptance", "signature", "certificate", "handing-over", "further-study")
    for of_laptop in lives(year).values():
        days = [act.at.date() for act in of_laptop]
        assert days == sorted(set(days))
        names = [name_of(act) for act in of_laptop if name_of(act) in order]
        names = names[names.count("offer") - 1 :] if "offer" in names else names
        assert names == sorted(names, key=order.index)
        assert all(happened(body_of(act)) <= act.at for act in of_laptop)


def test_for_a_minor_a_guardian_signs_and_some_come_of_age_in_between(year: Plan) -> None:
    offered, signed = (
        {act.laptop: body_of(act) for act in year.end_acts if name_of(act) == name}
        for name in ("offer", "signature")
    )
    for body in signed.values():
        assert body["minor"] == ("guardian_signed_at" in body)
    came_of_age = [name for name in signed if offered[name]["minor"] > signed[name]["minor"]]
    assert came_of_age
    assert any(JUNE.date() < of_age_on(one) <= YEARS[0].day(*LAST_CLOSED) for one in year.pupils)


def test_what_a_case_keeps_is_refused_and_offered_again_once_that_is_closed(year: Plan) -> None:
    refused = {act.laptop for act in year.end_acts if act.id in year.refusable}
    again = [name for name in refused if lives(year)[name][-1].id not in year.refusable]
    assert again
    assert refused - set(again)
    for name in again:
        assert year.book[name].owner == "student"


def test_without_a_clock_one_year_is_played_and_has_no_end() -> None:
    short, whole = plan(3, 300, to_the_end=False), plan(3, 300)
    assert not short.end_acts
    assert {act.id for act in short.every_act} < {act.id for act in whole.every_act}
    assert set(whole.marks) > set(short.marks)
    assert (short.ends_at.year, whole.ends_at.year) == (2021, 2023)


# -- the book


@pytest.mark.parametrize(
    ("acts", "owner", "location", "managed", "marks"),
    [
        (["offer", "signature"], "region", "with-student", "not-enrolled", ()),
        (["certificate", "handing-over"], "student", "with-student", "released", ()),
        (["refusal", "return"], "region", "at-school", "not-enrolled", ()),
        (["refusal", "return", "scrapping"], "region", "scrapped", "not-enrolled", ("scrapped",)),
        (["refusal", "write-off"], "region", "with-student", "not-enrolled", ("written-off",)),
        (
            *(["asked-back", "overdue"], "region", "with-student", "not-enrolled"),
            ("return-asked", "return-overdue"),
        ),
    ],
)
def test_the_book_follows_a_laptop_to_its_end(
    acts: list[str], owner: str, location: str, managed: str, marks: tuple[str, ...]
) -> None:
    now = book.after_the_end(AT_HOME, acts)
    assert (now.owner, now.location, now.managed, now.marks) == (owner, location, managed, marks)


def test_a_laptop_is_kept_by_what_is_open_at_a_moment() -> None:
    day = timedelta(days=1)
    held = Held("1", JUNE, opened=(Open(JUNE - 9 * day, JUNE + day), Open(JUNE + 20 * day)))
    assert held.at(JUNE) == held.opened[0]
    assert held.at(JUNE + 2 * day) is None
    assert held.restless(JUNE, 8 * day)
    assert not Held("1", JUNE, opened=held.opened[:1]).restless(JUNE, 8 * day)


# -- while it is played


async def test_a_signature_waits_for_its_handover_and_brings_the_code_of_the_school() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if request.method == "POST":
            return httpx.Response(200, json={"verdict": "applied", "signing_code": "012345"})
        gone = {"handover": "1", "state": "cancelled", "opened_at": JUNE.isoformat()}
        now = gone | {"handover": "2", "state": "offered"}
        known = [gone, now] if len(asked) > 1 else [gone]
        return httpx.Response(200, json={"items": known})

    path, body = "/api/handovers/{handover}/signature", {"id": "s", "happened_at": "2021-06-02"}
    numbers: dict[str, str] = {}
    act = Act("s", JUNE, "school:1", "handover", path, dict(body), 1, laptop="hp/1")
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        system = System(bases("http://127.0.0.1:8000"), {"school:1": "key"}, client)
        told = await handovers.addressed(system, act, numbers, lambda: None)
        asked_first = list(asked)
        again = await handovers.addressed(system, act, numbers, lambda: None)
    assert told.path == "/api/handovers/2/signature"
    assert body_of(told)["code"] == "012345"
    assert asked_first == ["/api/handovers", "/api/handovers", "/api/handovers/2/code"]
    assert (again, asked[3:]) == (told, ["/api/handovers/2/code"])


def test_a_release_is_done_when_both_acts_are() -> None:
    half = Shown("1", "releasing", releases=(Release(JUNE), Release(failed=2)))
    assert not STANDS["released"](half)
    assert STANDS["failed-2"](half)
    assert not STANDS["failed-3"](half)


# -- device management


def test_device_management_fails_at_first_for_some_and_is_done_in_the_end() -> None:
    names = [f"hp/5C{number:08}" for number in range(500)]
    often = Counter(management.failures(name) for name in names)
    assert often[0] > often[1] > often[3] > 0
    slow = next(name for name in names if management.failures(name) == 3)
    with management.serving(0) as server, httpx.Client(trust_env=False) as client:
        at = f"http://127.0.0.1:{server.server_port}"
        for method, path in (
            ("POST", f"/devices/{slow}/retire"),
            ("DELETE", f"/identities/{slow}"),
        ):
            told = [client.request(method, at + path).status_code for _ in range(5)]
            assert all(status >= 429 for status in told[:3])
            assert told[3:] == [200, 404]
        assert client.get(at).status_code == 501
