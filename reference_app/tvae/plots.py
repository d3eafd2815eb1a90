"""Pictures of a training and of its data, as PNG files; needs matplotlib."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reference_app.tvae.machines import STATES
from reference_app.tvae.table import Table, rows_of

INK, MUTED, GRID = "#1f2933", "#616e7c", "#e4e7eb"
REAL, SYNTHETIC = "#9fb3c8", "#d9480f"
STATE_COLORS = dict(
    zip(STATES, ("#7b8794", "#2b8a8a", "#e8a317", "#c92a2a"), strict=True)
)
TITLES = {
    "temperature_c": "Temperature, °C",
    "vibration_mm_s": "Vibration, mm/s",
    "current_a": "Current, A",
    "rpm": "Speed, 1/min",
}

#: Points of a scatter plot; more only hide each other.
POINTS = 1_500

_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": "#cbd2d9",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "grid.color": GRID,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "legend.frameon": False,
    "savefig.dpi": 150,
}


def loss_curve(losses: Sequence[float], name: str, path: Path) -> None:
    """Draw the loss of every epoch."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9, 4.6), layout="constrained")
        axes = figure.subplots()
        epochs = np.arange(1, len(losses) + 1)
        axes.plot(epochs, losses, color=SYNTHETIC, linewidth=2)
        axes.fill_between(epochs, losses, min(losses), color=SYNTHETIC, alpha=0.08)
        axes.plot(epochs[-1], losses[-1], "o", color=SYNTHETIC, markersize=6)
        axes.annotate(
            f"{losses[-1]:.2f}".replace("-", "\N{MINUS SIGN}"),
            (epochs[-1], losses[-1]),
            textcoords="offset points",
            xytext=(9, 0),
            va="center",
            color=SYNTHETIC,
            weight="bold",
        )
        axes.set_xlabel("Epoch")
        axes.set_ylabel("Loss per row")
        axes.set_xlim(0, len(losses) * 1.1)  # room for the last value
        axes.grid(visible=False, axis="x")
        _headline(figure, f"Training of {name}", f"{len(losses)} epochs, one thread")
        figure.savefig(path)


def side_by_side(
    real: Table, synthetic: Table, name: str, scores: tuple[float, float], path: Path
) -> None:
    """Draw every column of both tables, and one pair of columns of each.

    `scores` are those of columns and correlations.
    """
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(13, 8), layout="constrained")
        grid = figure.add_gridspec(2, 12, height_ratios=(1, 1.15), hspace=0.08)
        for number, column in enumerate(TITLES):
            axes = figure.add_subplot(grid[0, 3 * number : 3 * number + 3])
            _distribution(axes, real[column], synthetic[column], TITLES[column])
            if number == 0:
                axes.legend(loc="upper left", fontsize=9)
        _shares(figure.add_subplot(grid[1, 0:4]), real, synthetic)
        left = figure.add_subplot(grid[1, 4:8])
        right = figure.add_subplot(grid[1, 8:12], sharex=left, sharey=left)
        _pairs(left, real, "Real: speed and vibration")
        _pairs(right, synthetic, "Synthetic: speed and vibration")
        right.legend(loc="upper left", fontsize=9, markerscale=2.5)
        columns, correlations = scores
        _headline(
            figure,
            f"{name}: real against synthetic",
            f"{rows_of(real):,} real rows, {rows_of(synthetic):,} synthetic ones; "
            f"columns {columns:.3f}, correlations {correlations:.3f} alike",
        )
        figure.savefig(path)


def _headline(figure: Figure, title: str, below: str) -> None:
    # The layout leaves the top free: a title of two sizes is placed by hand.
    height_in = figure.get_figheight()
    top = 1 - 0.75 / height_in
    figure.get_layout_engine().set(rect=(0.012, 0.02, 0.976, top - 0.02))
    at = {"x": 0.018, "ha": "left", "va": "baseline"}
    figure.text(y=1 - 0.37 / height_in, s=title, fontsize=15, weight="bold", **at)
    figure.text(y=1 - 0.6 / height_in, s=below, fontsize=10, color=MUTED, **at)


def _distribution(axes: Axes, real: Any, synthetic: Any, title: str) -> None:
    both = np.concatenate([real, synthetic])
    bins = np.linspace(*np.quantile(both, (0.001, 0.999)), 60)
    axes.hist(real, bins, density=True, color=REAL, label="real")
    axes.hist(
        synthetic,
        bins,
        density=True,
        histtype="step",
        color=SYNTHETIC,
        linewidth=1.6,
        label="synthetic",
    )
    axes.set_title(title)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False)


def _shares(axes: Axes, real: Table, synthetic: Table) -> None:
    place = np.arange(len(STATES))
    for table, color, offset in ((real, REAL, -0.2), (synthetic, SYNTHETIC, 0.2)):
        shares = [100 * (table["state"] == state).mean() for state in STATES]
        bars = axes.bar(place + offset, shares, width=0.38, color=color)
        axes.bar_label(bars, fmt="%.0f", fontsize=9, color=MUTED, padding=2)
    axes.set_xticks(place, [state.replace("_", " ") for state in STATES])
    axes.margins(y=0.12)  # room for the numbers on the bars
    axes.set_title("State, % of the time")
    axes.grid(visible=False)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def _pairs(axes: Axes, table: Table, title: str) -> None:
    for state, color in STATE_COLORS.items():
        chosen = table["state"][:POINTS] == state
        axes.scatter(
            table["rpm"][:POINTS][chosen],
            table["vibration_mm_s"][:POINTS][chosen],
            s=7,
            alpha=0.55,
            linewidths=0,
            color=color,
            label=state.replace("_", " "),
        )
    axes.set_title(title)
    axes.set_xlabel("Speed, 1/min")
    axes.set_ylabel("Vibration, mm/s")
