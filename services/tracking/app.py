"""How tracking is put together."""

from starlette.applications import Starlette

from services.tracking import consumer, gauges, intake, pages, screens
from shared import access, documents, listening, telemetry, upkeep
from shared.databases import open_database
from shared.listening import Listener
from shared.process import every, lifespan, schema_ready
from shared.screens import Screens, screen_routes
from shared.serving import application, health_routes
from shared.settings import Settings, clock, makers


def build(settings: Settings) -> Starlette:
    """The service, ready to be served; nothing is connected yet."""
    now, metrics, database = clock(settings), telemetry.metrics(), open_database(settings.database)
    listener = Listener(
        database=database,
        kafka=settings.kafka,
        group="tracking",
        topics=consumer.TOPICS,
        read=consumer.read,
        take=consumer.take,
        metrics=metrics,
        now=now,
    )
    showing = intake.Intake(database, makers(settings.makers), now)
    care = upkeep.Upkeep(database, metrics, now, listener)
    party_of = access.gate(settings.keys)
    looks = Screens(pages.templates(), now, party_of, "tracking", settings.names)
    routes = [
        *intake.routes(showing),
        *screens.routes(showing, looks),
        *screen_routes(looks, care, None),
        *upkeep.routes(care),
        *health_routes(schema_ready(database), metrics, {"listening": listener.trouble}),
    ]
    routes += documents.routes("tracking", routes, consumer.TYPES)
    tasks = {
        "listening": lambda: listening.run(listener),
        "gauges": every(5, upkeep.gauges(care)),
        "boards": every(30, gauges.gauges(database, now, metrics.registry)),
    }
    return application(routes, party_of, metrics, lifespan(database, tasks), looks.cookie)
