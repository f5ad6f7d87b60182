"""A row of a file on its way into the database: it waits there sealed, for it holds names."""

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from typing import Literal

import msgspec
from msgspec import Struct

from services.enrolment import vault
from services.enrolment.core import Guardian


class About(Struct, frozen=True):
    """What the job of a file is about. `full`: whether it names everybody of its schools; None: as
    the names of its files say; `confirmed`: however many leave; `academy`: whose ids of persons
    these are; `school_year`: "" for the one in which it is read.
    """

    full: bool | None = None
    confirmed: bool = False
    academy: str = ""
    school_year: str = ""


class Line(Struct, frozen=True, omit_defaults=True):
    """A row. `kind`: a pupil, what changes of one, one who is gone, a guardian who changed, a
    school of the directory, or the end of all that a whole file says of a school. `trouble`: why
    it cannot be read.
    """

    kind: Literal["pupil", "change", "gone", "guardian", "structure", "school"]
    raw: Mapping[str, str] = {}
    guardians: list[Guardian] | None = None
    trouble: str = ""


HEADER = b"row\n"
FAIR = 100  # rows
_LINE = msgspec.json.Decoder(Line)


async def sealing(lines: AsyncIterator[Line], key: bytes) -> AsyncIterator[bytes]:
    """Rows as the file that is stored: one a line, sealed."""
    yield HEADER
    number = 0
    async for line in lines:
        number += 1
        if number % FAIR == 0:
            await asyncio.sleep(0)  # others are served while a large file is read
        content = vault.sealed(key, msgspec.json.encode(line), "row")
        yield base64.b64encode(content) + b"\n"


def unsealed(key: bytes, token: str) -> Line:
    """A row in clear; one that is damaged says so, and holds no other back."""
    try:
        content = base64.b64decode(token, validate=True)
        return _LINE.decode(vault.opened(key, content, "row"))
    except (ValueError, vault.Broken):
        return Line("pupil", trouble="the row is not what was stored: send the file again")
