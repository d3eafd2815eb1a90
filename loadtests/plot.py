"""`python -m loadtests.plot REPORT.json PICTURE.png`: backlog and throughput over time.

The report is one of `loadtests.report`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import click

#: Steps of a curve that make one of the throughput: in a single one lie few jobs.
TOGETHER = 5


def draw(found: Mapping[str, Any], path: Path, *, most: int | None = None) -> None:
    """Draw the curve of a report; `most` is a line at the backlog that is allowed."""
    # Takes a second to import, and has no screen here.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    steps = found["curve"]
    at_s = [step["t_s"] for step in steps]
    figure = Figure(figsize=(9, 6), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True)
    above.fill_between(at_s, [s["waiting"] for s in steps], alpha=0.4, label="waiting")
    above.plot(at_s, [s["running"] for s in steps], label="running")
    if most is not None:
        above.axhline(most, linestyle="--", color="grey", label="MAX_BACKLOG")
    above.set_ylabel("jobs")
    some = [steps[i : i + TOGETHER] for i in range(0, len(steps), TOGETHER)]
    for name in ("sent", "refused", "ended"):
        rates = [fmean(step[f"{name}_per_s"] for step in each) for each in some]
        edges = [0.0, *(each[-1]["t_s"] for each in some)]
        below.stairs(rates, edges, label=name)
    below.set_ylabel("jobs per second")
    below.set_xlabel("seconds since the begin")
    for each in (above, below):
        each.legend(loc="upper right")
        each.set_ylim(bottom=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


@click.command()
@click.argument("report", type=click.Path(exists=True, path_type=Path))
@click.argument("picture", type=click.Path(path_type=Path))
def main(report: Path, picture: Path) -> None:
    """Draw the backlog and the throughput of REPORT (JSON) as PICTURE (PNG)."""
    draw(json.loads(report.read_text(encoding="utf-8")), picture)


if __name__ == "__main__":
    main()
