"""Rows about one pupil each: who that is, and what is said of him."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from uuid import uuid4

from msgspec import Struct
from msgspec.structs import replace

from services.enrolment import core, register, store, vault
from services.enrolment.core import Known, Pupil
from services.enrolment.imports import naming
from services.enrolment.imports.work import Named, Plan, Work, damaged, done, placed, refused
from shared.contracts import identifiers
from shared.decisions import Refusal
from shared.transact import Verdict


def some(work: Work, rows: Sequence[Named]) -> list[Verdict]:
    """As many rows as are about different students, in one go."""
    part = list(_different(rows))
    found = _found(work, part)
    verdicts: list[Verdict | None] = []
    plans: list[tuple[Named, Plan]] = []
    taken: set[str] = set()
    for row in part:
        one = _sound(work, row, found)
        if isinstance(one, Plan):
            if one.pseudonym in taken:
                break
            taken.add(one.pseudonym)
            plans.append((row, one))
        verdicts.append(one if isinstance(one, Verdict) else None)
    decided = iter(done(work, plans, found.states))
    told = [next(decided) if one is None else one for one in verdicts]
    ended = iter(plans)
    mine = [next(ended)[1] if one is None else None for one in verdicts]
    _note(work, found, zip(part, mine, told, strict=False))
    return told


def _note(work: Work, found: "Persons", rows: Iterable[tuple[Named, Plan | None, Verdict]]) -> None:
    """Whom the rows name: whoever a row was taken for; whomever a refused one points at; where that
    is nobody, perhaps anybody of its school.
    """
    named: set[tuple[str, str]] = set()
    for row, plan, verdict in rows:
        if verdict.verdict != "refused" and plan is not None:
            named.add((plan.pseudonym, plan.pupil.school if plan.pupil else ""))
        elif verdict.verdict == "refused":
            pointed, kinds = found.named(row), set(row.digests.values())
            named |= {(name, "") for name in pointed}
            hides = not pointed and core.hides_somebody(verdict.code or "", kinds)
            named |= {("", _school(row, found))} if hides and row.line.kind == "pupil" else set()
    naming.note_named(work.connection, work.job["id"], named - found.places)


def _school(row: Named, found: "Persons") -> str:
    """The school of a refused row; "" where that cannot be read either."""
    raw = placed(row.line.raw, found.structures)
    try:
        return "" if isinstance(raw, Refusal) else core.school(raw.get("uai", ""))
    except core.Unread:
        return ""


def _different(rows: Sequence[Named]) -> Iterator[Named]:
    """Rows up to the first that may be about the student of an earlier one."""
    met: set[str] = set()
    for row in rows:
        digests = {*row.digests, row.line.raw.get("pseudonyme", "").strip() or str(row.number)}
        if row.alone or digests & met:
            return
        met |= digests
        yield row


class Persons(Struct, frozen=True):
    """Whom the rows may be about: rows of persons, states, and who is found by which digest."""

    persons: Mapping[str, store.Person]
    states: Mapping[str, tuple[core.Student, str]]
    led: Mapping[str, Sequence[str]]
    clear: Callable[[str], Pupil]
    structures: Mapping[str, str]
    places: Set[tuple[str, str]]  # whom the file named before, and at which schools

    def of(self, row: Named) -> list[Known]:
        """Students that something of a row points at. Raises Broken."""
        return [self.known(name, frozenset(kinds)) for name, kinds in self.named(row).items()]

    def named(self, row: Named) -> dict[str, set[str]]:
        """Their pseudonyms, and by what each is pointed at."""
        by: dict[str, set[str]] = {}
        for digest, kind in row.digests.items():
            for name in self.led.get(digest, ()):
                by.setdefault(name, set()).add(kind)
        if (said := _said_pseudonym(row)) in self.persons:
            by.setdefault(said, set()).add("pseudonym")
        return by

    def known(self, name: str, by: frozenset[str]) -> Known:
        pupil, state = self.clear(name), self.states[name][0]
        school = state.school if state.enrolled else None
        names = (pupil.family_name, pupil.given_name)
        return Known(name, pupil.ine, *names, pupil.born_on, school, by)


def _said_pseudonym(row: Named) -> str:
    try:
        return identifiers.pseudonym(row.line.raw.get("pseudonyme", ""))
    except ValueError:
        return ""


def _found(work: Work, rows: Sequence[Named]) -> Persons:
    digests = [digest for row in rows for digest in row.digests]
    led: dict[str, list[str]] = {}
    for digest, name in store.traced(work.connection, digests):
        led.setdefault(digest, []).append(name)
    names = {name for found in led.values() for name in found}
    names |= {said for row in rows if (said := _said_pseudonym(row))}
    persons = store.persons(work.connection, names)
    states = store.states(work.connection, persons)
    open_ones: dict[str, Pupil] = {}

    def clear(name: str) -> Pupil:
        if name not in open_ones:
            open_ones[name] = register.opened(work.keys, persons[name])
        return open_ones[name]

    structures = store.structures(work.connection, work.about.academy)
    places = naming.named(work.connection, work.job["id"], persons)
    return Persons(persons, states, led, clear, structures, places)


def _sound(work: Work, row: Named, found: Persons) -> Plan | Verdict:
    """What one row comes to; where what is kept of its student does not open, that."""
    try:
        return _plan(work, row, found)
    except vault.Broken as trouble:
        return damaged(trouble)


def _plan(work: Work, row: Named, found: Persons) -> Plan | Verdict:
    """What one row comes to."""
    line = row.line
    if line.trouble:
        return Verdict("refused", "invalid", line.trouble)
    known = found.of(row)
    if line.kind == "gone":
        return _gone(known, "unknown")
    raw = placed(line.raw, found.structures)
    if isinstance(raw, Refusal):
        return refused(raw)
    raw = {**raw, "academy": work.about.academy}
    if line.kind == "change":
        mine = [one for one in known if "source" in one.by]
        if not mine:
            advice = "no student has this id: load the whole file"
            return Verdict("refused", "unknown-student", advice)
        raw = core.to_be_read(raw, found.clear(mine[0].pseudonym))
    return _pupil(work, row, raw, known, found)


def _gone(known: Sequence[Known], reason: str) -> Plan | Verdict:
    if not known:
        return Verdict("duplicate", "unknown-student", "nobody was known by this row")
    return Plan(known[0].pseudonym, core.Leave(reason))


def _pupil(
    work: Work, row: Named, raw: core.Raw, known: Sequence[Known], found: Persons
) -> Plan | Verdict:
    said = row.line.guardians
    signing = [replace(one, academy=work.about.academy) for one in said or ()]
    told = core.read(raw, tuple(signing) if said is not None else None)
    if isinstance(told, Refusal):
        return refused(told)
    pupil, mended = told
    match = core.matched(pupil, known, raw)
    if isinstance(match, Refusal):
        return refused(match)
    leaving = core.leaving(raw)
    if isinstance(leaving, Refusal):
        return refused(leaving)
    if leaving is not None:
        mine = [one for one in known if one.pseudonym == match.pseudonym]
        return _gone(mine, leaving)
    places = [school for name, school in found.places if school and name == match.pseudonym]
    if row.line.kind == "pupil" and (no := core.elsewhere(pupil, places)):
        return refused(no)
    return _placing(work, row, pupil, match, found, mended)


def _placing(
    work: Work, row: Named, pupil: Pupil, match: core.Match, found: Persons, mended: str
) -> Plan:
    """A pupil is at a school: a newcomer gets a pseudonym, drawn here and of nothing."""
    name = match.pseudonym
    before = found.clear(name) if name else None
    whole = core.filled(pupil, before)
    unnamed = len(whole.guardians or ()) < len(pupil.guardians or ())
    note = match.note or mended or ("guardians-unnamed" if unnamed else "")
    others = before is not None and core.others_sign(before, whole)
    signing = len(whole.guardians or ())
    told = core.Register(whole.school, whole.level, work.year, signing, others)
    if not name:
        return Plan(str(uuid4()), told, whole, None, note)
    changes = row.line.raw if row.line.kind == "change" else None
    command = told if changes is None else core.changing(found.states[name][0], told, changes)
    return Plan(name, command, whole, found.persons[name], note)
