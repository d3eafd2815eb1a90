"""Faults hurt the running application the way production does.

Each noun has its file. A fault picks its victim by role, proves by a probe of its own
that it bit, records `fault.injected` with that proof, and heals even when the scenario
fails. A fault that found no victim records bit=false: then nothing was tested.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from harness.faults import kill, noop, pause, redis, terminate
from harness.faults.record import Victim
from harness.recorder import Recorder
from harness.stack import Stack

__all__ = ["Faults", "Victim"]


class Faults:
    """What a scenario may do to the application."""

    def __init__(self, stack: Stack, history: Recorder) -> None:
        self._stack = stack
        self._history = history

    def kill_child(self, job: str) -> Victim | None:
        """SIGKILL the process that executes the job; return it, None where none did."""
        return kill.child(self._stack, self._history, job)

    def kill_main(self, role: str = "worker") -> Victim | None:
        """SIGKILL the main process of a part; the supervisor starts it again."""
        return kill.main(self._stack, self._history, role)

    def terminate(self, role: str = "worker") -> Victim | None:
        """Send SIGTERM to the main process of a part, as a deployment does."""
        return terminate.main(self._stack, self._history, role, signal.SIGTERM)

    @contextmanager
    def pause_child(self, job: str) -> Iterator[Victim | None]:
        """Freeze the process that executes the job while the body runs."""
        with pause.child(self._stack, self._history, job) as victim:
            yield victim

    @contextmanager
    def pause(self, role: str) -> Iterator[Victim | None]:
        """Freeze a part, all its processes, while the body runs."""
        with pause.part(self._stack, self._history, role) as victim:
            yield victim

    @contextmanager
    def pause_writes(self) -> Iterator[Victim | None]:
        """Let Redis answer reads and hold back writes while the body runs."""
        with redis.writes_paused(self._stack, self._history) as victim:
            yield victim

    @contextmanager
    def redis_stop(self) -> Iterator[Victim | None]:
        """SIGKILL Redis; start it again, data and port kept, after the body."""
        with redis.stopped(self._stack, self._history) as victim:
            yield victim

    def redis_restart(self) -> Victim | None:
        """SIGKILL Redis and start it again at once, data and port kept."""
        with redis.stopped(self._stack, self._history, fault="redis_restart") as victim:
            return victim

    def noop(self, role: str = "worker") -> Victim | None:
        """Find the victim and do nothing: the scenario must hold without damage."""
        return noop.nothing(self._stack, self._history, role)
