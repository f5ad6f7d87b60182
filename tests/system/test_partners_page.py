"""What docs/partners.md and docs/desks.md tell is so: examples, run as they stand, and tables."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.delivery.core.commands import STEPS, may_report
from services.delivery.intake import ITEMS
from services.repairs import core
from services.repairs.events import ACTS
from shared import serving
from shared.asking import ITEM_BYTES
from shared.contracts.strict import DEPTH
from tests import running
from tests.places import Kafka
from tests.runners import ROOT
from tests.running import System
from tests.system.examples import answered_as_shown

PAGE = (ROOT / "docs" / "partners.md").read_text()
DESKS = (ROOT / "docs" / "desks.md").read_text()


@pytest.fixture
def system(kafka: Kafka, tmp_path: Path) -> Iterator[System]:
    running.fresh_topics(kafka.bootstrap)
    with running.system(tmp_path, "sqlite", kafka.bootstrap) as made:
        made.start()
        yield made


@pytest.mark.parametrize("page", [PAGE, DESKS], ids=["partners", "desks"])
def test_every_example_is_answered_as_the_page_shows(system: System, page: str) -> None:
    assert {kind for kind, _ in answered_as_shown(system, page)} >= {"sh", "json"}


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
