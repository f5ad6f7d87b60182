"""What could not be mapped for an unknown GTIN or GIAI, read again when the service starts: the
table of makers is read then, and may know it by now.
"""

import asyncio
import logging
from functools import partial

from msgspec.structs import replace

from services.delivery.epcis import archive, mapping, reading, taking
from services.delivery.epcis.taking import Item
from shared.asking import Intake, NotTakenError
from shared.contracts.strict import Unreadable
from shared.databases import Away

AT_ONCE = 100
PAUSE_SECONDS = 5

log = logging.getLogger(__name__)


async def run(intake: Intake) -> None:
    """Map what can be mapped now; ends when all was looked at."""
    after = ("", "")
    while True:
        try:
            work = partial(archive.unknown, after=after, limit=AT_ONCE)
            rows = await intake.database.read(work)
            for row in rows:
                await _again(intake, row)
        except Away:
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        if not rows:
            return
        after = (rows[-1]["id"], rows[-1]["party"])


async def _again(intake: Intake, row: archive.Row) -> None:
    now = intake.now()
    try:
        alone = reading.alone(archive.body(row))
        read = replace(reading.event(alone.events[0], alone, now), id=row["event_id"])
        meaning = mapping.meaning(read, intake.makers)
        if len(meaning.unknown) >= row["unknown"]:
            return
        sent = taking.sent_of(read, meaning, row["party"], intake.makers, now)
    except (Unreadable, NotTakenError, ValueError) as trouble:
        log.warning("an EPCIS event cannot be mapped", extra={"cause": str(trouble)[:200]})
        return
    # Without its digests: it is this event, whatever its document said to leave out of the hash.
    item = Item(replace(sent, digests=()), read, len(meaning.unknown))
    take = partial(taking.take, service=intake.service, taken=[item], now=now)
    (told,) = await intake.database.write(take)
    intake.metrics.claims.labels("again", told.verdict).inc()
    intake.relay.wake()
