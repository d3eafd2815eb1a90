"""A file that tells which process is which, and that never stands in the way.

It is overwritten at start and believed only while the process it names lives: the pid
comes with the start time of its process, so a file that a killed process or an earlier
container left behind means nothing. What must be unique is guarded elsewhere.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from reference_app.patterns.cancel import process_start


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Name this process in the file while the body runs."""
    write(path, os.getpid())
    try:
        yield
    finally:
        if os.getpid() in living(path):
            path.unlink(missing_ok=True)


def write(path: Path, *pids: int) -> None:
    """Name these processes, in place of what the file says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{pid} {process_start(pid)}\n" for pid in pids)
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    draft.write_text(lines)
    draft.replace(path)  # a reader sees the old file or the new one


def living(path: Path) -> list[int]:
    """Return the processes that the file names and that live, in its order."""
    try:
        lines = [line.split() for line in path.read_text().splitlines()]
        named = [(int(pid), int(start)) for pid, start in lines]
    except (FileNotFoundError, ValueError):
        return []
    return [pid for pid, start in named if process_start(pid) == start]
