"""The end of lycée over real Kafka: use cases 15 to 18, and the awkward lives of handover."""

from datetime import UTC, datetime

import httpx

from shared.contracts import enrolment
from tests import papers
from tests.running import System, until
from tests.system.acts import (
    done,
    event,
    hand_out,
    in_stock,
    laptops,
    named,
    opened,
    page,
    uai,
    verdicts,
)
from tests.system.handing_over import (
    a_student,
    act,
    asked,
    ceded,
    enrolment_says,
    handovers,
    not_done,
    open_campaign,
    signed,
    when_handover,
)

SEPTEMBER, MAY, JUNE = "2022-09-02T08:00:00+02:00", "2023-05-02T08:00:00+02:00", "2023-06-20"
MORNING, NOON = f"{JUNE}T09:00:00+02:00", f"{JUNE}T12:00:00+02:00"
YEAR, NEXT_YEAR = "2022-2023", "2023-2024"


def finishing(system: System, school: str, *keys: str, level: str = "term") -> list[str]:
    """Laptops with a student each, who is at a level of a school in the last year; who they are."""
    in_stock(system, school, *keys)
    students = [a_student() for _ in keys]
    for key, student in zip(keys, students, strict=True):
        told = hand_out(system, school, key, "2020-09-01T09:00:00+02:00", student=student)
        assert told["verdict"] == "applied"
        enrolled = enrolment.StudentEnrolled(school, level, YEAR)
        enrolment_says(system, student, enrolled, at=SEPTEMBER)
    return students


def campaign(system: System) -> None:
    """The campaign of the year, which all tests of this file have in common."""
    open_campaign(system, "fin-2023", YEAR, MAY)


def now() -> str:
    """What follows a release is not dated before it."""
    return datetime.now(UTC).isoformat()


def test_a_laptop_is_offered_signed_released_certified_and_taken_into_further_study(
    system: System,
) -> None:
    school, (laptop,) = uai(), laptops(1)
    finishing(system, school, laptop)
    campaign(system)
    shown = ceded(system, laptop, MORNING, now())
    assert (shown["state"], shown["school"]) == ("handed-over", school)
    went = act(system, shown["handover"], "further-study", now(), institution="university")
    assert went["handover"]["state"] == "in-further-study"
    number = shown["certificate"]
    paper = system.call("handover", "region", f"/api/certificates/{number}.pdf")
    called = f"Lycée {school}, Strasbourg"
    assert f"{called} ({school})" in papers.words(paper)
    assert called in page(system, "handover", f"school:{school}", f"/signing/{school}").text
    proof = system.http.get(f"{system.services['handover'].url}/certificates/{number}")
    assert (proof.status_code, shown["student"] in proof.text) == (200, False)


def test_a_student_who_changes_school_is_handed_over_by_the_new_one(system: System) -> None:
    school, other, (laptop,) = uai(), uai(), laptops(1)
    (student,) = finishing(system, school, laptop)
    campaign(system)
    when_handover(system, laptop, {"school": school})
    moved = enrolment.StudentMoved(other, school, "term", YEAR)
    enrolment_says(system, student, moved, at=MORNING)
    number = when_handover(system, laptop, {"school": other})["handover"]
    answer = asked(system, number, "offer", NOON, party=f"school:{school}", minor=False)
    assert answer.status_code == httpx.codes.NOT_FOUND
    act(system, number, "offer", NOON, party=f"school:{other}", minor=False)


def test_a_repair_a_loan_and_a_theft_hold_it_up_and_it_goes_on_by_itself(system: System) -> None:
    school, (laptop, stolen, loaner) = uai(), laptops(3)
    finishing(system, school, laptop, stolen)
    in_stock(system, school, loaner)
    campaign(system)
    for key in (laptop, stolen):
        when_handover(system, key, {"state": "opened"})
    at = "2023-06-01T08:00:00+02:00"
    case = opened(system, laptop, at)
    done(system, case, "loan", at, loaner=named(loaner))
    theft = opened(system, stolen, at, cause="theft")
    when_handover(system, laptop, {"blocked": ["repair", "loan"]})
    number = when_handover(system, stolen, {"blocked": ["theft"]})["handover"]
    assert not_done(system, number, "offer", MORNING, minor=False) == "blocked"
    done(system, case, "return", "2023-06-02T08:00:00+02:00")
    when_handover(system, laptop, {"blocked": ["loan"]})
    done(system, case, "loan-return", "2023-06-03T08:00:00+02:00", loaner=named(loaner))
    when_handover(system, laptop, {"blocked": []})
    done(system, theft, "recovery", "2023-06-04T08:00:00+02:00")
    when_handover(system, stolen, {"blocked": []})
    signed(system, laptop, MORNING)


def test_a_swap_in_the_last_weeks_is_handed_over_with_the_new_serial(system: System) -> None:
    school, (broken, new) = uai(), laptops(2)
    (student,) = finishing(system, school, broken)
    in_stock(system, school, new)
    campaign(system)
    when_handover(system, broken, {"state": "opened"})
    case = opened(system, broken, "2023-06-01T08:00:00+02:00")
    swap = {"returned": named(broken), "new": named(new)}
    done(system, case, "swap", "2023-06-02T08:00:00+02:00", **swap)
    when_handover(system, broken, {"state": "cancelled", "cancelled_for": "not-theirs"})
    shown = when_handover(system, new, {"state": "opened"})
    assert shown["student"] == student


def test_a_minor_who_turns_18_between_offer_and_signature_signs_alone(system: System) -> None:
    school, (laptop, other) = uai(), laptops(2)
    finishing(system, school, laptop, other)
    campaign(system)
    number = when_handover(system, laptop, {"state": "opened"})["handover"]
    code = act(system, number, "offer", MAY, minor=True)["signing_code"]
    told = act(system, number, "signature", MORNING, minor=False, code=code)
    assert told["handover"]["minor"] is False
    number = when_handover(system, other, {"state": "opened"})["handover"]
    code = act(system, number, "offer", MAY, minor=True)["signing_code"]
    alone = not_done(system, number, "signature", MORNING, minor=True, code=code)
    assert alone == "guardian-not-signed"


def test_who_refuses_is_asked_for_it_and_another_serial_is_kept_and_ends_nothing(
    system: System,
) -> None:
    school, (laptop, other) = uai(), laptops(2)
    finishing(system, school, laptop)
    campaign(system)
    number = when_handover(system, laptop, {"state": "opened"})["handover"]
    act(system, number, "offer", MORNING, minor=False)
    act(system, number, "refusal", MORNING, due_on="2023-07-01")
    told = act(system, number, "return", NOON, returned=named(other))["handover"]
    assert (told["state"], told["brought"]) == ("return-asked", other)
    told = act(system, number, "return", NOON, returned=named(laptop))["handover"]
    assert told["state"] == "returned"
    act(system, number, "refurbishing", NOON)


def test_what_cannot_be_made_ready_again_is_scrapped_under_a_tracking_form(system: System) -> None:
    school, (laptop,) = uai(), laptops(1)
    (student,) = finishing(system, school, laptop, level="1ere")
    left = enrolment.StudentLeft(school, "1ere", YEAR, "left-region")
    enrolment_says(system, student, left, at=MORNING)
    number = when_handover(system, laptop, {"state": "return-asked"})["handover"]
    act(system, number, "return", NOON, returned=named(laptop))
    told = act(system, number, "scrapping", NOON, tracking_form="BSD-2023-17")["handover"]
    assert (told["state"], told["tracking_form"]) == ("scrapped", "BSD-2023-17")


def test_who_repeats_the_year_keeps_it_and_who_drops_out_brings_it_back(system: System) -> None:
    school, (kept, back) = uai(), laptops(2)
    repeating, dropping = finishing(system, school, kept, back)
    campaign(system)
    when_handover(system, kept, {"state": "opened"})
    again = enrolment.StudentLevelChanged(school, "term", NEXT_YEAR)
    enrolment_says(system, repeating, again, at=MORNING)
    when_handover(system, kept, {"state": "cancelled", "cancelled_for": "stays"})
    left = enrolment.StudentLeft(school, "term", YEAR, "dropped-out")
    enrolment_says(system, dropping, left, at=MORNING)
    when_handover(system, back, {"state": "return-asked", "due_on": "2023-07-20"})
    counted = event("back-to-stock", "2023-06-25T08:00:00+02:00", [back])
    assert verdicts(system, f"school:{school}", counted) == ["applied"]
    when_handover(system, back, {"state": "returned"})


def test_a_school_closes_and_what_was_left_to_do_is_its_successors(system: System) -> None:
    school, successor, (laptop, asked_back) = uai(), uai(), laptops(2)
    finishing(system, school, laptop, asked_back)
    campaign(system)
    number = when_handover(system, asked_back, {"state": "opened"})["handover"]
    act(system, number, "return-request", MORNING)
    when_handover(system, laptop, {"state": "opened"})
    body = {"successor": successor}
    answer = system.call("handover", "region", f"/api/schools/{school}/closure", body)
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    when_handover(system, laptop, {"state": "opened", "school": successor})
    at = f"school:{successor}"
    when_handover(system, asked_back, {"state": "return-asked", "school": successor})
    act(system, number, "return", NOON, party=at, returned=named(asked_back))


def test_whoever_is_heard_of_after_the_campaign_began_is_concerned_once(system: System) -> None:
    campaign(system)
    school, (laptop,) = uai(), laptops(1)
    finishing(system, school, laptop)
    when_handover(system, laptop, {"state": "opened"})
    campaign(system)
    assert len(handovers(system, laptop)) == 1


def test_the_page_of_a_student_who_was_erased_is_closed_and_the_certificate_stays(
    system: System,
) -> None:
    school, (laptop,) = uai(), laptops(1)
    (student,) = finishing(system, school, laptop)
    campaign(system)
    shown = ceded(system, laptop, MORNING, now())
    told = act(system, shown["handover"], "further-study", now(), institution="bts")
    url = system.services["handover"].url
    mine = f"{url}/mine/{told['mine'].rpartition('/')[2]}"
    assert system.http.get(mine).status_code == httpx.codes.OK
    enrolment_says(system, student, enrolment.StudentErased("request"), at=NOON)
    until(lambda: system.http.get(mine).status_code == httpx.codes.NOT_FOUND, "it is closed")
    confirmed = system.http.get(f"{url}/certificates/{shown['certificate']}")
    assert confirmed.status_code == httpx.codes.OK
