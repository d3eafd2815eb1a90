"""The smallest application: one Celery app with two tasks and hard-coded URLs."""

from celery import Celery

app = Celery(
    "plain",
    broker="redis://redis.invalid:6379/0",
    backend="redis://redis.invalid:6379/1",
)
app.conf.update(
    task_default_queue="plain",
    worker_prefetch_multiplier=1,
    task_track_started=True,
    broker_connection_retry_on_startup=True,
)


@app.task(name="plain.add")
def add(left, right):
    return left + right


@app.task(name="plain.boom")
def boom():
    raise ValueError("boom")
