"""The words of EPCIS 2.0 and CBV 2.0, and where prefixes of words come from. Pure.

Sources: CBV 2.0 §7 (vocabularies), EPCIS 2.0's JSON Schema (which of them may stand bare), its
JSON-LD context (prefixes that need no declaration). A context is never fetched.
"""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from shared.contracts.strict import Unreadable

CONTEXT = "https://ref.gs1.org/standards/epcis/epcis-context.jsonld"


def _words(said: str) -> frozenset[str]:
    return frozenset(said.split())


BIZ_STEPS = _words(
    "accepting arriving assembling collecting commissioning consigning creating_class_instance "
    "cycle_counting decommissioning departing destroying disassembling dispensing encoding "
    "entering_exiting holding inspecting installing killing loading other packing picking "
    "receiving removing repackaging repairing replacing reserving retail_selling sampling "
    "sensor_reporting shipping staging_outbound stock_taking stocking storing transporting "
    "unloading unpacking void_shipping"
)
DISPOSITIONS = _words(
    "active available completeness_inferred completeness_verified conformant container_closed "
    "container_open damaged destroyed dispensed disposed encoded expired in_progress in_transit "
    "inactive mismatch_class mismatch_instance mismatch_quantity needs_replacement "
    "no_pedigree_match non_conformant non_sellable_other partially_dispensed recalled reserved "
    "retail_sold returned sellable_accessible sellable_not_accessible stolen unavailable unknown"
)
TRANSACTIONS = _words(
    "bol cert desadv inv pedigree po poc prodorder recadv rma testprd testres upevt"
)
PARTIES = _words("owning_party possessing_party location")
REASONS = _words("did_not_occur incorrect_data")

CBV, GS1 = "https://ref.gs1.org/cbv/", "https://gs1.org/voc/"
PREFIXES = {
    "cbv": CBV,
    "gs1": GS1,
    "epcis": "https://ref.gs1.org/epcis/",
    "cbvmda": "urn:epcglobal:cbv:mda:",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "dcterms": "http://purl.org/dc/terms/",
}

_OUR_CONTEXT = re.compile(r"https://\S+/epcis-context[\w.-]*\.jsonld")
_IN_CBV = re.compile(rf"(?:{re.escape(CBV)}|cbv:)(?:BizStep|Disp|BTT|SDT|ER|Comp)-(.+)")
# What the JSON Schema does not let pass for a word of somebody else's.
_OLD_CBV = re.compile(r"urn:epcglobal:cbv|https?://ns\.gs1\.org/cbv/")


class Context(Struct, frozen=True):
    """Prefixes to the addresses that they stand for. `whole`: no
    other context was named from elsewhere, so there are no more.
    """

    prefixes: Mapping[str, str]
    whole: bool = True

    def name(self, field: str) -> str:
        """A field's name with its prefix spelled out, in the braces of the event hash."""
        prefix, colon, rest = field.partition(":")
        address = self.prefixes.get(prefix)
        return f"{{{address}}}{rest}" if colon and address else field


def context(said: Any, outer: Context | None = None) -> Context:
    """What `@context` declares, beside what is declared around it. Raises Unreadable."""
    entries = said if isinstance(said, list) else [said]
    prefixes, whole = (dict(outer.prefixes), outer.whole) if outer else (dict(PREFIXES), True)
    ours = outer is not None
    for entry in entries:
        if isinstance(entry, str):
            ours, whole = (True, whole) if _OUR_CONTEXT.fullmatch(entry) else (ours, False)
        elif isinstance(entry, dict):
            prefixes |= {name: value for name, value in entry.items() if isinstance(value, str)}
        else:
            raise Unreadable("invalid", "addresses and objects are expected", "/@context")
    if not ours:
        raise Unreadable("invalid", f"name the context of EPCIS, as {CONTEXT}", "/@context")
    return Context(prefixes, whole)


def declared(field: str, known: Context) -> bool:
    """Whether a field of somebody else's says whose it is."""
    prefix, _, rest = field.partition(":")
    return rest.startswith("//") or prefix in known.prefixes or not known.whole


def bare(word: str) -> str:
    """A word of CBV as it stands bare, whichever way it is written; others' as they are."""
    found = _IN_CBV.fullmatch(word)
    return found[1] if found else word


def known(word: str, words: frozenset[str], field: str) -> str:
    """A word of a vocabulary, bare; or one of somebody else's, an address. Raises Unreadable."""
    said = bare(word)
    if said in words or (":" in said and not _OLD_CBV.match(said)):
        return said
    raise Unreadable("invalid", f"{word[:60]!r} is no word of CBV 2.0 and no address", field)
