"""A share of a processor, without any privilege: all stop and go on, again and again.

What the kernel's quota does to a group ten times a second, a thread of ours does by
SIGSTOP and SIGCONT. A process it does not know yet runs freely until the next look.
"""

import threading
import time
from collections.abc import Callable, Collection

from harness.engines import Engine, ProcessId

#: Seconds in which the share is given once, as in the kernel's own default.
PERIOD_S = 0.1

#: Seconds all may be stopped at a time, however long they have run.
LONGEST_REST_S = 1.0

#: Seconds between two looks for new processes: a look reads the whole of /proc.
LOOK_EVERY_S = 0.5


class DutyCycle:
    """Runs until `stop`, then all go on."""

    def __init__(
        self, engine: Engine, members: Callable[[], Collection[ProcessId]], share: float
    ) -> None:
        self._engine = engine
        self._find = members
        self._share = share
        self._known = set(members())
        self._looked = time.monotonic()
        self._end = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name="queueproof-duty-cycle", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End it; every process it ever stopped goes on."""
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        went_on = time.monotonic() - PERIOD_S * self._share
        while not self._end.is_set():
            self._hold(self._known)
            # Who has run for longer, since this thread was late, rests for longer.
            ran_s = time.monotonic() - went_on
            rest_s = min(ran_s * (1 - self._share) / self._share, LONGEST_REST_S)
            rests_until = time.monotonic() + rest_s
            if time.monotonic() - self._looked >= LOOK_EVERY_S:
                born = set(self._find()) - self._known
                self._hold(born)
                self._known |= born
                self._looked = time.monotonic()
            self._end.wait(max(0.0, rests_until - time.monotonic()))
            for id in self._known:
                self._engine.resume(id)
            went_on = time.monotonic()
            self._end.wait(PERIOD_S * self._share)

    def _hold(self, ids: Collection[ProcessId]) -> None:
        for id in ids:
            self._engine.pause(id)
