"""The register of persons: who stands behind a pseudonym, as whoever has the keys may read it; and
the list of erasures, which is kept outside every database.
"""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from services.enrolment import core, store, vault
from services.enrolment.core import Guardian, Pupil
from services.enrolment.vault import Ring, Vault
from shared import access
from shared.contracts import identifiers

log = logging.getLogger(__name__)

_PUPIL = msgspec.json.Decoder(Pupil)
_MARKS = msgspec.json.Decoder(list[tuple[str, str]])
_GUARDIANS = msgspec.json.Decoder(tuple[Guardian, ...] | None)


class Keys(Struct, frozen=True):
    """What a piece of work on persons needs: the master keys, the key of traces, and those under
    which some traces stand still.
    """

    ring: Ring
    traces: bytes
    older: tuple[bytes, ...] = ()

    def digests(self, kind: str, text: str) -> list[str]:
        """By which traces somebody is looked for."""
        return [vault.digest(key, kind, text) for key in (self.traces, *self.older)]


def keys(connection: Connection, of: Vault) -> Keys:
    """For one transaction that may write. Raises Locked."""
    return held(connection, vault.ring(of))


def held(connection: Connection, ring: Ring) -> Keys:
    """The keys of the service's own under these master keys. Raises Locked."""
    older = vault.older_traces_keys(connection, ring)
    return Keys(ring, vault.traces_key(connection, ring), older)


# -- reading and writing a person


Marks = Sequence[tuple[str, str]]
"""By what a person is to be found: kinds and texts."""


def opened(held: Keys, row: store.Person) -> Pupil:
    """A person in clear. Raises Locked and Broken."""
    name, key = row.pseudonym, held.ring.unwrap(row.master, row.wrapped, row.pseudonym)
    bare = _PUPIL.decode(vault.opened(key, row.body, f"body {name}"))
    guardians = _GUARDIANS.decode(vault.opened(key, row.guardians, f"guardians {name}"))
    return replace(
        bare, ine=vault.opened(key, row.ine, f"ine {name}").decode(), guardians=guardians
    )


def written(
    held: Keys, name: str, pupil: Pupil, marks: Marks, before: store.Person | None
) -> store.Person:
    """The row of a person, sealed under the person's own key; under a new one for a newcomer.
    Raises Locked and Broken.
    """
    if before is None:
        key = vault.new_key()
        master, wrapped = held.ring.current, held.ring.wrap(key, name)
    else:
        master, wrapped = before.master, before.wrapped
        key = held.ring.unwrap(master, wrapped, name)
    bare = replace(pupil, ine="", guardians=None)
    return store.Person(
        pseudonym=name,
        master=master,
        wrapped=wrapped,
        traced=held.ring.current,
        body=vault.sealed(key, msgspec.json.encode(bare), f"body {name}"),
        ine=vault.sealed(key, pupil.ine.encode(), f"ine {name}"),
        guardians=vault.sealed(key, msgspec.json.encode(pupil.guardians), f"guardians {name}"),
        marks=vault.sealed(key, msgspec.json.encode(marks), f"marks {name}"),
        digest=_everything(key, pupil),
    )


def changed(held: Keys, before: store.Person, pupil: Pupil) -> bool:
    """Whether something else is known of a person than stands in a row. Raises Locked, Broken."""
    key = held.ring.unwrap(before.master, before.wrapped, before.pseudonym)
    return before.digest != _everything(key, pupil)


def _everything(key: bytes, pupil: Pupil) -> str:
    """What stands for all that is known of a person, under the person's own key."""
    return vault.digest(key, "all", msgspec.json.encode(pupil).decode())


def marks(pupil: Pupil) -> Marks:
    """By what a person is to be found from now on."""
    names = (identifiers.plain(pupil.family_name), identifiers.plain(pupil.given_name))
    told = [("name", f"{' '.join(names)} {pupil.born_on.isoformat()}"), ("family", names[0])]
    told += [("ine", pupil.ine)] if pupil.ine else []
    told += [("source", f"{pupil.academy} {pupil.source}")] if pupil.source else []
    signing = [one for one in pupil.guardians or () if one.source]
    return told + [("guardian", f"{one.academy} {one.source}") for one in signing]


def marks_of(key: bytes, row: store.Person) -> Marks:
    """By what a person is found, as it stands in the row. Raises Broken."""
    return _MARKS.decode(vault.opened(key, row.marks, f"marks {row.pseudonym}"))


def digests(held: Keys, marks: Marks) -> set[str]:
    """The traces of marks, under the key of now."""
    return {vault.digest(held.traces, *one) for one in marks}


# -- looking somebody up


class Shown(Struct, frozen=True):
    """A student with the person behind the pseudonym."""

    pseudonym: str
    state: core.Student
    pupil: Pupil


class Found(Struct, frozen=True):
    """Whom a question found: at most so many, and whether there are more."""

    students: list[Shown]
    more: bool


MOST = 50


def one(connection: Connection, of: Vault, name: str) -> Shown | None:
    """A student with the person; None where there is none, or nobody can say any more who. Raises
    Broken.
    """
    held = keys(connection, of)
    row = store.persons(connection, [name]).get(name)
    if row is None:
        return None
    return Shown(name, store.student(connection, name), opened(held, row))


def several(connection: Connection, of: Vault, names: Iterable[str]) -> list[Shown]:
    """Students with their persons, those of whom there is one, by pseudonym."""
    held, rows = keys(connection, of), store.persons(connection, names)
    states = store.states(connection, rows)
    clear = {name: _sound(held, rows[name]) for name in sorted(rows)}
    return [Shown(name, states[name][0], one) for name, one in clear.items() if one is not None]


def _sound(held: Keys, row: store.Person) -> Pupil | None:
    """One of several persons; None for one who does not open: the others are shown."""
    try:
        return opened(held, row)
    except vault.Broken as trouble:
        log.warning("what is kept of a person does not open", extra={"cause": str(trouble)})
        return None


def asked(connection: Connection, of: Vault, question: str, school: str) -> Found:
    """Students whom a question means: an INE, a pseudonym, or a name, the family's first or last;
    of one school, or of all for "".
    """
    held = keys(connection, of)
    names = dict.fromkeys(_named(connection, held, question))
    states = store.states(connection, names)
    mine = [name for name in names if school in ("", states[name][0].school)]
    words = identifiers.plain(question).split()
    shown = []
    for row in store.persons(connection, mine).values():
        pupil = _sound(held, row)
        if pupil is None:
            continue
        if row.pseudonym == question.strip().lower() or _means(pupil, words):
            shown.append(Shown(row.pseudonym, states[row.pseudonym][0], pupil))
    shown.sort(key=lambda one: identifiers.plain(f"{one.pupil.family_name} {one.pupil.given_name}"))
    return Found(shown[:MOST], len(shown) > MOST)


def _named(connection: Connection, held: Keys, question: str) -> Iterator[str]:
    try:
        yield identifiers.pseudonym(question)
        return
    except ValueError:
        pass
    try:
        digests = held.digests("ine", core.ine(question))
    except ValueError:
        words = identifiers.plain(question).split()
        firsts = [" ".join(words[:n]) for n in range(1, len(words) + 1)]
        lasts = [" ".join(words[n:]) for n in range(1, len(words))]
        texts = (*firsts, *lasts)
        digests = [digest for text in texts for digest in held.digests("family", text)]
    for _, name in store.traced(connection, digests):
        yield name


def _means(pupil: Pupil, words: Sequence[str]) -> bool:
    """Whether each word asked for is of the name, or begins a given name; or it is the INE."""
    family = identifiers.plain(pupil.family_name).split()
    given = identifiers.plain(pupil.given_name).split()
    if pupil.ine and "".join(words) == pupil.ine:
        return True
    return all(
        word in family or any(name.startswith(word) for name in given) for word in words
    ) and bool(set(words) & set(family))


# -- erasures


CAUSES = ("retention", "request")


@dataclass
class Erasures:
    """The list of erasures: a line each, added and never changed. It outlives every copy of the
    database; whoever stands on it is shown to nobody, and is erased anew where a copy has him.
    """

    file: Path
    names: dict[str, str] = field(default_factory=dict)
    unshed: bool = True  # somebody was erased since the log of writes was cut
    unwritten: str = ""  # why the last word could not be written

    def trouble(self) -> str:
        """Why nobody is erased; "" while the list can be written."""
        return self.unwritten

    def read(self) -> None:
        """Read the list; a line that was cut off by a crash is the last, and is passed over."""
        if not self.file.exists():
            return
        for line in self.file.read_text(encoding="utf-8", errors="replace").splitlines():
            words = line.split()
            if len(words) == 3 and words[2] in CAUSES:
                self.names[words[1]] = words[2]

    def note(self, erased: Sequence[tuple[str, str]]) -> None:
        """Add pseudonyms and causes, before their erasure is committed. Raises Locked where the
        list cannot be written: then nothing is erased either, and it is to be asked for again.
        """
        self.unshed = True
        fresh = [(name, cause) for name, cause in erased if name not in self.names]
        if not fresh:
            return
        try:
            self._add(fresh)
        except OSError as trouble:
            self.unwritten = f"the list of erasures cannot be written: {trouble}"
            raise vault.Locked(self.unwritten) from None
        self.unwritten = ""
        self.names.update(fresh)

    def _add(self, fresh: Sequence[tuple[str, str]]) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        new = not self.file.exists()
        at = datetime.now(UTC).isoformat(timespec="seconds")
        lines = "".join(f"{at} {name} {cause}\n" for name, cause in fresh)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        descriptor = os.open(self.file, flags, 0o600)
        with os.fdopen(descriptor, "ab") as out:
            if out.tell() and not self._ends_whole():
                out.write(b"\n")
            out.write(lines.encode())
            out.flush()
            os.fsync(out.fileno())
        if new:
            access.settle(self.file.parent)

    def _ends_whole(self) -> bool:
        with self.file.open("rb") as held:
            held.seek(-1, os.SEEK_END)
            return held.read(1) == b"\n"


def erasures(file: Path) -> Erasures:
    """The list as it stands. Raises OSError."""
    made = Erasures(file)
    made.read()
    return made


def to_erase(connection: Connection, listed: Mapping[str, str]) -> list[tuple[str, Any]]:
    """What must be asked of students on the list whom this database still names: it was restored
    from an older copy, or the word was cut off between list and database.
    """
    return [
        (core.student_key(name), core.Erase(listed[name]))
        for name in store.still_named(connection, list(listed))
    ]
