"""What the page of promises names is there: tests and alerts."""

import re

from deploy.checks import ROOT

PAGE = (ROOT / "docs" / "reliability.md").read_text()
RULES = (ROOT / "deploy" / "prometheus" / "rules" / "trousseau.yml").read_text()


def test_every_test_that_proves_a_promise_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)
    assert len(named) > 30
    for file, name in named:
        assert re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(), re.MULTILINE), name


def test_every_alert_is_that_of_a_fault_and_every_alert_named_is_there() -> None:
    alerts = set(re.findall(r"alert: (\w+)", RULES))
    assert set(re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", PAGE)) == alerts
