"""What a service says put before another that hears it, as if Kafka stood between them."""

from collections.abc import Sequence
from pathlib import Path

from aiokafka import ConsumerRecord

from services.delivery import consumer as of_delivery
from services.delivery import core as core_of_delivery
from services.delivery import store as store_of_delivery
from services.handover import consumer as of_handover
from services.handover import core as core_of_handover
from services.handover import store as store_of_handover
from services.ordering import consumer as of_ordering
from services.ordering import core as core_of_ordering
from services.ordering import store as store_of_ordering
from services.repairs import consumer as of_repairs
from services.repairs import core as core_of_repairs
from services.repairs import store as store_of_repairs
from services.tracking import consumer as tracking
from shared import hearing
from shared.transact import Service
from tests.builders import DAY, SCHOOLS_CSV, Running, a_serial_list, an_order, facts

POLICY = core_of_repairs.read(Path("deploy/repair-policy.toml").read_text())
OF_HANDOVER = core_of_handover.read(Path("deploy/handover-policy.toml").read_text())
DECIDING = {
    "delivery": (of_delivery.REACTIONS, core_of_delivery.CORE, store_of_delivery.SHELVES),
    "ordering": (of_ordering.REACTIONS, core_of_ordering.CORE, store_of_ordering.SHELVES),
    "handover": (
        of_handover.REACTIONS,
        core_of_handover.core(OF_HANDOVER),
        store_of_handover.SHELVES,
    ),
    "repairs": (of_repairs.REACTIONS, core_of_repairs.core(POLICY), store_of_repairs.SHELVES),
}


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
    reactions, core, shelves = DECIDING[reader.name]
    read = hearing.claims_of(reactions, shelves)
    claims = [claim for record in records for claim in read(record)]
    taking = hearing.take_into(Service(core, shelves))
    reader.write(lambda connection: taking(connection, claims, DAY))
