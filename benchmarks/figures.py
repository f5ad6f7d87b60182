"""Figures as they are kept and told: rates with their spread, and ratios of the same round."""

import os
import platform
import resource
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

from msgspec import Struct


class Rate(Struct, frozen=True):
    """So many facts a second, at so many microseconds of this process's processor for each; None
    where other processes do the work.
    """

    per_second: float
    microseconds: float | None = None


class Meter(Struct):
    """A stretch of work that is being measured."""

    began: float
    used: float

    def rate(self, facts: int) -> Rate:
        """The rate of as many facts since the stretch began."""
        taken, used = perf_counter() - self.began, processor() - self.used
        return Rate(facts / taken, used / facts * 1e6)


def meter() -> Meter:
    return Meter(perf_counter(), processor())


def processor() -> float:
    """Seconds of processor that this process has used, all its threads together."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


Round = Mapping[str, Rate]


def table(title: str, rounds: Sequence[Round], of: Mapping[str, str]) -> str:
    """Medians, spreads, and each figure's ratio to another of its round; `of` names that other."""
    lines = [f"{title:42}{'facts/s':>9}{'lowest':>9}{'highest':>9}{'CPU us':>8}  of raw"]
    for name in rounds[0]:
        rates = [one[name].per_second for one in rounds]
        told = [f"{rate:9,.0f}" for rate in (median(rates), min(rates), max(rates))]
        used = [rate for one in rounds if (rate := one[name].microseconds) is not None]
        told.append(f"{median(used):8.1f}" if used else " " * 8)
        if name in of:
            ratio = median(one[name].per_second / one[of[name]].per_second for one in rounds)
            told.append(f"  {ratio:.2f}" if ratio >= 0.1 else f"  {ratio:.4f}")
        lines.append(f"{name:42}" + "".join(told).rstrip())
    return "\n".join(lines)


def machine(postgres: str) -> str:
    """What it ran on, and how busy that was."""
    model = _first("/proc/cpuinfo", "model name", platform.processor() or platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    return (
        f"{os.cpu_count()} x {model}, {memory:.0f} GiB; Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {postgres}; load at the end {load}"
    )


def _first(file: str, word: str, otherwise: str) -> str:
    try:
        lines = Path(file).read_text().splitlines()
    except OSError:
        return otherwise
    return next((line.partition(":")[2].strip() for line in lines if word in line), otherwise)
