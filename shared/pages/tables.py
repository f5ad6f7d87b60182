"""What every table of ours has: an order that can be changed, pages, a file for a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from msgspec import Struct

PAGE = 50  # rows
Row = TypeVar("Row")
CSV_TYPE = "text/csv; charset=utf-8"

# A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Listing(Struct, frozen=True):
    """Where a list stands. `next`: what `after` must say for the next page, "" on the last.

    `sort`: a column's key, after "-" when the largest comes first; `sorts`: the keys offered.
    `page` of `pages`: where a list goes by numbered pages.
    """

    total: int
    next: str = ""
    sort: str = ""
    sorts: tuple[str, ...] = ()
    page: int = 1
    pages: int = 1

    @property
    def begin(self) -> int:
        """How many rows stand on the pages before."""
        return (self.page - 1) * PAGE

    def of(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The rows of a list that stand on this page."""
        return rows[self.begin : self.begin + PAGE]


def numbered(total: int, asked: str) -> Listing:
    """Where a list stands whose address asks for a page; the nearest there is, for one there is
    not.
    """
    pages = max(1, -(-total // PAGE))
    page = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 9 else 1
    return Listing(total, page=min(max(page, 1), pages), pages=pages)


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A file that a French spreadsheet opens by itself, and in which nothing is a formula."""
    yield "\N{ZERO WIDTH NO-BREAK SPACE}" + _line(header)
    for row in rows:
        yield _line([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row])


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerow(cells)
    return text.getvalue()
