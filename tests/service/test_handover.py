"""Handover over HTTP: campaigns, acts, codes, certificates, returns; on both databases."""

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests import papers
from tests.builders import (
    DAY,
    OTHER_SCHOOL,
    SCHOOL,
    STUDENTS,
    Running,
    a_hand_out,
    a_laptop,
)
from tests.service.enrolling import YEAR, enrolled, told
from tests.service.hearing_by_hand import announced, heard
from tests.service.leaving import (
    AT_SCHOOL,
    CAMPAIGN,
    ELSEWHERE,
    JUNE,
    MANY,
    act,
    done,
    handed_over,
    later,
    leavers,
    of,
    opened,
    refused,
    signed,
)


@pytest.fixture
def known(ordering: Running, delivery: Running, handover: Running) -> Running:
    """Handover that knows five laptops of five students who finish, the region's own."""
    return leavers(ordering, delivery, handover)


# -- campaigns


def test_a_campaign_is_a_job_with_its_progress_and_is_opened_once(known: Running) -> None:
    first = opened(known)
    assert (first["verdict"], first["students"]) == ("applied", MANY)
    job = known.get("region", f"/api/jobs/{first['job']}")
    assert (job["state"], job["total"], job["applied"]) == ("done", MANY, MANY)
    again = known.ask("region", "POST", "/api/handover-campaigns", json=CAMPAIGN)
    assert (again.status_code, again.json()["verdict"]) == (202, "duplicate")
    assert again.json()["job"] == first["job"]
    assert again.headers["Location"] == f"/api/jobs/{first['job']}"
    shown = known.get("region", "/api/handover-campaigns/fin-2023")
    assert (shown["total"]["opened"], shown["states"]) == (MANY, {"opened": MANY})
    assert shown["job"] == first["job"]
    assert [one["school"] for one in shown["schools"]] == [SCHOOL]
    assert shown["deliberation"] == "À renseigner par la région"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"campaign": "other"}, 409, "year-has-a-campaign"),
        ({"school_year": "2023-2024", "opens_at": "2024-05-02T08:00:00Z"}, 409, "name-is-taken"),
        ({"deliberation": "23CP-1"}, 409, "already-opened"),
        ({"opens_at": "9999-12-31T23:59:59-23:59"}, 422, "invalid"),
        ({"opens_at": "2022-08-31T23:59:59+02:00"}, 422, "not-in-the-year"),
        ({"opens_at": "2023-09-01T00:00:00+02:00"}, 422, "not-in-the-year"),
        ({"school_year": "2023"}, 422, "invalid"),
        ({"campaign": "a/b"}, 422, "invalid"),
        ({"opens_at": "2023-05-02T08:00:00"}, 422, "naive-time"),
        ({"residual_value_cents": -1}, 422, "invalid"),
    ],
)
def test_a_campaign_that_cannot_be_is_refused(
    known: Running, changes: dict[str, Any], status: int, code: str
) -> None:
    opened(known)
    body = CAMPAIGN | changes
    answer = known.ask("region", "POST", "/api/handover-campaigns", json=body)
    assert (answer.status_code, _code(answer)) == (status, code)


def _code(answer: httpx.Response) -> str:
    body = answer.json()
    found: str = body["errors"][0]["code"] if body.get("errors") else body["code"]
    return found


def test_who_is_heard_of_later_is_concerned_too(
    ordering: Running, delivery: Running, handover: Running
) -> None:
    assert opened(handover)["students"] == 0
    announced(ordering, [1])
    handed = a_hand_out(student=STUDENTS[1])
    delivery.ask(AT_SCHOOL, "POST", "/api/hand-outs", json={"hand_outs": [handed]})
    heard(handover, delivery)
    told(handover, enrolled(), STUDENTS[1])
    assert of(handover)["state"] == "opened"


def test_a_school_sees_and_does_its_own_alone(known: Running) -> None:
    opened(known)
    number = of(known)["handover"]
    assert known.get(ELSEWHERE, "/api/handovers")["total"] == 0
    assert known.get(ELSEWHERE, "/api/handover-campaigns/fin-2023")["total"]["opened"] == 0
    there, nothing = (
        known.ask(ELSEWHERE, "GET", f"/api/handovers/{name}") for name in (number, "0" * 16)
    )
    assert there.status_code == nothing.status_code == 404
    assert act(known, number, "offer", by=ELSEWHERE, minor=False).status_code == 404
    assert act(known, number, "write-off").status_code == 403


def test_handovers_are_listed_in_pages_and_narrowed(known: Running) -> None:
    opened(known)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = known.get("region", f"/api/handovers?campaign=fin-2023&limit=2&cursor={cursor}")
        seen += [one["handover"] for one in page["items"]]
        cursor = page["next"]
    assert len(seen) == len(set(seen)) == MANY
    done(known, of(known)["handover"], "offer", minor=False)
    for query, total in (("state=offered", 1), (f"school={OTHER_SCHOOL}", 0), ("blocked=any", 0)):
        assert known.get("region", f"/api/handovers?{query}")["total"] == total
    for query in ("state=lost", "blocked=rain", "school=nowhere"):
        assert known.ask("region", "GET", f"/api/handovers?{query}").status_code == 422


# -- offered, signed


def test_an_adult_is_offered_signs_is_released_certified_and_owns_it(known: Running) -> None:
    opened(known, legal_basis="CG3P L.3212-2", deliberation="22CP-101", residual_value_cents=1500)
    shown = handed_over(known)
    assert (shown["state"], shown["certificate"]) == ("handed-over", f"{YEAR}-000001")
    said = known.rows("SELECT body FROM ledger WHERE type = 'handover.laptop-handed-over.v1'")
    assert '"residual_value_cents":1500' in said[0].body
    assert '"deliberation":"22CP-101"' in said[0].body
    number = shown["handover"]
    went = done(known, number, "further-study", later(), institution="bts")["handover"]
    assert (went["state"], went["institution"]) == ("in-further-study", "bts")
    total = known.get("region", "/api/handover-campaigns/fin-2023")["total"]
    reached = ("offered", "signed", "released", "certified", "handed_over", "went_on")
    assert [total[name] for name in reached] == [1] * 6


def test_a_minor_signs_with_a_guardian_and_who_turns_18_meanwhile_alone(known: Running) -> None:
    opened(known)
    number = of(known)["handover"]
    code = done(known, number, "offer", minor=True)["signing_code"]
    alone = act(known, number, "signature", 1, minor=True, code=code)
    assert refused(alone) == "guardian-not-signed"
    of_age = done(known, number, "signature", 2, minor=False, code=code)["handover"]
    assert of_age["minor"] is False
    assert signed(known, 2, minor=True)


def test_a_code_is_shown_once_tried_a_few_times_and_drawn_again(known: Running) -> None:
    opened(known)
    number = of(known)["handover"]
    first = done(known, number, "offer", minor=False)
    again = act(known, number, "offer", minor=False).json()
    assert (again["verdict"], again["signing_code"]) == ("duplicate", None)
    right = first["signing_code"]
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    codes = [
        refused(act(known, number, "signature", 1, id=f"s{n}", minor=False, code=wrong))
        for n in range(6)
    ]
    assert codes == ["wrong-code"] * 5 + ["code-locked"]
    locked = act(known, number, "signature", 1, id="s9", minor=False, code=right)
    assert refused(locked) == "code-locked"
    fresh = done(known, number, "code")["signing_code"]
    done(known, number, "signature", 2, minor=False, code=fresh)
    used = act(known, number, "signature", 3, minor=False, code=fresh).json()
    assert used["verdict"] == "duplicate", "it is signed already: no code is looked at"
    same = act(known, number, "signature", 2, minor=False, code=fresh).json()
    assert same["verdict"] == "duplicate"


def test_tries_at_one_moment_are_counted_one_after_the_other(known: Running) -> None:
    opened(known)
    known.auth(AT_SCHOOL)
    for laptop in range(1, MANY + 1):
        number = of(known, laptop)["handover"]
        right = done(known, number, "offer", minor=False)["signing_code"]
        wrong = f"{(int(right) + 1) % 10**6:06d}"
        told = partial(act, known, number, "signature", 1, minor=False, code=wrong)
        with ThreadPoolExecutor(4) as many:
            tries = [many.submit(told, id=f"s{n}") for n in range(4)]
        assert {refused(one.result()) for one in tries} == {"wrong-code"}
        (row,) = known.rows(f"SELECT missed FROM signing_code WHERE handover = '{number}'")  # noqa: S608  a number of ours
        assert row.missed == 4
        done(known, number, "signature", 2, minor=False, code=right)


def test_codes_are_drawn_a_few_times_a_day_and_an_offer_is_a_draw(known: Running) -> None:
    opened(known)
    number = of(known)["handover"]
    done(known, number, "offer", minor=False)
    done(known, number, "offer", 0.1, minor=True)
    last = [done(known, number, "code")["signing_code"] for _ in range(3)][-1]
    answer = act(known, number, "code")
    assert refused(answer) == "too-many-codes"
    assert "tomorrow" in answer.json()["detail"]
    assert refused(act(known, number, "offer", 0.2, minor=False)) == "too-many-codes"
    same = act(known, number, "offer", 0.1, minor=True).json()
    assert same["verdict"] == "duplicate"
    anew = act(known, number, "offer", 0.3, minor=True).json()
    assert (anew["verdict"], anew["signing_code"]) == ("duplicate", None), "it is offered already"
    day = "UPDATE signing_draw SET day = '2023-06-19'"
    known.write(lambda connection: connection.execute(text(day)))
    assert done(known, number, "code")["signing_code"] != last
    assert done(known, of(known, 2)["handover"], "offer", minor=False)["signing_code"]


def test_nothing_is_refused_before_it_may_be_offered(known: Running) -> None:
    ends = datetime.now(JUNE.tzinfo).year + (datetime.now(JUNE.tzinfo).month >= 9)
    year, opens_at = f"{ends - 1}-{ends}", f"{ends}-08-31T23:59:59+02:00"
    opened(known, school_year=year, opens_at=opens_at)
    told(known, enrolled(year=year), STUDENTS[1], DAY + timedelta(days=1))
    number = of(known)["handover"]
    assert refused(act(known, number, "offer", later(), minor=False)) == "not-open-yet"
    assert refused(act(known, number, "refusal", later())) == "not-open-yet"
    assert of(known)["state"] == "opened"
    assert done(known, number, "return-request", later())["handover"]["state"] == "return-asked"


def test_of_a_code_only_its_keyed_hash_is_kept(known: Running) -> None:
    opened(known)
    code = done(known, of(known)["handover"], "offer", minor=False)["signing_code"]
    tables = {row[0] for row in known.rows(TABLES[known.url.partition(":")[0]])}
    assert {"ledger", "signing_code", "laptop"} <= tables
    for table in tables:
        # A code is six digits, and numbers that are as long stand in many a place.
        held = [str(tuple(row)) for row in known.rows(f'SELECT * FROM "{table}"')]  # noqa: S608
        assert not [row for row in held if f"'{code}'" in row or f'"{code}"' in row], table


TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
}


def test_a_code_is_for_what_was_offered(known: Running) -> None:
    opened(known)
    assert refused(act(known, of(known)["handover"], "code")) == "it-is-opened"


@pytest.mark.parametrize(
    ("name", "more", "code"),
    [
        ("offer", {}, "invalid"),
        ("offer", {"minor": "no"}, "invalid"),
        ("offer", {"minor": False, "code": "1"}, "invalid"),
        ("offer", {"minor": False, "happened_at": "2023-06-20T10:00:00"}, "naive-time"),
        ("offer", {"minor": False, "happened_at": "2999-06-20T10:00:00Z"}, "in-the-future"),
        ("offer", {"minor": False, "id": ""}, "invalid"),
        ("offer", {"minor": False, "birth_date": "2005-01-01"}, "invalid"),
        ("signature", {"minor": False}, "invalid"),
        ("further-study", {"institution": "Lycée Fustel"}, "invalid"),
        ("return", {}, "invalid"),
        ("return", {"returned": {"maker": "Nobody", "serial": "1"}}, "invalid"),
        ("scrapping", {"tracking_form": "a b"}, "invalid"),
    ],
)
def test_what_is_badly_asked_is_refused_and_changes_nothing(
    known: Running, name: str, more: dict[str, Any], code: str
) -> None:
    opened(known)
    before = known.counts()
    answer = act(known, of(known)["handover"], name, **more)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert known.counts() == before


def test_an_act_that_is_none_and_a_handover_that_is_none_are_not_there(known: Running) -> None:
    opened(known)
    assert act(known, of(known)["handover"], "dance").status_code == 404
    assert act(known, "0" * 16, "offer", minor=False).status_code == 404


# -- what stands in the way


def test_a_repair_a_loan_a_theft_hold_it_up_until_they_are_over(
    known: Running, ordering: Running, delivery: Running, repairs: Running
) -> None:
    opened(known)
    heard(repairs, ordering, delivery)
    number = of(known)["handover"]
    at = {"id": "i1", "laptop": a_laptop(), "reported_at": "2023-06-01T08:00:00Z"}
    incident = at | {"cause": "defect", "desk": "metz"}
    body = {"incidents": [incident]}
    (case,) = repairs.ask("desk:metz", "POST", "/api/incidents", json=body).json()["verdicts"]
    heard(known, repairs)
    assert of(known)["blocked"] == ["repair"]
    assert refused(act(known, number, "offer", minor=False)) == "blocked"
    shown = known.get("region", "/api/handover-campaigns/fin-2023")
    assert (shown["blocked"]["repair"], shown["total"]["blocked"]) == (1, 1)
    assert known.get("region", "/api/handovers?blocked=repair")["total"] == 1
    step = {"id": "s1", "happened_at": "2023-06-02T08:00:00Z"}
    repairs.ask("desk:metz", "POST", f"/api/cases/{case['case']}/return", json=step)
    heard(known, repairs)
    assert of(known)["blocked"] == []
    done(known, number, "offer", minor=False)


def test_what_a_desk_took_back_stands_in_nobodys_way(
    known: Running, ordering: Running, delivery: Running, repairs: Running
) -> None:
    opened(known)
    heard(repairs, ordering, delivery)
    at = {"id": "i1", "laptop": a_laptop(), "reported_at": "2023-06-01T08:00:00Z"}
    body = {"incidents": [at | {"cause": "theft", "desk": "metz"}]}
    (case,) = repairs.ask("desk:metz", "POST", "/api/incidents", json=body).json()["verdicts"]
    heard(known, repairs)
    assert of(known)["blocked"] == ["theft"]
    void = {"id": "v1", "happened_at": "2023-06-02T08:00:00Z", "corrects": "i1"}
    repairs.ask("desk:metz", "POST", f"/api/cases/{case['case']}/void", json=void)
    heard(known, repairs)
    assert of(known)["blocked"] == []


def test_a_hand_out_that_was_taken_back_is_handed_over_to_nobody(
    known: Running, delivery: Running
) -> None:
    opened(known)
    void = {"id": "v", "type": "void", "happened_at": DAY.isoformat(), "corrects": "h1"}
    told_of = {"events": [void | {"laptops": [a_laptop()]}]}
    answer = delivery.ask(AT_SCHOOL, "POST", "/api/delivery-events", json=told_of)
    assert answer.json()["verdicts"][0]["verdict"] == "applied", answer.text
    heard(known, delivery)
    assert (of(known)["state"], of(known)["cancelled_for"]) == ("cancelled", "not-theirs")


# -- certificates


def test_certificates_are_numbered_in_a_row_and_told_to_the_accounts(known: Running) -> None:
    opened(known)
    numbers = [handed_over(known, laptop)["certificate"] for laptop in (1, 2, 3)]
    assert numbers == [f"{YEAR}-{number:06d}" for number in (1, 2, 3)]
    base = "/api/handover-campaigns/fin-2023/certificates"
    answer = known.ask(AT_SCHOOL, "GET", f"{base}.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff")), delimiter=";"))
    assert [row["certificate"] for row in rows] == numbers
    assert {row["school"] for row in rows} == {SCHOOL}
    elsewhere = known.ask(ELSEWHERE, "GET", f"{base}.csv").text
    assert len(elsewhere.splitlines()) == 1
    paper = papers.words(known.ask("region", "GET", f"{base}.pdf?school={SCHOOL}"))
    assert all(number in paper for number in numbers)
    assert known.ask("region", "GET", f"{base}.pdf?school=x").status_code == 422
    assert known.ask("region", "GET", base.replace("2023", "2022") + ".csv").status_code == 404


def test_a_certificate_names_the_laptop_and_the_ground_and_nobody(known: Running) -> None:
    opened(known, legal_basis="CG3P, art. L.3212-2 — « l’œuvre »")
    number = handed_over(known)["certificate"]
    answer = known.ask(AT_SCHOOL, "GET", f"/api/certificates/{number}.pdf")
    paper = papers.words(answer)
    for words in (number, "5CD0001", SCHOOL, "CG3P, art. L.3212-2 — « l’œuvre »", "certificates/"):
        assert words in paper
    assert STUDENTS[1] not in paper
    assert known.ask(ELSEWHERE, "GET", f"/api/certificates/{number}.pdf").status_code == 404
    assert known.ask("region", "GET", "/api/certificates/2022-2023-999999.pdf").status_code == 404


def test_whoever_holds_a_certificate_has_it_confirmed_without_a_name(known: Running) -> None:
    opened(known)
    number = handed_over(known)["certificate"]
    page = known.client.get(f"/certificates/{number}")
    assert page.status_code == 200
    assert number in page.text
    assert "0001" in page.text
    for hidden in (STUDENTS[1], "5CD0001", SCHOOL):
        assert hidden not in page.text
    assert known.client.get("/certificates/2022-2023-000099").status_code == 404
