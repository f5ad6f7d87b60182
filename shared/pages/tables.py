"""What every table of ours has: an order that can be changed, pages, a file for a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

CSV_TYPE = "text/csv; charset=utf-8"

# A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Listing(Struct, frozen=True):
    """Where a list stands. `next`: what `after` must say for the next page, "" on the last.

    `sort`: a column's key, after "-" when the largest comes first; `sorts`: the keys offered.
    """

    total: int
    next: str = ""
    sort: str = ""
    sorts: tuple[str, ...] = ()


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A file that a French spreadsheet opens by itself, and in which nothing is a formula."""
    yield "\N{ZERO WIDTH NO-BREAK SPACE}" + _line(header)
    for row in rows:
        yield _line([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row])


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerow(cells)
    return text.getvalue()
