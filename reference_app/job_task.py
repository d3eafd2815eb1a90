"""A Celery task that runs one job function, and what is declared about such a job.

What belongs to a task for ever is declared here, once: where its function is, what a
submit does without a broker, how often a lost job is tried. Limits are settings.
"""

from collections.abc import Callable
from enum import StrEnum
from importlib import import_module
from typing import Any

from celery import Task

from reference_app import context

Function = Callable[[dict[str, Any], context.JobContext], dict[str, Any]]


class WithoutBroker(StrEnum):
    """What a submit does while the broker cannot be reached."""

    REFUSE = "refuse"  #: 503 with Retry-After; nothing is kept
    RUN_LOCALLY = "run_locally"  #: the old path takes the job: same id, limits, events


class JobTask(Task):
    """A task whose only argument is the request of a job; give its name and these."""

    abstract = True
    #: Retries are attempts of a job, and those are counted in its row.
    max_retries = 0

    #: `package.module:function`, imported only in the process that runs it.
    function: str
    without_broker = WithoutBroker.REFUSE

    def run(self, request: dict[str, Any]) -> None:
        """Run the job function and end the job's row."""
        _, soft_limit_s = self.request.timelimit or (None, None)
        work = load(self.function)
        context.run(
            self.request.id,
            lambda job_context: work(request, job_context),
            soft_limit_s=soft_limit_s,
        )


def load(place: str) -> Function:
    """Import a job function, named as `package.module:function`."""
    module, _, name = place.partition(":")
    function: Function = getattr(import_module(module), name)
    return function
