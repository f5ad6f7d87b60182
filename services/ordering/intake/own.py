"""Whose order it is."""

from services.ordering import core, store
from shared.asking import Intake
from shared.serving import Problem
from shared.upkeep import sees_all


async def own_order(intake: Intake, number: str, party: str) -> core.Order:
    """An order that this party may know of. Raises Problem 404: what is another's is not there."""
    found: core.Order | None = await intake.database.read(
        lambda connection: store.order(connection, number)
    )
    if found is None or not (sees_all(party) or party == f"supplier:{found.supplier}"):
        raise Problem(404, "unknown-order", f"there is no order {number[:64]}")
    return found
