"""Files of pupils as they come in: CSV, XML, or a zip of XML, to rows.

All of it is read before the last piece is stored, so that a broken file is refused whole and
changes nothing. What was read of it until then is thrown away, and was never there in clear.
"""

import asyncio
import csv
import io
import re
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import PurePosixPath

from services.enrolment import core
from services.enrolment.imports.aaf import Directory, Reader
from services.enrolment.imports.lines import Line
from shared import pieces
from shared.pieces import Unfit
from shared.serving import Problem

CSV, XML, ZIP = "text/csv", "application/xml", "application/zip"
KINDS = (CSV, XML, "text/xml", ZIP, "application/x-zip-compressed")
ZIP_LIMIT = 64 << 20  # held in memory, for it is read from its end
UNPACKED_LIMIT, MEMBERS = 2 << 30, 5_000
PIECE = 64 << 10
MEMBER = re.compile(r"ENT_.*_(EtabEducNat|PersRelEleve|Eleve|PersEducNat)_\d+\.xml", re.IGNORECASE)
ORDER = ("etabeducnat", "persreleleve", "eleve")  # schools and guardians before their pupils


async def rows(kind: str, file: AsyncIterator[bytes], full: bool | None) -> AsyncIterator[Line]:
    """The rows of a file of a kind of content. `full`: whether it names everybody; None: as the
    names of the files in a zip say. Raises Problem 413 and 422.
    """
    try:
        if kind == CSV:
            async for line in _of_table(_fairly(file), bool(full)):
                yield line
        elif kind in (ZIP, "application/x-zip-compressed"):
            async for line in _of_zip(await _whole(file), full):
                yield line
        else:
            async for line in _of_xml(_fairly(file), bool(full)):
                yield line
    except Unfit as trouble:
        detail = f"{trouble}; nothing of the file was taken"
        raise Problem(422, "unfit-file", detail) from None


async def _fairly(file: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A file in pieces of one size, however it comes; others are served between two of them."""
    held = bytearray()
    async for piece in file:
        held += piece
        while len(held) >= PIECE:
            await asyncio.sleep(0)
            yield bytes(held[:PIECE])
            del held[:PIECE]
    yield bytes(held)


def whole(names: list[str]) -> bool:
    """Whether files are named as those that tell everything, and not what changed."""
    return bool(names) and all("_complet_" in name.lower() for name in names)


# -- CSV


async def _of_table(file: AsyncIterator[bytes], full: bool) -> AsyncIterator[Line]:
    """Rows under a header with the columns of core.COLUMNS; others are passed over. A whole table
    must be so to its last character: one that was cut off would say that pupils left.
    """
    names: list[str] | None = None
    delimiter, schools, line = ",", dict[str, None](), Line("pupil")
    async for text in _lines(file, full):
        if names is None:
            delimiter = ";" if text.count(";") > text.count(",") else ","
            names = _header(text, delimiter)
        elif text.strip():
            line = _row(text, delimiter, names)
            schools[line.raw.get("uai", "")] = None
            yield line
    if names is None:
        raise Unfit("the file is empty")
    if full and line.trouble:
        raise Unfit(f"the last row is cut off: {line.trouble}")
    for school in schools if full else ():
        if school:
            yield Line("school", {"uai": school})


async def _lines(file: AsyncIterator[bytes], full: bool) -> AsyncIterator[str]:
    held = b""
    async for piece in file:
        *done, held = (held + piece).split(b"\n")
        for line in done:
            yield pieces.text(line)
        if len(held) > PIECE:
            raise Unfit(f"a line is longer than {PIECE >> 10} KiB")
    if held and full:
        raise Unfit("the last line has no end: the file was cut off")
    if held:
        yield pieces.text(held)


def _header(text: str, delimiter: str) -> list[str]:
    cells = _cells(text.lstrip("\ufeff"), delimiter)
    if cells is None:
        raise Unfit("the header cannot be read")
    names = [cell.lower() for cell in cells]
    if missing := [name for name in core.NEEDED if name not in names]:
        expected = ", ".join(core.COLUMNS)
        raise Unfit(f"the header has no column {', '.join(missing)}; expected are {expected}")
    if twice := [name for name in core.COLUMNS if names.count(name) > 1]:
        raise Unfit(f"in the header {', '.join(twice)} stands more than once")
    return names


def _row(text: str, delimiter: str, names: list[str]) -> Line:
    cells = _cells(text, delimiter)
    if cells is None:
        return Line("pupil", trouble="not a CSV row")
    if len(cells) != len(names):
        return Line("pupil", trouble=f"{len(cells)} cells where the header has {len(names)}")
    told = dict(zip(names, cells, strict=True))
    return Line("pupil", {name: told[name] for name in core.COLUMNS if name in told})


def _cells(text: str, delimiter: str) -> list[str] | None:
    try:
        return [cell.strip() for cell in next(csv.reader([text], delimiter=delimiter, strict=True))]
    except (csv.Error, StopIteration):
        return None


# -- XML, alone or in a zip


async def _of_xml(file: AsyncIterator[bytes], full: bool) -> AsyncIterator[Line]:
    reader, directory = Reader(), Directory(full)
    async for piece in file:
        for line in directory.rows(reader.feed(piece)):
            yield line
    for line in directory.rows(reader.feed(b"", last=True)):
        yield line
    for line in directory.end():
        yield line


async def _whole(file: AsyncIterator[bytes]) -> bytes:
    held = bytearray()
    async for piece in file:
        held += piece
        if len(held) > ZIP_LIMIT:
            advice = f"a zip has {ZIP_LIMIT >> 20} MiB at the most: send the files school by school"
            raise Problem(413, "too-large", advice)
    return bytes(held)


async def _of_zip(content: bytes, full: bool | None) -> AsyncIterator[Line]:
    """Rows of a zip; others are served between two pieces of it, whatever these hold."""
    try:
        with await asyncio.to_thread(zipfile.ZipFile, io.BytesIO(content)) as packed:
            members = await asyncio.to_thread(_members, packed)
            named = whole([one.filename for one in members])
            directory = Directory(named if full is None else full)
            for member in members:
                for lines in _of_member(packed, member, directory):
                    await asyncio.sleep(0)
                    for line in lines:
                        yield line
            for line in directory.end():
                yield line
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError):
        raise Unfit("the zip is broken, or locked by a password") from None


def _members(packed: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files that are read, in their order; nothing is ever unpacked to a disk."""
    found = packed.infolist()
    if len(found) > MEMBERS or sum(one.file_size for one in found) > UNPACKED_LIMIT:
        most = f"{MEMBERS} files, {UNPACKED_LIMIT >> 30} GiB unpacked"
        raise Problem(413, "too-large", f"a zip has at the most {most}")
    if any(".." in one.filename or one.filename.startswith(("/", "\\")) for one in found):
        raise Unfit("the zip holds a file that would lie outside of it")
    named = [(one, MEMBER.fullmatch(PurePosixPath(one.filename).name)) for one in found]
    wanted = [
        (ORDER.index(match[1].lower()), one.filename, one)
        for one, match in named
        if match and match[1].lower() in ORDER
    ]
    if not wanted:
        raise Unfit("the zip holds no file named like ENT_0670080Y_Complet_20200901_Eleve_0000.xml")
    _complete([name for _, name, _ in wanted])
    return [one for _, _, one in sorted(wanted, key=lambda one: one[:2])]


def _complete(names: list[str]) -> None:
    """Raises Unfit where a part is missing: parts are numbered from 0."""
    parts: dict[str, list[int]] = {}
    for name in names:
        of, _, number = name.lower().removesuffix(".xml").rpartition("_")
        parts.setdefault(of, []).append(int(number))
    if any(sorted(numbers) != list(range(len(numbers))) for numbers in parts.values()):
        raise Unfit("a part is missing from the zip, or is in it twice: parts are numbered from 0")


def _of_member(
    packed: zipfile.ZipFile, member: zipfile.ZipInfo, directory: Directory
) -> Iterator[Iterator[Line]]:
    """The rows of a file in a zip, piece by piece."""
    reader = Reader()
    with packed.open(member) as file:
        while piece := file.read(PIECE):
            yield directory.rows(reader.feed(piece))
    yield directory.rows(reader.feed(b"", last=True))
