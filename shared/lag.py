"""How far behind reading is, and whether it stands still, as a consumer itself knows."""

import time
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition

from shared.telemetry import Metrics

ASKED_SECONDS = 5.0  # a partition that is read is asked for more twice a second


@dataclass
class Lag:
    """`newest`: when the last record that was taken was sent, in seconds since 1970. `still`: where
    each partition stands, and since when (monotonic seconds).
    """

    newest: float = 0.0
    still: dict[TopicPartition, tuple[int, float]] = field(default_factory=dict)

    def keep(self, assigned: Collection[TopicPartition]) -> None:
        """Forget what another process reads now."""
        self.still = {one: at for one, at in self.still.items() if one in assigned}

    async def measure(
        self,
        consumer: Any,
        places: Iterable[TopicPartition],
        topics: Iterable[str],
        metrics: Metrics,
    ) -> float:
        """Set the gauges. For how many seconds a partition has stood still that has more to be
        read, or that is not asked for more: a consumer's tasks may end, and it tells nobody.
        """
        behind: Counter[str] = Counter()
        reads: Counter[str] = Counter()
        now, today, longest = time.monotonic(), time.time(), 0.0
        for where in places:
            position = await consumer.position(where)
            more = max(0, (consumer.highwater(where) or position) - position)
            asked = today - (consumer.last_poll_timestamp(where) or 0) / 1000 < ASKED_SECONDS
            at, since = self.still.get(where, (position, now))
            if at != position or (asked and not more):
                since = now
            self.still[where] = position, since
            longest = max(longest, now - since)
            behind[where.topic] += more
            reads[where.topic] += 1
        for topic in topics:
            metrics.lag.labels(topic).set(behind[topic])
            metrics.reads.labels(topic).set(reads[topic])
            metrics.partitions.labels(topic).set(len(consumer.partitions_for_topic(topic) or ()))
        late = today - self.newest if self.newest and any(behind.values()) else 0.0
        metrics.lag_seconds.set(max(longest, late))
        return longest
