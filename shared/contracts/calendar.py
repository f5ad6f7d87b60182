"""Days in France, working days in Grand Est. Pure."""

from bisect import bisect_right
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from holidays import HolidayBase, country_holidays
from vacances_scolaires_france import SchoolHolidayDates, UnsupportedYearException

# Good Friday and 26 December are holidays there: local law, Code du travail L3134-13.
ALSACE_MOSELLE = frozenset({"57", "67", "68"})
SATURDAY = 5
PARIS = ZoneInfo("Europe/Paris")


def day_of(moment: datetime) -> date:
    """The day of a moment in France: the same whatever the offset the moment was told with."""
    return moment.astimezone(PARIS).date()


def school_year_of(day: date) -> str:
    """The school year of a day; it changes on 1 September."""
    begun = day.year if day.month >= 9 else day.year - 1
    return f"{begun}-{begun + 1}"


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


@cache
def _school_holidays() -> SchoolHolidayDates:
    return SchoolHolidayDates()


def _is_school_day(day: date, off: HolidayBase) -> bool:
    """Whether schools of Grand Est are open: a working day out of the holidays of zone B, as far as
    these are known (Ministry of education; package vacances-scolaires-france).
    """
    if day.weekday() >= SATURDAY or day in off:
        return False
    try:
        return not _school_holidays().is_holiday_for_zone(day, "B")
    except UnsupportedYearException:
        return True


@cache
def _school_days(alsace_moselle: bool) -> tuple[int, ...]:
    """The school days of the years that the tables know, and of ten more, as ordinals."""
    off, known = _holidays(alsace_moselle), _school_holidays()
    first, last = date(known.min_year, 1, 1), date(known.max_year + 10, 12, 31)
    days = (date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1))
    return tuple(day.toordinal() for day in days if _is_school_day(day, off))


def school_days_between(start: date, end: date, department: str | None) -> int:
    """How many school days there are after a day, up to another one and with it. Before the tables
    begin, in 1990, there are none.
    """
    days = _school_days(department in ALSACE_MOSELLE)
    return bisect_right(days, end.toordinal()) - bisect_right(days, start.toordinal())
