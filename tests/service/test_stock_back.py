"""What ordering and delivery make of laptops that came back at the end of lycée."""

from services.handover import core
from tests.builders import SCHOOL, SCHOOLS_CSV, STUDENTS, Running, a_hand_out, a_laptop, key_of
from tests.service import handing_over as of
from tests.service.hearing_by_hand import heard

NEEDS = "/api/school-years/2023-2024/needs"


def came_back(handover: Running) -> None:
    """Three laptops that came back: two are ready again, one was scrapped."""
    for claims in (of.known([1, 2, 3]), of.campaign(), of.called([1, 2, 3])):
        of.put(handover, claims)
    for laptop in (1, 2, 3):
        name = of.number_of(laptop)
        end = core.Scrap(name, "BSD-7") if laptop == 3 else core.Refurbish(name)
        told = (core.Refuse(name), core.Return(name, key_of(laptop)), end)
        of.put(handover, of.acts(laptop, *told))


def test_what_is_ready_again_is_stock_back_unless_a_number_is_said(
    ordering: Running, handover: Running
) -> None:
    ordering.file("region", "/api/schools/imports", SCHOOLS_CSV)
    came_back(handover)
    heard(ordering, handover)
    heard(ordering, handover)
    for stock, back in (({}, 2), ({"stock_back": 0}, 0)):
        body = {"newcomers": 100} | stock
        assert ordering.ask("region", "PUT", f"{NEEDS}/{SCHOOL}", json=body).is_success
        (need,) = ordering.get("region", NEEDS)["items"]
        assert (need["stock_back"], need["counted"]) == (back, not stock)
        assert need["needed"] == 105 - back
        page = ordering.page("region", "/needs?year=2023-2024").text
        said = f"a été dit : {len(stock)} lycée"
        assert said in " ".join(page.split()).replace("\u202f", " ")


def test_what_was_scrapped_is_in_no_stock_whatever_is_told_of_it_after(
    delivery: Running, handover: Running
) -> None:
    came_back(handover)
    heard(delivery, handover)
    own = f"location, custody FROM laptop WHERE key = '{key_of(3)}'"
    (row,) = delivery.rows(f"SELECT {own}")
    assert row.location == "scrapped"
    at = {"handed_out_at": "2023-09-04T08:00:00Z"}
    again = a_hand_out(id="again", laptop=a_laptop(3), student=STUDENTS[0], **at)
    body = {"hand_outs": [again]}
    answer = delivery.ask(f"school:{SCHOOL}", "POST", "/api/hand-outs", json=body)
    assert answer.json()["verdicts"][0]["verdict"] != "refused"
    (row,) = delivery.rows(f"SELECT {own}")
    assert row.location == "scrapped"
    assert "after-scrap" in row.custody
