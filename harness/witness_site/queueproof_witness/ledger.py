"""The ledger: what each process under test says of what it executes, as it happens.

A line: {"what": ready|start|mark|end, "t_mono", "t_wall" (seconds), "boot", "time_ns"
(clock domain), "pid", "pid_ns" (in which the pid counts), "pid_start" (clock ticks
since boot), "job", "task", "queue", "worker", "role": child|parent, "how", "name",
"retries", "redelivered"}; one file per process, one write() of at most 4 KiB per line,
so lines of several processes never mix. The n-th start of a job is its n-th attempt:
"retries" counts those it asked for, "redelivered" tells one whose message came a second
time. The guard of the stack adds {"what": "refused", "part", "host", "port", "name",
"site"}.
"""

from __future__ import annotations

import json
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: The longest line, in bytes: one write() up to a page is never torn by another.
LINE_BYTES = 4096

#: The longest text in one field, in characters.
FIELD_CHARS = 200

#: Our own mistakes, swallowed with the line. Not Exception: a time limit is raised by a
#: signal anywhere, also in here, and must reach the task.
OWN_MISTAKES = (OSError, ValueError, TypeError, AttributeError, KeyError)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def _pid_start() -> int:
    text = _read("/proc/self/stat")
    return int(text.rpartition(")")[2].split()[19]) if text else 0


def _namespace(kind: str) -> str:
    try:
        return os.readlink("/proc/self/ns/" + kind)
    except OSError:
        return ""


def _encode(line: dict[str, Any], chars: int) -> bytes:
    cut = {k: v[:chars] if isinstance(v, str) else v for k, v in line.items()}
    return json.dumps(cut, separators=(",", ":"), default=str).encode() + b"\n"


class Ledger:
    """Appends lines to this process's own file in a shared folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.boot = _read("/proc/sys/kernel/random/boot_id")
        self.time_ns = _namespace("time")
        self.pid_ns = _namespace("pid")
        self.pid = 0
        self.pid_start = 0
        self.path = ""

    def write(self, what: str, **fields: Any) -> None:
        """Append one line; a full disk or a missing folder loses it silently."""
        try:
            if self.pid != os.getpid():  # first line, or first after a fork
                self.pid, self.pid_start = os.getpid(), _pid_start()
                name = f"ledger-{self.pid}-{self.pid_start}.jsonl"
                self.path = os.path.join(self.folder, name)
            line = {
                "what": what,
                "t_mono": time.monotonic(),
                "t_wall": time.time(),
                "boot": self.boot,
                "time_ns": self.time_ns,
                "pid": self.pid,
                "pid_ns": self.pid_ns,
                "pid_start": self.pid_start,
            }
            data = _encode({**line, **fields}, FIELD_CHARS)
            if len(data) > LINE_BYTES:
                data = _encode({**line, **fields}, FIELD_CHARS // 5)
            self._append(data)
        except OWN_MISTAKES:
            pass

    def _append(self, data: bytes) -> None:
        # Opened for each line: a descriptor kept open could be closed by a pool's
        # clean-up and its number given to a file of the application.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        descriptor = os.open(self.path, flags, 0o666)
        try:
            if os.fstat(descriptor).st_size == 0:
                os.fchmod(descriptor, 0o666)  # whatever the umask says
            os.write(descriptor, data)
        finally:
            os.close(descriptor)
