"""Ends jobs, also from the worker's main process when no child can report the ending.

`finish` is safe to call from anywhere, any number of times: the first one wins.
"""

import logging
import os
from functools import lru_cache
from typing import Any

import redis
from celery import signals
from celery.exceptions import (
    SoftTimeLimitExceeded,
    TimeLimitExceeded,
    WorkerLostError,
)

from reference_app import events
from reference_app.jobs import Jobs, State
from reference_app.settings import settings

log = logging.getLogger(__name__)


class Reason:
    """Why a job failed, in words that stay."""

    ERROR = "error"
    SOFT_TIME_LIMIT = "soft_time_limit"
    HARD_TIME_LIMIT = "hard_time_limit"
    LOST = "lost"
    NOT_PUBLISHED = "not_published"
    REJECTED = "rejected"
    UNKNOWN_TASK = "unknown_task"


def store() -> Jobs:
    """Return the job records, opened once in each process."""
    return _store(os.getpid())


def client() -> redis.Redis:
    """Return the events' Redis, connected once in each process."""
    return _client(os.getpid())


@lru_cache(maxsize=1)
def _store(pid: int) -> Jobs:
    return Jobs(settings().database_url)


@lru_cache(maxsize=1)
def _client(pid: int) -> redis.Redis:
    return events.connect(settings())


def finish(
    job_id: str,
    state: State,
    *,
    result: dict[str, Any] | None = None,
    error: str | None = None,
    reason: str | None = None,
) -> bool:
    """Write the ending into the row, then announce it; False if the job had ended.

    What cannot be announced now is left to the reconciler.
    """
    jobs = store()
    if not jobs.finish(job_id, state, result=result, error=error, reason=reason):
        return False
    announce(job_id)
    return True


def announce(job_id: str) -> None:
    """Announce an ended job, if Redis answers."""
    jobs = store()
    job = jobs.get(job_id)
    if job is None or not job.ended:
        return
    try:
        kept_s = events.kept_s(settings(), job.kind)
        events.announce(client(), jobs, job, kept_s)
    except redis.RedisError as error:
        log.warning("ending of %s not announced yet: %r", job_id, error)


def describe(error: BaseException) -> str:
    """Return what a user may read about an error: no traceback, bounded."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:300]}" if text else type(error).__name__


@signals.task_failure.connect
def _on_failure(task_id: str, exception: BaseException, **_: Any) -> None:
    # In the child for a plain exception (the row has ended by then), in the parent for
    # a lost child and, twice, for a hard limit.
    if isinstance(exception, TimeLimitExceeded):
        reason, text = Reason.HARD_TIME_LIMIT, "The job ran into its hard time limit"
    elif isinstance(exception, SoftTimeLimitExceeded):
        reason, text = Reason.SOFT_TIME_LIMIT, "The job ran into its soft time limit"
    elif isinstance(exception, (WorkerLostError, SystemExit)):
        reason, text = Reason.LOST, "The process of the job was lost"
    else:
        reason, text = Reason.ERROR, describe(exception)
    finish(task_id, State.FAILED, error=text, reason=reason)


@signals.task_revoked.connect
def _on_revoked(request: Any, expired: bool, **_: Any) -> None:
    if expired:
        text = "The job expired in the queue"
        finish(request.id, State.FAILED, error=text, reason=Reason.REJECTED)
    else:
        finish(request.id, State.CANCELLED)


@signals.task_unknown.connect
def _on_unknown(id: str, name: str, **_: Any) -> None:
    text = f"The worker knows no task {name}"
    finish(id, State.FAILED, error=text, reason=Reason.UNKNOWN_TASK)


@signals.task_rejected.connect
def _on_rejected(message: Any, **_: Any) -> None:
    job_id = (message.headers or {}).get("id")
    if job_id:
        text = "The worker could not read the message"
        finish(job_id, State.FAILED, error=text, reason=Reason.REJECTED)
