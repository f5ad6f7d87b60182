"""What delivery does about what it hears: facts of other services, and partners' own topics."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from aiokafka import ConsumerRecord
from sqlalchemy import Connection

from services.delivery import core, events, store
from services.delivery.register import Sent
from shared.contracts import enrolment, handover, ordering, partners, repairs
from shared.contracts.identifiers import Makers
from shared.contracts.strict import Unreadable
from shared.decisions import Claim
from shared.hearing import Reactions, claims_of, outcomes
from shared.transact import Service, transact

EVENT = "partner.delivery-event.v1"


def expect(fact: ordering.LaptopAnnounced) -> core.Expect:
    return core.Expect(fact.order, fact.line, fact.school)


def clear(fact: ordering.LaptopAdmitted) -> core.Clear:
    return core.Clear(fact.order)


def call_off(fact: ordering.LaptopCancelled) -> core.CallOff:
    return core.CallOff(fact.order)


def take_back(fact: repairs.LaptopSwapped) -> core.TakeBack:
    return core.TakeBack(fact.replaced_by)


def give_in_exchange(fact: repairs.LaptopGivenInSwap) -> core.GiveInExchange:
    return core.GiveInExchange(fact.replaces, fact.student, fact.school)


def put_back(fact: handover.LaptopReturned) -> core.PutBack:
    return core.PutBack(fact.school, scanned=fact.event is not None)


def take_away(_fact: handover.LaptopScrapped) -> core.TakeAway:
    return core.TakeAway()


def learns(fact: enrolment.StudentEnrolled | enrolment.StudentMoved) -> core.PlaceStudent:
    return core.PlaceStudent(fact.school)


def left(fact: enrolment.StudentLeft) -> core.PlaceStudent:
    return core.PlaceStudent(fact.school, left=True)


def erased(_: enrolment.StudentErased) -> core.PlaceStudent:
    return core.PlaceStudent("")


REACTIONS: Reactions = {
    ordering.LaptopAnnounced: expect,
    ordering.LaptopAdmitted: clear,
    ordering.LaptopCancelled: call_off,
    repairs.LaptopSwapped: take_back,
    repairs.LaptopGivenInSwap: give_in_exchange,
    handover.LaptopReturned: put_back,
    handover.LaptopScrapped: take_away,
    enrolment.StudentEnrolled: learns,
    enrolment.StudentMoved: learns,
    enrolment.StudentLeft: left,
    enrolment.StudentErased: erased,
}


def reader(
    makers: Makers, now: Callable[[], datetime]
) -> Callable[[ConsumerRecord], Sequence[Claim | Sent]]:
    """A function from a record to what is wanted of us: a claim for a fact, an item for a
    partner's event. It raises Unreadable on what it should understand.
    """
    of_facts = claims_of(REACTIONS, store.SHELVES)

    def read(record: ConsumerRecord) -> Sequence[Claim | Sent]:
        party = partners.party_of(record.topic)
        if party is None:
            return of_facts(record)
        told = partners.read(record.headers, record.value)
        if told.type != EVENT:
            raise Unreadable("unknown-type", f"{told.type[:100]}: {EVENT} is expected", "ce_type")
        sent = events.reading(events.read_event, told.item, party, makers, now(), "kafka")
        if sent.verdict is not None:
            raise Unreadable(sent.verdict.code, sent.verdict.detail)
        return (sent,)

    return read


def taker(
    service: Service,
) -> Callable[[Connection, Sequence[Claim | Sent], datetime], Sequence[str]]:
    """A function that takes them; refusals are set aside, for nobody waits for the answer."""

    def take(connection: Connection, heard: Sequence[Any], now: datetime) -> Sequence[str]:
        facts = [one for one in heard if isinstance(one, Claim)]
        items = [one for one in heard if not isinstance(one, Claim)]
        decided: Iterator[Any] = iter(transact(connection, service, facts, now, True))
        taken: Iterator[Any] = iter(events.take(connection, service, items, now, True))
        return outcomes([next(decided if isinstance(one, Claim) else taken) for one in heard])

    return take
