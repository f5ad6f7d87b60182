"""What is asked of repairs over HTTP: cases, a laptop, a school's pool."""

from functools import partial
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from services.repairs import core, store
from services.repairs.intake.asking import known_case
from services.repairs.showing import Desk, case_shown, laptop_shown, one_case, one_laptop
from services.repairs.shown import PoolShown
from shared.access import role
from shared.asking import Intake, named
from shared.contracts import identifiers
from shared.contracts.identifiers import Makers
from shared.serving import Handler, Listed, Problem, answer, invalid, limit_of

POOL = 500


def listing(intake: Intake, desk: Desk) -> Handler:
    """A handler that lists cases, the oldest first."""

    async def listed(request: Request) -> Response:
        asked, limit, party = request.query_params, limit_of(request), request.state.party
        where: dict[str, Any] = {"state": asked["state"]} if asked.get("state") else {}
        if asked.get("laptop"):
            where["laptop"] = named("laptop", partial(_key, intake.makers), asked["laptop"])
        if where.get("state", core.STATES[0]) not in core.STATES:
            raise invalid("/state", "invalid", f"one of {', '.join(core.STATES)} is expected")
        own = party.partition(":")[2] if role(party) == "desk" and "laptop" not in where else ""
        if asking := own or asked.get("desk"):
            where["desk"] = asking
        if asked.get("open"):
            where["open"] = asked["open"] == "true"
        after = asked.get("cursor") or None
        if after:
            await known_case(intake, after)
        found, total = await intake.database.read(
            lambda connection: store.cases(connection, where, after, limit)
        )
        cursor = found[-1].number if len(found) == limit else None
        seen = desk.seen_by(party)
        return answer(Listed([case_shown(seen, one) for one in found], cursor, total))

    return listed


def _key(makers: Makers, text: str) -> str:
    maker, slash, serial = text.partition("/")
    if not slash:
        raise ValueError("<maker>/<SERIAL> is expected, as hp/5CD041B7QK")
    return makers.laptop(maker, serial)


def showing(intake: Intake, desk: Desk) -> Handler:
    """A handler that shows a case."""

    async def show(request: Request) -> Response:
        number, seen = request.path_params["case"], desk.seen_by(request.state.party)
        case = await intake.database.read(lambda connection: one_case(connection, seen, number))
        if case is None:
            raise Problem(404, "unknown-case", f"there is no case {number[:40]}")
        return answer(case)

    return show


def laptop(intake: Intake, desk: Desk) -> Handler:
    """A handler that shows a laptop."""

    async def show(request: Request) -> Response:
        maker = named("maker", intake.makers.slug, request.path_params["maker"])
        serial = named("serial", identifiers.serial_number, request.path_params["serial"])
        key, seen = f"{maker}/{serial}", desk.seen_by(request.state.party)
        found = await intake.database.read(lambda connection: one_laptop(connection, seen, key))
        if found is None:
            raise Problem(404, "unknown-laptop", f"nobody spoke of {key} here")
        return answer(found)

    return show


def pool(intake: Intake, desk: Desk) -> Handler:
    """A handler that shows a school's pool; a school sees its own."""

    async def show(request: Request) -> Response:
        uai = named("uai", identifiers.uai, request.path_params["uai"])
        party = request.state.party
        if role(party) == "school" and party != f"school:{uai}":
            raise Problem(404, "unknown-pool", "a school sees its own pool")
        return answer(await intake.database.read(lambda seen: pool_of(seen, desk, uai)))

    return show


def pool_of(connection: Connection, desk: Desk, uai: str) -> PoolShown:
    """A school's pool."""
    free, total = store.pool(connection, uai, POOL)
    lent = [laptop_shown(desk, key, one) for key, one in store.lent(connection, uai)]
    return PoolShown(uai, free, total, lent)
