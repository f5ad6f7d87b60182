"""What stands in the log, and what does not."""

import json
import logging
from collections.abc import Iterator

import pytest

from shared import migrations
from shared.databases import open_database
from shared.telemetry import log_to_stdout


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


async def test_asking_a_database_for_its_schema_leaves_no_line_for_each_probe_of_readiness(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log_to_stdout("tracking", "INFO")
    database = open_database(database_url)
    try:
        assert await database.read(migrations.current) == ""
    finally:
        await database.close()
    logging.getLogger("shared").info("what is worth a line")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert '"what":"what is worth a line"' in lines[0]


def test_what_the_kafka_library_repeats_is_told_once_and_what_we_repeat_each_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log_to_stdout("tracking", "INFO")
    for number in range(3):
        logging.getLogger("aiokafka.client").error("no connection to node %s", number)
        logging.getLogger("aiokafka.client").error("no answer from node %s", number)
        logging.getLogger("shared.relay").warning("the relay waits")
    told = [json.loads(line)["what"] for line in capsys.readouterr().out.splitlines()]
    assert sorted(told) == [
        "no answer from node 0",
        "no connection to node 0",
        *["the relay waits"] * 3,
    ]
