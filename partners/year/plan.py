"""From a seed and a number of laptops to all that is sent in its years, and to the book. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from partners.directory import Pupil
from partners.year import (
    book,
    ending,
    enrolling,
    holding,
    intents,
    passing,
    pupils,
    stories,
    telling,
    world,
)
from partners.year.acts import Act
from partners.year.book import MARKS, Facts
from partners.year.enrolling import Night
from partners.year.passing import Standing, Year
from partners.year.pupils import Cohort
from partners.year.reports import Report, written
from partners.year.schoolyears import YEARS
from partners.year.spelling import laptop_of
from partners.year.world import END, World, on, pick, working_day

# Reports that are never sent, by kind.
LOST = {"in-transit": 0.04, "arrived": 0.04, "dispatched": 0.01}
DELAYED = 0.05  # reports sent one to six days late
TWICE = 0.05  # reports sent again, the same day or within five
RENAMED = 0.003  # events sent again under another id

BATCH_ITEMS = 500
BATCH_BYTES = 600_000  # well under the interface's 1 MiB
REPORT_BYTES, LAPTOP_BYTES = 350, 60


class Plan(Struct, frozen=True):
    """Years to be played.

    `acts` in the order of sending: orders, deliveries, hand-outs. `book`: the facts of each
    laptop (`hp/<SERIAL>`) when all is sent. `lost`: ids of reports that nobody sends. `refusable`:
    ids that the system has to refuse once. `examples`: laptops worth a look. `dropped`: the laptop
    whose one report stands in the book and is not sent, or "". `story_acts`, `stories`: acts and
    book of the lives that go another way. `desk_acts`: what a repair desk sends; `opened`: its
    incidents, each with its laptop and when it was reported. `pupil_acts`: the files of pupils, of
    the `nights`; `pupils`: whoever is in them. `end_acts`: how lycée ends, where it is
    played; `marks`: those that are compared; `ends_at`: the last instant of it.
    """

    run: str
    seed: int
    laptops: int
    acts: tuple[Act, ...]
    book: Mapping[str, Facts]
    lost: frozenset[str]
    refusable: frozenset[str]
    examples: Mapping[str, str]
    dropped: str
    story_acts: tuple[Act, ...]
    stories: Mapping[str, Facts]
    desk_acts: tuple[Act, ...]
    opened: Mapping[str, tuple[str, datetime]]
    pupil_acts: tuple[Act, ...]
    nights: tuple[Night, ...]
    pupils: tuple[Pupil, ...]
    end_acts: tuple[Act, ...]
    marks: tuple[str, ...]
    ends_at: datetime

    @property
    def every_act(self) -> list[Act]:
        """In the order of sending."""
        acts = (*self.acts, *self.story_acts, *self.desk_acts, *self.pupil_acts, *self.end_acts)
        return sorted(acts, key=lambda act: (act.at, act.id))

    @property
    def whole_book(self) -> Mapping[str, Facts]:
        return {**self.book, **self.stories}


def plan(seed: int, laptops: int, *, drop_one: bool = False, to_the_end: bool = True) -> Plan:
    """A cohort's three years. `drop_one` keeps a hand-out back that the book holds: one laptop must
    differ. Not `to_the_end`: its first year alone, and without how lycée ends, for which the
    services' clock has to be moved.
    """
    rng = Random(f"{seed}:{laptops}")  # noqa: S311 the same years for the same seed, no secret
    truth, cohort = _people_and_laptops(rng, seed, laptops)
    decided = intents.intents(rng, truth)
    lost, told = _lost(rng, telling.reports(rng, truth, cohort.meant))
    sent, lives = _disturbed(rng, told), _lives(told)
    spared = _droppable(sent)
    standing = _beginning(truth, cohort, lives, decided.admitted, spared)
    passed, facts = _passed(f"{seed}:{laptops}", truth, cohort, standing, to_the_end=to_the_end)
    dropped = spared if drop_one else None
    handed = [one for year in passed for one in year.hand_outs]
    acts = [*decided.acts, *_packed(rng, [one for one in (*sent, *handed) if one != dropped])]
    other_acts, other_book = stories.stories(truth, laptops, cohort.stories)
    nights = [night for year in passed for night in year.nights]
    refused = (one.refusable for year in passed for one in (year.work, year.end))
    return Plan(
        run=truth.run,
        seed=seed,
        laptops=laptops,
        acts=tuple(sorted(acts, key=lambda act: (act.at, act.id))),
        book=facts,
        lost=lost,
        refusable=frozenset({one.id for one in told if one.refusable}.union(*refused)),
        examples=_examples(truth, facts, passed, lives),
        dropped=laptop_of(dropped.serials[0]) if dropped else "",
        story_acts=tuple(other_acts),
        stories=other_book,
        desk_acts=tuple(act for year in passed for act in year.work.acts),
        opened={name: at for year in passed for name, at in year.work.opened.items()},
        pupil_acts=tuple(enrolling.files(truth.run, nights)),
        nights=tuple(nights),
        pupils=(*cohort.at_first, *(one for year in passed for one in _newcomers(cohort, year))),
        end_acts=tuple(act for year in passed for act in year.end.acts),
        marks=(*MARKS, *book.END_MARKS) if to_the_end else MARKS,
        ends_at=on(nights[-1].year.day(*ending.ENDS), 18),
    )


def _people_and_laptops(rng: Random, seed: int, laptops: int) -> tuple[World, Cohort]:
    truth = world.build(rng, seed, laptops)
    return truth, pupils.cohort(seed, laptops, truth, stories.schools(truth, laptops))


def _passed(
    dice: str, truth: World, cohort: Cohort, standing: Standing, *, to_the_end: bool
) -> tuple[list[Year], Mapping[str, Facts]]:
    """The years that are played, and what is true of each laptop after the last."""
    passed = []
    for year in YEARS if to_the_end else YEARS[:1]:
        coming = cohort.newcomers[year]
        one, standing = passing.a_year(dice, truth, year, standing, coming, to_the_end=to_the_end)
        passed.append(one)
    return passed, standing.facts


def _newcomers(cohort: Cohort, year: Year) -> Sequence[Pupil]:
    return cohort.newcomers[year.nights[0].year]


def _beginning(
    truth: World,
    cohort: Cohort,
    lives: Mapping[str, Sequence[Report]],
    admitted: frozenset[str],
    spared: Report | None,
) -> Standing:
    """How things stand when all is delivered and handed out."""
    facts = _book(truth, lives, admitted)
    stock: dict[str, list[str]] = defaultdict(list)
    covered_from = {}
    for line in truth.lines:
        for serial in line.serials:
            now = facts[laptop_of(serial)]
            if now.owner == "region":
                late = line.lot.listed_late_on if serial in truth.late else line.lot.admitted_on
                covered_from[serial] = working_day(max(late, line.lot.admitted_on), 6)
            if now.location == "at-school" and serial not in truth.never:
                stock[line.school.uai].append(serial)
    held = holding.handed_out(lives)
    if spared:
        held.pop(int(spared.student), None)
    return Standing(facts, held, covered_from, stock, tuple(cohort.at_first))


def _lost(rng: Random, meant: Sequence[Report]) -> tuple[frozenset[str], list[Report]]:
    """What nobody sends, and what is left."""
    ids = defaultdict(list)
    for report in meant:
        ids[report.kind].append(report.id)
    lost = frozenset(one for kind, rate in LOST.items() for one in pick(rng, ids[kind], rate))
    return lost, [report for report in meant if report.id not in lost]


def _lives(told: Iterable[Report]) -> dict[str, list[Report]]:
    lives = defaultdict(list)
    for report in told:
        if not report.refusable:
            for serial in report.serials:
                lives[serial].append(report)
    return lives


def _book(
    truth: World, lives: Mapping[str, Sequence[Report]], admitted: frozenset[str]
) -> dict[str, Facts]:
    return {
        laptop_of(serial): book.facts(
            lives.get(serial, ()),
            listed=serial not in truth.never,
            admitted=serial in admitted,
        )
        for line in truth.lines
        for serial in line.serials
    }


def _disturbed(rng: Random, told: Sequence[Report]) -> list[Report]:
    """What the system gets to see: some of it late, some of it again."""
    # What is refused first and sent mended later keeps that order.
    delicate = {report.id for report in told if report.refusable}
    plain = [report for report in told if report.id not in delicate]
    days = {report.id: rng.randint(1, 6) for report in pick(rng, plain, DELAYED)}
    sent = [_later(report, days.get(report.id, 0)) for report in told]
    plain = [report for report in sent if report.id not in delicate]
    for report in pick(rng, plain, TWICE):
        sent.append(_later(replace(report, typed=1), rng.randint(0, 5)))
    for report in pick(rng, [event for event in plain if event.kind != "handed-out"], RENAMED):
        sent.append(_later(replace(report, id=f"{report.id}-bis"), 1))
    return sent


def _later(report: Report, days: int) -> Report:
    return replace(report, sent_at=min(report.sent_at + timedelta(days=days), END))


def _droppable(sent: Sequence[Report]) -> Report | None:
    """A hand-out that is sent only once: its laptop's last report, and no other laptop's."""
    times = Counter(report.id for report in sent)
    handed_out = (report for report in sent if report.kind == "handed-out")
    return next((one for one in handed_out if times[one.id] == 1 and not one.refusable), None)


def _packed(rng: Random, sent: Iterable[Report]) -> Iterator[Act]:
    """A party sends what a day brought in as few requests as it may, in no order."""
    days: dict[tuple[date, str, str], list[Report]] = defaultdict(list)
    for report in sent:
        path = "/api/hand-outs" if report.kind == "handed-out" else "/api/delivery-events"
        days[report.sent_at.date(), report.party, path].append(report)
    for (day, party, path), reports in sorted(days.items()):
        rng.shuffle(reports)
        envelope = "hand_outs" if path == "/api/hand-outs" else "events"
        for number, batch in enumerate(_batches(reports)):
            yield Act(
                id=f"{party}-{day}-{envelope}-{number}",
                at=max(report.sent_at for report in batch),
                party=party,
                service="delivery",
                path=path,
                body={envelope: [written(report) for report in batch]},
                items=len(batch),
            )


def _batches(reports: Iterable[Report]) -> Iterator[list[Report]]:
    batch: list[Report] = []
    size = 0
    for report in reports:
        own = REPORT_BYTES + (0 if report.whole else LAPTOP_BYTES * len(report.serials))
        if batch and (len(batch) == BATCH_ITEMS or size + own > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(report)
        size += own
    if batch:
        yield batch


WHOLE_WAY = {"announced", "dispatched", "in-transit", "arrived", "received", "handed-out"}


def _examples(
    truth: World,
    facts: Mapping[str, Facts],
    passed: Sequence[Year],
    lives: Mapping[str, Sequence[Report]],
) -> dict[str, str]:
    """The first laptop of each kind that a person may want to look at. An ordinary life goes the
    whole way, and the furthest that it went in the years that are played.
    """
    late = {laptop_of(serial) for serial in truth.late}
    at_desks = {name for year in passed for name in year.work.book}
    at_ends = {name for year in passed for name in year.end.book}
    apart = {name: now for name, now in facts.items() if name not in at_desks | at_ends}
    ordinary = [
        laptop_of(serial)
        for serial, life in lives.items()
        if {one.kind for one in life} >= WHOLE_WAY and laptop_of(serial) not in late | at_desks
    ]
    furthest = [name for name in ordinary if book.disposition(facts[name]) == "further-study"]
    home = (name for name, now in apart.items() if now.location == "with-student" and name in late)
    ends = [year.end.examples for year in reversed(passed)]
    at_the_end = {what: name for examples in ends for what, name in examples.items()}
    found = {
        "an ordinary life": next(iter([*furthest, *ordinary]), ""),
        "scanned before its announcement": next(home, ""),
        "missing": next((name for name, now in apart.items() if now.location == "missing"), ""),
        **passed[0].work.examples,
        **{what: at_the_end.get(what, "") for what in ending.LOOKED_AT},
    }
    return {kind: name for kind, name in found.items() if name}
