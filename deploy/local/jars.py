"""Java, and Kafka's jars, fetched once by Maven."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.local.processes import CannotRunError

POM = Path(__file__).with_name("pom.xml")
TARGET = Path(__file__).with_name("target")
OLDEST_JAVA = 17

NO_JAVA = (
    f"Kafka needs Java {OLDEST_JAVA} or later, and {{found}}. Install it "
    "(Debian, Ubuntu: apt-get install openjdk-17-jre-headless; macOS: brew install openjdk@17), "
    "or name a broker that runs already in TROUSSEAU_KAFKA."
)
NO_MAVEN = (
    "Kafka's jars are fetched once by Maven, and no mvn was found in PATH. Install it "
    "(Debian, Ubuntu: apt-get install maven; macOS: brew install maven), "
    "or name a broker that runs already in TROUSSEAU_KAFKA."
)
FETCH_FAILED = (
    "Maven could not fetch Kafka's jars: check the network and Maven's settings, "
    "then start again. It said:\n{said}"
)


@dataclass(frozen=True, slots=True)
class Java:
    executable: str
    version: str  # as it names itself: "17.0.15"


def find_java() -> Java:
    """The Java of JAVA_HOME, else of PATH. Raises CannotRunError when there is none new enough."""
    executable = _at_java_home() or shutil.which("java")
    if executable is None:
        raise CannotRunError(NO_JAVA.format(found="none was found in JAVA_HOME or PATH"))
    asked = subprocess.run([executable, "-version"], capture_output=True, check=False, text=True)
    named = re.search(r'version "(?P<version>(?P<major>\d+)[^"]*)"', asked.stderr)
    if asked.returncode != 0 or named is None:
        raise CannotRunError(NO_JAVA.format(found=f"{executable} does not run"))
    if int(named["major"]) < OLDEST_JAVA:
        raise CannotRunError(NO_JAVA.format(found=f"{executable} is version {named['version']}"))
    return Java(executable=executable, version=named["version"])


def _at_java_home() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return shutil.which(Path(home) / "bin" / "java") if home else None


def jars_folder() -> Path:
    """Where Kafka's jars are or will be. The name follows the pom: versions never mix."""
    return TARGET / f"jars-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}"


def fetch_jars(say: Callable[[str], None]) -> Path:
    """The folder of Kafka's jars, filled by Maven the first time.

    Safe to call from several processes at once. Raises CannotRunError without Maven or network.
    """
    folder = jars_folder()
    if folder.exists():
        return folder
    TARGET.mkdir(exist_ok=True)
    with (TARGET / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _fetch(folder, say)
    return folder


def _fetch(folder: Path, say: Callable[[str], None]) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise CannotRunError(NO_MAVEN)
    say("Fetching Apache Kafka by Maven: about 43 MB, this once, a minute or two…")
    unfinished = folder.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime"]
    done = subprocess.run(
        [maven, "-q", "-B", "-f", str(POM), *goal, f"-DoutputDirectory={unfinished}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        text=True,
    )
    if done.returncode != 0:
        raise CannotRunError(FETCH_FAILED.format(said="\n".join(done.stdout.splitlines()[:6])))
    unfinished.rename(folder)
    say("Apache Kafka is there.")
