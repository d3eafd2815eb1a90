"""The training as a program of its own, which tells its progress in lines.

    python -m reference_app.tvae.train_script --machine-id ID --epochs N --job-id JOB

Run again with the same job id it goes on from its last checkpoint. Lines have the form
`Epoch 50/300, Loss: 0.0423`; the last one is the result as JSON. It reads its settings
from the environment, as every process of the application does.
"""

import json
import os
import sys
from typing import Any

import click

from reference_app.tvae import work
from reference_app.tvae.errors import GanError, TryLater


class Lines:
    """A job's context outside any queue: progress goes to standard output."""

    def __init__(self, job_id: str, attempt: int) -> None:
        self.job_id, self.attempt = job_id, attempt

    def report(
        self, percent: float, message: str, *, force: bool = False, **data: Any
    ) -> None:
        """Print the message, at once."""
        click.echo(message)
        sys.stdout.flush()

    def check_cancelled(self) -> None:
        """Go on: who wants this process to stop sends it a signal."""

    def mark(self, name: str) -> None:
        """Leave it to the job that runs this program."""


@click.command()
@click.option("--machine-id", required=True)
@click.option("--epochs", type=click.IntRange(1), required=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--job-id", required=True, help="Names the model and the checkpoint.")
@click.option(
    "--attempt",
    type=click.IntRange(1),
    default=1,
    envvar="JOB_ATTEMPT",
    help="Of the job; an earlier one writes no checkpoint any more.",
)
@click.option("--retry-of", help="Goes on where this job stopped.")
@click.option("--progress-every", type=click.IntRange(1), default=10, show_default=True)
def main(job_id: str, attempt: int, **request: Any) -> None:
    """Train a machine's model on its seed data; exit 1 with a reason in a line.

    Exit 75 if it is worth another attempt.
    """
    try:
        result = work.train(request, Lines(job_id, attempt))
    except TryLater as error:
        click.echo(str(error), err=True)
        sys.exit(os.EX_TEMPFAIL)
    except GanError as error:
        raise click.ClickException(str(error)) from None
    click.echo(json.dumps(result))


if __name__ == "__main__":
    main()
