"""What docs/partners.md and docs/desks.md tell is so: examples, run as they stand, and tables."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.delivery.core.commands import STEPS, may_report
from services.delivery.events import ITEM_BYTES
from services.delivery.intake import ITEMS
from services.repairs import core
from services.repairs.events import ACTS
from shared import serving
from shared.contracts.strict import DEPTH
from tests import running
from tests.places import Kafka
from tests.runners import ROOT
from tests.running import System

PAGE = (ROOT / "docs" / "partners.md").read_text()
DESKS = (ROOT / "docs" / "desks.md").read_text()
ANY = "…"
BETWEEN = "--- the next block ---\n"


@pytest.fixture
def system(kafka: Kafka, tmp_path: Path) -> Iterator[System]:
    running.fresh_topics(kafka.bootstrap)
    with running.system(tmp_path, "sqlite", kafka.bootstrap) as made:
        made.start()
        yield made


def blocks(page: str) -> list[tuple[str, str]]:
    """The examples of a page, each with its kind."""
    found: list[tuple[str, str]] = re.findall(
        r"^```(\w+)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE
    )
    return found


def as_said(system: System, blocks: list[str]) -> list[str]:
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


def alike(shown: Any, said: Any) -> bool:
    """Whether what was said is what is shown, which leaves some of it open."""
    if isinstance(shown, dict) and isinstance(said, dict):
        named = shown.keys() - {ANY}
        whole = named == said.keys() or (ANY in shown and named <= said.keys())
        return whole and all(alike(shown[name], said[name]) for name in named)
    if isinstance(shown, list) and isinstance(said, list):
        return len(shown) == len(said) and all(map(alike, shown, said))
    return bool(shown in (ANY, said))


@pytest.mark.parametrize("page", [PAGE, DESKS], ids=["partners", "desks"])
def test_every_example_is_answered_as_the_page_shows(system: System, page: str) -> None:
    said = as_said(system, [text for kind, text in blocks(page) if kind == "sh"])

    answers = iter(said)
    answer = ""
    for kind, shown in blocks(page):
        if kind == "sh":
            answer = next(answers)
        elif kind == "json":
            assert alike(json.loads(shown), json.loads(answer)), answer
        else:
            assert answer.replace("\r", "") == shown
    assert {kind for kind, _ in blocks(page)} >= {"sh", "json"}


def test_the_desks_page_names_every_act_and_the_words_of_the_policy() -> None:
    rows = re.findall(r"^\| ([a-z-]+) \| .* \|(.*)\|$", DESKS, re.MULTILINE)
    told = {act: set(re.findall(r"`(\w+)`", fields)) for act, fields in rows if act in ACTS}
    assert told == {
        name: {*act.needs, *act.may} - {"cover", "remedy"} for name, act in ACTS.items()
    }
    policy = core.read((ROOT / "deploy" / "repair-policy.toml").read_text())
    assert f"({', '.join(cause for cause in policy.causes if cause != 'recall')})" in DESKS


@pytest.mark.parametrize("role", ["carrier", "school", "ops"])
def test_the_page_names_what_a_role_may_report(role: str) -> None:
    (row,) = re.findall(rf"^\| {role} \| (.*) \|$", PAGE, re.MULTILINE)
    named = set(re.findall(r"[a-z-]+", re.sub(r"`.*?`|\(.*?\)", "", row)))
    may = {step for step in STEPS if may_report(role, step)}
    assert named & STEPS.keys() == may
    assert all(may_report("region", step) for step in STEPS)


def test_the_page_names_the_limits_that_hold() -> None:
    limits = (
        f"At most {ITEMS} events or hand-outs and {serving.BODY_LIMIT >> 20} MiB a request",
        f"{ITEM_BYTES >> 10} KiB an event, {DEPTH} levels deep",
        f"{serving.RATE:.0f} requests a second ({serving.BURST:.0f} at once)",
        f"up to {serving.FILE_LIMIT >> 20} MiB",
    )
    text = " ".join(PAGE.split())
    assert [one for one in limits if one not in text] == []
