"""`python -m reference_app COMMAND`; without one it lists them."""

import sys
from pathlib import Path

import click

from reference_app.agent.cli import agent
from reference_app.background import Background, BackgroundError
from reference_app.settings import settings


@click.group()
def main() -> None:
    """Run one process of the reference application, the demonstration, or a list."""


main.add_command(agent)


@main.command()
@click.option("--host", default=None, help="Default: API_HOST.")
@click.option("--port", type=int, default=None, help="Default: API_PORT.")
def api(host: str | None, port: int | None) -> None:
    """Serve HTTP and Socket.IO."""
    from reference_app import api

    api.main(host or settings().api_host, port or settings().api_port)


@main.command(context_settings={"ignore_unknown_options": True})
@click.option("--queues", "-Q", default="", help="Default: all of the queue table.")
@click.option("--pool", "-P", default="", help="Default: WORKER_POOL.")
@click.option("--concurrency", "-c", type=int, default=0)
@click.argument("further", nargs=-1, type=click.UNPROCESSED)
def worker(queues: str, pool: str, concurrency: int, further: tuple[str, ...]) -> None:
    """Run jobs; FURTHER options go to Celery's worker as they are."""
    from reference_app import worker

    worker.main(
        worker.arguments(
            settings(),
            queues=queues,
            pool=pool,
            concurrency=concurrency,
            further=further,
        )
    )


@main.command()
def beat() -> None:
    """Run the schedule and the reconciler."""
    from reference_app import beat

    beat.main()


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(arguments: tuple[str, ...]) -> None:
    """Become worker or beat: [worker|beat] [OPTIONS], else as RUN_MODE says."""
    from reference_app import run

    run.main(arguments)


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("role", type=click.Choice(["api", "worker", "beat"]))
@click.option("--name", default="", help="Of one among several. Default: the role.")
@click.argument("further", nargs=-1, type=click.UNPROCESSED)
def start(role: str, name: str, further: tuple[str, ...]) -> None:
    """Run a role in the background, and again whenever it ends unasked."""
    keeper = _background(name or role).start(
        [sys.executable, "-m", "reference_app", role, *further]
    )
    click.echo(f"{name or role} runs, kept by process {keeper}")


@main.command()
@click.argument("name")
@click.option(
    "--within", default=0.0, help="Seconds until it is killed. Default: a longest job."
)
def stop(name: str, within: float) -> None:
    """Stop what `start` started, after its running job."""
    longest_s = settings().steering_sweep_hard_time_limit
    stopped = _background(name).stop(within_s=within or longest_s)
    click.echo(f"{name} {'is stopped' if stopped else 'did not run'}")


@main.command()
@click.argument("name")
def running(name: str) -> None:
    """Tell by the exit code whether NAME runs in the background: 0 yes, 1 no."""
    pids = _background(name).running()
    click.echo(f"{name}: {' '.join(map(str, pids)) or 'not running'}")
    raise SystemExit(0 if len(pids) > 1 else 1)


def _background(name: str) -> Background:
    return Background(settings().data_dir.resolve() / "run", name)


@main.command()
@click.argument("name", type=click.Choice(["before", "mixed", "after", "rolled_back"]))
@click.option("--show", is_flag=True, help="Print the commands, start nothing.")
def stage(name: str, show: bool) -> None:
    """Run all processes of a stage of the migration."""
    from reference_app import stages

    if show:
        click.echo(stages.describe(stages.STAGES[name]))
        return
    raise SystemExit(stages.run(stages.STAGES[name]))


@main.command()
@click.argument(
    "what", type=click.Choice(["steering", "tvae", "agent"]), default="steering"
)
@click.option("--out", default=".qp/demo", help="Folder of what stays (tvae, agent).")
def demo(what: str, out: str) -> None:
    """Show one job from submit to result, with everything it needs.

    `steering` compares steered texts; `tvae` trains a model of a machine's telemetry,
    generates data with it and draws both; `agent` makes a knowledge base of notes and
    asks it a question.
    """
    if what == "tvae":
        from reference_app.tvae import demo as tvae_demo

        raise SystemExit(tvae_demo.main(out))
    if what == "agent":
        from reference_app.agent import demo as agent_demo

        raise SystemExit(agent_demo.main(out))
    from reference_app import demo

    raise SystemExit(demo.main())


@main.group(invoke_without_command=True)
@click.pass_context
def patterns(context: click.Context) -> None:
    """List the patterns, show one, or copy one into a package of yours."""
    if context.invoked_subcommand is None:
        context.invoke(patterns_list)


@patterns.command("list")
def patterns_list() -> None:
    """Say what each guarantees, and the contract that proves it."""
    from reference_app import pattern_list

    pattern_list.print_all()


@patterns.command("show")
@click.argument("name")
def patterns_show(name: str) -> None:
    """Print the file of pattern NAME; into a pipe exactly as it is."""
    from reference_app import pattern_list

    try:
        pattern_list.show(pattern_list.find(name))
    except pattern_list.UnknownPattern as error:
        raise click.UsageError(str(error)) from None


@patterns.command("add")
@click.argument("name")
@click.argument("dest", type=click.Path(file_okay=False, path_type=Path))
@click.option("--tests", is_flag=True, help="Its tests, too, into DEST/tests.")
def patterns_add(name: str, dest: Path, tests: bool) -> None:
    """Copy pattern NAME into the package folder DEST; nothing is overwritten."""
    from reference_app import pattern_copy, pattern_list

    try:
        copied = pattern_copy.add(pattern_list.find(name), dest, tests=tests)
    except (pattern_list.UnknownPattern, pattern_copy.CopyRefused) as error:
        raise click.UsageError(str(error)) from None
    for path in copied.files:
        click.echo(f"copied     {path}")
    click.echo(f"contracts  {', '.join(copied.contracts)}")
    click.echo(f"install    {copied.library or 'nothing'}")
    if tests:
        click.echo(f"tests      pip install {' '.join(pattern_copy.TEST_NEEDS)}")
        click.echo(f"           python -m pytest {dest / 'tests'}")
        click.echo('           without servers: -m "not real" (register that mark)')
    else:
        click.echo(f"tests      test_{name}.py, with --tests")


if __name__ == "__main__":
    try:
        main()
    except BackgroundError as error:
        sys.exit(str(error))
