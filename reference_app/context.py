"""What a job function gets, and the one way it is run and ended.

A job function knows no Celery: `work(context) -> result`. `run` starts its row, keeps
its lease, enforces the soft limit and the wish to cancel, and writes its ending.
"""

import contextlib
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import redis
from celery.exceptions import Ignore, SoftTimeLimitExceeded
from sqlalchemy.exc import SQLAlchemyError

from reference_app import endings, events, frames, journal
from reference_app.jobs import State
from reference_app.patterns.cancel import CancelCheck, Cancelled
from reference_app.patterns.reconcile import Leases
from reference_app.patterns.time_limit import SoftLimit
from reference_app.settings import settings

log = logging.getLogger(__name__)

#: Seconds between two questions whether the job is still wanted.
CHECK_CANCEL_S = 0.1

#: Seconds Redis may hold up one report; see patterns/progress.py for the sum.
REPORT_ANSWER_S = 0.25


class JobFailed(Exception):
    """A job failed in a way that Celery must not see as it was. The row tells."""


class JobContext:
    """One attempt of one job."""

    def __init__(
        self,
        job_id: str,
        attempt: int,
        soft_deadline_s: float | None = None,
        kind: str = "",
    ) -> None:
        self.job_id, self.attempt, self.kind = job_id, attempt, kind
        #: On time.monotonic(); None without a soft limit.
        self.soft_deadline_s = soft_deadline_s
        client = events.connect(settings(), answer_s=REPORT_ANSWER_S)
        self._progress = events.reporter(client, settings(), job_id, attempt, kind)
        self._cancel = CancelCheck(self._cancel_requested, every_s=CHECK_CANCEL_S)

    def report(
        self, percent: float, message: str, *, force: bool = False, **data: Any
    ) -> None:
        """Show progress, 0 to 100; throttled, unless it is 0 or `force` is set."""
        event = events.envelope(self.job_id, self.attempt, "progress", message, data)
        self._progress.report(
            int(percent),
            event,
            force=force or percent <= 0,
            also=frames.also(self.kind, event),
        )

    def check_cancelled(self) -> None:
        """Raise Cancelled if the user does not want the job any more; cheap."""
        self._cancel.check()

    def mark(self, name: str) -> None:
        """Write a named moment into the journal."""
        self._journal("mark", name=name)

    def _journal(self, what: str, **data: str) -> None:
        folder = settings().journal_dir
        journal.write(folder, job=self.job_id, attempt=self.attempt, what=what, **data)

    def _cancel_requested(self) -> bool:
        try:
            job = endings.store().get(self.job_id)
        except SQLAlchemyError as error:
            log.warning("cannot ask whether %s is wanted: %r", self.job_id, error)
            return False  # the worker's main process asks too
        return job is not None and job.cancel_requested_at is not None


Work = Callable[[JobContext], dict[str, Any]]


def run(job_id: str, work: Work, *, soft_limit_s: float | None = None) -> None:
    """Run the job function of `job_id` and end its row, whatever happens.

    Nothing runs if the job was cancelled while it waited, or runs already.

    Raises:
        SoftTimeLimitExceeded: at the soft limit, after clean-up.
        celery.exceptions.Ignore: the job was cancelled.
        JobFailed: instead of MemoryError, on which Celery stops the whole worker.
        Exception: what the job function raised.
    """
    deadline_s = None if soft_limit_s is None else time.monotonic() + soft_limit_s
    with SoftLimit() as limit:
        attempt = endings.store().start(job_id)
        if attempt is None:
            log.info("%s is not pending: nothing to run", job_id)
            return
        job = endings.store().get(job_id)
        kind = "" if job is None else job.kind
        context = JobContext(job_id, attempt, deadline_s, kind)
        with _leased(job_id):
            _run_to_end(context, work, limit)


def _run_to_end(context: JobContext, work: Work, limit: SoftLimit) -> None:
    job_id = context.job_id
    try:
        with _journaled(context):
            result = limit.run(
                lambda: work(context), cleanup=lambda: context.mark("cleanup")
            )
        json.dumps(result, allow_nan=False)
    except Cancelled:
        endings.finish(job_id, State.CANCELLED)
        raise Ignore from None
    except SoftTimeLimitExceeded:
        text = "The job ran into its soft time limit"
        _fail(job_id, text, endings.Reason.SOFT_TIME_LIMIT)
        raise
    except MemoryError as error:
        _fail(job_id, "Out of memory")
        raise JobFailed(f"MemoryError: {error}") from None
    except Exception as error:
        _fail(job_id, endings.describe(error))
        raise
    else:
        endings.finish(job_id, State.COMPLETED, result=result)


def _fail(job_id: str, text: str, reason: str = endings.Reason.ERROR) -> None:
    endings.finish(job_id, State.FAILED, error=text, reason=reason)


@contextlib.contextmanager
def _journaled(context: JobContext) -> Iterator[None]:
    context._journal("start")
    how = "returned"
    try:
        yield
    except Cancelled:
        how = "cancelled"
        raise
    except SoftTimeLimitExceeded:
        how = "soft_time_limit"
        raise
    except BaseException as error:
        how = f"raised:{type(error).__name__}"
        raise
    finally:
        context._journal("end", how=how)


@contextlib.contextmanager
def _leased(job_id: str) -> Iterator[None]:
    # A thread, because the job itself may be in a native call for long.
    lease_s = settings().lease_seconds
    leases = Leases(endings.client(), lease_s=lease_s)
    ended = threading.Event()

    def renew() -> None:
        while True:
            with contextlib.suppress(redis.RedisError):
                leases.renew(job_id)
            if ended.wait(lease_s / 3):
                return

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(2 * events.ANSWER_S)
        with contextlib.suppress(redis.RedisError):
            leases.release(job_id)
