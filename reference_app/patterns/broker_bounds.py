"""A publisher answers in time, whatever state its broker is in.

Guarantee  `InTime.call` returns, or raises, within about `within_s`: with a broker that
           refuses, that is frozen, that swallows packets, that is read-only or wants
           another password. No more than `threads` calls are ever stuck at once.
Units      answer_s, within_s: seconds.
Raises     TimeoutError: not known in time. The message may still arrive: whoever runs
           it must claim its id first. Else what the call raised.
Needs      Celery settings from `settings` in the process that publishes; called from
           a thread that may wait, never from an event loop.
Breaks if  `settings` is left out: stuck threads then stay stuck, for ever with a frozen
           Redis. `answer_s` bounds one answer, and a cold connection needs several.
Proof      contract submit.answers-in-time
Source     Measured on Celery 5.7 without bounds: `.delay()` took 19.1 s with a Redis
           that refuses (its result backend retries, whatever task_publish_retry says)
           and more than 40 s with a frozen one; cold with bounds of 2 s still 6.2 s.
           Copy this file alone.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import Any, TypeVar

T = TypeVar("T")

#: Transport options for the connection that publishes (`connection_for_write`): another
#: try to connect would sleep for 2 s, and hide the reason.
CONNECT_ONCE = {"max_retries": 0}


def settings(answer_s: float) -> dict[str, Any]:
    """Return the Celery settings that bound each answer of broker and result store.

    Merge your own `broker_transport_options` into these, do not replace them.
    """
    sockets = {"socket_timeout": answer_s, "socket_connect_timeout": answer_s}
    return {
        "broker_connection_timeout": answer_s,
        "broker_pool_acquire_timeout": answer_s,
        "broker_transport_options": sockets,
        # Publishing again after a time-out can send the same id twice.
        "task_publish_retry": False,
        # The publisher of a task with a result subscribes to it first: bound that too.
        "redis_socket_timeout": answer_s,
        "redis_socket_connect_timeout": answer_s,
        "result_backend_transport_options": {
            "retry_policy": {"max_retries": 1, "timeout": answer_s}
        },
    }


class InTime:
    """Calls with a deadline, each in one of a few threads that it may leave behind."""

    def __init__(self, *, within_s: float, threads: int = 8) -> None:
        self._within_s = within_s
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="publish")
        self._free = BoundedSemaphore(threads)

    def call(self, function: Callable[[], T]) -> T:
        """Return what `function` returns, unless it takes longer than `within_s`."""
        if not self._free.acquire(timeout=self._within_s):
            raise TimeoutError(f"all calls were stuck for {self._within_s:g} s")
        future: Future[T] = self._pool.submit(function)
        future.add_done_callback(lambda _: self._free.release())
        try:
            return future.result(self._within_s)
        except TimeoutError:
            if future.done():
                raise  # the call's own, within the time
            raise TimeoutError(f"no answer within {self._within_s:g} s") from None
