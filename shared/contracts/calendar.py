"""Days in France, working days in Grand Est. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from holidays import HolidayBase, country_holidays

# Good Friday and 26 December are holidays there: local law, Code du travail L3134-13.
ALSACE_MOSELLE = frozenset({"57", "67", "68"})
SATURDAY = 5
PARIS = ZoneInfo("Europe/Paris")


def day_of(moment: datetime) -> date:
    """The day of a moment in France: the same whatever the offset the moment was told with."""
    return moment.astimezone(PARIS).date()


def midnight(day: date) -> datetime:
    """The first moment of a day in France, in UTC. Raises OverflowError out of the calendar."""
    return datetime.combine(day, time(), PARIS).astimezone(UTC)


@cache
def _holidays(alsace_moselle: bool) -> HolidayBase:
    return country_holidays("FR", subdiv="57" if alsace_moselle else None)


def working_days_after(day: date, count: int, department: str | None) -> date:
    """The day on which `count` working days after a day have passed: Monday to Friday but for the
    holidays of a département, such as "67"; None for those of the whole country.
    """
    off = _holidays(department in ALSACE_MOSELLE)
    while count:
        day += timedelta(days=1)
        if day.weekday() < SATURDAY and day not in off:
            count -= 1
    return day
