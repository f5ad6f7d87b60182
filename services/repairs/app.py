"""How repairs is put together."""

from functools import partial

from starlette.applications import Starlette

from services.repairs import consumer, core, gauges, imports, intake, pages, screens, store
from services.repairs.showing import Desk
from shared import access, documents, hearing, listening, relay, telemetry, upkeep
from shared.asking import Intake
from shared.closing import Closing, closing_days
from shared.databases import open_database
from shared.process import every, lifespan, schema_ready
from shared.relay import Relay
from shared.screens import Screens, screen_routes
from shared.serving import application, health_routes
from shared.settings import Settings, clock, makers, policy
from shared.transact import Service, taking
from shared.worker import Worker, run


def build(settings: Settings) -> Starlette:
    """The service, ready to be served; nothing is connected yet."""
    now, metrics, database = clock(settings), telemetry.metrics(), open_database(settings.database)
    rules, known_makers = policy(settings.policy, core.read), makers(settings.makers)
    service = Service(core.core(rules), store.SHELVES)
    sending = Relay(database, settings.kafka, "repairs.facts", metrics, now)
    listener = hearing.listener(service, consumer.REACTIONS, sending)
    kinds = imports.imports(known_makers, rules)
    worker = Worker(database, taking(service), kinds, metrics, now, sending.wake)
    calls = Intake(database, service, worker, sending, known_makers, metrics, now)
    care = upkeep.Upkeep(database, metrics, now, listener, service, sending, store.waiting)
    closing = Closing(database, service, now, partial(store.due, policy=rules), sending.wake)
    parts = {"relay": sending.trouble, "listening": listener.trouble}
    party_of = access.gate(settings.keys)
    looks, desk = Screens(pages.templates(), now, party_of, "repairs"), Desk(rules, now)
    routes = [
        *intake.routes(calls, desk),
        *screens.routes(calls, desk, looks),
        *screen_routes(looks, care, pages.TITLES),
        *upkeep.routes(care),
        *health_routes(schema_ready(database), metrics, parts),
    ]
    routes += documents.routes("repairs", routes, list(consumer.REACTIONS))
    tasks = {
        "relay": lambda: relay.run(sending),
        "listening": lambda: listening.run(listener),
        "jobs": lambda: run(worker),
        "days": every(1, closing_days(closing)),
        "gauges": every(5, upkeep.gauges(care)),
        "gauges of desks": every(30, gauges.gauges(database, desk, metrics.registry)),
    }
    return application(routes, party_of, metrics, lifespan(database, tasks), looks.cookie)
