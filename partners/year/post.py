"""A request to the running system, sent until it is answered: same ids, so it happens once."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

import httpx
import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from msgspec import Struct

from partners.year.acts import Act

T = TypeVar("T")

# From the first port on: the system's local layout.
PORTS = {"tracking": 0, "ordering": 1, "delivery": 2, "repairs": 3, "handover": 4, "enrolment": 5}
PATIENCE_SECONDS = 60.0  # how long a service may be gone
BUSY = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)
BUSY_SECONDS = 600.0  # how long it may answer that it is busy, or a file may stand still


class PlayError(Exception):
    """The year cannot be played: one sentence for the person who started it."""


class System(Struct, frozen=True):
    """Where the services are, who has which key, the client for both, and for Kafka, if it is to be
    had.
    """

    bases: Mapping[str, str]
    keys: Mapping[str, str]
    client: httpx.AsyncClient
    producer: AIOKafkaProducer | None = None


class Answer(Struct, frozen=True):
    """What a service answered: the status, the body as text, the address it named."""

    status: int
    text: str
    location: str


class Health(Struct, frozen=True):
    """How a service says it is: sentences by the part of it that they are about."""

    wrong: dict[str, str] = {}
    trouble: dict[str, str] = {}


def bases(at: str) -> dict[str, str]:
    """The services' addresses, from the first one's. Raises PlayError when it names no port."""
    try:
        url = httpx.URL(at)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host or url.port is None:
        raise PlayError(f"{at!r} is not an address with a port, such as http://127.0.0.1:8000")
    port = url.port
    return {name: f"{url.scheme}://{url.host}:{port + further}" for name, further in PORTS.items()}


def key_of(system: System, party: str) -> str:
    """A party's key. Raises PlayError when there is none."""
    try:
        return system.keys[party]
    except KeyError:
        raise PlayError(f"The keys file has no key for {party}: is it this system's?") from None


async def post(system: System, act: Act) -> Answer:
    """Send an act. Raises PlayError when nobody answers for a minute or the key is not known."""
    kind, content = _written(act.body)
    headers = {
        "Content-Type": kind,
        "Idempotency-Key": act.id,
        "Authorization": f"Bearer {key_of(system, act.party)}",
    }
    url = system.bases[act.service] + act.path
    request = system.client.build_request(act.method, url, headers=headers, content=content)
    answer = await _answered(system, request)
    if answer.status == httpx.codes.UNAUTHORIZED:
        where = system.bases[act.service]
        raise PlayError(f"{where} does not know the key of {act.party}: is it this system's?")
    return answer


def _written(body: dict[str, object] | str | bytes) -> tuple[str, bytes]:
    """A body's kind and content: a table, a zip, or JSON."""
    match body:
        case str():
            return "text/csv; charset=utf-8", body.encode()
        case bytes():
            return "application/zip", body
    return "application/json", msgspec.json.encode(body)


def decoded(text: str, type: type[T]) -> T:
    """What a service answered. Raises PlayError where that is something else."""
    try:
        return msgspec.json.decode(text, type=type)
    except msgspec.DecodeError as wrong:
        raise PlayError(f"This is not what was agreed: {text[:200]}: {wrong}") from None


EVENT = "partner.delivery-event.v1"
AS_JSON = [("content-type", b"application/json")]
STRUCTURED = [("content-type", b"application/cloudevents+json")]


async def produce(
    producer: AIOKafkaProducer, act: Act, events: Sequence[Mapping[str, object]]
) -> None:
    """Send events to a party's topic as CloudEvents, in binary and structured mode by turns. Raises
    PlayError when Kafka does not take them.
    """
    for number, event in enumerate(events):
        known = {"specversion": "1.0", "id": str(event["id"]), "source": act.party, "type": EVENT}
        if number % 2:
            headers, value = STRUCTURED, msgspec.json.encode(known | {"data": event})
        else:
            told = [(f"ce_{name}", text.encode()) for name, text in known.items()]
            headers, value = [*AS_JSON, *told], msgspec.json.encode(event)
        try:
            await producer.send_and_wait(act.topic, value, headers=headers)
        except KafkaError as no:
            raise PlayError(f"Kafka does not take events on {act.topic}: {no}") from None


async def get(
    system: System,
    service: str,
    path: str,
    party: str = "region",
    *,
    patience: float = PATIENCE_SECONDS,
) -> Answer:
    """Read a path, or an address, of a service. Raises PlayError when nobody answers so long."""
    url = httpx.URL(system.bases[service] + "/").join(path)
    headers = {"Authorization": f"Bearer {key_of(system, party)}"}
    request = system.client.build_request("GET", url, headers=headers)
    return await _answered(system, request, patience)


async def unwell(system: System) -> list[str]:
    """What each service says is wrong with it, although it answers."""
    said = []
    for service in system.bases:
        answer = await get(system, service, "/health/ready")
        with suppress(msgspec.DecodeError):
            health = msgspec.json.decode(answer.text, type=Health)
            parts = health.wrong | health.trouble
            said += [f"{service}, {part}: {sentence}" for part, sentence in parts.items()]
    return said


async def _answered(
    system: System, request: httpx.Request, patience: float = PATIENCE_SECONDS
) -> Answer:
    begun = last_heard = time.monotonic()
    pause = 0.2
    while True:
        try:
            response = await system.client.send(request)
        except httpx.TransportError as lost:
            # Timed out or cut off: perhaps it was heard, so the same again.
            if time.monotonic() - last_heard > patience:
                where = f"{request.url.scheme}://{request.url.netloc.decode()}"
                why = (
                    f"{where} does not answer ({type(lost).__name__}): is the system running, "
                    "and is the address that was given its first one?"
                )
                raise PlayError(why) from None
            await asyncio.sleep(pause)
            pause = min(pause * 2, 3.0)
            continue
        last_heard = time.monotonic()
        if response.status_code not in BUSY or last_heard - begun > min(
            10 * patience, BUSY_SECONDS
        ):
            return Answer(response.status_code, response.text, response.headers.get("Location", ""))
        await asyncio.sleep(_retry_after(response))


def _retry_after(response: httpx.Response) -> float:
    try:
        return min(max(float(response.headers.get("Retry-After", "1")), 0.05), 60.0)
    except ValueError:  # a date
        return 1.0
