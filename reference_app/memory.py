"""What a worker's child does about memory when it is not replaced after each job."""

from collections.abc import Sequence
from typing import Any

from celery import Celery, signals

from reference_app.patterns import memory_release
from reference_app.settings import Settings

#: What is connected to task_postrun is known by this.
RELEASE = "reference_app.memory.release"

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
    grown = memory_release.Grown()

    def release(**_: Any) -> None:
        grown.after_job()

    # After the task's frames are gone; in the child, before it takes the next job.
    signals.task_postrun.connect(release, weak=False, dispatch_uid=RELEASE)
