"""What a newcomer is told: by --help, and where something is missing or the disk is full."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import runners
from tests.architecture.rules import CODE, sources
from tests.runners import ROOT, Run

STARTED = re.compile(r'^if __name__ == "__main__":$', re.MULTILINE)
ALONE = ("unshare", "--map-root-user", "--mount", "sh", "-ec")
FULL = """mount -t tmpfs -o size=1m tmpfs "$0"; dd if=/dev/zero of="$0/fill" bs=64k 2>&- || :;
exec "$@" """


def programs() -> list[str]:
    """Every module that can be called as a program."""
    found = []
    for file in sources(ROOT, *CODE):
        parts = file.relative_to(ROOT).with_suffix("").parts
        if parts[-1] == "__main__" or STARTED.search(file.read_text()):
            found.append(".".join(part for part in parts if part != "__main__"))
    return found


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return runners.environment(tmp_path)


# Help


@pytest.mark.parametrize("program", programs())
def test_a_program_says_what_it_is_for_its_options_and_an_example(
    program: str, environment: dict[str, str], tmp_path: Path
) -> None:
    told = runners.program(environment, program, "--help")
    assert told.returncode == 0, told.stderr
    path = re.escape(f"{program.replace('.', '/')}.py")
    assert re.search(
        rf"^    .*(python -m {re.escape(program)}|python3 {path})\b", told.stdout, re.M
    )
    assert "\noptions:\n" in told.stdout
    assert list(tmp_path.iterdir()) == []


def test_every_target_of_make_says_what_it_is_for(environment: dict[str, str]) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    told = _make(environment, "help").stdout
    assert set(re.findall(r"^  ([a-z]+) +\S", told, re.MULTILINE)) == targets
    assert "for example: make demo" in told


# What is missing


@pytest.mark.parametrize("target", ["up", "keys"])
def test_without_docker_make_says_so_and_names_the_way_without(
    environment: dict[str, str], tmp_path: Path, target: str
) -> None:
    told = _make(environment | {"PATH": "/nowhere"}, target)
    assert told.returncode == 2
    assert told.stderr.startswith(
        "Docker with Compose is needed here, and the command docker is not installed.\n"
        "`make run` is the same system, with its keys, without Docker.\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["up", "keys"])
def test_without_an_engine_that_answers_make_says_so(
    environment: dict[str, str], target: str
) -> None:
    told = _make(environment | {"DOCKER_HOST": "tcp://127.0.0.1:1"}, target)
    assert told.returncode == 2
    assert told.stderr.startswith("Docker with Compose is needed here, and ")
    assert told.stderr.count("\n") == 3, "two lines, and the one that make adds"


def test_without_java_or_an_engine_what_is_missing_is_named_unless_a_broker_is(
    environment: dict[str, str],
) -> None:
    nothing = environment | {"PATH": "/nowhere", "JAVA_HOME": ""}
    told = _needs(nothing)
    assert told.returncode == 1
    assert told.stderr.startswith("Missing here: Java 17 or later, Maven.\nInstall them; ")
    assert "TROUSSEAU_KAFKA" in told.stderr
    assert _needs(nothing | {"TROUSSEAU_KAFKA": "kafka.example:9092"}).returncode == 0


def _make(environment: dict[str, str], target: str) -> Run:
    make = shutil.which("make")
    assert make is not None
    return subprocess.run(
        [make, target, f"PYTHON={sys.executable}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        check=False,
        text=True,
    )


def _needs(environment: dict[str, str]) -> Run:
    return subprocess.run(
        [sys.executable, "deploy/local/needs.py", "run"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
    )


# A full disk


def _on_a_full_disk(home: Path, environment: dict[str, str], *words: str) -> Run:
    """A program of ours whose home is a small disk of its own, with no room left."""
    return subprocess.run(
        [*ALONE, FULL, str(home), sys.executable, "-m", *words],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
    )


@pytest.fixture(scope="module")
def mounting() -> None:
    """A disk of one's own, which not every machine grants."""
    if shutil.which("unshare") is None:
        pytest.skip("a full disk needs unshare, which is Linux's")
    tried = subprocess.run([*ALONE, "mount -t tmpfs tmpfs /mnt"], capture_output=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"no disk may be mounted here, so none can be full: {tried.stderr.decode()}")


@pytest.mark.usefixtures("mounting")
@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        ("deploy.local.run run", 2, "The disk that holds {home} is full: 0 MB are free, "),
        ("deploy.local.run demo", 2, "The disk that holds {home} is full: 0 MB are free, "),
        ("deploy.local.kafka start --home {home}", 1, "The disk that holds {home} is full: "),
        ("shared.access issue ops", 2, "{home}/keys.json: [Errno 28] No space left on device"),
        ("deploy.image.trial_keys", 1, "No keys were made: [Errno 28] No space left on device"),
        ("shared.migrations migrate ordering", 1, "ordering: database or disk is full"),
        ("services.ordering", 1, "ordering: the database of ordering cannot be read: "),
    ],
)
def test_a_full_disk_is_told_in_one_sentence(
    environment: dict[str, str], tmp_path: Path, words: str, status: int, sentence: str
) -> None:
    told = _on_a_full_disk(tmp_path, environment, *words.format(home=tmp_path).split())
    assert told.stderr.startswith(sentence.format(home=tmp_path)), told.stderr
    assert told.stderr.count("\n") == 1, told.stderr
    assert told.returncode == status
    assert list(tmp_path.iterdir()) == [], "the disk went with the program"


@pytest.mark.usefixtures("mounting")
def test_a_full_disk_can_be_wiped(environment: dict[str, str], tmp_path: Path) -> None:
    told = _on_a_full_disk(tmp_path, environment, "deploy.local.run", "wipe")
    assert (told.returncode, told.stdout) == (0, f"{tmp_path} was empty.\n"), told.stderr
