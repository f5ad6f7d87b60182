"""How an item that was sent is read, or why it is refused."""

import pytest

from shared.asking import NotTakenError, taken
from shared.transact import Verdict


@pytest.mark.parametrize(
    ("detail", "field"),
    [
        ("/school: you speak for 0670080Y", "/school"),
        ("a carrier does not report received", ""),
        ("not yours: you speak for 0670080Y", ""),
    ],
)
def test_a_refusal_names_the_field_that_is_to_blame_where_one_is(detail: str, field: str) -> None:
    def read() -> str:
        raise NotTakenError("not-yours", detail)

    assert taken(read, {}) == Verdict("refused", "not-yours", detail, field)


def test_an_item_that_is_too_large_is_refused_with_no_field_to_blame() -> None:
    told = taken(lambda: "read", {"text": "x" * 40_000})
    assert isinstance(told, Verdict)
    assert (told.code, told.field) == ("too-large", "")
