"""The school years that are played, one after the other. Pure."""

from datetime import date
from typing import NamedTuple

NEW_YEAR = 8  # the month with which a school year begins


class SchoolYear(NamedTuple):
    """A school year, by the year in which it begins."""

    begins: int

    @property
    def name(self) -> str:
        """As services spell it: 2020-2021."""
        return f"{self.begins}-{self.begins + 1}"

    def day(self, month: int, day: int) -> date:
        """A day of it."""
        return date(self.begins + (month < NEW_YEAR), month, day)


YEARS = (SchoolYear(2020), SchoolYear(2021), SchoolYear(2022))
FIRST = YEARS[0]
