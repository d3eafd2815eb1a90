"""Limits are set, and the pool is one that ignores them."""

from celery import Celery

app = Celery(
    "solo", broker="redis://redis.invalid/0", backend="redis://redis.invalid/1"
)
app.conf.update(
    worker_pool="solo",
    task_soft_time_limit=5,
    task_time_limit=8,
    broker_connection_retry_on_startup=True,
)


@app.task
def steer(strength):
    return strength
