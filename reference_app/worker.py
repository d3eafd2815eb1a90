"""The worker process: Celery's own, started with what this application needs.

`python -m reference_app worker [OPTIONS] [CELERY OPTIONS]`; of two equal options the
last one wins, so an operator can override everything.
"""

import gc
import os
from collections.abc import Sequence

# Before anything imports torch: a second thread in the parent hangs every child.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from reference_app import leaving, memory, supervision
from reference_app.broker import QUEUES, app
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
    """Return the command line for Celery's worker."""
    all_queues = ",".join(row.name for row in QUEUES)
    per_child = settings.steering_max_tasks_per_child
    return [
        "worker",
        f"--pool={pool or settings.worker_pool}",
        f"--concurrency={concurrency or settings.worker_concurrency}",
        f"--queues={queues or settings.worker_queues or all_queues}",
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


def main(arguments: Sequence[str]) -> None:
    """Run the worker until SIGTERM; the running job may finish within the grace."""
    recycle.install(app, every_s=settings().worker_maintenance_interval)
    outage.install(app)
    supervision.install(app, settings())
    leaving.install(settings())
    _preload()
    memory.install(app, settings(), arguments)
    app.worker_main(list(arguments))


def _preload() -> None:
    # Imports only, no operation, no weights: a fresh child then costs a fork.
    from reference_app.steering import generate

    generate.preload()
    # Celery collects garbage before each fork; what was imported is none.
    gc.collect()
    gc.freeze()
