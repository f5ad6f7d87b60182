"""Ordering's files, row by row: the school directory, the
supplier's serial list, what schools need, the laptops of a line
admitted at once, or of an order called off.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from services.ordering import core
from shared.contracts import identifiers
from shared.contracts.identifiers import Makers
from shared.decisions import Claim
from shared.transact import Verdict
from shared.worker import Import, Row

SCHOOL_COLUMNS = (
    "uai",
    "nom",
    "type",
    "secteur",
    "academie",
    "departement",
    "code_insee",
    "commune",
    "code_postal",
)


NEED_COLUMNS = ("uai", "newcomers", "stock_back", "decided")

T = TypeVar("T")


class Admission(msgspec.Struct, frozen=True):
    """What the job of a large admission is about."""

    order: str
    line: str
    school_year: str
    id: str
    decided_at: datetime
    decided_by: str
    trace: str = ""


class Cancellation(msgspec.Struct, frozen=True):
    """What the job of a large cancellation is about."""

    order: str
    school_year: str
    id: str
    trace: str = ""


def imports(makers: Makers) -> dict[str, Import]:
    """Each kind of file that ordering takes in."""

    def serial(job: Mapping[str, Any], row: Row, now: datetime) -> Claim | Verdict:
        try:
            laptop = makers.laptop(row["maker"], row["serial"])
            command = core.AnnounceLaptop(
                job["about"], row["line"], identifiers.label(row["model"])
            )
        except ValueError as trouble:
            return Verdict("refused", "invalid", str(trouble))
        return Claim(job["party"], f"{job['about']}/{laptop}", laptop, now, command, stated=False)

    serials = ("line", "maker", "serial", "model")
    return {
        "schools": Import(SCHOOL_COLUMNS, ("uai", "nom", "departement", "commune"), _school),
        "serials": Import(serials, serials, serial),
        "needs": Import(NEED_COLUMNS, NEED_COLUMNS[:2], _need),
        "admissions": Import(("key",), ("key",), _admission),
        "cancellations": Import(("key",), ("key",), _cancellation),
    }


def _school(job: Mapping[str, Any], row: Row, now: datetime) -> Claim | Verdict:
    try:
        uai = identifiers.uai(row["uai"])
        command = core.ListSchool(
            name=identifiers.label(row["nom"]),
            kind=row.get("type", ""),
            sector=row.get("secteur", ""),
            academy=row.get("academie", ""),
            department=row["departement"].zfill(2),
            insee_code=row.get("code_insee", ""),
            town=identifiers.label(row["commune"]),
            postcode=_postcode(row.get("code_postal", "")),
        )
    except ValueError as trouble:
        return Verdict("refused", "invalid", str(trouble))
    return Claim(job["party"], f"{job['id']}/{uai}", f"school:{uai}", now, command, stated=False)


def _postcode(text: str) -> str:
    """Five digits; a zero that a spreadsheet took is given back."""
    return text.zfill(5) if text.isdecimal() else text


def _need(job: Mapping[str, Any], row: Row, now: datetime) -> Claim | Verdict:
    try:
        uai = identifiers.uai(row["uai"])
        newcomers, back, decided = (_count(row.get(name, ""), name) for name in NEED_COLUMNS[1:])
    except ValueError as trouble:
        return Verdict("refused", "invalid", str(trouble))
    if newcomers is None:
        return Verdict("refused", "invalid", "newcomers is empty: say 0 where there are none")
    command = core.StateNeed(uai, newcomers, back, decided)
    subject = f"campaign:{job['about']}"
    return Claim(job["party"], f"{job['id']}/{uai}", subject, now, command, stated=False)


def _count(text: str, name: str) -> int | None:
    """A number of laptops or pupils, None where a cell is empty. Raises ValueError."""
    if text and not (text.isdecimal() and text.isascii() and len(text) <= 5):
        raise ValueError(f"{name} is {text[:20]!r}: a whole number from 0 to 99999 is expected")
    return int(text) if text else None


def _admission(job: Mapping[str, Any], row: Row, _now: datetime) -> Claim | Verdict:
    return admission_of(job["party"], _about(job, Admission), row["key"])


def admission_of(party: str, given: Admission, laptop: str) -> Claim:
    """What the admission of a line means for a laptop of it."""
    command = core.AdmitLaptop(
        given.order, given.line, given.school_year, given.decided_by, standing=True
    )
    return Claim(party, given.id, laptop, given.decided_at, command, trace=given.trace)


def _cancellation(job: Mapping[str, Any], row: Row, now: datetime) -> Claim | Verdict:
    return cancellation_of(job["party"], _about(job, Cancellation), row["key"], now)


def cancellation_of(party: str, given: Cancellation, laptop: str, now: datetime) -> Claim:
    """What the cancellation of an order means for a laptop of it."""
    command = core.CancelLaptop(given.order, given.school_year)
    return Claim(party, given.id, laptop, now, command, stated=False, trace=given.trace)


def _about(job: Mapping[str, Any], kind: type[T]) -> T:
    return msgspec.json.decode(job["about"], type=kind)
