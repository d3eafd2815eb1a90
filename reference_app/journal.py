"""The journal: which job function ran in which process, from when to when.

Append-only, one file per process, one write() per line. It is ground truth for tests
and costs nothing when JOURNAL_DIR is empty.
"""

import json
import os
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

from reference_app.patterns.cancel import process_start


def write(
    folder: str, *, job: str, attempt: int, path: str, what: str, **data: str | float
) -> None:
    """Append one line: `what` is start, mark or end, `path` is celery or local."""
    if not folder:
        return
    pid = os.getpid()
    line = {
        "t_mono": time.monotonic(),
        "t_wall": time.time(),
        **_process(pid),
        "job": job,
        "attempt": attempt,
        "path": path,
        "what": what,
        **data,
    }
    place = Path(folder) / f"journal-{pid}.jsonl"
    # Others may read and truncate it: the folder is shared between users (0666).
    previous = os.umask(0)
    try:
        file = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    finally:
        os.umask(previous)
    try:
        os.write(file, json.dumps(line).encode()[:4095] + b"\n")
    finally:
        os.close(file)


@lru_cache(maxsize=1)
def _process(pid: int) -> dict[str, Any]:
    return {
        "boot": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        # CLOCK_MONOTONIC compares only within one time namespace.
        "time_ns": os.readlink("/proc/self/ns/time"),
        "pid": pid,
        "pid_start": process_start(pid),
    }
