"""Play a plan: day by day, all parties at once, and keep what the system answered."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import cast

import httpx
import msgspec
from msgspec import Struct

from partners.year import cases, ending, handovers
from partners.year.acts import Act
from partners.year.cases import Numbers
from partners.year.plan import Plan
from partners.year.post import BUSY_SECONDS, Answer, PlayError, System, get, post, produce
from partners.year.schoolyears import FIRST, YEARS
from partners.year.who import IMPORTS, Who, learn, named, nobody_yet, of_the_present, read_before
from partners.year.world import BEGIN

AT_ONCE = 8
LAST_HOUR = 21
REFUSED = ("refused", "conflict")
ACCEPTED = ("applied", "duplicate", "waiting")
VERDICTS = (*ACCEPTED, *REFUSED)
INCIDENTS = "/api/incidents"
LISTS = (INCIDENTS, "/api/case-acts", "/api/delivery-events", "/api/hand-outs")
PHASES = {
    (2020, 6): "June: schools and orders",
    (2020, 7): "July: serial numbers",
    (2020, 8): "August: first deliveries",
    (2020, 9): "September: hand-outs",
    (2020, 10): "October: the rest",
}
LATER = "{year}: repairs, pupils who come and go"
END = "{year}: repairs, the end of lycée"

Progress = Callable[[str, int], None]
"""Told of progress: the phase, and how many items were answered since."""


class Verdict(Struct, frozen=True):
    """One item's answer."""

    verdict: str = "applied"
    id: str | None = ""
    code: str | None = ""
    detail: str | None = ""
    case: str | None = ""


class Verdicts(Struct, frozen=True):
    """A batch's answers."""

    verdicts: tuple[Verdict, ...]


class Granted(Struct, frozen=True):
    """What an intent is answered: one verdict, or one for each laptop that it named."""

    verdict: str = "applied"
    code: str | None = ""
    detail: str | None = ""
    verdicts: tuple[Verdict, ...] = ()


class Job(Struct, frozen=True):
    """A file's progress."""

    state: str
    cause: str | None = None
    read: int = 0
    applied: int = 0
    duplicate: int = 0
    waiting: int = 0
    refused: int = 0
    conflict: int = 0


class Heard(Struct, frozen=True):
    """What came back: `counts` by verdict, `troubles` (requests not answered as they should be),
    `surprises` (verdicts that the player did not expect).
    """

    counts: Counter[str]
    troubles: tuple[str, ...] = ()
    surprises: tuple[str, ...] = ()


class Playing(Struct):
    """A plan that is being played: what the system called things (cases by incident, handovers by
    laptop, pupils), and what it answered. `read`: the nights whose files were read in an earlier
    try.
    """

    plan: Plan
    system: System
    step: Progress
    numbers: Numbers
    who: Who
    read: frozenset[date]
    gate: asyncio.Semaphore
    clock: Path | None
    handovers: dict[str, str] = {}
    now: datetime = BEGIN
    heard: list[Heard] = []

    def knows(self, act: Act) -> bool:
        """Whether it is a file of pupils that was read before."""
        return _of_pupils(act) and act.at.date() in self.read

    def go_on(self) -> None:
        """Half a minute later, on the same day."""
        if self.now.hour < LAST_HOUR:
            self.come_to(self.now + timedelta(seconds=30))

    def come_to(self, moment: datetime) -> None:
        """A moment is there, for services too where their clock can be moved."""
        self.now = moment
        if self.clock:
            move_clock(self.clock, moment)


async def play(plan: Plan, system: System, clock: Path | None, step: Progress) -> Heard:
    """Send a plan. Raises PlayError when the system cannot be reached or a file stands still."""
    who = nobody_yet(plan.pupils)
    await learn(system, who)
    read = read_before(who, plan.nights)
    gate, numbers = asyncio.Semaphore(AT_ONCE), Numbers(plan.opened)
    playing = Playing(plan, system, step, numbers, who, read, gate, clock)
    for _, of_day in groupby(plan.every_act, key=lambda act: act.at.date()):
        acts = list(of_day)
        playing.come_to(max(act.at for act in acts))
        await _day(playing, acts)
    if clock:  # so that another year may be played beside it
        move_clock(clock, plan.ends_at)
    return _together(playing.heard)


async def _day(playing: Playing, acts: Sequence[Act]) -> None:
    """All of a day, its parties at once; then whom its files told of."""
    playing.step(_phase(acts[0].at), 0)
    try:
        async with asyncio.TaskGroup() as group:
            for act in acts:
                group.create_task(_one(playing, act))
    except* PlayError as failed:
        raise PlayError(*_first(failed).args) from None
    if any(_of_pupils(act) and not playing.knows(act) for act in acts):
        await learn(playing.system, playing.who)


async def _one(playing: Playing, act: Act) -> None:
    system, numbers = playing.system, playing.numbers
    async with playing.gate:
        present = of_the_present(playing.who, act) if playing.read else act
        if playing.knows(act) or not present.items:
            playing.heard.append(Heard(Counter(duplicate=act.items)))
        else:
            await cases.known(system, act)
            said = named(playing.who, await cases.numbered(system, numbers, present))
            said = await handovers.addressed(system, said, playing.handovers, playing.go_on)
            playing.heard.append(await _say(playing.plan, system, said, numbers))
        playing.step(_phase(act.at), act.items)


def _of_pupils(act: Act) -> bool:
    return act.path.startswith(IMPORTS)


def _phase(at: datetime) -> str:
    year = next(one for one in reversed(YEARS) if one == FIRST or at.date() >= one.day(8, 1))
    told = END if at.date() >= year.day(*ending.FIRST_OFFERS) else LATER
    return PHASES.get((at.year, at.month), told.format(year=year.name))


def _first(group: BaseExceptionGroup[PlayError]) -> PlayError:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


def move_clock(clock: Path, at: datetime) -> None:
    """Write the instant where the services look for it, at one stroke."""
    clock.parent.mkdir(parents=True, exist_ok=True)
    beside = clock.with_name(f".{clock.name}.{os.getpid()}")
    beside.write_text(f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}\n", encoding="utf-8")
    beside.replace(clock)


def _together(heard: Iterable[Heard]) -> Heard:
    counts: Counter[str] = Counter()
    troubles: list[str] = []
    surprises: list[str] = []
    for each in heard:
        counts.update(each.counts)
        troubles += each.troubles
        surprises += each.surprises
    return Heard(counts, tuple(troubles), tuple(surprises))


async def _say(plan: Plan, system: System, act: Act, numbers: Numbers) -> Heard:
    if act.topic and system.producer and isinstance(act.body, dict):
        await produce(system.producer, act, cast("list[dict[str, object]]", act.body["events"]))
        return Heard(Counter())
    answer = await post(system, act)
    if act.path.startswith("/epcis/"):
        return _captured(act, answer)
    if answer.status == 202 and answer.location:
        return await _finished(system, act, answer.location)
    if answer.status == httpx.codes.CONFLICT and act.id in plan.refusable:
        return Heard(Counter(refused=1))
    if not 200 <= answer.status < 300:
        return _trouble(act, f"answered {answer.status}: {answer.text[:300]}")
    return _taken(plan, act, answer, numbers)


def _taken(plan: Plan, act: Act, answer: Answer, numbers: Numbers) -> Heard:
    """An answer of success: a verdict for each item where several were sent, else one."""
    if act.path not in LISTS:
        return _granted(act, answer)
    try:
        verdicts = msgspec.json.decode(answer.text, type=Verdicts).verdicts
    except msgspec.DecodeError as wrong:
        return _trouble(act, f"answered something else than verdicts: {wrong}")
    if act.path == INCIDENTS:
        numbers.known.update((item.id, item.case) for item in verdicts if item.id and item.case)
    return _judged(plan, act, verdicts)


def _captured(act: Act, answer: Answer) -> Heard:
    """A capture is decided when it is answered: all of it, or why not. It has no verdicts."""
    if answer.status != 202 or '"success":true' not in answer.text.replace(" ", ""):
        return _trouble(act, f"answered {answer.status}: {answer.text[:300]}")
    return Heard(Counter())


def _granted(act: Act, answer: Answer) -> Heard:
    """One intent's answer: it may say its verdict, else a status of success is one."""
    try:
        told = msgspec.json.decode(answer.text or "{}", type=Granted)
    except msgspec.DecodeError as wrong:
        return _trouble(act, f"answered {answer.status}, but not in JSON as agreed: {wrong}")
    items = told.verdicts or (Verdict(told.verdict, "", told.code, told.detail),)
    for item in items:
        if item.verdict in REFUSED:
            return _trouble(act, f"{item.verdict} {item.code or ''} {item.detail or ''}")
    verdicts = {item.verdict for item in items}
    return Heard(Counter({verdicts.pop() if len(verdicts) == 1 else "applied": 1}))


def _trouble(act: Act, what: str) -> Heard:
    return Heard(Counter(), troubles=(f"{act.party} POST {act.path} ({act.id}) {what}",))


def _judged(plan: Plan, act: Act, verdicts: Sequence[Verdict]) -> Heard:
    counts = Counter(item.verdict for item in verdicts)
    surprises = [
        f"{act.party} {item.id}: {item.verdict} {item.code or ''} {item.detail or ''}".rstrip()
        for item in verdicts
        if item.verdict not in ACCEPTED
        and not (item.verdict in REFUSED and item.id in plan.refusable)
    ]
    if len(verdicts) != act.items:
        uneven = f"{act.party} {act.id}: {act.items} items, {len(verdicts)} verdicts"
        return Heard(counts, (uneven,), tuple(surprises))
    return Heard(counts, surprises=tuple(surprises))


async def _finished(system: System, act: Act, location: str) -> Heard:
    """Wait for a file to be read to its end."""
    loop = asyncio.get_running_loop()
    pause, rows, moved = 0.05, -1, loop.time()
    while True:
        answer = await get(system, act.service, location, act.party)
        try:
            job = msgspec.json.decode(answer.text, type=Job)
        except msgspec.DecodeError:
            what = f"was accepted, but its job {location} answered {answer.status}"
            return _trouble(act, f"{what}: {answer.text[:300]}")
        counts = Counter({verdict: getattr(job, verdict) for verdict in VERDICTS})
        if job.state == "done":
            told = tuple(
                f"{act.party} {act.id}: {counts[bad]} rows {bad}" for bad in REFUSED if counts[bad]
            )
            return Heard(counts, surprises=told)
        if job.state in ("failed", "stopped"):
            return _trouble(act, f"{job.state} at row {job.read}: {job.cause}")
        if job.read > rows:
            rows, moved = job.read, loop.time()
        elif loop.time() - moved > BUSY_SECONDS:
            raise PlayError(f"The file {act.id} has stood still at row {rows} for ten minutes")
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 1.0)
