"""Maps of a series: replicas upwards, concurrency to the right, a number in each."""

from collections.abc import Callable, Sequence
from typing import Any

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize, TwoSlopeNorm
from matplotlib.patches import Rectangle

from loadtests.grid.findings import EFFICIENT
from loadtests.grid.look import FAINT, MUTED, WIDE, WIDTH, Picture, figure, png
from loadtests.grid.summary import Spread, Summary
from loadtests.grid.words import between, number, place, share, title

#: Columns from which on a map takes the whole width, and its least row in inches.
MANY, ROW = 6, 0.66


def throughput_map(cells: Sequence[Summary], most: float, name: str) -> Picture:
    """Draw the throughput of a series; `most` has the end of the colours."""
    best = max(cells, key=lambda cell: cell.throughput.median)
    return _map(
        cells,
        name,
        "Throughput, jobs/s",
        lambda cell: cell.throughput,
        number,
        colormaps["cividis"],
        Normalize(0, most or 1),
        "Brighter is more. Doubling to the right or upwards should double the number; "
        "where it does not, more slots no longer pay.",
        f"Map of throughput: at most {number(best.throughput.median)} jobs/s at "
        f"{place(best.replicas, best.concurrency)}.",
    )


def efficiency_map(cells: Sequence[Summary], name: str) -> Picture:
    """Draw the efficiency of a series, whose ideal is known."""
    known = [cell.efficiency.median for cell in cells if cell.efficiency]
    return _map(
        cells,
        name,
        "Efficiency, part of the ideal",
        lambda cell: cell.efficiency,
        share,
        colormaps["PuOr"],
        TwoSlopeNorm(EFFICIENT, 0, 1),
        f"1.00: no slot was ever idle. Purple is {EFFICIENT} and better, white is the "
        "border, orange are slots that are paid for and not used.",
        f"Map of efficiency: {share(min(known))} to {share(max(known))}.",
    )


def _map(
    cells: Sequence[Summary],
    name: str,
    heading: str,
    of: Callable[[Summary], Spread | None],
    told: Callable[[float], str],
    colors: Colormap,
    norm: Normalize,
    reading: str,
    alt: str,
) -> Picture:
    rows = sorted({cell.replicas for cell in cells})
    columns = sorted({cell.concurrency for cell in cells})
    wide = len(columns) > MANY
    room = max(2.0, ROW * len(rows)) + 0.5
    made = figure(heading, title(cells[0].series), WIDE if wide else WIDTH, room)
    axes = made.subplots()
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(-0.5, len(rows) - 0.5)
    axes.set_xticks(range(len(columns)), map(str, columns))
    axes.set_yticks(range(len(rows)), map(str, rows))
    axes.set_xlabel("concurrency: children of each worker")
    axes.set_ylabel("replicas: workers")
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    found = {(cell.replicas, cell.concurrency): cell for cell in cells}
    for y, replicas in enumerate(rows):
        for x, concurrency in enumerate(columns):
            cell = found.get((replicas, concurrency))
            spread = of(cell) if cell else None
            if cell is None or spread is None:
                _tile(axes, x, y, "white", hatch="///", edgecolor=FAINT)
                quiet = {"ha": "center", "va": "center", "color": MUTED}
                axes.text(x, y, "not\nmeasured", fontsize=9, **quiet)
                continue
            color = colors(norm(min(spread.median, norm.vmax)))
            _tile(axes, x, y, color, edgecolor="white")
            ink = "white" if _dark(color) else "black"
            below = _below(spread, cell, told)
            line = {"ha": "center", "color": ink, "linespacing": 1.15}
            if below:
                axes.text(x, y - 0.02, below, va="top", fontsize=9, **line)
            at = "bottom" if below else "center"
            text = told(spread.median)
            axes.text(x, y, text, va=at, fontsize=12, weight="bold", **line)
    return Picture(name, reading, alt, png(made), wide)


def _tile(axes: Axes, x: int, y: int, color: Any, **look: Any) -> None:
    axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=color, lw=2, **look))


def _below(spread: Spread, cell: Summary, told: Callable[[float], str]) -> str:
    """Return the small lines of a cell: how far apart repeats are, and failed jobs."""
    failed = sum(cell.failures.values())
    lines = [between(spread, told), f"{failed} failed" if failed else ""]
    return "\n".join(filter(None, lines))


def _dark(color: Sequence[float]) -> bool:
    """Whether white is easier to read on it than black (WCAG's relative luminance)."""
    red, green, blue = (channel**2.2 for channel in color[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.18
