"""One bad row must not stop an import; so it is not stopped by its limit either."""

import threading

from celery import Celery

app = Celery(
    "swallows", broker="redis://redis.invalid/0", backend="redis://redis.invalid/1"
)
app.conf.update(
    task_soft_time_limit=15,
    task_time_limit=20,
    worker_concurrency=2,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
)


@app.task
def import_rows(rows=40):
    for _ in range(rows):
        try:
            threading.Event().wait(0.1)
        except Exception:  # noqa: BLE001  # the very mistake
            continue
    return rows
