"""One request that a party makes. Pure."""

from datetime import datetime

from msgspec import Struct

PLACED, COVERS = "repairs.laptop-placed.v1", "repairs.warranty-noted.v1"


class Known(Struct, frozen=True):
    """A fact that repairs has to have said of a laptop, so often, before an act is asked. `at`: of
    that instant alone.
    """

    laptop: str
    type: str
    times: int = 1
    at: datetime | None = None


class Act(Struct, frozen=True):
    """A request to a service's path at an instant of invented time.

    `body` is a JSON object, the text of a CSV file, or a zip. `items`: how many reports or rows it
    holds. `id` stays the same when the act is sent again. `topic`: where its events go in the place
    of the path, by who has Kafka's address. `case`: the incident whose case the path names.
    `known`: what it rests on. `laptop`: whose handover the path names; `wants`: how that has to
    stand before.
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
    known: tuple[Known, ...] = ()
    laptop: str = ""
    wants: str = ""
