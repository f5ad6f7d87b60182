"""The files that pages need, served by us: style sheet, icon, htmx.

Each name carries its content's hash, so that a browser may keep it for ever.
"""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

ROUTE = "/static"
KEEP_FOR_EVER = "public, max-age=31536000, immutable"


def page_headers(names: str = "") -> Mapping[str, str]:
    """What a page may do: nothing is loaded from elsewhere, no script or style is written inside a
    page, nobody frames us. `names`: the one other origin that its script may ask who somebody is.
    """
    connect = f"connect-src 'self' {names}".rstrip()
    return {
        "content-security-policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
            f"{connect}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "cache-control": "no-cache",
    }


_ASSETS = Path(__file__).parent / "assets"


class StaticFile(Struct, frozen=True):
    """A file as it is served. `name` is what follows `/static/`."""

    name: str
    content: bytes
    media_type: str


@cache
def static_files() -> Mapping[str, StaticFile]:
    """By plain name (`trousseau.css`), each file that a page may ask for.

    Raises FileNotFoundError, saying what to install, when htmx's package is not there.
    """
    found = (
        ("trousseau.css", _ASSETS / "trousseau.css", "text/css; charset=utf-8"),
        ("scan.js", _ASSETS / "scan.js", "text/javascript; charset=utf-8"),
        ("upload.js", _ASSETS / "upload.js", "text/javascript; charset=utf-8"),
        ("names.js", _ASSETS / "names.js", "text/javascript; charset=utf-8"),
        ("trousseau.svg", _ASSETS / "trousseau.svg", "image/svg+xml"),
        ("htmx.js", _htmx(), "text/javascript; charset=utf-8"),
    )
    return {
        plain: _named(plain, path.read_bytes(), media_type) for plain, path, media_type in found
    }


@cache
def served() -> Mapping[str, StaticFile]:
    """By served name (`trousseau.1f0c2a9b7d3e.css`): what a route under `/static/` answers with."""
    return {file.name: file for file in static_files().values()}


def address(plain: str) -> str:
    """Where a page finds a file. Raises KeyError for a file that is not ours."""
    return f"{ROUTE}/{static_files()[plain].name}"


def _named(plain: str, content: bytes, media_type: str) -> StaticFile:
    stem, _, ending = plain.rpartition(".")
    return StaticFile(f"{stem}.{sha256(content).hexdigest()[:12]}.{ending}", content, media_type)


def _htmx() -> Path:
    # The package is looked up and never imported: it would ask for Django's settings.
    spec = find_spec("django_htmx")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("htmx is missing: install django-htmx, the package that carries it")
    return Path(spec.submodule_search_locations[0], "static", "django_htmx", "htmx-2.min.js")
