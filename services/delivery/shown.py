"""What delivery's screens show, as frozen values. Pure."""

from datetime import datetime

from msgspec import Struct

from services.delivery import core
from shared.contracts import custody

HERE = ("at-school", "with-student")


class Unit(Struct, frozen=True):
    """A laptop of a shipment, as a school counts it. `state`: counted, awaited, missing, refused,
    or elsewhere; `expected`: the carrier listed it; `remarks`: what is unusual; `turn`: what was
    told later of one moment has a higher one.
    """

    maker: str
    serial: str
    state: str
    expected: bool
    since: datetime | None
    remarks: tuple[str, ...] = ()
    turn: int = 0

    @property
    def key(self) -> str:
        return f"{self.maker}/{self.serial}"


class Reception(Struct, frozen=True):
    """A shipment at a school's door. `ours`: it was announced for this school, or for nobody yet;
    of another's, nothing is told.
    """

    sscc: str
    school: str
    ours: bool
    state: str
    carrier: str
    order: str
    units: tuple[Unit, ...]

    def of(self, state: str) -> list[Unit]:
        """Its laptops in a state."""
        return [unit for unit in self.units if unit.state == state]

    @property
    def expected(self) -> int:
        return sum(unit.expected for unit in self.units)

    @property
    def unexpected(self) -> list[Unit]:
        return [unit for unit in self.units if not unit.expected]

    @property
    def latest(self) -> list[Unit]:
        """What was counted last, first."""
        timed = [(unit.since, unit.turn, unit) for unit in self.of("counted") if unit.since]
        return [unit for *_, unit in sorted(timed, key=lambda one: one[:2], reverse=True)]


class Word(Struct, frozen=True):
    """Something that was said of a shipment: wire name, when, by whom."""

    type: str
    happened_at: datetime
    source: str


class ShipmentSeen(Struct, frozen=True):
    """A shipment: where it goes, what is in it, what was said of it."""

    sscc: str
    school: str
    carrier: str
    order: str
    state: str
    quantity: int | None
    units: tuple[Unit, ...]
    words: tuple[Word, ...]


class ShipmentRow(Struct, frozen=True):
    """A shipment in a list."""

    sscc: str
    school: str
    carrier: str
    state: str
    laptops: int


# What speaks against a hand-out, as a remark on the laptop or by what follows of its state.
UNANNOUNCED, UNADMITTED, ANOTHER = "unannounced", "unadmitted", "another-laptop"
AGAINST = (
    *(custody.TWO_STUDENTS, ANOTHER, custody.STUDENT_LEFT, custody.STUDENT_ELSEWHERE),
    *(custody.TWO_SCHOOLS, custody.AFTER_SCRAP, custody.CALLED_OFF),
    *(UNANNOUNCED, UNADMITTED, custody.NOT_RECEIVED),
)


class HandedOut(Struct, frozen=True):
    """A laptop that was handed out today; `remarks`: what is unusual about it."""

    laptop: str
    student: str
    at: datetime
    remarks: tuple[str, ...] = ()

    @property
    def against(self) -> list[str]:
        """What speaks against the hand-out, the gravest first."""
        return [one for one in AGAINST if one in self.remarks]


def handed_out(key: str, laptop: core.Laptop, at: datetime, held: int) -> HandedOut:
    """A hand-out; `held`: how many laptops of this school its student has by now."""
    student, remarks = laptop.custody.student or "", list(laptop.custody.remarks)
    if student and held > 1:
        remarks.append(ANOTHER)
    if not laptop.cleared:
        remarks.append(UNADMITTED if laptop.announced else UNANNOUNCED)
    return HandedOut(key, student, at, tuple(remarks))


def unit(
    key: str, laptop: core.Laptop, school: str | None, *, expected: bool, turn: int = 0
) -> Unit:
    """A laptop, seen from a school; from nowhere, where no school is named."""
    maker, _, serial = key.partition("/")
    here = school is None or laptop.here == school
    state = {"missing": "missing", "refused": "refused"}.get(laptop.location, "awaited")
    if laptop.location in HERE:
        state = "counted" if here else "elsewhere"
    remarks = laptop.custody.remarks
    return Unit(maker, serial, state, expected, laptop.since, remarks, turn)
