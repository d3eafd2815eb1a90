"""Only a broker that cannot be reached triggers the other way, and callers learn fast.

Guarantee  `call` raises Unreachable where the broker took nothing, or nobody knows, for
           reasons of connection; every other error of the call passes as it is: a bug
           is not an outage. After an outage showed, callers are told at once, and one
           call per `again_s` tries the broker: it is used again as soon as it is back.
Units      again_s: seconds between two tries while the broker is away.
Raises     Unreachable, from the error that says so; whatever else the call raises.
Needs      The kinds of error that mean connection, of your client: `ConnectionError`
           and `TimeoutError` of redis-py, OSError. Celery's OperationalError wraps
           them, and whatever else Redis answers: raise its `__cause__` where that is a
           bug. A call that is bounded in time (see broker_bounds).
Breaks if  The other way runs a job without claiming its id first: an error does not
           mean that the broker has not taken the message.
Proof      contract fallback.only-when-unreachable
Source     Measured on Celery 5.7, 5 of 5: a publish that raised a time-out on a warm
           connection was in the queue when Redis woke up. Celery #2855: a silent
           fallback on any error hides bugs. Copy this file alone.
"""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Unreachable(Exception):
    """The broker could not be reached; it may have taken the message all the same."""


class Reach:
    """What is known about reaching the broker, learnt from the calls themselves."""

    def __init__(
        self,
        connectivity: tuple[type[Exception], ...],
        *,
        again_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connectivity, self._again_s, self._clock = connectivity, again_s, clock
        self._lock = threading.Lock()
        self._next_try_s: float | None = None
        self._why = ""

    @property
    def away(self) -> bool:
        """Whether the last call that tried could not reach the broker."""
        return self._next_try_s is not None

    def call(self, publish: Callable[[], T]) -> T:
        """Return what `publish` returns, unless the broker cannot be reached."""
        self._take_turn()
        try:
            value = publish()
        except self._connectivity as error:
            with self._lock:
                self._next_try_s = self._clock() + self._again_s
                self._why = f"{type(error).__name__}: {error}"
            raise Unreachable(self._why) from error
        except BaseException:
            with self._lock:
                if self._next_try_s is not None:
                    self._next_try_s = self._clock()  # not known: the next one tries
            raise
        with self._lock:
            self._next_try_s = None
        return value

    def _take_turn(self) -> None:
        with self._lock:
            if self._next_try_s is None:
                return
            if self._clock() < self._next_try_s:
                raise Unreachable(f"away a moment ago: {self._why}")
            # Half open: this call tries, the others go on without it.
            self._next_try_s = self._clock() + self._again_s
