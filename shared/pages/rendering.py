"""From values to HTML: one configured Jinja2 for all pages, and what a template may call.

A template speaks French through `say`; English stands beside the templates, in `english.toml`.
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from msgspec import Struct

from shared.pages import french, life_line, refusals, static

SHARED_TEMPLATES = Path(__file__).parent / "templates"
WORDS = "english.toml"


class Entry(Struct, frozen=True):
    """A place in the navigation; its label in French. `within`: what else belongs to it, by how
    its path begins; `roles`: who may see it, all where none is named.
    """

    label: str
    path: str
    within: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()

    def for_whom(self, party: str) -> bool:
        """Whether it is shown to a party; to nobody in particular, who is asked for a key there."""
        return not self.roles or not party or party.partition(":")[0] in self.roles

    def current(self, path: str) -> str:
        """As aria-current says it: whether a page is this place, or is in it."""
        if path == self.path:
            return "page"
        places = (self.path, *self.within)
        inside = any(path.startswith(f"{place.rstrip('/')}/") for place in places if place != "/")
        return "true" if inside else ""


class Site(Struct, frozen=True):
    """What a service's pages have in common. `search`: the page that the header's field asks;
    `home`: where its name leads.
    """

    navigation: tuple[Entry, ...]
    search: str = ""
    home: str = "/"


class Visit(Struct, frozen=True):
    """Who looks, where and when. `as_of`: until when what is shown is true, if that is said;
    `party`: whose key the browser keeps, "" for nobody's; `names`: where it asks who somebody is.
    """

    path: str
    query: tuple[tuple[str, str], ...]
    now: datetime
    as_of: datetime | None = None
    party: str = ""
    names: str = ""

    @property
    def lang(self) -> str:
        asked = dict(self.query).get("lang", "fr")
        return asked if asked in french.LANGUAGES else "fr"

    @property
    def today(self) -> date:
        return self.now.astimezone(french.PARIS).date()


def environment(
    *folders: Path, site: Site, because: Mapping[str, str] | None = None
) -> Environment:
    """Templates of these folders and the shared ones. A missing value is an error, not a blank.
    `because`: what the codes of a service's own refusals say, as in refusals.BECAUSE.
    """
    every = (*folders, SHARED_TEMPLATES)
    made = Environment(
        loader=FileSystemLoader(every),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    words = english_words(every)
    said = {**refusals.BECAUSE, **(because or {})}
    made.globals.update(
        site=site,
        because=said,
        becauses=pass_context(partial(_becauses, said)),
        static=static.address,
        link=_link,
        here=_here,
        say=pass_context(partial(_say, words)),
        many=pass_context(partial(_many, words)),
        life_line=pass_context(partial(_life_line, words)),
        number=_spoken(french.number),
        percent=_spoken(french.percent),
        lasting=_spoken(french.lasting),
        day=_timed(french.day),
        moment=_timed(french.moment),
        hour=_timed(french.hour),
        ago=_ago,
        same_day=french.same_day,
    )
    return made


def sentences(templates: Environment) -> Mapping[str, str]:
    """What the codes of refusals say on these templates' pages."""
    said: Mapping[str, str] = templates.globals["because"]  # type: ignore[assignment]  # ours
    return said


def causes(templates: Environment, visit: Visit) -> dict[str, str] | None:
    """What the codes of refusals say, for a file where the detail stands beside; None in English,
    where the detail is all.
    """
    if visit.lang == "en":
        return None
    return {code: text.replace(" {detail}", "") for code, text in sentences(templates).items()}


def english_words(folders: Iterable[Path]) -> dict[str, str]:
    """French to English, of all folders; a folder named earlier wins."""
    found: dict[str, str] = {}
    for folder in folders:
        if (file := folder / WORDS).exists():
            found = {**tomllib.loads(file.read_text(encoding="utf-8")), **found}
    return found


def page(templates: Environment, template: str, visit: Visit, **shown: object) -> str:
    """A whole page as HTML."""
    return templates.get_template(template).render(visit=visit, **shown)


def url(path: str, query: Iterable[tuple[str, str]]) -> str:
    """A path of ours with its query, quoted; empty values are left out."""
    asked = urlencode([(key, value) for key, value in query if value])
    return quote(path, safe="/:") + (f"?{asked}" if asked else "")


def _visit(context: Context) -> Visit:
    visit: Visit = context["visit"]
    return visit


def _say(words: dict[str, str], context: Context, text: str, **parts: object) -> Markup:
    said = words.get(text, text) if _visit(context).lang == "en" else french.typeset(text)
    return Markup.escape(said).format(**parts) if parts else Markup.escape(said)


def _becauses(said: Mapping[str, str], context: Context) -> dict[str, str]:
    """What refusals say, for a script of a page; nothing where their English details are read."""
    in_french = _visit(context).lang == "fr"
    return {code: french.typeset(text) for code, text in said.items() if in_french}


def _many(words: dict[str, str], context: Context, count: int, one: str, more: str) -> Markup:
    # French says 0 and 1 in the singular, English only 1.
    single = count == 1 or (count == 0 and _visit(context).lang == "fr")
    return _say(
        words, context, one if single else more, n=french.number(count, _visit(context).lang)
    )


@pass_context
def _link(context: Context, path: str, query: Iterable[tuple[str, str]] = ()) -> str:
    kept = (("lang", "en"),) if _visit(context).lang == "en" else ()
    return url(path, (*query, *kept))


@pass_context
def _here(context: Context, path: str = "", **changes: str) -> str:
    """This very page, or `path`, with some of the query changed."""
    visit = _visit(context)
    query = {**dict(visit.query), **changes}
    return url(path or visit.path, query.items())


def _spoken(speak: Callable[[Any, str], str]) -> Callable[[Context, Any], str]:
    @pass_context
    def spoken(context: Context, value: Any) -> str:
        return speak(value, _visit(context).lang)

    return spoken


def _timed(speak: Callable[[Any, str], str]) -> Callable[[Context, Any], Markup]:
    @pass_context
    def timed(context: Context, at: Any) -> Markup:
        return french.time_tag(at, speak(at, _visit(context).lang))

    return timed


@pass_context
def _ago(context: Context, at: datetime) -> Markup:
    visit = _visit(context)
    return french.time_tag(at, french.ago(at, visit.now, visit.lang))


def _life_line(
    words: dict[str, str],
    context: Context,
    stations: tuple[life_line.Station, ...],
    branches: tuple[life_line.Branch, ...] = (),
) -> Markup:
    return life_line.drawn(stations, branches, partial(_say, words, context), _visit(context).lang)
