"""An invented device management, as a region has one: it retires devices and deletes the identities
under which they would enrol again. Some of it fails at first.

    python -m partners.management --port 8091
"""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote
from zlib import crc32

FAILING, STUBBORN = 10, 37  # one laptop in so many fails once, one in so many three times
ANSWERS = (500, 503, 429)


def failures(laptop: str) -> int:
    """How often the release of a laptop (<maker>/<SERIAL>) fails before it is done."""
    lot = crc32(laptop.encode())
    return 3 if lot % STUBBORN == 0 else int(lot % FAILING == 0)


class Management(ThreadingHTTPServer):
    """Counts how often each act was asked of it."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Answering)
        self.asked: Counter[str] = Counter()

    def status(self, method: str, path: str) -> int:
        """What an act is answered: a failure as often as the laptop has them, then that it is done;
        that there is no such thing, when it is asked once more.
        """
        kind, _, rest = unquote(path).strip("/").partition("/")
        laptop = rest.removesuffix("/retire")
        if (method, kind) not in (("POST", "devices"), ("DELETE", "identities")):
            return 405
        self.asked[f"{method} {path}"] += 1
        times, failing = self.asked[f"{method} {path}"], failures(laptop)
        if times <= failing:
            return ANSWERS[times % len(ANSWERS)]
        return 200 if times == failing + 1 else 404


class Answering(BaseHTTPRequestHandler):
    """One request."""

    server: Management
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        """Nothing: its counts are what is worth knowing."""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status = self.server.status(self.command, self.path)
        content = b'{"state": "done"}' if status == 200 else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serving(port: int) -> Iterator[Management]:
    """Device management at a port of this machine, as long as the context lasts. Raises OSError
    when the port is in use.
    """
    with Management(port) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m partners.management",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, required=True, help="where to listen, on 127.0.0.1")
    with Management(parser.parse_args(words).port) as server:
        server.serve_forever()
    return 0


if __name__ == "__main__":
    main()
