"""EPCIS documents that others wrote: what is valid is read, what is not is refused, and an event
without an id gets the one that the standard gives it.
"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from services.delivery.epcis import mapping, reading
from services.delivery.epcis.event_hash import event_hash
from shared.contracts.identifiers import Makers
from shared.contracts.strict import Unreadable, parse
from tests.contract.places import OUTSIDE, outside

NOW = datetime(2027, 1, 1, tzinfo=UTC)
RESOURCES = "openepcis-test-resources"
VALID = ("Capture/Documents", "Capture/Events", "Query")
NOBODY_S = Makers({})


def documents(*folders: str) -> list[str]:
    """Documents by their path; one that is not there, so that the test says so."""
    found = [
        file.relative_to(OUTSIDE).as_posix()
        for folder in folders
        for file in sorted((OUTSIDE / folder).glob("*.json*"))
    ]
    return found or [folders[0]]


def parsed(place: str) -> Any:
    return parse(outside(*place.split("/")).read_bytes())


def told(raw: Any) -> list[reading.Read]:
    document = reading.document(raw) if "epcisBody" in raw else reading.alone(raw)
    return [reading.event(event, document, NOW) for event in document.events]


@pytest.mark.parametrize("place", documents(*(f"{RESOURCES}/{folder}" for folder in VALID)))
def test_a_valid_document_is_read_and_every_event_means_something_or_nothing(place: str) -> None:
    events = told(parsed(place))
    assert events
    for event in events:
        for item in mapping.meaning(event, NOBODY_S).items:
            # With an empty table of makers nothing is known but pallets and what was declared.
            assert item["type"] in ("announced", "void")


@pytest.mark.parametrize("place", documents(f"{RESOURCES}/Query/Invalid"))
def test_an_invalid_document_is_refused_with_the_field_that_is_wrong(place: str) -> None:
    raw = parsed(place)
    with pytest.raises(Unreadable, match="is expected") as refusal:
        told(raw)
    assert refusal.value.field in ("/action", "/type")


@pytest.mark.parametrize("place", documents("epcis-event-hash/examples"))
def test_an_event_gets_the_id_that_the_reference_implementation_gives_it(place: str) -> None:
    raw = json.loads(outside(*place.split("/")).read_bytes())
    expected = (OUTSIDE / place).with_suffix(".hashes").read_text().split()
    document = reading.document(raw)
    assert [
        event_hash(event, document.context, document.left_out) for event in document.events
    ] == expected
