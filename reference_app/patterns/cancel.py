"""A cancelled job stops: asked first, told next, killed last, and seen gone.

Guarantee  The job sees the wish at its next check. If its process still works
           `term_after_s` after the wish it gets SIGTERM, `kill_after_s` after it
           SIGKILL, and `gone` is true only when that very process has left the
           process table: a pid that was given to another process is never hit.
Units      every_s, term_after_s, kill_after_s: seconds; the last two after the wish.
Raises     Cancelled, from `check`; what `is_requested` raises passes.
Needs      Linux /proc, the standard library; a durable wish (a database row), since
           a broadcast reaches only the workers that are awake.
Breaks if  The process belongs to another user or another pid namespace.
Proof      contract cancel.running-stops, cancel.deaf-job-is-killed
Source     Celery 5.7 `revoke(terminate=True)`: one SIGTERM and never a SIGKILL; the
           state says REVOKED while the process works on. Copy this file alone.
"""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path


class Cancelled(BaseException):
    """The user does not want the job any more.

    Not an Exception, like asyncio.CancelledError since Python 3.8: `except Exception:
    continue` around one item must not turn a cancelled job into a finished one.
    """


class CancelCheck:
    """Ask, at most every `every_s`, whether the job is still wanted."""

    def __init__(
        self,
        is_requested: Callable[[], bool],
        *,
        every_s: float = 0.2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._is_requested, self._every_s, self._clock = is_requested, every_s, clock
        self._next_s = float("-inf")
        self._requested = False

    def check(self) -> None:
        """Raise Cancelled once the wish is known, and at every later check."""
        now_s = self._clock()
        if not self._requested and now_s >= self._next_s:
            self._requested = self._is_requested()
            self._next_s = self._clock() + self._every_s
        if self._requested:
            raise Cancelled


class Escalation:
    """SIGTERM, then SIGKILL, then verified gone: one process, told by its start time.

    Call `step` now and then with the seconds since the wish; it never waits. The
    process is named when the job is still known to be in it.
    """

    def __init__(
        self,
        pid: int,
        *,
        term_after_s: float = 1.0,
        kill_after_s: float = 2.0,
        send: Callable[[int, int], None] = os.kill,
    ) -> None:
        self.pid, self.started = pid, process_start(pid)
        self._due = [(term_after_s, signal.SIGTERM), (kill_after_s, signal.SIGKILL)]
        self._send = send

    @property
    def gone(self) -> bool:
        """Whether the process has ended; a zombie has."""
        return self.started is None or process_start(self.pid) != self.started

    def step(self, since_s: float) -> signal.Signals | None:
        """Send the signal that is due, if any; return what was sent."""
        sent = None
        while self._due and since_s >= self._due[0][0]:
            _, sent = self._due.pop(0)  # when both are due, only the stronger
        if sent is None or self.gone:
            return None
        try:
            self._send(self.pid, sent)
        except ProcessLookupError:
            return None
        return sent


def process_start(pid: int) -> int | None:
    """Return the start time (clock ticks since boot) of a living process, else None."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name in parentheses may hold spaces: count from its end.
    fields = stat[stat.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else int(fields[19])
