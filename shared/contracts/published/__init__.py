"""What is published of facts, made of their classes: schemas, AsyncAPI, docs/events.md. Pure.

`python -m deploy.published` writes the files; a service serves the same from memory.
"""

import re
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import get_args

from msgspec import Struct

from shared.contracts import delivery, enrolment, handover, ordering, repairs

PUBLISHERS: Mapping[str, ModuleType] = {
    "ordering": ordering,
    "delivery": delivery,
    "repairs": repairs,
    "handover": handover,
    "enrolment": enrolment,
}

_KEY = re.compile(r"\s*Key: (?:the )?([a-z -]+?)\.\s*$")


class Card(Struct, frozen=True):
    """A fact in words. `keys`: the kinds of thing it may be about, one at a time."""

    name: str
    publisher: str
    meaning: str
    keys: tuple[str, ...]


def said_by(service: str) -> Sequence[type]:
    """The facts that a service says, in the order of its module; none for one that says nothing."""
    module = PUBLISHERS.get(service)
    return get_args(module.Fact) if module else ()


def every_fact() -> Sequence[type]:
    """The facts of all services."""
    return [fact for service in PUBLISHERS for fact in said_by(service)]


def name_of(fact: type) -> str:
    """The wire name, as in `delivery.laptop-received.v1`."""
    return str(fact.__struct_config__.tag)  # type: ignore[attr-defined]  # a Struct's


def card(fact: type) -> Card:
    """A fact in words. Raises ValueError when its docstring does not end by saying its key."""
    said = " ".join((fact.__doc__ or "").split())
    key = _KEY.search(said)
    if key is None:
        raise ValueError(
            f"the docstring of {fact.__name__} must end in 'Key: the laptop.' or alike"
        )
    kinds = tuple(key[1].replace(" or the ", " or ").split(" or "))
    return Card(name_of(fact), name_of(fact).partition(".")[0], said[: key.start()], kinds)
