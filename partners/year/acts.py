"""One request that a party makes. Pure."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct


class Act(Struct, frozen=True):
    """A request to a service's path at an instant of invented time.

    `body` is a JSON object, the text of a CSV file, or a zip. `items`: how many reports or rows it
    holds. `id` stays the same when the act is sent again. `topic`: where its events go in the place
    of the path, by who has Kafka's address. `case`: the incident whose case the path names.
    `placed`: at which instants repairs has to have heard so often who was given a laptop, before
    this is asked. `laptop`: whose handover the path names; `wants`: how that has to stand before.
    """

    id: str
    at: datetime
    party: str
    service: str
    path: str
    body: dict[str, object] | str | bytes
    items: int
    method: str = "POST"
    topic: str = ""
    case: str = ""
    placed: Mapping[str, tuple[datetime, int]] = {}
    laptop: str = ""
    wants: str = ""
