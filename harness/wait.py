"""The only file that sleeps: a condition, a deadline, and a message that helps."""

import time
from collections.abc import Callable
from typing import TypeVar

from harness.errors import TooSlow

T = TypeVar("T")

#: Seconds between two looks; fine enough to order events 50 ms apart.
EVERY_S = 0.02

_sleep = time.sleep  # noqa: TID251  # the one place


def wait_until(
    condition: Callable[[], T],
    *,
    within_s: float,
    what: str,
    every_s: float = EVERY_S,
    on_timeout: Callable[[], str] | None = None,
) -> T:
    """Return the first truthy value of `condition`, looked at every `every_s` seconds.

    It looks at least twice, the last time after the deadline, so that a stalled
    machine is not taken for a slow application.

    Raises:
        TooSlow: nothing truthy within `within_s`; names what was awaited, how long,
            the last value seen and whatever `on_timeout` adds (say, log lines).
    """
    start = time.monotonic()
    while True:
        expired = time.monotonic() - start >= within_s
        value = condition()
        if value:
            return value
        if expired:
            waited_s = time.monotonic() - start
            message = f"{what}: not within {within_s:g} s (waited {waited_s:.2f} s)."
            message += f" Last value: {value!r}."
            if on_timeout is not None:
                message += "\n" + on_timeout()
            raise TooSlow(message)
        _sleep(min(every_s, max(0.0, within_s - (time.monotonic() - start))))


def pause(seconds: float) -> None:
    """Let `seconds` pass: for the harness's own loops, never to wait for the app."""
    _sleep(max(0.0, seconds))
