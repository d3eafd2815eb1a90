"""Progress: what one event costs, how soon it is seen, and what it costs its job.

The application reports as in every job, and measures the cost itself in a process of
its own (`reference_app.progress_speed`): load tests import no app. Its events go to a
real Redis, and by its API to Socket.IO clients here.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
from typing import Any

from harness import Stack
from loadtests.application import REFERENCE, running
from loadtests.bench.subscribers import Seen, Subscriber

NAME = "progress"
#: Times a bare PUBLISH of the same bytes.
TARGET = 2.5
#: Seconds, 99 of 100 events at the lower rate, over all subscribers.
SEEN_S = 0.05
#: Share of its time that a computing job may lose.
SLOWED = 0.05

SUBSCRIBERS = 20
#: Events a second, and how many; no target for the delay at the higher rate.
LIVE, MANY = (200, 2_000), (1_000, 4_000)
#: Share of the rate that must be reached: else another rate was measured.
REACHED = 0.98

#: Seconds one measurement may take on a busy machine; typically 10.
WITHIN_S = 180.0

WORDS = ("steering:progress", "steering:completed")


def run() -> dict[str, Any]:
    """Return the record; `samples` are the ratios of pairs of blocks.

    Raises:
        subprocess.SubprocessError: the application's part failed, or took too long.
        TimeoutError: an ending did not come.
    """
    with running(REFERENCE) as stack:
        appended = _measure(stack, "append", PROGRESS_INTERVAL="0")
        burden = _measure(stack, "burden")
        live = asyncio.run(_watched(stack, *LIVE))
        many = asyncio.run(_watched(stack, *MANY))
    bare = [bare for _, bare in appended["append_publish_s"]]
    ratios = [ours / bare for ours, bare in appended["append_publish_s"]]
    slowed = burden["slowed"]
    value = statistics.median(ratios)
    passed = (
        value <= TARGET
        and all(found["gap_free"] and found["reached"] for found in (live, many))
        and live["p99_s"] <= SEEN_S
        and statistics.median(slowed) <= SLOWED
    )
    return {
        "name": NAME,
        "what": "an appended event against a bare PUBLISH of the same bytes, median",
        "value": value,
        "unit": "times as long",
        "target": TARGET,
        "passed": passed,
        "beside": f"a bare PUBLISH {statistics.median(bare) * 1e6:.0f} us",
        "event_bytes": appended["bytes"],
        "subscribers": SUBSCRIBERS,
        **_shown("at_200", live),
        "at_200_target_ms": SEEN_S * 1000,
        **_shown("at_1000", many),
        "job_slowed_percent": 100 * statistics.median(slowed),
        "job_slowed_target_percent": 100 * SLOWED,
        "job_slowed_cpu_percent": 100 * statistics.median(burden["slowed_cpu"]),
        "job_slowed_samples": [round(100 * share, 2) for share in slowed],
        "samples": [round(ratio, 3) for ratio in ratios],
    }


def judged(seen: list[list[Seen]], count: int) -> dict[str, Any]:
    """Return whether each subscriber saw `count` reports and the ending, and when."""
    whole = [(WORDS[0], seq) for seq in range(1, count + 1)]
    whole.append((WORDS[1], count + 1))
    gap_free = all([(one.word, one.seq) for one in events] == whole for events in seen)
    late_s = [one.late_s for events in seen for one in events]
    hundredths = statistics.quantiles(late_s, n=100)
    return {"gap_free": gap_free, "p50_s": hundredths[49], "p99_s": hundredths[98]}


def _shown(name: str, found: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{name}_gap_free": found["gap_free"],
        f"{name}_p50_ms": found["p50_s"] * 1000,
        f"{name}_p99_ms": found["p99_s"] * 1000,
        f"{name}_reached_per_s": found["reached_per_s"],
    }


def _measure(stack: Stack, what: str, **env: str) -> dict[str, Any]:
    done = subprocess.run(
        _command(what),
        env=_environment(stack, env),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=WITHIN_S,
    )
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


async def _watched(stack: Stack, rate: int, count: int) -> dict[str, Any]:
    """Return what the subscribers of one job see that reports at this rate."""
    job = await asyncio.create_subprocess_exec(
        *_command("emit"),
        *("--rate", str(rate), "--count", str(count)),
        env=_environment(stack, {"PROGRESS_INTERVAL": "0"}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert job.stdin is not None
    assert job.stdout is not None
    subscribers: list[Subscriber] = []
    try:
        room = f"steering/{json.loads(await job.stdout.readline())['job']}"
        for _ in range(SUBSCRIBERS):
            subscribers.append(await Subscriber.join(stack.urls.api, room, WORDS[1]))
        job.stdin.write(b"begin\n")
        await asyncio.gather(*(each.watch(WITHIN_S) for each in subscribers))
        told = json.loads(await job.stdout.readline())
    finally:
        for each in subscribers:
            await each.leave()
        if job.returncode is None:
            job.kill()
        await job.wait()
    found = judged([each.seen() for each in subscribers], count)
    reached = told["reports"] / told["took_s"]
    return {**found, "reached_per_s": reached, "reached": reached >= REACHED * rate}


def _command(what: str) -> list[str]:
    return [sys.executable, "-m", "reference_app.progress_speed", what]


def _environment(stack: Stack, env: dict[str, str]) -> dict[str, str]:
    """Return the environment of one more process of the application."""
    urls = stack.urls
    return {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "CELERY_BROKER_URL": urls.broker,
        "CELERY_RESULT_BACKEND": urls.results,
        "EVENTS_URL": urls.events,
        "DATABASE_URL": f"sqlite:///{stack.layout.data}/jobs.db",
        "DATA_DIR": str(stack.layout.data),
        **env,
    }
