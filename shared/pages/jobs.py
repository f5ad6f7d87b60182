"""The page of a long work: how far it is, how long it still takes, stop and resume."""

from datetime import datetime

from jinja2 import Environment
from msgspec import Struct

from shared.pages.rendering import Visit, page


class Job(Struct, frozen=True):
    """`path`: its page; stop, resume and report.csv are beneath it. `title`: what is read, in
    French, where `about` may stand in braces. `seconds_left`: None where nobody can tell.
    """

    path: str
    title: str
    about: str
    state: str
    read: int
    total: int | None
    applied: int
    duplicate: int
    waiting: int
    refused: int
    conflict: int
    started_at: datetime | None
    finished_at: datetime | None
    seconds_left: int | None = None
    cause: str | None = None
    note: str | None = None


def job_page(templates: Environment, visit: Visit, job: Job) -> str:
    """While the job works the figures refresh by themselves, or by a link without JavaScript."""
    return page(templates, "job.html", visit, job=job, share=share(job))


def share(job: Job) -> float | None:
    """How much is done, from 0 to 1; None while the total is not known."""
    if job.total is None:
        return None
    return min(job.read / job.total, 1.0) if job.total else 1.0
