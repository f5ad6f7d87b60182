"""Copies of the tree with one fault planted in them, to see that the rule against it bites."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from deploy.checks import ROOT, Outcome, run

WHOLE = ("services", "shared", "partners", "deploy", "tests", "benchmarks", "docs")


def a_copy(at: Path, *parts: str) -> Path:
    """Files and folders of the project, with its settings, in a folder of their own."""
    for part in (*parts, "pyproject.toml"):
        there, here = ROOT / part, at / part
        if there.is_dir():
            shutil.copytree(there, here, ignore=shutil.ignore_patterns("__pycache__", "target"))
        elif there.exists():
            here.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(there, here)
    return at


def plant(tree: Path, faults: Mapping[str, str]) -> None:
    """Write files; what begins with an ellipsis is added at the end of a file that is there."""
    for name, text in faults.items():
        file = tree / name
        if text.startswith("…"):
            text = file.read_text() + text.removeprefix("…")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def checked(step: str, tree: Path) -> Outcome:
    """A step of `make check`, on a tree."""
    outcome = run(step, tree)
    assert outcome.ended != "skipped", outcome.said
    return outcome
