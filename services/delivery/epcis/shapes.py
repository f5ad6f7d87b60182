"""What an EPCIS 2.0 event looks like, field by field, without others' extensions. Pure.

Written after EPCIS 2.0 §7 and what GS1's JSON Schema lets through; stricter where noted in
`reading`. Unknown fields are refused.
"""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

URI = r"^[A-Za-z][A-Za-z0-9+.-]*:[!#-;=?-\[\]_a-z~]+\Z"  # RFC 3986: printable ASCII but "<>\^`{|}
OFFSET = r"^[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00)\Z"
UNIT = r"^[A-Z0-9]{2,3}\Z"
HEX = r"^[A-Fa-f0-9]+\Z"

SAID_OF = {
    URI: "a URI is expected",
    OFFSET: "an offset such as +02:00 is expected",
    UNIT: "a unit of two or three letters and digits is expected",
    HEX: "hexadecimal digits are expected",
}

Uri = Annotated[str, Meta(pattern=URI, max_length=2_000)]
EventId = Annotated[str, Meta(pattern=URI, max_length=200)]
Moment = Annotated[datetime, Meta(tz=True)]
Words = Annotated[list[str], Meta(min_length=1)]


def _named(field: str) -> str:
    """The name on the wire: `event_id` is eventID, `child_epcs` is childEPCs."""
    first, *rest = field.split("_")
    upper = {"id": "ID", "ids": "IDs", "epc": "EPC", "epcs": "EPCs"}
    return first + "".join(upper.get(word, word.capitalize()) for word in rest)


class Place(Struct, frozen=True, forbid_unknown_fields=True):
    """A read point or a business location."""

    id: Uri


class Transaction(Struct, frozen=True, forbid_unknown_fields=True, rename=_named):
    """A document that the event belongs to."""

    biz_transaction: Uri
    type: str | None = None


class Source(Struct, frozen=True, forbid_unknown_fields=True):
    """Where or from whom things come."""

    type: str
    source: Uri


class Destination(Struct, frozen=True, forbid_unknown_fields=True):
    """Where or to whom things go."""

    type: str
    destination: Uri


class Quantity(Struct, frozen=True, forbid_unknown_fields=True, rename=_named):
    """How many of a class of things."""

    epc_class: Uri
    quantity: float | None = None
    uom: Annotated[str, Meta(pattern=UNIT)] | None = None


class Persistent(Struct, frozen=True, forbid_unknown_fields=True):
    """Dispositions that last."""

    set: Words | None = None
    unset: Words | None = None


class ErrorDeclaration(Struct, frozen=True, forbid_unknown_fields=True, rename=_named):
    """That the event was said in error."""

    declaration_time: Moment
    reason: str | None = None
    corrective_event_ids: list[Uri] = []


class SensorMetadata(Struct, frozen=True, forbid_unknown_fields=True, rename=_named):
    """With what and when it was measured."""

    time: Moment | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None
    device_id: Uri | None = None
    device_metadata: Uri | None = None
    raw_data: Uri | None = None
    data_processing_method: Uri | None = None
    biz_rules: Uri | None = None


class SensorReport(Struct, frozen=True, forbid_unknown_fields=True, rename=_named):
    """What was measured. Its words are not looked at: nothing here goes by them.

    `type` may be missing beside an exception, as EPCIS 2.0.1 has it.
    """

    type: str | None = None
    exception: str | None = None
    device_id: Uri | None = None
    device_metadata: Uri | None = None
    raw_data: Uri | None = None
    data_processing_method: Uri | None = None
    biz_rules: Uri | None = None
    time: Moment | None = None
    microorganism: Uri | None = None
    chemical_substance: Uri | None = None
    coordinate_reference_system: Uri | None = None
    component: str | None = None
    value: float | None = None
    string_value: str | None = None
    boolean_value: bool | None = None
    hex_binary_value: Annotated[str, Meta(pattern=HEX)] | None = None
    uri_value: Uri | None = None
    min_value: float | None = None
    max_value: float | None = None
    mean_value: float | None = None
    s_dev: float | None = None
    perc_rank: float | None = None
    perc_value: float | None = None
    uom: str | None = None


class SensorElement(Struct, frozen=True, forbid_unknown_fields=True, rename=_named):
    """Measurements of one device at one time."""

    sensor_report: Annotated[list[SensorReport], Meta(min_length=1)]
    sensor_metadata: SensorMetadata | None = None


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """An object that holds extensions alone, as ilmd does."""


class Event(Struct, frozen=True, forbid_unknown_fields=True, rename=_named):
    """An event of any type; which of the fields a type has stands in SHAPES."""

    type: str
    event_time: Moment
    event_time_zone_offset: Annotated[str, Meta(pattern=OFFSET)]
    record_time: Moment | None = None
    event_id: EventId | None = None
    certification_info: Uri | list[Uri] | None = None
    error_declaration: ErrorDeclaration | None = None
    action: str | None = None
    biz_step: str | None = None
    disposition: str | None = None
    persistent_disposition: Persistent | None = None
    read_point: Place | None = None
    biz_location: Place | None = None
    biz_transaction_list: list[Transaction] | None = None
    source_list: list[Source] | None = None
    destination_list: list[Destination] | None = None
    sensor_element_list: list[SensorElement] | None = None
    ilmd: Nothing | None = None
    parent_id: Uri | None = None
    epc_list: list[Uri] | None = None
    quantity_list: list[Quantity] | None = None
    child_epcs: list[Uri] | None = None
    child_quantity_list: list[Quantity] | None = None
    input_epc_list: list[Uri] | None = None
    input_quantity_list: list[Quantity] | None = None
    output_epc_list: list[Uri] | None = None
    output_quantity_list: list[Quantity] | None = None
    transformation_id: Uri | None = None

    @property
    def epcs(self) -> dict[str, str]:
        """What the event is about, by the place where it stands; its parent left out."""
        lists = {
            "epcList": self.epc_list,
            "childEPCs": self.child_epcs,
            "inputEPCList": self.input_epc_list,
            "outputEPCList": self.output_epc_list,
        }
        return {
            f"/{name}/{place}": epc
            for name, some in lists.items()
            for place, epc in enumerate(some or ())
        }


class Shape(Struct, frozen=True):
    """A type of event: the fields that not all types have, and those of them that it needs."""

    own: frozenset[str]
    needs: tuple[str, ...]


SHAPES = {
    "ObjectEvent": Shape(frozenset({"action", "epc_list", "quantity_list", "ilmd"}), ("action",)),
    "AggregationEvent": Shape(
        frozenset({"action", "parent_id", "child_epcs", "child_quantity_list"}), ("action",)
    ),
    "AssociationEvent": Shape(
        frozenset({"action", "parent_id", "child_epcs", "child_quantity_list"}),
        ("action", "parent_id"),
    ),
    "TransactionEvent": Shape(
        frozenset({"action", "parent_id", "epc_list", "quantity_list"}),
        ("action", "biz_transaction_list"),
    ),
    "TransformationEvent": Shape(
        frozenset(
            {
                "input_epc_list",
                "input_quantity_list",
                "output_epc_list",
                "output_quantity_list",
                "transformation_id",
                "ilmd",
            }
        ),
        (),
    ),
}
OWN = frozenset().union(*(shape.own for shape in SHAPES.values()))
ACTIONS = ("OBSERVE", "ADD", "DELETE")
ON_THE_WIRE = dict(zip(Event.__struct_fields__, Event.__struct_encode_fields__, strict=True))
