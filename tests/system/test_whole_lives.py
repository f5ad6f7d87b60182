"""As people do it, with all six services up: a supplier, a school, a desk, the region and ops."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from partners.year.play import move_clock
from tests import papers
from tests.devices import Devices
from tests.pupils import a_row, a_table
from tests.running import System, until
from tests.system.acts import (
    MODEL,
    admit,
    counted,
    done,
    event,
    hand_out,
    in_stock,
    laptops,
    life,
    list_schools,
    opened,
    ordered,
    page,
    place_order,
    post_file,
    row_verdicts,
    shown_order,
    sscc,
    told_in_order,
    uai,
    verdicts,
    when,
)
from tests.system.handing_over import act, open_campaign, when_handover

ACME, SUPPLIER, REGION, OPS = "carrier:acme", "supplier:hexalog", "region", "ops"
YEAR, MAY = "2022-2023", "2023-05-02T08:00:00+02:00"
MORNING, NOON = "2023-06-20T09:00:00+02:00", "2023-06-20T12:00:00+02:00"


def entered(system: System, *rows: dict[str, str]) -> list[tuple[str, str]]:
    """Pupils of a table, as the region sends it; the verdict and the code of each row."""
    header, *lines = a_table(rows).splitlines()
    sent = post_file(system, REGION, "/api/pupils/imports", header, lines, "enrolment")
    assert sent.status_code == httpx.codes.ACCEPTED, sent.text
    return row_verdicts(system, REGION, sent.headers["location"], "enrolment")


_ines = iter(range(1, 1_000))


def pupil(school: str, **changes: str) -> dict[str, str]:
    """A row of a pupil under an INE that no test has had."""
    return a_row(next(_ines), uai=school, **changes)


def students(system: System, school: str) -> list[str]:
    """The pseudonyms of a school's students, as the school asks for them."""
    answer = system.call("enrolment", f"school:{school}", f"/api/students?school={school}")
    return [one["student"] for one in answer.json()["items"]]


def names(system: System, party: str, student: str) -> dict[str, str]:
    """Whose pseudonym it is, as a browser asks that shows tracking's page of a laptop."""
    path = f"/names?students={student}&page=/laptops/hp/5CD1"
    key = system.bearer(party)["Authorization"].removeprefix("Bearer ")
    headers = {"Origin": system.tracking.url, "Cookie": f"trousseau-enrolment={key}"}
    url = system.services["enrolment"].url
    told: dict[str, str] = system.http.get(url + path, headers=headers).json()["names"]
    return told


def serial(laptop: str) -> str:
    return laptop.partition("/")[2]


def answer_on(shown: httpx.Response) -> str:
    """What a page says to what was just done on it."""
    (told,) = re.findall(r'<p id="told"[^>]*>(.*?)</p>', shown.text, re.DOTALL)
    return " ".join(re.sub("<[^>]+>", " ", told).split())


# -- use case 2: the supplier's serial list


def test_a_supplier_is_told_of_each_row_of_its_list_what_became_of_it(whole: System) -> None:
    school, (first, second, third) = uai(), laptops(3)
    list_schools(whole, school)
    number = place_order(whole, 2, school)
    rows = [
        *(f"1,HP,{serial(first)},{MODEL}", f"1,Hewlett-Packard,{serial(first).lower()},{MODEL}"),
        *(f"7,HP,{serial(second)},{MODEL}", f"1,Nobody,{serial(second)},{MODEL}"),
        *(f"1,HP,{serial(second)},{MODEL}", f"1,HP,{serial(third)},{MODEL}"),
    ]
    path = f"/api/orders/{number}/serials/imports"
    sent = post_file(whole, SUPPLIER, path, "line,maker,serial,model", rows)
    assert row_verdicts(whole, SUPPLIER, sent.headers["location"], "ordering") == [
        ("applied", ""),
        ("duplicate", ""),
        ("refused", "unknown-line"),
        ("refused", "invalid"),
        ("applied", ""),
        ("refused", "more-than-ordered"),
    ]
    for laptop in (first, second):
        when(whole, laptop, {"location": "announced", "order": number})


# -- use case 4: a pallet is counted


def test_a_school_counts_a_pallet_by_scanning_and_reports_what_is_missing_or_damaged(
    whole: System,
) -> None:
    school, pallet, (first, broken, lost) = uai(), sscc(), laptops(3)
    order = ordered(whole, school, [first, broken, lost])
    at = "2020-08-31T08:00:00+02:00"
    packed = event("announced", at, [first, broken, lost], shipment=pallet, school=school)
    assert verdicts(whole, ACME, packed, event("arrived", at, shipment=pallet)) == ["applied"] * 2

    def scan(**form: str) -> str:
        form = {"scan": str(uuid4())} | form
        path = f"/receptions/{pallet}"
        return answer_on(page(whole, "delivery", f"school:{school}", path, **form))

    for laptop in (first, broken):
        assert scan(code=serial(laptop).lower()) == f"Compté : {serial(laptop)}"
    assert "Déjà compté" in scan(code=serial(first))
    assert "Noté endommagé" in scan(act="damaged", laptop=broken)
    assert "Les manquants sont signalés" in scan(act="finish")
    assert when(whole, first, {"location": "at-school"})["flags"] == []
    assert "damaged" in when(whole, broken, lambda now: now["flags"])["flags"]
    when(whole, lost, {"location": "missing", "holder": "nobody"})
    shown = shown_order(whole, order)
    assert shown["lines"][0]["delivered"] == 2


# -- use cases 7 and 8: pupils come in, a class gets its laptops


def handed(system: System, school: str, laptop: str, student: str, **signed: str) -> str:
    """A laptop and a student's card are scanned on the school's page of hand-outs; what it says."""
    form = {"scan": str(uuid4()), "code": serial(laptop), "student": student, "laptop": "1"}
    party, path = f"school:{school}", f"/hand-outs/{school}"
    form |= {"student_signed": "1"} | signed
    return answer_on(page(system, "delivery", party, path, **form))


def test_a_class_of_a_pupils_file_gets_its_laptops_by_scanning_and_signs_on_the_spot(
    whole: System,
) -> None:
    school, keys = uai(), laptops(3)
    in_stock(whole, school, *keys)
    assert entered(whole, *(pupil(school) for _ in keys)) == [("applied", "")] * 3
    minor, other, adult = students(whole, school)
    assert "responsable" in handed(whole, school, keys[0], minor, minor="1")
    for laptop, student in ((keys[0], minor), (keys[1], other)):
        told = handed(whole, school, laptop, student, minor="1", guardian_signed="1")
        assert told == f"Remis : {serial(laptop)}"
    assert handed(whole, school, keys[2], adult) == f"Remis : {serial(keys[2])}"
    for laptop, student in zip(keys, (minor, other, adult), strict=True):
        shown = when(whole, laptop, {"location": "with-student", "student": student})
        assert (shown["school"], shown["flags"]) == (school, [])
    board = f"{whole.tracking.url}/api/boards/schools/{school}"
    until(
        lambda: whole.http.get(board).json()["location"] == {"with-student": 3},
        "the school's board counts them",
    )


def test_two_homonyms_in_one_class_have_a_laptop_each_and_are_never_taken_for_each_other(
    whole: System,
) -> None:
    school, keys = uai(), laptops(2)
    in_stock(whole, school, *keys)
    called = {"nom": "Martin", "prenom": "Léo"}
    first, second = pupil(school, **called), pupil(school, **called)
    assert entered(whole, first, second) == [("applied", ""), ("refused", "two-ines")]
    assert entered(whole, second | {"homonyme": "oui"}) == [("applied", "")]
    both = students(whole, school)
    assert len(both) == 2
    for laptop, student in zip(keys, both, strict=True):
        told = handed(whole, school, laptop, student, minor="1", guardian_signed="1")
        assert told == f"Remis : {serial(laptop)}"
    party = f"school:{school}"
    found = page(whole, "enrolment", party, "/people", question="Léo Martin", why="hand-out").text
    for laptop, student in zip(keys, both, strict=True):
        assert when(whole, laptop, {"student": student})["flags"] == []
        assert student in found
        assert names(whole, party, student) == {student: "Léo Martin"}


# -- use case 20: the board of ops in September


def test_ops_see_in_september_how_far_each_school_is_and_what_waits(whole: System) -> None:
    school, late, (taken, lying, awaited, unknown) = uai(), uai(), laptops(4)
    unannounced, parked = unannounced_in(whole), parked_in(whole)
    in_stock(whole, school, taken, lying)
    ordered(whole, late, [awaited])
    hand_out(whole, school, taken, "2020-09-14T09:00:00+02:00", student=str(uuid4()))
    scan = event("in-transit", "2020-09-14T10:00:00+02:00", [unknown])
    assert verdicts(whole, ACME, scan) == ["waiting"]
    when(whole, taken, {"location": "with-student"})
    when(whole, unknown, {"flags": ["unannounced"]})
    file = f"{whole.tracking.url}/schools.csv"
    told = {f"{school};Lycée {school};Strasbourg;67;2;2;2;1;0"}
    told |= {f"{late};Lycée {late};Strasbourg;67;1;1;0;0;0"}
    until(lambda: told <= {*whole.http.get(file).text.splitlines()}, "the board of schools says so")
    assert unannounced_in(whole) == unannounced + 1
    waits = whole.call("delivery", OPS, "/api/waiting").json()["items"]
    assert {taken, lying, awaited, unknown} & {one["key"] for one in waits} == {unknown}
    assert parked_in(whole) == parked, "nothing of it is set aside"


def unannounced_in(system: System) -> int:
    """How many laptops of the region no list named."""
    board = system.http.get(f"{system.tracking.url}/api/boards/region").json()
    found: int = board["unannounced"]
    return found


def parked_in(system: System) -> dict[str, list[str]]:
    """What is set aside in each service, by its ids."""
    answers = {name: system.call(name, OPS, "/api/parked").json() for name in system.services}
    return {name: [one["id"] for one in told["items"]] for name, told in answers.items()}


# -- use case 20: a whole life, and what is left of it without its student


def brought(system: System, school: str, laptop: str) -> None:
    """A laptop is ordered, announced, sent, counted and admitted."""
    pallet, order = sscc(), ordered(system, school, [laptop])
    told = (
        event("announced", "2020-08-25T08:00:00+02:00", [laptop], shipment=pallet, order=order),
        event("dispatched", "2020-08-26T08:00:00+02:00", shipment=pallet),
        event("arrived", "2020-08-27T10:00:00+02:00", shipment=pallet),
    )
    assert verdicts(system, ACME, *told) == ["applied"] * 3
    counted(system, school, [laptop])
    admit(system, order)
    when(system, laptop, {"location": "at-school", "owner": "region"})


def mended(system: System, laptop: str) -> None:
    """A laptop breaks in October, and its desk gives it back."""
    case = opened(system, laptop, "2020-10-05T08:00:00+02:00")
    done(system, case, "start", "2020-10-05T12:00:00+02:00")
    done(system, case, "repair", "2020-10-06T08:00:00+02:00", fault=17)
    done(system, case, "return", "2020-10-06T12:00:00+02:00")


def handed_over(system: System, laptop: str) -> str:
    """A laptop is offered, signed for, released, certified and handed over to an adult who goes on
    to a university; the number of its certificate.
    """
    open_campaign(system, "fin-2023", YEAR, MAY)
    number = when_handover(system, laptop, {"state": "opened", "blocked": []})["handover"]
    code = act(system, number, "offer", MORNING, minor=False)["signing_code"]
    act(system, number, "signature", MORNING, minor=False, code=code)
    when_handover(system, laptop, {"state": "released"})
    for name in ("certificate", "handing-over"):
        act(system, number, name, NOON)
    told = act(system, number, "further-study", NOON, institution="university")
    certificate: str = told["handover"]["certificate"]
    return certificate


def shown_of(system: System, laptop: str) -> tuple[dict[str, Any], str, str]:
    """All that tracking shows of a laptop: its life as JSON, its timeline as a file, its place in
    the books.
    """
    shown = life(system, laptop)
    if not shown:
        return {}, "", ""
    url = system.tracking.url
    file = system.http.get(f"{url}/laptops/{laptop}/timeline.csv").text
    return shown, file, system.http.get(f"{url}/api/reconciliation?order={shown['order']}").text


def test_a_laptop_is_followed_from_order_to_further_study_and_its_life_outlives_its_students_name(
    whole: System, clock: Path
) -> None:
    school, (laptop,) = uai(), laptops(1)
    move_clock(clock, datetime(2020, 10, 10, 8, tzinfo=UTC))
    brought(whole, school, laptop)
    called = pupil(school, nom="Exemple", prenom="Élise")
    assert entered(whole, called) == [("applied", "")]
    (student,) = students(whole, school)
    hand_out(whole, school, laptop, "2020-09-01T09:00:00+02:00", student=student)
    when(whole, laptop, {"location": "with-student", "student": student})
    mended(whole, laptop)
    move_clock(clock, datetime(2022, 9, 2, 8, tzinfo=UTC))
    assert entered(whole, called | {"niveau": "term"}) == [("applied", "")]
    move_clock(clock, datetime(2023, 6, 20, 10, tzinfo=UTC))
    certificate = handed_over(whole, laptop)
    last = {"laptop-taken-into-further-study", "laptop-ceded"}
    shown = when(whole, laptop, lambda now: last <= {*told_in_order(now)})
    assert (shown["owner"], shown["holder"], shown["working"]) == ("student", "student", "working")
    assert {one["type"].partition(".")[0] for one in shown["timeline"]} == {
        *("ordering", "delivery", "repairs", "handover")
    }
    assert names(whole, REGION, student) == {student: "Élise Exemple"}

    erased(whole, student)
    assert life(whole, laptop) == shown, "the life is as it was"
    page = f"{whole.tracking.url}/laptops/{laptop}"
    until(lambda: "identité effacée" in whole.http.get(page).text, "the page says so")
    before = shown_of(whole, laptop)
    whole.begins_anew("tracking")
    until(lambda: shown_of(whole, laptop) == before, "all is read again, and shown as it was")
    until(lambda: "identité effacée" in whole.http.get(page).text, "the page says so again")
    told = whole.http.get(page).text
    assert "Emporté en poursuite d’études" in told
    assert [name for name in ("Exemple", "Élise") if name in told + str(before)] == []
    confirmed = f"{whole.services['handover'].url}/certificates/{certificate}"
    assert whole.http.get(confirmed).status_code == httpx.codes.OK


def erased(system: System, student: str) -> None:
    """The region erases a person: nobody can be named by the pseudonym any more."""
    path = f"/api/people/{student}"
    export = system.call("enrolment", REGION, f"{path}/export").json()
    assert export["person"]["family_name"] == "Exemple"
    answer = system.call("enrolment", REGION, f"{path}/erasure", {})
    assert answer.json()["verdict"] == "applied", answer.text
    gone = system.call("enrolment", REGION, f"{path}?why=right-of-access")
    assert gone.status_code == httpx.codes.NOT_FOUND
    assert system.call("enrolment", REGION, f"{path}/export").json()["person"] is None
    assert names(system, REGION, student) == {}


# -- use case 17, as a school does it


class SigningDay:
    """A school's page of its signing day, one laptop on it."""

    def __init__(self, system: System, school: str, laptop: str) -> None:
        self.system, self.party, self.path = system, f"school:{school}", f"/signing/{school}"
        self.laptop = laptop

    def scanned(self) -> str:
        """What the page shows when the laptop is scanned."""
        path = f"{self.path}?code={serial(self.laptop)}"
        return page(self.system, "handover", self.party, path).text

    def acts(self, name: str, **form: str) -> str:
        """What the page says to an act, by the form that it showed."""
        shown = self.scanned()
        (number,) = {*re.findall(r'name="handover" value="(\d+)"', shown)}
        form = {"act": name, "handover": number, "id": str(uuid4())} | form
        return page(self.system, "handover", self.party, self.path, **form).text

    def until(self, words: str) -> str:
        """What it shows once it says so."""

        def look() -> str | None:
            shown = self.scanned()
            return shown if words in shown else None

        return until(look, f"the page of {self.laptop} says {words}")


def code_in(shown: str) -> str:
    (found,) = re.findall(r'id="signing-code"[^>]*>(\d+)<', shown)
    return str(found)


@pytest.mark.parametrize("minor", [False, True], ids=["an adult", "a minor"])
def test_a_school_signs_a_handover_prints_its_certificate_and_its_code_opens_a_page_without_a_name(
    whole: System, clock: Path, minor: bool
) -> None:
    school, (laptop,) = uai(), laptops(1)
    move_clock(clock, datetime(2023, 6, 21, 10, tzinfo=UTC))
    brought(whole, school, laptop)
    assert entered(whole, pupil(school, nom="Exemple", niveau="term")) == [("applied", "")]
    (student,) = students(whole, school)
    hand_out(whole, school, laptop, "2020-09-01T09:00:00+02:00", student=student)
    open_campaign(whole, "fin-2023", YEAR, MAY)
    when_handover(whole, laptop, {"state": "opened", "blocked": []})
    day, age = SigningDay(whole, school, laptop), {"minor": "1"} if minor else {}
    code = code_in(day.acts("offer", **age))
    if minor:
        assert "son responsable signe aussi" in day.acts("signature", code=code, **age)
        age["guardian_signed"] = "1"
    assert "C’est noté" in day.acts("signature", code=code, **age)
    day.until("Établir l’attestation")
    day.acts("certificate")
    shown = day.acts("handing-over")
    (path,) = re.findall(r'href="(/certificates/[^"]+/paper\.pdf)', shown)
    paper = page(whole, "handover", f"school:{school}", path)
    assert serial(laptop) in papers.words(paper)
    address = papers.scanned(paper)
    assert address == whole.services["handover"].url + path.removesuffix("/paper.pdf")
    opened_by_anybody = whole.http.get(address)
    assert opened_by_anybody.status_code == httpx.codes.OK
    assert address.rpartition("/")[2] in opened_by_anybody.text
    hidden = (student, "Exemple", serial(laptop), school)
    assert [word for word in hidden if word in opened_by_anybody.text] == []


# -- awkward: management lets nothing go for a week


def test_a_laptop_that_management_does_not_let_go_for_a_week_stays_in_sight_and_goes_on_by_itself(
    whole: System, clock: Path, devices: Devices
) -> None:
    school, (laptop,) = uai(), laptops(1)
    move_clock(clock, datetime(2023, 6, 22, 10, tzinfo=UTC))
    brought(whole, school, laptop)
    entered(whole, pupil(school, niveau="term"))
    (student,) = students(whole, school)
    hand_out(whole, school, laptop, "2020-09-01T09:00:00+02:00", student=student)
    open_campaign(whole, "fin-2023", YEAR, MAY)
    number = when_handover(whole, laptop, {"state": "opened"})["handover"]
    now = "2023-06-22T12:00:00+02:00"
    code = act(whole, number, "offer", now, minor=False)["signing_code"]
    before, failed = failing_in(whole), 0
    devices.answer = (503, b"")
    try:
        act(whole, number, "signature", now, minor=False, code=code)
        for day in (22, 25, 29):
            move_clock(clock, datetime(2023, 6, day, 12, tzinfo=UTC))
            failed = until(lambda: failures(whole, laptop, failed), "it fails again")  # noqa: B023  asked at once
            when(whole, laptop, {"managed": "release-failed"})
        listed = whole.call("handover", REGION, "/api/handovers?failing=true").json()["items"]
        (failing,) = (one for one in listed if one["laptop"] == laptop)
        assert failing["state"] == "releasing"
        shown = {one["release"]: one for one in failing["releases"]}["retire"]
        assert (shown["failure"], shown["failing_since"][:10]) == ("http-503", "2023-06-22")
        assert failing_in(whole) == before + 1
    finally:
        devices.answer = (204, b"")
    move_clock(clock, datetime(2023, 6, 30, 12, tzinfo=UTC))
    when_handover(whole, laptop, {"state": "released"})
    assert when(whole, laptop, {"managed": "released"})["flags"] == []


def failing_in(system: System) -> int:
    """Of how many laptops of the campaign the release fails."""
    told = system.call("handover", REGION, "/api/handover-campaigns/fin-2023").json()
    found: int = told["failing"]
    return found


def failures(system: System, laptop: str, more_than: int) -> int:
    """How often a laptop's retirement failed, once that is more than so often."""
    releases = {one["release"]: one for one in when_handover(system, laptop, {})["releases"]}
    failed: int = releases["retire"]["failed"]
    return failed if failed > more_than else 0


# -- use case 20, as ops do


READERS = ("tracking", "ordering", "repairs")  # of which the test looks at what they show


def replayed(system: System) -> dict[str, int]:
    """Every fact is sent again, and every reader reads from the beginning; how many facts, by the
    topic that they travel on.
    """
    for service in system.services:
        for name in system.services:
            answer = system.call(service, OPS, f"/api/readings/{name}.facts/begin-again", {})
            assert answer.status_code in (202, 404), answer.text
    return {
        f"{service}.facts": system.call(service, OPS, "/api/refill", {}).json()["facts"]
        for service in {*system.services} - {"tracking"}
    }


def read_by(system: System, reader: str) -> dict[str, float]:
    """How many records a service read, by topic."""
    told = system.http.get(f"{system.services[reader].url}/metrics").text
    read: dict[str, float] = {}
    pattern = r'^trousseau_heard_records_total{outcome="(?:heard|passed-over)",topic="(.+)"} (.+)$'
    for topic, count in re.findall(pattern, told, re.M):
        read[topic] = read.get(topic, 0) + float(count)
    return read


HEARD_OF_STOCK = {
    *("laptop-announced", "laptop-expected", "laptop-registered", "laptop-entered"),
    *("laptop-received", "laptop-delivered", "laptop-placed", "laptop-entrusted"),
    *("laptop-admitted", "laptop-cleared", "warranty-noted", "laptop-acquired"),
}


def test_ops_replay_everything_that_was_ever_said_and_nothing_counts_twice(whole: System) -> None:
    school, keys = uai(), laptops(2)
    order = in_stock(whole, school, *keys)
    for key in keys:
        when(whole, key, lambda now: {*told_in_order(now)} >= HEARD_OF_STOCK)

    def shown() -> list[Any]:
        url = whole.tracking.url
        told = [f"boards/schools/{school}", f"reconciliation?order={order}"]
        told += [f"laptops/{key}" for key in keys]
        heard = [whole.http.get(f"{url}/api/{one}").json() for one in told]
        heard[0].pop("as_of")
        lines = shown_order(whole, order)["lines"]
        return [*heard, lines, whole.call("repairs", REGION, f"/api/pools/{school}").json()]

    before, read = shown(), {reader: read_by(whole, reader) for reader in READERS}
    assert all("delivery.facts" in topics for topics in read.values())
    facts = replayed(whole)

    def again(reader: str) -> bool:
        now = read_by(whole, reader)
        return all(now[topic] >= read[reader][topic] + 2 * facts[topic] for topic in read[reader])

    for reader in READERS:
        until(lambda: again(reader), f"{reader} read all again, twice")  # noqa: B023  asked at once
    assert shown() == before
