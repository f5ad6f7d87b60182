"""The local runner as a process of a test's own: what it is told, how it is called and started."""

import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.local import processes
from tests.places import FIRST_PORT, LAST_PORT

ROOT = Path(__file__).parents[1]
PORTS_OF_A_SYSTEM = (0, 1, 2, 3, 4, 5, 90, 91, 92, 93)

Run = subprocess.CompletedProcess[str]


def free_first_port() -> int:
    """A first port, such that nobody has any of a system's ports."""
    while True:
        first = FIRST_PORT + secrets.randbelow(LAST_PORT - FIRST_PORT - 100)
        if all(processes.port_is_free(first + offset) for offset in PORTS_OF_A_SYSTEM):
            return first


def environment(home: Path, first_port: int | None = None) -> dict[str, str]:
    """What a runner of a test's own is told: a home, ports, and no servers of anybody's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TROUSSEAU_")}
    port = first_port or free_first_port()
    return kept | {"TROUSSEAU_HOME": str(home), "TROUSSEAU_PORT": str(port)}


def run(told: Mapping[str, str], *words: str) -> Run:
    """The runner, called with these words, to its end."""
    return program(told, "deploy.local.run", *words)


def program(told: Mapping[str, str], *words: str) -> Run:
    """A program of the project, called with these words, to its end."""
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env=told,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
    )


def started(told: Mapping[str, str], *through: str) -> tuple["subprocess.Popen[str]", str]:
    """A runner whose system is up, and what it said until then."""
    process = subprocess.Popen(
        [*through, sys.executable, "-m", "deploy.local.run", "run"],
        cwd=ROOT,
        env=told,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "Ctrl-C here" in line:
            return process, said
    process.communicate()
    pytest.fail(f"The system did not come up:\n{said}", pytrace=False)
