"""Short jobs behind a long one: what a worker reserves, nobody else can run.

Two workers with one slot each get a job of 8 s and then eight of 0.1 s. With Celery's
own settings a worker reserves four messages for each slot, and those behind the long
job wait for it, though the other worker is idle.
"""

import statistics
from collections.abc import Sequence
from typing import Any

from loadtests.capacity.trace import Job
from loadtests.grid import apps, moments
from loadtests.grid.cell import Cell, deployed, finish
from loadtests.grid.producer import Producer

LONG_S, SHORT_S, SHORT = 8.0, 0.1, 8
REPEATS = 3

#: Seconds after which every short job has ended.
TARGET_S = 4.0


def run() -> dict[str, Any]:
    """Return the record; `samples` are seconds until the last short job had ended.

    Raises:
        StackError: a part died; TooSlow: jobs were lost.
    """
    ours = [_last_short_s("light") for _ in range(REPEATS)]
    stock = [_last_short_s("stock") for _ in range(REPEATS)]
    value = max(each[0] for each in ours)
    stranded = statistics.median(each[1] for each in stock)
    return {
        "name": "stranding",
        "what": f"until {SHORT} jobs of {SHORT_S:g} s behind one of {LONG_S:g} s have "
        "ended, two workers, worst",
        "value": value,
        "unit": "s",
        "target": TARGET_S,
        "passed": value < TARGET_S,
        "beside": f"stock Celery {max(each[0] for each in stock):.1f} s, "
        f"{stranded:g} of {SHORT} behind the long one",
        "samples": [round(each[0], 2) for each in ours],
    }


def _last_short_s(name: str) -> tuple[float, int]:
    """Return when the last short job had ended, and how many waited for the long."""
    app = apps.known()[name]
    cell = Cell(app, "process", 2, 1, f"fixed:{SHORT_S}")
    jobs = [Job(0.0, LONG_S), *[Job(0.0, SHORT_S)] * SHORT]
    with deployed(cell) as (stack, _), Producer(app, stack) as producer:
        producer.send([Job(0.0, 0.0)] * 4)
        finish(stack, producer, within_s=60)
        warm = set(producer.sent)
        producer.send(jobs)
        finish(stack, producer, within_s=120)
        sent = {job: t for job, t in producer.sent.items() if job not in warm}
        seen = moments.of(stack.executions.lines("ledger"), sent)
    return told(seen)


def told(seen: Sequence[moments.Seen]) -> tuple[float, int]:
    """Return seconds from the first submit to the last short end, and the stranded."""
    began_t = min(job.sent_t for job in seen)
    long = max(seen, key=lambda job: job.ended_t - job.started_t)
    short = [job for job in seen if job is not long]
    stranded = sum(job.started_t >= long.ended_t for job in short)
    return max(job.ended_t for job in short) - began_t, stranded
