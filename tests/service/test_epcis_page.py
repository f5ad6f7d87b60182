"""What docs/epcis.md tells partners is so: its examples, its table, its parameters."""

import json
import re
from typing import Any

from services.delivery.epcis import mapping, queries
from tests.builders import Running
from tests.contract.places import ROOT

PAGE = (ROOT / "docs" / "epcis.md").read_text()
CARRIER = "carrier:acme"


def example(name: str) -> Any:
    (text,) = re.findall(rf"```json {name}\n(.+?)```", PAGE, re.DOTALL)
    return json.loads(text)


def test_the_examples_do_what_the_page_says(delivery: Running) -> None:
    answer = delivery.ask(CARRIER, "POST", "/epcis/capture", json=example("capture"))
    assert answer.status_code == 202
    job, shown = answer.json(), example("job")
    alike = ("running", "success", "captureErrorBehaviour", "errors")
    assert list(job) == list(shown)
    assert {name: job[name] for name in alike} == {name: shown[name] for name in alike}
    items = delivery.get(CARRIER, "/api/delivery-events")["items"]
    assert sorted(item["type"] for item in items) == ["announced", "dispatched"]
    assert {item["code"] for item in items} <= {"", "laptop-not-announced"}
    rows = delivery.rows("SELECT key, location FROM laptop")
    assert [tuple(row) for row in rows] == [("hp/5CD041B7QK", "in-transit")]
    assert delivery.rows('SELECT "order", school FROM shipment')[0] == ("BC-2020-017", "0670080Y")

    addresses = re.findall(r"^    (/epcis/events\?\S+)$", PAGE, re.MULTILINE)
    assert [len(events(delivery, address)) for address in addresses] == [2, 1, 1]

    declared = delivery.ask(CARRIER, "POST", "/epcis/events", json=example("event"))
    assert declared.status_code == 201
    items = delivery.get(CARRIER, "/api/delivery-events")["items"]
    assert [item["corrected_by"] for item in items if item["type"] == "announced"] != [[]]


def events(delivery: Running, address: str) -> list[Any]:
    document = delivery.get(CARRIER, address)
    found: list[Any] = document["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    return found


def test_the_table_is_the_one_that_is_used() -> None:
    rows = re.findall(r"^\| (\w+) \| (\w+) \| ([\w-]+) \| .*\|$", PAGE, re.MULTILINE)
    shown = {(step, "*" if word == "any" else word): type for step, word, type in rows}
    shown.pop(("bizStep", "disposition"), None)
    assert shown == dict(mapping.MEANINGS)
    for word in mapping.OWN_WORDS:
        assert word in PAGE


def test_the_parameters_are_those_that_are_taken() -> None:
    (listed,) = re.findall(r"^Parameters: (.+?); others", PAGE, re.MULTILINE | re.DOTALL)
    named = re.sub(r"GE_ and LT_(\w+)", r"GE_\1, LT_\1", " ".join(listed.split())).split(", ")
    assert sorted(named) == sorted(queries.QUERY)
