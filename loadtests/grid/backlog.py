"""How many jobs waited while a series was measured: a small axes for each cell."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from loadtests.grid.look import COLORS, MANY, MUTED, WIDE, WIDTH, Picture, figure, png
from loadtests.grid.summary import Summary
from loadtests.grid.words import place, title


def backlog(cells: Sequence[Summary], name: str) -> Picture:
    """Draw the backlog of every repeat of the cells of a series."""
    rows = sorted({cell.replicas for cell in cells}, reverse=True)
    columns = sorted({cell.concurrency for cell in cells})
    wide = len(columns) > MANY
    height = max(1.35 * len(rows), 2.0) + 0.4
    heading = "Jobs that wait, over the measured seconds"
    made = figure(heading, title(cells[0].series), WIDE if wide else WIDTH, height)
    grid = made.subplots(
        len(rows), len(columns), sharex=True, sharey=True, squeeze=False
    )
    found = {(cell.replicas, cell.concurrency): cell for cell in cells}
    for row, replicas in zip(grid, rows, strict=True):
        for axes, concurrency in zip(row, columns, strict=True):
            axes.set_title(place(replicas, concurrency), fontsize=9, loc="left", pad=3)
            axes.tick_params(labelsize=9, length=2)
            axes.xaxis.set_major_locator(MaxNLocator(4, integer=True, prune="upper"))
            axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
            cell = found.get((replicas, concurrency))
            _draw(axes, cell) if cell else _nothing(axes)
    points = [
        point for cell in cells for each in cell.repeats for point in each.backlog
    ]
    most = max(jobs for _, jobs in points)
    grid[0, 0].set_ylim(0, 1.1 * most or 1)
    grid[0, 0].set_xlim(0, max(at_s for at_s, _ in points) or 1)
    made.supxlabel("seconds", fontsize=9, color=MUTED)
    made.supylabel("jobs", fontsize=9, color=MUTED)
    return Picture(
        name,
        "One field for each cell, replicas x concurrency, a line for each repeat, the "
        "typical one dark. Where jobs arrive at a rate, a line that climbs to the end "
        "is too little capacity; else it tells how deep the queue was kept.",
        f"Jobs that wait in each cell over time: at most {most}.",
        png(made),
        wide,
    )


def _draw(axes: Axes, cell: Summary) -> None:
    for each in cell.repeats:
        typical = each is cell.typical
        if each.backlog:
            axes.plot(
                *zip(*each.backlog, strict=True),
                color=COLORS[0],
                alpha=1 if typical else 0.35,
                linewidth=1.6 if typical else 1,
            )


def _nothing(axes: Axes) -> None:
    middle = {"transform": axes.transAxes, "ha": "center", "va": "center"}
    axes.text(0.5, 0.5, "not measured", fontsize=9, color=MUTED, **middle)
