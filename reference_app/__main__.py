"""`python -m reference_app api | worker | beat | demo | patterns`."""

import click

from reference_app.settings import settings


@click.group()
def main() -> None:
    """Run one process of the reference application, the demonstration, or a list."""


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


@main.command()
@click.argument("what", type=click.Choice(["steering", "tvae"]), default="steering")
@click.option("--out", default=".qp/demo", help="Folder of the plots (tvae).")
def demo(what: str, out: str) -> None:
    """Show one job from submit to result, with everything it needs.

    `steering` compares steered texts; `tvae` trains a model of a machine's telemetry,
    generates data with it and draws both.
    """
    if what == "tvae":
        from reference_app.tvae import demo as tvae_demo

        raise SystemExit(tvae_demo.main(out))
    from reference_app import demo

    raise SystemExit(demo.main())


@main.command()
def patterns() -> None:
    """List the patterns: what each guarantees, and the contract that proves it."""
    from reference_app import pattern_list

    pattern_list.print_all()


if __name__ == "__main__":
    main()
