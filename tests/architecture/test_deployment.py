"""What deploys says the same as what is deployed: composition, broker, roles, scraping, alerts."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.checks import ROOT, RULE_TESTS, RULES
from deploy.local.broker import Broker, shared_settings
from shared.settings import PORTS
from tests.architecture.rules import CODE, sources

SERVICES = {path.parent.name for path in (ROOT / "services").glob("*/__main__.py")}
PROMETHEUS = ROOT / "deploy" / "prometheus" / "prometheus.yml"
ROLES = ROOT / "deploy" / "postgres" / "10-services.sh"
RUNBOOKS = ROOT / "docs" / "runbooks"
# What follows from where a broker runs, and has to differ.
ITS_PLACE = {
    "advertised.listeners",
    "inter.broker.listener.name",
    "listener.security.protocol.map",
}


@cache
def _yaml(file: Path) -> Any:
    return yaml.safe_load(file.read_text())


def _composed() -> dict[str, Any]:
    composed: dict[str, Any] = _yaml(ROOT / "docker-compose.yml")["services"]
    return composed


def _alerts() -> dict[str, Any]:
    files = sorted((ROOT / RULES).glob("*.yml"))
    groups = [group for file in files for group in _yaml(file)["groups"]]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def test_the_composition_runs_every_service_with_the_port_it_has_everywhere() -> None:
    composed = _composed()
    for name in SERVICES:
        port = 8000 + PORTS[name]
        published = composed[name]["ports"][0]
        assert composed[name]["command"] == ["python", "-m", f"services.{name}"]
        assert published.endswith(f"{PORTS[name]:02}:{port}")
        assert composed[name]["healthcheck"]["test"][-1] == str(port)


def test_every_service_is_migrated_scraped_and_has_a_database_of_its_own() -> None:
    jobs = {
        job["job_name"]: job["static_configs"][0]["targets"]
        for job in _yaml(PROMETHEUS)["scrape_configs"]
    }
    roles = re.search(r"for service in ([a-z ]+);", ROLES.read_text())
    assert set(_composed()["migrate"]["command"][-len(SERVICES) :]) == SERVICES
    assert jobs == {name: [f"{name}:{8000 + PORTS[name]}"] for name in SERVICES}
    assert roles is not None
    assert set(roles[1].split()) == SERVICES


def test_nothing_listens_but_on_this_machine() -> None:
    ports = [port for one in _composed().values() for port in one.get("ports", ())]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_the_broker_of_the_composition_is_set_as_the_local_one() -> None:
    said = _composed()["kafka"]["environment"]
    for name, value in shared_settings(Broker(Path())).items():
        if name not in ITS_PLACE:
            assert str(said[f"KAFKA_{name.upper().replace('.', '_')}"]) == value, name


def test_every_container_is_held_as_the_others_are() -> None:
    for name, one in _composed().items():
        assert one["cap_drop"] == ["ALL"], name
        assert one["security_opt"] == ["no-new-privileges:true"], name
        assert one["mem_limit"], name
        assert one["pids_limit"], name
        assert one["read_only"] or name == "kafka", name


@pytest.mark.parametrize("alert", _alerts())
def test_an_alert_has_a_page_that_says_what_to_do(alert: str) -> None:
    rule = _alerts()[alert]
    page = ROOT / rule["annotations"]["runbook"]
    assert page.parent == RUNBOOKS
    assert page.read_text().startswith(f"# {alert}\n")
    assert rule["labels"]["severity"] in {"page", "ticket"}


def test_no_page_outlives_its_alert() -> None:
    named = {(ROOT / rule["annotations"]["runbook"]).name for rule in _alerts().values()}
    assert {page.name for page in RUNBOOKS.glob("*.md")} == named


def test_every_alert_is_seen_to_fire_in_a_test_of_the_rules() -> None:
    tests = [one for file in (ROOT / RULE_TESTS).glob("*.yml") for one in _yaml(file)["tests"]]
    proofs = [proof for one in tests for proof in one.get("alert_rule_test", ())]
    assert {proof["alertname"] for proof in proofs if proof.get("exp_alerts")} == set(_alerts())


def test_operating_names_every_alert_and_every_metric() -> None:
    page = (ROOT / "docs" / "operating.md").read_text()
    telemetry = (ROOT / "shared" / "telemetry.py").read_text()
    metrics = re.findall(r'(?:histogram|counter|gauge)\(\s*"([a-z_]+)"', telemetry)
    assert len(metrics) > len(SERVICES)
    assert [name for name in [*_alerts(), *metrics] if name not in page] == []


def test_what_the_environment_may_say_is_in_the_operators_page() -> None:
    others = ("Makefile", "docker-compose.yml", "deploy/postgres/10-services.sh")
    read = [*sources(ROOT, *CODE, "tests"), *(ROOT / name for name in others)]
    variable = r"\b(?:TROUSSEAU_[A-Z_]*[A-Z]|JAVA_HOME)\b"
    page = (ROOT / "docs" / "operating.md").read_text()
    told = set(re.findall(rf"^\| `({variable})`", page, re.MULTILINE))
    assert set(re.findall(variable, "".join(file.read_text() for file in read))) == told
