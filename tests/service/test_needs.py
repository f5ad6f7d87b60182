"""What schools need, as the region states it over HTTP, and orders made of it."""

from typing import Any

import httpx
import pytest

from tests.builders import OTHER_SCHOOL, SCHOOL, SCHOOLS_CSV, Running, an_order

YEAR = "/api/school-years/2020-2021"
ALL = {"lot": "L1", "model": "HP 245 G8", "paid_by": "region"}


@pytest.fixture
def listed(ordering: Running) -> Running:
    """Ordering with two schools in its directory."""
    ordering.file("region", "/api/schools/imports", SCHOOLS_CSV)
    return ordering


def state(ordering: Running, uai: str = SCHOOL, **need: Any) -> httpx.Response:
    return ordering.ask("region", "PUT", f"{YEAR}/needs/{uai}", json=need)


def order(ordering: Running, number: str = "BC1", *lots: dict[str, Any]) -> httpx.Response:
    body = {"order": number, "buyer": "region", "supplier": "hexalog", "lots": lots or [ALL]}
    return ordering.ask("region", "POST", f"{YEAR}/orders", json=body)


def needs(ordering: Running) -> dict[str, tuple[int, int, int]]:
    """By school: needed, ordered, open."""
    items = ordering.get("ops", f"{YEAR}/needs")["items"]
    return {one["uai"]: (one["needed"], one["ordered"], one["open"]) for one in items}


def test_needs_are_computed_corrected_by_hand_and_shown_with_what_is_ordered(
    listed: Running,
) -> None:
    assert listed.ask("region", "PUT", YEAR, json={"spare_share": 0.1}).is_success
    assert state(listed, newcomers=101, stock_back=4).json() == {"verdict": "applied"}
    assert state(listed, newcomers=101, stock_back=4).json() == {"verdict": "duplicate"}
    (shown,) = listed.get("region", f"{YEAR}/needs")["items"]
    assert shown == {
        "uai": SCHOOL,
        "newcomers": 101,
        "spare": 11,
        "stock_back": 4,
        "counted": False,
        "computed": 108,
        "decided": None,
        "needed": 108,
        "ordered": 0,
        "open": 108,
    }
    state(listed, newcomers=101, stock_back=4, decided=100)
    assert needs(listed) == {SCHOOL: (100, 0, 100)}
    state(listed, newcomers=101, stock_back=4)
    assert needs(listed) == {SCHOOL: (108, 0, 108)}


def test_the_needs_of_many_schools_are_a_file_with_a_verdict_for_each_row(listed: Running) -> None:
    content = (
        "UAI;newcomers;stock_back;decided\n"
        f"{SCHOOL};120;10;\n{OTHER_SCHOOL.lower()};40;;45\n0670080A;3;0;\n{SCHOOL};many;0;\n0540001A;;;\n"
    )
    job = listed.file("region", f"{YEAR}/needs/imports", content)
    assert (job["applied"], job["refused"]) == (2, 3)
    assert needs(listed) == {SCHOOL: (116, 0, 116), OTHER_SCHOOL: (45, 0, 45)}
    again = listed.file("region", f"{YEAR}/needs/imports", content)
    assert (again["applied"], again["duplicate"]) == (0, 2)


def test_one_act_orders_all_that_is_needed_and_what_is_ordered_is_needed_no_more(
    listed: Running,
) -> None:
    state(listed, newcomers=100)
    state(listed, OTHER_SCHOOL, newcomers=40)
    mine = {"lot": "L2", "model": "Lenovo L13", "paid_by": "Haut-Rhin", "departments": ["68"]}
    placed = order(listed, "BC1", ALL, mine | {"promised_on": "2020-08-28"})
    assert (placed.status_code, placed.headers["location"]) == (201, "/api/orders/BC1")
    lines = {line["uai"]: line for line in placed.json()["lines"]}
    assert (lines[SCHOOL]["quantity"], lines[SCHOOL]["paid_by"]) == (105, "region")
    assert (lines[OTHER_SCHOOL]["quantity"], lines[OTHER_SCHOOL]["paid_by"]) == (42, "Haut-Rhin")
    assert lines[OTHER_SCHOOL]["promised_on"] == "2020-08-28"
    assert needs(listed) == {SCHOOL: (105, 105, 0), OTHER_SCHOOL: (42, 42, 0)}
    again = order(listed, "BC2")
    assert (again.status_code, again.json()["code"]) == (409, "nothing-needed")
    year = listed.get("ops", YEAR)
    assert (year["schools"], year["needed"], year["ordered"], year["open"]) == (2, 147, 147, 0)


def test_an_order_by_lines_counts_for_its_schools_too(listed: Running) -> None:
    state(listed, newcomers=100)
    assert listed.ask("region", "POST", "/api/orders", json=an_order()).is_success
    ordered = sum(line["quantity"] for line in an_order()["lines"] if line["uai"] == SCHOOL)
    assert needs(listed)[SCHOOL] == (105, ordered, 105 - ordered)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (YEAR, {"spare_share": 5}, "/spare_share"),
        (YEAR, {"spare_share": -0.1}, "/spare_share"),
        ("/api/school-years/2020-2022", {"spare_share": 0.1}, "/school_year"),
        (f"{YEAR}/needs/{SCHOOL}", {"newcomers": -1}, "/newcomers"),
        (f"{YEAR}/needs/{SCHOOL}", {"newcomers": 1, "decided": 100_001}, "/decided"),
        (f"{YEAR}/needs/0670080A", {"newcomers": 1}, "/uai"),
    ],
    ids=str,
)
def test_what_is_no_need_is_refused_with_its_field(
    listed: Running, path: str, body: dict[str, Any], field: str
) -> None:
    told = listed.ask("region", "PUT", path, json=body)
    assert (told.status_code, told.json()["errors"][0]["field"]) == (422, field)


def test_a_need_of_a_school_that_is_not_listed_says_what_to_do(ordering: Running) -> None:
    told = state(ordering, newcomers=1)
    assert (told.status_code, told.json()["code"]) == (409, "unknown-school")
    assert "import it first" in told.json()["detail"]
    shown = send(ordering, uai=SCHOOL, newcomers="1").text
    assert "Ce lycée n’est pas dans l’annuaire" in shown
    assert f"({SCHOOL} is not in the directory: import it first)" in shown


def test_two_lots_for_one_departement_are_refused_before_anything_is_ordered(
    listed: Running,
) -> None:
    state(listed, newcomers=100)
    told = order(listed, "BC1", ALL, ALL)
    assert (told.status_code, told.json()["errors"][0]["field"]) == (422, "/lots/1/departments")
    assert listed.ask("region", "GET", "/api/orders/BC1").status_code == httpx.codes.NOT_FOUND


# -- on the page


def send(ordering: Running, party: str = "region", lang: str = "", **form: str) -> httpx.Response:
    """What the page of needs answers to a form, from a browser that keeps a party's key."""
    key = ordering.auth(party)["Authorization"].removeprefix("Bearer ")
    headers = {"cookie": f"trousseau-ordering={key}"}
    told, path = {"id": a_form(1)} | form, "/needs?year=2020-2021"
    return ordering.client.post(f"{path}&lang={lang}" if lang else path, data=told, headers=headers)


def a_form(number: int) -> str:
    """The id that a page gave to a form of its own."""
    return f"9f1b6d1e-0d4e-4a55-9a54-6e7f1c1f1b1{number}"


def test_a_need_is_corrected_on_the_page_by_whoever_keeps_the_regions_key(listed: Running) -> None:
    told = send(listed, uai=SCHOOL.lower(), newcomers="100", stock_back="", decided="90")
    assert told.headers["location"] == "/needs?year=2020-2021&told=stated"
    assert needs(listed) == {SCHOOL: (90, 0, 90)}
    wrong = send(listed, uai=SCHOOL, newcomers="many")
    assert (wrong.status_code, "a whole number is expected" in wrong.text) == (422, True)
    assert "Un champ n’a pas la forme attendue" in wrong.text
    other = send(listed, "supplier:hexalog", uai=SCHOOL, newcomers="1")
    assert other.status_code == httpx.codes.FORBIDDEN
    nobody = listed.client.post("/needs", data={"uai": SCHOOL, "newcomers": "1"})
    assert nobody.headers["location"].startswith("/key?to=%2Fneeds")
    assert needs(listed) == {SCHOOL: (90, 0, 90)}


def test_what_is_needed_is_ordered_on_the_page_once_however_often_it_is_sent(
    listed: Running,
) -> None:
    state(listed, newcomers=100)
    form = {"act": "order", "order": "BC9", "buyer": "region", "supplier": "hexalog"} | ALL
    form |= {"departments": "67, 68", "promised_on": "2020-08-28"}
    for _ in range(2):
        assert send(listed, **form).headers["location"] == "/orders/BC9"
    assert needs(listed) == {SCHOOL: (105, 105, 0)}
    page = listed.page("region", "/orders/BC9")
    assert (page.status_code, "105" in page.text, "28 août 2020" in page.text) == (200, True, True)
    again = send(listed, **form | {"order": "BC10", "id": a_form(2)})
    assert (again.status_code, "Plus aucun lycée de ces départements" in again.text) == (409, True)
    assert "needs more laptops" not in again.text
    told = send(listed, "region", "en", **form | {"order": "BC10"} | {"id": a_form(3)})
    assert "needs more laptops" in told.text
    assert "Plus aucun lycée" not in told.text
