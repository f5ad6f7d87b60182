"""Keys: one for each person, wrapped by a master key from a file; what is sealed under them.

A sealed field is bound to whom and to what it belongs: moved into another row or column it opens no
more. The master key stands in a file and in no backup of the database; while it is changed the file
holds the new one and the old ones, and keys are wrapped anew bit by bit (rotation.py).

    python -m services.enrolment.vault make      a master key, where there is none
    python -m services.enrolment.vault rotate    a new one before the old ones
    python -m services.enrolment.vault retire    the old ones away, once they wrap nothing any more
"""

import argparse
import asyncio
import base64
import hmac
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes, token_hex

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct
from sqlalchemy import Connection

from services.enrolment import wrapping
from shared import settings
from shared.access import write_private
from shared.databases import Away, open_database

BITS, NONCE = 256, 12  # AES-256-GCM with the nonce that NIST SP 800-38D asks for
ACTS = ("make", "rotate", "retire")


class Locked(Away):
    """A master key cannot be had, or is the wrong one: one sentence without a value. As with a
    database that is away, work waits until a person has mended it.
    """


class Broken(Exception):
    """One sealed thing does not open, a person or a row of a file: that one is damaged, and nothing
    else waits for it. One sentence without a value.
    """


class Master(Struct, frozen=True):
    """A master key, in base64, and its name."""

    id: str
    key: str


@dataclass(frozen=True)
class Vault:
    """The master keys of a file, the one that wraps from now on first."""

    file: Path

    def masters(self) -> list[Master]:
        """Read anew each time, for a person changes them while the service runs. Raises Locked."""
        try:
            if self.file.stat().st_mode & 0o077:
                raise Locked(f"{self.file} can be read by others: chmod 600 {self.file}")
            found = msgspec.json.decode(self.file.read_bytes(), type=list[Master])
        except FileNotFoundError:
            advice = "make one: python -m services.enrolment.vault make"
            raise Locked(f"there is no master key at {self.file}; {advice}") from None
        except (OSError, msgspec.MsgspecError):
            raise Locked(f"{self.file} is no file of master keys") from None
        if not found or any(len(_raw(one)) * 8 != BITS for one in found):
            raise Locked(f"{self.file} holds no master key of {BITS} bits")
        return found


def _raw(master: Master) -> bytes:
    try:
        return base64.b64decode(master.key, validate=True)
    except ValueError:
        return b""


class Ring(Struct, frozen=True):
    """The master keys as they are at the moment; for the length of one piece of work."""

    masters: tuple[Master, ...]

    @property
    def current(self) -> str:
        return self.masters[0].id

    def wrap(self, key: bytes, of: str) -> bytes:
        """A key of somebody's, under the current master key."""
        return sealed(_raw(self.masters[0]), key, f"key {of}")

    def unwrap(self, master: str, wrapped: bytes, of: str) -> bytes:
        """A key of somebody's. Raises Locked without its master key; Broken."""
        for one in self.masters:
            if one.id == master:
                return opened(_raw(one), wrapped, f"key {of}")
        raise Locked(f"the file of master keys has no key {master[:20]}")

    def service_key(self, name: str, master: str, wrapped: bytes) -> bytes:
        """A key of the service's own. Raises Locked: where it does not open, all waits."""
        try:
            return self.unwrap(master, wrapped, f"of {name}")
        except Broken:
            raise Locked(f"the master key {master[:20]} is another than it was") from None


def ring(vault: Vault) -> Ring:
    """Raises Locked."""
    return Ring(tuple(vault.masters()))


# -- sealing


def new_key() -> bytes:
    return AESGCM.generate_key(BITS)


def sealed(key: bytes, content: bytes, bound: str) -> bytes:
    """Content that only this key opens, and only in the place that it is bound to."""
    nonce = token_bytes(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, content, bound.encode())


def opened(key: bytes, content: bytes, bound: str) -> bytes:
    """Raises Broken."""
    try:
        return AESGCM(key).decrypt(content[:NONCE], content[NONCE:], bound.encode())
    except (InvalidTag, ValueError):
        raise Broken(f"what is sealed as {bound.partition(' ')[0]} does not open") from None


def digest(key: bytes, kind: str, text: str) -> str:
    """What stands for a text in an index: without the key nobody can tell whose it is."""
    return hmac.new(key, f"{kind}\n{text}".encode(), sha256).hexdigest()[:32]


# -- keys of the service's own


def secret(connection: Connection, keys: Ring, name: str) -> bytes:
    """A key of the service's own, made when it is first asked for; so in a transaction that may
    write. Raises Locked.
    """
    found = wrapping.secret(connection, name)
    if found is None:
        wrapping.keep_secret(connection, name, keys.current, keys.wrap(new_key(), f"of {name}"))
        found = wrapping.secret(connection, name)
    if found is None:
        raise Locked(f"the key {name} cannot be kept")
    return keys.service_key(name, *found)


def traces_key(connection: Connection, keys: Ring) -> bytes:
    """The key under which traces are written now; made with each master key. Raises Locked."""
    return secret(connection, keys, wrapping.TRACES + keys.current)


def older_traces_keys(connection: Connection, keys: Ring) -> tuple[bytes, ...]:
    """Keys under which traces stand still while the master key is changed. Raises Locked."""
    found = wrapping.secrets(connection, wrapping.TRACES)
    mine = wrapping.TRACES + keys.current
    return tuple(keys.service_key(*one) for one in found if one[0] != mine)


def file_key(connection: Connection, keys: Ring, job: str) -> bytes:
    """The key of the rows of one file; destroyed when these are. Raises Locked."""
    return secret(connection, keys, wrapping.FILE + job)


# -- the file


def make(file: Path) -> str:
    """A file of one master key, unless there is one; what was done."""
    if file.exists():
        return f"{file} is there already"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_private(file, [_new()])
    return f"{file} holds a new master key: keep a copy apart from every copy of the database"


def rotate(file: Path) -> str:
    """A new master key before those that there are. Raises Locked."""
    masters = Vault(file).masters()
    write_private(file, [_new(), *masters])
    return "a new master key is the first: the service wraps every key anew by itself, then: retire"


def retire(file: Path, wrapping: dict[str, int]) -> str:
    """Take the old master keys away, unless they wrap something still. Raises Locked."""
    current, *old = Vault(file).masters()
    if left := sum(wrapping.get(one.id, 0) for one in old):
        raise Locked(f"{left} keys are still under an old master key: wait until there are none")
    write_private(file, [current])
    return f"{len(old)} old master keys are gone: copies of the database from before open no more"


def _new() -> Master:
    return Master(token_hex(4), base64.b64encode(new_key()).decode())


async def _wrapping(url: str) -> dict[str, int]:
    database = open_database(url)
    try:
        found: dict[str, int] = await database.read(wrapping.masters)
        return found
    finally:
        await database.close()


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m services.enrolment.vault",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("act", choices=ACTS)
    act = parser.parse_args(words).act
    try:
        known = settings.read("enrolment")
        if act == "retire":
            said = retire(known.master_key, asyncio.run(_wrapping(known.database)))
        else:
            said = {"make": make, "rotate": rotate}[act](known.master_key)
    except (settings.Wrong, Locked, Away, OSError) as trouble:
        sys.stderr.write(f"{trouble}\n")
        return 1
    sys.stdout.write(f"{said}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
