"""How delivery is put together."""

from starlette.applications import Starlette

from services.delivery import consumer, core, events, imports, intake, pages, screens, store
from services.delivery.epcis import capture, queries, retrying
from services.delivery.register import Sent
from shared import access, documents, hearing, listening, relay, telemetry, upkeep
from shared.asking import Intake
from shared.closing import Closing, closing_days
from shared.contracts import partners
from shared.databases import Database, open_database
from shared.decisions import Claim
from shared.listening import Listener
from shared.process import every, lifespan, schema_ready
from shared.relay import Relay
from shared.screens import Screens, screen_routes
from shared.serving import application, health_routes
from shared.settings import Settings, clock, makers
from shared.telemetry import Metrics
from shared.transact import Service
from shared.worker import Worker, run


def build(settings: Settings) -> Starlette:
    """The service, ready to be served; nothing is connected yet."""
    now, metrics, database = clock(settings), telemetry.metrics(), open_database(settings.database)
    service, known = Service(core.CORE, store.SHELVES), makers(settings.makers)
    sending = Relay(database, settings.kafka, "delivery.facts", metrics, now)
    listener = _listener(settings, database, service, metrics, sending)
    worker = Worker(
        database, events.taking(service), imports.imports(known), metrics, now, sending.wake
    )
    taking = Intake(database, service, worker, sending, known, metrics, now)
    care = upkeep.Upkeep(database, metrics, now, listener, service, sending, store.waiting)
    closing = Closing(database, service, now, store.due, sending.wake)
    parts = {"relay": sending.trouble, "listening": listener.trouble}
    party_of = access.gate(settings.keys)
    looks = Screens(pages.templates(), now, party_of, "delivery", settings.names)
    routes = [
        *intake.routes(taking),
        *capture.routes(taking),
        *queries.routes(taking),
        *screens.routes(taking, looks),
        *screen_routes(looks, care, pages.TITLES),
        *upkeep.routes(care),
        *health_routes(schema_ready(database), metrics, parts),
    ]
    routes += documents.routes("delivery", routes, list(consumer.REACTIONS))
    tasks = {
        "relay": lambda: relay.run(sending),
        "listening": lambda: listening.run(listener),
        "jobs": lambda: run(worker),
        "mapping again": lambda: retrying.run(taking),
        "days": every(1, closing_days(closing)),
        "gauges": every(5, upkeep.gauges(care)),
    }
    return application(routes, party_of, metrics, lifespan(database, tasks), looks.cookie)


def _listener(
    settings: Settings, database: Database, service: Service, metrics: Metrics, sending: Relay
) -> Listener[Claim | Sent]:
    now = clock(settings)
    return Listener(
        database=database,
        kafka=settings.kafka,
        group="delivery",
        topics=hearing.topics(list(consumer.REACTIONS)),
        welcome=partners.of_service("delivery"),
        read=consumer.reader(makers(settings.makers), now),
        take=consumer.taker(service),
        metrics=metrics,
        now=now,
        committed=sending.wake,
    )
