"""From a seed and a number of laptops to all that is sent in the year, and to the book. Pure."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from partners.directory import Pupil
from partners.year import (
    book,
    desks,
    ending,
    enrolling,
    intents,
    newcomers,
    pupils,
    stories,
    telling,
    world,
)
from partners.year import holding as holdings
from partners.year.acts import Act
from partners.year.book import MARKS, Facts
from partners.year.desks import Home, Work
from partners.year.ending import End
from partners.year.enrolling import Night
from partners.year.holding import Held
from partners.year.pupils import Cohort
from partners.year.reports import Report, written
from partners.year.world import END, World, pick, working_day

# Reports that are never sent, by kind.
LOST = {"in-transit": 0.04, "arrived": 0.04, "dispatched": 0.01}
DELAYED = 0.05  # reports sent one to six days late
TWICE = 0.05  # reports sent again, the same day or within five
RENAMED = 0.003  # events sent again under another id

BATCH_ITEMS = 500
BATCH_BYTES = 600_000  # well under the interface's 1 MiB
REPORT_BYTES, LAPTOP_BYTES = 350, 60


class Plan(Struct, frozen=True):
    """A year to be played.

    `acts` in the order of sending. `book`: the five facts of each laptop (`hp/<SERIAL>`) when all
    is sent. `lost`: ids of reports that nobody sends. `refusable`: ids that the system has to
    refuse once. `examples`: laptops worth a look. `dropped`: the laptop whose one report stands in
    the book and is not sent, or "". `story_acts`,
    `stories`: acts and book of the lives that go another way. `desk_acts`: what a repair desk
    sends; `opened`: its incidents, each with its laptop and when it was reported. `pupil_acts`: the
    files of pupils; `pupils`: whoever is in them, `staying` in the last. `end`: how lycée ends,
    where it is played; `marks`: those that are compared.
    """

    run: str
    seed: int
    laptops: int
    acts: tuple[Act, ...]
    book: Mapping[str, Facts]
    lost: frozenset[str]
    refusable: frozenset[str]
    examples: Mapping[str, str]
    dropped: str = ""
    story_acts: tuple[Act, ...] = ()
    stories: Mapping[str, Facts] = {}
    desk_acts: tuple[Act, ...] = ()
    opened: Mapping[str, tuple[str, datetime]] = {}
    pupil_acts: tuple[Act, ...] = ()
    pupils: tuple[Pupil, ...] = ()
    staying: frozenset[int] = frozenset()
    end: End = End()
    marks: tuple[str, ...] = MARKS

    @property
    def every_act(self) -> list[Act]:
        """In the order of sending."""
        acts = (*self.acts, *self.story_acts, *self.desk_acts, *self.pupil_acts, *self.end.acts)
        return sorted(acts, key=lambda act: (act.at, act.id))

    @property
    def whole_book(self) -> Mapping[str, Facts]:
        return {**self.book, **self.stories, **self.end.book}


def plan(seed: int, laptops: int, *, drop_one: bool = False, to_the_end: bool = True) -> Plan:
    """The year. `drop_one` keeps a hand-out back that the book holds: one laptop must differ.
    `to_the_end`: with how lycée ends, for which the services' clock has to be moved.
    """
    rng = Random(f"{seed}:{laptops}")  # noqa: S311 the same year for the same seed, nothing is secret
    truth = world.build(rng, seed, laptops)
    cohort = pupils.cohort(seed, laptops, truth, stories.schools(truth, laptops))
    decided = intents.intents(rng, truth)
    meant = telling.reports(rng, truth, cohort.meant)
    lost, told = _lost(rng, meant)
    lives = _lives(told)
    facts, worked, coming = _lived(seed, truth, cohort, lives, decided.admitted)
    sent = [*_disturbed(rng, told), *coming]
    spared = _droppable(sent, worked.book)
    dropped = spared if drop_one else None
    acts = [*decided.acts, *_packed(rng, [one for one in sent if not _same(one, dropped)])]
    now = {**facts, **worked.book}
    holding = holdings.held(lives, worked.told, spared.student if spared else "")
    nights, end = _left(seed, truth, cohort, holding, now, frozenset(worked.book))
    last, others = end if to_the_end else End(), stories.stories(truth, laptops, cohort.stories)
    return Plan(
        run=truth.run,
        seed=seed,
        laptops=laptops,
        acts=tuple(sorted(acts, key=lambda act: (act.at, act.id))),
        book=now,
        lost=lost,
        refusable=last.refusable | worked.refusable | {one.id for one in told if one.refusable},
        examples=_examples(truth, facts, worked, last),
        story_acts=tuple(others[0]),
        stories=others[1],
        desk_acts=worked.acts,
        opened=worked.opened,
        end=last,
        marks=(*MARKS, *book.END_MARKS) if to_the_end else MARKS,
        pupil_acts=tuple(enrolling.files(truth.run, nights)),
        pupils=(*cohort.at_first, *cohort.newcomers),
        staying=frozenset(one.number for one in nights[-1].there),
        dropped=laptop_of(dropped.serials[0]) if dropped else "",
    )


def _lived(
    seed: int,
    truth: World,
    cohort: Cohort,
    lives: dict[str, list[Report]],
    admitted: frozenset[str],
) -> tuple[dict[str, Facts], Work, list[Report]]:
    """What is true by the desk's books and before them; and the hand-outs to newcomers, which are
    put into the lives.
    """
    homes, stock = _homes(truth, lives, _book(truth, lives, admitted))
    coming = newcomers.hand_outs(truth.run, cohort.newcomers, stock)
    for report in coming:
        lives[report.serials[0]].append(report)
    facts = _book(truth, lives, admitted)
    return (
        facts,
        desks.work(_dice("desks", seed, len(facts)), truth.run, homes, stock, facts),
        coming,
    )


def _left(
    seed: int,
    truth: World,
    cohort: Cohort,
    holding: Mapping[str, Held],
    now: Mapping[str, Facts],
    at_desks: frozenset[str],
) -> tuple[tuple[Night, ...], End]:
    """Who is at school on which night, and how lycée ends."""
    laptops = len(cohort.meant)
    may_leave = _may_leave(holding, now, at_desks)
    nights = enrolling.nights(_dice("pupils", seed, laptops), truth, cohort, may_leave)
    return nights, ending.end(_dice("end", seed, laptops), truth.run, nights, holding, now)


def laptop_of(serial: str) -> str:
    """A laptop's name as tracking gives it."""
    return f"hp/{serial}"


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
    truth: World, lives: Mapping[str, list[Report]], admitted: frozenset[str]
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


def _dice(what: str, seed: int, laptops: int) -> Random:
    """Dice of its own for a part of the year."""
    return Random(f"{what}:{seed}:{laptops}")  # noqa: S311 nothing is secret


def _homes(
    truth: World, lives: Mapping[str, list[Report]], facts: Mapping[str, Facts]
) -> tuple[list[Home], dict[str, list[str]]]:
    """What schools handed out, and what each has left."""
    homes: list[Home] = []
    stock: dict[str, list[str]] = defaultdict(list)
    for line in truth.lines:
        for serial in line.serials:
            location, uai = facts[laptop_of(serial)].location, line.school.uai
            if location == "with-student":
                admitted = facts[laptop_of(serial)].owner == "region"
                from_day = working_day(line.lot.admitted_on, 6) if admitted else date.max
                homes.append(_home(serial, uai, lives[serial], from_day))
            elif location == "at-school" and serial not in truth.never:
                stock[uai].append(serial)
    return homes, stock


def _home(serial: str, school: str, life: Sequence[Report], covered_from: date) -> Home:
    handed_at = max(one.happened_at for one in life if one.kind == "handed-out")
    at_once = [one for one in life if one.happened_at == handed_at]
    told = sum(one.kind in ("received", "handed-out") for one in at_once)
    return Home(serial, school, handed_at, told, covered_from)


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


def _droppable(sent: Sequence[Report], elsewhere: Container[str]) -> Report | None:
    """A hand-out that is sent only once: its laptop's last report, and no other laptop's; not of
    one that stands in another book as well.
    """
    times = Counter(report.id for report in sent)
    handed_out = (report for report in sent if report.kind == "handed-out")
    return next(
        (
            report
            for report in handed_out
            if times[report.id] == 1
            and not report.refusable
            and laptop_of(report.serials[0]) not in elsewhere
        ),
        None,
    )


def _same(report: Report, dropped: Report | None) -> bool:
    return dropped is not None and report.id == dropped.id


def _may_leave(
    holding: Mapping[str, Held], now: Mapping[str, Facts], at_desks: frozenset[str]
) -> frozenset[int]:
    """Pupils whose laptop is the region's, and whom no desk is to expect."""
    names = {pupil: laptop_of(one.serial) for pupil, one in holding.items()}
    return frozenset(
        int(pupil)
        for pupil, name in names.items()
        if name not in at_desks and now[name].owner == "region"
    )


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


def _examples(truth: World, facts: Mapping[str, Facts], worked: Work, last: End) -> dict[str, str]:
    """The first laptop of each kind that a person may want to look at."""
    late = {laptop_of(serial) for serial in truth.late}
    elsewhere = {*worked.book, *last.book}
    apart = {name: now for name, now in facts.items() if name not in elsewhere}
    home = [name for name, now in apart.items() if now.location == "with-student"]
    found = {
        "an ordinary life": next((name for name in home if name not in late), ""),
        "scanned before its announcement": next((name for name in home if name in late), ""),
        "missing": next((name for name, now in apart.items() if now.location == "missing"), ""),
        **worked.examples,
        **{what: last.examples.get(what, "") for what in ending.LOOKED_AT},
    }
    return {kind: name for kind, name in found.items() if name}
