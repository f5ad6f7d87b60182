"""Papers read back: the words of a PDF, and what its QR code says to whoever scans it."""

import io
from collections.abc import Callable, Sequence

import httpx
import pypdf

BLOCKS = {2: 1, 3: 1, 4: 2, 5: 2, 6: 4}  # of a code of that version at level M, all as long
BYTES = {2: 28, 3: 44, 4: 64, 5: 86, 6: 108}  # that are not there for mending
MASKS: Sequence[Callable[[int, int], bool]] = (
    lambda row, column: (row + column) % 2 == 0,
    lambda row, _: row % 2 == 0,
    lambda _, column: column % 3 == 0,
    lambda row, column: (row + column) % 3 == 0,
    lambda row, column: (row // 2 + column // 3) % 2 == 0,
    lambda row, column: row * column % 2 + row * column % 3 == 0,
    lambda row, column: (row * column % 2 + row * column % 3) % 2 == 0,
    lambda row, column: ((row + column) % 2 + row * column % 3) % 2 == 0,
)

Modules = list[list[bool]]


def pages(answer: httpx.Response) -> list[pypdf.PageObject]:
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    return [*pypdf.PdfReader(io.BytesIO(answer.content)).pages]


def words(answer: httpx.Response) -> str:
    """All that stands on a paper."""
    return "\n".join(page.extract_text() for page in pages(answer))


def scanned(answer: httpx.Response) -> str:
    """What the QR code on a paper's first page says, read without mending: level M, bytes."""
    modules = _modules(pages(answer)[0])
    version = (len(modules) - 17) // 4
    bits = [modules[row][column] ^ _masked(modules, row, column) for row, column in _way(version)]
    sent = [_number(bits[start : start + 8]) for start in range(0, len(bits) - 7, 8)]
    blocks, whole = BLOCKS[version], BYTES[version]
    told = [byte for block in range(blocks) for byte in sent[:whole][block::blocks]]
    stream = [bool(byte >> place & 1) for byte in told for place in range(7, -1, -1)]
    assert _number(stream[:4]) == 4, "it is told in bytes"
    end = 12 + 8 * _number(stream[4:12])
    return bytes(_number(stream[at : at + 8]) for at in range(12, end, 8)).decode()


def _number(bits: list[bool]) -> int:
    return int("".join("1" if bit else "0" for bit in bits), 2)


def _modules(page: pypdf.PageObject) -> Modules:
    """The dark and light squares that a page draws, row by row: runs of dark ones are drawn."""
    content = page.get_contents()
    assert content is not None
    drawn = [[*map(float, what)] for what, how in content.operations if how == b"re"]
    side = min(height for _, _, _, height in drawn)
    runs = [run for run in drawn if abs(run[3] - side) < side / 2]
    left, top = min(run[0] for run in runs), max(run[1] for run in runs)
    rows = round((top - min(run[1] for run in runs)) / side) + 1
    modules = [[False] * rows for _ in range(rows)]
    for x, y, width, _ in runs:
        start = round((x - left) / side)
        for column in range(start, start + round(width / side)):
            modules[round((top - y) / side)][column] = True
    return modules


def _masked(modules: Modules, row: int, column: int) -> bool:
    """Whether the mask that the code names turns a square over."""
    named = _number([modules[8][2] ^ True, modules[8][3], modules[8][4] ^ True])
    return MASKS[named](row, column)


def _way(version: int) -> list[tuple[int, int]]:
    """The squares that say something, in the order in which they say it: two columns at a time from
    the right, upwards and downwards in turn, around what every code has.
    """
    size = 17 + 4 * version
    columns = [right - (right <= 6) for right in range(size - 1, 0, -2)]
    found = []
    for turn, right in enumerate(columns):
        for row in range(size)[:: 1 if turn % 2 else -1]:
            found += [(row, one) for one in (right, right - 1) if not _fixed(size, row, one)]
    return found


def _fixed(size: int, row: int, column: int) -> bool:
    """Whether every code has a square so: corners, the lines between them, the small one."""
    corner = min(row, column) <= 8 and max(row, column) <= 8
    corner |= (row <= 8 and column >= size - 8) or (column <= 8 and row >= size - 8)
    small = abs(row - (size - 7)) <= 2 and abs(column - (size - 7)) <= 2
    return corner or 6 in (row, column) or small
