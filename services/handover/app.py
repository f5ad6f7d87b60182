"""How handover is put together."""

from functools import cache, partial

from starlette.applications import Starlette

from services.handover import (
    consumer,
    core,
    gauges,
    imports,
    intake,
    management,
    pages,
    screens,
    store,
)
from services.handover.events import Secrets
from services.handover.management import Releasing
from services.handover.showing import Office
from shared import access, documents, hearing, listening, relay, telemetry, upkeep
from shared.asking import Intake
from shared.closing import Closing, closing_days
from shared.databases import open_database
from shared.process import every, lifespan, schema_ready
from shared.relay import Relay
from shared.screens import Screens, screen_routes
from shared.serving import application, health_routes
from shared.settings import Settings, clock, makers, policy, secret
from shared.transact import Service, taking
from shared.worker import Worker, run


def build(settings: Settings) -> Starlette:
    """The service, ready to be served; nothing is connected yet."""
    now, metrics, database = clock(settings), telemetry.metrics(), open_database(settings.database)
    rules = policy(settings.policy, core.read)
    service = Service(core.core(rules), store.SHELVES)
    sending = Relay(database, settings.kafka, "handover.facts", metrics, now)
    listener = hearing.listener(service, consumer.REACTIONS, sending)
    worker = Worker(database, taking(service), imports.imports(), metrics, now, sending.wake)
    known_makers = makers(settings.makers)
    calls = Intake(database, service, worker, sending, known_makers, metrics, now)
    care = upkeep.Upkeep(database, metrics, now, listener, service, sending, store.waiting)
    closing = Closing(database, service, now, partial(store.due, rules), sending.wake)
    adapter = management.managing(settings.management)
    releasing = Releasing(database, service, adapter, now, sending.wake)
    parts = {"relay": sending.trouble, "listening": listener.trouble}
    party_of = access.gate(settings.keys)
    looks = Screens(pages.templates(), now, party_of, "handover", settings.names)
    # Made and read when it is first needed, and then kept.
    secrets = Secrets(cache(partial(secret, settings.secret)))
    office = Office(rules, secrets, settings.address)
    routes = [
        *intake.routes(calls, office),
        *screens.routes(calls, office, looks),
        *screen_routes(looks, care, pages.TITLES),
        *upkeep.routes(care),
        *health_routes(schema_ready(database), metrics, parts),
    ]
    routes += documents.routes("handover", routes, list(consumer.REACTIONS))
    tasks = {
        "relay": lambda: relay.run(sending),
        "listening": lambda: listening.run(listener),
        "jobs": lambda: run(worker),
        "days": every(1, closing_days(closing)),
        "releases": every(1, management.releases(releasing)),
        "gauges": every(5, upkeep.gauges(care)),
        "gauges of handovers": every(30, gauges.gauges(database, now, metrics.registry)),
    }
    return application(routes, party_of, metrics, lifespan(database, tasks), looks.cookie)
