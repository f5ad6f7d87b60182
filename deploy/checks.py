"""What can be told of the tree without starting anything of it: `make check`.

    python -m deploy.checks
    python -m deploy.checks lint types

Every step is a command. tests/architecture runs the same commands on trees with one fault planted
in each, so that a rule which no longer bites is noticed.
"""

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).resolve().parent.parent
RULES = "deploy/prometheus/rules"
RULE_TESTS = "deploy/prometheus/tests"


class Outcome(Struct, frozen=True):
    """How a step ended; `said` is its output, standard error included."""

    ended: str
    said: str
    seconds: float


def tool(name: str) -> str:
    """A program of this virtual environment."""
    return str(Path(sys.executable).with_name(name))


def steps(root: Path) -> Mapping[str, Sequence[str]]:
    """The commands, in their order, each run from `root`."""
    python = sys.executable
    alarms = sorted(str(file.relative_to(root)) for file in (root / RULES).glob("*.yml"))
    proofs = sorted(str(file.relative_to(root)) for file in (root / RULE_TESTS).glob("*.yml"))
    return {
        "format": (tool("ruff"), "format", "--check", "."),
        "lint": (tool("ruff"), "check", "--output-format", "concise", "."),
        "layers": (tool("lint-imports"), "--no-cache"),
        "types": (tool("mypy"),),
        "dependencies": (tool("deptry"), "--no-ansi", "."),
        "copies": (tool("pylint"), "services", "shared"),
        "generated": (python, "-m", "deploy.published", "check"),
        "alarms": ("promtool", "check", "rules", *alarms),
        "alarm tests": ("promtool", "test", "rules", *proofs),
        "architecture": (python, "-m", "pytest", "-q", "tests/architecture"),
    }


def run(step: str, root: Path = ROOT) -> Outcome:
    """One step; `ended` is kept, broken, or skipped where its program is not on this machine."""
    command = steps(root)[step]
    if shutil.which(command[0]) is None:
        return Outcome("skipped", f"{command[0]} is not installed here", 0.0)
    began = time.monotonic()
    done = subprocess.run(
        command, cwd=root, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    ended = "kept" if done.returncode == 0 else "broken"
    return Outcome(ended, done.stdout, time.monotonic() - began)


def main(arguments: Sequence[str] | None = None) -> int:
    """Every step, also after one that is broken; 1 when any is."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.checks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("steps", nargs="*", metavar="STEP", help=", ".join(steps(ROOT)))
    wanted = parser.parse_args(arguments).steps or list(steps(ROOT))
    if unknown := set(wanted) - set(steps(ROOT)):
        parser.error(f"no such step: {', '.join(sorted(unknown))}")
    broken = []
    for step in wanted:
        outcome = run(step)
        note = f": {outcome.said}" if outcome.ended == "skipped" else ""
        sys.stdout.write(f"{step:<14}{outcome.ended:<8}{outcome.seconds:6.1f} s{note}\n")
        if outcome.ended == "broken":
            broken.append(step)
            sys.stdout.write(f"{outcome.said.rstrip()}\n\n")
        sys.stdout.flush()
    if broken:
        sys.stdout.write(f"Broken: {', '.join(broken)}.\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
