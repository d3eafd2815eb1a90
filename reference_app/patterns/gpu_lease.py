"""At most so many jobs use a device at once, and a dead one's place is free at once.

Guarantee  Of all processes on the host that lease from the same folder, worker
           children, the old path, a shell, at most `slots` hold a device at once. The
           kernel frees a place when its holder has ended in whatever way, also by
           SIGKILL, and only when everything it forked has, too: an orphan that may
           still sit on the device keeps the place. Nothing expires.
Units      within_s, every_s: seconds. slots: places on the device.
Raises     DeviceBusy: no place within `within_s`; names who holds them. What `check`
           raises (a cancel) and a soft limit end the wait and take no place.
Needs      the standard library, Linux; one local folder that all of them can write,
           mounted into every container that uses the device. The same `slots`
           everywhere.
Breaks if  The folder is on NFS, or the device serves two hosts. A subprocess is no
           fork: it does not keep the place (close it with the job: TIME-007).
           Not fair: whoever looks first after a release gets the place, so a waiter can
           be overtaken for as long as `within_s`. Order is the queue's business: with
           one slot of the worker per place nobody waits here at all.
Proof      contract memory.device-is-not-overbooked
Source     flock(2): a lock belongs to the open file, forks share it, the kernel drops
           it with the last one. Copy this file alone.
"""

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO


class DeviceBusy(TimeoutError):
    """No place on the device became free in time."""


def _nothing() -> None:
    """Ask nobody."""


@contextlib.contextmanager
def lease(
    folder: Path,
    device: str,
    *,
    slots: int = 1,
    within_s: float = 30.0,
    holder: str = "",
    check: Callable[[], None] = _nothing,
    every_s: float = 0.05,
) -> Iterator[int]:
    """Hold one of the `slots` places on `device`; yield its number, from 0.

    `holder` says who it is, a job's id say. `check` is called while waiting.
    """
    if slots < 1:
        raise ValueError(f"slots={slots}: a device that nobody may use needs no lease")
    folder.mkdir(parents=True, exist_ok=True)
    due_s = time.monotonic() + within_s
    while (found := _take(folder, device, slots)) is None:
        check()
        if time.monotonic() >= due_s:
            held = ", ".join(holders(folder, device).values()) or "nobody any more"
            raise DeviceBusy(f"{device} ({slots} at once) after {within_s:g} s: {held}")
        threading.Event().wait(every_s)  # a signal handler's exception ends it
    place, number = found
    # Closed, not unlocked: what was forked meanwhile and still lives keeps the place.
    with place:
        place.truncate(0)
        place.write(f"{holder or 'somebody'} in pid {os.getpid()}")
        place.flush()
        yield number


def holders(folder: Path, device: str) -> dict[int, str]:
    """Return who holds which place now, as they named themselves.

    For people and messages: a look may cost one who waits a round of `every_s`.
    """
    found = {}
    for path in sorted(folder.glob(f"{device}.*.lock")):
        with path.open() as place:
            try:
                fcntl.flock(place, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                found[int(path.name.split(".")[-2])] = place.read(200)
    return found


def _take(folder: Path, device: str, slots: int) -> tuple[TextIO, int] | None:
    for number in range(slots):
        place = (folder / f"{device}.{number}.lock").open("a+")
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            place.close()
        else:
            return place, number
    return None
