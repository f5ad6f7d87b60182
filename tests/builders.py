"""What tests begin from: things whose details mean nothing, and services that run.

A test says what matters to it and leaves the rest to the defaults here.
"""

import asyncio
import importlib
import socket
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import asyncpg
import httpx
import msgspec
import uvicorn
from aiokafka import ConsumerRecord
from sqlalchemy import Connection, Engine, event, func, select, text

from services.enrolment import vault
from shared import access, ledger, migrations, process, relay, settings
from shared.closing import CLOSED
from shared.contracts import identifiers
from shared.contracts.calendar import day_of
from shared.contracts.identifiers import Makers
from shared.databases import Database, open_database
from shared.decisions import Claim, fold
from shared.ledger import LEDGER
from shared.serving import Route
from shared.transact import Service
from tests import places

NOBODY = "127.0.0.1:9"  # a Kafka that is not there: relay and listener wait for it
DAY = datetime(2020, 9, 1, 8, tzinfo=UTC)
MAKERS = Makers({"hp": "hp", "hewlett-packard": "hp", "lenovo": "lenovo"})
STUDENTS = [f"9f1b6d1e-0d4e-4a55-9a54-6e7f1c1f1b{number:02d}" for number in range(10)]


def a_uai(number: int) -> str:
    """A school's number: its seven digits with their check letter."""
    digits = f"{number:07d}"
    return digits + identifiers.UAI_LETTERS[int(digits) % 23]


def an_sscc(number: int) -> str:
    """A shipment's number: its seventeen digits with their check digit."""
    digits = f"{number:017d}"
    weighed = sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(digits))
    return digits + str((10 - weighed % 10) % 10)


SCHOOL, OTHER_SCHOOL = a_uai(670080), a_uai(680010)
SHIPMENT, OTHER_SHIPMENT = an_sscc(34012345000000001), an_sscc(34012345000000002)
PARTIES = {
    "region": "region",
    "ops": "ops",
    "supplier": "supplier:hexalog",
    "carrier": "carrier:acme",
    "school": f"school:{SCHOOL}",
    "desk": "desk:metz",
}


def a_claim(subject: str, command: Any, **changes: Any) -> Claim:
    """A claim of the region's, under an id of its own."""
    return msgspec.structs.replace(Claim("region", "a claim", subject, DAY, command), **changes)


def a_laptop(number: int = 1) -> dict[str, str]:
    """A laptop as people name it; its key is `hp/5CD<number>`."""
    return {"maker": "HP", "serial": f"5CD{number:04d}"}


def key_of(number: int = 1) -> str:
    """The key of `a_laptop(number)`."""
    return f"hp/5CD{number:04d}"


def an_order(**changes: Any) -> dict[str, Any]:
    """An order of five laptops on its one line."""
    line = {
        "line": "1",
        "uai": SCHOOL,
        "model": "HP 245 G8",
        "quantity": 5,
        "lot": "L1",
        "paid_by": "region",
    }
    order = {
        "order": "BC1",
        "school_year": "2020-2021",
        "buyer": "region",
        "supplier": "hexalog",
        "lines": [line],
    }
    return order | changes


def a_report(**changes: Any) -> dict[str, Any]:
    """A delivery event: a carrier's shipment with one laptop in it arrived."""
    event = {
        "id": "a report",
        "type": "arrived",
        "happened_at": DAY.isoformat(),
        "shipment": SHIPMENT,
        "laptops": [a_laptop()],
    }
    return {name: value for name, value in (event | changes).items() if value is not None}


def a_hand_out(**changes: Any) -> dict[str, Any]:
    """A hand-out: an adult student took a laptop home, all signed, all there."""
    hand_out = {
        "id": "a hand-out",
        "laptop": a_laptop(),
        "student": STUDENTS[0],
        "school": SCHOOL,
        "handed_out_at": DAY.isoformat(),
        "charter": {"minor": False, "student_signed_at": DAY.isoformat()},
        "kit": {"laptop": True, "sleeve": True, "storage": True},
    }
    return hand_out | changes


SCHOOLS_CSV = (
    "uai,nom,type,secteur,academie,departement,code_insee,commune,code_postal\n"
    f"{SCHOOL},Lycée Fustel,LEGT,public,Strasbourg,67,67482,Strasbourg,67000\n"
    f"{OTHER_SCHOOL},Lycée Lambert,LEGT,public,Strasbourg,68,68224,Mulhouse,68100\n"
)


PUPILS_CSV = (
    "ine,nom,prenom,date_naissance,uai,niveau,resp1_nom,resp1_prenom\n"
    f"123456789AB,Lévy,Élise,14/07/2004,{SCHOOL},2nde,Lévy,Zoé\n"
    f"1234567890A,Martin,Léo,01/02/2003,{SCHOOL},term,Martin,Ali\n"
)


def a_serial_list(numbers: Sequence[int], line: str = "1") -> str:
    """A supplier's serial list of one line."""
    rows = (f"{line},HP,5CD{number:04d},HP 245 G8\n" for number in numbers)
    return "line,maker,serial,model\n" + "".join(rows)


# -- databases


@asynccontextmanager
async def a_database(url: str, service: str) -> AsyncIterator[Database]:
    """The database of a service with its schema, open."""
    await migrations.migrate(service, url)
    database = open_database(url)
    try:
        yield database
    finally:
        await database.close()


def emptied(connection: Connection, service: str) -> None:
    """Throw away everything that a service's database holds but its schema, and that the days up to
    today are closed: no test is to meet that by chance.
    """
    for table in migrations.metadata(service).sorted_tables:
        if not table.info.get("insert_only"):
            connection.execute(table.delete())
        if table.name == CLOSED.name:
            connection.execute(CLOSED.insert().values(day=day_of(datetime.now(UTC))))


def counts(connection: Connection, service: str) -> dict[str, int]:
    """How many rows each table of a service holds."""
    tables = migrations.metadata(service).sorted_tables
    counted = {table.name: select(func.count()).select_from(table) for table in tables}
    return {name: connection.scalar(query) or 0 for name, query in counted.items()}


def a_record(row: Any) -> ConsumerRecord:
    """The Kafka record of a ledger row, as a reader gets it from the relay."""
    sent = relay.as_record(row)
    return ConsumerRecord(
        topic=f"{row.type.partition('.')[0]}.facts",
        partition=0,
        offset=row.position,
        timestamp=0,
        timestamp_type=0,
        key=sent["key"],
        value=sent["value"],
        checksum=None,
        serialized_key_size=len(sent["key"]),
        serialized_value_size=len(sent["value"]),
        headers=tuple(sent["headers"]),
    )


def a_strange_record() -> ConsumerRecord:
    """A Kafka record in which nobody finds a fact."""
    place: Any = ("ordering.facts", 0, 0, 0, 0, b"hp/5CD0001", b"strange", None, 10, 7, ())
    return ConsumerRecord(*place)


def facts(connection: Connection) -> list[ConsumerRecord]:
    """Every fact of a ledger as its record, in the order of their positions."""
    told = select(LEDGER).where(LEDGER.c.type.is_not(None)).order_by(LEDGER.c.position)
    return [a_record(row) for row in connection.execute(told)]


class Crash(BaseException):
    """The process dies here; no code of ours can catch it."""


@contextmanager
def a_crash_at(call: int) -> Iterator[list[str]]:
    """Die at the nth call to the database, commits among them; what was called, to see whether it
    came so far. Nothing is reached after a crash but what undoes the transaction.
    """
    calls: list[str] = []

    def count(what: str) -> None:
        calls.append(what)
        if len(calls) == call:
            raise Crash(what)

    with ExitStack() as stack:
        listeners = {
            "before_cursor_execute": lambda *about: count(about[2]),
            "commit": lambda _: count("COMMIT"),
        }
        for name, listener in listeners.items():
            event.listen(Engine, name, listener)
            stack.callback(event.remove, Engine, name, listener)
        for verb in ("execute", "fetch", "copy_records_to_table"):
            told = _counted(getattr(asyncpg.Connection, verb), count)
            stack.enter_context(mock.patch.object(asyncpg.Connection, verb, told))
        yield calls


def _counted(verb: Callable[..., Any], count: Callable[[str], None]) -> Callable[..., Any]:
    """A verb of asyncpg's that is counted before it is done: SQLAlchemy knows nothing of these."""

    async def ask(connection: asyncpg.Connection, *words: Any, **more: Any) -> Any:
        count(str(words[0]))
        return await verb(connection, *words, **more)

    return ask


class Life(NamedTuple):
    """What a deciding service holds: states by key, and facts by what they say, without ids."""

    states: dict[str, Any]
    facts: Counter[tuple[str, str, str, str, str]]


def a_sound_life(connection: Connection, service: Service) -> Life:
    """What a service holds, once it is seen that each state is the fold of its key's facts, that
    their numbers have no gap, and that no name stands twice.
    """
    rows = connection.execute(select(LEDGER)).fetchall()
    keys = {row.key for row in rows}
    for shelf in service.shelves.values():
        keys.update(connection.scalars(select(shelf.table.c.key)))
    kept = ledger.load(connection, service.shelves, keys)
    life = ledger.lives(connection, service.core.facts, keys)
    for key in keys:
        assert (kept[key].state, kept[key].place) == fold(service.core.folding, key, life[key])
        numbers = sorted(row.sequence for row in rows if row.key == key and row.type)
        assert numbers == list(range(1, kept[key].sequence + 1)), key
    names = [(row.key, row.party, row.id) for row in rows]
    assert len(set(names)) == len(names)
    said = Counter((row.key, row.party, str(row.happened_at), row.type, row.body) for row in rows)
    return Life({key: kept[key].state for key in keys}, said)


# -- services that run


@dataclass(frozen=True)
class Running:
    """A service in this process, answering on 127.0.0.1; `url` is its database's."""

    name: str
    url: str
    client: httpx.Client
    keys: Path
    routes: Sequence[Route]
    issued: dict[str, str]

    def auth(self, party: str) -> dict[str, str]:
        """The header that lets a party in, its key issued when it has none; none for nobody."""
        if party and party not in self.issued:
            self.issued.update(access.issue(self.keys, [party]))
        return {"Authorization": f"Bearer {self.issued[party]}"} if party else {}

    def cookie(self, party: str) -> dict[str, str]:
        """The header of a browser that keeps a party's key, "" for nobody's."""
        self.auth(party)
        return {"cookie": f"trousseau-{self.name}={self.issued.get(party, '')}"}

    def page(self, party: str, path: str, **form: str) -> httpx.Response:
        """What a page answers a party whose key the browser keeps; to a form, if one is sent."""
        headers = self.cookie(party)
        if form:
            return self.client.post(path, data=form, headers=headers)
        return self.client.get(path, headers=headers)

    def ask(self, party: str, method: str, path: str, **sent: Any) -> httpx.Response:
        """What the service answers a party."""
        headers = self.auth(party) | sent.pop("headers", {})
        return self.client.request(method, path, headers=headers, **sent)

    def get(self, party: str, path: str, **sent: Any) -> Any:
        """The JSON of a 200."""
        answer = self.ask(party, "GET", path, **sent)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def file(self, party: str, path: str, content: str | bytes) -> dict[str, Any]:
        """The job of a file, once it ended."""
        return self.ended(party, self.sent(party, path, content))

    def sent(self, party: str, path: str, content: str | bytes) -> str:
        """The address of a file's job."""
        headers = {"Content-Type": "text/csv"}
        answer = self.ask(party, "POST", path, content=content, headers=headers)
        assert answer.status_code == 202, answer.text
        return answer.headers["Location"]

    def ended(self, party: str, address: str) -> dict[str, Any]:
        """The job at an address, once it ended."""
        wait_until(lambda: self.get(party, address)["state"] in ("done", "failed"), "the job ends")
        job: dict[str, Any] = self.get(party, address)
        return job

    def counts(self) -> dict[str, int]:
        """How many rows each table holds now; but for keys of enrolment's files, which come with a
        file and go by themselves.
        """
        found: dict[str, int] = self.write(lambda connection: counts(connection, self.name))
        return {table: rows for table, rows in found.items() if table != "secret"}

    def rows(self, statement: str) -> list[Any]:
        """What a statement finds in the service's database."""
        found: list[Any] = self.write(lambda connection: list(connection.execute(text(statement))))
        return found

    def write(self, work: Callable[[Connection], Any]) -> Any:
        """Do work in the service's database, past the service."""
        return self.with_database(lambda database: database.write(work))

    def with_database(self, work: Callable[[Database], Awaitable[Any]]) -> Any:
        """Do work with the service's database, past the service."""

        async def act() -> Any:
            database = open_database(self.url)
            try:
                return await work(database)
            finally:
                await database.close()

        return asyncio.run(act())


@contextmanager
def a_service(
    name: str,
    url: str,
    home: Path,
    kafka: str = NOBODY,
    environment: Mapping[str, str] | None = None,
    port: int = 0,
) -> Iterator[Running]:
    """A service, put together as it is in production, on a database that was migrated."""
    asyncio.run(migrations.migrate(name, url))
    known = settings.read(name, {"TROUSSEAU_HOME": str(home)} | dict(environment or {}))
    known = msgspec.structs.replace(
        known, database=url, kafka=kafka, port=port or places.free_port()
    )
    vault.make(known.master_key)
    app, routes = built(name, known)
    server = uvicorn.Server(process.speaking(app))
    listener = socket.create_server((known.host, known.port))
    thread = threading.Thread(target=server.run, args=[[listener]], name=f"service {name}")
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive(), f"{name} starts")
        assert server.started, f"{name} did not start"
        base = f"http://{known.host}:{known.port}"
        with httpx.Client(base_url=base, timeout=60) as client:
            yield Running(name, url, client, known.keys, routes, {})
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive(), f"{name} did not end"


def built(name: str, known: settings.Settings) -> tuple[Any, Sequence[Route]]:
    """A service's application, and the routes that it was made of."""
    module = importlib.import_module(f"services.{name}.app")
    with mock.patch.object(module, "application", wraps=module.application) as application:
        app = module.build(known)
    return app, application.call_args.args[0]


def wait_until(so: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Return once it is so; a test that waits in vain fails."""
    until = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < until, f"in vain: {what}"
        time.sleep(0.02)
