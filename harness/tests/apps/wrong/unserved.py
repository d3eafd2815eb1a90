"""A route leads to a queue, and no worker serves it."""

from celery import Celery

app = Celery("unserved", broker="redis://redis.invalid/0")
app.conf.update(
    task_routes={"unserved.train": {"queue": "gan"}},
    task_soft_time_limit=5,
    task_time_limit=8,
    worker_concurrency=2,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
)


@app.task
def report():
    return "fine"


@app.task
def train(epochs):
    return epochs
