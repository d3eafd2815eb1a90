"""What can be taken from plain processes: memory as root, processor and disk always."""

import contextlib
import itertools
import resource
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import psutil

from harness import keeper
from harness.engines import Engine, Process, ProcessId
from harness.engines.duty_cycle import DutyCycle
from harness.engines.memory_group import MemoryGroup, group_of, limit_bytes
from harness.errors import EngineError, NotOnThisEngine

MIB = 2**20


class ProcessLimits:
    """See `harness.engines.limits.Limits`; `token` names the groups it makes."""

    def __init__(self, engine: Engine, token: str) -> None:
        self._engine = engine
        self._token = token
        self._numbers = itertools.count(1)

    @contextmanager
    def memory(
        self, process: Process, victims: Sequence[ProcessId], headroom_mib: float
    ) -> Iterator[Callable[[], int]]:
        """Move them into a memory cgroup; raises NotOnThisEngine without the right."""
        name = f"queueproof-{self._token}-{next(self._numbers)}"
        group = MemoryGroup(name, int(headroom_mib * MIB))
        try:
            group.add(id.pid for id in victims if self._engine.state(id) is not None)
            yield lambda: group.kills
        finally:
            group.dissolve()

    def memory_left_mib(self, process: ProcessId) -> float | None:
        """Return the limit of the group that /proc says the process is in."""
        group = group_of(process.pid)
        limit = None if group is None else limit_bytes(group)
        return None if limit is None else limit / MIB

    def memory_used_mib(self, process: ProcessId) -> float | None:
        """Return None: whatever group it is in holds others, too."""
        return None

    @contextmanager
    def cpu(self, process: Process, share: float) -> Iterator[None]:
        """Stop it and let it go on, ten times a second."""
        cycle = DutyCycle(
            self._engine,
            lambda: [info.id for info in self._engine.tree(process)],
            share,
        )
        try:
            yield
        finally:
            cycle.stop()

    def cpu_s(self, process: Process) -> float:
        """Return user and system time of its tree."""
        used = 0.0
        for info in self._engine.tree(process):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = psutil.Process(info.id.pid).cpu_times()
                used += times.user + times.system
        return used

    @contextmanager
    def disk(self, process: Process) -> Iterator[None]:
        """Lower its limit of file sizes (RLIMIT_FSIZE) to what its files have now.

        A write is refused with "file too large" or comes back short: to a server that
        appends the same as no space. Raises NotOnThisEngine for a process that would
        die of the signal instead, see `Command.outlives_file_limit`.
        """
        pid = process.id.pid
        if self._engine.state(process.id) is None:
            raise EngineError(f"{process.role} is not running.")
        if not keeper.ignores(pid, signal.SIGXFSZ):
            raise NotOnThisEngine(
                f"{process.role} would die of a full disk made by a limit of file "
                "sizes, for it does not ignore SIGXFSZ."
            )
        seen = psutil.Process(pid)
        sizes = [
            f.stat().st_size for f in process.command.cwd.rglob("*") if f.is_file()
        ]
        before = seen.rlimit(resource.RLIMIT_FSIZE)
        seen.rlimit(resource.RLIMIT_FSIZE, (max(sizes, default=0), before[1]))
        try:
            yield
        finally:
            if self._engine.state(process.id) is not None:
                seen.rlimit(resource.RLIMIT_FSIZE, before)
