"""What a service says put before another that hears it, as if Kafka stood between them."""

from collections.abc import Sequence

from aiokafka import ConsumerRecord

from services.delivery import consumer as delivery
from services.delivery import core, store
from services.tracking import consumer as tracking
from shared import hearing
from shared.transact import Service
from tests.builders import DAY, SCHOOLS_CSV, Running, a_serial_list, an_order, facts

DELIVERY = Service(core.CORE, store.SHELVES)


def announced(ordering: Running, numbers: Sequence[int]) -> None:
    """Let ordering announce these laptops, of an order of five."""
    ordering.file("region", "/api/schools/imports", SCHOOLS_CSV)
    ordering.ask("region", "POST", "/api/orders", json=an_order())
    ordering.file("region", "/api/orders/BC1/serials/imports", a_serial_list(numbers))


def heard(reader: Running, *speakers: Running) -> None:
    """Let a service take all that others said so far."""
    for speaker in speakers:
        take(reader, speaker.write(facts))


def take(reader: Running, records: Sequence[ConsumerRecord]) -> None:
    if reader.name == "tracking":
        told = [one for record in records for one in tracking.read(record)]
        reader.write(lambda connection: tracking.take(connection, told, DAY))
        return
    claims = [one for record in records for one in hearing.claims_of(delivery.REACTIONS)(record)]
    taking = hearing.take_into(DELIVERY)
    reader.write(lambda connection: taking(connection, claims, DAY))
