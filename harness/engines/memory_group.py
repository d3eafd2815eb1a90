"""A memory cgroup of our own (version 1), as the kernel of a container host has them.

Only what is allocated after a process has come in counts, and what it had before stays
with its old group. Version 2 lets no process be moved like that without a delegated
subtree: there, use the container engine.
"""

import contextlib
from collections.abc import Iterable
from pathlib import Path

from harness.errors import NotOnThisEngine
from harness.wait import wait_until

MOUNT = Path("/sys/fs/cgroup/memory")

#: What the kernel says where there is no limit: the largest number of whole pages.
UNLIMITED = 2**62

#: Seconds the kernel may take to move or reap the last process of a group.
EMPTY_WITHIN_S = 10.0


class MemoryGroup:
    """Made beside our own group, under `name`; raises NotOnThisEngine where it cannot.

    `kills` is how many processes the kernel has killed in it for want of memory.
    """

    def __init__(self, name: str, limit_bytes: int, mount: Path = MOUNT) -> None:
        own = group_of("self", mount)
        if own is None:
            raise NotOnThisEngine(
                "A limit of memory needs the memory controller of cgroups, version 1, "
                f"at {mount}; this machine has none. Try --engine container."
            )
        self._parent = own
        self._folder = own / name
        try:
            self._folder.mkdir()
        except OSError as error:
            raise NotOnThisEngine(
                f"A limit of memory needs a cgroup of our own, and it cannot be made: "
                f"{error}. Run as root. Try --engine container."
            ) from error
        (self._folder / "memory.limit_in_bytes").write_text(str(limit_bytes))

    def add(self, pids: Iterable[int]) -> None:
        """Move processes in; what they allocate from now on counts."""
        for pid in pids:
            _move(pid, self._folder)

    @property
    def kills(self) -> int:
        """Return how often the kernel killed in it."""
        control = (self._folder / "memory.oom_control").read_text().split()
        return int(control[control.index("oom_kill") + 1])

    def dissolve(self) -> None:
        """Move the living back, and remove the group."""

        def is_gone() -> bool:
            for pid in (self._folder / "cgroup.procs").read_text().split():
                _move(int(pid), self._parent)
            try:
                self._folder.rmdir()
            except OSError:  # a dead one is not reaped yet
                return False
            return True

        wait_until(
            is_gone, within_s=EMPTY_WITHIN_S, what=f"the group {self._folder} is empty"
        )


def group_of(pid: int | str, mount: Path = MOUNT) -> Path | None:
    """Return the folder of a process's memory group, None where there is none."""
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        folder = mount / path.lstrip("/")
        if "memory" in controllers.split(",") and folder.is_dir():
            return folder
    return None


def limit_bytes(folder: Path) -> int | None:
    """Return what the kernel holds a group to, None: to nothing."""
    limit = int((folder / "memory.limit_in_bytes").read_text())
    return None if limit >= UNLIMITED else limit


def _move(pid: int, folder: Path) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has ended
        (folder / "cgroup.procs").write_text(str(pid))
