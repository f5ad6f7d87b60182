"""The gate within a version: only optional fields may be added, and what breaks is named."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from shared.contracts.published.compatibility import breaks
from tests.contract.places import FACTS, SCHEMAS, misfit, outside, sample

ORDER = "ordering.order-placed.v1"
Change = Callable[[dict[str, Any]], None]


def schema(name: str = ORDER) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((SCHEMAS / f"{name}.json").read_text())
    return read


def changed(change: Change) -> dict[str, Any]:
    after = copy.deepcopy(schema())
    change(after)
    return after


def line(one: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = one["$defs"]["OrderLine"]
    return found


def add_required(one: dict[str, Any]) -> None:
    one["properties"]["currency"] = {"type": "string"}
    one["required"].append("currency")


def add_required_within_a_line(one: dict[str, Any]) -> None:
    line(one)["properties"]["colour"] = {"type": "string"}
    line(one)["required"].append("colour")


def change_type(one: dict[str, Any]) -> None:
    one["properties"]["buyer"]["type"] = "integer"


def change_type_within_a_line(one: dict[str, Any]) -> None:
    line(one)["properties"]["quantity"]["type"] = "number"


def let_null_in(one: dict[str, Any]) -> None:
    one["properties"]["buyer"] = {"anyOf": [{"type": "string"}, {"type": "null"}]}


def remove(one: dict[str, Any]) -> None:
    del one["properties"]["buyer"]
    one["required"].remove("buyer")


def remove_optional(one: dict[str, Any]) -> None:
    del one["properties"]["warranty_months"]


def make_optional(one: dict[str, Any]) -> None:
    one["required"].remove("buyer")


def make_required(one: dict[str, Any]) -> None:
    one["required"].append("warranty_months")


def narrow_enum(one: dict[str, Any]) -> None:
    one["properties"]["type"]["enum"] = []


def widen_enum(one: dict[str, Any]) -> None:
    one["properties"]["type"]["enum"].append("ordering.order-placed.v2")


def change_default(one: dict[str, Any]) -> None:
    one["properties"]["warranty_months"]["default"] = 24


def change_format(one: dict[str, Any]) -> None:
    line(one)["properties"]["promised_on"]["anyOf"][0]["format"] = "date-time"


def open_it(one: dict[str, Any]) -> None:
    one["additionalProperties"] = True


def bound_it(one: dict[str, Any]) -> None:
    line(one)["properties"]["quantity"]["maximum"] = 1000


def rename_a_definition_away(one: dict[str, Any]) -> None:
    del one["$defs"]["OrderLine"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (add_required, "/properties/currency: a required field was added"),
        (
            add_required_within_a_line,
            "/properties/lines/items/properties/colour: a required field was added",
        ),
        (change_type, '/properties/buyer: type "string" became "integer"'),
        (
            change_type_within_a_line,
            '/properties/lines/items/properties/quantity: type "integer" became "number"',
        ),
        (let_null_in, "/properties/buyer: anyOf"),
        (remove, "/properties/buyer: the field was removed"),
        (remove_optional, "/properties/warranty_months: the field was removed"),
        (make_optional, "/properties/buyer: the field is required no longer"),
        (make_required, "/properties/warranty_months: the field became required"),
        (narrow_enum, "/properties/type: enum"),
        (widen_enum, "/properties/type: enum"),
        (change_default, "/properties/warranty_months: default 36 became 24"),
        (change_format, "/anyOf/0: format"),
        (open_it, "/additionalProperties: false became true"),
        (bound_it, "maximum 1000 came"),
        (rename_a_definition_away, "#/$defs/OrderLine cannot be followed"),
    ],
    ids=lambda one: one.__name__ if callable(one) else "",
)
def test_what_breaks_is_named_with_its_place(change: Change, said: str) -> None:
    found = breaks(schema(), changed(change))
    assert any(said in one for one in found), found


def add_optional(one: dict[str, Any]) -> None:
    one["properties"]["currency"] = {"type": "string", "default": "EUR"}


def add_optional_within_a_line(one: dict[str, Any]) -> None:
    line(one)["properties"]["colour"] = {"anyOf": [{"type": "string"}, {"type": "null"}]}


def say_it_in_other_words(one: dict[str, Any]) -> None:
    one["description"], one["title"] = "An order stands.", "Order"
    line(one)["properties"]["lot"]["description"] = "Which lot."


def write_it_in_another_order(one: dict[str, Any]) -> None:
    one["properties"] = dict(reversed(one["properties"].items()))
    one["required"].reverse()


@pytest.mark.parametrize(
    "change",
    [
        add_optional,
        add_optional_within_a_line,
        say_it_in_other_words,
        write_it_in_another_order,
    ],
    ids=lambda one: one.__name__,
)
def test_a_version_grows_by_optional_fields_and_words(change: Change) -> None:
    after = changed(change)
    assert breaks(schema(), after) == []
    assert misfit(after, sample(ORDER)["body"]) == []


@pytest.mark.parametrize("name", FACTS)
def test_every_snapshot_may_take_its_own_place(name: str) -> None:
    assert breaks(schema(name), schema(name)) == []


def test_a_field_may_not_be_added_where_old_writers_could_write_anything() -> None:
    old = {"type": "object", "properties": {"a": {"type": "string"}}}
    new = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
    assert breaks(old, new) == ["/properties/b: a field was added to an object that is open"]


def test_a_schema_that_refers_to_itself_is_compared_and_not_walked_for_ever() -> None:
    def tree(kind: str) -> dict[str, Any]:
        node = {"type": "object", "properties": {"name": {"type": kind}, "in": {"$ref": "#"}}}
        return node | {"additionalProperties": False}

    assert breaks(tree("string"), tree("string")) == []
    assert breaks(tree("string"), tree("integer"))


# -- cases of others

# jsoncompat reads with the old schema closed; ours passes over what it does not know.
ONLY_GROWN = {"complex_optional_prop_added", "recursive_optional_added"}


def test_whatever_another_checker_refuses_is_refused_but_for_optional_fields() -> None:
    folder = outside("json-schema-compat", "jsoncompat")
    accepted: set[str] = set()
    refused: set[str] = set()
    for case in sorted(folder.iterdir()):
        old, new, expected = (
            json.loads((case / f"{name}.json").read_text()) for name in ("old", "new", "expect")
        )
        if not breaks(old, new):
            accepted.add(case.name)
        if not (expected["serializer"] and expected["deserializer"]):
            refused.add(case.name)
    assert len(refused) > 40
    assert accepted & refused == ONLY_GROWN


def test_no_pair_is_accepted_of_which_a_value_is_known_that_only_the_writer_takes() -> None:
    cases = json.loads(outside("json-schema-compat", "registry-rule-cases.json").read_text())
    known = [case for case in cases if case["counterexample"]]
    assert len(known) == 61
    for case in known:
        assert breaks(case["writer"], case["reader"]), case["test"]


def test_a_schema_registrys_refusals_are_ours_too() -> None:
    cases = json.loads(outside("json-schema-compat", "registry-rule-cases.json").read_text())
    accepted = [case for case in cases if not breaks(case["writer"], case["reader"])]
    assert accepted
    assert all(case["compatible"] for case in accepted)
