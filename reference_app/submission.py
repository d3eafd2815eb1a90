"""The one way in, for all domains: record the job, then send it on its way.

A submit answers within about `outbox.PUBLISH_S`, whatever state the broker is in; what
it answers without one is declared by the task. It may wait, so it is called from plain
route functions, which run in Starlette's threads, never from the event loop.
"""

import logging
import uuid
from typing import Annotated, Any

from fastapi import Header, HTTPException
from fastapi.exceptions import RequestValidationError

from reference_app import endings, outbox
from reference_app.job_task import JobTask, WithoutBroker
from reference_app.jobs import Busy, Path
from reference_app.patterns.backpressure import Backlog, Full
from reference_app.patterns.fallback import Unreachable
from reference_app.patterns.feature_flag import FeatureFlag
from reference_app.patterns.submit_once import KeyReused
from reference_app.settings import settings

log = logging.getLogger(__name__)

#: Seconds after which a client may submit again when the broker was away.
RETRY_AFTER_S = 5


#: A header with which a client may submit again when it got no answer.
IdempotencyKey = Annotated[
    str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200)
]


class NotAccepted(HTTPException):
    """The job was not accepted and will not run; submit it again later."""

    def __init__(self, status_code: int, detail: str, retry_after_s: int) -> None:
        headers = {"Retry-After": str(retry_after_s)}
        super().__init__(status_code, detail, headers)


def submit(
    task: JobTask,
    request: dict[str, Any],
    limits: tuple[float, float],
    *,
    key: str | None = None,
    alone: bool = False,
) -> str:
    """Record a job, send it on its way, and return its id.

    Args:
        task: what runs it, and what is done when the broker cannot be reached.
        request: checked already; what the job function gets.
        limits: soft and hard time limit in seconds.
        key: from the header Idempotency-Key; a second submit with it gets the id of
            the first, and nothing else happens.
        alone: only if every job of this task has ended.

    Raises:
        NotAccepted: 503, the broker could not be reached and the task says refuse, or
            there is no room on the local path; 429, too many jobs wait; 409, it was to
            be alone, and one has not ended.
        RequestValidationError: the key came with another request before.
    """
    path = Path(flag().path())
    try:
        _backlog(task, path).check()
    except Full as full:
        raise NotAccepted(429, str(full), full.retry_after_s) from None
    new_id = str(uuid.uuid4())
    attempts = task.attempts_after_loss
    values = {"path": path, "limits": limits, "attempts": attempts, "key": key}
    jobs = endings.store()
    try:
        job_id = jobs.create(new_id, task.name, request, alone=alone, **values)
    except Busy as error:
        raise NotAccepted(409, str(error), RETRY_AFTER_S) from None
    except KeyReused as error:
        raise _wrong_key(str(error), key) from None
    if job_id == new_id and path is Path.CELERY:
        _send(task, outbox.Message(job_id, task.name, request, limits))
    return job_id


def flag() -> FeatureFlag:
    """Return the flag that says which way new jobs go; the row says it of old ones."""
    share = 1.0 if settings().use_celery else 0.0
    return FeatureFlag(on=Path.CELERY, off=Path.LOCAL, share=share)


def _send(task: JobTask, message: outbox.Message) -> None:
    jobs, job_id = endings.store(), message.id
    try:
        outbox.publish(message)
    except Unreachable as error:
        log.warning("%s was not published: %s", job_id, error)
        if task.without_broker is WithoutBroker.RUN_LOCALLY and _has_room(task):
            # The broker may have taken the message all the same. The row names the
            # path now, and a worker that was faster has claimed it before.
            jobs.divert(job_id)
            return
        text, reason = "The queue did not take the job", endings.Reason.NOT_PUBLISHED
        # Likewise: the ended row keeps a worker from running it, and one that was
        # faster has accepted it for us.
        if jobs.refuse(job_id, error=text, reason=reason):
            detail = f"The queue did not take job {job_id}; try again later."
            raise NotAccepted(503, detail, RETRY_AFTER_S) from None
    except Exception as error:
        text, reason = endings.describe(error), endings.Reason.ERROR
        jobs.refuse(job_id, error=text, reason=reason)
        raise


def _has_room(task: JobTask) -> bool:
    try:
        _backlog(task, Path.LOCAL).check()
    except Full as full:
        log.warning("the local path takes no more: %s", full)
        return False
    return settings().local_slots > 0


def _backlog(task: JobTask, path: Path) -> Backlog:
    if path is Path.LOCAL:
        prefix, most = "", settings().local_max_backlog
    else:
        prefix, most = task.name.partition(".")[0] + ".", settings().max_backlog
    waiting = endings.store().waiting
    return Backlog(
        lambda: waiting(path, prefix), most=most, retry_after_s=RETRY_AFTER_S
    )


def _wrong_key(message: str, key: str | None) -> RequestValidationError:
    place = ("header", "Idempotency-Key")
    return RequestValidationError(
        [{"type": "value_error", "loc": place, "msg": message, "input": key}]
    )
