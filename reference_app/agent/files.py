"""Files: read within bounds and within a folder, written whole or not at all."""

import hashlib
import os
import stat
from pathlib import Path

from reference_app.agent.errors import ItemError


def digest(data: bytes) -> str:
    """Return the SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def replace(path: Path, data: bytes, temporary: Path) -> None:
    """Put `data` at `path`: a reader or a crash finds the old file or the new one.

    Nothing is flushed to the disk: after a power cut the file may be torn, which its
    digest tells (see state.py).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary.write_bytes(data)
    temporary.replace(path)


def locate(root: Path, relative: str) -> Path:
    """Return the real path of a file in `root`; what leads out of it is not followed.

    Raises:
        ItemError: it is outside, missing, no regular file, or a link to itself.
    """
    try:
        real = (root / relative).resolve()
        inside = real.is_relative_to(root.resolve())
        # What lies outside is not even looked at.
        mode = real.lstat().st_mode if inside else 0
    except (FileNotFoundError, NotADirectoryError):
        raise ItemError("is missing") from None
    except (OSError, ValueError, RuntimeError):  # a name too long, a NUL, a loop
        raise ItemError("cannot be reached") from None
    if not inside:
        raise ItemError("lies outside the folder")
    if not stat.S_ISREG(mode):
        raise ItemError("is no file")
    return real


def read_inside(root: Path, relative: str, limit: int) -> bytes:
    """Return the bytes of a file in `root`, of at most `limit` bytes.

    Raises:
        ItemError: as `locate`; or it is too large, or cannot be read.
    """
    real = locate(root, relative)
    try:
        # Not following, not waiting: it may have become a link or a pipe meanwhile.
        handle = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise ItemError("is no file")
            data = file.read(limit + 1)
    except OSError:
        raise ItemError("cannot be read") from None
    if len(data) > limit:
        raise ItemError(f"is larger than {limit // 1024} KiB")
    return data
