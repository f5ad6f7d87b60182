"""What docs/who-is-who.md tells is so: examples, run as they stand, and its table of codes."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.enrolment.core import COLUMNS, NEEDED
from services.enrolment.imports import files
from tests import running
from tests.places import Kafka
from tests.runners import ROOT
from tests.running import System
from tests.system.examples import answered_as_shown

PAGE = (ROOT / "docs" / "who-is-who.md").read_text()
CODE = ROOT / "services" / "enrolment"


@pytest.fixture
def system(kafka: Kafka, tmp_path: Path) -> Iterator[System]:
    running.fresh_topics(kafka.bootstrap)
    with running.system(tmp_path, "sqlite", kafka.bootstrap, ["enrolment"]) as made:
        made.start()
        yield made


def test_every_example_is_answered_as_the_page_shows(system: System) -> None:
    answered_as_shown(system, PAGE)


def test_the_page_names_every_code_that_a_row_can_have() -> None:
    source = "".join(file.read_text() for file in sorted(CODE.rglob("*.py")))
    told = set(re.findall(r"^\| (?:applied|refused|duplicate) ([a-z-]+) \|", PAGE, re.MULTILINE))
    written = {code for code in told if f'"{code}"' in source or code.endswith("-of-another")}
    assert told == written
    said = re.findall(r'(?:Unread|Refusal|_ask)\(\s*"([a-z-]+)"', source)
    codes = {*said, *re.findall(r'Verdict\(\s*"[a-z]+",\s*"([a-z-]+)"', source)}
    assert len(codes) > 10
    assert codes - told == set()


def test_the_page_names_every_column_and_the_limit_of_a_zip() -> None:
    assert f"`{','.join(NEEDED)}`" in PAGE
    assert [name for name in COLUMNS if name not in PAGE] == []
    assert f"Up to {files.ZIP_LIMIT >> 20} MiB" in PAGE
