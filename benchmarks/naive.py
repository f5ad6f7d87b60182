"""What is written first and stays too long: a message, a session of objects, a commit."""

from datetime import datetime

import msgspec
from aiokafka import ConsumerRecord
from sqlalchemy import Connection
from sqlmodel import Session, select

from services.delivery.store import LaptopRow
from shared.contracts import envelope
from shared.contracts.delivery import LaptopExpected
from shared.contracts.ordering import LaptopAnnounced
from shared.hearing import tag
from shared.ledger import Ledger


def naively(connection: Connection, record: ConsumerRecord, now: datetime) -> None:
    """One announcement into the tables of delivery, unless it is there."""
    heard = envelope.read(record.headers, record.key, record.value)
    announced = msgspec.json.decode(heard.body, type=LaptopAnnounced)
    fact = LaptopExpected(announced.order, announced.line, announced.school)
    body = msgspec.json.encode(fact).decode()
    with Session(bind=connection) as session:
        claim = (Ledger.key == heard.key, Ledger.party == "ordering", Ledger.id == heard.fact)
        if session.exec(select(Ledger).where(*claim)).first() is not None:
            return
        laptop = session.get(LaptopRow, heard.key) or LaptopRow(
            key=heard.key, sequence=0, place="", announced=False, custody="{}",
            cleared=False, location="announced",
        )  # fmt: skip
        laptop.sequence += 1
        laptop.announced = True
        laptop.order, laptop.line, laptop.school = fact.order, fact.line, fact.school
        session.add(laptop)
        session.add(
            Ledger(
                key=heard.key, party="ordering", id=heard.fact,
                recorded_at=now, happened_at=heard.happened_at,
                verdict="applied", digest="", command=body,
                type=tag(LaptopExpected), body=body, sequence=laptop.sequence,
                correlation=heard.correlation,
            )
        )  # fmt: skip
        session.commit()  # it flushes; the caller's transaction commits
