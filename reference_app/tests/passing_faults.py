"""Jobs that meet faults that pass, and bugs: `-I` with this module adds them."""

from typing import Any

from reference_app.broker import app
from reference_app.context import JobContext
from reference_app.job_task import JobTask

TRANSIENT = (ConnectionError,)


def work(request: dict[str, Any], ctx: JobContext) -> dict[str, Any]:
    """Fail in the first so many attempts, with an error that passes or a bug."""
    if ctx.attempt <= request["failures"]:
        error = ConnectionError if request["passes"] else KeyError
        raise error(f"attempt {ctx.attempt}")
    return {"attempt": ctx.attempt}


class Work(JobTask):
    """A job of the studio's queue."""

    name = "services.tasks.work"
    function = "reference_app.tests.passing_faults:work"


task = app.register_task(Work())
