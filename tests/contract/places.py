"""What contract tests compare with: committed files, services as built, outside data."""

import importlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import ConsumerRecord
from jsonschema import Draft202012Validator
from starlette.applications import Starlette

from deploy.published import services
from shared import migrations, settings
from shared.contracts.published import every_fact, name_of

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "shared" / "contracts" / "schemas"
SAMPLES = SCHEMAS / "samples"
API = ROOT / "docs" / "api"
OUTSIDE = ROOT.parent / "shared" / "data"

SERVICES = services()
FACTS = {name_of(fact): fact for fact in every_fact()}


def outside(*path: str) -> Path:
    """A file or folder of the outside data; the test is skipped, saying so, where it is absent."""
    place = OUTSIDE.joinpath(*path)
    if not place.exists():
        pytest.skip(f"the outside data are not here: ../shared/data/{'/'.join(path)}")
    return place


def sample(name: str) -> dict[str, Any]:
    """A golden sample: key, headers, body."""
    told: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text())
    return told


def recorded(name: str) -> ConsumerRecord:
    """A golden sample as a record of its topic."""
    golden = sample(name)
    return ConsumerRecord(
        topic=f"{name.partition('.')[0]}.facts",
        partition=0,
        offset=0,
        timestamp=0,
        timestamp_type=0,
        key=golden["key"].encode(),
        value=json.dumps(golden["body"]).encode(),
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        headers=tuple((header, value.encode()) for header, value in golden["headers"].items()),
    )


def openapi(service: str) -> dict[str, Any]:
    """A service's committed OpenAPI document."""
    told: dict[str, Any] = json.loads((API / f"openapi-{service}.json").read_text())
    return told


def misfit(schema: dict[str, Any], value: Any) -> list[str]:
    """What of a value does not fit a schema (JSON Schema 2020-12); nothing when it fits."""
    Draft202012Validator.check_schema(schema)
    found = Draft202012Validator(schema).iter_errors(value)
    return [f"{one.json_path}: {one.message[:300]}" for one in found]


def resolved(document: dict[str, Any], place: dict[str, Any]) -> dict[str, Any]:
    """What stands at a place of a document, references followed."""
    while "$ref" in place:
        target: Any = document
        for step in place["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        place = target
    return place


def built(service: str, home: Path) -> Starlette:
    """A service as it is put together, on SQLite under `home`, with a broker that is not there."""
    said = {"TROUSSEAU_HOME": str(home), "TROUSSEAU_KAFKA": "127.0.0.1:1"}
    app: Starlette = importlib.import_module(f"services.{service}.app").build(
        settings.read(service, said)
    )
    return app


@asynccontextmanager
async def served(service: str, home: Path) -> AsyncIterator[tuple[Starlette, httpx.AsyncClient]]:
    """A service that lives, with its tables, and a client that speaks to it without a socket."""
    await migrations.migrate(service, settings.database_url(service, home, "sqlite"))
    app = built(service, home)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=f"http://{service}") as client,
    ):
        yield app, client
