"""The Celery side of steering: which function a message runs, and nothing else.

The limits are not here: they travel in the message, written by the API.
"""

from collections.abc import Callable
from typing import Any

from celery import Task

from reference_app import context
from reference_app.broker import app

Function = Callable[[dict[str, Any], context.JobContext], dict[str, Any]]


@app.task(bind=True, name="steering.compare", max_retries=0)
def compare(self: Task, request: dict[str, Any]) -> None:
    """Run a comparison."""
    # Imported here, so that the API, which publishes by this module, needs no torch.
    from reference_app.steering import generate

    _run(self, generate.compare, request)


@app.task(bind=True, name="steering.sweep", max_retries=0)
def sweep(self: Task, request: dict[str, Any]) -> None:
    """Run a strength sweep."""
    from reference_app.steering import generate

    _run(self, generate.sweep, request)


def _run(task: Task, function: Function, request: dict[str, Any]) -> None:
    _, soft_limit_s = task.request.timelimit or (None, None)
    context.run(
        task.request.id,
        lambda job_context: function(request, job_context),
        soft_limit_s=soft_limit_s,
    )
