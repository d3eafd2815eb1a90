"""What a worker's child does about memory when it is not replaced after each job."""

import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from celery import Celery, signals

from reference_app.patterns import memory_release
from reference_app.settings import Settings

#: What is connected to task_postrun is known by this.
RELEASE = "reference_app.memory.release"

#: MiB that a child must have grown for a collection to be worth its 10 to 40 ms.
WORTH_MIB = 16.0

_OPTION = "--max-tasks-per-child="


def install(app: Celery, settings: Settings, arguments: Sequence[str]) -> None:
    """Let children release memory after a job, and be replaced if one took too much.

    Called when everything is imported: what children share with their parent is not
    counted. A child that is replaced anyway has nothing to do: its exit returns all.
    """
    given = [item for item in arguments if item.startswith(_OPTION)]
    if given and given[-1] == f"{_OPTION}1":
        return
    if settings.worker_max_memory_per_child:
        extra_mib = settings.worker_max_memory_per_child
        app.conf.worker_max_memory_per_child = memory_release.celery_limit_kib(
            extra_mib
        )
    grown = Grown()

    def release(**_: Any) -> None:
        grown.after_job()

    # After the task's frames are gone; in the child, before it takes the next job.
    signals.task_postrun.connect(release, weak=False, dispatch_uid=RELEASE)


class Grown:
    """Releases memory after a job if this process has grown since it last did.

    The first job of a process imports most, and always does; one that has used a
    device does after each job, since the device's cache does not show here.
    """

    def __init__(self, worth_mib: float = WORTH_MIB) -> None:
        self._worth_mib, self._kept_mib = worth_mib, -math.inf

    def after_job(self) -> None:
        """Release if it is worth it; a look takes 0.02 ms."""
        if _resident_mib() - self._kept_mib < self._worth_mib and not _device_used():
            return
        memory_release.release()
        self._kept_mib = _resident_mib()


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _device_used() -> bool:
    # Looked up, not imported: a process without torch must not get it here.
    torch: Any = sys.modules.get("torch")
    return torch is not None and bool(torch.cuda.is_initialized())
