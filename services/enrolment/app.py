"""How enrolment is put together."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from starlette.applications import Starlette

from services.enrolment import (
    core,
    gauges,
    imports,
    intake,
    pages,
    register,
    rotation,
    screens,
    store,
    vault,
    wrapping,
)
from services.enrolment.register import Erasures
from services.enrolment.showing import Looking
from services.enrolment.vault import Locked, Vault
from shared import access, documents, relay, telemetry, upkeep
from shared.asking import Intake
from shared.closing import Closing, closing_days
from shared.databases import Database, open_database
from shared.process import every, lifespan, schema_ready
from shared.relay import Relay
from shared.screens import Screens, screen_routes
from shared.serving import application, health_routes
from shared.settings import Settings, clock, makers
from shared.transact import Service
from shared.worker import Worker, run

log = logging.getLogger(__name__)


def build(settings: Settings) -> Starlette:
    """The service, ready to be served; nothing is connected yet."""
    now, metrics = clock(settings), telemetry.metrics()
    database = open_database(settings.database, forgetting=True)
    keys, listed = Vault(settings.master_key), register.erasures(settings.erasures)
    service = Service(core.CORE, store.shelves(listed.note))
    sending = Relay(database, settings.kafka, "enrolment.facts", metrics, now)
    taking = imports.taking(keys, service)
    worker = Worker(database, taking, imports.imports(), metrics, now, sending.wake)
    calls = Intake(database, service, worker, sending, makers(settings.makers), metrics, now)
    looking = Looking(keys, listed, now)
    care = upkeep.Upkeep(database, metrics, now, None, service, sending)
    due = partial(store.due, days=settings.kept_days)
    closing = Closing(database, service, now, due, sending.wake)
    party_of = access.gate(settings.keys)
    looks = Screens(pages.templates(), now, party_of, "enrolment")
    parts = {"relay": sending.trouble, "erasures": listed.trouble}
    routes = [
        *intake.routes(calls, looking),
        *screens.routes(calls, looking, looks, settings.name_origins),
        *screen_routes(looks, care, pages.TITLES),
        *upkeep.routes(care),
        *health_routes(_ready(database, keys), metrics, parts),
    ]
    routes += documents.routes("enrolment", routes)
    tasks = {
        "relay": lambda: relay.run(sending),
        "jobs": lambda: run(worker),
        "days": every(1, closing_days(closing)),
        "erasures": every(60, _erasing_again(calls, looking)),
        "keys": every(1, _rewrapping(database, keys)),
        "log of writes": every(1, _shedding(database, listed)),
        "gauges": every(5, upkeep.gauges(care)),
        "gauges of students": every(30, gauges.gauges(database, looking, metrics.registry)),
    }
    return application(routes, party_of, metrics, lifespan(database, tasks), looks.cookie)


def _ready(database: Database, keys: Vault) -> Callable[[], Awaitable[Mapping[str, str]]]:
    """A readiness check: the database answers, and there is a master key."""
    answers = schema_ready(database)

    async def ready() -> Mapping[str, str]:
        wrong = dict(await answers())
        try:
            keys.masters()
        except Locked as trouble:
            wrong["master key"] = str(trouble)
        return wrong

    return ready


def _erasing_again(calls: Intake, looking: Looking) -> Callable[[], Awaitable[None]]:
    """Erase who is on the list and in the database still, as after a restore. Raises Away."""

    async def erase() -> None:
        if count := await intake.erase_again(calls, looking):
            log.warning("students on the list of erasures were erased anew", extra={"count": count})

    return erase


def _shedding(database: Database, listed: Erasures) -> Callable[[], Awaitable[None]]:
    """Take whom an erasure destroyed out of the database's log of writes too."""

    async def shed() -> None:
        if listed.unshed:
            listed.unshed = False  # before: who is erased meanwhile says so again
            if not await database.shed():
                listed.unshed = True

    return shed


def _rewrapping(database: Database, keys: Vault) -> Callable[[], Awaitable[None]]:
    """Wrap keys anew that an old master key wraps, some at a time, and drop those that have had
    their time. Who has nothing to do holds no writer up. Raises Away.
    """

    async def rewrap() -> None:
        ring = vault.ring(keys)
        if not await database.read(lambda one: wrapping.left(one, ring.current)):
            return
        done = await database.write(lambda one: rotation.rewrap(one, ring))
        if done.count:
            log.info("keys were wrapped anew", extra={"count": done.count})
        if done.damaged:
            log.warning("keys of persons do not open", extra={"count": done.damaged})

    return rewrap
