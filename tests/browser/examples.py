"""Invented pages to look at: every screen full, empty and with a name that is too long for it."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta

from msgspec.structs import replace

from services.tracking import pages
from services.tracking.shown import (
    Filter,
    Found,
    LaptopLife,
    Pallet,
    RegionBoard,
    Row,
    SchoolBoard,
    SchoolCounts,
    Share,
    Standing,
    Step,
    Tally,
    Task,
    Told,
    Wrong,
    became,
)
from shared.pages.errors import error_page
from shared.pages.jobs import Job, job_page
from shared.pages.parked import Parked, parked_list_page, parked_page
from shared.pages.rendering import Visit
from shared.pages.tables import Listing
from tests.browser import examples_of_ordering

NOW = datetime(2020, 9, 10, 7, 40, tzinfo=UTC)
SHIPMENT = "376123450000000018"
UAI = "0670080Y"
LONG = "Établissement" * 12  # one word: nothing to break the line at


def at(month: int, day: int, hour: int = 8, minute: int = 12) -> datetime:
    """An instant of 2020."""
    return datetime(2020, month, day, hour, minute, tzinfo=UTC)


def told(type: str, when: datetime, learned: datetime | None = None, **body: str) -> Told:
    """A fact, learned two minutes later unless said otherwise."""
    return Told(type, when, learned or when + timedelta(minutes=2), "carrier:acme", "scan-17", body)


def laptop(location: str = "with-student", *, flags: tuple[str, ...] = ()) -> LaptopLife:
    """A laptop whose arrival was learned four days late."""
    life = (
        told("ordering.laptop-announced.v1", at(8, 20), order="CMD-2020-014", line="12"),
        told("delivery.laptop-dispatched.v1", at(8, 27), shipment=SHIPMENT),
        told("delivery.laptop-arrived.v1", at(8, 31), at(9, 4, 18)),
        told("delivery.laptop-received.v1", at(9, 1), school=UAI),
        told("ordering.laptop-admitted.v1", at(9, 2)),
        told("delivery.laptop-handed-out.v1", at(9, 3)),
    )
    reached = {told.type.split(".")[1].removeprefix("laptop-"): told.happened_at for told in life}
    lost = (*life[:3], told("delivery.discrepancy-reported.v1", at(9, 1), kind="missing"))
    return LaptopLife(
        maker="hp",
        serial="5CD0304KQ7",
        model="HP ProBook 440 G7",
        order="CMD-2020-014",
        line="12",
        lot="3",
        shipment=SHIPMENT,
        school=UAI,
        school_name="Lycée Fustel de Coulanges",
        location=Standing(location, at(9, 3)),
        holder=Standing("student", at(9, 3)),
        owner=Standing("region", at(9, 2)),
        working=Standing("working"),
        managed=Standing("not-enrolled"),
        flags=flags,
        warranty_from=date(2020, 9, 2),
        warranty_to=date(2023, 9, 1),
        ordered_at=at(4, 14),
        reached=dict([*reached.items()][:3]) if location == "missing" else reached,
        student="9f1b6d1e-0d4e-4a55-9a54-6e7f1c1f1b01",
        timeline=lost if location == "missing" else life,
        promised_on=date(2020, 8, 31),
        promise="" if location == "missing" else "late",
    )


def repaired() -> LaptopLife:
    """A laptop that was repaired, is being repaired again, and whose student has another one."""
    repairs = (
        told("repairs.incident-logged.v1", at(10, 5), desk="metz", case="1", cause="breakage"),
        told("repairs.laptop-repaired.v1", at(10, 9), case="1"),
        told("repairs.laptop-returned-to-user.v1", at(10, 12), case="1"),
        told("repairs.incident-logged.v1", at(11, 20), desk="metz", case="2", cause="defect"),
        told("repairs.loan-issued.v1", at(11, 20), loaner="hp/5CD0304KQ8", case="2"),
    )
    whole = laptop("at-repair-desk", flags=("recalled",))
    working, other = Standing("in-repair"), "hp/5CD0304KQ9"
    timeline = (*whole.timeline, *repairs)
    return replace(whole, timeline=timeline, working=working, replaces=other)


def rows(location: str = "") -> tuple[Row, ...]:
    """Nine laptops in three places, or those in one of them."""
    places = ("at-school", "with-student", "missing")
    made = (
        Row(
            maker="hp",
            serial=f"5CD0304K{number:02}",
            model="HP ProBook 440 G7",
            location=places[number % 3],
            since=at(9, 1 + number),
            school=UAI,
            school_name="Lycée Fustel de Coulanges",
            order="CMD-2020-014",
            flags=("unannounced",) if number % 4 == 0 else (),
        )
        for number in range(9)
    )
    return tuple(row for row in made if not location or row.location == location)


def board() -> RegionBoard:
    """A September day."""
    counts = {"ordered": 92_000, "announced": 84_500, "received": 64_030}
    counts |= {"admitted": 70_112, "handed-out": 42_225}
    return RegionBoard(
        years={"2020-2021": 91_880, "2021-2022": 120},
        funnel=tuple(
            Step(key, Tally(count, Filter(reached=key)), Tally(126, Filter(reached=key)))
            for key, count in counts.items()
        ),
        departments=tuple(
            Share(code, 1_000 * place, 9_000)
            for place, code in enumerate(
                ("08", "10", "51", "52", "54", "55", "57", "67", "68", "88")
            )
        ),
        wrong=(
            Wrong("missing", Tally(12, Filter(location="missing")), at(9, 1)),
            Wrong("late", Tally(31, Filter(promise="due", day="2020-09-10")), at(9, 4, 22, 0)),
            Wrong("damaged", Tally(1, Filter(flag="damaged")), at(9, 9)),
        ),
        became=became(
            {"further-study": 12_020, "scrapped": 31, "stolen": 0}
            | {"lost": 213, "returned": 1_204, "in-use": 71_032}
        ),
    )


def school(name: str = "Lycée Fustel de Coulanges") -> SchoolBoard:
    """A lycée with a pallet on its way, late, and something to do."""
    here = Tally(98, Filter(school=UAI, location="at-school"))
    return SchoolBoard(
        uai=UAI,
        name=name,
        town="Strasbourg",
        department="67",
        expected=Tally(240, Filter(school=UAI)),
        here=here,
        handed_out=Tally(126, Filter(school=UAI, location="with-student")),
        in_repair=Tally(0),
        next_pallet=Pallet(SHIPMENT, 16, "in-transit", date(2020, 9, 8), at(9, 9)),
        tasks=(
            Task("count", Tally(28, Filter(shipment=SHIPMENT)), SHIPMENT, date(2020, 9, 14)),
            Task("hand-out", here, by=date(2020, 9, 9)),
        ),
        rows=rows(),
        listing=Listing(9, "more", "serial", ("serial", "location")),
        became=became({"lost": 1, "returned": 12, "in-use": 353}, UAI),
    )


def schools() -> tuple[SchoolCounts, ...]:
    """Four lycées, one of which has everything and one nothing yet."""

    def counts(*reached: int) -> list[Tally]:
        return [Tally(count, Filter(school=UAI, reached="received")) for count in reached]

    return (
        SchoolCounts(
            "0670080Y", "Lycée Fustel", "Strasbourg", "67", *counts(366, 366, 366, 366, 0)
        ),
        SchoolCounts(
            "0880020U", "Lycée Claude Gellée", "Épinal", "88", *counts(240, 240, 98, 0, 12)
        ),
        SchoolCounts("0080027P", "Lycée Sévigné", "Charleville", "08", *counts(1_120, 0, 0, 0, 0)),
        SchoolCounts("0540038Y", LONG, LONG, "54", *counts(0, 0, 0, 0, 0)),
    )


def listed_schools(visit: Visit) -> str:
    """`/schools`, filtered by département."""
    asked = dict(visit.query).get("department", "")
    shown = tuple(row for row in schools() if not asked or row.department == asked)
    sort = dict(visit.query).get("sort", "town")
    listing = Listing(len(shown), "", sort, ("name", "town", *pages.SCHOOL_COUNTS))
    return pages.schools_page(visit, shown, listing, asked)


def parked() -> Parked:
    """The same event with two contents."""
    return Parked(
        id="1",
        kind="conflict",
        code="same-id-other-content",
        detail="ev-1 was said before with other content",
        party="carrier:acme",
        subject="hp/5CD0304KQ7",
        received_at=at(9, 8),
        content='{"id":"ev-1","type":"arrived"}',
        other='{"id":"ev-1","type":"dispatched"}',
    )


def job(read: int = 42_225, state: str = "running") -> Job:
    """A supplier's serial list."""
    return Job(
        path="/jobs/1",
        title="Numéros de série de la commande {about}",
        about="CMD-2020-014",
        state=state,
        read=read,
        total=92_000,
        applied=read - 5,
        duplicate=0,
        waiting=0,
        refused=5,
        conflict=0,
        started_at=NOW - timedelta(minutes=2),
        finished_at=None,
        seconds_left=118 if state == "running" else None,
    )


def listed(visit: Visit) -> str:
    """`/laptops` as the store would answer it, filtered and sorted."""
    query = dict(visit.query)
    wanted = pages.filter_of(query)
    found, sort = rows(wanted.location), query.get("sort", "serial")
    shown = found[::-1] if sort == "-serial" else found
    listing = Listing(len(found), "", sort, ("serial", "location", "since", "order"))
    return pages.laptops_page(visit, shown, listing, wanted)


def one_of_the_list(visit: Visit) -> str:
    """The page of a laptop that a list links to."""
    return pages.laptop_page(visit, replace(laptop(), serial=visit.path.rpartition("/")[2]))


def searched(visit: Visit) -> str:
    """`/search`: one laptop, whatever is asked, but nothing for `rien`."""
    asked = dict(visit.query).get("q", "")
    found = (Found("laptop", "hp/5CD0304KQ7", "5CD0304KQ7", "HP ProBook 440 G7"),)
    return pages.search_page(visit, asked, found if asked not in ("", "rien") else ())


def parked_list(visit: Visit, *things: Parked) -> str:
    """`/parked`"""
    return parked_list_page(pages.templates(), visit, things, Listing(len(things)), "")


def nothing_at_school() -> SchoolBoard:
    """A lycée of which nothing is known yet."""
    none = Tally(0)
    return SchoolBoard(UAI, LONG, "Épinal", "88", none, none, none, none, None, (), (), Listing(0))


SCREENS: Mapping[str, Callable[[Visit], str]] = {
    "/": lambda visit: pages.board_page(visit, board()),
    "/empty": lambda visit: pages.board_page(visit, RegionBoard({}, (), (), ())),
    "/schools": listed_schools,
    "/schools/none": lambda visit: pages.schools_page(visit, (), Listing(0), "67"),
    f"/schools/{UAI}": lambda visit: pages.school_page(visit, school()),
    "/schools/empty": lambda visit: pages.school_page(visit, nothing_at_school()),
    "/laptops/hp/5CD0304KQ7": lambda visit: pages.laptop_page(visit, laptop()),
    "/laptops/hp/repaired": lambda visit: pages.laptop_page(visit, repaired()),
    "/laptops/hp/missing": lambda visit: pages.laptop_page(visit, laptop("missing")),
    "/laptops/hp/long": lambda visit: pages.laptop_page(
        visit, replace(laptop(), serial=LONG, school_name=LONG, order=LONG, flags=("unannounced",))
    ),
    "/laptops": listed,
    "/search": searched,
    "/parked": lambda visit: parked_list(visit, parked()),
    "/parked/none": parked_list,
    "/parked/1": lambda visit: parked_page(pages.templates(), visit, parked(), "conflict"),
    "/jobs/1": lambda visit: job_page(pages.templates(), visit, job()),
    "/jobs/stopped": lambda visit: job_page(pages.templates(), visit, job(state="stopped")),
    "/jobs/failed": lambda visit: job_page(
        pages.templates(), visit, replace(job(0, "failed"), total=None, refused=0, cause=LONG)
    ),
    "/missing": lambda visit: error_page(pages.templates(), visit, 404),
    **examples_of_ordering.SCREENS,
}
