"""A lost child's message goes back to its queue, for the next child to die of."""

from celery import Celery

app = Celery("poison_loop", broker="redis://redis.invalid/0")
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_soft_time_limit=15,
    task_time_limit=20,
    broker_transport_options={"visibility_timeout": 60},
    worker_concurrency=2,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
)


@app.task(max_retries=0)
def import_file(path):
    return path
