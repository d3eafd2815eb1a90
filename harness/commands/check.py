"""`queueproof check`: point it at any Celery application."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import psutil
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from harness.app_path import again_with, from_options
from harness.checking import Check, Outcome, chosen, pages
from harness.commands.outputs import outputs, write_outputs
from harness.engines.choice import ENGINES
from harness.profile import Profile
from harness.report.table import verdict_table
from harness.report.verdict_file import FILE_NAME
from harness.run import Run, run_folder
from harness.situations import Situation
from harness.target import Target
from harness.verdict import Status

EPILOG = """Examples:

\b
queueproof check shop.broker:app
    the worker as `celery -A shop.broker:app worker` starts it in this folder
queueproof check shop:app --command "{python} run.py worker -Q fast,slow"
    as it is deployed
queueproof check shop:app --env "SHOP_REDIS={broker}"
    where the application reads its broker's address from
queueproof check shop:app --beat "{python} -m celery -A {app} beat"
queueproof check shop:app --job shop.tasks.import_all=20 --only time_limit
queueproof check --engine container
    what is described in this folder, each part in a container of its own
queueproof check shop:app --junit verdicts.xml --github

\b
In commands and values of --env: {python} {app} {broker} {results} {data}.
CELERY_BROKER_URL and CELERY_RESULT_BACKEND are always set, and beat what is written
in the application; its own Redis is never touched, and neither are its files.

Exit codes: 0 all hold or are not applicable, 1 violated, 2 wrong use, or the
application does not start, 3 inconclusive, 4 the harness failed.
"""

_COLOURS = {
    Status.HOLDS: "green",
    Status.VIOLATED: "bold red",
    Status.INCONCLUSIVE: "yellow",
}

#: Columns of a table nobody looks at on a screen of its own.
WIDTH = 110


@click.command(epilog=EPILOG)
@click.argument("app", required=False)
@click.option("--command", help="The worker's command, as deployed.")
@click.option("--beat", help="The command of beat, where there is one.")
@click.option("--queues", help="Queues to use, a,b; default: all the worker serves.")
@click.option("--python", help="The application's interpreter; default: this one.")
@click.option(
    "--chdir",
    type=click.Path(file_okay=False, exists=True),
    help="Where commands start; default: here. Read, never written to.",
)
@click.option(
    "--pythonpath",
    multiple=True,
    type=click.Path(file_okay=False, exists=True),
    help="A folder to import from; repeatable. The start folder is one anyway.",
)
@click.option("--env", multiple=True, metavar="NAME=VALUE", help="Repeatable.")
@click.option(
    "--job",
    multiple=True,
    metavar="TASK=SECONDS",
    help="A task of the application that runs so long without arguments; repeatable. "
    "Its time-out is then judged, too. With arguments: a [job] in --target.",
)
@click.option(
    "--target",
    type=click.Path(dir_okay=False, exists=True),
    help="A description in TOML, instead of APP.",
)
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default=ENGINES[0],
    show_default=True,
    help="Where the application's processes run.",
)
@click.option("--only", multiple=True, help="A situation or a room of them.")
@click.option("--contract", multiple=True, help="What judges this contract.")
@click.option("--run-dir", help="Where everything goes; default: .qp/runs/...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
@outputs
def check(
    app: str | None,
    only: Sequence[str],
    contract: Sequence[str],
    engine: str,
    run_dir: str | None,
    as_json: bool,
    junit: Path | None,
    github: bool,
    **options: Any,
) -> None:
    """Hurt any Celery application's worker, and say what it keeps.

    APP is package.module:attribute. Its worker is started as it is deployed, with its
    own settings, pool and queues, on a Redis made for it; then it is put in every
    situation that needs nothing of an application but Celery. Each contract holds, is
    violated, or is not applicable, with the reason.

    Without APP and --target, what describes it is the first there is, in this folder,
    of queueproof.toml, [tool.queueproof] in pyproject.toml, and scenarios/target.toml.
    """
    console = Console(stderr=as_json, highlight=False)
    target = from_options(app, options)
    situations = chosen(only, contract)
    run = Run(target, lambda: run_folder(Path.cwd(), run_dir), engine=engine)
    again = again_with(app, options)
    again += f" --engine {engine}" if engine != ENGINES[0] else ""
    checking = Check(run, lambda situation: f"{again} --only {situation.name}")
    try:
        with console.status(f"starting {target.app}"):
            profile = checking.profile()
        _print_profile(console, target, profile)
        outcomes, first_s = _perform(console, checking, situations)
    finally:
        run.close()
    took = {"first_verdict_s": round(first_s, 1), "all_s": round(_running_s(), 1)}
    run.write(profile=profile.to_dict(), **took)
    if as_json:
        click.echo((run.folder / FILE_NAME).read_text(encoding="utf-8"), nl=False)
    else:
        for page in pages(outcomes):
            click.echo(f"\n{page}")
        click.echo("")
        click.echo(
            verdict_table(
                run.tests,
                about={
                    **run.about,
                    "first verdict after": f"{first_s:.1f} s",
                    "all after": f"{_running_s():.1f} s",
                },
                not_applicable=run.skipped,
                width=max(console.width, WIDTH),
                colour=console.is_terminal,
            )
        )
        for note in [*run.notes, *(text for text, _ in run.errors)]:
            click.echo(f"note: {note.partition(chr(10))[0]}")
    write_outputs(run.tests, junit=junit, github=github, not_applicable=run.skipped)
    if run.exit_code:
        raise SystemExit(int(run.exit_code))


def _perform(
    console: Console, checking: Check, situations: Sequence[Situation]
) -> tuple[list[Outcome], float]:
    """Return what became of each, and the seconds until the first verdict."""
    outcomes: list[Outcome] = []
    first_s = 0.0
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        doing = progress.add_task("")

        def tell(situation: Situation) -> None:
            done = f"{len(outcomes) + 1} of {len(situations)}"
            progress.reset(doing, description=f"{done}: {situation.about}")

        for outcome in checking.perform(situations, tell):
            outcomes.append(outcome)
            first_s = first_s or (_running_s() if outcome.judged else 0.0)
            _print_outcome(console, outcome)
    return outcomes, first_s


def _running_s() -> float:
    """Return the seconds since this process was started, its imports included."""
    return time.time() - float(psutil.Process().create_time())


def _print_profile(console: Console, target: Target, profile: Profile) -> None:
    console.print(target.app, style="bold", markup=False)
    for name, text in profile.lines():
        console.print(f"  {name:<11} {text}", markup=False, soft_wrap=True)


def _print_outcome(console: Console, outcome: Outcome) -> None:
    situation, judged = outcome.situation, outcome.judged
    status = outcome.status or ("not applicable" if outcome.why else "failed")
    took = f"{judged.duration_s:5.1f} s" if judged else " " * 7
    told = outcome.why or outcome.error.partition("\n")[0] or situation.about
    style = _COLOURS[outcome.status] if outcome.status else "dim"
    console.print(f"  {status:<14} {took}  ", style=style, end="")
    console.print(f"{situation.name}  {told}", markup=False, soft_wrap=True)
