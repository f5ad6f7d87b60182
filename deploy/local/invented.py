"""Invented time, once nobody plays any more: it goes on from where it stands, second by second."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

TICK_SECONDS = 1.0


@contextmanager
def going_on(clock: Path) -> Iterator[None]:
    """While inside, the moment in a clock's file goes on as real time does. Raises ValueError where
    it holds none.
    """
    # Imported here, as whoever starts a system alone need not know who plays on it.
    from partners.year.play import move_clock

    stood, since = datetime.fromisoformat(clock.read_text().strip()), time.monotonic()
    over = threading.Event()

    def tick() -> None:
        while not over.wait(TICK_SECONDS):
            move_clock(clock, stood + timedelta(seconds=time.monotonic() - since))

    ticking = threading.Thread(target=tick, name="invented time")
    ticking.start()
    try:
        yield
    finally:
        over.set()
        ticking.join()
