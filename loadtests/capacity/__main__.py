"""`python -m loadtests.capacity --arrivals 50/s --service exp:2s --p95-wait 5s`."""

import dataclasses
import json
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from loadtests.capacity.machine import Costs
from loadtests.capacity.plan import Impossible, Plan, plan
from loadtests.capacity.service import parse, seconds

EPILOG = """Examples:

\b
python -m loadtests.capacity --arrivals 50/s --service exp:2s --p95-wait 5s
python -m loadtests.capacity --arrivals 20000/s --service exp:2s --p95-wait 1s \
    --costs .qp/load/costs.json --cores 2000 --shards 16 --concurrency 8
python -m loadtests.capacity --arrivals 600/min --service pareto:0.1,1.8 --p95-wait 1s
python -m loadtests.capacity ... --costs .qp/load/costs.json  as measured here

Exit codes: 0 answered, 1 no number of workers does it, 2 wrong use.
"""

_PER = {"s": 1.0, "min": 60.0, "h": 3600.0}


def _rate(_: click.Context, __: click.Parameter, text: str) -> float:
    number, _, unit = text.partition("/")
    try:
        rate = float(number) / _PER[unit or "s"]
    except (KeyError, ValueError):
        raise click.BadParameter(
            f"{text!r}: write jobs per second, minute or hour, as in 50/s or 600/min"
        ) from None
    if rate <= 0:
        raise click.BadParameter(f"{text!r} is not above 0")
    return rate


def _seconds(_: click.Context, __: click.Parameter, text: str) -> float:
    try:
        return seconds(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r}: write seconds, as in 5s") from error


def _costs(_: click.Context, __: click.Parameter, path: Path | None) -> Costs:
    if path is None:
        return Costs()
    try:
        return Costs(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        known = ", ".join(field.name for field in dataclasses.fields(Costs))
        raise click.BadParameter(f"{path}: {error}. It may say {known}.") from error


@click.command(epilog=EPILOG)
@click.option("--arrivals", required=True, callback=_rate, help="Jobs, as in 50/s.")
@click.option("--service", required=True, help="What a job takes, as in exp:2s.")
@click.option(
    "--p95-wait", "wait_s", required=True, callback=_seconds, help="As in 5s."
)
@click.option("--concurrency", default=1, show_default=True, help="Slots of a worker.")
@click.option("--prefetch", type=int, help="Messages reserved per slot; default: none.")
@click.option(
    "--costs",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    callback=_costs,
    help="What a job costs beside its work, measured by loadtests.capacity.check; "
    "default: nothing.",
)
@click.option("--cores", type=float, help="Processors that workers and API share.")
@click.option("--shards", type=int, help="Redis servers that share the queues.")
@click.option("--apis", type=int, help="API processes.")
@click.option("--seed", default=1, show_default=True, help="Of what is simulated.")
@click.option("--json", "as_json", is_flag=True)
def main(
    arrivals: float,
    service: str,
    wait_s: float,
    concurrency: int,
    prefetch: int | None,
    costs: Costs,
    cores: float | None,
    shards: int | None,
    apis: int | None,
    seed: int,
    as_json: bool,
) -> None:
    """Say how many workers keep 95 of 100 jobs from waiting longer, and why."""
    there = {"cores": cores, "shards": shards, "apis": apis}
    known = {name: value for name, value in there.items() if value is not None}
    costs = dataclasses.replace(costs, **known)
    try:
        taken = parse(service)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    try:
        made = plan(
            *(arrivals, taken, wait_s, costs),
            concurrency=concurrency,
            prefetch=prefetch,
            seed=seed,
        )
    except Impossible as error:
        click.echo(f"capacity: {error}", err=True)
        sys.exit(1)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(made)))
        return
    deployment = made.deployment
    click.echo(
        f"{deployment.replicas} workers with {deployment.concurrency} slots each"
    )
    Console().print(_why(made, arrivals, wait_s))


def _why(made: Plan, arrivals: float, wait_s: float) -> Table:
    found, slots = made.prediction, made.deployment.slots
    table = Table(show_header=False, box=None)
    rows = {
        "work": f"{made.offered:.3g} slots busy on average",
        "slots": f"{slots}, used {made.offered / slots:.0%}",
        "p95 wait": f"{found.waits_s[0.95]:.3g} s of {wait_s:g} s ({found.how})",
        "limits": ", ".join(
            f"{name} {rate:.3g}/s" for name, rate in sorted(made.limits.items())
        ),
        "next limit": f"{found.limit}, at {arrivals / found.used:.3g} jobs/s",
    }
    for name, text in rows.items():
        table.add_row(name, text)
    return table


if __name__ == "__main__":
    main()
