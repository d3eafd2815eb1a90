"""`python -m loadtests.openapi`: schemathesis against the application, in two weathers.

In health, with a worker that does what is submitted, and while Redis refuses the API.
Exit code 0: no 500, no status, header or body that is not declared, and no request
that contradicts the description was accepted; 1: see what schemathesis prints.
"""

import os
import subprocess
import sys
from pathlib import Path

import click

from harness import Faults, History, Stack
from loadtests.application import REFERENCE, running

CONFIG = Path(__file__).parent / "schemathesis.toml"

#: What schemathesis keeps: the requests that found something.
KEPT_IN = Path(__file__).parents[2] / ".qp" / "openapi"

#: Seconds a run may take after its time for testing is over.
ENDS_WITHIN_S = 60.0

#: As deployed, but one client may submit what it likes, and a request that waits for
#: its job waits a moment only.
ENV = {
    "STEERING_RATE_LIMIT": 0,
    "STEERING_BREAKER_FAILURES": 0,
    "STEERING_SYNC_WAIT": 0.2,
    "GAN_SOFT_TIME_LIMIT": 2,
    "GAN_HARD_TIME_LIMIT": 4,
}
ROLES = ("api", "worker", "beat")


@click.command()
@click.option("--seconds", default=30, show_default=True, help="Of testing, in health.")
@click.option("--without-redis", default=15, show_default=True, help="Likewise.")
@click.option("--seed", default=1, show_default=True, help="Of the requests.")
def main(seconds: int, without_redis: int, seed: int) -> None:
    """Ask every route everything that its description allows, and what it does not."""
    with running(REFERENCE, ROLES, env=ENV, links=["api"]) as stack:
        codes = [_test(stack, seconds, seed)]
        with Faults(stack, History()).refuse("api") as victim:
            if victim is None:
                raise RuntimeError("Redis refuses nothing: the API goes round its link")
            codes.append(_test(stack, without_redis, seed))
    sys.exit(max(codes))


def _test(stack: Stack, seconds: int, seed: int, *more: object) -> int:
    """Return the exit code of one run, which tells what it finds."""
    command = [
        *(Path(sys.executable).with_name("schemathesis"), "--config-file", CONFIG),
        *("run", f"{stack.urls.api}/openapi.json", "--max-time", seconds),
        *("--phases", "examples,coverage,fuzzing,stateful"),
        *("--seed", seed, "--warnings", "off", *more),
    ]
    KEPT_IN.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [str(word) for word in command],
        cwd=KEPT_IN,
        env={**os.environ, "NO_COLOR": "1"},
        timeout=seconds + ENDS_WITHIN_S,
        check=False,
    )
    return done.returncode


if __name__ == "__main__":
    main()
