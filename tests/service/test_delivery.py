"""Delivery as its parties meet it: verdicts, duplicates, contradictions, what waits, hand-outs."""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import Connection

from services.delivery import core
from shared import parking
from shared.ledger import LEDGER
from tests.builders import (
    DAY,
    OTHER_SHIPMENT,
    SCHOOL,
    SHIPMENT,
    STUDENTS,
    Running,
    a_claim,
    a_hand_out,
    a_laptop,
    a_report,
    key_of,
)
from tests.service.hearing_by_hand import announced as announce
from tests.service.hearing_by_hand import heard

ACME, BOLT, AT_SCHOOL = "carrier:acme", "carrier:bolt", f"school:{SCHOOL}"


def tell(delivery: Running, party: str, *events: dict[str, Any]) -> list[dict[str, Any]]:
    """Delivery events of a party; the verdict on each."""
    answer = delivery.ask(party, "POST", "/api/delivery-events", json={"events": events})
    assert answer.status_code == httpx.codes.OK, answer.text
    verdicts: list[dict[str, Any]] = answer.json()["verdicts"]
    return verdicts


def hand_out(delivery: Running, party: str, *items: dict[str, Any]) -> list[dict[str, Any]]:
    """Hand-outs of a party; the verdict on each."""
    answer = delivery.ask(party, "POST", "/api/hand-outs", json={"hand_outs": items})
    assert answer.status_code == httpx.codes.OK, answer.text
    verdicts: list[dict[str, Any]] = answer.json()["verdicts"]
    return verdicts


def bare(verdicts: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["verdict"], one.get("code", "")) for one in verdicts]


def said(delivery: Running) -> list[str]:
    """The facts that were said, in their order."""
    rows = delivery.rows("SELECT type FROM ledger WHERE type IS NOT NULL ORDER BY position")
    return [type.removeprefix("delivery.").removesuffix(".v1") for (type,) in rows]


@pytest.fixture
def announced(ordering: Running, delivery: Running) -> Running:
    """Delivery, which heard of laptops 1 to 3 from ordering."""
    announce(ordering, [1, 2, 3])
    heard(delivery, ordering)
    return delivery


# -- verdicts


def test_each_item_gets_its_verdict_in_the_order_in_which_it_was_sent(announced: Running) -> None:
    road = a_report(id="road", shipment=None)
    told = tell(
        announced,
        ACME,
        a_report(id="pallet", type="announced", laptops=[a_laptop(1), a_laptop(2)]),
        road,
        road,
        road | {"id": "again"},
        road | {"laptops": [a_laptop(1), a_laptop(9)]},
        road | {"id": "unknown", "laptops": [a_laptop(9)]},
        road | {"id": "mine?", "type": "received", "school": SCHOOL},
        road | {"id": "naive", "happened_at": "2020-09-01T08:00:00"},
    )
    assert [one["id"] for one in told] == [
        "pallet", "road", "road", "again", "road", "unknown", "mine?", "naive"
    ]  # fmt: skip
    assert bare(told) == [
        ("applied", ""),
        ("applied", ""),
        ("duplicate", ""),
        ("duplicate", "said-before"),
        ("waiting", "laptop-not-announced"),
        ("duplicate", "said-before"),
        ("refused", "not-your-act"),
        ("refused", "naive-time"),
    ]


def test_an_event_has_the_worst_verdict_of_its_laptops_and_names_those_that_differ(
    announced: Running,
) -> None:
    tell(announced, ACME, a_report(id="e", shipment=None, laptops=[a_laptop(1)]))
    wrong = {"maker": "Acme", "serial": "X-1"}
    mixed = a_report(id="e", shipment=None, laptops=[a_laptop(1), a_laptop(2), wrong, {"x": 1}])
    (told,) = tell(announced, ACME, mixed)
    assert (told["verdict"], told["code"]) == ("refused", "invalid")
    assert [
        {name: value for name, value in one.items() if name != "detail"} for one in told["laptops"]
    ] == [
        wrong | {"verdict": "refused", "code": "invalid"},
        {"maker": "", "serial": "", "verdict": "refused", "code": "invalid"},
        a_laptop(1) | {"verdict": "duplicate"},
        a_laptop(2) | {"verdict": "applied"},
    ]
    assert said(announced).count("laptop-arrived") == 2, "what could be read counts"


def test_the_same_laptop_in_two_spellings_is_told_once(announced: Running) -> None:
    spelt = [a_laptop(1), {"maker": "Hewlett-Packard", "serial": "5cd 0001"}]
    assert bare(tell(announced, ACME, a_report(shipment=None, laptops=spelt))) == [("applied", "")]
    assert said(announced).count("laptop-arrived") == 1


def test_an_id_that_stands_for_something_else_is_a_conflict_and_both_are_kept(
    announced: Running,
) -> None:
    first = a_report(shipment=None)
    other = first | {"type": "dispatched", "detail": "not so"}
    assert bare(tell(announced, ACME, first, other)) == [
        ("applied", ""),
        ("conflict", "id-already-used"),
    ]
    (thing,) = announced.get(ACME, "/api/parked")["items"]
    assert (thing["kind"], thing["subject"], thing["event"]) == ("conflict", key_of(), "a report")
    whole = announced.get(ACME, f"/api/parked/{thing['id']}")
    assert (whole["content"]["command"]["step"], whole["stands"]["step"]) == (
        "dispatched",
        "arrived",
    )
    assert said(announced).count("laptop-dispatched") == 0
    assert bare(tell(announced, ACME, other)) == [("conflict", "id-already-used")]
    assert announced.get(ACME, "/api/parked")["total"] == 1, "once is enough"


def test_what_is_refused_may_come_again_mended_under_its_id(announced: Running) -> None:
    ahead = a_report(shipment=None, happened_at="2999-01-01T00:00:00Z")
    assert bare(tell(announced, ACME, ahead)) == [("refused", "in-the-future")]
    assert bare(tell(announced, ACME, a_report(shipment=None))) == [("applied", "")]


def test_five_hundred_items_are_taken_and_one_more_is_too_many(delivery: Running) -> None:
    events = [
        a_report(id=f"e{number}", shipment=None, laptops=[a_laptop(number)])
        for number in range(501)
    ]
    answer = delivery.ask(ACME, "POST", "/api/delivery-events", json={"events": events})
    assert (answer.status_code, answer.json()["code"]) == (413, "too-many-items")
    assert delivery.counts()["ledger"] == 0
    told = tell(delivery, ACME, *events[:500])
    assert {one["verdict"] for one in told} == {"waiting"}
    assert len(said(delivery)) == 500


def test_an_item_that_is_too_large_is_refused_alone(delivery: Running) -> None:
    large = a_report(id="large", detail="x" * (33 << 10))
    told = tell(delivery, ACME, large, a_report())
    assert bare(told) == [("refused", "too-large"), ("waiting", "shipment-not-announced")]


def test_free_text_stays_beside_its_claim_and_is_in_no_fact(delivery: Running) -> None:
    tell(delivery, ACME, a_report(detail="Mme Weber a signé"))
    rows = delivery.rows("SELECT note, body, command FROM ledger")
    assert {note for note, _, _ in rows if note} == {"Mme Weber a signé"}
    assert "Weber" not in str([rest for _, *rest in rows])


# -- corrections


@pytest.mark.parametrize("kind", ["void", "arrived"])
def test_a_correction_of_which_nothing_can_be_read_corrects_nothing(
    kind: str, announced: Running
) -> None:
    tell(announced, ACME, a_report(id="right", shipment=None, laptops=[a_laptop(1), a_laptop(2)]))
    wrong = a_report(id="c", type=kind, corrects="right", shipment=None, laptops=[{"maker": "HP"}])
    assert bare(tell(announced, ACME, wrong)) == [("refused", "invalid")]
    assert "laptop-fact-withdrawn" not in said(announced)
    assert announced.get(ACME, "/api/delivery-events/right")["corrected_by"] == []
    assert announced.ask(ACME, "GET", "/api/delivery-events/c").status_code == 404
    mended = wrong | {"laptops": [a_laptop(1)]}
    assert bare(tell(announced, ACME, mended)) == [("applied", "")]
    assert said(announced).count("laptop-fact-withdrawn") == (1 if kind == "void" else 2)


# -- what was told


def test_a_party_lists_its_own_events_by_verdict_and_time_a_page_at_a_time(
    announced: Running,
) -> None:
    good = [a_report(id=f"g{n}", shipment=None, happened_at=at(n)) for n in range(4)]
    late = a_report(id="w", shipment=None, laptops=[a_laptop(9)])
    tell(announced, ACME, *good, late)
    tell(announced, BOLT, a_report(id="b"))

    def own(**asked: str) -> list[str]:
        seen: list[str] = []
        page: dict[str, Any] = {"next": ""}
        while page["next"] is not None:
            asked |= {"limit": "2", "cursor": page["next"]}
            page = announced.get(ACME, "/api/delivery-events", params=asked)
            seen += [one["id"] for one in page["items"]]
        assert page["total"] == len(seen)
        return sorted(seen)

    assert own() == ["g0", "g1", "g2", "g3", "w"]
    assert own(verdict="waiting") == ["w"]
    assert own(verdict="conflict") == own(since="2999-01-01T00:00:00Z") == []
    assert own(since="2000-01-01T00:00:00+02:00", verdict="applied") == ["g0", "g1", "g2", "g3"]


def at(hours: int) -> str:
    return (DAY + timedelta(hours=hours)).isoformat()


def test_a_file_of_events_is_taken_row_by_row_with_a_report(announced: Running) -> None:
    header = "id,type,happened_at,shipment,maker,serial"
    moment = DAY.isoformat()
    rows = [
        f"a,announced,{moment},{SHIPMENT},HP,5CD0001",
        f"a,announced,{moment},{SHIPMENT},HP,5CD0002",
        f"b,arrived,{moment},,HP,5CD0009",
        f"c,received,{moment},,HP,5CD0001",
        f"d,arrived,{moment[:19]},,HP,5CD0001",
        "e,arrived",
    ]
    job = announced.sent(ACME, "/api/delivery-events/imports", "\n".join([header, *rows]))
    ended = announced.ended(ACME, job)
    assert (ended["read"], ended["applied"], ended["waiting"], ended["refused"]) == (6, 2, 1, 3)
    report = announced.ask(ACME, "GET", f"{job}/report").text.splitlines()
    assert [line.split(",")[1:3] for line in report[1:]] == [
        ["applied", ""],
        ["applied", ""],
        ["waiting", "laptop-not-announced"],
        ["refused", "not-your-act"],
        ["refused", "naive-time"],
        ["refused", "invalid"],
    ]
    assert announced.ask(BOLT, "GET", job).status_code == httpx.codes.NOT_FOUND


# -- what waits


def test_what_waits_is_listed_until_it_is_announced(ordering: Running, delivery: Running) -> None:
    assert bare(tell(delivery, ACME, a_report())) == [("waiting", "shipment-not-announced")]

    def waiting() -> set[tuple[str, str]]:
        listed = delivery.get("ops", "/api/waiting")
        assert listed["total"] == len(listed["items"])
        return {(one["key"], one["code"]) for one in listed["items"]}

    pallet = (f"shipment:{SHIPMENT}", "shipment-not-announced")
    assert waiting() == {pallet, (key_of(), "laptop-not-announced")}
    announce(ordering, [1])
    heard(delivery, ordering)
    assert waiting() == {pallet}
    tell(delivery, ACME, a_report(id="announcement", type="announced"))
    assert waiting() == set()


def test_a_serial_that_was_mistyped_and_taken_back_waits_for_nothing(delivery: Running) -> None:
    mistyped = a_report(id="mistyped", type="received", school=SCHOOL)
    tell(delivery, AT_SCHOOL, mistyped)
    assert delivery.get("ops", "/api/waiting")["total"] == 2
    laptops = mistyped["laptops"]
    void = a_report(id="void", type="void", corrects="mistyped", school=None, laptops=laptops)
    assert bare(tell(delivery, AT_SCHOOL, void)) == [("applied", "")]
    assert delivery.get("ops", "/api/waiting")["items"] == []


def test_a_shipment_of_which_nothing_is_listed_may_be_announced_by_its_number_alone(
    announced: Running,
) -> None:
    alone = a_report(type="announced", laptops=None, quantity=126, school=SCHOOL)
    assert bare(tell(announced, ACME, alone)) == [("applied", "")]
    named = a_report(id="named", shipment=OTHER_SHIPMENT, laptops=[])
    assert bare(tell(announced, ACME, named)) == [("waiting", "shipment-not-announced")]
    nothing = a_report(id="nothing", shipment=None, laptops=None)
    loose = a_report(id="loose", type="announced", shipment=None)
    assert bare(tell(announced, ACME, nothing, loose)) == [("refused", "invalid")] * 2


# -- hand-outs


def test_a_hand_out_is_kept_and_sent_again_it_is_a_duplicate(announced: Running) -> None:
    assert bare(hand_out(announced, AT_SCHOOL, a_hand_out(), a_hand_out())) == [
        ("applied", ""),
        ("duplicate", ""),
    ]
    later = a_hand_out(student=STUDENTS[1])
    assert bare(hand_out(announced, AT_SCHOOL, later)) == [("conflict", "id-already-used")]


def test_a_hand_out_is_refused_for_its_form_alone(announced: Running) -> None:
    minor = {"minor": True, "student_signed_at": DAY.isoformat()}
    refused = hand_out(
        announced,
        AT_SCHOOL,
        a_hand_out(id="minor", charter=minor),
        a_hand_out(id="unsigned", charter={"minor": False}),
        a_hand_out(id="bare", kit={"laptop": False, "sleeve": True, "storage": True}),
        a_hand_out(id="named", student="Weber, Anne"),
        a_hand_out(id="mine", student="DUPONT"),
    )
    assert bare(refused) == [
        ("refused", "charter-not-signed"),
        ("refused", "charter-not-signed"),
        ("refused", "kit-without-laptop"),
        ("refused", "invalid"),
        ("refused", "invalid"),
    ]
    assert "laptop-handed-out" not in said(announced)
    both = minor | {"guardian_signed_at": DAY.isoformat()}
    assert bare(hand_out(announced, AT_SCHOOL, a_hand_out(id="minor", charter=both))) == [
        ("applied", "")
    ]


def test_no_name_that_is_sent_as_a_student_is_stored_or_answered(
    announced: Running, caplog: pytest.LogCaptureFixture
) -> None:
    (told,) = hand_out(announced, AT_SCHOOL, a_hand_out(student="Anne Weber"))
    assert "Weber" not in str(told)
    assert "Weber" not in str(announced.rows("SELECT * FROM ledger"))
    assert "Weber" not in str(announced.rows("SELECT * FROM parked"))
    assert "Weber" not in caplog.text


def test_the_region_says_at_which_school_and_a_school_need_not(announced: Running) -> None:
    silent = a_hand_out(school=None)
    assert bare(hand_out(announced, "region", silent)) == [("refused", "invalid")]
    assert bare(hand_out(announced, AT_SCHOOL, silent)) == [("applied", "")]
    assert bare(hand_out(announced, "region", a_hand_out(student=STUDENTS[1]))) == [("applied", "")]


# -- what is set aside


def park(delivery: Running, number: int = 1, **changes: Any) -> str:
    """A claim that met a bug which is mended by now; its name in the list."""
    command = core.ReportLaptop("arrived")
    claim = a_claim(key_of(number), command, party=ACME, id=f"bug {number}", report=True)
    thing = parking.parked_claim("bug", "KeyError", "it met a bug", claim, DAY, **changes)
    delivery.write(partial(parking.park, things=[thing]))
    return thing.id


def test_what_met_a_bug_is_taken_on_retry_and_leaves_the_list(announced: Running) -> None:
    id = park(announced)
    told = announced.ask("ops", "POST", f"/api/parked/{id}/retry").json()
    assert told["verdict"] == "applied"
    assert said(announced)[-1:] == ["laptop-arrived"]
    assert announced.get("ops", "/api/parked")["items"] == []
    for act, body in (("retry", None), ("discard", {"reason": "late"})):
        again = announced.ask("ops", "POST", f"/api/parked/{id}/{act}", json=body)
        assert (again.status_code, again.json()["code"]) == (409, "closed")
    assert said(announced).count("laptop-arrived") == 1
    assert announced.rows("SELECT state, closed_by FROM parked") == [("retried", "ops")]


def test_what_was_set_aside_twice_over_is_a_duplicate_on_retry(announced: Running) -> None:
    id = park(announced)
    laptop = {"happened_at": DAY.isoformat(), "shipment": None}
    tell(announced, ACME, a_report(id="bug 1", **laptop))
    told = announced.ask(ACME, "POST", f"/api/parked/{id}/retry").json()
    assert told["verdict"] == "duplicate"
    assert said(announced).count("laptop-arrived") == 1
    assert announced.get(ACME, "/api/parked")["total"] == 0


def test_a_contradiction_is_one_still_on_retry_and_leaves_the_list_by_a_reason(
    announced: Running,
) -> None:
    tell(announced, ACME, a_report(shipment=None), a_report(shipment=None, type="dispatched"))
    (thing,) = announced.get(ACME, "/api/parked")["items"]
    path = f"/api/parked/{thing['id']}"
    assert announced.ask(ACME, "POST", f"{path}/retry").json()["verdict"] == "conflict"
    assert announced.get(ACME, "/api/parked")["total"] == 1
    for reason in ("", "  "):
        silent = announced.ask(ACME, "POST", f"{path}/discard", json={"reason": reason})
        assert (silent.status_code, silent.json()["errors"][0]["field"]) == (422, "/reason")
    done = announced.ask(ACME, "POST", f"{path}/discard", json={"reason": " a typing error "})
    assert done.json() == {"verdict": "discarded"}
    assert announced.get(ACME, "/api/parked")["total"] == 0
    (row,) = announced.rows("SELECT state, closed_by, reason FROM parked")
    assert row == ("discarded", ACME, "a typing error")
    shown = announced.get(ACME, path)
    assert (shown["state"], shown["reason"]) == ("discarded", "a typing error")


def test_a_list_of_what_is_set_aside_goes_on_where_its_cursor_says(delivery: Running) -> None:
    ids = [park(delivery, number) for number in range(7)]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = delivery.get("ops", "/api/parked", params={"limit": 2, "after": cursor})
        assert page["total"] == len(ids)
        seen += [one["id"] for one in page["items"]]
        cursor = page["next"]
    assert sorted(seen) == sorted(ids)
    assert delivery.get("ops", "/api/parked?kind=bug")["total"] == len(ids)
    assert delivery.get("ops", "/api/parked?kind=refused")["items"] == []


# -- what is sent again


def test_a_refill_marks_every_fact_to_be_sent_again_and_says_how_many(announced: Running) -> None:
    tell(announced, ACME, a_report(), a_report(id="b", type="dispatched"))
    announced.write(mark_sent)
    answer = announced.ask("ops", "POST", "/api/refill")
    assert (answer.status_code, answer.json()) == (202, {"facts": len(said(announced))})
    unsent = "SELECT count(*) FROM ledger WHERE sent_at IS NULL AND type IS NOT NULL"
    assert announced.rows(unsent) == [(len(said(announced)),)]


def mark_sent(connection: Connection) -> None:
    connection.execute(LEDGER.update().values(sent_at=DAY))


# -- on its pages


def test_what_was_counted_in_one_moment_is_listed_with_the_last_told_first(
    announced: Running,
) -> None:
    for number in (2, 1, 3):
        tell(
            announced,
            AT_SCHOOL,
            a_report(id=f"r{number}", type="received", laptops=[a_laptop(number)]),
        )
    latest = announced.page(AT_SCHOOL, f"/receptions/{SHIPMENT}").text.partition('id="latest"')[2]
    order = [latest.index(f'<span class="code">5CD000{number}<') for number in (3, 1, 2)]
    assert order == sorted(order)


def test_why_a_scan_is_refused_is_said_in_our_words_in_the_language_of_the_page(
    announced: Running,
) -> None:
    page = f"/receptions/{SHIPMENT}?told=refused&why="
    told = announced.page(AT_SCHOOL, f"{page}id-already-used").text
    assert "rien n’a changé. Ce numéro a déjà servi" in told
    told = announced.page(AT_SCHOOL, f"{page}appelez").text
    assert "appelez" not in told.partition("<main")[2]
    assert "This id stands" in announced.page(AT_SCHOOL, f"{page}id-already-used&lang=en").text
    form = {"scan": STUDENTS[0], "code": "hp/5CD0001", "student": STUDENTS[1]}
    form["student_signed"] = "1"
    told = announced.page(AT_SCHOOL, f"/hand-outs/{SCHOOL}", **form).text
    assert "L’ordinateur n’est pas coché dans le kit" in told
    assert "is not ticked" not in told
    english = announced.page(AT_SCHOOL, f"/hand-outs/{SCHOOL}?lang=en", **form).text
    assert "the kit&#39;s laptop is not ticked" in english


def scanned(delivery: Running, laptop: int, student: str) -> tuple[str, str]:
    """A hand-out on the page: what it answers, and the row of today's list."""
    form = {"scan": str(uuid4()), "code": key_of(laptop), "student": student}
    form |= {"laptop": "1", "student_signed": "1"}
    answer = delivery.page(AT_SCHOOL, f"/hand-outs/{SCHOOL}", **form)
    shown = delivery.page(AT_SCHOOL, answer.headers["location"])
    told = shown.text.partition('id="told"')[2].partition("</p>")[0]
    row = shown.text.partition("<tbody>")[2].partition("</tr>")[0]
    return told, row


def test_what_speaks_against_a_hand_out_is_said_to_whoever_hands_it_out(
    ordering: Running, announced: Running
) -> None:
    counted = [a_laptop(1), a_laptop(2)]
    tell(announced, AT_SCHOOL, a_report(id="r", type="received", laptops=counted))
    told, row = scanned(announced, 1, STUDENTS[0])
    assert "pas encore admis par la région" in told
    assert "pas encore admis par la région" in row
    body = {"id": "all", "line": "1", "decided_at": DAY.isoformat(), "decided_by": "Mme X"}
    ordering.ask("region", "POST", "/api/orders/BC1/admissions", json=body)
    heard(announced, ordering)
    told, row = scanned(announced, 2, STUDENTS[1])
    assert 'class="late"' not in told + row
    for laptop, student, doubt in (
        (1, STUDENTS[1], "déjà remis à un autre élève"),
        (2, STUDENTS[1], "l’élève en a un autre"),
        (9, STUDENTS[2], "jamais annoncé"),
    ):
        told, row = scanned(announced, laptop, student)
        assert (doubt in told, doubt in row, 'data-tone="bad"' in told) == (True, True, True)
    english = announced.page(AT_SCHOOL, f"/hand-outs/{SCHOOL}?lang=en").text
    assert "already handed out to another student" in english


def test_what_is_unusual_about_a_laptop_of_a_pallet_is_said_in_french(announced: Running) -> None:
    pallet = a_report(id="p", type="announced", laptops=[a_laptop(1)], school=SCHOOL)
    tell(announced, ACME, pallet | {"shipment": SHIPMENT})
    tell(announced, BOLT, a_report(id="b", type="in-transit", laptops=[a_laptop(1)], shipment=None))
    for student in STUDENTS[:2]:
        scanned(announced, 1, student)
    shown = announced.page(AT_SCHOOL, f"/shipments/{SHIPMENT}").text
    for raw, said in {
        "two-students": "déjà remis à un autre élève",
        "not-received": "remis sans avoir été reçu",
        "another-carrier": "scanné par un autre transporteur",
    }.items():
        assert (raw in shown, said in shown) == (False, True)
