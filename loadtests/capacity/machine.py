"""What a job costs beside its own work: measured once, good for other cells.

A slot is busy with a job for its service time and `overhead_s`: coming back for it,
taking the message, the way to the process, the result, the acknowledgement. `cpu_s` of
processor goes into each job, whoever spends it; Redis spends `broker_s`, one command
after the other, and an API process `api_s`. What is slowest is the limit.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Costs:
    """Seconds per job, and what there is to spend them on."""

    overhead_s: float = 0.0
    cpu_s: float = 0.0
    broker_s: float = 0.0
    api_s: float = 0.0
    cores: float = 1.0
    shards: int = 1  #: Redis servers that share the queues
    apis: int = 1


@dataclass(frozen=True)
class Cell:
    """A closed measurement: as many jobs as there is room for, so all slots work."""

    slots: int
    service_s: float
    throughput: float  #: jobs per second
    cpu_s: float  #: of all parts, per job


def calibrate(cells: Sequence[Cell], costs: Costs) -> Costs:
    """Return `costs` with the overhead and the processor time of these cells.

    The overhead is the median of slots / throughput - service: one cell that the
    machine disturbed does not count.

    Raises:
        ValueError: there are no cells, or one in which nothing was done.
    """
    if not cells or any(cell.throughput <= 0 for cell in cells):
        raise ValueError("calibration needs cells in which jobs were done")
    overheads = [cell.slots / cell.throughput - cell.service_s for cell in cells]
    return replace(
        costs,
        overhead_s=max(0.0, statistics.median(overheads)),
        cpu_s=statistics.median([cell.cpu_s for cell in cells]),
    )


def saturated(starts: Sequence[float], ends: Sequence[float], slots: int) -> float:
    """Return jobs per second from when every slot had ended one, to the last start.

    Before that slots come in, after it they go out of work. Moments are seconds of any
    one clock.

    Raises:
        ValueError: there are too few jobs for so many slots.
    """
    last_t = max(starts, default=0.0)
    counted = [t for t in sorted(ends)[slots - 1 :] if t <= last_t]
    if len(counted) < 3:
        raise ValueError(f"{len(ends)} jobs are too few for {slots} slots")
    return (len(counted) - 1) / (counted[-1] - counted[0])


def limits(costs: Costs, slots: int, service_s: float) -> dict[str, float]:
    """Return the jobs per second that each part allows, by its name."""
    return {
        "slots": slots / (service_s + costs.overhead_s),
        "processors": _per_s(costs.cores, costs.cpu_s),
        "Redis": _per_s(costs.shards, costs.broker_s),
        "API": _per_s(costs.apis, costs.api_s),
    }


def throughput(costs: Costs, slots: int, service_s: float) -> tuple[float, str]:
    """Return the jobs per second that can be done, and what is the limit."""
    allowed = limits(costs, slots, service_s)
    name = min(allowed, key=lambda each: allowed[each])
    return allowed[name], name


def _per_s(servers: float, seconds: float) -> float:
    return servers / seconds if seconds > 0 else math.inf
