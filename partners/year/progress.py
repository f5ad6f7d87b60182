"""Show a person how far the year is: a bar on a terminal, plain lines elsewhere."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from math import ceil

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

PLAIN_LINE_SECONDS = 10.0
SETTLED_SECONDS = 10.0  # before that, and before a tenth is done, a pace says nothing


class Pace:
    """How long what is left takes, by the pace of the last tenth: one item is not as another."""

    def __init__(self, total: int, now: float) -> None:
        self.total, self.begun = total, now
        self.marks = deque([(now, 0)])

    def left(self, sofar: int, now: float) -> str:
        """In words; "" while nothing can be said, and at the end."""
        tenth = self.total / 10
        self.marks.append((now, sofar))
        while len(self.marks) > 1 and self.marks[1][1] <= sofar - tenth:
            self.marks.popleft()
        then, done = self.marks[0]
        early = sofar < tenth or now - self.begun < SETTLED_SECONDS
        if early or sofar in (done, self.total):
            return ""
        minutes = (now - then) * (self.total - sofar) / (sofar - done) / 60
        said = f"about {ceil(minutes)} min" if minutes > 1 else "less than a minute"
        return f"{said} left at this pace"


@contextmanager
def shown(console: Console, total: int) -> Iterator[Callable[[str, int], None]]:
    """Gives a function to tell the phase and how many more items are done."""
    if not console.is_terminal:
        yield _lines(console, total)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    pace, sofar = Pace(total, time.monotonic()), 0
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=total, left="")

        def step(phase: str, done: int) -> None:
            nonlocal sofar
            sofar += done
            left = pace.left(sofar, time.monotonic())
            progress.update(task, description=phase, completed=sofar, left=left)

        yield step


def _lines(console: Console, total: int) -> Callable[[str, int], None]:
    spoken = time.monotonic()
    pace, sofar, said = Pace(total, spoken), 0, ""

    def step(phase: str, done: int) -> None:
        nonlocal sofar, said, spoken
        sofar += done
        now = time.monotonic()
        left = pace.left(sofar, now)
        if phase == said and now - spoken < PLAIN_LINE_SECONDS:
            return
        console.print(
            ", ".join(filter(None, (f"{phase}: {sofar} of {total}", left))), soft_wrap=True
        )
        said, spoken = phase, now

    return step


@contextmanager
def looking(console: Console) -> Iterator[Callable[[int], None]]:
    """Gives a function to tell how many laptops still differ from the book."""
    console.print("Comparing every laptop with the book")
    begun = spoken = time.monotonic()

    def look(differing: int) -> None:
        nonlocal spoken
        now = time.monotonic()
        text = f"{differing} laptops still differ after {now - begun:.0f} s"
        if status:
            status.update(text)
        elif differing and now - spoken > PLAIN_LINE_SECONDS:
            console.print(text)
            spoken = now

    status = console.status("") if console.is_terminal else None
    with status or nullcontext():
        yield look
