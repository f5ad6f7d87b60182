"""The stations of a laptop's life line: which it has reached, when, and where it left. Pure."""

from datetime import datetime, timedelta

from services.tracking.shown import LaptopLife, Told
from shared.pages.life_line import Branch, State, Station

# Scans of a day come in the evening and are no news; what is learned a day after is drawn and said.
LATE = timedelta(hours=24)

# Stations of the life line, in their order, with the facts that make a laptop reach them.
Stations = tuple[tuple[str, str, tuple[str, ...]], ...]
STATIONS: Stations = (
    ("ordered", "commandé", ("ordering.order-placed.v1",)),
    ("announced", "annoncé", ("ordering.laptop-announced.v1",)),
    ("dispatched", "expédié", ("delivery.laptop-dispatched.v1", "delivery.laptop-in-transit.v1")),
    ("arrived", "arrivé", ("delivery.laptop-arrived.v1",)),
    (
        "received",
        "reçu",
        (
            "delivery.laptop-received.v1",
            "delivery.discrepancy-reported.v1",
            "delivery.laptop-moved.v1",
            "delivery.laptop-back-to-stock.v1",
        ),
    ),
    ("admitted", "admis", ("ordering.laptop-admitted.v1",)),
    ("handed-out", "remis", ("delivery.laptop-handed-out.v1",)),
    ("handed-over", "cédé", ("handover.laptop-handed-over.v1",)),
    (
        "in-further-study",
        "en poursuite d'études",
        ("handover.laptop-taken-into-further-study.v1",),
    ),
)
YEARS_BEFORE = "handed-over"
OFF_THE_LINE = {"missing": "manquant", "refused": "refusé"}


def stations(laptop: LaptopLife) -> tuple[Station, ...]:
    """The life line: which stations the laptop has reached, when, and where it left the line."""
    way = _way(laptop)
    furthest = max((n for n, (key, _, _) in enumerate(way) if key in laptop.reached), default=0)
    line = [
        _station(
            key, label, _told_of(key, types, laptop), _state(key, n - furthest, laptop), laptop
        )
        for n, (key, label, types) in enumerate(way)
    ]
    if off := OFF_THE_LINE.get(laptop.location.value):
        line.insert(
            furthest + 1, Station(laptop.location.value, off, "broken", laptop.location.since)
        )
    return tuple(line)


def _way(laptop: LaptopLife) -> Stations:
    """The stations in the order in which this laptop passes them: admission is an act on paper, of
    a whole line if need be, and may come before the laptop does.
    """
    at, received = laptop.reached.get("admitted"), laptop.reached.get("received")
    if at is None or (received is not None and received <= at):
        return STATIONS
    (admitted,) = (station for station in STATIONS if station[0] == "admitted")
    others = [station for station in STATIONS if station is not admitted]
    road = [laptop.reached.get(key) for key in ("dispatched", "arrived")]
    others.insert(2 + sum(1 for passed in road if passed and passed <= at), admitted)
    return tuple(others)


def _told_of(key: str, types: tuple[str, ...], laptop: LaptopLife) -> Told | None:
    """The fact that brought the laptop to a station, where one was told."""
    for told in laptop.timeline:
        there = told.type in types and told.happened_at == laptop.reached.get(key)
        if there and not told.withdrawn:
            return told
    return None


def _state(key: str, ahead: int, laptop: LaptopLife) -> State:
    if ahead == 0:
        return "passed" if laptop.location.value in OFF_THE_LINE else "present"
    # Nobody may have spoken of a station on the way: the laptop passed it all the same.
    # Only papers can truly be still to come.
    unwritten = {
        "ordered": not laptop.order,
        "announced": "unannounced" in laptop.flags,
        "admitted": laptop.owner.value == "supplier",
    }
    return "to-come" if ahead > 0 or unwritten.get(key) else "passed"


def _station(key: str, label: str, told: Told | None, state: State, laptop: LaptopLife) -> Station:
    at = told.happened_at if told else laptop.ordered_at if key == "ordered" else None
    learned_at = told.recorded_at if told and is_late(told) else None
    return Station(key, label, state, at, learned_at, far=key == YEARS_BEFORE)


def is_late(told: Told) -> bool:
    """Whether we learned of it so late that a page says so."""
    return told.recorded_at - told.happened_at > LATE


# -- beside the line

MOST = 6  # branches that are drawn, the last ones
CAUSES = {
    "defect": "panne",
    "breakage": "casse",
    "liquid": "liquide renversé",
    "software": "logiciel",
    "loss": "perte",
    "theft": "vol",
    "recall": "rappel",
}
ENDS = (
    "repairs.laptop-returned-to-user.v1",
    "repairs.laptop-swapped.v1",
    "repairs.laptop-recovered.v1",
)
LOANS = {
    "repairs.loan-issued.v1": ("autre ordinateur prêté", "repairs.loan-returned.v1"),
    "repairs.laptop-lent.v1": ("prêté", "repairs.laptop-back-from-loan.v1"),
}


def branches(laptop: LaptopLife) -> tuple[Branch, ...]:
    """Repairs and loans of a laptop, the last ones: from when to when."""
    told = [one for one in laptop.timeline if not one.withdrawn and "case" in one.body]
    found = []
    for number, one in enumerate(told):
        if one.type == "repairs.incident-logged.v1":
            label = CAUSES.get(one.body["cause"], "réparation")
            found.append(Branch(label, one.happened_at, _ended(told, one, ENDS)))
        elif one.type in LOANS:
            label, end = LOANS[one.type]
            ended_at = _ended(told[number:], one, (end,))
            found.append(Branch(label, one.happened_at, ended_at, parallel=True))
    return tuple(sorted(found, key=lambda one: one.begun_at)[-MOST:])


def _ended(told: list[Told], begun: Told, ends: tuple[str, ...]) -> datetime | None:
    """When a case, or a loan during it, ended; None while it lasts, or was reopened since."""
    at = None
    for one in told:
        if one.body["case"] == begun.body["case"]:
            if one.type in ends:
                at = at or one.happened_at
            elif one.type == "repairs.repair-reopened.v1":
                at = None
    return at
