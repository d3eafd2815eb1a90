"""Which pictures are drawn of some cells, and in which order."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby

from loadtests.grid.backlog import backlog
from loadtests.grid.curves import throughput_curve, wait_curve
from loadtests.grid.heat import efficiency_map, throughput_map
from loadtests.grid.look import COLORS, Picture, style
from loadtests.grid.slot_time import slot_time
from loadtests.grid.summary import Series, Summary

#: What series must have in common to be compared: the work, and how it comes.
_WORK = ("service", "payload_bytes", "arrivals")


@dataclass(frozen=True)
class Panel:
    """Series of the same work, and their pictures."""

    series: Sequence[Series]
    pictures: Sequence[Picture]


def draw(cells: Sequence[Summary]) -> list[Panel]:
    """Draw all pictures of these cells, as `summarize` returns them.

    A map needs two cells, a curve two numbers of slots: there are none of less. No
    curve shows more series than there are colours; a panel has several then.
    """
    known = list(dict.fromkeys(cell.series for cell in cells))
    panels: list[Panel] = []
    with style():
        for _, group in groupby(sorted(known, key=_work), key=_work):
            mine = list(group)
            count = math.ceil(len(mine) / len(COLORS))
            size = math.ceil(len(mine) / count)  # alike, not a full one and a rest
            for first in range(0, len(mine), size):
                part = mine[first : first + size]
                panels.append(Panel(part, _pictures(len(panels) + 1, part, cells)))
    return panels


def _work(series: Series) -> tuple[object, ...]:
    rate = series.arrivals
    return series.service, series.payload_bytes, rate is not None, rate or 0.0


def _pictures(
    panel: int, series: Sequence[Series], cells: Sequence[Summary]
) -> list[Picture]:
    """Return curves first, then each series' own; of two series beside each other."""
    mine = [cell for cell in cells if cell.series in series]
    curves = []
    if len({cell.slots for cell in mine}) > 1:
        curves.append(throughput_curve(mine, f"{panel}-throughput-curve"))
        curves.append(wait_curve(mine, f"{panel}-wait-curve"))
    most = max(cell.throughput.median for cell in mine)
    drawn = []
    for place, each in enumerate(series, start=1):
        name = f"{panel}.{place}-{re.sub(r'[^A-Za-z0-9]+', '-', each.app)[:40]}"
        own = [cell for cell in mine if cell.series == each]
        drawn.append(list(_own(own, most, name)))
    alike = len(drawn) == 2 and len(drawn[0]) == len(drawn[1])
    ordered = chain(*zip(*drawn, strict=True)) if alike else chain(*drawn)
    return [*curves, *ordered]


def _own(cells: Sequence[Summary], most: float, name: str) -> Iterator[Picture]:
    """Draw what a series has for itself."""
    if len(cells) > 1:
        yield throughput_map(cells, most, f"{name}-throughput-map")
        if cells[0].ideal:
            yield efficiency_map(cells, f"{name}-efficiency-map")
    yield slot_time(cells, f"{name}-slot-time")
    if any(repeat.backlog for cell in cells for repeat in cell.repeats):
        yield backlog(cells, f"{name}-backlog")
