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
from sqlalchemy.exc import SQLAlchemyError

from reference_app import events
from reference_app.jobs import Job, Jobs, State
from reference_app.settings import settings

log = logging.getLogger(__name__)


#: This process, if it never forks: an API, a child of a worker.
_kept: set[int] = set()


class Reason:
    """Why a job failed, in words that stay."""

    ERROR = "error"
    SOFT_TIME_LIMIT = "soft_time_limit"
    HARD_TIME_LIMIT = "hard_time_limit"
    LOST = "lost"
    POISON = "poison"
    NOT_PUBLISHED = "not_published"
    REJECTED = "rejected"
    UNKNOWN_TASK = "unknown_task"


def store() -> Jobs:
    """Return the job records, opened once in each process."""
    return _store(os.getpid())


def never_forks() -> None:
    """Let this process keep connections to the database open; before the first use."""
    _kept.add(os.getpid())


def client(answer_s: float = events.ANSWER_S) -> redis.Redis:
    """Return the events' Redis, connected once in each process, that waits so long."""
    return _client(os.getpid(), answer_s)


@lru_cache(maxsize=1)
def _store(pid: int) -> Jobs:
    return Jobs(settings().database_url, forks=pid not in _kept)


@lru_cache(maxsize=2)
def _client(pid: int, answer_s: float) -> redis.Redis:
    return events.connect(settings(), answer_s=answer_s)


def finish(
    job_id: str,
    state: State,
    *,
    attempt: int | None = None,
    result: dict[str, Any] | None = None,
    error: str | None = None,
    reason: str | None = None,
) -> bool:
    """Write the ending into the row, then announce it; False if the job had ended.

    Also False for an attempt that was given up. What cannot be announced now is left
    to the reconciler.
    """
    values = {"result": result, "error": error, "reason": reason}
    job = store().finish(job_id, state, attempt=attempt, **values)
    if job is None:
        return False
    _announce(job)
    return True


def lose(job_id: str, attempt: int | None = None) -> None:
    """Let a job whose process is gone be tried again, or end it if it was often enough.

    It is only put back: the reconciler sends it.
    """
    jobs = store()
    if jobs.try_again(job_id, attempt):
        log.warning("%s lost its process: it will be tried again", job_id)
        return
    job = jobs.get(job_id)
    again = job is not None and job.attempts > 1
    text = "The process of the job was lost"
    if job is not None and again:
        text += f", {job.lost + 1} times"
    reason = Reason.POISON if again else Reason.LOST
    finish(job_id, State.FAILED, attempt=attempt, error=text, reason=reason)


def announce(job_id: str) -> None:
    """Announce an ended job, if Redis answers, or the database for a local one."""
    job = store().get(job_id)
    if job is not None and job.ended:
        _announce(job)


def _announce(job: Job) -> None:
    try:
        kept_s = events.kept_s(settings(), job.kind)
        events.announce(client(), store(), job, kept_s)
    except (redis.RedisError, SQLAlchemyError) as error:
        log.warning("ending of %s not announced yet: %r", job.id, error)


def describe(error: BaseException) -> str:
    """Return what a user may read about an error: no traceback, bounded."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:300]}" if text else type(error).__name__


@signals.worker_process_init.connect
def _in_child(**_: Any) -> None:
    never_forks()


@signals.task_failure.connect
def _on_failure(sender: Any, task_id: str, exception: BaseException, **_: Any) -> None:
    # In the child for a plain exception (the row has ended by then), in the parent for
    # a lost child and, twice, for a hard limit.
    attempt = _attempt(sender, task_id)
    if isinstance(exception, (WorkerLostError, SystemExit)):
        lose(task_id, attempt)
        return
    if isinstance(exception, TimeLimitExceeded):
        if attempt is None:
            return  # told a second time, without the message
        reason, text = Reason.HARD_TIME_LIMIT, "The job ran into its hard time limit"
    elif isinstance(exception, SoftTimeLimitExceeded):
        reason, text = Reason.SOFT_TIME_LIMIT, "The job ran into its soft time limit"
    else:
        reason, text = Reason.ERROR, describe(exception)
    finish(task_id, State.FAILED, attempt=attempt, error=text, reason=reason)


@signals.task_revoked.connect
def _on_revoked(request: Any, expired: bool, **_: Any) -> None:
    attempt = attempt_of(request)
    if expired:
        text, reason = "The job expired in the queue", Reason.REJECTED
        finish(request.id, State.FAILED, attempt=attempt, error=text, reason=reason)
    else:
        finish(request.id, State.CANCELLED, attempt=attempt)


@signals.task_unknown.connect
def _on_unknown(id: str, name: str, message: Any, **_: Any) -> None:
    text = f"The worker knows no task {name}"
    _reject(id, message, text, Reason.UNKNOWN_TASK)


@signals.task_rejected.connect
def _on_rejected(message: Any, **_: Any) -> None:
    job_id = (message.headers or {}).get("id")
    if job_id:
        text = "The worker could not read the message"
        _reject(job_id, message, text, Reason.REJECTED)


def attempt_of(headers: Any) -> int:
    """Return the attempt that a message, or the request made of it, is for."""
    # A message that somebody else wrote names none: it can only be the first.
    return int((headers or {}).get("attempt") or 1)


def lease_of(job_id: str, attempt: int) -> str:
    """Return the name of an attempt's lease.

    Each has its own: what a lost attempt leaves behind would be taken for the next
    one's, which has just begun and has not renewed any.
    """
    return f"{job_id}#{attempt}"


def _reject(job_id: str, message: Any, text: str, reason: str) -> None:
    attempt = attempt_of(getattr(message, "headers", None))
    finish(job_id, State.FAILED, attempt=attempt, error=text, reason=reason)


def _attempt(sender: Any, task_id: str) -> int | None:
    """Return the attempt of the task's current request, None if it is of another."""
    request = getattr(sender, "request", None)
    if request is None or request.id != task_id:
        return None
    return attempt_of(request)
