"""The smallest application there is something to hurt of: two tasks and a schedule."""

from celery import Celery

app = Celery("small")
app.conf.update(
    task_default_queue="small",
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    beat_schedule={"tick": {"task": "small.tick", "schedule": 0.5}},
)


@app.task(name="small.add")
def add(left, right):
    """Take two arguments: a message of an older release brings only one."""
    return left + right


@app.task(name="small.tick")
def tick():
    """Show that beat sends."""
