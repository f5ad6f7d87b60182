"""A real browser, and the example pages behind a real server."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.tracking import pages
from shared.pages import static
from shared.pages.jobs import job_page
from shared.pages.rendering import Visit
from tests import places
from tests.browser import examples

CHROMIUM = "/usr/bin/chromium"
NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, without a window. For one module: its loop would be in the way of other tests'."""
    found = (
        CHROMIUM if Path(CHROMIUM).exists() else next(filter(None, map(shutil.which, NAMES)), "")
    )
    if not found:
        pytest.fail(
            "no Chromium on this machine: install one, `apt-get install chromium` on Debian"
        )
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=list(QUIET))
        yield started
        started.close()


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of a server that answers with the example pages."""
    port = places.free_port()
    with _running(_application(), port):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def look(browser: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """Opens a path in a fresh window: `look("/", width=390, dark=True, script=False)`.

    A test fails at its end when the browser complained: a script error, or something that the
    pages' own content policy forbids.
    """
    complaints: list[str] = []
    opened = []

    def open_at(path: str, width: int = 1280, *, dark: bool = False, script: bool = True) -> Page:
        context = browser.new_context(
            base_url=site,
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
        )
        opened.append(context)
        page = context.new_page()
        page.on(
            "console", lambda said: complaints.append(said.text) if said.type == "error" else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield open_at
    for context in opened:
        context.close()
    assert complaints == []


def _application() -> Starlette:
    reads = count(50_000, 1_000)

    def html(request: Request) -> Response:
        path = request.url.path
        visit = Visit(
            path=path,
            query=tuple(request.query_params.items()),
            now=examples.NOW,
            as_of=examples.NOW - timedelta(minutes=2),
        )
        if path == "/jobs/moving":
            shown = job_page(pages.templates(), visit, examples.job(next(reads)))
        else:
            shown = examples.SCREENS.get(path, examples.one_of_the_list)(visit)
        return Response(shown, media_type="text/html", headers=dict(static.page_headers()))

    def file(request: Request) -> Response:
        served = static.served()[request.path_params["name"]]
        keep = {"cache-control": static.KEEP_FOR_EVER}
        return Response(served.content, media_type=served.media_type, headers=keep)

    return Starlette(routes=[Route("/static/{name}", file), Route("/{path:path}", html)])


@contextmanager
def _running(application: Starlette, port: int) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(application, port=port, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        places.wait_until(lambda: server.started, "the example pages")
        yield
    finally:
        server.should_exit = True
        thread.join()
