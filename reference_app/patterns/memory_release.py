"""A job's memory is back after it: all of it by exit, most of it by asking.

Guarantee  `release` gives back what is free: cycles, the allocator's kept pages, the
           device's cached blocks. What is still referenced, a device's context and
           fragments stay: only the end of the process returns all. `after_job` tells
           when that is due: more than `limit_mib` private memory is left.
           `tree_pss_mib` counts every page of a process tree once, as nobody else's.
Units      MiB of 2**20 bytes, except `celery_limit_kib`: KiB, Celery's unit.
Raises     PermissionError: the process belongs to another user.
Needs      the standard library, Linux /proc with smaps_rollup (4.14). glibc for the
           allocator's part; elsewhere that part does nothing.
Breaks if  It is called inside an `except` block: the traceback keeps every frame and
           its tensors (time_limit.py empties them). A loaded library's own arenas and
           a CUDA context (0.6 to 1.1 GB) are out of reach: one job per process there.
Proof      contract memory.given-back-after-a-job
Source     measured, torch 2.13 and glibc 2.36: 96,000 blocks of 16 KiB stay after `del`
           and a collection (1756 of 1762 MiB), 223 MiB after malloc_trim. Celery's
           `worker_max_memory_per_child` looks at the highest RSS ever, preloaded pages
           included, after each job. Copy this file alone.
"""

import ctypes
import gc
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_PROC = Path("/proc")


def release() -> None:
    """Give back what nothing refers to any more, outside of any `except` block."""
    gc.collect()
    # Looked up, not imported: a process without torch must not get it here, and a
    # device that nobody has touched must not get a context.
    torch: Any = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


class Limit:
    """How much a process may keep between two jobs before it is to be replaced."""

    def __init__(self, limit_mib: float, ask: Callable[[float], None]) -> None:
        """`ask` is told the MiB kept; it lets the process end after this job."""
        self._limit_mib, self._ask = limit_mib, ask

    def after_job(self) -> float:
        """Release, then ask for a new process if too much is left; return the MiB."""
        release()
        kept_mib = private_mib(os.getpid())
        if kept_mib > self._limit_mib:
            self._ask(kept_mib)
        return kept_mib


def celery_limit_kib(extra_mib: float) -> int:
    """Return `--max-memory-per-child` that lets a job peak `extra_mib` above now.

    Call it in the worker's parent after it has preloaded what its children share.
    """
    # Not getrusage: after exec that still holds the peak of whoever started us, and a
    # worker started by a large process would never replace a child.
    lines = (_PROC / "self" / "status").read_text().splitlines()
    peaks = (line.split() for line in lines if line.startswith("VmHWM:"))
    return int(next(peaks)[1]) + int(extra_mib * 1024)


def tree_pss_mib(pid: int) -> float:
    """Return the memory of a process and all its descendants, shared pages once."""
    return sum(_rollup_mib(member, ("Pss",)) for member in tree(pid))


def private_mib(pid: int) -> float:
    """Return what the exit of this one process would give back."""
    return _rollup_mib(pid, ("Private_Clean", "Private_Dirty", "Private_Hugetlb"))


def tree(pid: int) -> list[int]:
    """Return `pid` and its descendants, as far as they live."""
    children: dict[int, list[int]] = {}
    for child, parent in _parents():
        children.setdefault(parent, []).append(child)
    found = [pid]
    for member in found:
        found += children.get(member, [])
    return found


def _parents() -> Iterator[tuple[int, int]]:
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        # The name in parentheses may hold spaces: count from its end.
        yield int(entry.name), int(stat[stat.rindex(")") + 2 :].split()[1])


def _rollup_mib(pid: int, names: tuple[str, ...]) -> float:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:]
    except (FileNotFoundError, ProcessLookupError):
        return 0.0  # it has ended, or is a zombie: nothing is left
    sizes = dict(line.split(":", 1) for line in lines)
    return sum(int(sizes[name].split()[0]) for name in names if name in sizes) / 1024
