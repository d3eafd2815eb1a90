"""The worker process: Celery's own, started with what this application needs.

`python -m reference_app worker [OPTIONS] [CELERY OPTIONS]`; of two equal options the
last one wins, so an operator can override everything.
"""

import gc
import importlib
import os
from collections.abc import Sequence

# Before anything imports torch: a second thread in the parent hangs every child.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from reference_app import supervision
from reference_app.broker import QueueRow, app, queue_table
from reference_app.patterns import outage, recycle
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
    served = rows_of(names, table)
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
        "--loglevel=INFO",
        f"--hostname=worker-{os.getpid()}@%h",
        *further,
    ]


def rows_of(names: str, table: Sequence[QueueRow]) -> list[QueueRow]:
    """Return the rows of comma-separated queues; one without a row asks for nothing."""
    wanted = {name.strip() for name in names.split(",")}
    return [row for row in table if row.name in wanted]


def main(arguments: Sequence[str]) -> None:
    """Run the worker until SIGTERM, which lets the running job finish."""
    recycle.install(app, every_s=settings().worker_maintenance_interval)
    outage.install(app)
    supervision.install(app, settings())
    _preload(rows_of(queues_in(arguments), queue_table(settings())))
    app.worker_main(list(arguments))


def queues_in(arguments: Sequence[str]) -> str:
    """Return the queues that Celery will serve by this line: the last ones named."""
    found = ""
    for option, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if option in ("-Q", "--queues"):
            found = following
        elif option.startswith("--queues="):
            found = option.removeprefix("--queues=")
        elif option.startswith("-Q"):
            found = option.removeprefix("-Q")
    return found


def _preload(rows: Sequence[QueueRow]) -> None:
    # Imports only, no operation, no weights: a fresh child then costs a fork.
    for module in {row.preload for row in rows if row.preload}:
        importlib.import_module(module).preload()
    # Celery collects garbage before each fork; what was imported is none.
    gc.collect()
    gc.freeze()
