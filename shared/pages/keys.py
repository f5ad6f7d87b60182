"""The page on which somebody types a key, once."""

from jinja2 import Environment

from shared.pages.rendering import Visit, page


def key_page(templates: Environment, visit: Visit, to: str = "", *, wrong: bool = False) -> str:
    """`/key`; `to`: the page to go on to; `wrong`: what was typed opens nothing."""
    return page(templates, "key.html", visit, to=to, wrong=wrong)
