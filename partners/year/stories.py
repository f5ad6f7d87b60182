"""Lives that go another way: each told from its first word to its last, and booked by hand. Pure.

A set has one laptop for each story; a year has a set for every thousand laptops. Which stories
there are comes from what programmes report (pallets at the wrong school, machines swapped between
two students, drop-outs, orders cancelled on the road); how often is assumed.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from partners.directory import Pupil
from partners.year import spelling
from partners.year.acts import Act
from partners.year.book import Facts
from partners.year.intents import DIRECTORY, table
from partners.year.pupils import minor
from partners.year.roster import SUPPLIER, School, carrier_of
from partners.year.spelling import laptop_of
from partners.year.world import MODEL, SCHOOL_YEAR, World, on

ONE_SET_FOR = 1_000  # laptops of the year
SHIPPED = (
    "refused",
    "damaged",
    "moved",
    "back",
    "again",
    "undone",
    "swapped",
    "missed",
    "rejected",
)
ALONE = ("wrong-school", "epcis", "csv", "kafka")  # each on a pallet of its own
NAMES = (*SHIPPED, *ALONE, "unexpected")
ELSEWHERE = ("epcis", "kafka")  # told in another way
PLACES: Mapping[str, tuple[str, str]] = {
    "refused": ("refused", "carrier"),
    "damaged": ("at-school", "school"),
    "moved": ("at-school", "school"),
    "back": ("at-school", "school"),
    "again": ("with-student", "student"),
    "undone": ("arrived", "carrier"),
    "swapped": ("with-student", "student"),
    "missed": ("at-school", "school"),
    "rejected": ("at-school", "school"),
    "wrong-school": ("at-school", "school"),
    "epcis": ("arrived", "carrier"),
    "csv": ("arrived", "carrier"),
    "kafka": ("arrived", "carrier"),
    "unexpected": ("at-school", "school"),
    "on-the-road": ("in-transit", "carrier"),
    "at-the-supplier": ("announced", "supplier"),
}
NOT_OWNED = ("rejected", "on-the-road", "at-the-supplier")
GIVEN = ("back", "again", "swapped")
CANCELLED = ("on-the-road", "at-the-supplier")
ORDERED, LISTED, LEFT, CAME = (
    date(2020, 6, 10),
    date(2020, 7, 20),
    date(2020, 9, 7),
    date(2020, 9, 8),
)
COUNTED, HANDED, DECIDED = date(2020, 9, 9), date(2020, 9, 10), date(2020, 9, 30)
CSV = "id,type,happened_at,shipment,order,school,to_school,maker,serial,detail,corrects"
FIRST_NEED = 2  # laptops of the lycée that opens next year
NEXT_YEAR = "2021-2022"
SERIALS = "line,maker,serial,model"
GIVEN_UP = 3  # laptops of the cancelled order that nobody announced


class Set(Struct, frozen=True):
    """One laptop for each story, at a school and its neighbour; pallets by story, "" for most."""

    number: int
    run: str
    school: School
    other: School
    serials: Mapping[str, str]
    pallets: Mapping[str, str]
    pupils: Sequence[Pupil]

    @property
    def line(self) -> str:
        return f"{self.number + 1:03}"


Item = dict[str, object]


def schools(world: World, laptops: int) -> list[School]:
    """The school of each set."""
    sets = 1 + laptops // ONE_SET_FOR
    return [world.schools[number % len(world.schools)] for number in range(sets)]


def stories(
    world: World, laptops: int, pupils: Sequence[Sequence[Pupil]]
) -> tuple[list[Act], dict[str, Facts]]:
    """Acts of all sets, and what is true of their laptops at the end. Their serials follow
    those of the year; `pupils`: those of each set.
    """
    sets = [_set(world, number, laptops, those) for number, those in enumerate(pupils)]
    acts = [*_orders(world.run, sets)]
    for one in sets:
        acts += [*_road(one), *_school(one), *_students(one)]
    opening, booked = _opening(world, laptops + len(sets) * len((*NAMES, *CANCELLED)))
    return [*acts, *opening], booked | {
        laptop_of(serial): _facts(name) for one in sets for name, serial in one.serials.items()
    }


def _opening(world: World, first: int) -> tuple[list[Act], dict[str, Facts]]:
    """A lycée that opens next year, a new one in each year that is played: listed, its need stated,
    ordered from needs in one act, announced.
    """
    number = int.from_bytes(world.run.encode(), "big") % 1_000
    uai, order = spelling.uai(f"088{8000 + number}"), f"GE2021-{world.run}"
    serials = [spelling.serial(world.run, first + place) for place in range(FIRST_NEED)]
    about = "Lycée de la Moselotte|LPO|public|Nancy-Metz|88|88408|Saulxures|88290"
    school = (uai, *about.split("|"))
    lot = {"lot": "LOT-N", "model": MODEL, "paid_by": "region", "departments": ["88"]}
    body: Item = {"order": order, "buyer": "region", "supplier": SUPPLIER, "lots": [lot]}
    need: Item = {"newcomers": 0, "stock_back": 0, "decided": FIRST_NEED}
    rows = [(uai, "HP", serial, MODEL) for serial in serials]
    days = [ORDERED + timedelta(days=number) for number in range(4)]
    year, path = f"/api/school-years/{NEXT_YEAR}", f"/api/orders/{order}/serials/imports"
    acts = [
        _file(
            f"{order}-school", days[0], "region", "/api/schools/imports", table(DIRECTORY, [school])
        ),
        _decided(f"{order}-need", days[1], f"{year}/needs/{uai}", need, "PUT"),
        _decided(order, days[2], f"{year}/orders", body),
        _file(
            f"{order}-serials",
            days[3],
            f"supplier:{SUPPLIER}",
            path,
            table(SERIALS, rows),
            FIRST_NEED,
        ),
    ]
    return acts, {laptop_of(serial): _facts("at-the-supplier") for serial in serials}


def _file(id: str, day: date, party: str, path: str, content: str, rows: int = 1) -> Act:
    return Act(id, on(day, 12), party, "ordering", path, content, items=rows)


def _facts(name: str) -> Facts:
    owner = "supplier" if name in NOT_OWNED else "region"
    given = name in GIVEN
    return Facts(*PLACES[name], owner, "working", "not-enrolled", unannounced=False, given=given)


def _set(world: World, number: int, first: int, pupils: Sequence[Pupil]) -> Set:
    schools, names = world.schools, (*NAMES, *CANCELLED)
    at = first + number * len(names)
    serials = {name: spelling.serial(world.run, at + place) for place, name in enumerate(names)}
    run = int.from_bytes(world.run.encode(), "big") % 10**7
    pallets = {
        name: spelling.sscc(f"33762{run:07}{number * 9 + place:05}")
        for place, name in enumerate(("", *ALONE, "on-the-road"))
    }
    school, other = (schools[(number + further) % len(schools)] for further in (0, 1))
    return Set(number, world.run, school, other, serials, pallets, pupils)


# -- the region and the supplier


def _orders(run: str, sets: Sequence[Set]) -> Iterator[Act]:
    """One order that is amended, and one that is cancelled with laptops on the road."""
    kept, dropped = f"GE2020-{run}-S", f"GE2020-{run}-X"
    for order, names, spare in ((kept, NAMES, 2), (dropped, CANCELLED, GIVEN_UP)):
        lines = [
            {
                "line": one.line,
                "uai": one.school.uai,
                "model": MODEL,
                "quantity": len(names) + spare,
                "lot": "LOT-S",
                "paid_by": "region" if one.number % 2 else f"département {one.school.department}",
            }
            for one in sets
        ]
        body: Item = {"order": order, "school_year": SCHOOL_YEAR, "buyer": "region"}
        yield _decided(order, ORDERED, "/api/orders", body | {"supplier": SUPPLIER, "lines": lines})
        rows = [(one.line, "HP", one.serials[name], MODEL) for one in sets for name in names]
        path = f"/api/orders/{order}/serials/imports"
        party, content = f"supplier:{SUPPLIER}", table(SERIALS, rows)
        yield _file(f"{order}-serials", LISTED, party, path, content, len(rows))
    quantities = [{"line": one.line, "quantity": len(NAMES)} for one in sets]
    amended: Item = {"lines": quantities, "decided_by": "region-asset-managers"}
    yield _decided(f"{kept}-amended", LISTED, f"/api/orders/{kept}", amended, "PATCH")
    reason: Item = {"reason": "le fournisseur ne livre plus"}
    yield _decided(f"{dropped}-cancelled", CAME, f"/api/orders/{dropped}/cancellation", reason)
    for one in sets:
        yield from _admissions(kept, one)


def _admissions(order: str, one: Set) -> Iterator[Act]:
    """A laptop that is refused, and then its line without it."""
    told: Item = {"line": one.line, "decided_by": "region-asset-managers"}
    refused = told | {
        "id": f"{order}-refused-{one.line}",
        "laptops": [_laptop(one, "rejected")],
        "reason": "charnière cassée",
        "decided_at": spelling.instant(on(DECIDED, 8)),
    }
    admitted = told | {
        "id": f"{order}-admitted-{one.line}",
        "decided_at": spelling.instant(on(DECIDED + timedelta(days=1), 8)),
    }
    path, next_day = f"/api/orders/{order}", DECIDED + timedelta(days=1)
    yield _decided(str(refused["id"]), DECIDED, f"{path}/admission-refusals", refused)
    yield _decided(str(admitted["id"]), next_day, f"{path}/admissions", admitted)


def _decided(id: str, day: date, path: str, body: Item, method: str = "POST") -> Act:
    return Act(id, on(day, 12), "region", "ordering", path, body, items=1, method=method)


def _laptop(one: Set, name: str) -> dict[str, str]:
    return {"maker": "HP", "serial": one.serials[name]}


# -- carriers


def _road(one: Set) -> Iterator[Act]:
    carrier = carrier_of(one.school)
    packed = [
        _event(one, "announced", LEFT, 7, names, pallet)
        for pallet, names in (("", SHIPPED), *((name, (name,)) for name in (*ALONE, "on-the-road")))
    ]
    left = [
        _event(one, "dispatched", LEFT, 9, (), name)
        for name in one.pallets
        if name not in ELSEWHERE
    ]
    yield _told(one, carrier, LEFT, [*packed, *left])
    came = [_event(one, "arrived", CAME, 8, (), name) for name in ("", "wrong-school")]
    by_file = _event(one, "arrived", CAME, 9, ("csv",), "csv")
    yield _told(one, carrier, CAME, [*came, by_file])
    yield _by_file(one, carrier, by_file)
    yield _by_kafka(one, carrier)
    yield _by_epcis(one, carrier)
    again = HANDED + timedelta(days=1)
    turned = _event(one, "redirected", HANDED, 7, (), "wrong-school")
    turned["to_school"] = one.school.uai
    yield _told(one, carrier, again, [turned, _event(one, "arrived", again, 7, (), "wrong-school")])


def _by_file(one: Set, carrier: str, event: Item) -> Act:
    """The same event once more, as a row of a file: by two ways it is one."""
    cells = {name: str(event.get(name, "")) for name in CSV.split(",")}
    cells |= _laptop(one, "csv")
    return Act(
        id=f"{one.run}-{one.number}-file",
        at=on(CAME, 18),
        party=carrier,
        service="delivery",
        path="/api/delivery-events/imports",
        body=table(CSV, [tuple(cells.values())]),
        items=1,
    )


def _by_kafka(one: Set, carrier: str) -> Act:
    """By the carrier's own topic."""
    left, came = (
        _event(one, "dispatched", LEFT, 9, (), "kafka"),
        _event(one, "arrived", CAME, 8, (), "kafka"),
    )
    told, topic = _told(one, carrier, CAME, [left, came]), carrier.replace(":", ".")
    return replace(told, id=f"{told.id}-kafka", topic=f"partners.{topic}.delivery")


def _by_epcis(one: Set, carrier: str) -> Act:
    """EPCIS 2.0: a pallet leaves and arrives; events without an id are known by their hash."""
    events = [
        {
            "type": "ObjectEvent",
            "eventTime": spelling.instant(on(day, hour)),
            "eventTimeZoneOffset": "+02:00",
            "action": "OBSERVE",
            "bizStep": step,
            "epcList": [f"https://id.gs1.org/00/{one.pallets['epcis']}"],
        }
        for step, day, hour in (("shipping", LEFT, 9), ("arriving", CAME, 8))
    ]
    body: Item = {
        "@context": ["https://ref.gs1.org/standards/epcis/epcis-context.jsonld"],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": spelling.instant(on(CAME, 9)),
        "epcisBody": {"eventList": events},
    }
    id, at = f"{one.run}-{one.number}-epcis", on(CAME, 12)
    return Act(id, at, carrier, "delivery", "/epcis/capture", body, items=len(events))


# -- schools


def _school(one: Set) -> Iterator[Act]:
    own, other = f"school:{one.school.uai}", f"school:{one.other.uai}"
    there = ("damaged", "moved", "back", "again", "swapped", "missed", "rejected")
    counted = _event(one, "received", COUNTED, 8, there)
    mistyped = _event(one, "received", COUNTED, 8, ("undone",), mark="-mistyped")
    void: Item = {"id": f"{mistyped['id']}-void", "type": "void", "corrects": mistyped["id"]}
    void["happened_at"] = spelling.instant(on(COUNTED, 10))
    yield _told(
        one,
        own,
        COUNTED,
        [
            *(counted, mistyped, void),
            _event(one, "damaged", COUNTED, 9, ("damaged",)),
            _event(one, "refused", COUNTED, 9, ("refused",)),
            _event(one, "unexpected", COUNTED, 9, ("unexpected",), None),
        ],
    )
    yield _told(one, other, COUNTED, [_event(one, "wrong-school", COUNTED, 9, (), "wrong-school")])
    later = HANDED + timedelta(days=8)
    moved = _event(one, "moved", later, 9, ("moved",), None) | {"to_school": one.other.uai}
    yield _told(
        one,
        own,
        later,
        [
            _event(
                one, "received", HANDED + timedelta(days=1), 12, ("wrong-school",), "wrong-school"
            ),
            _event(one, "hand-out-missed", later, 9, ("missed",), None),
            _event(one, "back-to-stock", later, 9, ("back", "again"), None),
            moved,
        ],
    )


def _students(one: Set) -> Iterator[Act]:
    """Hand-outs: two that come back, one of them handed out again, and two machines exchanged."""
    first, second = HANDED, HANDED + timedelta(days=12)
    pupils = iter(one.pupils)
    for day, names in ((first, ("back", "again", "swapped")), (second, ("again", "swapped"))):
        items = [_hand_out(one, next(pupils), name, on(day, 9)) for name in names]
        id = f"{one.run}-{one.number}-hand-outs-{day}"
        party, body = f"school:{one.school.uai}", dict[str, object](hand_outs=items)
        yield Act(id, on(day, 17), party, "delivery", "/api/hand-outs", body, items=len(items))


def _hand_out(one: Set, pupil: Pupil, name: str, at: datetime) -> Item:
    signed = spelling.instant(at - timedelta(minutes=5))
    charter = {"minor": minor(pupil, at), "student_signed_at": signed}
    return {
        "id": f"{one.run}-{one.number}-{name}-{at:%d}",
        "laptop": _laptop(one, name),
        "student": str(pupil.number),
        "handed_out_at": spelling.instant(at),
        "charter": charter | ({"guardian_signed_at": signed} if charter["minor"] else {}),
        "kit": {"laptop": True, "sleeve": True, "storage": False},
    }


def _event(
    one: Set,
    kind: str,
    day: date,
    hour: int,
    names: Sequence[str],
    pallet: str | None = "",
    mark: str = "",
) -> Item:
    """An event of laptops; of a pallet as a whole where none is named."""
    item: Item = {
        "id": f"{one.run}-{one.number}-{kind}-{pallet or 'most'}{mark}-{day:%d}",
        "type": kind,
        "happened_at": spelling.instant(on(day, hour)),
    }
    if pallet is not None:
        item["shipment"] = one.pallets[pallet]
    if kind == "announced":
        item["school"] = one.school.uai
    if names:
        item["laptops"] = [_laptop(one, name) for name in names]
    return item


def _told(one: Set, party: str, day: date, events: list[Item]) -> Act:
    id = f"{one.run}-{one.number}-{party}-{day}-told"
    path, body = "/api/delivery-events", dict[str, object](events=events)
    return Act(id, on(day, 17), party, "delivery", path, body, items=len(events))
