"""What a job started ends with the job, in whatever way that ends.

Guarantee  Programs, forks, daemons in sessions of their own: what runs below a
           worker's child when a job is over, and did not before it, is killed. What a
           child leaves that is killed itself (a limit, a cancel, SIGKILL) goes to the
           worker's main process, not to init, and is killed there.
Units      every_s: seconds between two looks of the main process; each ends one
           generation of what is nested.
Raises     OSError, where the system is no Linux, or a process another user's.
Needs      Celery, prefork with an event loop; Linux >= 4.11.
Breaks if  The main process itself gets SIGKILL: then its container, or its service's
           cgroup, must end the rest. It starts processes while it works: they are
           taken for a job's, as is a helper that a library keeps for later jobs.
Proof      contract time_limit.nothing-outlives-the-job
Source     prctl(2), PR_SET_CHILD_SUBREAPER; billiard 4.3 kills a process group only
           where the child leads one. Copy this file alone.
"""

import contextlib
import ctypes
import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from celery import Celery, bootsteps, signals

_PR_SET_CHILD_SUBREAPER = 36


def install(app: Celery, *, every_s: float = 0.1) -> None:
    """Let the workers of `app` end what their jobs leave behind."""
    signals.worker_process_init.connect(_begin_child, weak=False)

    class EndOrphans(bootsteps.StartStopStep):  # type: ignore[misc]
        """Looks after the main process's children from the worker's event loop."""

        requires = ("celery.worker.components:Pool",)

        def start(self, worker: Any) -> None:
            if worker.hub is None or "processes" not in worker.pool.info:
                return  # no prefork
            adopt()
            orphans = Orphans(lambda: worker.pool.info["processes"])
            worker.hub.call_repeatedly(every_s, orphans.look)

    app.steps["worker"].add(EndOrphans)


def adopt() -> None:
    """Let this process be the parent of each orphan among its descendants."""
    if ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError("PR_SET_CHILD_SUBREAPER was refused")


class Job:
    """What one process starts between the begin of a job and its end."""

    _before: frozenset[int] = frozenset()

    def begin(self, **_: Any) -> None:
        """Remember who is here already."""
        self._before = _children()

    def end(self, **_: Any) -> None:
        """Kill who came since, generation by generation."""
        while left := _children() - self._before:
            _kill(left, 0)


class Orphans:
    """What the children of a pool left behind; `look` never waits."""

    def __init__(self, pool: Callable[[], Iterable[int]]) -> None:
        """`pool` tells who works now; who else is here at the first look stays."""
        self._pool, self._known, self._restless = pool, set[int](), False
        self._own: frozenset[int] | None = None

    def look(self) -> None:
        """Kill one generation, if a child of the pool has ended since the last look."""
        pool, before = set(self._pool()), self._known
        self._known = pool
        if self._own is None:
            self._own = _children() - pool  # the beat of `worker -B`, say
        if before <= pool and not self._restless:
            return
        left = _children() - pool - self._own
        _kill(left, os.WNOHANG)
        self._restless = bool(left)  # theirs come to us when they are gone


def _begin_child(**_: Any) -> None:
    adopt()
    job = Job()
    signals.task_prerun.connect(job.begin, weak=False)
    signals.task_postrun.connect(job.end, weak=False)


def _children() -> frozenset[int]:
    """Return the children of this process, zombies too."""
    try:  # most have none, and that is quick to know
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return frozenset()
    own, found = str(os.getpid()), set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # The name in parentheses may hold spaces: count from its end.
            if stat.read_text().rpartition(")")[2].split()[1] == own:
                found.add(int(stat.parent.name))
    return frozenset(found)


def _kill(children: Iterable[int], options: int) -> None:
    for pid in children:
        # A child of ours keeps its pid until it is waited for; by its Popen, perhaps.
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, options)
