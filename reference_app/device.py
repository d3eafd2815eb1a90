"""Whose turn it is on the accelerator, on the new path and on the old one.

One job per child and one child per device make a queue of the workers' jobs; the lease
is for what they do not see: a second worker, a job on the old path, an orphan.
"""

import contextlib
import functools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from reference_app.context import JobContext
from reference_app.patterns.gpu_lease import lease
from reference_app.settings import settings

#: Seconds to wait for a place by a job without a soft limit.
WAIT_S = 30.0

Work = Callable[[dict[str, Any], JobContext], dict[str, Any]]


def on(name: str, function: Work) -> Work:
    """Return the job function, which then holds a place on the device while it runs."""
    if not name:
        return function

    @functools.wraps(function)
    def run(request: dict[str, Any], context: JobContext) -> dict[str, Any]:
        with held(name, context):
            return function(request, context)

    return run


@contextlib.contextmanager
def held(
    name: str, context: JobContext, *, slots: int = 0, words: str = "the accelerator"
) -> Iterator[None]:
    """Hold a place on the device `name`.

    Waits until the job's soft limit, and says so to the user. The journal tells who
    held it from when to when.

    Args:
        name: of the device.
        context: of the job.
        slots: places on it. 0: DEVICE_SLOTS.
        words: what the user is told the job waits for.

    Raises:
        Cancelled, SoftTimeLimitExceeded: while it waited.
        DeviceBusy: no place in time; says who holds them.
    """
    told = False

    def check() -> None:
        nonlocal told
        if not told:
            context.report(0, f"Waiting for {words}")
            told = True
        context.check_cancelled()

    with lease(
        folder(),
        name,
        slots=slots or settings().device_slots,
        within_s=_wait_s(context),
        holder=f"job {context.job_id}",
        check=check,
    ):
        context.mark(f"device {name} taken")
        try:
            yield
        finally:
            context.mark(f"device {name} given back")


def folder() -> Path:
    """Return where the places of this host's devices are."""
    return Path(settings().device_dir or settings().data_dir / "devices")


def _wait_s(context: JobContext) -> float:
    deadline_s = context.soft_deadline_s
    return WAIT_S if deadline_s is None else max(0.0, deadline_s - time.monotonic())
