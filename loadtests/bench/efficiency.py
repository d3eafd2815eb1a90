"""How much of its slots a deployment uses, beside Celery as it comes, in the same run.

Jobs wait 0.1 s each and compute nothing. Ours go through the API: each has a row, a
lease and events. Those of stock Celery go straight to the queue and leave nothing. A
closed run each, cell by cell in turn; medians.
"""

import statistics
from typing import Any

from loadtests.grid import apps
from loadtests.grid.cell import Cell, measure

#: Replicas and concurrency.
DEPLOYMENTS = ((1, 1), (1, 2), (1, 4), (2, 4))
REPEATS = 3
SERVICE = "fixed:0.1"
SECONDS = 4.0

#: Of the slots; up to FEW of them, and with more.
TARGET, TARGET_MANY, FEW = 0.90, 0.80, 4
#: How far below stock Celery it may be.
BELOW_STOCK = 0.07

STOCK, OURS = "stock", "jobs"


def run() -> dict[str, Any]:
    """Return the record; `value` is the least efficiency with up to four slots."""
    known = apps.known()
    found: dict[tuple[str, int], list[float]] = {}
    for repeat in range(1, REPEATS + 1):
        for replicas, concurrency in DEPLOYMENTS:
            for name in (STOCK, OURS):
                cell = Cell(
                    *(known[name], "process", replicas, concurrency, SERVICE),
                    seconds=SECONDS,
                    repeat=repeat,
                )
                used = measure(cell).efficiency
                found.setdefault((name, cell.slots), []).append(used or 0.0)
    median = {key: statistics.median(values) for key, values in found.items()}
    ours = {slots: used for (name, slots), used in median.items() if name == OURS}
    stock = {slots: used for (name, slots), used in median.items() if name == STOCK}
    few = min(used for slots, used in ours.items() if slots <= FEW)
    many = min(used for slots, used in ours.items() if slots > FEW)
    below = max(stock[slots] - ours[slots] for slots in ours)
    return {
        "name": "efficiency",
        "what": "slots used by jobs of 0.1 s that wait, with row and events, up to "
        f"{FEW} slots, the least",
        "value": few,
        "unit": "of the slots",
        "target": TARGET,
        "passed": few >= TARGET and many >= TARGET_MANY and below <= BELOW_STOCK,
        "beside": "stock Celery " + _told(stock),
        "ours": _told(ours),
        "with_more_slots": many,
        "with_more_slots_target": TARGET_MANY,
        "below_stock": below,
        "below_stock_target": BELOW_STOCK,
        "samples": [round(used, 3) for used in found[OURS, FEW]],
    }


def _told(by_slots: dict[int, float]) -> str:
    return ", ".join(f"{used:.3f} at {slots}" for slots, used in by_slots.items())
