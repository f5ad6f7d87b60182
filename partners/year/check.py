"""Compare what tracking shows with the book, laptop by laptop, once the system has caught up."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import httpx
import msgspec
from msgspec import Struct

from partners.year.book import DISPOSITIONS, ON_LOAN, Facts, disposition
from partners.year.plan import Plan
from partners.year.post import PlayError, System, decoded, get
from partners.year.spelling import laptop_of

FACTS = ("location", "holder", "owner", "working", "managed")
OVERDUE = "loan-overdue"  # as long as a loan lasts, whether it is depends on the services' clock
PAGE = 500
LONGEST_SECONDS = 900.0


class Seen(Struct, frozen=True):
    """A laptop as tracking lists it."""

    laptop: str
    location: str
    holder: str
    owner: str
    working: str
    managed: str
    flags: tuple[str, ...] = ()
    disposition: str = ""

    @property
    def announced(self) -> bool:
        """Whether boards count it."""
        return self.location != "unknown" and "unannounced" not in self.flags


class Board(Struct, frozen=True):
    """The region's board, as far as it is compared."""

    disposition: Mapping[str, int]


class Counted(Struct, frozen=True):
    """How many there are in a list."""

    total: int


class Page(Struct, frozen=True):
    """A page of the list; `next` is the cursor of the one after it."""

    items: tuple[Seen, ...]
    next: str | None = None
    total: int | None = None


class Settled(Struct, frozen=True):
    """What tracking shows at last: every laptop, how they differ from the book, by name, and
    sentences of what its board counts otherwise; neither when balanced.
    """

    seen: dict[str, Seen]
    differing: dict[str, str]
    counted: list[str]


async def settled(plan: Plan, system: System, quiet: float, look: Callable[[int], None]) -> Settled:
    """Waits while anything still changes, and `quiet` seconds more. `look` is told after each look
    how many laptops still differ.
    """
    begun = changed = time.monotonic()
    before: Settled | None = None
    while True:
        began = time.monotonic()
        laptops = await shown(system)
        found = Settled(laptops, differences(plan, laptops), await board(system, laptops))
        look(len(found.differing))
        now = time.monotonic()
        if found != before:
            before, changed = found, now
        balanced = not found.differing and not found.counted
        if balanced or now - changed > quiet or now - begun > LONGEST_SECONDS:
            return found
        await asyncio.sleep(max(0.5, 2 * (now - began)))


async def shown(system: System) -> dict[str, Seen]:
    """Every laptop that tracking knows. Raises PlayError when the answer is no list of laptops."""
    laptops: dict[str, Seen] = {}
    cursor: str | None = ""
    while cursor is not None:
        asked = httpx.QueryParams({"limit": PAGE} | ({"cursor": cursor} if cursor else {}))
        answer = await get(system, "tracking", f"/api/laptops?{asked}")
        try:
            page = msgspec.json.decode(answer.text, type=Page)
        except msgspec.DecodeError as wrong:
            where = f"{system.bases['tracking']}/api/laptops"
            raise PlayError(f"{where} is no list of laptops: {answer.status}, {wrong}") from None
        laptops.update((seen.laptop, seen) for seen in page.items)
        cursor = page.next if page.items else None
    return laptops


async def board(system: System, laptops: Mapping[str, Seen]) -> list[str]:
    """A sentence where the region's board counts otherwise what became of laptops than their list
    shows it.
    """
    answer = await get(system, "tracking", "/api/boards/region")
    counted = decoded(answer.text, Board).disposition
    listed = Counter(seen.disposition for seen in laptops.values() if seen.announced)
    wrong = [
        f"{counted.get(word, 0)} {word}, the list {listed[word]}"
        for word in DISPOSITIONS
        if counted.get(word, 0) != listed[word]
    ]
    return [f"The region's board counts {', '.join(wrong)}"] if wrong else []


async def bugs(system: System) -> list[str]:
    """A sentence for each service that met bugs: what it set aside counts nowhere."""
    found = []
    for service in system.bases:
        path = "/api/parked?kind=bug&limit=1"
        answer = await get(system, service, path)
        try:
            total = msgspec.json.decode(answer.text, type=Counted).total
        except msgspec.DecodeError:
            found.append(f"{service}: {path} is no list, {answer.status}")
            continue
        if total:
            found.append(f"{service}: {total} things set aside as bugs, see {path}")
    return found


def differences(plan: Plan, laptops: Mapping[str, Seen]) -> dict[str, str]:
    """A sentence for each laptop that tracking shows otherwise than the book has it, by its name.

    Laptops of other plays are let be.
    """
    found = {}
    for name, booked in plan.whole_book.items():
        seen = laptops.get(name)
        if seen is None:
            found[name] = f"tracking does not know it; the book has it {booked.location}"
        elif wrong := _wrong(booked, seen, plan.marks):
            found[name] = ", ".join(wrong)
    own = laptop_of(f"5C{plan.run}")
    unknown = (name for name in laptops if name.startswith(own) and name not in plan.whole_book)
    return found | dict.fromkeys(sorted(unknown), "tracking knows it, the book does not")


def _wrong(booked: Facts, seen: Seen, compared: Sequence[str]) -> list[str]:
    wrong = [
        f"{fact} is {getattr(seen, fact)}, the book says {getattr(booked, fact)}"
        for fact in FACTS
        if getattr(seen, fact) != getattr(booked, fact)
    ]
    if booked.unannounced != ("unannounced" in seen.flags):
        flag, says = ("not flagged", "is") if booked.unannounced else ("flagged", "is not")
        wrong.append(f"{flag} unannounced, the book says it {says}")
    marks = [mark for mark in compared if mark in seen.flags]
    if set(marks) != set(booked.marks):
        said = [", ".join(those) or "nothing" for those in (marks, booked.marks)]
        wrong.append(f"it is marked {said[0]}, the book {said[1]}")
    if (became := disposition(booked)) != seen.disposition:
        wrong.append(f"it became {seen.disposition}, the book says {became}")
    if OVERDUE in seen.flags and ON_LOAN not in booked.marks:
        wrong.append(f"{OVERDUE}, the book says that nobody has it on loan")
    return wrong
