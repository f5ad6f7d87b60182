"""Whatever order reports are heard in, however often and in whatever pieces, the end is the same.

Real claims through the real transaction on SQLite, over a fixed sequence of intents; then the facts
that came of them through tracking's fold. The reports contradict each other as often as they can.
"""

import asyncio
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from msgspec.structs import replace
from sqlalchemy import Connection, select

from services.delivery import consumer as delivery_consumer
from services.delivery import core as delivery
from services.delivery import events as sending
from services.delivery import store as delivery_store
from services.delivery.register import Sent
from services.ordering import core as ordering
from services.ordering import store as ordering_store
from services.tracking import consumer as tracking
from services.tracking import fold as lives
from services.tracking import store as tracking_store
from shared import ledger, migrations, parking
from shared.contracts.ordering import OrderLine
from shared.databases import open_database
from shared.decisions import Claim, fold
from shared.hearing import claims_of
from shared.transact import Service, transact
from tests.builders import (
    DAY,
    MAKERS,
    OTHER_SCHOOL,
    OTHER_SHIPMENT,
    SCHOOL,
    SHIPMENT,
    STUDENTS,
    Life,
    a_claim,
    a_laptop,
    a_sound_life,
    facts,
    key_of,
)
from tests.forms import examples

NOW = datetime(2020, 10, 1, tzinfo=UTC)
DELIVERY = Service(delivery.CORE, delivery_store.SHELVES)
ORDERING = Service(ordering.CORE, ordering_store.SHELVES)
ON_THE_ROAD = (
    "announced",
    "dispatched",
    "in-transit",
    "arrived",
    "redirected",
    "refused",
    "damaged",
)
AT_SCHOOL = tuple(name for name in delivery.STEPS if delivery.may_report("school", name))[:-1]
ACME, OTHER = "carrier:acme", "carrier:other"
COUNTERS = (f"school:{SCHOOL}", f"school:{OTHER_SCHOOL}")
OFFSETS = tuple(timezone(timedelta(hours=hours)) for hours in (0, 2, -5))

Work = Callable[[Connection], Any]


# -- databases, a copy of a migrated file for each


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an empty database of each service."""
    folder = tmp_path_factory.mktemp("migrated")
    for service in ("ordering", "delivery", "tracking"):
        asyncio.run(migrations.migrate(service, f"sqlite:///{folder / service}"))
    return folder


def on_a_copy(empty: Path, *works: Work) -> list[Any]:
    """What each piece of work answers, each in a transaction of its own on one fresh database."""
    copy = empty.with_suffix(".copy")
    for old in copy.parent.glob(copy.name + "*"):
        old.unlink()
    shutil.copy(empty, copy)

    async def run() -> list[Any]:
        database = open_database(f"sqlite:///{copy}")
        try:
            return [await database.write(work) for work in works]
        finally:
            await database.close()

    return asyncio.run(run())


# -- what is sent


@some.composite
def events(draw: some.DrawFn) -> tuple[str, dict[str, Any]]:
    """A delivery event and who tells it, its id left out."""
    told_by_school = draw(some.booleans())
    party = draw(some.sampled_from(COUNTERS if told_by_school else (ACME, OTHER)))
    steps = AT_SCHOOL if told_by_school else ON_THE_ROAD
    event: dict[str, Any] = {"type": draw(some.sampled_from(steps)), "happened_at": draw(moments())}
    step = delivery.STEPS[event["type"]]
    if step.to_school:
        event["to_school"] = draw(some.sampled_from([SCHOOL, OTHER_SCHOOL]))
    shipment = draw(some.sampled_from([SHIPMENT, SHIPMENT, SHIPMENT, OTHER_SHIPMENT, None]))
    listed = draw(some.sampled_from([[1], [1], [1, 2], [3, 2], [] if step.alone else [3]]))
    if event["type"] == "announced" or not listed:
        shipment = shipment or SHIPMENT
    optional = {
        "shipment": shipment if step.alone else None,
        "laptops": [a_laptop(number) for number in listed] or None,
        "order": draw(some.sampled_from([None, "BC1"])),
        "quantity": draw(some.sampled_from([None, None, 2])),
    }
    return party, event | {name: value for name, value in optional.items() if value is not None}


@some.composite
def hand_outs(draw: some.DrawFn) -> tuple[str, dict[str, Any]]:
    """A hand-out and the school that tells it, some of them unsigned and so refused."""
    moment = draw(moments())
    charter = {"minor": draw(some.booleans()), "student_signed_at": moment}
    if draw(some.booleans()):
        charter["guardian_signed_at"] = moment
    return draw(some.sampled_from(COUNTERS)), {
        "laptop": a_laptop(draw(some.sampled_from([1, 1, 2, 3]))),
        "student": draw(some.sampled_from(STUDENTS[:2])),
        "handed_out_at": moment,
        "charter": charter,
        "kit": {"laptop": True, "sleeve": draw(some.booleans()), "storage": True},
    }


@some.composite
def moments(draw: some.DrawFn) -> str:
    """One of few moments, told with one of several offsets."""
    moment = DAY + timedelta(hours=draw(some.integers(0, 3)))
    return moment.astimezone(draw(some.sampled_from(OFFSETS))).isoformat()


def of_one_laptop(type: str, **more: Any) -> dict[str, Any]:
    return {"type": type, "shipment": SHIPMENT, "laptops": [a_laptop()]} | more


def handed_to(student: int) -> dict[str, Any]:
    charter = {"minor": False, "student_signed_at": DAY.isoformat()}
    kit = {"laptop": True, "sleeve": True, "storage": True}
    return {"laptop": a_laptop(), "student": STUDENTS[student], "charter": charter, "kit": kit}


# What seldom meets by chance: each of these contradicts another, whatever their times.
CONTRADICTIONS: list[tuple[str, dict[str, Any]]] = [
    (ACME, of_one_laptop("announced")),
    (OTHER, of_one_laptop("announced")),  # two carriers claim one shipment
    (ACME, of_one_laptop("dispatched")),
    (OTHER, of_one_laptop("in-transit")),  # a carrier of another party
    (OTHER, {"type": "arrived", "shipment": SHIPMENT}),  # of all in it, announced or not
    (ACME, {"type": "arrived", "shipment": SHIPMENT}),
    (ACME, of_one_laptop("dispatched", shipment=OTHER_SHIPMENT)),
    (COUNTERS[0], of_one_laptop("missing")),
    (COUNTERS[0], of_one_laptop("received")),
    (COUNTERS[1], {"type": "received", "laptops": [a_laptop()]}),  # one laptop at two schools
    (COUNTERS[1], {"type": "missing", "shipment": SHIPMENT}),
    (COUNTERS[0], handed_to(0)),
    (COUNTERS[1], handed_to(1)),  # and with two students
]


@some.composite
def contradictions(draw: some.DrawFn) -> list[tuple[str, dict[str, Any]]]:
    """Some of them, each at one of few moments."""
    drawn = draw(some.lists(some.sampled_from(CONTRADICTIONS), max_size=7, unique_by=repr))
    return [
        (party, item | {"handed_out_at" if "student" in item else "happened_at": draw(moments())})
        for party, item in drawn
    ]


@some.composite
def reports(draw: some.DrawFn) -> list[Sent]:
    """What partners and schools say, some of it twice under two ids."""
    said = draw(contradictions()) + draw(some.lists(events() | hand_outs(), max_size=3))
    if said:
        said += draw(some.lists(some.sampled_from(said), max_size=3))
    return [sent(number, party, item) for number, (party, item) in enumerate(said)]


@some.composite
def corrected_reports(draw: some.DrawFn) -> list[Sent]:
    """What partners and schools say, nothing of it twice, and what they take back or say anew."""
    drawn = draw(contradictions()) + draw(some.lists(events() | hand_outs(), max_size=3))
    said, digests = [], set[tuple[str, str, str]]()
    for party, item in drawn:
        claims = sent(0, party, item).claims
        fresh = {(party, claim.subject, ledger.digest(claim)) for claim in claims}
        if not fresh & digests:
            said.append((party, item))
        digests |= fresh
    corrections = []
    for number, (party, item) in enumerate(said):
        of_it = {"happened_at": draw(moments()), "corrects": f"id {number}"}
        if draw(some.booleans()):
            corrections.append((party, {"type": "void"} | of_it))
        elif "student" not in item and draw(some.booleans()):
            other = {"order": "BC2"} | ({"laptops": [a_laptop(3)]} if "laptops" in item else {})
            corrections.append((party, item | other | of_it))
    return [sent(number, *one) for number, one in enumerate(said + corrections)]


def sent(number: int, party: str, item: dict[str, Any]) -> Sent:
    read = sending.read_hand_out if "student" in item else sending.read_event
    return read(item | {"id": f"id {number}"}, party, MAKERS, NOW)


@some.composite
def cuts(draw: some.DrawFn, things: Sequence[Any]) -> list[Sequence[Any]]:
    """Things in batches of one to all."""
    marks = draw(some.sets(some.integers(1, max(1, len(things) - 1))))
    edges = [0, *sorted(mark for mark in marks if mark < len(things)), len(things)]
    return [things[start:end] for start, end in pairwise(edges)]


@some.composite
def heard(draw: some.DrawFn, said: Sequence[Sent], intents: Sequence[Claim]) -> list[Any]:
    """The reports in any order, some again, the intents in theirs among them; in batches."""
    again = draw(some.lists(some.sampled_from(said), max_size=6)) if said else []
    mixed: list[Claim | Sent] = draw(some.permutations([*said, *again]))
    for place, intent in zip(sorted(draw(places(intents, mixed))), intents, strict=True):
        mixed.insert(place, intent)
    return draw(cuts(mixed))


def places(intents: Sequence[Claim], mixed: Sequence[Any]) -> some.SearchStrategy[list[int]]:
    anywhere = some.integers(0, len(mixed))
    return some.lists(anywhere, min_size=len(intents), max_size=len(intents))


# -- how it ends


def an_end(connection: Connection) -> Life:
    """The end of a run of delivery, sound as it must be after each transaction."""
    assert {kind for kind, *_ in parking.standing(connection)} <= {"refused"}
    states, facts = a_sound_life(connection, DELIVERY)
    return Life({key: nameless(state) for key, state in states.items()}, facts)


def nameless(state: Any) -> Any:
    """A state without the ids in it: of one thing said under two, either may have been first."""
    if isinstance(state, delivery.Shipment):
        passed = sorted((replace(one, id="") for one in state.passed), key=repr)
        return replace(state, passed=tuple(passed))
    return state


def taking(batch: Sequence[Claim | Sent]) -> Work:
    def work(connection: Connection) -> Life:
        delivery_consumer.taker(DELIVERY)(connection, batch, NOW)
        return an_end(connection)

    return work


def one_by_one(claims: Sequence[Claim | Sent]) -> Work:
    return lambda connection: [taking([claim])(connection) for claim in claims][-1]


# -- the intents: an order, its laptops announced, one line admitted before and after


def bought(empty: Path) -> list[ConsumerRecord]:
    """What ordering says of one order of two laptops, as it always does."""
    entry = ordering.ListSchool("Lycée", "LEGT", "public", "Strasbourg", "67", "", "Metz", "")
    line = OrderLine("1", SCHOOL, "HP 245 G8", 2, "L1", "region")
    order = ordering.PlaceOrder("2020-2021", "region", "hexalog", (line,))
    announce = ordering.AnnounceLaptop("BC1", "1", "HP 245 G8")
    claims = [
        a_claim(f"school:{SCHOOL}", entry),
        a_claim("order:BC1", order, id="order"),
        a_claim(key_of(1), announce, happened_at=DAY - timedelta(days=9)),
        a_claim("order:BC1", ordering.AdmitLine("1", "Mme X"), id="admission"),
        a_claim(key_of(2), announce, happened_at=DAY + timedelta(hours=2)),
    ]

    def work(connection: Connection) -> list[ConsumerRecord]:
        transact(connection, ORDERING, claims, NOW)
        return facts(connection)

    return list(on_a_copy(empty, work)[-1])


@pytest.fixture(scope="module")
def order(migrated: Path) -> list[ConsumerRecord]:
    return bought(migrated / "ordering")


@pytest.fixture(scope="module")
def intents(order: list[ConsumerRecord]) -> list[Claim]:
    """What delivery is to do about what ordering said."""
    read = claims_of(delivery_consumer.REACTIONS, ("laptop", "shipment"))
    claims = [claim for record in order for claim in read(record)]
    # Of three laptops; the second is admitted too.
    assert [claim.subject for claim in claims] == [key_of(1), key_of(2), key_of(2)]
    return claims


RUNS = settings(examples(120), suppress_health_check=[HealthCheck.function_scoped_fixture])


@RUNS
@given(data=some.data())
def test_reports_in_any_order_any_number_of_times_end_in_the_same_states_and_facts(
    data: some.DataObject, migrated: Path, intents: list[Claim]
) -> None:
    said = data.draw(reports())
    plain = on_a_copy(migrated / "delivery", one_by_one([*intents, *said]))[-1]
    batches = data.draw(heard(said, intents))
    assert on_a_copy(migrated / "delivery", *map(taking, batches))[-1] == plain


@RUNS
@given(data=some.data())
def test_what_is_corrected_ends_in_the_same_states_whatever_came_first(
    data: some.DataObject, migrated: Path, intents: list[Claim]
) -> None:
    said = data.draw(corrected_reports())
    plain = on_a_copy(migrated / "delivery", one_by_one([*intents, *said]))[-1]
    batches = data.draw(heard(said, intents))
    end = on_a_copy(migrated / "delivery", *map(taking, batches))[-1]
    assert what_counts(end.states) == what_counts(plain.states)


def what_counts(states: dict[str, Any]) -> dict[str, Any]:
    """States without the list of what was withdrawn, and without those that are empty then: a
    laptop that is in a shipment no longer is not told any more what of the whole shipment is, and
    what was refused and taken back leaves nothing but that.
    """
    told = {key: without_withdrawn(state) for key, state in states.items()}
    return {key: state for key, state in told.items() if state != delivery.CORE.folding.start(key)}


def without_withdrawn(state: Any) -> Any:
    if isinstance(state, delivery.Laptop):
        return replace(state, custody=replace(state.custody, withdrawn=()))
    return replace(state, withdrawn=())


def test_two_reports_that_come_to_one_fact_stand_in_one_order(migrated: Path) -> None:
    told = {"type": "dispatched", "shipment": SHIPMENT, "happened_at": DAY.isoformat()}
    said = [
        sending.read_event(told | more, ACME, MAKERS, NOW)
        for more in ({"id": "b", "quantity": 2}, {"id": "a"})
    ]
    forth = on_a_copy(migrated / "delivery", one_by_one(said))[-1]
    assert on_a_copy(migrated / "delivery", one_by_one(said[::-1]))[-1] == forth


# -- tracking


@some.composite
def published(draw: some.DrawFn, records: Sequence[ConsumerRecord]) -> list[Any]:
    """Records in any order that keeps each key's from each publisher; some twice; in batches."""
    queues: dict[tuple[Any, ...], list[ConsumerRecord]] = defaultdict(list)
    for record in records:
        queues[record.topic, record.key].append(record)
    order = draw(some.permutations([name for name, queue in queues.items() for _ in queue]))
    coming = {name: iter(queue) for name, queue in queues.items()}
    mixed = [next(coming[name]) for name in order]
    for place in draw(some.lists(some.integers(0, len(mixed) - 1), max_size=6)):
        mixed.insert(draw(some.integers(place, len(mixed))), mixed[place])
    return draw(cuts(mixed))


def hearing(records: Iterable[ConsumerRecord], now: datetime) -> Work:
    things = [thing for record in records for thing in tracking.read(record)]

    def work(connection: Connection) -> Any:
        tracking.take(connection, things, now)
        return a_view(connection)

    return work


def each_heard_alone(records: Iterable[ConsumerRecord]) -> Work:
    return lambda connection: [hearing([one], NOW)(connection) for one in records][-1]


def a_view(connection: Connection) -> tuple[dict[str, Any], Counter[Any]]:
    """What tracking shows in the end; and its tallies are what counting the lives comes to."""
    shown: dict[str, Any] = {}
    for shelf in tracking_store.SHELVES.values():
        keys = set(connection.scalars(select(shelf.table.c.key)))
        for key, kept in ledger.load(connection, tracking_store.SHELVES, keys).items():
            laptop = isinstance(kept.state, lives.Life)
            shown[key] = replace(kept.state, changed_at=None) if laptop else kept.state
    for key, life in tracking_store.lives(connection, shown).items():
        assert shown[key] == fold(lives.FOLDING, key, life)[0], "a state is its facts' fold"
    rows = connection.execute(select(tracking_store.TALLY)).mappings()
    tallies = Counter({(row["scope"], row["name"], row["value"]): row["count"] for row in rows})
    tallies = +tallies
    counted: Counter[Any] = Counter()
    for state in shown.values():
        counted.update(lives.counted(state) if isinstance(state, lives.Life) else ())
    assert tallies == counted, "a tally is the count of lives"
    return shown, tallies


@RUNS
@given(data=some.data())
def test_facts_of_several_services_heard_in_any_order_make_the_same_lives_and_tallies(
    data: some.DataObject, migrated: Path, intents: list[Claim], order: list[ConsumerRecord]
) -> None:
    said = data.draw(reports())
    delivered = on_a_copy(migrated / "delivery", taking([*intents, *said]), facts)[-1]
    records = [*order, *delivered]
    plain = on_a_copy(migrated / "tracking", each_heard_alone(records))[-1]
    batches = data.draw(published(records))
    works = [hearing(batch, NOW + timedelta(days=day)) for day, batch in enumerate(batches)]
    assert on_a_copy(migrated / "tracking", *works)[-1] == plain


@RUNS
@given(data=some.data())
def test_tracking_shows_the_same_whatever_order_delivery_heard_its_reports_in(
    data: some.DataObject, migrated: Path, intents: list[Claim], order: list[ConsumerRecord]
) -> None:
    said = data.draw(reports())

    def seen(batches: Iterable[Sequence[Claim | Sent]]) -> Any:
        delivered = on_a_copy(migrated / "delivery", *map(taking, batches), facts)[-1]
        return on_a_copy(migrated / "tracking", hearing([*order, *delivered], NOW))[-1]

    assert seen(data.draw(heard(said, intents))) == seen([[*intents, *said]])
