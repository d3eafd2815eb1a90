"""From what the witness wrote to numbers: waits, throughput, backlog."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadtests.capacity.machine import saturated

#: The part of the jobs that only fills the system, and is not counted.
FILLS = 0.1

#: Points of a backlog's curve.
POINTS = 100


@dataclass(frozen=True)
class Seen:
    """The moments of one job, in seconds since the epoch, and how it ended."""

    sent_t: float
    started_t: float
    ended_t: float
    how: str


def of(lines: Sequence[Mapping[str, Any]], sent: Mapping[str, float]) -> list[Seen]:
    """Return the jobs that were sent, in the order of their starts.

    Of a job that ran twice the first start and the last end count.
    """
    starts: dict[str, float] = {}
    ends: dict[str, tuple[float, str]] = {}
    for line in lines:
        job = line.get("job")
        if job not in sent:
            continue
        if line["what"] == "start":
            starts.setdefault(job, line["t_wall"])
        elif line["what"] == "end" and line.get("role") == "child":
            ends[job] = line["t_wall"], str(line.get("how"))
    seen = [
        Seen(t, starts[job], *ends[job])
        for job, t in sent.items()
        if job in starts and job in ends
    ]
    return sorted(seen, key=lambda job: job.started_t)


def full(seen: Sequence[Seen], slots: int) -> float:
    """Return jobs per second of a closed run, while all slots had work."""
    starts = [job.started_t for job in seen]
    return saturated(starts, [job.ended_t for job in seen], slots)


def rate(seen: Sequence[Seen]) -> float:
    """Return jobs per second over all of an open run but its beginning."""
    ends = sorted(job.ended_t for job in seen)[int(len(seen) * FILLS) :]
    return (len(ends) - 1) / (ends[-1] - ends[0])


def waits(seen: Sequence[Seen]) -> dict[str, float]:
    """Return percentiles of the seconds from sent to started."""
    counted = [job.started_t - job.sent_t for job in seen[int(len(seen) * FILLS) :]]
    cuts = statistics.quantiles(counted, n=100, method="inclusive")
    return {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98]}


def service_s(seen: Sequence[Seen]) -> float:
    """Return the mean seconds from start to end."""
    return statistics.fmean(job.ended_t - job.started_t for job in seen)


def backlog(seen: Sequence[Seen]) -> list[tuple[float, int]]:
    """Return (seconds since the first was sent, jobs that wait then), some points."""
    began_t = min(job.sent_t for job in seen)
    changes = sorted(
        [(job.sent_t - began_t, 1) for job in seen]
        + [(job.started_t - began_t, -1) for job in seen]
    )
    points, waiting = [], 0
    for t, change in changes:
        waiting += change
        points.append((round(t, 3), waiting))
    return points[:: max(1, len(points) // POINTS)]


def failures(seen: Sequence[Seen]) -> dict[str, int]:
    """Return how often jobs ended in another way than well."""
    found: dict[str, int] = {}
    for job in seen:
        if job.how != "success":
            found[job.how] = found.get(job.how, 0) + 1
    return found
