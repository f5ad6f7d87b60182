"""OpenAPI as served and committed: every route is in it, and nobody comes in without a key."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from shared.contracts.strict import Field
from shared.serving import TITLES, Problem, problem
from tests.contract.places import API, SERVICES, built, misfit, openapi, resolved, served

EVERY = ("/health/live", "/health/ready", "/metrics", "/openapi.json", "/asyncapi.yaml")


def operations(whole: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in whole["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def declared(app: Starlette) -> set[tuple[str, str]]:
    """Every call that the application answers, Starlette's own HEAD left out."""
    return {
        (method, re.sub(r":\w+}", "}", route.path))
        for route in app.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_serves_what_is_committed(service: str, tmp_path: Path) -> None:
    async with served(service, tmp_path) as (_, client):
        told = await client.get("/openapi.json")
    assert told.headers["content-type"] == "application/json"
    assert told.text == (API / f"openapi-{service}.json").read_text(), "run `make schemas`"


@pytest.mark.parametrize("service", SERVICES)
async def test_every_route_is_in_the_document_and_nothing_else(
    service: str, tmp_path: Path
) -> None:
    async with served(service, tmp_path) as (app, _):
        routes = declared(app)
    assert routes == {(method, path) for method, path, _ in operations(openapi(service))}
    assert {("GET", path) for path in EVERY} <= routes


@pytest.mark.parametrize("service", SERVICES)
async def test_a_call_without_a_good_key_answers_401_unless_it_is_open(
    service: str, tmp_path: Path
) -> None:
    whole = openapi(service)
    async with served(service, tmp_path) as (_, client):
        for method, path, operation in operations(whole):
            address = re.sub(r"{\w+}", "x", path)
            told = await client.request(method, address)
            if not operation["security"]:
                assert told.status_code != 401, (method, path)
                continue
            for answer in (
                told,
                await client.request(method, address, headers={"Authorization": "Bearer no-key"}),
                await client.request(method, address, headers={"Authorization": "Basic eDp4"}),
            ):
                assert answer.status_code == 401, (method, path)
                assert answer.headers["www-authenticate"] == "Bearer"
                assert answer.headers["content-type"] == "application/problem+json"
                assert _problem_misfit(whole, answer.json()) == []


@pytest.mark.parametrize("service", SERVICES)
def test_who_may_is_told_with_every_call_that_asks_for_a_key(service: str) -> None:
    for method, path, operation in operations(openapi(service)):
        problems = {"401", "429"} <= set(operation["responses"])
        assert bool(operation["security"]) == problems, (method, path)
        if operation["security"]:
            assert operation["description"].startswith("For ")


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_made_or_queued_is_found_under_its_location(service: str) -> None:
    for _, _, operation in operations(openapi(service)):
        for status in ("201", "202"):
            if status in operation["responses"]:
                assert "Location" in operation["responses"][status]["headers"]


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_has_a_name_of_its_own_and_declares_its_paths_names(service: str) -> None:
    whole = openapi(service)
    names = [operation["operationId"] for _, _, operation in operations(whole)]
    assert len(names) == len(set(names))
    for _, path, operation in operations(whole):
        named = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path))
        for one in operation.get("parameters", ()):
            assert one["in"] == "path" or one["description"], (path, one["name"])


@pytest.mark.parametrize("service", SERVICES)
def test_every_reference_leads_somewhere_and_every_schema_is_one(service: str) -> None:
    whole = openapi(service)

    def walk(place: Any) -> None:
        if isinstance(place, dict):
            resolved(whole, place)
            for one in place.values():
                walk(one)
        elif isinstance(place, list):
            for one in place:
                walk(one)

    walk(whole)
    for schema in whole["components"]["schemas"].values():
        misfit(schema | {"components": whole["components"]}, None)


def _problem_misfit(whole: dict[str, Any], body: Any) -> list[str]:
    schema = {"$ref": "#/components/schemas/ProblemBody", "components": whole["components"]}
    return misfit(schema, body)


@pytest.mark.parametrize("status", TITLES)
def test_every_problem_has_the_shape_that_the_document_tells(status: int) -> None:
    whole = openapi("delivery")
    one = Field("/events", "invalid", "a list is expected")
    for trouble in (
        Problem(status, "code", "detail"),
        Problem(status, "code", "detail", [one], retry_after=1),
    ):
        assert _problem_misfit(whole, json.loads(bytes(problem(trouble).body))) == []
    assert f"Problem{status}" in whole["components"]["responses"]


def test_a_wrong_problem_would_be_seen() -> None:
    assert _problem_misfit(openapi("delivery"), {"title": "No", "status": "409"})


@pytest.mark.parametrize("service", SERVICES)
def test_building_a_service_touches_nothing_but_its_folder(service: str, tmp_path: Path) -> None:
    built(service, tmp_path)
    assert {file.name for file in tmp_path.rglob("*") if file.is_file()} == set()
