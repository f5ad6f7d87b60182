"""The examples of a page of docs/, run as they stand there."""

import json
import os
import re
import subprocess
import sys
from typing import Any

from tests.runners import ROOT
from tests.running import System

ANY = "…"
BETWEEN = "--- the next block ---\n"


def answered_as_shown(system: System, page: str) -> list[tuple[str, str]]:
    """Run each block of shell, see that the block after it shows what it printed; all blocks, each
    with its kind.
    """
    said = iter(_as_said(system, [text for kind, text in _blocks(page) if kind == "sh"]))
    answer = ""
    for kind, shown in _blocks(page):
        if kind == "sh":
            answer = next(said)
        elif kind == "json":
            assert _alike(json.loads(shown), json.loads(answer)), answer
        else:
            assert answer.replace("\r", "").rstrip("\n") == shown.rstrip("\n")
    return _blocks(page)


def _blocks(page: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = re.findall(
        r"^```(\w+)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE
    )
    return found


def _as_said(system: System, blocks: list[str]) -> list[str]:
    """What each block of shell prints, when all are given to one shell, one after the other."""
    script = f"\nprintf '%s' '{BETWEEN}'\n".join(blocks)
    here = re.sub(r"\b800(\d)/", lambda found: f"{system.first_port + int(found[1])}/", script)
    here = re.sub(r"\b800(\d)\$", lambda found: f"{system.first_port + int(found[1])}$", here)
    here = here.replace(".venv/bin/python", sys.executable)
    told = {"PATH": os.environ["PATH"], "TROUSSEAU_HOME": str(system.home), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", here],
        cwd=system.home,
        env=told,
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split(BETWEEN)


def _alike(shown: Any, said: Any) -> bool:
    """Whether what was said is what is shown, which leaves some of it open."""
    if isinstance(shown, dict) and isinstance(said, dict):
        named = shown.keys() - {ANY}
        whole = named == said.keys() or (ANY in shown and named <= said.keys())
        return whole and all(_alike(shown[name], said[name]) for name in named)
    if isinstance(shown, list) and isinstance(said, list):
        return len(shown) == len(said) and all(map(_alike, shown, said))
    return bool(shown in (ANY, said))
