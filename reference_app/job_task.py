"""A Celery task that runs one job function, and what is declared about such a job.

What belongs to a task for ever is declared here, once: where its function is, what a
submit does without a broker, how often a lost job is tried. Limits are settings.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from celery import Celery, Task

from reference_app import context, endings
from reference_app.settings import WithoutBroker

Function = Callable[[dict[str, Any], context.JobContext], dict[str, Any]]


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
        work = load(self.function)
        context.run(
            self.request.id,
            lambda job_context: work(request, job_context),
            attempt=endings.attempt_of(self.request),
            soft_limit_s=soft_limit_s,
        )


def functions(app: Celery) -> dict[str, str]:
    """Return where the function of each kind of job is."""
    app.loader.import_default_modules()
    tasks = app.tasks.values()
    return {task.name: task.function for task in tasks if isinstance(task, JobTask)}


def load(place: str) -> Function:
    """Import a job function, named as `package.module:function`."""
    module, _, name = place.partition(":")
    function: Function = getattr(import_module(module), name)
    return function
