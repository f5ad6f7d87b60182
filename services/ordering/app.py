"""How ordering is put together."""

from starlette.applications import Starlette

from services.ordering import consumer, core, imports, intake, pages, screens, store
from shared import access, documents, hearing, listening, relay, telemetry, upkeep
from shared.asking import Intake
from shared.closing import Closing, closing_days
from shared.databases import open_database
from shared.process import every, lifespan, schema_ready
from shared.relay import Relay
from shared.screens import Screens, screen_routes
from shared.serving import application, health_routes
from shared.settings import Settings, clock, makers
from shared.transact import Service, taking
from shared.worker import Worker, run


def build(settings: Settings) -> Starlette:
    """The service, ready to be served; nothing is connected yet."""
    now, metrics, database = clock(settings), telemetry.metrics(), open_database(settings.database)
    service, known_makers = Service(core.CORE, store.SHELVES), makers(settings.makers)
    sending = Relay(database, settings.kafka, "ordering.facts", metrics, now)
    listener = hearing.listener(service, consumer.REACTIONS, sending)
    worker = Worker(
        database, taking(service), imports.imports(known_makers), metrics, now, sending.wake
    )
    calls = Intake(database, service, worker, sending, known_makers, metrics, now)
    care = upkeep.Upkeep(database, metrics, now, listener, service, sending)
    closing = Closing(database, service, now, store.due, sending.wake)
    parts = {"relay": sending.trouble, "listening": listener.trouble}
    party_of = access.gate(settings.keys)
    looks = Screens(pages.templates(), now, party_of, "ordering")
    routes = [
        *intake.routes(calls),
        *screens.routes(calls, looks),
        *screen_routes(looks, care, pages.TITLES),
        *upkeep.routes(care),
        *health_routes(schema_ready(database), metrics, parts),
    ]
    routes += documents.routes("ordering", routes, list(consumer.REACTIONS))
    tasks = {
        "relay": lambda: relay.run(sending),
        "listening": lambda: listening.run(listener),
        "jobs": lambda: run(worker),
        "days": every(1, closing_days(closing)),
        "gauges": every(5, upkeep.gauges(care)),
    }
    return application(routes, party_of, metrics, lifespan(database, tasks), looks.cookie)
