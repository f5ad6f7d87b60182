"""Device management as a real HTTP server, which answers as a test wishes."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Devices:
    """What it answers, after how many seconds, and what it was asked."""

    def __init__(self, late: float = 0) -> None:
        self.answer: tuple[int, bytes] = (204, b"")
        self.late = late
        self.mute = False
        self.asked: Counter[str] = Counter()
        devices = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                devices.asked[f"{self.command} {self.path}"] += 1
                time.sleep(devices.late)
                if devices.mute:
                    self.close_connection = True
                    return
                status, body = devices.answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_DELETE = do_POST  # noqa: N815  http.server's name

            def log_message(self, *_: Any) -> None:
                """Nothing: the tests look at what was asked."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_port}"


@contextmanager
def managing(late: float = 0) -> Iterator[Devices]:
    """Device management that answers, until this ends."""
    made = Devices(late)
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        thread.join()
        made.server.server_close()
