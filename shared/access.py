"""Who may come in: keys, and the party that each belongs to.

The keys file holds SHA-256 of each key, its party and its end, never a key. Services read it again
when it changes.

    python -m shared.access issue carrier:acme --days 90    prints the key, once
    python -m shared.access list
    python -m shared.access revoke carrier:acme             all keys of the party
"""

import argparse
import fcntl
import hashlib
import os
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct

from shared.contracts import identifiers


class Key(Struct, frozen=True, omit_defaults=True):
    """One key: its hash, whose it is, until when. A party
    may have several at once, so that they can be changed.
    """

    sha256: str
    party: str
    expires_at: datetime | None = None


def hashed(key: str) -> str:
    """A key as the file holds it. A key is 256 random bits: a plain hash cannot be guessed back."""
    return hashlib.sha256(key.encode()).hexdigest()


def load(file: Path) -> dict[str, Key]:
    """Keys by hash; none when there is no file. Raises msgspec.DecodeError on a broken one."""
    if not file.exists():
        return {}
    return {key.sha256: key for key in msgspec.json.decode(file.read_bytes(), type=list[Key])}


def issue(file: Path, parties: Iterable[str], days: int | None = None) -> dict[str, str]:
    """New keys, by party; their hashes are added to the file
    (mode 0600). Raises ValueError on a name that is no party.
    """
    named = [identifiers.party(party) for party in parties]
    if days is not None and days < 1:
        raise ValueError("a key is good for a day at least")
    end = datetime.now(UTC) + timedelta(days=days) if days else None
    made = {party: secrets.token_urlsafe(32) for party in named}
    with _alone(file):
        kept = [
            *load(file).values(),
            *(Key(hashed(key), party, end) for party, key in made.items()),
        ]
        write_private(file, kept)
    return made


def revoke(file: Path, party: str) -> int:
    """Take all keys of a party away; how many there were."""
    with _alone(file):
        keys = list(load(file).values())
        kept = [key for key in keys if key.party != party]
        write_private(file, kept)
    return len(keys) - len(kept)


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write_private(file: Path, value: object) -> None:
    """Write a value as JSON that its owner alone may read, at one stroke, and flush it."""
    fresh = file.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(msgspec.json.format(msgspec.json.encode(value), indent=1))
        os.fsync(out.fileno())
    fresh.replace(file)
    settle(file.parent)


def settle(folder: Path) -> None:
    """Flush to the disk that a file is there."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def gate(file: Path) -> Callable[[str], str | None]:
    """A function from a key to its party, None when it opens
    nothing. It follows the file; a broken one changes nothing.
    """
    seen: tuple[object, dict[str, Key]] = (None, {})

    def party_of(key: str) -> str | None:
        nonlocal seen
        version = _version(file)
        if version != seen[0]:
            try:
                seen = (version, load(file))
            except (msgspec.DecodeError, OSError):
                seen = (version, seen[1])
        found = seen[1].get(hashed(key))
        return (
            found.party
            if found and (found.expires_at is None or found.expires_at > datetime.now(UTC))
            else None
        )

    return party_of


def _version(file: Path) -> object:
    """Another each time that the file is replaced, also twice within one tick of the clock."""
    try:
        state = file.stat()
    except FileNotFoundError:
        return ()
    return state.st_mtime_ns, state.st_ino, state.st_size


def role(party: str) -> str:
    """`carrier` of `carrier:acme`."""
    return party.partition(":")[0]


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m shared.access",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--keys", type=Path, help="their file (default: as TROUSSEAU_KEYS says)")
    acts = parser.add_subparsers(dest="act", required=True)
    making = acts.add_parser("issue", help="print a new key once; only its hash is kept")
    roles = ", ".join(identifiers.ROLES)
    making.add_argument("party", help=f"{roles}; all but region and ops with :NAME")
    making.add_argument("--days", type=int, help="how long it opens (default: until revoked)")
    taking = acts.add_parser("revoke", help="take all keys of a party away")
    taking.add_argument("party")
    acts.add_parser("list", help="whose keys there are, and until when")
    given = parser.parse_args(words)
    home = Path(os.environ.get("TROUSSEAU_HOME", "var"))
    file = given.keys or Path(os.environ.get("TROUSSEAU_KEYS", home / "keys.json"))
    try:
        if given.act == "list":
            for key in sorted(load(file).values(), key=lambda key: key.party):
                print(f"{key.party}\t{key.sha256[:12]}\t{key.expires_at or 'no end'}")
        elif given.act == "revoke":
            print(f"{revoke(file, given.party)} keys of {given.party} taken away")
        else:
            print(*issue(file, [given.party], given.days).values())
    except (ValueError, OSError) as problem:
        print(f"{file}: {problem}" if isinstance(problem, OSError) else problem, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
