"""Whether one schema may take another's place within a version. Pure.

A published fact is read for ever, by readers older and newer than its writer. So within a version
only optional fields may be added, and to closed objects only: an open one's old writers may have
written anything there. Everything else is a new version; so is what is not understood here.

A reader is taken to pass over fields that he does not know. Our own refuse them, which is why
consumers are deployed before the publisher of a field that is new.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

# Words for people: they change nothing about which values fit.
ANNOTATIONS = {"$schema", "$id", "$defs", "$comment", "definitions"} | {
    "title",
    "description",
    "examples",
    "deprecated",
}
PLAIN_OBJECT = ANNOTATIONS | {"type", "properties", "required", "additionalProperties"}


class _Pair(Struct, frozen=True):
    """Two schemas at one place of their documents; `path`: the references followed to get there."""

    old: Any
    new: Any
    documents: tuple[Any, Any]
    path: frozenset[tuple[str, str]] = frozenset()

    def within(self, old: Any, new: Any) -> "_Pair":
        return _Pair(old, new, self.documents, self.path)


def breaks(old: Any, new: Any) -> list[str]:
    """Why `new` may not take the place of `old`, each with its JSON pointer; none when it may."""
    return list(_breaks(_Pair(old, new, (old, new)), ""))


def _breaks(pair: _Pair, at: str) -> Iterator[str]:
    names = tuple(
        one.get("$ref", "") if isinstance(one, dict) else "" for one in (pair.old, pair.new)
    )
    if any(names):
        yield from _referred(pair, (names[0], names[1]), at)
        return
    old, new = pair.old, pair.new
    if not isinstance(old, dict) or not isinstance(new, dict):
        if old is not new:
            yield f"{at or '/'}: {_shown(old)} became {_shown(new)}"
        return
    for word in sorted((old.keys() | new.keys()) - ANNOTATIONS - {"properties", "required"}):
        yield from _keyword(pair, word, at)
    yield from _properties(pair, at)


def _referred(pair: _Pair, names: tuple[str, str], at: str) -> Iterator[str]:
    """Follow references; a pair that is being compared already needs no second look."""
    if names in pair.path:
        return
    found = []
    for name, schema, document in zip(names, (pair.old, pair.new), pair.documents, strict=True):
        beside = schema.keys() - ANNOTATIONS - {"$ref"} if name else ()
        target = _at(document, name) if name else schema
        if target is None or beside:
            yield f"{at or '/'}: {name} cannot be followed"
            return
        found.append(target)
    old, new = found
    yield from _breaks(_Pair(old, new, pair.documents, pair.path | {names}), at)


def _at(document: Any, reference: str) -> Any:
    if not reference.startswith("#"):
        return None
    place = document
    for step in reference[1:].split("/")[1:]:
        if not isinstance(place, dict):
            return None
        place = place.get(step.replace("~1", "/").replace("~0", "~"))
    return place


def _keyword(pair: _Pair, word: str, at: str) -> Iterator[str]:
    """One keyword of both schemas. Items, free names and alternatives are looked into; all else is
    equal or breaks.
    """
    if word not in pair.old or word not in pair.new:
        value = pair.new[word] if word in pair.new else pair.old[word]
        verb = "came" if word in pair.new else "went"
        yield f"{at or '/'}: {word} {_shown(value)} {verb}"
        return
    old, new = pair.old[word], pair.new[word]
    if word in ("items", "additionalProperties"):
        yield from _breaks(pair.within(old, new), f"{at}/{word}")
    elif word == "anyOf" and len(old) == len(new):
        for place, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _breaks(pair.within(one, other), f"{at}/anyOf/{place}")
    elif _as_set(word, old) != _as_set(word, new):
        yield f"{at or '/'}: {word} {_shown(old)} became {_shown(new)}"


def _as_set(word: str, value: Any) -> Any:
    """Values of which the order says nothing, as a set; 1, 1.0 and true stay apart."""
    if word in ("enum", "type") and isinstance(value, list):
        return {_shown(one) for one in value}
    return _shown([value] if word == "enum" else value)


def _properties(pair: _Pair, at: str) -> Iterator[str]:
    old, new = (_mapping(one.get("properties")) for one in (pair.old, pair.new))
    before, after = (set(one.get("required", ())) for one in (pair.old, pair.new))
    closed = all(
        one.get("additionalProperties") is False and one.keys() <= PLAIN_OBJECT
        for one in (pair.old, pair.new)
    )
    for name in sorted(old.keys() - new.keys()):
        yield f"{at}/properties/{name}: the field was removed"
    for name in sorted(new.keys() - old.keys()):
        if name in after:
            yield f"{at}/properties/{name}: a required field was added"
        elif not closed:
            yield f"{at}/properties/{name}: a field was added to an object that is open"
    for name in sorted((before ^ after) - (new.keys() ^ old.keys())):
        what = "became required" if name in after else "is required no longer"
        yield f"{at}/properties/{name}: the field {what}"
    for name in sorted(old.keys() & new.keys()):
        yield from _breaks(pair.within(old[name], new[name]), f"{at}/properties/{name}")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _shown(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
