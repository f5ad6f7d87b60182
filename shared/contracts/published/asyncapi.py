"""A service's AsyncAPI 3.0 document, made of the facts it says and hears. Pure.

One channel for each topic, one message for each wire type, the CloudEvents headers of envelope.py
on every message, the record's key and the reader's group as Kafka bindings.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from shared.contracts.published import Card, card, name_of, said_by
from shared.contracts.published.schemas import components, described, urn

BINDING = "0.5.0"
PAYLOAD = "#/components/schemas/{name}"
VERSION = "1.0.0"
KEPT = (
    "The facts of one key lie in one partition, in order; they are kept for ever, so that every "
    "reader can begin at zero."
)
ABOUT = (
    "Facts about laptops, schools, orders and shipments as CloudEvents 1.0 on Kafka, binary mode. "
    "Pass over types and fields that you do not know: a version grows by optional fields only."
)

# Each kind of key: how it is written, and the pattern that it fits.
KEYS: Mapping[str, tuple[str, str]] = {
    "laptop": (
        "`<maker>/<SERIAL>`, as in `hp/5CD041B7QK`",
        r"^[a-z0-9-]+/[A-Z0-9][A-Z0-9._-]{2,39}$",
    ),
    "school": ("`school:<UAI>`", r"^school:[0-9]{7}[A-Z]$"),
    "campaign": ("`campaign:<school year>`", r"^campaign:[0-9]{4}-[0-9]{4}$"),
    "order": ("`order:<number>`", r"^order:[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"),
    "shipment": ("`shipment:<SSCC>`", r"^shipment:[0-9]{18}$"),
    "student": (
        "`student:<pseudonym>`, a random UUID",
        r"^student:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
    ),
    "handover-campaign": (
        "`handover-campaign:<school year>`",
        r"^handover-campaign:[0-9]{4}-[0-9]{4}$",
    ),
    "model": ("`model:<model>`", r"^model:[^\x00-\x1f\x7f]{1,250}$"),
}

_MOMENT = {"type": "string", "format": "date-time"}
HEADERS: Mapping[str, Mapping[str, Any]] = {
    "ce_specversion": {"type": "string", "enum": ["1.0"], "description": "CloudEvents' version."},
    "ce_id": {
        "type": "string",
        "format": "uuid",
        "description": "The fact's own name: the same claim always comes to the same one. "
        "Whoever hears a fact twice knows it by this.",
    },
    "ce_source": {
        "type": "string",
        "description": "Who said it: a party such as `carrier:acme`, or the service that reacted.",
    },
    "ce_type": {"type": "string", "description": "The wire type, `<service>.<fact>.v<n>`."},
    "ce_subject": {
        "type": "string",
        "description": "The one key of the fact; also the record's key.",
    },
    "ce_time": _MOMENT | {"description": "When it happened, by the clock of who said it."},
    "ce_recordedtime": _MOMENT | {"description": "When the publisher stored it."},
    "ce_dataschema": {"type": "string", "format": "uri", "description": "The body's JSON Schema."},
    "ce_sequence": {
        "type": "string",
        "pattern": "^[1-9][0-9]*$",
        "description": "Counts the publisher's facts about this key, from 1 and without gaps.",
    },
    "ce_correlationid": {
        "type": "string",
        "description": "What began it all, through all services.",
    },
    "ce_causationid": {"type": "string", "description": "The id under which the source said it."},
    "traceparent": {"type": "string", "description": "W3C trace context."},
    "content-type": {"type": "string", "enum": ["application/json"]},
}
SOMETIMES = ("ce_correlationid", "traceparent")


class Example(Struct, frozen=True):
    """A fact as it travelled: its record's key, headers and body."""

    key: str
    headers: dict[str, str]
    body: dict[str, Any]


def document(
    service: str, hears: Sequence[type], examples: Mapping[str, Example]
) -> dict[str, Any]:
    """The document of one service. `hears`: the facts it acts on; `examples`: by wire name."""
    said = said_by(service)
    publishers = sorted({card(fact).publisher for fact in hears} | ({service} if said else set()))
    facts = [fact for publisher in publishers for fact in said_by(publisher)]
    _, schemas = components(facts, PAYLOAD)
    for name, schema in schemas.items():
        described(name, schema)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"Trousseau: {service}",
            "version": VERSION,
            "description": ABOUT,
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": {
                "host": "127.0.0.1:8092",
                "protocol": "kafka",
                "description": "The local runner's broker; elsewhere as TROUSSEAU_KAFKA says.",
            }
        },
        "channels": {_topic(one): _channel(one) for one in publishers},
        "operations": _operations(service, said, hears, publishers),
        "components": {
            "messages": {name_of(fact): _message(fact, examples) for fact in facts},
            "messageTraits": {"cloudevents": _trait()},
            "schemas": schemas,
        },
    }


def _topic(publisher: str) -> str:
    return f"{publisher}.facts"


def _channel(publisher: str) -> dict[str, Any]:
    names = [name_of(fact) for fact in said_by(publisher)]
    return {
        "address": _topic(publisher),
        "title": f"What {publisher} says",
        "description": f"Every fact of {publisher}. {KEPT}",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"kafka": {"topic": _topic(publisher), "bindingVersion": BINDING}},
    }


def _operations(
    service: str, said: Sequence[type], hears: Sequence[type], publishers: Iterable[str]
) -> dict[str, Any]:
    operations: dict[str, Any] = {}
    if said:
        operations["say"] = _operation("send", service, said) | {
            "summary": f"What {service} decided; acks=all, in order for each key, at least once"
        }
    for publisher in publishers:
        heard = [fact for fact in hears if card(fact).publisher == publisher]
        if heard:
            group = {"type": "string", "enum": [service]}
            operations[f"hear-{publisher}"] = _operation("receive", publisher, heard) | {
                "summary": f"Facts of {publisher} that {service} acts on, passing over others",
                "bindings": {"kafka": {"groupId": group, "bindingVersion": BINDING}},
            }
    return operations


def _operation(action: str, publisher: str, facts: Sequence[type]) -> dict[str, Any]:
    channel = f"#/channels/{_topic(publisher)}"
    messages = [{"$ref": f"{channel}/messages/{name_of(fact)}"} for fact in facts]
    return {"action": action, "channel": {"$ref": channel}, "messages": messages}


def _message(fact: type, examples: Mapping[str, Example]) -> dict[str, Any]:
    known = card(fact)
    own = {
        "ce_type": {"type": "string", "enum": [known.name]},
        "ce_dataschema": {"type": "string", "enum": [urn(known.name)]},
    }
    message = {
        "name": known.name,
        "title": fact.__name__,
        "summary": known.meaning,
        "contentType": "application/json",
        "traits": [{"$ref": "#/components/messageTraits/cloudevents"}],
        "headers": {"type": "object", "properties": own},
        "payload": {"$ref": PAYLOAD.format(name=fact.__name__)},
        "bindings": {"kafka": {"key": _key(known), "bindingVersion": BINDING}},
    }
    if example := examples.get(known.name):
        message["examples"] = [{"headers": example.headers, "payload": example.body}]
    return message


def _key(known: Card) -> dict[str, Any]:
    kinds = [
        {"type": "string", "description": f"The {kind}: {KEYS[kind][0]}", "pattern": KEYS[kind][1]}
        for kind in known.keys
    ]
    return kinds[0] if len(kinds) == 1 else {"anyOf": kinds}


def _trait() -> dict[str, Any]:
    return {
        "name": "cloudevents",
        "summary": "CloudEvents 1.0 in binary mode: every attribute is a header of the record",
        "headers": {
            "type": "object",
            "required": [name for name in HEADERS if name not in SOMETIMES],
            "properties": {name: dict(schema) for name, schema in HEADERS.items()},
        },
        "correlationId": {"location": "$message.header#/ce_correlationid"},
    }
