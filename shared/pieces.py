"""Files kept in the database in pieces, and read line by line from any place on."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, LargeBinary, select
from sqlmodel import Field, SQLModel

from shared.databases import append, table_of

PIECE = 1 << 20


class JobPiece(SQLModel, table=True):
    """A part of a job's file."""

    __tablename__ = "job_piece"

    job: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    content: bytes = Field(sa_type=LargeBinary)


PIECES = table_of(JobPiece)


class Unfit(Exception):
    """The file as a whole is not what it should be: one sentence."""


def store(connection: Connection, id: str, number: int, content: bytes) -> None:
    """Store piece `number` of a file."""
    append(connection, PIECES, ("job", "number", "content"), [(id, number, content)])


def forget(connection: Connection, id: str) -> None:
    """Throw a file away."""
    connection.execute(PIECES.delete().where(PIECES.c.job == id))


@dataclass
class Line:
    """A line, and the place after it."""

    text: str
    piece: int
    offset: int


def lines(connection: Connection, id: str, piece: int, offset: int) -> Iterator[Line]:
    """The lines of a spooled file from a place on, each
    with the place after it. Memory: one piece and one line.

    A quoted cell may not hold a line break: the row would be
    cut in two, and both halves refused by their cell count.
    """
    held, start = b"", offset
    while True:
        content = connection.scalar(
            select(PIECES.c.content).where(PIECES.c.job == id, PIECES.c.number == piece)
        )
        if content is None:
            if held:
                yield Line(text(held), piece, 0)
            return
        while (end := content.find(b"\n", start)) >= 0:
            line, held, start = held + content[start:end], b"", end + 1
            yield Line(text(line), piece, start)
        held += content[start:]
        if len(held) > PIECE:
            raise Unfit("a line is longer than 1 MiB")
        piece, start = piece + 1, 0


def text(line: bytes) -> str:
    """UTF-8, or Windows-1252 as spreadsheets save it.
    The null character goes: no database column keeps it.
    """
    line = line.rstrip(b"\r").replace(b"\x00", b"")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")
