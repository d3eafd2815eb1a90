"""Submitting: what a hanging Redis does to others, and what a job costs the API.

While Redis hangs, clients submit all the time, and another one asks two routes that
need no Redis: one on the event loop, one in the threads that submits wait in. In health
`POST .../compare` takes turns with a bare endpoint that only publishes.
"""

import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from harness import Faults, History, Stack, wait_until
from loadtests.application import REFERENCE, running
from loadtests.bench.requests import Answer, Connection, at_once

BARE = Path(__file__).parent / "bare" / "target.toml"

NAME = "submit"
#: Of the bare endpoint's throughput.
TARGET = 0.35
#: Seconds, 99 of 100 answers of an unrelated route while Redis hangs.
UNRELATED_S = 0.25
#: Seconds a submit may take while Redis hangs.
SUBMIT_S = 2.0

#: Seconds after a hang until submits are accepted again; typically 1.
HEALTHY_S = 20.0

HANGS = 3
CLIENTS = 4
#: Of each unrelated route, in each hang.
REQUESTS = 500
UNRELATED = ("GET /api/v1/health", "GET /api/v1/jobs?limit=10")

PAIRS = 9
#: Requests in one block of one of the two endpoints.
BLOCK = 160

#: As deployed, but that one client may submit everything, and all of it may wait.
ENV = {
    "STEERING_RATE_LIMIT": 0,
    "MAX_BACKLOG": 100_000,
    "STEERING_BREAKER_FAILURES": 3,
    "RECONCILE_INTERVAL": 1,
}


def run() -> dict[str, Any]:
    """Return the record; `samples` are the ratios of pairs of blocks.

    Raises:
        RuntimeError: Redis did not hang, or a healthy submit was refused.
    """
    with running(REFERENCE, env=ENV, links=["api"]) as stack:
        hangs = [_hang(stack, expected=503) for _ in range(HANGS)]
    with running(
        REFERENCE,
        env={**ENV, "STEERING_WITHOUT_BROKER": "run_locally", "LOCAL_SLOTS": 1},
        links=["api"],
    ) as stack:
        taken = _hang(stack, expected=202, submits=10)
    health = _health()
    unrelated_s = max(hang["unrelated_p99_s"] for hang in hangs)
    submit_s = max(hang["submit_longest_s"] for hang in [*hangs, taken])
    as_declared = all(hang["as_declared"] for hang in [*hangs, taken])
    return {
        "name": NAME,
        "what": "throughput of POST compare against a bare endpoint that publishes",
        "value": health["ratio"],
        "unit": "times",
        "target": TARGET,
        "passed": health["ratio"] >= TARGET
        and unrelated_s <= UNRELATED_S
        and submit_s <= SUBMIT_S
        and as_declared,
        "beside": f"a bare endpoint {health['bare_per_s']:.0f}/s",
        "compare_per_s": health["compare_per_s"],
        "bare_per_s": health["bare_per_s"],
        "cpu_ratio": health["cpu_ratio"],
        "hanging_unrelated_p99_ms": unrelated_s * 1000,
        "hanging_unrelated_target_ms": UNRELATED_S * 1000,
        "hanging_submit_longest_s": submit_s,
        "hanging_submit_target_s": SUBMIT_S,
        "hanging_submits_as_declared": as_declared,
        "hanging_submits": [hang["submits"] for hang in [*hangs, taken]],
        "samples": [round(ratio, 3) for ratio in health["ratios"]],
    }


def _hang(stack: Stack, expected: int, submits: int | None = None) -> dict[str, Any]:
    """Return what clients see while Redis hangs.

    Args:
        stack: with a link of its API.
        expected: how a submit is to be answered, as the task declares.
        submits: how many there are; None: as many as fit in.
    """
    job, url = stack.target.job("compare"), stack.urls.api
    over = threading.Event()
    answers: list[Answer] = []

    def submit(connection: Connection) -> Iterator[Answer]:
        count = 0
        while not over.is_set() if submits is None else count < submits:
            count += 1
            yield connection.ask(job.submit, dict(job.payload))

    def submit_all() -> None:
        clients = CLIENTS if submits is None else 1
        answers.extend(at_once(url, clients, submit))

    asked = Connection(url)
    wait_until(
        lambda: asked.ask(job.submit, dict(job.payload)).status == 202,
        within_s=HEALTHY_S,
        what="a submit is accepted, and so connections to Redis stand",
    )
    took_s: dict[str, list[float]] = {route: [] for route in UNRELATED}
    submitting = threading.Thread(target=submit_all)
    with Faults(stack, History()).black_hole("api") as victim:
        if victim is None:
            raise RuntimeError("Redis did not hang: the API does not use its link")
        submitting.start()
        try:
            while len(took_s[UNRELATED[0]]) < REQUESTS or (
                submits is not None and submitting.is_alive()
            ):
                for route in UNRELATED:
                    answer = asked.ask(route)
                    if answer.status != 200:
                        raise RuntimeError(f"{route} answered {answer.status}")
                    took_s[route].append(answer.took_s)
        finally:
            over.set()
            submitting.join()
    asked.close()
    refused = [one for one in answers if one.status == 503]
    return {
        "unrelated_p99_s": max(_p99(each) for each in took_s.values()),
        "submits": len(answers),
        "submit_longest_s": max(one.took_s for one in answers),
        "as_declared": all(one.status == expected for one in answers)
        and all(one.retry_after for one in refused),
    }


def _health() -> dict[str, Any]:
    """Return how both endpoints fare, block by block."""
    with running(BARE) as bare, running(REFERENCE, ["api", "beat"], env=ENV) as full:
        payload = dict(full.target.job("compare").payload)
        for stack in (bare, full):
            _block(stack, payload)  # warms up
        pairs = [(_block(bare, payload), _block(full, payload)) for _ in range(PAIRS)]
    ratios = [ours[0] / theirs[0] for theirs, ours in pairs]
    return {
        "ratio": statistics.median(ratios),
        "ratios": ratios,
        "bare_per_s": statistics.median(theirs[0] for theirs, _ in pairs),
        "compare_per_s": statistics.median(ours[0] for _, ours in pairs),
        "cpu_ratio": statistics.median(theirs[1] / ours[1] for theirs, ours in pairs),
    }


def _block(stack: Stack, payload: dict[str, Any]) -> tuple[float, float]:
    """Return requests per second, and CPU seconds of the API's process per request."""
    route = stack.target.job("compare").submit
    each = BLOCK // CLIENTS
    process = psutil.Process(stack.process("api").id.pid)
    cpu = process.cpu_times()
    begin_s = time.monotonic()
    answers = at_once(
        stack.urls.api,
        CLIENTS,
        lambda connection: (connection.ask(route, payload) for _ in range(each)),
    )
    took_s = time.monotonic() - begin_s
    used = process.cpu_times()
    refused = [one.status for one in answers if one.status != 202]
    if refused:
        raise RuntimeError(f"{route}: {len(refused)} refused, with {set(refused)}")
    cpu_s = used.user + used.system - cpu.user - cpu.system
    return len(answers) / took_s, cpu_s / len(answers)


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[98]
