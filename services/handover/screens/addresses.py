"""What the pages have in common: who may see them, and what an address is."""

from collections.abc import Mapping

from services.handover.intake import telling
from shared.serving import Handler

SCHOOLS, READERS = ("school", "region"), ("school", "region", "ops")
HTML, CSV, PDF = "text/html", "text/csv", telling.PDF

Form = Mapping[str, str]
Addresses = list[tuple[str, str, Handler, str, str]]
"""Method, path, handler, what it is, and what goes out."""
