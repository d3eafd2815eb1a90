"""What an engine can take away from a part: memory, processor time, disk.

Each is a context manager that gives it back. What cannot be done where the processes
run raises `NotOnThisEngine` before anything was changed, and says why.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from harness.engines import Process, ProcessId


class Limits(Protocol):
    """The limits of one engine."""

    def memory(
        self, process: Process, victims: Sequence[ProcessId], headroom_mib: float
    ) -> AbstractContextManager[Callable[[], int]]:
        """Let these processes of a part take so much more memory and no more.

        The kernel kills one that needs more; call what it yields for how often.
        """

    def memory_left_mib(self, process: ProcessId) -> float | None:
        """Return what the kernel lets this process's group take; None: no limit."""

    def memory_used_mib(self, process: ProcessId) -> float | None:
        """Return what its container uses, caches left out; None: it has none."""

    def cpu(self, process: Process, share: float) -> AbstractContextManager[None]:
        """Let all processes of a part have this share of one processor together."""

    def cpu_s(self, process: Process) -> float:
        """Return the seconds of processor time the living of a part have used."""

    def disk(self, process: Process) -> AbstractContextManager[None]:
        """Let the files of a part grow no more, as on a full disk: writes fail."""
