"""Writes what is published of facts and calls, or checks that it is as the code has it.

    python -m deploy.published write        schemas, docs/events.md, docs/api
    python -m deploy.published check        exit 1, naming each file that is stale
    python -m deploy.published against REF  exit 1, naming each schema that breaks with a git ref's

A schema is a promise: `write` does not put one in the place of another that it breaks. Give the
fact a new version instead; while it was never published, delete its snapshot first.
"""

import argparse
import asyncio
import importlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec

from shared import settings
from shared.contracts.published import events, every_fact, name_of
from shared.contracts.published.compatibility import breaks
from shared.contracts.published.schemas import snapshot, text

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = Path("shared/contracts/schemas")
API = Path("docs/api")
EVENTS = Path("docs/events.md")
WRITE = "run `make schemas`"
BY_HAND = "keep one as it travelled, see docs/add-an-event.md"


class CannotTellError(Exception):
    """There is nothing to compare with: one sentence."""


# -- what there has to be


def services(root: Path = ROOT) -> list[str]:
    """The services that can be put together."""
    return [name for name in settings.PORTS if (root / "services" / name / "app.py").exists()]


async def documents(service: str, home: Path) -> dict[Path, str]:
    """A service's documents, as it serves them itself; nothing of it is started."""
    known = settings.read(service, {"TROUSSEAU_HOME": str(home)})
    # By name, as everything in deploy/ knows the services.
    app = importlib.import_module(f"services.{service}.app").build(known)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{service}") as client:
        told = {}
        for address, file in (
            ("/openapi.json", API / f"openapi-{service}.json"),
            ("/asyncapi.yaml", API / f"asyncapi-{service}.yaml"),
        ):
            answer = await client.get(address)
            told[file] = answer.raise_for_status().text
        return told


def heard_by(texts: Mapping[Path, str]) -> dict[str, list[str]]:
    """Services by the wire names that their AsyncAPI documents say they receive."""
    heard: dict[str, list[str]] = {}
    for file, content in texts.items():
        if file.suffix == ".yaml":
            service = file.stem.removeprefix("asyncapi-")
            for name in received(msgspec.yaml.decode(content)):
                heard.setdefault(name, []).append(service)
    return heard


def received(document: Mapping[str, Any]) -> Iterator[str]:
    """The wire names that an AsyncAPI document's service receives."""
    for operation in document["operations"].values():
        if operation["action"] == "receive":
            for message in operation["messages"]:
                yield message["$ref"].rpartition("/")[2]


def fresh() -> dict[Path, str]:
    """Every generated file's text, by its path under the project."""
    texts = {SCHEMAS / f"{name_of(fact)}.json": text(snapshot(fact)) for fact in every_fact()}
    with tempfile.TemporaryDirectory() as home:
        for service in services():
            texts |= asyncio.run(documents(service, Path(home)))
    return texts | {EVENTS: events.text(heard_by(texts))}


# -- what there is


def stale(texts: Mapping[Path, str], root: Path = ROOT) -> Iterator[str]:
    """A sentence for each file that is missing, differs, or has nothing in the code any more."""
    for file, content in texts.items():
        if not (root / file).exists():
            yield f"{file} is missing: {WRITE}"
        elif (root / file).read_text() != content:
            yield f"{file} is not what the code generates: {WRITE}"
    for file in sorted((*(root / SCHEMAS).glob("*.json"), *(root / API).glob("*"))):
        if file.relative_to(root) not in texts:
            yield f"{file.relative_to(root)} has nothing in the code: what was published stays"
    samples = {file.stem for file in (root / SCHEMAS / "samples").glob("*.json")}
    for fact in every_fact():
        if name_of(fact) not in samples:
            yield f"{SCHEMAS}/samples/{name_of(fact)}.json is missing: {BY_HAND}"


def broken(texts: Mapping[Path, str], before: Mapping[Path, str]) -> Iterator[str]:
    """A sentence for each schema that may not stand where another stood."""
    for file, old in before.items():
        if file.parent == SCHEMAS:
            if file not in texts:
                yield f"{file}: it was published and is gone"
                continue
            for why in breaks(msgspec.json.decode(old), msgspec.json.decode(texts[file])):
                yield f"{file}: {why}"


def committed(texts: Mapping[Path, str], root: Path = ROOT) -> dict[Path, str]:
    """The schemas as they lie in the tree, of those that the code still knows."""
    return {file: (root / file).read_text() for file in texts if (root / file).exists()}


def at_ref(ref: str, root: Path = ROOT) -> dict[Path, str]:
    """The schemas as they stand at a git ref. Raises CannotTellError when git does not know it."""
    listed = _git(root, "ls-tree", "--name-only", ref, f"{SCHEMAS}/").splitlines()
    return {
        Path(name): _git(root, "show", f"{ref}:./{name}")
        for name in listed
        if name.endswith(".json")
    }


def _git(root: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ("git", *words),  # noqa: S607  git as the developer's own path has it
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as trouble:
        said = getattr(trouble, "stderr", "") or str(trouble)
        raise CannotTellError(f"git does not tell: {said.strip()}") from None
    return done.stdout


# -- the command


def write(texts: Mapping[Path, str], root: Path = ROOT) -> list[str]:
    """Write the files, none when a schema would break its promise; why not, in sentences."""
    troubles = list(broken(texts, committed(texts, root)))
    if not troubles:
        for file, content in texts.items():
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_text(content)
    return troubles


def main(words: Sequence[str] | None = None) -> int:
    about, _, usage = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m deploy.published",
        description=about,
        epilog=usage,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    acts = parser.add_subparsers(dest="act", required=True)
    acts.add_parser("write", help="write what differs")
    acts.add_parser("check", help="name each stale file")
    acts.add_parser("against", help="compare schemas with a git ref").add_argument("ref")
    given = parser.parse_args(words)
    texts = fresh()
    try:
        if given.act == "write":
            troubles = write(texts)
        elif given.act == "check":
            troubles = list(stale(texts))
        else:
            troubles = list(broken(texts, at_ref(given.ref)))
    except CannotTellError as reason:
        troubles = [str(reason)]
    for trouble in troubles:
        sys.stderr.write(f"{trouble}\n")
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
