"""The page on which somebody types a key, once."""

from collections.abc import Sequence

from jinja2 import Environment

from shared.pages.rendering import Visit, page


def key_page(templates: Environment, visit: Visit, to: str = "", *, wrong: bool = False) -> str:
    """`/key`; `to`: the page to go on to; `wrong`: what was typed opens nothing."""
    return page(templates, "key.html", visit, to=to, wrong=wrong)


def other_key_page(templates: Environment, visit: Visit, roles: Sequence[str]) -> str:
    """In the place of a page that opens with a key of these roles, for another party."""
    return page(templates, "other_key.html", visit, roles=roles)
