"""Prometheus beside the system, where its program is installed."""

import shutil

from deploy.local.processes import Program
from deploy.local.system import ROOT, System

NAME = "prometheus"
RULES = ROOT / "deploy" / "prometheus" / "rules"


def prepare(system: System) -> Program | None:
    """Prometheus scraping this run's services, as a program; None where it is not installed."""
    executable = shutil.which("prometheus")
    if executable is None:
        return None
    folder = system.home / NAME
    folder.mkdir(parents=True, exist_ok=True)
    # The composition's own file names hosts that only exist there.
    settings = folder / "prometheus.yml"
    settings.write_text(_settings(system))
    command = (
        executable,
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{system.prometheus_port}",
        f"--config.file={settings}",
    )
    return Program(NAME, system.home, command)


def _settings(system: System) -> str:
    jobs = "\n".join(
        f"  - job_name: {name}\n    static_configs:\n      - targets: ['{system.host}:{port}']"
        for name, port in system.services.items()
    )
    return (
        "global:\n  scrape_interval: 5s\n  evaluation_interval: 5s\n"
        f"rule_files:\n  - '{RULES}/*.yml'\n"
        f"scrape_configs:\n{jobs}\n"
    )
