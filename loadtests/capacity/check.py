"""`python -m loadtests.capacity.check`: how far predictions are from measurements.

A few cells say what a job costs here; nine others, with other slots, lengths of jobs
and arrivals, are predicted from that before they are measured. Prediction and
measurement have the same trace of jobs, so that chance is in neither. The costs are
kept for `python -m loadtests.capacity --costs`.

Exit codes: 0 as near as promised, 1 not, 2 wrong use, 4 a cell could not be measured.
"""

import dataclasses
import json
import os
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from harness import HarnessError
from loadtests.capacity import machine, service
from loadtests.capacity.machine import Costs
from loadtests.capacity.simulate import Deployment, replay
from loadtests.grid import apps
from loadtests.grid.cell import Cell, deployed, run

#: Replicas, concurrency and length of jobs of the cells that are measured first.
CALIBRATION = ((1, 1, "fixed:0.1"), (1, 2, "fixed:0.1"), (2, 2, "fixed:0.1"))

#: Those that are predicted; no cell of the above is among them.
HELD_OUT = (
    (1, 2, "exp:0.1"),
    (1, 3, "fixed:0.15"),
    (1, 4, "exp:0.1"),
    (1, 4, "lognormal:0.1,2"),
    (2, 1, "exp:0.2"),
    (2, 2, "exp:0.15"),
    (2, 3, "fixed:0.2"),
    (2, 4, "exp:0.2"),
    (3, 2, "pareto:0.08,1.8"),
)

#: Of the predicted throughput; so much is asked of a held-out cell to see waits.
LOADED = 0.8

#: What is promised: throughput within, in so many cells; the wait, median and worst.
WITHIN, IN_CELLS, WAIT_MEDIAN, WAIT_WORST = 0.10, 8, 0.15, 0.35


@dataclass(frozen=True)
class Compared:
    """One held-out cell: jobs per second, and seconds that 95 of 100 wait at most."""

    replicas: int
    concurrency: int
    service: str
    arrivals: float
    throughput: float
    predicted_throughput: float
    p95_wait_s: float
    predicted_p95_wait_s: float
    busy: float

    @property
    def throughput_error(self) -> float:
        """Return how far off it is, as a part of what was measured."""
        return self.predicted_throughput / self.throughput - 1

    @property
    def wait_error(self) -> float:
        """Return the same of the wait."""
        return self.predicted_p95_wait_s / self.p95_wait_s - 1


def calibrated(app: apps.App, seconds: float, seed: int) -> Costs:
    """Return what a job costs in this application, on this machine."""
    measured = []
    for replicas, concurrency, lasts in CALIBRATION:
        cell = Cell(
            app, "process", replicas, concurrency, lasts, seconds=seconds, seed=seed
        )
        with deployed(cell) as (stack, workers):
            measured.append(run(cell, stack, workers))
    cells = [
        machine.Cell(
            one.replicas * one.concurrency, one.asked_s, one.throughput, one.cpu_s
        )
        for one in measured
    ]
    here = Costs(
        broker_s=statistics.median(one.broker_cpu_s for one in measured),
        cores=os.cpu_count() or 1,
    )
    return machine.calibrate(cells, here)


def compare(
    app: apps.App, costs: Costs, which: tuple[int, int, str], seconds: float, seed: int
) -> Compared:
    """Predict one cell, then measure it."""
    replicas, concurrency, lasts = which
    closed = Cell(
        app, "process", replicas, concurrency, lasts, seconds=seconds / 2, seed=seed
    )
    asked_s = service.parse(lasts).mean_s
    room, _ = machine.throughput(costs, closed.slots, asked_s)
    open_ = dataclasses.replace(closed, arrivals=LOADED * room, seconds=seconds)
    deployment = Deployment(replicas, concurrency)
    full = replay(closed.jobs(), deployment, costs)
    waiting = replay(open_.jobs(), deployment, costs)
    with deployed(closed) as (stack, workers):
        filled, sparse = (run(cell, stack, workers) for cell in (closed, open_))
    return Compared(
        *(replicas, concurrency, lasts, LOADED * room),
        throughput=filled.throughput,
        predicted_throughput=machine.saturated(
            full.starts_t, full.ends_t, closed.slots
        ),
        p95_wait_s=sparse.wait_s["p95"],
        predicted_p95_wait_s=waiting.wait_s(0.95),
        busy=sparse.busy,
    )


def kept(found: Sequence[Compared]) -> dict[str, Any]:
    """Return how near the predictions are, and whether that is as promised."""
    near = sum(abs(one.throughput_error) <= WITHIN for one in found)
    waits = [abs(one.wait_error) for one in found]
    median, worst = statistics.median(waits), max(waits)
    return {
        "throughput_within_10_percent": near,
        "of": len(found),
        "wait_error_median": round(median, 3),
        "wait_error_worst": round(worst, 3),
        "passed": near >= IN_CELLS and median <= WAIT_MEDIAN and worst <= WAIT_WORST,
    }


@click.command()
@click.option("--app", "name", type=click.Choice(list(apps.known())), default="light")
@click.option("--seconds", default=15.0, show_default=True, help="Of one measurement.")
@click.option("--seed", default=1, show_default=True, help="Of the jobs.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, no table.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".qp/load"),
    show_default=True,
)
def main(name: str, seconds: float, seed: int, as_json: bool, out: Path) -> None:
    """Calibrate with three cells, predict nine others, measure them, and compare."""
    app, found = apps.known()[name], []
    try:
        with Progress(console=Console(stderr=True)) as progress:
            bar = progress.add_task("calibrating", total=len(HELD_OUT) + 1)
            costs = calibrated(app, seconds / 3, seed)
            progress.advance(bar)
            for which in HELD_OUT:
                progress.update(bar, description="{} x {} {}".format(*which))
                found.append(compare(app, costs, which, seconds, seed))
                progress.advance(bar)
    except HarnessError as error:
        click.echo(f"capacity: {error}", err=True)
        sys.exit(4)
    verdict = kept(found)
    record = {
        **{"app": name, "seed": seed, "seconds": seconds},
        "calibration": [list(cell) for cell in CALIBRATION],
        "costs": dataclasses.asdict(costs),
        "cells": [dataclasses.asdict(one) for one in found],
        **verdict,
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "costs.json").write_text(json.dumps(record["costs"]) + "\n")
    (out / "capacity.json").write_text(json.dumps(record, indent=1) + "\n")
    if as_json:
        click.echo(json.dumps(record))
    else:
        _show(found, costs, verdict)
    sys.exit(0 if verdict["passed"] else 1)


def _show(found: Sequence[Compared], costs: Costs, verdict: dict[str, Any]) -> None:
    console = Console()
    console.print(
        f"a job costs {costs.overhead_s * 1000:.1f} ms of a slot beside its work, "
        f"{costs.cpu_s * 1000:.1f} ms of {costs.cores:g} processors, "
        f"{costs.broker_s * 1000:.2f} ms of Redis"
    )
    table = Table(
        *("cell", "service", "jobs/s", "predicted", "off", "p95 wait", "predicted"),
        *("off", "busy"),
    )
    for one in found:
        table.add_row(
            *(f"{one.replicas} x {one.concurrency}", one.service),
            *(f"{one.throughput:.1f}", f"{one.predicted_throughput:.1f}"),
            f"{one.throughput_error:+.1%}",
            *(f"{one.p95_wait_s:.3f} s", f"{one.predicted_p95_wait_s:.3f} s"),
            *(f"{one.wait_error:+.0%}", f"{one.busy:.0%}"),
        )
    console.print(table)
    console.print(", ".join(f"{key}: {value}" for key, value in verdict.items()))


if __name__ == "__main__":
    main()
