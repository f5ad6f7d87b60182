"""A laptop's life as a line of stations: left to right on a desk, top to bottom on a phone. Pure.

Everything is placed along the life and aside of it; only a sheet knows which way it lies, so that
what is added later (a branch, a junction, a parallel line) is drawn once for both. Who listens
instead of looking gets the same as a list.
"""

import math
import textwrap
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import accumulate, pairwise
from typing import Literal

from markupsafe import Markup
from msgspec import Struct

from shared.pages import french

State = Literal["passed", "present", "to-come", "broken"]

SPOKEN: dict[State, str] = {
    "passed": "passé",
    "present": "maintenant",
    "to-come": "à venir",
    "broken": "rupture",
}

FAR = 1.4  # a stretch of years is that much longer than one step
RADIUS = 7.0
CLEAR = 18.0  # from the line to the first tail, past the ring
LANE = 12.0  # from tail to tail
BESIDE = 22.0  # from the line to a branch, and from there to a loan
LEADING = 21.0  # from one line of words to the next


class Station(Struct, frozen=True):
    """One stop; its label in French. `broken`: the life left the line here (missing, refused).

    `at`: when it happened. `learned_at`: when we heard of it, given only when that was late.
    `far`: years lie between the station before and this one.
    """

    key: str
    label: str
    state: State
    at: datetime | None = None
    learned_at: datetime | None = None
    far: bool = False


class Branch(Struct, frozen=True):
    """Something beside the line, its label in French: a repair leaves the line and rejoins it, a
    loan runs beside it. `ended_at`: None while it lasts; `parallel`: on the lane of loans.
    """

    label: str
    begun_at: datetime
    ended_at: datetime | None = None
    parallel: bool = False


class Voice(Struct, frozen=True):
    """The language spoken: `say` gives a French sentence in it, escaped."""

    say: Callable[..., Markup]
    lang: str


class Paper(Struct, frozen=True):
    """A sheet in pixels. `step`: between stations, where `longest` leaves room.

    `margin`: at both ends; `words_room`: beside the line; `letters`: in one line of words.
    """

    name: str
    upright: bool
    longest: float
    step: float
    margin: float
    words_room: float
    letters: int


class Sheet(Struct, frozen=True):
    """A paper with the life line on it, `line` pixels from its edge."""

    paper: Paper
    line: float

    def place(self, along: float, aside: float = 0.0) -> tuple[float, float]:
        across = self.line + aside
        return (across, along) if self.paper.upright else (along, across)


DESK = Paper("desk", upright=False, longest=1120, step=120, margin=56, words_room=130, letters=13)
PHONE = Paper(
    "phone", upright=True, longest=math.inf, step=80, margin=20, words_room=270, letters=40
)


def drawn(
    stations: Sequence[Station],
    branches: Sequence[Branch],
    say: Callable[..., Markup],
    lang: str,
) -> Markup:
    """The figure: a list, and two drawings of which one is shown; what is beside the line is named
    under it. At least one station.
    """
    voice = Voice(say, lang)
    drawings = (_drawing(stations, branches, paper, voice) for paper in (DESK, PHONE))
    return Markup('<figure class="life-line">{}{}{}{}</figure>').format(
        _listed(stations, voice), *drawings, _named(branches, voice)
    )


def _named(branches: Sequence[Branch], voice: Voice) -> Markup:
    if not branches:
        return Markup("")
    items = (Markup("<li>{}</li>").format(_lasted(branch, voice)) for branch in branches)
    return Markup('<ul class="branches">{}</ul>').format(Markup("").join(items))


def _lasted(branch: Branch, voice: Voice) -> Markup:
    label, begun = voice.say(branch.label), _short(branch.begun_at, voice.lang)
    if branch.ended_at is None:
        return voice.say("{label}, depuis le {day}", label=label, day=begun)
    ended = _short(branch.ended_at, voice.lang)
    return voice.say("{label}, du {day} au {end}", label=label, day=begun, end=ended)


def _listed(stations: Sequence[Station], voice: Voice) -> Markup:
    items = (Markup("<li>{}</li>").format(_told(station, voice)) for station in stations)
    return Markup('<ol class="visually-hidden">{}</ol>').format(Markup("").join(items))


def _told(station: Station, voice: Voice) -> Markup:
    named = voice.say(
        "{label} ({state})",
        label=voice.say(station.label),
        state=voice.say(SPOKEN[station.state]),
    )
    return Markup(", ").join((named, *_dates(station, french.moment, voice)))


def _dates(
    station: Station, speak: Callable[[datetime, str], str], voice: Voice
) -> Iterator[Markup]:
    if station.at:
        yield Markup.escape(speak(station.at, voice.lang))
    elif station.state == "passed":
        yield voice.say("date inconnue")
    if station.learned_at:
        yield voice.say("appris le {when}", when=speak(station.learned_at, voice.lang))


def _drawing(
    stations: Sequence[Station], branches: Sequence[Branch], paper: Paper, voice: Voice
) -> Markup:
    places = _places(stations, paper)
    tails = _tails(stations, places, paper)
    beside = BESIDE * max((2 if one.parallel else 1 for one in branches), default=0)
    # Branches and tails on one side of the line, words on the other.
    sheet = Sheet(paper, beside + LANE * len(tails) + CLEAR)
    marks = [
        *_segments(stations, places, sheet),
        *_branches(stations, branches, places, sheet),
        *(
            _tail(start, end, beside + LANE * lane, sheet)
            for lane, (start, end) in enumerate(tails)
        ),
        *(_stop(*stop, sheet, voice) for stop in zip(stations, places, strict=True)),
    ]
    end = places[-1] + paper.margin + (LEADING if paper.upright else 0)
    width, height = sheet.place(end, paper.words_room)
    return Markup(
        '<svg class="on-{0}" width="{1:.0f}" height="{2:.0f}" viewBox="0 0 {1:.0f} {2:.0f}"'
        ' aria-hidden="true">{3}</svg>'
    ).format(paper.name, width, height, Markup("").join(marks))


def _places(stations: Sequence[Station], paper: Paper) -> list[float]:
    strides = [0.0, *(FAR if station.far else 1.0 for station in stations[1:])]
    step = min(paper.step, (paper.longest - 2 * paper.margin) / max(sum(strides), 1))
    return [paper.margin + step * strode for strode in accumulate(strides)]


def _tails(
    stations: Sequence[Station], places: Sequence[float], paper: Paper
) -> list[tuple[float, float]]:
    """From where a late fact happened to where the life stood when we learned it."""
    stops = list(zip(stations, places, strict=True))
    tails = []
    for late, start in stops:
        if late.learned_at:
            stood = [place for stop, place in stops if stop.at and stop.at <= late.learned_at]
            tails.append((start, max(start, *stood) + paper.step / 2))
    return tails


def _segments(
    stations: Sequence[Station], places: Sequence[float], sheet: Sheet
) -> Iterator[Markup]:
    walked = [index for index, station in enumerate(stations) if station.state != "to-come"]
    here = max(walked, default=0)
    for index, (start, end) in enumerate(pairwise(places)):
        ahead = "years" if stations[index + 1].far else "ahead"
        gap = RADIUS + 6
        ends = (sheet.place(start + gap), sheet.place(end - gap))
        yield _path("walked" if index < here else ahead, ends)


def _branches(
    stations: Sequence[Station],
    branches: Sequence[Branch],
    places: Sequence[float],
    sheet: Sheet,
) -> Iterator[Markup]:
    """Each in the stretch of the line in which it began, those of one stretch side by side."""
    stretches: dict[int, list[Branch]] = {}
    for branch in sorted(branches, key=lambda one: one.begun_at):
        passed = [n for n, stop in enumerate(stations) if stop.at and stop.at <= branch.begun_at]
        stretches.setdefault(max(passed, default=0), []).append(branch)
    for index, inside in stretches.items():
        start = places[index] + RADIUS * 2
        room = places[index + 1] - RADIUS * 2 - start if index + 1 < len(places) else BESIDE
        for number, branch in enumerate(inside):
            begin = start + room * number / len(inside)
            yield _beside(branch, begin, begin + room * 0.8 / len(inside), sheet)


def _beside(branch: Branch, begin: float, end: float, sheet: Sheet) -> Markup:
    """A branch leaves the line and, where it has ended, rejoins it."""
    aside = -BESIDE * (2 if branch.parallel else 1)
    slope = min(BESIDE / 2, (end - begin) / 3)
    run = [sheet.place(begin), sheet.place(begin + slope, aside), sheet.place(end - slope, aside)]
    if branch.ended_at is not None:
        return _path("branch", [*run, sheet.place(end)])
    x, y = sheet.place(end - slope, aside)
    here = Markup('<circle class="branch open" cx="{:.1f}" cy="{:.1f}" r="4"/>').format(x, y)
    return _path("branch", run) + here


def _tail(start: float, end: float, further: float, sheet: Sheet) -> Markup:
    aside = -CLEAR - further
    run = (sheet.place(start, -RADIUS), sheet.place(start, aside), sheet.place(end, aside))
    return _path("tail", run, (sheet.place(end, aside - 4), sheet.place(end, aside + 4)))


def _stop(station: Station, along: float, sheet: Sheet, voice: Voice) -> Markup:
    x, y = sheet.place(along)
    hover = Markup(", ").join((voice.say(station.label), *_dates(station, french.moment, voice)))
    undated = station.state == "passed" and not station.at
    return Markup('<g class="{}{}"><title>{}</title>{}{}</g>').format(
        station.state,
        " undated" if undated else "",
        hover,
        _cross(x, y) if station.state == "broken" else _disc(station, x, y),
        _words(station, along, sheet, voice),
    )


def _disc(station: Station, x: float, y: float) -> Markup:
    circle = Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="{}"/>')
    ring = circle.format("ring", x, y, RADIUS + 5) if station.state == "present" else ""
    return circle.format("disc", x, y, RADIUS) + ring


def _cross(x: float, y: float) -> Markup:
    arm = RADIUS
    return _path(
        "cross",
        ((x - arm, y - arm), (x + arm, y + arm)),
        ((x - arm, y + arm), (x + arm, y - arm)),
    )


def _words(station: Station, along: float, sheet: Sheet, voice: Voice) -> Markup:
    names = _wrapped(voice.say(station.label), sheet.paper)
    dates = [
        part for line in _dates(station, _short, voice) for part in _wrapped(line, sheet.paper)
    ]
    x, y = sheet.place(along)
    x, y = (x + 28, y + 6) if sheet.paper.upright else (x, y + 36)
    span = Markup('<tspan class="{}" x="{:.1f}" y="{:.1f}">{}</tspan>')
    styled = [*(("name", name) for name in names), *(("date", date) for date in dates)]
    spans = [
        span.format(style, x, y + LEADING * row, line) for row, (style, line) in enumerate(styled)
    ]
    return Markup("<text>{}</text>").format(Markup("").join(spans))


def _short(at: datetime, lang: str) -> str:
    return french.day(at, lang).replace(" ", "\N{NO-BREAK SPACE}")


def _wrapped(line: Markup, paper: Paper) -> list[str]:
    return textwrap.wrap(
        line.unescape(), paper.letters, break_long_words=False, break_on_hyphens=False
    )


def _path(kind: str, *strokes: Sequence[tuple[float, float]]) -> Markup:
    strokes_drawn = "".join(
        "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in stroke) for stroke in strokes
    )
    return Markup('<path class="{}" d="{}"/>').format(kind, strokes_drawn)
