"""Jobs for later: how many of fifty two workers take and hold, whatever they reserve.

A worker takes every message with a countdown at once and keeps it until its time comes,
unacknowledged: prefetch limits do not count it, and with the worker goes what it holds.
"""

import contextlib
from typing import Any

from celery import Celery

from harness import History, Probes, Stack, TooSlow, wait_until
from loadtests.grid import apps
from loadtests.grid.apps import WAITS
from loadtests.grid.cell import Cell, deployed

JOBS, COUNTDOWN_S = 50, 600
#: Seconds two idle workers may take to take what they take.
WITHIN_S = 10.0


def run() -> dict[str, Any]:
    """Return the record; `value` is how many the light queue's workers hold.

    Raises:
        StackError: a part died.
    """
    ours, stock = _held("light"), _held("stock")
    return {
        "name": "eta",
        "what": f"of {JOBS} jobs for later, held unacknowledged by 2 workers of one "
        "slot each",
        "value": ours,
        "unit": "jobs",
        "beside": f"stock Celery {stock}",
    }


def _held(name: str) -> int:
    app = apps.known()[name]
    with deployed(Cell(app, "process", 2, 1, "fixed:0")) as (stack, _):
        with Celery(broker=stack.urls.broker, set_as_current=False) as client:
            for _ in range(JOBS):
                client.send_task(WAITS, queue=app.queue, countdown=COUNTDOWN_S)
        return _unacknowledged(stack, app.queue)


def _unacknowledged(stack: Stack, queue: str) -> int:
    """Return how many are held once no more are taken."""
    probes = Probes(stack, History())
    # Where some stay in the queue, that is what is measured.
    with contextlib.suppress(TooSlow):
        wait_until(
            lambda: probes.queue(queue).length == 0,
            within_s=WITHIN_S,
            what="all jobs for later are taken",
        )
    held = probes.queue(queue).unacked
    probes.close()
    return held
