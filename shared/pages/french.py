"""Dates and numbers as people say them: French first, English by the switch; Paris time. Pure."""

import re
from datetime import date, datetime
from unicodedata import combining, normalize
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit
from markupsafe import Markup

from shared.contracts import identifiers

PARIS = ZoneInfo("Europe/Paris")
LANGUAGES = ("fr", "en")

_LOCALES = {"fr": Locale("fr"), "en": Locale("en", "GB")}
_MOMENT = {"fr": "EEE d MMM y, H 'h' mm", "en": "EEE d MMM y, HH:mm"}
_HOUR = {"fr": "H 'h' mm", "en": "HH:mm"}

MINUTE, HOUR, DAY = 60, 3_600, 86_400
# A unit, the length from which it is said, its own length: up to two days people count in hours.
_UNITS = (("day", 2 * DAY, DAY), ("hour", HOUR, HOUR), ("minute", MINUTE, MINUTE), ("second", 0, 1))
_JUST_NOW = {"fr": "à l'instant", "en": "just now"}
_BEFORE = {"fr": "il y a {}", "en": "{} ago"}
_AHEAD = {"fr": "dans {}", "en": "in {}"}

_HIGH_SIGNS = re.compile(r" ([:;?!»])")


def number(value: int, lang: str = "fr") -> str:
    """42225 as "42 225", held together by narrow no-break spaces."""
    return format_decimal(value, locale=_LOCALES[lang])


def percent(share: float, lang: str = "fr") -> str:
    """A share between 0 and 1 as "62 %". Only all is 100 %, only nothing is 0 %."""
    if 0 < share < 1:
        share = min(max(share, 0.01), 0.99)
    return format_percent(share, format=None if lang == "en" else "#,##0 %", locale=_LOCALES[lang])


def day(at: date, lang: str = "fr") -> str:
    """ "1 sept. 2020"; of an instant, its day in Paris."""
    local = _in_paris(at).date() if isinstance(at, datetime) else at
    return format_date(local, "d MMM y", locale=_LOCALES[lang])


def moment(at: datetime, lang: str = "fr") -> str:
    """ "mar. 1 sept. 2020, 8 h 12". Raises ValueError for an instant without an offset."""
    return format_datetime(_in_paris(at), _MOMENT[lang], tzinfo=PARIS, locale=_LOCALES[lang])


def hour(at: datetime, lang: str = "fr") -> str:
    """ "8 h 12"."""
    return format_datetime(_in_paris(at), _HOUR[lang], tzinfo=PARIS, locale=_LOCALES[lang])


def ago(at: datetime, now: datetime, lang: str = "fr") -> str:
    """ "il y a 3 h", "dans 2 j", "à l'instant"."""
    seconds = (_in_paris(at) - _in_paris(now)).total_seconds()
    if abs(seconds) < MINUTE:
        return _JUST_NOW[lang]
    return (_BEFORE if seconds < 0 else _AHEAD)[lang].format(lasting(abs(seconds), lang))


def lasting(seconds: float, lang: str = "fr") -> str:
    """A length of time, 0 or more, in its largest unit, rounded down: "3 h", "9 j"."""
    unit, length = next((unit, length) for unit, least, length in _UNITS if seconds >= least)
    said = format_unit(int(seconds // length), unit, length="short", locale=_LOCALES[lang])
    return " ".join(said.split())


def same_day(one: datetime, other: datetime) -> bool:
    """Whether both instants fall on one day in Paris."""
    return _in_paris(one).date() == _in_paris(other).date()


def exact(at: date) -> str:
    """RFC 3339 with Paris's offset, to the second; a day stays a day."""
    if isinstance(at, datetime):
        return _in_paris(at).isoformat(timespec="seconds")
    return at.isoformat()


def time_tag(at: date, said: str) -> Markup:
    """What is said, with the exact time for machines and on hover."""
    return Markup('<time datetime="{0}" title="{0}">{1}</time>').format(exact(at), said)


def typeset(text: str) -> str:
    """French as a printer sets it: no line begins with a high sign, apostrophes curl."""
    held = _HIGH_SIGNS.sub("\N{NO-BREAK SPACE}\\1", text).replace("« ", "«\N{NO-BREAK SPACE}")
    return held.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")


def sortable(name: str) -> str:
    """A name as a French list sorts it: Épinal stands beside Epernay, not behind Z."""
    return "".join(one for one in normalize("NFD", name) if not combining(one)).casefold()


def holds(text: str, sought: str) -> bool:
    """Whether a text holds what somebody looks for, who need not type its accents and hyphens."""
    wanted = identifiers.plain(sought)
    return bool(wanted) and wanted in identifiers.plain(text)


def _in_paris(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no offset: it is no instant")
    return at.astimezone(PARIS)
