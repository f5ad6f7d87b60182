"""What is promised of every fact: name, key, words, schema, sample, and who hears it."""

import importlib
import json
import re
from pathlib import Path

import pytest
import yaml

from deploy.published import received
from shared.contracts import envelope
from shared.contracts.identifiers import kind_of
from shared.contracts.published import PUBLISHERS, card, said_by, words
from shared.contracts.published.schemas import snapshot, text
from shared.hearing import reader, topics
from tests.contract.places import (
    API,
    FACTS,
    ROOT,
    SAMPLES,
    SCHEMAS,
    SERVICES,
    misfit,
    recorded,
    sample,
)


def kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def heard(service: str) -> set[str]:
    return set(received(yaml.safe_load((API / f"asyncapi-{service}.yaml").read_text())))


def test_every_module_of_facts_is_known_as_a_publisher() -> None:
    modules = {file.stem for file in (ROOT / "shared" / "contracts").glob("*.py")}
    saying = {
        name
        for name in modules - {"__init__"}
        if hasattr(importlib.import_module(f"shared.contracts.{name}"), "Fact")
    }
    assert saying == set(PUBLISHERS), "add it to PUBLISHERS in shared/contracts/published"


@pytest.mark.parametrize("name", FACTS)
def test_a_wire_name_is_publisher_fact_and_version_and_the_fact_is_the_classs_name(
    name: str,
) -> None:
    match = re.fullmatch(r"([a-z]+)\.([a-z]+(?:-[a-z]+)*)\.v([1-9]\d*)", name)
    assert match
    fact = FACTS[name]
    assert fact.__module__ == f"shared.contracts.{match[1]}"
    assert fact.__name__ in PUBLISHERS[match[1]].__dict__
    assert re.sub(r"-v\d+$", "", kebab(fact.__name__)) == match[2]


def test_no_two_facts_bear_one_name() -> None:
    assert len(FACTS) == sum(len(said_by(publisher)) for publisher in PUBLISHERS)


@pytest.mark.parametrize("publisher", PUBLISHERS)
def test_every_fact_has_its_rank_in_time(publisher: str) -> None:
    assert set(PUBLISHERS[publisher].RANK) == set(said_by(publisher))


@pytest.mark.parametrize("name", FACTS)
def test_a_snapshot_is_what_the_code_generates(name: str) -> None:
    file = SCHEMAS / f"{name}.json"
    assert file.exists(), f"{name} has no snapshot: run `make schemas`"
    assert file.read_text() == text(snapshot(FACTS[name])), f"{name} changed: run `make schemas`"


def test_nothing_that_was_published_is_forgotten() -> None:
    for folder in (SCHEMAS, SAMPLES):
        assert {file.stem for file in folder.glob("*.json")} == set(FACTS)


@pytest.mark.parametrize("name", FACTS)
def test_a_schema_is_closed_and_every_field_has_a_meaning(name: str) -> None:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    for one in (schema, *schema.get("$defs", {}).values()):
        assert one["additionalProperties"] is False
        assert all(field["description"] for field in one["properties"].values())


def test_no_word_is_explained_that_no_fact_uses() -> None:
    used: set[str] = set()
    for fact in FACTS.values():
        schema = snapshot(fact)
        for owner, one in ((fact.__name__, schema), *schema.get("$defs", {}).items()):
            for field in one["properties"]:
                used.add(f"{owner}.{field}" if f"{owner}.{field}" in words.FIELDS else field)
    assert used == set(words.FIELDS)


@pytest.mark.parametrize("name", FACTS)
def test_a_golden_sample_is_read_by_todays_code(name: str) -> None:
    record = recorded(name)
    (one,) = reader(list(FACTS.values()))(record)
    assert type(one.fact) is FACTS[name]
    assert dict(envelope.headers(one.envelope)) == dict(record.headers)


@pytest.mark.parametrize("name", FACTS)
def test_a_golden_sample_fits_its_schema_and_its_key(name: str) -> None:
    golden = sample(name)
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    assert misfit(schema, golden["body"]) == []
    assert golden["headers"]["ce_type"] == golden["body"]["type"] == name
    assert golden["headers"]["ce_dataschema"] == schema["$id"]
    assert kind_of(golden["key"]) in card(FACTS[name]).keys


@pytest.mark.parametrize("service", SERVICES)
def test_every_fact_that_a_service_hears_has_a_publisher(service: str) -> None:
    assert heard(service) <= set(FACTS)


def test_tracking_hears_every_fact_about_a_laptop() -> None:
    of_laptops = {name for name, fact in FACTS.items() if "laptop" in card(fact).keys}
    assert of_laptops <= heard("tracking")


def test_facts_travel_on_their_publishers_topic() -> None:
    assert set(topics(list(FACTS.values()))) == {f"{publisher}.facts" for publisher in PUBLISHERS}
    declared = (ROOT / "deploy" / "topics.toml").read_text()
    assert all(f'"{publisher}.facts"' in declared for publisher in PUBLISHERS)


def test_a_fact_whose_docstring_says_no_key_is_refused() -> None:
    class LaptopPainted:
        """Somebody painted it."""

        __struct_config__ = type("Config", (), {"tag": "delivery.laptop-painted.v1"})

    with pytest.raises(ValueError, match="LaptopPainted must end in 'Key:"):
        card(LaptopPainted)


def test_a_field_without_a_meaning_is_refused() -> None:
    with pytest.raises(KeyError, match=r"LaptopPainted\.colour"):
        words.meaning("LaptopPainted", "colour")


def test_the_samples_hold_no_name_of_a_person() -> None:
    """The only person in a fact is a pseudonym: 36 characters of a UUID."""
    for file in Path(SAMPLES).glob("*.json"):
        body = json.loads(file.read_text())["body"]
        if body.get("student"):
            assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", body["student"])
