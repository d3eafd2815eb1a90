"""Cleans up the folder of workspaces: what nobody has touched for long goes.

A workspace is whatever lies directly in the folder. Nothing outside the folder is ever
looked at or removed: a link is removed, never what it leads to, and no path is built
from names, so that a folder which becomes a link meanwhile is not followed either.
"""

import logging
import os
import shutil
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

#: What is done with a stale workspace, by its name and its folder's descriptor; the
#: answer is whether it counts.
Deal = Callable[[str, int], bool]


class WrongFolder(ValueError):
    """The folder of workspaces is not a folder of their own; set WORKSPACES_DIR."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder}: {self.__doc__}")


def stale(folder: Path, older_than_s: float) -> list[str]:
    """Return the names of workspaces in which nothing is younger, by name.

    Raises:
        WrongFolder: it is a link, a file, or the root of the file system.
    """
    return _stale(folder, older_than_s, lambda name, parent: True)


def clean(folder: Path, older_than_s: float, *, rest_s: float = 0.0) -> list[str]:
    """Remove the stale workspaces; return the names of those that are gone.

    One that cannot be removed is logged and left for the next time. After each that is
    gone the disk is left to others for `rest_s`.

    Raises:
        WrongFolder: it is a link, a file, or the root of the file system.
    """

    def remove(name: str, parent: int) -> bool:
        gone = _remove(name, parent)
        if gone:
            threading.Event().wait(rest_s)  # as a sleep: a signal handler ends it
        return gone

    return _stale(folder, older_than_s, remove)


def _stale(folder: Path, older_than_s: float, deal: Deal) -> list[str]:
    until = time.time() - older_than_s
    try:
        here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return []  # nobody has worked yet
    except OSError:
        raise WrongFolder(folder) from None
    try:
        if os.path.samestat(os.fstat(here), os.stat("/")):
            raise WrongFolder(folder)
        return [
            name
            for name in sorted(os.listdir(here))
            if _untouched(name, here, until) and deal(name, here)
        ]
    finally:
        os.close(here)


def _untouched(name: str, parent: int, until: float) -> bool:
    """Whether nothing in this entry was changed after `until`."""
    try:
        top = os.lstat(name, dir_fd=parent)
        if top.st_mtime > until:
            return False
        if not stat.S_ISDIR(top.st_mode):
            return True
        for _, folders, files, at in os.fwalk(name, dir_fd=parent):
            for entry in (*folders, *files):
                if os.lstat(entry, dir_fd=at).st_mtime > until:
                    return False
    except OSError:
        return False  # somebody works in it just now
    return True


def _remove(name: str, parent: int) -> bool:
    try:
        if stat.S_ISDIR(os.lstat(name, dir_fd=parent).st_mode):
            shutil.rmtree(name, dir_fd=parent)
        else:
            os.unlink(name, dir_fd=parent)
    except OSError as error:
        log.warning("workspace %s is not removed: %r", name, error)
        return False
    return True
