"""A worker that is asked to leave finishes what it can and hands back the rest in time.

Guarantee  After SIGTERM no new job is taken, messages that wait go back at once, and a
           running job is finished if it ends `margin_s` before the grace period does:
           its limits, cancel and lease go on meanwhile. Then `hand_back` is called for
           each job that still runs, its process is stopped, and the worker exits 0
           within the grace period. A message that is acknowledged late goes back to
           the broker and runs elsewhere; an early one is gone, `hand_back` ends it.
Units      grace_s: seconds from SIGTERM to the SIGKILL of whoever sent it (Kubernetes:
           terminationGracePeriodSeconds, 30; Docker: --stop-timeout, 10). margin_s:
           seconds to stop and to leave; measured 1.4 to 2.8.
Raises     ValueError: a grace period without room for the margin. Errors of `hand_back`
           are logged; the worker leaves all the same.
Needs      celery 5.7, prefork; one process per container that hears SIGTERM: `exec`
           in the entry point, `--init` for orphans. Unset REMAP_SIGTERM.
Breaks if  The sender's grace period is shorter than `grace_s`, or the signal goes to
           the whole process group: then the children get it, too, and die.
Proof      contract shutdown.loses-no-job
Source     Celery 5.7 manual, "Workers", stopping the worker; celery/apps/worker.py.
           Measured: warm shutdown waits without end; REMAP_SIGTERM=SIGQUIT with a soft
           shutdown time-out sleeps in the signal handler, so no limit fires, and leaves
           an early acknowledged job in RETRY for ever. Copy this file alone.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from celery import signals
from celery.worker import state

log = logging.getLogger(__name__)

#: Told a job's id and whether its message goes back to the broker by itself. It runs in
#: a thread of the worker's main process; the job may end at the same moment.
HandBack = Callable[[str, bool], None]

#: Names of shells that keep a SIGTERM to themselves.
SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh", "busybox"})


def install(*, grace_s: float, hand_back: HandBack, margin_s: float = 4.0) -> None:
    """Let the worker of this process leave within `grace_s` of SIGTERM."""
    if not 0 < margin_s < grace_s:
        raise ValueError(
            f"grace_s={grace_s:g}, margin_s={margin_s:g}: leave time for the jobs"
        )

    def leave() -> None:
        for job_id, comes_back in running():
            try:
                hand_back(job_id, comes_back)
            except Exception:  # the other jobs must be handed back, too
                log.exception("%s is not handed back", job_id)
        # Celery's own cold shutdown, which it starts on the second signal.
        os.kill(os.getpid(), signal.SIGQUIT)

    asked = threading.Event()

    def on_shutting_down(how: str, **_: Any) -> None:
        if how == "Warm" and not asked.is_set():
            asked.set()
            # A thread: the main one waits for the running jobs.
            timer = threading.Timer(grace_s - margin_s, leave)
            timer.daemon = True  # a worker that is done before leaves at once
            timer.start()

    signals.worker_shutting_down.connect(on_shutting_down, weak=False)


def running() -> list[tuple[str, bool]]:
    """Return the id of each running job, and whether its message will come back."""
    return [
        (request.id, bool(request.task.acks_late and not request.acknowledged))
        for request in list(state.active_requests)
        # In `successful_requests`: done, only its acknowledgement is on its way.
        if request.id not in state.successful_requests
    ]


def entry_point_warning() -> str | None:
    """Return what is wrong if a shell would keep SIGTERM from this process.

    A shell that a person types into gives each command a process group of its own; a
    script's does not, and passes no signal on.
    """
    parent = os.getppid()
    try:
        name = (Path("/proc") / str(parent) / "comm").read_text().strip()
        same_group = os.getpgid(parent) == os.getpgrp()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    if name not in SHELLS or not same_group:
        return None
    return (
        f"started by `{name}` (pid {parent}), which does not pass SIGTERM on: start it "
        "with `exec`, or as the container's own command in its exec form"
    )
