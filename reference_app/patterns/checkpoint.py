"""A job that starts again goes on where it was, and never where a loser wrote.

Guarantee  `load` returns what the last finished `save` was given, byte for byte, or
           the one before if that file is torn; never a mixture, whenever the process
           is killed. Once an attempt with a higher fence has opened the checkpoint, an
           older one's `save` and `discard` raise Superseded and change nothing.
Units      fence: a number that rises with each attempt: the job's attempt, or the fence
           of its claim (late_ack.py). step: whatever the job counts.
Raises     Superseded: end without a word, the newer attempt works. OSError: not saved;
           the last one stands (a full disk, say).
Needs      the standard library, Linux; a folder on one file system that all attempts
           see. One file per job: two jobs never share a path.
Breaks if  The folder is on a network file system, or the disk loses what it confirmed.
Proof      contract EXEC-005
Source     rename(2) replaces atomically; fsync(2) of the file and of its folder makes
           that last; flock(2) ends with its holder. Copy this file alone.
"""

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

#: First word of the file; another one is another format and counts as torn.
MAGIC = "checkpoint-1"


class Superseded(BaseException):
    """A newer attempt has opened this checkpoint: nothing was written."""


class Saved(NamedTuple):
    """What was saved, by which attempt, after which step."""

    data: bytes
    step: int
    fence: int
    about: dict[str, Any]  #: small facts that belong to the data, such as a seed


class Checkpoint:
    """The checkpoint of one job, as one attempt sees it; opening it takes the fence."""

    def __init__(self, path: Path, *, fence: int) -> None:
        self._path, self._fence = path, fence
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._locked() as lock:
            os.pwrite(lock, b"%020d" % fence, 0)

    def load(self) -> Saved | None:
        """Return the newest whole checkpoint, None if there is none: start anew."""
        return _read(self._path) or _read(self._previous)

    def save(self, data: bytes, *, step: int, **about: Any) -> None:
        """Replace the checkpoint; on return it survives a kill and a power cut."""
        head = {"step": step, "fence": self._fence, "about": about, "size": len(data)}
        head["sha256"] = _digest(head, data)
        temporary = self._path.with_name(self._path.name + ".new")
        with self._locked():
            with temporary.open("wb") as file:
                file.write(f"{MAGIC} {json.dumps(head)}\n".encode())
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileNotFoundError):
                self._path.replace(self._previous)
            temporary.replace(self._path)
            self._sync_folder()

    def discard(self) -> None:
        """Forget the job: it has ended. Only the fence stays, a few bytes."""
        with self._locked():
            for path in (self._path, self._previous):
                path.unlink(missing_ok=True)
            self._sync_folder()

    @property
    def _previous(self) -> Path:
        return self._path.with_name(self._path.name + ".previous")

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int]:
        # A file of its own: the others are replaced, and a lock goes with its inode.
        path = self._path.with_name(self._path.name + ".fence")
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            newest = int(os.pread(lock, 20, 0) or self._fence)
            if newest > self._fence:
                raise Superseded(f"{self._path}: fence {self._fence}, now {newest}")
            yield lock
        finally:
            os.close(lock)

    def _sync_folder(self) -> None:
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(folder)
        os.close(folder)


def _read(path: Path) -> Saved | None:
    try:
        first, _, data = path.read_bytes().partition(b"\n")
        magic, _, text = first.decode().partition(" ")
        head = json.loads(text)
        whole = magic == MAGIC and head.pop("sha256") == _digest(head, data)
        return (
            Saved(data, head["step"], head["fence"], head["about"]) if whole else None
        )
    except (FileNotFoundError, ValueError, KeyError, AttributeError):
        return None  # torn, or none


def _digest(head: dict[str, Any], data: bytes) -> str:
    text = json.dumps(head, sort_keys=True).encode()
    return hashlib.sha256(text + data).hexdigest()
