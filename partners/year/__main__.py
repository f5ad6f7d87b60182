"""Play the three invented school years of a cohort on a running system and compare what it shows
with the player's own book. Where the services' clock cannot be moved, the first year alone.

Exit 0: every laptop's five facts, and what became of it, are those of the book, the board counts
them so, and no request went wrong. 1: not so, and what it is is listed, as are verdicts that nobody
expected. 2: wrong usage, or the system cannot be reached. What was played already is absorbed as
duplicates; another seed or size is played beside it.

    python -m partners.year --at http://127.0.0.1:8000 --keys var/trial-keys.json --laptops 1000
"""

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError
from rich.console import Console

from partners.year import check, play, post, progress
from partners.year.book import DISPOSITIONS
from partners.year.plan import Plan, plan
from partners.year.post import PlayError, System, bases, get, key_of

MOST_LAPTOPS = 1_000_000
LISTED = 40  # differences shown; the rest are counted
READY_SECONDS = 10.0


def main() -> int:
    """Answers the exit code."""
    arguments = _arguments()
    console = Console(highlight=False)
    try:
        return asyncio.run(_run(arguments, console))
    except PlayError as sentence:
        Console(stderr=True, highlight=False).print(str(sentence), soft_wrap=True, markup=False)
        return 2
    except KeyboardInterrupt:
        Console(stderr=True, highlight=False).print(
            "Interrupted. Give the same command again: what was sent counts once."
        )
        return 130


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m partners.year",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--at", default="http://127.0.0.1:8000", help="the system's first address (tracking)"
    )
    parser.add_argument(
        "--keys", type=Path, default=Path("var/trial-keys.json"), help="JSON file: party to key"
    )
    parser.add_argument(
        "--laptops",
        type=_many,
        default=5000,
        help="how many (default 5000); some with rarer lives come on top",
    )
    parser.add_argument("--seed", type=int, default=2020, help="which years (default 2020)")
    parser.add_argument(
        "--clock",
        type=Path,
        help="file to move the services' clock by (TROUSSEAU_CLOCK); else one year, without an end",
    )
    parser.add_argument(
        "--kafka", help="bootstrap servers: some of a carrier's events go by its own topic"
    )
    parser.add_argument("--book", type=Path, help="where to write the player's own book, as JSON")
    parser.add_argument("--drop-one-fact", action="store_true", help="keep one booked report back")
    parser.add_argument(
        "--quiet-seconds", type=float, default=15.0, help="unchanged so long, differences are final"
    )
    return parser.parse_args()


def _many(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_LAPTOPS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MOST_LAPTOPS}")
    return int(text)


async def _run(arguments: argparse.Namespace, console: Console) -> int:
    keys, addresses = _keys(arguments.keys), bases(arguments.at)
    played = plan(
        arguments.seed,
        arguments.laptops,
        drop_one=arguments.drop_one_fact,
        to_the_end=bool(arguments.clock),
    )
    if arguments.drop_one_fact and not played.dropped:
        raise PlayError("So small a cohort has no hand-out to keep back: take more laptops")
    if arguments.book:
        _write_book(arguments.book, played)
    limits = httpx.Limits(max_connections=play.AT_ONCE * 2)
    async with (
        httpx.AsyncClient(timeout=30.0, limits=limits, trust_env=False) as client,
        _producer(arguments.kafka) as producer,
    ):
        system = System(addresses, keys, client, producer)
        for party in {act.party for act in played.every_act}:
            key_of(system, party)
        await _ready(system)
        items = sum(act.items for act in played.every_act)
        console.print(
            f"{len(played.whole_book)} laptops, {len(played.stories)} of them beside the "
            f"{played.laptops} asked for, with rarer lives; seed {played.seed}: "
            f"{items} reports and rows in {len(played.every_act)} requests."
        )
        with progress.shown(console, items) as step:
            heard = await play.play(played, system, arguments.clock, step)
        with progress.looking(console) as look:
            found = await check.settled(played, system, arguments.quiet_seconds, look)
        wrong = [*found.counted, *await check.bugs(system)]
        wrong += await post.unwell(system) if found.differing or heard.troubles else []
    outcome = Outcome(heard, found, wrong)
    _summary(console, played, outcome, arguments.at.rstrip("/"))
    return 1 if found.differing or wrong or heard.troubles else 0


@asynccontextmanager
async def _producer(kafka: str | None) -> AsyncIterator[AIOKafkaProducer | None]:
    """A producer, where Kafka's address was given. Raises PlayError when nobody answers there."""
    if not kafka:
        yield None
        return
    try:
        async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all") as producer:
            yield producer
    except KafkaConnectionError as no:
        raise PlayError(f"Kafka at {kafka} does not answer: {no}") from None


def _keys(path: Path) -> dict[str, str]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except OSError as missing:
        raise PlayError(
            f"The keys file {path} cannot be read: {missing.strerror}. "
            "`make run` writes var/trial-keys.json, and `make keys` does for the composition."
        ) from None
    except msgspec.DecodeError as wrong:
        raise PlayError(
            f"The keys file {path} is not a JSON object of party to key: {wrong}"
        ) from None


def _write_book(path: Path, played: Plan) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    book = {
        "run": played.run,
        "seed": played.seed,
        "laptops": played.laptops,
        "dropped": played.dropped,
        "book": played.whole_book,
    }
    path.write_bytes(msgspec.json.format(msgspec.json.encode(book), indent=1))


async def _ready(system: System) -> None:
    for service in system.bases:
        answer = await get(system, service, "/health/ready", patience=READY_SECONDS)
        if answer.status != httpx.codes.OK:
            raise PlayError(
                f"{system.bases[service]} ({service}) is not ready: "
                f"{answer.status} {answer.text[:200]}"
            )


class Outcome(msgspec.Struct, frozen=True):
    """What was heard, what tracking shows at last, what else is wrong, in sentences."""

    heard: play.Heard
    found: check.Settled
    wrong: list[str]


def _summary(console: Console, played: Plan, outcome: Outcome, at: str) -> None:
    def say(text: str) -> None:
        console.print(text, soft_wrap=True, markup=False)

    counts, seen, differing = outcome.heard.counts, outcome.found.seen, outcome.found.differing
    say(
        f"Sent and answered: {counts.total()}. Applied {counts['applied']}, "
        f"duplicates absorbed {counts['duplicate']}, "
        f"waiting {counts['waiting']}, "
        f"refused {counts['refused']} ({len(played.refusable)} meant to be), "
        f"conflicts {counts['conflict']}. Never sent: {len(played.lost)}."
    )
    for title, lines in (
        ("Requests that went wrong", outcome.heard.troubles),
        ("Verdicts that were not expected", outcome.heard.surprises),
        ("Laptops that differ from the book", [f"{a}: {b}" for a, b in differing.items()]),
        ("What else is wrong", outcome.wrong),
    ):
        if lines:
            say(f"{title}: {len(lines)}")
            for line in lines[:LISTED]:
                say(f"  {line}")
            if len(lines) > LISTED:
                say(f"  ... and {len(lines) - LISTED} more")
    mine = [seen[name] for name in played.whole_book if name in seen]
    became = Counter(one.disposition for one in mine)
    say(f"What became of them: {', '.join(f'{became[word]} {word}' for word in DISPOSITIONS)}.")
    booked = len(played.whole_book)
    balanced = sum(name not in differing for name in played.whole_book)
    say(f"Balanced: {balanced} of {booked} laptops.")
    say("Pages worth looking at:")
    for kind, laptop in played.examples.items():
        say(f"  {at}/laptops/{laptop}  ({kind})")


if __name__ == "__main__":
    sys.exit(main())
