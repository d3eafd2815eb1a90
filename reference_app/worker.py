"""The worker process: Celery's own, started with what this application needs.

`python -m reference_app worker [OPTIONS] [CELERY OPTIONS]`; of two equal options the
last one wins, so an operator can override everything.
"""

import gc
import importlib
import os
import shlex
import sys
from collections.abc import Sequence
from itertools import pairwise

# Before anything imports torch: a second thread in the parent hangs every child.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from reference_app import leaving, memory, supervision
from reference_app.broker import QueueRow, app, queue_table
from reference_app.patterns import orphans, outage, recycle
from reference_app.settings import Settings, settings


def arguments(
    settings: Settings,
    *,
    queues: str = "",
    pool: str = "",
    concurrency: int = 0,
    further: Sequence[str] = (),
) -> list[str]:
    """Return the command line for Celery's worker.

    What the settings leave open is the strictest that any of its queues asks for, since
    one child runs the jobs of all of them.
    """
    table = queue_table(settings)
    names = queues or settings.worker_queues or ",".join(row.name for row in table)
    further = [*shlex.split(settings.worker_extra_args), *further]
    served = rows_of(value_of(further, "--queues", "-Q") or names, table)
    at_once = concurrency or settings.worker_concurrency
    at_once = at_once or min((row.concurrency for row in served), default=1)
    per_child = min((row.per_child for row in served if row.per_child), default=0)
    return [
        "worker",
        f"--pool={pool or settings.worker_pool}",
        f"--concurrency={at_once}",
        f"--queues={names}",
        *([f"--max-tasks-per-child={per_child}"] if per_child else []),
        # Cancelling needs no revoke list: the row says it.
        "--without-mingle",
        "--without-gossip",
        # Sending one blocks the event loop as long as Redis is away: no time limit,
        # no shutdown. A ping is answered all the same.
        "--without-heartbeat",
        f"--loglevel={settings.worker_loglevel}",
        f"--hostname={settings.worker_hostname}",
        *further,
    ]


def rows_of(names: str, table: Sequence[QueueRow]) -> list[QueueRow]:
    """Return the rows of comma-separated queues; one without a row asks for nothing."""
    wanted = {name.strip() for name in names.split(",")}
    return [row for row in table if row.name in wanted]


def main(arguments: Sequence[str]) -> None:
    """Run the worker until SIGTERM; the running job may finish within the grace."""
    recycle.install(app, every_s=settings().worker_maintenance_interval)
    outage.install(app)
    orphans.install(app)
    supervision.install(app, settings())
    leaving.install(settings())
    _report_what_is_ignored(value_of(arguments, "--pool", "-P"))
    queues = value_of(arguments, "--queues", "-Q")
    _preload(rows_of(queues, queue_table(settings())))
    memory.install(app, settings(), arguments)
    app.worker_main(list(arguments))


def value_of(arguments: Sequence[str], option: str, short: str) -> str:
    """Return the value that Celery will use: the last one on the line."""
    found = ""
    for given, following in pairwise([*arguments, ""]):
        if given in (option, short):
            found = following
        elif given.startswith(f"{option}="):
            found = given.removeprefix(f"{option}=")
        elif given.startswith(short) and not given.startswith("--"):
            found = given.removeprefix(short)
    return found


def ignored_by(pool: str) -> list[str]:
    """Return what is declared and what this pool silently ignores."""
    if pool in ("prefork", "processes"):
        return []
    ignored = ["--max-tasks-per-child", "soft time limits"]
    return ignored if pool in ("gevent", "eventlet") else [*ignored, "hard time limits"]


def _report_what_is_ignored(pool: str) -> None:
    ignored = ", ".join(ignored_by(pool))
    if ignored:
        # Not logging: it is not set up before Celery's worker starts.
        print(  # noqa: T201
            f"The pool {pool} ignores what is declared: {ignored}. Use prefork.",
            file=sys.stderr,
            flush=True,
        )


def _preload(rows: Sequence[QueueRow]) -> None:
    # Imports only, no operation, no weights: a fresh child then costs a fork.
    for module in {row.preload for row in rows if row.preload}:
        importlib.import_module(module).preload()
    # Celery collects garbage before each fork; what was imported is none.
    gc.collect()
    gc.freeze()
