"""What a job function gets, and the one way it is run and ended.

A job function knows no Celery: `work(context) -> result`. `run` starts its row, keeps
its lease, enforces the soft limit and the wish to cancel, and writes its ending.
"""

import contextlib
import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

from celery.exceptions import Ignore, SoftTimeLimitExceeded
from sqlalchemy.exc import SQLAlchemyError

from reference_app import endings, events, journal, leases
from reference_app.jobs import Job, Path, State
from reference_app.patterns.cancel import CancelCheck, Cancelled
from reference_app.patterns.checkpoint import Superseded
from reference_app.patterns.retry import Policy
from reference_app.patterns.time_limit import SoftLimit
from reference_app.settings import settings

log = logging.getLogger(__name__)

#: Seconds between two questions whether the job is still wanted.
CHECK_CANCEL_S = 0.1

#: Seconds Redis may hold up one report, which takes a millisecond; see
#: patterns/progress.py for the sum. Measured with a frozen Redis: 0.4 s in 4 s.
REPORT_ANSWER_S = 0.1


class JobFailed(Exception):
    """A job failed in a way that Celery must not see as it was. The row tells."""


class JobContext:
    """One attempt of one job."""

    def __init__(
        self,
        job: Job,
        soft_deadline_s: float | None = None,
        limit: SoftLimit | None = None,
    ) -> None:
        self.job_id, self.attempt, self.path = job.id, job.attempt, job.path
        self._kind = job.kind
        self._limit = limit
        #: On time.monotonic(); None without a soft limit.
        self.soft_deadline_s = soft_deadline_s
        self._progress = self._reporter()
        self._cancel = CancelCheck(self._cancel_requested, every_s=CHECK_CANCEL_S)

    def report(
        self, percent: float, message: str, *, force: bool = False, **data: Any
    ) -> None:
        """Show progress, 0 to 100; throttled, unless it is 0 or `force` is set."""
        event = events.envelope(self.job_id, self.attempt, "progress", message, data)
        self._progress.report(int(percent), event, force=force or percent <= 0)

    def check_cancelled(self) -> None:
        """Raise Cancelled if the user does not want the job any more; cheap.

        Also the soft limit, once more, if somebody has swallowed it.
        """
        if self._limit is not None:
            self._limit.check()
        self._cancel.check()

    def mark(self, name: str, **data: str | float) -> None:
        """Write a named moment into the journal."""
        self._journal("mark", name=name, **data)

    def _reporter(self) -> events.Reporter:
        if self.path is Path.LOCAL:
            return events.local_reporter(
                endings.store(), settings(), self.job_id, self.attempt
            )
        client = endings.client(REPORT_ANSWER_S)
        return events.reporter(
            client, settings(), self.job_id, self.attempt, self._kind
        )

    def _journal(self, what: str, **data: str | float) -> None:
        journal.write(
            settings().journal_dir,
            job=self.job_id,
            attempt=self.attempt,
            path=self.path,
            what=what,
            **data,
        )

    def _cancel_requested(self) -> bool:
        try:
            job = endings.store().get(self.job_id)
        except SQLAlchemyError as error:
            log.warning("cannot ask whether %s is wanted: %r", self.job_id, error)
            return False  # the worker's main process asks too
        if job is None:
            return False
        # A process that was frozen for long, and given up, has nothing to do any more.
        given_up = job.ended or job.attempt != self.attempt
        return given_up or job.cancel_requested_at is not None


Work = Callable[[JobContext], dict[str, Any]]


def run(
    job_id: str,
    work: Work,
    *,
    attempt: int | None = None,
    soft_limit_s: float | None = None,
    path: Path = Path.CELERY,
    transient: tuple[type[Exception], ...] = (),
) -> None:
    """Claim `job_id`, run its job function and end its row, whatever happens.

    Nothing runs if the job was cancelled while it waited, if it or this attempt runs
    already, or if it goes another way. After an error that is one of `transient` the
    row waits for another attempt, as often and as long as the settings say.

    Raises:
        SoftTimeLimitExceeded: at the soft limit, after clean-up.
        celery.exceptions.Ignore: the job was cancelled, or is tried again.
        JobFailed: instead of MemoryError, on which Celery stops the whole worker.
        Exception: what the job function raised.
    """
    deadline_s = None if soft_limit_s is None else time.monotonic() + soft_limit_s
    with SoftLimit() as limit:
        job = endings.store().start(job_id, attempt, path)
        if job is None:
            log.info("%s is not to be run here: nothing to do", job_id)
            return
        context = JobContext(job, deadline_s, limit)
        # On the local path the API keeps the lease, in the row.
        leased = path is Path.CELERY
        with leases.held(job_id, job.attempt) if leased else contextlib.nullcontext():
            _run_to_end(context, work, limit, transient)


def _run_to_end(
    context: JobContext,
    work: Work,
    limit: SoftLimit,
    transient: tuple[type[Exception], ...],
) -> None:
    try:
        with _journaled(context):
            result = limit.run(
                lambda: work(context), cleanup=lambda: context.mark("cleanup")
            )
        json.dumps(result, allow_nan=False)
    except (Cancelled, Superseded):
        # Of an attempt that a newer one has superseded the row hears nothing.
        _end(context, State.CANCELLED)
        raise Ignore from None
    except SoftTimeLimitExceeded:
        text = "The job ran into its soft time limit"
        _fail(context, text, endings.Reason.SOFT_TIME_LIMIT)
        raise
    except MemoryError as error:
        _fail(context, "Out of memory")
        raise JobFailed(f"MemoryError: {error}") from None
    except Exception as error:
        if transient and _try_again(context, error, transient):
            raise Ignore(endings.describe(error)) from None
        _fail(context, endings.describe(error))
        raise
    else:
        _end(context, State.COMPLETED, result=result)


def _try_again(
    context: JobContext, error: Exception, transient: tuple[type[Exception], ...]
) -> bool:
    job = endings.store().get(context.job_id)
    if job is None:
        return False
    policy = Policy(
        transient=transient,
        # The row waits, no message does.
        run_s=0,
        visibility_timeout_s=math.inf,
        attempts=settings().retry_times + 1,
        first_s=settings().retry_first_pause,
        longest_s=settings().retry_longest_pause,
        final=(Cancelled,),
    )
    # Those that were handed back do not count; those that lost their process do.
    pause_s = policy.pause_s(error, job.lost + job.retries + 1)
    if pause_s is None:
        return False
    text = f"{endings.describe(error)} Again in {pause_s:.0f} s"
    context.report(0, text, force=True)
    if not endings.store().try_again(job.id, context.attempt, after_s=pause_s):
        return False
    context.mark("again", again_s=pause_s)
    return True


def _fail(context: JobContext, text: str, reason: str = endings.Reason.ERROR) -> None:
    _end(context, State.FAILED, error=text, reason=reason)


def _end(context: JobContext, state: State, **values: Any) -> None:
    job_id, attempt = context.job_id, context.attempt
    if not endings.finish(job_id, state, attempt=attempt, **values):
        log.warning("attempt %d of %s was given up before it ended", attempt, job_id)


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
