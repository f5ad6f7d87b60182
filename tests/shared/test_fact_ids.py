"""The names of facts."""

from uuid import uuid5

from hypothesis import given
from hypothesis import strategies as st

from shared.ledger import FACTS, fact_id


@given(st.text(), st.text(), st.text(), st.text(), st.integers(0, 2_000))
def test_the_name_of_a_fact_is_the_uuid_5_of_its_publisher_and_who_said_what_of_which_key(
    publisher: str, party: str, id: str, subject: str, number: int
) -> None:
    assert fact_id(publisher, party, id, subject, number) == str(
        uuid5(FACTS, f"{publisher}\n{party}\n{id}\n{subject}\n{number}")
    )
