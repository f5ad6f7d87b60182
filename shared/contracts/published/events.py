"""docs/events.md: every fact in words. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.contracts.published import PUBLISHERS, card, every_fact, name_of, said_by
from shared.contracts.published.asyncapi import KEYS
from shared.contracts.published.schemas import snapshot

SCHEMAS = "../shared/contracts/schemas"
HEAD = """# Every fact

Written by `make schemas` from the classes in `shared/contracts/`; change those, not this page.

A fact is a CloudEvent on the topic `<service>.facts`; its time, source and key are in its headers
(`api/asyncapi-<service>.yaml` has them all). Within a version only optional fields are added: pass
over fields and types that you do not know. How a fact is added: [add-an-event.md](add-an-event.md).
"""


def text(heard_by: Mapping[str, Sequence[str]]) -> str:
    """The page. `heard_by`: services by the wire names that they hear."""
    return "\n".join((HEAD, *_overview(heard_by), *_keys(), *_facts())) + "\n"


def _overview(heard_by: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield "| fact | said by | heard by | key | meaning |"
    yield "|---|---|---|---|---|"
    for fact in every_fact():
        known = card(fact)
        heard = ", ".join(heard_by.get(known.name, ())) or "nobody yet"
        keys = ", ".join(known.keys)
        name = f"[{known.name}](#{_anchor(known.name)})"
        yield f"| {name} | {known.publisher} | {heard} | {keys} | {known.meaning} |"
    yield ""


def _keys() -> Iterator[str]:
    yield "| key | written |"
    yield "|---|---|"
    yield from (f"| {kind} | {how} |" for kind, (how, _) in KEYS.items())
    yield ""


def _facts() -> Iterator[str]:
    for publisher in PUBLISHERS:
        yield f"## {publisher}\n"
        for fact in said_by(publisher):
            yield from _fact(fact)


def _fact(fact: type) -> Iterator[str]:
    name, schema = name_of(fact), snapshot(fact)
    yield f"### {name}\n"
    yield f"{card(fact).meaning}\n"
    yield f"[Schema]({SCHEMAS}/{name}.json), [sample]({SCHEMAS}/samples/{name}.json).\n"
    yield from _fields(schema)
    for inner, definition in schema.get("$defs", {}).items():
        yield f"{inner}: {definition.get('description', '')}\n"
        yield from _fields(definition)


def _fields(schema: Mapping[str, Any]) -> Iterator[str]:
    yield "| field | is | meaning |"
    yield "|---|---|---|"
    for name, field in schema["properties"].items():
        if name != "type":
            optional = "" if name in schema["required"] else ", optional"
            yield f"| {name} | {_kind(field)}{optional} | {field['description']} |"
    yield ""


def _kind(field: Mapping[str, Any]) -> str:
    """What a field holds, in few words."""
    if "anyOf" in field:
        return " or ".join(_kind(one) for one in field["anyOf"])
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if field.get("type") == "array":
        return f"list of {_kind(field['items'])}"
    return str(field.get("format") or field.get("type", "any"))


def _anchor(heading: str) -> str:
    return heading.replace(".", "")
