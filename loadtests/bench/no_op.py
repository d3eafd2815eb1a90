"""Jobs of no length: what the settings of a queue cost, beside Celery as it comes.

Straight to the queue, so that no row and no event is in it: the light queue takes one
message at a time and reports starts, the accelerator's forks for each job.
"""

import statistics
from typing import Any

from loadtests.grid import apps
from loadtests.grid.cell import Cell, measure

REPEATS = 3
SERVICE = "fixed:0"
SECONDS = 5.0

#: Of the throughput of stock Celery.
TARGET = 0.6


def run() -> dict[str, Any]:
    """Return the record; `samples` are the ratios of runs side by side.

    Raises:
        StackError: a part died; TooSlow: jobs were lost.
    """
    found: dict[str, list[float]] = {"stock": [], "light": [], "recycling": []}
    for repeat in range(1, REPEATS + 1):
        for name, seconds in (("stock", SECONDS), ("light", SECONDS), ("recycling", 0)):
            cell = Cell(
                *(apps.known()[name], "process", 1, 1, SERVICE),
                seconds=seconds,
                repeat=repeat,
            )
            found[name].append(measure(cell).throughput)
    pairs = zip(found["light"], found["stock"], strict=True)
    ratios = [light / stock for light, stock in pairs]
    rates = {name: statistics.median(values) for name, values in found.items()}
    value = statistics.median(ratios)
    return {
        "name": "no_op",
        "what": "jobs of no length on the light queue against stock Celery, one slot",
        "value": value,
        "unit": "times",
        "target": TARGET,
        "passed": value >= TARGET,
        "beside": f"stock Celery {rates['stock']:.0f}/s",
        "light_per_s": rates["light"],
        "recycling_per_s": rates["recycling"],
        "samples": [round(ratio, 3) for ratio in ratios],
    }
