"""Acts on handovers as they are sent, whichever way they come: read into claims. And the secrets of
a handover: the code given at school, the word that opens the student's own page.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from msgspec import Struct

from services.handover import core
from services.handover.store import Found
from shared.asking import NotTakenError, id_of, past, taken
from shared.contracts import handover, identifiers
from shared.contracts.identifiers import LaptopItem, Makers
from shared.contracts.strict import convert
from shared.decisions import Claim
from shared.transact import Verdict

WORD = 32  # hexadecimal digits


class ActItem(Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked of a handover, or came back; which fields an act takes stands in ACTS. `minor`:
    whether the student is under age on this day, as the school says.
    """

    id: str
    happened_at: datetime
    minor: bool | None = None
    code: str | None = None
    student_signed_at: datetime | None = None
    guardian_signed_at: datetime | None = None
    institution: str | None = None
    returned: LaptopItem | None = None
    due_on: date | None = None
    tracking_form: str | None = None
    decided_by: str | None = None


class Act(Struct, frozen=True):
    """An act: the fields that it needs, those that it may have, and whether it tells what happened
    (a report) or asks for something (an intent).
    """

    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    report: bool = False


CODE = "code"  # draws another code: nothing is said of it
ACTS: Mapping[str, Act] = {
    "offer": Act(("minor",)),
    "code": Act(),
    "acceptance": Act(),
    "refusal": Act(may=("due_on",)),
    "signature": Act(("minor", "code"), ("student_signed_at", "guardian_signed_at")),
    "release": Act(),
    "certificate": Act(),
    "handing-over": Act(),
    "further-study": Act(("institution",)),
    "return-request": Act(may=("due_on",)),
    "return": Act(("returned",), report=True),
    "refurbishing": Act(),
    "scrapping": Act(("tracking_form",)),
    "write-off": Act(may=("decided_by",)),
}
_ALWAYS = ("id", "happened_at")


def reading(
    name: str, found: Found, raw: Any, party: str, makers: Makers, now: datetime
) -> tuple[Claim, str] | Verdict:
    """An act on a handover as a claim, and the code that came with it; or why it is refused."""

    def read() -> tuple[Claim, str]:
        item = convert(raw, ActItem)
        return _read(name, found, item, party, makers, now), (item.code or "").strip()

    return taken(read, raw)


def _read(
    name: str, found: Found, item: ActItem, party: str, makers: Makers, now: datetime
) -> Claim:
    known = ACTS[name]
    for field in ActItem.__struct_fields__:
        told = getattr(item, field) is not None
        if told and field not in (*known.needs, *known.may, *_ALWAYS):
            raise NotTakenError("invalid", f"/{field}: {name} does not take it")
        if not told and field in known.needs:
            raise NotTakenError("invalid", f"/{field}: {name} needs it")
    at = past("happened_at", item.happened_at, now)
    command = _command(name, found, item, party, makers, now)
    return Claim(party, id_of("id", item.id), found.laptop, at, command, report=known.report)


def _command(  # noqa: C901, PLR0911  a return for each act
    name: str, found: Found, item: ActItem, party: str, makers: Makers, now: datetime
) -> core.Command:
    number, year = found.number, found.handover.school_year or ""
    match name:
        case "offer" | "code":
            return core.Offer(number, bool(item.minor), year)
        case "acceptance":
            return core.Accept(number)
        case "refusal":
            return core.Refuse(number, item.due_on, year)
        case "signature":
            return _signature(number, item, now)
        case "release":
            return core.AskRelease(number)
        case "certificate":
            return core.Certify(number, year)
        case "handing-over":
            return core.HandOver(number, year)
        case "further-study":
            if item.institution not in handover.INSTITUTIONS:
                kinds = ", ".join(handover.INSTITUTIONS)
                raise NotTakenError("invalid", f"/institution: one of {kinds} is expected")
            return core.GoOn(number, item.institution)
        case "return-request":
            return core.AskReturn(number, item.due_on)
    return _back(name, number, item, party, makers)


def _signature(number: str, item: ActItem, now: datetime) -> core.Sign:
    """When each signed: the student with the act itself, where nothing else is said."""
    student = past("student_signed_at", item.student_signed_at or item.happened_at, now)
    guardian = item.guardian_signed_at
    signed = past("guardian_signed_at", guardian, now) if guardian else None
    return core.Sign(number, bool(item.minor), student, signed)


def _back(name: str, number: str, item: ActItem, party: str, makers: Makers) -> core.Command:
    if name == "return":
        brought = item.returned or LaptopItem("", "")
        return core.Return(number, makers.laptop(brought.maker, brought.serial))
    if name == "refurbishing":
        return core.Refurbish(number)
    if name == "scrapping":
        form = identifiers.document_name(item.tracking_form or "")
        return core.Scrap(number, form)
    decided_by = identifiers.label(item.decided_by) if item.decided_by else party
    return core.WriteOff(number, decided_by)


# -- secrets


@dataclass(frozen=True)
class Secrets:
    """What is derived from the service's own secret, and from it alone. `secret` answers it."""

    secret: Callable[[], bytes]

    def digest(self, number: str, code: str) -> str:
        """A code as it is kept: nobody reads it from the database, which has not the key."""
        said = f"code\n{number}\n{''.join(code.split())}".encode()
        return hmac.new(self.secret(), said, "sha256").hexdigest()

    def word(self, number: str) -> str:
        """What opens the student's own page of a handover: its number and a word."""
        said = hmac.new(self.secret(), f"mine\n{number}".encode(), "sha256").hexdigest()
        return f"{number}-{said[:WORD]}"

    def number(self, word: str) -> str | None:
        """The handover whose page a word opens; None where it opens none."""
        number = word.partition("-")[0]
        right = hmac.compare_digest(self.word(number).encode(), word.encode())
        return number if right and number else None
