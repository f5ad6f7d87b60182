"""What this machine must have before anything starts; what is missing is named, or installed.

As root on Debian or Ubuntu without a terminal it installs; with one it asks first; anybody else is
told the packages. Runs on any Python 3, before there is a virtual environment.

    python3 deploy/local/needs.py run
    python3 deploy/local/needs.py test
    python3 deploy/local/needs.py up
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def has_engine() -> bool:
    """Whether a container engine answers."""
    if not shutil.which("docker"):
        return False
    asked = ["docker", "info", "--format", "{{.ServerVersion}}"]
    try:
        return subprocess.run(asked, capture_output=True, timeout=5, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def java_version() -> int:
    """The major version of Java here, 0 when there is none."""
    home = os.environ.get("JAVA_HOME")
    java = (home and shutil.which(f"{home}/bin/java")) or shutil.which("java")
    if not java:
        return 0
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(?:1\.)?(\d+)', told)
    return int(found[1]) if found else 0


def no_composition() -> str:
    """Why docker compose cannot be used here, "" when it can."""
    if not shutil.which("docker"):
        return "the command docker is not installed"
    asked = ["docker", "compose", "version"]
    if subprocess.run(asked, capture_output=True, check=False).returncode != 0:
        return "docker has no compose plugin"
    return "" if has_engine() else "its engine does not answer: not started, or not for you to use"


def has_postgres() -> bool:
    """Whether PostgreSQL's server programs are here, in the path or where Debian puts them."""
    return bool(shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb")))


def missing(purpose: str) -> "list[tuple[str, str]]":
    """Pairs of what is missing and the Debian package that brings it."""
    lacking = []
    if purpose == "run" and os.environ.get("TROUSSEAU_KAFKA"):
        return []  # a broker runs already
    if not has_engine():
        if java_version() < 17:
            lacking.append(("Java 17 or later", "openjdk-17-jre-headless"))
        if not shutil.which("mvn"):
            lacking.append(("Maven", "maven"))
        if purpose == "test" and not has_postgres():
            lacking.append(("PostgreSQL's server", "postgresql"))
    if purpose == "test" and not any(shutil.which(name) for name in BROWSERS):
        lacking.append(("Chromium", "chromium"))
    if purpose == "test" and not shutil.which("promtool"):
        lacking.append(("promtool", "prometheus"))
    return lacking


def may_install(packages: "list[str]") -> bool:
    """Whether we may: root, with apt, and nobody at the terminal who says no."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    if not sys.stdin.isatty():
        return True
    said = input(f"Install {' '.join(packages)} with apt-get? [y/N] ")
    return said.strip().lower() in ("y", "yes")


def install(packages: "list[str]") -> None:
    """Install Debian packages; no server that they bring is started."""
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    options = ["-y", "-qq", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0"]
    for words in (["update", "-qq"], ["install", *options, *packages]):
        subprocess.run(["apt-get", *words], env=quiet, check=True, stdout=sys.stderr)  # noqa: S607  root's own


def main(purpose: str) -> int:
    """0 when all is there, 1 with what is missing on standard error."""
    if purpose == "up":
        if reason := no_composition():
            print(f"Docker with Compose is needed here, and {reason}.", file=sys.stderr)
            print("`make run` is the same system, with its keys, without Docker.", file=sys.stderr)
        return 1 if reason else 0
    if sys.version_info < (3, 11):
        here = ".".join(map(str, sys.version_info[:2]))
        print(f"Python 3.11 or later is needed, this is {here}.", file=sys.stderr)
        print("Install it and call make with PYTHON=python3.12 or so.", file=sys.stderr)
        return 1
    lacking = missing(purpose)
    if not lacking:
        return 0
    print(f"Missing here: {', '.join(what for what, _ in lacking)}.", file=sys.stderr)
    packages = [package for _, package in lacking]
    if may_install(packages):
        install(packages)
        lacking = missing(purpose)
    if lacking:
        named = " ".join(package for _, package in lacking)
        print(f"Install them; on Debian: sudo apt-get install {named}", file=sys.stderr)
        if purpose == "run":
            print("Or start a container engine: then Kafka comes from its image.", file=sys.stderr)
            print("Or name a broker that runs already in TROUSSEAU_KAFKA.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("purpose", choices=["run", "test", "up"], help="what is to be started")
    sys.exit(main(parser.parse_args().purpose))
