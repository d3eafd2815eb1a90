"""Curves against slots: throughput with its ideal, and the wait of the slowest 5 %."""

import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from loadtests.grid.look import COLORS, INK, MARKS, WIDTH, Picture, figure, png
from loadtests.grid.summary import Spread, Summary
from loadtests.grid.words import label, number, shared

#: From this ratio of the most to the fewest slots on, each doubling gets its place.
DOUBLINGS = 16

#: From this ratio on, waits need it too.
WAITS_APART = 40

#: Part of the axis that two of its labels need between them.
TICKS_APART = 0.055


@dataclass(frozen=True)
class Line:
    """Cells that are joined in a curve."""

    label: str
    color: Any  #: as matplotlib takes it
    mark: str
    cells: Sequence[Summary]


def lines(cells: Sequence[Summary]) -> list[Line]:
    """Return a line per series; of one series, per number of replicas or children."""
    series = list(dict.fromkeys(cell.series for cell in cells))
    if len(series) > 1:
        return [
            Line(
                label(each, series),
                COLORS[place % len(COLORS)],
                MARKS[place % len(MARKS)],
                [cell for cell in cells if cell.series == each],
            )
            for place, each in enumerate(series)
        ]

    def counts(name: str) -> list[int]:
        return sorted({getattr(cell, name) for cell in cells})

    name = min(("replicas", "concurrency"), key=lambda name: len(counts(name)))
    shades = colormaps["viridis"]
    return [
        Line(
            f"{name} {count}",
            shades(0.85 * place / max(len(counts(name)) - 1, 1)),
            MARKS[place % len(MARKS)],
            [cell for cell in cells if getattr(cell, name) == count],
        )
        for place, count in enumerate(counts(name))
    ]


def throughput_curve(cells: Sequence[Summary], name: str) -> Picture:
    """Draw the throughput of cells of one service, and the ideal where there is one."""
    most = max(cell.throughput.high for cell in cells)
    ideal = sorted({(cell.slots, cell.ideal) for cell in cells if cell.ideal})
    drawn = lines(cells)
    made, axes = _axes("Throughput against slots", cells, drawn)
    doubling = _slots_axis(axes, cells)
    if ideal:
        text = f"ideal: a job each {number(cells[0].asked_s)} s in every slot"
        look = {"color": INK, "linestyle": (0, (5, 3)), "linewidth": 1.3, "zorder": 3}
        axes.plot(*zip(*ideal, strict=True), label=text, **look)
    _draw(axes, drawn, lambda cell: cell.throughput)
    axes.set_ylabel("jobs/s")
    least = min(cell.throughput.low for cell in cells)
    highest = max([most, *(rate for _, rate in ideal)])
    if doubling and least > 0:
        _doublings(axes, least, highest)
    else:
        axes.set_ylim(0, 1.06 * min(highest, 1.5 * most) or 1)
    _legend(made, axes)
    return Picture(
        name,
        "As long as a curve follows the dashed line, each slot that is added does a "
        "slot's work; where it bends away, something else is the limit.",
        f"Curves of throughput, up to {number(most)} jobs/s at the best.",
        png(made),
    )


def wait_curve(cells: Sequence[Summary], name: str) -> Picture:
    """Draw the 95th percentile of the wait of cells of one service."""
    drawn = lines(cells)
    title = "Wait from sent to started, 95th percentile"
    made, axes = _axes(title, cells, drawn)
    _slots_axis(axes, cells)
    _draw(axes, drawn, lambda cell: cell.wait_s["p95"])
    axes.set_ylabel("seconds")
    waits = [cell.wait_s["p95"] for cell in cells]
    least, most = min(w.low for w in waits), max(w.high for w in waits)
    if least > 0 and most / least > WAITS_APART:
        _doublings(axes, least, most)
    else:
        axes.set_ylim(0, 1.1 * most or 1)
    _legend(made, axes)
    return Picture(
        name,
        "Of a hundred jobs, 95 began sooner than this; the line should stay low. "
        "Where there is always work waiting, it tells how deep the queue was kept.",
        f"Curves of the wait: {number(least)} to {number(most)} s.",
        png(made),
    )


def _axes(
    title: str, cells: Sequence[Summary], drawn: Sequence[Line]
) -> tuple[Figure, Axes]:
    """Return axes with room for the legend, the ideal in it: all are equally high."""
    series = list(dict.fromkeys(cell.series for cell in cells))
    made = figure(title, shared(series), WIDTH, 3.7 + 0.2 * len(drawn))
    return made, made.subplots()


def _draw(axes: Axes, drawn: Sequence[Line], of: Callable[[Summary], Spread]) -> None:
    """Draw each cell with its repeats, and a line through the best of as many slots."""
    for place, line in enumerate(drawn):
        more = min(len(drawn) - 1 - place, 3)  # what lies below is seen around the rest
        spreads = [of(cell) for cell in line.cells]
        axes.errorbar(
            [cell.slots for cell in line.cells],
            [spread.median for spread in spreads],
            [
                [spread.median - spread.low for spread in spreads],
                [spread.high - spread.median for spread in spreads],
            ],
            fmt=line.mark,
            markersize=5.5 + 1.3 * more,
            capsize=3,
            color=line.color,
        )
        best: dict[int, Summary] = {}
        for cell in line.cells:
            known = best.setdefault(cell.slots, cell)
            if cell.throughput.median > known.throughput.median:
                best[cell.slots] = cell
        axes.plot(
            list(best),
            [of(cell).median for cell in best.values()],
            color=line.color,
            linewidth=1.8 + more,
        )
        look = {"marker": line.mark, "linewidth": 1.8, "markersize": 6}
        axes.plot([], [], color=line.color, label=line.label, **look)


def _slots_axis(axes: Axes, cells: Sequence[Summary]) -> bool:
    """Mark the measured numbers of slots; return whether doublings are equally wide."""
    slots = sorted({cell.slots for cell in cells})
    doubling = slots[-1] / slots[0] > DOUBLINGS
    axes.set_xlabel("slots: replicas x concurrency")
    if doubling:
        axes.set_xscale("log", base=2)
        place = [math.log2(each) for each in slots]
    else:
        place = [float(each) for each in slots]
        axes.set_xlim(0, slots[-1] * 1.05)
    width = place[-1] - (place[0] if doubling else 0)
    # From the right: the largest is the one that is looked for.
    told = [slots[-1]]
    last = place[-1]
    for each, at in zip(reversed(slots[:-1]), reversed(place[:-1]), strict=True):
        if last - at > TICKS_APART * width:
            told.append(each)
            last = at
    axes.set_xticks(told, map(str, told))
    axes.xaxis.set_minor_locator(NullLocator())
    return doubling


def _doublings(axes: Axes, least: float, most: float) -> None:
    """Give the upward axis equal room for each doubling, and plain numbers."""
    axes.set_yscale("log")
    axes.set_ylim(least / 1.3, most * 1.3)
    tens = range(math.floor(math.log10(least / 1.3)), math.ceil(math.log10(most)) + 1)
    steps = (1, 2, 5) if most / least < 3000 else (1,)
    ticks = [step * 10.0**ten for ten in tens for step in steps]
    shown = [tick for tick in ticks if least / 1.3 <= tick <= most * 1.3]
    axes.set_yticks(shown, [number(tick) for tick in shown])
    axes.yaxis.set_minor_locator(NullLocator())


def _legend(made: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    labels = [textwrap.shorten(text, 80, placeholder=" …") for text in labels]
    made.legend(handles, labels, loc="outside lower left", fontsize=9, alignment="left")
