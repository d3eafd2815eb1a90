"""Measures what progress costs: one event, and a job that shows it.

    python -m reference_app.progress_speed append | burden | emit --rate 200

Each way reports as every job does, by `JobContext.report`, into the Redis and the
database of the settings. `emit` prints the id of its job and begins when it reads a
line. A line of JSON each.
"""

import json
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any

import click

from reference_app import context, endings, events
from reference_app.context import JobContext
from reference_app.settings import settings

KIND = "steering.compare"

APPENDS, BLOCKS = 2_000, 5

#: A job of pure Python: a report after each step of about a millisecond, as between
#: two tokens or two batches. It falls silent in every second slice; a slice is many
#: times as long as the throttle.
STEP, STEPS, SLICES, PAIRS = 60_000, 1_200, 2, 5


@click.group()
def main() -> None:
    """Measure progress on this machine; PROGRESS_INTERVAL is the throttle."""


@main.command()
def append() -> None:
    """Report 2,000 times, publish the same bytes 2,000 times, and so on."""
    assert settings().progress_interval == 0, "append: set PROGRESS_INTERVAL=0"
    client = events.connect(settings(), answer_s=context.REPORT_ANSWER_S)

    def work(job: JobContext) -> dict[str, Any]:
        names = events.names(job.job_id)
        _report(job, 0)
        (_, fields), *_ = client.xrevrange(names.log, count=1)
        told = fields[b"event"]
        pairs = []
        for _ in range(BLOCKS):
            appended_s = _block(lambda: _report(job, 0))
            published_s = _block(lambda: client.publish(names.channel, told))
            pairs.append((appended_s, published_s))
        return {"bytes": len(told), "append_publish_s": pairs}

    _print(_run(_create(), work))


@main.command()
def burden() -> None:
    """Let a job compute, with and without progress in turns."""

    def work(job: JobContext) -> dict[str, Any]:
        found = []
        for _ in range(PAIRS):
            silent, shown = [], []
            for _ in range(SLICES):
                silent.append(_compute(lambda done: None))
                shown.append(_compute(lambda done: _report(job, done)))
            both_clocks = zip(
                zip(*shown, strict=True), zip(*silent, strict=True), strict=True
            )
            found.append([_slowed(*both) for both in both_clocks])
        wall, cpu = zip(*found, strict=True)
        return {"slowed": wall, "slowed_cpu": cpu}

    _print(_run(_create(), work))


@main.command()
@click.option("--rate", default=200.0, help="Events per second.")
@click.option("--count", default=1_000, help="Events.")
def emit(rate: float, count: int) -> None:
    """Report so many times, evenly, and end."""
    assert settings().progress_interval == 0, "emit: set PROGRESS_INTERVAL=0"
    pause = threading.Event()

    def work(job: JobContext) -> dict[str, Any]:
        begin_s = time.monotonic()
        for number in range(count):
            pause.wait(max(0.0, begin_s + number / rate - time.monotonic()))
            _report(job, 100 * number / count)
        return {"reports": count, "took_s": time.monotonic() - begin_s}

    job_id = _create()
    _print({"job": job_id})
    sys.stdin.readline()
    _print(_run(job_id, work))


def _create() -> str:
    job_id = str(uuid.uuid4())
    endings.store().create(job_id, KIND, {})
    return job_id


def _run(job_id: str, work: Callable[[JobContext], dict[str, Any]]) -> dict[str, Any]:
    """Run the job as a worker's child does; return its result."""
    context.run(job_id, work)
    job = endings.store().get(job_id)
    assert job is not None
    assert job.result is not None
    return job.result


def _report(job: JobContext, percent: float) -> None:
    job.report(percent, "Generating", current_feature=3, current_strength=0.5)


def _block(call: Callable[[], object]) -> float:
    begin_s = time.perf_counter()
    for _ in range(APPENDS):
        call()
    return time.perf_counter() - begin_s


def _compute(report: Callable[[float], None]) -> tuple[float, float]:
    """Return the seconds of one slice, by the clock and of the processor."""
    begin_s, cpu_s = time.perf_counter(), time.thread_time()
    for number in range(STEPS):
        for _ in range(STEP):
            pass
        report(1 + 98 * number / STEPS)  # 0 would pass the throttle
    return time.perf_counter() - begin_s, time.thread_time() - cpu_s


def _slowed(shown_s: Iterable[float], silent_s: Iterable[float]) -> float:
    return sum(shown_s) / sum(silent_s) - 1


def _print(told: dict[str, Any]) -> None:
    print(json.dumps(told), flush=True)  # noqa: T201 - its answer


if __name__ == "__main__":
    main()
