"""`python -m loadtests.grid --replicas 1,2 --concurrency 1,2`: measure, and draw it."""

import itertools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from harness import HarnessError
from loadtests.capacity import service
from loadtests.grid import apps, facts, report, store
from loadtests.grid.cell import Cell, measure
from loadtests.grid.record import Measured
from loadtests.grid.summary import summarize

T = TypeVar("T")

EPILOG = """Examples:

\b
python -m loadtests.grid                          2 x 2 cells, stock Celery and the app
python -m loadtests.grid --app light --service exp:0.1 --arrivals 15,25 --replicas 2
python -m loadtests.grid --app stock --prefetch 1,4 --acks early,late --service fixed:0
python -m loadtests.grid --target queueproof.toml --queue default   your application

What is measured already lies in --out and is not measured again; remove the folder for
that. Exit codes: 0 measured, 2 wrong use, 4 a cell could not be measured.
"""


def _list_of(read: Callable[[str], T]) -> Callable[..., list[T]]:
    def parse(_: click.Context, parameter: click.Parameter, text: str) -> list[T]:
        try:
            return [read(part.strip()) for part in text.split(",") if part.strip()]
        except ValueError as error:
            raise click.BadParameter(f"{text!r}: {error}") from error

    return parse


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(f"{number} is below 1")
    return number


def _service(text: str) -> str:
    return service.parse(text).name


def _acks(text: str) -> str:
    if text not in ("early", "late"):
        raise ValueError(f"{text}: write early, late or both")
    return text


numbers = {"callback": _list_of(_positive), "metavar": "N,N..."}


@click.command(epilog=EPILOG)
@click.option("--replicas", default="1,2", show_default=True, **numbers)
@click.option("--concurrency", default="1,2", show_default=True, **numbers)
@click.option(
    "--app",
    "names",
    default="stock,jobs",
    show_default=True,
    metavar="NAME,NAME...",
    help="Of stock, light, jobs, recycling: see --list.",
)
@click.option(
    "--target",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Your application's description, instead of --app.",
)
@click.option("--queue", default="", help="Of --target's jobs; default: its first.")
@click.option(
    "--service",
    "services",
    default=["fixed:0.1"],
    show_default=True,
    multiple=True,
    help="What a job takes: fixed:0.1, exp:0.1, lognormal:0.1,2 or pareto:0.05,1.8. "
    "May be repeated.",
)
@click.option(
    "--prefetch", default="", help="Per slot; default: as deployed.", **numbers
)
@click.option(
    "--acks",
    default="",
    callback=_list_of(_acks),
    metavar="early,late",
    help="For applications that read ACKS_LATE; default: as deployed.",
)
@click.option("--payload", default=0, show_default=True, help="Bytes in a message.")
@click.option(
    "--arrivals",
    default="",
    callback=_list_of(float),
    metavar="RATE,RATE...",
    help="Jobs per second of open runs; default: closed ones, all slots busy.",
)
@click.option("--seconds", default=5.0, show_default=True, help="Of one measurement.")
@click.option("--repeats", default=2, show_default=True, help="Of each cell.")
@click.option("--seed", default=1, show_default=True, help="Of the jobs' lengths.")
@click.option(
    "--engine", type=click.Choice(["process", "container"]), default="process"
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".qp/load/grid"),
    show_default=True,
)
@click.option("--list", "listed", is_flag=True, help="List the applications.")
def main(
    replicas: list[int],
    concurrency: list[int],
    names: str,
    target: Path | None,
    queue: str,
    services: Sequence[str],
    prefetch: list[int],
    acks: list[str],
    payload: int,
    arrivals: list[float],
    seconds: float,
    repeats: int,
    seed: int,
    engine: str,
    out: Path,
    listed: bool,
) -> None:
    """Measure throughput and waits for replicas x concurrency, and write a page."""
    if listed:
        for app in apps.known().values():
            click.echo(f"{app.name:<10} {app.says}")
        return
    measured = _apps(names, target, queue)
    fixed = [app.name for app in measured if not app.tunable]
    if fixed and (prefetch or acks):
        raise click.UsageError(
            f"{', '.join(fixed)}: prefetch and acknowledgement are declared there, so "
            "--prefetch and --acks would change nothing; measure --app stock."
        )
    cells = [
        Cell(
            app=app,
            engine=engine,
            replicas=many,
            concurrency=slots,
            service=lasts,
            prefetch=reserved,
            acks=acknowledged,
            payload_bytes=payload,
            arrivals=rate,
            seconds=seconds,
            repeat=repeat,
            seed=seed,
        )
        for repeat, app, lasts, reserved, acknowledged, rate, many, slots in (
            itertools.product(
                range(1, repeats + 1),
                measured,
                [_checked(each) for each in services],
                prefetch or [None],
                acks or [None],
                arrivals or [None],
                replicas,
                concurrency,
            )
        )
    ]
    failed = _measure_all(cells, out)
    records = store.load(out)
    if not records:
        sys.exit(4)
    wide = None if sys.stdout.isatty() else 130
    Console(width=wide).print(_table(records))
    click.echo(report.write(out, facts.of_this_machine()))
    sys.exit(4 if failed else 0)


def _apps(names: str, target: Path | None, queue: str) -> list[apps.App]:
    try:
        if target is not None:
            return [apps.described(target, queue)]
        known = apps.known()
        return [known[name.strip()] for name in names.split(",")]
    except KeyError as error:
        raise click.BadParameter(
            f"no application {error}; there are {', '.join(known)}"
        ) from error
    except (HarnessError, ValueError) as error:
        raise click.BadParameter(str(error)) from error


def _checked(text: str) -> str:
    try:
        return _service(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _measure_all(cells: Sequence[Cell], out: Path) -> int:
    """Measure what is not there; return how many cells could not be measured."""
    bars = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console, failed = Console(stderr=True), 0
    with Progress(*bars, TimeRemainingColumn(), console=console) as progress:
        bar = progress.add_task("", total=len(cells))
        for cell in cells:
            what = f"{cell.app.name} {cell.replicas} x {cell.concurrency}"
            progress.update(bar, description=what)
            if store.kept(out, cell.planned) is None:
                try:
                    store.save(out, measure(cell))
                except HarnessError as error:
                    failed += 1
                    progress.console.print(f"{what}: {error}", style="red")
            progress.advance(bar)
    return failed


def _table(records: Sequence[Measured]) -> Table:
    table = Table(
        *("app", "cell", "service", "jobs/s", "of the slots", "p50 wait", "p95 wait"),
        *("MiB", "ms of CPU a job", "machine busy"),
    )
    for cell in summarize(records):
        used = cell.efficiency
        table.add_row(
            *(cell.series.app, f"{cell.replicas} x {cell.concurrency}"),
            *(cell.series.service, f"{cell.throughput.median:.1f}"),
            f"{used.median:.3f}" if used else "-",
            *(f"{cell.wait_s[part].median:.3f} s" for part in ("p50", "p95")),
            *(f"{cell.memory_mib.median:.0f}", f"{cell.cpu_s.median * 1000:.1f}"),
            f"{cell.busy.median:.0%}",
        )
    return table


if __name__ == "__main__":
    main()
