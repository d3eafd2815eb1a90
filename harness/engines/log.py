"""The log of a process: a file, whatever the engine."""

from collections import deque
from pathlib import Path


def log_tail(path: Path, *, lines: int) -> str:
    """Return the last `lines` lines of a log, under a line that names the file."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            last = deque(file, maxlen=lines)
    except FileNotFoundError:
        return f"(no log at {path})"
    return f"last lines of {path}:\n" + "".join(last).rstrip()
