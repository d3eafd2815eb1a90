"""A Celery task that runs one job function, and what is declared about such a job.

What belongs to a task for ever is declared here, once: where its function is, what a
submit does without a broker, how often a lost job is tried. Limits are settings.
"""

import functools
import inspect
import sys
from collections.abc import Callable, Coroutine
from importlib import import_module
from typing import Any

from celery import Celery, Task

from reference_app import context, device, endings
from reference_app.jobs import Path
from reference_app.patterns import async_task
from reference_app.settings import WithoutBroker

Function = Callable[[dict[str, Any], context.JobContext], dict[str, Any]]
AsyncFunction = Callable[
    [dict[str, Any], context.JobContext], Coroutine[Any, Any, dict[str, Any]]
]


class JobTask(Task):
    """A task whose only argument is the request of a job; give its name and these."""

    abstract = True
    #: Retries are attempts of a job, and those are counted in its row.
    max_retries = 0

    #: `package.module:function`, imported only in the process that runs it.
    function: str
    #: What a submit does while the broker cannot be reached.
    without_broker: WithoutBroker = WithoutBroker.REFUSE
    #: How often a job is tried whose process is lost; an error or a limit ends it.
    attempts_after_loss = 2

    def run(self, request: dict[str, Any]) -> None:
        """Run the job function and end the job's row."""
        _, soft_limit_s = self.request.timelimit or (None, None)
        run(
            self.function,
            self.request.id,
            request,
            attempt=endings.attempt_of(self.request),
            soft_limit_s=soft_limit_s,
        )


def functions(app: Celery) -> dict[str, str]:
    """Return where the function of each kind of job is."""
    app.loader.import_default_modules()
    tasks = app.tasks.values()
    return {task.name: task.function for task in tasks if isinstance(task, JobTask)}


def run(
    place: str,
    job_id: str,
    request: dict[str, Any],
    *,
    attempt: int,
    soft_limit_s: float | None,
    path: Path = Path.CELERY,
) -> None:
    """Run an attempt of a job by the function at `place`; the same on both paths.

    The errors that its module names in `TRANSIENT` are tried again.

    Raises:
        Exception: as context.run.
    """
    work = load(place)
    context.run(
        job_id,
        lambda job_context: work(request, job_context),
        attempt=attempt,
        soft_limit_s=soft_limit_s,
        path=path,
        transient=getattr(sys.modules[work.__module__], "TRANSIENT", ()),
    )


def load(place: str) -> Function:
    """Import a job function, named as `package.module:function`.

    A coroutine function gets an event loop of its own for each call.
    Where its module names a `DEVICE`, it holds a place on that while it runs, whichever
    path it came.
    """
    module, _, name = place.partition(":")
    found = import_module(module)
    function: Function = getattr(found, name)
    if inspect.iscoroutinefunction(function):
        function = _in_a_loop(function)
    return device.on(getattr(found, "DEVICE", ""), function)


def _in_a_loop(function: AsyncFunction) -> Function:
    @functools.wraps(function)
    def run(request: dict[str, Any], job_context: context.JobContext) -> dict[str, Any]:
        return async_task.run(lambda: function(request, job_context))

    return run
