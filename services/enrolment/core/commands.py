"""What enrolment is asked: nothing in it names anybody. Pure."""

from msgspec import Struct


class Register(Struct, frozen=True, tag="register"):
    """A student is at a school. `guardians`: how many sign for him; `others`: they are other
    persons than before, as whoever may read their names has seen.
    """

    school: str
    level: str
    school_year: str
    guardians: int = 0
    others: bool = False


class Leave(Struct, frozen=True, tag="leave"):
    """A student is at no school of the region any more. `reason`: one of `REASONS`."""

    reason: str


class Erase(Struct, frozen=True, tag="erase"):
    """Nobody shall be able to say any more who a student was. `cause`: retention, request;
    `left_on`: only if he left on that day and did not come back, "" for however he stands.
    """

    cause: str
    left_on: str = ""


Command = Register | Leave | Erase
