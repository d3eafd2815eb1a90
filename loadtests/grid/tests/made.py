"""Made-up records: a deployment whose machine is full at some rate."""

import math
from typing import Any

from loadtests.grid.record import Measured


def measured(replicas: int = 2, concurrency: int = 4, **said: Any) -> Measured:
    """Return a record of a cell; what is not said is made up, the same each time."""
    slots, repeat = replicas * concurrency, said.get("repeat", 0)
    full = said.pop("full", 90.0)  # jobs/s at which the machine is
    asked_s = said.get("asked_s", 0.1)
    wobble = 1 + 0.02 * math.sin(7.0 * slots + 3.0 * repeat + full)
    ideal = slots / (asked_s + 0.004)
    rate = said.get("throughput", wobble * ideal / (1 + (ideal / full) ** 4) ** 0.25)
    wait_s = said.get("asked_s", 0.1) * (1 + ideal / full) * wobble
    busy = min(1.0, 0.06 + 0.94 * rate / full)
    depth = 2 * slots
    record: dict[str, Any] = {
        "app": "reference",
        "through": "queue",
        "engine": "process",
        "replicas": replicas,
        "concurrency": concurrency,
        "prefetch": "deployed",
        "acks": "deployed",
        "service": f"fixed:{asked_s:g}",
        "asked_s": asked_s,
        "payload_bytes": 0,
        "arrivals": None,
        "repeat": repeat,
        "seed": 1,
        "jobs": round(20 * rate),
        "throughput": rate,
        "service_s": asked_s * (1 + 0.6 * max(0.0, ideal / full - 1) ** 0.5),
        "wait_s": {"p50": wait_s, "p95": 1.6 * wait_s, "p99": 2.1 * wait_s},
        "memory_mib": 48.0 * replicas + 31.5 * slots,
        "cpu_s": 1.86 / full,
        "broker_cpu_s": 0.0011,
        "backlog": [
            (0.5 * n, round(depth * (1 + 0.2 * math.sin(n * 1.7 + slots + repeat))))
            for n in range(41)
        ],
        "failures": {},
        "busy": busy,
    }
    return Measured(**record | said)


def grid(
    replicas: tuple[int, ...] = (1, 2, 4),
    concurrency: tuple[int, ...] = (2, 4, 8),
    repeats: int = 3,
    **said: Any,
) -> list[Measured]:
    """Return the records of a whole grid."""
    return [
        measured(workers, children, repeat=repeat, **said)
        for workers in replicas
        for children in concurrency
        for repeat in range(repeats)
    ]
