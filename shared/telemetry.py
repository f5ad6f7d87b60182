"""Every metric with its meaning, and logging as one JSON object a line.

No label ever names a laptop, a student or an event, and no log line carries what was sent to us.
"""

import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

EXTRAS = (
    "kind",
    "topic",
    "partition",
    "offset",
    "job",
    "route",
    "status",
    "party",
    "count",
    "seconds",
    "cause",
    "number",
    "act",
)


@dataclass(frozen=True)
class Metrics:
    """One service's metrics, on a registry of its own: several services fit in one process."""

    registry: CollectorRegistry
    requests: Histogram
    refused_keys: Counter
    claims: Counter
    heard: Counter
    batch_seconds: Histogram
    lag: Gauge
    lag_seconds: Gauge
    reads: Gauge
    partitions: Gauge
    stopped: Gauge
    sent: Counter
    unsent: Gauge
    unsent_seconds: Gauge
    active: Gauge
    parked: Gauge
    parked_seconds: Gauge
    waiting: Gauge
    jobs: Gauge
    job_rows: Counter
    away: Counter
    troubled: Gauge


REPEATED_AFTER_SECONDS = 30.0
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


def gauges_of(registry: CollectorRegistry) -> Callable[..., Gauge]:
    """A function that makes a gauge of ours there, of a name, a meaning and labels."""

    def gauge(name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"trousseau_{name}", meaning, labels, registry=registry)

    return gauge


def metrics() -> Metrics:
    """Fresh metrics, all at nought."""
    r = CollectorRegistry()

    def histogram(name: str, meaning: str, *labels: str) -> Histogram:
        return Histogram(f"trousseau_{name}", meaning, labels, buckets=BUCKETS, registry=r)

    def counter(name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"trousseau_{name}", meaning, labels, registry=r)

    gauge = gauges_of(r)
    return Metrics(
        registry=r,
        requests=histogram(
            "http_request_seconds", "HTTP requests answered", "method", "route", "status"
        ),
        refused_keys=counter("refused_keys", "Requests without a key that opens"),
        claims=counter(
            "claims", "Claims by where they came from and their verdict", "origin", "verdict"
        ),
        heard=counter("heard_records", "Records read, by what became of them", "topic", "outcome"),
        batch_seconds=histogram("batch_seconds", "One batch from Kafka, decoded and committed"),
        lag=gauge("consumer_lag_records", "Records not read yet", "topic"),
        lag_seconds=gauge(
            "consumer_lag_seconds",
            "How far reading is behind or has stood still; 0 when nothing waits",
        ),
        reads=gauge("consumer_partitions", "Partitions that this process reads", "topic"),
        partitions=gauge("topic_partitions", "Partitions that there are to read", "topic"),
        stopped=gauge("consumer_stopped", "1 when reading stopped loudly and a person must act"),
        sent=counter("relay_sent_facts", "Facts that Kafka acknowledged"),
        unsent=gauge("relay_unsent_facts", "Facts in the ledger that Kafka does not have"),
        unsent_seconds=gauge("relay_oldest_unsent_seconds", "Age of the oldest of them"),
        active=gauge("relay_active", "1 in the process that sends this database's facts"),
        parked=gauge("parked", "Things set aside for a person", "kind"),
        parked_seconds=gauge("parked_oldest_seconds", "Age of the oldest of them", "kind"),
        waiting=gauge("waiting", "Subjects that wait for their announcement"),
        jobs=gauge("jobs", "Long work, by state", "state"),
        job_rows=counter("job_rows", "Rows of files, by verdict", "verdict"),
        away=counter("away", "Times that the database or the broker did not answer", "what"),
        troubled=gauge("troubled", "1 while a part says at /health/ready what troubles it", "part"),
    )


def show_troubles(metrics: Metrics, parts: Mapping[str, Callable[[], str]]) -> None:
    """Have a gauge tell which parts say what troubles them, at the moment that it is asked."""
    for name, part in parts.items():
        metrics.troubled.labels(name).set_function(partial(_troubled, part))


def _troubled(part: Callable[[], str]) -> float:
    return 1.0 if part() else 0.0


def _seldom(libraries: tuple[str, ...], seconds: float) -> Callable[[logging.LogRecord], bool]:
    """A filter: of what a library says again and again, one line in so many seconds.

    While the broker is away, aiokafka says thirty times a second that it is.
    """
    told: dict[tuple[str, str], float] = {}

    def passes(record: logging.LogRecord) -> bool:
        said = (record.name, str(record.msg))
        if not record.name.startswith(libraries):
            return True
        if record.created - told.get(said, 0.0) < seconds:
            return False
        told[said] = record.created
        return True

    return passes


def log_to_stdout(service: str, level: str) -> None:
    """Log as JSON lines: at, level, service, where, what, and the extras named in EXTRAS."""

    class Lines(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            line = {
                "at": datetime.fromtimestamp(record.created, UTC).isoformat(
                    timespec="milliseconds"
                ),
                "level": record.levelname.lower(),
                "service": service,
                "where": record.name,
                "what": record.getMessage(),
            }
            line |= {name: getattr(record, name) for name in EXTRAS if hasattr(record, name)}
            if record.exc_info and record.exc_info[0]:
                line["trouble"] = self.formatException(record.exc_info)
            return msgspec.json.encode(line, enc_hook=str).decode()

    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(Lines())
    handler.addFilter(_seldom(("aiokafka", "shared.listening.faststream"), REPEATED_AFTER_SECONDS))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("aiokafka", "alembic", "faststream", "uvicorn.access", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
