"""Which student a pupil of a file is: the same as before, a newcomer, or a question. Pure.

The INE decides where both have one and the rest agrees. A refusal says what a person has to do; it
names pseudonyms and nobody.
"""

from collections.abc import Collection, Sequence
from datetime import date

from msgspec import Struct

from services.enrolment.core.pupils import YES, Pupil, Raw
from shared.contracts import identifiers
from shared.contracts.identifiers import plain
from shared.decisions import Refusal

# A school of which more than this share leaves at once was rather cut short; a small one may, but
# never as a whole.
MOST_LEAVING, FEW_LEAVING = 0.5, 10


class Known(Struct, frozen=True):
    """A student whom something of the row points at: what is known of the person, and by what he
    was found: ine, source, name.
    """

    pseudonym: str
    ine: str
    family_name: str
    given_name: str
    born_on: date
    school: str | None
    by: frozenset[str]


class Match(Struct, frozen=True):
    """Who a pupil is: `pseudonym`, "" for a newcomer; `note`: what a person should know of it."""

    pseudonym: str = ""
    note: str = ""


NEWCOMER = Match()
NUMBERS = ("ine", "source")  # each stands for one person, the first that decides before the other


def same_person(pupil: Pupil, known: Known) -> bool:
    """Whether name and birth date are the same."""
    told = (plain(pupil.family_name), plain(pupil.given_name), pupil.born_on)
    return told == (plain(known.family_name), plain(known.given_name), known.born_on)


def _alike(pupil: Pupil, known: Known) -> bool:
    """Whether birth date, or both names, are the same: one was mended, or somebody married."""
    names = (plain(pupil.family_name), plain(pupil.given_name))
    same = names == (plain(known.family_name), plain(known.given_name))
    return same or pupil.born_on == known.born_on


def matched(pupil: Pupil, found: Sequence[Known], raw: Raw) -> Match | Refusal:
    """Which of those that were found a pupil is, and what a person said of it in the row."""
    match = _matched(pupil, found, raw)
    return match if isinstance(match, Refusal) else _of_another(match, found) or match


def _matched(pupil: Pupil, found: Sequence[Known], raw: Raw) -> Match | Refusal:
    if raw.get("pseudonyme", "").strip():
        return _named_by_a_person(raw["pseudonyme"], found)
    for by in NUMBERS:
        if mine := [known for known in found if by in known.by]:
            return _by_number(pupil, mine, found, by)
    return _by_name(pupil, [known for known in found if same_person(pupil, known)], raw)


def _of_another(match: Match, found: Sequence[Known]) -> Refusal | None:
    """Why a pupil would take a number that stands for somebody else; None where he does not."""
    for by in NUMBERS:
        owners = [known.pseudonym for known in found if by in known.by]
        if owners and match.pseudonym not in owners:
            return _stands_for(by, owners[0])
    return None


def _stands_for(by: str, another: str) -> Refusal:
    detail = f"{by}: it stands for another person, student {another}: mend it"
    return Refusal(f"{by}-of-another", detail, f"/{by}")


def _named_by_a_person(text: str, found: Sequence[Known]) -> Match | Refusal:
    """The student whose pseudonym stands in the row."""
    try:
        pseudonym = identifiers.pseudonym(text)
    except ValueError as trouble:
        return Refusal("invalid", f"pseudonyme: {trouble}", "/pseudonyme")
    if any(known.pseudonym == pseudonym for known in found):
        return Match(pseudonym)
    return Refusal("unknown-student", "pseudonyme: no student has it", "/pseudonyme")


def _by_number(
    pupil: Pupil, mine: Sequence[Known], found: Sequence[Known], by: str
) -> Match | Refusal:
    """Whom a number stands for, if the rest agrees: wholly, or in part where it agrees wholly with
    nobody else. Twins have one birth date.
    """
    exact = [known for known in found if same_person(pupil, known)]
    alike = [known for known in mine if known in exact]
    alike = alike or [known for known in mine if not exact and _alike(pupil, known)]
    if not alike:
        return _stands_for(by, mine[0].pseudonym)
    if len(alike) > 1:
        return _ask("homonyms", alike, "name one in column pseudonyme")
    (known,) = alike
    other = bool(pupil.ine and known.ine and pupil.ine != known.ine)
    return Match(known.pseudonym, "ine-changed" if other else "")


def _by_name(pupil: Pupil, found: Sequence[Known], raw: Raw) -> Match | Refusal:
    """Name and birth date alone: whoever has another INE may be another person."""
    apart = raw.get("homonyme", "").strip().lower() in YES
    same = [known for known in found if not (pupil.ine and known.ine)]
    others = [known for known in found if pupil.ine and known.ine]
    here = [known for known in same if known.school == pupil.school]
    if apart and found and not pupil.ine:
        return _ask("homonyms", found, "two of one name are told apart by their INE alone: send it")
    if apart or not found:
        return NEWCOMER
    if len(here) == 1 and not others:
        return Match(here[0].pseudonym)
    if same:
        return _ask("homonyms", same, "send the INE, or name one in column pseudonyme")
    if two := [known for known in others if known.school == pupil.school]:
        advice = "if it is one person, name it in column pseudonyme; if not, say homonyme oui"
        return _ask("two-ines", two, advice)
    return Match(note="homonym")


def _ask(code: str, found: Sequence[Known], advice: str) -> Refusal:
    named = ", ".join(known.pseudonym for known in found[:5])
    detail = f"a student of this name and birth date is known as {named}: {advice}"
    return Refusal(code, detail)


def elsewhere(pupil: Pupil, places: Collection[str]) -> Refusal | None:
    """Why a pupil is not moved: an earlier row of the same file has him at another school."""
    if set(places) <= {pupil.school}:
        return None
    advice = "an earlier row of this file has this student at another school: leave one of them"
    return Refusal("two-schools", advice, "/uai")


def hides_somebody(no: str, read: Collection[str]) -> bool:
    """Whether a refused row that points at nobody may be of somebody who is known. `read`: by what
    it could point at somebody. Who is at a level or a school that gets no laptop is nobody of ours,
    if name and birth date can be read.
    """
    return "name" not in read or no not in ("unknown-level", "unknown-structure")


def held_back(leaving: int, at_school: int, unread: bool, confirmed: bool) -> Refusal | None:
    """Why those whom a whole file does not name are not said to have left; None where they are.
    `unread`: some row of the file may be of one of them.
    """
    if confirmed or not leaving:
        return None
    if unread:
        detail = (
            f"{leaving} students would leave, and a refused row of the file may be of one of them: "
            "mend it and send the file again"
        )
        return Refusal("unread-rows", detail)
    if leaving < at_school and leaving <= max(FEW_LEAVING, MOST_LEAVING * at_school):
        return None
    detail = (
        f"{leaving} of {at_school} students would leave: if the file is whole, send it again with "
        "leaving=confirmed"
    )
    return Refusal("too-many-would-leave", detail)
