"""JSON Schema 2020-12 of facts and of HTTP bodies. Pure.

A schema tells what a publisher writes: closed, so that nothing else slips in. Whoever reads does
well to pass over fields that he does not know: that is how a fact may grow within one version.
"""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from shared.contracts.published import name_of
from shared.contracts.published.words import meaning

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def urn(fact_name: str) -> str:
    """A schema's name, which a fact carries as ce_dataschema."""
    return f"urn:trousseau:schema:{fact_name}"


def text(document: Any) -> str:
    """A document as it is committed: indented, in the order it was made, one newline at the end."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def snapshot(fact: type) -> dict[str, Any]:
    """The schema of one fact, whole: what it refers to is under $defs."""
    _, defined = components([fact], "#/$defs/{name}")
    body = defined.pop(fact.__name__)
    described(fact.__name__, body)
    for name, definition in defined.items():
        described(name, definition)
    head = {"$schema": DIALECT, "$id": urn(name_of(fact))}
    whole: dict[str, Any] = head | body
    return whole | ({"$defs": defined} if defined else {})


def components(types: Sequence[Any], ref: str) -> tuple[list[Any], dict[str, Any]]:
    """A schema for each type, and the definitions they refer to by `ref`, which holds {name}."""
    found, defined = msgspec.json.schema_components(types, ref_template=ref)
    definitions = {name: timed(one) for name, one in sorted(defined.items())}
    return [timed(one) for one in found], definitions


def timed(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema in which every field named `*_at` is a moment with an offset: the house's rule."""
    for name, field in schema.get("properties", {}).items():
        if name.endswith("_at"):
            for one in (field, *field.get("anyOf", ())):
                if one.get("type") == "string":
                    one["format"] = "date-time"
    return schema


def described(owner: str, schema: dict[str, Any]) -> None:
    """Give every field of a schema its meaning. Raises KeyError for a word without one."""
    for name, field in schema.get("properties", {}).items():
        schema["properties"][name] = {"description": meaning(owner, name)} | field
