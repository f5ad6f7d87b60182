"""Show a person how far the year is: a bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

PLAIN_LINE_SECONDS = 10.0


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
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=total)

        def step(phase: str, done: int) -> None:
            progress.update(task, description=phase, advance=done)

        yield step


def _lines(console: Console, total: int) -> Callable[[str, int], None]:
    begun = time.monotonic()
    sofar, said, spoken = 0, "", begun

    def step(phase: str, done: int) -> None:
        nonlocal sofar, said, spoken
        sofar += done
        now = time.monotonic()
        if phase == said and now - spoken < PLAIN_LINE_SECONDS:
            return
        left = f", about {(now - begun) * (total - sofar) / sofar:.0f} s left" if sofar else ""
        console.print(f"{phase}: {sofar} of {total}{left}", soft_wrap=True)
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
