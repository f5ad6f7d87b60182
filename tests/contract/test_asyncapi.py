"""AsyncAPI as served and committed: official schema, headers as they travel, keys, groups, YAML."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from deploy import topics
from shared.contracts import envelope
from shared.contracts.envelope import Envelope
from shared.contracts.published import yaml as ours
from shared.contracts.published.asyncapi import HEADERS, KEYS, SOMETIMES
from tests.contract.places import (
    API,
    FACTS,
    SERVICES,
    misfit,
    outside,
    resolved,
    sample,
    served,
)


def document(service: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((API / f"asyncapi-{service}.yaml").read_text())
    return read


@pytest.mark.parametrize("service", SERVICES)
def test_a_document_fits_the_official_schema(service: str) -> None:
    official = Draft7Validator(
        json.loads(outside("asyncapi", "asyncapi-3.0.0.schema.json").read_text())
    )
    assert [one.message[:300] for one in official.iter_errors(document(service))] == []


def test_the_official_schema_would_see_a_fault() -> None:
    official = Draft7Validator(
        json.loads(outside("asyncapi", "asyncapi-3.0.0.schema.json").read_text())
    )
    broken = document("delivery")
    del broken["operations"]["say"]["action"]
    assert list(official.iter_errors(broken))


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_serves_what_is_committed(service: str, tmp_path: Path) -> None:
    async with served(service, tmp_path) as (_, client):
        told = await client.get("/asyncapi.yaml")
    assert told.status_code == 200
    assert told.headers["content-type"] == "application/yaml"
    assert told.text == (API / f"asyncapi-{service}.yaml").read_text(), "run `make schemas`"


@pytest.mark.parametrize("service", SERVICES)
def test_every_reference_leads_somewhere(service: str) -> None:
    whole = document(service)

    def walk(place: Any) -> None:
        if isinstance(place, dict):
            resolved(whole, place)
            for one in place.values():
                walk(one)
        elif isinstance(place, list):
            for one in place:
                walk(one)

    walk(whole)


@pytest.mark.parametrize("service", SERVICES)
def test_a_channel_is_a_declared_topic_and_stands_once(service: str) -> None:
    addresses = [one["address"] for one in document(service)["channels"].values()]
    assert len(addresses) == len(set(addresses))
    assert set(addresses) <= {topic.name for topic in topics.declared()}


@pytest.mark.parametrize("service", SERVICES)
def test_whoever_hears_names_his_group_and_whoever_says_says_on_his_own_topic(service: str) -> None:
    whole = document(service)
    assert whole["operations"]
    for operation in whole["operations"].values():
        channel = resolved(whole, operation["channel"])
        assert {one["$ref"].rpartition("/")[2] for one in operation["messages"]} <= set(
            channel["messages"]
        )
        if operation["action"] == "send":
            assert channel["address"] == f"{service}.facts"
        else:
            assert operation["bindings"]["kafka"]["groupId"]["enum"] == [service]


@pytest.mark.parametrize("service", SERVICES)
def test_a_message_describes_the_sample_of_its_type(service: str) -> None:
    whole = document(service)
    trait = whole["components"]["messageTraits"]["cloudevents"]["headers"]
    for name, message in whole["components"]["messages"].items():
        golden = sample(name)
        payload = message["payload"] | {"components": whole["components"]}
        assert misfit(payload, golden["body"]) == []
        assert misfit(trait | {"additionalProperties": False}, golden["headers"]) == []
        assert misfit(message["headers"], golden["headers"]) == []
        assert misfit(message["bindings"]["kafka"]["key"], golden["key"]) == []
        assert message["examples"] == [{"headers": golden["headers"], "payload": golden["body"]}]


@pytest.mark.parametrize("kind", KEYS)
def test_a_keys_pattern_refuses_the_keys_of_other_kinds(kind: str) -> None:
    written = {sample(name)["key"] for name in FACTS}
    fitting = {key for key in written if not misfit({"pattern": KEYS[kind][1]}, key)}
    assert fitting == {
        key for key in written if key.startswith("hp/" if kind == "laptop" else kind)
    }
    assert fitting


def test_the_headers_told_are_the_headers_sent() -> None:
    moment = datetime(2020, 9, 1, 8, tzinfo=UTC)
    full = Envelope(
        "f",
        "t.f.v1",
        "k",
        "s",
        "i",
        moment,
        moment,
        sequence=1,
        correlation="c",
        trace="t",
        body=b"",
    )
    sent = {name for name, _ in envelope.headers(full)}
    always = {
        name
        for name, _ in envelope.headers(
            Envelope(
                "f", "t.f.v1", "k", "s", "i", moment, moment, 1, correlation="", trace="", body=b""
            )
        )
    }
    assert sent == set(HEADERS)
    assert sent - always == set(SOMETIMES)


def test_the_outside_trait_of_cloudevents_asks_for_nothing_we_leave_out() -> None:
    place = outside("cloudevents", "asyncapi-trait-cloudevents-headers-kafka-binary.yaml")
    trait = yaml.safe_load(place.read_text())
    for name in FACTS:
        assert misfit(trait["headers"], sample(name)["headers"]) == []
    assert set(trait["headers"]["required"]) <= set(HEADERS) - set(SOMETIMES)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
WORDS = st.sampled_from(
    ["yes", "No", "null", "~", "1.0", "2020-09-01", "a: b", "a #b", "-", " x", "x ", "é", "\u2028"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | WORDS, inner, max_size=3),
    max_leaves=12,
)


@given(VALUES)
def test_our_yaml_is_read_back_as_it_was(value: Any) -> None:
    assert yaml.safe_load(ours.text(value)) == value
