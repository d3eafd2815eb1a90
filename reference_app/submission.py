"""The one way into the queue, for all domains: record the job, then publish it.

A submit answers within about PUBLISH_S, whatever state the broker is in; what it
answers without one is declared by the task. It may wait, so it is called from plain
route functions, which run in Starlette's threads, never from the event loop.
"""

import logging
import uuid
from functools import lru_cache
from typing import Any

import redis
from fastapi import HTTPException
from kombu.exceptions import OperationalError

from reference_app import endings
from reference_app.broker import queue_of
from reference_app.job_task import JobTask
from reference_app.jobs import State
from reference_app.patterns.broker_bounds import InTime
from reference_app.patterns.fallback import Reach, Unreachable

log = logging.getLogger(__name__)

#: Seconds a submit waits for the broker.
PUBLISH_S = 1.0

#: Seconds after which a client may submit again when the broker was away.
RETRY_AFTER_S = 5

#: Only these say that the broker cannot be reached, or takes nothing now. A wrong
#: password and a read-only replica are among them: to the user they are the same.
CONNECTIVITY = (
    OperationalError,
    redis.ConnectionError,
    redis.TimeoutError,
    redis.ReadOnlyError,
    OSError,
)


class NotAccepted(HTTPException):
    """The job was not accepted and will not run; submit it again later."""

    def __init__(self, status_code: int, detail: str, retry_after_s: int) -> None:
        headers = {"Retry-After": str(retry_after_s)}
        super().__init__(status_code, detail, headers)


def submit(task: JobTask, request: dict[str, Any], limits: tuple[float, float]) -> str:
    """Record a job, send it to a worker, and return its id.

    Args:
        task: what runs it, and what is done when the broker cannot be reached.
        request: checked already; what the job function gets.
        limits: soft and hard time limit in seconds.

    Raises:
        NotAccepted: 503, the broker could not be reached and the task says refuse.
    """
    job_id = str(uuid.uuid4())
    endings.store().create(job_id, task.name, request)
    try:
        _reach().call(
            lambda: _in_time().call(lambda: _publish(task, job_id, request, limits))
        )
    except Unreachable as error:
        log.warning("%s was not published: %s", job_id, error)
        raise _refused(job_id) from None
    except Exception as error:
        _end_unsent(job_id, endings.describe(error), endings.Reason.ERROR)
        raise
    endings.store().mark_published(job_id)
    return job_id


@lru_cache(maxsize=1)
def _reach() -> Reach:
    return Reach(CONNECTIVITY)


@lru_cache(maxsize=1)
def _in_time() -> InTime:
    return InTime(within_s=PUBLISH_S)


def _publish(
    task: JobTask, job_id: str, request: dict[str, Any], limits: tuple[float, float]
) -> None:
    soft_s, hard_s = limits
    task.apply_async(
        args=[request],
        task_id=job_id,
        queue=queue_of(task.name),
        soft_time_limit=soft_s,
        time_limit=hard_s,
        ignore_result=True,
        retry=False,
    )


def _refused(job_id: str) -> NotAccepted:
    # The broker may have taken the message all the same: the ended row keeps a worker
    # from running it.
    text = "The queue did not take the job; try again later"
    _end_unsent(job_id, text, endings.Reason.NOT_PUBLISHED)
    detail = f"The queue did not take job {job_id}; try again later."
    return NotAccepted(503, detail, RETRY_AFTER_S)


def _end_unsent(job_id: str, text: str, reason: str) -> None:
    # Not announced here: events may be in the same Redis, and the user waits.
    endings.store().finish(job_id, State.FAILED, error=text, reason=reason)
