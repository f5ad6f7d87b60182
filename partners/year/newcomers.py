"""Who comes in January is given a laptop that a school has left."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from partners.directory import Pupil
from partners.year.pupils import minor, uai_of
from partners.year.reports import Report
from partners.year.schoolyears import SchoolYear
from partners.year.world import on

HANDED = (1, 18)  # month and day on which the first is handed out


def hand_outs(
    run: str, year: SchoolYear, newcomers: Iterable[Pupil], stock: Mapping[str, list[str]]
) -> list[Report]:
    """A hand-out for each, as long as the school has a laptop, which is taken out of `stock`."""
    handed = []
    for turn, pupil in enumerate(newcomers):
        school = uai_of(pupil)
        if not stock.get(school):
            continue
        at = on(year.day(*HANDED) + timedelta(days=turn % 4), 8, turn % 60)
        handed.append(
            Report(
                id=f"{run}-newcomer-{year.begins}-{turn}",
                party=f"school:{school}",
                kind="handed-out",
                happened_at=at,
                sent_at=at + timedelta(hours=1),
                shipment="",
                order="",
                school=school,
                serials=(stock[school].pop(),),
                turn=turn,
                student=str(pupil.number),
                minor=minor(pupil, at),
            )
        )
    return handed
