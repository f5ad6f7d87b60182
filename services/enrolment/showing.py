"""Who is shown to whom: every look at a person is written down in the transaction that shows it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection

from services.enrolment import core, register, store
from services.enrolment.register import Erasures, Shown
from services.enrolment.shown import (
    Export,
    FactShown,
    GuardianShown,
    LookShown,
    PersonShown,
    StudentShown,
)
from services.enrolment.store import Look
from services.enrolment.vault import Vault
from shared.access import role
from shared.contracts.calendar import day_of
from shared.decisions import Said


@dataclass(frozen=True)
class Looking:
    """What showing persons needs: the keys, the list of erasures, the present moment."""

    vault: Vault
    erasures: Erasures
    now: Callable[[], datetime]

    @property
    def today(self) -> date:
        return day_of(self.now())


def own_school(party: str) -> str:
    """The one school that a party may see; "" for all."""
    return party.partition(":")[2] if role(party) == "school" else ""


def student_shown(name: str, state: core.Student) -> StudentShown:
    fields = {one: getattr(state, one) for one in ("school", "level", "school_year")}
    left = {"left": state.left, "left_on": state.left_on if state.left else None}
    return StudentShown(name, **fields, state=state.state, **left)


def person_shown(found: Shown, today: date) -> PersonShown:
    pupil, state = found.pupil, found.state
    guardians = [GuardianShown(one.family_name, one.given_name) for one in pupil.guardians or ()]
    return PersonShown(
        student=found.pseudonym,
        family_name=pupil.family_name,
        given_name=pupil.given_name,
        born_on=pupil.born_on,
        minor=today < pupil.minor_until,
        school=state.school,
        level=state.level,
        school_year=state.school_year,
        state=state.state,
        guardians=guardians,
    )


def may_see(party: str, state: core.Student) -> bool:
    """Whether a party may see who this is: a school sees who is, or was last, its own."""
    return own_school(party) in ("", state.school)


def person(connection: Connection, of: Looking, look: Look) -> PersonShown | None:
    """A person, the look written down, as a refused one for whom the party may not see; None for
    him, and for whom nobody can.
    """
    found = _one(connection, of, look)
    return person_shown(found, of.today) if found else None


def _one(connection: Connection, of: Looking, look: Look) -> Shown | None:
    """Nothing of a person is opened for whom the party may not see. Raises Broken."""
    if look.student in of.erasures.names:
        return None
    if not may_see(look.party, store.student(connection, look.student)):
        there = store.persons(connection, [look.student])
        store.note_looks(connection, [_refused(look)] if there else [], of.now())
        return None
    found = register.one(connection, of.vault, look.student)
    store.note_looks(connection, [look] if found else [], of.now())
    return found


def _refused(look: Look) -> Look:
    return replace(look, what=f"{look.what}-refused")


def names(connection: Connection, of: Looking, looks: Sequence[Look]) -> dict[str, str]:
    """Names for pages, by pseudonym: of those whom the party may see."""
    asked = {one.student: one for one in looks if one.student not in of.erasures.names}
    found = register.several(connection, of.vault, asked)
    mine = [one for one in found if may_see(asked[one.pseudonym].party, one.state)]
    theirs = {one.pseudonym for one in found} - {one.pseudonym for one in mine}
    looks = [_refused(one) if name in theirs else one for name, one in asked.items()]
    known = {one.pseudonym for one in found}
    store.note_looks(connection, [one for one in looks if one.student in known], of.now())
    return {one.pseudonym: f"{one.pupil.given_name} {one.pupil.family_name}" for one in mine}


def search(
    connection: Connection, of: Looking, question: str, party: str, why: str
) -> tuple[list[PersonShown], bool]:
    """Persons whom a question means, and whether there are more; each a look of its own."""
    found = register.asked(connection, of.vault, question, own_school(party))
    shown = [one for one in found.students if one.pseudonym not in of.erasures.names]
    looks = [Look(party, one.pseudonym, "search", why) for one in shown]
    store.note_looks(connection, looks, of.now())
    return [person_shown(one, of.today) for one in shown], found.more


def export(connection: Connection, of: Looking, look: Look) -> Export | None:
    """Everything about a person, the look itself included; of one who was erased what is left, for
    the region; None for whom the party may not see.
    """
    state = store.student(connection, look.student)
    found = _one(connection, of, look)
    gone = found is None and state.school is not None and not own_school(look.party)
    if found is None and not gone:
        return None
    pupil = found.pupil if found else None
    return Export(
        student=student_shown(look.student, state),
        person=person_shown(found, of.today) if found else None,
        ine=pupil.ine if pupil else None,
        directory_id=pupil.source if pupil else None,
        postcode=pupil.postcode if pupil else None,
        guardian_ids=[one.source for one in (pupil.guardians if pupil else None) or ()],
        facts=[_fact(said) for said in store.life(connection, look.student)],
        looked_at=[LookShown(**one) for one in store.looks_at(connection, look.student)],
    )


def _fact(said: Said) -> FactShown:
    told = msgspec.to_builtins(said.fact)
    return FactShown(told.pop("type"), said.happened_at, said.source, told)
