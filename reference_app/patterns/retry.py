"""A transient fault is tried again, later and later; nothing else is.

Guarantee  Only the listed kinds of error are tried again, at most until the job has
           been started `attempts` times, however those starts ended. The n-th pause
           lies between half and all of `first_s` doubled n-1 times, at most
           `longest_s`: pauses grow, and jobs that failed together come apart. A
           time-out or a cancel, also as the cause of an error, is never tried again.
Units      first_s, longest_s, run_s, visibility_timeout_s: seconds. attempts: starts
           in all, the first included.
Raises     ValueError, at construction: a pause and a run together would outlast the
           visibility timeout, and the broker would deliver the retry twice.
Needs      celery; a count of the job's starts that a lost process cannot take along
           (poison.py's, or the job's row). Celery's own `retries` misses those.
Breaks if  The broker cannot be reached at the very moment of the retry: Celery 5.7
           then rejects the message, and the job must be ended by task_failure.
Proof      contract retry.transient-errors-are-retried,
           retry.permanent-errors-are-not-retried, retry.long-wait-runs-once
Source     Celery 5.7 manual, "Tasks", retrying, and "Redis", visibility timeout.
           Measured: with `autoretry_for=(Exception,)` a soft limit ran three times; a
           countdown of 10 s at a timeout of 3 s ran four times. Copy this file alone.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from celery import Task
from celery.exceptions import Ignore, Reject, SoftTimeLimitExceeded, TimeLimitExceeded

#: What an attempt may end with and must not be repeated for, whatever is transient.
FINAL: tuple[type[BaseException], ...] = (
    SoftTimeLimitExceeded,
    TimeLimitExceeded,
    Ignore,
    Reject,
)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """When an error is worth another attempt, and after how long.

    transient: a short list of errors that go away by themselves, never Exception.
    run_s: the hard time limit of one attempt, which a late acknowledgement holds the
        message for; 0 with an early one.
    visibility_timeout_s: the broker's; math.inf where it does not hold the pause, since
        the job's row has a due time and the message is sent when that is over.
    final: further errors that are never tried again, the job's own cancel say.
    """

    transient: tuple[type[Exception], ...]
    run_s: float
    visibility_timeout_s: float
    attempts: int = 3
    first_s: float = 1.0
    longest_s: float = 60.0
    final: tuple[type[BaseException], ...] = ()
    draw: Callable[[], float] = random.random

    def __post_init__(self) -> None:
        if Exception in self.transient or not self.transient:
            raise ValueError(
                f"transient={self.transient}: list the errors that go away by "
                "themselves; Exception would repeat bugs and time-outs"
            )
        if not 0 < self.first_s <= self.longest_s or self.attempts < 1:
            raise ValueError(
                f"first_s={self.first_s:g}, longest_s={self.longest_s:g}, "
                f"attempts={self.attempts}: 0 < first_s <= longest_s, 1 <= attempts"
            )
        held_s = self.longest_s + self.run_s
        if held_s >= self.visibility_timeout_s:
            raise ValueError(
                f"longest_s={self.longest_s:g} and run_s={self.run_s:g} together "
                f"reach visibility_timeout_s={self.visibility_timeout_s:g}: the broker "
                "would deliver the retry twice; shorten the pause or raise the timeout"
            )

    def pause_s(self, error: BaseException, attempt: int) -> float | None:
        """Return the seconds to wait after start number `attempt`; None: give up."""
        if attempt >= self.attempts or not isinstance(error, self.transient):
            return None
        if any(isinstance(link, (*FINAL, *self.final)) for link in _chain(error)):
            return None
        # Half of it is drawn: the next pause starts where this one ends.
        whole_s = min(self.longest_s, self.first_s * 2.0 ** min(attempt - 1, 60))
        return whole_s * (1 + self.draw()) / 2

    def again(self, task: Task, error: BaseException, attempt: int) -> NoReturn:
        """Send the running job again, under its id, or raise `error`.

        In the task, after everything that must not be repeated:
        `except Exception as error: policy.again(self, error, attempt)`.
        """
        pause_s = self.pause_s(error, attempt)
        if pause_s is None:
            raise error
        # Celery's own limit is not the one that counts: it misses lost processes.
        raise task.retry(exc=error, countdown=pause_s, max_retries=self.attempts)


def _chain(error: BaseException) -> list[BaseException]:
    links: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in links:
        links.append(link)
        link = link.__cause__ or link.__context__
    return links
